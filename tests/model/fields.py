"""What calls take, and what is wrong with an input: section 2 of the contract.
Each table lists the fields of a route in their declared order."""

import json
import re
import unicodedata
import urllib.parse
from typing import NamedTuple

import wire
from values import Offset, Shape

CHANNELS = ("websocket", "email", "slack")
ANY = Shape("(?s).+")
ABSENT = object()
BODY_MAX = 64 * 1024
IS_UUID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}").fullmatch
KEY_FORM = "^[A-Za-z0-9._-]{1,64}$"


class Field(NamedTuple):
    name: str
    kind: str = "text"          # or int, bool, enum, uuid, texts, email
    low: int = None
    high: int = None
    optional: bool = False
    choices: tuple = ()
    place: str = "body"
    secret: bool = False
    form: str = None            # a regular expression
    wrong: object = None        # whether a text is refused for what it is
    fewest: int = 0             # items
    most: int = 0


class Input(NamedTuple):
    values: dict
    errors: list                # of a 422; or "too large"


# ------------------------------------------------------------------- formats


def username_key(text):
    def nfkc(part):
        return unicodedata.normalize("NFKC", part)
    return nfkc(nfkc(text).casefold())


def email_key(text):
    local, _, domain = text.rpartition("@")
    return unicodedata.normalize("NFC", local).casefold() + "@" + \
        domain.lower()


def is_no_email(text):
    """Of those that are sent here."""
    return not re.fullmatch(r"[\w.+-]+@[\w-]+(\.[\w-]+)*\.(com|org)", text,
                            re.IGNORECASE)


def is_no_username(text):
    return "@" in text or text != text.strip() or "  " in text or \
        any(unicodedata.category(c)[0] in "CZ" and c != " " for c in text)


def is_no_password(text):
    return any(unicodedata.category(c) == "Cc" for c in text)


# --------------------------------------------------------------------- tables

EMAIL = Field("email", "email", wrong=is_no_email)
USERNAME = Field("username", "text", 3, 50, wrong=is_no_username)
CURRENT = Field("current_password", "text", 1, 1024, secret=True)
SESSION = Field("id", "uuid", place="path")
REQUEST = Field("request_id", "uuid", place="path")
KEY = Field("idempotency-key", place="header", optional=True, form=KEY_FORM)


def grant(name):
    return Field("grant_type", optional=True, form=f"^{name}$")


def a_channel(name="channel"):
    return Field(name, "enum", choices=CHANNELS, optional=True)


def a_number(name, low, high):
    return Field(name, "int", low, high, True, place="query")


def a_cursor(name):
    return Field(name, "uuid", place="query", optional=True)


REGISTER = (EMAIL, USERNAME, Field("password", "text", 8, 1024, secret=True,
                                   wrong=is_no_password))
LOGIN = (grant("password"), Field("username"),
         Field("password", "text", 1, 1024, secret=True),
         Field("scope", optional=True), Field("client_id", optional=True),
         Field("client_secret", optional=True, secret=True),
         Field("refresh_token", optional=True, secret=True))
REFRESH = (grant("refresh_token"), Field("refresh_token", secret=True))
LOGOUT = (Field("refresh_token", secret=True),)
CHANGE_ME = (EMAIL._replace(optional=True), USERNAME._replace(optional=True),
             CURRENT)
DELETE_ME = (CURRENT,)
PASSWORD = (CURRENT, Field("new_password", "text", 8, 1024, secret=True,
                           wrong=is_no_password))
NEW_KEY = (Field("name", "text", 1, 100),
           Field("scopes", "texts", choices=("agent",), optional=True,
                 fewest=1, most=1),
           Field("webhook_url", "text", 1, 2000, True,
                 wrong=lambda text: not text.startswith("https://")))
BEGIN = (a_channel("preferred_channel"), Field("title", "text", 1, 200, True),
         KEY)
LIST = (Field("active_only", "bool", optional=True, place="query"),
        a_number("limit", 1, 100), a_cursor("before"))
CHANGE = (SESSION, a_channel("preferred_channel"),
          Field("title", "text", 1, 200, True),
          Field("status", "enum", choices=("active", "paused"),
                optional=True),
          Field("agent_status", "enum", optional=True,
                choices=("idle", "thinking", "responding", "error")))
MESSAGES = (SESSION, a_number("limit", 1, 200), a_cursor("before"),
            a_cursor("after"))
