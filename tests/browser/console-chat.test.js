// The console's chat: a person at the page, and an agent that the test plays by
// the API.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { after } from "node:test";

import { Server, eventually } from "./server.js";
import { assert_accessible, assert_fits, show, visit } from "./browser.js";
import { assert_wrong, button, enter, field, form, go, look, sentence } from "./console.js";

const SETTINGS = { RATE_LIMIT_PER_SESSION: "0", RATE_LIMIT_PER_CHANNEL: "0" };
// Of the second one time is the test's, and it is under a prefix.
const [server, late] = await Promise.all([
	new Server({ settings: SETTINGS }).start(),
	new Server({ clock: true, settings: { ...SETTINGS,
		ROOT_PATH: "/switchboard" } }).start()]);

const agents = [];

// Whose page has gone is noticed when there is news; stopping waits for that.
after(async () => {
	await Promise.all(agents.map((agent) => agent.leave()));
	await Promise.all([server.remove(), late.remove()]);
});

const phone = (more) => () => ({ origin: server.origin, ...more });

// ------------------------------------------------------------- who takes part

// A user's agent in one session, and what the user does elsewhere.
class Agent {
	static async meet(name, on = server)
	{
		const agent = new Agent();

		agents.push(agent);
		agent.server = on;
		agent.user = (await on.register(name)).access_token;
		agent.key = (await on.call("POST", "/api/auth/keys", { token:
			agent.user, json: { name: "a", scopes: ["agent"] } })).body.key;
		return agent;
	}

	async begin(json = {})
	{
		const { body } = await this.server.call("POST", "/api/sessions",
			{ token: this.user, json });

		this.session = body.id;
		this.path = `/api/sessions/${body.id}`;
	}

	// Also of one that has left already.
	async leave()
	{
		if (this.path)
			await this.server.call("DELETE", this.path,
				{ token: this.user });
	}

