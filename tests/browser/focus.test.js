// Where the focus goes in the console when what had it is gone, and what is read
// out: what axe-core can't know.

import assert from "node:assert/strict";
import { after } from "node:test";

import { PASSWORD, Server, eventually } from "./server.js";
import { visit } from "./browser.js";

const server = await new Server().start();
after(() => server.remove());

const at = (more) => () => ({ origin: server.origin, ...more });

const focused = (page) => page.evaluate(() => document.activeElement.outerHTML);

async function log_in(page, username)
{
	await page.goto(`${server.url}/console`);
	await page.getByLabel("Username or email").fill(username);
	await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
	await page.getByRole("button", { name: "Log in" }).click();
	await page.getByRole("heading", { name: "Account", exact: true })
		.waitFor();
}

visit("a button that goes leaves the focus on the heading", at(),
	async ({ page, context }) => {
	await server.register("ada");
	await log_in(page, "ada");
	await context.route("**/health", (route) => route.abort());
	await context.route("**/api/limits", (route) => route.abort());
	await page.getByRole("link", { name: "Limits" }).click();
	await page.getByRole("button", { name: "Try now" }).focus();
	await context.unroute("**/api/limits");
	await context.unroute("**/health");
	await page.keyboard.press("Enter");
	await page.getByText("The server is back.").waitFor();
	await eventually(async () => /^<h2.*Limits/.test(await focused(page)),
		"the heading's focus");
});

visit("a dialog is described by what it says", at(), async ({ page }) => {
	await server.register("bob");
	await log_in(page, "bob");
	await page.getByRole("link", { name: "Logins" }).click();
	await page.getByRole("button", { name: /^Revoke this login/ }).click();
	const dialog = page.getByRole("dialog", { name: "Revoke this login?" });
	const about = await dialog.getAttribute("aria-describedby");

	assert.match(await page.locator(`#${about}`).innerText(),
		/is logged out at once\. That is this login/);
	await page.keyboard.press("Escape");
	await dialog.waitFor({ state: "hidden" });
	assert.match(await focused(page), /^<button.*Revoke…/s);
});

visit("what a busy service's banner counts down is not read out", at(),
	async ({ page, context }) => {
	await server.register("eve");
	await log_in(page, "eve");
	await context.route("**/api/limits", (route) => route.fulfill({
		status: 503, headers: { "Retry-After": "30" },
		json: { detail: "Service temporarily unavailable" } }));
	await page.getByRole("link", { name: "Limits" }).click();
	await page.getByText(/^Trying again in \d+ s$/).waitFor();
	assert.equal(await page.getByRole("status")
		.filter({ hasText: "busy" }).innerText(), "The service is busy.");
});
