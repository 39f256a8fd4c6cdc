"""A few accounts that have nothing to do with others', whose names, addresses
and objects are all that their clients call for: what comes of it can be
explained by itself.  Draws calls at random, most of which make sense in the
world as it is."""

import collections
import json
import random
import uuid
from typing import NamedTuple

import fields
import model
import search
import values
import wire
from steps import ORIGIN
from values import Name, claims_of, sign
from wire import Call
from world import NOTHING, REPEAT_LIFETIME, settle_all

PASSWORDS = ("password123", "correct horse", "pässwörd no. 3")
WORDS = ("yes", "Y", "approve", " Approved ", "no", "N", "reject", "REJECTED",
         "maybe", "yes!", "ye s")
COLOURS = ["red", "green", "blue"]
MANY = 4                        # worlds: time to look which it is
CHARACTERS = "abc åß中 🙂 \"\\/<>"
UNKNOWN_PATHS = ("/api", "/api/auth", "/api/sessions/x", "/api/auth/me/x",
                 "/api/sessions/{}/message", "/nothing", "/api/limits/x",
                 "/api/sessions/{}/feedback/x/respond", "/api/auth/keys/7")


# What is worth counting, by the words of its answer.
TELLING = {
    "user limit": b"User rate", "session limit": b"Session rate",
    "channel limit": b"Channel rate", "address limit": b"Address rate",
    "account limit": b"Account rate", "late": b"request is already",
    "responses": b'"request_id":', "fourth sessions": b"concurrent sessions",
    "taken": b"already registered", "other bodies": b"a different request",
    "disabled users": b"Inactive user", "wrong passwords": b"Incorrect ",
    "dead refresh tokens": b"Invalid refresh", "invalid inputs": b'{"detail":[',
}


class Pair(NamedTuple):
    access: str
    refresh: str


