/*
 * Something that a section reads from the server and shows: it is loaded when
 * the section is shown, again when the server allows it after a refusal, and
 * forgotten when somebody else logs in.
 */
import { html, nothing } from "./lit-html.js";
import { changed, secondsTo } from "./draw.js";
import { sentenceOf } from "./sentences.js";
import { Ended, callAs, onChange } from "./session.js";
import { span } from "./words.js";

/* Timers may be early, by milliseconds. */
const SLACK = 50;

export class Resource {
	/* noted(value): is told of each that was loaded. */
	constructor(path, noted = () => {}) {
		this.path = path;
		this.noted = noted;
		this.loads = 0;
		this.load = this.load.bind(this);
		this.forget();
		onChange(() => this.forget());
		document.addEventListener("visibilitychange",
			() => this.wait());
	}

	forget() {
		this.loads++;
		this.value = null;
		this.problem = null;
		this.isBusy = false;
		this.until = 0;
		this.wait();
	}

	/* What was refused loads when its time has come, and is looked at. */
	wait() {
		clearTimeout(this.timer);
		if (this.until > 0 && !document.hidden)
			this.timer = setTimeout(this.load,
				this.until - Date.now() + SLACK);
	}

	take(answer) {
		this.problem = answer.ok ? null : sentenceOf(answer);
		this.until = answer.retryAfter > 0 ?
			Date.now() + answer.retryAfter * 1000 : 0;
		this.wait();
		if (!answer.ok)
			return;
		this.value = answer.body;
		this.noted(answer.body);
	}

	/* What comes after somebody else has logged in is not for them. */
	async ask(number) {
		try {
			const answer = await callAs("GET", this.path);

			if (number === this.loads)
				this.take(answer);
		} catch (error) {
			if (!(error instanceof Ended))
				throw error;
		}
	}

	async load() {
		if (this.isBusy || this.until > Date.now())
			return;
		const number = ++this.loads;
		this.isBusy = true;
		changed();
		try {
			await this.ask(number);
		} finally {
			if (number === this.loads)
				this.isBusy = false;
			changed();
		}
	}

	button() {
		const left = secondsTo(this.until);

		return html`<div class="buttons"><button type="button"
@click=${this.load} aria-disabled=${left > 0 || this.isBusy ? "true" : nothing}>
${left > 0 ? `Try again in ${span(left)}` : "Load again"}</button></div>`;
	}

	/* What is to be said instead of the value, or beside an old one. */
	trouble() {
		const isOver = this.until > 0 && secondsTo(this.until) === 0;

		if (this.problem !== null && !isOver)
			return html`<p class="alert" role="alert">
${this.problem}</p>`;
		return this.value !== null ? nothing :
			html`<p class="quiet" role="status">Loading…</p>`;
	}
}
