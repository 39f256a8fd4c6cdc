"""Where a fault happens: a folder, chance, the ledger, installations, and what
is said of it at the end."""

import contextlib
import os
import random
import threading
import time
from collections import Counter

import judge
from installation import Installation
from ledger import Ledger


class NotRun(Exception):
    """The fault can't be made here, for the reason it says."""


class Place:
    def __init__(self, folder, build, seed):
        self.folder = folder
        self.build = build
        self.random = random.Random(seed)
        self.ledger = Ledger(os.path.join(folder, "ledger"))
        self.installations = []
        self.notes = []
        self.verdict = None
        self.answers = Counter()        # given, refused, unanswered, wrong
        self.wrongs = []
        self.cleanup = contextlib.ExitStack()   # when all has been judged
        self.cleanup.callback(self.ledger.close)
        self.lock = threading.Lock()

    def installation(self, name, **more):
        """One of that name, not started yet."""
        made = Installation(self, name, **more)
        self.installations.append(made)
        self.cleanup.callback(made.stop)
        return made

    def note(self, text):
        """A figure for the table."""
        self.notes.append(text)

    def wrong(self, text):
        with self.lock:
            self.wrongs.append(text)

    def not_run(self, reason):
        raise NotRun(reason)

    def until(self, condition, seconds):
        """Waits for it; whether it came true in time."""
        end = time.monotonic() + seconds
        while not (true := condition()) and time.monotonic() < end:
            time.sleep(0.02)
        return bool(true)

    def must(self, truth, text):
        """Notes what is wrong; returns the truth."""
        if not truth:
            self.wrong(text)
        return truth

    def judge(self, installation=None):
        """Holds the ledger against the database of the installation, or the
        first: the programs are stopped first.  A scenario that leaves a
        database that no promise can be held against doesn't have to."""
        if installation is None:
            installation = self.installations[0]
        installation.stop()
        verdict = judge.compare(self.ledger, installation.database)
        verdict.wrong += judge.check(installation)
        judge.ask(self.ledger, installation, self.random, verdict)
        for line in installation.crashes():
            verdict.wrong.append(line)
        self.verdict = verdict
        return verdict
