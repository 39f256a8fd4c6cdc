"""Ways around the limits.

Whatever a client changes of a request, its address, its spelling, its path, its
method or its company, no more of them are let through than the limit says."""

import itertools
import time
import urllib.parse

import document
from target import at_once, claims_of
from forging import Forger

DEFENDS = ("v5.0.0-6.3.1", "v5.0.0-2.4.1", "v5.0.0-2.3.2",
           "v5.0.0-4.1.3", "v5.0.0-4.1.4", "v5.0.0-15.3.4",
           "v5.0.0-15.4.2")

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
WRONG = "wrong horse battery"
LIMIT = 4
# By whom a request was answered before a program of ours could count it.
UNCOUNTED = (404, 405, 429, 431, 501)


def reset(site):
    site.command("limits", "reset", "--all")


def bounded(site, what, answers, bound=LIMIT, least=1):
    """Each answer is an attempt; so many may be let through, and to show that
    the attack is one, some were.  A bad request of the web server's is none."""
    let = sum(a.status not in UNCOUNTED and
              not (a.status == 400 and a.header("X-Request-ID") is None)
              for a in answers)
    strange = [a for a in answers if a.status is None
               or a.status >= 500 and a.status not in UNCOUNTED]
    site.tried(len(answers))
    site.refused(len(answers) - len(strange) - max(0, let - bound))
    for answer in strange:
        site.breach(f"{what}: {answer}")
    for _ in range(let - bound):
        site.breach(f"{what}: {let} of {len(answers)} let through")
    if let < least:
        raise ValueError(f"{what}: only {let} let through: {answers[0]}")


def guess_body(name, password=WRONG, **more):
    return urllib.parse.urlencode({"username": name, "password": password,
                                   **more})


# --------------------------------------------------------------- an address

CLAIMED = ("X-Forwarded-For", "X-Real-IP", "X-Client-IP", "Client-IP",
           "True-Client-IP", "CF-Connecting-IP", "X-Cluster-Client-IP",
           "X-Originating-IP", "X-Remote-IP", "X-Remote-Addr", "Remote-Addr",
           "X-Forwarded", "X-Original-Forwarded-For", "Fastly-Client-IP",
           "X-ProxyUser-Ip", "Via", "Forwarded", "X-Forwarded-Host", "Host")

PATHS = ("/api/auth/login", "/api/auth/login/", "//api/auth/login",
         "/api//auth/login", "/api/auth//login", "/api/./auth/login",
         "/api/auth/../auth/login", "/api/auth/%6cogin", "/api/auth/login?",
         "/api/auth/login?x=1", "/api/auth/login?x=2", "/api/auth/login#a",
         "/API/AUTH/LOGIN", "/api/auth/login;x", "/api/auth/login%20",
         "/api/auth/login%00", "/api/auth/login.json", "/api/auth/login//",
         "/x/api/auth/login", "/api/auth%2flogin", "/%61pi/auth/login",
         "/api/auth/login/.", "/api/auth/x/../login", "\\api\\auth\\login",
         "/api/auth/login\t", "http://127.0.0.1/api/auth/login",
         "http://other/api/auth/login", "/api/auth/%2e/login")


