"""A power cut, at any moment: what was promised before it is there

Below SQLite: record.c notes what the programs ask of the disk, in one order,
and the clients' promises among it; disk.py makes of that what may be left at
random moments; and each of these is judged like a database that was used.
Meanwhile the command line makes keys, backups and checkpoints, whose success is
a promise, too.  A migration and a restore follow, on disks of their own."""

import contextlib
import json
import os
import sqlite3
import stat
import threading
import time

import disk
import judge
from disk import Disk, steps
from image import Image, Then, step_of
from installation import PROGRAMS
from ledger import Ledger
from load import Load

SCHEMA = "../../sql/schema"
ASKED = 10                      # one in so many images is asked by programs, too
FEW = 4                         # likewise, by comparing the backup, too
SHARE = 0.3                     # of the time is for making the record
LOAD = 2, 5                     # seconds of it, as images grow with it
EARLY = 400                     # steps until all is made
GUESS = 0.03                    # seconds that an image takes
NAP = 0.15                      # between two commands
# Counts are written, and the secret is made that they are named by.
COUNTED = {"LOGIN_FAILURES_PER_ACCOUNT": "100",
           "RATE_LIMIT_PER_ADDRESS": "1000", "RATE_LIMIT_WINDOW_SECONDS": "1"}
USERS = 40                      # of a database that is migrated or restored


class Witness(Ledger):
    """A ledger that says in the record how far it has come."""

    def __init__(self, path, record):
        super().__init__(path)
        self.record = record
        self.turn = threading.Lock()

    def _write(self, *entry):
        with self.turn:
            super()._write(*entry)
            disk.say(self.record, f"ledger {os.fstat(self.file).st_size}")


class Recorded:
    """An installation whose programs work under record.c.  Its data directory
    isn't there yet: the programs make it."""

    def __init__(self, place, name, **settings):
        library = os.path.join(place.build, "tests/programs/record.so")
        if not os.path.exists(library):
            place.not_run("there is no tests/programs/record.so")
        self.place = place
        self.folder = os.path.join(place.folder, name + "-disk")
        self.path = os.path.join(place.folder, name + "-record")
        os.mkdir(self.folder)
        self.installation = place.installation(
            name, data=os.path.join(self.folder, "data"), **settings)
        os.rmdir(self.installation.data)
        self.record = os.open(self.path, os.O_WRONLY | os.O_CREAT |
                              os.O_APPEND, 0o600)
        place.cleanup.callback(os.close, self.record)
        preload = {"LD_PRELOAD": library, "SB_RECORD": self.path,
                   "SB_RECORDED": self.folder}
        self.installation.environment.update(preload)
        for program in PROGRAMS:
            self.wrap(program, preload)

    def wrap(self, program, preload):
        """Web servers pass on no variable that they don't know."""
        path = os.path.join(self.installation.folder, program)
        real = os.path.realpath(path)
        os.unlink(path)
        with open(path, "w", encoding="utf-8") as file:
            file.write("#!/bin/sh\nexport " + " ".join(
                f"{name}='{value}'" for name, value in preload.items()) +
                f"\nexec '{real}'\n")
            os.fchmod(file.fileno(), stat.S_IRWXU)

    def command(self, *arguments):
        """One that succeeds, and what it printed."""
        done = self.installation.switchboard(*arguments)
        self.place.must(done.returncode == 0, f"switchboard {arguments}: "
                        f"{done.returncode} {done.stderr}")
        return done.stdout

    def say(self, *words):
        disk.say(self.record, " ".join(map(str, words)))


class Operator(threading.Thread):
    """Makes keys, backups and checkpoints as long as there is load."""

    def __init__(self, recorded, ledger, over):
        super().__init__()
        self.recorded = recorded
        self.ledger = ledger
        self.over = over
        self.backups = self.keys = self.ticks = 0

    def run(self):
        ways = (self.tick, self.rotate, self.tick, self.back_up)
        turn = 0
        while not self.over.wait(NAP):
            ways[turn % len(ways)]()
            turn += 1

    def tick(self):
        self.recorded.command("tick", "--quiet")
        self.ticks += 1

    def rotate(self):
        printed = self.recorded.command("key", "rotate")
        self.recorded.say("key", printed.split()[0])
        self.keys += 1

    def back_up(self):
        """Over the one before: that is there until this one is."""
        size = os.path.getsize(self.ledger.path)
        self.recorded.command("backup", "--force", os.path.join(
            self.recorded.folder, "backup"))
        self.recorded.say("backup", size)
        self.backups += 1


# -------------------------------------------------------------- the images

class Said:
    """What had been said up to a moment."""

    def __init__(self):
        self.ledger = 0
        self.keys = set()
        self.backup = None      # the ledger's size before it was made
        self.marks = set()

    def take(self, text):
        word, _, rest = text.partition(" ")
        if word == "ledger":
            self.ledger = int(rest)
        elif word == "key":
            self.keys.add(rest)
        elif word == "backup":
            self.backup = int(rest)
        else:
            self.marks.add(word)


