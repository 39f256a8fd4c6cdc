"""Finding out what exists.

Of two requests, one about somebody or something that is there and is not the
caller's, and one about nobody or nothing, the answers are the same byte for
byte: status, reason, header fields in their order, and body.  Only times, and
the ids that the caller has sent, may differ."""

import json
import re
import urllib.parse
import uuid

from target import claims_of

DEFENDS = ("v5.0.0-6.3.8", "v5.0.0-8.2.2", "v5.0.0-8.4.1", "v5.0.0-16.5.1",
           "v5.0.0-13.4.2",
           "v5.0.0-13.4.5")

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
WRONG = "wrong horse battery"

# Fields whose values are of this very request, and how those look.
OWN = {"x-request-id": r"[0-9a-f-]{36}", "date": r"\w{3}, .* GMT",
       "x-ratelimit-reset": r"\d{10}"}
# The seconds of a window that are left may be one more or less.
SECONDS = ((re.compile(r"\bt=\d+"), "t=N"),
           (re.compile(r"in \d+ seconds"), "in N seconds"),
           (re.compile(r'"retry_after":\d+'), '"retry_after":N'),
           (re.compile(r'"reset_at":\d+(\.\d+)?'), '"reset_at":N'))


def seen(answer, *own):
    """What the caller can see of it, less what it has sent itself."""
    def plain(text):
        for number, value in enumerate(own):
            text = text.replace(value, f"<{number}>")
        for pattern, instead in SECONDS:
            text = pattern.sub(instead, text)
        return text

    fields = []
    for name, value in answer.headers:
        if name.lower() == "connection":
            continue            # the server ends one after 1,000 requests
        pattern = OWN.get(name.lower())
        if pattern and re.fullmatch(pattern, value):
            value = "its own"
        elif name.lower() == "retry-after":
            value = "N" if value.isdigit() else value
        elif name.lower() == "content-length":
            # reset_at has as many digits as it needs.
            value = str(len(plain(answer.body.decode())))
        fields.append((name, plain(value)))
    reason = answer.raw.reason if answer.raw else None
    return (answer.status, reason, tuple(fields),
            plain(answer.body.decode("utf-8", "replace")))


def same(site, what, one, other, owns=((), ())):
    """An attempt: whether the two can be told apart."""
    a, b = seen(one, *owns[0]), seen(other, *owns[1])
    differ = [f"{x!r} and {y!r}" for x, y in zip(a, b) if x != y]
    return site.judge(a == b, f"{what}: {'; '.join(differ)}")


# ------------------------------------------------------------- logging in

def people(site):
    """Kinds of accounts that somebody may want to know of; of each how it is
    called, and how somebody is called who is not there."""
    known = site.account("known-" + uuid.uuid4().hex[:8])
    disabled = site.account("known-" + uuid.uuid4().hex[:8])
    site.command("user", "disable", disabled.username)
    admin = site.account("known-" + uuid.uuid4().hex[:8])
    site.command("user", "admin", admin.username, "on")
    guarded = site.account("known-" + uuid.uuid4().hex[:8])
    site.expect(site.call("POST", "/api/auth/logout-all",
                          token=guarded.access), 204)
    found = []
    for account in (known, disabled, admin, guarded):
        missing = "other-" + uuid.uuid4().hex[:8]
        for spelt in (lambda n: n, str.upper, lambda n: n + "@example.com",
                      lambda n: n.upper() + "@EXAMPLE.com", lambda n:
                      "".join(chr(ord(c) + 0xfee0) for c in n)):
            if site.short and spelt(missing) != missing and \
                    site.random.random() < 0.6:
                continue
            found.append((account, spelt(account.username), spelt(missing)))
    return known, found


def try_login(site):
    known, found = people(site)
    passwords = [WRONG, "x", "\u00e9" * 20, " ", "a" * 1024, "a" * 1025, "",
                 "with\x07bell", known.refresh]
    for account, name, missing in found:
        for password in passwords:
            same(site, "login", site.guess(name, password),
                 site.guess(missing, password), ((name,), (missing,)))
        for more in ({"grant_type": "password"}, {"grant_type": "other"},
                     {"scope": "a", "client_id": "b", "client_secret": "c"},
                     {"refresh_token": known.refresh},
                     {"refresh_token": "x"}, {"refresh_token": ""},
                     {"username": "twice"}, {"unknown": "x"}):
            answers = [site.call("POST", "/api/auth/login",
                                 urllib.parse.urlencode([
                                     ("username", who), ("password", WRONG),
                                     *more.items()]), FORM)
                       for who in (name, missing)]
            same(site, f"login with {list(more)}", *answers,
                 ((name,), (missing,)))
        for headers in ({"Origin": "http://localhost:3000"},
                        {"Authorization": "Bearer " + known.access},
                        {"Accept": "text/html"}, {"Origin": "http://evil"}):
            same(site, f"login with {headers}",
                 site.guess(name, WRONG, headers),
                 site.guess(missing, WRONG, headers), ((name,), (missing,)))
        for method in ("GET", "HEAD", "PUT", "DELETE", "OPTIONS"):
            path = "/api/auth/login?username="
            same(site, method + " of login",
                 site.call(method, path + urllib.parse.quote(name)),
                 site.call(method, path + urllib.parse.quote(missing)),
                 ((name,), (missing,)))


