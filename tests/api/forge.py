#!/usr/bin/python3
"""Tokens that are not ours, and a second opinion on those that are.

  forge.py tokens KEYFILE TOKEN DIR   every forgery of TOKEN, a file each
  forge.py claims KEYFILE TOKEN       its claims, verified by PyJWT
  forge.py claims-by SECRET TOKEN     the same, signed by a text
  forge.py add-key KEYFILE            adds a newer key to the set
  forge.py check KEYFILE [JSON]       a token of switchboard check's, with
                                      these claims instead of its own
  forge.py mislabel KEYFILE TOKEN     TOKEN by the newest key, under its old kid
"""

import base64
import hashlib
import hmac
import json
import os
import sys
import time
import uuid

import jwt

HASHES = {"HS256": "sha256", "HS384": "sha384", "HS512": "sha512"}


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def dump(value):
    return json.dumps(value, separators=(",", ":")).encode()


def load_keys(path):
    with open(path, encoding="ascii") as file:
        return json.load(file)["keys"]


def secret_of(path, token):
    kid = jwt.get_unverified_header(token)["kid"]
    return next(unb64(k["k"]) for k in load_keys(path) if k["kid"] == kid)


def sign(text, secret, name="sha256"):
    return text + "." + b64(hmac.new(secret, text.encode(), name).digest())


