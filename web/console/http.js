/*
 * One request and its answer, for session.js and the sections: noted in the
 * list of calls, read for its limits, and tried again where that is safe.
 */
import { Unreachable, back, pause, prefix, report } from "./away.js";
import { noteCall } from "./calls.js";
import { noteLimits } from "./meter.js";

const PATIENCE = 30000;
const PAUSES = 5;
const STREAM = "text/event-stream";

/* For whoever has stopped what was asked, by its signal. */
export class Stopped extends Error {}

/* The server's clock less ours, in milliseconds; its answers tell. */
let offset = 0;

function noteClock(headers) {
	const date = Date.parse(headers.get("Date"));

	if (date > 0 && Math.abs(date - Date.now() - offset) > 1500)
		offset = date - Date.now();
}

/* A moment of the server's, in seconds, by our clock, in milliseconds. */
export function momentOf(seconds) {
	return seconds * 1000 - offset;
}

function initOf({ method, bearer, key, json, form, isStream, signal }) {
	const headers = { Accept: isStream ? STREAM : "application/json" };
	let body;

	if (bearer)
		headers.Authorization = `Bearer ${bearer}`;
	if (key)
		headers["Idempotency-Key"] = key;
	if (json) {
		headers["Content-Type"] = "application/json";
		body = JSON.stringify(json);
	} else if (form)
		body = new URLSearchParams(form);
	return { method, headers, body, cache: "no-store",
		signal: signal ?? AbortSignal.timeout(PATIENCE) };
}

function parse(text) {
	try {
		return JSON.parse(text);
	} catch {
		return null;
	}
}

function isObject(value) {
	return typeof value === "object" && value !== null;
}

function isStreaming(response) {
	return response.ok && response.headers.get("Content-Type")
		?.startsWith(STREAM);
}

/*
 * A page of somebody between us, with a 200, is no success.  A stream is for
 * who asked for it to read.
 */
async function answerOf(response) {
	if (isStreaming(response))
		return { status: response.status, ok: true, retryAfter: 0,
			body: null, stream: response.body };
	const after = Number(response.headers.get("Retry-After"));
	const body = parse(await response.text());

	return { status: response.status, ok: response.ok &&
		(response.status === 204 || isObject(body)),
		retryAfter: after > 0 ? after : 0, body };
}

/* Whether something in front of the programs speaks, and they don't. */
function isGateways({ status, retryAfter, body }) {
	return status === 502 || status === 504 || (status === 503 &&
		retryAfter === 0 && body?.status === undefined);
}

async function ask(request) {
	try {
		const response = await fetch(request.url, initOf(request));
		const answer = await answerOf(response);

		noteClock(response.headers);
		noteLimits(response.headers, request.form?.username);
		return answer;
	} catch {
		return null;
	}
}

/*
 * The answer as { status, ok, retryAfter, body, stream }: of one request, sent
 * once.  Throws Unreachable if there was none, and Stopped if its signal was
 * given.  key: what makes it safe to repeat, the Idempotency-Key.
 */
export async function once(method, path, options = {}) {
	const request = { method, url: prefix + path, ...options };
	const start = performance.now();
	const answer = await ask(request);

	if (answer === null && request.signal?.aborted)
		throw new Stopped();
	noteCall(request, answer, performance.now() - start);
	if (answer !== null && !isGateways(answer))
		return answer;
	report();
	throw new Unreachable();
}

/* What can be repeated is, when the server is back. */
export async function untilAnswered(attempt) {
	for (;;) {
		try {
			return await attempt();
		} catch (error) {
			if (!(error instanceof Unreachable))
				throw error;
		}
		await back();
	}
}

/* An Idempotency-Key; randomUUID() is there on secure origins only. */
export function newKey() {
	return Array.from(crypto.getRandomValues(new Uint8Array(16)),
		(byte) => byte.toString(16).padStart(2, "0")).join("");
}

/* Whether a request that was done twice has done nothing more. */
function isRepeatable(method, key) {
	return method === "GET" || key !== undefined;
}

/*
 * The answer of an attempt.  What only reads, or has a key, is tried until the
 * server is back; what else writes may have been done, and only the user knows
 * whether to repeat it.  A 503 with Retry-After has done nothing; a long one is
 * for the user to see.
 */
export async function patiently({ method, key }, attempt) {
	for (let pauses = 0; ; pauses++) {
		const answer = await (isRepeatable(method, key) ?
			untilAnswered(attempt) : attempt());

		if (answer.status !== 503 || answer.retryAfter === 0 ||
			answer.retryAfter * 1000 > PATIENCE ||
			pauses === PAUSES)
			return answer;
		await pause(answer.retryAfter);
	}
}

export function call(method, path, options) {
	return patiently({ method }, () => once(method, path, options));
}
