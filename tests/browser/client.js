// A client of the API that is generated from its description, for tests: the
// types by openapi-typescript, the calls by openapi-fetch.

import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync }
	from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

import { BUILD } from "./server.js";

const modules = join(BUILD, "tests/browser/node_modules");
const require = createRequire(`${modules}/`);

// Runs a tool of npm's; none of them may call home.
export function run_tool(name, args, folder)
{
	const { status, stdout, stderr } = spawnSync(process.execPath,
		[join(modules, ".bin", name), ...args], { cwd: folder,
			encoding: "utf8", env: { ...process.env, NO_COLOR: "1",
				REDOCLY_TELEMETRY: "off",
				REDOCLY_SUPPRESS_UPDATE_NOTICE: "true" } });

	return { status, text: stdout + stderr };
}

// A folder with the types of one API, and programs that use them.
export class Client {
	// document: the API's description, as text.
	constructor(document)
	{
		this.folder = mkdtempSync("/tmp/switchboard-client.");
		symlinkSync(modules, join(this.folder, "node_modules"));
		this.write("package.json", '{ "type": "module" }');
		this.write("openapi.json", document);
		const { status, text } = run_tool("openapi-typescript",
			["openapi.json", "--output", "api.d.ts"], this.folder);

		if (status !== 0)
			throw new Error(text);
	}

	write(name, text)
	{
		writeFileSync(join(this.folder, name), text);
	}

	// What tsc has to say, a line each: FILE: error …
	compile(...files)
	{
		this.write("tsconfig.json", JSON.stringify({ files,
			compilerOptions: { types: [], target: "es2022",
				module: "nodenext",
				lib: ["es2022", "dom", "dom.iterable"] } }));
		const { status, text } = run_tool("tsc", ["--strict", "--noEmit",
			"--pretty", "false"], this.folder);
		const errors = text.trim().split("\n")
			.filter((line) => /^\S/.test(line))
			.map((line) => line.replace(/\(\d+,\d+\)/, ""));

		if ((status === 0) !== (errors.length === 0))
			throw new Error(text);
		return errors;
	}

	// Runs a program; gives what it prints, which is JSON.
	run(name, ...args)
	{
		const typescript = require("typescript");
		const js = name.replace(/ts$/, "js");

		this.write(js, typescript.transpile(readFileSync(
			join(this.folder, name), "utf8"), {
			target: typescript.ScriptTarget.ES2022,
			module: typescript.ModuleKind.ESNext }));
		const { status, stdout, stderr } = spawnSync(process.execPath,
			[js, ...args], { cwd: this.folder, encoding: "utf8" });

		if (status !== 0)
			throw new Error(stderr);
		return JSON.parse(stdout);
	}

	remove()
	{
		rmSync(this.folder, { recursive: true, force: true });
	}
}