SAY = (SESSION, Field("content", "text", 1, 32000), a_channel(),
       Field("type", "enum", choices=("user", "agent", "system"),
             optional=True), KEY)
ASK = (SESSION, Field("type", "enum", choices=("approval", "input")),
       Field("prompt", "text", 1, 4000),
       Field("channels", "texts", choices=CHANNELS, optional=True, fewest=1,
             most=3),
       Field("choices", "texts", 1, 200, True, fewest=2, most=10),
       Field("priority", "int", 0, 9, True),
       Field("expires_in", "int", 60, 8760 * 3600, True), KEY)
RESPOND = (SESSION, REQUEST, Field("content", "text", 1, 4000), a_channel(),
           KEY)
EVENTS = (SESSION, a_number("after", 0, 2**63 - 1), a_number("wait", 0, 25),
          Field("last-event-id", place="header", optional=True))
ASKED = (SESSION, REQUEST, a_number("wait", 0, 60))
CLEANUP = (KEY,)


# ------------------------------------------------------------------- checking


def entry(kind, loc, message, given=ABSENT, context=None):
    made = {"type": kind, "loc": loc, "msg": message}
    if given is not ABSENT:
        made["input"] = given
    if context is not None:
        made["ctx"] = context
    return made


def plural(number, noun):
    return f"{number} {noun}{'' if number == 1 else 's'}"


class Checker:
    """One input against its table."""

    def __init__(self, fields):
        self.fields = fields
        self.errors = []
        self.values = {}

    def say(self, field, kind, message, given, context=None, more=()):
        self.errors.append(entry(
            kind, [field.place, field.name, *more], message,
            ABSENT if field.secret else given, context))
        return ABSENT

    def refused(self, field, given, start="Value error, ", more=()):
        """For a reason that the contract leaves to us."""
        return self.say(field, "value_error", Shape("(?s)" + re.escape(start) +
                        ".+"), given, {"reason": ANY}, more)

    def text(self, field, given, more=()):
        if not isinstance(given, str):
            return self.say(field, "string_type",
                            "Input should be a valid string", given, more=more)
        low, high = field.low or 0, field.high
        if len(given) < low:
            return self.say(field, "string_too_short", "String should have at "
                            f"least {plural(low, 'character')}", given,
                            {"min_length": low}, more)
        if high is not None and len(given) > high:
            return self.say(field, "string_too_long", "String should have at "
                            f"most {plural(high, 'character')}", given,
                            {"max_length": high}, more)
        if field.form is not None and not re.search(field.form, given):
            return self.say(field, "string_pattern_mismatch", "String should "
                            f"match pattern '{field.form}'", given,
                            {"pattern": field.form})
        if field.wrong is not None and field.wrong(given):
            return self.refused(field, given, "value is not a valid email "
                                "address: " if field.kind == "email" else
                                "Value error, ")
        return given

    email = text

    def uuid(self, field, given):
        return given if IS_UUID(given) else self.refused(field, given)

    def int(self, field, given):
        number = given
        if isinstance(given, str):
            if not re.fullmatch("[+-]?[0-9]+", given) or \
                    abs(int(given)) >= 2**63:
                return self.say(field, "int_parsing", "Input should be a "
                                "valid integer, unable to parse string as an "
                                "integer", given)
            number = int(given)
        elif type(given) is not int:
            return self.say(field, "int_type",
                            "Input should be a valid integer", given)
        if number < field.low:
            return self.bound(field, given, "greater", "ge", field.low)
        if number > field.high:
            return self.bound(field, given, "less", "le", field.high)
        return number

    def bound(self, field, given, word, name, bound):
        return self.say(field, f"{word}_than_equal", f"Input should be {word} "
                        f"than or equal to {bound}", given, {name: bound})

    def bool(self, field, given):
        words = {"1": True, "true": True, "yes": True, "on": True, "t": True,
                 "y": True, "0": False, "false": False, "no": False,
                 "off": False, "f": False, "n": False}
        if given.lower() not in words:
            return self.say(field, "bool_parsing", "Input should be a valid "
                            "boolean, unable to interpret input", given)
        return words[given.lower()]

    def enum(self, field, given, more=()):
        if isinstance(given, str) and given in field.choices:
            return given
        return self.choose(field, given, field.choices, more)

    def choose(self, field, given, choices, more=()):
        quoted = [f"'{choice}'" for choice in choices]
        text = ", ".join(quoted[:-1]) + " or " * (len(quoted) > 1) + quoted[-1]
        return self.say(field, "enum", f"Input should be {text}", given,
                        {"expected": text}, more)

    def length(self, field, given, kind, word, name, bound):
        return self.say(
            field, kind, f"List should have at {word} {plural(bound, 'item')} "
            f"after validation, not {len(given)}", given,
            {"field_type": "List", name: bound, "actual_length": len(given)})

    def texts(self, field, given):
        if not isinstance(given, list):
            return self.say(field, "list_type", "Input should be a valid list",
                            given)
        if len(given) > field.most:
            return self.length(field, given, "too_long", "most", "max_length",
                               field.most)
        rule = self.enum if field.choices else self.text
        if any([rule(field, item, (n,)) is ABSENT for n, item in
                enumerate(given)]):
            return ABSENT
        if len(given) < field.fewest:
            return self.length(field, given, "too_short", "least",
                               "min_length", field.fewest)
        if len(set(given)) < len(given):
            return self.refused(field, given)
        return given

    def came(self, body):
        """What is shown of a body in which something is missing."""
        return {f.name: body[f.name] for f in self.fields if f.place == "body"
                and not f.secret and f.name in body and
                not (f.optional and body[f.name] is None)}

    def check(self, places):
        """Places are dicts of what came; body None where it is no object."""
        body = places["body"]
        for field in self.fields:
            given = places[field.place]
            if given is None:
                continue
            value = given.get(field.name, ABSENT)
            if value is None and field.optional:
                value = ABSENT
            if value is not ABSENT:
                value = getattr(self, field.kind)(field, value)
                if value is not ABSENT:
                    self.values[field.name] = value
            elif not field.optional:
                self.errors.append(entry(
                    "missing", [field.place, field.name], "Field required",
                    self.came(body) if field.place == "body" else None))


