/*
 * The last calls that this page made, each with the curl command that would do
 * the same.  http.js notes them; no secret is kept here.
 */
import { html, nothing } from "./lit-html.js";
import { copyText } from "./copy.js";
import { curlOf } from "./curl.js";
import { changed } from "./draw.js";

const KEPT = 20;

const calls = [];
let number = 0;
let opened = null;
let copied = null;

/* Who listens asks again and again; the last time stands for all. */
function isRepeated({ method, url, isListening }) {
	return isListening && calls[0]?.method === method &&
		calls[0].path.split("?")[0] === url.split("?")[0];
}

export function noteCall(request, answer, duration) {
	if (isRepeated(request))
		calls.shift();
	calls.unshift({ number: ++number, method: request.method,
		path: request.url, status: answer?.status,
		duration: Math.round(duration),
		curl: curlOf({ ...request,
			url: location.origin + request.url }) });
	calls.length = Math.min(calls.length, KEPT);
	changed();
}

/* Those of somebody who is gone. */
export function forgetCalls() {
	calls.length = 0;
	opened = null;
	copied = null;
}

async function copy(event, call) {
	const block = event.target.closest(".curl").querySelector("code");

	try {
		await copyText(block.textContent);
		copied = { number: call.number, text: "Copied" };
	} catch {
		getSelection().selectAllChildren(block);
		copied = { number: call.number,
			text: "Selected: copy it by keyboard" };
	}
	changed();
}

function classOf(status) {
	if (status === undefined)
		return "none";
	return status < 400 ? "good" : "bad";
}

function command(call, id) {
	const said = copied?.number === call.number ? copied.text : nothing;

	return html`<div class="curl" id=${id}>
<pre><code>${call.curl}</code></pre>
<button type="button" @click=${(event) => copy(event, call)}
aria-label=${`Copy the curl command of ${call.method} ${call.path}`}>
Copy</button>
<span role="status">${said}</span></div>`;
}

function toggle(call) {
	opened = opened === call.number ? null : call.number;
	changed();
}

function item(call) {
	const isOpen = opened === call.number;
	const id = `call-${call.number}`;

	return html`<li><button type="button" class="call"
aria-expanded=${isOpen} aria-controls=${isOpen ? id : nothing}
@click=${() => toggle(call)}><span class="method">${call.method}</span>
<span class="path">${call.path}</span>
<span class="status ${classOf(call.status)}">${call.status ??
		"no answer"}</span>
<span class="duration">${call.duration} ms</span></button>
${isOpen ? command(call, id) : nothing}</li>`;
}

export function callsPanel() {
	return html`<details class="panel" id="calls">
<summary><h2>Calls</h2>
<span class="quiet">with the curl for each</span></summary>
<p class="hint">The last ${KEPT}, newest first. Secrets are shell variables:
set <code>ACCESS_TOKEN</code>, <code>PASSWORD</code> and the like before you run
one. Where JSON has a secret in it, <code>jq</code> has to be there.</p>
${calls.length === 0 ? html`<p>None yet.</p>` :
		html`<ol class="calls">${calls.map(item)}</ol>`}
</details>`;
}
