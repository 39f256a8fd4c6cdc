/*
 * The section of one's logins: where they are, how to end them, and the tokens
 * of this one.  main.js shows it.
 */
import { html, nothing } from "./lit-html.js";
import { copyText } from "./copy.js";
import { closeDialog, dialog, openDialog } from "./dialog.js";
import { changed, focusHeadingSoon } from "./draw.js";
import { Form } from "./form.js";
import { Resource } from "./resource.js";
import { endLogin, logOutEverywhere, onChange, renewByHand, session }
	from "./session.js";
import { dateOf, fromNow, programOf } from "./words.js";

const HOUR = 3600000;

const list = new Resource("/api/auth/sessions");
let asked = null;
let ended = null;
let copied = null;

/* One that is gone already is as good as ended. */
async function revoke() {
	const answer = await endLogin(asked);

	return answer.status === 404 ? { ...answer, ok: true } : answer;
}

const revokeForm = new Form({
	id: "revoke", label: "Revoke", kind: "danger", act: revoke,
	done: () => {
		ended = `${programOf(asked.user_agent)} is logged out.`;
		closeDialog("revocation");
		list.load();
		focusHeadingSoon();
	}
});

const everywhereForm = new Form({
	id: "everywhere", label: "Log out everywhere", kind: "danger",
	act: logOutEverywhere
});

const renewForm = new Form({
	id: "renew", label: "Renew now", kind: "", fields: [],
	act: renewByHand, done: () => "The tokens are renewed."
});

onChange(() => {
	asked = null;
	ended = null;
	copied = null;
	for (const form of [revokeForm, everywhereForm, renewForm])
		form.reset();
});

function ask(login) {
	asked = login;
	ended = null;
	revokeForm.reset();
	openDialog("revocation");
}

function when(text, isExact = false) {
	const moment = Date.parse(text);

	return html`<time datetime=${text} title=${dateOf(moment)}>
${fromNow(moment)}${isExact ? ` (${dateOf(moment)})` : nothing}</time>`;
}

/* Whether only the time of day tells it from others, or the day is past. */
function isVague(one, all) {
	return Date.now() - Date.parse(one.created_at) > HOUR ||
		all.some((other) => other.id !== one.id &&
			other.ip_address === one.ip_address &&
			programOf(other.user_agent) ===
				programOf(one.user_agent));
}

function times(one, all) {
	const isUsed = one.last_used_at !== one.created_at;

	return html`logged in ${when(one.created_at, isVague(one, all))}${
		isUsed ? html`, last renewed ${when(one.last_used_at)}` :
			nothing}; ends ${when(one.expires_at)} unless it is
renewed`;
}

function login(one, all) {
	const program = programOf(one.user_agent);

	return html`<li class="login ${one.current ? "current" : ""}">
<div class="what"><p class="program">${program}
${one.current ? html`<span class="badge">this login</span>` : nothing}</p>
<p class="hint">From ${one.ip_address ?? "an unknown address"},
${times(one, all)}.</p></div>
<button type="button"
aria-label=${`Revoke ${one.current ? "this login, " : ""}${program} from ${
		one.ip_address ?? "an unknown address"}`}
@click=${() => ask(one)}>Revoke…</button>
</li>`;
}

function logins() {
	const { value } = list;

	if (value === null)
		return list.trouble();
	return html`${list.trouble()}
<ul class="logins">${value.sessions.map((one, i, all) => login(one, all))}</ul>
${value.total > value.sessions.length ? html`<p class="hint">The
${value.sessions.length} last used of ${value.total}.</p>` : nothing}`;
}

async function copyTokens() {
	const { access_token: access, refresh_token: refresh } = session.now;

	try {
		await copyText(`ACCESS_TOKEN='${access}'\n` +
			`REFRESH_TOKEN='${refresh}'\n`);
		copied = "Copied";
	} catch {
		copied = "The browser does not let this page copy.";
	}
	changed();
}

function copying() {
	return html`<p class="hint">The commands of Calls need them as variables
of the shell. They are secrets: whoever has them is logged in as you.</p>
<div class="buttons">
<button type="button" @click=${copyTokens}>Copy for the
shell</button> <span class="beside" role="status">${copied ?? nothing}</span>
</div>`;
}

function tokens() {
	const { expires_at: expires, ends_at: ends } = session.now;

	return html`<div class="card"><h3>Tokens of this login</h3>
<dl class="facts">
<div><dt>Access token</dt><dd>${expires > Date.now() ?
		html`good until ${dateOf(expires)}` :
		"expired; the next call renews it"}</dd></div>
<div><dt>Refresh token</dt><dd>good until ${dateOf(ends)}</dd></div>
</dl>
<p class="hint">They are renewed by themselves when they are needed.</p>
${renewForm.view()}
${copying()}</div>`;
}

export const loginsSection = {
	id: "logins",
	title: "Logins",
	shown: list.load,
	view: () => html`<div class="card"><h3>Where you are logged in</h3>
<p class="said" role="status">${ended ?? nothing}</p>
${logins()}
${list.button()}</div>
${session.now === null ? nothing : tokens()}
<div class="card"><h3>Log out everywhere</h3>
<p>Ends every login of this account, this one too.</p>
<div class="buttons"><button type="button" class="danger"
@click=${() => openDialog("farewell")}>Log out everywhere…</button></div></div>
${dialog({ id: "farewell", title: "Log out everywhere?", form: everywhereForm,
		text: html`<p>Every login of this account ends at once, here
and on all other devices.</p>` })}
${dialog({ id: "revocation", title: "Revoke this login?", form: revokeForm,
		text: html`<p>${programOf(asked?.user_agent)}, from
${asked?.ip_address ?? "an unknown address"}, is logged out at once.
${asked?.current ? "That is this login: you are logged out here." : nothing}
</p>` })}`
};
