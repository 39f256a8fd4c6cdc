"""Forged, altered, misplaced and dead tokens.

Every forgery is made with the installation's own key wherever that makes sense,
so that it is refused for what is wrong with it and for nothing else."""

import itertools
import json
import os
import random
import subprocess
import tempfile
import time
import urllib.parse
import uuid

import forging
from forging import Forger, decode, dump, encode, kid_of, mac, signed

DEFENDS = ("v5.0.0-9.1.1", "v5.0.0-9.1.2", "v5.0.0-9.1.3", "v5.0.0-9.2.1",
           "v5.0.0-9.2.2", "v5.0.0-7.2.1", "v5.0.0-7.2.2", "v5.0.0-8.3.1",
           "v5.0.0-14.2.1")

NOWHERE = str(uuid.UUID(int=0))
# One call of each program that wants an access token.
PLACES = ("/api/auth/me", "/api/sessions", f"/api/sessions/{NOWHERE}/events",
          "/api/limits", "/api/auth/sessions")


# ----------------------------------------------------------------- forgeries

def algorithms(f):
    """What says another algorithm than it must."""
    spellings = {"".join(letters) for letters in itertools.product(
        *((c, c.upper()) for c in "none"))}
    spellings |= {"", " none", "none ", "none\n", "n\u200bone", "NoneType",
                  "null", "nul\0l", "non\u0435", "ｎｏｎｅ"}
    others = ["HS384", "HS512", "RS256", "RS384", "RS512", "ES256", "ES384",
              "ES512", "PS256", "EdDSA", "ES256K", "HS1", "hs256", "Hs256",
              "HS256 ", " HS256", "HS256\0", "HS256\n", "HS-256", "HS 256",
              "HS２56", "dir", "A256KW", "HMAC", "HS2562", "HS25"]
    odd = [None, True, 256, 0, [], ["HS256"], {"HS256": "HS256"}, ...]
    for alg in [*sorted(spellings), *others, *odd]:
        header = dump({k: v for k, v in {**f.header, "alg": alg}.items()
                       if v is not ...})
        text = encode(header) + "." + f.body
        for what, end in (("unsigned", ""), ("signed", mac(text, f.secret)),
                          ("by nothing", mac(text, b"")),
                          ("as it was", f.mac), ("zeroes", "A" * 43)):
            yield f"alg {alg!r} {what}", f"{text}.{end}"
        yield f"alg {alg!r} of two parts", text
    for alg, name in (("HS384", "sha384"), ("HS512", "sha512")):
        yield f"alg {alg} well signed", f.make(header={"alg": alg}, name=name)
        yield f"{alg}'s signature", f.make(name=name)
        yield f"{alg}'s signature, cut", ".".join(
            f.make(name=name).split(".")[:2]) + "." + f.make(
                name=name).split(".")[2][:43]


def keys(f):
    """What was signed by another key than the one that it must be."""
    own = next(key for key in f.keys if key["kid"] == f.header["kid"])
    foreign = os.urandom(32)
    wrong = {
        "empty": b"", "zeroes": bytes(32), "one zero": b"\0",
        "secret": b"secret", "the kid": own["kid"].encode(),
        "the key's text": own["k"].encode(), "hexadecimal":
        f.secret.hex().encode(), "cut": f.secret[:-1], "longer":
        f.secret + b"\0x", "turned": f.secret[::-1], "foreign": foreign,
        "the placeholder": b"your-secret-key-here-change-in-production",
        "the id": f.claims["sub"].encode(), "null": b"null",
        "the algorithm": b"HS256", "a space": b" "}
    for name, secret in wrong.items():
        yield f"key {name}", f.make(secret=secret)
        yield f"key {name} under its own kid", f.make(
            secret=secret, header={"kid": kid_of(secret)})
        jwk = {"kty": "oct", "alg": "HS256", "kid": kid_of(secret),
               "k": encode(secret)}
        yield f"key {name} brought along", f.make(
            secret=secret, header={"jwk": jwk})
        # With as many members as ours have.
        yield f"key {name} instead of its name", f.make(
            secret=secret, header={"jwk": jwk, "kid": ...})
    for name in ("jku", "x5u", "x5c", "x5t", "x5t#S256", "crit", "cty", "b64",
                 "zip", "enc", "p2c", "iss"):
        for value in ("http://127.0.0.1/keys", [name], {"keys": []}, False):
            yield f"header {name} {value!r}", f.make(header={name: value})
            yield f"header {name} {value!r} for typ", f.make(
                header={name: value, "typ": ...})


