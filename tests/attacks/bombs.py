"""Bombs: bodies and fields that are small to send, dear to read.

Depth, length, numbers, names, forms, parts, compression, normal forms,
addresses and tokens, each at the bounds that a request has.  Each is answered,
by no more memory and processor time than are stated here: of a process of its
own, by the kernel's account of it; then again and again of the workers, which
have to be as small afterwards as they were."""

import base64
import gzip
import json
import os
import re
import subprocess
import tempfile
import zlib

import document
import wire

DEFENDS = ("v5.0.0-2.2.1", "v5.0.0-1.4.1", "v5.0.0-1.4.2", "v5.0.0-1.4.3",
           "v5.0.0-1.5.2", "v5.0.0-15.1.3", "v5.0.0-15.2.2", "v5.0.0-4.3.1",
           "v5.0.0-2.4.1")

KIB = 1024
MIB = 1024 * KIB
# What a program may take for a request: memory, all in all, and seconds of a
# processor.
MEMORY = 16 * MIB
SECONDS = 1.0
# What a worker may have grown by when it has read all of them many times.
GROWTH = 8 * MIB
BODY = 64 * KIB
# Starts a program and tells of its end.  The kernel counts to a process what
# was its parent's when it began, so it is one that is small itself.
LAUNCH = """
import os, sys
child = os.fork()
if child == 0:
    os.dup2(os.open('/dev/null', os.O_WRONLY), 2)
    os.execv(sys.argv[1], sys.argv[1:])
_, ended, usage = os.wait4(child, 0)
print(ended, usage.ru_maxrss, usage.ru_utime + usage.ru_stime, file=sys.stderr)
"""
LIGATURE = "\ufdfa"             # 18 characters in NFKC
REGISTER = "/api/auth/register"
LOGIN = "/api/auth/login"
REFUSED = {400, 401, 403, 404, 405, 411, 413, 414, 422, 431}


class Bomb:
    def __init__(self, what, body=b"", target=REGISTER, kind="application/json",
                 method="POST", fields=(), expected=None):
        self.what = what
        self.body = body if isinstance(body, bytes) else body.encode()
        self.target = target
        self.kind = kind
        self.method = method
        self.fields = dict(fields)
        self.expected = REFUSED if expected is None else expected

    @property
    def program(self):
        return "chat" if self.target.startswith("/api/sessions") else "auth"


def register(**changes):
    return json.dumps({"email": "bomb@example.com", "username": "bomb",
                       "password": "correct horse battery"} | changes,
                      ensure_ascii=False)


def in_field(name, text):
    """Of a registration; as much of it as a body can hold."""
    room = BODY - len(register(**{name: ""}).encode())
    return register(**{name: text.encode()[:room].decode(errors="ignore")})


def depths():
    for n in (17, 1000, 30_000, 60_000):
        for opening, closing in (("[", "]"), ('{"a":', "}")):
            for inner in (opening * n, opening * n + "1" + closing * n,
                          '{"email":' + opening * n):
                yield Bomb(f"{n} of {opening}", inner.encode()[:BODY],
                           expected={422})


def numbers():
    for number in ("1" * 60_000, "0." + "1" * 60_000, "1e999999999",
                   "1e-999999999", "-" + "9" * 60_000, "1E+400",
                   "0." + "0" * 60_000 + "1", "1" * 30_000 + "e" + "9" * 30_000,
                   "-0", "1e1000", "18446744073709551616", "9" * 19,
                   "-9223372036854775809"):
        for name in ("email", "other"):
            yield Bomb(f"the number {number[:30]}",
                       register()[:-1] + f', "{name}x": [{number}]}}',
                       expected={201, 400, 422})
        yield Bomb(f"the name {number[:30]}", register(username=0).replace(
            ": 0", ": " + number), expected={422})


