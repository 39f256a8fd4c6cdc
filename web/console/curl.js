/*
 * The curl command that does what a call did, for people who go on to write a
 * script.  Secrets become shell variables, so a command can be shown, copied
 * and sent to a colleague.
 */

const VARIABLES = {
	refresh_token: "REFRESH_TOKEN", password: "PASSWORD",
	current_password: "PASSWORD", new_password: "NEW_PASSWORD"
};

function quote(text) {
	return /^[\w@%+=:,./-]+$/.test(text) ? text :
		`'${text.replaceAll("'", "'\\''")}'`;
}

function jsonOf(body) {
	const text = JSON.stringify(body, (name, value) =>
		Object.hasOwn(VARIABLES, name) ?
			`\0${VARIABLES[name]}\0` : value);

	return quote(text).replace(/\\u0000(\w+)\\u0000/g, `'"$$$1"'`);
}

function fieldOf([name, value]) {
	return "--data-urlencode " + (Object.hasOwn(VARIABLES, name) ?
		`"${name}=$${VARIABLES[name]}"` : quote(`${name}=${value}`));
}

function partsOf({ method, url, bearer, json, form }) {
	const parts = [];

	if (bearer)
		parts.push('-H "Authorization: Bearer $ACCESS_TOKEN"');
	if (json)
		parts.push("-H 'Content-Type: application/json'",
			`-d ${jsonOf(json)}`);
	else if (form)
		parts.push(...Object.entries(form).map(fieldOf));
	else if (method === "POST")
		parts.push("-d ''");
	return [`curl ${method === "GET" ? "" : `-X ${method} `}` +
		quote(url), ...parts];
}

export function curlOf(request) {
	return partsOf(request).join(" \\\n  ");
}
