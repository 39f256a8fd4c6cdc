"""The data directory's owner and permissions change, and change back.

The programs run by a user who then may not enter it: some go on with what they
have open, some are killed, so that others have to open it.  Whatever they can't
do is a 503."""

import os
import signal
import time

from installation import NOBODY, ordinary, signalled
from load import Load


def shut(path):
    os.chmod(path, 0)


def give_to_root(path):
    os.chown(path, 0, 0)


def both(path):
    shut(path)
    give_to_root(path)


def put_right(path):
    if os.geteuid() == 0:
        os.chown(path, NOBODY, NOBODY)
    os.chmod(path, 0o700)


# Nobody but root can give something away.
CHANGES = (shut, give_to_root, both) if os.geteuid() == 0 else (shut,)


def change(place, installation, load, how):
    refused, workers = load.refusals, installation.workers()
    how(installation.data)
    place.must(place.until(lambda: load.refusals >= refused + 5, 60),
               "nobody was refused")
    signalled(signal.SIGKILL, place.random.sample(workers, len(workers) // 2))
    place.until(lambda: load.refusals >= refused + 25, 60)


def run(place, seconds):
    installation = place.installation("rights", user=ordinary())
    installation.start()
    changes = 0
    end = time.monotonic() + seconds
    with Load(place, installation, deaths=True) as load:
        while changes < 3 or time.monotonic() < end:
            load.goes_on(10)
            try:
                change(place, installation, load,
                       CHANGES[changes % len(CHANGES)])
            finally:
                put_right(installation.data)
            changes += 1
        load.goes_on(2)
    place.note(f"{changes} changes of the directory's owner or mode")
