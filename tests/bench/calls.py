"""What is sent: the requests of each call, every one by another user, in the
form that load.c reads."""

import base64
import hashlib
import hmac
import itertools
import json
import struct
import time
import urllib.parse
import uuid

import house

PASSWORD = "password123"
TEXT = ("Something of a usual length, as people write to agents all day: what "
        "has to be done, by when, and what it may cost.")


def _part(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def token(claims):
    """HS256 over sorted members, as switchboard writes them."""
    text = b".".join(_part(json.dumps(part, sort_keys=True,
                                      separators=(",", ":")).encode())
                     for part in ({"alg": "HS256", "kid": house.KID,
                                   "typ": "JWT"}, claims))
    return (text + b"." + _part(hmac.digest(house.SECRET.encode(), text,
                                            hashlib.sha256))).decode()


def access_token(user, name, login):
    now = int(time.time())
    return token({"sub": user, "username": name, "type": "access",
                  "iat": now, "exp": now + 86400, "jti": str(uuid.uuid4()),
                  "sid": login})


def request(method, path, bearer=None, body=None, media="application/json",
            **fields):
    head = [f"{method} {path} HTTP/1.1", "Host: localhost",
            "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) "
            "Gecko/20100101 Firefox/128.0", "Accept: application/json"]
    if bearer is not None:
        head.append("Authorization: Bearer " + bearer)
    if body is not None:
        head += ["Content-Type: " + media, f"Content-Length: {len(body)}"]
    head += [f"{name.replace('_', '-')}: {value}"
             for name, value in fields.items()]
    return ("\r\n".join(head) + "\r\n\r\n" + (body or "")).encode()


def write(path, requests):
    """REQUESTS: pairs of a request and the status that is expected."""
    with open(path, "wb") as file:
        for text, status in requests:
            file.write(struct.pack("<IH", len(text), status) + text)


def addresses():
    """Of clients; a /8 of them before one comes again."""
    for n in itertools.count():
        yield f"10.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}"


class Callers:
    """Users of a data directory, evenly spread over all of them."""

    def __init__(self, database, most):
        users = database.execute("SELECT max(rowid) FROM users").fetchone()[0]
        step = max(1, users // most)
        self.users = [
            (user, name, access_token(user, name, login))
            for user, name, login in database.execute(
                "SELECT users.id, username, logins.id FROM users "
                "JOIN logins ON logins.user_id = users.id "
                "WHERE users.rowid % ? = 0 GROUP BY users.id LIMIT ?",
                (step, most))]
        self.sessions = [
            (session, access_token(user, name, login))
            for session, user, name, login in database.execute(
                "SELECT chat_sessions.id, users.id, username, logins.id "
                "FROM chat_sessions "
                "JOIN users ON users.id = chat_sessions.user_id "
                "JOIN logins ON logins.user_id = users.id "
                "WHERE messages > 0 GROUP BY chat_sessions.id LIMIT ?",
                (most,))]
        self.address = addresses()
        self.number = itertools.count()

    # One after the other, so that neighbours in a table aren't called in turn.
    def shuffled(self, things):
        step = next(n for n in (389, 397, 401, 409) if len(things) % n)
        return [things[i * step % len(things)] for i in range(len(things))]

    def public(self, method, path, status, body, media="application/json"):
        return request(method, path, None, body, media,
                       X_Forwarded_For=next(self.address)), status

    def constant(self, _):
        return [(request("GET", "/bench/constant", bearer), 200)
                for _, _, bearer in self.users]

    def lingering(self, _):
        return [(request("GET", "/bench/lingering", bearer), 200)
                for _, _, bearer in self.users]

    def static(self, _):
        return [(request("GET", "/bench/static"), 200)]

    def health(self, _):
        return [(request("GET", "/health"), 200)]

    def me(self, _, status=200):
        return [(request("GET", "/api/auth/me", bearer), status)
                for _, _, bearer in self.shuffled(self.users)]

    def full(self, _):
        return self.me(None, 429)

    def login(self, _):
        return [self.public("POST", "/api/auth/login", 200,
                            urllib.parse.urlencode(
                                {"username": name, "password": PASSWORD}),
                            "application/x-www-form-urlencoded")
                for _, name, _ in self.shuffled(self.users)]

    def register(self, _):
        return [self.public("POST", "/api/auth/register", 201, json.dumps({
            "email": f"new{n}@example.com", "username": f"new{n}",
            "password": PASSWORD}))
                for n in itertools.islice(self.number, 2000)]

    def refresh(self, database):
        """With tokens that were not used yet: each serves once."""
        return [self.public("POST", "/api/auth/refresh", 200, json.dumps({
            "refresh_token": token({
                "sub": user, "type": "refresh", "iat": issued,
                "exp": expires, "jti": jti, "sid": login})}))
                for jti, issued, expires, login, user in
                self.unused(database)]

    def unused(self, database):
        """Evenly spread, and others each time as far as there are."""
        last = database.execute(
            "SELECT max(rowid) FROM refresh_tokens").fetchone()[0]
        step = max(1, last // 10000)
        rows = database.execute(
            "SELECT jti, issued_at, refresh_tokens.expires_at, login_id, "
            "user_id FROM refresh_tokens JOIN logins ON logins.id = login_id "
            "WHERE used_at IS NULL AND revoked_at IS NULL "
            "AND refresh_tokens.rowid % ? = ?",
            (step, next(self.number) % step)).fetchall()
        return self.shuffled(rows)

    def invalid(self, _):
        return [self.public("POST", "/api/auth/register", 422, json.dumps({
            "email": "nobody", "username": "x", "password": "short"}))
                for _ in range(5000)]

    def message(self, _):
        return [(request("POST", f"/api/sessions/{session}/messages", bearer,
                         json.dumps({"content": TEXT})), 201)
                for session, bearer in self.shuffled(self.sessions)]

    def page(self, _):
        return [(request("GET", f"/api/sessions/{session}/messages?limit=50",
                         bearer), 200)
                for session, bearer in self.shuffled(self.sessions)]

    def mixed(self, _):
        """Of five calls one writes in the database; all are counted."""
        pages = self.page(None)
        return [one for lot in zip(
            self.me(None), pages, self.message(None), pages[1:] + pages[:1],
            self.me(None)) for one in lot]
