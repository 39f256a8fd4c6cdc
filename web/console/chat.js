/*
 * The section of chat sessions: their list, beginning one, and the one that is
 * chosen, whose id is in the page's address.  main.js shows it.
 */
import { html, nothing } from "./lit-html.js";
import { Form } from "./form.js";
import { newKey } from "./http.js";
import { Resource } from "./resource.js";
import { callAs, onChange } from "./session.js";
import { Thread } from "./thread.js";
import { channelOf, channels, fromNow } from "./words.js";

const PATH = "/api/sessions";
const ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

const list = new Resource(PATH);
let thread = null;

async function begin({ title, preferred_channel: channel }) {
	const answer = await callAs("POST", PATH, { key: newKey(),
		json: { preferred_channel: channel,
			...title !== "" && { title } } });

	if (answer.ok)
		location.hash = `chat/${answer.body.id}`;
	return answer;
}

const beginForm = new Form({
	id: "begin", title: "Begin a session", label: "Begin", act: begin,
	fields: [
		{ name: "title", label: "Title (optional)", isOptional: true,
			isDone: true },
		{ name: "preferred_channel", label: "Channel",
			options: channels, hint: "Where the agent finds you." }
	]
});

/* Those that are older than all that are shown. */
async function loadOlder() {
	const { sessions } = list.value;
	const answer = await callAs("GET",
		`${PATH}?before=${sessions.at(-1).id}`);

	if (answer.ok)
		list.value = { ...list.value,
			sessions: [...sessions, ...answer.body.sessions] };
	return answer;
}

const olderForm = new Form({ id: "older", label: "Show older", kind: "",
	act: loadOlder });

function leave() {
	thread?.talk.leave();
	thread = null;
}

onChange(() => {
	leave();
	beginForm.reset();
	olderForm.reset();
});

function shown(id) {
	if (thread !== null && thread.talk.id === id)
		return;
	leave();
	if (!ID.test(id ?? "")) {
		list.load();
		return;
	}
	thread = new Thread(id);
	thread.open();
}

function item({ id, title, status, agent_status: agent,
	preferred_channel: channel, updated_at: updated }) {
	return html`<li class="what"><a class="program" href=${`#chat/${id}`}>
<bdi>${title ?? "Untitled"}</bdi></a> <span class="badge">${status}</span>
<p class="hint">Agent ${agent}, over ${channelOf(channel)}, changed
${fromNow(Date.parse(updated))}.</p></li>`;
}

function sessions({ sessions: some, total }) {
	if (total === 0)
		return html`<p class="quiet">There is none yet.</p>`;
	return html`<ul class="logins">${some.map(item)}</ul>
${total > some.length ? olderForm.view() : nothing}`;
}

export const chat = {
	id: "chat",
	title: "Chat",
	shown,
	left: leave,
	view: () => thread !== null ? html`<p class="back"><a href="#chat">All
sessions</a></p><div class="card">${thread.view()}</div>` :
		html`<div class="card"><h3>Your sessions</h3>
${list.trouble()}
${list.value === null ? nothing : sessions(list.value)}
${list.button()}</div>
<div class="card"><h3>Begin a session</h3>
<p class="hint">An agent with one of your keys can take part in it.</p>
${beginForm.view()}</div>`
};