def kids(f):
    """What asks for a key that there is not."""
    kid = f.header["kid"]
    odd = ["", " ", kid.upper(), kid + " ", " " + kid, kid + "0", kid[:-1],
           kid + "\0", kid + "\0x", "\0" + kid, kid + "\n", kid * 2,
           "0" * 16, "g" * 16, "../" * 8 + "dev/null", "/dev/null",
           "../../../../proc/sys/kernel/randomize_va_space", "/etc/passwd",
           "file:///dev/null", "signing-keys.json", "./" + kid, kid + "/.",
           "' OR '1'='1", "' UNION SELECT 'A", kid + "'--", "%s%s%s%n",
           "$(id)", "`id`", "|id", "*", "%", "_" * 16, "key", "null",
           "\u202e" + kid, "\u200b" + kid, "A" * 4000, -1, 0, 1,
           int(kid, 16), float("inf"), True, False, None, [], [kid],
           {"kid": kid}, [[kid]], ...]
    if kid.upper() == kid:
        odd.remove(kid.upper())
    for value in odd:
        for secret in (f.secret, b"", b"\n", bytes(32), b"A"):
            yield f"kid {value!r} signed by {len(secret)} bytes", f.make(
                header={"kid": value}, secret=secret)


WRONG = [None, True, False, 0, 1, -1, 0.5, 1e300, "", " ", "0", "\0", "a" * 99,
         [], {}, [None], {"a": 1}, "null", "' OR 1=1--", "*", "%", "\u202e",
         NOWHERE, "ffffffff-ffff-ffff-ffff-ffffffffffff", ...]


def claims(f, other):
    """What says of whom, what and until when it is in a wrong way."""
    now = int(time.time())
    for name, own in f.claims.items():
        for value in WRONG:
            # iat is a number that nobody judges, jti one's that is not kept.
            harmless = (name == "iat" and type(value) is int) or (
                name in ("username", "jti") and isinstance(value, str)
                and "\0" not in value)
            if not harmless:
                yield f"{name} {value!r}", f.make({name: value})
        text = dump(own)
        for odd in (b"[" + text + b"]", b'{"a":' + text + b"}", text + b"0",
                    b"NaN", b"Infinity", b"-Infinity", b"-" + text,
                    b"0x7fffffff", b"+1", b"01", b"1.", b".5", b"1e", b"--1",
                    b"undefined", b"'x'", text + b"," + text, b"",
                    text + b"/*x*/", b'"\xff"', b'"\xc0\xae"',
                    b'"\xed\xa0\x80"', b'"\\ud800"', b'"\\u0000"'):
            if odd == text + b"0" and name in ("iat", "exp"):
                continue
            if odd == b"-" + text and name == "iat":
                continue
            written = dump({**f.claims, name: 777777}).replace(
                b"777777", odd)
            yield f"{name} written {odd!r}", f.text(claims=written)
        for first, last in ((own, own), (own, "x"), ("x", own)):
            twice = dump(f.claims)[:-1].replace(
                dump({name: own})[1:-1], dump({name: first})[1:-1], 1)
            twice += b"," + dump({name: last})[1:]
            yield f"{name} twice: {first!r}, {last!r}", f.text(claims=twice)
        escaped = f'"{name[:-1]}\\u{ord(name[-1]):04x}"'.encode()
        yield f"{name} twice, once escaped", f.text(
            claims=dump(f.claims)[:-1] + b"," + escaped + b":" + text + b"}")
        yield f"{name} and a name with NUL", f.text(
            claims=dump({**f.claims, name + "\0x": own}))
        yield f"{name} for a name with NUL", f.text(
            claims=dump({name + "\0x" if k == name else k: v
                         for k, v in f.claims.items()}))
        yield f"{name} in capitals", f.text(
            claims=dump({name.upper() if k == name else k: v
                         for k, v in f.claims.items()}))
    for exp in (now - 1, now - 86400, 0, 1, -1, -2**31, -2**63, 2**64, 2**63,
                10**19, 10**30, 10**400, -10**30, f.claims["exp"] + 0.5,
                float(f.claims["exp"]), str(f.claims["exp"]), now / 1e300,
                "2099-01-01T00:00:00Z", [f.claims["exp"]],
                {"exp": f.claims["exp"]}):
        yield f"exp {exp!r}"[:80], f.make({"exp": exp})
    for name in ("nbf", "aud", "iss", "admin", "is_admin", "role", "scope",
                 "act", "cnf", "user_id", "scopes", "agent_key_id"):
        for value in (now + 3600, now - 1, other.id, True, "admin", ["agent"]):
            yield f"and {name} {value!r}", f.make({name: value})
    for kind in ("refresh", "check", "session", "ACCESS", "access ", "agent",
                 "admin", "id", "bearer", "access\0", ["access"],
                 {"access": True}):
        yield f"type {kind!r}", f.make({"type": kind})
    yield "another's sub", f.make({"sub": other.id})
    yield "another's login", f.make({"sid": forging.Forger(
        f.folder, other.access).claims["sid"]})
    yield "sub in capitals", f.make({"sub": f.claims["sub"].upper()})
    yield "sid in capitals", f.make({"sid": f.claims["sid"].upper()})
    yield "sub in braces", f.make({"sub": "{" + f.claims["sub"] + "}"})


