"""Holds the ledger against the database: what was promised is there, what is
there was promised or is in doubt, and nothing is damaged.

compare() reads the file alone; ask() then calls the programs, for some of each
kind of promise; check() has `switchboard check' judge it."""

import base64
import collections
import hashlib
import hmac
import json
import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field

from ledger import sum_of

# A statement each that finds what must not be; the first of its columns tells
# where.
NEVER = {
    "numbers of messages have a gap":
        "SELECT s.id, s.messages, count(m.number) FROM chat_sessions AS s "
        "LEFT JOIN messages AS m ON m.session_id = s.id GROUP BY s.id "
        "HAVING count(m.number) <> s.messages OR "
        "coalesce(min(m.number), 1) <> 1 OR "
        "coalesce(max(m.number), 0) <> s.messages",
    "numbers of requests have a gap":
        "SELECT s.id, s.requests, count(r.number) FROM chat_sessions AS s "
        "LEFT JOIN feedback_requests AS r ON r.session_id = s.id GROUP BY s.id "
        "HAVING count(r.number) <> s.requests OR "
        "coalesce(min(r.number), 1) <> 1 OR "
        "coalesce(max(r.number), 0) <> s.requests",
    "numbers of events have a gap":
        "SELECT s.id, s.events, count(e.number) FROM chat_sessions AS s "
        "LEFT JOIN events AS e ON e.session_id = s.id GROUP BY s.id "
        "HAVING count(e.number) <> s.events OR min(e.number) <> 1 OR "
        "max(e.number) <> s.events",
    "a message has not one event":
        "SELECT m.id FROM messages AS m LEFT JOIN events AS e ON "
        "e.session_id = m.session_id AND e.type = 'message' AND "
        "e.payload ->> 'id' = m.id GROUP BY m.id HAVING count(e.number) <> 1",
    "an event is of no message":
        "SELECT session_id, number FROM events WHERE type = 'message' AND "
        "payload ->> 'id' NOT IN (SELECT id FROM messages)",
    "responses and their events are not as many":
        "SELECT r.id FROM feedback_requests AS r LEFT JOIN events AS e ON "
        "e.session_id = r.session_id AND e.type = 'feedback_response' AND "
        "e.payload ->> 'id' = r.id GROUP BY r.id HAVING count(e.number) <> "
        "(SELECT count(*) FROM feedback_responses WHERE request_id = r.id)",
    "a session began or ended not once":
        "SELECT s.id FROM chat_sessions AS s JOIN events AS e ON "
        "e.session_id = s.id GROUP BY s.id HAVING "
        "sum(e.type = 'session_started') <> 1 OR "
        "sum(e.type = 'session_ended') <> (s.ended_at IS NOT NULL)",
    "a request was decided without a winner, or won without a decision":
        "SELECT r.id, r.status FROM feedback_requests AS r "
        "LEFT JOIN feedback_responses AS a ON a.request_id = r.id AND "
        "a.is_valid = 1 GROUP BY r.id HAVING count(a.id) <> "
        "(r.status IN ('approved', 'rejected', 'answered'))",
    "a session counts its pending requests wrongly":
        "SELECT s.id, s.pending FROM chat_sessions AS s "
        "LEFT JOIN feedback_requests AS r ON r.session_id = s.id AND "
        "r.status = 'pending' GROUP BY s.id HAVING count(r.id) <> s.pending",
}


@dataclass
class Verdict:
    promises: Counter = field(default_factory=Counter)  # by kind
    kept: Counter = field(default_factory=Counter)
    lost: list = field(default_factory=list)
    wrong: list = field(default_factory=list)
    asked: int = 0              # promises that programs were asked for, too

    def hold(self, kind, truth, text):
        """One promise."""
        self.promises[kind] += 1
        self.kept[kind] += bool(truth)
        if not truth:
            self.lost.append(f"{kind}: {text}")

    def must(self, truth, text):
        if not truth:
            self.wrong.append(text)


def claim(token, name):
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
                      )[name]


def is_hash_of(mcf, password):
    """Whether the string of libscrypt's is of that password."""
    _, kind, cost, salt, wanted = mcf.split("$")
    log2n, r, p = bytes.fromhex(cost)
    found = hashlib.scrypt(password.encode(), salt=base64.b64decode(salt),
                           n=1 << log2n, r=r, p=p, maxmem=1 << 28, dklen=64)
    return kind == "s1" and hmac.compare_digest(
        found, base64.b64decode(wanted))


