// The viewers of the documentation, /docs and /redoc, in Chromium.

import assert from "node:assert/strict";
import { after } from "node:test";

import { PASSWORD, Server } from "./server.js";
import { assert_accessible, assert_fits, assert_readable, show, visit }
	from "./browser.js";

const server = await new Server().start();
const mounted = await new Server({ settings: { ROOT_PATH: "/switchboard" } })
	.start();
after(() => Promise.all([server.remove(), mounted.remove()]));

const at = (more) => () => ({ origin: server.origin, ...more });

// What is there once the viewer is; its file; an operation; its headings.
const VIEWERS = {
	docs: { there: ".opblock", file: "swagger-ui-bundle.js",
		operation: "#operations-auth-update_me",
		title: "#viewer h1, #viewer h2" },
	redoc: { there: "[data-section-id] h2", file: "redoc.standalone.js",
		operation: "[id='tag/auth/operation/update_me']",
		title: "#viewer h1" },
};

async function see(page, name, url = server.url)
{
	await page.goto(`${url}/${name}`);
	await page.locator(VIEWERS[name].there).first().waitFor();
}

const luminance = (page) => page.evaluate(() => getComputedStyle(
	document.body).backgroundColor.match(/\d+/g).slice(0, 3)
	.reduce((sum, n) => sum + n / 3 / 255, 0));

