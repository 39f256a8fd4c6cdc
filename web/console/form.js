/*
 * A form: its fields, what is wrong with them, and when it can be sent.  Every
 * section that asks for something makes one; problems come from sentences.js.
 */
import { html, nothing } from "./lit-html.js";
import { Unreachable, isAway } from "./away.js";
import { afterDraw, changed, secondsTo } from "./draw.js";
import { problemsOf, types } from "./sentences.js";
import { Ended } from "./session.js";
import { span } from "./words.js";

const LOST = "The server did not answer, so this may or may not have been " +
	"done. What you typed is still here: send it again when the server is back.";

/* The values as they were typed; an empty optional field is left out. */
function valuesOf(element, fields) {
	const values = {};

	for (const { name, isOptional } of fields) {
		const value = element.elements[name].value;

		if (value !== "" || !isOptional)
			values[name] = value;
	}
	return values;
}

function missing(values, fields) {
	const problems = {};

	for (const { name } of fields)
		if (values[name] === "")
			problems[name] = types.missing();
	return problems;
}

/* What a form is about to say, and whether it can be sent. */
function blank() {
	return { isBusy: false, problems: {}, alert: null, said: null, until: 0,
		isLost: false };
}

function focusFirst(id) {
	afterDraw(() => document.querySelector(
		`#${id}-form [aria-invalid=true]`)?.focus());
}

/* Passwords don't stay in a form that has done its work. */
function clearSecrets(element, fields) {
	for (const { name, isSecret } of fields)
		if (isSecret)
			element.elements[name].value = "";
}

/*
 * id: what its ids begin with; title: what it is called; fields: { name, label,
 * hint, type, autocomplete, value, isSecret, isOptional }; label: the button's;
 * kind: its class; act(values): makes the call, and gives its answer;
 * done(answer): what to say then.
 */
export function makeForm(options) {
	const { id, title, fields, label, kind = "primary", act, done } = options;
	const names = fields.map(({ name }) => name);
	const shown = new Set();
	let own = blank();

	function refuse(problems) {
		own.problems = problems.fields;
		own.alert = problems.form;
		focusFirst(id);
	}

	function take(answer, element) {
		if (answer.ok) {
			clearSecrets(element, fields);
			own.said = done?.(answer) ?? null;
			return;
		}
		if (answer.retryAfter > 0)
			own.until = Date.now() + answer.retryAfter * 1000;
		refuse(problemsOf(answer, names));
	}

	function fail(error) {
		if (error instanceof Ended)
			return;
		if (!(error instanceof Unreachable))
			throw error;
		own.isLost = true;
	}

	function isBlocked() {
		return own.isBusy || isAway() || own.until > Date.now();
	}

	async function send(event) {
		const element = event.target;
		const values = valuesOf(element, fields);
		const empty = missing(values, fields);

		event.preventDefault();
		if (isBlocked())
			return;
		own = blank();
		if (Object.keys(empty).length > 0) {
			refuse({ fields: empty, form: null });
			return;
		}
		own.isBusy = true;
		changed();
		try {
			take(await act(values), element);
		} catch (error) {
			fail(error);
		} finally {
			own.isBusy = false;
			changed();
		}
	}

	function toggle(name) {
		if (!shown.delete(name))
			shown.add(name);
		changed();
	}

	function eye({ name, label: of }) {
		const word = shown.has(name) ? "Hide" : "Show";

		return html`<button type="button" class="eye"
aria-label=${`${word} ${of.toLowerCase()}`} aria-controls=${`${id}-${name}`}
@click=${() => toggle(name)}>${word}</button>`;
	}

	function field(f) {
		const at = `${id}-${f.name}`;
		const problem = own.problems[f.name];
		const hint = problem ? undefined : f.hint;
		const about = [problem && `${at}-error`, hint && `${at}-hint`];

		return html`<div class="field">
<label for=${at}>${f.label}</label>
${hint ? html`<p class="hint" id=${`${at}-hint`}>${hint}</p>` : nothing}
<div class="input"><input id=${at} name=${f.name}
type=${f.isSecret && !shown.has(f.name) ? "password" : f.type ?? "text"}
autocomplete=${f.autocomplete} autocapitalize="none" spellcheck="false"
?required=${!f.isOptional} aria-invalid=${problem ? "true" : nothing}
aria-describedby=${about.filter(Boolean).join(" ") || nothing}
.value=${f.value?.() ?? ""}>${f.isSecret ? eye(f) : nothing}</div>
${problem ? html`<p class="error" id=${`${at}-error`}>${problem}</p>` :
			nothing}
</div>`;
	}

	/* The words of the button; what it waits for stands in its place. */
	function words(left) {
		if (left > 0)
			return `Try again in ${span(left)}`;
		return own.isBusy ? "One moment…" : label;
	}

	function status(left) {
		if (own.isLost && !isAway())
			return "The server is back. You can send this again.";
		if (own.until > 0 && left === 0)
			return "You can try again now.";
		return own.said ?? nothing;
	}

	function alert(left) {
		if (own.isLost && isAway())
			return LOST;
		if (own.until > 0 && left === 0)
			return nothing;
		return own.alert ?? nothing;
	}

	function view(more = nothing) {
		const left = secondsTo(own.until);

		return html`<form id=${`${id}-form`} aria-label=${title ?? nothing}
novalidate @submit=${send}>
${fields.map(field)}
<div class="alert" role="alert">${alert(left)}</div>
<div class="buttons"><button class=${kind}
aria-disabled=${isBlocked() ? "true" : nothing}>${words(left)}</button>
${more}</div>
<p class="said" role="status">${status(left)}</p>
</form>`;
	}

	function reset() {
		own = blank();
		shown.clear();
	}

	return { view, reset };
}
