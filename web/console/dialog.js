/*
 * A question before something that can't be undone, as a modal dialog: what it
 * says and does is the section's, opening and closing is the browser's.
 */
import { html } from "./lit-html.js";
import { afterDraw } from "./draw.js";

function at(id) {
	return document.getElementById(id);
}

/* What "Enter" does first, unlooked at, is nothing. */
export function openDialog(id) {
	afterDraw(() => {
		at(id)?.showModal();
		at(id)?.querySelector(".cancel").focus();
	});
}

export function closeDialog(id) {
	at(id)?.close();
}

/* Nothing typed stays behind. */
function clear(event, form) {
	event.target.querySelector("form").reset();
	form.reset();
}

/* form: a Form, whose button is the answer yes. */
export function dialog({ id, title, text, form }) {
	return html`<dialog id=${id} aria-labelledby=${`${id}-title`}
aria-describedby=${`${id}-text`}
@close=${(event) => clear(event, form)}>
<h3 id=${`${id}-title`}>${title}</h3>
<div class="text" id=${`${id}-text`}>${text}</div>
${form.view(html`<button type="button" class="cancel"
@click=${() => closeDialog(id)}>Cancel</button>`)}
</dialog>`;
}
