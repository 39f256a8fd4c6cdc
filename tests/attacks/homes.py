"""The other web servers that the programs can be behind, as tests/homes has
them."""

import contextlib
import os
import subprocess

import wire

NAMES = ("apache-proxy", "apache-fcgid", "nginx-fastcgi", "lighttpd-cgi")


def text_of(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


@contextlib.contextmanager
def front(site, home):
    """Another home's port and log, or None for what it lacks."""
    with subprocess.Popen(
            [os.path.join(os.path.dirname(__file__), "front"), home],
            env=os.environ | {"SB_BUILD": site.build}, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL) as process:
        told = [process.stdout.readline().strip() for _ in range(3)]
        if process.poll() == 77 or not told[2]:
            site.note(f"{home} is left out: {' '.join(told)}")
            yield None
        else:
            yield int(told[0]), lambda: text_of(told[1])
        process.stdin.close()


def register(port):
    """A token there."""
    body = (b'{"email":"smuggling@example.com","username":"smuggling",'
            b'"password":"correct horse battery staple"}')
    answer, _ = wire.reply(wire.exchange(port, wire.request(
        "POST", "/api/auth/register", "Content-Type: application/json",
        body=body)))
    return answer.body.decode().partition('"access_token":"')[2].partition(
        '"')[0]