def members():
    many = ",".join(f'"a{n}":0' for n in range(6000))
    same = ",".join(['"a":0'] * 10_000)
    # Whoever spreads them over a table by their lengths or ends has one place.
    alike = ",".join(f'"{n:04x}aaaa":0' for n in range(4500))
    short = ",".join(f'"{chr(0x4e00 + n)}":0' for n in range(8000))
    for what, names, expected in (
            ("members", many, {201, 400}), ("members of one name", same, {422}),
            ("members alike", alike, {201, 400}),
            ("members of one character", short, {201, 400})):
        yield Bomb(what, register()[:-1] + "," + names + "}", expected=expected)
        yield Bomb(what + " in a list", f'{{"email":[{{{names}}}]}}',
                   expected={422})
    yield Bomb("empty lists", '{"email":[' + "[]," * 20_000 + "[]]}",
               expected={422})
    yield Bomb("white space", " " * 60_000 + "{}", expected={422})
    yield Bomb("escapes", in_field("username", "").replace(
        '"username": ""', '"username": "' + r"\u0041" * 10_000 + '"'),
        expected={422})


def texts():
    """Normal forms grow, and sort; what is too long is not even looked at."""
    marks = "a" + "\u0300\u0316" * 20_000
    for name in ("username", "email", "password"):
        for what, text in {
                "letters": "a" * BODY, "ligatures": LIGATURE * 50,
                "very many ligatures": LIGATURE * 20_000,
                "marks": marks, "few marks": marks[:50],
                "marks that are as many as may be": marks[:1023],
                "syllables": "\u1100\u1161\u11a8" * 341,
                "what folding makes three of": "\u0390" * 50,
                "a very wide one": "\ufb2c" * 1024,
                "characters beyond the BMP": "\U0001d15e" * 50,
                "characters beyond the BMP, many": "\U0001d15e" * 15_000,
                "marks backwards": "a" + "\u0345\u0334" * 500,
                }.items():
            # Few are a name, or a password; each name then is taken once.
            yield Bomb(f"{what} as {name}", in_field(name, text),
                       expected={201, 400, 422})
    for text in (LIGATURE * 20_000, marks, "@" * 60_000, "a" * 60_000):
        for media in ("username", "password"):
            form = {"username": "nobody", "password": "x", media: text}
            yield Bomb(f"a login's {media}", document.encode(
                document.FORM, form)[0][:BODY], LOGIN, document.FORM,
                expected={401, 422})


def addresses():
    for address in ("@" * 60_000, "a." * 30_000 + "@example.com",
                    "a@" + "b." * 30_000 + "com", "a@" + "\u00df" * 30_000,
                    "a@" + "xn--" * 15_000 + ".com", "a@" + ".".join(
                        ["xn--" + "a" * 59] * 3) + ".com",
                    "a@" + ".".join(["\u4e00" * 20] * 4) + ".com",
                    "a@" + LIGATURE * 60 + ".com", LIGATURE * 3 + "@a.com",
                    "a@" + "\u0300" * 200 + ".com", "a@" + "-" * 250,
                    '"' + "\\" * 30_000 + '"@example.com',
                    "a@[" + "1:" * 30_000 + "]", "(" * 60_000 + "@a.com",
                    "a@" + "\u05d0" * 30 + "1.com", "<" * 60_000,
                    "a" * 64 + "@" + "b" * 63 + "." + "c" * 63 + "." +
                    "d" * 57 + ".com", "a@xn--" + "9" * 57 + ".com",
                    "a@" + "\u200d" * 60 + ".com",
                    "a@" + "\U000e0100" * 60 + ".com"):
        yield Bomb(f"the address {address[:20]}", in_field("email", address),
                   expected={201, 400, 422})


