/*
 * Every error that the API can give, as a sentence for people.  The forms rely
 * on problemsOf(); tests/browser/sentences.test.js holds the tables to
 * openapi.json, both ways.  Nothing here knows the page.
 */

const PASSWORD_WRONG = "That is not the password of this account.";

/* By the text of "detail"; field: the one that it belongs to. */
export const details = {
	"A feedback request is pending": { sentence: "The agent waits for an " +
		"answer. The session goes on once it has one." },
	"Cannot update an ended session": {
		sentence: "This session has ended." },
	"Could not validate credentials": {
		sentence: "This login has ended. Please log in again." },
	"Email already registered": { field: "email",
		sentence: "An account with this address exists already." },
	"Inactive user": { sentence: "This account has been disabled. " +
		"Whoever runs this service can enable it again." },
	"Idempotency-Key was used with a different request": {
		sentence: "Something else was sent before. Please try again." },
	"Incorrect password": { field: "current_password",
		sentence: PASSWORD_WRONG },
	"Incorrect username or password": {
		sentence: "The name or the password is not right." },
	"Internal Server Error": { sentence: "Something went wrong on the " +
		"server. It is not your fault; its log says more." },
	"Invalid refresh token": { sentence: "This login has ended: it was " +
		"revoked, the password was changed, or it was not used for " +
		"too long. Please log in again." },
	"Not enough permissions": {
		sentence: "This is not allowed to you." },
	"Not enough permissions": {
		sentence: "You may not do that." },
	"Not Found": { sentence: "That is not there any more." },
	"Not authenticated": { sentence: "Please log in first." },
	"Request body is incomplete": { sentence: "Something was lost on the " +
		"way. Please send it again." },
	"Request body too large": {
		sentence: "That is too much text for one request." },
	"Service temporarily unavailable": { sentence: "The service is busy " +
		"or under repair. Please try again in a moment." },
	"User cannot have more than 100 keys": { sentence: "There are 100 " +
		"keys already. Please delete one that is of no more use." },
	"Too many open waits": { sentence: "Too many of your tabs and " +
		"programs are listening." },
	"X-Forwarded-For is ambiguous": { sentence: "A proxy in front of " +
		"this service is set up wrongly. Whoever runs it can mend " +
		"that." },
	"Username already registered": { field: "username",
		sentence: "Somebody else has this name already." }
};

/* Details that name something, by their form. */
export const patterns = [
	[/^Session cannot have more than (\d+) pending feedback requests$/,
		(most) => `There are ${most} open questions in this chat ` +
		"already. Answer one first."],
	[/^User cannot have more than (\d+) concurrent sessions$/, (most) =>
		`At most ${count(Number(most), "session")} can be open at ` +
		"once. End one first."],
	[/^Session \S+ not found$/, () => "There is no such chat session."],
	[/^Feedback request \S+ not found$/,
		() => "The agent's question is not there."],
	[/^Feedback request is already (\w+)$/, (status) =>
		`This comes too late: it is ${status} already.`]
];

/* By the first word of a 429's "detail". */
export const limits = {
	Account: "Too many wrong passwords for this account in a short time.",
	Address: "Too many attempts from your network in a short time.",
	Channel: "Too many messages over this channel in a short time.",
	Session: "Too many messages in this session in a short time.",
	User: "Too many requests of your account in a short time."
};

function count(n, what) {
	return n === 1 ? `1 ${what}` : `${n} ${what}s`;
}

/* By the type of a 422's entry; made from its ctx. */
export const types = {
	bool_parsing: () => "Yes or no, please.",
	bool_type: () => "Yes or no, please.",
	enum: (ctx) => `One of these, please: ${ctx.expected}.`,
	greater_than_equal: (ctx) => `At least ${ctx.ge}, please.`,
	int_parsing: () => "A whole number, please.",
	int_type: () => "A whole number, please.",
	json_invalid: () => "The server could not read what was sent.",
	less_than_equal: (ctx) => `At most ${ctx.le}, please.`,
	list_type: () => "A list, please.",
	missing: () => "Please fill this in.",
	model_attributes_type: () =>
		"The server could not read what was sent.",
	string_pattern_mismatch: () => "This is not of the expected form.",
	string_too_long: (ctx) =>
		`At most ${count(ctx.max_length, "character")}, please.`,
	string_too_short: (ctx) =>
		`At least ${count(ctx.min_length, "character")}, please.`,
	string_type: () => "Text, please.",
	too_long: (ctx) => `At most ${ctx.max_length} of them, please.`,
	too_short: (ctx) => `At least ${ctx.min_length} of them, please.`,
	value_error: (ctx) => reasonOf(ctx.reason)
};