def cuts(chance, length, end):
    """Numbers of steps, as many as there is time for; a third of them where the
    first are: things are made but once."""
    at, begun = 0, time.monotonic()
    for until, by in ((min(EARLY, length), begun + (end - begun) / 3),
                      (length, end)):
        since, count = time.monotonic(), 0
        while at < until:
            took = time.monotonic() - since
            left = (by - since - took) / (took / count if count else GUESS)
            at += max(1, round(chance.expovariate(
                max(1, left) / (until - at))))
            yield min(at, until)
            count += 1


def images(chance, before, record, end):
    """What is left, and what had been said, of each of the cuts."""
    said, at = Said(), 0
    for cut in cuts(chance, len(record), end):
        for step in record[at:cut]:
            if step.kind == disk.SAID:
                said.take(step.name)
            else:
                before.take(step)
        at = cut
        yield before.after_cut(chance), said


class Judge:
    def __init__(self, place, ledger, image):
        self.place = place
        self.ledger = ledger
        self.image = image
        self.count = 0
        self.lost = self.promises = 0
        self.verdict = judge.Verdict()

    def judge(self, left, said, at):
        """Everything of one image."""
        self.count += 1
        self.image.clear()
        at.lay_out(left, self.image.folder)
        then = Then(self.ledger, said.ledger)
        asked = self.count % ASKED == 0
        found = self.image.flaws() if asked else []
        found += self.judge_keys(said)
        if said.backup is not None and self.count % FEW == 0:
            found += self.judge_backup(left, said, at)
        verdict = self.compare(then, self.image.installation.database)
        if asked and not verdict.lost:
            self.ask(then, verdict)
        for kind, count in verdict.promises.items():
            self.verdict.promises[kind] += count
            self.verdict.kept[kind] += verdict.kept[kind]
        self.verdict.lost += verdict.lost
        self.verdict.wrong += found + verdict.wrong

    def ask(self, then, verdict):
        """The programs find it, and what was promised in it."""
        answer = self.image.installation.cgi("meta", "GET", "/health")
        verdict.must(answer.status == 200, f"/health after a cut: {answer}")
        judge.ask(then, self.image.installation, self.place.random, verdict)

    def compare(self, then, path):
        """As judge.compare, where there needn't be any database yet."""
        if step_of(path) == 0:
            verdict = judge.Verdict()
            for entry in then.entries():
                if entry.sure:
                    verdict.hold(entry.kind, False, "there is no database")
            return verdict
        return judge.compare(then, path)

    def judge_keys(self, said):
        """Each that was made is there; and the file is one, or none."""
        path = os.path.join(self.image.data, "signing-keys.json")
        if not os.path.exists(path):
            there = set()
        else:
            try:
                with open(path, encoding="utf-8") as file:
                    there = {key["kid"] for key in json.load(file)["keys"]}
            except ValueError:
                return [f"{path} is no JSON after a cut"]
        lost = said.keys - there
        return [f"signing keys that were made are gone: {lost}"] if lost \
            else []

    def judge_backup(self, left, said, at):
        """What was saved is there as a whole, or it is a newer one."""
        path = os.path.join(self.image.folder, "backup")
        if at.folder + "/backup" not in left:
            return ["the backup is gone"]
        verdict = self.compare(Then(self.ledger, said.backup), path)
        return ["backup: " + text for text in verdict.lost + verdict.wrong]


# ------------------------------------------------------------ the scenarios

def serve(place, seconds):
    """The first start, and load while an operator is at work."""
    recorded = Recorded(place, "power", **COUNTED)
    before = Disk(recorded.folder)
    place.ledger = Witness(place.ledger.path, recorded.record)
    place.cleanup.callback(place.ledger.close)
    over = threading.Event()
    operator = Operator(recorded, place.ledger, over)
    recorded.installation.start()
    with Load(place, recorded.installation, clients=4):
        operator.start()
        time.sleep(min(max(LOAD[0], seconds), LOAD[1]))
        over.set()
        operator.join()
    recorded.installation.stop()
    return recorded, before, operator


def run(place, seconds):
    end = time.monotonic() + max(LOAD[0] + 2, seconds)
    recorded, before, operator = serve(place, SHARE * seconds)
    record = list(steps(recorded.path))
    judging = Judge(place, place.ledger, Image(
        place, **COUNTED))
    for left, said in images(place.random, before, record, end):
        judging.judge(left, said, before)
    place.verdict = judging.verdict
    place.note(f"{len(record)} steps of the disk")
    place.note(f"{judging.count} images")
    place.note(f"{operator.keys} keys, {operator.backups} backups, "
               f"{operator.ticks} ticks")
