// The real lighttpd for the tests of the pages, with the programs of the build
// tree, as tests/server/harness.bash starts it; and the API called without a
// browser.  The Makefile sets SB_BUILD and SB_SOURCE.

import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, closeSync, mkdtempSync, openSync, readFileSync, renameSync,
	rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createConnection } from "node:net";
import { join } from "node:path";

export const BUILD = process.env.SB_BUILD;
export const SOURCE = process.env.SB_SOURCE;
export const PASSWORD = "password123";

// A turn of a loop that waits for something.
const turn = () => new Promise((resolve) => setTimeout(resolve, 20));

// Until a question is answered by anything true, which it returns.
export async function eventually(question, what = question, seconds = 30)
{
	const end = process.hrtime.bigint() + BigInt(seconds) * 1000000000n;

	for (;;) {
		const answer = await question();

		if (answer)
			return answer;
		if (process.hrtime.bigint() > end)
			throw new Error(`not so in time: ${what}`);
		await turn();
	}
}

function is_listening(port)
{
	return new Promise((resolve) => {
		const socket = createConnection(port, "127.0.0.1");

		socket.on("connect", () => resolve(true));
		socket.on("error", () => resolve(false));
		socket.on("close", () => socket.destroy());
	}).finally(turn);
}

// A port that nobody listens on; below those that the kernel gives to clients.
async function free_port()
{
	for (;;) {
		const port = 20000 + Math.floor(Math.random() * 12000);

		if (!await is_listening(port))
			return port;
	}
}

// By a connection of its own: one that was kept may have been closed while this
// process waited for another and heard of nothing.
export function ask(url, options = {})
{
	return fetch(url, { ...options,
		headers: { ...options.headers, Connection: "close" } });
}

// No session's id (RFC 9562 section 5.9).
const NOBODY = "00000000-0000-0000-0000-000000000000";

// Whether all programs answer; but for the first, to a stranger.
async function is_up(port)
{
	const status = (path) => ask(`http://127.0.0.1:${port}${path}`)
		.then((answer) => answer.status, () => 0);

	return await status("/health") === 200 &&
		await status("/api/limits") === 401 &&
		await status("/api/sessions") === 401 &&
		await status(`/api/sessions/${NOBODY}/events`) === 401;
}

// Whether a process group has a living member.
function is_group_alive(group)
{
	return execFileSync("ps", ["-e", "-o", "pgid=,stat="],
		{ encoding: "utf8" }).split("\n").some((line) => {
		const [id, state] = line.trim().split(/\s+/);

		return Number(id) === group && !state.startsWith("Z");
	});
}

// The settings of a test: cheap hashes, and no limits in the way.
const SETTINGS = {
	WORKERS: "2", SCRYPT_N: "1024", SCRYPT_R: "1", SCRYPT_P: "1",
	RATE_LIMIT_PER_USER: "0", RATE_LIMIT_PER_ADDRESS: "0",
	LOGIN_FAILURES_PER_ACCOUNT: "0",
};

const servers = new Set();

export class Server {
	// settings: more of them, which win.  clock: whether the programs see the
	// time that set_clock says.  build: another build tree.
	constructor({ settings = {}, clock = false, build = BUILD } = {})
	{
		this.settings = { ...SETTINGS, ...settings };
		this.prefix = this.settings.ROOT_PATH ?? "";
		this.run = mkdtempSync("/tmp/switchboard-test.");
		this.log = join(this.run, "log");
		this.build = build;
		this.clock = clock ? join(this.run, "clock") : null;
		servers.add(this);
		for (const name of ["err", "lighttpd.conf", "start"])
			symlinkSync(join(SOURCE, "deploy/lighttpd", name),
				join(this.run, name));
		for (const name of ["auth", "chat", "events", "meta"]) {
			if (clock)
				this.#fake(name);
			else
				symlinkSync(this.#program(name),
					join(this.run, name));
		}
		this.data = mkdtempSync(join(this.run, "data."));
	}

	#program(name)
	{
		return join(this.build, "libexec/switchboard", name);
	}

