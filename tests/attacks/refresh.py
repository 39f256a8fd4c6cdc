"""Stolen refresh tokens.

A thief has a copy of one.  Whatever he does with it, before its owner, after
him or at the same moment, there is one chain of tokens, a late use ends the
login for both, and what its owner ends stays ended."""

import itertools
import threading
import urllib.parse

from target import at_once, claims_of

DEFENDS = ("v5.0.0-10.4.5", "v5.0.0-10.4.9",
           "v5.0.0-7.2.4", "v5.0.0-7.4.1", "v5.0.0-7.4.2", "v5.0.0-7.4.3",
           "v5.0.0-7.4.5", "v5.0.0-7.5.2")

GRACE = 10                      # seconds, of a token after its first use
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def later(site, token, seconds):
    """Uses it by plain CGI, when so many seconds have gone by."""
    return site.cgi("auth", {
        "REQUEST_METHOD": "POST", "REQUEST_URI": "/api/auth/refresh"},
                    {"refresh_token": token}, later=seconds)


def pair(site, token):
    made = site.expect(site.refresh(token), 200)
    return made["access_token"], made["refresh_token"]


def is_dead(site, token):
    """As what it is, access or refresh token, in all ways to use it."""
    answers = [site.me(token), site.call("GET", "/api/sessions", token=token)]
    if claims_of(token)["type"] == "refresh":
        answers = [site.refresh(token), site.call(
            "POST", "/api/auth/refresh", urllib.parse.urlencode({
                "grant_type": "refresh_token", "refresh_token": token}),
            FORM)]
    return all(answer.status in (400, 401) for answer in answers), answers


def must_be_dead(site, what, tokens):
    for token in tokens:
        dead, answers = is_dead(site, token)
        site.judge(dead, f"{what}: a token lives: " +
                   ", ".join(map(str, answers)))


def must_live(site, account):
    site.expect(site.me(account.access), 200)


# ------------------------------------------------------ one after the other

def try_order(site):
    """Thief and owner in any order, and which of his tokens he has."""
    for used, stolen in itertools.product(range(1, 4), range(3)):
        if stolen >= used:
            continue
        owner = site.account()
        other = site.login(owner)
        chain, accesses = [owner.refresh], [owner.access]
        for _ in range(used):
            access, refresh = pair(site, chain[-1])
            chain.append(refresh)
            accesses.append(access)
        answer = later(site, chain[stolen], GRACE + 1)
        site.judge(answer.status == 401, "used token "
                   f"{stolen} of {used}, {GRACE + 1} s later: {answer}")
        must_be_dead(site, "after a theft was seen", chain + accesses)
        must_live(site, other)
        pair(site, other.refresh)
        site.judge("a used refresh token came back" in answer.log,
                   "a theft is not in the log: " + answer.log)


def try_grace(site):
    """Within the grace all get one successor, to the letter; with another
    clock, at its end and beyond its expiry, nobody gets anything."""
    owner = site.account()
    _, first = pair(site, owner.refresh)
    for _ in range(5):
        _, again = pair(site, owner.refresh)
        site.judge(again == first, "a second successor within the grace")
    _, second = pair(site, first)
    for _ in range(5):
        _, again = pair(site, owner.refresh)
        site.judge(again == first, "another successor after a further use")
    _, again = pair(site, first)
    site.judge(again == second, "a second successor of the successor")
    rows = site.rows("SELECT count(*) FROM refresh_tokens WHERE login_id = ?",
                     claims_of(owner.refresh)["sid"])[0][0]
    site.judge(rows <= 3, f"{rows} refresh tokens of a login")
    for seconds in (GRACE + 1, 3600, 6 * 86400, 8 * 86400):
        victim = site.account()
        pair(site, victim.refresh)
        answer = later(site, victim.refresh, seconds)
        site.judge(answer.status == 401, f"{seconds} s after use: {answer}")
    # Used for the first time a moment before its end.
    for early in (1, 3, 9):
        victim = site.account()
        claims = claims_of(victim.refresh)
        left = claims["exp"] - claims["iat"]
        answer = later(site, victim.refresh, left - early - 5)
        site.expect(answer, 200)
        for beyond in (0, 1, GRACE - early):
            answer = later(site, victim.refresh, left + beyond)
            site.judge(answer.status == 401, "in its grace, but "
                       f"{beyond} s after its end: {answer}")


# --------------------------------------------------------- at the same time

