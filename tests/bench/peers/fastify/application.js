// GET /api/auth/me with Fastify: the work that switchboard does, in the way
// that is fastest there.  ../README.md says what is the same and what is not.
import cluster from "node:cluster";
import Database from "better-sqlite3";
import Fastify from "fastify";
import { createVerifier } from "fast-jwt";

const { BENCH_DATA, BENCH_SECRET, BENCH_LIMIT, BENCH_WINDOW, BENCH_WORKERS,
	PORT } = process.env;
const LIMIT = Number(BENCH_LIMIT);
const WINDOW = Number(BENCH_WINDOW) * 1e6;

function connect(name, synchronous)
{
	const database = new Database(`${BENCH_DATA}/${name}`,
	    { timeout: 2000 });

	database.pragma("journal_mode = WAL");
	database.pragma(`synchronous = ${synchronous}`);
	return database;
}

function fail(statusCode, message)
{
	throw Object.assign(new Error(message), { statusCode });
}

// Microseconds since the epoch, in 53 bits until the year 2255.
function now()
{
	return Math.floor((performance.timeOrigin + performance.now()) * 1000);
}

// A function that counts a request of a user's, or fails.
function counter()
{
	const limits = connect("limits.db", "OFF");
	const find = limits.prepare("SELECT times FROM limits WHERE key = ?")
	    .pluck();
	const put = limits.prepare(
	    "INSERT INTO limits (key, times, expires_at) VALUES (?, ?, ?) " +
	    "ON CONFLICT (key) DO UPDATE SET times = excluded.times, " +
	    "expires_at = excluded.expires_at");

	const moments = (key, at) => {
		const bytes = find.get(key);
		const found = [];

		for (let i = 0; bytes !== undefined && i < bytes.length; i += 8) {
			const t = bytes.readUInt32LE(i) +
			    bytes.readUInt32LE(i + 4) * 2 ** 32;

			if (t > at - WINDOW && t <= at)
				found.push(t);
		}
		if (found.length >= LIMIT)
			fail(429, "User rate limit exceeded");
		return found;
	};
	const take = limits.transaction((key) => {
		const at = now();
		const times = moments(key, at);
		const bytes = Buffer.allocUnsafe(times.length * 8 + 8);

		times.push(at);
		times.forEach((t, i) => {
			bytes.writeUInt32LE(t % 2 ** 32, i * 8);
			bytes.writeUInt32LE(Math.floor(t / 2 ** 32), i * 8 + 4);
		});
		put.run(key, bytes, at + WINDOW);
	}).immediate;

	return (user) => {
		moments(`user:${user}`, now());
		take(`user:${user}`);
	};
}

function stamp(microseconds)
{
	return new Date(Math.floor(microseconds / 1000)).toISOString()
	    .replace("Z", String(microseconds % 1000).padStart(3, "0") + "Z");
}

// A function that says who calls, or fails.
function caller()
{
	const verify = createVerifier({ key: BENCH_SECRET,
	    algorithms: ["HS256"], requiredClaims: ["exp", "sub", "sid"] });
	const find = connect("switchboard.db", "FULL").prepare(
	    "SELECT users.id, email, username, is_active, users.created_at " +
	    "FROM logins JOIN users ON users.id = logins.user_id " +
	    "WHERE logins.id = ? AND logins.user_id = ? " +
	    "AND logins.revoked_at IS NULL");
	const wrong = "Could not validate credentials";

	return (header) => {
		let claims, user;

		try {
			claims = verify(header.replace(/^Bearer /i, ""));
		} catch {
			fail(401, wrong);
		}
		if (claims.type === "access")
			user = find.get(claims.sid, claims.sub);
		if (user === undefined)
			fail(401, wrong);
		if (!user.is_active)
			fail(400, "Inactive user");
		return user;
	};
}

async function serve()
{
	const application = Fastify();
	const who = caller(), count = counter();
	const text = { type: "string" };

	application.get("/api/auth/me", { schema: { response: { 200: {
		type: "object",
		properties: { id: text, email: text, username: text,
		    is_active: { type: "boolean" }, created_at: text },
	} } } }, (request, reply) => {
		const user = who(request.headers.authorization ?? "");

		count(user.id);
		reply.send({ ...user, is_active: true,
		    created_at: stamp(user.created_at) });
	});
	await application.listen({ host: "127.0.0.1", port: Number(PORT) });
}

if (cluster.isPrimary)
	for (let i = 0; i < Number(BENCH_WORKERS); i++)
		cluster.fork();
else
	await serve();
