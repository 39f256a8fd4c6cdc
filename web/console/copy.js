/*
 * Copies a text.  The clipboard is there on secure origins only; elsewhere a
 * field that nobody sees is selected and copied, as it was done of old.
 */

function copyByHand(text) {
	const before = document.activeElement;
	const field = document.createElement("textarea");

	field.value = text;
	field.style.position = "fixed";
	field.style.opacity = "0";
	document.body.append(field);
	field.select();
	const isCopied = document.execCommand("copy");
	field.remove();
	before?.focus();
	if (!isCopied)
		throw new Error("not copied");
}

/* Throws if the browser refuses. */
export async function copyText(text) {
	if (navigator.clipboard !== undefined)
		await navigator.clipboard.writeText(text);
	else
		copyByHand(text);
}
