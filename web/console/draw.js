/*
 * When the page is drawn.  Whoever changes something that is shown calls
 * changed(); all such calls of a moment become one drawing.  A drawing that
 * shows a countdown is repeated each second, unless nobody can see it.
 */

let draw = () => {};
let isDue = false;
let tick = Infinity;
let timer;
const tasks = [];

/* Where somebody is who has just come to what is shown. */
function focusHeading() {
	document.querySelector("main section:not([hidden]) > h2")?.focus();
}

/* Whoever was on something that is gone would be back at the page's top. */
function keepFocus(before) {
	const isLost = before !== null && !before.isConnected &&
		document.activeElement === document.body;

	if (isLost)
		focusHeading();
}

function run() {
	const focused = document.activeElement;

	isDue = false;
	clearTimeout(timer);
	tick = Infinity;
	draw();
	for (const task of tasks.splice(0))
		task();
	keepFocus(focused);
	if (tick < Infinity && !document.hidden)
		timer = setTimeout(changed, tick);
}

export function changed() {
	if (isDue)
		return;
	isDue = true;
	queueMicrotask(run);
}

/* Has f draw the page from now on. */
export function drawWith(f) {
	draw = f;
	document.addEventListener("visibilitychange", changed);
	changed();
}

/* Runs a task after the drawing to come. */
export function afterDraw(task) {
	tasks.push(task);
	changed();
}

/* Has what is shown after the drawing to come read from its heading on. */
export function focusHeadingSoon() {
	afterDraw(focusHeading);
}

/* Seconds to a moment, rounded up; asked while drawing, it draws again. */
export function secondsTo(moment) {
	const left = moment - Date.now();

	if (!(left > 0))
		return 0;
	tick = Math.min(tick, left % 1000 + 5);
	return Math.ceil(left / 1000);
}
