"""Finding out by the clock what exists.

Of two requests that are answered alike, one about somebody or something that is
there and one about nobody or nothing, neither takes longer: interleaved pairs,
and the Mann-Whitney test of their times.  In the short form, which nobody's
clock may judge, a worker does the same system calls in the same order for
both."""

import collections
import itertools
import math
import os
import re
import time
import uuid

DEFENDS = ("v5.0.0-6.3.8", "v5.0.0-8.2.2", "v5.0.0-11.2.4")

PAIRS = 1000
RUNS = 3
LEAST = 0.01                    # of p: more is no difference
PEOPLE = 8                      # so that it is no one's row alone
SECRET = "wrong horse battery"
PROGRAMS = ("auth", "chat", "events")


# --------------------------------------------------------------- statistics

def mann_whitney(one, other):
    """p of two samples' times being alike, two-sided, by the normal
    approximation, with the correction for ties."""
    both = sorted([(value, 0) for value in one]
                  + [(value, 1) for value in other])
    ranks, ties, place = 0.0, 0, 0
    for _, group in itertools.groupby(both, key=lambda pair: pair[0]):
        group = list(group)
        n = len(group)
        ranks += sum(side == 0 for _, side in group) * (place + (n + 1) / 2)
        ties += n**3 - n
        place += n
    n, m = len(one), len(other)
    u = ranks - n * (n + 1) / 2
    spread = n * m / 12 * (n + m + 1 - ties / ((n + m) * (n + m - 1)))
    if spread <= 0:
        return 1.0
    z = max(0.0, abs(u - n * m / 2) - 0.5) / math.sqrt(spread)
    return math.erfc(z / math.sqrt(2))


def check_statistics():
    """By samples whose answer is known, and by some that differ."""
    one = [0.8, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46]
    other = [1.15, 0.88, 0.9, 0.74, 1.21]
    # U is 35 of 50 (R's example of wilcox.test): z is 9.5 / sqrt(200 / 3).
    if abs(mann_whitney(one, other) - 0.2446) > 0.0005 or \
            mann_whitney(list(range(99)), list(range(50, 149))) > 1e-9 or \
            mann_whitney([1, 1, 2], [2, 1, 1]) < 0.9:
        raise ValueError("the statistics are wrong")


# --------------------------------------------------------------- comparisons

def comparisons(site):
    """By name, the program, and two lists of calls: of what is there, and of
    what isn't."""
    people = [site.account() for _ in range(PEOPLE)]
    callers = [site.account() for _ in people]
    caller = callers[0]
    sessions = [site.session(person) for person in people]
    keys = [site.key(person)[1] for person in people]
    nobody = ["user-" + uuid.uuid4().hex[:12] for _ in people]
    missing = [str(uuid.uuid4()) for _ in people]
    unknown = ["sbk_" + uuid.uuid4().hex[:32] + uuid.uuid4().hex[:11]
               for _ in people]

    def login(name):
        return lambda: site.guess(name, SECRET)

    def get(path, token):
        return lambda: site.call("GET", path, token=token)

    def say(session):
        return lambda: site.call(
            "POST", f"/api/sessions/{session}/messages", {"content": "x"},
            token=caller.access)

    def change(name, who):
        return lambda: site.call("PATCH", "/api/auth/me", {
            "username": name, "current_password": SECRET}, token=who.access)

    return {
        "a wrong password, or an unknown name": (
            "auth",
            [login(person.username) for person in people],
            [login(name) for name in nobody]),
        "a wrong password, or an unknown address": (
            "auth",
            [login(person.email) for person in people],
            [login(name + "@example.com") for name in nobody]),
        "a name that is taken, or not, and a wrong password": (
            "auth",
            [change(person.username, who)
             for person, who in zip(people, callers)],
            [change(name, who) for name, who in zip(nobody, callers)]),
        "another's session, or none": (
            "chat",
            [get("/api/sessions/" + one, caller.access) for one in sessions],
            [get("/api/sessions/" + one, caller.access) for one in missing]),
        "another's events, or none": (
            "events",
            [get(f"/api/sessions/{one}/events", caller.access)
             for one in sessions],
            [get(f"/api/sessions/{one}/events", caller.access)
             for one in missing]),
        "a word into another's session, or none": (
            "chat",
            [say(one) for one in sessions], [say(one) for one in missing]),
        "an agent key but for its end, or none": (
            "chat",
            [get("/api/sessions", key[:-1] + ("A" if key[-1] != "A" else "B"))
             for key in keys],
            [get("/api/sessions", key) for key in unknown]),
        "an agent key of none, or no key at all": (
            "chat",
            [get("/api/sessions", key) for key in unknown],
            [get("/api/sessions", "sbk_" + "." * (len(key) - 4))
             for key in unknown]),
    }


