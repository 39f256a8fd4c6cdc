// Chromium for the tests of the pages: one a file, a fresh context a test, and
// nothing that a page complained of or asked of others goes unseen.

import assert from "node:assert/strict";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, test } from "node:test";

import { BUILD } from "./server.js";

// What npm has installed is in the build tree.
export const require = createRequire(`${BUILD}/tests/browser/`);

const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

export const SCREENSHOTS = join(BUILD, "tests/browser/screenshots");
mkdirSync(SCREENSHOTS, { recursive: true });

let launched;

// Whatever is not on this machine is asked of a proxy that isn't there.
function browser()
{
	launched ??= chromium.launch({
		executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
		args: ["--no-sandbox", "--disable-gpu", "--disable-quic",
			"--no-first-run", "--disable-background-networking",
			"--disable-component-update", "--disable-sync",
			"--disable-dev-shm-usage",
			"--proxy-server=http://127.0.0.1:9"],
	});
	return launched;
}

after(async () => (await launched)?.close());

// Somebody with a browser of their own: { origin, width, theme, scripts }.
export class Visitor {
	// What pages, and those who wrote them, should never have to say.
	problems = [];
	// Requests that left the origin.
	outside = [];
	// Every request, as "GET /docs".
	requests = [];

	static async come(options)
	{
		const visitor = new Visitor();

		await visitor.#arrive(options);
		return visitor;
	}

	async #arrive({ origin, width = 390, height = 844, theme = "light",
		scripts = true, touch = width < 768 })
	{
		this.origin = origin;
		this.context = await (await browser()).newContext({
			viewport: { width, height }, colorScheme: theme,
			javaScriptEnabled: scripts, hasTouch: touch, locale: "en-US",
			timezoneId: "UTC", reducedMotion: "reduce" });
		await this.context.addInitScript(() => addEventListener(
			"securitypolicyviolation", (e) => console.error(
				`CSP: ${e.effectiveDirective} ${e.blockedURI} ` +
				`${e.sourceFile}:${e.lineNumber} ${e.sample}`)));
		this.context.on("request", (request) => this.#note(request));
		this.context.on("console", (message) => {
			// Of an answer that is an error Chromium says so by itself.
			if (message.type() === "error" &&
			    !/^Failed to load resource: /.test(message.text()))
				this.problems.push(message.text());
		});
		this.context.on("weberror", (problem) => this.problems.push(
			String(problem.error().stack)));
		this.page = await this.open();
	}

	async open(url)
	{
		const page = await this.context.newPage();

		if (url)
			await page.goto(url);
		return page;
	}

	#note(request)
	{
		const url = request.url();

		if (url.startsWith(`${this.origin}/`))
			this.requests.push(request.method() + " " +
				url.slice(this.origin.length));
		else if (!/^(blob|data):/.test(url))
			this.outside.push(url);
	}

	assert_undisturbed()
	{
		assert.deepEqual(this.problems, []);
		assert.deepEqual(this.outside, []);
	}

	async leave()
	{
		await this.context.close();
	}
}

// A test of what happens to a visitor.  options is as of Visitor.come, or a
// function that gives it when the test runs.
export function visit(name, options, body)
{
	test(name, async (t) => {
		const visitor = await Visitor.come(
			typeof options === "function" ? options() : options);

		try {
			rmSync(picture(`failed: ${name}`), { force: true });
			await body(visitor, t);
			visitor.assert_undisturbed();
		} catch (error) {
			await show(visitor.page, `failed: ${name}`);
			if (visitor.problems.length > 0)
				error.message += `\nproblems: ${visitor.problems
					.join("\n")}`;
			throw error;
		} finally {
			await visitor.leave();
		}
	});
}

function picture(name)
{
	return join(SCREENSHOTS, name.replace(/[^A-Za-z0-9]+/g, "-") + ".png");
}

// A picture for people to look at, named after what it shows.
export async function show(page, name, options = {})
{
	await page.screenshot({ path: picture(name), ...options });
}

// Whether nothing lies to the right of the screen.
export async function assert_fits(page)
{
	const [wide, room, culprits] = await page.evaluate(() => {
		const root = document.scrollingElement;

		return [root.scrollWidth, root.clientWidth,
			[...document.querySelectorAll("body *")].filter((e) =>
				e.getBoundingClientRect().right > root.clientWidth + 1)
				.map((e) => e.outerHTML.slice(0, 120)).slice(0, 5)];
	});

	assert.ok(wide <= room, `${wide} wide in ${room}: ${culprits.join("\n")}`);
}

// Texts whose contrast is less than that of what is merely faint.
export async function assert_readable(page)
{
	await page.evaluate(axe);
	const faint = await page.evaluate(async () => (await axe.run("html", {
		resultTypes: ["violations"], runOnly: ["color-contrast"] }))
		.violations.flatMap(({ nodes }) => nodes)
		.map(({ target, any: [{ data }] }) => [data.contrastRatio,
			data.fgColor, data.bgColor, String(target)])
		.filter(([ratio]) => ratio < 3));

	assert.deepEqual(faint.slice(0, 5), []);
}

// Of WCAG 2.1 AA, and of what is good practice, by axe-core's rules.
export async function assert_accessible(page, where = "html", ...rules)
{
	await page.evaluate(axe);
	const { violations } = await page.evaluate(([where, rules]) =>
		axe.run(where, { resultTypes: ["violations"],
			runOnly: rules.length > 0 ? rules : ["wcag2a", "wcag2aa",
				"wcag21a", "wcag21aa", "best-practice"] }),
	[where, rules]);

	assert.deepEqual(violations.map(({ id, nodes }) => [id,
		...nodes.map((node) => `${node.target}: ${node.failureSummary}`)]),
	[]);
}
