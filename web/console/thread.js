/*
 * How a conversation looks: its log, which stays at its end for whoever is
 * there, and the field to write in.  chat.js shows it.
 */
import { html, nothing } from "./lit-html.js";
import { card, spoken } from "./asked.js";
import { Conversation } from "./conversation.js";
import { dialog, closeDialog, openDialog } from "./dialog.js";
import { afterDraw, changed } from "./draw.js";
import { Form } from "./form.js";
import { showRows } from "./rows.js";
import { channelOf, dateOf } from "./words.js";

const LONGEST = 32000;
const NEAR = 1000;
const SPOKEN = 200;
const SPOKEN_AT_ONCE = 5;
const TOP = 80;
const BOTTOM = 40;

const WHO = { user: "You", agent: "Agent", system: "System" };
const LISTENING = {
	live: "What happens is shown at once.",
	elsewhere: "Another tab is listening. News is shown here every few " +
		"seconds.",
	busy: "Too many are listening. News is shown here every few seconds.",
	off: "Connecting…"
};

function sendOnEnter(event) {
	if (event.key !== "Enter" || event.shiftKey || event.isComposing)
		return;
	event.preventDefault();
	event.target.form.requestSubmit();
}

/* In code points, as the server counts, where it matters. */
function counter() {
	const text = document.getElementById("compose-content")?.value ?? "";
	const left = text.length < LONGEST - NEAR ? LONGEST :
		LONGEST - [...text].length;

	if (left > NEAR)
		return "Enter sends it, Shift and Enter begin a new line.";
	return left < 0 ? `${-left} characters too many.` :
		`${left} characters left.`;
}

function spokenOf(item) {
	const text = item.prompt === undefined ?
		`${WHO[item.type] ?? item.type}: ${item.content}` :
		spoken(item);

	return text.length > SPOKEN ? `${text.slice(0, SPOKEN)}…` : text;
}

function message({ type, content, timestamp }) {
	return html`<div class="message ${type}">
<p class="by"><strong>${WHO[type] ?? type}</strong>
<time datetime=${timestamp}>${dateOf(Date.parse(timestamp))}</time></p>
<p class="content" dir="auto">${content}</p></div>`;
}

export class Thread {
	constructor(id) {
		this.list = document.createElement("ol");
		this.list.className = "messages";
		this.isAtEnd = true;
		this.hasNews = false;
		this.said = [];
		this.voice = document.createElement("ol");
		this.talk = new Conversation(id, (item) => this.grow(item));
		this.composer = new Form({ id: "compose", title: "Write",
			label: "Send", isWatched: true,
			act: ({ content }) => this.send(content),
			fields: [{ name: "content", label: "Message",
				isText: true, isDone: true, hint: counter,
				keydown: sendOnEnter }] });
		this.pausing = this.changing("pause", "Pause", "paused");
		this.resuming = this.changing("resume", "Resume", "active");
		this.ending = new Form({ id: "end", label: "End",
			kind: "danger", act: () => this.talk.end(),
			done: () => closeDialog("ending") });
	}

	changing(id, label, status) {
		return new Form({ id, label, kind: "",
			act: () => this.talk.change({ status }) });
	}

	async open() {
		await this.talk.open();
		this.showEnd();
	}

	send(content) {
		this.isAtEnd = true;
		return this.talk.say(content);
	}

	/* ------------------------------------------------------ scrolling */

	log() {
		return this.list.closest(".log");
	}

	showEnd() {
		this.hasNews = false;
		afterDraw(() => {
			const log = this.log();

			if (log !== null)
				log.scrollTop = log.scrollHeight;
		});
	}

	/* Whoever reads at the end stays there, others where they are. */
	grow(item) {
		if (item.type !== "user")
			this.said = [...this.said.slice(-SPOKEN_AT_ONCE),
				{ id: {}, text: spokenOf(item) }];
		if (this.isAtEnd)
			this.showEnd();
		else
			this.hasNews = true;
	}