def try_addresses(site):
    count = 12 if site.short else 40
    for name in CLAIMED if not site.short else CLAIMED[:3]:
        reset(site)
        bounded(site, name, [site.call(
            "POST", "/api/auth/login", guess_body(f"nobody-{n}"), {
                **FORM, name: f"for=198.51.100.{n}" if name == "Forwarded"
                else f"198.51.100.{n}"}) for n in range(count)])
    reset(site)
    bounded(site, "all of them", [site.call(
        "POST", "/api/auth/login", guess_body(f"nobody-{n}"), [
            *FORM.items(), *((name, f"2001:db8:{n}::1") for name in CLAIMED
                             if name != "Host")]) for n in range(count)])
    reset(site)
    paths = itertools.islice(itertools.cycle(PATHS), 2 * len(PATHS))
    bounded(site, "paths", [site.call(
        "POST", urllib.parse.quote(path, "/:%?#;=\\"),
        guess_body("nobody"), FORM) for path in paths])
    reset(site)
    bounded(site, "methods", [site.call(
        method, "/api/auth/login", guess_body("nobody"), FORM)
        for method in ("POST", "GET", "HEAD", "PUT", "PATCH", "DELETE",
                       "OPTIONS", "TRACE", "CONNECT", "post", "Post",
                       "PROPFIND", "QUERY") * 4 if method != "CONNECT"
        and method != "OPTIONS"])
    user = site.account
    with site.settings(RATE_LIMIT_PER_ADDRESS="0"):
        owner = user()
        _, key = site.key(owner)
    reset(site)
    bounded(site, "tokens", [site.call(
        "POST", "/api/auth/login", guess_body("nobody"), {
            **FORM, "Authorization": value})
        for value in ("Bearer " + owner.access, "Bearer " + key, "Bearer x",
                      "Basic eDp5", "Bearer " + owner.refresh) * 4])
    reset(site)
    bounded(site, "register, login and refresh in turns", [
        call() for call in (
            lambda: site.call("POST", "/api/auth/register", {"x": 1}),
            lambda: site.call("POST", "/api/auth/login",
                              guess_body("nobody"), FORM),
            lambda: site.refresh("x"),
            lambda: site.call("POST", "/api/auth/register", b"{"),
            lambda: site.call("POST", "/api/auth/refresh",
                              "refresh_token=x", FORM)) * 4])
    reset(site)
    for _ in range(1 if site.short else 5):
        reset(site)
        bounded(site, "many at once", at_once(
            [lambda: site.guess("nobody", WRONG)] * 32))
    site.restart()
    bounded(site, "after a restart", [site.guess("nobody", WRONG)
                                      for _ in range(8)], 0, least=0)


def cgi_guess(site, address, name="nobody", password=WRONG, headers=None,
              later=0):
    return site.cgi("auth", {
        "REQUEST_METHOD": "POST", "REQUEST_URI": "/api/auth/login",
        "REMOTE_ADDR": address, "CONTENT_TYPE": FORM["Content-Type"],
        **(headers or {})}, guess_body(name, password), later=later)


def try_networks(site):
    """Of one who has many addresses, or one that is written in many ways."""
    groups = {
        "a /64": [f"2001:db8:1:2:{n:x}::{n:x}" for n in range(1, 13)],
        "spellings of a /64": [
            "2001:db8:a:b::1", "2001:DB8:A:B::1", "2001:db8:a:b:0:0:0:1",
            "2001:0db8:000a:000b::0001", "2001:db8:a:b::192.0.2.1",
            "2001:db8:a:b:ffff::"],
        "IPv4 within IPv6": [
            "203.0.113.9", "::ffff:203.0.113.9", "::FFFF:203.0.113.9",
            "::ffff:cb00:7109", "0:0:0:0:0:ffff:203.0.113.9",
            "::ffff:203.0.113.9", "203.0.113.9"]}
    for name, addresses in groups.items():
        reset(site)
        bounded(site, name, [cgi_guess(site, a) for a in addresses])
    with site.settings(TRUSTED_PROXIES="192.0.2.0/24"):
        for name, value in (
                ("before", "198.51.100.{0}, 203.0.113.7"),
                ("before, tight", "198.51.100.{0},203.0.113.7"),
                ("lies", "x{0}, 192.0.2.{0}, unknown, 203.0.113.7"),
                ("proxies", "198.51.100.{0}, 203.0.113.7, 192.0.2.{0}"),
                ("IPv6", "198.51.100.{0}, ::ffff:203.0.113.7")):
            reset(site)
            bounded(site, "X-Forwarded-For " + name, [cgi_guess(
                site, "192.0.2.1", headers={
                    "HTTP_X_FORWARDED_FOR": value.format(n)})
                for n in range(10)])
        reset(site)
        bounded(site, "not of a proxy", [cgi_guess(
            site, "203.0.113.7", headers={
                "HTTP_X_FORWARDED_FOR": f"198.51.100.{n}"})
            for n in range(10)])


# --------------------------------------------------------------- an account

NAME = "fi\u00dfkla\u00f1-s"
SPELT = (
    "FI\u00dfKLA\u00d1-S", "Fissklan\u0303-s", "\ufb01\u00dfkla\u00f1-s",
    "fi\u1e9ekla\u00f1-s", "fiss\u212ala\u00f1-s", "fi\u00dfkla\u00f1-\u017f",
    "\uff46\uff49\u00df\uff4b\uff4c\uff41\u00f1\uff0d\uff53",
    "FISSKLAN\u0303-S", "\U0001d41f\U0001d422\u00dfkla\u00f1-s")
