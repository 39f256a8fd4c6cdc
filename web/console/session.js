/*
 * Who is logged in: how a login begins, is renewed, shared between tabs, and
 * ends.  Every section calls the API through callAs().
 */
import { once, call, patiently, untilAnswered } from "./http.js";
import { changed, focusHeadingSoon } from "./draw.js";
import { forgetLimits } from "./meter.js";
import { details, sentenceOf } from "./sentences.js";
import { alone, dropKept, handOn, handedOn, isSession, keep, keptFor,
	readSession, writeSession } from "./store.js";

const AHEAD = 30000;

const ENDED = details["Invalid refresh token"].sentence;
const LEFT = "You are logged out.";
const LEFT_ELSEWHERE = "You were logged out in another tab.";
const ELSEWHERE = "This login has ended in another tab.";

/* For whoever was waiting when the login ended; the page has said so. */
export class Ended extends Error {}

export const session = { now: null, notice: null };

const listeners = [];
let renewing = null;

/* Calls f whenever somebody has logged in or out, here or in another tab. */
export function onChange(f) {
	listeners.push(f);
}

/* ----------------------------------------------------- beginning, ending */

function announce() {
	forgetLimits();
	for (const listener of listeners)
		listener();
	focusHeadingSoon();
}

/* Renewed or not, a login is the same as long as "begun" is. */
function recordOf(pair, { begun, typed, user }) {
	return { begun, typed, user, access_token: pair.access_token,
		refresh_token: pair.refresh_token,
		lifetime: pair.expires_in * 1000,
		expires_at: Date.now() + pair.expires_in * 1000,
		ends_at: Date.now() + pair.refresh_expires_in * 1000 };
}

function save(record) {
	writeSession(record);
	session.now = record;
	changed();
}

function begin(pair, typed) {
	const begun = `${Date.now()} ${Math.random()}`;
	const record = recordOf(pair, { begun, typed, user: null });

	dropKept(record);
	save(record);
	session.notice = null;
	announce();
}

function end(notice) {
	const one = session.now ?? readSession();

	handOn(notice === LEFT ? LEFT_ELSEWHERE : notice);
	writeSession(null);
	session.now = null;
	session.notice = notice;
	if (one !== null)
		announce();
	changed();
}

function isInactive({ status, body }) {
	return status === 400 && body?.detail === "Inactive user";
}

function gone() {
	end(ELSEWHERE);
	return new Ended();
}

/* The login is over, and not because anybody here wanted it. */
function refused(notice) {
	const one = readSession();

	if (one !== null)
		keep(one);
	end(notice);
	return new Ended();
}

/* ---------------------------------------------------------------- tokens */

/* False once somebody has logged out, or another one in. */
function isSame(a, b) {
	return a !== null && b !== null && a.begun === b.begun;
}

/* Another tab has ended the login, or begun another one. */
function isStale(record) {
	return readSession()?.refresh_token !== record.refresh_token;
}

async function renewAlone(used) {
	const record = readSession();

	if (record === null)
		throw gone();
	if (record.access_token !== used) {
		session.now = record;
		return { ok: true };
	}
	const answer = await once("POST", "/api/auth/refresh",
		{ json: { refresh_token: record.refresh_token } });
	if (isStale(record))
		session.now = readSession();
	else if (answer.ok)
		save(recordOf(answer.body, record));
	else if (answer.status === 401)
		throw refused(ENDED);
	else if (isInactive(answer))
		throw refused(sentenceOf(answer));
	return answer;
}

/*
 * Changes the pair for a new one, unless another tab has done so since the
 * access token was used.  The answer, if it failed, is the server's.
 */
function renew(used) {
	renewing ??= alone(() => renewAlone(used))
		.finally(() => { renewing = null; });
	return renewing;
}

/* Renews what is about to expire; an answer that isn't ok is in the way. */
function prepare(one) {
	const record = readSession();

	if (!isSame(record, session.now) || !isSame(record, one)) {
		follow();
		throw new Ended();
	}
	session.now = record;
	return record.expires_at - Date.now() >
		Math.min(AHEAD, record.lifetime / 4) ? { ok: true } :
		renew(record.access_token);
}

/* What one has asked for is done with one's own token, or not at all. */
function tokenOf(one) {
	if (!isSame(one, session.now))
		throw new Ended();
	return session.now.access_token;
}

/* Sends a request that needs a token, and once more with a renewed one. */
async function attempt(one, send) {
	const ready = await prepare(one);

	if (!ready.ok)
		return ready;
	const used = tokenOf(one);
	const answer = await send(used);
	if (answer.status !== 401)
		return answer;
	const renewed = await renew(used);
	const token = tokenOf(one);
	return renewed.ok ? send(token) : renewed;
}