def try_races(site):
    """Thief and owner use the same token at the same moment, by processes of
    the server's and by ones of their own."""
    for turn in range(3 if site.short else 20):
        owner = site.account()
        calls = [lambda: site.refresh(owner.refresh)] * 8
        calls += [lambda: later(site, owner.refresh, 0)] * (turn % 3 * 2)
        answers = at_once(calls)
        found = set()
        for answer in answers:
            site.expect(answer, 200)
            found.add(answer.json["refresh_token"])
            site.tried()
        if len(found) == 1:
            site.refused(len(answers))
        else:
            site.breach(f"{len(found)} chains of one token")
        sid = claims_of(owner.refresh)["sid"]
        rows = site.rows("SELECT count(*) FROM refresh_tokens "
                         "WHERE login_id = ?", sid)[0][0]
        site.judge(rows == 2, f"{rows} refresh tokens after a race")


def try_late_races(site):
    """A stolen token that comes back while its owner uses the good one."""
    for _ in range(2 if site.short else 8):
        owner = site.account()
        access, good = pair(site, owner.refresh)
        answers = at_once([
            lambda: later(site, owner.refresh, GRACE + 1),
            lambda: later(site, good, GRACE + 1),
            lambda: later(site, owner.refresh, GRACE + 2),
            lambda: later(site, good, GRACE + 2)])
        for answer in answers[::2]:
            site.judge(answer.status == 401, f"a stolen one: {answer}")
        won = [token for answer in answers[1::2] if answer.status == 200
               for token in (answer.json["access_token"],
                             answer.json["refresh_token"])]
        must_be_dead(site, "after a theft in a race",
                     [owner.access, owner.refresh, access, good, *won])


# ----------------------------------------------------------- what ends them

def ends(site):
    """What an owner, or the operator, ends logins by: its name, and how."""
    def post(path, body=None):
        return lambda a: site.expect(site.call(
            "POST", "/api/auth/" + path, {} if body is None else body(a),
            token=a.access), 200, 204)

    def delete(path, body=None):
        return lambda a: site.expect(site.call(
            "DELETE", "/api/auth/" + path(a), body and body(a),
            token=a.access), 204)

    def forget(a):
        return {"current_password": a.password}

    return {
        "logout by the token": lambda a: site.expect(site.call(
            "POST", "/api/auth/logout",
            {"refresh_token": a.refresh}), 204),
        "logout of the bearer": lambda a: site.expect(site.call(
            "POST", "/api/auth/logout", token=a.access), 204),
        "logout everywhere": post("logout-all"),
        "the end of that login": delete(
            lambda a: "sessions/" + claims_of(a.access)["sid"]),
        "a change of the password": post("password", lambda a: {
            "current_password": a.password, "new_password": "another one!"}),
        "deletion": delete(lambda a: "me", forget),
        "disabling": lambda a: site.command("user", "disable", a.username),
        "the operator's logout":
            lambda a: site.command("user", "logout", a.username),
        "the operator's deletion":
            lambda a: site.command("user", "delete", "--yes", a.username),
    }


def try_ends(site):
    """All tokens of a login are dead when it has ended, and stay so."""
    for name, end in ends(site).items():
        owner = site.account()
        access, refresh = pair(site, owner.refresh)
        end(owner)
        tokens = [owner.access, owner.refresh, access, refresh]
        must_be_dead(site, name, tokens)
        if "deletion" in name:
            # Somebody else may have the name now.
            site.account(owner.username)
        elif name != "disabling":
            site.expect(site.guess(owner.username, "another one!" if
                                   "change" in name else owner.password), 200)
        must_be_dead(site, name + ", and a new login", tokens)
        for seconds in (-3600, GRACE + 1, 86400):
            answer = later(site, refresh, seconds)
            site.judge(answer.status in (400, 401),
                       f"{name}, {seconds} s later: {answer}")


def try_end_races(site):
    """A thief refreshes as fast as he can while the owner ends the login: he
    keeps nothing of it."""
    for name, end in ends(site).items():
        owner = site.account()
        site.expect(site.refresh(owner.refresh), 200)
        tokens, ended = [], threading.Event()

        def steal(owner=owner, tokens=tokens, ended=ended):
            mine, left = owner.refresh, 5
            while left > 0:
                left -= ended.is_set()
                answer = site.refresh(mine)
                if answer.status == 200:
                    mine = answer.json["refresh_token"]
                    tokens.append(mine)
                    tokens.append(answer.json["access_token"])
                elif answer.status in (400, 401):
                    return
            site.breach(f"{name}: the thief goes on")

        thieves = [threading.Thread(target=steal)
                   for _ in range(2 if site.short else 6)]
        for thief in thieves:
            thief.start()
        while len(tokens) < (4 if site.short else 20) and \
                any(thief.is_alive() for thief in thieves):
            ended.wait(0.002)
        end(owner)
        ended.set()
        for thief in thieves:
            thief.join()
        must_be_dead(site, f"a race with {name}", list(dict.fromkeys(
            tokens[:2] + tokens[-6:])))


def run(site):
    try_order(site)
    try_grace(site)
    try_races(site)
    try_late_races(site)
    try_ends(site)
    try_end_races(site)