for (const name of Object.keys(VIEWERS)) {
	for (const theme of ["light", "dark"]) {
		visit(`/${name} needs no network, fits every screen, is ${theme}`,
			at({ theme }), async ({ page }) => {
			await see(page, name);
			assert.equal(await luminance(page) > .5,
				theme === "light");
			for (const width of [320, 390, 1280]) {
				await page.setViewportSize({ width, height: 844 });
				await page.evaluate(() => scrollTo(0, 0));
				await show(page, `${name} ${theme} ${width}`);
				await assert_fits(page);
				const operation = page.locator(
					VIEWERS[name].operation);
				if (name === "docs" && width === 320)
					await operation.locator("button").first()
						.click();
				await operation.scrollIntoViewIfNeeded();
				await assert_fits(page);
				await show(page,
					`${name} operation ${theme} ${width}`);
			}
			// In the light both look as their makers want.
			if (theme === "dark")
				await assert_readable(page);
		});
	}

	visit(`/${name} works under a prefix`, () => ({ origin: mounted.origin }),
		async (visitor) => {
		await see(visitor.page, name, mounted.url);
		assert.ok(visitor.requests.length > 5);
		assert.deepEqual(visitor.requests.filter((request) =>
			!request.startsWith("GET /switchboard/")), []);
		for (const link of await visitor.page.locator("header a").all())
			assert.match(await link.getAttribute("href"),
				/^\/switchboard\//);
	});

	visit(`/${name} is there to be read before its viewer is`, at(),
		async ({ context, page }) => {
		let release;
		const released = new Promise((resolve) => release = resolve);

		await context.route(`**/${VIEWERS[name].file}`, async (route) => {
			await released;
			await route.continue();
		});
		await page.goto(`${server.url}/${name}`,
			{ waitUntil: "commit" });
		await page.getByRole("heading", { name: "switchboard" }).waitFor();
		await page.getByRole("status")
			.getByText("The documentation is being loaded").waitFor();
		await page.getByRole("link", { name: "Console" }).waitFor();
		assert.notEqual(await luminance(page), 0);
		await page.waitForFunction(() => performance
			.getEntriesByName("first-contentful-paint").length > 0);
		await show(page, `${name} loading`);
		assert.equal(await page.locator(VIEWERS[name].there).count(), 0);
		release();
		await page.locator(VIEWERS[name].there).first().waitFor();
		assert.equal(await page.getByText("is being loaded").count(), 0);
	});

	visit(`/${name} says that its viewer could not be loaded`, at(),
		async ({ context, page }) => {
		await context.route(`**/${VIEWERS[name].file}`,
			(route) => route.abort());
		await page.goto(`${server.url}/${name}`);
		await page.getByRole("status").getByText(
			"The viewer could not be loaded. Try again in a moment.")
			.waitFor();
		await show(page, `${name} not loaded`);
		await assert_accessible(page, "body");
	});

	visit(`/${name} asks for files with a hash in their names only once`,
		at(), async (visitor) => {
		await see(visitor.page, name);
		const first = await loads(visitor.page);
		await visitor.page.reload();
		await visitor.page.locator(VIEWERS[name].there).first().waitFor();
		const again = await loads(visitor.page);

		assert.ok(first.length >= 4);
		assert.ok(first.every(({ sent }) => sent > 0));
		assert.deepEqual(again.map(({ file }) => file),
			first.map(({ file }) => file));
		assert.deepEqual(again.filter(({ sent, size }) =>
			sent > 0 || size === 0), []);
	});
}

// The files with hashes that a page loaded, and what came over the network.
async function loads(page)
{
	return (await page.evaluate(() => performance
		.getEntriesByType("resource").map((entry) => ({
			file: entry.name, sent: entry.transferSize,
			size: entry.decodedBodySize }))))
		.filter(({ file }) => file.includes("/static/") &&
			!file.endsWith("icon.svg"))
		.sort((a, b) => a.file < b.file ? -1 : 1);
}

// ------------------------------------------------------------- /docs, to try

// Fills Authorize's form of one scheme, and sends it.
async function authorize(page, scheme, values)
{
	await page.getByRole("button", { name: "Authorize" }).first().click();
	const form = page.locator(".auth-container").filter({ has:
		page.getByRole("heading", { name: new RegExp(`^${scheme} `) }) });

	for (const [label, value] of Object.entries(values))
		await form.getByLabel(label, { exact: true }).fill(value);
	await form.getByRole("button", { name: "Apply" }).click();
	await form.getByRole("button", { name: "Remove authorization" })
		.waitFor();
	await show(page, `docs authorized ${scheme}`);
	await page.getByRole("button", { name: "Close" }).last().click();
}

// Sends a request by Try it out, and gives the status and body shown.
async function try_out(page, id)
{
	const operation = page.locator(`#operations-${id}`);

	await operation.locator(".opblock-summary-control").click();
	await operation.getByRole("button", { name: "Try it out" }).click();
	await operation.getByRole("button", { name: "Execute" }).click();
	const answer = operation.locator(".live-responses-table .response");
	await answer.waitFor();
	await answer.scrollIntoViewIfNeeded();
	await show(page, `docs tried ${id}`);
	return [await answer.locator(".response-col_status").innerText(),
		await answer.locator("pre").first().innerText()];
}

visit("/docs authorizes by the password flow, and then calls me", at(),
	async ({ page, requests }) => {
	await server.register("ada");
	await see(page, "docs");
	await authorize(page, "oauth2", { "username:": "ada",
		"password:": PASSWORD });
	assert.ok(requests.includes("POST /api/auth/login"));
	const [status, body] = await try_out(page, "auth-get_me");
	assert.match(status, /^200/);
	assert.equal(JSON.parse(body).username, "ada");
});

visit("/docs authorizes by a bearer token, and then calls me", at(),
	async ({ page, requests }) => {
	const { access_token } = await server.register("bob");

	await see(page, "docs");
	await authorize(page, "bearer", { "auth-bearer-value": access_token });
	const [status, body] = await try_out(page, "auth-get_me");
	assert.match(status, /^200/);
	assert.equal(JSON.parse(body).username, "bob");
	assert.ok(!requests.includes("POST /api/auth/login"));
});

visit("/docs shows a call that is refused as it is", at(), async ({ page }) => {
	await see(page, "docs");
	const [status, body] = await try_out(page, "auth-get_me");
	assert.match(status, /^401/);
	assert.deepEqual(JSON.parse(body), { detail: "Not authenticated" });
});

// ---------------------------------------------------------- /redoc, to search

visit("/redoc finds an operation", at({ width: 1280 }), async ({ page }) => {
	await see(page, "redoc");
	await page.getByPlaceholder("Search").fill("everywhere");
	const found = page.locator("[data-role='search:results']")
		.getByRole("menuitem").filter({ hasText: /everywhere/i }).first();
	await found.waitFor();
	await show(page, "redoc search");
	await found.click();
	await page.waitForFunction(() => location.hash !== "");
	const heading = page.locator(`[id='${new URL(page.url()).hash.slice(1)}']`);
	await heading.getByRole("heading", { name: /everywhere/i }).first().waitFor();
});