def forms():
    for what, form in {
            "parameters": "a=&" * 21_000, "separators": "&" * 65_000,
            "equals signs": "=" * 65_000, "escapes": "%41" * 21_000,
            "half escapes": "%" * 65_000, "plus signs": "+" * 65_000,
            "one name": "username=a&" * 5900,
            "names": "&".join(f"a{n}=b" for n in range(7000))}.items():
        yield Bomb(f"a form of {what}", form, LOGIN, document.FORM,
                   expected={422})
    multi = document.MULTIPART + "; boundary="
    for what, kind, form in (
            ("parts", multi + "b", "--b\r\n\r\n\r\n" * 5900),
            ("parts of one name", multi + "b", "--b\r\nContent-Disposition: "
             'form-data; name="username"\r\n\r\nx\r\n' * 900),
            ("boundaries", multi + "b", "--b" * 21_000),
            ("ends of lines", multi + "b", "\r\n" * 32_000),
            ("almost boundaries", multi + "-" * 60, "-" * 65_000),
            ("almost boundaries of lines", multi + "\r\n",
             "\r\n--" * 16_000),
            ("a header", multi + "b", "--b\r\n" + "a" * 65_000),
            ("headers", multi + "b", "--b\r\n" + "a: b\r\n" * 10_000),
            ("a name", multi + "b", '--b\r\nContent-Disposition: form-data; '
             'name="' + "\\" * 30_000),
            ("parameters of a header", multi + "b",
             "--b\r\nContent-Disposition: form-data" + ';a="b"' * 10_000),
            ("a long boundary", multi + "b" * 8000, "--" + "b" * 60_000),
            ("parameters of its type", document.MULTIPART + ";a=b" * 2000,
             "--b--\r\n"),
            ("no boundary", document.MULTIPART, "--\r\n" * 16_000)):
        yield Bomb(f"a form of {what}", form, LOGIN, kind, expected={422})


def compressed():
    """Nothing is expanded: it is no JSON as it came."""
    plain = register(username="compressed", email="compressed@example.com")
    large = plain[:-1] + ',"x":"' + "a" * 20_000_000 + '"}'
    for coding, compress in (("gzip", gzip.compress),
                             ("deflate", zlib.compress),
                             ("x-gzip", gzip.compress),
                             ("gzip, gzip", lambda b: gzip.compress(
                                 gzip.compress(b)))):
        for text in (plain, large):
            yield Bomb(f"{coding} of {len(text)}", compress(text.encode()),
                       fields={"Content-Encoding": coding}, expected={422})
            yield Bomb(f"transferred as {coding} of {len(text)}",
                       compress(text.encode()), fields={"TE": coding},
                       kind="application/gzip", expected={422})


def sizes():
    for n in (BODY + 1, 100 * KIB, MIB, 20 * MIB):
        for kind, target in (("application/json", REGISTER),
                             (document.FORM, LOGIN),
                             (document.MULTIPART + ";boundary=b", LOGIN),
                             ("text/plain", REGISTER)):
            yield Bomb(f"{n} bytes of {kind}", b"a" * n, target, kind,
                       expected={413})


def fields():
    """What is in a header field, or a target, up to the web server's bound."""
    header = base64.urlsafe_b64encode(b'{"alg":' + b"[" * 5000).decode()
    for name, value in (
            ("Authorization", "Bearer " + "a" * 15_000),
            ("Authorization", "Bearer " + "." * 15_000),
            ("Authorization", "Bearer " + header + "." + header + ".x"),
            ("Authorization", "Bearer sbk_" + "a" * 15_000),
            ("Authorization", "Bearer" + " " * 15_000),
            ("Accept-Encoding", "gzip;q=0.001," * 1000),
            ("Accept", "text/event-stream;q=0," * 600),
            ("Idempotency-Key", "a" * 15_000), ("Origin", "a" * 15_000),
            ("Range", "bytes=" + "0-0," * 3000), ("Cookie", "a=b;" * 3000),
            ("X-Forwarded-For", "," * 15_000), ("X-Request-Id", "a" * 15_000),
            ("Access-Control-Request-Headers", "a," * 7000),
            ("User-Agent", LIGATURE * 5000), ("Last-Event-Id", "9" * 15_000)):
        yield Bomb(f"{name} {value[:20]}", target="/api/auth/me", method="GET",
                   fields={name: value})
    for target in ("/api/auth/me?" + "a=b&" * 3900, "/a" * 7900,
                   "/" * 15_000, "/api/sessions/" + "%2e" * 5000,
                   "/" + "%25" * 5000, "/api/sessions?limit=" + "9" * 15_000,
                   "/api/sessions?" + "before=a&" * 1600,
                   "/api/sessions?limit=1" + "&" * 15_000):
        yield Bomb(f"the target {target[:30]}", target=target, method="GET")


def bombs():
    for kind in (depths, numbers, members, texts, addresses, forms, compressed,
                 sizes, fields):
        yield from kind()


# ------------------------------------------------------------------ measured


