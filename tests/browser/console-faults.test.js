// The console in bad times: a server that is away, busy or ill, and what
// becomes of what was typed.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { after } from "node:test";

import { BUILD, PASSWORD, Server, eventually } from "./server.js";
import { show, visit } from "./browser.js";
import { button, details, enter, field, form, heading, kept, log_in, look,
	open, sentence, statuses, submit } from "./console.js";

const server = await new Server().start();
after(() => server.remove());

const phone = (more) => () => ({ origin: server.origin, ...more });

const count = (requests, request) =>
	requests.filter((other) => other === request).length;

// ---------------------------------------------------------- a server away

visit("a server that is away is waited for, and nothing typed is lost", phone(),
	async ({ page }) => {
	const profile = form(page, "Profile");
	const banner = page.getByRole("complementary", { name: "Connection" });

	await server.register("dan");
	await enter(page, server.url, "dan");
	await server.stop();
	await submit(page, "Profile", { Username: "dann",
		"Current password": PASSWORD }, "Save profile");
	await banner.getByRole("alert").getByText("can't be reached").waitFor();
	await profile.getByRole("alert").getByText("may or may not").waitFor();
	assert.equal(await button(profile, "Save profile")
		.getAttribute("aria-disabled"), "true");
	await look(page, "away");
	await server.start();
	await button(banner, "Try now").or(banner.getByText("is back")).first()
		.click();
	await banner.getByText("The server is back.").waitFor();
	await profile.getByRole("status").getByText("send this again").waitFor();
	await look(page, "back");
	assert.equal(await field(profile, "Username").inputValue(), "dann");
	await button(profile, "Save profile").click();
	await profile.getByText("Your profile is saved.").waitFor();
	await banner.waitFor({ state: "detached" });
});

visit("a login that was not answered moves nothing, and is just sent again",
	phone(), async ({ page }) => {
	const login = form(page, "Log in");
	const banner = page.getByRole("complementary", { name: "Connection" });
	const top = async () => (await field(login, "Username or email")
		.boundingBox()).y;

	await server.register("ben");
	await open(page, server.url);
	await page.getByText("healthy").first().waitFor();
	const before = await top();
	await server.stop();
	await log_in(page, "ben");
	await login.getByRole("alert").getByText("The server did not answer. " +
		"Try again when it is back.", { exact: true }).waitFor();
	await banner.getByRole("alert").waitFor();
	assert.equal(await top(), before);
	await server.start();
	await button(banner, "Try now").or(banner.getByText("is back")).first()
		.click();
	await banner.getByText("The server is back.").waitFor();
	assert.equal(await top(), before);
	await button(login, "Log in").click();
	await heading(page, "Account").waitFor();
});

visit("what only reads goes on by itself when the server is back", phone(),
	async ({ page }) => {
	const banner = page.getByRole("complementary", { name: "Connection" });

	await server.register("eva");
	await enter(page, server.url, "eva");
	await server.stop();
	await page.getByRole("link", { name: "Logins" }).click();
	await banner.getByRole("alert").waitFor();
	assert.equal(await page.locator(".login").count(), 0);
	await server.start();
	await page.locator(".login").first().waitFor();
	assert.equal(await banner.getByRole("alert").count(), 0);
});

visit("who leaves while the server is away is told what that means", phone(),
	async ({ page }) => {
	await server.register("fay");
	await enter(page, server.url, "fay");
	await server.stop();
	await button(page, "Log out").click();
	await heading(page, "Log in").waitFor();
	await page.getByText("The server could not be told").waitFor();
	assert.equal(await kept(page), null);
	await server.start();
	await page.getByText("The server is back.").waitFor();
});

// ------------------------------------------------------ a server that is ill

// Holds the lock for writing until the function is called that it gives.
async function lock_database()
{
	const holder = spawn("sqlite3", [join(server.data, "switchboard.db")],
		{ stdio: ["pipe", "pipe", "inherit"] });

	holder.stdin.write("BEGIN IMMEDIATE;\n.print held\n");
	await once(holder.stdout, "data");
	return async () => {
		holder.stdin.end();
		await once(holder, "exit");
	};
}

visit("a busy database is waited for", phone(), async ({ page, requests }) => {
	const banner = page.getByRole("complementary", { name: "Connection" });

	await server.register("gus");
	await open(page, server.url);
	const release = await lock_database();
	try {
		await log_in(page, "gus");
		await banner.getByText("The service is busy.").waitFor();
	} finally {
		await release();
	}
	await heading(page, "Account").waitFor();
	assert.ok(count(requests, "POST /api/auth/login") >= 2);
});

const answer = (context, path, status, body, more = {}) =>
	context.route(`**${path}`, (route) => route.fulfill({ status,
		contentType: "application/json",
		body: typeof body === "string" ? body : JSON.stringify(body),
		...more }));

