// The console's logins: how they end, in this tab and in others, and how their
// tokens are renewed, whatever tabs there are.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { after } from "node:test";

import { PASSWORD, Server, eventually } from "./server.js";
import { visit } from "./browser.js";
import { button, enter, field, form, go, heading, kept, log_in, look, open,
	sentence, submit } from "./console.js";

const MINUTE = 60;

// Access tokens last for 25 minutes, and only set_clock lets them pass.
const server = await new Server({ clock: true }).start();
after(() => server.remove());

const phone = (more) => () => ({ origin: server.origin, ...more });

const OVER = sentence("Invalid refresh token");

async function assert_over(page, sentence)
{
	await heading(page, "Log in").waitFor();
	await page.getByRole("status").getByText(sentence).waitFor();
	assert.equal(await kept(page), null);
}

const count = (requests, request) =>
	requests.filter((other) => other === request).length;

const lives = async ({ access_token }) => (await server.call("GET",
	"/api/auth/me", { token: access_token })).status === 200;

// ------------------------------------------------------------------ the end

visit("who logs out is told so, and the tokens are dead", phone(),
	async ({ page }) => {
	await server.register("ada");
	await enter(page, server.url, "ada");
	const tokens = await kept(page);
	await button(page, "Log out").click();
	await assert_over(page, "You are logged out.");
	await look(page, "logged out");
	assert.ok(!await lives(tokens));
	await page.reload();
	await heading(page, "Log in").waitFor();
});

visit("who logs out everywhere has no login left", phone(), async ({ page }) => {
	const other = await server.register("bea");

	await enter(page, server.url, "bea");
	await go(page, "Logins");
	await button(page, "Log out everywhere…").click();
	const dialog = page.getByRole("dialog", { name: "Log out everywhere?" });
	await dialog.waitFor();
	await look(page, "farewell");
	await page.keyboard.press("Enter");
	await dialog.waitFor({ state: "hidden" });
	assert.ok(await lives(other));
	await button(page, "Log out everywhere…").click();
	await button(dialog, "Log out everywhere").click();
	await assert_over(page, "You are logged out everywhere.");
	assert.ok(!await lives(other));
	await log_in(page, "bea");
	await heading(page, "Logins").waitFor();
});

visit("a login that was revoked elsewhere ends with a sentence", phone(),
	async ({ page }) => {
	const { access_token: token } = await server.register("cid");

	await enter(page, server.url, "cid");
	const { sessions } = (await server.call("GET", "/api/auth/sessions",
		{ token })).body;
	const { id } = sessions.find(({ current }) => !current);
	await server.call("DELETE", `/api/auth/sessions/${id}`, { token });
	await page.getByRole("link", { name: "Logins" }).click();
	await assert_over(page, OVER);
	await look(page, "login revoked");
	await log_in(page, "cid");
	await heading(page, "Logins").waitFor();
	assert.equal(await page.getByText(OVER).count(), 0);
});

visit("a log-out in one tab shows in the other, and so does a login", phone(),
	async ({ context, page }) => {
	await server.register("dan");
	await enter(page, server.url, "dan");
	const other = await context.newPage();
	await open(other, server.url, "#logins");
	await heading(other, "Logins").waitFor();
	await button(page, "Log out").click();
	await assert_over(other, "You were logged out in another tab.");
	await look(other, "logged out elsewhere");
	await log_in(page, "dan");
	await heading(other, "Logins").waitFor();
	await other.getByText("this login", { exact: true }).waitFor();
});

visit("a tab says why the login ended that another tab found ended", phone(),
	async ({ context, page }) => {
	const { access_token: token } = await server.register("meg");

	await enter(page, server.url, "meg");
	const other = await context.newPage();
	await open(other, server.url);
	await heading(other, "Account").waitFor();
	await server.call("POST", "/api/auth/password", { token, json: {
		current_password: PASSWORD, new_password: "a better one" } });
	await page.getByRole("link", { name: "Logins" }).click();
	await assert_over(page, OVER);
	await assert_over(other, OVER);
	assert.match(OVER, /the password was changed/);
});

