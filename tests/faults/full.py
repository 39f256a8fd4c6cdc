"""The disk is full, and has room again, over and over.

The databases and the log are on a small disk.  While it is full, what can't be
written is a 503, and nothing else; as soon as there is room again, all goes on.
With limits it is mostly a count that finds no room, so that is done without
and with them."""

import os
import time

from tmpfs import Disk
from load import Load

REFUSALS = 10                   # that are waited for
# Limits that count, and that nobody reaches.
LIMITS = {
    "RATE_LIMIT_PER_USER": "1000", "RATE_LIMIT_PER_SESSION": "1000",
    "RATE_LIMIT_PER_CHANNEL": "1000", "RATE_LIMIT_PER_ADDRESS": "1000",
    "RATE_LIMIT_WINDOW_SECONDS": "1", "LOGIN_FAILURES_PER_ACCOUNT": "10"}


def fill(place, disk, load):
    """Until it is felt: for a while there is room in the files themselves."""
    refused = load.refusals

    def is_felt():
        disk.fill()
        return load.refusals >= refused + REFUSALS
    return place.must(place.until(is_felt, 30),
                      "nobody was refused on a full disk")


def fill_and_empty(place, disk, installation, seconds):
    """For so long; how many times."""
    times = 0
    end = time.monotonic() + seconds
    with Load(place, installation) as load:
        while times == 0 or time.monotonic() < end:
            load.goes_on(5)
            fill(place, disk, load)
            times += 1
            disk.empty()
        load.goes_on(3)
    return times


def run(place, seconds):
    disk = Disk(place, "disk", "96m")
    installation = place.installation(
        "full", data=disk.folder("data"),
        LOG_FILE=os.path.join(disk.path, "log"))
    installation.start()
    times = fill_and_empty(place, disk, installation, seconds / 2)
    installation.stop()
    installation.environment.update(LIMITS)
    installation.start()
    counted = fill_and_empty(place, disk, installation, seconds / 2)
    place.note(f"full {times} times without and {counted} with limits")
