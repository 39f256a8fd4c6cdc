// The console, by which a person has an account: in, through and out again, on
// a phone and with the keyboard alone.

import assert from "node:assert/strict";
import { after } from "node:test";

import { PASSWORD, Server, eventually } from "./server.js";
import { visit } from "./browser.js";
import { assert_right, assert_wrong, button, enter, field, form, go, heading,
	kept, log_in, look, open, sentence, submit, types } from "./console.js";

const server = await new Server({ settings: { RATE_LIMIT_PER_USER: "1000",
	RATE_LIMIT_PER_ADDRESS: "1000" } }).start();
after(() => server.remove());

const phone = (more) => () => ({ origin: server.origin, ...more });

visit("who has only the URL registers, reads the profile, revokes a login",
	phone(), async ({ page, requests }) => {
	await open(page, server.url);
	await page.getByRole("link", { name: "Register" }).click();
	await submit(page, "Register", { Email: "ada@example.com",
		Username: "ada", Password: PASSWORD });
	await heading(page, "Account").waitFor();
	const profile = form(page, "Profile");
	await profile.waitFor();
	assert.equal(await field(profile, "Username").inputValue(), "ada");
	assert.equal(await field(profile, "Email").inputValue(),
		"ada@example.com");

	const other = await server.login("ada", PASSWORD,
		{ "User-Agent": "curl/7.88.1" });
	await go(page, "Logins");
	const logins = page.getByRole("main").getByRole("listitem");
	await logins.filter({ hasText: "curl 7.88" }).waitFor();
	assert.equal(await logins.count(), 2);
	assert.equal(await logins.filter({ hasText: "this login" }).count(), 1);
	await look(page, "logins");
	await page.getByRole("button", { name: /^Revoke curl 7\.88/ }).click();
	const dialog = page.getByRole("dialog", { name: "Revoke this login?" });
	await dialog.getByText("curl 7.88").waitFor();
	await look(page, "revocation");
	assert.ok(await button(dialog, "Cancel").evaluate(
		(element) => element === document.activeElement));
	await button(dialog, "Revoke").click();
	await logins.filter({ hasText: "curl 7.88" })
		.waitFor({ state: "detached" });
	await page.getByRole("status").getByText("curl 7.88 is logged out.")
		.waitFor();
	await look(page, "revoked");
	assert.equal(await logins.count(), 1);
	assert.equal((await server.call("GET", "/api/auth/me",
		{ token: other.access_token })).status, 401);
	assert.ok(requests.every((request) =>
		/^(GET|POST|DELETE) \/(console|static|api|health)/.test(request)));
});

visit("the entrance says what this is, and leads to what describes it",
	phone(), async ({ page }) => {
	await open(page, server.url);
	for (const [name, path] of [["to try out", "docs"],
		["to read", "redoc"]])
		assert.equal(await page.getByRole("main").getByRole("link",
			{ name, exact: true }).getAttribute("href"), `/${path}`);
	await page.getByRole("link", { name: "Register" }).click();
	await page.getByText("3 to 50 characters, no @").waitFor();
});

visit("logins that are alike are told apart, and none was renewed at once",
	phone(), async ({ page }) => {
	const login = page.locator(".login");

	await server.register("lil");
	await enter(page, server.url, "lil");
	await go(page, "Logins");
	await login.nth(1).waitFor();
	assert.equal(await page.getByText("last renewed").count(), 0);
	assert.equal(await page.getByText(/\d\d:\d\d\)/).count(), 0);
	await button(page, "Renew now").click();
	await page.getByText("The tokens are renewed.").waitFor();
	await server.login("lil");
	await button(page, "Load again").click();
	await login.nth(2).waitFor();
	assert.equal(await login.filter({ hasText: "this login" })
		.getByText("last renewed").count(), 1);
	assert.equal(await login.getByText(/ago|just now \(.*\d\d:\d\d\)/)
		.count(), 2);
	await look(page, "logins alike");
});

visit("the console weighs less than 72 KiB", phone(), async ({ context, page,
	requests }) => {
	const devtools = await context.newCDPSession(page);
	let weight = 0;
	let loaded = 0;

	await devtools.send("Network.enable");
	devtools.on("Network.loadingFinished", ({ encodedDataLength }) => {
		weight += encodedDataLength;
		loaded++;
	});
	await open(page, server.url);
	await page.getByText("healthy").first().waitFor();
	await eventually(() => loaded >= requests.length, "all of the page");
	assert.ok(loaded > 15);
	assert.ok(weight > 10 * 1024 && weight < 72 * 1024, `${weight} bytes`);
});

