/*
 * A form: its fields, what is wrong with them, and when it can be sent.  Every
 * section that asks or does something has one, be it a button alone; what is
 * wrong is said in the words of sentences.js.
 */
import { html, nothing } from "./lit-html.js";
import { Unreachable, isAway } from "./away.js";
import { afterDraw, changed, secondsTo } from "./draw.js";
import { limitOf, problemsOf, sentenceOf, types } from "./sentences.js";
import { Ended } from "./session.js";
import { nameKey, span } from "./words.js";

const LOST = "The server did not answer, so this may or may not have been " +
	"done.";
const TYPED = " What you typed is still here: send it again when the server " +
	"is back.";

export const nameHint = "3 to 50 characters, no @, no space at the ends.";

/* What a form says, and whether it can be sent. */
function blank() {
	return { isBusy: false, isLost: false, problems: {}, alert: null,
		said: null, until: 0 };
}

export class Form {
	/*
	 * id: what its ids begin with; title: what it is called; label, kind:
	 * the button's words and class; fields: see below; act(values): makes
	 * the call, and gives its answer; done(answer): what to say then;
	 * owner(): whose passwords they are, for programs that keep them;
	 * named: the field of the account, if it isn't one's own; lost: what to
	 * say after no answer, if nothing can have been done; answers: { label,
	 * kind, value }, buttons in the place of one, which are the field
	 * "content"; isWatched: draw whenever something is typed.
	 *
	 * A field: { name, label, hint (or what gives it), type, autocomplete,
	 * value(), isSecret, isOptional, isDone (empty once it was sent),
	 * options (by value, to choose from), isText (of lines, with
	 * keydown(event)) }.
	 */
	constructor({ fields = [], kind = "primary", ...options }) {
		Object.assign(this, options, { fields, kind });
		this.names = fields.map(({ name }) => name);
		this.shown = new Set();
		this.state = blank();
		this.holds = new Map();
		this.send = this.send.bind(this);
	}

	reset() {
		this.state = blank();
		this.holds.clear();
		this.shown.clear();
		changed();
	}

	/* -------------------------------------------------------- sending */

	/* The account that is typed; a form that comes back begins empty. */
	name() {
		return document.getElementById(`${this.id}-${this.named}`)
			?.value ?? "";
	}

	/* What a refusal of that account alone says, and until when. */
	hold() {
		return this.holds.get(nameKey(this.name()));
	}

	until() {
		return Math.max(this.state.until, this.hold()?.until ?? 0);
	}

	isBlocked() {
		return this.state.isBusy || isAway() ||
			this.until() > Date.now();
	}

	/* An account's limit holds for its name, any other for the form. */
	wait({ body, retryAfter }, values) {
		const until = Date.now() + retryAfter * 1000;

		if (this.named === undefined ||
			limitOf(body?.detail) !== "Account") {
			this.state.until = until;
			return false;
		}
		this.holds.set(nameKey(values[this.named]), { until,
			alert: sentenceOf({ body }) });
		return true;
	}

	valuesOf(form, button) {
		const values = Object.fromEntries(this.names.map((name) =>
			[name, form.elements[name].value]));

		return this.answers === undefined ? values :
			{ ...values, content: button.value };
	}

	missing(values) {
		return Object.fromEntries(this.fields
			.filter(({ name, isOptional }) =>
				values[name] === "" && !isOptional)
			.map(({ name }) => [name, types.missing()]));
	}

	/* Shows what is wrong; the first field that is gets the focus. */
	refuse({ fields, form = null }) {
		this.state.problems = fields;
		this.state.alert = form;
		afterDraw(() => document.querySelector(
			`#${this.id}-form [aria-invalid=true]`)?.focus());
	}

	take(answer, values, form) {
		if (answer.ok) {
			this.shown.clear();
			this.clear(form);
			this.state.said = this.done?.(answer) ?? null;
			return;
		}
		if (answer.retryAfter > 0 && this.wait(answer, values))
			return;
		this.refuse(problemsOf(answer, this.names));
	}

	/* Passwords don't stay in a form that has done its work. */
	clear(form) {
		for (const { name, isSecret, isDone } of this.fields)
			if (isSecret || isDone)
				form.elements[name].value = "";
	}

	/* Of a login that has ended the page says so. */
	fail(error) {
		if (error instanceof Ended)
			return;
		if (!(error instanceof Unreachable))
			throw error;
		this.state.isLost = true;
	}

	async call(values, form) {
		this.state.isBusy = true;
		changed();
		try {
			this.take(await this.act(values), values, form);
		} catch (error) {
			this.fail(error);
		} finally {
			this.state.isBusy = false;
			changed();
		}
	}

