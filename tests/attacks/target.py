"""What is attacked: the programs of a build under lighttpd as deploy/quickstart
has them, or started one by one as plain CGI, in a data directory of their own.
And what an attack reports to: it counts what was tried and what was refused, and
keeps what got in."""

import base64
import contextlib
import http.client
import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import tempfile
import threading
import time
import urllib.parse
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from programs import free_port

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
PROGRAMS = ("auth", "chat", "events", "meta")
NOBODY = 65534
PASSWORD = "correct horse battery"

# Limits and the price of a hash have attacks of their own.
SETTINGS = {
    "SCRYPT_N": "1024", "SCRYPT_R": "1", "SCRYPT_P": "1",
    "RATE_LIMIT_PER_USER": "0", "RATE_LIMIT_PER_SESSION": "0",
    "RATE_LIMIT_PER_CHANNEL": "0", "RATE_LIMIT_PER_ADDRESS": "0",
    "LOGIN_FAILURES_PER_ACCOUNT": "0", "MAX_CONCURRENT_SESSIONS": "1000",
    "WORKERS": "2"}

# What a healthy installation never has to say.
BROKEN = re.compile(r"^\S+ \S+ error |Sanitizer|runtime error:"
                    r"|terminated by signal", re.M)


class Failed(Exception):
    """The attack could not be made: what should work does not."""


@dataclass
class Account:
    username: str
    email: str
    password: str
    access: str
    refresh: str
    id: str


class Answer:
    """Of HTTP or of plain CGI; status None: there was none."""

    def __init__(self, status, headers, body, raw=None, log=""):
        self.status = status
        self.headers = headers          # (name, value), as they came
        self.body = body
        self.raw = raw                  # http.client's, of HTTP
        self.log = log                  # what plain CGI said meanwhile

    @property
    def json(self):
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    def header(self, name):
        """All of that name, joined; None if there is none."""
        found = [value for key, value in self.headers
                 if key.lower() == name.lower()]
        return ", ".join(found) if found else None

    def __str__(self):
        return f"{self.status} {self.body[:300]!r}" + (
            f" {self.log[-300:]!r}" if self.status is None else "")


def encode(body):
    """The bytes of a body, and their type if they have one."""
    if body is None or isinstance(body, bytes):
        return body or b"", None
    if isinstance(body, str):
        return body.encode(), None
    return json.dumps(body).encode(), "application/json"


def pairs_of(headers):
    return list(headers.items() if isinstance(headers, dict)
                else headers or ())


def parse(data):
    """An HTTP answer's bytes, or CGI's."""
    head, _, body = data.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    status, headers = None, []
    if lines[0].startswith("HTTP/"):
        status = int(lines.pop(0).split(" ", 2)[1])
    for line in lines:
        name, _, value = line.partition(":")
        if name.lower() == "status":
            status = int(value.split()[0])
        elif name:
            headers.append((name, value.strip()))
    return Answer(status, headers, body)


def claims_of(token):
    text = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))


def at_once(calls):
    """Makes them all at the same moment; their results in order."""
    barrier = threading.Barrier(len(calls))

    def one(call):
        barrier.wait()
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(one, calls))


class Ledger:
    """What an attack has come to."""

    def __init__(self):
        self.attempts = 0
        self.held = 0                   # refused, as they must be
        self.breaches = []
        self.notes = []
        self.lock = threading.Lock()

    def tried(self, n=1):
        with self.lock:
            self.attempts += n

    def refused(self, n=1):
        with self.lock:
            self.held += n

    def breach(self, text):
        """Something got in."""
        with self.lock:
            self.breaches.append(str(text))

    def note(self, text):
        with self.lock:
            self.notes.append(str(text))

    def judge(self, holds, text):
        """An attempt, and whether it was refused as it must be."""
        self.tried()
        if holds:
            self.refused()
        else:
            self.breach(text)
        return holds


