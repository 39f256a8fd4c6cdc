"""Clients that get in each other's way on purpose: several at once answer one
request, begin sessions beyond the bound, write into sessions that others end.
They note what they sent and what they were told; judge.py holds that against
the database."""

import itertools
import math
import random
import sqlite3
import time
import uuid
from dataclasses import dataclass, replace

import fastcgi

MOST = 3                        # sessions of a user
PATIENCE = 30                   # seconds, for an answer
WORDS = {"approved": ("yes", "Y", "approve", "Approved"),
         "rejected": ("no", "N", "reject", "REJECTED")}
COLOURS = ("red", "green", "blue")
NUMBERS = itertools.count()


@dataclass(slots=True)
class Note:
    """A call, and what came of it."""

    kind: str                   # begin, end, change, say, ask, answer or see
    user: str
    session: str = None
    request: str = None
    text: str = None            # what was said, asked or answered
    outcome: str = None         # of an answer: what it would make of it
    status: int = None
    told: str = None            # the id of what it made; a 409's status
    replayed: bool = False
    tries: int = 0
    sent: float = 0             # the first time
    came: float = 0


@dataclass
class Call:
    note: Note
    target: str
    token: str
    body: dict = None
    method: str = "POST"
    path: str = None            # of the program's socket
    key: str = None
    after: float = 0            # the moment to send it, in a crowd
    answer: fastcgi.Answer = None


@dataclass
class User:
    name: str
    id: str
    token: str
    key: str

# Whether a 503 is one more reason to ask again.
ASKS_AGAIN = False


