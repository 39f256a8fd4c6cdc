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

/* username: whom a login was for; the limit of an account is theirs. */
export function noteLimits(headers, username = "") {
	const name = /^"(\w+)"/.exec(headers.get("RateLimit-Policy"))?.[1];
	const wait = /;t=(\d+)/.exec(headers.get("RateLimit"))?.[1];
	const limit = number(headers, "Limit");

	if (name === undefined || !(limit > 0))
		return;
	const whose = name === "account" ? nameKey(username) : "";
	known.set(`${name} ${whose}`, { name, whose, limit,
		remaining: number(headers, "Remaining"),
		frees: Date.now() + Number(wait ?? 0) * 1000,
		ends: Date.now() + number(headers, "Window") * 1000,
		isClose: headers.has("X-RateLimit-Warning") });
	changed();
}

/* Those of somebody who is gone. */
export function forgetLimits() {
	known.clear();
}

/*
 * What is left by now: at least one more when the oldest request has left the
 * window, and all when the window is over.  No request is spent on asking.
 */
function now(state) {
	const { limit, remaining, frees, ends, isClose } = state;

	if (remaining >= limit || secondsTo(ends) === 0)
		return { left: limit, text: `${limit} of ${limit} left` };
	if (secondsTo(frees) > 0)
		return { left: remaining, isClose,
			text: `${remaining} of ${limit} left`,
			next: `one more in ${span(secondsTo(frees))}` };
	return { left: remaining + 1, isClose: isClose && remaining === 0,
		text: `at least ${remaining + 1} of ${limit} left` };
}

/* A bar of what is left; the text beside it says the same. */
export function bar(label, left, limit) {
	const isLow = left < limit / 5;

	return html`<svg class="bar ${isLow ? "low" : ""}" role="meter"
aria-label=${label} aria-valuemin="0" aria-valuemax=${limit}
aria-valuenow=${left} viewBox=${`0 0 ${limit} 1`} preserveAspectRatio="none">
<rect width=${left} height="1"></rect></svg>`;
}

function row(state) {
	const title = TITLES[state.name] ?? state.name;
	const { left, text, next, isClose } = now(state);

	return html`<div class="meter ${isClose ? "close" : ""}">
<p class="name">${title}</p>
<p class="value">${text}</p>
${bar(`${title} left`, left, state.limit)}
<p class="next">${next ?? nothing}</p>
<p class="warning" role="status">${isClose ? html`<strong>${left === 0 ?
		"At the limit." : "Close to the limit."}</strong>
Slow down a little.` : nothing}</p>
</div>`;
}

/* The first of names at all times, others once something is spent. */
export function meter(names, username = "") {
	const rows = [...known.values()].filter(({ name, whose, remaining,
		limit }) => name === names[0] || (names.includes(name) &&
			remaining < limit && whose === nameKey(username)));

	return rows.length === 0 ? nothing :
		html`<section class="meters" aria-label="Rate limit">
${rows.map(row)}</section>`;
}
