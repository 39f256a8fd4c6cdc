/*
 * What outlives the page: the record of the login, with its token pair, and the
 * last refresh token of one that ended.  session.js reads and writes it.
 *
 * It lies in localStorage.  A reload and other tabs have to find it, the API
 * takes bearer tokens and no cookies, and no other origin can read it.  A
 * script of this origin could, so the page lets in none but its own files.
 */
import { prefix } from "./away.js";
import { nameKey } from "./words.js";

const KEY = `switchboard:${prefix}:session`;
const KEPT = `switchboard:${prefix}:kept`;

const MOMENT = 500;

const memory = new Map();

/* Storage may be forbidden or full; then a tab remembers by itself. */
function read(key) {
	if (memory.has(key))
		return memory.get(key);
	try {
		return JSON.parse(localStorage.getItem(key));
	} catch {
		return null;
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

function areTexts(...values) {
	return values.every((value) => typeof value === "string");
}

/* Another version of the page, or another program, may have left anything. */
function isRecord(one) {
	return areTexts(one?.begun, one?.typed, one?.access_token,
		one?.refresh_token) && [one.lifetime, one.expires_at,
		one.ends_at].every(Number.isFinite) && (one.user === null ||
		areTexts(one.user?.username, one.user?.email));
}

export function readSession() {
	const record = read(KEY);

	return isRecord(record) ? record : null;
}

export function writeSession(record) {
	write(KEY, record);
}

/* Tells the other tabs why it ends, just before it does. */
export function handOn(notice) {
	write(KEY, { notice });
}

/* What another tab has handed on by this storage event, or null. */
export function handedOn({ newValue }) {
	try {
		return JSON.parse(newValue)?.notice ?? null;
	} catch {
		return null;
	}
}

/* Whether a storage event is about it; null: about everything. */
export function isSession(key) {
	return key === null || key === KEY;
}

function isChanged(before) {
	return readSession()?.access_token !== before?.access_token;
}

/* Resolves when another tab's change is seen here, or in a moment. */
function arrival(before) {
	return new Promise((go) => {
		const done = () => {
			clearTimeout(timer);
			window.removeEventListener("storage", done);
			go();
		};
		const timer = setTimeout(done, MOMENT);

		window.addEventListener("storage", done);
		if (isChanged(before))
			done();
	});
}

/*
 * Does something that no other tab does meanwhile, where locks exist.  What a
 * tab has written may be seen in others only after its lock is free, so who had
 * to wait for that gives it a moment.
 */
export async function alone(task) {
	const before = readSession();
	let isFree = true;

	if (navigator.locks === undefined)
		return task();
	const result = await navigator.locks.request(KEY, { ifAvailable: true },
		(lock) => {
			isFree = lock !== null;
			return isFree ? task() : undefined;
		});
	return isFree ? result : navigator.locks.request(KEY, async () => {
		await arrival(before);
		return task();
	});
}

/* ---------------------------------------------------- the last one, kept */

function sameName(a, b) {
	return nameKey(a) === nameKey(b);
}

function namesOf({ user, typed }) {
	return user === null ? [typed] : [user.username, user.email];
}

function readKept() {
	const kept = read(KEPT);

	return Array.isArray(kept?.names) && areTexts(...kept.names,
		kept.refresh_token) ? kept : null;
}

/*
 * Of a login that ended by itself: strangers' guesses can't keep out whoever
 * shows it at the next login of that account (README, "Limits").
 */
export function keep(one) {
	write(KEPT, { names: namesOf(one), refresh_token: one.refresh_token });
}

export function keptFor(name) {
	const kept = readKept();

	return kept?.names.some((other) => sameName(other, name)) ?
		kept.refresh_token : undefined;
}

/* It is worthless once its account has a newer one, or is gone. */
export function dropKept(one) {
	const kept = readKept();

	if (kept?.names.some((a) => namesOf(one).some((b) => sameName(a, b))))
		write(KEPT, null);
}
