"""Applications to compare with, in peers/: what each needs, and how it is
started, on a copy of the same data as switchboard."""

import http.client
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import house

FOLDER = os.path.join(house.SOURCE, "tests/bench/peers")
FPM = """
[global]
error_log = {run}/log
daemonize = no
[bench]
{user}
listen = {run}/php.sock
listen.backlog = 4096
pm = static
pm.max_children = {workers}
{environment}
"""
FRONT = house.FASTCGI + """
$HTTP["url"] == "/me.php" {
    server.document-root = "%(source)s/tests/bench/peers/php"
    fastcgi.server = ( ".php" => ( ( "socket" => env.PHP_SOCKET ) ) )
}
"""


class Peer:
    """An application of others, which answers GET /api/auth/me at .path."""

    path = "/api/auth/me"
    is_warm = False

    def __init__(self, bench):
        self.bench = bench
        self.work = tempfile.mkdtemp(prefix="peer.", dir=bench.work)
        self.data = f"{self.work}/data"
        house.copy_of(bench.first(), self.data, {})
        limits = self.database("limits.db")
        limits.execute("PRAGMA journal_mode = WAL")
        limits.execute("CREATE TABLE limits (key TEXT NOT NULL PRIMARY KEY, "
                       "times BLOB NOT NULL, expires_at INTEGER NOT NULL) "
                       "STRICT, WITHOUT ROWID")
        limits.execute("CREATE INDEX limits_by_expiry ON limits (expires_at)")
        limits.close()
        self.port = house.free_port()
        self.environment = {
            "PATH": os.environ["PATH"], "PORT": str(self.port),
            "PYTHONDONTWRITEBYTECODE": "1",
            "BENCH_DATA": self.data, "BENCH_SECRET": house.SECRET,
            "BENCH_WORKERS": str(bench.workers),
            "BENCH_LIMIT": str(house.LIMITED["RATE_LIMIT_PER_USER"]),
            "BENCH_WINDOW": str(house.LIMITED["RATE_LIMIT_WINDOW_SECONDS"])}
        self.start()

    database = house.House.database

    def spawn(self, *command, cwd=None):
        log = f"{self.work}/log"
        self.process = house.spawn(command, log, cwd=cwd,
                                   env=self.environment)
        return log

    def servers(self):
        return []

    def programs(self):
        return house.descendants(self.process.pid)

    def answer(self, token, path=None, port=None):
        connection = http.client.HTTPConnection(
            "127.0.0.1", port or self.port, timeout=30)
        connection.request("GET", path or self.path, headers={
            "Authorization": "Bearer " + token})
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        return answer.status, json.loads(text)

    def hold_to(self, ours, callers):
        """It has to answer as switchboard does: who answers less, or counts
        less, is none to compare with."""
        _, _, token = callers.users[0]
        wanted = self.answer(token, "/api/auth/me", ours.port)
        found = self.answer(token)
        if found != wanted:
            sys.exit(f"{self.name}: {found}, not {wanted}")
        other = token[:-3] + ("AAA" if token[-3:] != "AAA" else "BBB")
        status, _ = self.answer(other)
        if status != 401:
            sys.exit(f"{self.name}: {status} to a token that is not ours")
        self.hold_to_limit(*callers.users[1])

    def hold_to_limit(self, user, _, token):
        now = int(time.time() * 10**6)
        most = house.LIMITED["RATE_LIMIT_PER_USER"]
        # All of the last in a window but one.
        moments = b"".join((now - 1000 - n).to_bytes(8, "little")
                           for n in range(most - 1, 0, -1))
        database = self.database("limits.db")
        with database:
            database.execute("INSERT INTO limits VALUES (?, ?, ?)",
                             ("user:" + user, moments, now))
        codes = [self.answer(token)[0] for _ in range(2)]
        with database:
            database.execute("DELETE FROM limits")
        database.close()
        if codes != [200, 429]:
            sys.exit(f"{self.name}: {codes} at the end of its limit")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.work)