/* Somebody else may log in while it waits: see tokenOf(). */
async function persist(repeat, send) {
	const one = session.now;
	const answer = await repeat(() => attempt(one, send));

	if (answer.status !== 401 && !isInactive(answer))
		return answer;
	tokenOf(one);
	throw refused(answer.status === 401 ? ENDED : sentenceOf(answer));
}

/*
 * A call in the name of whoever is logged in.  The answer is as http.js has it;
 * throws Unreachable, and Ended if the login is over.
 */
export function callAs(method, path, options) {
	return persist((attempt) =>
		patiently({ method, key: options?.key }, attempt),
	(bearer) => once(method, path, { ...options, bearer }));
}

/* The same for what listens: that it is refused for now is for it to say. */
export function listenAs(path, options) {
	return persist(untilAnswered,
		(bearer) => once("GET", path, { ...options, bearer }));
}

/* The same for what ends logins: other tabs wait, and see what became of it. */
function callAlone(method, path, options, then) {
	const one = session.now;

	const send = async (bearer) => {
		const answer = await once(method, path,
			{ ...options, bearer });

		if (!isSame(one, readSession()))
			throw new Ended();
		if (answer.ok)
			then(answer.body);
		return answer;
	};

	return persist((attempt) => patiently({ method }, attempt),
		(bearer) => alone(() => send(bearer)));
}

export function renewByHand() {
	return patiently({ method: "POST" },
		() => renew(readSession()?.access_token));
}

/* --------------------------------------------------------- coming, going */

export async function register(values) {
	const answer = await call("POST", "/api/auth/register",
		{ json: values });

	if (answer.ok)
		begin(answer.body, values.username);
	return answer;
}

export async function logIn(values) {
	const form = { grant_type: "password", ...values };
	const kept = keptFor(values.username);

	if (kept !== undefined)
		form.refresh_token = kept;
	const answer = await call("POST", "/api/auth/login", { form });
	if (answer.ok)
		begin(answer.body, values.username);
	return answer;
}

/* The refresh token says which login: it works with a dead access token. */
export function logOut() {
	return alone(async () => {
		const record = readSession();
		const answer = record === null ? { ok: true } :
			await call("POST", "/api/auth/logout", { json:
				{ refresh_token: record.refresh_token } });

		if (answer.ok || answer.status === 401)
			leave(LEFT);
		return answer;
	});
}

/* Goes without the server's knowing, which can't be reached. */
export function forget() {
	leave("You are logged out here. The server could not be told: end " +
		"that login from the list of your logins, next time.");
}

/* What is left behind of the login is worth nothing any more. */
function leave(notice) {
	if (session.now !== null)
		dropKept(session.now);
	end(notice);
}

export function logOutEverywhere() {
	return callAlone("POST", "/api/auth/logout-all", {},
		() => leave("You are logged out everywhere."));
}

/* Ends one of the logins, which may be this one. */
export function endLogin({ id, current }) {
	return callAlone("DELETE", `/api/auth/sessions/${id}`, {}, () => {
		if (current)
			leave(LEFT);
	});
}

export function deleteAccount(values) {
	return callAlone("DELETE", "/api/auth/me", { json: values },
		() => leave("Your account and all that was its own is gone."));
}

/* Ends all logins, this one too; the answer is a new one. */
export function changePassword(values) {
	return callAlone("POST", "/api/auth/password", { json: values },
		(pair) => save(recordOf(pair, readSession())));
}

/* Who it is, as the server has it: shown at once after a reload. */
export function noteUser({ id, username, email }) {
	return alone(() => {
		const record = readSession();

		if (isSame(record, session.now))
			save({ ...record, user: { id, username, email } });
	});
}
/* ------------------------------------------------------------ other tabs */

/* Who has found no login before the reason came says it late. */
function explain(notice) {
	if (notice !== null && session.notice === ELSEWHERE) {
		session.notice = notice;
		changed();
	}
}

/* Does as the tab did that wrote to the store, and said why. */
function follow(notice = null) {
	const before = session.now;

	session.now = readSession();
	if (before === null && session.now === null) {
		explain(notice);
		return;
	}
	if (session.now === null)
		session.notice = notice ?? ELSEWHERE;
	else if (isSame(before, session.now)) {
		changed();
		return;
	} else
		session.notice = null;
	announce();
}

export function start() {
	session.now = readSession();
	window.addEventListener("storage", (event) => {
		if (isSession(event.key))
			follow(handedOn(event));
	});
	window.addEventListener("pageshow", (event) => {
		if (event.persisted)
			follow();
	});
}
