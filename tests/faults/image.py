"""An installation made of what is left of another's disk, for the programs to
find; and the promises of a moment, for judge.py."""

import os
import shutil
import sqlite3
from contextlib import closing

import judge
from ledger import Entry

# By what a thing is known that may or may not have been made.
NAMES = {"account": "username", "session": "title", "message": "content",
         "request": "prompt", "key": "name"}


class Then:
    """A ledger as it was: what was promised since may have been done."""

    def __init__(self, ledger, size):
        self.ledger = ledger
        self.size = size        # of its file, in bytes

    def entries(self):
        with open(self.ledger.path, "rb") as file:
            sure = file.read(self.size).count(b"\n")
        entries = self.ledger.entries()
        users = {entry.key: entry.value["username"] for entry in entries
                 if entry.sure and entry.kind == "account"}
        return entries[:sure] + [doubt(entry, users)
                                 for entry in entries[sure:]]


def doubt(entry, users):
    key = entry.key
    if entry.sure and entry.kind in NAMES:
        key = entry.value[NAMES[entry.kind]]
    elif entry.sure and entry.kind == "login":
        key = users[entry.value["user"]]
    return Entry(False, entry.kind, key, entry.value)


def step_of(path):
    """The schema's; 0: there is no database, or an empty one."""
    if not os.path.exists(path) or os.path.getsize(path) == 0:
        return 0
    with closing(sqlite3.connect(path)) as database:
        return database.execute("PRAGMA user_version").fetchone()[0]


class Image:
    """One disk at a time, with the data directory of an installation that is
    never started."""

    def __init__(self, place, name="image", **settings):
        self.folder = os.path.join(place.folder, name + "-disk")
        self.installation = place.installation(
            name, data=os.path.join(self.folder, "data"), **settings)
        self.data = self.installation.data
        with open(self.installation.log, "xb"):
            pass

    def clear(self):
        shutil.rmtree(self.folder, ignore_errors=True)

    def flaws(self):
        """What `switchboard check' finds broken in the store, looked for before
        anybody has opened it."""
        return judge.check(self.installation)
