"""Random workers, parents and the web server are killed under load.

Seven times a second a process gets a SIGKILL: mostly a worker, often a
parent, which takes its workers with it, and at times lighttpd, which takes all
of them with it and is started anew at once, as a supervisor does."""

import signal
import time
from collections import Counter

from installation import signalled
from load import Load

PAUSE = 0.15                    # seconds between two


def kill_one(place, installation, killed):
    chance = place.random.random()
    if chance < 0.05:
        installation.web.kill()
        installation.web.wait()
        installation.spawn()
        killed["web servers"] += 1
        return
    some = installation.parents() if chance < 0.25 else installation.workers()
    if some:
        killed["parents" if chance < 0.25 else "workers"] += signalled(
            signal.SIGKILL, [place.random.choice(some)])


def run(place, seconds):
    installation = place.installation("kill")
    installation.start()
    killed = Counter()
    end = time.monotonic() + seconds
    with Load(place, installation, deaths=True) as load:
        while time.monotonic() < end:
            kill_one(place, installation, killed)
            time.sleep(PAUSE)
        place.must(installation.wait_for_health(),
                   "the server did not come back")
        load.goes_on(1)
    place.note(f"{killed.total()} kills: " + ", ".join(
        f"{count} {what}" for what, count in killed.most_common()))
