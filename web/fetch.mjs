// Fetches what the pages take from npm, and nothing that comes with it: of
// each package that package.json names, the tarball that package-lock.json has
// the hash of.  The build runs it: fetch.mjs NPM WEB-FOLDER INTO-FOLDER.

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync }
	from "node:fs";
import { join, resolve } from "node:path";

// Enough for a network that stumbles; without one the build ends soon.
const PATIENCE = ["--fetch-retries=2", "--fetch-retry-mintimeout=1000",
	"--fetch-retry-maxtimeout=5000", "--fetch-timeout=60000"];
const [npm, web, into] = process.argv.slice(2);
const read = (name) => JSON.parse(readFileSync(join(web, name), "utf8"));
const wanted = Object.keys(read("package.json").dependencies);
const locked = read("package-lock.json").packages;

function pack(spec, folder)
{
	const args = ["pack", spec, "--ignore-scripts", "--silent", "--json",
		"--pack-destination", folder, ...PATIENCE];

	return JSON.parse(execFileSync(npm, args, { encoding: "utf8",
		cwd: folder, stdio: ["ignore", "pipe", "inherit"] }));
}

function fetch_package(name, folder)
{
	const { version, integrity } = locked[`node_modules/${name}`];
	const [{ filename }] = pack(`${name}@${version}`, folder);
	const file = join(folder, filename);
	const hash = "sha512-" + createHash("sha512").update(readFileSync(file))
		.digest("base64");

	if (hash !== integrity)
		throw new Error(`${name} ${version} is not what the lock has`);
	mkdirSync(join(folder, name));
	execFileSync("tar", ["-xzf", file, "-C", join(folder, name),
		"--strip-components=1", "--no-same-owner"]);
	rmSync(file);
}

const folder = resolve(mkdtempSync(`${into}.`));
try {
	for (const name of wanted)
		fetch_package(name, folder);
	rmSync(into, { recursive: true, force: true });
	renameSync(folder, into);
} catch (error) {
	rmSync(folder, { recursive: true, force: true });
	console.error(`web/fetch.mjs: ${error.message}`);
	console.error("Without npm's registry: configure --without-npm");
	process.exitCode = 1;
}
