"""One measurement after the other: what is called where, by how many clients,
in rounds that alternate between all of it."""

import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import time

import calls
import house
import peers

ONCE = "refresh", "register"    # a request of these serves once
HASHING = "login", "register"   # which would have to wait for their turn
HASHING_CLIENTS = 4
WARMTH = 5                      # seconds until what is compiled as it runs is


class Bench:
    """What all measurements share."""

    def __init__(self, options, work):
        self.options = options
        self.work = work
        self.build = options.build
        self.cache = options.cache
        self.workers = options.workers
        self.houses = {}
        self.callers = {}

    def wants(self, name):
        return re.search(self.options.only or "", name) is not None

    def folder(self, users, sessions=1000, messages=60):
        """A data directory with so much in it, from the cache."""
        folder = f"{self.cache}/{users}-{sessions}-{messages}"
        if not os.path.exists(f"{folder}/ready"):
            shutil.rmtree(folder, ignore_errors=True)
            subprocess.run(
                [sys.executable, f"{house.SOURCE}/tests/bench/populate",
                 "--users", str(users), "--sessions", str(sessions),
                 "--messages", str(messages), "--kid", house.KID, self.build,
                 folder], check=True)
            with open(f"{folder}/ready", "wb"):
                pass
        return folder

    def house(self, settings="limited", made=None, counters=0, **more):
        """The same one whenever the same is asked for."""
        key = (settings, made, counters, tuple(sorted(more.items())))
        if key not in self.houses:
            chosen = {"limited": house.LIMITED, "free": house.FREE,
                      "full": house.FULL, "unconfined":
                      {**house.LIMITED, "CONFINE": "false"}}[settings]
            self.houses[key] = house.House(self, made or self.first(), chosen,
                                           **more)
            if settings == "full":
                fill(self.houses[key], self.callers_of(self.houses[key]))
        return self.houses[key]

    def first(self):
        """The data that serve what isn't about their size."""
        return self.folder(self.options.users[0])

    def peer(self, kind):
        if kind not in self.houses:
            self.houses[kind] = kind(self)
            self.houses[kind].hold_to(self.house(),
                                      self.callers_of(self.house()))
        return self.houses[kind]

    def callers_of(self, where):
        if where not in self.callers:
            database = where.database()
            self.callers[where] = calls.Callers(database,
                                                self.options.callers)
            database.close()
        return self.callers[where]

    def stop(self):
        for one in self.houses.values():
            one.stop()
        self.houses.clear()
        self.callers.clear()


def fill(where, callers):
    """All of the callers' windows, by what the defaults allow."""
    now = int(time.time() * 10**6)
    moments = b"".join((now - n * 1000).to_bytes(8, "little")
                       for n in range(30, 0, -1))
    database = where.database("limits.db")
    with database:
        database.executemany("INSERT INTO limits VALUES (?, ?, ?)", (
            ("user:" + user, moments, now + 7200 * 10**6)
            for user, _, _ in callers.users))
    database.close()


class Cell:
    """A call to somebody, by so many clients."""

    def __init__(self, name, call, where, clients):
        self.name, self.call, self.clients = name, call, clients
        self.where = where      # a function, so that it starts when needed
        self.rounds = []

    def requests(self, bench, where):
        """The file of what is sent; made anew if it serves but once."""
        path = f"{bench.work}/{self.call}-{where.port}"
        if self.call in ONCE or not os.path.exists(path):
            database = where.database()
            made = getattr(bench.callers_of(where), self.call)(database)
            database.close()
            if isinstance(where, peers.Peer):
                made = [(text.replace(b"/api/auth/me", where.path.encode(), 1),
                         status) for text, status in made]
            calls.write(path, made)
        return path

    def measure(self, bench):
        where = self.where()
        path = self.requests(bench, where)
        seconds, warm = bench.options.seconds, bench.options.seconds / 4
        if self.call in ONCE:
            warm = 0
        if isinstance(where, peers.Peer) and not where.is_warm:
            self.load(bench, where, path, 0, WARMTH)
            where.is_warm = True
        servers, programs = where.servers(), where.programs()
        before = house.processor_time(servers), house.processor_time(programs)
        result = self.load(bench, where, path, warm, seconds)
        after = house.processor_time(servers), house.processor_time(
            set(programs) | set(where.programs()))
        result["rate"] = result["requests"] / result["seconds"]
        result["server_us"], result["program_us"] = (
            (b - a) * 1e6 / result["all"] for a, b in zip(before, after))
        result["pss"] = memory(where, self.call)
        self.rounds.append(result)

    def load(self, bench, where, path, warm, seconds):
        done = subprocess.run(
            [f"{bench.build}/tests/bench/load", str(self.clients),
             str(seconds), str(warm), "127.0.0.1", str(where.port), path] +
            (["once"] if self.call in ONCE else []),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            check=False)
        if done.returncode != 0:
            sys.exit(f"{self.name}, {self.clients} clients: {done.stderr}")
        return json.loads(done.stdout)

    def median(self, what):
        return statistics.median(one[what] for one in self.rounds)

    def ratio(self, other, what="rate"):
        """Of the same rounds, so that what the machine does besides counts for
        both."""
        return statistics.median(
            mine[what] / theirs[what]
            for mine, theirs in zip(self.rounds, other.rounds))

    def figures(self):
        return {what: self.median(what) for what in (
            "rate", "mean", "p50", "p99", "p99.9", "program_us", "server_us")}