visit("no call of somebody who is gone is left", phone(), async ({ context,
	page }) => {
	const calls = page.locator("#calls li");

	await server.register("nat");
	await server.register("ned");
	await enter(page, server.url, "nat");
	await page.locator("#calls > summary").click();
	await calls.filter({ hasText: "/api/auth/login" }).waitFor();
	await button(page, "Log out").click();
	await heading(page, "Log in").waitFor();
	await page.getByText("None yet.").waitFor();
	assert.equal(await calls.count(), 0);
	const other = await context.newPage();
	await open(other, server.url);
	await log_in(other, "nat");
	await heading(page, "Account").waitFor();
	await calls.filter({ hasText: "/api/auth/me" }).waitFor();
	await calls.first().getByRole("button").first().click();
	const login = JSON.stringify((await server.login("ned")));
	await other.evaluate((text) => {
		const pair = JSON.parse(text);
		const key = Object.keys(localStorage)
			.find((name) => name.endsWith(":session"));

		localStorage.setItem(key, JSON.stringify({ ...pair,
			begun: "another", typed: "ned", user: null,
			lifetime: 1500000, expires_at: Date.now() + 1500000,
			ends_at: Date.now() + 1500000 }));
	}, login);
	await page.getByRole("banner").getByText("ned", { exact: true }).waitFor();
	await calls.filter({ hasText: "/api/auth/me" }).waitFor();
	assert.equal(await calls.count(), 1);
});

// ---------------------------------------------------------------- the tokens

visit("an expired access token is renewed, and nobody notices", phone(),
	async ({ page, requests }) => {
	await server.register("eva");
	await enter(page, server.url, "eva");
	const before = await kept(page);
	server.move_clock(26 * MINUTE);
	await go(page, "Logins");
	await page.getByText("this login", { exact: true }).waitFor();
	const after = await kept(page);
	assert.equal(count(requests, "POST /api/auth/refresh"), 1);
	assert.notEqual(after.refresh_token, before.refresh_token);
	assert.ok(await lives(after));
	assert.ok(!await lives(before));
});

visit("an access token that is about to expire is renewed in time", phone(),
	async ({ page, requests }) => {
	await page.clock.install();
	await server.register("fay");
	await enter(page, server.url, "fay");
	await page.clock.fastForward("24:45");
	await go(page, "Logins");
	await page.getByText("this login", { exact: true }).waitFor();
	assert.equal(count(requests, "POST /api/auth/refresh"), 1);
	assert.equal(count(requests, "GET /api/auth/sessions"), 1);
});

visit("a login that was not used for a week ends with a sentence", phone(),
	async ({ page }) => {
	await server.register("gus");
	await enter(page, server.url, "gus");
	server.move_clock(8 * 24 * 60 * MINUTE);
	await page.reload();
	await assert_over(page, OVER);
});

visit("tokens can be renewed by hand", phone(), async ({ page, requests }) => {
	await server.register("hal");
	await enter(page, server.url, "hal");
	await go(page, "Logins");
	const before = await kept(page);
	await button(page, "Renew now").click();
	await page.getByRole("status").getByText("The tokens are renewed.")
		.waitFor();
	assert.equal(count(requests, "POST /api/auth/refresh"), 1);
	assert.notEqual((await kept(page)).access_token, before.access_token);
});