class Measured:
    """A program that is started for one bomb: its answer, and its account."""

    def __init__(self, site, bomb):
        variables = site.environment() | {
            "GATEWAY_INTERFACE": "CGI/1.1", "REMOTE_ADDR": "192.0.2.1",
            "SERVER_PROTOCOL": "HTTP/1.1", "REQUEST_METHOD": bomb.method,
            "REQUEST_URI": bomb.target, "CONTENT_LENGTH": str(len(bomb.body)),
            "QUERY_STRING": bomb.target.partition("?")[2]}
        if bomb.body:
            variables["CONTENT_TYPE"] = bomb.kind
        variables |= {"HTTP_" + name.upper().replace("-", "_"): value
                      for name, value in bomb.fields.items()}
        with tempfile.TemporaryFile() as body, tempfile.TemporaryFile() as out:
            body.write(bomb.body)
            body.seek(0)
            done = subprocess.run(
                ["/usr/bin/python3", "-I", "-S", "-c", LAUNCH, os.path.join(
                    site.build, "libexec/switchboard", bomb.program)],
                stdin=body, stdout=out, stderr=subprocess.PIPE, env=variables,
                check=True, text=True, **site.user)
            out.seek(0)
            status = re.match(rb"Status: (\d+)", out.read(16))
        ended, memory, seconds = done.stderr.split()
        self.ended = int(ended)
        self.status = int(status[1]) if status else None
        self.memory = int(memory) * KIB
        self.seconds = float(seconds)


def alone(site, chosen):
    """Each in a process of its own."""
    most, longest = (0, None), (0, None)
    for bomb in chosen:
        got = Measured(site, bomb)
        site.judge(got.ended == 0 and got.status in bomb.expected and
                   got.memory <= MEMORY and got.seconds <= SECONDS,
                   f"{bomb.what}: {got.status}, {got.memory / MIB:.1f} MiB, "
                   f"{got.seconds:.2f} s")
        most = max(most, (got.memory, bomb.what))
        longest = max(longest, (got.seconds, bomb.what))
    idle = Measured(site, Bomb("nothing", target="/api/auth/me", method="GET"))
    site.note(f"a program took at most {most[0] / MIB:.1f} MiB ({most[1]}), "
              f"{idle.memory / MIB:.1f} for nothing, of {MEMORY // MIB} "
              f"allowed, and {longest[0]:.2f} s of a processor ({longest[1]}), "
              f"of {SECONDS}")


# ----------------------------------------------------------------- of workers


def sizes_of(site):
    """What each process of the site holds now."""
    found = {}
    for number in site.members():
        try:
            with open(f"/proc/{number}/status", encoding="ascii") as file:
                held = re.search(r"RssAnon:\s+(\d+)", file.read())
        except OSError:
            continue
        if held:
            found[number] = int(held[1]) * KIB
    return found


def throw(site, bomb):
    lines = [f"{name}: {value}".encode() for name, value in bomb.fields.items()]
    if bomb.body:
        lines.append(b"Content-Type: " + bomb.kind.replace(
            "\r\n", "").encode())
    data = wire.exchange(site.port, wire.request(
        bomb.method, bomb.target, *lines,
        body=bomb.body if bomb.method == "POST" else None))
    return wire.reply(data, bomb.method)[0].status if data else None


def together(site, chosen):
    """All of them, again and again: the second time they change nothing."""
    for bomb in chosen:
        status = throw(site, bomb)
        site.judge(status in bomb.expected | REFUSED,
                   f"through lighttpd: {bomb.what}: {status}")
    before = sizes_of(site)
    for _ in range(2 if site.short else 20):
        for bomb in chosen:
            throw(site, bomb)
    after = sizes_of(site)
    grown = max(after[number] - before[number] for number in after
                if number in before)
    site.judge(grown <= GROWTH, f"a process grew by {grown / MIB:.1f} MiB")
    site.note(f"no process of the site grew by more than {grown / MIB:.1f} MiB "
              f"when it had read them again, of {GROWTH // MIB} allowed")


def run(site):
    chosen = list(bombs())
    if site.short:
        chosen = site.random.sample(chosen, 80)
    alone(site, chosen)
    together(site, chosen)
