"""A power cut, at any moment: what was promised before it is there

Below SQLite: record.c notes what the programs ask of the disk, in one order,
and the clients' promises among it; disk.py makes of that what may be left at
random moments; and each of these is judged like a database that was used.
Meanwhile the command line makes keys, backups and checkpoints, whose success is
a promise, too.  A migration and restores follow, on disks of their own; and the
same for programs that flush no file, or no folder, of which something has to
get lost."""

import copy
import json
import os
import shutil
import sqlite3
import stat
import threading
import time
from contextlib import closing

import disk
import judge
import old
from disk import Disk, steps
from image import Image, Then, step_of
from installation import PROGRAMS
from ledger import Ledger
from load import Load

ASKED = 10                      # one in so many images is asked by programs, too
FEW = 4                         # likewise, by comparing the backup, too
SHARE = 0.3                     # of the time is for making the record
LOAD = 2, 5                     # seconds of it, as images grow with it
EARLY = 400                     # steps until all is made
GUESS = 0.03                    # seconds that an image takes
NAP = 0.15                      # between two commands
CONTROLS = 60                   # images of a deaf disk, until one lacks something
PARTS = 0.6, 0.15, 0.15, 0.1    # of the time: load, migration, two restores
# Counts are written, and the secret is made that they are named by.
COUNTED = {"LOGIN_FAILURES_PER_ACCOUNT": "100",
           "RATE_LIMIT_PER_ADDRESS": "1000", "RATE_LIMIT_WINDOW_SECONDS": "1"}
USERS = 8                       # of a database that is restored
MANY = 300                      # of one that is migrated


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
        verdict = judge.Verdict()
        try:
            if step_of(path) != 0:
                return judge.compare(then, path)
        except sqlite3.Error as error:
            verdict.wrong.append(f"{path}: {error}")
        for entry in then.entries():
            if entry.sure:
                verdict.hold(entry.kind, False, "there is no database")
        return verdict

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


def judge_load(place, image, seconds):
    """What is left of the disk that the load was on."""
    recorded, before, operator = serve(place, SHARE * seconds)
    record = list(steps(recorded.path))
    fresh = copy.deepcopy(before)
    judging = Judge(place, place.ledger, image)
    end = time.monotonic() + (1 - SHARE) * seconds
    for left, said in images(place.random, before, record, end):
        judging.judge(left, said, before)
    place.verdict = judging.verdict
    place.note(f"{len(record)} steps of the disk")
    place.note(f"{judging.count} images of load")
    place.note(f"{operator.keys} keys, {operator.backups} backups, "
               f"{operator.ticks} ticks")
    for name, deaf in (("file", disk.FLUSHED), ("folder", disk.FOLDER_FLUSHED)):
        control(place, image, copy.deepcopy(fresh), record, name, deaf)


def control(place, image, before, record, name, deaf):
    """Programs that don't flush that lose something, and it is noticed."""
    before.deaf = deaf
    judging = Judge(place, place.ledger, image)
    said, each = Said(), max(1, len(record) // CONTROLS)
    for number, step in enumerate(record):
        if step.kind == disk.SAID:
            said.take(step.name)
        else:
            before.take(step)
        if number % each == 0 and said.ledger > 0:
            judging.judge(before.after_cut(place.random), said, before)
            if judging.verdict.lost or judging.verdict.wrong:
                return
    place.wrong(f"without a flush of any {name} nothing got lost in "
                f"{judging.count} images: this test can't fail")


def cut_command(place, image, recorded, arguments, look, seconds):
    """Lets the command run, and has look(whether it had ended) judge what is
    left of many moments of it; it returns what is wrong."""
    before = Disk(recorded.folder)
    recorded.command(*arguments)
    recorded.say("ended")
    count, end = 0, time.monotonic() + seconds
    for left, said in images(place.random, before, list(steps(recorded.path)),
                             end):
        image.clear()
        before.lay_out(left, image.folder)
        for text in look("ended" in said.marks):
            place.wrong(f"switchboard {arguments[0]}: {text}")
        count += 1
    place.note(f"{count} of {arguments[0]}")


def migrate(place, image, seconds):
    """The old content or the new one; and the next start completes it."""
    recorded = Recorded(place, "migration")
    os.mkdir(recorded.installation.data, 0o700)
    old.make(recorded.installation.database, 1, MANY)
    database = image.installation.database

    def look(ended):
        found = old.look(database, (old.NEWEST,) if ended else (1, old.NEWEST),
                         MANY)
        done = image.installation.switchboard("migrate")
        if done.returncode != 0:
            found.append(f"then migrate: {done.returncode} {done.stderr}")
        return found + old.look(database, (old.NEWEST,), MANY)

    cut_command(place, image, recorded, ["migrate"], look, seconds)


def names_of(database):
    with closing(sqlite3.connect(database)) as file:
        return {name for name, in file.execute("SELECT username FROM users")}


def people(place, name):
    """The data directory of an installation that has some users."""
    made = place.installation(name)
    for number in range(USERS):
        answer = made.cgi("auth", "POST", "/api/auth/register", body={
            "username": f"{name}{number}", "password": "password123",
            "email": f"{name}{number}@example.com"})
        place.must(answer.status == 201, f"register: {answer}")
    return made


def restore(place, image, before, saved, name, seconds):
    """What was there or what was saved, with its keys once the command has
    ended.  Doing it again completes it."""
    recorded = Recorded(place, name)
    shutil.copytree(before.data, recorded.installation.data)
    if name == "over-damage":
        os.truncate(recorded.installation.database, 8192)
    backup = os.path.join(recorded.folder, "backup")
    shutil.copy(os.path.join(place.folder, "saved.backup"), backup)
    old_names, new_names = (names_of(one.database) for one in (before, saved))
    with open(os.path.join(saved.data, "signing-keys.json"), "rb") as file:
        keys = file.read()

    def look(ended):
        found = image.flaws() if ended else []
        if ended or name != "over-damage":
            names = names_of(image.installation.database)
            if names != new_names and (ended or names != old_names):
                found.append(f"the users are {names}")
        done = image.installation.switchboard("restore", "--force", os.path.join(
            image.folder, "backup"))
        if done.returncode != 0:
            found.append(f"then restore: {done.returncode} {done.stderr}")
        elif names_of(image.installation.database) != new_names:
            found.append("a second restore doesn't complete it")
        return found

    def look_at_keys(ended):
        path = os.path.join(image.data, "signing-keys.json")
        with open(path, "rb") as file:
            found = [] if not ended or file.read() == keys else \
                ["the keys are not those of the backup"]
        return found + look(ended)

    cut_command(place, image, recorded, ["restore", "--force", backup],
                look_at_keys, seconds)


def run(place, seconds):
    image = Image(place, **COUNTED)
    load, migration, whole, damaged = (part * seconds for part in PARTS)
    judge_load(place, image, load)
    migrate(place, image, migration)
    before, saved = people(place, "before"), people(place, "saved")
    done = saved.switchboard("backup", os.path.join(place.folder, "saved.backup"))
    place.must(done.returncode == 0, f"backup: {done.stderr}")
    restore(place, image, before, saved, "restore", whole)
    restore(place, image, before, saved, "over-damage", damaged)
