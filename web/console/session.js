/*
 * Who is logged in: the token pair, kept, renewed and shared between tabs.
 * Every section calls the API through callAs().
 *
 * The pair lies in localStorage.  A reload and other tabs have to find it, the
 * API takes bearer tokens and no cookies, and no other origin can read it.  A
 * script of this origin could, so the page lets in none but its own files.
 */
import { once, call, patiently } from "./http.js";
import { prefix } from "./away.js";
import { changed, focusSoon } from "./draw.js";
import { forgetLimits } from "./meter.js";
import { details, sentenceOf } from "./sentences.js";

const KEY = `switchboard:${prefix}:session`;
const KEPT = `switchboard:${prefix}:kept`;
const AHEAD = 30000;

const ENDED = details["Invalid refresh token"].sentence;
const ELSEWHERE = "You were logged out in another tab.";

/* For whoever was waiting when the login ended; the page has said so. */
export class Ended extends Error {}

export const session = { now: null, notice: null };

const listeners = [];
const memory = new Map();
let renewing = null;

/* Calls f whenever somebody has logged in or out, here or in another tab. */
export function onChange(f) {
	listeners.push(f);
}

/* ------------------------------------------------------------- the store */

/* Storage may be forbidden or full; then a tab remembers by itself. */
function read(key) {
	try {
		return JSON.parse(localStorage.getItem(key)) ??
			memory.get(key) ?? null;
	} catch {
		return memory.get(key) ?? null;
	}
}

function write(key, value) {
	memory.delete(key);
	try {
		if (value === null)
			localStorage.removeItem(key);
		else
			localStorage.setItem(key, JSON.stringify(value));
	} catch {
		memory.set(key, value);
	}
}

/* Does something that no other tab does meanwhile, where locks exist. */
function alone(task) {
	return navigator.locks === undefined ? task() :
		navigator.locks.request(KEY, task);
}

/* ---------------------------------------------------- the last one, kept */

function sameName(a, b) {
	return a.normalize("NFKC").toLowerCase() ===
		b.normalize("NFKC").toLowerCase();
}

function namesOf(one) {
	return one.user === null ? [one.typed] :
		[one.user.username, one.user.email];
}

/*
 * Of a login that ended by itself: strangers' guesses can't keep out whoever
 * shows it at the next login of that account (README, "Limits").
 */
function keep(one) {
	write(KEPT, { names: namesOf(one), refresh_token: one.refresh_token });
}

function keptFor(name) {
	const kept = read(KEPT);

	return kept?.names.some((other) => sameName(other, name)) ?
		kept.refresh_token : undefined;
}

/* It is worthless once its account has a newer one, or is gone. */
function dropKept(one) {
	const kept = read(KEPT);

	if (kept?.names.some((a) => namesOf(one).some((b) => sameName(a, b))))
		write(KEPT, null);
}

/* ----------------------------------------------------- beginning, ending */

function announce(selector) {
	forgetLimits();
	for (const listener of listeners)
		listener();
	focusSoon(selector);
}

function recordOf(pair, { typed, user }) {
	return { typed, user, access_token: pair.access_token,
		refresh_token: pair.refresh_token,
		lifetime: pair.expires_in * 1000,
		expires_at: Date.now() + pair.expires_in * 1000,
		ends_at: Date.now() + pair.refresh_expires_in * 1000 };
}

function save(record) {
	write(KEY, record);
	session.now = record;
	changed();
}

function begin(pair, typed) {
	const record = recordOf(pair, { typed, user: null });

	dropKept(record);
	save(record);
	session.notice = null;
	announce("main h2");
}

function end(notice) {
	const one = session.now ?? read(KEY);

	write(KEY, null);
	session.now = null;
	session.notice = notice;
	if (one !== null)
		announce("main h2");
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
	const one = read(KEY);

	if (one !== null)
		keep(one);
	end(notice);
	return new Ended();
}

/* ---------------------------------------------------------------- tokens */

