"""Calls, and the two ways to make them: over FastCGI to programs that stay, as
in tests/races, or by starting a program for each, as plain CGI does.  A call
that was sent has a file descriptor that becomes readable when its answer comes;
how long it was under way is what the search goes by."""

import decimal
import functools
import json
import os
import re
import subprocess
import time
import urllib.parse

import fastcgi

PEER = "192.0.2.1"              # of fastcgi.COMMON, a proxy that is trusted
AGENT = "races"                 # likewise
JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
BOUNDARY = "model-5b1"

EVENTS = re.compile(r"/api/sessions/[^/]+/(events|feedback/[^/]+)/?$")


def program_of(path):
    """The one that a web server sends a path to."""
    if EVENTS.match(path):
        return "events"
    for start, name in (("/api/auth", "auth"), ("/api/limits", "auth"),
                        ("/api/sessions", "chat")):
        if path == start or path.startswith(start + "/"):
            return name
    return "meta"


def encode(body, media=JSON):
    if body is None:
        return b""
    if media == JSON:
        return json.dumps(body).encode()
    if media == FORM:
        return urllib.parse.urlencode(body).encode()
    return ("".join(
        f"--{BOUNDARY}\r\nContent-Disposition: form-data; "
        f'name="{name}"\r\n\r\n{value}\r\n' for name, value in body.items())
        + f"--{BOUNDARY}--\r\n").encode()


class Answer:
    """Status None: it was not complete."""

    def __init__(self, data, head):
        top, found, self.body = data.partition(b"\r\n\r\n")
        lines = top.decode("latin-1").split("\r\n")
        self.fields = dict(line.split(": ", 1) for line in lines if
                           ": " in line)
        status = self.fields.pop("Status", "")
        length = self.fields.get("Content-Length", "0")
        whole = found and (head or length == str(len(self.body)))
        self.status = int(status[:3]) if whole and status else None

    @functools.cached_property
    def json(self):
        return json.loads(self.body, parse_float=decimal.Decimal)

    def __str__(self):
        return f"{self.status} {self.body[:600].decode(errors='replace')}"


class Call:
    """What a client sends; then when, and what came."""

    def __init__(self, number, method, target, body=None, token=None,
                 media=JSON, **fields):
        self.number = number
        self.method = method
        self.target = target
        self.path, _, self.query = target.partition("?")
        self.data = body if isinstance(body, bytes) else encode(body, media)
        self.media = media if self.data else None
        if media.startswith("multipart") and self.data:
            self.media = f"{media}; boundary={BOUNDARY}"
        self.token = token
        self.fields = fields            # of the header, with underscores
        if token is not None:
            fields["authorization"] = f"Bearer {token}"
        self.begun = self.ended = None
        self.answer = None

    def __str__(self):
        fields = {name: value if len(value) < 40 else value[:15] + "…" +
                  value[-8:] for name, value in self.fields.items()}
        return (f"#{self.number} {self.method} {self.target} {fields} "
                f"{self.data[:300].decode(errors='replace')}")


class FastCGI:
    """By the sockets of programs that stay."""

    def __init__(self, programs):
        self.programs = programs

    def send(self, call):
        call.begun = time.monotonic()
        where = fastcgi.send_bytes(
            self.programs[program_of(call.path)].path, call.method,
            call.target, call.data, call.media, call.fields)
        return where

    def receive(self, call, where):
        with where:
            data = b"".join(fastcgi.parts(where))
        call.ended = time.monotonic()
        call.answer = Answer(data, call.method == "HEAD")


class PlainCGI:
    """A process a call."""

    def __init__(self, folder, environment, log):
        self.folder = folder
        self.environment = environment
        self.log = log

    def send(self, call):
        call.begun = time.monotonic()
        environment = dict(
            self.environment, GATEWAY_INTERFACE="CGI/1.1", REMOTE_ADDR=PEER,
            SERVER_PROTOCOL="HTTP/1.1", HTTP_USER_AGENT=AGENT,
            REQUEST_METHOD=call.method, REQUEST_URI=call.target,
            QUERY_STRING=call.query, CONTENT_LENGTH=str(len(call.data)))
        if call.media is not None:
            environment["CONTENT_TYPE"] = call.media
        environment.update(("HTTP_" + name.upper(), value)
                           for name, value in call.fields.items())
        process = subprocess.Popen(
            [os.path.join(self.folder, program_of(call.path))],
            env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=self.log)
        try:
            with process.stdin:
                process.stdin.write(call.data)
        except BrokenPipeError:
            pass                # what it answered tells
        return process

    def receive(self, call, where):
        with where:
            data = where.stdout.read()
        call.ended = time.monotonic()
        call.answer = Answer(data, call.method == "HEAD")


def file_of(where):
    """What becomes readable."""
    return where.stdout if isinstance(where, subprocess.Popen) else where