def encodings(f):
    """What decodes to the same, or nearly, and is written otherwise."""
    for part in range(3):
        for text in f.other_bits(part):
            yield f"spare bits of part {part}", text
    while True:
        text = f.make({"jti": str(uuid.uuid4())})
        if "-" in text and "_" in text:
            break
    yield "the standard alphabet", text.replace("-", "+").replace("_", "/")
    for old, new in (("-", "+"), ("_", "/")):
        yield f"{new} for {old}", text.replace(old, new)
        body = f.body.replace(old, new)
        if body != f.body:
            yield f"{new} signed", ".".join((f.head, body, mac(
                f.head + "." + body, f.secret)))
    parts = [f.head, f.body, f.mac]
    fillers = ["=", "==", "A", ".", "..", "%3D", "%00", "\t", "~", "!", "*",
               "\u00a0", "\u00ff", "+", "/", "%2e", ";", "'", '"', "\\", "|"]
    for filler in fillers:
        for place in range(3):
            for where in ("before", "after", "within"):
                p = list(parts)
                p[place] = {"before": filler + p[place],
                            "after": p[place] + filler,
                            "within": p[place][:9] + filler
                            + p[place][9:]}[where]
                yield f"{filler!r} {where} part {place}", ".".join(p)
                if place < 2:
                    text = p[0] + "." + p[1]
                    yield (f"{filler!r} {where} part {place}, signed",
                           text + "." + mac(text, f.secret))
    for n in (0, 1, 2, 4, 5, 6, 9):
        yield f"{n} parts", ".".join((parts * 3)[:n])
    for order in itertools.permutations(range(3)):
        if order != (0, 1, 2):
            yield f"parts in order {order}", ".".join(
                parts[i] for i in order)
    for i in range(3):
        empty = list(parts)
        empty[i] = ""
        yield f"part {i} empty", ".".join(empty)
    yield "in quotes", f'"{f.token}"'
    yield "in angles", f"<{f.token}>"
    yield "encoded again", encode(f.token.encode())
    yield "as flattened JSON", dump({
        "protected": f.head, "payload": f.body,
        "signature": f.mac}).decode()
    yield "in capitals", f.token.upper()
    yield "in small letters", f.token.lower()
    yield "of 8 KiB", f.make({"username": "a" * 6100})
    yield "of 12 KB of claims", f.make({"username": "a" * 9000})
    header, body = dump(f.header), dump(f.claims)
    for name, json_text in (("array", b"[%s]"), ("text", b'"%s"'),
                            ("twice", b"%s%s"), ("with a tail", b"%s x"),
                            ("with NUL", b"%s\0"), ("after a mark",
                                                    b"\xef\xbb\xbf%s"),
                            ("cut", None), ("deep", None), ("null", b"null"),
                            ("nothing", b""), ("a number", b"1")):
        for which, own in (("header", header), ("claims", body)):
            written = own[:-1] if name == "cut" else \
                b"[" * 3000 + own + b"]" * 3000 if name == "deep" else \
                json_text.replace(b"%s", own)
            yield f"{which} {name}", f.text(**{which: written})


