/*
 * A server that can't be reached: a banner says so, and /health is asked with
 * growing pauses until it answers.  http.js reports it; forms wait for it, and
 * what only reads goes on by itself.  Nobody is asked in the background.
 */
import { html, nothing } from "./lit-html.js";
import { changed, secondsTo } from "./draw.js";

export const prefix = document.documentElement.dataset.prefix;

const LONGEST = 30000;
const PATIENCE = 10000;
const SHOWN = 6000;
const TRUSTED = 60000;

const own = { isAway: false, isAsking: false, pause: 0, at: 0, timer: 0,
	isBack: false, isIll: false, busyUntil: 0, waiting: [],
	doubtedUntil: 0 };

export class Unreachable extends Error {}

export function isAway() {
	return own.isAway;
}

/* Resolves when the server is there: at once, if it is. */
export function back() {
	return own.isAway ? new Promise((go) => own.waiting.push(go)) :
		Promise.resolve();
}

/* Asks again after the pause; a page that nobody sees asks when it is seen. */
function wait() {
	own.at = Date.now() + own.pause;
	clearTimeout(own.timer);
	if (!document.hidden)
		own.timer = setTimeout(ask, own.pause);
	changed();
}

function returned() {
	own.isAway = false;
	own.doubtedUntil = Date.now() + TRUSTED;
	own.isBack = true;
	setTimeout(() => {
		own.isBack = false;
		changed();
	}, SHOWN);
	for (const go of own.waiting.splice(0))
		go();
	changed();
}

async function isWell() {
	try {
		const answer = await fetch(`${prefix}/health`, {
			cache: "no-store", signal: AbortSignal.timeout(PATIENCE)
		});
		const { status } = await answer.json();

		own.isIll = status === "degraded";
		return answer.ok && status === "ok";
	} catch {
		own.isIll = false;
		return false;
	}
}

async function ask() {
	if (!own.isAway || own.isAsking)
		return;
	clearTimeout(own.timer);
	own.isAsking = true;
	changed();
	const well = await isWell();
	own.isAsking = false;
	if (well) {
		returned();
		return;
	}
	own.pause = Math.min(own.pause * 2, LONGEST);
	wait();
}

/*
 * The server did not answer.  Where /health does and another program doesn't,
 * or not for long, the pauses go on growing.
 */
export function report() {
	if (own.isAway)
		return;
	own.isAway = true;
	own.isBack = false;
	own.isIll = false;
	own.pause = own.doubtedUntil > Date.now() ?
		Math.min(own.pause * 2, LONGEST) : 1000;
	wait();
}

/* The server asks for a pause (503). */
export async function pause(seconds) {
	own.busyUntil = Date.now() + seconds * 1000;
	changed();
	await new Promise((go) => setTimeout(go, seconds * 1000));
}

function seen() {
	if (document.hidden)
		clearTimeout(own.timer);
	else
		ask();
}

document.addEventListener("visibilitychange", seen);
window.addEventListener("online", seen);

function awayBanner() {
	const left = secondsTo(own.at);

	return html`<aside class="banner bad" aria-label="Connection">
<p role="alert">${own.isIll ?
		"The server is there, but its database does not answer." :
		"The server can't be reached."}</p>
<p>${own.isAsking || left === 0 ? "Trying again…" :
		`Trying again in ${left} s`}</p>
<button type="button" @click=${ask}>Try now</button>
</aside>`;
}

/* What counts down isn't read out each second. */
function note(kind, text, more = nothing) {
	return html`<aside class="banner ${kind}" aria-label="Connection">
<p role="status">${text}</p>${more}</aside>`;
}

/* What is to be said above everything else. */
export function banner() {
	const left = secondsTo(own.busyUntil);

	if (own.isAway)
		return awayBanner();
	if (left > 0)
		return note("", "The service is busy.",
			html`<p>Trying again in ${left} s</p>`);
	return own.isBack ? note("good", "The server is back.") : nothing;
}
