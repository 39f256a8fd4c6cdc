/*
 * The console: what is shown where, and when.  console.html starts it, and
 * names every module, so that all are loaded at once.  A new section is a file
 * with { id, title, view(), shown(place), left() } and a word in the list
 * below; the page's address is #ID or #ID/PLACE.
 */
import { html, nothing, render } from "./lit-html.js";
import { account } from "./account.js";
import { Unreachable, banner } from "./away.js";
import { callsPanel, forgetCalls } from "./calls.js";
import { chat } from "./chat.js";
import { changed, drawWith, focusHeadingSoon } from "./draw.js";
import { entrance, isWayIn, resetEntrance, titleOf } from "./entrance.js";
import { keysSection } from "./keys.js";
import { limitsSection } from "./limits.js";
import { loginsSection } from "./logins.js";
import { meter } from "./meter.js";
import { sentenceOf } from "./sentences.js";
import { loadHealth, servicePanel } from "./service.js";
import { forget, logOut, onChange, session, start } from "./session.js";

const sections = [account, chat, keysSection, loginsSection,
	limitsSection];
const page = document.getElementById("page");

let shownTo = null;
let leaving = { isBusy: false, problem: null };

function route() {
	return location.hash.slice(1);
}

function sectionNow() {
	const [name] = route().split("/");

	return sections.find(({ id }) => id === name) ?? sections[0];
}

async function leave() {
	if (leaving.isBusy)
		return;
	leaving = { isBusy: true, problem: null };
	changed();
	try {
		const answer = await logOut();

		leaving.problem = answer.ok ? null : sentenceOf(answer);
	} catch (error) {
		if (!(error instanceof Unreachable))
			throw error;
		forget();
	} finally {
		leaving.isBusy = false;
		changed();
	}
}

function who() {
	const { user, typed } = session.now;

	return html`<div class="who"><p><span class="quiet">Logged in as</span>
<strong>${user?.username ?? typed}</strong></p>
<button type="button" @click=${leave}
aria-disabled=${leaving.isBusy ? "true" : nothing}>Log out</button></div>`;
}

function link({ id, title }) {
	return html`<li><a href=${`#${id}`}
aria-current=${id === sectionNow().id ? "page" : nothing}>${title}</a></li>`;
}

/* All are there, so that what was typed in one is found again. */
function section({ id, title, view }) {
	return html`<section ?hidden=${id !== sectionNow().id}
aria-labelledby=${`${id}-title`}>
<h2 tabindex="-1" id=${`${id}-title`}>${title}</h2>${view()}</section>`;
}

function inside() {
	return html`<div class="inside">
<div class="side">
<nav aria-label="Sections"><ul>${sections.map(link)}</ul></nav>
${meter(["user", "account"])}</div>
<main>${sections.map(section)}</main>
</div>`;
}

/* Why somebody who wanted to leave is still here. */
function stayed() {
	return leaving.problem === null ? nothing :
		html`<aside class="banner bad" aria-label="Log-out">
<p role="alert">${leaving.problem} You are still logged in.</p></aside>`;
}

function view() {
	return html`<header class="top">
<h1 class="brand">switchboard <span>console</span></h1>
${session.now === null ? nothing : who()}
</header>
<div class="banners">${banner()}${stayed()}</div>
${session.now === null ? html`<main>${entrance(route())}</main>` : inside()}
<footer>${callsPanel()}${servicePanel()}</footer>`;
}

function draw() {
	const title = session.now === null ? titleOf(route()) :
		sectionNow().title;

	document.title = `${title} – switchboard console`;
	render(view(), page);
}

function show() {
	for (const one of sections)
		if (session.now === null || one !== sectionNow())
			one.left?.();
	if (session.now !== null)
		sectionNow().shown(route().split("/")[1]);
	changed();
}

/* Somebody has come or gone; the way in is not where to go back to. */
function begin() {
	leaving.problem = null;
	if (shownTo !== null)
		forgetCalls();
	shownTo = session.now;
	if (session.now !== null && isWayIn(route()))
		history.replaceState(null, "", location.pathname);
	resetEntrance();
	show();
}

start();
shownTo = session.now;
onChange(begin);
window.addEventListener("hashchange", () => {
	show();
	focusHeadingSoon();
});
page.replaceChildren();
drawWith(draw);
show();
loadHealth();
