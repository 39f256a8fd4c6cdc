/*
 * A list whose items keep their elements, and with them the focus and what is
 * typed, when others come before them.  lit-html itself goes by their places.
 */
import { render } from "./lit-html.js";

const elements = new WeakMap();
const drawn = new WeakMap();

function elementOf(list, key) {
	const known = elements.get(list) ?? new Map();
	const element = known.get(key) ?? document.createElement("li");

	elements.set(list, known.set(key, element));
	return element;
}

/* What stays as it is, and was drawn, isn't drawn again. */
function draw(element, item, { view, isSteady }) {
	if (isSteady(item) && drawn.get(element) === item)
		return;
	drawn.set(element, item);
	render(view(item), element);
}

/* Shows items, which have ids; ways: { view(item), isSteady(item) }. */
export function showRows(list, items, ways) {
	const left = new Set(list.children);
	let at = list.firstChild;

	for (const item of items) {
		const element = elementOf(list, item.id);

		left.delete(element);
		draw(element, item, ways);
		if (element === at)
			at = at.nextSibling;
		else
			list.insertBefore(element, at);
	}
	for (const element of left)
		element.remove();
}
