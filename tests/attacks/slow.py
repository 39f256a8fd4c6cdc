"""Slow clients: who sends or reads slowly keeps nobody waiting.

Hundreds of connections that say nothing, break off in their header fields or
bodies, idle after an answer, never read a large one, or never read the events
that they asked for; meanwhile everybody else is answered, in the usual time for
people.  What each web server is told of time is looked up; in the long form it
is waited for, on each home."""

import concurrent.futures
import contextlib
import os
import re
import subprocess
import time

import document
import homes
import wire

DEFENDS = ("v5.0.0-15.1.3", "v5.0.0-15.2.2", "v5.0.0-2.4.1", "v5.0.0-16.5.2")

DEPLOY = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                      "../../deploy")
PATIENCE = 9                    # seconds, of those who are not slow: less than
                                # the slow have, whom they would wait for
# What each server is told, and at most may be, in seconds or connections.
LIGHTTPD = {"server.max-read-idle": 20, "server.max-write-idle": 60,
            "server.max-keep-alive-idle": 15}
BOUNDS = {"server.max-request-field-size": 16384,
          "server.max-request-size": 1024}
TEXTS = {
    "apache/common.conf": (
        (r"^Timeout\s+(\d+)$", 60),
        (r"RequestReadTimeout header=\d+-(\d+),MinRate=\d+", 20),
        (r"RequestReadTimeout .*body=\d+-(\d+),MinRate=\d+", 10),
        (r"^LimitRequestFieldSize\s+(\d+)$", 16384),
        (r"^LimitRequestLine\s+(\d+)$", 16384)),
    "nginx/switchboard.conf": (
        (r"^client_header_timeout\s+(\d+)s;$", 20),
        (r"^\tclient_body_timeout\s+(\d+)s;$", 20),
        (r"^\tfastcgi_send_timeout\s+(\d+)s;$", 60),
        (r"^\tclient_max_body_size\s+(\d+)m;$", 1))}
HALF_HEAD = b"GET /health HTTP/1.1\r\nHost: localhost\r\nX-A: "
HALF_BODY = wire.request(
    "POST", "/api/auth/login", "Content-Type: " + document.FORM,
    body=b"u" * 1000, last=False)[:-500]
WHOLE = wire.request("GET", "/health", last=False)
KINDS = {"nothing": b"", "half a head": HALF_HEAD, "half a body": HALF_BODY,
         "nothing more": WHOLE}
# When a home is done with each of them, in seconds.  (Linux hands Apache a
# connection that says nothing only after a while: TCP_DEFER_ACCEPT.)
ENDS = {"lighttpd": (20, 20, 20, 15), "lighttpd-cgi": (20, 20, 20, 15),
        "apache-proxy": (35, 20, 20, 5), "apache-fcgid": (35, 20, 20, 5),
        "nginx-fastcgi": (20, 20, 20, 75)}
LATE = 8                        # what a server may be late by


# -------------------------------------------------------------- what is set


def settings_of_lighttpd(site, name):
    """What lighttpd makes of a configuration, as text."""
    with open(os.path.join(DEPLOY, "lighttpd", name), encoding="utf-8") as file:
        told = file.read()
    if name == "lighttpd.conf":
        told = subprocess.run(
            ["lighttpd", "-p", "-f", os.path.join(site.run, name)],
            cwd=site.run, capture_output=True, text=True, check=True,
            env=site.environment() | {"HOST": "127.0.0.1", "PORT": "1"}).stdout
    return told


def configured(site):
    for name in ("lighttpd.conf", "cgi.conf"):
        told = settings_of_lighttpd(site, name)
        for setting, most in (LIGHTTPD | BOUNDS).items():
            is_set(site, name, rf"{re.escape(setting)}\s*=\s*(\d+)", told,
                   most)
    for name, settings in TEXTS.items():
        with open(os.path.join(DEPLOY, name), encoding="utf-8") as file:
            told = file.read()
        for expression, most in settings:
            is_set(site, name, expression, told, most)


def is_set(site, name, expression, told, most):
    values = [int(value) for value in re.findall(
        expression, told, re.MULTILINE)]
    site.judge(values and 0 < min(values) <= max(values) <= most,
               f"{name}: {expression}: {values}, at most {most}")


# ------------------------------------------------------------- who is served