def try_counted(site):
    """Up to the limit, at it and beyond: a name is no better than another."""
    with site.settings(LOGIN_FAILURES_PER_ACCOUNT="3"):
        stranger = site.account()
        for account, name, missing in people(site)[1]:
            if name != account.username:
                continue
            for turn in range(5):
                same(site, f"guess {turn}", site.guess(name, WRONG),
                     site.guess(missing, WRONG))
            same(site, "the right password beyond the limit",
                 site.guess(name, account.password),
                 site.guess(missing, account.password))
            same(site, "another spelling beyond the limit",
                 site.guess(name.upper(), WRONG),
                 site.guess(missing.upper(), WRONG))
            same(site, "a stranger's token beyond the limit", *(
                site.call("POST", "/api/auth/login", urllib.parse.urlencode({
                    "username": who, "password": WRONG,
                    "refresh_token": stranger.refresh}), FORM)
                for who in (name, missing)))
    with site.settings(RATE_LIMIT_PER_ADDRESS="4"):
        name, missing = "known-" + uuid.uuid4().hex[:8], \
            "other-" + uuid.uuid4().hex[:8]
        answers = []
        # By turns from the same place: each finds as much left as its turn.
        for who in (name, missing):
            if who == name:
                site.account(name)
            site.restart()
            clear_counts(site)
            answers.append([site.guess(who, WRONG) for _ in range(6)])
        for turn, (one, other) in enumerate(zip(*answers)):
            same(site, f"login {turn} of an address", one, other)


def clear_counts(site):
    """As if the window were over; the site does so with a damaged file."""
    site.command("limits", "reset", "--all")


def try_register(site):
    """By contract it tells whose name is taken, in the same words for all
    that have one; it tells no more than that."""
    site.note("registration and a change of name tell, by contract, that a "
              "name or an address is taken; the address limit slows that")
    _, found = people(site)
    first = None
    for account, name, _ in found:
        if "@" in name or name != account.username:
            continue
        answer = site.call("POST", "/api/auth/register", {
            "username": name, "email": uuid.uuid4().hex + "@example.com",
            "password": WRONG})
        first = first or answer
        same(site, "a taken name", first, answer)
        for body in ({"username": name}, {"username": name, "email": "x"},
                     {"username": name, "email": "x@example.com",
                      "password": "short"}):
            missing = "other-" + uuid.uuid4().hex[:8]
            same(site, "a taken name beside what is wrong",
                 site.call("POST", "/api/auth/register", body),
                 site.call("POST", "/api/auth/register",
                           {**body, "username": missing}),
                 ((name,), (missing,)))


def try_own_account(site):
    """A name is no easier to find out with a wrong password."""
    _, found = people(site)
    caller = site.account()
    for account, name, missing in found:
        if name != account.username:
            continue
        for field, end in (("username", ""), ("email", "@example.com")):
            same(site, f"{field} and a wrong password", *(
                site.call("PATCH", "/api/auth/me", {
                    field: who + end, "current_password": WRONG},
                          token=caller.access)
                for who in (name, missing)))


def try_tokens(site):
    """Dead tokens are alike, whatever they have died of."""
    live, out, gone, changed = (site.account() for _ in range(4))
    site.expect(site.call("POST", "/api/auth/logout", token=out.access), 204)
    site.command("user", "delete", "--yes", gone.username)
    site.expect(site.call("POST", "/api/auth/password", {
        "current_password": changed.password, "new_password": WRONG},
                          token=changed.access))
    _, key = site.key(live)
    dead_id, dead = site.key(live)
    site.expect(site.call("DELETE", "/api/auth/keys/" + dead_id,
                          token=live.access), 204)
    bearers = [out.access, gone.access, changed.access, live.refresh,
               live.access[:-1], "x", dead, key[:-1] + "-", "sbk_x",
               "sbk_" + "A" * 43, key[:-4]]
    for path in ("/api/auth/me", "/api/sessions", "/api/limits",
                 f"/api/sessions/{uuid.uuid4()}/events"):
        first = site.call("GET", path, token="no token of ours".replace(
            " ", "-"))
        for token in bearers:
            same(site, f"a dead token at {path}", first,
                 site.call("GET", path, token=token))
    first = site.refresh("x")
    for token in (out.refresh, gone.refresh, changed.refresh, live.access,
                  live.refresh[:-1], key, dead):
        same(site, "a dead refresh token", first, site.refresh(token))
        same(site, "a dead token to log out", site.call(
            "POST", "/api/auth/logout", {"refresh_token": "x"}),
             site.call("POST", "/api/auth/logout", {"refresh_token": token}))


