"""GET /api/auth/me with FastAPI: the work that switchboard does, in the way
that is fastest there.  ../README.md says what is the same and what is not."""

import os
import sqlite3
import struct
import time

import jwt
from fastapi import Depends, FastAPI, HTTPException
from fastapi.responses import JSONResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

DATA = os.environ["BENCH_DATA"]
SECRET = os.environ["BENCH_SECRET"]
LIMIT = int(os.environ["BENCH_LIMIT"])
WINDOW = int(os.environ["BENCH_WINDOW"]) * 10**6

app = FastAPI(openapi_url=None)
bearer = HTTPBearer(auto_error=False)


def connect(name, synchronous):
    connection = sqlite3.connect(f"{DATA}/{name}", timeout=2,
                                 isolation_level=None,
                                 check_same_thread=False)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute(f"PRAGMA synchronous = {synchronous}")
    return connection


users = connect("switchboard.db", "FULL")
limits = connect("limits.db", "OFF")


def moments(key, now):
    row = limits.execute("SELECT times FROM limits WHERE key = ?",
                         (key,)).fetchone()
    if row is None:
        return []
    return [t for t in struct.unpack(f"<{len(row[0]) // 8}q", row[0])
            if now - WINDOW < t <= now]


def refuse():
    raise HTTPException(429, "User rate limit exceeded")


def count(user):
    key = "user:" + user
    if len(moments(key, time.time_ns() // 1000)) >= LIMIT:
        refuse()
    limits.execute("BEGIN IMMEDIATE")
    try:
        now = time.time_ns() // 1000
        times = moments(key, now)
        if len(times) >= LIMIT:
            refuse()
        times.append(now)
        limits.execute(
            "INSERT INTO limits (key, times, expires_at) VALUES (?, ?, ?) "
            "ON CONFLICT (key) DO UPDATE SET times = excluded.times, "
            "expires_at = excluded.expires_at",
            (key, struct.pack(f"<{len(times)}q", *times), now + WINDOW))
        limits.execute("COMMIT")
    except BaseException:
        limits.execute("ROLLBACK")
        raise


async def caller(given: HTTPAuthorizationCredentials = Depends(bearer)):
    try:
        claims = jwt.decode(given.credentials, SECRET, ["HS256"], {
            "require": ["exp", "sub", "sid"], "verify_iat": False})
    except (AttributeError, jwt.InvalidTokenError):
        raise HTTPException(401, "Could not validate credentials") from None
    row = None
    if claims.get("type") == "access":
        row = users.execute(
            "SELECT users.id, email, username, is_active, users.created_at "
            "FROM logins JOIN users ON users.id = logins.user_id "
            "WHERE logins.id = ? AND logins.user_id = ? "
            "AND logins.revoked_at IS NULL",
            (claims["sid"], claims["sub"])).fetchone()
    if row is None:
        raise HTTPException(401, "Could not validate credentials")
    if not row[3]:
        raise HTTPException(400, "Inactive user")
    return row


@app.get("/api/auth/me")
async def me(user=Depends(caller)):
    count(user[0])
    seconds, rest = divmod(user[4], 10**6)
    return JSONResponse({
        "id": user[0], "email": user[1], "username": user[2],
        "is_active": True, "created_at": time.strftime(
            "%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + ".%06dZ" % rest})
