"""The database can be read and not be written, and can be written again.

By turns its file system is mounted read-only, for which the programs have to
end and start anew, and its files belong to somebody who may only read them.
Reads go on, writes are a 503, and the same processes write again as soon as
they may."""

import os
import signal
import time

from tmpfs import Disk
from installation import ordinary, signalled
from load import Load


def look_around(place, installation, reader):
    """What one who has a token, a password and a session gets meanwhile."""
    token, session = reader.logins[0].access, reader.sessions[0].id
    for path in ("/health", "/api/auth/me", "/api/sessions",
                 f"/api/sessions/{session}", f"/api/sessions/{session}/events"):
        answer = installation.request("GET", path, token=token)
        place.must(answer.status == 200, f"read-only: {path}: {answer}")
    for path, body in (
            (f"/api/sessions/{session}/messages", {"content": "lost"}),
            ("/api/sessions", {"title": "lost"}),
            ("/api/auth/logout-all", None),
            ("/api/auth/register", {
                "username": "lost", "email": "lost@example.com",
                "password": "password123"})):
        answer = installation.request("POST", path, token=token, body=body)
        place.must(answer.refused and "Retry-After" in answer.headers,
                   f"read-only: {path}: {answer}")


def mounted(place, installation, disk, reader):
    installation.stop()
    disk.remount(True)
    try:
        installation.spawn()
        place.must(installation.wait_for_health(),
                   "read-only: the server does not start")
        look_around(place, installation, reader)
    finally:
        disk.remount(False)


def closed(place, installation, reader):
    """Who has the files open may still write, so that others have to come."""
    names = [installation.data, *(
        os.path.join(installation.data, name)
        for name in os.listdir(installation.data)
        if name.startswith("switchboard.db"))]
    modes = {name: os.stat(name).st_mode & 0o777 for name in names}
    for name in names:
        os.chmod(name, modes[name] & 0o555)
    # Not earlier: one that came meanwhile has them open, too.
    before = installation.workers()
    try:
        signalled(signal.SIGKILL, before)
        place.until(lambda: not set(before) & set(installation.workers()), 60)
        look_around(place, installation, reader)
    finally:
        for name in names:
            os.chmod(name, modes[name])


def run(place, seconds):
    disk = Disk(place, "disk", "96m")
    installation = place.installation("readonly", user=ordinary(),
                                      data=disk.folder("data"))
    installation.start()
    turns = 0
    end = time.monotonic() + seconds
    with Load(place, installation, deaths=True) as load:
        reader = load.reader().person
        while turns < 2 or time.monotonic() < end:
            load.goes_on(10)
            if turns % 2 == 0:
                mounted(place, installation, disk, reader)
            else:
                closed(place, installation, reader)
            turns += 1
        load.goes_on(2)
    place.note(f"read-only {turns} times")
