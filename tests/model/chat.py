"""Chat sessions, messages, feedback and events: sections 7 to 9 of the
contract."""

from steps import (answer, bad_token, forbidden, invalid, refuse, spend)
from values import SECOND, Name, Page
from world import (Request, Session, add_event, decide, end, message,
                   put_request, request_pattern, response, session_pattern,
                   time_text, touch)

DEFAULT = 50                    # of a list, unless `limit' is given
ASKED = 100                     # feedback requests of a list
APPROVING = ("approved", "approve", "yes", "y")
REJECTING = ("rejected", "reject", "no", "n")
SPACE = " \t\r\n\v\f"


# ----------------------------------------------------------------- by its id


def no_session(calling, world, memo):
    return refuse(world, memo, 404, f"Session {calling.ids['id']} not found")


def session_of(calling, world, memo):
    """The caller's own session of that id, or None."""
    session = world.find("sessions", calling.ids["id"])
    return session if session is not None and \
        session.user == memo.user.id else None


def with_session(work):
    """Work on a session, or a 404."""
    def step(calling, world, memo):
        session = session_of(calling, world, memo)
        if session is None:
            return no_session(calling, world, memo)
        return work(calling, world, memo, session)
    return step


def with_open_session(work):
    """Work that an ended session does not take any more."""
    def step(calling, world, memo, session):
        if session.ended:
            return refuse(world, memo, 409, "Cannot update an ended session")
        return work(calling, world, memo, session)
    return with_session(step)


def request_of(calling, world, session):
    for request in session.requests:
        if world.known.get(request.id) == calling.ids["request_id"]:
            return request
    return None


def no_request(calling, world, memo):
    return refuse(world, memo, 404, "Feedback request "
                  f"{calling.ids['request_id']} not found")


# ------------------------------------------------------------------- sessions


def begin(calling, world, memo):
    if memo.user.id not in world.users:
        return bad_token(world, memo)
    most = calling.settings.most_sessions
    if sum(not session.ended for session in world.sessions.values()
           if session.user == memo.user.id) >= most:
        if world.logins[memo.login].revoked:
            return bad_token(world, memo)
        return refuse(world, memo, 409, "User cannot have more than "
                      f"{most} concurrent sessions")
    values, now = calling.input.values, calling.now
    session = Session(
        Name(calling.call.number, "session"), memo.user.id,
        values.get("title"), values.get("preferred_channel", "websocket"),
        now, now, now, calling.agent, calling.address)
    session = add_event(session, "session_started", session_pattern(session),
                        now)
    return answer(world.put(sessions=session), memo, 201,
                  session_pattern(session, True))


def list_sessions(calling, world, memo):
    values = calling.input.values
    own = [s for s in world.sessions.values() if s.user == memo.user.id]
    active = [s for s in own if not s.ended]
    own.sort(key=lambda s: (s.created, world.id_of(s)), reverse=True)
    shown = own
    if "before" in values:
        place = next((n for n, s in enumerate(own)
                      if world.id_of(s) == values["before"]), None)
        if place is None:
            return invalid(calling, world, memo, ("before", "refused", {}))
        shown = own[place + 1:]
    if values.get("active_only"):
        shown = [s for s in shown if not s.ended]
    return answer(world, memo, 200, {
        "sessions": [session_pattern(s) for s in
                     shown[:values.get("limit", DEFAULT)]],
        "total": len(active if values.get("active_only") else own),
        "active_count": len(active)})


@with_session
def show(calling, world, memo, session):
    return answer(world, memo, 200, session_pattern(session, True))


def may_change(calling, memo):
    values = calling.input.values.keys() - {"id"}
    if memo.key is None:
        return "agent_status" not in values
    return values <= {"agent_status"}


@with_open_session
def do_change(calling, world, memo, session):
    values, now = calling.input.values, calling.now
    if values.get("status") == "active" and session.pending():
        return refuse(world, memo, 409, "A feedback request is pending")
    before = session
    session = touch(session, now)._replace(
        title=values.get("title", session.title),
        channel=values.get("preferred_channel", session.channel),
        agent_status=values.get("agent_status", session.agent_status),
        paused=values["status"] == "paused" if "status" in values else
        session.paused)
    if session.agent_status != before.agent_status:
        session = add_event(session, "agent_status", {
            "agent_status": session.agent_status}, now)
    if memo.key is None:
        resumed = before.paused and not session.paused
        session = add_event(session, "session_resumed" if resumed else
                            "session_update", session_pattern(session), now)
    return answer(world.put(sessions=session), memo, 200,
                  session_pattern(session, True))


def change(calling, world, memo):
    if not may_change(calling, memo):
        return forbidden(world, memo)
    return do_change(calling, world, memo)


@with_session
def end_session(calling, world, memo, session):
    if not session.ended:
        world = world.put(sessions=end(session, calling.now))
    return answer(world, memo, 204)


# ------------------------------------------------------------------- messages


@with_session
def list_messages(calling, world, memo, session):
    values, all_of_them = calling.input.values, session.messages
    some = values.get("limit", DEFAULT)
    if "after" in values and "before" in values:
        return invalid(calling, world, memo, ("after", "refused", {}))
    shown = all_of_them[-some:]
    cursor = "after" if "after" in values else "before"
    if cursor in values:
        place = next((n for n, one in enumerate(all_of_them) if
                      world.known.get(one["id"]) == values[cursor]), None)
        if place is None:
            return invalid(calling, world, memo, (cursor, "refused", {}))
        shown = all_of_them[place + 1:place + 1 + some] if cursor == "after" \
            else all_of_them[max(0, place - some):place]
    return answer(world, memo, 200, {
        "messages": list(shown), "total": len(all_of_them),
        "session_id": session.id})