	// Of the session that the page shows.
	async join(page)
	{
		await page.waitForURL(/#chat\//);
		this.session = page.url().split("#chat/")[1];
		this.path = `/api/sessions/${this.session}`;
	}

	async do(method, path, json, token = this.key)
	{
		const { status, body } = await this.server.call(method,
			this.path + path, { token, json });

		assert.ok(status < 300, `${status} ${JSON.stringify(body)}`);
		return body;
	}

	say(content)
	{
		return this.do("POST", "/messages", { content });
	}

	ask(json)
	{
		return this.do("POST", "/feedback", { type: "approval", ...json });
	}

	decision({ id })
	{
		return this.do("GET", `/feedback/${id}?wait=20`);
	}
}

const log = (page) => page.getByRole("log", { name: "Messages" });
const said = (page) => page.locator(".message .content");
const asked = (page, prompt) => page.getByRole("article", { name: prompt });
const spoken = (page, text) => page.locator(".unseen").getByText(text,
	{ exact: true }).waitFor({ state: "attached" });
const is_focused = (target) => eventually(() => target.evaluate((e) =>
	e === document.activeElement), "the focus");

async function hear(page, text)
{
	await said(page).getByText(text, { exact: true }).waitFor();
}

async function write(page, text)
{
	await field(form(page, "Write"), "Message").fill(text);
	await page.keyboard.press("Enter");
}

async function live(page)
{
	await page.getByText("What happens is shown at once.").waitFor();
}

// The page in the agent's session.
async function attend(page, agent, name)
{
	await enter(page, agent.server.url, name);
	await page.goto(`${agent.server.url}/console#chat/${agent.session}`);
	await live(page);
}

// ------------------------------------------------------------------ the tests

visit("a person and an agent talk, and a deployment is approved", phone(),
	async ({ page, requests }) => {
	const agent = await Agent.meet("ann");

	await enter(page, server.url, "ann");
	await go(page, "Chat");
	await page.getByText("There is none yet.").waitFor();
	await field(form(page, "Begin a session"), "Title (optional)")
		.fill("Release 2.1");
	await button(page, "Begin").click();
	await agent.join(page);
	await page.getByRole("heading", { name: "Release 2.1" }).waitFor();
	await live(page);
	await page.getByText("Nothing has been said yet.").waitFor();

	await write(page, "deploy web 2.1");
	await hear(page, "deploy web 2.1");
	assert.equal(await field(form(page, "Write"), "Message").inputValue(), "");
	await is_focused(field(form(page, "Write"), "Message"));
	await agent.do("PATCH", "", { agent_status: "thinking" });
	await page.getByText("thinking", { exact: true }).waitFor();
	await agent.say("On it.");
	await hear(page, "On it.");
	await spoken(page, "Agent: On it.");
	const request = await agent.ask({ prompt: "Deploy to production?" });
	const card = asked(page, "Deploy to production?");
	await card.getByText("Waits for an answer").waitFor();
	await spoken(page, "The agent asks: Deploy to production?");
	await page.getByText("paused", { exact: true }).waitFor();
	assert.equal(await button(page, "Resume").count(), 0);
	await look(page, "chat asked");
	await button(card, "Approve").click();
	assert.equal((await agent.decision(request)).status, "approved");
	await card.getByText("Approved").waitFor();
	await card.getByText(/^By you over Chat,/).waitFor();
	await is_focused(card);
	await page.getByText("active", { exact: true }).waitFor();
	await agent.say("Deployed.");
	await hear(page, "Deployed.");
	assert.deepEqual(await said(page).allInnerTexts(),
		["deploy web 2.1", "On it.", "Deployed."]);

	await button(page, "Pause").click();
	await button(page, "Resume").click();
	await button(page, "Pause").waitFor();
	await button(page, "End…").click();
	await button(page.getByRole("dialog"), "End").click();
	await page.getByText("This session has ended.").waitFor();
	assert.equal(await form(page, "Write").count(), 0);
	await page.getByRole("link", { name: "All sessions" }).click();
	await page.getByRole("link", { name: "Release 2.1" }).waitFor();
	await look(page, "chat list");
	assert.ok(requests.every((one) =>
		/^(GET|POST|PATCH|DELETE) \/(console|static|api|health)/.test(one)));
});

visit("a question has its choices, or a field, for an answer", phone(),
	async ({ page }) => {
	const agent = await Agent.meet("bob");

	await agent.begin();
	const one = await agent.ask({ type: "input", prompt: "Which region?",
		choices: ["Frankfurt", "Oslo <b>"], priority: 3 });
	await attend(page, agent, "bob");
	const two = await agent.ask({ type: "input", prompt: "Which version?",
		expires_in: 90 });
	await asked(page, "Which version?").getByText(/^1 min \d+ s left$/)
		.waitFor();
	await asked(page, "Which region?").getByText("Priority 3").waitFor();
	const answer = field(asked(page, "Which version?"), "Your answer");
	await answer.fill("2.1");
	await agent.say("By the way …");
	await hear(page, "By the way …");
	assert.equal(await answer.inputValue(), "2.1");
	await is_focused(answer);
	await assert_accessible(page);
	await show(page, "console chat choices", { fullPage: true });
	await button(asked(page, "Which region?"), "Oslo <b>").click();
	assert.equal((await agent.decision(one)).responses[0].content, "Oslo <b>");
	await asked(page, "Which region?").locator("q")
		.getByText("Oslo <b>", { exact: true }).waitFor();
	await button(asked(page, "Which version?"), "Answer").click();
	assert.equal((await agent.decision(two)).responses[0].content, "2.1");
	await asked(page, "Which version?").getByText("Answered").waitFor();
});

visit("an answer that is too late says what was decided", phone(),
	async ({ page }) => {
	const agent = await Agent.meet("cyn");

	await agent.begin();
	await attend(page, agent, "cyn");
	const request = await agent.ask({ prompt: "Deploy?" });
	const card = asked(page, "Deploy?");
	// Somebody else is a little faster.
	await page.route("**/respond", async (route) => {
		await agent.do("POST", `/feedback/${request.id}/respond`,
			{ content: "no" }, agent.user);
		await route.continue();
	});
	await button(card, "Approve").click();
	await card.getByText("This comes too late: it is rejected already.")
		.waitFor();
	await card.getByText("Rejected", { exact: true }).waitFor();
	await card.getByText("Not counted, by you").waitFor();
	assert.equal(await button(card, "Approve").count(), 0);
	await is_focused(card);
});

visit("whatever is said is text", phone({ width: 360 }), async ({ page }) => {
	const agent = await Agent.meet("dan");
	const image = "<img src=x onerror=alert(1)>";
	const turned = "\u202Etxet desrever \u2066\u2067\u202D";
	const long = "x".repeat(31999) + "\u{1F600}";

	await agent.begin({ title: `${image}${turned}` });
	await agent.say(`${image}\n</p><script>alert(2)</script>`);
	await agent.say(turned);
	await agent.say(long);
	await agent.ask({ prompt: `${image} ${"y".repeat(3000)}`, type: "input",
		choices: [image, turned, "z".repeat(200)] });
	await attend(page, agent, "dan");
	await asked(page, /onerror/).waitFor();
	assert.equal(await page.locator("main img, main script").count(), 0);
	assert.deepEqual(await said(page).evaluateAll((all) =>
		all.map((e) => e.textContent)),
	[`${image}\n</p><script>alert(2)</script>`, turned, long]);
	await page.setViewportSize({ width: 320, height: 844 });
	await assert_fits(page);
	await show(page, "console chat hostile", { fullPage: true });
	assert.ok(await log(page).evaluate((e) =>
		e.scrollWidth <= e.clientWidth), "the log is wider than it is");

	const box = field(form(page, "Write"), "Message");
	await box.fill("\u{1F600}".repeat(31500));
	await page.getByText("500 characters left.").waitFor();
	await box.fill("a".repeat(32001));
	await page.getByText("1 characters too many.").waitFor();
	await page.keyboard.press("Enter");
	await page.getByText("At most 32000 characters, please.").waitFor();
	await box.fill("a".repeat(32000));
	await page.keyboard.press("Enter");
	await said(page).nth(3).waitFor();
});

visit("what nobody answers in time says so, under a prefix, too",
	() => ({ origin: late.origin, width: 390 }), async ({ page }) => {
	const agent = await Agent.meet("nan", late);

	await agent.begin();
	await attend(page, agent, "nan");
	await agent.ask({ prompt: "Anybody?", expires_in: 60 });
	await button(asked(page, "Anybody?"), "Approve").waitFor();
	late.move_clock(61);
	// Whoever looks finds that it is over, and tells all who listen.
	await agent.do("GET", "");
	await asked(page, "Anybody?").getByText("Nobody answered in time")
		.waitFor();
	await page.locator(".message.system").waitFor();
	await page.getByText("active", { exact: true }).waitFor();
	assert.equal(await button(asked(page, "Anybody?"), "Approve").count(), 0);
});

visit("two tabs show the same, each once", phone({ width: 1280 }),
	async ({ page, context }) => {
	const agent = await Agent.meet("eve");

	await agent.begin();
	await attend(page, agent, "eve");
	const other = await context.newPage();
	await other.goto(page.url());
	await live(other);
	await write(page, "one");
	await hear(other, "one");
	await write(other, "two");
	await hear(page, "two");
	await agent.say("three");
	for (const tab of [page, other]) {
		await hear(tab, "three");
		assert.deepEqual(await said(tab).allInnerTexts(),
			["one", "two", "three"]);
	}
	const request = await agent.ask({ prompt: "Go on?" });
	await asked(other, "Go on?").waitFor();
	await button(asked(page, "Go on?"), "Reject").click();
	await asked(other, "Go on?").getByText("Rejected").waitFor();
	assert.equal((await agent.decision(request)).status, "rejected");
});

visit("nobody listens to what nobody sees", phone(), async ({ page,
	requests }) => {
	const agent = await Agent.meet("mia");
	const asks = () => requests.filter((one) =>
		/\/events\?/.test(one)).length;
	const end = () => page.waitForEvent("requestfailed",
		(request) => /\/events\?/.test(request.url()));
	const hide = (is_hidden) => page.evaluate((is_hidden) => {
		Object.defineProperty(document, "hidden",
			{ configurable: true, value: is_hidden });
		document.dispatchEvent(new Event("visibilitychange"));
	}, is_hidden);

	await agent.begin();
	await enter(page, server.url, "mia");
	await page.clock.install();
	await page.goto(`${server.url}/console#chat/${agent.session}`);
	await live(page);
	const hidden = end();
	await hide(true);
	await page.clock.runFor(61000);
	await hidden;
	const before = asks();
	await agent.say("Is anybody there?");
	await hide(false);
	await hear(page, "Is anybody there?");
	assert.ok(asks() > before);
	const left = end();
	await go(page, "Account");
	await left;
});

// Ends the server's processes that wait.
function end_waiters()
{
	for (const id of waiters())
		try {
			process.kill(id, "SIGTERM");
		} catch (error) {
			// A parent has ended its children.
			assert.equal(error.code, "ESRCH");
		}
}

function waiters()
{
	return execFileSync("ps", ["-e", "-o", "pid=,pgid=,args="],
		{ encoding: "utf8" }).split("\n").map((line) => line.trim()
		.split(/\s+/)).filter(([, group, name]) =>
		Number(group) === server.web.pid && name?.endsWith("/events"))
		.map(([id]) => Number(id));
}

visit("when the server ends a stream nothing is missed or repeated", phone(),
	async ({ page, requests }) => {
	const agent = await Agent.meet("fay");
	const streams = () => requests.filter((one) =>
		/\/events\?after=\d+$/.test(one)).length;
	const texts = [];

	await agent.begin();
	await attend(page, agent, "fay");
	for (let i = 0; i < 3; i++) {
		const before = streams();

		end_waiters();
		texts.push(`lost ${i}`);
		await agent.say(`lost ${i}`);
		await hear(page, `lost ${i}`);
		await eventually(() => streams() > before, "a new stream");
	}
	texts.push("and on");
	await agent.say("and on");
	await hear(page, "and on");
	assert.deepEqual(await said(page).allInnerTexts(), texts);
	assert.equal(await page.locator(".banner.bad").count(), 0);
});

visit("where streams don't come through it asks again and again", phone(),
	async ({ page, requests }) => {
	const agent = await Agent.meet("gil");

	await agent.begin();
	await page.route("**/events?*", (route) => route.continue({ headers: {
		...route.request().headers(), accept: "application/json" } }));
	await attend(page, agent, "gil");
	await eventually(() => requests.some((one) => /wait=25/.test(one)),
		"a long poll");
	for (const text of ["one", "two"]) {
		await agent.say(text);
		await hear(page, text);
	}
	assert.deepEqual(await said(page).allInnerTexts(), ["one", "two"]);
});

visit("where too many listen it looks now and then", phone(),
	async ({ page }) => {
	const agent = await Agent.meet("hal");

	await agent.begin();
	const busy = agent.path;
	const waits = [1, 2, 3, 4].map(() => server.call("GET",
		`${busy}/events?after=1&wait=25`, { token: agent.user }));
	await agent.begin();
	await enter(page, server.url, "hal");
	await page.clock.install();
	await page.goto(`${server.url}/console#chat/${agent.session}`);
	await page.getByText("Another tab is listening.").waitFor();
	await agent.say("Do you hear me?");
	await page.clock.runFor(11000);
	await hear(page, "Do you hear me?");
	await server.call("DELETE", busy, { token: agent.user });
	await Promise.all(waits);
});

visit("what is older comes when it is looked for", phone({ width: 1280 }),
	async ({ page }) => {
	const agent = await Agent.meet("ida");
	const texts = [];

	await agent.begin();
	for (let i = 0; i < 120; i++) {
		texts.push(`message ${i}`);
		await agent.say(texts[i]);
	}
	await attend(page, agent, "ida");
	await hear(page, "message 119");
	assert.deepEqual(await said(page).allInnerTexts(), texts.slice(70));
	const top = () => log(page).evaluate((e) => e.scrollTop);
	assert.ok(await top() > 500);
	await log(page).evaluate((e) => { e.scrollTop = 0; });
	await hear(page, "message 20");
	assert.deepEqual(await said(page).allInnerTexts(), texts.slice(20));
	assert.ok(await top() > 500);
	// Whoever reads there isn't taken away from it.
	const before = await top();
	await agent.say("news");
	await button(page, "Show what is new").waitFor();
	assert.equal(await top(), before);
	// As by the keyboard, which does not scroll to it.
	await button(page, "Show older messages").evaluate((e) => e.click());
	await hear(page, "message 0");
	await button(page, "Show older messages").waitFor({ state: "detached" });
	assert.deepEqual(await said(page).allInnerTexts(), [...texts, "news"]);
	await button(page, "Show what is new").click();
	await eventually(async () => await log(page).evaluate((e) =>
		e.scrollHeight - e.scrollTop - e.clientHeight < 2), "the end");
});

visit("a fourth session is refused, and said so", phone(), async ({ page }) => {
	const agent = await Agent.meet("jim");

	for (let i = 0; i < 3; i++)
		await agent.begin();
	await enter(page, server.url, "jim");
	await go(page, "Chat");
	await button(page, "Begin").click();
	await form(page, "Begin a session").getByRole("alert").getByText(
		"At most 3 sessions can be open at once. End one first.").waitFor();
	await page.goto(`${server.url}/console#chat/${
		"0".repeat(8)}-0000-0000-0000-${"0".repeat(12)}`);
	await page.getByText("There is no such chat session.").waitFor();
});

visit("a message is written and sent by the keyboard alone", phone(
	{ width: 1280, touch: false }), async ({ page }) => {
	const agent = await Agent.meet("kim");
	const box = field(form(page, "Write"), "Message");

	await agent.begin();
	await attend(page, agent, "kim");
	await box.focus();
	await page.keyboard.type("one");
	await page.keyboard.press("Shift+Enter");
	await page.keyboard.type("two");
	await page.keyboard.press("Enter");
	await hear(page, "one\ntwo");
	await is_focused(box);
	// What is said by oneself isn't read out.
	assert.equal(await page.locator(".unseen").innerText(), "");
	assert.equal(await log(page).getAttribute("tabindex"), "0");
	await page.locator("#calls > summary").click();
	await page.locator("#calls li button").filter({ hasText: "messages" })
		.click();
	await page.locator("#calls pre").filter({ hasText: "Idempotency-Key: " })
		.waitFor();
});

visit("an agent's key is made, shown once, and deleted", phone(),
	async ({ page, context }) => {
	await server.register("lea");
	await context.grantPermissions(["clipboard-read", "clipboard-write"]);
	await enter(page, server.url, "lea");
	await go(page, "Keys");
	await page.getByText("There is none yet.").waitFor();
	const make = form(page, "Make a key");
	await field(make, "Name").fill("deployer");
	await field(make, "Webhook (optional)").fill("http://example.com/");
	await button(make, "Make a key").click();
	await assert_wrong(make, "Webhook (optional)",
		sentence("must begin with https://"));
	await field(make, "Webhook (optional)").fill("https://example.com/hook");
	await button(make, "Make a key").click();
	const made = page.getByRole("group", { name: /deployer/ });
	await made.waitFor();
	await is_focused(made);
	const key = await made.locator("code").first().innerText();
	assert.match(key, /^sbk_/);
	assert.match(await made.locator("code").nth(1).innerText(), /^whsec_/);
	await look(page, "keys made");
	await button(made, "Copy the key").click();
	await made.getByText("Copied").waitFor();
	assert.equal(await page.evaluate(() => navigator.clipboard.readText()),
		key);
	assert.equal((await server.call("GET", "/api/sessions",
		{ token: key })).status, 200);
	await button(made, "I have it").click();
	await made.waitFor({ state: "detached" });
	assert.ok(!(await page.content()).includes(key));
	await button(page, "Delete deployer").click();
	await button(page.getByRole("dialog"), "Delete").click();
	await page.getByText("“deployer” is deleted.").waitFor();
	assert.equal((await server.call("GET", "/api/sessions",
		{ token: key })).status, 401);
});