	/* What is read stays where it is when something comes above it. */
	async showOlder() {
		const log = this.log();
		const below = log.scrollHeight - log.scrollTop;

		await this.talk.openOlder();
		afterDraw(() => { log.scrollTop = log.scrollHeight - below; });
	}

	scrolled({ scrollTop, scrollHeight, clientHeight }) {
		this.isAtEnd = scrollHeight - scrollTop - clientHeight < BOTTOM;
		if (this.isAtEnd && this.hasNews) {
			this.hasNews = false;
			changed();
		}
		if (scrollTop < TOP && !this.talk.isBusy &&
			this.talk.hasOlder && this.talk.olderProblem === null)
			this.showOlder();
	}

	/* -------------------------------------------------------- drawing */

	row(item) {
		return item.prompt === undefined ? message(item) :
			card(item, this.talk.session.user_id,
				(request) => this.talk.decide(request));
	}

	older() {
		const { hasOlder, isBusy, olderProblem } = this.talk;

		return !hasOlder ? nothing : html`<div class="buttons">
<button type="button" aria-disabled=${isBusy ? "true" : nothing}
@click=${() => this.showOlder()}>Show older messages</button></div>
${olderProblem === null ? nothing :
		html`<p class="alert" role="alert">${olderProblem}</p>`}`;
	}

	/* The status reads out what is new; of the log no part twice. */
	messages() {
		const items = this.talk.items();

		showRows(this.list, items, { view: (item) => this.row(item),
			isSteady: (item) => item.prompt === undefined });
		showRows(this.voice, this.said, { isSteady: () => true,
			view: ({ text }) => html`${text}` });
		return html`<div class="log" role="log" aria-live="off"
aria-label="Messages" tabindex="0"
@scroll=${(event) => this.scrolled(event.currentTarget)}>
${this.older()}
${items.length === 0 ? html`<p class="quiet">Nothing has been said yet.</p>` :
		nothing}
${this.list}</div>
<div class="unseen" role="status" aria-live="polite" aria-atomic="false">
${this.voice}</div>
${this.hasNews ? html`<div class="buttons"><button type="button"
@click=${() => this.showEnd()}>Show what is new</button></div>` : nothing}`;
	}

	facts({ agent_status: agent, preferred_channel: channel }) {
		return html`<dl class="states">
<div><dt>Session</dt><dd class="badge">${this.talk.status()}</dd></div>
<div><dt>Agent</dt><dd class="badge">${agent}</dd></div>
<div><dt>Channel</dt><dd>${channelOf(channel)}</dd></div>
</dl>`;
	}

	/* What is paused by a question goes on by its answer. */
	buttons() {
		const status = this.talk.status();

		if (status === "ended")
			return nothing;
		return html`<div class="acts">
${status === "active" ? this.pausing.view() : nothing}
${status === "paused" && !this.talk.hasPending() ? this.resuming.view() :
		nothing}
<button type="button" class="danger"
@click=${() => openDialog("ending")}>End…</button></div>
${dialog({ id: "ending", title: "End this session?", form: this.ending,
		text: html`<p>It stays in the list, but nothing more can be
said in it. What the agent asks and nobody has answered is cancelled.</p>` })}`;
	}

	writing({ status }) {
		const { problem, state } = this.talk.listener;

		if (status === "ended")
			return html`<p class="note">This session has
ended.</p>`;
		return html`${this.composer.view()}
<p class="hint" role="status">${problem ?? LISTENING[state]}</p>`;
	}

	view() {
		const { session, problem } = this.talk;

		if (session === null && problem === null)
			return html`<p class="quiet"
role="status">Loading…</p>`;
		if (session === null)
			return html`<p class="alert" role="alert">${problem}</p>
<div class="buttons"><button type="button" @click=${() => this.open()}>Load
again</button></div>`;
		return html`<h3><bdi>${session.title ?? "Untitled"}</bdi></h3>
${this.facts(session)}
${this.buttons()}
${this.messages()}
${this.writing(session)}`;
	}
}
