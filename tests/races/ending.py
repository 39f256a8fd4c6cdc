"""How a runner of tests ends when it is told to: as by an exception, so that
what was to be undone is undone, and nothing that it has started outlives it.

    with ending.tidily():
        ...

A process that it forks to start programs of its own does the same."""

import contextlib
import os
import signal
import sys
import time

TOLD_BY = signal.SIGINT, signal.SIGTERM, signal.SIGHUP
PATIENCE = 20                   # seconds, with a child that cleans up


def leave(number, _):
    # Once is enough: a second one would break off the cleaning up.
    for one in TOLD_BY:
        signal.signal(one, lambda *_: None)
    sys.exit(128 + number)


def children(parent):
    """The ids of a process's children, those that have just died, too."""
    found = []
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        for thread in os.listdir(f"/proc/{parent}/task"):
            with open(f"/proc/{parent}/task/{thread}/children",
                      encoding="ascii") as file:
                found += map(int, file.read().split())
    return found


def has_gone(child):
    try:
        return os.waitpid(child, os.WNOHANG)[0] == child
    except ChildProcessError:
        return True


def end_children():
    """What was just being started is in nobody's hands yet; and it may miss
    that it is told to end, so it is told again."""
    for number, seconds in (signal.SIGTERM, PATIENCE), (signal.SIGKILL, 1):
        end = time.monotonic() + seconds
        while time.monotonic() < end and (left := [
                child for child in children(os.getpid())
                if not has_gone(child)]):
            for child in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(child, number)
            time.sleep(0.05)


def when_told(act):
    """What somebody wants ignored, as nohup does, is ignored."""
    for number in TOLD_BY:
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, act)


def at_once():
    """For a fork that has nothing to undo, whatever its threads wait for."""
    when_told(signal.SIG_DFL)


@contextlib.contextmanager
def tidily():
    when_told(leave)
    try:
        yield
    finally:
        end_children()
