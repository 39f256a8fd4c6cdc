"""What there is: accounts, logins, keys, chat sessions and counts, as plain
values.  Nothing is ever changed: a step makes a new world that shares all that
is as before, so that many can be kept and compared."""

import time
from typing import NamedTuple

from values import SECOND, Among, Name

HOUR = 3600 * SECOND
DAY = 24 * HOUR
REFRESH_LIFETIME = 7 * DAY
GRACE = 10 * SECOND
REPEAT_LIFETIME = DAY
SHIELD = 90 * DAY
GUESSES_WINDOW = 900 * SECOND
NEWEST = 50                     # of a session's lists
RESPONSES = 10                  # of a request, that are shown


class Settings(NamedTuple):
    """0: off.  What isn't here is as the contract has it by default."""

    user: int = 0
    session: int = 0
    channel: int = 0
    address: int = 0
    account: int = 0
    window: int = 60
    most_sessions: int = 3
    idle: int = 24 * HOUR
    feedback: int = 48 * HOUR

    def window_of(self, name):
        return GUESSES_WINDOW if name == "account" else self.window * SECOND


class User(NamedTuple):
    id: Name
    email: str
    username: str
    email_key: str
    username_key: str
    password: str
    created: int
    version: int = 1            # of the password
    active: bool = True


class Refresh(NamedTuple):
    """A refresh token: one of a chain, each used for the next."""

    jti: Name
    text: Name
    issued: int                 # seconds
    expires: int
    used: int = None


class Login(NamedTuple):
    id: Name
    user: Name
    created: int
    used: int
    expires: int
    address: str
    chain: tuple
    revoked: bool = False


class Key(NamedTuple):
    id: Name
    secret: Name
    user: Name
    name: str
    created: int


class Request(NamedTuple):
    id: Name
    session: Name
    type: str
    status: str
    prompt: str
    choices: list
    created: int
    expires: int
    channels: list
    priority: int
    responses: tuple = ()


class Session(NamedTuple):
    id: Name
    user: Name
    title: str
    channel: str
    created: int
    updated: int
    active: int
    agent: str
    address: str
    paused: bool = False        # by its user
    agent_status: str = "idle"
    ended: bool = False
    messages: tuple = ()
    requests: tuple = ()
    events: tuple = ()

    def pending(self):
        return [one for one in self.requests if one.status == "pending"]

    def status(self):
        if self.ended:
            return "ended"
        return "paused" if self.paused or self.pending() else "active"


class Repeat(NamedTuple):
    data: bytes
    status: int
    body: object
    created: int


class World(NamedTuple):
    known: dict                 # what Names stand for
    users: dict
    logins: dict
    keys: dict
    sessions: dict
    counts: dict                # moments, by what they count for
    repeats: dict

    def put(self, **records):
        """With these instead of, or besides, those that there are."""
        return self._replace(**{
            kind: {**getattr(self, kind), record.id: record}
            for kind, record in records.items()})

    def find(self, kind, text):
        """The record with that id, or None."""
        for name, record in getattr(self, kind).items():
            if self.known.get(name) == text:
                return record
        return None

    def find_user(self, name, key_of_name, key_of_email):
        field, key = ("email_key", key_of_email(name)) if "@" in name else \
            ("username_key", key_of_name(name))
        for user in self.users.values():
            if getattr(user, field) == key:
                return user
        return None

    def without_user(self, user):
        def others(records):
            return {name: record for name, record in records.items()
                    if record.user != user}
        return self._replace(
            users={n: u for n, u in self.users.items() if n != user},
            logins=others(self.logins), keys=others(self.keys),
            sessions=others(self.sessions),
            repeats={k: r for k, r in self.repeats.items() if k[0] != user})

    def id_of(self, record):
        return self.known[record.id]


NOTHING = World({}, {}, {}, {}, {}, {}, {})


# ------------------------------------------------------------------- patterns


def time_text(micros):
    seconds, rest = divmod(micros, SECOND)
    return time.strftime("%Y-%m-%dT%H:%M:%S.", time.gmtime(seconds)) + \
        f"{rest:06}Z"


