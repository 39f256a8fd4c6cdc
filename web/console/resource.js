/*
 * Something that a section reads from the server and shows: it is loaded when
 * the section is shown, and forgotten when somebody else logs in.
 */
import { html, nothing } from "./lit-html.js";
import { changed, secondsTo } from "./draw.js";
import { sentenceOf } from "./sentences.js";
import { Ended, callAs, onChange } from "./session.js";
import { span } from "./words.js";

export function makeResource(path, { noted } = {}) {
	const own = { value: null, problem: null, isBusy: false, until: 0 };
	let loads = 0;

	function forget() {
		loads++;
		Object.assign(own, { value: null, problem: null, isBusy: false,
			until: 0 });
	}

	function take(answer) {
		own.problem = answer.ok ? null : sentenceOf(answer);
		own.until = Date.now() + (answer.retryAfter ?? 0) * 1000;
		if (!answer.ok)
			return;
		own.value = answer.body;
		noted?.(answer.body);
	}

	/* What comes back after somebody else has logged in is not shown. */
	async function load() {
		const mine = ++loads;

		own.isBusy = true;
		changed();
		try {
			const answer = await callAs("GET", path);

			if (mine === loads)
				take(answer);
		} catch (error) {
			if (!(error instanceof Ended))
				throw error;
		} finally {
			if (mine === loads)
				own.isBusy = false;
			changed();
		}
	}

	function button() {
		const left = secondsTo(own.until);

		return html`<button type="button" @click=${() =>
			own.until > Date.now() || own.isBusy || load()}
aria-disabled=${left > 0 || own.isBusy ? "true" : nothing}>${left > 0 ?
			`Try again in ${span(left)}` : "Load again"}</button>`;
	}

	/* What is to be said instead of the value, or beside an old one. */
	function trouble() {
		if (own.problem !== null)
			return html`<p class="alert" role="alert">${own.problem}
</p>`;
		return own.value === null ?
			html`<p class="quiet" role="status">Loading…</p>` : nothing;
	}

	onChange(forget);
	return { own, load, button, trouble,
		set: (value) => { own.value = value; } };
}