/* Reasons of a value_error, to the letter. */
export const reasons = {
	"A bracketed IP address after the @-sign is not allowed here.":
		"The part behind the @ must be a name, not a number.",
	["A display name and angle brackets around the email address are not " +
	"permitted here."]: "Only the address itself, please, without a name.",
	"An email address cannot end with a hyphen.":
		"An address can't end with a hyphen.",
	"An email address cannot end with a period.":
		"An address can't end with a dot.",
	"An email address cannot have a hyphen immediately after the @-sign.":
		"There can't be a hyphen right behind the @.",
	["An email address cannot have a period and a hyphen next to each " +
	"other."]: "There can't be a dot and a hyphen side by side.",
	"An email address cannot have a period immediately after the @-sign.":
		"There can't be a dot right behind the @.",
	["An email address cannot have a period immediately before the " +
	"@-sign."]: "There can't be a dot right before the @.",
	"An email address cannot have two periods in a row.":
		"There can't be two dots in a row.",
	"An email address cannot start with a period.":
		"An address can't begin with a dot.",
	"An email address must have an @-sign.":
		"An address has an @ in it, such as name@example.com.",
	["The part after the @-sign is a special-use or reserved name that " +
	"cannot be used with email."]:
		"No mail can be sent to the part behind the @.",
	["The part after the @-sign is not valid. It is not within a valid " +
	"top-level domain."]: "The end of this address does not exist.",
	"The part after the @-sign is not valid. It should have a period.":
		"The part behind the @ has a dot in it, such as example.com.",
	"There must be something after the @-sign.":
		"Something is missing behind the @.",
	"There must be something before the @-sign.":
		"Something is missing before the @.",
	"must begin with https://":
		"The address of a webhook begins with https://.",
	"must be valid UTF-8": "This text is damaged. Please type it anew.",
	"must not be given twice": "This was sent twice.",
	"must not contain control characters":
		"It can't contain line breaks, tabs or the like.",
	"must not contain a fragment":
		"The address of a webhook can't contain a #.",
	"must not contain a user name or a password": "The address of a " +
		"webhook can't contain a user name or a password.",
	"must only contain characters that a URL can have": "This contains a " +
		"character that the address of a webhook can't have.",
	"must have a host after https://":
		"The address of a webhook has a host, such as example.com.",
	"must have a port from 1 to 65535 after the host's :":
		"The port behind the : must be a number from 1 to 65535.",
	"must have two hexadecimal digits after each %":
		"Two hexadecimal digits must follow each %.",
	"not an id": "This is not an id.",
	"there must be an email or a username":
		"Nothing has changed: type a new name or a new address first.",
	"user names must not begin or end with a space":
		"A name can't begin or end with a space.",
	"user names must not contain '@'": "A name can't contain an @.",
	["user names must not contain a character that stands for a space, " +
	"such as U+00B4"]: "A name can't contain an accent by itself.",
	"user names must not contain two spaces in a row":
		"A name can't contain two spaces in a row."
};

/* Reasons that name what was typed, by how they begin. */
export const beginnings = [
	["The email address contains invalid characters before the @-sign: ",
		(rest) => `This can't stand before the @: ${rest}`],
	["The part after the @-sign contains invalid characters after " +
		"Unicode normalization: ",
		(rest) => `This can't stand behind the @: ${rest}`],
	["The part after the @-sign contains invalid characters: ",
		(rest) => `This can't stand behind the @: ${rest}`],
	["The email address contains unsafe characters: ",
		(rest) => `This can't be part of an address: ${rest}`],
	["The email address is too long",
		() => "This address is too long."],
	["user names must not contain ",
		(rest) => `A name can't contain the character ${rest}.`]
];

/* What is known by no more than its status: mostly the web server's own. */
export const statuses = {
	400: "The server did not understand the request.",
	401: "Please log in first.",
	403: "This account may not do that.",
	404: "That is not there any more.",
	405: "The server does not do that.",
	408: "The request took too long to arrive. Please try again.",
	409: "That can't be done now.",
	411: "The server did not understand the request.",
	413: "That is too much text for one request.",
	414: "That is too much text for one request.",
	422: "The server did not accept this.",
	429: "Too many requests in a short time.",
	431: "That is too much text for one request.",
	500: "Something went wrong on the server. It is not your fault.",
	502: "The service does not answer at the moment.",
	503: "The service is busy or under repair. Please try again later.",
	504: "The service does not answer at the moment."
};

/* The table's sentence for a reason, or the server's own. */
export function reasonOf(reason) {
	const found = beginnings.find(([text]) => reason.startsWith(text));

	if (Object.hasOwn(reasons, reason))
		return reasons[reason];
	if (found !== undefined)
		return found[1](reason.slice(found[0].length));
	return reason.charAt(0).toUpperCase() + reason.slice(1);
}

/* The first word of a 429's "detail", or null. */
export function limitOf(detail) {
	return /^(\w+) rate limit exceeded\./.exec(detail)?.[1] ?? null;
}

/* { field, sentence } by the tables alone; null: they don't know it. */
export function detailOf(detail) {
	const limit = limitOf(detail);

	if (Object.hasOwn(details, detail))
		return details[detail];
	if (limit !== null && Object.hasOwn(limits, limit))
		return { sentence: limits[limit] };
	for (const [pattern, say] of patterns)
		if (pattern.test(detail))
			return { sentence: say(pattern.exec(detail)[1]) };
	return null;
}

/* The sentence for an entry of a 422 by the tables alone, or null. */
export function entryOf(entry) {
	return Object.hasOwn(types, entry.type) ?
		types[entry.type](entry.ctx ?? {}) : null;
}

function add(problems, names, field, sentence) {
	if (!names.includes(field))
		problems.form ??= sentence;
	else
		problems.fields[field] ??= sentence;
}

/*
 * What an answer that is no success says, as { fields: { name: sentence },
 * form: sentence or null }; names are the fields that there are.
 */
export function problemsOf(answer, names = []) {
	const problems = { fields: {}, form: null };
	const detail = answer.body?.detail;

	if (Array.isArray(detail)) {
		for (const entry of detail)
			add(problems, names, entry.loc?.[1],
				entryOf(entry) ?? entry.msg);
	} else if (typeof detail === "string") {
		const known = detailOf(detail);

		add(problems, names, known?.field, known?.sentence ??
			statuses[answer.status] ?? detail);
	}
	if (problems.form === null && Object.keys(problems.fields).length === 0)
		problems.form = statuses[answer.status] ??
			`The server answered with ${answer.status}.`;
	return problems;
}

/* The same as one sentence, where there is no form. */
export function sentenceOf(answer) {
	return problemsOf(answer).form;
}