OTHERS = ("f\u0131\u00dfkla\u00f1-s", "fi\u00dfkla\u00f1-\u200bs",
          " fi\u00dfkla\u00f1-s", "fi\u00dfkla\u00f1-s ", "fi\u00dfklan-s",
          "fi\u00dfkla\u00f1-s\u00ad", "\u0192i\u00dfkla\u00f1-s",
          "fi\u00dfkla\u00f1-s\ufe0f", "f\u0456\u00dfkla\u00f1-s",
          "fi\u00dfkla\u00f1\u2010s", "fi\u00dfkla\u00f1-s\u202e",
          "fi\u00dfkla\u00f1-s%00", "fi\u00dfkla\u00f1-s\t",
          "FI\u0130", "fi\u00dfkla\u00f1-s@example.com.",
          "fi\u00dfkla\u00f1-s+x@example.com")


def fill(site, name):
    """Spends all guesses of a name."""
    reset(site)
    for _ in range(LIMIT):
        site.expect(site.guess(name, WRONG), 401)
    site.expect(site.guess(name, WRONG), 429)


def shut(site, what, answer):
    """The password is right: whoever is let in has gone around the limit."""
    site.judge(answer.status in (400, 401, 422, 429), f"{what}: {answer}")


def try_spellings(site):
    password = "correct horse battery"
    mail = "\u00d1ame@b\u00fccher.example"
    site.expect(site.call("POST", "/api/auth/register", {
        "username": NAME, "email": mail, "password": password}), 201)
    mails = ("\u00f1ame@b\u00fccher.example", "N\u0303AME@B\u00dcCHER.EXAMPLE",
             "\u00f1ame@xn--bcher-kva.example", "\u00d1AME@XN--BCHER-KVA."
             "EXAMPLE", "\u00f1ame@bu\u0308cher.example",
             "\u00f1ame@b\u00fccher\u3002example")
    # Each is that name: the control is that it opens the account at all.
    same = [NAME, mail, *SPELT, *mails]
    reset(site)
    same = [name for name in same if site.guess(name, password).status == 200]
    if len(same) < 12:
        raise ValueError(f"only {len(same)} spellings are this account's")
    fill(site, NAME)
    for name in (*same, *SPELT, *mails, *OTHERS):
        shut(site, f"as {name!r}", site.guess(name, password))
    for name in same if not site.short else same[-3:]:
        fill(site, name)
        shut(site, f"after {name!r}", site.guess(NAME, password))
    reset(site)
    names = itertools.islice(itertools.cycle(same), 24)
    bounded(site, "spellings by turns",
            [site.guess(name, WRONG) for name in names])
    return password


def try_account(site, password):
    fill(site, NAME)
    for headers in ({"X-Forwarded-For": "198.51.100.1"},
                    {"User-Agent": "another"}, {"X-Request-ID": "x"},
                    {"Origin": "http://localhost:3000"},
                    {"Idempotency-Key": "x"}, {"Authorization": "Basic eDp5"}):
        shut(site, headers, site.guess(NAME, password, headers))
    for address in ("192.0.2.8", "2001:db8::8", "127.0.0.1", ""):
        shut(site, "from " + address, cgi_guess(site, address, NAME, password))
    site.restart()
    shut(site, "after a restart", site.guess(NAME, password))
    shut(site, "14 minutes later", cgi_guess(
        site, "192.0.2.8", NAME, password, later=14 * 60))
    site.expect(cgi_guess(site, "192.0.2.8", NAME, password,
                          later=15 * 60 + 1), 200)
    for _ in range(1 if site.short else 10):
        reset(site)
        bounded(site, "guesses at once", at_once(
            [lambda: site.guess(NAME, WRONG)] * 24
            + [lambda: cgi_guess(site, "192.0.2.8", NAME)] * 4))
        shut(site, "after guesses at once", site.guess(NAME, password))
        fill(site, NAME)
        for answer in at_once([lambda: site.guess(NAME, password)] * 24):
            shut(site, "right ones at once", answer)


