"""An installation: the programs of a build behind lighttpd as deploy/lighttpd
has it, with a data directory of its own; and its programs as plain CGI, and its
command."""

import contextlib
import http.client
import io
import json
import os
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass

from ending import children
from programs import free_port

HERE = os.path.dirname(os.path.abspath(__file__))
DEPLOY = os.path.join(HERE, "../../deploy/lighttpd")
PATIENCE = 60                   # seconds, for an answer
PROGRAMS = ("auth", "chat", "events", "meta")
NOBODY = 65534
# Cheap hashes, and no limit in the way.
SETTINGS = {
    "SCRYPT_N": "1024", "SCRYPT_R": "1", "SCRYPT_P": "1",
    "RATE_LIMIT_PER_USER": "0", "RATE_LIMIT_PER_SESSION": "0",
    "RATE_LIMIT_PER_CHANNEL": "0", "RATE_LIMIT_PER_ADDRESS": "0",
    "LOGIN_FAILURES_PER_ACCOUNT": "0", "LOG_LEVEL": "warning",
    "WORKERS": "3"}


@dataclass(slots=True)
class Answer:
    """Status None: there was none, or not all of it."""

    status: int = None
    headers: object = None
    body: bytes = b""
    took: float = 0             # seconds

    def json(self):
        return json.loads(self.body)

    @property
    def detail(self):
        try:
            return self.json().get("detail")
        except ValueError:
            return None

    @property
    def ours(self):
        """Whether a program of ours gave it; else the web server did."""
        return self.status is not None and "X-Request-ID" in self.headers

    @property
    def doubtful(self):
        """Whether what was asked for may or may not have been done."""
        return self.status is None or self.status >= 500 and not (
            self.ours and self.status == 503)

    @property
    def refused(self):
        return self.ours and self.status == 503

    def __str__(self):
        return f"{self.status} {self.body[:300].decode(errors='replace')}"


def ordinary():
    """A user whom permissions hold back: another, if this one is root."""
    return NOBODY if os.geteuid() == 0 else None


def signalled(which, numbers):
    """Sends it to those of the processes that are still there."""
    sent = 0
    for number in numbers:
        with contextlib.suppress(ProcessLookupError):
            os.kill(number, which)
            sent += 1
    return sent


def encoded(token, body, form, headers):
    """The header fields and the bytes of a request."""
    fields = dict(headers or {})
    if token is not None:
        fields["Authorization"] = "Bearer " + token
    if form is not None:
        fields["Content-Type"] = "application/x-www-form-urlencoded"
        return fields, form.encode()
    if body is None:
        return fields, b""
    fields["Content-Type"] = "application/json"
    return fields, body if isinstance(body, bytes) else \
        json.dumps(body).encode()


