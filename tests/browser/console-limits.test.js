// The console and the limits: what the meter shows, and how a 429 is waited for.

import assert from "node:assert/strict";
import { after } from "node:test";

import { Server } from "./server.js";
import { visit } from "./browser.js";
import { assert_right, button, enter, field, form, go, heading, limits, log_in,
	look, open, sentence, submit } from "./console.js";

// The windows pass only when its clock is moved.
const server = await new Server({ clock: true, settings: {
	RATE_LIMIT_PER_USER: "10", RATE_LIMIT_PER_ADDRESS: "3",
	LOGIN_FAILURES_PER_ACCOUNT: "2" } }).start();
after(() => server.remove());

// Somebody whom nobody has counted yet.
function limited(name, body)
{
	visit(name, () => ({ origin: server.origin }), async (visitor) => {
		server.move_clock(3600);
		await body(visitor);
	});
}

const count = (requests, request) =>
	requests.filter((other) => other === request).length;

limited("too many attempts are counted down, and then there are more",
	async ({ page, requests }) => {
	const login = form(page, "Log in");
	const start = Date.now();

	await server.register("ada");
	await page.clock.install({ time: start });
	await open(page, server.url);
	await page.clock.pauseAt(start + 60000);
	for (const name of ["who", "whom"]) {
		await log_in(page, name);
		await login.getByRole("alert").getByText(
			sentence("Incorrect username or password")).waitFor();
	}
	await log_in(page, "ada");
	await login.getByRole("alert").getByText(limits.Address).waitFor();
	await button(login, "Try again in 1 min").waitFor();
	assert.equal(count(requests, "POST /api/auth/login"), 3);
	await page.clock.runFor(15500);
	await button(login, "Try again in 45 s").waitFor();
	await button(login, "Try again in 45 s").click({ force: true });
	await field(login, "Password").press("Enter");
	await page.clock.resume();
	await look(page, "too many attempts");
	assert.equal(count(requests, "POST /api/auth/login"), 3);
	server.move_clock(60);
	await page.clock.fastForward(60000);
	await login.getByText("You can try again now.").waitFor();
	assert.equal(await field(login, "Username or email").inputValue(), "ada");
	await button(login, "Log in").click();
	await heading(page, "Account").waitFor();
});

limited("too many wrong passwords for an account are said to be that",
	async ({ page }) => {
	const profile = form(page, "Profile");

	await server.register("bea");
	await enter(page, server.url, "bea");
	for (const text of [sentence("Incorrect password"),
		sentence("Incorrect password"), limits.Account]) {
		await submit(page, "Profile", { Username: "bee",
			"Current password": "not it" }, "Save profile");
		await profile.getByText(text).waitFor();
	}
	await assert_right(profile, "Current password");
	await button(profile, /^Try again in/).waitFor();
	await look(page, "too many guesses");
});

limited("too many wrong passwords for a name hold that name up, and no other",
	async ({ page, requests }) => {
	const login = form(page, "Log in");
	const name = field(login, "Username or email");
	const guesses = page.getByText("Password guesses", { exact: true });

	await server.register("dan");
	await server.register("dot");
	server.move_clock(60);
	await open(page, server.url);
	for (let i = 0; i < 3; i++)
		await log_in(page, "dan", "not it");
	await login.getByRole("alert").getByText(limits.Account).waitFor();
	await button(login, /^Try again in 1\d min/).waitFor();
	await guesses.waitFor();
	await name.fill("dot");
	await button(login, "Log in").waitFor();
	assert.equal(await button(login, "Log in").getAttribute("aria-disabled"),
		null);
	assert.equal(await login.getByText(limits.Account).count(), 0);
	assert.equal(await guesses.count(), 0);
	await look(page, "another name");
	await name.fill("DAN");
	await button(login, /^Try again in 1\d min/).waitFor();
	await login.getByRole("alert").getByText(limits.Account).waitFor();
	await guesses.waitFor();
	await name.press("Enter");
	await page.getByRole("link", { name: "Register" }).click();
	await button(form(page, "Register"), "Register").waitFor();
	assert.equal(await guesses.count(), 0);
	await page.getByRole("link", { name: "Log in" }).click();
	await button(login, "Log in").waitFor();
	assert.equal(count(requests, "POST /api/auth/login"), 3);
	server.move_clock(60);
	await log_in(page, "dot");
	await heading(page, "Account").waitFor();
});