class Promises:
    """The ledger by kind and key.  Of several of a key the last counts, but of
    rotations, each of which does."""

    def __init__(self, entries):
        self.last = collections.defaultdict(dict)
        self.doubts = collections.defaultdict(Counter)
        self.passwords = collections.defaultdict(set)   # that may be so
        self.chains = collections.defaultdict(list)     # of rotations
        for entry in entries:
            self.take(entry)

    def take(self, entry):
        value = entry.value
        if not entry.sure:
            self.doubts[entry.kind][entry.key] += 1
            if entry.kind == "password":
                self.passwords[entry.key].add(value)
            return
        self.last[entry.kind][entry.key] = value
        if entry.kind == "account":
            self.passwords[entry.key] = {value["password"]}
        elif entry.kind == "password":
            self.passwords[entry.key] = {value}
        elif entry.kind == "rotation":
            self.chains[entry.key].append(value)

    def over(self, kind, key):
        """Whether what that kind of promise ends has ended: None if that is in
        doubt."""
        if key in self.last[kind]:
            return True
        return None if key in self.doubts[kind] else False

    def living(self):
        """Ids of the accounts that are surely there."""
        return [user for user in self.last["account"]
                if self.over("deleted-account", user) is False]

    def has_ended(self, login):
        """Likewise, by itself or with its account."""
        user = self.last["login"][login]["user"]
        ends = (self.over("ended-login", login),
                self.over("deleted-account", user))
        return True if True in ends else None if None in ends else False

    def newest(self, login):
        """The refresh token that is not used up; None if that is in doubt."""
        if login in self.doubts["rotation"]:
            return None
        if self.chains[login]:
            return self.chains[login][-1]["refresh"]
        return self.last["login"][login]["refresh"]