def message(name, session, content, kind, channel, now):
    return {"id": name, "session_id": session, "content": content,
            "type": kind, "timestamp": time_text(now), "status": "sent",
            "channel": channel, "metadata": {
                "streaming_complete": True, "error_count": 0,
                "retry_timestamp": None}}


def response(name, request, content, channel, user, valid, now):
    return {"id": name, "request_id": request, "content": content,
            "timestamp": time_text(now), "channel": channel,
            "responder_id": user, "metadata": {
                "valid": valid, "processed_at": time_text(now)}}


def request_pattern(r):
    return {"id": r.id, "session_id": r.session, "type": r.type,
            "status": r.status, "prompt": r.prompt, "choices": r.choices,
            "created_at": time_text(r.created),
            "expires_at": time_text(r.expires), "channels": r.channels,
            "responses": Among(r.responses, RESPONSES),
            "metadata": {"priority": r.priority, "attempts_count": 0,
                         "last_attempt": time_text(r.created)}}


def session_pattern(s, lists=False):
    made = {"id": s.id, "user_id": s.user, "title": s.title,
            "status": s.status(), "created_at": time_text(s.created),
            "updated_at": time_text(s.updated),
            "preferred_channel": s.channel, "agent_status": s.agent_status}
    if lists:
        made["messages"] = list(s.messages[-NEWEST:])
        made["feedback_requests"] = [request_pattern(r) for r in
                                     s.requests[-NEWEST:]]
    made["metadata"] = {"user_agent": s.agent, "ip_address": s.address,
                        "last_active": time_text(s.active)}
    return made


# ------------------------------------------------------- what is done in them


def add_event(session, kind, payload, at):
    event = {"id": len(session.events) + 1, "type": kind, "payload": payload,
             "timestamp": time_text(at)}
    return session._replace(events=session.events + (event,))


def touch(session, now):
    return session._replace(updated=now, active=now)


def put_request(session, request):
    return session._replace(requests=tuple(
        request if one.id == request.id else one for one in session.requests))


def decide(session, request, event, at):
    """A request is no longer pending; the last of them ends the pause."""
    session = put_request(session, request)
    session = add_event(session, event, request_pattern(request), at)
    if session.ended:
        return session
    session = session._replace(updated=at)
    if not session.pending():
        session = session._replace(active=at)
        if not session.paused:
            session = add_event(session, "session_resumed",
                                session_pattern(session), at)
    return session


def expire(session, request):
    at, quoted = request.expires, request.prompt[:200]
    said = "Nobody answered in time: " + quoted + \
        ("…" if quoted != request.prompt else "")
    name = Name(request.id.call, "message of its expiry")
    one = message(name, session.id, said, "system", session.channel, at)
    session = session._replace(messages=session.messages + (one,), updated=at)
    session = add_event(session, "message", one, at)
    return decide(session, request._replace(status="expired"),
                  "feedback_request", at)


def end(session, at):
    """All that is pending is cancelled."""
    waiting = sorted(session.pending(), key=lambda one: one.expires)
    session = session._replace(ended=True, updated=at)
    for request in waiting:
        session = decide(session, request._replace(status="cancelled"),
                         "feedback_request", at)
    return add_event(session, "session_ended", session_pattern(session), at)


def due(session, settings):
    """When time alone changes it next; None: never."""
    if session.ended:
        return None
    waiting = session.pending()
    return min(one.expires for one in waiting) if waiting else \
        session.active + settings.idle


def settle(session, now, settings):
    """What time has done to it by now, and how many requests expired."""
    expired = 0
    while not session.ended and due(session, settings) <= now:
        waiting = session.pending()
        if waiting:
            session = expire(session, min(waiting, key=lambda r: r.expires))
            expired += 1
        else:
            at = due(session, settings)
            session = session._replace(ended=True, updated=at)
            session = add_event(session, "session_ended",
                                session_pattern(session), at)
    return session, expired


def settle_all(world, now, settings):
    """The world as time leaves it; sessions that ended, requests that
    expired."""
    sessions, ended, expired = {}, 0, 0
    for name, session in world.sessions.items():
        if session.ended or due(session, settings) > now:
            sessions[name] = session
            continue
        sessions[name], more = settle(session, now, settings)
        expired += more
        ended += sessions[name].ended
    return world._replace(sessions=sessions), ended, expired
