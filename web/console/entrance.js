/*
 * Logging in and registering: what there is to see for nobody.  main.js shows
 * it whenever no login is there.
 */
import { html, nothing } from "./lit-html.js";
import { prefix } from "./away.js";
import { Form, nameHint } from "./form.js";
import { meter } from "./meter.js";
import { logIn, register, session } from "./session.js";

const login = new Form({
	id: "login", title: "Log in", label: "Log in", act: logIn,
	named: "username",
	lost: "The server did not answer. Try again when it is back.",
	fields: [
		{ name: "username", label: "Username or email",
			autocomplete: "username" },
		{ name: "password", label: "Password", isSecret: true,
			autocomplete: "current-password" }
	]
});

const registration = new Form({
	id: "register", title: "Register", label: "Register", act: register,
	fields: [
		{ name: "email", label: "Email", type: "email",
			autocomplete: "email" },
		{ name: "username", label: "Username",
			autocomplete: "username",
			hint: nameHint },
		{ name: "password", label: "Password", isSecret: true,
			autocomplete: "new-password",
			hint: "At least 8 characters." }
	]
});

const ways = {
	login: { form: login, other: html`No account yet?
<a href="#register">Register</a>` },
	register: { form: registration, other: html`Registered already?
<a href="#login">Log in</a>` }
};

export function isWayIn(route) {
	return Object.hasOwn(ways, route);
}

export function titleOf(route) {
	return ways[isWayIn(route) ? route : "login"].form.title;
}

function way({ form, other }) {
	const id = `${form.id}-title`;

	return html`<section aria-labelledby=${id}>
<h2 tabindex="-1" id=${id}>${form.title}</h2>
${session.notice === null ? nothing :
		html`<p class="note" role="status">${session.notice}</p>`}
${form.view()}
<p class="other">${other}</p>
</section>`;
}

/* In two places, so that neither inherits what was typed in the other. */
export function entrance(route) {
	const isNew = route === "register";

	return html`<div class="entrance">
<p>Your account at switchboard, an agent chat with humans in the loop, by hand.
Programs can do the same: there is documentation
<a href=${`${prefix}/docs`}>to try out</a> and
<a href=${`${prefix}/redoc`}>to read</a>.</p>
<div class="card">${isNew ? nothing : way(ways.login)}
${isNew ? way(ways.register) : nothing}</div>
${isNew ? meter(["address"]) :
		meter(["address", "account"], login.name())}
</div>`;
}

export function resetEntrance() {
	login.reset();
	registration.reset();
}
