// A field that is added to a route's table is checked, described, shown by both
// viewers and known to the generated client, with no other edit: a copy of the
// source gets one, and is built.

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync }
	from "node:fs";
import { join, relative } from "node:path";
import { after, test } from "node:test";

import { BUILD, PASSWORD, SOURCE, Server, ask } from "./server.js";
import { show, visit } from "./browser.js";
import { Client } from "./client.js";

const top = mkdtempSync("/tmp/switchboard-field.");
const source = join(top, "source");
const build = join(top, "build");
let server;
after(async () => {
	await server?.remove();
	rmSync(top, { recursive: true, force: true });
});

// The build tree may be within the source tree, which may be read-only.
function copy_source()
{
	const inside = relative(SOURCE, BUILD).split("/")[0];
	const left_out = ["build", ".git", "data", "config.status", inside]
		.map((name) => `--exclude='./${name}'`).join(" ");

	mkdirSync(source);
	execFileSync("sh", ["-c", `tar -C "$1" ${left_out} --mode=u+w -cf - . |
		tar -C "$2" --no-same-owner -xf -`, "sh", SOURCE, source]);
}

function replace(text, pattern, by)
{
	assert.equal(text.split(pattern).length, text.match(pattern).length + 1);
	return text.replace(pattern, by);
}

function add_field()
{
	const file = join(source, "cgi/auth.c");
	let text = readFileSync(file, "utf8");

	text = replace(text, /^(enum \{ CHANGE_[A-Z_, \n]*) \};$/m,
		"$1, CHANGE_NICKNAME };");
	text = replace(text,
		/^(static const struct sb_field change_in\[\] = \{\n[^}]*(?:\},\n[^}]*)*?)(\tSB_END)/m,
		`$1	[CHANGE_NICKNAME] = { "nickname", SB_TEXT, "What friends say.",
	    1, 20, .optional = true, .example = "Bobby" },
$2`);
	writeFileSync(file, text);
}

// As the tree under test was configured, with what that has of npm's.
function make()
{
	mkdirSync(join(build, "web"), { recursive: true });
	for (const name of ["npm", "npm.stamp"])
		cpSync(join(BUILD, "web", name), join(build, "web", name),
			{ recursive: true });
	const options = execFileSync(join(BUILD, "config.status"), ["--config"],
		{ encoding: "utf8" }).trim();
	const { MAKEFLAGS, MFLAGS, MAKELEVEL, ...env } = process.env;
	const { status, stdout, stderr } = spawnSync("sh", ["-c",
		`"$1"/configure ${options} && touch web/npm.stamp &&
		make -j2 all`, "sh", source],
	{ cwd: build, encoding: "utf8", env, maxBuffer: 1 << 26 });

	if (status !== 0)
		throw new Error((stdout + stderr).slice(-4000));
}

copy_source();
add_field();
make();
server = await new Server({ build }).start();
const before = readFileSync(join(BUILD, "share/switchboard/openapi.json"),
	"utf8");
const document = await (await ask(`${server.url}/openapi.json`)).text();
const { access_token } = await server.register("ada");

const change = (values) => server.call("PATCH", "/api/auth/me",
	{ token: access_token, json: { current_password: PASSWORD, ...values } });

test("a field of a table is checked", async () => {
	const long = await change({ username: "eve", nickname: "x".repeat(21) });
	const good = await change({ username: "eve", nickname: "x".repeat(20) });

	assert.equal(long.status, 422);
	assert.deepEqual(long.body.detail.map(({ type, loc }) => [type, loc]),
		[["string_too_long", ["body", "nickname"]]]);
	assert.equal(good.status, 200);
	assert.equal(good.body.username, "eve");
});

test("a field of a table is described", () => {
	const schema = (text) => JSON.parse(text).components.schemas.UserChange;
	const { nickname, ...others } = schema(document).properties;

	assert.equal(nickname.description, "What friends say.");
	assert.equal(nickname.minLength, 1);
	assert.equal(nickname.maxLength, 20);
	assert.deepEqual(schema(document).required, schema(before).required);
	assert.deepEqual(others, schema(before).properties);
});

visit("a field of a table is shown by /docs", () => ({ origin: server.origin }),
	async ({ page }) => {
	await page.goto(`${server.url}/docs`);
	const operation = page.locator("#operations-auth-update_me");
	await operation.locator(".opblock-summary-control").click();
	const body = operation.locator(".opblock-section-request-body");
	await body.locator("pre").getByText("Bobby").waitFor();
	await body.getByRole("tab", { name: "Schema" })
		.or(body.getByRole("button", { name: "Schema" })).first().click();
	await body.getByText("nickname").waitFor();
	await body.scrollIntoViewIfNeeded();
	await show(page, "docs with one more field");
});

visit("a field of a table is shown by /redoc", () => ({ origin: server.origin }),
	async ({ page }) => {
	await page.goto(`${server.url}/redoc`);
	const operation = page.locator("[id='tag/auth/operation/update_me']");
	const row = operation.getByRole("row").filter({ hasText: "nickname" });
	await row.getByText("What friends say.").waitFor();
	await row.getByText(/1 .* 20/).waitFor();
	await operation.getByText("Bobby").waitFor();
	await row.scrollIntoViewIfNeeded();
	await show(page, "redoc with one more field");
});

const program = (nickname) => `
import createClient from "openapi-fetch";
import type { paths } from "./api.js";

declare const process: { argv: [string, string, string, string] };

const [, , baseUrl, token] = process.argv;
const answer = await createClient<paths>({ baseUrl }).PATCH("/api/auth/me", {
	body: { username: "bob", nickname: ${nickname},
		current_password: "${PASSWORD}" },
	headers: { Authorization: "Bearer " + token },
});
console.log(JSON.stringify(answer.data?.username ?? answer.response.status));
`;

test("a field of a table is known to the generated client", (t) => {
	const client = new Client(document);

	t.after(() => client.remove());
	client.write("good.ts", program('"Bobby"'));
	client.write("long.ts", program('"Bobby".repeat(9)'));
	client.write("wrong.ts", program("20"));
	const errors = client.compile("good.ts", "long.ts", "wrong.ts");
	assert.equal(errors.length, 1);
	assert.match(errors[0], /^wrong\.ts: .*number.*string/);
	assert.equal(client.run("good.ts", server.url, access_token), "bob");
	assert.equal(client.run("long.ts", server.url, access_token), 422);
});

test("a client from before the field does not know its type", (t) => {
	const client = new Client(before);

	t.after(() => client.remove());
	client.write("wrong.ts", program("20"));
	assert.deepEqual(client.compile("wrong.ts"), []);
});
