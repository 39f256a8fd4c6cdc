"""A migration that is killed, runs out of disk, or is made by many at once

A database of the first step, or the second, with much in it, is brought to the
newest: by a command that is killed at a random moment, by one whose disk is full
halfway, and by four commands and two programs at once.  What is there then is
the old content or the new one; and the next start completes it."""

import os
import signal
import subprocess
import time

import old
import tmpfs
from judge import Verdict

USERS = 4000
SIZE = "24M"                    # of the small disk
ROOM = 8192, 1 << 18            # bytes that are left on it


class Migration:
    def __init__(self, place, name, users, data=None):
        self.place = place
        self.users = users
        self.made = place.installation(name, data=data)
        self.command = [os.path.join(place.build, "bin/switchboard"),
                        "migrate"]

    def renew(self):
        """An old database in the place of what is there; its step."""
        for name in os.listdir(self.made.data):
            os.unlink(os.path.join(self.made.data, name))
        step = self.place.random.randint(1, old.NEWEST - 1)
        old.make(self.made.database, step, self.users)
        return step

    def start(self):
        return subprocess.Popen(self.command, env=self.made.environment,
                                stdout=subprocess.DEVNULL,
                                stderr=subprocess.PIPE, text=True)

    def judge(self, verdict, step, what):
        """The old content or the new one, and the next start completes it."""
        found = old.look(self.made.database, (step, old.NEWEST), self.users)
        verdict.hold("database", not found, f"{what}: {found}")
        done = self.made.switchboard("migrate")
        found = old.look(self.made.database, (old.NEWEST,), self.users)
        self.place.must(done.returncode == 0, f"{what}, then migrate: "
                        f"{done.returncode} {done.stderr}")
        verdict.hold("database", not found, f"{what}, then migrate: {found}")


def took(migration):
    """Seconds that one takes which nobody disturbs."""
    migration.renew()
    begun = time.monotonic()
    with migration.start() as process:
        process.communicate()
    return time.monotonic() - begun


def kill(place, migration, verdict, most):
    step = migration.renew()
    with migration.start() as process:
        time.sleep(place.random.random() * most)
        process.send_signal(signal.SIGKILL)
        process.communicate()
    migration.judge(verdict, step, f"killed, from step {step}")
    return process.returncode == -signal.SIGKILL


def crowd(place, migration, verdict):
    """All of them succeed, or were refused for the time being."""
    step = migration.renew()
    processes = [migration.start() for _ in range(4)]
    answers = [migration.made.cgi("meta", "GET", "/health") for _ in range(2)]
    for process in processes:
        _, errors = process.communicate()
        place.must(process.returncode in (0, 69), f"one of four: "
                   f"{process.returncode} {errors}")
    for answer in answers:
        place.must(answer.status in (200, 503), f"/health: {answer}")
    migration.judge(verdict, step, "four at once")


def run_out(place, migration, disk, verdict, room):
    """With less room than it takes; whether it was refused."""
    step = migration.renew()
    disk.fill()
    os.truncate(disk.filler, os.path.getsize(disk.filler) - room)
    with migration.start() as process:
        _, errors = process.communicate()
    refused = process.returncode != 0
    place.must(not refused or (process.returncode == 69 and errors),
               f"on a full disk: {process.returncode} {errors}")
    found = old.look(migration.made.database, (step, old.NEWEST),
                     migration.users) if not refused else []
    place.must(not found, f"on a full disk: {found}")
    disk.empty()
    migration.judge(verdict, step, f"on a full disk, from step {step}")
    return refused


def run(place, seconds):
    end, verdict = time.monotonic() + seconds, Verdict()
    migration = Migration(place, "killed", USERS)
    most = took(migration)
    kills = rounds = full = refused = 0
    disk = tmpfs.Disk(place, "disk", SIZE)
    small = Migration(place, "full", USERS, disk.folder("data"))
    while rounds < 2 or time.monotonic() < end:
        for _ in range(4):
            if kill(place, migration, verdict, most):
                kills += 1
            else:
                most *= 0.6     # the machine has less to do by now
        crowd(place, migration, verdict)
        refused += run_out(place, small, disk, verdict,
                           place.random.randint(*ROOM) if full else ROOM[0])
        full += 1
        rounds += 1
    place.verdict = verdict
    place.note(f"{kills} killed, {rounds} crowds, {refused} of {full} out of "
               f"room, of {most * 1000:.0f} ms each")
    place.must(kills > 0, "nothing was killed in its midst")
    place.must(refused > 0, "the disk was never full")
