/*
 * One request and its answer, for session.js and the sections: noted in the
 * list of calls, read for its limits, and tried again where that is safe.
 */
import { Unreachable, back, pause, prefix, report } from "./away.js";
import { noteCall } from "./calls.js";
import { noteLimits } from "./meter.js";

const PATIENCE = 30000;
const PAUSES = 5;

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

function initOf({ method, bearer, json, form }) {
	const headers = { Accept: "application/json" };
	let body;

	if (bearer)
		headers.Authorization = `Bearer ${bearer}`;
	if (json) {
		headers["Content-Type"] = "application/json";
		body = JSON.stringify(json);
	} else if (form)
		body = new URLSearchParams(form);
	return { method, headers, body, cache: "no-store",
		signal: AbortSignal.timeout(PATIENCE) };
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

/* A page of somebody between us, with a 200, is no success. */
async function answerOf(response) {
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
 * The answer as { status, ok, retryAfter, body }: of one request, sent once.
 * Throws Unreachable if there was none.
 */
export async function once(method, path, options = {}) {
	const request = { method, url: prefix + path, ...options };
	const start = performance.now();
	const answer = await ask(request);

	noteCall(request, answer, performance.now() - start);
	if (answer !== null && !isGateways(answer))
		return answer;
	report();
	throw new Unreachable();
}

async function attemptTwice(method, attempt) {
	for (;;) {
		try {
			return await attempt();
		} catch (error) {
			if (!(error instanceof Unreachable) || method !== "GET")
				throw error;
		}
		await back();
	}
}

/*
 * The answer of an attempt.  What only reads is tried until the server is back;
 * what writes may have been done, and only the user knows whether to repeat it.
 * A 503 with Retry-After has done nothing; a long one is for the user to see.
 */
export async function patiently(method, attempt) {
	for (let pauses = 0; ; pauses++) {
		const answer = await attemptTwice(method, attempt);

		if (answer.status !== 503 || answer.retryAfter === 0 ||
			answer.retryAfter * 1000 > PATIENCE ||
			pauses === PAUSES)
			return answer;
		await pause(answer.retryAfter);
	}
}

export function call(method, path, options) {
	return patiently(method, () => once(method, path, options));
}
