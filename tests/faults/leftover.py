"""A WAL that a crash has left, cut off anywhere, or beside another database

Programs write, and never fold the WAL back.  Copies of what they leave have the WAL cut off at every frame and in the midst of frames: all that
was promised before the frames that are gone is there, with a stale index beside
it, too.  A WAL beside a database that restore has put in place belongs to that
one, and one beside no database is cleared away."""

import os
import shutil
import sqlite3
import struct
import time
from contextlib import closing

from image import Image
from judge import Verdict

HEADER, FRAME = 32, 24          # bytes, of a WAL and of each frame
USERS = 12


def commits(wal):
    """Where each transaction in a WAL ends (https://sqlite.org/fileformat2),
    and where each frame does."""
    size = struct.unpack_from(">I", wal, 8)[0]
    salts = wal[16:24]
    frames, ends = [], []
    for at in range(HEADER, len(wal) - FRAME - size + 1, FRAME + size):
        if wal[at + 8:at + 16] != salts:
            break
        frames.append(at + FRAME + size)
        if struct.unpack_from(">I", wal, at + 4)[0] != 0:
            ends.append(at + FRAME + size)
    return frames, ends


class Left:
    """What programs leave that write and never fold the WAL back, as plain CGI
    does; and where in it each answer was given."""

    def __init__(self, place):
        self.place = place
        self.made = place.installation("left")
        done = self.made.switchboard("migrate")
        place.must(done.returncode == 0, f"migrate: {done.stderr}")
        self.register("first")
        self.made.switchboard("tick", "--quiet")
        with closing(sqlite3.connect(self.made.database)) as database:
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        # By then all is in the file; what follows is in the WAL alone.
        self.folder = os.path.join(place.folder, "left-copy")
        self.told = {}
        shutil.copytree(self.made.data, self.folder + ".before")
        for number in range(USERS):
            name = f"user{number}"
            self.register(name)
            self.told[name] = self.end_of_wal()
        shutil.copytree(self.made.data, self.folder)
        with open(self.folder + "/switchboard.db-wal", "rb") as file:
            self.wal = file.read()

    def end_of_wal(self):
        with open(self.made.database + "-wal", "rb") as file:
            return commits(file.read())[1][-1]

    def register(self, name):
        answer = self.made.cgi("auth", "POST", "/api/auth/register", body={
            "username": name, "email": name + "@example.com",
            "password": "password123"})
        self.place.must(answer.status == 201, f"register: {answer}")


def names_of(path):
    with closing(sqlite3.connect(path)) as database:
        return {name for name, in database.execute(
            "SELECT username FROM users")}


def judge_cut(place, left, image, verdict, size, stale):
    """With the WAL cut off there, and the index of before beside it or not."""
    image.clear()
    shutil.copytree(left.folder, image.data)
    os.truncate(image.installation.database + "-wal", size)
    index = image.installation.database + "-shm"
    if not stale and os.path.exists(index):
        os.unlink(index)
    answer = image.installation.cgi("auth", "POST", "/api/auth/login",
                                    form="username=first&password=password123")
    place.must(answer.status == 200, f"cut at {size}: {answer}")
    names = names_of(image.installation.database)
    for name, end in left.told.items():
        if end <= size:
            verdict.hold("account", name in names, f"{name}, of {end}, with "
                         f"the WAL cut off at {size}")
    place.must(names <= set(left.told) | {"first"}, f"{size}: {names}")


def restored(place, left, image):
    """A WAL of before stays behind when a database is put in place: by restore,
    over a damaged one, and where there is none."""
    saved = os.path.join(place.folder, "first.backup")
    source = Image(place, "source")
    source.clear()
    shutil.copytree(left.folder + ".before", source.data)
    done = source.installation.switchboard("backup", saved)
    place.must(done.returncode == 0, f"backup: {done.stderr}")
    for way in ("whole", "damaged", "emptied", "gone"):
        image.clear()
        shutil.copytree(left.folder, image.data)
        path = image.installation.database
        if way == "damaged":
            os.truncate(path, 5000)
            with open(path, "r+b") as file:
                file.write(b"rubbish" * 20)
        elif way == "emptied":
            os.truncate(path, 0)
        elif way == "gone":
            os.unlink(path)
        done = image.installation.switchboard("restore", "--force", saved)
        place.must(done.returncode == 0, f"restore, {way}: {done.stderr}")
        names = names_of(path)
        place.must(names == {"first"}, f"restored, {way}: {names}")
        place.must(not image.flaws(), f"restored, {way}: {image.flaws()}")


def emptied(place, left, image):
    """A database of no bytes beside a WAL that has some is damage: nothing is
    made of it, and the WAL stays."""
    image.clear()
    shutil.copytree(left.folder, image.data)
    os.truncate(image.installation.database, 0)
    answer = image.installation.cgi("auth", "POST", "/api/auth/login",
                                    form="username=first&password=password123")
    place.must(answer.status == 500, f"with an empty database: {answer}")
    with open(image.installation.database + "-wal", "rb") as file:
        place.must(file.read() == left.wal, "the WAL was changed")
    place.must(any("is gone" in text for text in image.flaws()),
               f"check of an empty database: {image.flaws()}")


def run(place, seconds):
    end = time.monotonic() + seconds
    left = Left(place)
    image = Image(place)
    verdict = Verdict()
    restored(place, left, image)
    emptied(place, left, image)
    frames, ends = commits(left.wal)
    place.must(len(ends) >= USERS, f"{len(ends)} transactions in the WAL")
    sizes = [0, HEADER, *ends, len(left.wal)]
    place.random.shuffle(frames)
    for frame in frames:
        sizes += [frame, frame - place.random.randrange(1, FRAME + 4096)]
    done = 0
    for size in sizes:
        judge_cut(place, left, image, verdict, size, place.random.random() < .5)
        done += 1
        if done > 2 + len(ends) and time.monotonic() > end:
            break
    place.verdict = verdict
    place.note(f"{done} places to cut off a WAL of {len(ends)} transactions "
               f"in {len(frames)} frames")