def mutants(f, chance, n):
    """Our token with some letters changed, lost, added or moved."""
    letters = forging.ALPHABET + ".=+/ ,\u00e9~%"
    for _ in range(n):
        text = list(f.token)
        for _ in range(chance.choice((1, 1, 1, 2, 5))):
            place = chance.randrange(len(text))
            how = chance.randrange(4)
            if how == 0:
                text[place] = chance.choice(letters)
            elif how == 1:
                del text[place]
            elif how == 2:
                text.insert(place, chance.choice(letters))
            else:
                other = chance.randrange(len(text))
                text[place], text[other] = text[other], text[place]
        text = "".join(text)
        if text.strip(" ") != f.token:
            yield "mutant", text


def public_keys(f):
    """What was signed by RS256 or ES256, and by HS256 with the public key."""
    with tempfile.TemporaryDirectory() as folder:
        for alg, how in (("RS256", ("-algorithm", "RSA")),
                         ("ES256", ("-algorithm", "EC", "-pkeyopt",
                                    "ec_paramgen_curve:P-256"))):
            path = os.path.join(folder, alg)

            def openssl(*arguments, data=b"", path=path):
                return subprocess.run(
                    ["openssl", *arguments], input=data, check=True,
                    capture_output=True).stdout
            openssl("genpkey", *how, "-out", path)
            public = openssl("pkey", "-in", path, "-pubout")
            der = openssl("pkey", "-in", path, "-pubout", "-outform", "DER")
            for header in ({}, {"kid": kid_of(public)}, {"kid": path},
                           {"jwk": {"kty": "RSA", "n": encode(der)}}):
                head = encode(dump({**f.header, "alg": alg, **header}))
                text = head + "." + f.body
                by = openssl("dgst", "-sha256", "-sign", path,
                             data=text.encode())
                yield f"{alg} {header}", text + "." + encode(by)
                for key in (public, public.strip(), der):
                    yield (f"HS256 by {alg}'s public key {header}",
                           f.make(header=header, secret=key))
                    yield (f"{alg} as HS256 by its public key {header}",
                           f.make(header={**header, "alg": alg}, secret=key))


def forgeries(f, other, site):
    f.folder = site.data
    yield from algorithms(f)
    yield from keys(f)
    yield from kids(f)
    yield from claims(f, other)
    yield from encodings(f)
    yield from public_keys(f)
    yield from mutants(f, site.random, 200 if site.short else 5000)


# -------------------------------------------------------------------- trying

def is_refused(answer, detail):
    """By a program of ours in its words, or by the server before it."""
    if answer.status in (400, 431):
        return answer.json is None or "access_token" not in answer.json
    return answer.status == 401 and answer.json["detail"] == detail


def try_access(site, number, name, token):
    path = PLACES[number % len(PLACES)]
    answer = site.call("GET", path, headers=[(
        "Authorization", ("Bearer " + token).encode("utf-8"))])
    # Nothing after the scheme, or another scheme: there is none.
    site.judge(is_refused(answer, "Could not validate credentials"),
               f"{name} at {path}: {answer} {token[:200]}")