OF_CALL = {"health": "meta", "message": "chat", "page": "chat",
           "constant": "constant", "lingering": "constant", "mixed": "chat"}


def memory(where, call):
    """The largest share of one that answers, in KiB, or None."""
    if call == "static" or not isinstance(where, house.House):
        shares = [house.proportional(pid) for pid in where.programs()] if \
            isinstance(where, peers.Peer) else []
    else:
        shares = [house.proportional(pid) for pid in
                  where.workers(OF_CALL.get(call, "auth"))]
    return max((share for share in shares if share), default=None)


def rounds(bench, cells, say):
    """All of them in each round, forwards and backwards in turn."""
    for number in range(bench.options.rounds):
        for cell in cells[::-1 if number % 2 else 1]:
            say(f"round {number + 1} of {bench.options.rounds}: {cell.name}, "
                f"{cell.clients} clients")
            cell.measure(bench)
    say("")


# ------------------------------------------------------------- what is called


def main_cells(bench):
    """Each call beside the constants, at each number of clients."""
    named = {
        "static file": ("static", "limited"),
        "constant": ("constant", "limited"),
        "constant, lingering": ("lingering", "limited"),
        "health": ("health", "limited"), "me": ("me", "limited"),
        "me, limits off": ("me", "free"), "refresh": ("refresh", "limited"),
        "login": ("login", "limited"), "register": ("register", "limited"),
        "422": ("invalid", "limited"), "429": ("full", "full"),
        "post a message": ("message", "limited"),
        "read 50 messages": ("page", "limited")}
    if knows_confinement(bench):
        named["me, not confined"] = "me", "unconfined"
    cells = []
    for clients in bench.options.clients:
        for name, (call, settings) in named.items():
            if call not in HASHING or clients <= HASHING_CLIENTS:
                cells.append(Cell(name, call, lambda settings=settings:
                                  bench.house(settings), clients))
        cells += peer_cells(bench, clients)
    return cells


def knows_confinement(bench):
    return b"CONFINE " in subprocess.run(
        [f"{bench.build}/bin/switchboard", "settings"], check=True,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=dict(
            os.environ, SWITCHBOARD_DATA=bench.first())).stdout


def peer_cells(bench, clients):
    return [Cell(kind.name, "me", lambda kind=kind: bench.peer(kind), clients)
            for kind in bench.peers]


def lock_cells(bench):
    """Many writers: four processes of each program."""
    return [Cell("mixed, 4 processes", "mixed", lambda: bench.house(workers=4),
                 16)]


def size_cells(bench, clients):
    """The same calls with more users."""
    cells = []
    for users in bench.options.users:
        for name, call, settings in (
                ("health", "health", "limited"), ("me", "me", "limited"),
                ("me, limits off", "me", "free"),
                ("refresh", "refresh", "limited"),
                ("post a message", "message", "limited"),
                ("read 50 messages", "page", "limited")):
            cells.append(Cell(f"{name}, {users:,} users", call,
                              lambda users=users, settings=settings:
                              bench.house(settings, bench.folder(users)),
                              clients))
    return cells


def cgi_cells(bench, clients):
    """A process a request."""
    def where():
        return bench.house(config=house.CGI)
    return [Cell("constant, CGI", "constant", where, clients),
            Cell("health, CGI", "health", where, clients),
            Cell("me, CGI", "me", where, clients)]
