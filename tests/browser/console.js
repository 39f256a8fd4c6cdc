// What the tests of the console share: the ways of a person through it, and a
// look at a state from all sides.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

import { assert_accessible, assert_fits, show } from "./browser.js";
import { PASSWORD, SOURCE } from "./server.js";

// What it says of errors; sentences.test.js holds it to what there are.
export const { details, limits, reasons, statuses, types } = await import(
	"data:text/javascript," + encodeURIComponent(
		readFileSync(`${SOURCE}/web/console/sentences.js`, "utf8")));

// A sentence by its text in the API; a mistake here finds none.
export function sentence(detail)
{
	const found = details[detail]?.sentence ?? reasons[detail];

	assert.equal(typeof found, "string", detail);
	return found;
}

export const heading = (page, name) =>
	page.getByRole("main").getByRole("heading", { name, level: 2 });
export const button = (page, name) =>
	page.getByRole("button", { name, exact: true });
export const field = (form, label) => form.getByLabel(label, { exact: true });
export const form = (page, name) => page.getByRole("form", { name });

export async function open(page, url, section = "")
{
	await page.goto(`${url}/console${section}`);
	await page.getByRole("main").getByRole("heading", { level: 2 })
		.first().waitFor();
}

// Types into a form, by labels, and sends it.
export async function submit(page, name, values, label = name)
{
	const the_form = form(page, name);

	for (const [label, value] of Object.entries(values))
		await field(the_form, label).fill(value);
	await button(the_form, label).click();
}

export async function log_in(page, username, password = PASSWORD)
{
	await submit(page, "Log in", { "Username or email": username,
		Password: password });
}

export async function enter(page, url, username)
{
	await open(page, url);
	await log_in(page, username);
	await heading(page, "Account").waitFor();
	await form(page, "Profile").waitFor();
}

export async function go(page, section)
{
	await page.getByRole("navigation", { name: "Sections" })
		.getByRole("link", { name: section, exact: true }).click();
	await heading(page, section).waitFor();
}

// What the page keeps, or null.
export function kept(page)
{
	return page.evaluate(() => {
		for (const [key, value] of Object.entries(localStorage))
			if (key.endsWith(":session"))
				return JSON.parse(value);
		return null;
	});
}

// That a field says so, to eyes and to screen readers, and has the focus if it
// is the first that is wrong.
export async function assert_wrong(the_form, label, text, focused = true)
{
	const input = field(the_form, label);

	await the_form.page().getByText(text).first().waitFor();
	assert.equal(await input.getAttribute("aria-invalid"), "true");
	const ids = (await input.getAttribute("aria-describedby")).split(" ");
	const texts = await Promise.all(ids.map((id) =>
		the_form.page().locator(`[id="${id}"]`).innerText()));
	assert.ok(texts.some((other) => other.includes(text)), texts.join());
	if (focused)
		assert.ok(await input.evaluate(
			(element) => element === document.activeElement));
}

export async function assert_right(the_form, label)
{
	assert.equal(await field(the_form, label).getAttribute("aria-invalid"),
		null);
}

// Buttons and the like can be hit with a thumb; links in a text are text.
async function assert_big(page)
{
	assert.deepEqual(await page.evaluate(() =>
		[...document.querySelectorAll(
			"button, input, select, summary, textarea, nav a")]
			.map((e) => [e.outerHTML.slice(0, 80),
				e.getBoundingClientRect()])
			.filter(([, { width, height }]) => width > 0 &&
				(width < 44 || height < 44))
			.map(([text, { width, height }]) =>
				`${width} x ${height}: ${text}`)), []);
}

// A state, as everybody would find it: on each screen, in each theme.
export async function look(page, name)
{
	const turn_to = async (colorScheme, width) => {
		await page.emulateMedia({ colorScheme });
		await page.setViewportSize({ width, height: 844 });
		if (width > 320)
			await show(page, `console ${name} ${colorScheme} ${width}`,
				{ fullPage: true });
	};

	for (const [theme, width] of [["light", 320], ["light", 1280],
		["dark", 1280], ["dark", 390], ["light", 390]]) {
		await turn_to(theme, width);
		await assert_fits(page);
		await assert_big(page);
		// Sizes and colours do not depend on each other.
		if (theme !== "dark" || width !== 1280)
			await assert_accessible(page);
	}
}
