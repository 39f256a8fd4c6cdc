"""An installation with a data directory and a clock of its own, and the
families that call it.  Its clock stands still while anybody calls, and is moved
in between: so all times in its answers are known, and what time does happens at
moments that are chosen, such as the last one before a limit lets go."""

import contextlib
import glob
import os
import random
import select
import shutil
import sqlite3
import subprocess

import programs
import wire
from family import Family
from search import Unexplained
from values import SECOND, SECRET_KEY

EPOCH = 1_800_000_000 * SECOND
TICK = SECOND // 64             # libfaketime reads a double
PATIENCE = 60                   # seconds, real ones
NAMES = ("auth", "chat", "events", "meta")
LENGTH = 320                    # calls of a family


def preload():
    """The library that shows programs another time."""
    return subprocess.run(["faketime", "-f", "+0", "printenv", "LD_PRELOAD"],
                          text=True, capture_output=True,
                          check=True).stdout.strip()


def forget_the_dead():
    """What a process under faketime leaves when it is killed would keep the
    next one of its id from beginning."""
    for kind in "faketime_shm_", "sem.faketime_sem_":
        for path in glob.glob(f"/dev/shm/{kind}*"):
            if not os.path.exists("/proc/" + path.rpartition("_")[2]):
                with contextlib.suppress(OSError):
                    os.unlink(path)


