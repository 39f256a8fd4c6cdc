"""Bits that flip and files that are cut off: refused, named, and never mended

A good data directory is copied and damaged, in one way each time.  Each answer
is as it was before the damage, or a 500 or 503 with a line in the log that
names the file; whoever was not let in before isn't now; no program crashes; the
database is left as it is, and `switchboard check' names it wherever SQLite can
notice the damage.  Counts are made anew instead, and metrics are nobody's
answer.

SQLite doesn't checksum what it stores: a bit that flips within a value can't be
noticed, nor can a program notice in passing what only integrity_check finds.
Such answers are counted, not hidden: the first as `silent', the others, which
`switchboard check' names, as `named'."""

import os
import shutil
import sqlite3
import time
from contextlib import closing

from image import Image
from judge import Verdict

PAGE = 4096
KINDS = {2: "interior index", 5: "interior table", 10: "leaf index",
         13: "leaf table"}
PASSWORD = "password123"
COUNTED = {"LOGIN_FAILURES_PER_ACCOUNT": "100",
           "RATE_LIMIT_PER_ADDRESS": "1000", "RATE_LIMIT_WINDOW_SECONDS": "1",
           "METRICS_TOKEN": "c2hhcmVkLXdpdGgtbm9ib2R5"}
REPORTS = "Sanitizer", "runtime error:"
ASKED = 5                       # questions of either kind, a copy


class Question:
    """What is asked, and the answer before any damage.  Tokens are always
    others, so of what gives some the status alone is the answer."""

    def __init__(self, *call, told=True, **more):
        self.call = call
        self.more = more
        self.told = told
        self.good = None

    def ask(self, installation):
        return installation.cgi(*self.call, **self.more)

    def is_good(self, answer):
        return answer.status == self.good.status and \
            (not self.told or answer.body == self.good.body)

    def __str__(self):
        return " ".join(self.call[1:])


def form(name, password=PASSWORD):
    return {"form": f"username={name}&password={password}"}


class Good:
    """A data directory with a little of everything, and what is asked of it."""

    def __init__(self, place):
        self.place = place
        self.made = place.installation("good", **COUNTED)
        self.insiders = []      # questions of those who are let in
        self.outsiders = []     # of those who never are
        self.fill()
        self.folder = self.made.data
        for question in self.insiders + self.outsiders:
            question.good = question.ask(self.made)
        for question in self.insiders:
            place.must(question.good.status == 200, f"{question}: "
                       f"{question.good}")
        for question in self.outsiders:
            place.must(400 <= question.good.status < 500, f"{question}: "
                       f"{question.good}")

    def must(self, status, *call, **more):
        answer = self.made.cgi(*call, **more)
        self.place.must(answer.status == status, f"{call}: {answer}")
        return answer.json() if answer.body else None

    def register(self, name):
        return self.must(201, "auth", "POST", "/api/auth/register", body={
            "username": name, "email": name + "@example.com",
            "password": PASSWORD})

    def fill(self):
        alice, bob, carol = map(self.register, ("alice", "bob", "carol"))
        token = alice["access_token"]
        ended = self.must(200, "auth", "POST", "/api/auth/login",
                          **form("alice"))
        key, dead = (self.must(201, "auth", "POST", "/api/auth/keys",
                               token=token, body={"name": name,
                                                  "scopes": ["agent"]})
                     for name in ("living", "dead"))
        session = self.must(201, "chat", "POST", "/api/sessions", token=token,
                            body={"title": "Damage"})["id"]
        path = f"/api/sessions/{session}"
        for number in range(30):
            self.must(201, "chat", "POST", path + "/messages", token=token,
                      body={"content": f"message {number} " +
                            "x" * (9000 if number % 10 == 0 else 60)})
        asked = self.must(201, "chat", "POST", path + "/feedback", body={
            "type": "approval", "prompt": "Really?"}, token=key["key"])["id"]
        self.must(201, "chat", "POST", f"{path}/feedback/{asked}/respond",
                  token=token, body={"content": "yes"})
        for number in range(20):
            self.register(f"other{number}")
        self.must(204, "auth", "POST", "/api/auth/logout", body={
            "refresh_token": ended["refresh_token"]})
        self.must(204, "auth", "DELETE", f"/api/auth/keys/{dead['id']}",
                  token=token)
        self.must(204, "auth", "DELETE", "/api/auth/me", body={
            "current_password": PASSWORD}, token=carol["access_token"])
        done = self.made.switchboard("user", "disable", "bob")
        self.place.must(done.returncode == 0, f"disable: {done.stderr}")
        self.made.switchboard("tick", "--quiet")
        self.insiders = [
            Question("auth", "GET", "/api/auth/me", token=token),
            Question("auth", "GET", "/api/auth/keys", token=token),
            Question("auth", "POST", "/api/auth/login", told=False,
                     **form("alice")),
            Question("chat", "GET", "/api/sessions", token=token),
            Question("chat", "GET", path, token=key["key"]),
            Question("chat", "GET", path + "/messages?limit=200", token=token),
            Question("chat", "GET", path + "/feedback", token=token),
            Question("events", "GET", f"{path}/feedback/{asked}", token=token),
            Question("events", "GET", path + "/events?after=0", token=token)]
        never = "sbk_" + "A" * 43
        forged = token[:-4] + ("AAAA" if token[-4:] != "AAAA" else "BBBB")
        self.outsiders = [
            Question("auth", "POST", "/api/auth/login", **form("alice", "no")),
            Question("auth", "POST", "/api/auth/login", **form("carol")),
            Question("auth", "POST", "/api/auth/login", **form("nobody")),
            Question("auth", "GET", "/api/auth/me", token=forged),
            Question("chat", "GET", "/api/sessions", token=never),
            Question("chat", "GET", "/api/sessions", token=dead["key"]),
            Question("auth", "GET", "/api/auth/me",
                     token=ended["access_token"]),
            Question("auth", "POST", "/api/auth/refresh", body={
                "refresh_token": ended["refresh_token"]}),
            Question("chat", "GET", path, token=bob["access_token"])]