visit("a busy database is waited for no longer than is sensible", phone(),
	async ({ context, page, requests }) => {
	const start = Date.now();
	const login = form(page, "Log in");
	const said = login.getByRole("alert").getByText(
		sentence("Service temporarily unavailable"));

	await page.clock.install({ time: start });
	await answer(context, "/api/auth/login", 503,
		{ detail: "Service temporarily unavailable" },
		{ headers: { "Retry-After": "20" } });
	await open(page, server.url);
	// Nothing is under way that would have taken too long by then.
	await page.getByText("healthy", { exact: true }).first().waitFor();
	await page.clock.pauseAt(start + 60000);
	await log_in(page, "hal");
	await page.getByText("The service is busy.").waitFor();
	await page.getByText("Trying again in").waitFor();
	await eventually(async () => {
		await page.clock.runFor(5000);
		return await said.count() > 0;
	}, "an end of patience");
	assert.ok(count(requests, "POST /api/auth/login") > 2);
	assert.equal(await field(login, "Password").inputValue(), PASSWORD);
	await button(login, /^Try again in/).waitFor();
	await page.clock.resume();
	await look(page, "unavailable");
});

visit("a pause that is too long to be waited for is shown", phone(),
	async ({ context, page, requests }) => {
	const login = form(page, "Log in");

	await answer(context, "/api/auth/login", 503,
		{ detail: "Service temporarily unavailable" },
		{ headers: { "Retry-After": "3000000" } });
	await open(page, server.url);
	await log_in(page, "hal");
	await login.getByRole("alert").getByText(
		sentence("Service temporarily unavailable")).waitFor();
	assert.equal(count(requests, "POST /api/auth/login"), 1);
});

visit("an error of the server's is a sentence, with JSON or without", phone(),
	async ({ context, page }) => {
	const alert = form(page, "Log in").getByRole("alert");

	await open(page, server.url);
	for (const [status, body, text] of [
		[500, { detail: "Internal Server Error" },
			details["Internal Server Error"].sentence],
		[500, "<h1>Oops</h1>", statuses[500]],
		[413, { detail: "Request body too large" },
			details["Request body too large"].sentence],
		[418, { detail: "I'm a teapot" }, "I'm a teapot"],
	]) {
		await answer(context, "/api/auth/login", status, body);
		await log_in(page, "ida");
		await alert.getByText(text, { exact: true }).waitFor();
		await context.unrouteAll();
	}
	await look(page, "error");
});

visit("a gateway without a service behind it is a server that is away", phone(),
	async ({ context, page }) => {
	const banner = page.getByRole("complementary", { name: "Connection" });

	await server.register("jim");
	await open(page, server.url);
	await answer(context, "/api/auth/login", 502, "<h1>Bad Gateway</h1>");
	await answer(context, "/health", 502, "<h1>Bad Gateway</h1>");
	await log_in(page, "jim");
	await banner.getByText("can't be reached").waitFor();
	await context.unrouteAll();
	await button(banner, "Try now").or(banner.getByText("is back")).first()
		.click();
	await banner.getByText("The server is back.").waitFor();
	await button(form(page, "Log in"), "Log in").click();
	await heading(page, "Account").waitFor();
});

visit("a service that is not well says what it lacks", phone(),
	async ({ context, page }) => {
	await answer(context, "/health", 503, { status: "degraded",
		version: "0.1.0", environment: "test",
		checks: { database: "unavailable" } });
	await open(page, server.url);
	const panel = page.locator("#service");
	await panel.getByText("database unavailable").first().waitFor();
	await panel.locator("summary").click();
	await look(page, "service ill");
	await context.unrouteAll();
	await button(panel, "Ask again").click();
	await panel.getByText("healthy").first().waitFor();
});

visit("a log-out that the server refuses is none", phone(),
	async ({ context, page }) => {
	await server.register("kim");
	await enter(page, server.url, "kim");
	await answer(context, "/api/auth/logout", 500,
		{ detail: "Internal Server Error" });
	await button(page, "Log out").click();
	await page.getByRole("alert").getByText("You are still logged in.")
		.waitFor();
	await look(page, "not logged out");
	assert.notEqual(await kept(page), null);
	await context.unrouteAll();
	await button(page, "Log out").click();
	await heading(page, "Log in").waitFor();
});

visit("a disabled account is told so, inside and at the door", phone(),
	async ({ page }) => {
	const text = sentence("Inactive user");

	await server.register("lea");
	await enter(page, server.url, "lea");
	execFileSync(join(BUILD, "bin/switchboard"), ["user", "disable", "lea"],
		{ env: { ...process.env, SWITCHBOARD_DATA: server.data } });
	await page.getByRole("link", { name: "Logins" }).click();
	await heading(page, "Log in").waitFor();
	await page.getByRole("status").getByText(text).waitFor();
	await log_in(page, "lea");
	await form(page, "Log in").getByRole("alert").getByText(text).waitFor();
});

for (const name of ["console", "docs", "redoc"]) {
	visit(`/${name} without JavaScript says where to go`,
		phone({ scripts: false }), async ({ page }) => {
		await page.goto(`${server.url}/${name}`);
		const said = page.locator("noscript p");
		await said.waitFor();
		assert.match(await said.innerText(), /needs JavaScript/);
		assert.equal(await said.getByRole("link").count(), 1);
		await show(page, `${name} without JavaScript`);
	});
}

visit("the console without JavaScript leads to what needs none",
	phone({ scripts: false }), async ({ page }) => {
	await page.goto(`${server.url}/console`);
	const link = page.locator("noscript").getByRole("link");
	assert.equal(await link.getAttribute("href"), "/openapi.json");
	assert.equal(await page.getByText("One moment").isVisible(), false);
});
