"""Who answers: switchboard, and programs that answer a constant, under one
lighttpd with one configuration, deploy/lighttpd's own.  All that differs is in
the data directory's settings."""

import atexit
import hashlib
import http.client
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time

SOURCE = os.path.abspath(os.path.join(os.path.dirname(__file__), "../.."))
SECRET = "measured, and never used for anything that is worth a secret"
KID = hashlib.sha256(SECRET.encode()).hexdigest()[:16]
PROGRAMS = "auth", "chat", "events", "meta"

# A minute takes two seconds here: as many moments lie in a window, and as often
# does one begin, as when a thousand users call thirty times a minute each.  The
# limit itself is out of reach.
LIMITED = {
    "RATE_LIMIT_WINDOW_SECONDS": 2, "RATE_LIMIT_PER_USER": 1000,
    "RATE_LIMIT_PER_SESSION": 1000, "RATE_LIMIT_PER_CHANNEL": 1000,
    "RATE_LIMIT_PER_ADDRESS": 1000}
FREE = {name: 0 for name in LIMITED if "WINDOW" not in name}
FULL = {"RATE_LIMIT_WINDOW_SECONDS": 3600}      # and the limit is 30
ALWAYS = {"SECRET_KEY": SECRET, "TRUSTED_PROXIES": "127.0.0.1",
          "REFRESH_TOKEN_EXPIRE_DAYS": 365, "WAITERS": 128,
          "ACCESS_TOKEN_EXPIRE_MINUTES": 1440}

FASTCGI = """
include "%(source)s/deploy/lighttpd/lighttpd.conf"
server.modules += ( "mod_staticfile" )
var.constant = (
    "max-procs" => 1, "listen-backlog" => 4096, "check-local" => "disable",
    "bin-copy-environment" => ( "PATH", "WORKERS" ) )
$HTTP["url"] == "/bench/static" {
    fastcgi.server = ()
    server.document-root = var.CWD + "/files"
}
$HTTP["url"] == "/bench/constant" {
    fastcgi.server = ( "/" => (
        ( "bin-path" => "%(build)s/tests/bench/constant",
          "socket" => var.CWD + "/constant.sock" ) + var.constant ) )
}
$HTTP["url"] == "/bench/lingering" {
    fastcgi.server = ( "/" => (
        ( "bin-path" => "%(build)s/tests/bench/constant --lingering",
          "socket" => var.CWD + "/lingering.sock" ) + var.constant ) )
}
"""
CGI = """
include "%(source)s/deploy/lighttpd/cgi.conf"
$HTTP["url"] == "/bench/constant" {
    alias.url = ( "" => "%(build)s/tests/bench/constant" )
}
"""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def spawn(command, log, **more):
    """A server, which ends with us at the latest, however far it has come."""
    with open(log, "ab") as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL,
                                   stdout=output, stderr=output, **more)
    atexit.register(process.terminate)
    return process


def await_port(port, process, log):
    end = time.monotonic() + 20
    while True:
        try:
            with socket.create_connection(("127.0.0.1", port), 1):
                return
        except OSError:
            if process.poll() is not None or time.monotonic() > end:
                with open(log, encoding="utf-8", errors="replace") as file:
                    sys.exit(f"{process.args[0]} does not start:\n" +
                             file.read()[-3000:])
            time.sleep(0.02)


def copy_of(made, to, settings):
    """The data directory MADE, whose sessions have not been idle for long."""
    shutil.copytree(made, to)
    with open(os.path.join(to, ".env"), "w", encoding="ascii") as file:
        for name, value in {**ALWAYS, **settings}.items():
            file.write(f"{name}='{value}'\n")
    os.chmod(os.path.join(to, ".env"), 0o600)
    database = sqlite3.connect(os.path.join(to, "switchboard.db"))
    now = int(time.time() * 10**6)
    with database:
        database.execute("UPDATE chat_sessions SET active_at = ?, due_at = ?",
                         (now, now + 86400 * 10**6))
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()


# ------------------------------------------------------------------ processes


def parents():
    found = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/stat", encoding="utf-8",
                      errors="replace") as file:
                found[int(pid)] = int(file.read().rsplit(")", 1)[1].split()[1])
        except OSError:
            pass
    return found


