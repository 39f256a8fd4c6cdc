"""Who follow sessions: by poll and by stream, changing between them, leaving in
the middle of answers and coming back with their cursor."""

import json
import random
import threading
import time
import zlib
from dataclasses import dataclass, field

import fastcgi

PATIENCE = 30                   # seconds, for the end of a session


@dataclass
class Followed:
    """A session, as a follower saw it."""

    session: str
    first: int                  # the cursor that it began with
    events: list = field(default_factory=list)  # number, type, sum
    lost: int = 0
    repeated: int = 0
    wrong: list = field(default_factory=list)
    polls: int = 0
    streams: int = 0
    broken: int = 0             # answers that ended too early, or never came
    refused: int = 0            # as too many wait


def sum_of(payload):
    return zlib.crc32(json.dumps(payload, sort_keys=True).encode())


def streamed(where):
    """The events of a stream that came to their ends: id, name, data; of a
    refusal its status alone."""
    text, fields, head = b"", {}, None
    for part in fastcgi.parts(where):
        text += part
        if head is None:
            head, found, rest = text.partition(b"\r\n\r\n")
            if not found:
                head = None
                continue
            status = int(fastcgi.STATUS.search(head)[1])
            if status != 200:
                yield status, None, None
                return
            text = rest
        *lines, text = text.split(b"\n")
        for line in lines:
            name, _, value = line.partition(b":")
            if line == b"" and b"data" in fields:
                yield int(fields[b"id"]), fields[b"event"].decode(), \
                    json.loads(fields[b"data"])
            if line == b"":
                fields = {}
            elif name:
                fields[name] = value.strip()

# Whether a 503 is one more reason to ask again.
ASKS_AGAIN = False


class Follower:
    def __init__(self, programs, user, killing, stopping, seed):
        self.chat = programs["chat"].path
        self.events = programs["events"].path
        self.user = user
        self.killing = killing
        self.stopping = stopping
        self.chance = random.Random(seed)
        self.known = set()
        self.found = []

    def run(self):
        while not self.stopping.is_set():
            session = self.another()
            if session is None:
                time.sleep(0.05)
                continue
            self.known.add(session)
            self.follow(session)

    def another(self):
        """The newest session that it has not followed yet."""
        answer = fastcgi.ask(self.chat, "GET",
                             "/api/sessions?active_only=true&limit=3",
                             self.user.token)
        if answer.status != 200:
            return None
        return next((session["id"] for session in answer.json()["sessions"]
                     if session["id"] not in self.known), None)

    def follow(self, session):
        followed = Followed(session, 0)
        self.found.append(followed)
        if self.chance.random() < 0.3:
            followed.first = self.somewhere(followed)
        cursor, end, ended = followed.first, None, False
        while not ended:
            if self.stopping.is_set():
                end = end or time.monotonic() + PATIENCE
            if end is not None and time.monotonic() > end:
                followed.wrong.append(f"no session_ended came to one who "
                                      f"follows {session} after {cursor}")
                return
            way = self.chance.choice((self.poll, self.stream, self.leave))
            for number, name, payload in way(followed, cursor):
                if number <= cursor:
                    followed.repeated += 1
                    followed.wrong.append(f"{number} of {session} came again")
                    continue
                if number > cursor + 1:
                    followed.lost += number - cursor - 1
                    followed.wrong.append(f"{cursor} of {session} was followed"
                                          f" by {number}")
                cursor = number
                followed.events.append((number, name, sum_of(payload)))
                if name == "session_ended":
                    ended = True
                    break

    def somewhere(self, followed):
        """The cursor of what is there, or a smaller one."""
        last = 0
        for number, name, _ in self.poll(followed, 0):
            if name != "session_ended":
                last = number
        return self.chance.randrange(last + 1)

    def refusal(self, followed, status):
        if status is None:
            followed.broken += 1
        elif status == 429 or (status == 503 and ASKS_AGAIN):
            followed.refused += 1
        else:
            followed.wrong.append(f"events were answered by {status}")
        time.sleep(0.02)

    def send(self, followed, cursor, accept, query, **fields):
        return fastcgi.send(
            self.events, "GET",
            f"/api/sessions/{followed.session}/events{query}",
            self.user.token, accept=accept, **fields)

    def poll(self, followed, cursor):
        wait = self.chance.choice((0, 1, 2))
        answer = fastcgi.receive(self.send(
            followed, cursor, self.chance.choice(("application/json", "*/*")),
            f"?after={cursor}&wait={wait}"))
        followed.polls += 1
        if answer.status != 200:
            self.refusal(followed, answer.status)
            return
        body = answer.json()
        last = body["events"][-1]["id"] if body["events"] else cursor
        if body["last_id"] != last:
            followed.wrong.append(f"last_id is {body['last_id']}, not {last}")
        for event in body["events"]:
            yield int(event["id"]), event["type"], event["payload"]

    def stream(self, followed, cursor):
        """Some events of it; its cursor is in the one place, or both."""
        fields = {"last_event_id": str(cursor)}
        query = f"?after={self.chance.choice((0, cursor))}"
        if self.chance.random() < 0.5:
            fields, query = {}, f"?after={cursor}"
        left = self.chance.randrange(1, 40)
        followed.streams += 1
        with self.send(followed, cursor, "text/event-stream", query,
                       **fields) as where:
            n = 0
            for number, name, payload in streamed(where):
                if name is None:
                    self.refusal(followed, number)
                    return
                n += 1
                yield number, name, payload
                if n == left:
                    return
        followed.broken += 1

    def leave(self, followed, cursor):
        """Goes away before the answer, or in the middle of it."""
        accept = self.chance.choice(("application/json", "text/event-stream"))
        with self.send(followed, cursor, accept,
                       f"?after={cursor}&wait=1") as where:
            time.sleep(self.chance.choice((0, 0.001, 0.01)))
            if self.chance.random() < 0.5:
                where.settimeout(0.2)
                try:
                    where.recv(100)
                except (TimeoutError, ConnectionResetError):
                    pass
        return ()


def run(programs, users, count, killing, stopping, seed):
    """So many of them at once; what they saw."""
    all_of_them = [Follower(programs, users[n % len(users)], killing, stopping,
                            seed + 1000 + n) for n in range(count)]
    threads = [threading.Thread(target=follower.run)
               for follower in all_of_them]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [followed for follower in all_of_them
            for followed in follower.found]
