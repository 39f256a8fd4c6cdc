/*
 * How the service itself is: its health, version and environment, and the way
 * to its documentation.  At the foot of every view.
 */
import { html } from "./lit-html.js";
import { Unreachable, back, isAway, prefix } from "./away.js";
import { changed } from "./draw.js";
import { once } from "./http.js";
import { sentenceOf } from "./sentences.js";

const own = { health: null, problem: null };

/* Asks once; where nobody answers, once more when the server is back. */
export async function loadHealth() {
	try {
		const answer = await once("GET", "/health");

		own.health = answer.body?.status ? answer.body : null;
		own.problem = own.health ? null : sentenceOf(answer);
	} catch (error) {
		if (!(error instanceof Unreachable))
			throw error;
		back().then(loadHealth);
	}
	changed();
}

function state() {
	if (isAway())
		return { kind: "bad", text: "out of reach" };
	if (own.health === null)
		return { kind: "none", text: own.problem ?? "not asked yet" };
	return own.health.status === "ok" ? { kind: "good", text: "healthy" } :
		{ kind: "bad", text: Object.entries(own.health.checks ?? {})
			.map(([name, what]) => `${name} ${what}`).join(", ") ||
			own.health.status };
}

export function servicePanel() {
	const { kind, text } = state();

	return html`<details class="panel" id="service">
<summary><h2>Service</h2>
<span class="quiet"><span class="dot ${kind}"></span>${text}</span></summary>
<dl class="facts">
<div><dt>Health</dt><dd>${text}</dd></div>
<div><dt>Version</dt><dd>${own.health?.version ?? "unknown"}</dd></div>
<div><dt>Environment</dt><dd>${own.health?.environment ?? "unknown"}</dd></div>
</dl>
<ul class="links">
<li><a href=${`${prefix}/docs`}>Documentation to try out</a></li>
<li><a href=${`${prefix}/redoc`}>Documentation to read</a></li>
<li><a href=${`${prefix}/openapi.json`}>openapi.json</a></li>
</ul>
<div class="buttons"><button type="button" @click=${loadHealth}>Ask
again</button></div>
</details>`;
}
