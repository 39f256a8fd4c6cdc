/*
 * One chat session: what was said and asked in it, what happens in it now, and
 * what is said here.  thread.js shows it.
 */
import { changed } from "./draw.js";
import { newKey } from "./http.js";
import { Listener, endOf } from "./live.js";
import { sentenceOf } from "./sentences.js";
import { Ended, callAs } from "./session.js";

const NEWEST = 50;

/* As lists have it. */
function withoutLists({ messages, feedback_requests: requests, ...session }) {
	return session;
}

function byTime(a, b) {
	return a.created_at < b.created_at ? -1 : 1;
}

export class Conversation {
	/* grown(item): hears of each message or request that is news. */
	constructor(id, grown) {
		Object.assign(this, { id, grown });
		this.path = `/api/sessions/${id}`;
		this.session = null;
		this.problem = null;
		this.messages = [];
		this.requests = new Map();
		this.hasOlder = false;
		this.hasRequests = false;
		this.olderProblem = null;
		this.isBusy = false;
		this.isLeft = false;
		this.listener = new Listener(`${this.path}/events`,
			(event) => this.hear(event));
	}

	/* One thing at a time; what comes after the end is for nobody. */
	async alone(task) {
		if (this.isBusy || this.isLeft)
			return;
		this.isBusy = true;
		changed();
		try {
			await task();
		} catch (error) {
			if (!(error instanceof Ended))
				throw error;
		} finally {
			this.isBusy = false;
			changed();
		}
	}

	/* ------------------------------------------------- coming and going */

	/*
	 * What happened before the cursor is in the session, and what after it
	 * the listener brings; what is in both is recognised.
	 */
	async read() {
		const cursor = await endOf(this.listener.path);
		const answer = cursor.ok ? await callAs("GET", this.path) :
			cursor;

		this.problem = answer.ok ? null : sentenceOf(answer);
		if (!answer.ok || this.isLeft)
			return;
		this.messages = answer.body.messages;
		this.hasOlder = this.messages.length === NEWEST;
		for (const request of answer.body.feedback_requests)
			this.requests.set(request.id, request);
		this.update(answer.body);
		this.listener.start(cursor.end);
	}

	open() {
		return this.alone(() => this.read());
	}

	leave() {
		this.isLeft = true;
		this.listener.stop();
	}

	/* Those that the session itself didn't have, if there are more. */
	async readRequests() {
		if (this.hasRequests || this.requests.size < NEWEST)
			return;
		const answer = await callAs("GET", `${this.path}/feedback`);

		this.hasRequests = answer.ok;
		for (const one of answer.body?.feedback_requests ?? [])
			if (!this.requests.has(one.id))
				this.requests.set(one.id, one);
	}

	/* What is older than all that is known. */
	async readOlder() {
		const [{ id }] = this.messages;
		const answer = await callAs("GET",
			`${this.path}/messages?limit=${NEWEST}&before=${id}`);

		this.olderProblem = answer.ok ? null : sentenceOf(answer);
		if (!answer.ok)
			return;
		this.messages.unshift(...answer.body.messages);
		this.hasOlder = answer.body.messages.length === NEWEST;
		await this.readRequests();
	}

	openOlder() {
		return this.hasOlder ? this.alone(() => this.readOlder()) :
			Promise.resolve();
	}

	/* ----------------------------------------------------- what happens */

	update(session) {
		this.session = { ...this.session, ...withoutLists(session) };
		changed();
	}

	/* What is said here is in the answer, and comes as an event. */
	add(message) {
		if (this.messages.some(({ id }) => id === message.id))
			return;
		this.messages.push(message);
		this.grown(message);
		changed();
	}

	decide(request) {
		this.requests.set(request.id, request);
		this.grown(request);
		changed();
	}

	hear({ type, payload }) {
		if (type === "message")
			this.add(payload);
		else if (/^feedback_re(quest|sponse)$/.test(type))
			this.decide(payload);
		else if (/^(agent_status$|session_)/.test(type))
			this.update(payload);
	}

	/* ----------------------------------------------------- what is done */

	async say(content) {
		const answer = await callAs("POST", `${this.path}/messages`,
			{ key: newKey(), json: { content } });

		if (answer.ok)
			this.add(answer.body);
		return answer;
	}

	async change(json) {
		const answer = await callAs("PATCH", this.path, { json });

		if (answer.ok)
			this.update(answer.body);
		return answer;
	}

	end() {
		return callAs("DELETE", this.path);
	}

	/* --------------------------------------------------------- for eyes */

	hasPending() {
		return [...this.requests.values()].some(({ status }) =>
			status === "pending");
	}

	/* That a question pauses it is no news of its own. */
	status() {
		return this.session.status === "active" && this.hasPending() ?
			"paused" : this.session.status;
	}

	/* Those before the first message that is known wait for it. */
	knownRequests() {
		const first = this.hasOlder ? this.messages[0].timestamp : "";

		return [...this.requests.values()].filter((request) =>
			request.created_at >= first ||
			request.status === "pending").sort(byTime);
	}

	/* Messages in their order, and requests where they were made. */
	items() {
		const requests = this.knownRequests();
		const items = [];

		for (const message of this.messages) {
			while (requests[0]?.created_at < message.timestamp)
				items.push(requests.shift());
			items.push(message);
		}
		return [...items, ...requests];
	}
}