# --------------------------------------------------- others' and nobody's

def world(site, account):
    """One of each that an account may have, by the name of its parameter."""
    key_id, key = site.key(account)
    session = site.session(account)
    message = site.expect(site.call(
        "POST", f"/api/sessions/{session}/messages", {"content": "x"},
        token=account.access), 201)["id"]
    request = site.expect(site.call(
        "POST", f"/api/sessions/{session}/feedback", {
            "type": "approval", "prompt": "Really?"}, token=key), 201)["id"]
    return {"key": key_id, "agent": key, "session": session,
            "message": message, "request": request,
            "login": claims_of(account.access)["sid"]}


def bodies_of(site, operation):
    """One as the document shows it, and wrong ones."""
    content = operation.get("requestBody", {}).get("content", {})
    if "application/json" not in content:
        return [None]
    example = content["application/json"].get("example")
    if example is None:
        name = content["application/json"]["schema"]["$ref"].split("/")[-1]
        schema = site.document["components"]["schemas"][name]
        example = schema.get("example") or {
            field: value["examples"][0] for field, value in
            schema["properties"].items() if "examples" in value}
    bodies = [example, {}, {"x": 1}, [], b"{", None]
    return bodies[:2] if site.short else bodies


def try_things(site):
    """Each operation with an id: of another's thing and of none."""
    document = site.document = site.expect(site.call("GET", "/openapi.json"))
    owner, caller = site.account(), site.account()
    theirs, ours = world(site, owner), world(site, caller)
    count = 0
    for path, operations in document["paths"].items():
        if "{id}" not in path:
            continue
        kind = {"/api/auth/sessions/{id}": "login",
                "/api/auth/keys/{id}": "key"}.get(path, "session")
        for method, operation in operations.items():
            count += 1
            for body in bodies_of(site, operation):
                for token in (caller.access, ours["agent"]):
                    compare(site, (method.upper(), path, body, token), kind,
                            theirs, ours)
    if count < 12:
        raise ValueError(f"only {count} operations have an id")
    for method in ("HEAD", "OPTIONS", "PUT", "TRACE", "POST", "DELETE"):
        for end in ("", "/messages", "/feedback", "/events", "/nothing", "/"):
            compare(site, (method, "/api/sessions/{id}" + end, None,
                           caller.access), "session", theirs, ours)
    site.expect(site.call("GET", "/api/sessions/" + theirs["session"],
                          token=owner.access))
    return caller, theirs, ours


def compare(site, request, kind, theirs, ours):
    method, path, body, token = request
    missing = str(uuid.uuid4())
    answers, owns = [], []
    for own in (theirs[kind], missing):
        # Of an own session, too, another's request is none.
        target = path.replace("{id}", own).replace(
            "{request_id}", theirs["request"])
        answers.append(site.call(method, target, body, token=token))
        owns.append((own,))
    same(site, f"{method} {path} {body}", *answers, owns)
    if "{request_id}" not in path:
        return
    answers, owns = [], []
    for own in (theirs["request"], missing):
        target = path.replace("{id}", ours["session"]).replace(
            "{request_id}", own)
        answers.append(site.call(method, target, body, token=token))
        owns.append((own,))
    same(site, f"{method} {path} {body}, in an own session", *answers, owns)