// Both tabs call with an expired token at the same time, and no refresh is
// answered before `enough' tells that as many as will come have come.
async function race({ context, page }, name, enough)
{
	const refreshes = [];
	let refused = 0;

	await server.register(name);
	await enter(page, server.url, name);
	const other = await context.newPage();
	await open(other, server.url);
	const tabs = [page, other];
	for (const tab of tabs)
		await go(tab, "Limits");
	const { access_token } = await kept(page);
	server.move_clock(26 * MINUTE);
	context.on("response", (response) => {
		if (response.url().endsWith("/api/auth/sessions") &&
		    response.status() === 401)
			refused++;
	});
	await context.route("**/api/auth/refresh", async (route) => {
		refreshes.push(route.request().postDataJSON().refresh_token);
		await eventually(() => enough({ refused,
			asked: refreshes.length }), "a race");
		await route.continue();
	});
	await Promise.all(tabs.map((tab) => go(tab, "Logins")));
	for (const tab of tabs) {
		await tab.getByText("this login", { exact: true }).waitFor();
		assert.equal(await tab.locator(".login").count(), 2);
	}
	const after = await kept(page);
	assert.notEqual(after.access_token, access_token);
	assert.ok(await lives(after));
	return { tabs, refreshes };
}

// All go on: what is kept is the newest of the one chain.
async function assert_goes_on(tabs)
{
	for (const tab of tabs) {
		server.move_clock(26 * MINUTE);
		await button(tab, "Renew now").click();
		await tab.getByText("The tokens are renewed.").waitFor();
		assert.ok(await lives(await kept(tab)));
	}
	for (const tab of tabs) {
		await tab.reload();
		await tab.getByText("this login", { exact: true }).waitFor();
	}
}

visit("of two tabs with an expired access token one refreshes for both",
	phone(), async (visitor) => {
	const { tabs, refreshes } = await race(visitor, "ida",
		({ refused }) => refused >= 2);

	assert.equal(refreshes.length, 1);
	await assert_goes_on(tabs);
});

visit("two tabs without locks refresh both, and stay in one chain", phone(),
	async (visitor) => {
	await visitor.context.addInitScript(() =>
		delete Navigator.prototype.locks);
	const { tabs, refreshes } = await race(visitor, "jim",
		({ asked }) => asked >= 2);

	assert.equal(await visitor.page.evaluate(() => navigator.locks),
		undefined);
	assert.equal(refreshes.length, 2);
	assert.equal(refreshes[0], refreshes[1]);
	await assert_goes_on(tabs);
});

// The second try after a 503 has whatever token there is by then.
visit("a call is for the account that it was made for, or for none", phone(),
	async ({ context, page }) => {
	const mine = await server.register("nan");
	const others = await server.register("oda");
	const deletion = form(page, "Delete account");
	const second = await context.newPage();
	let tries = 0;

	await context.route("**/api/auth/me", async (route) => {
		if (route.request().method() !== "DELETE" || tries++ > 0)
			return route.continue();
		return route.fulfill({ status: 503, headers: { "Retry-After": "3" },
			contentType: "application/json", body: JSON.stringify(
				{ detail: "Service temporarily unavailable" }) });
	});
	await enter(page, server.url, "nan");
	await open(second, server.url);
	await button(page, "Delete account…").click();
	await field(deletion, "Current password").fill(PASSWORD);
	await button(deletion, "Delete for good").click();
	await eventually(() => tries === 1, "a try");
	const done = page.waitForResponse((answer) => answer.status() !== 503 &&
		answer.request().method() === "DELETE", { timeout: 8000 })
		.catch(() => null);
	await button(second, "Log out").click();
	await log_in(second, "oda");
	await heading(second, "Account").waitFor();
	assert.equal(await done, null);
	assert.ok(await lives(mine));
	assert.ok(await lives(others));
});

// ------------------------------------------------------------ what is secret

