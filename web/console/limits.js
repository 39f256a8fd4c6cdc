/*
 * The section of limits: all of them, as GET /api/limits has them.  Asking for
 * them counts against none.  main.js shows it.
 */
import { html, nothing } from "./lit-html.js";
import { secondsTo } from "./draw.js";
import { momentOf } from "./http.js";
import { bar, noteUserLimit } from "./meter.js";
import { Resource } from "./resource.js";
import { channelOf, span } from "./words.js";

/* The meter says the same. */
function note({ user }) {
	noteUserLimit(user, user && momentOf(user.reset_at));
}

const limits = new Resource("/api/limits", note);

function rowsOf({ user, channels, sessions }) {
	return [["All requests", user],
		...Object.entries(channels).map(([name, limit]) =>
			[`${channelOf(name)} messages`, limit]),
		...Object.entries(sessions).map(([id, limit]) =>
			[`Chat session ${id}`, limit])];
}

function row([name, limit]) {
	if (limit === null)
		return html`<li class="limit"><p class="name">${name}</p>
<p class="value">no limit</p></li>`;
	const left = limit.remaining < limit.limit ?
		secondsTo(momentOf(limit.reset_at)) : 0;

	return html`<li class="limit"><p class="name">${name}</p>
<p class="value">${limit.remaining} of ${limit.limit} left</p>
${bar(`${name} left`, limit.remaining, limit.limit)}
<p class="next">counted over ${span(limit.window_seconds)}${left > 0 ?
		`; one more in ${span(left)}` : nothing}</p></li>`;
}

export const limitsSection = {
	id: "limits",
	title: "Limits",
	shown: limits.load,
	view: () => html`<div class="card"><h3>What is left</h3>
<p class="hint">As it was when it was loaded. Looking at it counts against no
limit.</p>
${limits.trouble()}
${limits.value === null ? nothing : html`<ul class="limits">
${rowsOf(limits.value).map(row)}</ul>`}
${limits.button()}</div>`
};
