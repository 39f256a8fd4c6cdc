"""A client of the load.  It does one thing after another, repeats what was not
answered until it is, and notes in the ledger what it was told.

A POST of chat is repeated under its Idempotency-Key; register, refresh, logout
and the like are repeated as they are.  What never gets an answer, as the load
ends, is in doubt.  A 503 of ours is no doubt: what is refused is not done."""

import random
import threading
import time
import traceback
from dataclasses import dataclass, field

from judge import claim
from ledger import sum_of

GRACE = 10                      # seconds for which a used token is good
OPEN = 2                        # sessions of a person, who may have three
LOGINS = 5
WORDS = {"approved": ("yes", "Y", "approve"), "rejected": ("no", "reject")}


@dataclass
class Login:
    id: str
    access: str
    refresh: str
    leaps: int                  # of the clock, before it had these tokens


@dataclass
class Session:
    id: str
    leaps: int
    cursor: int = 0
    pending: list = field(default_factory=list)     # id, type
    decided: list = field(default_factory=list)     # id, status


@dataclass
class Person:
    id: str
    name: str
    password: str
    logins: list = field(default_factory=list)
    ended: Login = None         # the last one
    key: str = None
    key_id: str = None
    sessions: list = field(default_factory=list)


class Over(Exception):
    """The load has ended, and there is no answer."""


