#!/usr/bin/python3
"""Holds the programs to the document that they serve: what it shows as an
example is sent, or provoked, and has to be what is answered.

  openapi.py PROGRAMS COMMAND examples   every operation, by its own example
  openapi.py PROGRAMS COMMAND nothing    the answer to an empty body
  openapi.py PROGRAMS COMMAND refusals   every error that is shown
  openapi.py PROGRAMS COMMAND flaws      which types of a 422 there can be

PROGRAMS is the folder of the CGI programs, COMMAND is `switchboard'.  Settings
come from the environment.  Prints what is wrong, a line each.
"""

import base64
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import uuid

import jwt

from schema import FORMATS, UUID, is_type, wrong

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
BOUNDARY = "limit-7d9"

JWT = r"eyJ[\w-]+\.[\w-]+\.[\w-]{43}"
AGENT_KEY = r"sbk_[\w-]{43}"
WEBHOOK_SECRET = r"whsec_[\w+/]{43}="

# What an error is about: another id, another number each time.
DIFFERS = re.compile(rf"{UUID}|\d+")

# Numbers that depend on what was done before, or on the time.
COUNTED = {"limit", "remaining", "retry_after", "reset_at"}

UNLIMITED = {"RATE_LIMIT_PER_USER": "0", "RATE_LIMIT_PER_ADDRESS": "0",
             "LOGIN_FAILURES_PER_ACCOUNT": "0"}

# Whom /metrics is for.
WATCHER = "CD0gCcp8r4oDtQ0hzlIrMK7L"

# An id that nothing has.
NOBODYS = "0199e25b-0000-7000-8000-000000000000"

# Lists that a chat session begins without.
FILLED_LATER = {"messages", "feedback_requests", "responses"}

# Only near the end of a limit; only of what was sent before.
SOMETIMES = {"X-RateLimit-Warning", "Idempotency-Replayed"}

# What plain CGI can't have: a variable twice.
UNREACHABLE = {"x_forwarded_for_is_ambiguous"}


# ------------------------------------------------------------------ requests


class Answer:
    def __init__(self, output):
        head, _, body = output.partition(b"\r\n\r\n")
        lines = head.decode().split("\r\n")
        self.headers = dict(line.split(": ", 1) for line in lines)
        self.status = self.headers.pop("Status", "none").split()[0]
        self.body = body
        self.media = self.headers.get("Content-Type")

    def json(self):
        return json.loads(self.body) if self.body else None

    def __str__(self):
        return f"{self.status} {self.body[:300].decode(errors='replace')}"


def encode(media, body):
    """A body, and its Content-Type."""
    if media == JSON:
        return json.dumps(body).encode(), media
    if media == FORM:
        return urllib.parse.urlencode(body).encode(), media
    parts = [f"--{BOUNDARY}\r\nContent-Disposition: form-data; "
             f'name="{name}"\r\n\r\n{value}\r\n'
             for name, value in body.items()]
    return ("".join(parts) + f"--{BOUNDARY}--\r\n").encode(), \
        f"{media}; boundary={BOUNDARY}"