# ---------------------------------------------------------------- the damage

def pages(content):
    """Where those of each kind are."""
    found = {}
    for at in range(0, len(content), PAGE):
        kind = KINDS.get(content[at + (100 if at == 0 else 0)], "other")
        found.setdefault(kind, []).append(at)
    return found


def flip(content, at, bit):
    content[at] ^= 1 << bit
    return f"bit {bit} of byte {at}"


def flip_page(chance, content):
    """In its head, or where it is in use."""
    kind, places = chance.choice(sorted(pages(content).items()))
    at = chance.choice(places)
    used = [at + n for n in range(min(PAGE, len(content) - at))
            if content[at + n] or n < 100]
    return f"{kind} page {at // PAGE + 1}: " + \
        flip(content, chance.choice(used), chance.randrange(8))


def cut(chance, content):
    whole = len(content) // PAGE
    size = chance.choice((chance.randrange(1, 100), chance.randrange(whole) *
                          PAGE, chance.randrange(1, len(content))))
    del content[size:]
    return f"cut off at {size}"


def overwrite(chance, content):
    """A page as a disk may give another one, or nothing."""
    at, other = (chance.randrange(len(content) // PAGE) * PAGE
                 for _ in range(2))
    page, what = chance.choice((
        (content[other:other + PAGE], f"page {other // PAGE + 1}"),
        (bytes(PAGE), "zeros"), (chance.randbytes(PAGE), "rubbish")))
    content[at:at + PAGE] = page
    return f"page {at // PAGE + 1} is {what}"


def flip_any(chance, content):
    return flip(content, chance.randrange(len(content)), chance.randrange(8))


def cut_any(chance, content):
    size = chance.randrange(len(content))
    del content[size:]
    return f"cut off at {size}"


WAYS = (("switchboard.db", flip_page, 8), ("switchboard.db", cut, 3),
        ("switchboard.db", overwrite, 2), ("limits.db", flip_any, 1),
        ("limits.db", cut_any, 1), ("signing-keys.json", flip_any, 2),
        ("signing-keys.json", cut_any, 1), ("secret", cut_any, 1),
        ("auth.metrics", flip_any, 1), ("auth.metrics", cut_any, 1))


class Damage:
    def __init__(self, place):
        self.place = place
        self.good = Good(place)
        self.image = Image(place, **COUNTED)
        self.installation = self.image.installation
        self.copies = self.asked = self.refused = 0
        self.silent = self.named = 0

    def happen(self, name, way):
        """One copy, damaged that way."""
        self.image.clear()
        shutil.copytree(self.good.folder, self.image.data)
        os.truncate(self.installation.log, 0)
        path = os.path.join(self.image.data, name)
        with open(path, "rb") as file:
            content = bytearray(file.read())
        self.what = f"{name}, {way(self.place.random, content)}"
        with open(path, "wb") as file:
            file.write(content)
        self.copies += 1
        broken = self.ask(name)
        if name == "switchboard.db":
            self.judge_database(path, content, broken)
        self.judge_log(name)

    def wrong(self, text):
        self.place.wrong(f"{self.what}: {text}")

    def ask(self, name):
        """Whether an answer was another one than it should have been."""
        chance, broken = self.place.random, False
        self.refusals = 0
        for question in chance.sample(self.good.insiders, ASKED):
            answer = question.ask(self.installation)
            self.asked += 1
            if self.is_refusal(answer):
                self.refusals += 1
            elif not question.is_good(answer):
                broken = True
                if name != "switchboard.db":
                    self.wrong(f"{question}: {answer}")
        for question in chance.sample(self.good.outsiders, ASKED):
            answer = question.ask(self.installation)
            self.asked += 1
            if answer.status is None or answer.status < 300:
                self.wrong(f"let in: {question}: {answer}")
        self.refused += self.refusals
        if name in ("limits.db", "auth.metrics") and self.refusals:
            self.wrong("refused, though nothing of it is needed")
        return broken

    def is_refusal(self, answer):
        if answer.status not in (500, 503):
            return False
        try:
            return isinstance(answer.json()["detail"], str)
        except (ValueError, KeyError):
            self.wrong(f"no answer of ours: {answer}")
            return True

    def judge_database(self, path, content, broken):
        """It is as it was damaged; and if SQLite can tell, so does check."""
        with open(path, "rb") as file:
            if file.read() != content:
                self.wrong("the file was changed")
        flawed = is_flawed(path)
        if broken and not flawed:
            self.silent += 1
        elif broken:
            self.named += 1
        if not flawed and not broken and self.copies % 4:
            return
        told = any("switchboard.db" in text or "database" in text
                   for text in self.image.flaws())
        if told != flawed:
            self.wrong(f"check says {told}, SQLite {flawed}")

    def judge_log(self, name):
        with open(self.installation.log, encoding="utf-8",
                  errors="replace") as file:
            log = file.read()
        for report in REPORTS:
            if report in log:
                self.wrong(log)
        if self.refusals and name not in log:
            self.wrong(f"{self.refusals} refusals, and no line names the file: "
                       f"{log}")


def is_flawed(path):
    """Whether SQLite notices, of a copy: to look makes a -shm."""
    copy = path + ".looked-at"
    shutil.copy(path, copy)
    if os.path.exists(path + "-wal"):
        shutil.copy(path + "-wal", copy + "-wal")
    try:
        with closing(sqlite3.connect(copy)) as database:
            database.text_factory = bytes
            return database.execute("PRAGMA integrity_check").fetchall() != \
                [(b"ok",)] or database.execute(
                    "PRAGMA foreign_key_check").fetchone() is not None or \
                not has_schema(database)
    except sqlite3.Error:
        return True
    finally:
        for ending in ("", "-wal", "-shm"):
            if os.path.exists(copy + ending):
                os.unlink(copy + ending)


def has_schema(database):
    """Whether what every program asks for is there."""
    try:
        for table in ("installation", "users", "logins", "refresh_tokens",
                      "chat_sessions", "messages", "events", "agent_keys"):
            database.execute(f"SELECT * FROM {table} LIMIT 0")
    except sqlite3.Error:
        return False
    return True


def run(place, seconds):
    end = time.monotonic() + seconds
    damage = Damage(place)
    names, ways, weights = zip(*WAYS)
    for name, way in zip(names, ways):
        damage.happen(name, way)
    while time.monotonic() < end:
        number = place.random.choices(range(len(WAYS)), weights)[0]
        damage.happen(names[number], ways[number])
    place.verdict = Verdict()
    place.note(f"{damage.copies} copies, {damage.asked} questions, "
               f"{damage.refused} refused")
    place.note(f"{damage.silent} copies with another answer that nobody can "
               f"notice, {damage.named} that check names")
    place.must(damage.refused > 0, "no damage led to a refusal")
