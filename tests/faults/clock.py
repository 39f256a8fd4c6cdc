"""The clock jumps back an hour and forward a day, under load.

The programs see a clock that libfaketime moves for all of them at once.  What
was promised stays; what was decided stays so when the clock goes back; a token
that has expired is refused, and its refresh token is good; nobody who was
counted in what is the future now is shut out."""

import os
import re
import subprocess
import time

from installation import PROGRAMS
from judge import claim
from load import Load

HOUR, DAY = 3600, 86400
MOST = 3                        # wrong passwords, and requests, in an hour
WRAPPER = """#!/bin/sh
echo $$ >>'{folder}/faked'
{environment}
exec '{program}'
"""


class Clock:
    """Of an installation that isn't started yet."""

    def __init__(self, place, installation):
        self.installation = installation
        # Programs that are confined come to nothing else.
        self.file = os.path.join(installation.data, "clock")
        self.faked = os.path.join(installation.folder, "faked")
        self.set(0)
        try:
            preload = subprocess.run(
                ["faketime", "-f", "+0", "printenv", "LD_PRELOAD"], text=True,
                capture_output=True, check=True).stdout.strip()
        except FileNotFoundError:
            place.not_run("there is no faketime")
        self.environment = {
            "LD_PRELOAD": preload, "FAKETIME_TIMESTAMP_FILE": self.file,
            "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "NO_FAKE_STAT": "1", "TZ": "UTC",
            "ASAN_OPTIONS": "verify_asan_link_order=0"}
        for name in PROGRAMS:
            self.wrap(name)
        place.cleanup.callback(self.forget)

    def wrap(self, name):
        path = os.path.join(self.installation.folder, name)
        os.unlink(path)
        with open(path, "w", encoding="ascii") as file:
            file.write(WRAPPER.format(
                folder=self.installation.folder,
                program=os.path.join(self.installation.libexec, name),
                environment="\n".join(f"export {name}='{value}'" for
                                      name, value in
                                      self.environment.items())))
        os.chmod(path, 0o755)

    def set(self, offset):
        """In seconds from what the machine's clock says."""
        with open(self.file + ".new", "w", encoding="ascii") as file:
            file.write(f"{offset:+}\n")
        os.replace(self.file + ".new", self.file)

    def forget(self):
        """libfaketime's shared memory outlives who is killed."""
        with open(self.faked, encoding="ascii") as file:
            for number in re.findall(r"\d+", file.read()):
                for name in "faketime_shm_", "sem.faketime_sem_":
                    path = f"/dev/shm/{name}{number}"
                    if os.path.exists(path):
                        os.unlink(path)


class Witness:
    """One who looks what becomes of what was decided.  Its limits are tighter
    than those of others, and so it calls by programs of its own."""

    def __init__(self, place, load, clock):
        self.place = place
        self.load = load
        self.person = load.reader().person
        self.session = self.person.sessions[0].id
        self.login = self.person.logins[0]
        self.cgi = clock.installation.cgi
        self.settings = dict(
            clock.environment, RATE_LIMIT_PER_USER=str(MOST),
            LOGIN_FAILURES_PER_ACCOUNT=str(MOST),
            RATE_LIMIT_WINDOW_SECONDS=str(HOUR))
        self.request = None

    def expect(self, status, what, answer):
        self.place.must(answer.status == status, f"{what}: {answer}")
        return answer

    def try_login(self, password):
        return self.cgi("auth", "POST", "/api/auth/login",
                        form=f"username={self.person.name}"
                        f"&password={password}", settings=self.settings)

    def list(self):
        return self.cgi("chat", "GET", "/api/sessions",
                        token=self.login.access, settings=self.settings)

    def be_shut_out(self):
        for _ in range(MOST):
            self.expect(401, "a wrong password", self.try_login("wrong"))
            self.expect(200, "sessions", self.list())
        self.expect(429, "a login after wrong passwords",
                    self.try_login(self.person.password))
        self.expect(429, "sessions beyond the limit", self.list())

    def be_let_in(self):
        """What was counted lies in the future."""
        pair = self.expect(200, "a login after the clock went back",
                           self.try_login(self.person.password)).json()
        self.place.ledger.promised(
            "login", claim(pair["access_token"], "sid"), {
                "user": self.person.id, "refresh": pair["refresh_token"]})
        self.expect(200, "sessions after the clock went back", self.list())

    def ask(self):
        key = self.expect(201, "a key", self.load.call(
            "POST", "/api/auth/keys", token=self.login.access,
            body={"name": "witness", "scopes": ["agent"]})).json()
        self.place.ledger.promised("key", key["id"], {
            "user": self.person.id, "name": "witness", "key": key["key"]})
        path = f"/api/sessions/{self.session}/feedback"
        asked = self.expect(201, "a request", self.load.call(
            "POST", path, token=key["key"], body={
                "type": "approval", "prompt": f"witness {self.session}",
                "expires_in": 60})).json()
        self.place.ledger.promised("request", asked["id"], {
            "session": self.session, "prompt": asked["prompt"]})
        self.request = f"{path}/{asked['id']}"

    def see(self, status, when):
        answer = self.expect(200, "a request", self.load.call(
            "GET", self.request, token=self.login.access))
        self.place.must(answer.json()["status"] == status,
                        f"{when} it is not {status}: {answer}")

    def be_late(self, when):
        """What expired stays expired, and an answer to it is late."""
        self.see("expired", when)
        answer = self.expect(409, f"an answer {when}", self.load.call(
            "POST", self.request + "/respond", token=self.login.access,
            body={"content": "yes"}))
        self.place.must(answer.detail ==
                        "Feedback request is already expired",
                        f"{when}: {answer}")

    def me(self, status, when):
        self.expect(status, f"me {when}", self.load.call(
            "GET", "/api/auth/me", token=self.login.access))

    def renew(self):
        """By its refresh token, which the clock has not ended."""
        used = self.login.refresh
        pair = self.expect(200, "refresh after a day", self.load.call(
            "POST", "/api/auth/refresh", body={"refresh_token": used})).json()
        self.login.access, self.login.refresh = pair["access_token"], \
            pair["refresh_token"]
        self.place.ledger.promised("rotation", self.login.id, {
            "used": used, "refresh": self.login.refresh})


def leap(load, clock, offset):
    load.leapt()
    clock.set(offset)
    load.leapt()
    load.goes_on(3)


def there_and_back(place, load, clock):
    witness = Witness(place, load, clock)
    witness.ask()
    witness.be_shut_out()
    leap(load, clock, -HOUR)
    witness.be_let_in()
    witness.me(200, "after the clock went back")
    witness.see("pending", "after the clock went back")
    leap(load, clock, DAY)
    witness.me(401, "after a day")
    witness.renew()
    witness.be_late("after a day")
    leap(load, clock, 0)
    witness.me(200, "with a token of tomorrow")
    witness.be_late("after the clock went back")


def run(place, seconds):
    installation = place.installation("clock")
    clock = Clock(place, installation)
    installation.start()
    times = 0
    end = time.monotonic() + seconds
    with Load(place, installation) as load:
        while times == 0 or time.monotonic() < end:
            there_and_back(place, load, clock)
            times += 1
    place.note(f"{times} times an hour back, a day forward and back again")
