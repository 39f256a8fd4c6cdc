"""The model: which calls there are, and the steps of each.  That of the
contract, /api/openapi.json's words, in a few tables."""

import re
from typing import NamedTuple

import accounts
import chat
import fields
import steps
import wire
from values import Differs, Match, Shape
from world import Settings

TEXT = Shape(".+")
PREFLIGHT = "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"


class Route(NamedTuple):
    method: str
    path: str
    access: str                 # public, user, agent, anyone, admin, leaver
    work: tuple                 # the steps after the first limits
    fields: tuple = ()
    limits: tuple = ()
    body: str = "json"          # or form, both, none
    repeats: bool = False

    @property
    def secret(self):
        return any(field.secret for field in self.fields)


def always(status, body):
    """A step that answers so, whatever there is."""
    return lambda calling, world, memo: steps.answer(world, memo, status, body)


USER = ("user",)
ADDRESS = ("address",)
SAYS = ("user", "session", "channel")
CARE = (accounts.find_current,) + accounts.GUESSES
KEYS, SESSIONS = "/api/auth/keys", "/api/sessions"
ONE = SESSIONS + "/{id}"
ASKED = ONE + "/feedback"

ROUTES = (
    Route("GET", "/health", "public", (always(200, {
        "status": "ok", "environment": "development", "version": TEXT}),)),
    Route("GET", "/", "public", (always(200, {
        "message": "Interactive Agent Chat System API", "version": TEXT,
        "environment": "development", "docs": "/docs", "redoc": "/redoc",
        "health": "/health"}),)),
    Route("POST", "/api/auth/register", "public", (accounts.register,),
          fields.REGISTER, ADDRESS),
    Route("POST", "/api/auth/login", "public",
          (accounts.find_account,) + accounts.GUESSES +
          (accounts.finish_login,), fields.LOGIN, ADDRESS, "form"),
    Route("POST", "/api/auth/refresh", "public", (accounts.refresh,),
          fields.REFRESH, ADDRESS, "both"),
    Route("POST", "/api/auth/logout", "leaver", (accounts.logout,),
          fields.LOGOUT, USER, "none"),
    Route("POST", "/api/auth/logout-all", "user", (accounts.logout_all,),
          (), USER),
    Route("GET", "/api/auth/sessions", "user", (accounts.list_logins,),
          (), USER),
    Route("DELETE", "/api/auth/sessions/{id}", "user", (accounts.end_login,),
          (fields.SESSION,), USER),
    Route("POST", KEYS, "user", (accounts.make_key,), fields.NEW_KEY, USER),
    Route("GET", KEYS, "user", (accounts.list_keys,), (), USER),
    Route("DELETE", KEYS + "/{id}", "user", (accounts.delete_key,),
          (fields.SESSION,), USER),
    Route("GET", "/api/auth/me", "user", (accounts.me,), (), USER),
    Route("PATCH", "/api/auth/me", "user", CARE + (accounts.change_me,),
          fields.CHANGE_ME, USER),
    Route("DELETE", "/api/auth/me", "user", CARE + (accounts.delete_me,),
          fields.DELETE_ME, USER),
    Route("POST", "/api/auth/password", "user",
          CARE + (accounts.change_password,), fields.PASSWORD, USER),
    Route("GET", "/api/limits", "anyone", accounts.LOOKS + (accounts.limits,)),
    Route("POST", SESSIONS, "user", (chat.begin,), fields.BEGIN, USER,
          repeats=True),
    Route("GET", SESSIONS, "anyone", (chat.list_sessions,), fields.LIST, USER),
    Route("POST", SESSIONS + "/cleanup/expired", "admin", (chat.clean_up,),
          fields.CLEANUP, USER, repeats=True),
    Route("GET", ONE, "anyone", (chat.show,), (fields.SESSION,), USER),
    Route("PATCH", ONE, "anyone", (chat.change,), fields.CHANGE, USER),
    Route("DELETE", ONE, "user", (chat.end_session,), (fields.SESSION,), USER),
    Route("GET", ONE + "/messages", "anyone", (chat.list_messages,),
          fields.MESSAGES, USER),
    Route("POST", ONE + "/messages", "anyone",
          (chat.find_to_say, chat.spend_on_subject, chat.say), fields.SAY,
          SAYS, repeats=True),
    Route("GET", ASKED, "anyone", (chat.list_requests,), (fields.SESSION,),
          USER),
    Route("POST", ASKED, "agent",
          (chat.find_to_ask, chat.spend_on_subject, chat.ask), fields.ASK,
          ("user", "session"), repeats=True),
    Route("POST", ASKED + "/{request_id}/respond", "user",
          (chat.find_to_respond, chat.spend_on_subject, chat.respond),
          fields.RESPOND, ("user", "channel"), repeats=True),
    Route("GET", ONE + "/events", "anyone", (chat.list_events,),
          fields.EVENTS),
    Route("GET", ASKED + "/{request_id}", "anyone", (chat.show_request,),
          fields.ASKED),
)