class Client(threading.Thread):
    def __init__(self, load, number):
        super().__init__(daemon=True)
        self.load = load
        self.place = load.place
        self.ledger = load.place.ledger
        chance = load.place.random
        self.prefix = f"{number}x{chance.getrandbits(40):010x}x"
        self.chance = random.Random(chance.getrandbits(64))
        self.made = 0
        self.turns = 0
        self.person = None
        self.ways, self.weights = zip(*(
            (self.say, 30), (self.ask, 10), (self.decide, 12),
            (self.answer_late, 4), (self.follow, 10), (self.look, 10),
            (self.rotate, 10), (self.log_in, 6), (self.log_out, 5),
            (self.log_out_everywhere, 1), (self.begin, 6), (self.end, 2),
            (self.change_key, 3), (self.change_password, 2),
            (self.register, 3), (self.delete, 1)))

    def run(self):
        try:
            while not self.load.over.is_set():
                self.turn()
                self.turns += 1
        except Over:
            pass
        except Exception:               # pylint: disable=broad-except
            self.place.wrong(traceback.format_exc())

    def turn(self):
        if self.person is None or not self.person.logins:
            self.register()
        else:
            self.chance.choices(self.ways, self.weights)[0]()

    # -------------------------------------------------------------- calling

    def new(self, what):
        """A text that nobody else has."""
        self.made += 1
        return f"{what}-{self.prefix}{self.made}"

    def insist(self, method, path, doubts=(), stray=None, **more):
        """Repeats a call until it is answered.  Returns the answer, and since
        when an earlier try may have been what did it, or None.  If there is no
        answer to the last, the ledger gets the doubts: kind, key and value
        each.  What is done once a try, a login say, may be left behind by each
        without an answer: a stray."""
        since = None
        while True:
            answer = self.load.call(method, path, **more)
            if answer.doubtful:
                since = since or time.monotonic() - answer.took
                if stray:
                    self.ledger.doubted(*stray)
            elif not answer.refused:
                return answer, since
            if self.load.over.is_set() and time.monotonic() > self.load.end:
                for doubt in doubts if since else ():
                    self.ledger.doubted(*doubt)
                self.place.wrong(f"{method} {path}: {answer} when all was over")
                raise Over
            time.sleep(0.02)

    def authed(self, method, path, doubts=(), login=None, **more):
        """Likewise, by a login of the person's, whose access token the clock
        may have ended."""
        login = login or self.chance.choice(self.person.logins)
        leaps = self.load.leaps
        answer, since = self.insist(method, path, doubts, token=login.access,
                                    **more)
        while answer.status == 401 and login.leaps < self.load.leaps and \
                login in self.person.logins:
            leaps = self.load.leaps
            self.rotate(login)
            login.leaps = leaps
            answer, since = self.insist(method, path, doubts,
                                        token=login.access, **more)
        return answer, since

    def expect(self, statuses, what, answer):
        return self.place.must(answer.status in statuses, f"{what}: {answer}")

    def under_key(self, body):
        return {"body": body, "headers": {"Idempotency-Key": self.new("key")}}

    # ------------------------------------------------------------- accounts

    def login_of(self, pair, leaps):
        login = Login(claim(pair["access_token"], "sid"), pair["access_token"],
                      pair["refresh_token"], leaps)
        return login

    def add_login(self, person, pair, leaps):
        login = self.login_of(pair, leaps)
        person.logins.append(login)
        self.ledger.promised("login", login.id, {
            "user": person.id, "refresh": login.refresh})

    def register(self):
        """A new person, whom the client goes on with."""
        name, password = self.new("user"), self.new("password")
        email = name + "@example.com"
        leaps = self.load.leaps
        answer, since = self.insist(
            "POST", "/api/auth/register",
            [("account", name, password)], stray=("login", name),
            body={"email": email, "username": name, "password": password})
        told = {"username": name, "email": email, "password": password}
        if answer.status == 400 and since:
            # The first did it, and its login nobody has.
            answer = self.try_login(name, password)
            self.expect((200,), "a login after a registration whose answer "
                        "was lost", answer)
        elif not self.expect((201,), "register", answer):
            return
        pair = answer.json()
        user = claim(pair["access_token"], "sub")
        self.ledger.promised("account", user, told)
        self.person = Person(user, name, password)
        self.add_login(self.person, pair, leaps)

    def try_login(self, name, password):
        return self.insist("POST", "/api/auth/login", stray=("login", name),
                           form=f"username={name}&password={password}")[0]

    def log_in(self):
        person, leaps = self.person, self.load.leaps
        if len(person.logins) >= LOGINS:
            self.log_out()
        answer = self.try_login(person.name, person.password)
        if self.expect((200,), "login", answer):
            self.add_login(person, answer.json(), leaps)

    def end_login(self, login):
        self.ledger.promised("ended-login", login.id, login.refresh)
        self.person.logins.remove(login)
        self.person.ended = login

    def look_dead(self):
        """What was ended is so at once.  A refresh, at which it would end for
        good, is not always tried."""
        login = self.person.ended
        answer, _ = self.insist("GET", "/api/auth/me", token=login.access)
        self.expect((401,), f"me of {login.id}, which was ended", answer)
        if self.chance.random() < 0.7:
            return
        answer, _ = self.insist("POST", "/api/auth/refresh", body={
            "refresh_token": login.refresh})
        self.expect((401,), f"refresh of {login.id}, which was ended", answer)

    def log_out(self):
        if len(self.person.logins) == 1:
            self.log_in()
        login = self.chance.choice(self.person.logins)
        answer, _ = self.insist(
            "POST", "/api/auth/logout",
            [("ended-login", login.id, login.refresh)],
            body={"refresh_token": login.refresh})
        if self.expect((204,), "logout", answer):
            self.end_login(login)
            self.look_dead()

    def all_doubts(self):
        return [("ended-login", login.id, login.refresh)
                for login in self.person.logins]

    def log_out_everywhere(self):
        answer, since = self.authed("POST", "/api/auth/logout-all",
                                    self.all_doubts())
        if self.expect((204, 401) if since else (204,), "logout-all", answer):
            for login in self.person.logins[:]:
                self.end_login(login)
            self.look_dead()
            self.log_in()

    def rotate(self, login=None):
        login = login or self.chance.choice(self.person.logins)
        before, leaps = login.refresh, self.load.leaps
        answer, since = self.insist(
            "POST", "/api/auth/refresh",
            [("rotation", login.id, {"used": before})],
            body={"refresh_token": before})
        if answer.status == 401 and since and \
                time.monotonic() - since > GRACE:
            # The first use was long ago, so this one looks like a theft.
            self.ledger.doubted("ended-login", login.id, before)
            self.person.logins.remove(login)
            return
        if not self.expect((200,), f"refresh of {login.id}", answer):
            return
        pair = answer.json()
        login.access, login.refresh = pair["access_token"], \
            pair["refresh_token"]
        login.leaps = leaps
        self.ledger.promised("rotation", login.id, {
            "used": before, "refresh": login.refresh})
        if self.chance.random() < 0.3:
            self.rotate_twice(login, before, leaps)

    def rotate_twice(self, login, before, leaps):
        """As a second tab does: it gets the same."""
        begun = time.monotonic()
        answer, _ = self.insist("POST", "/api/auth/refresh",
                                body={"refresh_token": before})
        if time.monotonic() - begun > GRACE or leaps != self.load.leaps:
            if answer.status == 401:
                self.ledger.doubted("ended-login", login.id, before)
                self.person.logins.remove(login)
            return
        if self.expect((200,), f"a second refresh of {login.id}", answer):
            self.place.must(answer.json()["refresh_token"] == login.refresh,
                            f"a second refresh of {login.id} had another "
                            "successor")

    def change_password(self):
        person, password = self.person, self.new("password")
        leaps = self.load.leaps
        answer, since = self.authed(
            "POST", "/api/auth/password",
            [("password", person.id, password), *self.all_doubts()],
            stray=("login", person.name),
            body={"current_password": person.password,
                  "new_password": password})
        if answer.status == 401 and since:
            # The caller's login is gone: the first try did it.
            answer = self.try_login(person.name, password)
        if not self.expect((200,), "a change of password", answer):
            return
        self.ledger.promised("password", person.id, password)
        person.password = password
        for login in person.logins[:]:
            self.end_login(login)
        self.add_login(person, answer.json(), leaps)
        self.look_dead()

    def delete(self):
        person = self.person
        answer, since = self.authed(
            "DELETE", "/api/auth/me", [("deleted-account", person.id)],
            body={"current_password": person.password})
        if not self.expect((204, 401) if since else (204,),
                           "the end of an account", answer):
            return
        answer = self.try_login(person.name, person.password)
        if self.expect((401,), "a login to a deleted account", answer):
            self.ledger.promised("deleted-account", person.id, {
                "username": person.name, "password": person.password})
        self.person = None

    def change_key(self):
        person = self.person
        if person.key is not None:
            self.delete_key()
        name = self.new("agent")
        answer, _ = self.authed(
            "POST", "/api/auth/keys", stray=("key", name),
            body={"name": name, "scopes": ["agent"]})
        if self.expect((201,), "a new key", answer):
            person.key, person.key_id = answer.json()["key"], \
                answer.json()["id"]
            self.ledger.promised("key", person.key_id, {
                "user": person.id, "name": name, "key": person.key})

    def delete_key(self):
        person = self.person
        answer, since = self.authed(
            "DELETE", f"/api/auth/keys/{person.key_id}",
            [("deleted-key", person.key_id)])
        if self.expect((204, 404) if since else (204,), "the end of a key",
                       answer):
            self.ledger.promised("deleted-key", person.key_id)
            answer, _ = self.insist("GET", "/api/sessions", token=person.key)
            self.expect((401,), "a deleted key", answer)
            person.key = None

    # ----------------------------------------------------------------- chat

    def has_gone(self, session, answer):
        """Whether time may have ended the session, which is why it is
        refused."""
        if answer.status == 409 and session.leaps < self.load.leaps:
            self.person.sessions.remove(session)
            return True
        return False

    def begin(self):
        person = self.person
        if len(person.sessions) >= OPEN:
            self.end()
        if len(person.sessions) >= OPEN:
            return None
        title, leaps = self.new("title"), self.load.leaps
        answer, _ = self.authed("POST", "/api/sessions", [("session", title)],
                                **self.under_key({"title": title}))
        if not self.expect((201,), "a new session", answer):
            return None
        session = Session(answer.json()["id"], leaps)
        person.sessions.append(session)
        self.ledger.promised("session", session.id, {
            "user": person.id, "title": title})
        return session

    def some_session(self):
        return self.chance.choice(self.person.sessions) \
            if self.person.sessions else self.begin()

    def end(self):
        session = self.some_session()
        if session is None:
            return
        answer, _ = self.authed("DELETE", f"/api/sessions/{session.id}",
                                [("ended-session", session.id)])
        if self.expect((204,), "the end of a session", answer):
            self.ledger.promised("ended-session", session.id)
            self.person.sessions.remove(session)

    def say(self):
        session = self.some_session()
        if session is None:
            return
        content = self.new("message") + " " * self.chance.choice((0, 0, 3000))
        answer, _ = self.authed(
            "POST", f"/api/sessions/{session.id}/messages",
            [("message", content)], **self.under_key({"content": content}))
        if not self.has_gone(session, answer) and \
                self.expect((201,), "a message", answer):
            self.ledger.promised("message", answer.json()["id"], {
                "session": session.id, "content": content})

    def ask(self):
        session = self.some_session()
        if self.person.key is None:
            self.change_key()
        if session is None or self.person.key is None:
            return
        kind = self.chance.choice(("approval", "input"))
        prompt = self.new("prompt")
        answer, _ = self.insist(
            "POST", f"/api/sessions/{session.id}/feedback",
            [("request", prompt)], token=self.person.key,
            **self.under_key({"type": kind, "prompt": prompt}))
        if not self.has_gone(session, answer) and \
                self.expect((201,), "a request", answer):
            number = answer.json()["id"]
            session.pending.append((number, kind))
            self.ledger.promised("request", number, {
                "session": session.id, "prompt": prompt})

    def decide(self):
        session = self.some_session()
        if session is None or not session.pending:
            self.ask()
            return
        number, kind = session.pending[0]
        status, content = "answered", self.new("answer")
        if kind == "approval":
            status = self.chance.choice(list(WORDS))
            content = self.chance.choice(WORDS[status])
        path = f"/api/sessions/{session.id}/feedback/{number}"
        answer, _ = self.authed("POST", path + "/respond", [
            ("decision", number, {"content": content, "status": status})],
            **self.under_key({"content": content}))
        if self.has_gone(session, answer) or \
                not self.expect((201,), "a decision", answer):
            return
        session.pending.pop(0)
        session.decided.append((number, status))
        self.ledger.promised("decision", number, {
            "response": answer.json()["id"], "content": content,
            "status": status})

    def answer_late(self):
        """To what is decided: it stays as it is, and the answer is kept."""
        session = self.some_session()
        if session is None or not session.decided:
            return
        number, status = self.chance.choice(session.decided)
        content = self.new("late")
        answer, _ = self.authed(
            "POST", f"/api/sessions/{session.id}/feedback/{number}/respond",
            **self.under_key({"content": content}))
        if self.expect((409,), "a late answer", answer):
            self.place.must(
                answer.detail == f"Feedback request is already {status}",
                f"{number} was {status}, and is another: {answer}")
            self.ledger.promised("late-answer", number, {"content": content})

    def follow(self):
        """Each event comes once, without a gap; what was shown stays."""
        session = self.some_session()
        if session is None:
            return
        answer, _ = self.authed(
            "GET", f"/api/sessions/{session.id}/events?after={session.cursor}")
        if not self.expect((200,), "events", answer):
            return
        for event in answer.json()["events"]:
            number = int(event["id"])
            self.place.must(number == session.cursor + 1,
                            f"{session.id}: event {number} came after "
                            f"{session.cursor}")
            session.cursor = number
            self.ledger.promised("event", f"{session.id}:{number}", [
                number, event["type"], sum_of(event["payload"])])

    def look(self):
        """At oneself, and at what was decided, which stays."""
        person = self.person
        answer, _ = self.authed("GET", "/api/auth/me")
        if self.expect((200,), "me", answer):
            self.place.must(answer.json()["username"] == person.name,
                            f"{person.name} is another: {answer}")
        session = self.some_session()
        if session is None or not session.decided:
            return
        number, status = self.chance.choice(session.decided)
        answer, _ = self.authed(
            "GET", f"/api/sessions/{session.id}/feedback/{number}")
        if self.expect((200,), "a decided request", answer):
            self.place.must(answer.json()["status"] == status,
                            f"{number} was {status}: {answer}")
