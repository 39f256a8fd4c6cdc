"""What clients were promised: a line of JSON each, in the order in which the
answers came.  A 2xx is a promise.  A request without an answer may or may not
have done what it was to do: that is a doubt, unless it was repeated until it
was answered.

    kind             key                value
    account          user's id          username, email, password
    password         user's id          the new one
    deleted-account  user's id          username, password
    login            login's id         user (id), refresh (token)
    rotation         login's id         used, refresh: a token, and what it was
                                        changed for
    ended-login      login's id         a refresh token of it
    session          session's id       user (id), title
    ended-session    session's id
    message          message's id       session, content
    request          request's id       session, prompt
    decision         request's id       response (id), content, status
    late-answer      request's id       content
    key              key's id           user (id), name, key
    deleted-key      key's id
    event            session's id       number, type, sum (of its payload)

Titles, contents, prompts and names of keys are each used once, so that who made
a thing is known by them.  Doubts have the keys of promises, but for things that
would have been made, whose ids nobody knows: those of an account and of a login
are known by the username, all others by their title, content, prompt or name.
"""

import json
import os
import zlib
from dataclasses import dataclass


@dataclass(slots=True)
class Entry:
    sure: bool                  # a promise; else a doubt
    kind: str
    key: str
    value: object


def sum_of(payload):
    return zlib.crc32(json.dumps(payload, sort_keys=True).encode())


class Ledger:
    """Any thread and any process that was forked may write into it."""

    def __init__(self, path):
        self.path = path
        self.file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)

    def _write(self, *entry):
        # One write, which the kernel puts behind all others.
        line = json.dumps(entry).encode() + b"\n"
        if os.write(self.file, line) != len(line):
            raise OSError("the ledger is cut off")

    def promised(self, kind, key, value=None):
        self._write(True, kind, key, value)

    def doubted(self, kind, key, value=None):
        self._write(False, kind, key, value)

    def entries(self):
        """Up to now, in their order."""
        with open(self.path, encoding="utf-8") as file:
            return [Entry(*json.loads(line)) for line in file]

    def close(self):
        os.close(self.file)
