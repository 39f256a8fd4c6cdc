"""What an answer has to look like.  A pattern is JSON in which some values are
left open: a Name stands for what the server chose in a certain call, and is
bound to it when that is first seen; a Shape is a text of some form; others are
below.  Holding an answer to a pattern says what differs, or binds."""

import base64
import hashlib
import hmac
import json
import re
from typing import NamedTuple

SECOND = 1_000_000              # times are in microseconds
UUID = "[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
IS_UUID = re.compile(UUID).fullmatch
SECRET_KEY = "9dUkbO7nZxBc3Aq1sTfE5vHy8RmWgLj2"
KID = hashlib.sha256(SECRET_KEY.encode()).hexdigest()[:16]


class Differs(Exception):
    """An answer is not as it should be."""


class Name(NamedTuple):
    """What the server chose, `what' of it, in the call of that number."""

    call: int
    what: str


class Shape(NamedTuple):
    form: str


class Seconds(NamedTuple):
    """A moment as a number of seconds, with all of its microseconds."""

    micros: int


class Offset(NamedTuple):
    """A place in a body of so many bytes."""

    most: int


class Token(NamedTuple):
    """A JWT of ours with these claims; its text has a name, or none."""

    name: Name
    claims: dict


class Secret(NamedTuple):
    """A text of some form, which is kept under a name."""

    name: Name
    form: str


class Among(NamedTuple):
    """Patterns of objects with ids, in the order of their times and ids; of
    those that are not valid the newest, where there is no room for all."""

    all: tuple
    most: int


class Page(NamedTuple):
    """Events after a number: as many as an answer has room for."""

    after: int
    events: tuple


PAGE_EVENTS = 200
PAGE_BYTES = 128 * 1024
ANY_UUID = Shape(UUID)


# -------------------------------------------------------------------- tokens


