"""Two versions at once on one data directory, while it is upgraded

The later one has a schema step more, and is made as tests/server/later.mk says.
While clients are at the older one, the later one migrates the database; then they
are at both at once.  Nothing is lost where the earlier programs can work with
the step; where they can't they refuse, say so, and change nothing."""

import copy
import os
import shutil
import sqlite3
import subprocess
from contextlib import closing

from load import Load

HERE = os.path.dirname(os.path.abspath(__file__))
LATER = os.path.join(HERE, "../server/later.mk")


def build(place):
    """Of both kinds; what was compiled since this version was is taken
    again."""
    folder = os.path.join(place.build, "tests/later")
    made, this = (os.path.join(where, "auth") for where in (
        os.path.join(folder, "strict"),
        os.path.join(place.build, "libexec/switchboard")))
    if not os.path.exists(made) or \
            os.path.getmtime(made) < os.path.getmtime(this):
        shutil.rmtree(folder, ignore_errors=True)
    environment = {name: value for name, value in os.environ.items()
                   if name not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    done = subprocess.run(
        ["make", "-s", "-C", place.build, "-f", "Makefile", "-f", LATER,
         "LATER=" + folder, "later"], env=environment, capture_output=True,
        text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError("later.mk: " + done.stdout + done.stderr)
    return folder


def laid_out(place, folder, kind):
    """A place whose installations are of that kind of later version."""
    later = copy.copy(place)
    later.build = os.path.join(place.folder, kind)
    os.makedirs(os.path.join(later.build, "libexec"))
    os.makedirs(os.path.join(later.build, "bin"))
    os.symlink(os.path.join(folder, kind),
               os.path.join(later.build, "libexec/switchboard"))
    os.symlink(os.path.join(folder, kind, "switchboard"),
               os.path.join(later.build, "bin/switchboard"))
    os.symlink(os.path.join(place.build, "share"),
               os.path.join(later.build, "share"))
    return later


class Both:
    """Whoever calls meets either."""

    def __init__(self, place, *installations):
        self.place = place
        self.installations = installations
        self.count = 1

    def request(self, *call, **more):
        return self.place.random.choice(
            self.installations[:self.count]).request(*call, **more)


def step_of(path):
    with closing(sqlite3.connect(path)) as database:
        return database.execute("PRAGMA user_version").fetchone()[0]


def work_together(place, folder, seconds):
    earlier = place.installation("earlier")
    later = laid_out(place, folder, "gentle").installation(
        "later", data=earlier.data)
    earlier.start()
    both = Both(place, earlier, later)
    before = step_of(earlier.database)
    with Load(place, both) as load:
        load.goes_on(3)
        done = later.switchboard("migrate")
        place.must(done.returncode == 0, f"migrate: {done.stderr}")
        load.goes_on(3)
        later.start()
        both.count = 2
        load.goes_on(3)
        load.over.wait(seconds)
    later.stop()
    place.must(step_of(earlier.database) == before + 1,
               "the later version did not migrate")


def refuse(place, folder):
    """One whose step the earlier programs can't work with."""
    earlier = place.installation("refused")
    later = laid_out(place, folder, "strict").installation(
        "strictly", data=earlier.data)

    def register(installation, name):
        return installation.cgi("auth", "POST", "/api/auth/register", body={
            "username": name, "email": name + "@example.com",
            "password": "password123"})

    place.must(register(earlier, "before").status == 201, "before")
    place.must(register(later, "after").status == 201, "after")
    answer = register(earlier, "never")
    place.must(answer.status in (500, 503), f"the earlier one: {answer}")
    with open(earlier.log, encoding="utf-8") as log:
        place.must("install the newer programs" in log.read(),
                   "the log does not say why")
    found = earlier.switchboard("check", "--json")
    place.must("install the newer version" in found.stdout,
               f"check: {found.stdout}")
    with closing(sqlite3.connect(earlier.database)) as database:
        names = [name for name, in database.execute(
            "SELECT username FROM users ORDER BY id")]
    place.must(names == ["before", "after"], f"users: {names}")


def run(place, seconds):
    folder = build(place)
    work_together(place, folder, seconds)
    refuse(place, folder)
    place.note("a later version with a schema step more, beside this one")
