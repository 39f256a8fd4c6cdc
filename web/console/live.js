/*
 * What happens in a chat session, as it happens: by a stream of server-sent
 * events, or by asking again and again where that does not come through, from
 * one cursor on.  conversation.js hears of each event once, in their order.
 *
 * It is not the browser's EventSource, which can't send a bearer token.
 */
import { changed } from "./draw.js";
import { Stopped } from "./http.js";
import { sentenceOf } from "./sentences.js";
import { Ended, listenAs } from "./session.js";

/* The server sends at least a comment each 15 s. */
const SILENCE = 35000;
const WAIT = 25;
const SLOW = 10000;
const BRIEF = 1000;
const UNSEEN = 60000;

function pause(time) {
	return new Promise((go) => setTimeout(go, time));
}

/* The session is gone, or may not be listened to; all else passes. */
function isFinal({ status }) {
	return status >= 400 && status < 429;
}

/* Resolves when somebody looks at the page. */
function seen() {
	return new Promise((go) => {
		const look = () => {
			if (document.hidden)
				return;
			document.removeEventListener("visibilitychange", look);
			go();
		};

		document.addEventListener("visibilitychange", look);
		look();
	});
}

/* The lines of a stream as they come, without their ends; a cut is an end. */
async function* linesOf(stream, heard) {
	const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
	const cut = () => ({ done: true });
	let rest = "";

	for (;;) {
		const { done, value } = await reader.read().catch(cut);

		if (done)
			return;
		heard();
		const lines = (rest + value).split(/\r\n|\n|\r/);
		rest = lines.pop();
		yield* lines;
	}
}

/* The events of a stream, as the HTML standard has them. */
async function* eventsOf(stream, heard) {
	let event = { data: [] };

	for await (const line of linesOf(stream, heard)) {
		const [, name, value] = /^([^:]*):? ?(.*)$/s.exec(line);

		if (line !== "" && name === "data")
			event.data.push(value);
		else if (line !== "")
			event[name] = value;
		else {
			if (event.data.length > 0)
				yield { id: Number(event.id),
					type: event.event, payload:
					JSON.parse(event.data.join("\n")) };
			event = { data: [] };
		}
	}
}

/*
 * The cursor behind all that has happened, by as few questions as may be: an
 * answer has a page of what follows a cursor, or nothing where nothing does.
 */
export async function endOf(path) {
	let low = 0;
	let high = Infinity;

	for (let asked = 0; low < high; asked++) {
		const at = high < Infinity ? Math.floor((low + high) / 2) :
			asked < 2 ? low : low + (200 << asked);
		const answer = await listenAs(`${path}?after=${at}`,
			{ isListening: true });

		if (!answer.ok)
			return answer;
		if (answer.body.events.length === 0)
			high = at;
		else
			low = answer.body.last_id;
	}
	return { ok: true, end: low };
}

export class Listener {
	/* heard(event): is told of each, once. */
	constructor(path, heard) {
		this.path = path;
		this.heard = heard;
		this.state = "off";
		this.problem = null;
		this.look = this.look.bind(this);
	}

	start(cursor) {
		this.cursor = cursor;
		this.hasStreams = true;
		this.isOver = false;
		document.addEventListener("visibilitychange", this.look);
		this.run();
	}

	stop() {
		this.isOver = true;
		document.removeEventListener("visibilitychange", this.look);
		clearTimeout(this.unseen);
		this.hangUp();
	}

	hangUp() {
		clearTimeout(this.watch);
		this.controller?.abort();
	}

	/* Nobody listens for long to what nobody sees. */
	look() {
		clearTimeout(this.unseen);
		if (document.hidden)
			this.unseen = setTimeout(() => this.hangUp(), UNSEEN);
	}

	become(state) {
		if (this.state !== state)
			changed();
		this.state = state;
	}

	/* ------------------------------------------------------ one request */

	/*
	 * What says nothing for so long is as good as dead.  A stream that
	 * never said anything is kept back by something in between.
	 */
	attend() {
		clearTimeout(this.watch);
		this.watch = setTimeout(() => {
			this.hasStreams &&= this.isHeard;
			this.controller.abort();
		}, SILENCE);
	}

	ask(about, options) {
		this.controller = new AbortController();
		this.isHeard = false;
		this.attend();
		return listenAs(`${this.path}?after=${this.cursor}${about}`, {
			...options, isListening: true,
			signal: this.controller.signal });
	}

	take(event) {
		if (this.isOver || event.id <= this.cursor)
			return;
		this.cursor = event.id;
		this.heard(event);
	}

	takeAll({ events }) {
		this.become("live");
		for (const event of events)
			this.take(event);
	}

	async poll(wait) {
		const answer = await this.ask(`&wait=${wait}`);

		if (answer.ok)
			this.takeAll(answer.body);
		return answer;
	}

	async read(stream) {
		const heard = () => {
			this.isHeard = true;
			this.attend();
		};

		this.become("live");
		for await (const event of eventsOf(stream, heard))
			this.take(event);
	}

	/* Where no stream is made of it, the answer is as good. */
	async stream() {
		const answer = await this.ask("", { isStream: true });

		if (answer.stream !== undefined)
			await this.read(answer.stream);
		else if (answer.ok) {
			this.hasStreams = false;
			this.takeAll(answer.body);
		}
		return answer;
	}

	/* ------------------------------------------------------ all of them */

	/* Others of this user listen, or too many do: looking never fails. */
	async pollSlowly({ status }) {
		const answer = await this.poll(0);

		this.become(status === 429 ? "elsewhere" : "busy");
		await pause(SLOW);
		return answer;
	}

	async round() {
		const answer = await (this.hasStreams ? this.stream() :
			this.poll(WAIT));

		return answer.status === 429 || answer.status === 503 ?
			this.pollSlowly(answer) : answer;
	}

	/* Whether to go on; what was refused for good is the last answer. */
	async attempt() {
		const before = this.cursor;
		const begin = Date.now();

		try {
			const answer = await this.round();

			this.problem = isFinal(answer) ? sentenceOf(answer) :
				null;
		} catch (error) {
			if (error instanceof Ended)
				return false;
			if (!(error instanceof Stopped))
				throw error;
		}
		if (this.cursor === before && Date.now() - begin < BRIEF)
			await pause(BRIEF);
		return this.problem === null;
	}

	async run() {
		do
			await seen();
		while (!this.isOver && await this.attempt() && !this.isOver);
		this.stop();
		this.become("off");
	}
}
