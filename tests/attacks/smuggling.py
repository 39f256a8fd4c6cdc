"""Request smuggling: what was a body is never a request.

Each case is bytes that two readers might cut apart differently, with a request
hidden where only the wrong reading finds one.  Every request has an id, which
a program repeats in its answer and in its line of the log: so whatever was
executed is seen, on whichever connection its answer went.  The case is followed
by an honest request.  The answers are read strictly.

The web servers decide where a message ends, so each home of tests/homes that
can be started is tried; in the short form lighttpd and Apache."""

import concurrent.futures
import time

import homes
import wire

DEFENDS = ("v5.0.0-4.2.1", "v5.0.0-2.2.1", "v5.0.0-13.4.4")

# What a server reads otherwise, whatever it is told; none of it can be used
# while no other proxy is before it.
LENIENT = {
    # What breaks off looks to mod_fcgid like the end of a body.  The connection
    # is closed, and nothing of the rest is executed.
    "apache-fcgid": ("chunk ",),
    # A line that is no field is left out; LF alone ends a chunk; HTTP/0.9 is
    # answered, without a head, and the connection closed.
    "nginx-fastcgi": (
        "a field with no colon", "a field with CR before the end",
        "a field with a bracket in the name", "chunk b'2\\r\\na\\r\\n0",
        "first line 'GET /{0}'", "HTTP/0.9, then more")}
# What a server may say of a message that it can't cut, or doesn't want.
REFUSALS = {400, 405, 408, 411, 413, 414, 417, 431, 501, 505}

CHUNKED = (
    b"Transfer-Encoding: chunked", b"transfer-encoding: chunked",
    b"Transfer-Encoding: Chunked", b"Transfer-Encoding:chunked",
    b"Transfer-Encoding:  chunked", b"Transfer-Encoding:\tchunked",
    b"Transfer-Encoding: chunked ", b"Transfer-Encoding: chunked\t")
# None of these is the one coding that a request of ours may have: RFC 9112,
# sections 5 and 6, has them refused.
ODDLY_CHUNKED = (
    b"Transfer-Encoding: xchunked", b"Transfer-Encoding: chunkedx",
    b"Transfer-Encoding: chunked, identity",
    b"Transfer-Encoding: chunked, gzip", b"Transfer-Encoding: gzip",
    b"Transfer-Encoding: chunked;q=1", b'Transfer-Encoding: "chunked"',
    b"Transfer-Encoding: chun ked", b"Transfer-Encoding: \x0bchunked",
    b"Transfer-Encoding: chunked\x0b", b"Transfer-Encoding: \x00chunked",
    b"Transfer-Encoding : chunked", b"Transfer-Encoding\t: chunked",
    b"Transfer-Encoding\x00: chunked", b"Transfer\x00-Encoding: chunked",
    b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
    b"X: y\rTransfer-Encoding: chunked")
# The last coding is chunked: who takes that has one length, and no other.
DOUBLY_CHUNKED = (
    b"Transfer-Encoding: chunked, chunked",
    b"Transfer-Encoding: identity, chunked",
    b"Transfer-Encoding: gzip, chunked",
    b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
    b"Transfer-Encoding: identity\r\nTransfer-Encoding: chunked",
    b"Transfer-Encoding: x\r\nTransfer-Encoding: chunked")
# A name of its own, folded or not a field at all: without a meaning for the
# length, or refused.
NOT_CHUNKED = (
    b"Transfer_Encoding: chunked", b"TE: chunked", b"X: y\r\n TE: chunked",
    b"X: y\r\n Transfer-Encoding: chunked",
    b"X-Transfer-Encoding: chunked", b"Trailer: Transfer-Encoding")
LENGTHS = (
    "-1", "+{n}", "0x{n:x}", "{n}.0", "1e3", "{n} {n}", "{n}, 0", "0, {n}",
    "{n},", ",{n}", "", " ", "a", "{n}a", '"{n}"', "{n};", "{n}\x00",
    "18446744073709551616", "18446744073709551617",
    "340282366920938463463374607431768211456", "-18446744073709551615",
    "\u0661")