class Family:
    def __init__(self, number, seed, settings, clients, now):
        self.number = number
        self.settings = settings
        self.clients = clients
        self.now = now
        self.chance = random.Random(f"{seed}-{number}")
        self.worlds = [NOTHING]
        self.calls = []
        self.pairs = []                 # that were answered, the newest last
        self.repeatable = []            # calls with an Idempotency-Key
        self.seen = collections.Counter()
        self.most_worlds = 1
        self.overlapping = 0
        base = f"{uuid.UUID(int=self.chance.getrandbits(128)).hex[:8]}"
        self.names = [f"Anna {base}", f"bo-{base}", f"çelik{base}"]
        self.emails = [f"Anna.{base}@example.com", f"bo+{base}@mail.example.org",
                       f"c_{base}@EXAMPLE.com"]
        self.addresses = [
            f"198.51.{number // 250 % 250}.{number % 250}",
            f"2001:db8:{number:x}::1", f"2001:db8:{number:x}::2:1"]

    # ------------------------------------------------------------ the model

    @property
    def world(self):
        return self.worlds[0]

    def check(self, calls):
        """Explains what came; raises Unexplained."""
        for call in calls:
            if call.answer.status is None:
                raise search.Unexplained(f"no whole answer: {call}\n"
                                         f"{call.answer}")
        callings = [model.Calling(call, self.settings, self.now)
                    for call in calls]
        self.worlds = search.explain(self.worlds, callings)
        self.most_worlds = max(self.most_worlds, len(self.worlds))
        self.overlapping += len(calls) > 1
        for call in calls:
            self.keep(call)

    def keep(self, call):
        self.note(call.answer)
        if call.answer.status in (200, 201) and \
                call.answer.body.startswith(b'{"access_token"'):
            body = call.answer.json
            self.seen["same successor"] += body["refresh_token"] in [
                pair.refresh for pair in self.pairs]
            self.pairs.append(Pair(body["access_token"],
                                   body["refresh_token"]))
            del self.pairs[:-12]
        if "idempotency_key" in call.fields:
            self.repeatable = self.repeatable[-9:] + [(call, self.now)]

    def note(self, answer):
        """That one of the things has come that are looked for."""
        if "Idempotency-Replayed" in answer.fields:
            self.seen["replayed"] += 1
        for what, text in TELLING.items():
            if text in answer.body[:200]:
                self.seen[what] += 1

    def move(self, now):
        """Time passes.  How many sessions ended, and requests expired."""
        self.now, worlds = now, []
        ended = expired = 0
        for world in self.worlds:
            world, ended, expired = settle_all(world, now, self.settings)
            if world not in worlds:
                worlds.append(world)
        self.worlds = worlds
        return ended, expired

    def moments(self):
        """When something is about to change."""
        now = self.now
        for session in self.world.sessions.values():
            if not session.ended:
                yield session.active + self.settings.idle
            for request in session.pending():
                yield request.expires
        for login in self.world.logins.values():
            for token in login.chain[-4:]:
                if token.used is not None:
                    yield token.used + 10 * values.SECOND
        for key, times in self.world.counts.items():
            name = "account" if key[0] == "login" else key[0]
            yield from (t + self.settings.window_of(name) for t in times[-3:])
        yield from (claims_of(pair.access)["exp"] * values.SECOND
                    for pair in self.pairs[-3:])
        yield from (repeat.created + 86400 * values.SECOND
                    for repeat in list(self.world.repeats.values())[-3:])
        yield now + self.settings.window * values.SECOND

    # -------------------------------------------------------------- chances

    def likely(self, chance):
        return self.chance.random() < chance

    def pick(self, *choices):
        return self.chance.choice(choices)

    def text(self, most=60):
        length = self.chance.randint(1, most) if self.likely(0.97) else \
            self.chance.randint(200, 1500)
        return "".join(self.chance.choices(CHARACTERS, k=length))

    def an_id(self):
        return str(uuid.UUID(int=self.chance.getrandbits(128)))

    def known(self, records):
        return [self.world.known[name] for name in records
                if name in self.world.known]

    def user(self):
        users = list(self.world.users.values())
        return self.chance.choice(users) if users else None

    # --------------------------------------------------------------- tokens

    def is_alive(self, text):
        """Whether an access token is one that opens something."""
        claims = claims_of(text)
        if claims is None:
            return False
        login = self.world.find("logins", claims["sid"])
        return login is not None and not login.revoked and \
            claims["exp"] > self.now // values.SECOND and \
            login.user in self.world.users

    def live_tokens(self, user=None):
        return [pair.access for pair in self.pairs if
                self.is_alive(pair.access) and (user is None or claims_of(
                    pair.access)["sub"] == self.world.known[user])]

    def live_users(self):
        """Whose tokens some are."""
        ids = {claims_of(text)["sub"] for text in self.live_tokens()}
        return {name for name in self.world.users
                if self.world.known[name] in ids}

    def token(self, user=None):
        """Mostly one that is good for something."""
        alive = self.live_tokens(user) or self.live_tokens()
        if alive and self.likely(0.93):
            return self.chance.choice(alive[-3:])
        return self.odd_token()

    def odd_token(self):
        if not self.pairs:
            return self.pick(None, "nonsense", "sbk_" + "A" * 43)
        pair = self.chance.choice(self.pairs)
        claims = claims_of(pair.access)
        return self.pick(
            None, "", "two words", pair.access, pair.access, pair.refresh,
            pair.access[:-2], sign(dict(claims, sid=self.an_id())),
            sign(claims, key="another key"), sign(claims, kid="0" * 16),
            "sbk_" + "A" * 43)

    def agent(self, user=None):
        """An agent's key; now and then a user's token instead."""
        keys = [key for key in self.world.keys.values()
                if user is None or key.user == user]
        if keys and self.likely(0.96):
            return self.world.known[self.chance.choice(keys).secret]
        return self.token(user)

    def anyone(self, user):
        return self.agent(user) if self.likely(0.3) else self.token(user)

    def refresh_token(self):
        if not self.pairs or self.likely(0.04):
            return self.pick("nonsense", "", "a.b.c")
        pair = self.chance.choice(self.pairs[-4:] if self.likely(0.8) else
                                  self.pairs)
        return pair.access if self.likely(0.04) else pair.refresh

    # ---------------------------------------------------------------- calls

    def call(self, method, target, body=None, token=None, media=wire.JSON,
             **more):
        chance = self.chance
        more["x_forwarded_for"] = chance.choice(self.addresses)
        if self.likely(0.08):
            more["x_request_id"] = self.pick("abc-1.2_3", "x" * 64, "x" * 65,
                                             "a b", "ä")
        if self.likely(0.08):
            more["origin"] = self.pick(ORIGIN, "https://evil.example")
        if body is not None and media == wire.JSON and self.likely(0.07):
            body, media = self.spoil(method, target, body)
        if self.likely(0.03):
            path, question, query = target.partition("?")
            target = path + "/" + question + query
        if token is not None and self.likely(0.03):
            more["authorization"] = self.pick("bearer ", "BEARER  ", "Basic ",
                                              "Token ") + token
            token = None
        made = Call(len(self.calls) + 1, method, target, body, token, media,
                    **more)
        self.calls.append(made)
        return made

    def spoil(self, method, target, body):
        """A body that is wrong, in one of many ways, or perhaps is not."""
        if self.likely(0.3):
            whole = self.pick(
                (b"", wire.JSON), (b"{", wire.JSON), (b"[1]", wire.JSON),
                (b"null", wire.JSON), (b'{"a":1}x', wire.JSON),
                (b'"\xff"', wire.JSON), (b'{"a":"\xed\xa0\x80"}', wire.JSON),
                (b"x" * 70000, wire.JSON), (json.dumps(body).encode(),
                                            "text/plain"),
                (json.dumps(body).encode(), "application/x+json"))
            return whole
        route = model.find_route(method, target.partition("?")[0])[0]
        body = dict(body)
        places = [f for f in route.fields if f.place == "body"]
        for field in self.chance.sample(places, min(len(places),
                                                    self.pick(1, 1, 2, 3))):
            wrong = self.pick(fields.ABSENT, None, 7, True, [], {"a": 1}, "",
                              "x", "y" * 201, ["x", "x"],
                              ["websocket", "fax"], "a\u200b")
            if field.kind == "int" and wrong is True:
                wrong = -1
            body.pop(field.name, None)
            if wrong is not fields.ABSENT:
                body[field.name] = wrong
        if self.likely(0.2):
            body["surplus"] = "x"
        return body, wire.JSON

    def post(self, target, body, token):
        """One that can be repeated, now and then."""
        more = {}
        if self.likely(0.3):
            more["idempotency_key"] = self.pick("key-1", "key.2", "key_3",
                                                self.an_id(), "not one!")
        return self.call("POST", target, body, token, **more)

    def again(self):
        """The same as before under its key; or another under the same."""
        if not self.repeatable:
            return self.a_message()
        before, _ = self.chance.choice(self.about_to_expire() or
                                       self.repeatable)
        more = {"idempotency_key": before.fields["idempotency_key"]}
        body = before.data
        if self.likely(0.15):
            body = before.data.replace(b"{", b"{ ", 1)
        token = before.token
        if token is not None and token.startswith("ey") and \
                not self.is_alive(token):
            token = self.token()    # its user's, or not
        made = Call(len(self.calls) + 1, before.method, before.target, body,
                    token, before.media or wire.JSON,
                    x_forwarded_for=self.addresses[0], **more)
        self.calls.append(made)
        return made

    def about_to_expire(self):
        """What can be repeated no longer, or only just."""
        return [(call, sent) for call, sent in self.repeatable
                if call.answer.status == 201 and
                abs(self.now - sent - REPEAT_LIFETIME) < values.SECOND]

    # ------------------------------------------------------------- accounts

    def a_name(self):
        name = self.chance.choice(self.names)
        return self.pick(name, name, name.upper(), name.lower(),
                         name.replace("n", "\uff4e"))

    def an_email(self):
        email = self.chance.choice(self.emails)
        return self.pick(email, email, email.upper(), email.lower())

    def a_registration(self):
        body = {"email": self.an_email(), "username": self.a_name(),
                "password": self.chance.choice(PASSWORDS)}
        if self.likely(0.1):
            body.update(self.pick(
                {"email": self.pick("x", "no at", "a@b@c", "a@localhost ")},
                {"username": self.pick("ab", "a@b", "two  spaces", " space",
                                       "tab\t", "zero\u200bwidth")},
                {"password": self.pick("short", "control\x07", "y" * 1025)}))
        return self.call("POST", "/api/auth/register", body)

    def a_good_login(self):
        """By somebody who has no token that lives."""
        alive = self.live_users()
        users = [user for user in self.world.users.values()
                 if user.id not in alive]
        if not users:
            return self.a_login()
        user = self.chance.choice(users)
        return self.call("POST", "/api/auth/login", {
            "username": self.pick(user.username, user.email),
            "password": user.password}, media=wire.FORM)

    def a_login(self):
        user = self.user()
        body = {"username": self.pick(self.a_name(), self.an_email()),
                "password": self.chance.choice(PASSWORDS)}
        if user is not None and self.likely(0.8):
            body = {"username": self.pick(user.username, user.email),
                    "password": user.password}
            if self.likely(0.3):
                body["password"] = "wrong password"
        if self.likely(0.15):
            body["refresh_token"] = self.refresh_token()
        if self.likely(0.2):
            body["grant_type"] = self.pick("password", "", "refresh_token")
        if self.likely(0.05):
            body[self.pick("username", "password")] = ""
        if self.likely(0.05):
            body["scope"] = "x"
        media = self.pick(wire.FORM, wire.FORM, wire.FORM,
                          "multipart/form-data")
        return self.call("POST", "/api/auth/login", body,
                         media=wire.JSON if self.likely(0.02) else media)

    def a_refresh(self):
        body = {"refresh_token": self.refresh_token()}
        form = self.likely(0.2)
        if form and self.likely(0.8):
            body["grant_type"] = self.pick("refresh_token", "refresh_token",
                                           "password")
        return self.call("POST", "/api/auth/refresh", body,
                         media=wire.FORM if form else wire.JSON)

    def a_look_at_me(self):
        return self.call(self.pick("GET", "GET", "GET", "HEAD"),
                         "/api/auth/me", token=self.token())

    def current(self, user):
        return user.password if user is not None and self.likely(0.8) else \
            self.chance.choice(PASSWORDS + ("wrong password",))

    def a_change_of_me(self):
        user, body = self.user(), {}
        if self.likely(0.5):
            body["username"] = self.a_name()
        if self.likely(0.5):
            body["email"] = self.an_email()
        body["current_password"] = self.current(user)
        return self.call("PATCH", "/api/auth/me", body,
                         self.token(user and user.id))

    def a_deletion_of_me(self):
        user = self.user()
        return self.call("DELETE", "/api/auth/me",
                         {"current_password": self.current(user)},
                         self.token(user and user.id))

    def a_new_password(self):
        user = self.user()
        return self.call("POST", "/api/auth/password", {
            "current_password": self.current(user), "new_password":
                self.chance.choice(PASSWORDS + ("short",))},
            self.token(user and user.id))

    def a_logout(self):
        if self.likely(0.5):
            return self.call("POST", "/api/auth/logout", token=self.pick(
                self.token(), self.token(), self.agent()))
        return self.call("POST", "/api/auth/logout", {
            "refresh_token": self.refresh_token()},
            self.token() if self.likely(0.5) else None)

    def a_logout_everywhere(self):
        return self.call("POST", "/api/auth/logout-all", token=self.token())

    def a_list_of_logins(self):
        return self.call("GET", "/api/auth/sessions", token=self.token())

    def an_end_of_a_login(self):
        ids = self.known(self.world.logins) + [self.an_id()]
        return self.call("DELETE", "/api/auth/sessions/" +
                         self.chance.choice(ids[-4:]), token=self.token())

    def a_key(self):
        body = {"name": self.text(20)}
        if self.likely(0.5):
            body["scopes"] = ["agent"]
        if self.likely(0.05):
            body["webhook_url"] = self.pick("http://a.example/", "ftp:x", "")
        return self.call("POST", "/api/auth/keys", body, self.token())

    def a_list_of_keys(self):
        return self.call("GET", "/api/auth/keys", token=self.token())

    def an_end_of_a_key(self):
        ids = self.known(self.world.keys) + [self.an_id()]
        return self.call("DELETE", "/api/auth/keys/" + self.chance.choice(ids),
                         token=self.token())

    def a_look_at_limits(self):
        return self.call("GET", "/api/limits",
                         token=self.anyone(None))

    # ----------------------------------------------------------------- chat

    def a_session(self, pending=False):
        """One, mostly open; None if there is none."""
        some = list(self.world.sessions.values())
        if self.likely(0.85):
            some = [s for s in some if not s.ended] or some
        if pending:
            some = [s for s in some if s.pending()] or some
        if self.likely(0.85):
            alive = self.live_users()
            some = [s for s in some if s.user in alive] or some
        return self.chance.choice(some) if some else None

    def path(self, session, what=""):
        number = self.world.known[session.id] if session is not None and \
            self.likely(0.98) else self.an_id()
        return f"/api/sessions/{number}{what}"

    def of(self, session):
        """Its owner, or somebody else, or nobody yet."""
        return session.user if session is not None and self.likely(0.95) \
            else None

    def a_begin(self):
        body = {}
        if self.likely(0.5):
            body["title"] = self.text()
        if self.likely(0.4):
            body["preferred_channel"] = self.chance.choice(fields.CHANNELS)
        return self.post("/api/sessions", body, self.token())

    def a_list(self):
        query = []
        if self.likely(0.3):
            query.append("active_only=" + self.pick("true", "false", "1",
                                                    "perhaps", ""))
        if self.likely(0.3):
            query.append("limit=" + self.pick("1", "2", "100", "101", "0",
                                              "x", "-1"))
        if self.likely(0.3):
            query.append("before=" + self.chance.choice(
                self.known(self.world.sessions) + [self.an_id(), "x"]))
        return self.call(self.pick("GET", "GET", "HEAD"), "/api/sessions" + (
            "?" + "&".join(query) if query else ""), token=self.anyone(None))

    def a_look(self):
        session = self.a_session()
        return self.call("GET", self.path(session),
                         token=self.anyone(self.of(session)))

    def a_change(self):
        session, body = self.a_session(), {}
        agent = self.likely(0.3)
        if agent or self.likely(0.05):
            body["agent_status"] = self.pick("idle", "thinking", "error")
        if not agent or self.likely(0.05):
            body.update(self.chance.sample((
                ("title", self.text()), ("status", "paused"),
                ("status", "active"), ("status", "ended"),
                ("preferred_channel", self.chance.choice(fields.CHANNELS))),
                self.pick(0, 1, 1, 1, 2)))
        owner = self.of(session)
        return self.call("PATCH", self.path(session), body,
                         self.agent(owner) if agent else self.token(owner))

    def an_end(self):
        session = self.a_session()
        return self.call("DELETE", self.path(session),
                         token=self.token(self.of(session)))

    def a_message(self, session=None):
        session = session or self.a_session()
        body, owner = {"content": self.text()}, self.of(session)
        if self.likely(0.3):
            body["channel"] = self.chance.choice(fields.CHANNELS)
        if self.likely(0.2):
            body["type"] = self.pick("user", "agent", "system")
        return self.post(self.path(session, "/messages"), body,
                         self.anyone(owner))

    def a_page(self):
        session, query = self.a_session(), []
        ids = [self.an_id(), "x"]
        if session is not None:
            ids += self.known([m["id"] for m in session.messages]) * 2
        for name in "before", "after":
            if self.likely(0.35):
                query.append(f"{name}={self.chance.choice(ids)}")
        if self.likely(0.4):
            query.append("limit=" + self.pick("1", "2", "3", "200", "201",
                                              "+5", "1e2"))
        return self.call(self.pick("GET", "GET", "GET", "HEAD"), self.path(
            session, "/messages") + ("?" + "&".join(query) if query else ""),
            token=self.anyone(self.of(session)))

    def a_request(self):
        session = self.a_session()
        body = {"type": self.pick("approval", "approval", "input"),
                "prompt": self.text()}
        if self.likely(0.35):
            body["choices"] = self.pick(COLOURS, ["Yes", "no"], ["approve",
                                                                 "reject"])
        if self.likely(0.3):
            body["channels"] = self.chance.sample(fields.CHANNELS,
                                                  self.pick(1, 2, 3))
        if self.likely(0.3):
            body["priority"] = self.pick(0, 3, 9, "7", 10, -1)
        if self.likely(0.6):
            body["expires_in"] = self.pick(60, 61, 300, 3600, 172800, 172801,
                                           59)
        return self.post(self.path(session, "/feedback"), body,
                         self.agent(self.of(session)))

    def an_answer(self, session=None, request=None):
        session = session or self.a_session(pending=True)
        requests = session.requests if session is not None else ()
        if not requests and self.likely(0.9):
            return self.a_request()
        waiting = [r for r in requests if r.status == "pending"]
        if request is None and requests:
            request = self.chance.choice(waiting if waiting and
                                         self.likely(0.85) else requests)
        body = {"content": self.pick(*WORDS)}
        if request is not None and request.type == "input":
            body["content"] = self.pick(*(request.choices or ["as I said"]),
                                        self.text())
        if self.likely(0.3):
            body["channel"] = self.chance.choice(fields.CHANNELS)
        number = self.world.known[request.id] if request is not None and \
            self.likely(0.97) else self.an_id()
        return self.post(self.path(session, f"/feedback/{number}/respond"),
                         body, self.token(self.of(session)))

    def a_look_at_requests(self):
        session = self.a_session()
        what = "/feedback"
        if session is not None and session.requests and self.likely(0.5):
            asked = self.chance.choice(session.requests)
            what += "/" + self.world.known[asked.id]
            if asked.status != "pending" and self.likely(0.3):
                what += "?wait=" + self.pick("60", "1", "61", "x")
        return self.call("GET", self.path(session, what),
                         token=self.anyone(self.of(session)))

    def a_look_at_events(self):
        session, query, more = self.a_session(), "", {}
        number = len(session.events) if session is not None else 3
        if self.likely(0.6):
            after = self.chance.randint(0, number)
            query = "?after=" + self.pick(str(after), str(after), "-1", "x",
                                          str(number + 5))
            if after < number and query == f"?after={after}" and \
                    self.likely(0.3):
                query += "&wait=" + self.pick("25", "1", "26", "")
        if self.likely(0.2):
            more["last_event_id"] = self.pick("1", "3", "x", "7" * 19,
                                              str(number))
            query = query.partition("&")[0]
        return self.call(self.pick("GET", "GET", "GET", "HEAD"),
                         self.path(session, "/events") + query,
                         token=self.anyone(self.of(session)), **more)

    def an_odd_call(self):
        """What there is not, and what nobody may."""
        kind = self.chance.randrange(5)
        if kind == 0:
            return self.call(self.pick("GET", "POST", "DELETE", "HEAD"),
                             self.chance.choice(UNKNOWN_PATHS).replace(
                                 "{}", self.an_id()), token=self.token())
        if kind == 1:
            path = self.chance.choice(model.ROUTES).path.replace(
                "{id}", self.an_id()).replace("{request_id}", self.an_id())
            return self.call(self.pick("PUT", "PATCH", "DELETE", "POST",
                                       "OPTIONS", "GET"), path)
        if kind == 2:
            return self.call("POST", "/api/sessions/cleanup/expired",
                             token=self.anyone(None))
        if kind == 3:
            made = self.call("OPTIONS", self.pick(
                "/api/sessions", "/api/auth/login", "/nothing"),
                access_control_request_method="POST",
                access_control_request_headers="authorization, content-type")
            made.fields["origin"] = self.pick(ORIGIN, "https://evil.example")
            return made
        return self.call(self.pick("GET", "HEAD"), self.pick("/", "/health"))

    # --------------------------------------------------------------- rounds

    WEIGHTS = {
        "a_registration": 2, "a_login": 5, "a_refresh": 6, "a_look_at_me": 5,
        "a_change_of_me": 3, "a_deletion_of_me": 0.4, "a_new_password": 1.2,
        "a_logout": 1.5, "a_logout_everywhere": 0.5, "a_list_of_logins": 3,
        "an_end_of_a_login": 1.5, "a_key": 1.5, "a_list_of_keys": 1.5,
        "an_end_of_a_key": 0.6, "a_look_at_limits": 3, "a_begin": 5,
        "a_list": 4, "a_look": 6, "a_change": 7, "an_end": 2, "a_message": 14,
        "a_page": 7, "a_request": 9, "an_answer": 14,
        "a_look_at_requests": 6, "a_look_at_events": 7, "an_odd_call": 4,
        "again": 5,
    }

    def any_call(self):
        world = self.world
        if len(world.users) < 2 and self.likely(0.5):
            return self.a_registration()
        if len(self.live_users()) < len(world.users) and self.likely(0.3):
            return self.a_good_login()
        if not self.live_tokens() and self.likely(0.7):
            return self.pick(self.a_login, self.a_good_login,
                             self.a_refresh)()
        if len({key.user for key in world.keys.values()}) < \
                len(world.users) and self.likely(0.12):
            return self.a_key()
        if self.about_to_expire() and self.likely(0.6):
            return self.again()
        if not any(not s.ended for s in world.sessions.values()) and \
                self.likely(0.4):
            return self.a_begin()
        name, = self.chance.choices(list(self.WEIGHTS),
                                    list(self.WEIGHTS.values()))
        return getattr(self, name)()

    def same(self, call):
        """Another client with the same call."""
        fields_ = dict(call.fields)
        made = Call(len(self.calls) + 1, call.method, call.target, call.data,
                    None, call.media or wire.JSON, **fields_)
        made.media, made.token = call.media, call.token
        self.calls.append(made)
        return made

    def crowd(self, number):
        """Calls that get in each other's way."""
        kind = self.chance.randrange(8)
        session = self.a_session(pending=True)
        if kind > 5 and session is not None:
            return self.watched(session, number)
        calls = [self.a_login() for _ in range(number)]
        if kind == 0 and session is not None and session.pending():
            asked = self.chance.choice(session.pending())
            calls = [self.an_answer(session, asked) for _ in range(number)]
        elif kind in (1, 2):
            first = self.a_refresh() if kind == 1 else self.pick(
                self.a_begin, self.a_registration, self.a_message,
                self.a_request)()
            calls = [first] + [self.same(first) for _ in range(number - 1)]
        elif kind == 3 and session is not None:
            calls = [self.a_message(session) for _ in range(number - 1)] + [
                self.an_end()]
        elif kind == 4:
            calls = [self.a_begin() for _ in range(number)]
        return [[call] for call in calls]

    def watched(self, session, number):
        """One that changes something, and others that look at it meanwhile."""
        owner = session.user
        write = self.pick(self.an_answer, self.an_answer, self.a_begin,
                          self.an_end, self.a_change, self.a_message)
        number_of = self.world.known[session.id]
        queues = [[write(session) if write in (
            self.an_answer, self.a_message) else write()]]
        for _ in range(number - 1):
            what = self.pick("", "", "/feedback", "/messages", "/events")
            queues.append([self.call("GET", self.pick(
                f"/api/sessions/{number_of}{what}",
                f"/api/sessions/{number_of}", "/api/sessions"),
                token=self.anyone(owner)) for _ in range(self.pick(1, 2, 3))])
        return queues

    def a_telling_look(self):
        """At what may tell in which of the worlds we are."""
        session = self.chance.choice(list(self.world.sessions.values()) or
                                     [None])
        if session is None:
            return self.a_list_of_logins()
        user = self.world.users[session.user]
        keys = [self.world.known[key.secret] for key in
                self.world.keys.values() if key.user == user.id]
        tokens = self.live_tokens(user.id) + keys
        if not tokens:
            return self.plain("POST", "/api/auth/login", {
                "username": user.username, "password": user.password},
                media=wire.FORM)
        number = self.world.known[session.id]
        return self.plain("GET", f"/api/sessions/{number}/events",
                          token=self.chance.choice(tokens))

    def plain(self, method, target, body=None, token=None, media=wire.JSON):
        """A call without any oddity."""
        made = Call(len(self.calls) + 1, method, target, body, token, media,
                    x_forwarded_for=self.addresses[0])
        self.calls.append(made)
        return made

    def plan(self):
        """What each client calls in this round, one after the other."""
        if len(self.worlds) > MANY:
            return [[self.a_telling_look()]]
        number = self.pick(1, 1, 2, self.clients, self.clients)
        number = min(number, self.clients)
        if number > 1 and self.likely(0.3):
            return self.crowd(number)
        return [[self.any_call() for _ in range(self.pick(1, 1, 1, 2))]
                for _ in range(number)]