def others(site, account, what):
    """Those who are not slow: each is answered, in time."""
    for _ in range(5 if site.short else 20):
        for path, expected in (("/health", 200), ("/api/auth/me", 200),
                               ("/api/sessions", 200), ("/api/limits", 200)):
            begun = time.monotonic()
            answer = site.call("GET", path, token=account.access)
            took = time.monotonic() - begun
            site.judge(answer.status == expected and took <= PATIENCE,
                       f"with {what}, {path}: {answer.status} after "
                       f"{took:.1f} s")
        begun = time.monotonic()
        answer = site.guess(account.username, account.password)
        took = time.monotonic() - begun
        site.judge(answer.status == 200 and took <= PATIENCE,
                   f"with {what}, a login: {answer.status} after {took:.1f} s")


def crowd(site, account, what, data, n):
    """So many of one kind at once, while others are served."""
    with contextlib.ExitStack() as stack:
        for _ in range(n):
            stack.enter_context(wire.Connection(site.port)).send(data)
        site.hang_up()
        others(site, account, f"{n} of {what}")


def not_read(site, world):
    """A large answer that nobody reads, more of them than there are
    processes."""
    inside = f"/api/sessions/{world.session}"
    for _ in range(30 if site.short else 199):
        world.post(inside + "/messages", {"content": "a" * 30_000})
    crowd(site, world.account, "answers that are not read", wire.request(
        "GET", inside + "/messages?limit=200", token=world.account.access,
        last=False) * 4, 24)


def streams(site, world):
    """Events that nobody reads: as many streams as one may have, of more users
    than there may be waiters."""
    worlds = [document.World(site) for _ in range(6 if site.short else 20)]
    with contextlib.ExitStack() as stack:
        for one in worlds:
            for _ in range(4):
                stack.enter_context(wire.Connection(site.port)).send(
                    wire.request("GET", f"/api/sessions/{one.session}/events",
                                 b"Accept: text/event-stream",
                                 token=one.account.access, last=False))
        for one in worlds[:3]:
            for _ in range(20):
                one.post(f"/api/sessions/{one.session}/messages",
                         {"content": "a" * 30_000})
        others(site, world.account, "streams that are not read")
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        answer = site.call("GET", f"/api/sessions/{world.session}/events?"
                           "after=0&wait=1", token=world.account.access)
        if answer.status == 200:
            break
    site.judge(answer.status == 200,
               f"a wait, when the streams have gone: {answer}")


# ----------------------------------------------------------------- long form


def lasts(port, data):
    """How long a connection is kept on which nothing more is sent."""
    begun = time.monotonic()
    with wire.Connection(port) as connection:
        connection.send(data)
        connection.receive(100)
        return time.monotonic() - begun if connection.closed else None


def ends(site, name, port):
    """Each kind of silence ends when it is said to."""
    with concurrent.futures.ThreadPoolExecutor(len(KINDS)) as pool:
        found = list(pool.map(lambda data: lasts(port, data), KINDS.values()))
    for what, took, most in zip(KINDS, found, ENDS[name]):
        site.judge(took is not None and took <= most + LATE,
                   f"{name}: {what}: ended after {took}, not {most} s")
    site.note(f"{name} ends " + ", ".join(
        f"{what} after {took:.0f} s" for what, took in zip(KINDS, found)
        if took is not None))


def unread(site, world):
    """Who doesn't read is cut off in time, too."""
    with wire.Connection(site.port) as connection:
        connection.send(wire.request(
            "GET", f"/api/sessions/{world.session}/messages?limit=200",
            token=world.account.access, last=False) * 16)
        time.sleep(LIGHTTPD["server.max-write-idle"] + 2 * LATE)
        data = connection.receive(10)
        site.judge(connection.closed,
                   f"who reads nothing is not cut off: {len(data)} bytes")


def run(site):
    configured(site)
    world = document.World(site)
    for what, data in KINDS.items():
        crowd(site, world.account, what, data, 200 if site.short else 1000)
    not_read(site, world)
    streams(site, world)
    if site.short:
        return
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        both = [pool.submit(ends, site, "lighttpd", site.port),
                pool.submit(unread, site, world)]
        for one in both:
            one.result()
    for home in homes.NAMES:
        with homes.front(site, home) as place:
            if place is not None:
                ends(site, home, place[0])