	async send(event) {
		const form = event.target;
		const values = this.valuesOf(form, event.submitter);
		const missing = this.missing(values);

		event.preventDefault();
		if (this.isBlocked())
			return;
		this.state = blank();
		this.holds.delete(nameKey(this.name()));
		if (Object.keys(missing).length > 0)
			this.refuse({ fields: missing });
		else
			await this.call(values, form);
	}

	/* -------------------------------------------------------- drawing */

	toggle(name) {
		if (!this.shown.delete(name))
			this.shown.add(name);
		changed();
	}

	eye({ name, label }) {
		const word = this.shown.has(name) ? "Hide" : "Show";

		return html`<button type="button" class="eye"
aria-label=${`${word} ${label.toLowerCase()}`}
aria-controls=${`${this.id}-${name}`}
@click=${() => this.toggle(name)}>${word}</button>`;
	}

	choice({ name, options, value }) {
		const now = value?.();

		return html`<select id=${`${this.id}-${name}`} name=${name}>
${Object.entries(options).map(([one, text]) => html`<option value=${one}
?selected=${one === now}>${text}</option>`)}</select>`;
	}

	text({ name, keydown }, about) {
		return html`<textarea id=${`${this.id}-${name}`} name=${name}
rows="2" dir="auto" required ?readonly=${this.state.isBusy}
@keydown=${keydown ?? nothing}
aria-invalid=${this.state.problems[name] ? "true" : nothing}
aria-describedby=${about ?? nothing}></textarea>`;
	}

	input(field, about) {
		const { name, type = "text", value, isSecret, isOptional } =
			field;
		const isHidden = isSecret && !this.shown.has(name);

		if (field.options !== undefined)
			return this.choice(field);
		if (field.isText)
			return this.text(field, about);
		return html`<input id=${`${this.id}-${name}`} name=${name}
type=${isHidden ? "password" : type}
autocomplete=${field.autocomplete ?? "off"}
autocapitalize="none" spellcheck="false" ?required=${!isOptional}
aria-invalid=${this.state.problems[name] ? "true" : nothing}
aria-describedby=${about ?? nothing} .value=${value?.() ?? ""}>`;
	}

	field(field) {
		const { name, label, isSecret } = field;
		const hint = field.hint instanceof Function ? field.hint() :
			field.hint;
		const id = `${this.id}-${name}`;
		const problem = this.state.problems[name];
		const about = problem ?? hint;

		return html`<div class="field"><label for=${id}>${label}</label>
${hint && !problem ? html`<p class="hint" id=${`${id}-about`}>${hint}</p>` :
			nothing}
<div class="input">${this.input(field, about && `${id}-about`)}
${isSecret ? this.eye(field) : nothing}</div>
${problem ? html`<p class="error" id=${`${id}-about`}>${problem}</p>` :
			nothing}</div>`;
	}

	/* The button's words; what it waits for stands in their place. */
	words(left) {
		if (left > 0)
			return `Try again in ${span(left)}`;
		return this.state.isBusy ? "One moment…" : this.label;
	}

	alert(isOver) {
		const { isLost, alert } = this.state;

		if (isLost && isAway())
			return this.lost ??
				LOST + (this.fields.length > 0 ? TYPED : "");
		return isOver ? nothing :
			this.hold()?.alert ?? alert ?? nothing;
	}

	status(isOver) {
		const { isLost, said } = this.state;

		if (isLost && !isAway())
			return "The server is back. You can send this again.";
		return isOver ? "You can try again now." : said ?? nothing;
	}

	/* What one of several waits for stands beside them. */
	button({ label, kind, value }, words) {
		return html`<button class=${kind ?? nothing}
value=${value ?? nothing}
aria-disabled=${this.isBlocked() ? "true" : nothing}>${words ?? label}
</button>`;
	}

	buttons(left) {
		if (this.answers === undefined)
			return this.button(this, this.words(left));
		return html`${this.answers.map((one) => this.button(one))}
${left > 0 ? html`<span class="beside">${this.words(left)}</span>` : nothing}`;
	}

	/* more: what stands beside the button. */
	view(more = nothing) {
		const until = this.until();
		const left = secondsTo(until);
		const isOver = until > 0 && left === 0;

		return html`<form id=${`${this.id}-form`} novalidate
aria-label=${this.title ?? nothing} @submit=${this.send}
@input=${this.named || this.isWatched ? changed : nothing}>
${this.owner ? html`<input type="text" autocomplete="username" readonly hidden
.value=${this.owner()}>` : nothing}
${this.fields.map((field) => this.field(field))}
<div class="alert" role="alert">${this.alert(isOver)}</div>
<div class="buttons">${this.buttons(left)}${more}</div>
<p class="said" role="status">${this.status(isOver)}</p>
</form>`;
	}
}
