"""How cost grows: with users, sessions, messages, counters, processes and
clients that wait.  A point is a cell of its own, and those of a curve alternate."""

import time

import apart
import measure

CLIENTS = 16


def cells(bench, called, points):
    """POINTS: {x: a function that says where}; CALLED: {name: call}."""
    return {name: [(x, measure.Cell(f"{name}, {x:,}", call, where, CLIENTS))
                   for x, where in points.items()]
            for name, call in called.items()}


def users(bench):
    points = {n: lambda n=n: bench.house(made=bench.folder(n))
              for n in bench.options.users}
    return cells(bench, {"health": "health", "me": "me", "refresh": "refresh",
                         "post a message": "message",
                         "read 50 messages": "page"}, points)


def sessions(bench):
    points = {n: lambda n=n: bench.house(made=bench.folder(50000, n, 10))
              for n in (500, 5000, 50000)}
    return cells(bench, {"me": "me", "post a message": "message",
                         "read 10 messages": "page"}, points)


def messages(bench):
    """Of a session.  There are few, so that no limit has to be in the way."""
    points = {n: lambda n=n: bench.house("free",
                                         made=bench.folder(1000, 10, n))
              for n in (100, 1000, 10000, 100000)}
    return cells(bench, {"post a message": "message",
                         "read 50 messages": "page"}, points)


def counters(bench):
    points = {n: lambda n=n: counted(bench, n)
              for n in (1000, 10000, 100000, 1000000)}
    return cells(bench, {"me": "me"}, points)


def counted(bench, number):
    """With as many counters that are in use, less those of who calls."""
    known = len(bench.houses)
    where = bench.house(counters=number)
    if len(bench.houses) == known:
        return where
    until = int(time.time() * 10**6) + 86400 * 10**6
    moments = (until - 86400 * 10**6).to_bytes(8, "little") * 3
    database = where.database("limits.db")
    with database:
        database.executemany("INSERT INTO limits VALUES (?, ?, ?)", (
            ("user:%08x-0000-7000-8000-%012x" % (n * 2654435761 % 2**32, n),
             moments, until + n) for n in range(number - 1000)))
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    return where


def processes(bench):
    points = {n: lambda n=n: bench.house(workers=n) for n in (1, 2, 4, 8)}
    return cells(bench, {"health": "health", "me": "me",
                         "post a message": "message"}, points)


CURVES = {
    "users": users, "chat sessions": sessions,
    "messages of a session": messages, "counters": counters,
    "processes of a program": processes}


def all_of(bench, say):
    """{what grows: {call: [(x, Cell)]}}"""
    found = {}
    for what, curve in CURVES.items():
        if not bench.wants(what):
            continue
        lines = curve(bench)
        measure.rounds(bench, [cell for points in lines.values()
                               for _, cell in points], say)
        bench.stop()
        found[what] = lines
    return found


def streams(bench, say):
    """What clients that wait for events take, and what they leave."""
    found = []
    for number in (0, 4, 16, 64):
        say(f"{number} event streams")
        cell = measure.Cell("me", "me", bench.house, CLIENTS)
        found.append(apart.streams(bench, number,
                                   2 if bench.options.quick else 10, cell))
        found[-1]["me"] = cell.figures()
    return found