visit("what is typed wrong at a registration is said at its field", phone(),
	async ({ page }) => {
	const register = form(page, "Register");
	const send = (values) => submit(page, "Register", values);

	await server.register("taken");
	await open(page, server.url, "#register");
	await look(page, "register");
	await send({});
	for (const label of ["Email", "Username", "Password"])
		await assert_wrong(register, label, types.missing(),
			label === "Email");
	await look(page, "register empty");
	await send({ Email: "ada", Username: "a@b", Password: "short" });
	await assert_wrong(register, "Email",
		sentence("An email address must have an @-sign."));
	await assert_wrong(register, "Username", sentence("user names must not contain '@'"),
		false);
	await assert_wrong(register, "Password", types.string_too_short({ min_length: 8 }),
		false);
	await look(page, "register wrong");
	await send({ Email: "new@example.com", Username: "x".repeat(51),
		Password: "control\u0007" });
	await assert_right(register, "Email");
	await assert_wrong(register, "Username",
		types.string_too_long({ max_length: 50 }));
	await assert_wrong(register, "Password",
		sentence("must not contain control characters"),
		false);
	await send({ Username: "TAKEN", Password: PASSWORD });
	await assert_wrong(register, "Username",
		sentence("Username already registered"));
	await send({ Email: "taken@EXAMPLE.com", Username: "free" });
	await assert_wrong(register, "Email",
		sentence("Email already registered"));
	await assert_right(register, "Username");
	assert.equal(await field(register, "Username").inputValue(), "free");
	assert.equal(await kept(page), null);
});

visit("a wrong name or password says so, and not which", phone(),
	async ({ page }) => {
	const alert = form(page, "Log in").getByRole("alert");
	const said = [];

	await server.register("bea");
	await open(page, server.url);
	await look(page, "login");
	await submit(page, "Log in", {});
	await assert_wrong(form(page, "Log in"), "Username or email",
		types.missing());
	for (const name of ["bea", "nobody"]) {
		await log_in(page, name, "wrong password");
		await alert.getByText(sentence("Incorrect username or password"))
			.waitFor();
		said.push(await form(page, "Log in").innerText());
		await assert_right(form(page, "Log in"), "Password");
	}
	assert.equal(said[0], said[1]);
	await look(page, "login wrong");
	assert.equal(await kept(page), null);
});

visit("a password can be looked at, and is hidden again", phone(),
	async ({ page }) => {
	const login = form(page, "Log in");
	const password = field(login, "Password");

	await server.register("cid");
	await open(page, server.url);
	await password.fill(PASSWORD);
	assert.equal(await password.getAttribute("type"), "password");
	await button(login, "Show password").click();
	assert.equal(await password.getAttribute("type"), "text");
	await button(login, "Hide password").click();
	assert.equal(await password.getAttribute("type"), "password");
	await log_in(page, "cid");
	await heading(page, "Account").waitFor();
	await button(page, "Log out").click();
	await heading(page, "Log in").waitFor();
	assert.equal(await password.inputValue(), "");
});

visit("a reload stays logged in, where it was", phone(), async ({ page }) => {
	await server.register("dan");
	await enter(page, server.url, "dan");
	await go(page, "Limits");
	await page.reload();
	await heading(page, "Limits").waitFor();
	await page.getByRole("banner").getByText("dan").waitFor();
	await page.getByText("All requests").waitFor();
	await look(page, "limits");
	await page.goBack();
	await heading(page, "Account").waitFor();
});

visit("a profile is changed, and what is wrong is said at its field", phone(),
	async ({ page }) => {
	const profile = form(page, "Profile");
	const save = (values) => submit(page, "Profile", values, "Save profile");

	await server.register("taken2");
	await server.register("eva");
	await enter(page, server.url, "eva");
	await look(page, "account");
	await save({ "Current password": PASSWORD });
	await profile.getByRole("alert").getByText(sentence("there must be an email or a username")).waitFor();
	await save({ Username: "eve", "Current password": "not it" });
	await assert_wrong(profile, "Current password",
		sentence("Incorrect password"));
	await look(page, "account wrong password");
	await save({ Username: "taken2", "Current password": PASSWORD });
	await assert_wrong(profile, "Username",
		sentence("Username already registered"));
	await save({ Username: "eva", Email: "TAKEN2@example.com" });
	await assert_wrong(profile, "Email",
		sentence("Email already registered"));
	await save({ Username: "ev", Email: "eve@example.com" });
	await assert_wrong(profile, "Username",
		types.string_too_short({ min_length: 3 }));
	await save({ Username: "eve" });
	await profile.getByRole("status").getByText("Your profile is saved.")
		.waitFor();
	assert.equal(await field(profile, "Current password").inputValue(), "");
	await page.getByRole("banner").getByText("eve", { exact: true }).waitFor();
	await look(page, "account saved");
	await page.reload();
	await profile.waitFor();
	assert.equal(await field(profile, "Username").inputValue(), "eve");
	assert.equal(await field(profile, "Email").inputValue(),
		"eve@example.com");
	assert.ok((await server.login("eve")).access_token);
});