	// libfaketime's shared memory outlives a process that is killed, so each
	// notes its id.
	#fake(name)
	{
		const library = execFileSync("faketime",
			["-f", "+0", "printenv", "LD_PRELOAD"],
			{ encoding: "utf8" }).trim();
		const file = join(this.run, name);

		writeFileSync(file, `#!/bin/sh
echo $$ >>'${this.run}/faked'
export LD_PRELOAD='${library}'
export FAKETIME_TIMESTAMP_FILE='${this.clock}' FAKETIME_FMT=%s
export FAKETIME_NO_CACHE=1 FAKETIME_DONT_FAKE_MONOTONIC=1 NO_FAKE_STAT=1
# The clock's file is none that a confined program may read.
export CONFINE=false
export ASAN_OPTIONS=verify_asan_link_order=0 TZ=UTC
exec '${this.#program(name)}'
`);
		chmodSync(file, 0o755);
		this.set_clock(Date.now() / 1000);
	}

	// Seconds since the epoch; the programs' time then stands still.
	set_clock(seconds)
	{
		this.now = seconds;
		writeFileSync(`${this.clock}.new`, `${seconds.toFixed(6)}\n`);
		renameSync(`${this.clock}.new`, this.clock);
	}

	move_clock(seconds)
	{
		this.set_clock(this.now + seconds);
	}

	// At the port that it had, if it had one.
	async start()
	{
		for (let i = 0; i < 5; i++) {
			const port = this.port ?? await free_port();

			if (await this.#listen(port)) {
				this.port = port;
				this.origin = `http://127.0.0.1:${port}`;
				this.url = this.origin + this.prefix;
				return this;
			}
		}
		throw new Error(readFileSync(this.log, "utf8"));
	}

	// Whether it came up: another test may have taken the port just now.
	async #listen(port)
	{
		const log = openSync(this.log, "a");

		this.web = spawn("lighttpd",
			["-D", "-f", join(this.run, "lighttpd.conf")], {
			cwd: this.run, detached: true, stdio: ["ignore", log, log],
			env: { ...this.settings, HOST: "127.0.0.1",
				PORT: String(port), SWITCHBOARD_DATA: this.data,
				PATH: `${process.env.PATH}:/usr/sbin:/sbin` } });
		closeSync(log);
		await once(this.web, "spawn");
		return eventually(async () => {
			if (this.web.exitCode !== null)
				return "gone";
			return await is_up(port) && "up";
		}, "a server").then((state) => state === "up");
	}

	// Lets requests finish, and waits for the end of all processes.
	async stop()
	{
		const group = this.web.pid;

		this.web.kill("SIGINT");
		await eventually(() => !is_group_alive(group), "no server");
		this.web = null;
	}

	async remove()
	{
		if (this.web)
			await this.stop();
		this.forget();
	}

	// What has to be done even where nothing can be waited for.
	forget()
	{
		if (this.web && this.web.exitCode === null)
			process.kill(-this.web.pid, "SIGKILL");
		if (this.clock)
			this.#forget_fakes();
		rmSync(this.run, { recursive: true, force: true });
		servers.delete(this);
	}

	#forget_fakes()
	{
		let ids;

		try {
			ids = readFileSync(join(this.run, "faked"), "utf8");
		} catch {
			return;
		}
		for (const id of ids.trim().split("\n")) {
			rmSync(`/dev/shm/faketime_shm_${id}`, { force: true });
			rmSync(`/dev/shm/sem.faketime_sem_${id}`, { force: true });
		}
	}

	// call("GET", "/api/auth/me", { token }): its status, fields and body.
	async call(method, path, { json, form, token, headers = {} } = {})
	{
		const answer = await ask(this.url + path, { method,
			headers: { ...headers,
				...json && { "Content-Type": "application/json" },
				...token && { Authorization: `Bearer ${token}` } },
			body: json ? JSON.stringify(json) :
				form && new URLSearchParams(form) });
		const text = await answer.text();

		return { status: answer.status, headers: answer.headers,
			body: text && JSON.parse(text) };
	}

	// A token pair.
	async register(username)
	{
		return (await this.call("POST", "/api/auth/register", { json: {
			username, email: `${username}@example.com`,
			password: PASSWORD } })).body;
	}

	async login(username, password = PASSWORD, headers = {})
	{
		return (await this.call("POST", "/api/auth/login",
			{ form: { username, password }, headers })).body;
	}
}

process.on("exit", () => {
	for (const server of servers)
		server.forget();
});
for (const signal of ["SIGHUP", "SIGINT", "SIGTERM"])
	process.on(signal, () => process.exit(1));
