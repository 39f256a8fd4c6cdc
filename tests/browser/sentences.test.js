/*
 * Every error that openapi.json has is a sentence of the console, by its tables
 * and not by their fallback; and every sentence is one of an error that there
 * is.  Whoever adds an error to the API hears of it here.
 */
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const source = process.env.SB_SOURCE ??
	fileURLToPath(new URL("../..", import.meta.url));
const build = process.env.SB_BUILD ?? join(source, "build");

const api = JSON.parse(readFileSync(
	join(build, "share/switchboard/openapi.json"), "utf8"));

/* No package.json above it has to say that it is a module. */
const tables = await import("data:text/javascript," + encodeURIComponent(
	readFileSync(join(source, "web/console/sentences.js"), "utf8")));

/* What each type of entry says of the value; as the API has it. */
const ctx = {
	enum: { expected: "'a' or 'b'" }, greater_than_equal: { ge: 1 },
	less_than_equal: { le: 9 }, string_too_long: { max_length: 50 },
	string_too_short: { min_length: 3 }, too_long: { max_length: 9 },
	too_short: { min_length: 2 },
	value_error: { reason: "not an id" }
};

function follow(node) {
	if (node?.$ref === undefined)
		return node;
	return node.$ref.slice(2).split("/")
		.reduce((at, name) => at[name], api);
}

function responsesOf(operation) {
	return Object.entries(operation.responses ?? {})
		.filter(([status]) => !status.startsWith("2"))
		.map(([status, response]) => [status, follow(response)]);
}

function examplesOf(response) {
	return Object.values(response.content ?? {}).flatMap((media) => [
		media.example,
		...Object.values(media.examples ?? {})
			.map((example) => follow(example).value)
	]).filter((example) => example !== undefined);
}

/* Each error as { where, detail }, where it is one with a detail. */
function errors() {
	const found = [];

	for (const [path, item] of Object.entries(api.paths))
		for (const [method, operation] of Object.entries(item))
			for (const [status, response] of responsesOf(operation))
				for (const { detail } of examplesOf(response))
					found.push({ detail,
						where: `${method} ${path}` });
	return found.filter(({ detail }) => detail !== undefined);
}

function texts() {
	return errors().filter(({ detail }) => typeof detail === "string");
}

/* The schema of an entry of a 422, whatever it is called. */
function typesOfEntries() {
	const all = [];

	JSON.stringify(api.components.schemas, (name, value) => {
		if (value?.properties?.loc !== undefined)
			all.push(...value.properties.type.enum);
		return value;
	});
	return all;
}

function isSentence(text) {
	return typeof text === "string" && /^[A-Z].*[.!?]$/s.test(text) &&
		!/undefined|null|NaN/.test(text);
}

function limitOf(detail) {
	return /^(\w+) rate limit exceeded\./.exec(detail)?.[1];
}

/* All string literals of the C sources that judge input, put together. */
function literals() {
	const lib = join(source, "lib");

	return readdirSync(lib).filter((name) => name.endsWith(".c"))
		.concat("../cgi/auth.c", "../cgi/auth_keys.c")
		.map((name) => readFileSync(join(lib, name), "utf8")
			.replace(/"\s*\n\s*"/g, "")).join("\n");
}

test("openapi.json has errors to speak of", () => {
	assert.ok(texts().length > 50);
	assert.ok(new Set(texts().map(({ detail }) => detail)).size > 10);
	assert.ok(typesOfEntries().includes("missing"));
});

test("each error that is a text has a sentence", () => {
	const without = texts().filter(({ detail }) =>
		!isSentence(tables.detailOf(detail)?.sentence));

	assert.deepEqual(without, []);
});

test("each entry of an example has a sentence", () => {
	const entries = errors().filter(({ detail }) => Array.isArray(detail))
		.flatMap(({ detail }) => detail);

	assert.deepEqual(entries.filter((entry) =>
		!isSentence(tables.entryOf(entry))), []);
});

test("each type of an entry has a sentence", () => {
	const without = typesOfEntries().filter((type) =>
		!isSentence(tables.entryOf({ type, ctx: ctx[type] })));

	assert.deepEqual(without, []);
});

test("each status has a sentence", () => {
	const statuses = new Set(Object.values(api.paths)
		.flatMap(Object.values).flatMap(responsesOf)
		.map(([status]) => status));

	assert.deepEqual([...statuses].filter((status) =>
		!isSentence(tables.statuses[status])), []);
});

test("no sentence is for a text that the API does not have", () => {
	const known = new Set(texts().map(({ detail }) => detail));

	assert.deepEqual(Object.keys(tables.details)
		.filter((detail) => !known.has(detail)), []);
});

test("each pattern is of a text that the API has", () => {
	const known = texts().map(({ detail }) => detail);

	assert.deepEqual(tables.patterns.filter(([pattern]) =>
		!known.some((detail) => pattern.test(detail))), []);
});

test("no sentence is for a limit that the API does not have", () => {
	const known = new Set(texts().map(({ detail }) => limitOf(detail)));

	assert.deepEqual(Object.keys(tables.limits)
		.filter((limit) => !known.has(limit)), []);
});

test("no sentence is for a type that the API does not have", () => {
	const known = typesOfEntries();

	assert.deepEqual(Object.keys(tables.types)
		.filter((type) => !known.includes(type)), []);
});

test("no sentence is for a reason that the sources do not have", () => {
	const known = literals();
	const asked = [...Object.keys(tables.reasons),
		...tables.beginnings.map(([beginning]) => beginning)];

	assert.deepEqual(asked.filter((reason) =>
		!known.includes(`"${reason}`)), []);
});

test("each reason, and each beginning of one, gives a sentence", () => {
	const made = [...Object.keys(tables.reasons).map(tables.reasonOf),
		...tables.beginnings.map(([text]) =>
			tables.reasonOf(`${text}U+200B.`))];

	assert.deepEqual(made.filter((text) => !isSentence(text)), []);
});

test("problems go to the fields that they belong to", () => {
	const names = ["email", "username"];
	const wrong = { status: 422, body: { detail: [
		{ type: "missing", loc: ["body", "email"], msg: "…" },
		{ type: "string_too_short", loc: ["body", "username"],
			msg: "…", ctx: { min_length: 3 } }] } };
	const taken = { status: 400,
		body: { detail: "Username already registered" } };

	assert.deepEqual(tables.problemsOf(wrong, names), { form: null, fields:
		{ email: "Please fill this in.",
			username: "At least 3 characters, please." } });
	assert.deepEqual(Object.keys(tables.problemsOf(taken, names).fields),
		["username"]);
	assert.ok(isSentence(tables.problemsOf(taken, ["email"]).form));
});

test("what no table knows falls back to the server's text", () => {
	const odd = { type: "new_type", loc: ["body", "email"], msg: "Odd" };

	assert.deepEqual(tables.problemsOf(
		{ status: 422, body: { detail: [odd] } }, ["email"]),
	{ form: null, fields: { email: "Odd" } });
	assert.equal(tables.problemsOf(
		{ status: 418, body: { detail: "Short and stout" } }).form,
	"Short and stout");
	assert.ok(isSentence(tables.problemsOf(
		{ status: 418, body: null }).form));
});