class Comparison:
    def __init__(self, ledger, database):
        self.promises = Promises(ledger.entries())
        self.last = self.promises.last
        self.database = database
        self.verdict = Verdict()
        self.users = self.table("users")
        self.logins = self.table("logins")
        self.sessions = self.table("chat_sessions")
        self.messages = self.table("messages")
        self.requests = self.table("feedback_requests")
        self.responses = self.table("feedback_responses")
        self.keys = self.table("agent_keys")
        self.tokens = {row["jti"]: row for row in
                       self.database.execute("SELECT * FROM refresh_tokens")}

    def table(self, name):
        return {row["id"]: row for row in
                self.database.execute(f"SELECT * FROM {name}")}

    def judge(self):
        self.judge_accounts()
        self.judge_logins()
        self.judge_rotations()
        self.judge_sessions()
        self.judge_messages()
        self.judge_decisions()
        self.judge_keys()
        self.judge_events()
        self.judge_surplus()
        self.judge_file()
        return self.verdict

    def goes_with(self, user, kind, number, row):
        """What belongs to a deleted account goes with it; whether that settles
        what became of it."""
        gone = self.promises.over("deleted-account", user)
        if gone:
            self.verdict.hold(kind, row is None,
                              f"{number} outlived its account {user}")
        elif gone is None and row is None:
            self.verdict.hold(kind, user not in self.users,
                              f"{number} is gone, and its account is not")
        return gone or (gone is None and row is None)

    def judge_accounts(self):
        promises, hold = self.promises, self.verdict.hold
        for user, value in self.last["account"].items():
            row = self.users.get(user)
            if self.goes_with(user, "account", user, row):
                continue
            hold("account", row is not None and
                 row["username"] == value["username"] and
                 row["email"] == value["email"] and row["is_active"] and
                 any(is_hash_of(row["password"], password)
                     for password in promises.passwords[user]),
                 f"{value} of {user}: {row and tuple(row)}")
        for user in self.last["password"]:
            row = self.users.get(user)
            if not self.goes_with(user, "password", user, row):
                hold("password", row is not None and any(
                    is_hash_of(row["password"], password)
                    for password in promises.passwords[user]),
                    f"of {user} it is not {promises.passwords[user]}")
        for user in self.last["deleted-account"]:
            hold("deleted-account", user not in self.users,
                 f"{user} is there")

    def judge_logins(self):
        for login, value in self.last["login"].items():
            row = self.logins.get(login)
            if self.goes_with(value["user"], "login", login, row):
                continue
            over = self.promises.has_ended(login)
            # Whether an end that was promised is there is a promise of its
            # own.
            self.verdict.hold("login", over is not False or (
                row is not None and row["revoked_at"] is None),
                f"{login} has ended")
        for login in self.last["ended-login"]:
            row = self.logins.get(login)
            self.verdict.hold("ended-login", row is None or
                              row["revoked_at"] is not None,
                              f"{login} lives")

    def judge_rotations(self):
        for login, chain in self.promises.chains.items():
            over = self.promises.has_ended(login)
            for value in chain:
                used = self.tokens.get(claim(value["used"], "jti"))
                jti = claim(value["refresh"], "jti")
                self.verdict.hold("rotation", used is None or (
                    used["used_at"] is not None and used["successor"] == jti),
                    f"{value['used']} of {login} is not used up")
            newest = self.promises.newest(login)
            if over is False and newest is not None:
                row = self.tokens.get(claim(newest, "jti"))
                self.verdict.must(row is not None and row["used_at"] is None,
                                  f"the newest token of {login} is gone or "
                                  f"used: {row and tuple(row)}")

    def judge_sessions(self):
        for session, value in self.last["session"].items():
            row = self.sessions.get(session)
            if not self.goes_with(value["user"], "session", session, row):
                self.verdict.hold("session", row is not None and
                                  row["title"] == value["title"] and
                                  row["user_id"] == value["user"], session)
        for session in self.last["ended-session"]:
            row = self.sessions.get(session)
            user = self.last["session"][session]["user"]
            if not self.goes_with(user, "ended-session", session, row):
                self.verdict.hold("ended-session", row is not None and
                                  row["ended_at"] is not None, session)

    def in_sessions(self, kind):
        """Promises of things in sessions whose accounts were not deleted."""
        for number, value in self.last[kind].items():
            user = self.last["session"][value["session"]]["user"]
            row = (self.messages if kind == "message" else
                   self.requests).get(number)
            if not self.goes_with(user, kind, number, row):
                yield number, value, row

    def judge_messages(self):
        latest = {}
        for number, value, row in self.in_sessions("message"):
            session = value["session"]
            self.verdict.hold("message", row is not None and
                              row["content"] == value["content"] and
                              row["session_id"] == session and
                              row["number"] > latest.get(session, 0),
                              f"{value}: {row and tuple(row)}")
            if row is not None:
                latest[session] = row["number"]

    def judge_decisions(self):
        hold = self.verdict.hold
        for number, value, row in self.in_sessions("request"):
            hold("request", row is not None and
                 row["prompt"] == value["prompt"], number)
        contents = collections.defaultdict(list)
        for row in self.responses.values():
            contents[row["request_id"]].append((row["content"],
                                                bool(row["is_valid"])))
        for number, value in self.last["decision"].items():
            if self.is_gone(number, "decision"):
                continue
            row, winner = self.requests[number], \
                self.responses.get(value["response"])
            hold("decision", row["status"] == value["status"] and
                 winner is not None and winner["is_valid"] and
                 winner["request_id"] == number and
                 winner["content"] == value["content"],
                 f"{value}: {row['status']} {winner and tuple(winner)}")
        for number, value in self.last["late-answer"].items():
            if not self.is_gone(number, "late-answer"):
                hold("late-answer", (value["content"], False)
                     in contents[number], f"{number} {value}")

    def is_gone(self, number, kind):
        """Of what belongs to a request: whether that has gone, and why."""
        value = self.last["request"][number]
        user = self.last["session"][value["session"]]["user"]
        row = self.requests.get(number)
        if self.goes_with(user, kind, number, row):
            return True
        if row is None:
            self.verdict.hold(kind, False, f"its request {number} is gone")
        return row is None

    def judge_keys(self):
        for key, value in self.last["key"].items():
            row = self.keys.get(key)
            over = self.promises.over("deleted-key", key)
            # One that was deleted needn't wait for its account's end.
            if over is False and self.goes_with(value["user"], "key", key,
                                                row):
                continue
            self.verdict.hold("key", over is not False or (
                row is not None and row["hash"] ==
                hashlib.sha256(value["key"].encode()).hexdigest()), key)
        for key in self.last["deleted-key"]:
            self.verdict.hold("deleted-key", key not in self.keys, key)

    def judge_events(self):
        for place, (session, number, name, told) in (
                (place, (place.rpartition(":")[0], *value))
                for place, value in self.last["event"].items()):
            row = self.database.execute(
                "SELECT type, payload FROM events WHERE session_id = ? "
                "AND number = ?", (session, number)).fetchone()
            user = self.last["session"][session]["user"]
            if not self.goes_with(user, "event", place, row):
                self.verdict.hold("event", row is not None and
                                  row["type"] == name and
                                  sum_of(json.loads(row["payload"])) == told,
                                  f"{place} {name}")
        for text, query in NEVER.items():
            rows = self.database.execute(query).fetchmany(5)
            self.verdict.must(not rows, f"{text}: "
                              f"{[tuple(row) for row in rows]}")

    def judge_surplus(self):
        """Nothing is there but what was promised or is in doubt, and once; of
        logins and keys each try without an answer may have left one."""
        doubts = self.promises.doubts

        def told(kind, of):
            return Counter(value[of] for value in self.last[kind].values())

        for kind, of, there in (
                ("account", "username", self.users.values()),
                ("session", "title", self.sessions.values()),
                ("message", "content", (
                    row for row in self.messages.values()
                    if row["type"] != "system")),
                ("request", "prompt", self.requests.values())):
            self.at_most(kind, Counter(row[of] for row in there), Counter(
                dict.fromkeys(told(kind, of) + doubts[kind], 1)))
        self.at_most("key", Counter(row["name"] for row in self.keys.values()),
                     told("key", "name") + doubts["key"])
        accounts = self.last["account"]
        self.at_most("login", Counter(
            self.users[row["user_id"]]["username"]
            for row in self.logins.values()), doubts["login"] + Counter(
            accounts[value["user"]]["username"]
            for value in self.last["login"].values()))

    def at_most(self, kind, there, known):
        for name, count in (there - known).items():
            self.verdict.must(False, f"{kind} {name} is there {count} times "
                              "more often than anybody was told of")

    def judge_file(self):
        found = self.database.execute("PRAGMA integrity_check").fetchone()[0]
        self.verdict.must(found == "ok", f"integrity_check: {found}")
        found = self.database.execute("PRAGMA foreign_key_check").fetchone()
        self.verdict.must(found is None,
                          f"foreign_key_check: {found and tuple(found)}")