def try_refresh(site, number, name, token):
    if number % 2:
        answer = site.call("POST", "/api/auth/refresh",
                           {"refresh_token": token})
    else:
        answer = site.call(
            "POST", "/api/auth/refresh", urllib.parse.urlencode({
                "grant_type": "refresh_token", "refresh_token": token}),
            {"Content-Type": "application/x-www-form-urlencoded"})
    site.judge(answer.status == 422 or
               is_refused(answer, "Invalid refresh token"),
               f"{name} to refresh: {answer} {token[:200]}")


def thinned(site, every):
    """In the short form a part of what is made by a system, but all kinds."""
    if not site.short:
        return list(every)
    every = list(every)
    return [x for x in every if site.random.random() < 0.25]


def try_forgeries(site):
    owner, other = site.account(), site.account()
    f = Forger(site.data, owner.access)
    site.expect(site.me(f.make({"jti": str(uuid.uuid4())})), 200)
    site.expect(site.me(f.make({"iat": int(time.time()) + 1000})), 200)
    made = thinned(site, forgeries(f, other, site))
    for number, (name, token) in enumerate(made):
        # White space at a field's end is the web server's to take away.
        if token.strip(" \t") != owner.access:
            try_access(site, number, name, token)
    f = Forger(site.data, owner.refresh)
    made = thinned(site, forgeries(f, other, site))
    # One that is validly signed and not the current one is a stolen one,
    # which ends the login; such are attacks/refresh's.
    for number, (name, token) in enumerate(made):
        if token != owner.refresh and not name.startswith("jti "):
            try_refresh(site, number, name, token)
    site.judge(site.me(owner.access).status == 200,
               "forgeries have ended the owner's login")
    site.expect(site.refresh(owner.refresh), 200)


def try_kinds(site):
    """Each secret where another kind of them belongs."""
    owner = site.account()
    _, key = site.key(owner)
    f = Forger(site.data, owner.access)
    check = f.make({"type": "check", "username": ..., "sub": "check",
                    "sid": "check"})
    hashed = site.rows("SELECT hash FROM agent_keys")[0][0]
    if isinstance(hashed, bytes):
        hashed = hashed.hex()
    for number in range(2 * len(PLACES)):
        for name, token in (("a refresh token", owner.refresh),
                            ("switchboard check's", check),
                            ("a password", owner.password.replace(" ", "")),
                            ("a user's id", owner.id),
                            ("a login's id", f.claims["sid"]),
                            ("a hash of a key", hashed),
                            ("that as a key", "sbk_" + hashed),
                            ("a token as a key", "sbk_" + owner.access),
                            ("a key without its prefix", key[4:]),
                            ("a prefix", "sbk_")):
            try_access(site, number, name, token)
    for number in range(2):
        for name, token in (("an access token", owner.access), ("a key", key),
                            ("switchboard check's", check),
                            ("a login's id", f.claims["sid"]),
                            ("nothing", "")):
            try_refresh(site, number, name, token)
    for place in range(len(key)):
        for letter in (forging.ALPHABET if not site.short else "Az_"):
            changed = key[:place] + letter + key[place + 1:]
            if changed != key:
                try_access(site, 1, "an altered key", changed)
    for name, token in (("longer", key + "A"), ("cut", key[:-1]),
                        ("padded", key + "="), ("in capitals", key.upper()),
                        ("prefix in capitals", "SBK_" + key[4:])):
        try_access(site, 1, "a key " + name, token)
    for name, token in (("a user's token", owner.access), ("a key", key),
                        ("a refresh token", owner.refresh)):
        answer = site.call("GET", "/api/auth/check", token=token)
        site.judge(answer.status in (401, 404),
                   f"{name} where the operator's belongs: {answer}")
    site.expect(site.call("GET", "/api/sessions", token=key), 200)