visit("tokens and passwords are nowhere but where they have to be", phone(),
	async ({ context, page, requests }) => {
	const seen = [];
	const note = async () => {
		const { access_token, refresh_token } = await kept(page);

		seen.push(access_token, refresh_token);
	};

	await open(page, server.url, "#register");
	await submit(page, "Register", { Email: "kim@example.com",
		Username: "kim", Password: PASSWORD });
	await form(page, "Profile").waitFor();
	await note();
	await submit(page, "Password", { "Current password": PASSWORD,
		"New password": "another password" }, "Change password");
	await page.getByText("Your password is changed.").waitFor();
	await note();
	await go(page, "Logins");
	await button(page, "Renew now").click();
	await page.getByText("The tokens are renewed.").waitFor();
	await note();
	await page.locator("#calls > summary").click();
	const calls = await page.locator("#calls li").all();
	const curl = [];
	assert.ok(calls.length >= 5);
	for (const call of calls) {
		await call.getByRole("button").first().click();
		curl.push(await call.locator("pre").innerText());
	}
	for (const name of ["ACCESS_TOKEN", "REFRESH_TOKEN", "PASSWORD",
		"NEW_PASSWORD"])
		assert.ok(curl.some((text) => text.includes(`$${name}"`)), name);
	await look(page, "calls");

	const elsewhere = JSON.stringify([page.url(), requests, curl,
		await page.content(), await context.cookies(),
		await page.evaluate(() => [document.cookie, document.title,
			{ ...sessionStorage }, history.state, window.name,
			Object.keys(localStorage)]),
		await page.evaluate(() => indexedDB.databases()),
		await page.evaluate(() => caches.keys())]);
	assert.equal(new Set(seen).size, 6);
	for (const secret of [...seen, PASSWORD, "another password"])
		assert.ok(!elsewhere.includes(secret));
	const stored = await page.evaluate(() => JSON.stringify(localStorage));
	assert.ok(stored.includes(seen[5]));
	assert.ok(!stored.includes(PASSWORD));
	assert.ok(!stored.includes("another password"));
	await button(page, "Log out").click();
	await heading(page, "Log in").waitFor();
	assert.deepEqual(await page.evaluate(() => ({ ...localStorage })), {});
});

// Runs the curl command of the newest such call in a shell; its answer is the
// body and, in the last line, the status.
async function run_curl(page, text, variables)
{
	const call = page.locator("#calls li").filter({ hasText: text }).first();

	await call.waitFor();
	if (await call.locator("pre").count() === 0)
		await call.getByRole("button").first().click();
	const line = await call.locator("pre").innerText();
	return execFileSync("bash", ["-c",
		`${line} -sS -w '\\n%{http_code}'`], { encoding: "utf8",
		env: { PATH: process.env.PATH, no_proxy: "*", ...variables } });
}

visit("the curl commands do what they say, whatever is in them", phone(),
	async ({ context, page }) => {
	const username = `x"y\\z'!$(false) {"a":1}`;
	const PASSWORD = `p"a\\s's\`$(false)!!%20&+=é`;
	const NEW_PASSWORD = `\\"}', "new_password": "q`;
	const refuse = (path) => context.route(`**${path}`, (route) =>
		route.request().method() === "GET" ? route.continue() :
			route.fulfill({ status: 500 }));

	await refuse("/api/auth/register");
	await open(page, server.url, "#register");
	await page.locator("#calls > summary").click();
	await submit(page, "Register", { Email: "o'b!c{d@example.com",
		Username: username, Password: PASSWORD });
	assert.match(await run_curl(page, "/register", { PASSWORD }), /\n201$/);
	await page.getByRole("link", { name: "Log in" }).click();
	await log_in(page, username, PASSWORD);
	await form(page, "Profile").waitFor();
	assert.equal(await field(form(page, "Profile"), "Username").inputValue(),
		username);
	assert.match(await run_curl(page, "/login", { PASSWORD }), /\n200$/);
	const { access_token: ACCESS_TOKEN } = await kept(page);
	await refuse("/api/auth/me");
	await submit(page, "Profile", { Username: `${username}?`,
		"Current password": PASSWORD }, "Save profile");
	assert.match(await run_curl(page, "PATCH", { ACCESS_TOKEN, PASSWORD }),
		/\n200$/);
	await refuse("/api/auth/password");
	await submit(page, "Password", { "Current password": PASSWORD,
		"New password": NEW_PASSWORD }, "Change password");
	assert.match(await run_curl(page, "/password", { ACCESS_TOKEN, PASSWORD,
		NEW_PASSWORD }), /\n200$/);
	assert.ok((await server.login(`${username}?`, NEW_PASSWORD))
		.access_token);
	await look(page, "calls hostile");
});