def descendants(leader):
    parent_of = parents()
    found, more = [], [leader]
    while more:
        found += more
        more = [pid for pid, parent in parent_of.items() if parent in more]
    return found


def program_of(pid):
    try:
        with open(f"/proc/{pid}/comm", encoding="utf-8") as file:
            return file.read().strip()
    except OSError:
        return ""


def processor_time(pids):
    """What they have taken, and those of their children that have ended, in
    seconds."""
    total, tick = 0, os.sysconf("SC_CLK_TCK")
    for pid in pids:
        try:
            with open(f"/proc/{pid}/schedstat", encoding="ascii") as file:
                total += int(file.read().split()[0]) / 1e9
            with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
                fields = file.read().rsplit(")", 1)[1].split()
            total += (int(fields[13]) + int(fields[14])) / tick
        except OSError:
            pass
    return total


def proportional(pid):
    """A process's share of memory (PSS), in KiB, or None when it has gone."""
    try:
        with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
            for line in file:
                if line.startswith("Pss:"):
                    return int(line.split()[1])
    except OSError:
        pass
    return None


# --------------------------------------------------------------------- houses


class House:
    """lighttpd with the programs of a build, on a copy of a data directory."""

    def __init__(self, bench, made, settings, workers=None, config=FASTCGI,
                 environment=()):
        self.data = tempfile.mkdtemp(prefix="data.", dir=bench.work) + "/data"
        copy_of(made, self.data, settings)
        # Sockets have short names.
        self.run = tempfile.mkdtemp(prefix="switchboard-bench.")
        atexit.register(shutil.rmtree, self.run, ignore_errors=True)
        self.port = free_port()
        self.link(bench.build)
        with open(f"{self.run}/bench.conf", "w", encoding="utf-8") as file:
            file.write(config % {"source": SOURCE, "build": bench.build})
        log = f"{self.run}/log"
        self.process = spawn(
            ["/usr/sbin/lighttpd", "-D", "-f", f"{self.run}/bench.conf"], log,
            cwd=self.run, env={
                "PATH": os.environ["PATH"], "HOST": "127.0.0.1",
                "PORT": str(self.port), "SWITCHBOARD_DATA": self.data,
                "WORKERS": str(workers or bench.workers),
                **dict(environment)})
        await_port(self.port, self.process, log)
        self.await_programs(log)

    def link(self, build):
        os.mkdir(f"{self.run}/files")
        os.mkdir(f"{self.run}/files/bench")
        with open(f"{self.run}/files/bench/static", "w",
                  encoding="ascii") as file:
            file.write("x" * 172)
        for name in PROGRAMS:
            os.symlink(f"{build}/libexec/switchboard/{name}",
                       f"{self.run}/{name}")
        for name in "err", "start":
            os.symlink(f"{SOURCE}/deploy/lighttpd/{name}",
                       f"{self.run}/{name}")

    def await_programs(self, log):
        end = time.monotonic() + 20
        while not self.is_well():
            if time.monotonic() > end:
                with open(log, encoding="utf-8", errors="replace") as file:
                    sys.exit("switchboard does not answer:\n" +
                             file.read()[-3000:])
            time.sleep(0.05)

    def is_well(self):
        try:
            return [self.status(path) for path in (
                "/health", "/api/limits", "/api/sessions",
                "/api/sessions/00000000-0000-0000-0000-000000000000/events"
            )] == [200, 401, 401, 401]
        except OSError:
            return False

    def status(self, path):
        connection = http.client.HTTPConnection("127.0.0.1", self.port,
                                                timeout=10)
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.read()
        connection.close()
        return answer.status

    def database(self, name="switchboard.db"):
        return sqlite3.connect(f"{self.data}/{name}", timeout=20)

    def servers(self):
        """lighttpd's processes."""
        return [self.process.pid]

    def programs(self):
        return descendants(self.process.pid)[1:]

    def workers(self, name):
        """Those processes of a program that answer requests."""
        programs = [pid for pid in self.programs() if program_of(pid) == name]
        parent_of = parents()
        return [pid for pid in programs if parent_of.get(pid) in programs]

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.run)
        shutil.rmtree(os.path.dirname(self.data))
