/*
 * The section of one's account: the profile, the password, and the end of it
 * all.  main.js shows it.
 */
import { html, nothing } from "./lit-html.js";
import { dialog, openDialog } from "./dialog.js";
import { Form, nameHint } from "./form.js";
import { Resource } from "./resource.js";
import { reasons } from "./sentences.js";
import { callAs, changePassword, deleteAccount, noteUser, onChange, session }
	from "./session.js";
import { dateOf } from "./words.js";

const UNCHANGED = reasons["there must be an email or a username"];

function owner() {
	return session.now?.user?.username ?? "";
}

const me = new Resource("/api/auth/me", noteUser);

/* Only what differs is sent; nothing at all is said here. */
async function change(values) {
	const changes = { current_password: values.current_password };

	for (const name of ["username", "email"])
		if (values[name] !== me.value[name])
			changes[name] = values[name];
	if (Object.keys(changes).length === 1)
		return { ok: false, status: 422, retryAfter: 0,
			body: { detail: [{ type: "value_error", loc: ["body"],
				ctx: { reason: UNCHANGED } }] } };
	const answer = await callAs("PATCH", "/api/auth/me", { json: changes });
	if (answer.ok) {
		me.value = answer.body;
		noteUser(answer.body);
	}
	return answer;
}

const profileForm = new Form({
	id: "profile", title: "Profile", label: "Save profile", act: change,
	done: () => "Your profile is saved.",
	fields: [
		{ name: "username", label: "Username", autocomplete: "username",
			hint: nameHint, value: () => me.value?.username },
		{ name: "email", label: "Email", type: "email",
			autocomplete: "email", value: () => me.value?.email },
		{ name: "current_password", label: "Current password",
			isSecret: true, autocomplete: "current-password",
			hint: "To be sure that it is you." }
	]
});

const passwordForm = new Form({
	id: "password", title: "Password", label: "Change password",
	act: changePassword, owner,
	done: () => "Your password is changed. Every other login has ended.",
	fields: [
		{ name: "current_password", label: "Current password",
			isSecret: true, autocomplete: "current-password" },
		{ name: "new_password", label: "New password", isSecret: true,
			autocomplete: "new-password",
			hint: "At least 8 characters." }
	]
});

const deleteForm = new Form({
	id: "delete", title: "Delete account", label: "Delete for good",
	kind: "danger", act: deleteAccount, owner,
	fields: [{ name: "current_password", label: "Current password",
		isSecret: true, autocomplete: "current-password" }]
});

const forms = [profileForm, passwordForm, deleteForm];

onChange(() => forms.forEach((form) => form.reset()));

function facts({ id, created_at: created }) {
	return html`<dl class="facts">
<div><dt>Registered</dt><dd><time datetime=${created}>
${dateOf(Date.parse(created))}</time></dd></div>
<div><dt>Id</dt><dd><code>${id}</code></dd></div>
</dl>`;
}

function profile() {
	const { value, problem } = me;

	return html`<div class="card"><h3>Profile</h3>
${me.trouble()}
${problem === null ? nothing : me.button()}
${value === null ? nothing : html`${facts(value)}${profileForm.view()}`}
</div>`;
}

function deletion() {
	return html`<div class="card"><h3>Delete this account</h3>
<p>The account, its logins and everything else that belongs to it go at once,
and can't be brought back.</p>
<div class="buttons"><button type="button" class="danger"
@click=${() => openDialog("deletion")}>Delete account…</button></div>
</div>
${dialog({ id: "deletion", title: `Delete ${owner()}?`, form: deleteForm,
		text: html`<p>This deletes for good:</p>
<ul><li>the profile, with its name and address, which others can then
register</li>
<li>every login, here and on all other devices</li>
<li>everything else that belongs to the account</li></ul>` })}`;
}

export const account = {
	id: "account",
	title: "Account",
	shown: me.load,
	view: () => html`${profile()}
<div class="card"><h3>Password</h3>
<p class="hint">A new password ends every other login.</p>
${passwordForm.view()}</div>
${deletion()}`
};