CHUNKS = (
    # Sizes that are 0 only if they wrap around, or for want of a digit.
    b"10000000000000000\r\n\r\n", b"100000000\r\n\r\n",
    b"fffffffffffffffff\r\n\r\n", b"-0\r\n\r\n", b"+0\r\n\r\n",
    b"0x0\r\n\r\n", b"\r\n\r\n", b"g\r\n\r\n", b";\r\n\r\n", b"\x000\r\n\r\n",
    b"-1\r\n\r\n", b"0g\r\n\r\n", b'"0"\r\n\r\n',
    # Data that is longer than its size, or without an end.
    b"1\r\nab\r\n0\r\n\r\n", b"1\r\na0\r\n\r\n", b"1\r\na\rb0\r\n\r\n",
    b"2\r\na\r\n0\r\n\r\n\r\n")
LINES = {
    "space before the colon": b"X-A : b",
    "tab before the colon": b"X-A\t: b",
    "no name": b": b",
    "no colon": b"X-A",
    "a space in the name": b"X A: b",
    "NUL in the name": b"X\x00A: b",
    "NUL in the value": b"X-A: a\x00b",
    "a folded line": b"X-A: b\r\n c",
    "CR in the value": b"X-A: a\rb",
    "CR before the end": b"X-A: b\r",
    "a line of CR": b"\r",
    "another Host": b"Host: evil.example",
    "a bracket in the name": b"X[A]: b"}
FIRST_LINES = (
    "GET /{0}", "GET  /{0} HTTP/1.1", "GET /{0}  HTTP/1.1",
    "GET\t/{0} HTTP/1.1", "GET /{0}\tHTTP/1.1", " GET /{0} HTTP/1.1",
    "GET /{0} HTTP/1.1 ", "GET /{0} HTTP/1.1 HTTP/1.1", "GET /{0} x HTTP/1.1",
    "GET /{0} HTTP/1.1x", "GET /{0} HTTP/1.1\x00", "GET /{0} HTTP/01.1",
    "GET /{0} HTTP/1.10", "GET /{0} HTTP/9.9", "GET /{0} HTTP/1,1",
    "GET /{0} http/1.1", "GET /{0} HTTP/", "GET /{0} HTP/1.1", "GET",
    "GET {0} HTTP/1.1", "GET http://evil.example/{0} HTTP/1.1",
    "GET http://localhost:99999/{0} HTTP/1.1", "GET http:/{0} HTTP/1.1",
    "GET http://a@localhost/{0} HTTP/1.1", "GET file:///etc/{0} HTTP/1.1",
    "GET //evil.example/{0} HTTP/1.1", "GET * HTTP/1.1", "OPTIONS * HTTP/1.1",
    "CONNECT localhost:1 HTTP/1.1", "CONNECT /{0} HTTP/1.1",
    "TRACE /{0} HTTP/1.1", "TRACK /{0} HTTP/1.1", "PRI * HTTP/2.0",
    "G\x00T /{0} HTTP/1.1", "GET /{0}\x00 HTTP/1.1", "GET /{0}\r HTTP/1.1",
    "G(T /{0} HTTP/1.1")
