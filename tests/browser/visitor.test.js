// That a visitor's complaints are heard: without this, the tests of the pages
// might see nothing and pass.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, test } from "node:test";

import { Visitor } from "./browser.js";

// Pages that do what ours must not.
const PAGES = {
	"/outside": "<script>fetch('http://192.0.2.1/x').catch(() => 0)</script>",
	"/font": "<style>@font-face { font-family: f;" +
		"src: url('https://fonts.example/f.woff2') }</style>" +
		"<p style='font-family: f'>text",
	"/log": "<script>console.error('so it is')</script>",
	"/throw": "<script>throw new Error('not caught')</script>",
	"/reject": "<script>Promise.reject(new Error('nor this'))</script>",
	"/inline": "<p style='color: red'>red",
	"/good": "<script>fetch('/nothing')</script>",
};

const server = createServer((request, answer) => {
	const page = PAGES[request.url];

	answer.writeHead(page ? 200 : 404, { "Content-Type": "text/html",
		...request.url === "/inline" && {
			"Content-Security-Policy": "style-src 'self'" } });
	answer.end(page && `<!DOCTYPE html><link rel="icon" href="data:,">${page}`);
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
after(() => server.close());

async function hear(path)
{
	const origin = `http://127.0.0.1:${server.address().port}`;
	const visitor = await Visitor.come({ origin });

	try {
		await visitor.page.goto(origin + path,
			{ waitUntil: "networkidle" });
		return visitor;
	} finally {
		await visitor.leave();
	}
}

for (const [path, url] of [["/outside", "http://192.0.2.1/x"],
	["/font", "https://fonts.example/f.woff2"]]) {
	test(`a request to another host is seen: ${path}`, async () => {
		const visitor = await hear(path);

		assert.deepEqual(visitor.outside, [url]);
		assert.throws(() => visitor.assert_undisturbed());
	});
}

for (const [path, problem] of [["/log", /so it is/], ["/throw", /not caught/],
	["/reject", /nor this/], ["/inline", /CSP: style-src/]]) {
	test(`a problem is heard: ${path}`, async () => {
		const visitor = await hear(path);

		assert.match(visitor.problems.join("\n"), problem);
		assert.throws(() => visitor.assert_undisturbed());
	});
}

test("an answer that is an error is no problem by itself", async () => {
	const visitor = await hear("/good");

	assert.deepEqual(visitor.requests, ["GET /good", "GET /nothing"]);
	visitor.assert_undisturbed();
});