visit("a changed password ends every other login, and not this one", phone(),
	async ({ page, context }) => {
	const passwords = form(page, "Password");
	const change = (values) => submit(page, "Password", values,
		"Change password");
	const before = await server.register("fay");

	await enter(page, server.url, "fay");
	const neighbour = await context.newPage();
	await open(neighbour, server.url);
	await heading(neighbour, "Account").waitFor();
	await change({ "Current password": "not it",
		"New password": "better password" });
	await assert_wrong(passwords, "Current password",
		sentence("Incorrect password"));
	await change({ "Current password": PASSWORD, "New password": "short" });
	await assert_wrong(passwords, "New password",
		types.string_too_short({ min_length: 8 }));
	await change({ "New password": "better password" });
	await passwords.getByRole("status").getByText(
		"Your password is changed. Every other login has ended.").waitFor();
	assert.equal(await field(passwords, "New password").inputValue(), "");
	for (const tab of [page, neighbour]) {
		await go(tab, "Logins");
		await tab.getByText("this login", { exact: true }).waitFor();
		assert.equal(await tab.locator(".login").count(), 1);
	}
	assert.equal((await server.call("GET", "/api/auth/me",
		{ token: before.access_token })).status, 401);
	assert.equal((await server.login("fay")).detail,
		"Incorrect username or password");
	assert.ok((await server.login("fay", "better password")).access_token);
});

visit("an account is deleted, after a question", phone(), async ({ page }) => {
	const dialog = page.getByRole("dialog", { name: "Delete gus?" });
	const deletion = form(page, "Delete account");
	const opener = button(page, "Delete account…");

	await server.register("gus");
	await enter(page, server.url, "gus");
	await opener.click();
	await dialog.waitFor();
	await look(page, "deletion");
	await button(dialog, "Cancel").click();
	await dialog.waitFor({ state: "hidden" });
	assert.ok(await opener.evaluate((e) => e === document.activeElement));
	await opener.click();
	await page.keyboard.press("Escape");
	await dialog.waitFor({ state: "hidden" });
	await opener.click();
	await field(deletion, "Current password").fill("not it");
	await button(deletion, "Delete for good").click();
	await assert_wrong(deletion, "Current password",
		sentence("Incorrect password"));
	await look(page, "deletion wrong password");
	await field(deletion, "Current password").fill(PASSWORD);
	await button(deletion, "Delete for good").click();
	await page.getByRole("status").getByText(
		/^Your account .* is gone\.$/).waitFor();
	await heading(page, "Log in").waitFor();
	await look(page, "deleted");
	assert.equal(await kept(page), null);
	await log_in(page, "gus");
	await page.getByText(sentence("Incorrect username or password")).waitFor();
	assert.ok((await server.register("gus")).access_token);
});

// -------------------------------------------------------- with the keyboard

// Goes on by the tabulator key until it is there; each stop can be seen.
async function tab_to(page, target)
{
	for (let i = 0; i < 60; i++) {
		await page.keyboard.press("Tab");
		assert.ok(await page.evaluate(() => {
			const e = document.activeElement;
			const { outlineStyle, outlineWidth } = getComputedStyle(e);

			return e === document.body ||
				(outlineStyle !== "none" && outlineWidth !== "0px");
		}), "a stop that can't be seen");
		if (await target.evaluate((e) => e === document.activeElement))
			return;
	}
	assert.fail("the keyboard does not get there");
}

async function press(page, target, key = "Enter")
{
	await target.waitFor();
	await tab_to(page, target);
	await page.keyboard.press(key);
}

async function type(page, target, text)
{
	await tab_to(page, target);
	await page.keyboard.press("ControlOrMeta+a");
	await page.keyboard.type(text);
}

visit("all of it can be done with the keyboard alone", phone({ touch: false }),
	async ({ page }) => {
	const register = form(page, "Register");
	const profile = form(page, "Profile");
	const section = (name) => page.getByRole("link", { name, exact: true });
	const focused = (target) => eventually(() => target.evaluate((e) =>
		e === document.activeElement), "the focus");

	await open(page, server.url);
	await press(page, section("Register"));
	await heading(page, "Register").waitFor();
	await type(page, field(register, "Email"), "hal@example.com");
	await type(page, field(register, "Username"), "hal");
	await type(page, field(register, "Password"), PASSWORD);
	await page.keyboard.press("Enter");
	await heading(page, "Account").waitFor();
	await focused(heading(page, "Account"));
	await profile.waitFor();
	await type(page, field(profile, "Username"), "hall");
	await type(page, field(profile, "Current password"), PASSWORD);
	await press(page, button(profile, "Save profile"), "Space");
	await profile.getByText("Your profile is saved.").waitFor();

	await server.login("hall", PASSWORD, { "User-Agent": "curl/7.88.1" });
	await press(page, section("Logins"));
	await focused(heading(page, "Logins"));
	await press(page, page.getByRole("button", { name: /^Revoke curl/ }));
	const dialog = page.getByRole("dialog", { name: "Revoke this login?" });
	await press(page, button(dialog, "Revoke"));
	await page.getByText("curl 7.88", { exact: true })
		.waitFor({ state: "detached" });
	await focused(heading(page, "Logins"));

	await press(page, page.locator("#calls > summary"));
	await page.getByText("newest first").waitFor();
	await press(page, page.locator("#calls li button").first());
	await page.locator("#calls pre").first().waitFor();

	await press(page, section("Account"));
	await press(page, button(page, "Delete account…"));
	await type(page, field(form(page, "Delete account"),
		"Current password"), PASSWORD);
	await page.keyboard.press("Enter");
	await page.getByText(/^Your account .* is gone\.$/)
		.waitFor();
	await focused(heading(page, "Log in"));
});