def try_shields(site, password):
    """A refresh token shields its owner, and nobody else."""
    with site.settings(LOGIN_FAILURES_PER_ACCOUNT="0"):
        own = site.expect(site.guess(NAME, password))
        ended = site.expect(site.guess(NAME, password))
        stranger = site.account()
    site.expect(site.call("POST", "/api/auth/logout", {
        "refresh_token": ended["refresh_token"]}), 204)
    f = Forger(site.data, own["refresh_token"])
    theirs = claims_of(stranger.refresh)
    tokens = {
        "of an ended login": ended["refresh_token"],
        "a stranger's": stranger.refresh, "an access token":
        own["access_token"], "none": "", "altered":
        own["refresh_token"][:-1], "unsigned": f"{f.head}.{f.body}.",
        "a stranger's sub": f.make({"sub": theirs["sub"]}),
        "by another key": f.make(secret=b"k" * 32),
        "from before": f.make({"iat": 1, "exp": 2})}
    fill(site, NAME)
    for name, token in tokens.items():
        answer = site.call("POST", "/api/auth/login", guess_body(
            NAME, password, refresh_token=token), FORM)
        shut(site, "shielded by one " + name, answer)
    answers = [site.call("POST", "/api/auth/login", guess_body(
        NAME, refresh_token=own["refresh_token"]), FORM) for _ in range(12)]
    bounded(site, "a stolen refresh token as a shield", answers)
    answer = site.call("POST", "/api/auth/login", guess_body(
        NAME, password, refresh_token=own["refresh_token"]), FORM)
    shut(site, "with the right password, shielded", answer)


def try_stolen_access(site, password):
    """A stolen access token is no way to guess: its guesses are the
    account's, and there is at most one more for its login."""
    with site.settings(LOGIN_FAILURES_PER_ACCOUNT="0"):
        token = site.expect(site.guess(NAME, password))["access_token"]
    calls = (
        lambda: site.call("PATCH", "/api/auth/me", {
            "username": NAME, "current_password": WRONG}, token=token),
        lambda: site.call("DELETE", "/api/auth/me", {
            "current_password": WRONG}, token=token),
        lambda: site.call("POST", "/api/auth/password", {
            "current_password": WRONG, "new_password": WRONG}, token=token),
        lambda: site.guess(NAME, WRONG))
    reset(site)
    bounded(site, "guesses by all calls", [
        calls[n % 4]() for n in range(24)], LIMIT + 1)
    fill(site, NAME)
    bounded(site, "guesses by a token, when none are left", [
        calls[n % 3]() for n in range(12)], 1)
    reset(site)
    bounded(site, "guesses by a token at once", at_once(
        [calls[n % 3] for n in range(24)]), LIMIT)


# ------------------------------------------------------------------- a user

def try_user(site):
    with site.settings(RATE_LIMIT_PER_USER="0"):
        world = document.World(site, "x")
        logins = [world.account.access] + [
            site.login(world.account).access for _ in range(4)]
    session = f"/api/sessions/{world.session}"
    targets = ("/api/auth/me", "/api/auth/me/", "/api/sessions",
               "/api/sessions/", session, session + "/messages",
               session + "/feedback", "/api/auth/keys", "/api/auth/sessions",
               "/api/sessions?limit=1", session + "?x=1",
               "/api/sessions?limit=x", "//api/auth/me", "/x/api/auth/me",
               "/api/auth/%6de")
    for what, calls in {
            "logins": [("GET", "/api/auth/me", token) for token in logins] * 4,
            "paths": [("GET", path, logins[0]) for path in targets] * 2,
            "methods": [(method, "/api/auth/me", logins[0]) for method in (
                "GET", "HEAD", "PATCH", "DELETE")] * 5,
            "wrong ones": [("POST", session + "/messages", logins[0])] * 12,
            "forbidden ones": [("POST", session + "/feedback", logins[0]),
                               ("POST", "/api/sessions/cleanup/expired",
                                logins[0])] * 6}.items():
        for parallel in (False, True):
            reset(site)
            made = [lambda m=m, p=p, t=t: site.call(m, p, token=t)
                    for m, p, t in calls]
            bounded(site, f"a user's {what}", at_once(made) if parallel
                    else [call() for call in made])
    reset(site)
    made = [lambda t=t: site.call("GET", "/api/auth/me", token=t)
            for t in logins * 3]
    made += [lambda t=t: site.cgi("auth", {
        "REQUEST_URI": "/api/auth/me", "HTTP_AUTHORIZATION": "Bearer " + t})
             for t in logins]
    bounded(site, "a user's, by processes of all kinds", at_once(made))
    # A key counts as a user of its own, each; and so it is with two.
    keys = [world.key]
    with site.settings(RATE_LIMIT_PER_USER="0"):
        keys.append(site.key(world.account)[1])
    reset(site)
    bounded(site, "a user's and two keys'", [
        site.call("GET", session, token=token)
        for token in (logins[0], *keys) * 8], LIMIT * 3)
    reset(site)
    answers = [site.call("GET", path, token=keys[0]) for path in (
        "/api/auth/me", "/api/auth/keys", session, "/api/sessions") * 5]
    bounded(site, "a key's, allowed and forbidden", answers)