def try_cursors(site, caller, theirs, ours):
    """Ids in queries and headers, of another's things and of none."""
    session, missing = ours["session"], str(uuid.uuid4())
    for target in ("/api/sessions?before={}",
                   f"/api/sessions/{session}/messages?before={{}}",
                   f"/api/sessions/{session}/messages?after={{}}",
                   "/api/sessions/{}/messages?limit=0",
                   "/api/sessions/{}/messages?after=x",
                   "/api/sessions/{}/events?after=5&wait=0",
                   "/api/sessions/{}/events?after=-1",
                   "/api/sessions/{}/feedback/" + missing + "?wait=1",
                   f"/api/sessions/{session}/feedback/{{}}?wait=1",
                   "/api/auth/sessions/{}"):
        for kind in ("session", "message", "request", "key", "login"):
            for headers in ({}, {"Accept": "text/event-stream"},
                            {"Origin": "http://localhost:3000"})[
                                :1 if site.short else 3]:
                own = theirs[kind]
                same(site, f"{target} {kind}", *(
                    site.call("GET", target.format(value), headers=headers,
                              token=caller.access)
                    for value in (own, missing)), ((own,), (missing,)))
    for key in ("hello-1", "x" * 64):
        path = f"/api/sessions/{theirs['session']}/messages"
        none = f"/api/sessions/{missing}/messages"
        same(site, "an Idempotency-Key", *(
            site.call("POST", target, {"content": "x"},
                      {"Idempotency-Key": key}, token=caller.access)
            for target in (path, none)),
            ((theirs["session"],), (missing,)))


def try_limits(site, theirs):
    """What is counted tells no more than what is answered."""
    with site.settings(RATE_LIMIT_PER_USER="30", RATE_LIMIT_PER_SESSION="2",
                       RATE_LIMIT_PER_CHANNEL="20"):
        answers, states = [], []
        for own in (theirs["session"], str(uuid.uuid4())):
            caller = site.account()
            found = [site.call(method, f"/api/sessions/{own}{end}", body,
                               token=caller.access)
                     for method, end, body in (
                         ("POST", "/messages", {"content": "x"}),) * 4
                     + (("GET", "", None), ("DELETE", "", None))]
            answers.append((found, own))
            states.append(site.call("GET", "/api/limits",
                                    token=caller.access))
            if own.encode() in states[-1].body:
                site.breach("/api/limits shows another's session")
        for one, other in zip(answers[0][0], answers[1][0]):
            same(site, "under limits", one, other,
                 ((answers[0][1],), (answers[1][1],)))
        same(site, "/api/limits", *states)


def try_administration(site):
    """For whoever is no administrator it is the same, whatever there is."""
    path = "/api/sessions/cleanup/expired"
    caller, other = site.account(), site.account()
    before = site.call("POST", path, token=caller.access)
    site.session(other)
    same(site, "cleanup", before, site.call("POST", path,
                                            token=caller.access))
    for method in ("GET", "DELETE", "PATCH"):
        same(site, f"{method} of cleanup",
             site.call(method, path, token=caller.access),
             site.call(method, "/api/sessions/cleanup/expired/",
                       token=caller.access))
    # What is the operator's is, to others, a dead token's.
    for path in ("/api/auth/check", "/api/auth/check/stream"):
        same(site, path, site.call("GET", path, token="x"),
             site.call("GET", path, token=caller.access))


def try_documents(site):
    """No answer says more about the inside than the contract does."""
    caller = site.account()
    for target in ("/metrics", "/.env", "/signing-keys.json", "/secret",
                   "/switchboard.db", "/limits.db", "/data/switchboard.db",
                   "/.git/config", "/server-status", "/debug", "/api",
                   "/api/", "/api/users", "/api/auth", "/api/auth/users",
                   "/api/admin", "/static/",
                   "/err/404.html", "/404.html", "/auth", "/auth.sock",
                   "/lighttpd.conf", "/api/auth/me/" + caller.id):
        for token in (None, caller.access):
            same(site, target,
                 site.call("GET", "/no-such-path", token=token),
                 site.call("GET", target, token=token))
    with site.settings(DEBUG="true", LOG_LEVEL="debug"):
        try_words(site, caller)


def try_words(site, caller):
    """Not with DEBUG on, either, which makes the log longer and nothing
    else."""
    words = ("sqlite", "/var", "/tmp", ".c:", "errno", "select ", "traceback",
             "lighttpd", "stack", "scrypt")
    for body in (b"{", b"\xff", b"[" * 100, b"{}", b'{"username":1}'):
        for path in ("/api/auth/login", "/api/auth/register",
                     "/api/auth/refresh", "/api/auth/password"):
            answer = site.call("POST", path, body, {
                "Content-Type": "application/json"}, token=caller.access)
            text = (json.dumps(answer.headers)
                    + answer.body.decode()).lower()
            told = [word for word in words if word in text]
            site.judge(not told, f"{path} tells {told}: {answer}")


def run(site):
    try_login(site)
    try_counted(site)
    try_register(site)
    try_own_account(site)
    try_tokens(site)
    caller, theirs, ours = try_things(site)
    try_cursors(site, caller, theirs, ours)
    try_limits(site, theirs)
    try_administration(site)
    try_documents(site)