class House:
    """An installation with a data directory of its own."""

    def __init__(self, programs, command):
        self.programs = programs
        self.command = command
        self.data = tempfile.TemporaryDirectory(
            prefix="switchboard-openapi-",
            ignore_cleanup_errors=True)     # a worker may be at its end
        self.environment = {
            "SWITCHBOARD_DATA": self.data.name, "TZ": "UTC",
            "GATEWAY_INTERFACE": "CGI/1.1", "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "192.0.2.1", "HTTP_USER_AGENT": "curl/7.88.1",
            "HTTP_X_FORWARDED_FOR": "198.51.100.7",
            "SERVER_SOFTWARE": "lighttpd/1.4.69",
            "METRICS_TOKEN": WATCHER,
        }

    def call(self, program, method, target, body=b"", media=None, token=None,
             more=None):
        variables = {"REQUEST_METHOD": method, "REQUEST_URI": target,
                     "QUERY_STRING": target.partition("?")[2]}
        if body:
            variables["CONTENT_LENGTH"] = str(len(body))
        if media:
            variables["CONTENT_TYPE"] = media
        if token:
            variables["HTTP_AUTHORIZATION"] = f"Bearer {token}"
        done = subprocess.run(
            [os.path.join(self.programs, program)], input=body,
            env=os.environ | self.environment | variables | (more or {}),
            capture_output=True, check=False)
        if done.returncode or b"Sanitizer" in done.stderr:
            sys.exit(f"{method} {target}: {done.stderr.decode()}")
        return Answer(done.stdout)

    def operate(self, *arguments):
        subprocess.run([self.command, *arguments], check=True,
                       env=os.environ | self.environment | {
                           "SWITCHBOARD_ENV_FILE": "/dev/null"},
                       capture_output=True)


    def operators_token(self):
        """As switchboard check signs one, by the key in the directory."""
        with open(os.path.join(self.data.name, "signing-keys.json"),
                  encoding="utf-8") as file:
            key = json.load(file)["keys"][0]
        now = int(time.time())
        claims = {"sub": "check", "sid": "check", "jti": str(uuid.uuid4()),
                  "type": "check", "iat": now, "exp": now + 60}
        return jwt.encode(
            claims, base64.urlsafe_b64decode(key["k"] + "=="), "HS256",
            {"kid": key["kid"]})


class Operation:
    def __init__(self, doc, path, method, json_of):
        self.doc = doc
        self.path = path
        self.method = method.upper()
        self.json = json_of
        self.name = json_of.get("operationId")
        self.program = json_of["tags"][0]

    def medias(self):
        return list(self.json.get("requestBody", {}).get("content", {}))

    def example(self, media):
        return self.json["requestBody"]["content"][media]["example"]

    def media(self):
        """The first of what it takes, or None."""
        return next(iter(self.medias()), None)

    def responses(self):
        return self.json["responses"]

    def success(self):
        return min(self.responses())


# -------------------------------------------------------------------- a walk


