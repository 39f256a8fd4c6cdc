"""Exhausting the service by passwords to be hashed.

Each hash takes 16 MiB and a processor.  A crowd that sends nothing but
passwords gets no more of either than was set aside for hashing, and meanwhile
everybody else is answered."""

import threading
import time
import uuid

from target import PASSWORD

DEFENDS = ("v5.0.0-15.2.2", "v5.0.0-2.4.1", "v5.0.0-6.3.1", "v5.0.0-15.4.4",
           "v5.0.0-16.5.3")

CLIENTS = 64
HASHES = 2
KIB = 1024
SCRATCH = 16 * KIB              # of a hash, N * r * 128 bytes; in KiB
WORKER = 3 * KIB                # of a process beside that: DESIGN, "Cost"
PATIENCE = 60                   # seconds, until all is as it was


def memory(site):
    """KiB that the programs have to themselves, shared ones by their share;
    and how many processes that are."""
    total, count = 0, 0
    for number in site.members():
        if number == site.web.pid:
            continue
        try:
            with open(f"/proc/{number}/smaps_rollup",
                      encoding="ascii") as file:
                lines = file.read().splitlines()
        except OSError:
            continue            # it has just ended
        sizes = [int(line.split()[1]) for line in lines
                 if line.startswith("Pss:")]
        total += sum(sizes)
        count += bool(sizes)
    return total, count


class Flood:
    """Clients that send passwords as fast as they are answered."""

    def __init__(self, site, accounts):
        self.site = site
        self.accounts = accounts
        self.over = threading.Event()
        self.answers = {}
        self.strange = []
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self.run, args=(n,))
                        for n in range(CLIENTS)]

    def ask(self, turn):
        site, account = self.site, self.accounts[turn % len(self.accounts)]
        return (
            lambda: site.guess(account.username, "wrong"),
            lambda: site.guess("nobody" + uuid.uuid4().hex, "wrong"),
            lambda: site.call("POST", "/api/auth/register", {
                "username": uuid.uuid4().hex, "password": PASSWORD,
                "email": uuid.uuid4().hex + "@example.com"}),
            lambda: site.call("PATCH", "/api/auth/me", {
                "username": account.username, "current_password": "wrong"},
                              token=account.access),
            lambda: site.guess(account.username, "a" * 1024),
            lambda: site.call("POST", "/api/auth/password", {
                "current_password": account.password, "new_password": "wrong"},
                              token=account.access),
        )[turn % 6]()

    def run(self, turn):
        while not self.over.is_set():
            answer = self.ask(turn)
            turn += CLIENTS + 1
            with self.lock:
                self.answers[answer.status] = \
                    self.answers.get(answer.status, 0) + 1
                # 503: no place to hash came free.  A new password was hashed
                # by somebody whose login it has ended by now.
                if answer.status not in (200, 201, 400, 401, 422, 429, 503):
                    self.strange.append(str(answer))

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        for thread in self.threads:
            thread.join()
        self.site.hang_up()


class Probe(threading.Thread):
    """Somebody who wants nothing with a password, again and again."""

    def __init__(self, site, path, token):
        super().__init__()
        self.site, self.path, self.token = site, path, token
        self.over = threading.Event()
        self.good, self.bad = 0, []

    def run(self):
        while not self.over.is_set():
            answer = self.site.call("GET", self.path, token=self.token)
            if answer.status == 200:
                self.good += 1
            else:
                self.bad.append(f"{self.path}: {answer}")


def settle(site, workers):
    """Waits until there are no more processes than that."""
    end = time.monotonic() + PATIENCE
    while memory(site)[1] > workers and time.monotonic() < end:
        time.sleep(0.1)
    return memory(site)


def flood(site, owner, accounts, seconds):
    # Who has been asked already is as large as it gets.
    for _ in range(20):
        site.expect(site.me(owner.access))
    before, workers = memory(site)
    probes = [Probe(site, path, token) for path, token in (
        ("/health", None), ("/api/auth/me", owner.access),
        ("/api/sessions", owner.access), ("/api/limits", owner.access))]
    most = worst = 0
    with Flood(site, accounts) as crowd:
        for probe in probes:
            probe.start()
        end = time.monotonic() + seconds
        # However slow the machine is, each is answered often.
        while time.monotonic() < end or (
                min(probe.good for probe in probes) < 20
                and time.monotonic() < end + PATIENCE):
            used, count = memory(site)
            bound = HASHES * SCRATCH + count * WORKER
            site.judge(used <= bound, f"{used} KiB of {count} processes, "
                       f"bound {bound}")
            most, worst = max(most, used), max(worst, count)
            time.sleep(0.05)
        for probe in probes:
            probe.over.set()
        for probe in probes:
            probe.join(PATIENCE)
    for probe in probes:
        site.judge(probe.good >= 20, f"{probe.path} was starved: "
                   f"{probe.good} answers in the flood")
        site.tried(len(probe.bad))
        for text in probe.bad:
            site.breach(text)
        site.judge(not probe.is_alive(), f"{probe.path} is not answered")
    tried = sum(crowd.answers.values())
    site.tried(tried)
    site.refused(tried - len(crowd.strange))
    for text in crowd.strange:
        site.breach(text)
    site.judge(crowd.answers.get(401, 0) > 0, "nobody was answered: "
               f"{crowd.answers}")
    after, left = settle(site, workers)
    site.judge(left <= workers and after <= before + workers * KIB,
               f"{after} KiB of {left} processes after it, {before} of "
               f"{workers} before")
    site.note(f"{CLIENTS} clients: {most // KIB} MiB of {worst} processes at "
              f"most, bound {HASHES} x 16 + 3 each; {before // KIB} MiB of "
              f"{workers} before, {after // KIB} of {left} after; answers "
              f"{dict(sorted(crowd.answers.items(), key=str))}; meanwhile " +
              ", ".join(f"{p.good} of {p.path}" for p in probes))


def run(site):
    with site.settings(SCRYPT_N="1024", SCRYPT_R="1", SCRYPT_P="1"):
        owner = site.account()
        accounts = [site.account() for _ in range(16)]
    with site.settings(SCRYPT_N="16384", SCRYPT_R="8", SCRYPT_P="5",
                       HASHES=str(HASHES), WORKERS="2"):
        site.expect(site.guess(owner.username, owner.password))
        flood(site, owner, accounts, 3 if site.short else 30)
        site.expect(site.guess(owner.username, owner.password))
        site.expect(site.me(owner.access))