class Site(Ledger):
    """One installation; an attack has it for itself."""

    def __init__(self, build, chance, short):
        super().__init__()
        self.build = os.path.abspath(build)
        self.random = chance
        self.short = short
        self.run = self.url = self.port = self.web = None
        self.home = tempfile.mkdtemp(prefix="switchboard-attack.")
        self.data = os.path.join(self.home, "data")
        self.log_path = os.path.join(self.home, "log")
        self.changes = {}
        self.wraps = {}                 # a program's name: what starts it
        self.local = threading.local()
        # Servers are run by ordinary users: root is nobody for that.
        self.user = {} if os.getuid() != 0 else {
            "user": NOBODY, "group": NOBODY, "extra_groups": []}
        os.mkdir(self.data, 0o700)
        with open(self.log_path, "wb"):
            pass
        if self.user:
            for path in (self.home, self.data, self.log_path):
                os.chown(path, NOBODY, NOBODY)

    # ------------------------------------------------------- the web server

    def environment(self):
        return {"PATH": os.environ["PATH"] + ":/usr/sbin:/sbin", "TZ": "UTC",
                "LC_ALL": "C", "SWITCHBOARD_DATA": self.data,
                **SETTINGS, **self.changes}

    def start(self):
        for _ in range(5):
            self.launch()
            if self.is_ready():
                self.has_begun = True
                return
            # Somebody else may have taken the port just now.
            self.stop()
        raise Failed("the site did not start:\n" + self.log()[-2000:])

    def launch(self):
        self.has_begun = False
        self.run = tempfile.mkdtemp(prefix="run.", dir=self.home)
        links = [os.path.join(self.build, "libexec/switchboard", name)
                 for name in PROGRAMS]
        links += [os.path.join(SOURCE, "deploy/lighttpd", name)
                  for name in ("err", "start", "lighttpd.conf")]
        for path in links:
            os.symlink(path, os.path.join(self.run, os.path.basename(path)))
        for name, command in self.wraps.items():
            path = os.path.join(self.run, name)
            os.unlink(path)
            with open(path, "w", encoding="ascii") as file:
                file.write(f"#!/bin/sh\nexec {command} "
                           f"'{self.build}/libexec/switchboard/{name}'\n")
            os.chmod(path, 0o755)
        if self.user:
            os.chown(self.run, NOBODY, NOBODY)
        self.port = free_port(self.random)
        self.url = f"http://127.0.0.1:{self.port}"
        with open(self.log_path, "ab") as log:
            self.web = subprocess.Popen(
                ["lighttpd", "-D", "-f",
                 os.path.join(self.run, "lighttpd.conf")],
                cwd=self.run, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True, **self.user,
                env=dict(self.environment(), HOST="127.0.0.1",
                         PORT=str(self.port)))

    def is_ready(self):
        """Waits for all programs: meta, and those that want a token."""
        nowhere = f"/api/sessions/{uuid.UUID(int=0)}/events"
        end = time.monotonic() + 60
        while time.monotonic() < end and self.web.poll() is None:
            sockets = all(os.path.exists(os.path.join(
                self.run, name + ".sock")) for name in PROGRAMS)
            if sockets and [self.call("GET", path).status for path in (
                    "/health", "/api/limits", "/api/sessions", nowhere)] == [
                        200, 401, 401, 401]:
                return True
            time.sleep(0.02)
        return False

    def members(self):
        """The living processes of the server's session: lighttpd, the
        programs and their workers."""
        found = []
        for name in os.listdir("/proc"):
            if not name.isdigit():
                continue
            try:
                with open(f"/proc/{name}/stat", encoding="latin-1") as file:
                    fields = file.read().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[3]) == self.web.pid and fields[0] != "Z":
                found.append(int(name))
        return found

    def tell(self, number):
        for member in self.members():
            with contextlib.suppress(ProcessLookupError):
                os.kill(member, number)

    def stop(self):
        if self.web is None:
            return
        self.local = threading.local()
        if self.web.poll() is None:
            self.web.send_signal(signal.SIGINT)
        end = time.monotonic() + 60
        while (self.web.poll() is None or self.members()) and \
                time.monotonic() < end:
            # One that is told while it begins may miss it, or tell nobody.
            if not self.has_begun:
                self.tell(signal.SIGTERM)
            time.sleep(0.01 if self.has_begun else 0.1)
        self.tell(signal.SIGKILL)
        self.web.wait()
        self.web = None
        shutil.rmtree(self.run, ignore_errors=True)

    def restart(self):
        self.stop()
        self.start()

    @contextlib.contextmanager
    def settings(self, **changes):
        """Starts the site anew with other settings, None for none of that
        name, and again as it was."""
        before = self.changes
        self.changes = {**before, **changes}
        for name in [n for n, value in self.changes.items() if value is None]:
            self.changes[name] = ""
        self.restart()
        try:
            yield self
        finally:
            self.changes = before
            self.restart()

    def close(self):
        self.stop()
        shutil.rmtree(self.home, ignore_errors=True)

    def log(self):
        """What it has said since the attack began."""
        with open(self.log_path, encoding="utf-8", errors="replace") as file:
            return file.read()

    # --------------------------------------------------------------- calling

    def connection(self):
        """The thread's own, kept open between calls."""
        if getattr(self.local, "connection", None) is None:
            self.local.connection = http.client.HTTPConnection(
                "127.0.0.1", self.port, timeout=60)
            self.local.calls = 0
        return self.local.connection

    def exchange(self, method, path, data, headers):
        connection = self.connection()
        names = {name.lower() for name, _ in headers}
        connection.putrequest(method, path, skip_host="host" in names,
                              skip_accept_encoding=True)
        for name, value in headers:
            connection.putheader(name, value)
        if "content-length" not in names and "transfer-encoding" not in names \
                and (data or method in ("POST", "PUT", "PATCH", "DELETE")):
            connection.putheader("Content-Length", str(len(data)))
        connection.endheaders(data or None)
        raw = connection.getresponse()
        body = raw.read()
        self.local.calls += 1
        return Answer(raw.status, raw.getheaders(), body, raw)

    def call(self, method, path, body=None, headers=None, token=None):
        """A dictionary is sent as JSON; text and bytes as they are.  Headers
        are a dictionary or a list of pairs."""
        data, kind = encode(body)
        fields = pairs_of(headers)
        names = {name.lower() for name, _ in fields}
        if kind and "content-type" not in names:
            fields.append(("Content-Type", kind))
        if token is not None:
            fields.append(("Authorization", "Bearer " + token))
        while True:
            try:
                return self.exchange(method, path, data, fields)
            except (ConnectionError, http.client.HTTPException, TimeoutError):
                # One that was open for long may have been closed meanwhile.
                again = self.local.calls > 0
                self.hang_up()
                if not again:
                    return Answer(None, [], b"")

    def hang_up(self):
        if getattr(self.local, "connection", None) is not None:
            self.local.connection.close()
        self.local.connection = None

    def raw(self, data, seconds=10):
        """The bytes that come for these bytes, until the server closes or so
        many seconds bring none."""
        found = b""
        with socket.create_connection(("127.0.0.1", self.port),
                                      timeout=seconds) as to:
            try:
                to.sendall(data)
                while part := to.recv(65536):
                    found += part
            except (ConnectionError, TimeoutError):
                pass
        return found

    def cgi(self, program, environment=None, body=b"", later=0):
        """Starts a program as plain CGI, with these CGI variables and
        settings; by a clock that is so many seconds ahead."""
        data, kind = encode(body)
        variables = {
            "GATEWAY_INTERFACE": "CGI/1.1", "SERVER_PROTOCOL": "HTTP/1.1",
            "SERVER_SOFTWARE": "attacks", "SERVER_NAME": "localhost",
            "SERVER_PORT": "80", "REMOTE_ADDR": "192.0.2.1",
            "REQUEST_METHOD": "GET", "REQUEST_URI": "/",
            **(environment or {})}
        variables.setdefault("QUERY_STRING",
                             variables["REQUEST_URI"].partition("?")[2])
        if data:
            variables.setdefault("CONTENT_LENGTH", str(len(data)))
        if kind:
            variables.setdefault("CONTENT_TYPE", kind)
        command = [os.path.join(self.build, "libexec/switchboard", program)]
        if later:
            command = ["faketime", "-f", f"{later:+d}s", *command]
        for _ in range(3):
            done = subprocess.run(
                command, input=data, capture_output=True, check=False,
                timeout=120, **self.user, env={
                    **self.environment(), "NO_FAKE_STAT": "1",
                    "FAKETIME_DONT_FAKE_MONOTONIC": "1",
                    "ASAN_OPTIONS": "verify_asan_link_order=0", **variables})
            # Another faketime that was killed may have left what this one
            # wants to make, under its number; then nothing was started.
            if done.returncode == 0 or not later or done.stdout:
                break
        answer = parse(done.stdout)
        answer.log = done.stderr.decode(errors="replace")
        return answer

    def command(self, *arguments):
        """What the command line `switchboard' prints; it has to succeed."""
        done = subprocess.run(
            [os.path.join(self.build, "bin/switchboard"), *arguments],
            capture_output=True, text=True, check=False, timeout=120,
            env=dict(self.environment(), SWITCHBOARD_ENV_FILE="/dev/null"),
            stdin=subprocess.DEVNULL, **self.user)
        if done.returncode != 0:
            raise Failed(f"switchboard {arguments}: {done.returncode} "
                         f"{done.stdout}{done.stderr}")
        return done.stdout

    def rows(self, query, *values):
        """What the database holds; it is not written to."""
        path = os.path.join(self.data, "switchboard.db")
        with contextlib.closing(sqlite3.connect(
                f"file:{path}?mode=ro", uri=True, timeout=10)) as database:
            return database.execute(query, values).fetchall()

    # ------------------------------------------------------------- accounts

    def expect(self, answer, *statuses):
        """What has to work for the attack to mean anything."""
        if answer.status not in (statuses or (200,)):
            raise Failed(f"expected {statuses}: {answer}")
        return answer.json

    def account(self, name=None, password=PASSWORD):
        name = name or "user-" + uuid.uuid4().hex[:12]
        email = name + "@example.com"
        pair = self.expect(self.call("POST", "/api/auth/register", {
            "email": email, "username": name, "password": password}), 201)
        return Account(name, email, password, pair["access_token"],
                       pair["refresh_token"],
                       claims_of(pair["access_token"])["sub"])

    def login(self, account):
        """A new login of it, as an account of its own."""
        pair = self.expect(self.guess(account.username, account.password))
        return Account(account.username, account.email, account.password,
                       pair["access_token"], pair["refresh_token"],
                       account.id)

    def guess(self, name, password, headers=None):
        body = urllib.parse.urlencode(
            {"username": name, "password": password})
        return self.call("POST", "/api/auth/login", body, [
            ("Content-Type", "application/x-www-form-urlencoded"),
            *pairs_of(headers)])

    def refresh(self, token):
        return self.call("POST", "/api/auth/refresh",
                         {"refresh_token": token})

    def me(self, token):
        return self.call("GET", "/api/auth/me", token=token)

    def key(self, account, name="attacks"):
        """An agent key of it: its id and its text."""
        made = self.expect(self.call("POST", "/api/auth/keys", {
            "name": name, "scopes": ["agent"]}, token=account.access), 201)
        return made["id"], made["key"]

    def session(self, account):
        """A chat session's id."""
        return self.expect(self.call("POST", "/api/sessions", {},
                                     token=account.access), 201)["id"]
