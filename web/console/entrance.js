/*
 * Logging in and registering: what there is to see for nobody.  main.js shows
 * it whenever no login is there.
 */
import { html, nothing } from "./lit-html.js";
import { makeForm } from "./form.js";
import { meter } from "./meter.js";
import { logIn, register, session } from "./session.js";

const ways = {
	login: {
		title: "Log in",
		other: html`<p class="other">No account yet?
<a href="#register">Register</a></p>`,
		form: makeForm({
			id: "login", title: "Log in", label: "Log in", act: logIn,
			fields: [
				{ name: "username", label: "Username or email",
					autocomplete: "username" },
				{ name: "password", label: "Password", isSecret: true,
					autocomplete: "current-password" }
			]
		})
	},
	register: {
		title: "Register",
		other: html`<p class="other">Registered already?
<a href="#login">Log in</a></p>`,
		form: makeForm({
			id: "register", title: "Register", label: "Register", act: register,
			fields: [
				{ name: "email", label: "Email", type: "email",
					autocomplete: "email" },
				{ name: "username", label: "Username",
					autocomplete: "username",
					hint: "At least 3 characters." },
				{ name: "password", label: "Password", isSecret: true,
					autocomplete: "new-password",
					hint: "At least 8 characters." }
			]
		})
	}
};

export function isWayIn(route) {
	return Object.hasOwn(ways, route);
}

export function titleOf(route) {
	return (ways[route] ?? ways.login).title;
}

function way(id) {
	const { title, form, other } = ways[id];

	return html`<section aria-labelledby=${`${id}-title`}>
<h2 tabindex="-1" id=${`${id}-title`}>${title}</h2>
${session.notice !== null ?
		html`<p class="note" role="status">${session.notice}</p>` :
		nothing}
${form.view()}
${other}
</section>`;
}

/* In two places, so that neither inherits what was typed in the other. */
export function entrance(route) {
	const isNew = route === "register";

	return html`<div class="entrance">
<div class="card">${isNew ? nothing : way("login")}
${isNew ? way("register") : nothing}</div>
${meter(["address", "account"])}
</div>`;
}

export function resetEntrance() {
	ways.login.form.reset();
	ways.register.form.reset();
}
