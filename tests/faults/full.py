"""The disk is full, and has room again, over and over.

The databases, the counts of limits.db among them, and the log are on a small
disk.  While it is full, what can't be written is a 503, and nothing else; as
soon as there is room again, all goes on."""

import os
import time

from tmpfs import Disk
from load import Load

REFUSALS = 10                   # that are waited for


def fill(place, disk, load):
    """Until it is felt: for a while there is room in the files themselves."""
    refused = load.refusals

    def is_felt():
        disk.fill()
        return load.refusals >= refused + REFUSALS
    return place.must(place.until(is_felt, 30),
                      "nobody was refused on a full disk")


def run(place, seconds):
    disk = Disk(place, "disk", "96m")
    data = disk.folder("data")
    # Limits that count, and that nobody reaches.
    installation = place.installation(
        "full", data=data, LOG_FILE=os.path.join(disk.path, "log"),
        RATE_LIMIT_PER_USER="1000", RATE_LIMIT_PER_SESSION="1000",
        RATE_LIMIT_PER_CHANNEL="1000", RATE_LIMIT_PER_ADDRESS="1000",
        RATE_LIMIT_WINDOW_SECONDS="1", LOGIN_FAILURES_PER_ACCOUNT="10")
    installation.start()
    times = 0
    end = time.monotonic() + seconds
    with Load(place, installation) as load:
        while times == 0 or time.monotonic() < end:
            load.goes_on(5)
            fill(place, disk, load)
            times += 1
            disk.empty()
        load.goes_on(3)
    place.note(f"full {times} times")