/* Another tab has ended the login, or begun another one. */
function isStale(record) {
	return read(KEY)?.refresh_token !== record.refresh_token;
}

async function renewAlone(used) {
	const record = read(KEY);

	if (record === null)
		throw gone();
	if (record.access_token !== used) {
		session.now = record;
		return { ok: true };
	}
	const answer = await once("POST", "/api/auth/refresh",
		{ json: { refresh_token: record.refresh_token } });
	if (isStale(record))
		session.now = read(KEY);
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
function prepare() {
	const record = read(KEY);

	if (record === null)
		throw gone();
	session.now = record;
	return record.expires_at - Date.now() >
		Math.min(AHEAD, record.lifetime / 4) ? { ok: true } :
		renew(record.access_token);
}

/* Sends a request that needs a token, and once more with a renewed one. */
async function attempt(send) {
	const ready = await prepare();

	if (!ready.ok)
		return ready;
	const used = read(KEY)?.access_token;
	const answer = await send(used);
	if (answer.status !== 401)
		return answer;
	const renewed = await renew(used);
	return renewed.ok ? send(read(KEY)?.access_token) : renewed;
}

async function persist(method, send) {
	const answer = await patiently(method, () => attempt(send));

	if (answer.status === 401)
		throw refused(ENDED);
	if (isInactive(answer))
		throw refused(sentenceOf(answer));
	return answer;
}

/*
 * A call in the name of whoever is logged in.  The answer is as http.js has it;
 * throws Unreachable, and Ended if the login is over.
 */
export function callAs(method, path, options) {
	return persist(method, (bearer) =>
		once(method, path, { ...options, bearer }));
}

/* The same for what ends logins: other tabs wait, and see what became of it. */
function callAlone(method, path, options, then) {
	return persist(method, (bearer) => alone(async () => {
		const answer = await once(method, path,
			{ ...options, bearer });

		if (answer.ok)
			then(answer.body);
		return answer;
	}));
}

export function renewByHand() {
	return patiently("POST", () => renew(read(KEY)?.access_token));
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
		const record = read(KEY);
		const answer = record === null ? { ok: true } :
			await call("POST", "/api/auth/logout",
				{ json: { refresh_token: record.refresh_token } });

		if (answer.ok || answer.status === 401)
			leave("You are logged out.");
		return answer;
	});
}

/* Goes without the server's knowing, which can't be reached. */
export function forget() {
	leave("You are logged out here. The server could not be told: end that " +
		"login from the list of your logins, next time.");
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

export function deleteAccount(values) {
	return callAlone("DELETE", "/api/auth/me", { json: values },
		() => leave("Your account and all that belonged to it is gone."));
}

/* Ends all logins, this one too; the answer is a new one. */
export function changePassword(values) {
	return callAlone("POST", "/api/auth/password", { json: values },
		(pair) => save(recordOf(pair, session.now ?? read(KEY))));
}

/* Who it is, as the server has it: shown at once after a reload. */
export function noteUser({ id, username, email }) {
	const record = read(KEY);

	if (record !== null)
		save({ ...record, user: { id, username, email } });
}

/* ------------------------------------------------------------ other tabs */

function isSame(a, b) {
	return a !== null && (a.refresh_token === b.refresh_token ||
		(a.user !== null && a.user.id === b.user?.id));
}

/* Does as the tab did that wrote to the store. */
function follow() {
	const before = session.now;

	session.now = read(KEY);
	if (before === null && session.now === null)
		return;
	if (session.now === null)
		session.notice = ELSEWHERE;
	else if (isSame(before, session.now)) {
		changed();
		return;
	} else
		session.notice = null;
	announce("main h2");
}

export function start() {
	session.now = read(KEY);
	window.addEventListener("storage", (event) => {
		if (event.key === null || event.key === KEY)
			follow();
	});
	window.addEventListener("pageshow", (event) => {
		if (event.persisted)
			follow();
	});
}
