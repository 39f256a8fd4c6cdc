"""A client that speaks FastCGI to a program's socket, as a web server does, a
connection a request.  It costs less than any server between them, and so leaves
the processors to what is to race."""

import json
import re
import socket
import struct

BEGIN, END, PARAMS, STDIN, STDOUT = 1, 3, 4, 5, 6
HEADER = struct.Struct("!BBHHBx")
RECORD_MAX = 65528
START = HEADER.pack(1, BEGIN, 1, 8, 0) + struct.pack("!HB5x", 1, 0)
STATUS = re.compile(rb"^Status: (\d+)", re.I | re.M)
LENGTH = re.compile(rb"^Content-Length: (\d+)", re.I | re.M)


def _pair(name, value):
    name, value = name.encode(), value.encode()
    lengths = b"".join(bytes([n]) if n < 128 else
                       struct.pack("!I", n | 0x80000000)
                       for n in (len(name), len(value)))
    return lengths + name + value


# What is the same in all of them.
COMMON = b"".join(_pair(name, value) for name, value in {
    "GATEWAY_INTERFACE": "CGI/1.1", "SERVER_PROTOCOL": "HTTP/1.1",
    "SERVER_NAME": "localhost", "SERVER_PORT": "80", "SCRIPT_NAME": "",
    "REMOTE_ADDR": "192.0.2.1", "HTTP_USER_AGENT": "races"}.items())


def _record(kind, data):
    return HEADER.pack(1, kind, 1, len(data), 0) + data


class Answer:
    """Status None: whoever was to give it died before it was complete."""

    def __init__(self, data):
        self.head, found, self.body = data.partition(b"\r\n\r\n")
        status = STATUS.search(self.head) if found else None
        length = LENGTH.search(self.head)
        whole = length is None or int(length[1]) == len(self.body)
        self.status = int(status[1]) if status and whole else None

    def json(self):
        return json.loads(self.body)

    @property
    def replayed(self):
        return b"\nidempotency-replayed: true" in self.head.lower()

    def __str__(self):
        return f"{self.status} {self.body[:300].decode(errors='replace')}"


def send(path, method, target, token=None, body=None, **fields):
    """Sends a request, with a body of JSON, to the socket at that path; returns
    where its answer will come.  A field is a header's, with underscores."""
    data = b"" if body is None else json.dumps(body).encode()
    if token is not None:
        fields["authorization"] = "Bearer " + token
    return send_bytes(path, method, target, data,
                      "application/json" if data else None, fields)


def send_bytes(path, method, target, data, media, fields):
    """The same with a body as it is, and its type or None."""
    params = [COMMON, _pair("REQUEST_METHOD", method),
              _pair("REQUEST_URI", target),
              _pair("QUERY_STRING", target.partition("?")[2])]
    if media is not None:
        params.append(_pair("CONTENT_TYPE", media))
    if data:
        params.append(_pair("CONTENT_LENGTH", str(len(data))))
    params += [_pair("HTTP_" + name.upper(), value)
               for name, value in fields.items()]
    message = START + _record(PARAMS, b"".join(params)) + _record(PARAMS, b"")
    for start in range(0, len(data), RECORD_MAX):
        message += _record(STDIN, data[start:start + RECORD_MAX])
    to = socket.socket(socket.AF_UNIX)
    to.settimeout(30)
    to.connect(path)
    try:
        to.sendall(message + _record(STDIN, b""))
    except (BrokenPipeError, ConnectionResetError):
        pass                    # receive() finds no answer
    return to


def parts(where):
    """What a program writes, bit by bit, until it is complete, the program is
    dead, or the socket's patience is over."""
    data = b""
    while True:
        try:
            more = where.recv(65536)
        except (ConnectionResetError, TimeoutError):
            return
        if not more:
            return
        data += more
        while len(data) >= 8:
            _, kind, _, length, padding = HEADER.unpack_from(data)
            if len(data) < 8 + length + padding:
                break
            if kind == END:
                return
            if kind == STDOUT and length:
                yield data[8:8 + length]
            data = data[8 + length + padding:]


def receive(where):
    with where:
        return Answer(b"".join(parts(where)))


def ask(*request, **fields):
    return receive(send(*request, **fields))
