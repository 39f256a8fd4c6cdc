/*
 * The curl command that does what a call did, for people who go on to write a
 * script.  Secrets become shell variables, so a command can be shown, copied
 * and sent to a colleague.
 */

const VARIABLES = {
	refresh_token: "REFRESH_TOKEN", password: "PASSWORD",
	current_password: "PASSWORD", new_password: "NEW_PASSWORD"
};

/* For the shell; an interactive one looks for "!" in quotes, too. */
function quote(text) {
	return /^[\w@%+:,./-][\w@%+=:,./-]*$/.test(text) ? text :
		`'${text.replace(/['!]/g, "'\\$&'")}'`;
}

function isSecret(name) {
	return Object.hasOwn(VARIABLES, name);
}

function argumentOf([name, value]) {
	if (isSecret(name))
		return `--arg ${name} "$${VARIABLES[name]}"`;
	return typeof value === "string" ? `--arg ${name} ${quote(value)}` :
		`--argjson ${name} ${quote(JSON.stringify(value))}`;
}

/* jq makes JSON of whatever a secret is. */
function jsonOf(body) {
	if (!Object.keys(body).some(isSecret))
		return quote(JSON.stringify(body));
	const args = Object.entries(body).map(argumentOf).join(" ");
	const object = Object.keys(body).map((name) => `${name}: $${name}`)
		.join(", ");
	return `"$(jq -nc ${args} '{${object}}')"`;
}

function fieldOf([name, value]) {
	return "--data-urlencode " + (isSecret(name) ?
		`"${name}=$${VARIABLES[name]}"` : quote(`${name}=${value}`));
}

function partsOf({ method, url, bearer, key, json, form, isStream }) {
	const parts = [];

	if (bearer)
		parts.push('-H "Authorization: Bearer $ACCESS_TOKEN"');
	if (key)
		parts.push(`-H 'Idempotency-Key: ${key}'`);
	if (isStream)
		parts.push("-H 'Accept: text/event-stream'");
	if (json)
		parts.push("-H 'Content-Type: application/json'",
			`-d ${jsonOf(json)}`);
	else if (form)
		parts.push(...Object.entries(form).map(fieldOf));
	else if (method === "POST")
		parts.push("-d ''");
	return [`curl ${isStream ? "-N " : ""}${method === "GET" ? "" :
		`-X ${method} `}` + quote(url), ...parts];
}

export function curlOf(request) {
	return partsOf(request).join(" \\\n  ");
}