def compare(ledger, path):
    """The verdict on the database at that path, of which no program of ours has
    to be there."""
    with closing(sqlite3.connect(path, timeout=30)) as database:
        database.row_factory = sqlite3.Row
        return Comparison(ledger, database).judge()


def check(installation):
    """What `switchboard check' finds broken in the store."""
    done = installation.switchboard("check", "--json")
    try:
        findings = json.loads(done.stdout)["findings"]
    except (ValueError, KeyError):
        return [f"switchboard check: {done.returncode} {done.stderr}"]
    return [f"switchboard check: {finding['sentence']}"
            for finding in findings if finding["grade"] == "red" and
            finding["area"] == "store"]


SAMPLE = 12                     # of each kind


def ask(ledger, installation, chance, verdict):
    """Some of what was promised is asked for, by the programs as plain CGI."""
    promises = Promises(ledger.entries())

    def sample(of):
        of = list(of)
        return chance.sample(of, min(SAMPLE, len(of)))

    def expect(status, text, *call, **more):
        answer = installation.cgi(*call, **more)
        verdict.asked += 1
        verdict.must(answer.status == status, f"{text}: {answer}")
        return answer

    def refresh(status, text, token):
        return expect(status, text, "auth", "POST", "/api/auth/refresh",
                      body={"refresh_token": token})

    for user in sample(promises.living()):
        name = promises.last["account"][user]["username"]
        answers = [installation.cgi(
            "auth", "POST", "/api/auth/login",
            form=f"username={name}&password={password}")
            for password in promises.passwords[user]]
        verdict.asked += 1
        verdict.must([answer.status for answer in answers].count(200) == 1,
                     f"{name} is not let in: {[*map(str, answers)]}")
    for user in sample(promises.last["deleted-account"]):
        value = promises.last["deleted-account"][user]
        expect(401, f"{user} was deleted", "auth", "POST", "/api/auth/login",
               form=f"username={value['username']}"
               f"&password={value['password']}")
    for login in sample(promises.last["ended-login"]):
        refresh(401, f"{login} was ended",
                promises.last["ended-login"][login])
    for key, value in ((key, promises.last["key"][key])
                       for key in sample(promises.last["key"])):
        over = promises.over("deleted-key", key)
        gone = promises.over("deleted-account", value["user"])
        if None not in (over, gone):
            expect(401 if over or gone else 200, f"key {key}", "chat", "GET",
                   "/api/sessions", token=value["key"])
    living = [login for login in promises.last["login"]
              if promises.has_ended(login) is False and
              promises.newest(login) is not None]
    for login in sample(living):
        refresh(200, f"the newest token of {login}", promises.newest(login))
    for login in sample(login for login in living if promises.chains[login]):
        # Within its 10 s it is changed for the same again; later it is stolen.
        value = promises.chains[login][0]
        answer = installation.cgi("auth", "POST", "/api/auth/refresh",
                                  body={"refresh_token": value["used"]})
        verdict.asked += 1
        verdict.must(answer.status == 401 or answer.status == 200 and
                     answer.json()["refresh_token"] == value["refresh"],
                     f"a used token of {login}: {answer}")