def try_places(site):
    """A good token counts in one place alone, spelt as it has to be."""
    owner, other = site.account(), site.account()
    token = owner.access
    schemes = ["Bearer\t{}", "Bearer{}", "Bearer:{}", "Bearer: {}",
               "Bearer={}", "Bearer,{}", "Bearer ,{}", "Token {}", "JWT {}",
               "OAuth {}", "{}", "Bearer {} x", "Bearer {},", "Bearer x {}",
               "Bearer {0} {0}", "Bearer {0},{0}", "Bearer Bearer {}",
               'Bearer "{}"', "Bearer token={}", "Bearer access_token={}",
               "Bearer {};", "Bearer\u00a0{}", "Bearer\u3000{}", "Bear {}",
               "Bearers {}", "\u0411earer {}", "Basic {}", "Digest {}",
               "Negotiate {}", "Bearer {}\tx", "Basic x, Bearer {}",
               "Bearer {}, Basic x", "B\u0435arer {}", "Bearer%20{}",
               "Bearer+{}", "Bearer {}%20", "Bearer\\ {}"]
    basic = encode(f"{owner.username}:{owner.password}".encode())
    for path in PLACES:
        for scheme in schemes:
            value = scheme.format(token).encode()
            answer = site.call("GET", path,
                               headers=[("Authorization", value)])
            site.judge(answer.status in (400, 401),
                       f"{scheme!r} at {path}: {answer}")
        for name in ("X-Authorization", "Proxy-Authorization", "X-Auth-Token",
                     "X-Access-Token", "Authorization_", "X-Api-Key",
                     "Authentication", "Redirect-Http-Authorization",
                     "HTTP-Authorization", "X-HTTP-Authorization",
                     "X-Original-Authorization", "Token", "Cookie",
                     "Sec-WebSocket-Protocol", "X-Forwarded-Authorization"):
            for value in ("Bearer " + token, token, "access_token=" + token,
                          "Authorization=Bearer " + token):
                answer = site.call("GET", path, headers=[(name, value)])
                site.judge(answer.status == 401,
                           f"{name}: {value[:30]} at {path}: {answer}")
        for name in ("X-User-Id", "X-Remote-User", "Remote-User", "X-User",
                     "X-Forwarded-User", "X-Auth-User", "From",
                     "X-Webauth-User", "X-Client-Id", "X-Agent-Key-Id"):
            for value in (owner.id, owner.username, owner.email):
                answer = site.call("GET", path, headers=[(name, value)])
                site.judge(answer.status == 401, f"{name} at {path}: {answer}")
        for name in ("access_token", "token", "Authorization", "jwt", "auth",
                     "bearer_token", "key", "api_key"):
            for value in (token, "Bearer%20" + token):
                answer = site.call("GET", f"{path}?{name}={value}")
                site.judge(answer.status == 401,
                           f"?{name}= at {path}: {answer}")
                answer = site.call("GET", path, f"{name}={value}", {
                    "Content-Type": "application/x-www-form-urlencoded"})
                site.judge(answer.status == 401,
                           f"{name} in a body at {path}: {answer}")
        several = [[token, "x"], ["x", token], [token, other.access],
                   [token, owner.refresh], [token, ""], ["", token]]
        for values in several:
            for second in ("Authorization", "authorization", "AUTHORIZATION"):
                answer = site.call("GET", path, headers=[
                    ("Authorization", "Bearer " + values[0]),
                    (second, "Bearer " + values[1])])
                site.judge(answer.status in (400, 401), "two fields "
                           f"{values[0][:9]!r} {values[1][:9]!r} at {path}: "
                           f"{answer}")
        for field in (f"Authorization: Basic {basic}",
                      f"Authorization : Bearer {token}",
                      f" Authorization: Bearer {token}",
                      f"X: y\r\n Authorization: Bearer {token}",
                      f"Authorization\0: Bearer {token}",
                      f"Authorization: Bearer {token}\0",
                      f"Authorization: Bearer \0{token}",
                      f"Authorization: \0Bearer {token}",
                      f"Authorization: Bearer {token[:9]}\0{token[9:]}",
                      f"Authorization: Bearer {token}\v",
                      f"Authorization: Bearer {token}\x7f"):
            answer = site.raw(f"GET {path} HTTP/1.1\r\nHost: x\r\n{field}\r\n"
                              "Connection: close\r\n\r\n".encode())
            status = answer.split(b" ", 2)[1:2]
            site.judge(status in ([b"400"], [b"401"]),
                       f"{field[:40]!r} at {path}: {answer[:200]!r}")
    site.expect(site.call("GET", PLACES[0], headers=[
        ("Authorization", "bEARER  " + token)]), 200)