PATTERNS = [(route, re.compile(re.sub(
    r"\{(\w+)\}", r"(?P<\1>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})",
    route.path) + "/?").fullmatch) for route in ROUTES]


def find_route(method, path):
    """The route, the ids in the path, and which methods that path takes."""
    allowed, found, ids = set(), None, {}
    for route, matches in PATTERNS:
        match = matches(path)
        if match is None:
            continue
        allowed |= {route.method} | ({"HEAD"} if route.method == "GET" else
                                     set())
        if route.method == ("GET" if method == "HEAD" else method):
            found, ids = route, match.groupdict()
    return found, ids, ", ".join(sorted(allowed))


def preflight(calling, world, memo):
    call = calling.call
    if call.fields["origin"] != steps.ORIGIN:
        return steps.Expect(world, 400, "Disallowed CORS origin")
    return steps.Expect(world, 200, "OK", {
        "Access-Control-Allow-Methods": PREFLIGHT,
        "Access-Control-Allow-Headers":
            call.fields["access_control_request_headers"],
        "Access-Control-Max-Age": "600"})


class Calling:
    """A call that is under way: what does not depend on the world, once for
    all orders that are tried."""

    def __init__(self, call, settings: Settings, now):
        self.call = call
        self.settings = settings
        self.now = now
        self.agent = wire.AGENT
        self.address = call.fields.get("x_forwarded_for", wire.PEER)
        self.counted_address = accounts.counted_address(self.address)
        self.route, self.ids, allowed = find_route(call.method, call.path)
        if call.method == "OPTIONS" and \
                "access_control_request_method" in call.fields:
            self.route = None
            self.steps = (preflight,)
        elif self.route is None:
            self.steps = (self.refuse_path(allowed),)
        else:
            self.input = fields.read(call, self.route, self.ids)
            work = self.route.work
            if self.route.repeats:
                work = work[:-1] + (steps.once(work[-1]),)
            if not settings.account or self.route.access == "public":
                # Of a login, one key is all that there is.
                without = accounts.GUESSES[1::2] if settings.account else \
                    accounts.GUESSES
                work = tuple(step for step in work if step not in without)
            if not settings.session and not settings.channel:
                work = tuple(step for step in work
                             if step is not chat.spend_on_subject)
            self.steps = (steps.admit, steps.count) + work

    @staticmethod
    def refuse_path(allowed):
        if not allowed:
            return always(404, {"detail": "Not Found"})
        return lambda calling, world, memo: steps.refuse(
            world, memo, 405, "Method Not Allowed", {"Allow": allowed})

    def can_have_counted(self, limit):
        """Whether the header of the answer, where it is of this limit at all,
        is of this state of it: many orders can be told early to lead
        nowhere."""
        field = self.call.answer.fields.get("RateLimit", "")
        name, _, rest = field.partition(";r=")
        return name != f'"{limit.name}"' or \
            rest.partition(";")[0] == str(limit.remaining)

    def body(self):
        """The object that came."""
        return fields.json_of(self.call)

    def raw(self, field):
        """What came as a field, as it came."""
        return fields.raw(self.call, field)

    def hold(self, expect):
        """Holds the answer to what is expected: the world with what is bound
        by it, or raises Differs."""
        answer, match = self.call.answer, Match(expect.world.known)
        if answer.status != expect.status:
            raise Differs(f"status {answer.status} instead of {expect.status}")
        match.hold(dict(sorted(steps.header_of(self, expect).items())),
                   dict(sorted(answer.fields.items())), "header")
        if expect.body is None or self.call.method == "HEAD":
            if answer.body:
                raise Differs("a body, where there should be none")
        elif isinstance(expect.body, str):
            match.hold(expect.body, answer.body.decode(), "body")
        else:
            match.hold(expect.body, answer.json, "body")
        return expect.world._replace(known=match.all_known()) \
            if match.new else expect.world