UPGRADES = (
    (b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA",
     b"Connection: Upgrade, HTTP2-Settings"),
    (b"Upgrade: websocket", b"Connection: Upgrade",
     b"Sec-WebSocket-Version: 13",
     b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="),
    (b"Upgrade: TLS/1.0", b"Connection: Upgrade"))


class Case:
    """What is sent on one connection, before the honest request."""

    numbers = iter(range(10**9))

    def __init__(self, name, make, must_refuse=False, must_close=False):
        self.name = name
        self.number = next(Case.numbers)
        self.must_refuse = must_refuse
        self.must_close = must_close
        self.bytes = make(self)
        self.faults = []
        self.is_refused = False

    def id(self, what):
        return f"smuggling-{what}-{self.number}"

    def inner(self):
        return wire.request("GET", "/" + self.id("inner"),
                            rid=self.id("inner"), last=False)

    def outer(self, *fields, body=b"", method="POST", target="/api/auth/login",
              version="HTTP/1.1"):
        return wire.request(method, target, *fields, rid=self.id("outer"),
                            last=False, version=version) + body

    def run(self, port, seconds):
        after = wire.request("GET", "/health", rid=self.id("after"))
        with wire.Connection(port) as connection:
            connection.send(self.bytes + after)
            data = connection.receive(seconds, self.is_enough)
        try:
            self.judge(wire.replies(data))
        except wire.Malformed as fault:
            self.faults.append(str(fault))

    def is_enough(self, got):
        return self.id("after").encode() in got and wire.is_whole(got)

    def judge(self, replies):
        ids = [one.request_id for one in replies]
        for what, most in (("outer", 1), ("inner", 0),
                           ("after", 0 if self.must_close else 1)):
            if ids.count(self.id(what)) > most:
                self.faults.append(f"{ids.count(self.id(what))} answers to "
                                   f"the {what} request")
        if any(one.status == 101 for one in replies):
            self.faults.append("switched to another protocol")
        self.is_refused = not replies or (
            not ids[0] and replies[0].status in REFUSALS)
        if self.must_refuse and not self.is_refused:
            self.faults.append(f"accepted: {replies[0].status} "
                               f"{replies[0].body[:100]!r}")


FORM = b"Content-Type: application/x-www-form-urlencoded"


def length_then_chunks(case, *coding, version="HTTP/1.1"):
    """All of it is the body by its length, nothing by its coding."""
    body = b"0\r\n\r\n" + case.inner()
    return case.outer(FORM, b"Content-Length: %d" % len(body), *coding,
                      body=body, version=version)


def chunks_then_length(case, *coding, version="HTTP/1.1"):
    """By its length the body ends before the request in its chunk."""
    size = b"%x\r\n" % len(case.inner())
    return case.outer(FORM, *coding, b"Content-Length: %d" % len(size),
                      body=size + case.inner() + b"\r\n0\r\n\r\n",
                      version=version)


def codings():
    """Of two lengths: RFC 9112 has the connection closed at the latest after
    the answer (section 6.1)."""
    for coding in CHUNKED + DOUBLY_CHUNKED:
        for version in ("HTTP/1.1", "HTTP/1.0"):
            for make in (length_then_chunks, chunks_then_length):
                yield Case(f"{make.__name__} {coding!r} {version}",
                           lambda c, m=make, t=coding, v=version:
                           m(c, t, version=v), must_close=True)
    for coding in ODDLY_CHUNKED:
        for make in (length_then_chunks, chunks_then_length):
            yield Case(f"{make.__name__} {coding!r}",
                       lambda c, m=make, t=coding: m(c, t), True)
    for coding in NOT_CHUNKED:
        yield Case(f"length_then_chunks {coding!r}",
                   lambda c, t=coding: length_then_chunks(c, t))


def with_length(case, *fields):
    inner = case.inner()
    return case.outer(FORM, *(field.encode().replace(
        b"{n}", b"%d" % len(inner)) for field in fields), body=inner)


def lengths():
    for length in LENGTHS:
        yield Case(f"Content-Length: {length!r}", lambda c, t=length: c.outer(
            FORM, f"Content-Length: {t.format(n=len(c.inner()))}",
            body=c.inner()), True)
    for one, other in (("0", "{n}"), ("{n}", "0"), ("{n}", "-1"),
                       ("0", "0{n}")):
        yield Case(f"lengths {one} and {other}", lambda c, a=one, b=other:
                   with_length(c, "Content-Length: " + a,
                               "Content-Length: " + b), True)
    for name in ("Content-Length ", "Content-Length\t", "Content-Length\x00",
                 "\x0bContent-Length"):
        yield Case(f"a length called {name!r}", lambda c, t=name: with_length(
            c, t + ": {n}"), True)


def chunks():
    for chunk in CHUNKS:
        yield Case(f"chunk {chunk!r}", lambda c, t=chunk: c.outer(
            FORM, CHUNKED[0], body=t + c.inner()), True)


def bodies():
    """The request is in an honest body, which nobody reads to its end."""
    for method, target in (
            ("GET", "/health"), ("GET", "/api/auth/me"), ("HEAD", "/health"),
            ("DELETE", "/api/auth/me"), ("OPTIONS", "/api/auth/login"),
            ("POST", "/health"), ("POST", "/nowhere"), ("PUT", "/api/limits"),
            ("PATCH", "/api/auth/me"), ("POST", "/api/sessions"),
            ("POST", "/api/auth/logout"), ("POST", "/%00")):
        for size in (0, 70_000):
            for expect in ((), (b"Expect: 100-continue",)):
                # A HEAD's answer has no body, whatever its length says.
                if method != "HEAD":
                    yield Case(f"body of {method} {target}, {size} {expect}",
                               lambda c, m=method, t=target, s=size,
                               e=expect: in_body(c, m, t, s, e))


def in_body(case, method, target, size, expect):
    body = case.inner() + b" " * size + case.inner()
    return case.outer(b"Content-Length: %d" % len(body), *expect,
                      body=body, method=method, target=target)


def lines():
    for what, line in LINES.items():
        yield Case(f"a field with {what}", lambda c, t=line: c.outer(
            FORM, t, b"Content-Length: %d" % len(c.inner()), body=c.inner()),
            what != "a folded line")
    yield Case("no Host", lambda c: c.outer().replace(
        b"Host: localhost\r\n", b""), True)
    for first in FIRST_LINES:
        yield Case(f"first line {first!r}", lambda c, t=first:
                   t.format(c.id("outer")).encode() + b"\r\n" +
                   c.outer(method="GET").partition(b"\r\n")[2])
    for fields in UPGRADES:
        yield Case(f"{fields[0]!r}", lambda c, t=fields: c.outer(
            *t, method="GET", target="/health"))
    yield Case("HTTP/0.9, then more", lambda c:
               b"GET /health\r\n" + c.inner())
    yield Case("the preface of HTTP/2", lambda c:
               b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(9))


def trailers():
    """What comes behind a body is no header field."""
    for field in (b"Content-Length: 0", CHUNKED[0], b"Host: evil.example",
                  b"Content-Type: text/plain", b"X-A : b"):
        yield Case(f"trailer {field!r}", lambda c, t=field: c.outer(
            FORM, CHUNKED[0], body=b"0\r\n" + t + b"\r\n\r\n"))


def cases():
    for kind in (codings, lengths, chunks, bodies, lines, trailers):
        yield from kind()


def control(port):
    """Three honest requests in one go: three answers, in their order.  It is
    seen here that who executes a second request is found out."""
    ids = [f"smuggling-control-{n}" for n in range(3)]
    data = b"".join(wire.request("GET", "/" + one, rid=one, last=one == ids[2])
                    for one in ids)
    got = [one.request_id for one in wire.replies(wire.exchange(port, data))]
    return got == ids, ids


def trailing_token(port, token):
    """The status of who sends his token behind a body."""
    return wire.reply(wire.exchange(port, wire.request(
        "GET", "/api/auth/me", CHUNKED[0]) + b"0\r\nAuthorization: Bearer " +
        token.encode() + b"\r\n\r\n"))[0].status


def has_all(log, ids):
    text = log()
    return all(one in text for one in ids)


def attack(site, name, port, log, token):
    honest, ids = control(port)
    site.judge(honest, f"{name}: requests in one go are not answered in order")
    tried = list(cases())
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda case: case.run(port, 1 if site.short else 3),
                      tried))
    honest, last = control(port)
    end = time.monotonic() + 60
    while not has_all(log, ids + last) and time.monotonic() < end:
        time.sleep(0.05)
    text = log()
    site.judge(honest and has_all(log, ids + last),
               f"{name}: what was executed is not in the log")
    for case in tried:
        if case.id("inner") in text:
            case.faults.append("the hidden request was executed")
        if not case.name.startswith(LENIENT.get(name, ())):
            site.judge(not case.faults,
                       f"{name}: {case.name}: {'; '.join(case.faults)}")
    for start in LENIENT.get(name, ()):
        site.judge(any(case.faults for case in tried
                       if case.name.startswith(start)),
                   f"{name} is not lenient with {start}")
    site.note(f"{name}: {len(tried)} messages, of which "
              f"{sum(case.is_refused for case in tried)} were refused, and the "
              "others cut apart as RFC 9112 has them")
    site.judge(trailing_token(port, token) != 200,
               f"{name}: a token in a trailer is taken")


def run(site):
    attack(site, "lighttpd", site.port, site.log, site.account().access)
    for home in homes.NAMES[:1] if site.short else homes.NAMES:
        with homes.front(site, home) as place:
            if place is not None:
                attack(site, home, *place, homes.register(place[0]))