class Client:
    """One process of them.  Its users are its own."""

    def __init__(self, programs, database, users, killing, seed):
        self.chat = programs["chat"].path
        self.events = programs["events"].path
        self.database = database
        self.users = users
        self.killing = killing
        self.open = {user.name: {} for user in users}
        self.decided = {user.name: [] for user in users}
        self.notes = []
        self.let = 0            # how many were let expire
        self.chance = random.Random(seed)

    # ------------------------------------------------------------- calling

    def send(self, call):
        now = time.monotonic()
        if call.after > now:
            time.sleep(call.after - now)
        call.note.tries += 1
        if call.note.tries == 1:
            call.note.sent = time.monotonic()
        fields = {} if call.key is None else {"idempotency_key": call.key}
        return fastcgi.send(call.path or self.chat, call.method, call.target,
                            call.token, call.body, **fields)

    def is_answered(self, call):
        status = call.answer.status
        return status is not None and not (ASKS_AGAIN and status == 503)

    def crowd(self, calls):
        """Makes all calls at once, and those that got no answer again."""
        left, end = calls, time.monotonic() + PATIENCE
        while left and time.monotonic() < end:
            places = [self.send(call) for call in left]
            for call, place in zip(left, places):
                call.answer = fastcgi.receive(place)
                call.note.came = time.monotonic()
            left = [call for call in left if not self.is_answered(call)]
            if left:
                time.sleep(0.01)
        for call in calls:
            self.note(call)

    def note(self, call):
        note = call.note
        note.status = call.answer.status
        note.replayed = call.answer.replayed
        if note.status == 201:
            note.told = call.answer.json()["id"]
        elif note.kind == "answer" and note.status == 409:
            body = call.answer.json()
            note.told = body["feedback_request"]["status"]
            if body["detail"] != f"Feedback request is already {note.told}":
                note.told = body["detail"]
        elif note.status not in (200, 204, 409, 422):
            note.text = str(call.answer)
        if note.kind != "see" or note.status != 200:
            self.notes.append(note)

    # --------------------------------------------------------------- calls

    def call(self, kind, user, session=None, what="", **more):
        token = more.pop("token", user.token)
        body = more.pop("body", None)
        note = Note(kind, user.name, session, **more)
        target = "/api/sessions" + (f"/{session}" if session else "") + what
        key = None if body is None else uuid.uuid4().hex
        return Call(note, target, token, body, "POST", key=key)

    def a_begin(self, user):
        return self.call("begin", user, body={"title": "Race"})

    def an_end(self, user, session):
        call = self.call("end", user, session)
        call.method = "DELETE"
        return call

    def a_say(self, user, session):
        text = f"message {uuid.uuid4()}"
        return self.call("say", user, session, "/messages", text=text,
                         body={"content": text}, token=self.chance.choice(
                             (user.token, user.key)))

    def an_ask(self, user, session):
        text = f"Really {uuid.uuid4()}?"
        body = {"type": self.chance.choice(("approval", "approval", "input")),
                "prompt": text}
        if body["type"] == "input" and self.chance.random() < 0.5:
            body["choices"] = COLOURS
        return self.call("ask", user, session, "/feedback", text=text,
                         body=body, token=user.key)

    def an_answer(self, user, asked, valid=True):
        """To what a call asked.  Space makes each answer unlike others."""
        asking = asked.body
        outcome = "answered"
        text = f"as I said {uuid.uuid4()}"
        if asking["type"] == "approval":
            outcome = self.chance.choice(("approved", "rejected"))
            if valid:
                text = self.chance.choice(WORDS[outcome]) + " " * (
                    next(NUMBERS) % 3000)
        elif "choices" in asking:
            text = self.chance.choice(COLOURS) if valid else text
        else:
            valid = True
        return self.call("answer", user, asked.note.session,
                         f"/feedback/{asked.note.told}/respond",
                         request=asked.note.told, text=text,
                         outcome=outcome if valid else None,
                         body={"content": text})

    def a_look(self, user, session):
        call = self.call("see", user, session, "/feedback")
        call.method = "GET"
        return call

    def a_wait(self, user, asked):
        """For the decision of what a call asked: two programs race to see it
        expire."""
        call = self.call("see", user, asked.note.session,
                         f"/feedback/{asked.note.told}?wait=25",
                         request=asked.note.told, token=user.key)
        call.method, call.path = "GET", self.events
        return call

    def a_change(self, user, session):
        """Of what is no pause."""
        token, body = self.chance.choice((
            (user.token, {"title": f"Race {next(NUMBERS)}"}),
            (user.key, {"agent_status": self.chance.choice(
                ("idle", "thinking"))})))
        call = self.call("change", user, session, token=token, body=body)
        call.method, call.key = "PATCH", None
        return call

    # --------------------------------------------------------------- turns

    def begin(self, user):
        """More than there is room for, all at once."""
        mine = self.open[user.name]
        room = MOST - len(mine)
        calls = [self.a_begin(user) for _ in range(room + 2)]
        self.crowd(calls)
        begun = [c.note.told for c in calls if c.note.status == 201]
        if len(begun) != room:
            self.notes.append(Note("wrong", user.name, text=
                f"{len(begun)} sessions could be begun where {room} may be"))
        mine.update((session, 0) for session in begun)

    def ask(self, user):
        calls = [self.an_ask(user, session) for session in self.open[user.name]
                 for _ in range(self.chance.choice((1, 1, 2)))]
        self.crowd(calls)
        return [call for call in calls if call.note.status == 201]

    def twice(self, call):
        """The same again, under the same key."""
        note = replace(call.note)
        return [call, replace(call, note=note)]

    def answers(self, user, asked):
        """Eight, two of them none, one of them sent twice under its key."""
        return [self.an_answer(user, asked, valid=n > 1) for n in range(6)] + \
            self.twice(self.an_answer(user, asked))

    def fight(self, user, asked):
        """Everybody answers, and some do other things meanwhile."""
        mine = self.open[user.name]
        ending = None
        calls = [call for one in asked for call in self.answers(user, one)]
        for session in mine:
            calls += self.twice(self.a_say(user, session))
        calls += [self.an_answer(user, late)
                  for late in self.decided[user.name][-2:]]
        calls += [self.a_begin(user)]
        calls += [self.a_change(user, session) for session in list(mine)[:1]]
        calls += [self.a_wait(user, one) for one in asked[:1]]
        if mine and self.chance.random() < 0.4:
            ending = max(mine, key=mine.get)
            calls += [self.an_end(user, ending)]
        self.chance.shuffle(calls)
        self.crowd(calls)
        self.see(user, calls)
        for session in mine:
            mine[session] += 1
        if ending is not None:
            del mine[ending]
        mine.update((call.note.told, 0) for call in calls
                    if call.note.kind == "begin" and call.note.status == 201)
        self.decided[user.name] = asked[-2:]

    def look(self, user):
        """All that was asked has been decided by now."""
        calls = [self.a_look(user, session)
                 for session in list(self.open[user.name])[:1]]
        self.crowd(calls)
        self.see(user, calls)

    def see(self, user, calls, since=0):
        """Notes how a request was seen, which it stays once it is decided: as
        all are for who looks since then, and for who waits, unless the program
        that he waits in is told to end."""
        for call in calls:
            if call.note.kind != "see" or call.answer.status != 200:
                continue
            least = math.inf if call.path == self.events and self.killing \
                else since
            body = call.answer.json()
            for request in body.get("feedback_requests", [body]):
                if call.note.sent >= least or request["status"] != "pending":
                    self.notes.append(Note(
                        "see", user.name, call.note.session, request["id"],
                        status=200, told=request["status"]))

    def let_expire(self, user):
        """A request whose time is over in the midst of its answers: as 60 s is
        the least that the API takes, the end is moved to now."""
        if not self.open[user.name]:
            return
        session = self.chance.choice(list(self.open[user.name]))
        asking = self.an_ask(user, session)
        self.crowd([asking])
        if asking.note.status != 201:
            return
        end, over = time.time() + 0.025, time.monotonic() + 0.025
        self.database.execute("BEGIN IMMEDIATE")
        self.database.execute("UPDATE feedback_requests SET expires_at = ? "
                              "WHERE id = ?", (int(end * 1e6),
                                               asking.note.told))
        self.database.execute("UPDATE chat_sessions SET due_at = ? "
                              "WHERE id = ?", (int(end * 1e6), session))
        self.database.execute("COMMIT")
        self.crowd_around(user, asking, over)

    def crowd_around(self, user, asking, over):
        """Answers and looks from just before that moment on, or looks alone."""
        calls = []
        first = over + self.chance.uniform(-0.005, 0.001)
        alone = self.let == 0 or self.chance.random() < 0.3
        self.let += 1
        for n in range(8):
            calls.append(self.a_look(user, asking.note.session))
            if not alone:
                calls.append(self.an_answer(user, asking))
            for call in calls[-2:]:
                call.after = first + 0.0005 * n
        waiting = [self.a_wait(user, asking)]
        self.crowd(calls + waiting)
        self.see(user, calls, over)
        self.see(user, waiting)

    def turn(self, user):
        self.begin(user)
        self.fight(user, self.ask(user))
        self.look(user)
        if self.let == 0 or self.chance.random() < 0.2:
            self.let_expire(user)

    def run(self, end):
        while time.monotonic() < end:
            for user in self.users:
                self.turn(user)
        for user in self.users:
            self.crowd([self.an_end(user, session)
                        for session in self.open[user.name]])
        return self.notes


def connect(path):
    """A connection of the tests' own, that waits for its turn."""
    database = sqlite3.connect(path, timeout=PATIENCE, isolation_level=None)
    database.execute("PRAGMA synchronous = OFF")
    return database
