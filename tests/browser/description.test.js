// The API's description, /openapi.json, judged by others' tools: validators, and
// a client that is generated from it.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";

import { BUILD, PASSWORD, Server, ask } from "./server.js";
import { Client, run_tool } from "./client.js";

const server = await new Server().start();
const folder = mkdtempSync("/tmp/switchboard-lint.");
after(async () => {
	rmSync(folder, { recursive: true, force: true });
	await server.remove();
});

async function served()
{
	const answer = await ask(`${server.url}/openapi.json`);

	assert.equal(answer.status, 200);
	assert.equal(answer.headers.get("content-type"), "application/json");
	return answer.text();
}

// As plain CGI, under a prefix.
function mounted()
{
	const { stdout } = spawnSync(join(BUILD, "libexec/switchboard/meta"), {
		encoding: "utf8", env: { GATEWAY_INTERFACE: "CGI/1.1",
			SERVER_PROTOCOL: "HTTP/1.1", REQUEST_METHOD: "GET",
			REQUEST_URI: "/switchboard/openapi.json",
			REMOTE_ADDR: "192.0.2.1", ROOT_PATH: "/switchboard",
			SWITCHBOARD_DATA: folder } });
	const end = stdout.indexOf("\r\n\r\n");

	assert.match(stdout.slice(0, end), /^Status: 200 /m);
	return stdout.slice(end + 4);
}

const DOCUMENTS = { "/": served, "/switchboard": mounted };

for (const [prefix, get] of Object.entries(DOCUMENTS)) {
	test(`the document says that it is mounted at ${prefix}`, async () => {
		const { openapi, servers, components } = JSON.parse(await get());
		const { tokenUrl, refreshUrl } = components.securitySchemes.oauth2
			.flows.password;
		const root = prefix.replace(/\/$/, "");

		assert.match(openapi, /^3\.1\./);
		assert.deepEqual(servers.map(({ url }) => url), [prefix]);
		assert.equal(tokenUrl, `${root}/api/auth/login`);
		assert.equal(refreshUrl, `${root}/api/auth/refresh`);
	});

	test(`redocly finds nothing to say of it, at ${prefix}`, async () => {
		writeFileSync(join(folder, "openapi.json"), await get());
		const { status, text } = run_tool("redocly", ["lint",
			"--extends", "recommended", "--format", "json",
			"openapi.json"], folder);
		const { totals, problems } = JSON.parse(
			text.slice(text.indexOf("{"), text.lastIndexOf("}") + 1));

		assert.deepEqual(problems.map((problem) => [problem.ruleId,
			problem.message, problem.location[0].pointer]), []);
		assert.deepEqual(totals, { errors: 0, warnings: 0, ignored: 0 });
		assert.equal(status, 0);
	});

	test(`spectral finds nothing to say of it, at ${prefix}`, async () => {
		writeFileSync(join(folder, "openapi.json"), await get());
		writeFileSync(join(folder, "rules.yaml"),
			'extends: ["spectral:oas"]\n');
		const { status, text } = run_tool("spectral", ["lint", "--ruleset",
			"rules.yaml", "--fail-severity", "warn", "openapi.json"],
		folder);

		assert.match(text, /No results with a severity of 'warn' or higher/);
		assert.equal(status, 0);
	});
}

test("both validators can find fault", async () => {
	const document = JSON.parse(await served());

	delete document.paths["/api/auth/me"].get.operationId;
	document.paths["/api/auth/me"].get.responses["200"]
		.content["application/json"].example.username = 1;
	writeFileSync(join(folder, "openapi.json"), JSON.stringify(document));
	writeFileSync(join(folder, "rules.yaml"), 'extends: ["spectral:oas"]\n');
	assert.match(run_tool("redocly", ["lint", "--extends", "recommended",
		"openapi.json"], folder).text, /operation-operationId/);
	const { status, text } = run_tool("spectral", ["lint", "--ruleset",
		"rules.yaml", "--fail-severity", "warn", "openapi.json"], folder);
	assert.notEqual(status, 0);
	assert.match(text, /oas3-valid-media-example/);
});

// ------------------------------------------------------------------ a client

const PROGRAM = `
import createClient from "openapi-fetch";
import type { components, paths } from "./api.js";

declare const process: { argv: [string, string, string, string, string] };

const [, , baseUrl, username, password] = process.argv;
const api = createClient<paths>({ baseUrl });

function good<T>(answer: { data?: T, response: Response }): T
{
	if (answer.data === undefined)
		throw new Error(String(answer.response.status));
	return answer.data;
}

const registered = good(await api.POST("/api/auth/register", {
	body: { email: username + "@example.com", username, password },
}));
const pair: components["schemas"]["TokenPair"] = good(
	await api.POST("/api/auth/login", {
		body: { username, password },
		headers: { "Content-Type": "application/x-www-form-urlencoded" },
	}));
const me = good(await api.GET("/api/auth/me", {
	headers: { Authorization: "Bearer " + pair.access_token },
}));
const taken = await api.POST("/api/auth/register", {
	body: { email: "x", username: "x", password },
});
const faults: string[] = [];
if (taken.response.status === 422 && taken.error !== undefined &&
    typeof taken.error.detail !== "string")
	for (const fault of taken.error.detail)
		faults.push(fault.loc.join(".") + " " + fault.type);
const refused = await api.GET("/api/auth/me");
console.log(JSON.stringify({
	name: me.username,
	since: me.created_at,
	active: me.is_active ? "yes" : "no",
	two: registered.refresh_token !== pair.refresh_token,
	seconds: pair.expires_in / 60,
	faults,
	refused: refused.error?.detail,
}));
`;

// What must not compile, for the types to be worth anything.
const MISTAKES = [
	["username, password },\n}));", "user_name: username, password },\n}));"],
	["body: { username, password }", "body: { username }"],
	["username: \"x\"", "username: 1"],
	["me.username", "me.user_name"],
	["pair.expires_in / 60", "pair.expires_in.length"],
	["me.is_active ?", "me.is_active === 1 ?"],
	["fault.type", "fault.kind"],
	["refused.error?.detail", "refused.error?.message"],
	["GET(\"/api/auth/me\")", "GET(\"/api/auth/mine\")"],
	["GET(\"/api/auth/me\")", "PUT(\"/api/auth/me\")"],
];

test("a client generated from the document compiles, and works", async (t) => {
	const document = await served();
	const [{ url }] = JSON.parse(document).servers;
	const client = new Client(document);

	t.after(() => client.remove());
	client.write("program.ts", PROGRAM);
	assert.deepEqual(client.compile("program.ts"), []);
	const { since, ...said } = client.run("program.ts",
		new URL(url, server.origin).href, "ada", PASSWORD);
	assert.ok(Date.parse(since) > 0);
	assert.deepEqual(said, { name: "ada", active: "yes", two: true,
		seconds: 25, faults: ["body.email value_error",
			"body.username string_too_short"],
		refused: "Not authenticated" });
});

test("a client's mistakes do not compile", async (t) => {
	const client = new Client(await served());

	t.after(() => client.remove());
	MISTAKES.forEach(([right, wrong], i) => {
		assert.equal(PROGRAM.split(right).length, 2, right);
		client.write(`wrong-${i}.ts`, PROGRAM.replace(right, wrong));
	});
	const errors = client.compile(...MISTAKES.map((_, i) => `wrong-${i}.ts`));
	assert.deepEqual([...new Set(errors.map((line) => line.split(":")[0]))]
		.sort(), MISTAKES.map((_, i) => `wrong-${i}.ts`).sort());
});
