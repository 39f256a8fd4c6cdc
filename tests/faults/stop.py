"""The process that holds the write lock is stopped, and goes on or is killed.

It is found by its lock: in WAL mode whoever writes has byte 120 of the -shm
file (SQLite's walformat.html, section 2.3.1).  While it stands still, reads are
answered as ever, and writes by a 503 when their deadline is over."""

import contextlib
import fcntl
import os
import signal
import struct
import time

from load import Load

WRITE_LOCK = 120
FLOCK = struct.Struct("hhxxxxqqixxxx")
DEADLINE = 2                    # seconds, of a write
SLACK = 10                      # for a machine that has other things to do
READS = 20


def holder(shm):
    """The id of the process that has the write lock, or None."""
    found = FLOCK.unpack(fcntl.fcntl(shm, fcntl.F_GETLK, FLOCK.pack(
        fcntl.F_WRLCK, os.SEEK_SET, WRITE_LOCK, 1, 0)))
    return None if found[0] == fcntl.F_UNLCK else found[4]


def is_stopped(number):
    with open(f"/proc/{number}/stat", encoding="ascii") as file:
        return file.read().rpartition(")")[2].split()[0] == "T"


def catch(place, path, seconds):
    """Stops whoever holds the lock; None if nobody was caught."""
    end = time.monotonic() + seconds
    with open(path + "-shm", "rb+", buffering=0) as shm:
        while time.monotonic() < end:
            number = holder(shm)
            if number is None:
                time.sleep(0.0005)
                continue
            with contextlib.suppress(ProcessLookupError, FileNotFoundError):
                os.kill(number, signal.SIGSTOP)
                place.until(lambda n=number: is_stopped(n), 1)
                if holder(shm) == number:
                    return number
                os.kill(number, signal.SIGCONT)
    return None


def look_around(place, installation, load, token):
    """While somebody stands still with the lock."""
    refused, took = load.refusals, []
    for path in ("/api/auth/me", "/api/sessions", "/health") * READS:
        answer = installation.request("GET", path, token=token)
        took.append(answer.took)
        place.must(answer.status == 200, f"while a writer stands still: "
                   f"{path}: {answer} after {answer.took:.1f} s")
    # Some may be late on a machine that has other things to do.
    place.must(sorted(took)[len(took) * 9 // 10] < DEADLINE,
               f"reads wait for a writer that stands still: {max(took):.1f} s")
    place.must(place.until(lambda: load.refusals > refused + 1, 60),
               "nobody was refused while a writer stands still")


def run(place, seconds):
    # One is stopped, so that three are left.
    installation = place.installation("stop", WORKERS="4")
    installation.start()
    stops = kills = 0
    end = time.monotonic() + seconds
    # Who is killed gives no answer.
    with Load(place, installation, deaths=True) as load:
        token = load.reader().person.logins[0].access
        while time.monotonic() < end or stops == 0:
            load.goes_on(10)
            number = catch(place, installation.database, 10)
            if not place.must(number, "nobody had the write lock for 10 s"):
                break
            stops += 1
            try:
                look_around(place, installation, load, token)
            finally:
                kills += stops % 2 == 0
                os.kill(number, signal.SIGCONT if stops % 2 else
                        signal.SIGKILL)
        load.goes_on(2)
    place.must(load.longest < DEADLINE + SLACK,
               f"a 503 took {load.longest:.1f} s")
    place.must(kills or load.unanswered == 0, f"{load.unanswered} had no "
               "answer")
    place.note(f"{stops} holders of the write lock stopped, {kills} of them "
               f"killed, a 503 after {load.longest:.1f} s at most")
