"""Programs are reloaded and the web server is restarted under load.

A reload, which is a SIGHUP to the parents, loses no answer at all.  lighttpd
lets requests end before it does, and starts anew by itself after a SIGUSR1;
while there is none, nobody is answered."""

import signal
import time

from installation import signalled
from load import Load


def reload(place, installation):
    before = installation.workers()
    signalled(signal.SIGHUP, installation.parents())
    place.must(place.until(
        lambda: not set(before) & set(installation.workers()), 60),
        "workers outlived a reload")


def run(place, seconds):
    installation = place.installation("restart")
    installation.start()
    reloads = restarts = 0
    end = time.monotonic() + seconds / 2
    with Load(place, installation) as load:
        while reloads == 0 or time.monotonic() < end:
            load.goes_on(1)
            reload(place, installation)
            reloads += 1
        load.goes_on(1)
    end = time.monotonic() + seconds / 2
    with Load(place, installation, deaths=True) as load:
        while restarts < 2 or time.monotonic() < end:
            load.goes_on(1)
            if restarts % 2:
                before = installation.parents()
                installation.web.send_signal(signal.SIGUSR1)
                place.must(place.until(lambda: not set(before) & set(
                    installation.parents()), 60),
                    "programs outlived a restart")
            else:
                installation.stop()
                installation.spawn()
            restarts += 1
            place.must(installation.wait_for_health(),
                       "the server did not come back")
        load.goes_on(1)
    place.note(f"{reloads} reloads, {restarts} restarts")