class Walk:
    def __init__(self, programs, command):
        self.programs = programs
        self.command = command
        self.complaints = []
        self.doc = self.house().call("meta", "GET", "/openapi.json").json()
        self.operations = [
            Operation(self.doc, path, method, one)
            for path, methods in self.doc["paths"].items()
            for method, one in methods.items()]
        self.by_name = {o.name: o for o in self.operations}

    def house(self):
        return House(self.programs, self.command)

    def complain(self, *words):
        self.complaints.append(" ".join(str(word) for word in words))

    def register(self, house, **changes):
        """The tokens of the example's account, or of one that differs."""
        operation = self.by_name["register_user"]
        body, media = encode(JSON, operation.example(JSON) | changes)
        answer = house.call(operation.program, "POST", operation.path, body,
                            media)
        if answer.status != "201":
            sys.exit(f"register: {answer}")
        return answer.json()

    def target(self, operation, house, tokens):
        """The path with its parameters: some are of what there is."""
        path = operation.path
        for parameter in operation.json.get("parameters", ()):
            if parameter["in"] != "path":
                continue
            value = parameter["example"]
            if operation.name == "revoke_login":
                page = self.send("list_logins", house, tokens)
                value = page.json()["sessions"][0]["id"]
            elif operation.name == "delete_agent_key":
                value = self.agent_key(house, tokens)["id"]
            elif operation.name == "get_file":
                page = self.send("show_docs", house, tokens)
                file = re.search(rb"/static/([^/\"]+)/([^/\"]+)\"", page.body)
                value = file[("folder", "name").index(
                    parameter["name"]) + 1].decode()
            elif parameter["name"] == "request_id":
                value = self.feedback(house, tokens)["id"]
            elif path.startswith("/api/sessions/{id}"):
                value = self.session(house, tokens)["id"]
            path = path.replace(f"{{{parameter['name']}}}", value)
        return path

    def send(self, name, house, tokens, media=None, change=None, raw=None,
             target=None, token=None, more=None):
        """Sends an operation's own example, with what is changed in it."""
        operation = self.by_name[name]
        media = media or operation.media()
        body, content_type = raw, None
        if media:
            content = operation.example(media)
            if "refresh_token" in content:
                content = content | {"refresh_token": tokens["refresh_token"]}
            body, content_type = encode(media, content | (change or {}))
            body = body if raw is None else raw
        if token is None and operation.json["security"]:
            token = self.token(operation, house, tokens)
        answer = house.call(
            operation.program, operation.method,
            target or self.target(operation, house, tokens), body or b"",
            content_type, token, more)
        self.judge(operation, answer)
        return answer

    def token(self, operation, house, tokens):
        """What the first scheme of the operation asks for."""
        scheme = operation.json["security"][0]
        if "operator" in scheme:
            return house.operators_token()
        if "agent" in scheme:
            return self.agent_key(house, tokens)["key"]
        return WATCHER if "metrics" in scheme else tokens["access_token"]

    def bearer(self, name, house, tokens):
        """The same while there is still a way to it; None where none is."""
        operation = self.by_name[name]
        return self.token(operation, house, tokens) \
            if operation.json["security"] else None

    def agent_key(self, house, tokens):
        """A key of the account's, one in a house."""
        if "agent" not in tokens:
            tokens["agent"] = self.send("create_agent_key", house, tokens,
                                        more=UNLIMITED).json()
        return tokens["agent"]

    def session(self, house, tokens):
        """A chat session of the account's, with a message."""
        if "session" not in tokens:
            tokens["session"] = self.send("begin_session", house, tokens,
                                          more=UNLIMITED).json()
            self.send("post_message", house, tokens, more=UNLIMITED)
        return tokens["session"]

    def feedback(self, house, tokens):
        """A feedback request in that."""
        if "feedback" not in tokens:
            tokens["feedback"] = self.send("request_feedback", house, tokens,
                                           more=UNLIMITED).json()
        return tokens["feedback"]

    def prepare(self, operation, house, tokens):
        """What has to be there before the operation's own example is."""
        if operation.name == "list_agent_keys":
            self.agent_key(house, tokens)
        elif operation.name == "list_sessions":
            self.session(house, tokens)
        elif operation.name == "list_feedback_requests":
            self.feedback(house, tokens)
        elif operation.name == "clean_up_expired":
            house.operate("user", "admin", "testuser", "on")

    # ------------------------------------------------------ an answer's shape

    def judge(self, operation, answer):
        """Any answer is one that the document has, with its header fields."""
        where = f"{operation.name}: {answer.status}:"
        said = operation.responses().get(answer.status)
        if said is None:
            self.complain(where, "not in the document")
            return
        self.judge_headers(where, said["headers"], answer)
        contents = said.get("content", {})
        media = answer.media if answer.media in contents else "*/*"
        if media in contents:
            if answer.media == JSON and operation.name != "get_openapi":
                found = wrong(self.doc, contents[media]["schema"],
                              answer.json())
                if found:
                    self.complain(where, found)
            if not answer.body:
                self.complain(where, "nothing")
        elif contents or answer.body:
            self.complain(where, f"a body of type {answer.media}")

    def judge_headers(self, where, said, answer):
        known = self.doc["components"]["headers"]
        for name in known:
            if name in answer.headers and name not in said:
                self.complain(where, f"{name} is not in the document")
            elif name in answer.headers and known[name]["schema"]["type"] == \
                    "integer" and not answer.headers[name].isdecimal():
                self.complain(where, f"{name}: {answer.headers[name]}")
        for name in ("X-Request-ID", "Retry-After", "WWW-Authenticate"):
            if name in said and name not in answer.headers:
                self.complain(where, f"{name} is missing")

    def same(self, where, shown, got, name=None):
        """Compares, but for what differs each time."""
        if isinstance(shown, dict) and isinstance(got, dict):
            if list(shown) != list(got):
                self.complain(where, f"{list(got)} instead of {list(shown)}")
                return
            if name == "feedback_request":      # as it is by then
                return
            for key in shown:
                self.same(f"{where}.{key}", shown[key], got[key], key)
        elif isinstance(shown, list) and isinstance(got, list) and \
                len(shown) == len(got):
            for one, other in zip(shown, got):
                self.same(where, one, other)
        elif got == [] and name in FILLED_LATER:
            return
        elif self.is_like(shown, got, name):
            return
        elif shown != got or type(shown) is not type(got):
            self.complain(where, f"is {got!r}, shown as {shown!r}")

    @staticmethod
    def is_like(shown, got, name):
        if name in COUNTED:
            return is_type(shown, "number") and is_type(got, "number")
        if not isinstance(shown, str) or not isinstance(got, str):
            return False
        if name == "detail":
            return DIFFERS.sub("9", shown) == DIFFERS.sub("9", got)
        return any(re.fullmatch(form, shown) and re.fullmatch(form, got)
                   for form in (UUID, JWT, AGENT_KEY, WEBHOOK_SECRET,
                                FORMATS["date-time"]))

    # --------------------------------------------------------------- the modes

    def examples(self):
        for operation in self.operations:
            for media in operation.medias() or [None]:
                self.one_example(operation, media)

    def one_example(self, operation, media):
        where = f"{operation.name} ({media or 'no body'})"
        house = self.house()
        tokens = None
        if operation.name != "register_user":
            tokens = self.register(house)
            self.prepare(operation, house, tokens)
        target = None
        if operation.name == "list_events":     # a message, as it is shown
            target = self.target(operation, house, tokens) + "?after=1"
        answer = self.send(operation.name, house, tokens, media,
                           target=target)
        if answer.status != operation.success():
            self.complain(where, f"is answered with {answer}")
            return
        said = operation.responses()[answer.status]
        for name in said["headers"]:
            if name not in answer.headers and name not in SOMETIMES:
                self.complain(where, f"has no {name}")
        content = said.get("content", {})
        if JSON in content and operation.name != "get_openapi":
            if "example" not in content[JSON]:
                self.complain(where, "has no example of an answer")
            else:
                self.same(where, content[JSON]["example"], answer.json())

    def nothing(self):
        for operation in self.operations:
            if "422" not in operation.responses():
                if operation.medias():
                    self.complain(operation.name, "has a body and no 422")
                continue
            content = operation.responses()["422"]["content"][JSON]
            shown = content.get("example", content.get("examples", {}).get(
                "invalid", {}).get("value"))
            if shown is None:       # no field has to be there
                continue
            house = self.house()
            tokens = self.register(house)
            answer = self.send(operation.name, house, tokens, raw=encode(
                operation.media(), {})[0])
            if answer.status != "422" or answer.json() != shown:
                self.complain(operation.name, f"is answered with {answer}, "
                              f"shown as {shown}")

    def refusals(self):
        for operation in self.operations:
            for status, said in operation.responses().items():
                if status.startswith("2") or status == "422":
                    continue
                for name, example in said["content"][JSON].get(
                        "examples", {}).items():
                    if name not in UNREACHABLE:
                        self.one_refusal(operation, status, name,
                                         example["value"])

    def one_refusal(self, operation, status, name, shown):
        where = f"{operation.name}: {name}"
        provoke = getattr(self, f"provoke_{name}", None)
        if provoke is None:
            self.complain(where, "can't be provoked")
            return
        house = self.house()
        tokens = self.register(house)
        self.prepare(operation, house, tokens)
        answer = provoke(operation.name, house, tokens)
        if answer is None:
            return
        if answer.status != status:
            self.complain(where, f"is answered with {answer}")
        else:
            self.same(where, shown, answer.json())

    def provoke_request_body_is_incomplete(self, name, house, tokens):
        return self.send(name, house, tokens, raw=b"",
                         more={"CONTENT_LENGTH": "9"})

    def provoke_request_body_too_large(self, name, house, tokens):
        return self.send(name, house, tokens, raw=b"x" * 70000)

    def provoke_internal_server_error(self, name, house, tokens):
        target = self.target(self.by_name[name], house, tokens)
        return self.send(name, house, tokens, target=target,
                         more={"SCRYPT_N": "none"})

    def provoke_service_temporarily_unavailable(self, name, house, tokens):
        """Of files that can't be opened; some operations need none."""
        target = self.target(self.by_name[name], house, tokens)
        token = self.bearer(name, house, tokens)
        for file in os.listdir(house.data.name):
            if re.match(r"(switchboard|limits)\.db", file):
                os.remove(os.path.join(house.data.name, file))
        for file in ("switchboard.db", "limits.db"):
            os.mkdir(os.path.join(house.data.name, file))
        answer = self.send(name, house, tokens, target=target, token=token)
        return None if answer.status == self.by_name[name].success() else \
            answer

    provoke_service_unavailable = provoke_service_temporarily_unavailable

    def provoke_not_authenticated(self, name, house, tokens):
        target = self.target(self.by_name[name], house, tokens)
        return self.send(name, house, tokens, target=target, token="",
                         raw=b"")

    def provoke_could_not_validate_credentials(self, name, house, tokens):
        target = self.target(self.by_name[name], house, tokens)
        return self.send(name, house, tokens, target=target, token="x",
                         raw=b"")

    def provoke_inactive_user(self, name, house, tokens):
        target = self.target(self.by_name[name], house, tokens)
        token = self.bearer(name, house, tokens)
        house.operate("user", "disable", "testuser")
        return self.send(name, house, tokens, target=target, token=token)

    def provoke_not_enough_permissions(self, name, house, tokens):
        """By whichever of the two, user and agent, the operation isn't for;
        an administrator's is not for other users, either."""
        operation = self.by_name[name]
        target = self.target(operation, house, tokens)
        schemes = {one for each in operation.json["security"] for one in each}
        token = tokens["access_token"] if "agent" in schemes else \
            self.agent_key(house, tokens)["key"]
        change = {"update_session": {"agent_status": "idle"},
                  "post_message": {"type": "agent"}}.get(name)
        return self.send(name, house, tokens, target=target, token=token,
                         change=change)

    def provoke_user_cannot_have_more_than_100_keys(self, name, house, tokens):
        for _ in range(100):
            self.send(name, house, tokens, more=UNLIMITED)
        return self.send(name, house, tokens)

    def provoke_not_found(self, name, house, tokens):
        target = self.target(self.by_name[name], house, tokens)
        if name == "get_metrics":
            return self.send(name, house, tokens, more={"METRICS_TOKEN": ""})
        if target.startswith("/api/sessions/"):     # others say whose id it is
            return self.send(name, house, tokens, target=re.sub(
                UUID, "none", target))
        return self.send(name, house, tokens,
                         target=target[:-1] + ("0" if target[-1] != "0"
                                               else "1"))

    def elsewhere(self, house, tokens, of):
        """The path of an operation whose last id is nobody's."""
        operation = self.by_name[of]
        target = self.target(operation, house, tokens)
        ids = re.findall(UUID, target)
        return target.replace(ids[-1], NOBODYS)

    def provoke_session_not_found(self, name, house, tokens):
        operation = self.by_name[name]
        target = self.target(operation, house, tokens).replace(
            self.session(house, tokens)["id"], NOBODYS)
        return self.send(name, house, tokens, target=target)

    def provoke_feedback_request_not_found(self, name, house, tokens):
        return self.send(name, house, tokens,
                         target=self.elsewhere(house, tokens, name))

    def provoke_user_cannot_have_more_than_concurrent_sessions(
            self, name, house, tokens):
        for _ in range(3):
            self.send(name, house, tokens)
        return self.send(name, house, tokens)

    def provoke_cannot_update_an_ended_session(self, name, house, tokens):
        target = self.target(self.by_name[name], house, tokens)
        self.send("end_session", house, tokens)
        return self.send(name, house, tokens, target=target)

    def provoke_a_feedback_request_is_pending(self, name, house, tokens):
        self.feedback(house, tokens)
        return self.send(name, house, tokens, change={"status": "active"})

    def provoke_session_cannot_have_more_than_pending_feedback_requests(
            self, name, house, tokens):
        self.feedback(house, tokens)
        subprocess.run(["sqlite3", os.path.join(
            house.data.name, "switchboard.db"),
            "UPDATE chat_sessions SET pending = 100"], check=True)
        return self.send(name, house, tokens)

    def provoke_feedback_request_is_already(self, name, house, tokens):
        self.send("respond_to_feedback", house, tokens)
        return self.send(name, house, tokens)

    def provoke_too_many_open_waits(self, name, house, tokens):
        """Of four that wait, until there is another message."""
        target = self.target(self.by_name[name], house, tokens)
        events = self.target(self.by_name["list_events"], house, tokens)
        last = self.send("list_events", house, tokens, more=UNLIMITED).json()

        def wait():
            house.call("events", "GET", f"{events}?after="
                       f"{last['last_id']}&wait=20", more=UNLIMITED,
                       token=tokens["access_token"])

        waiting = [threading.Thread(target=wait) for _ in range(4)]
        for one in waiting:
            one.start()
        ears = os.path.join(house.data.name, "waiting",
                            tokens["session"]["id"])
        end = time.monotonic() + 15
        while time.monotonic() < end and not (
                os.path.isdir(ears) and len(os.listdir(ears)) == 4):
            time.sleep(0.02)
        answer = self.send(name, house, tokens, more=UNLIMITED,
                           target=f"{target}?wait=1" + (
                               f"&after={last['last_id']}"
                               if name == "list_events" else ""))
        self.send("post_message", house, tokens, more=UNLIMITED)
        for one in waiting:
            one.join()
        return answer

    def provoke_session(self, name, house, tokens):
        once = {"RATE_LIMIT_PER_SESSION": "1"}
        target = self.target(self.by_name[name], house, tokens)
        self.send(name, house, tokens, more=once)
        return self.send(name, house, tokens, target=target, more=once)

    def provoke_channel(self, name, house, tokens):
        once = {"RATE_LIMIT_PER_CHANNEL": "1"}
        target = self.target(self.by_name[name], house, tokens)
        self.send(name, house, tokens, target=target, more=once)
        return self.send(name, house, tokens, target=target, more=once)

    def provoke_username_already_registered(self, name, house, tokens):
        self.register(house, username="somebody", email="else@example.com")
        return self.send(name, house, tokens, change={"username": "Somebody"})

    def provoke_email_already_registered(self, name, house, tokens):
        self.register(house, username="somebody", email="else@example.com")
        return self.send(name, house, tokens, change={
            "username": "another", "email": "else@EXAMPLE.com"})

    def provoke_incorrect_password(self, name, house, tokens):
        return self.send(name, house, tokens,
                         change={"current_password": "not-it"})

    def provoke_incorrect_username_or_password(self, name, house, tokens):
        return self.send(name, house, tokens, change={"password": "not-it"})

    def provoke_invalid_refresh_token(self, name, house, tokens):
        return self.send(name, house, tokens, change={"refresh_token": "x"})

    def provoke_address(self, name, house, tokens):
        once = {"RATE_LIMIT_PER_ADDRESS": "1"}
        self.send(name, house, tokens, more=once, change={"password": "x",
                                                          "refresh_token": ""})
        return self.send(name, house, tokens, more=once)

    def provoke_user(self, name, house, tokens):
        once = {"RATE_LIMIT_PER_USER": "1"}
        target = self.target(self.by_name[name], house, tokens)
        if "agent" in self.by_name[name].json["security"][0]:
            self.send(name, house, tokens, target=target, more=once)
        else:
            self.send("get_me", house, tokens, more=once)
        return self.send(name, house, tokens, target=target, more=once)

    def provoke_account(self, name, house, tokens):
        once = {"LOGIN_FAILURES_PER_ACCOUNT": "1"}
        self.send(name, house, tokens, more=once, change={
            "password": "not-it", "current_password": "not-it"})
        return self.send(name, house, tokens, more=once)

    # ---------------------------------------------------------------- the flaws

    def flaws(self):
        """Each operation's 422 names the types that it can have, and no
        other."""
        for operation in self.operations:
            said = operation.responses().get("422")
            if said is None:
                continue
            named = set(re.findall(r"`(\w+)`", said["description"]))
            house = self.house()
            tokens = self.register(house)
            self.prepare(operation, house, tokens)
            found = set()
            for media, body, target, more in self.wrongs(operation, house,
                                                         tokens):
                answer = self.send(operation.name, house, tokens, media,
                                   raw=body, target=target,
                                   more=UNLIMITED | more)
                if answer.status == "422":
                    found |= {entry["type"]
                              for entry in answer.json()["detail"]}
                elif answer.status.startswith("2"):
                    house = self.house()
                    tokens = self.register(house)
                    self.prepare(operation, house, tokens)
            if found != named:
                self.complain(operation.name, f"names {sorted(named)}, found "
                              f"{sorted(found)}")

    def wrongs(self, operation, house, tokens):
        """What can be sent that is wrong: a body of a type, or parameters."""
        for media in operation.medias():
            names = self.properties(operation, media)
            for body in bodies(media, operation.example(media), names):
                yield media, body, None, {}
        for parameter in operation.json.get("parameters", ()):
            name = parameter["name"]
            if parameter["in"] == "query":
                for value in TEXTS:
                    yield operation.media(), None, self.target(
                        operation, house, tokens) + f"?{name}={value}", {}
            elif parameter["in"] == "header":
                for value in "a b", "\udcff":
                    yield operation.media(), None, None, {
                        "HTTP_" + name.upper().replace("-", "_"): value}

    def properties(self, operation, media):
        schema = operation.json["requestBody"]["content"][media]["schema"]
        if "$ref" in schema:
            schema = self.doc["components"]["schemas"][
                schema["$ref"].rpartition("/")[2]]
        return list(schema["properties"])


# In a query; the last is given twice.
TEXTS = ["", "7", "-1", "1000000", "x", "x" * 2001, "%ff", "7&limit=7"]

VALUES = [None, 7, True, [], {}, "", "a", "x" * 2001, "not@one@", "\u0001" * 9,
          [7], ["a"], ["a", "a"], ["agent", "agent"], ["slack", "slack"], -1,
          10 ** 9, "x" * 40000, [""], list("abcdefghijk"), ["x" * 40000, "a"]]


def bodies(media, example, names):
    """Bodies that are wrong in every way that there is."""
    if media == JSON:
        yield b"{"
        yield b"[]"
        yield b"{}"
        for name in names:
            for value in VALUES:
                yield json.dumps(example | {name: value}).encode()
        return
    for name in example:
        for value in VALUES:
            if isinstance(value, str):
                yield encode(media, example | {name: value})[0]
        if media == FORM:
            body = encode(media, example)[0]
            yield body + b"&" + encode(media, {name: example[name]})[0]


def main(programs, command, mode):
    walk = Walk(programs, command)
    getattr(walk, mode)()
    for complaint in walk.complaints:
        print(complaint)
    return 1 if walk.complaints else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
