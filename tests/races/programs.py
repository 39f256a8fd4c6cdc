"""The programs that are called: each behind a socket that outlives it, so that
whoever calls while it is dead waits for its successor."""

import os
import random
import signal
import socket
import subprocess
import sys

from ending import children

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))


def build_tree():
    """The build that SB_BUILD names, or tests/run's; ends where there is none."""
    build = os.path.abspath(os.environ.get(
        "SB_BUILD", os.path.join(TOP, "build/tests")))
    if not os.access(os.path.join(build, "libexec/switchboard/auth"), os.X_OK):
        sys.exit(f"{build} has no programs: tests/run makes build/tests, and "
                 "SB_BUILD names another build")
    return build


def free_port(chance):
    """Below those that the kernel gives to clients."""
    while True:
        port = chance.randrange(20000, 32000)
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port


class Program:
    def __init__(self, build, name, work, settings):
        self.command = os.path.join(build, "libexec/switchboard", name)
        self.path = os.path.join(work, name + ".socket")
        self.log = os.path.join(work, name + ".log")
        self.environment = dict(os.environ, **settings)
        self.process = None
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(self.path)
        self.socket.listen(4096)

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([self.command], stdin=self.socket,
                                            stdout=log, stderr=log,
                                            env=self.environment)

    def kill_one(self):
        """The parent or one of its workers, as chance has it."""
        number = random.choice([self.process.pid, *children(self.process.pid)])
        try:
            os.kill(number, signal.SIGKILL)
        except ProcessLookupError:
            return False
        if number == self.process.pid:
            self.process.wait()
            self.start()
        return True

    def stop(self):
        if self.process is None:
            return
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()
        self.process = None

    def errors(self):
        """What it had to say of failures; that a worker was killed is none."""
        with open(self.log, encoding="utf-8", errors="replace") as log:
            return [line.rstrip() for line in log if " error " in line]
