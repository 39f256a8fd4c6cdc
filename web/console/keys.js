/*
 * The section of agent keys: making one, which is shown this once, and deleting
 * it.  main.js shows it.
 */
import { html, nothing } from "./lit-html.js";
import { copyText } from "./copy.js";
import { closeDialog, dialog, openDialog } from "./dialog.js";
import { afterDraw, changed, focusHeadingSoon } from "./draw.js";
import { Form } from "./form.js";
import { Resource } from "./resource.js";
import { callAs, onChange } from "./session.js";
import { dateOf } from "./words.js";

const PATH = "/api/auth/keys";

const list = new Resource(PATH);
let made = null;
let copied = null;
let asked = null;
let deleted = null;

/* A lost answer has made one that nobody knows: it is in the list then. */
async function make({ name, webhook_url: url }) {
	const answer = await callAs("POST", PATH, { json: { name,
		scopes: ["agent"], ...url !== "" && { webhook_url: url } } });

	if (answer.ok) {
		made = answer.body;
		copied = null;
		deleted = null;
		list.load();
		afterDraw(() => document.getElementById("made")?.focus());
	}
	return answer;
}

const makeForm = new Form({
	id: "key", title: "Make a key", label: "Make a key", act: make,
	fields: [
		{ name: "name", label: "Name", isDone: true,
			hint: "What you know the agent by." },
		{ name: "webhook_url", label: "Webhook (optional)", type: "url",
			isOptional: true, isDone: true, hint: "An https URL. " +
				"What is decided of the agent's requests is " +
				"sent there." }
	]
});

/* One that is gone already is as good as deleted. */
async function remove() {
	const answer = await callAs("DELETE", `${PATH}/${asked.id}`);

	return answer.status === 404 ? { ...answer, ok: true } : answer;
}

const deleteForm = new Form({
	id: "delete-key", label: "Delete", kind: "danger", act: remove,
	done: () => {
		deleted = html`“<bdi>${asked.name}</bdi>” is deleted.`;
		if (made?.id === asked.id)
			made = null;
		closeDialog("key-deletion");
		list.load();
		focusHeadingSoon();
	}
});

function forget() {
	made = null;
	copied = null;
	asked = null;
	deleted = null;
}

onChange(() => {
	forget();
	makeForm.reset();
	deleteForm.reset();
});

async function copy(name, text) {
	try {
		await copyText(text);
		copied = { name, text: "Copied" };
	} catch {
		copied = { name,
			text: "The browser does not let this page copy." };
	}
	changed();
}

function secret(name, label) {
	return html`<div class="secret"><p class="name">${label}</p>
<pre><code>${made[name]}</code></pre>
<div class="buttons"><button type="button"
aria-label=${`Copy the ${label.toLowerCase()}`}
@click=${() => copy(name, made[name])}>Copy</button>
<span class="beside" role="status">${copied?.name === name ? copied.text :
		nothing}</span></div></div>`;
}

function fresh() {
	return html`<div class="card" id="made" tabindex="-1"
aria-labelledby="made-title" role="group"><h3 id="made-title">The key
“<bdi>${made.name}</bdi>”</h3>
<p class="note">It is shown this once. Whoever has it speaks for you in your
chat sessions, until you delete it.</p>
${secret("key", "Key")}
${made.webhook_secret === undefined ? nothing :
		secret("webhook_secret", "Webhook secret")}
<div class="buttons"><button type="button" @click=${() => {
		forget();
		focusHeadingSoon();
	}}>I have it</button></div></div>`;
}

function ask(key) {
	asked = key;
	deleted = null;
	deleteForm.reset();
	openDialog("key-deletion");
}

function item(key) {
	return html`<li><div class="what"><p class="program">
<bdi>${key.name}</bdi></p>
<p class="hint">Made ${dateOf(Date.parse(key.created_at))}${
		key.webhook_url ? html`; tells ${key.webhook_url}` :
			nothing}.</p></div>
<button type="button" aria-label=${`Delete ${key.name}`}
@click=${() => ask(key)}>Delete…</button></li>`;
}

function keys({ keys: some, total }) {
	return total === 0 ? html`<p class="quiet">There is none yet.</p>` :
		html`<ul class="logins">${some.map(item)}</ul>`;
}

export const keysSection = {
	id: "keys",
	title: "Keys",
	shown: list.load,
	view: () => html`${made === null ? nothing : fresh()}
<div class="card"><h3>Your agents' keys</h3>
<p class="said" role="status">${deleted ?? nothing}</p>
${list.trouble()}
${list.value === null ? nothing : keys(list.value)}
${list.button()}</div>
<div class="card"><h3>Make a key</h3>
<p class="hint">A program with a key takes part in your chat sessions as their
agent: it reads them, says something and asks you. It can do nothing else.</p>
${makeForm.view()}</div>
${dialog({ id: "key-deletion", title: "Delete this key?", form: deleteForm,
		text: html`<p>The agent that uses <bdi>${asked?.name}</bdi>
can do nothing more from then on, and no news is sent to it.</p>` })}`
};