def taken(call):
    """How long it took, in nanoseconds."""
    begun = time.perf_counter_ns()
    answer = call()
    took = time.perf_counter_ns() - begun
    if answer.status not in (400, 401, 404):
        raise ValueError(f"answered by {answer}")
    return took


def measure(site, calls, pairs):
    """Pairs in turns, either first as chance has it."""
    one, other = [], []
    site.command("limits", "reset", "--all")
    for turn in range(pairs):
        both = [(one, calls[0][turn % PEOPLE]),
                (other, calls[1][turn % PEOPLE])]
        site.random.shuffle(both)
        for times, call in both:
            times.append(taken(call))
    return mann_whitney(one, other), sorted(one)[pairs // 2], \
        sorted(other)[pairs // 2]


def compare(site, name, calls):
    """Three times; of equals one in a hundred seems unequal by chance, which
    doesn't come twice in a row."""
    found = []
    for _ in range(RUNS):
        p, one, other = measure(site, calls, PAIRS)
        again = ""
        if p <= LEAST:
            again = f" (repeated: {p:.4f} by {one} and {other} ns)"
            p, one, other = measure(site, calls, PAIRS)
        found.append(f"{p:.3f}{again}")
        site.judge(p > LEAST, f"{name}: p {p:.6f}, medians {one} and "
                   f"{other} ns{again}")
    site.note(f"{name}: p " + ", ".join(found))


# --------------------------------------------------------------- system calls

# What a process does when it is given a request.
BEGUN = re.compile(r"^accept4?\(.* = (\d+)$")
CALL = re.compile(r"^(\w+)\(([^,)]*)")
ROUNDS = 4                      # the first finds what others have in no cache


def works(path):
    """Of each request that a process has been given, its system calls: their
    names, and the descriptor that they act on.  In how many pieces it came is
    the web server's doing, and left out."""
    found, begun = [], None
    with open(path, encoding="utf-8", errors="replace") as file:
        for line in file:
            if begun_now := BEGUN.match(line.strip()):
                begun = begun_now[1]
                found.append([])
            elif found and (call := CALL.match(line)):
                what = call[2] if call[2].isdigit() else ""
                if (call[1], what) not in (("read", begun), ("poll", "")):
                    found[-1].append(f"{call[1]} {what}")
                if (call[1], what) == ("close", begun):
                    begun = None    # the number may be another file's now
    return found


def trace(site, calls):
    """What each program does for these calls, of which each is named by its
    program; one process of it, as only that leaves them in their order."""
    site.wraps = {
        name: f"strace -D -ff -qq -s 0 -o '{site.home}/{name}.strace'"
        for name in PROGRAMS}
    with site.settings(WORKERS=None):
        for _, call in calls:
            taken(call)
        site.wraps = {}
    found = {}
    for name in PROGRAMS:
        wanted = sum(program == name for program, _ in calls)
        for file in os.listdir(site.home):
            if file.startswith(name + ".strace."):
                done = works(os.path.join(site.home, file))
                if len(done) >= wanted:
                    found[name] = done[-wanted:]
    return found


def usual(sequences):
    """The one that came most often: what is done once a second is in few."""
    (sequence, _), = collections.Counter(
        map(tuple, sequences)).most_common(1)
    return sequence


def same_work(site, compared):
    """All comparisons in one go."""
    order = [(name, program, side, call)
             for name, (program, ones, others) in compared.items()
             for pair in [*zip(ones, others)] * ROUNDS
             for side, call in enumerate(pair)]
    done = {program: iter(found) for program, found in trace(site, [
        (program, call) for _, program, _, call in order]).items()}
    seen = {name: ([], []) for name in compared}
    for name, program, side, _ in order:
        seen[name][side].append(next(done[program]))
    for name, sides in seen.items():
        one, other = (usual(side[PEOPLE:]) for side in sides)
        if len(one) < 5:
            raise ValueError(f"{name}: too little to see: {one}")
        differ = next((pair for pair in itertools.zip_longest(one, other)
                       if pair[0] != pair[1]), None)
        site.judge(one == other, f"{name}: {len(one)} and {len(other)} "
                   f"system calls, first {differ}")
    site.note("system calls of each: " + ", ".join(
        str(len(usual(sides[0][PEOPLE:]))) for sides in seen.values()))


def run(site):
    check_statistics()
    with site.settings(LOGIN_FAILURES_PER_ACCOUNT="1000", LOG_LEVEL="error",
                       SCRYPT_N="1024", SCRYPT_R="1", SCRYPT_P="1"):
        compared = comparisons(site)
        if site.short:
            same_work(site, compared)
            return
        for name, (_, *calls) in compared.items():
            measure(site, calls, 50)
            compare(site, name, calls)
