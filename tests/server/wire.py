"""What the programs beside it share: requests to the server of a test, many at
once, and the clock that its programs see.  Times are whole microseconds, as
ours are.  The environment has SB_PORT, SB_CLOCK and SB_DATA from
harness.bash."""

import json
import os
import socket
import time

SECOND = 1_000_000


class Answer:
    """Status None: there was none, because whoever was to give it died."""

    def __init__(self, data):
        head, _, self.body = data.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        words = lines[0].split(" ", 2)
        self.status = int(words[1]) if len(words) > 1 else None
        self.fields = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            self.fields[name.lower()] = value.strip()

    def json(self):
        return json.loads(self.body)

    def __str__(self):
        return f"{self.status} {self.fields} {self.body[:300]!r}"


def send(method, path, token=None, body=None, form=None):
    """Sends a request, with a body of JSON or a form, and returns where its
    answer will come."""
    head = [f"{method} {path} HTTP/1.1", "Host: localhost",
            "Connection: close"]
    data = b"" if form is None else form.encode()
    kind = "x-www-form-urlencoded"
    if token is not None:
        head.append("Authorization: Bearer " + token)
    if body is not None:
        data = json.dumps(body).encode()
        kind = "json"
    if data:
        head += [f"Content-Type: application/{kind}",
                 f"Content-Length: {len(data)}"]
    to = socket.create_connection(("127.0.0.1", int(os.environ["SB_PORT"])),
                                  timeout=60)
    to.sendall("\r\n".join(head).encode() + b"\r\n\r\n" + data)
    return to


def receive(where):
    data = b""
    with where:
        try:
            while part := where.recv(65536):
                data += part
        except ConnectionError:
            data = b""
    return Answer(data)


def ask(method, path, token=None, body=None):
    return receive(send(method, path, token, body))


def ask_until(status, method, path, token=None, body=None):
    """Asks until the processes that were killed have been replaced."""
    end = time.monotonic() + 60
    while True:
        answer = ask(method, path, token, body)
        if answer.status == status:
            return answer
        if answer.status not in (None, 500, 503) or time.monotonic() > end:
            raise SystemExit(f"{method} {path}: {answer}")
        time.sleep(0.01)


def register(name):
    """A new account's token pair."""
    return ask_until(201, "POST", "/api/auth/register", None, {
        "email": name + "@example.com", "username": name,
        "password": "password123"}).json()


def set_clock(now):
    """Programs that ask for the time meanwhile get either."""
    path = os.environ["SB_CLOCK"]
    with open(path + ".new", "w", encoding="ascii") as file:
        file.write(f"{now // SECOND}.{now % SECOND:06d}\n")
    os.rename(path + ".new", path)