def try_channels(site):
    """Messages and answers, in any session, over one channel."""
    with site.settings(RATE_LIMIT_PER_CHANNEL="0", RATE_LIMIT_PER_SESSION="0"):
        world = document.World(site, "x")
        others = [site.session(world.account) for _ in range(3)]
        asked = [site.expect(site.call(
            "POST", f"/api/sessions/{world.session}/feedback", {
                "type": "input", "prompt": "x"}, token=world.key), 201)["id"]
                 for _ in range(6)]
    token = world.account.access

    def say(session, **more):
        return site.call("POST", f"/api/sessions/{session}/messages",
                         {"content": "x"}, more, token=token)

    def answer(request):
        return site.call("POST", f"/api/sessions/{world.session}/feedback/"
                         f"{request}/respond", {"content": "x"}, token=token)

    with site.settings(RATE_LIMIT_PER_CHANNEL=str(LIMIT),
                       RATE_LIMIT_PER_SESSION="0"):
        reset(site)
        answers = []
        for request in asked:
            answers += [say(one) for one in others] + [answer(request)]
        bounded(site, "messages and answers over a channel", answers)
        reset(site)
        bounded(site, "the same at once", at_once(
            [lambda one=one: say(one) for one in others * 4]
            + [lambda: answer(world.feedback)] * 6))
    with site.settings(RATE_LIMIT_PER_CHANNEL="0",
                       RATE_LIMIT_PER_SESSION=str(LIMIT)):
        reset(site)
        bounded(site, "repeats under one key", [
            say(world.session, **{"Idempotency-Key": "one"})
            for _ in range(12)])
        reset(site)
        bounded(site, "at once, by both", at_once([
            lambda: say(world.session)] * 12))
        reset(site)
        bounded(site, "over all channels", [site.call(
            "POST", f"/api/sessions/{world.session}/messages",
            {"content": "x", "channel": channel}, token=token)
            for channel in ("websocket", "email", "slack") * 4])
        reset(site)
        bounded(site, "an agent's words and questions", [site.call(
            "POST", f"/api/sessions/{world.session}/{what}", body,
            token=world.key) for what, body in (
                ("messages", {"content": "x"}),
                ("messages", {"content": "x", "type": "system"}),
                ("feedback", {"type": "input", "prompt": "x"})) * 4])


def try_window(site):
    """At no moment more than the limit in any span of the window."""
    with site.settings(RATE_LIMIT_PER_USER=str(LIMIT),
                       RATE_LIMIT_WINDOW_SECONDS="1"):
        owner = site.account()
        sent = []
        for _ in range(60 if site.short else 300):
            before = time.monotonic()
            answer = site.me(owner.access)
            sent.append((before, time.monotonic(), answer))
            time.sleep(site.random.choice((0, 0.01, 0.1)))
    let = [(a, b) for a, b, answer in sent if answer.status == 200]
    # From before the first to after the last of LIMIT + 1 in a row.
    worst = min((let[i + LIMIT][1] - let[i][0]
                 for i in range(len(let) - LIMIT)), default=2)
    site.tried(len(sent))
    site.refused(len(sent) - (worst < 1))
    if worst < 1:
        site.breach(f"{LIMIT + 1} requests were let through in {worst} s")


def run(site):
    with site.settings(RATE_LIMIT_PER_ADDRESS=str(LIMIT)):
        try_addresses(site)
        try_networks(site)
    with site.settings(LOGIN_FAILURES_PER_ACCOUNT=str(LIMIT)):
        password = try_spellings(site)
        try_account(site, password)
        try_shields(site, password)
        try_stolen_access(site, password)
    with site.settings(RATE_LIMIT_PER_USER=str(LIMIT)):
        try_user(site)
    try_channels(site)
    try_window(site)