class Forger:
    def __init__(self, secret, token):
        self.secret = secret
        self.token = token
        self.head, self.body, self.mac = token.split(".")
        self.header = json.loads(unb64(self.head))
        self.claims = json.loads(unb64(self.body))

    def make(self, claims=None, header=None, secret=None, alg="HS256"):
        """Signed as ours are, but for what is given; None removes."""
        def changed(base, change):
            new = {**base, **(change or {})}
            return {k: v for k, v in new.items() if v is not None}
        return self.raw(dump(changed(self.header, header)),
                        dump(changed(self.claims, claims)), secret, alg)

    def raw(self, header, claims, secret=None, alg="HS256"):
        return sign(b64(header) + "." + b64(claims),
                    self.secret if secret is None else secret, HASHES[alg])

    def null(self, name):
        return self.raw(dump(self.header), dump({**self.claims, name: None}))

    def standard_alphabet(self):
        """A right signature, in the alphabet of RFC 4648 section 4."""
        while True:
            text = self.make({"jti": str(uuid.uuid4())})
            head, body, mac = text.split(".")
            if "-" in mac or "_" in mac:
                mac = mac.replace("-", "+").replace("_", "/")
                return ".".join((head, body, mac))

    def spare_bits(self):
        """Another last letter that decodes to the same 32 bytes."""
        letters = ("ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                   "abcdefghijklmnopqrstuvwxyz0123456789-_")
        last = letters[letters.index(self.mac[-1]) ^ 1]
        assert unb64(self.mac[:-1] + last) == unb64(self.mac)
        return self.token[:-1] + last

    def flip(self, part, place):
        parts = self.token.split(".")
        text = parts[part]
        new = "A" if text[place] != "A" else "B"
        place %= len(text)
        parts[part] = text[:place] + new + text[place + 1:]
        return ".".join(parts)

    def all(self):
        header, claims, make = dump(self.header), self.claims, self.make
        unsigned = b64(dump({**self.header, "alg": "none"})) + "." + self.body
        nul = self.header["kid"] + "\0x"
        now = int(time.time())
        made = {
            "control": make({"jti": str(uuid.uuid4())}),
            "iat-ahead": make({"iat": now + 1000}),
            "alg-none": unsigned + ".",
            "alg-none-two-parts": unsigned,
            "alg-none-signed": make(header={"alg": "none"}),
            "alg-none-capitals":
                b64(dump({**self.header, "alg": "NONE"})) + "." + self.body
                + ".",
            "alg-hs384": make(header={"alg": "HS384"}, alg="HS384"),
            "alg-hs512": make(header={"alg": "HS512"}, alg="HS512"),
            "alg-hs512-signed-by-hs256": make(header={"alg": "HS512"}),
            "alg-rs256": make(header={"alg": "RS256"}),
            "alg-lower-case": make(header={"alg": "hs256"}),
            "alg-missing": make(header={"alg": None}),
            "alg-number": make(header={"alg": 256}),
            "key-other": make(secret=b"k" * 32),
            "key-empty": make(secret=b""),
            "kid-unknown": make(header={"kid": "0123456789abcdef"}),
            "kid-missing": make(header={"kid": None}),
            "kid-number": make(header={"kid": 1}),
            "kid-empty": make(header={"kid": ""}),
            "kid-longer": make(header={"kid": self.header["kid"] + "0"}),
            "kid-nul": make(header={"kid": nul}),
            "kid-path": make(header={"kid": "../../../../dev/null"}),
            "kid-object": make(header={"kid": {"a": 1}}),
            "crit": make(header={"crit": ["exp"]}),
            "header-array": self.raw(b"[]", dump(claims)),
            "header-not-json": self.raw(b"HS256", dump(claims)),
            "header-not-utf8": self.raw(b'{"alg":"HS256","\xff":1}',
                                        dump(claims)),
            "header-deep": self.raw(b"[" * 6000, dump(claims)),
            "claims-array": self.raw(header, dump([claims])),
            "claims-not-json": self.raw(header, b"me"),
            "claims-empty": self.raw(header, b""),
            "claims-null": self.raw(header, b"null"),
            "exp-passed": make({"exp": now - 1}),
            "exp-zero": make({"exp": 0}),
            "exp-negative": make({"exp": -1}),
            "exp-text": make({"exp": str(claims["exp"])}),
            "exp-float": make({"exp": claims["exp"] + 0.5}),
            "exp-true": make({"exp": True}),
            "exp-null": self.null("exp"),
            "exp-huge": make({"exp": 10 ** 30}),
            "iat-text": make({"iat": str(claims["iat"])}),
            "sub-number": make({"sub": 1}),
            "sub-unknown": make({"sub": str(uuid.uuid4())}),
            "sub-array": make({"sub": [claims["sub"]]}),
            "sid-unknown": make({"sid": str(uuid.uuid4())}),
            "sid-number": make({"sid": 7}),
            "type-other": make({"type": "session"}),
            "type-true": make({"type": True}),
            "type-swapped": make({"type": "refresh" if claims["type"]
                                  == "access" else "access"}),
            "signature-empty": f"{self.head}.{self.body}.",
            "signature-cut": self.token[:-1],
            "signature-longer": self.token + "A",
            "signature-changed": self.flip(2, 0),
            "signature-padded": self.token + "=",
            "signature-spare-bits": self.spare_bits(),
            "signature-standard-alphabet": self.standard_alphabet(),
            "header-changed": self.flip(0, -3),
            "claims-changed": self.flip(1, 10),
            "claims-padded": sign(f"{self.head}.{self.body}=", self.secret),
            "claims-with-tab": sign(f"{self.head}.{self.body[:8]}\t"
                                    f"{self.body[8:]}", self.secret),
            "claims-with-space": sign(f"{self.head}.{self.body[:8]} "
                                      f"{self.body[8:]}", self.secret),
            "parts-two": f"{self.head}.{self.body}",
            "parts-four": self.token + "." + self.mac,
            "parts-five": f"{self.head}..{self.body}.{self.mac}.{self.mac}",
            "dots": "..",
            "letters": "abc",
            "long": "A" * 20480,
            "long-dots": "." * 20480,
        }
        for name in claims:
            made[f"without-{name}"] = make({name: None})
        return made


def add_key(path):
    keys = load_keys(path)
    secret = os.urandom(32)
    keys.append({
        "kty": "oct", "alg": "HS256",
        "kid": hashlib.sha256(secret).hexdigest()[:16], "k": b64(secret),
        "iat": max(k["iat"] for k in keys) + 1,
    })
    with open(path + ".new", "w", encoding="ascii",
              opener=lambda p, f: os.open(p, f, 0o600)) as file:
        json.dump({"keys": keys}, file)
    os.rename(path + ".new", path)


def main(what, *args):
    if what == "tokens":
        path, token, folder = args
        os.makedirs(folder, exist_ok=True)
        forger = Forger(secret_of(path, token), token)
        for name, text in forger.all().items():
            with open(os.path.join(folder, name), "w",
                      encoding="ascii") as file:
                file.write(text)
    elif what == "claims":
        path, token = args
        print(json.dumps(jwt.decode(token, secret_of(path, token),
                                    algorithms=["HS256"])))
    elif what == "claims-by":
        secret, token = args
        print(json.dumps(jwt.decode(token, secret, algorithms=["HS256"])))
    elif what == "mislabel":
        path, token = args
        newest = max(load_keys(path), key=lambda k: k["iat"])
        print(sign(token.rpartition(".")[0], unb64(newest["k"])))
    elif what == "add-key":
        add_key(*args)
    elif what == "check":
        key, now = load_keys(args[0])[0], int(time.time())
        print(jwt.encode({
            "sub": "check", "sid": "check", "jti": str(uuid.uuid4()),
            "type": "check", "iat": now, "exp": now + 60}
            | json.loads("".join(args[1:]) or "{}"),
            unb64(key["k"]), "HS256", {"kid": key["kid"]}))
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main(*sys.argv[1:])