class FastAPI(Peer):
    name = "FastAPI, uvicorn"
    wanted = "python3-fastapi uvicorn python3-uvloop python3-httptools " \
        "python3-jwt"

    @staticmethod
    def missing(_):
        modules = "fastapi", "uvicorn", "uvloop", "httptools", "jwt"
        return not all(map(importlib.util.find_spec, modules))

    def start(self):
        log = self.spawn(
            sys.executable, "-m", "uvicorn", "--workers",
            str(self.bench.workers), "--host", "127.0.0.1", "--port",
            str(self.port), "--no-access-log", "--log-level", "warning",
            "--loop", "uvloop", "--http", "httptools", "--app-dir",
            f"{FOLDER}/fastapi", "application:app")
        house.await_port(self.port, self.process, log)


class Fastify(Peer):
    name = "Fastify"
    wanted = "npm node-gyp libnode-dev make g++, and npm's registry"

    @classmethod
    def missing(cls, bench):
        """Fetches and compiles what it is made of, once."""
        made = f"{bench.cache}/fastify"
        if not shutil.which("npm") or not shutil.which("node"):
            return True
        if not os.path.exists(f"{made}/ready"):
            shutil.rmtree(made, ignore_errors=True)
            os.makedirs(made)
            for name in "package.json", "package-lock.json", ".npmrc":
                shutil.copy(f"{FOLDER}/fastify/{name}", made)
            print("fastify: npm ci, and better-sqlite3 is compiled; this "
                  "takes minutes", file=sys.stderr)
            if not cls.install(made):
                return True
        shutil.copy(f"{FOLDER}/fastify/application.js", made)
        return False

    @staticmethod
    def install(made):
        npm = os.path.dirname(os.path.realpath(shutil.which("npm")))
        gyp = shutil.which("node-gyp") or os.path.join(
            npm, "../node_modules/node-gyp/bin/node-gyp.js")
        with open(f"{made}/log", "wb") as log:
            for command, folder in (
                    (["npm", "ci", "--no-audit", "--no-fund"], made),
                    (["node", os.path.realpath(gyp), "rebuild", "--release",
                      "--nodedir=/usr"],
                     f"{made}/node_modules/better-sqlite3")):
                if subprocess.run(command, cwd=folder, stdout=log, check=False,
                                  stderr=log).returncode != 0:
                    return False
        with open(f"{made}/ready", "wb"):
            return True

    def start(self):
        self.environment["NODE_ENV"] = "production"
        log = self.spawn("node", "application.js",
                         cwd=f"{self.bench.cache}/fastify")
        house.await_port(self.port, self.process, log)


class PHP(Peer):
    name = "PHP-FPM"
    wanted = "php-fpm php-sqlite3"
    path = "/me.php"

    @staticmethod
    def program():
        folder = "/usr/sbin"
        found = [name for name in sorted(os.listdir(folder))
                 if name.startswith("php-fpm")]
        return f"{folder}/{found[-1]}" if found else None

    @classmethod
    def missing(cls, _):
        if cls.program() is None:
            return True
        modules = subprocess.run([cls.program(), "-m"], text=True, check=False,
                                 stdout=subprocess.PIPE).stdout
        return "pdo_sqlite" not in modules.split()

    def start(self):
        root = os.getuid() == 0
        with open(f"{self.work}/fpm.conf", "w", encoding="utf-8") as file:
            file.write(FPM.format(
                run=self.work, workers=self.bench.workers,
                user="user = root\ngroup = root" if root else "",
                environment="\n".join(
                    f"env[{name}] = \"{value}\"" for name, value in
                    self.environment.items() if name.startswith("BENCH_"))))
        log = self.spawn(self.program(), "-F", "-y", f"{self.work}/fpm.conf",
                         *(["-R"] if root else []))
        self.front = house.House(self.bench, self.bench.first(),
                                 house.LIMITED, config=FRONT, environment={
                                     "PHP_SOCKET": f"{self.work}/php.sock"})
        self.port = self.front.port
        if self.process.poll() is not None:
            with open(log, encoding="utf-8") as file:
                sys.exit("php-fpm does not start:\n" + file.read())

    def servers(self):
        return self.front.servers()

    def stop(self):
        self.front.stop()
        super().stop()


ALL = [FastAPI, Fastify, PHP]
