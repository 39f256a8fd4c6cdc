/*
 * How the limits stand, by the header fields of the last answers: http.js notes
 * them, the page shows them beside whatever else it shows.
 */
import { html, nothing } from "./lit-html.js";
import { changed, secondsTo } from "./draw.js";
import { nameKey, span } from "./words.js";

const TITLES = {
	account: "Password guesses", address: "Attempts",
	user: "Requests"
};
const known = new Map();

function number(headers, name) {
	const text = headers.get(`X-RateLimit-${name}`);

	return text === null ? NaN : Number(text);
}

function keyOf(name, whose) {
	return `${name} ${whose}`;
}

function note(state) {
	known.set(keyOf(state.name, state.whose), state);
	changed();
}

/* username: whom a login was for; the limit of an account is theirs. */
export function noteLimits(headers, username = "") {
	const name = /^"(\w+)"/.exec(headers.get("RateLimit-Policy"))?.[1];
	const wait = /;t=(\d+)/.exec(headers.get("RateLimit"))?.[1];
	const limit = number(headers, "Limit");

	if (name === undefined || !(limit > 0))
		return;
	const whose = name === "account" ? nameKey(username) : "";
	note({ name, whose, limit, remaining: number(headers, "Remaining"),
		window: number(headers, "Window"),
		frees: Date.now() + Number(wait ?? 0) * 1000 });
}

/* The user's own as /api/limits has it, which may be newer; null: it is off. */
export function noteUserLimit(user, frees) {
	if (user === null)
		known.delete(keyOf("user", ""));
	else
		note({ name: "user", whose: "", limit: user.limit, frees,
			remaining: user.remaining,
			window: user.window_seconds });
	changed();
}

/* Those of somebody who is gone. */
export function forgetLimits() {
	known.clear();
}

/* Whether nothing has left the window since; from then on it is a guess. */
function isCertain({ limit, remaining, frees }) {
	return remaining >= limit || secondsTo(frees) > 0;
}

/* As the server does: below a fifth. */
function isLow(left, limit) {
	return left < limit / 5;
}

/* A bar of what is left; the text beside it says the same. */
export function bar(label, left, limit) {
	return html`<svg class="bar ${isLow(left, limit) ? "low" : ""}"
role="meter"
aria-label=${label} aria-valuemin="0" aria-valuemax=${limit}
aria-valuenow=${left} viewBox=${`0 0 ${limit} 1`}
preserveAspectRatio="none">
<rect width=${left} height="1"></rect></svg>`;
}

function row(state) {
	const title = TITLES[state.name] ?? state.name;
	const { limit, remaining } = state;
	const isKnown = isCertain(state);

	return html`<div class="meter">
<p class="name">${title}</p>
<p class="value">${isKnown ? `${remaining} of ${limit} left` :
		`at most ${limit} in ${span(state.window)}`}</p>
${isKnown ? bar(`${title} left`, remaining, limit) : nothing}
<p class="next">${isKnown && remaining < limit ?
		`one more in ${span(secondsTo(state.frees))}` : nothing}</p>
<p class="warning" role="status">${isKnown ? warning(state) : nothing}</p>
</div>`;
}

function warning({ limit, remaining }) {
	return !isLow(remaining, limit) ? nothing :
		html`<strong>${remaining === 0 ? "At the limit." :
			"Close to the limit."}</strong> Slow down a little.`;
}

/* Whether one that isn't always there has something to say. */
function isDue(state, names, username) {
	return names.includes(state.name) &&
		state.whose === nameKey(username) &&
		state.remaining < state.limit && isCertain(state);
}

/* The first of names at all times, others while something is spent. */
export function meter(names, username = "") {
	const rows = [...known.values()].filter((state) =>
		state.name === names[0] || isDue(state, names, username));

	return rows.length === 0 ? nothing :
		html`<section class="meters" aria-label="Rate limit">
${rows.map(row)}</section>`;
}
