"""JSON Web Tokens made by hand, right or wrong in any part, by the standard
library alone, so that nothing here agrees with the library that is attacked."""

import base64
import hashlib
import hmac
import json
import os

ALPHABET = ("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
            "-_")
HASHES = {"HS256": "sha256", "HS384": "sha384", "HS512": "sha512"}


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def dump(value):
    return json.dumps(value, separators=(",", ":"),
                      ensure_ascii=False).encode()


def mac(text, secret, name="sha256"):
    return encode(hmac.new(secret, text.encode("latin-1"), name).digest())


def signed(header, claims, secret, name="sha256"):
    """Of two parts as bytes, which need not be JSON."""
    text = encode(header) + "." + encode(claims)
    return text + "." + mac(text, secret, name)


def kid_of(secret):
    return hashlib.sha256(secret).hexdigest()[:16]


class Forger:
    """Knows the key, as who has found a hole would act if he did: what is
    refused to him is refused for no other reason than what he changed."""

    def __init__(self, data, token):
        self.path = os.path.join(data, "signing-keys.json")
        with open(self.path, encoding="ascii") as file:
            self.keys = json.load(file)["keys"]
        self.token = token
        self.head, self.body, self.mac = token.split(".")
        self.header = json.loads(decode(self.head))
        self.claims = json.loads(decode(self.body))
        self.secret = next(decode(key["k"]) for key in self.keys
                           if key["kid"] == self.header["kid"])

    def make(self, claims=None, header=None, secret=None, name="sha256"):
        """Signed as ours are, but for what is changed; ... leaves out."""
        def changed(base, change):
            new = {**base, **(change or {})}
            return dump({k: v for k, v in new.items() if v is not ...})
        return signed(changed(self.header, header),
                      changed(self.claims, claims),
                      self.secret if secret is None else secret, name)

    def text(self, header=None, claims=None):
        """Signed, with the JSON of a part as it is written here."""
        return signed(dump(self.header) if header is None else header,
                      dump(self.claims) if claims is None else claims,
                      self.secret)

    def other_bits(self, part):
        """A part's other spellings: the spare bits of its last letter."""
        parts = self.token.split(".")
        length = len(parts[part])
        spare = {2: 4, 3: 2}.get(length % 4, 0)
        last = ALPHABET.index(parts[part][-1])
        for bits in range(1, 1 << spare):
            parts[part] = parts[part][:-1] + ALPHABET[last ^ bits]
            if part == 2:
                yield ".".join(parts)
            else:
                text = parts[0] + "." + parts[1]
                yield text + "." + mac(text, self.secret)