def find_to_say(calling, world, memo):
    kind = calling.input.values.get("type")
    if kind is not None and (kind == "user") != (memo.key is None):
        return forbidden(world, memo)
    session = session_of(calling, world, memo)
    if session is None:
        return no_session(calling, world, memo)
    return world, memo._replace(
        session=session.id,
        channel=calling.input.values.get("channel", session.channel))


@with_open_session
def say(calling, world, memo, session):
    values = calling.input.values
    kind = values.get("type", "user" if memo.key is None else "agent")
    one = message(Name(calling.call.number, "message"), session.id,
                  values["content"], kind, memo.channel, calling.now)
    session = touch(session, calling.now)
    session = session._replace(messages=session.messages + (one,))
    session = add_event(session, "message", one, calling.now)
    return answer(world.put(sessions=session), memo, 201, one)


def spend_on_subject(calling, world, memo):
    """The limits of the session and the channel, together."""
    keys = []
    if calling.settings.session and "session" in calling.route.limits:
        keys.append(("session", ("session", memo.caller, memo.session)))
    if calling.settings.channel and "channel" in calling.route.limits:
        keys.append(("channel", ("channel", memo.caller, memo.channel)))
    return spend(calling, world, memo, keys)


# ------------------------------------------------------------------- feedback


def find_to_ask(calling, world, memo):
    values, flaws = calling.input.values, []
    if values["type"] == "approval" and any(
            word.lower() not in APPROVING + REJECTING
            for word in values.get("choices", ())):
        flaws.append(("choices", "refused", {}))
    most = calling.settings.feedback // SECOND
    if values.get("expires_in", 0) > most:
        flaws.append(("expires_in", "bound",
                      {"word": "less", "name": "le", "bound": most}))
    if flaws:
        return invalid(calling, world, memo, *flaws)
    session = session_of(calling, world, memo)
    if session is None:
        return no_session(calling, world, memo)
    return world, memo._replace(session=session.id)


@with_open_session
def ask(calling, world, memo, session):
    values, now = calling.input.values, calling.now
    lasts = values["expires_in"] * SECOND if "expires_in" in values else \
        calling.settings.feedback
    request = Request(
        Name(calling.call.number, "request"), session.id, values["type"],
        "pending", values["prompt"], values.get("choices"), now, now + lasts,
        values.get("channels", [session.channel]), values.get("priority", 0))
    session = touch(session, now)
    session = session._replace(requests=session.requests + (request,))
    session = add_event(session, "feedback_request", request_pattern(request),
                        now)
    return answer(world.put(sessions=session), memo, 201,
                  request_pattern(request))


@with_session
def list_requests(calling, world, memo, session):
    return answer(world, memo, 200, {
        "feedback_requests": [request_pattern(r) for r in
                              session.requests[-ASKED:]],
        "total": len(session.requests), "session_id": session.id})


@with_session
def show_request(calling, world, memo, session):
    request = request_of(calling, world, session)
    if request is None:
        return no_request(calling, world, memo)
    return answer(world, memo, 200, request_pattern(request))


@with_session
def find_to_respond(calling, world, memo, session):
    request = request_of(calling, world, session)
    if request is None:
        return no_request(calling, world, memo)
    return world, memo._replace(
        session=session.id, request=request.id,
        channel=calling.input.values.get("channel", "websocket"))


def outcome(request, content):
    """What an answer makes of a request; None: it is none to it.  And which
    answers there are."""
    if request.type == "input":
        among = request.choices
        return "answered" if among is None or content in among else None, among
    among = request.choices or APPROVING + REJECTING
    word = content.strip(SPACE).lower()
    if word not in [choice.lower() for choice in among]:
        return None, among
    return ("approved" if word in APPROVING else "rejected"), among


def log(calling, memo, request, valid):
    """The request with the response, whatever becomes of it."""
    values = calling.input.values
    one = response(Name(calling.call.number, "response"), request.id,
                   values["content"], memo.channel, memo.user.id, valid,
                   calling.now)
    return one, request._replace(responses=request.responses + (one,))


@with_session
def respond(calling, world, memo, session):
    now = calling.now
    request = next(r for r in session.requests if r.id == memo.request)
    made, among = outcome(request, calling.input.values["content"])
    late = request.status != "pending"
    one, request = log(calling, memo, request, not late and made is not None)
    if not session.ended:
        session = touch(session, now)
    if not late and made is not None:
        session = decide(session, request._replace(status=made),
                         "feedback_response", now)
        return answer(world.put(sessions=session), memo, 201, one)
    session = put_request(session, request)
    session = add_event(session, "feedback_response", request_pattern(request),
                        now)
    world = world.put(sessions=session)
    if late:
        return refuse(world, memo, 409, "Feedback request is already "
                      f"{request.status}",
                      feedback_request=request_pattern(request))
    return invalid(calling, world, memo,
                   ("content", "choose", {"choices": among}))


def clean_up(calling, world, memo):
    raise AssertionError("only the house's administrator may, and asks alone")


# --------------------------------------------------------------------- events


@with_session
def list_events(calling, world, memo, session):
    values = calling.input.values
    after, last = values.get("after", 0), values.get("last-event-id", "")
    if last.isdecimal() and last.isascii() and len(last) <= 18:
        after = max(after, int(last))
    return answer(world, memo, 200,
                  Page(after, session.events[after:]))
