/*
 * What an agent asks people, as cards: with buttons or a field while it is
 * pending, then with who decided it.  thread.js shows them in their place.
 */
import { html, nothing } from "./lit-html.js";
import { afterDraw, secondsTo } from "./draw.js";
import { Form } from "./form.js";
import { momentOf, newKey } from "./http.js";
import { sentenceOf } from "./sentences.js";
import { callAs, onChange } from "./session.js";
import { channelOf, dateOf, fromNow, span } from "./words.js";

const HOUR = 3600;

const STATES = {
	pending: "Waits for an answer", approved: "Approved",
	rejected: "Rejected", answered: "Answered",
	expired: "Nobody answered in time",
	cancelled: "Cancelled, as the session has ended"
};
const APPROVAL = [
	{ label: "Approve", kind: "primary", value: "approved" },
	{ label: "Reject", kind: "danger", value: "rejected" }
];
const FIELD = { name: "content", label: "Your answer", isText: true };

/* By the request's id: what answers it, and what came too late. */
const forms = new Map();
const late = new Map();

onChange(() => {
	forms.clear();
	late.clear();
});

function answersOf({ type, choices }) {
	if (choices !== null)
		return choices.map((choice) =>
			({ label: choice, value: choice }));
	return type === "approval" ? APPROVAL : undefined;
}

/* Whoever has pressed a button that is gone is on its card. */
function focusCard(id) {
	afterDraw(() => document.getElementById(`asked-${id}`)?.focus());
}

/* What is too late says what was decided; that is no failure of the form. */
async function respond(request, content, decided) {
	const answer = await callAs("POST", `/api/sessions/${
		request.session_id}/feedback/${request.id}/respond`,
	{ key: newKey(), json: { content } });
	const now = answer.body?.feedback_request;

	if (now === undefined)
		return answer;
	late.set(request.id, sentenceOf(answer));
	decided(now);
	focusCard(request.id);
	return { ...answer, ok: true };
}

function formOf(request, decided) {
	const answers = answersOf(request);
	const form = forms.get(request.id) ?? new Form({
		id: `answer-${request.id}`, label: "Answer", answers,
		fields: answers === undefined ? [FIELD] : [],
		act: ({ content }) => respond(request, content, decided),
		done: () => {
			focusCard(request.id);
			return "Your answer is there.";
		}
	});

	forms.set(request.id, form);
	return form;
}

function time(text) {
	return html`<time datetime=${text}>${dateOf(Date.parse(text))}</time>`;
}

/* Those that are near count down; by the server's clock. */
function left(expires) {
	const end = momentOf(Date.parse(expires) / 1000);

	if (end - Date.now() > HOUR * 1000)
		return `Ends ${fromNow(end)}`;
	const seconds = secondsTo(end);
	return seconds > 0 ? `${span(seconds)} left` : "Its time is up";
}

function response(one, { type }, user) {
	const whose = one.responder_id === user ? "you" : one.responder_id;

	return html`<p class="hint">${one.metadata.valid ? "By" :
		"Not counted, by"} ${whose} over ${channelOf(one.channel)},
${time(one.timestamp)}${type === "input" || !one.metadata.valid ?
		html`: <q dir="auto">${one.content}</q>` : nothing}</p>`;
}

/* user: whose session it is; decided(request): is told what it has become. */
export function card(request, user, decided) {
	const { id, status, prompt, responses, metadata } = request;
	const isPending = status === "pending";

	return html`<article class="asked ${status}" tabindex="-1"
id=${`asked-${id}`} aria-labelledby=${`asked-${id}-prompt`}>
<p class="state"><span class="badge">${STATES[status] ?? status}</span>
${metadata.priority > 0 ? html`<span class="hint">Priority
${metadata.priority}</span>` : nothing}
${isPending ? html`<span class="hint">${left(request.expires_at)}</span>` :
		nothing}</p>
<p class="prompt" dir="auto" id=${`asked-${id}-prompt`}>${prompt}</p>
${responses.map((one) => response(one, request, user))}
${late.has(id) ? html`<p class="alert" role="alert">${late.get(id)}</p>` :
		nothing}
${isPending ? formOf(request, decided).view() : nothing}
</article>`;
}

/* What is said of it to those who only hear. */
export function spoken({ status, prompt }) {
	return status === "pending" ? `The agent asks: ${prompt}` :
		`${STATES[status] ?? status}: ${prompt}`;
}