limited("the meter shows what the header fields say, to the end",
	async ({ context, page }) => {
	let left;

	context.on("response", (response) => {
		const remaining = response.headers()["x-ratelimit-remaining"];

		if (response.request().headers().authorization && remaining)
			left = Number(remaining);
	});
	await server.register("cid");
	await enter(page, server.url, "cid");
	await go(page, "Logins");
	const meters = page.getByRole("region", { name: "Rate limit" });
	const again = button(page, "Load again");
	const bar = meters.getByRole("meter", { name: "Requests left" });
	await page.locator(".login").first().waitFor();
	assert.equal(left, 8);
	for (const expected of [8, 7, 6, 5, 4, 3, 2, 1, 0]) {
		await meters.getByText(`${expected} of 10 left`, { exact: true })
			.waitFor();
		assert.equal(left, expected);
		assert.equal(await bar.getAttribute("aria-valuenow"),
			String(expected));
		assert.equal(await meters.getByRole("status").getByText("limit")
			.count(), expected < 2 ? 1 : 0);
		if (expected > 0)
			await again.click();
	}
	await again.click();
	await page.getByRole("alert").getByText(limits.User).waitFor();
	await page.getByRole("button", { name: /^Try again in/ }).waitFor();
	assert.ok(await page.locator(".login").count() > 0);
	await look(page, "too many requests");
	await go(page, "Limits");
	await page.getByText("0 of 10 left").nth(1).waitFor();
});

limited("what was refused loads by itself when its time has come",
	async ({ page, requests }) => {
	const start = Date.now();
	const alert = page.getByRole("alert").getByText(limits.User);
	const loads = () => count(requests, "GET /api/auth/sessions");

	await server.register("eva");
	const { access_token: token } = await server.login("eva");
	await page.clock.install({ time: start });
	await enter(page, server.url, "eva");
	await page.clock.pauseAt(start + 60000);
	for (let i = 0; i < 9; i++)
		await server.call("GET", "/api/auth/me", { token });
	await go(page, "Logins");
	await alert.waitFor();
	await button(page, "Try again in 1 min").waitFor();
	await page.clock.runFor(59500);
	await button(page, "Try again in 1 s").waitFor();
	assert.equal(loads(), 1);
	server.move_clock(60);
	await page.clock.runFor(2000);
	await page.locator(".login").first().waitFor();
	await alert.waitFor({ state: "detached" });
	await page.clock.runFor(5000);
	assert.equal(loads(), 2);
});

limited("the meter takes what the section of limits says, and no guess",
	async ({ page }) => {
	const start = Date.now();
	const meters = page.getByRole("region", { name: "Rate limit" });
	const slow = page.getByText("Slow down");

	await server.register("fay");
	const { access_token: token } = await server.login("fay");
	await page.clock.install({ time: start });
	await enter(page, server.url, "fay");
	for (let i = 0; i < 8; i++)
		await server.call("GET", "/api/auth/me", { token });
	await meters.getByText("9 of 10 left").waitFor();
	await go(page, "Limits");
	await meters.getByText("1 of 10 left").waitFor();
	await slow.waitFor();
	await page.reload();
	await meters.getByText("1 of 10 left").waitFor();
	await look(page, "limits close");
	// Its clock is hours ahead of the web server's, by which pages go.
	await page.clock.fastForward("23:00:00");
	await meters.getByText("at most 10 in 1 min").waitFor();
	assert.equal(await slow.count(), 0);
	assert.equal(await meters.getByRole("meter").count(), 0);
	await look(page, "limits later");
	server.move_clock(61);
	await button(page, "Load again").click();
	await meters.getByText("10 of 10 left").waitFor();
});