class House:
    def __init__(self, work, options, leg, seed):
        self.build = programs.build_tree()
        self.work = work
        self.leg = leg
        self.clients = options.clients
        self.seed = seed
        self.chance = random.Random(f"{seed}-house")
        self.data = os.path.join(work, "data")
        # Programs that are confined can read it there.
        self.clock = os.path.join(self.data, "clock")
        self.counts = {"calls": 0, "rounds": 0, "overlapping": 0,
                       "families": 0, "moves": 0, "most worlds": 1,
                       "rows": 0, "cleanups": 0, "ticks": 0, "disabled": 0}
        self.families = []
        self.made = 0
        self.last_cleanup = 0
        self.unseen = (0, 0)    # sessions that ended, requests that expired
        self.statuses = {}
        os.mkdir(self.data, 0o700)
        forget_the_dead()
        self.set_clock(EPOCH)
        self.environment = dict(
            os.environ, LD_PRELOAD=preload(), FAKETIME_FMT="%s", TZ="UTC",
            FAKETIME_TIMESTAMP_FILE=self.clock, FAKETIME_NO_CACHE="1",
            FAKETIME_DONT_FAKE_MONOTONIC="1", NO_FAKE_STAT="1",
            ASAN_OPTIONS="verify_asan_link_order=0", **self.settings())

    def settings(self):
        limits = self.leg.settings
        return {
            "SWITCHBOARD_DATA": self.data, "SECRET_KEY": SECRET_KEY,
            "SCRYPT_N": "1024", "SCRYPT_R": "1", "SCRYPT_P": "1",
            "RATE_LIMIT_PER_USER": str(limits.user),
            "RATE_LIMIT_PER_SESSION": str(limits.session),
            "RATE_LIMIT_PER_CHANNEL": str(limits.channel),
            "RATE_LIMIT_PER_ADDRESS": str(limits.address),
            "LOGIN_FAILURES_PER_ACCOUNT": str(limits.account),
            "RATE_LIMIT_WINDOW_SECONDS": str(limits.window),
            "TRUSTED_PROXIES": wire.PEER, "WORKERS": "4",
            "LOG_LEVEL": "warning"}

    # --------------------------------------------------------------- programs

    def __enter__(self):
        if self.leg.cgi:
            self.programs = {}
            self.log = open(os.path.join(self.work, "cgi.log"), "ab")
            environment = {name: value for name, value in
                           self.environment.items() if name != "WORKERS"}
            self.way = wire.PlainCGI(
                os.path.join(self.build, "libexec/switchboard"), environment,
                self.log)
        else:
            self.programs = {name: programs.Program(
                self.build, name, self.work, self.environment)
                for name in NAMES}
            for program in self.programs.values():
                program.start()
            self.way = wire.FastCGI(self.programs)
        self.register_administrator()
        return self

    def __exit__(self, *_):
        for program in self.programs.values():
            program.stop()
        forget_the_dead()
        if self.leg.cgi:
            self.log.close()

    def errors(self):
        """What the programs said of failures."""
        found = []
        for path in glob.glob(os.path.join(self.work, "*.log")):
            with open(path, encoding="utf-8", errors="replace") as log:
                found += [line.rstrip() for line in log if " error " in line or
                          "Sanitizer" in line]
        return found

    def command(self, *words):
        done = subprocess.run(
            [os.path.join(self.build, "bin/switchboard"), *words], text=True,
            env=self.environment, capture_output=True, check=False)
        if done.returncode != 0:
            raise Unexplained(f"switchboard {' '.join(words)}: {done.stderr}")

    # ------------------------------------------------------------------ clock

    def set_clock(self, now):
        self.now = now
        with open(self.clock + ".new", "w", encoding="ascii") as file:
            file.write(f"{now // SECOND}.{now % SECOND:06}\n")
        os.replace(self.clock + ".new", self.clock)

    def a_step(self):
        """How far: a moment, or to where something changes, or just before or
        after that."""
        chance, kind = self.chance, self.chance.random()
        if kind < 0.45:
            moments = [t for family in self.families
                       for t in family.moments() if t > self.now]
            if moments:
                moments.sort()
                to = chance.choice(moments[:12] if chance.random() < 0.8 else
                                   moments)
                # Upwards to what the clock can show.
                to = -(-to // TICK) * TICK
                return max(0, to - self.now + chance.choice((-TICK, 0, 0,
                                                             TICK)))
        if kind < 0.9:
            return chance.choice((TICK, 2 * SECOND, 5 * SECOND, 12 * SECOND))
        return SECOND * chance.choice((60, 300, 1500, 3600, 86400, 90000))

    def move(self, step):
        self.set_clock(self.now + step)
        self.counts["moves"] += 1
        if self.leg.cgi:
            forget_the_dead()
        ended = expired = 0
        for family in self.families:
            more = family.move(self.now)
            ended += more[0]
            expired += more[1]
        self.look_after(ended, expired)

    def look_after(self, ended, expired):
        """Now and then time's work is done by somebody else than who looks:
        that changes nothing that can be seen."""
        kind, before = self.chance.random(), self.unseen
        self.unseen = (before[0] + ended, before[1] + expired)
        if kind < 0.1:
            self.command("tick")
            self.counts["ticks"] += 1
            self.unseen = (0, 0)
        elif kind < (0.9 if ended + expired else 0.15) and \
                self.now - self.last_cleanup > 11 * SECOND:
            self.last_cleanup = self.now
            self.clean_up((ended, expired), self.unseen)
            self.unseen = (0, 0)

    def register_administrator(self):
        self.one("POST", "/api/auth/register", {
            "email": "admin@example.com", "username": "administrator",
            "password": "password123"}, 201)
        self.command("user", "admin", "administrator", "on")

    def one(self, method, target, body=None, status=200, token=None,
            media=wire.JSON):
        """A call beside the model."""
        call = wire.Call(0, method, target, body, token, media)
        self.way.receive(call, self.way.send(call))
        if call.answer.status != status:
            raise Unexplained(f"{call}\n{call.answer}, instead of {status}")
        return call.answer.json

    def clean_up(self, least, most):
        """Does what time has made due: at least what the last move has, at the
        most all that nobody need have looked at since."""
        token = self.one("POST", "/api/auth/login", {
            "username": "administrator", "password": "password123"},
            media=wire.FORM)["access_token"]
        done = self.one("POST", "/api/sessions/cleanup/expired", None, 200,
                        token)
        self.counts["cleanups"] += 1
        if list(done) != ["expired_sessions", "expired_feedback_requests",
                          "message"] or not \
                least[0] <= done["expired_sessions"] <= most[0] or not \
                least[1] <= done["expired_feedback_requests"] <= most[1] or \
                done["message"] != "Cleanup completed":
            raise Unexplained(f"cleanup/expired said {done}, where {least} to "
                              f"{most} sessions and requests are over")

    # ------------------------------------------------------------------ calls

    def make(self, queues):
        """Makes the calls of each queue one after the other, and all queues at
        once."""
        under_way = {}

        def send_next(queue):
            call = queue.pop(0)
            where = self.way.send(call)
            under_way[wire.file_of(where)] = call, where, queue

        for queue in queues:
            send_next(queue)
        while under_way:
            ready, _, _ = select.select(list(under_way), [], [], PATIENCE)
            if not ready:
                calls = [str(call) for call, _, _ in under_way.values()]
                raise Unexplained(f"no answer: {calls}")
            for file in ready:
                call, where, queue = under_way.pop(file)
                self.way.receive(call, where)
                self.counts["calls"] += 1
                kind = f"{call.method} {call.answer.status}"
                self.statuses[kind] = self.statuses.get(kind, 0) + 1
                if queue:
                    send_next(queue)

    def round(self):
        plans = [(family, family.plan()) for family in self.families]
        calls = [[call for queue in plan for call in queue]
                 for _, plan in plans]
        queues = [queue for _, plan in plans for queue in plan]
        self.chance.shuffle(queues)
        self.make(queues)
        self.counts["rounds"] += 1
        for (family, _), made in zip(plans, calls):
            self.check(family, made)

    def check(self, family, calls):
        try:
            family.check(calls)
        except Unexplained as why:
            before = family.calls[-len(calls) - 12:-len(calls)]
            lines = [f"family {family.number} at {self.now / SECOND:.6f}:"] + [
                f"  before: {call}\n    {call.answer}" for call in before
                if call.answer is not None]
            raise Unexplained("\n".join(lines) + f"\n{why}") from None

    def new_family(self):
        self.made += 1
        return Family(self.made, self.seed, self.leg.settings, self.clients,
                      self.now)

    def toggle(self, family):
        """An operator disables an account, or lets it be used again."""
        users = list(family.world.users.values())
        off = [user for user in users if not user.active]
        if off:
            user, word = off[0], "enable"
        elif users:
            user, word = self.chance.choice(users), "disable"
        else:
            return
        self.command("user", word, user.username)
        self.counts["disabled"] += word == "disable"
        family.worlds = [world.put(users=world.users[user.id]._replace(
            active=word == "enable")) for world in family.worlds]

    # ----------------------------------------------------------------- the end

    def ask(self, family, *request, **more):
        """A call by itself, again when a limit has let go."""
        while True:
            call = family.plain(*request, **more)
            self.make([[call]])
            self.check(family, [call])
            if call.answer.status != 429:
                return call.answer
            self.move(family.settings.window_of(
                "account" if b"Account" in call.answer.body else "user"))

    def audit(self, family):
        """At the end of a family: all that the API shows is as the model has
        it, and so is the database."""
        for user in list(family.world.users.values()):
            if not user.active:
                self.toggle(family)
            self.audit_user(family, family.world.users[user.id])
        # Where it can still be one of several, they look alike.
        for world in family.worlds:
            self.compare_rows(family, world)
        self.counts["most worlds"] = max(self.counts["most worlds"],
                                         family.most_worlds)
        self.counts["overlapping"] += family.overlapping
        self.counts["families"] += 1
        for what, number in family.seen.items():
            self.counts[what] = self.counts.get(what, 0) + number

    def audit_user(self, family, user):
        login = {"username": user.username, "password": user.password}
        token = self.ask(family, "POST", "/api/auth/login", login,
                         media=wire.FORM).json["access_token"]
        paths = ["/api/auth/me", "/api/auth/sessions", "/api/auth/keys",
                 "/api/sessions?limit=100", "/api/limits"]
        sessions = [family.world.id_of(s) for s in
                    family.world.sessions.values() if s.user == user.id]
        for number in sessions:
            if self.chance.random() < 0.8:
                self.ask(family, "DELETE", f"/api/sessions/{number}",
                         token=token)
            paths += [f"/api/sessions/{number}{what}" for what in
                      ("", "/messages?limit=200", "/feedback", "/events")]
        for path in paths:
            # It may have taken long to get so far.
            if not family.is_alive(token):
                token = self.ask(family, "POST", "/api/auth/login", login,
                                 media=wire.FORM).json["access_token"]
            self.ask(family, "GET", path, token=token)
        for number in sessions:
            self.ask(family, "DELETE", f"/api/sessions/{number}", token=token)

    def compare_rows(self, family, world):
        """The family's rows are those of its world, and no others."""
        path = os.path.join(self.data, "switchboard.db")
        want = rows_of(world)
        database = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        try:
            for name, query in QUERIES.items():
                have = sorted(row for user in world.users for row in
                              database.execute(query, (world.known[user],)))
                if have != sorted(want[name]):
                    raise Unexplained(
                        f"family {family.number}: rows of {name}: {have}\n"
                        f"the model has: {sorted(want[name])}")
                self.counts["rows"] += len(have)
        finally:
            database.close()

    def run(self, calls):
        """At least so many."""
        self.families = [self.new_family() for _ in range(2)]
        while self.counts["calls"] < calls:
            self.round()
            if self.chance.random() < 0.3:
                self.move(self.a_step())
            family = self.chance.choice(self.families)
            off = any(not user.active for user in family.world.users.values())
            if self.chance.random() < (0.2 if off else 0.01):
                self.toggle(family)
            for family in list(self.families):
                if len(family.calls) > LENGTH:
                    self.audit(family)
                    self.families.remove(family)
                    self.families.append(self.new_family())
        for family in list(self.families):
            self.audit(family)
            self.families.remove(family)
        self.judge_whole()

    def judge_whole(self):
        path = os.path.join(self.data, "switchboard.db")
        database = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        found = database.execute("PRAGMA integrity_check").fetchone()[0]
        lost = database.execute("PRAGMA foreign_key_check").fetchone()
        database.close()
        if found != "ok" or lost is not None:
            raise Unexplained(f"the database is damaged: {found}, {lost}")
        if self.errors():
            raise Unexplained("\n".join(["the programs said:"] +
                                        self.errors()[:20]))


# What is there of a user's, in the words of the schema.
QUERIES = {
    "users": "SELECT id, email, username, is_active FROM users WHERE id = ?",
    "keys": "SELECT id, name FROM agent_keys WHERE user_id = ?",
    "sessions": "SELECT id, ended_at IS NOT NULL, pending, messages, requests,"
                " events, updated_at FROM chat_sessions WHERE user_id = ?",
    "messages": "SELECT session_id, number, m.id, content, type, channel "
                "FROM messages AS m JOIN chat_sessions AS s "
                "ON s.id = session_id WHERE user_id = ?",
    "requests": "SELECT r.id, number, status, expires_at, "
                "(SELECT count(*) FROM feedback_responses "
                "WHERE request_id = r.id), (SELECT count(*) "
                "FROM feedback_responses WHERE request_id = r.id AND is_valid)"
                " FROM feedback_requests AS r JOIN chat_sessions AS s "
                "ON s.id = session_id WHERE user_id = ?",
    "events": "SELECT session_id, number, type FROM events JOIN chat_sessions "
              "AS s ON s.id = session_id WHERE user_id = ?",
}


def rows_of(world):
    """The same of a world."""
    known, sessions = world.known, world.sessions.values()
    return {
        "users": [(known[u.id], u.email, u.username, int(u.active))
                  for u in world.users.values()],
        "keys": [(known[k.id], k.name) for k in world.keys.values()],
        "sessions": [
            (known[s.id], int(s.ended), len(s.pending()), len(s.messages),
             len(s.requests), len(s.events), s.updated) for s in sessions],
        "messages": [
            (known[s.id], n, known[m["id"]], m["content"], m["type"],
             m["channel"]) for s in sessions
            for n, m in enumerate(s.messages, 1)],
        "requests": [
            (known[r.id], n, r.status, r.expires, len(r.responses),
             sum(one["metadata"]["valid"] for one in r.responses))
            for s in sessions for n, r in enumerate(s.requests, 1)],
        "events": [(known[s.id], e["id"], e["type"]) for s in sessions
                   for e in s.events],
    }


def remove(work):
    shutil.rmtree(work, ignore_errors=True)