for (const way of ["clipboard", "old way"])
	visit(`the tokens are copied for the shell, by the ${way}`, phone(),
		async ({ context, page }) => {
		await context.grantPermissions(["clipboard-read",
			"clipboard-write"]);
		if (way === "old way")
			await context.addInitScript(() => Object.defineProperty(
				navigator, "clipboard", { value: undefined }));
		await server.register(`oda${way.length}`);
		await enter(page, server.url, `oda${way.length}`);
		await go(page, "Logins");
		await button(page, "Copy for the shell").click();
		await page.getByText("Copied", { exact: true }).waitFor();
		const lines = await page.evaluate(() =>
			Navigator.prototype.__lookupGetter__("clipboard")
				.call(navigator).readText());
		const [access, refresh] = execFileSync("bash", ["-c", lines +
			'echo "$ACCESS_TOKEN"; echo "$REFRESH_TOKEN"'],
		{ encoding: "utf8" }).split("\n");
		const tokens = await kept(page);
		assert.equal(access, tokens.access_token);
		assert.equal(refresh, tokens.refresh_token);
		await page.getByText("They are secrets").waitFor();
		await page.locator("#calls > summary").click();
		await page.locator("#calls li button").first().click();
		await button(page.locator("#calls"), /^Copy the curl/).click();
		await page.locator("#calls").getByText("Copied").waitFor();
	});

visit("hostile names are shown as the text that they are", phone(),
	async ({ context, page }) => {
	const name = "<img src=x onerror=alert(1)>";
	const email = "a'{{7*7}}&b@example.com";
	const agent = "<u><style/onload=alert(2)>";
	let alerted = false;

	context.on("dialog", (dialog) => {
		alerted = true;
		dialog.dismiss();
	});
	const { body } = await server.call("POST", "/api/auth/register",
		{ json: { username: name, email, password: PASSWORD } });
	assert.ok(body.access_token, JSON.stringify(body));
	await server.login(name, PASSWORD, { "User-Agent": agent });
	await enter(page, server.url, name);
	await page.getByRole("banner").getByText(name, { exact: true }).waitFor();
	assert.equal(await field(form(page, "Profile"), "Username").inputValue(),
		name);
	assert.equal(await field(form(page, "Profile"), "Email").inputValue(),
		email);
	await button(page, "Delete account…").click();
	await page.getByRole("heading", { name: `Delete ${name}?` }).waitFor();
	await button(page, "Cancel").click();
	await go(page, "Logins");
	await page.locator(".login").getByText("<u><style")
		.waitFor();
	await look(page, "hostile");
	await page.getByRole("button", { name: /^Revoke <u>/ }).click();
	await page.getByRole("dialog").getByText("<u><style")
		.waitFor();
	await button(page, "Cancel").click();
	assert.equal(await page.locator("#page img, #page u, #page style")
		.count(), 0);
	assert.ok(!alerted);
});

visit("where nothing can be stored a tab remembers by itself", phone(),
	async ({ context, page }) => {
	await context.addInitScript(() => Object.defineProperty(window,
		"localStorage", { get() {
			throw new DOMException("denied", "SecurityError");
		} }));
	await server.register("lea");
	await enter(page, server.url, "lea");
	await go(page, "Logins");
	await page.getByText("this login", { exact: true }).waitFor();
	await page.reload();
	await heading(page, "Log in").waitFor();
});