def _part(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _open(part):
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def sign(claims, kid=KID, key=SECRET_KEY):
    head = {"alg": "HS256", "kid": kid, "typ": "JWT"}
    text = ".".join(_part(json.dumps(part, separators=(",", ":")).encode())
                    for part in (head, claims))
    return text + "." + _part(hmac.digest(key.encode(), text.encode(),
                                          "sha256"))


def claims_of(text):
    """Of a token that we signed; else None."""
    try:
        signed, _, signature = text.rpartition(".")
        head, claims = signed.split(".")
        if _part(hmac.digest(SECRET_KEY.encode(), signed.encode(),
                             "sha256")) != signature:
            return None
        head = _open(head)
        return _open(claims) if head == {
            "alg": "HS256", "kid": KID, "typ": "JWT"} else None
    except (ValueError, TypeError):
        return None


# ------------------------------------------------------------------- matching


class Match:
    """Holds one answer to its pattern, and gathers what is bound by it."""

    def __init__(self, known):
        self.known = known
        self.new = {}

    def value(self, name):
        found = self.known.get(name)
        return self.new.get(name) if found is None else found

    def bind(self, name, text):
        self.new[name] = text

    def all_known(self):
        return {**self.known, **self.new} if self.new else self.known

    def hold(self, want, got, where):
        kind = type(want)
        rule = RULES.get(kind)
        if rule is not None:
            rule(self, want, got, where)
        elif kind is not type(got) or want != got:
            raise Differs(f"{where}: {got!r} instead of {want!r}")

    def hold_object(self, want, got, where):
        if not isinstance(got, dict) or list(want) != list(got):
            raise Differs(f"{where}: {got!r} instead of members {list(want)}")
        for name, value in want.items():
            self.hold(value, got[name], f"{where}.{name}")

    def hold_list(self, want, got, where):
        if not isinstance(got, list) or len(want) != len(got):
            raise Differs(f"{where}: {len(want)} expected, not {got!r}")
        for n, (one, other) in enumerate(zip(want, got)):
            self.hold(one, other, f"{where}[{n}]")

    def hold_shape(self, want, got, where):
        if not isinstance(got, str) or not re.fullmatch(want.form, got):
            raise Differs(f"{where}: {got!r} is not of form {want.form}")

    def hold_seconds(self, want, got, where):
        if isinstance(got, bool) or not hasattr(got, "quantize") or \
                got * SECOND != want.micros:
            raise Differs(f"{where}: {got!r} instead of "
                          f"{want.micros / SECOND}")

    def hold_offset(self, want, got, where):
        if type(got) is not int or not 0 <= got <= want.most:
            raise Differs(f"{where}: {got!r} is not in 0 to {want.most}")

    def hold_name(self, want, got, where):
        have = self.value(want)
        if have is not None:
            if have != got:
                raise Differs(f"{where}: {got!r} instead of {have!r}")
            return
        if not isinstance(got, str) or not IS_UUID(got):
            raise Differs(f"{where}: {got!r} is no UUID of version 7")
        if got in self.known.values() or got in self.new.values():
            raise Differs(f"{where}: {got!r} is another thing's id")
        self.bind(want, got)

    def hold_secret(self, want, got, where):
        have = self.value(want.name)
        if have is not None and have != got:
            raise Differs(f"{where}: another secret than before")
        self.hold_shape(want, got, where)
        if have is None:
            self.bind(want.name, got)

    def hold_token(self, want, got, where):
        have = None if want.name is None else self.value(want.name)
        if have is not None and have != got:
            raise Differs(f"{where}: {got} is another text than {have}")
        claims = claims_of(got) if isinstance(got, str) else None
        if claims is None:
            raise Differs(f"{where}: {got!r} is not signed by us")
        self.hold_object(want.claims, dict(sorted(claims.items())), where)
        if want.name is not None and have is None:
            self.bind(want.name, got)

    def hold_among(self, want, got, where):
        if not isinstance(got, list) or \
                len(got) != min(len(want.all), want.most):
            raise Differs(f"{where}: {min(len(want.all), want.most)} expected,"
                          f" not {got!r}")
        left = list(want.all)
        for n, item in enumerate(got):
            left.remove(self.find(left, want.all, item,
                                  f"{where}[{n}]"))
        order = [(item["timestamp"], item["id"]) for item in got]
        if order != sorted(order):
            raise Differs(f"{where}: not in the order of time")
        shown = [item["timestamp"] for item in got if
                 not item["metadata"]["valid"]]
        for item in left:
            if item["metadata"]["valid"] or \
                    item["timestamp"] > min(shown, default=""):
                raise Differs(f"{where}: {item} is missing")

    def hold_page(self, want, got, where):
        shown = got.get("events") if isinstance(got, dict) else None
        if not isinstance(shown, list):
            raise Differs(f"{where}: {got!r} has no events")
        events = list(want.events[:PAGE_EVENTS])
        size = sum(len(json.dumps(event["payload"], separators=(",", ":"),
                                  ensure_ascii=False).encode())
                   for event in shown)
        if size >= PAGE_BYTES:
            events = events[:len(shown)]
        self.hold({"events": events,
                   "last_id": events[-1]["id"] if events else want.after},
                  got, where)

    def find(self, left, among, item, where):
        """Which of them it is: first those whose ids are known.  Of twins
        another answer will tell which is which."""
        why = None
        for want in sorted(left, key=lambda one: self.value(one["id"]) is
                           None):
            before = dict(self.new)
            try:
                self.hold(want, item, where)
            except Differs as differs:
                self.new = before
                why = why or differs
                continue
            if any(one is not want and self.value(one["id"]) is None and
                   {**one, "id": want["id"]} == want for one in among):
                self.new = before
            return want
        raise why or Differs(f"{where}: {item!r} is one too many")


RULES = {
    dict: Match.hold_object, list: Match.hold_list, Shape: Match.hold_shape,
    Name: Match.hold_name, Seconds: Match.hold_seconds,
    Token: Match.hold_token, Secret: Match.hold_secret,
    Among: Match.hold_among, Offset: Match.hold_offset,
    Page: Match.hold_page,
}


def shown(pattern, known):
    """A pattern as a reader of a report wants it."""
    if isinstance(pattern, Name):
        return known.get(pattern, f"<{pattern.what} of #{pattern.call}>")
    if isinstance(pattern, dict):
        return {name: shown(value, known) for name, value in pattern.items()}
    if isinstance(pattern, list):
        return [shown(value, known) for value in pattern]
    if isinstance(pattern, Page):
        return {"events": [shown(value, known) for value in pattern.events]}
    if isinstance(pattern, Among):
        return [shown(value, known) for value in pattern.all]
    if isinstance(pattern, Shape):
        return f"<{pattern.form}>"
    if isinstance(pattern, Seconds):
        return pattern.micros / SECOND
    if isinstance(pattern, (Token, Secret)):
        return known.get(pattern.name, "<a new one>")
    return pattern