class Installation:
    """Settings are added to SETTINGS.  With a user all of it belongs to that
    one, and runs by that one; only root can do that."""

    def __init__(self, place, name, user=None, data=None, **settings):
        self.place = place
        self.build = place.build
        self.user = user
        self.folder = os.path.join(place.folder, name)
        self.data = data or os.path.join(self.folder, "data")
        self.log = os.path.join(self.folder, "log")
        self.environment = {
            "PATH": os.environ["PATH"], "LC_ALL": "C", **SETTINGS,
            "SWITCHBOARD_DATA": self.data, **settings}
        # By which tests/run knows what it has to end.
        if "SB_TEST_RUN" in os.environ:
            self.environment["SB_TEST_RUN"] = os.environ["SB_TEST_RUN"]
        self.libexec = os.path.join(self.build, "libexec/switchboard")
        self.web = None         # lighttpd
        self.port = None
        self.before = []        # a command that the server is started by
        self._lay_out()

    @property
    def database(self):
        return os.path.join(self.data, "switchboard.db")

    def _lay_out(self):
        os.mkdir(self.folder, 0o700)
        os.makedirs(self.data, 0o700, exist_ok=True)
        if self.user is not None:
            # That one may be shut out from where the build is.
            copy = os.path.join(self.folder, "prefix")
            for part in ("libexec/switchboard", "share/switchboard"):
                shutil.copytree(os.path.join(self.build, part),
                                os.path.join(copy, part))
            self.libexec = os.path.join(copy, "libexec/switchboard")
            self.before = ["setpriv", f"--reuid={self.user}",
                           f"--regid={self.user}", "--clear-groups"]
        for name in PROGRAMS:
            os.symlink(os.path.join(self.libexec, name),
                       os.path.join(self.folder, name))
        for name in ("err", "start", "lighttpd.conf"):
            here = os.path.join(self.folder, name)
            copy = shutil.copytree if name == "err" else shutil.copy
            copy(os.path.join(DEPLOY, name), here)
        self.give_away(self.folder)
        if not self.data.startswith(self.folder):
            self.give_away(self.data)

    def give_away(self, path):
        if self.user is None:
            return
        os.chown(path, self.user, self.user, follow_symlinks=False)
        for folder, folders, files in os.walk(path):
            for name in folders + files:
                os.chown(os.path.join(folder, name), self.user, self.user,
                         follow_symlinks=False)

    # ------------------------------------------------------------ the server

    def start(self):
        """Starts the web server, and waits until all programs answer."""
        for _ in range(10):
            if self.port is None:
                self.port = free_port(self.place.random)
            self.spawn()
            if self.wait_for_health():
                return
            # Somebody else may have taken the port just now.
            self.stop()
            self.port = None
        raise RuntimeError(f"the server does not start: see {self.log}")

    def spawn(self):
        """Starts it, as a supervisor does, without waiting for anything."""
        self.has_begun = False
        environment = dict(self.environment, HOST="127.0.0.1",
                           PORT=str(self.port))
        with open(self.log, "ab") as log:
            self.web = subprocess.Popen(
                [*self.before, shutil.which("lighttpd") or
                 "/usr/sbin/lighttpd", "-D", "-f",
                 os.path.join(self.folder, "lighttpd.conf")],
                cwd=self.folder, env=environment, stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, start_new_session=True)

    def is_healthy(self):
        """Whether all four answer: one at least has to know the caller."""
        return all(self.request("GET", path, timeout=10).status == status
                   for path, status in (
                       ("/health", 200), ("/api/auth/me", 401),
                       ("/api/sessions", 401),
                       (f"/api/sessions/{'0' * 8}-0000-0000-0000-{'0' * 12}"
                        "/events", 401)))

    def wait_for_health(self, seconds=20):
        self.has_begun = self.place.until(
            lambda: self.web.poll() is not None or self.is_healthy(),
            seconds) and self.web.poll() is None
        return self.has_begun

    def is_gone(self):
        return self.web is None or not any(self.group())

    def is_over(self):
        return self.web.poll() is not None and self.is_gone()

    def group(self):
        """The ids of the server's session, the dead and unburied left out."""
        for name in os.listdir("/proc"):
            if not name.isdigit():
                continue
            try:
                with open(f"/proc/{name}/stat", encoding="ascii",
                          errors="replace") as file:
                    fields = file.read().rpartition(")")[2].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            if int(fields[3]) == self.web.pid and fields[0] not in "ZX":
                yield int(name)

    def stop(self):
        """Lets requests finish, and waits for the end of all processes."""
        if self.web is None:
            return
        if self.web.poll() is None:
            self.web.send_signal(signal.SIGINT)
        # A server that is told while it begins may miss it, or tell nobody.
        while not (self.has_begun or self.is_over()):
            signalled(signal.SIGTERM, self.group())
            time.sleep(0.1)
        if not self.place.until(self.is_over, 30):
            self.place.wrong("the server did not end when it was told to")
            signalled(signal.SIGKILL, self.group())
        self.web.wait()
        self.web = None

    def parents(self):
        """The processes that the web server started, one a program."""
        return children(self.web.pid)

    def workers(self):
        return [worker for parent in self.parents()
                for worker in children(parent)]

    def crashes(self):
        """Workers that a signal ended that no test sends."""
        with open(self.log, encoding="utf-8", errors="replace") as log:
            return [line.rstrip() for line in log
                    if "ended by signal" in line and
                    not line.rstrip().endswith((" 9", " 15"))]

    # -------------------------------------------------------------- calling

    def request(self, method, path, token=None, body=None, form=None,
                headers=None, timeout=PATIENCE):
        """By HTTP.  The body is JSON, or bytes as they are."""
        fields, data = encoded(token, body, form, headers)
        begun = time.monotonic()
        connection = http.client.HTTPConnection("127.0.0.1", self.port,
                                                timeout=timeout)
        answer = Answer()
        try:
            connection.request(method, path, data or None, {
                "Connection": "close", **fields})
            came = connection.getresponse()
            answer = Answer(came.status, came.headers, came.read())
        except (OSError, http.client.HTTPException):
            answer = Answer()
        finally:
            connection.close()
        answer.took = time.monotonic() - begun
        return answer

    def cgi(self, program, method, path, body=None, headers=None, token=None,
            form=None, timeout=PATIENCE, settings=None):
        """By the program as plain CGI, without any server."""
        fields, data = encoded(token, body, form, headers)
        environment = dict(self.environment, **{
            "GATEWAY_INTERFACE": "CGI/1.1", "SERVER_PROTOCOL": "HTTP/1.1",
            "SERVER_NAME": "localhost", "SERVER_PORT": "80",
            "SCRIPT_NAME": "", "REMOTE_ADDR": "192.0.2.1",
            "REQUEST_METHOD": method, "REQUEST_URI": path,
            "QUERY_STRING": path.partition("?")[2],
            "CONTENT_LENGTH": str(len(data))}, **settings or {})
        for name, value in fields.items():
            name = name.upper().replace("-", "_")
            environment[name if name == "CONTENT_TYPE" else
                        "HTTP_" + name] = value
        begun = time.monotonic()
        try:
            done = subprocess.run(
                [*self.before, os.path.join(self.libexec, program)],
                input=data, env=environment, capture_output=True,
                check=False, timeout=timeout)
        except subprocess.TimeoutExpired:
            return Answer(took=time.monotonic() - begun)
        with open(self.log, "ab") as log:
            log.write(done.stderr)
        file = io.BytesIO(done.stdout)
        found = http.client.parse_headers(file)
        status = found.get("Status", "")[:3]
        return Answer(int(status) if status.isdigit() else None, found,
                      file.read(), time.monotonic() - begun)

    def switchboard(self, *arguments, **more):
        """The command line."""
        return subprocess.run(
            [*self.before, os.path.join(self.build, "bin/switchboard"),
             *arguments], env=self.environment, text=True,
            capture_output=True, check=False, timeout=120, **more)
