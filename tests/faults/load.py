"""Load: clients that do all that the API promises something for, at once.

    with Load(place, installation) as load:
        ...the fault, while load.goes_on(5)...

As it ends, each client comes to an end of what it began: by then the fault has
to be over."""

import threading
import time
from collections import Counter

from client import Client

LAST = 30                       # seconds, to come to an end of what was begun


class Load:
    """With deaths, processes may be killed: then answers may fail to come."""

    def __init__(self, place, installation, clients=6, deaths=False):
        self.place = place
        self.installation = installation
        self.deaths = deaths
        self.over = threading.Event()
        self.end = None                 # of all patience
        self.leaps = 0                  # of the clock
        self.answers = Counter()        # by status
        self.refusals = 0
        self.unanswered = 0
        self.longest = 0                # seconds that a refusal took
        self.clients = [Client(self, number) for number in range(clients)]

    def __enter__(self):
        for client in self.clients:
            client.start()
        return self

    def __exit__(self, kind, *_):
        self.end = time.monotonic() + (LAST if kind is None else 0)
        self.over.set()
        for client in self.clients:
            client.join()
        counts = self.place.answers
        counts["given"] += sum(self.answers.values())
        counts["refused"] += self.refusals
        counts["unanswered"] += self.unanswered

    def reader(self):
        """A client that has an account and a session, and does nothing by
        itself."""
        client = Client(self, "r")
        client.register()
        client.begin()
        return client

    def goes_on(self, turns, seconds=60):
        """Waits until each client has done so much more; whether all have."""
        least = [client.turns + turns for client in self.clients]
        return self.place.must(self.place.until(
            lambda: all(client.turns >= count for client, count in
                        zip(self.clients, least)), seconds),
            f"a client came no further for {seconds} s")

    def leapt(self):
        """The clock did: what time ends may have ended for the clients."""
        self.leaps += 1

    def call(self, method, path, **more):
        """Calls, and judges the answer by itself."""
        answer = self.installation.request(method, path, **more)
        what = f"{method} {path}: {answer} after {answer.took:.1f} s"
        if answer.status is None or answer.status >= 500 and not answer.ours:
            self.unanswered += 1
            self.place.must(self.deaths, what)
            return answer
        self.answers[answer.status] += 1
        if answer.refused:
            self.refusals += 1
            self.longest = max(self.longest, answer.took)
            self.place.must("Retry-After" in answer.headers,
                            "without Retry-After: " + what)
        else:
            self.place.must(answer.status < 500, what)
        return answer
