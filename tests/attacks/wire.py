"""Bytes to a web server as they are, and its answers read as strictly as RFC
9112 has them: what a lenient reader takes for one answer is a fault here."""

import re
import socket
import time
from dataclasses import dataclass

STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})(?: [\t\x20-\x7e\x80-\xff]*)?")
FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*"
                   rb"([\t\x20-\x7e\x80-\xff]*)")
SIZE = re.compile(rb"([0-9A-Fa-f]+)\r\n")


class Malformed(Exception):
    """Bytes that are no answers, one after the other."""


@dataclass
class Reply:
    status: int
    headers: list               # of names in lower case, and values; bytes
    body: bytes

    def header(self, name):
        """The values of all fields of that name."""
        return [value for had, value in self.headers if had == name]

    @property
    def request_id(self):
        """Whose answer it is: a program's says so, a server's own doesn't."""
        return next(iter(self.header(b"x-request-id")), b"").decode()


class Connection:
    """One to 127.0.0.1, of somebody who never half-closes it."""

    def __init__(self, port, patience=10):
        self.socket = socket.create_connection(("127.0.0.1", port), patience)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.got = b""
        self.closed = False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        """False if the server has closed before it had all of it."""
        try:
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            return False
        return True

    def receive(self, seconds, enough=lambda got: False):
        """What comes until the server closes, there is enough, or that time is
        up; together with what came before."""
        end = time.monotonic() + seconds
        while not self.closed and not enough(self.got):
            left = end - time.monotonic()
            if left <= 0:
                break
            self.socket.settimeout(left)
            try:
                data = self.socket.recv(65536)
            except TimeoutError:
                break
            except ConnectionResetError:
                data = b""
            self.closed = not data
            self.got += data
        return self.got


def _chunks(data):
    body = b""
    while True:
        size = SIZE.match(data)
        if size is None:
            raise Malformed(f"no chunk: {data[:80]!r}")
        n = int(size[1], 16)
        chunk, data = data[size.end():size.end() + n], data[size.end() + n:]
        if len(chunk) < n or not data.startswith(b"\r\n"):
            raise Malformed("a chunk that breaks off")
        data = data[2:]
        if n == 0:
            return body, data
        body += chunk


def _headers(lines):
    for line in lines:
        field = FIELD.fullmatch(line)
        if field is None:
            raise Malformed(f"no header field: {line[:200]!r}")
        yield field[1].lower(), field[2].rstrip(b" \t")


def reply(data, method="GET"):
    """The answer that the bytes begin with, and the bytes behind it."""
    head, end, rest = data.partition(b"\r\n\r\n")
    first, *lines = head.split(b"\r\n")
    status = STATUS.fullmatch(first)
    if not end or status is None:
        raise Malformed(f"no answer: {data[:200]!r}")
    answer = Reply(int(status[1]), list(_headers(lines)), b"")
    lengths = answer.header(b"content-length")
    coding = answer.header(b"transfer-encoding")
    if len(lengths) + len(coding) > 1:
        raise Malformed(f"of which length? {head!r}")
    if method == "HEAD" or answer.status in (204, 304) or answer.status < 200:
        return answer, rest
    if coding:
        answer.body, rest = _chunks(rest)
    elif lengths:
        if not lengths[0].isdigit() or len(rest) < int(lengths[0]):
            raise Malformed(f"{lengths[0]!r} bytes are told, {len(rest)} come")
        answer.body = rest[:int(lengths[0])]
        rest = rest[int(lengths[0]):]
    else:
        answer.body, rest = rest, b""
    return answer, rest


def replies(data):
    """All answers that there are in the bytes, but for interim ones."""
    found = []
    while data:
        answer, data = reply(data)
        if answer.status >= 200:
            found.append(answer)
    return found


def is_whole(data):
    """Whether the bytes are answers, none of which breaks off."""
    try:
        return bool(replies(data))
    except Malformed:
        return False


def exchange(port, data, seconds=5):
    """Sends the bytes, of which the last request asks for the connection's end;
    returns what comes."""
    with Connection(port) as connection:
        connection.send(data)
        return connection.receive(seconds)


def request(method, target, *fields, body=None, token=None, rid=None,
            last=True, version="HTTP/1.1"):
    """A request as it should be, but for the bytes that are given."""
    lines = [f"{method} {target} {version}".encode(), b"Host: localhost"]
    lines += [field if isinstance(field, bytes) else field.encode()
              for field in fields]
    if token is not None:
        lines.append(b"Authorization: Bearer " + token.encode())
    if rid is not None:
        lines.append(b"X-Request-ID: " + rid.encode())
    if body is not None:
        lines.append(b"Content-Length: %d" % len(body))
    if last:
        lines.append(b"Connection: close")
    return b"\r\n".join(lines) + b"\r\n\r\n" + (body or b"")
