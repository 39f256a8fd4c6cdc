/*
 * Numbers, times, names and programs in words, for whatever section shows them.
 * Nothing here knows the page.
 */

const UNITS = [
	["year", 365 * 86400], ["month", 30 * 86400], ["day", 86400],
	["hour", 3600], ["minute", 60]
];
const RELATIVE = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const ABSOLUTE = new Intl.DateTimeFormat("en-GB",
	{ dateStyle: "medium", timeStyle: "short" });

/* "12 s", "3 min 5 s": for a countdown. */
export function span(seconds) {
	const minutes = Math.floor(seconds / 60);
	const rest = seconds % 60;

	if (minutes === 0)
		return `${seconds} s`;
	return rest === 0 ? `${minutes} min` : `${minutes} min ${rest} s`;
}

/* "5 minutes ago", "in 7 days". */
export function fromNow(moment, now = Date.now()) {
	const seconds = (moment - now) / 1000;
	const unit = UNITS.find(([, size]) => Math.abs(seconds) >= size);

	if (unit === undefined)
		return seconds > 0 ? "in less than a minute" : "just now";
	return RELATIVE.format(seconds > 0 ? Math.round(seconds / unit[1]) :
		Math.trunc(seconds / unit[1]), unit[0]);
}

/* What two spellings of a name have in common, to the server. */
export function nameKey(name) {
	return name.normalize("NFKC").toLowerCase();
}

/* "23 Nov 2026, 10:53", by the clock of whoever reads it. */
export function dateOf(moment) {
	return isNaN(new Date(moment)) ? "some time" : ABSOLUTE.format(moment);
}

/* The ways to a user, by the API's names. */
export const channels = { websocket: "Chat", email: "Email", slack: "Slack" };

export function channelOf(name) {
	return channels[name] ?? name;
}

/* What a user agent calls itself, and what people call it.  First wins. */
const BROWSERS = [
	[/\bEdgA?(?:iOS)?\/(\d+)/, "Edge"],
	[/\bOPR\/(\d+)/, "Opera"],
	[/\bSamsungBrowser\/(\d+)/, "Samsung Internet"],
	[/\b(?:Firefox|FxiOS)\/(\d+)/, "Firefox"],
	[/\bHeadlessChrome\/(\d+)/, "Headless Chrome"],
	[/\b(?:Chrome|CriOS)\/(\d+)/, "Chrome"],
	[/\bVersion\/(\d+)[\d.]* (?:Mobile\/\S+ )?Safari\//, "Safari"]
];
const SYSTEMS = [
	[/\bAndroid\b/, "Android"], [/\biPhone\b/, "iPhone"],
	[/\biPad\b/, "iPad"], [/\bWindows\b/, "Windows"],
	[/\bCrOS\b/, "ChromeOS"], [/\bMac OS X\b|\bMacintosh\b/, "macOS"],
	[/\bLinux\b|\bX11\b/, "Linux"]
];
const TOOLS = {
	"aiohttp": "Python (aiohttp)", "axios": "JavaScript (axios)",
	"Go-http-client": "a Go program", "insomnia": "Insomnia",
	"Java": "a Java program", "node": "Node.js", "node-fetch": "Node.js",
	"okhttp": "OkHttp", "PostmanRuntime": "Postman",
	"python-httpx": "Python (httpx)",
	"python-requests": "Python (requests)",
	"Python-urllib": "Python (urllib)", "undici": "Node.js"
};

function browser(agent) {
	const found = BROWSERS.find(([pattern]) => pattern.test(agent));
	const system = SYSTEMS.find(([pattern]) => pattern.test(agent));

	if (found === undefined)
		return null;
	return `${found[1]} ${found[0].exec(agent)[1]}` +
		(system === undefined ? "" : ` on ${system[1]}`);
}

/* "Firefox 145 on Linux", "curl 7.88"; at least something. */
export function programOf(agent) {
	const product = /^([^\s/]+)(?:\/(\d+(?:\.\d+)?))?/.exec(agent ?? "");
	const name = product === null ? null : browser(agent);

	if (product === null)
		return "Unknown program";
	if (name !== null)
		return name;
	if (Object.hasOwn(TOOLS, product[1]))
		return TOOLS[product[1]];
	return product[2] === undefined ? product[1].slice(0, 60) :
		`${product[1].slice(0, 60)} ${product[2]}`;
}