def try_time(site):
    """Tokens when their time has come, by plain CGI with another clock."""
    owner = site.account()
    f = Forger(site.data, owner.access)

    def me(token, later):
        return site.cgi("auth", {
            "REQUEST_URI": "/api/auth/me",
            "HTTP_AUTHORIZATION": "Bearer " + token}, later=later)

    left = f.claims["exp"] - int(time.time())
    site.expect(me(owner.access, left - 5), 200)
    for later in (left, left + 1, left + 60, 86400, 400 * 86400):
        answer = me(owner.access, later)
        site.judge(answer.status == 401, f"{later} s later: {answer}")
    r = Forger(site.data, owner.refresh)
    left = r.claims["exp"] - int(time.time())
    for later in (left, left + 1, 400 * 86400):
        answer = site.cgi("auth", {
            "REQUEST_URI": "/api/auth/refresh", "REQUEST_METHOD": "POST"},
                          {"refresh_token": owner.refresh}, later=later)
        site.judge(answer.status == 401, f"refresh {later} s later: {answer}")
    for ahead in (1, 2):
        token = f.make({"exp": int(time.time()) + ahead})
        site.expect(site.me(token), 200, 401)
        while time.time() < json.loads(decode(token.split(".")[1]))["exp"]:
            time.sleep(0.02)
        for number in range(len(PLACES)):
            try_access(site, number, "expired this second", token)


def try_retired(site):
    """A key that was replaced so long ago that nothing of it can live."""
    with site.settings(REFRESH_TOKEN_EXPIRE_DAYS="365"):
        owner = site.account()
    f = Forger(site.data, owner.access)
    far = {"exp": int(time.time()) + 300 * 86400}
    site.command("key", "rotate")
    site.restart()              # or some minutes go by until it signs
    rotated = site.login(owner)
    new_key = Forger(site.data, rotated.access)
    if new_key.secret == f.secret:
        raise ValueError("the new key does not sign")
    old, new = f.make(far), new_key.make(
        {**far, "sid": f.claims["sid"]})
    with site.settings(REFRESH_TOKEN_EXPIRE_DAYS="1"):
        for name, token, later, status in (
                ("the old key's", old, 3600, 200),
                ("the new key's", new, 3 * 86400, 200),
                ("a retired key's", old, 3 * 86400, 401),
                ("a retired key's", old, 30 * 86400, 401)):
            answer = site.cgi("auth", {
                "REQUEST_URI": "/api/auth/me",
                "HTTP_AUTHORIZATION": "Bearer " + token}, later=later)
            if status == 200:
                site.expect(answer, 200)
            else:
                site.judge(answer.status == 401, f"{name}: {answer}")
    mislabelled = signed(dump(f.header), dump(f.claims), new_key.secret)
    for number in range(len(PLACES)):
        try_access(site, number, "under another kid", mislabelled)


def try_foreign(site):
    """What another installation has signed for one of the same name."""
    owner = site.account("twin")
    f = Forger(site.data, owner.access)
    secret = random.SystemRandom().randbytes(32)
    for number in range(len(PLACES)):
        for header in (f.header, {**f.header, "kid": kid_of(secret)}):
            try_access(site, number, "another installation's",
                       signed(dump(header), dump(f.claims), secret))
    secret = "another secret key of more than 32 bytes"
    with site.settings(SECRET_KEY=secret):
        by_setting = site.login(owner)
        site.expect(site.me(by_setting.access), 200)
    for number in range(len(PLACES)):
        try_access(site, number, "by a SECRET_KEY that is gone",
                   by_setting.access)


def run(site):
    try_forgeries(site)
    try_kinds(site)
    try_places(site)
    try_time(site)
    try_retired(site)
    try_foreign(site)