def json_body(checker, call, may_be_none):
    """The object that came; None after an error, or where there is none."""
    if not call.data:
        if not may_be_none:
            checker.errors.append(entry("missing", ["body"], "Field required",
                                        None))
        return None
    text = call.data.decode(errors="replace")
    body = text
    if call.media == wire.JSON or call.media.endswith("+json"):
        try:
            body = json.loads(call.data.decode())
        except ValueError:
            checker.errors.append(entry(
                "json_invalid", ["body", Offset(len(call.data))],
                "JSON decode error", {}, {"error": ANY}))
            return None
    if isinstance(body, dict):
        return body
    secret = any(field.secret for field in checker.fields)
    checker.errors.append(entry(
        "model_attributes_type", ["body"], "Input should be a valid dictionary"
        " or object to extract fields from", ABSENT if secret else body))
    return None


def form_body(call):
    """In a form, what is empty is absent."""
    if call.media == wire.FORM:
        pairs = urllib.parse.parse_qsl(call.data.decode())
    elif call.media is not None and call.media.startswith("multipart/"):
        pairs = re.findall('name="(.*?)"\r\n\r\n(.*?)\r\n', call.data.decode(),
                           re.S)
    else:
        pairs = []
    return {name: value for name, value in pairs if value}


def json_of(call):
    return json.loads(call.data)


def places_of(call):
    """What came beside the body and the path."""
    return {"query": dict(urllib.parse.parse_qsl(call.query,
                                                 keep_blank_values=True)),
            "header": {name.replace("_", "-"): value
                       for name, value in call.fields.items()}}


def raw(call, field):
    """What came as a field, as it came."""
    return json_of(call)[field.name] if field.place == "body" else \
        places_of(call)[field.place][field.name]


def read(call, route, ids):
    """A call's input, as its route takes it."""
    if len(call.data) > BODY_MAX:
        return Input({}, "too large")
    checker = Checker(route.fields)
    body = {}
    if any(field.place == "body" for field in route.fields):
        form = call.media is not None and (
            call.media == wire.FORM or call.media.startswith("multipart/"))
        if route.body == "form" and (call.media or call.data) or \
                route.body == "both" and form:
            body = form_body(call)
        else:
            body = json_body(checker, call, route.body == "none")
    checker.check({"body": body, "path": ids, **places_of(call)})
    return Input(checker.values, checker.errors)
