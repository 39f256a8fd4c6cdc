"""Other origins: no page of another site reads or does anything.

Origins that look like a listed one are asked from, on every route and for each
of its methods, plainly and by preflight; every route is called as a form, an
image or a script of another site could call it, with cookies and with what a
browser remembers of a login; and every answer's fields are looked at that tell
a browser what not to do with it."""

import base64
import itertools

import document
import wire

DEFENDS = ("v5.0.0-3.4.2", "v5.0.0-3.5.1", "v5.0.0-3.5.2", "v5.0.0-3.5.3",
           "v5.0.0-3.4.3", "v5.0.0-3.4.4", "v5.0.0-3.4.5", "v5.0.0-3.4.6",
           "v5.0.0-3.2.1", "v5.0.0-4.1.1", "v5.0.0-4.1.2", "v5.0.0-14.3.2",
           "v5.0.0-14.2.2", "v5.0.0-7.2.1", "v5.0.0-3.3.1")

LISTED = "https://chat.example.com"
OTHERS = (
    "null", "http://chat.example.com", "https://chat.example.com:8443",
    "https://chat.example.com:443", "https://chat.example.com:",
    "https://chat.example.com.evil.example", "https://evilchat.example.com",
    "https://evil.chat.example.com", "https://example.com",
    "https://chat.example.co", "https://chat.example.comm",
    "https://chat.example.com@evil.example", "https://a@chat.example.com",
    "https://chat.example.com/", "https://chat.example.com/x",
    "https://chat.example.com?x", "https://chat.example.com#",
    "https://chat.example.com%00.evil.example", "https://chat_example.com",
    "https://chat.example.com .evil.example", "https://chat.example.com,",
    "https://chat.example.com, https://evil.example",
    "https://evil.example, https://chat.example.com",
    "https://evil.example https://chat.example.com", "https://chatxexample.com",
    "chat.example.com", "//chat.example.com", "https:chat.example.com",
    "https//chat.example.com", "file://", "file:///", "data:", "*", ".",
    "https://*", "https://*.example.com", "https://chat.example.com.",
    "https://[chat.example.com]", "https://chat.example.com`.evil.example",
    "https://chat.example.com\u200b", "https://ch\u0430t.example.com",
    "https://chat.example\uff0ecom", "https://%63hat.example.com",
    "https://xn--chat.example.com", "moz-extension://chat.example.com",
    "https://localhost", "http://localhost", "http://localhost:5174",
    "http://127.0.0.1", "https://evil.example")
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
# A form's, or a script's without asking before (Fetch, CORS-safelisted).
SIMPLE = ("text/plain", "text/plain;charset=utf-8",
          "application/x-www-form-urlencoded", "multipart/form-data",
          "multipart/form-data; boundary=x", "text/plain; application/json",
          "text/plain, application/json", "application/jsonx",
          "application/x-json", "text/json", "application/json, text/plain",
          "application/ json", "application\\json")
COOKIES = ("token", "access_token", "Authorization", "session", "jwt", "auth",
           "refresh_token", "sid", "bearer")


def header(answer, name):
    return [value for had, value in answer.headers if had.lower() == name]


def allows(answer):
    return [field for field in answer.headers
            if field[0].lower().startswith("access-control-")]


# --------------------------------------------------------------------- CORS


def asked(site, operations):
    """From each of these origins, plainly and by preflight."""
    places = [(one, one.target({})) for one in operations.values()]
    for origin in OTHERS:
        sent = [("Origin", origin.encode())]
        for one, path in site.random.sample(places, 4) if site.short \
                else places:
            answer = site.call(one.method, path, headers=sent)
            site.judge(not allows(answer) and "Origin" in header(
                answer, "vary"), f"{origin} {one}: {answer.headers}")
            answer = site.call("OPTIONS", path, headers=sent + [
                ("Access-Control-Request-Method", one.method)])
            site.judge(answer.status == 400 and not allows(answer),
                       f"{origin} preflight of {one}: {answer.headers}")
    for one, path in places:
        for method in METHODS:
            preflight(site, path, method)
    for fields in ((f"Origin: {LISTED}", "Origin: https://evil.example"),
                   ("Origin: https://evil.example", f"Origin: {LISTED}"),
                   (f"Origin: {LISTED}", "Origin: null")):
        answer, _ = wire.reply(wire.exchange(site.port, wire.request(
            "GET", "/health", *fields)))
        site.judge(not answer.header(b"access-control-allow-origin"),
                   f"{fields}: {answer}")


def preflight(site, path, method):
    """From the one that is listed: itself is allowed, by its name."""
    answer = site.call("OPTIONS", path, headers={
        "Origin": LISTED, "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": "authorization"})
    site.judge(header(answer, "access-control-allow-origin") == [LISTED] and
               answer.status == 200 and
               header(answer, "access-control-allow-credentials") == ["true"],
               f"preflight {method} {path}: {answer.status} {answer.headers}")


def starred(site):
    """Who lets in all lets in none that is known to a browser."""
    with site.settings(CORS_ORIGINS="*", CORS_CREDENTIALS="false"):
        for origin in (LISTED, "null", "https://evil.example"):
            for method in ("GET", "OPTIONS"):
                answer = site.call(method, "/health", headers={
                    "Origin": origin, "Access-Control-Request-Method": "GET"})
                site.judge(
                    header(answer, "access-control-allow-origin") == ["*"] and
                    not header(answer, "access-control-allow-credentials"),
                    f"*: {method} {origin}: {answer.headers}")
    answer = site.cgi("auth", {"CORS_ORIGINS": "*", "HTTP_ORIGIN": LISTED,
                               "REQUEST_URI": "/api/auth/me"})
    site.judge(answer.status == 500 and not allows(answer),
               f"* with credentials: {answer}")


# --------------------------------------------------------------------- CSRF


def remembered(account, key):
    """What a browser sends by itself: no token of ours is taken there."""
    for secret in (account.access, account.refresh, key):
        for name in COOKIES:
            yield {"Cookie": f"{name}={secret}"}
            yield {"Cookie": f"a=b; {name}=Bearer {secret}; c=d"}
        yield {"Authorization": "Basic " + base64.b64encode(
            f"{account.username}:{secret}".encode()).decode()}
        yield {"Proxy-Authorization": "Bearer " + secret}
        yield {"X-Authorization": "Bearer " + secret}
        yield {"X-Api-Key": secret}
        yield {"Authorization": secret}
    for name in (account.username, account.email):
        yield {"Authorization": "Basic " + base64.b64encode(
            f"{name}:{account.password}".encode()).decode()}


def without_token(site, operations):
    """Nothing of that is authority, on any route that wants one; nor a token
    in a target or a form."""
    world = document.World(site)
    secret = world.account.access
    for one in operations.values():
        if one.caller == "nobody" and one.name not in document.OPERATORS:
            continue
        path = one.target(world.values(one))
        sent = list(remembered(world.account, world.key))
        for fields in site.random.sample(sent, 6) if site.short else sent:
            refused(site, one, path, None, fields)
        for name in ("access_token", "token", "authorization", "key"):
            refused(site, one, f"{path}?{name}={secret}", None, {})
            refused(site, one, path, f"{name}={secret}".encode(), {
                "Content-Type": document.FORM})
    answer = site.me(secret)
    site.judge(answer.status == 200, f"the account is gone: {answer}")


def refused(site, one, path, body, fields):
    answer = site.call(one.method, path, body, {"Origin": LISTED} | fields)
    site.judge(answer.status in (401, 404, 422) and
               not header(answer, "set-cookie"), f"{one} {fields}: {answer}")


def simple(site, operations):
    """What writes takes no body that a form can send, though there be a token;
    what takes forms gives nothing that another origin could read."""
    world = document.World(site)
    for one in operations.values():
        if not one.bodies or one.name == "logout":
            continue
        for kind in SIMPLE:
            for media in one.bodies:
                body, _ = document.encode(document.JSON,
                                          world.body(one, media))
                if kind.partition(";")[0] in one.bodies:
                    continue
                answer = site.call(one.method, one.target(world.values(one)),
                                   body, world.headers(one) | {
                                       "Content-Type": kind,
                                       "Origin": "https://evil.example"})
                site.judge(answer.status == 422 and not allows(answer),
                           f"{one} takes {kind}: {answer}")
    # What safe methods do is nothing.
    before = site.rows("SELECT * FROM users") + site.rows(
        "SELECT * FROM chat_sessions")
    for one, method in itertools.product(operations.values(),
                                         ("GET", "HEAD", "OPTIONS")):
        if one.method != "GET" or method == "OPTIONS":
            site.call(method, one.target(world.values(one)),
                      headers=world.headers(one))
    site.judge(before == site.rows("SELECT * FROM users") + site.rows(
        "SELECT * FROM chat_sessions"), "a safe method has changed something")


# ------------------------------------------------------------------- answers


def answers(site, operations):
    """Every answer there is, by every method, with and without a token."""
    world = document.World(site)
    for one in operations.values():
        for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "OPTIONS"):
            for headers in ({}, world.headers(one)):
                answer = site.call(method, one.target(world.values(one)),
                                   headers=headers)
                fields(site, f"{method} {one.path}", answer, bool(headers))
        for media in one.bodies:
            data, kind = document.encode(media, world.body(one, media))
            answer = site.call(one.method, one.target(world.values(one)), data,
                               world.headers(one) | {"Content-Type": kind})
            fields(site, str(one), answer,
                   b"token" in answer.body or one.caller != "nobody")
        world = document.World(site)
    for target in ("/nowhere", "/api", "/%00", "/static/x/y", "/docs/x"):
        fields(site, target, site.call("GET", target), False)
    for name in ("show_docs", "show_redoc", "show_console"):
        page(site, site.call("GET", operations[name].path))


def fields(site, what, answer, secret):
    kind = header(answer, "content-type")
    wrong = [name for name, holds in {
        "nosniff": header(answer, "x-content-type-options") == ["nosniff"],
        "no-store": not secret or "no-store" in ", ".join(
            header(answer, "cache-control")),
        "Vary": any("Origin" in value for value in header(answer, "vary")),
        "Content-Type": is_typed(answer, kind),
        "no cookie": not header(answer, "set-cookie"),
        "no redirect": not 300 <= answer.status < 400 and
                       not header(answer, "location"),
        "nobody's name": not header(answer, "server") and
                         not header(answer, "x-powered-by"),
        "no origin": not allows(answer)}.items() if not holds]
    site.judge(not wrong, f"{what}: {wrong}: {answer.status} {answer.headers}")


def is_typed(answer, kind):
    """With a type that is what its body is, of a character set where it is a
    text; JSON's is UTF-8 (RFC 8259 section 8.1)."""
    if not answer.body:
        return True
    if len(kind) != 1:
        return False
    if kind[0] == "application/json":
        return answer.json is not None
    return kind[0].startswith(("text/html; charset=utf-8",
                               "text/plain; charset=utf-8",
                               "text/plain; version=0.0.4; charset=utf-8",
                               "text/event-stream", "text/css",
                               "text/javascript", "image/", "font/"))


def page(site, answer):
    """A page loads nothing from elsewhere, and is in no frame."""
    policy = dict(part.strip().partition(" ")[::2] for value in header(
        answer, "content-security-policy") for part in value.split(";"))
    site.judge(answer.status in (200, 500) and (
        answer.status == 500 or (
            policy.get("default-src") == "'none'" and
            policy.get("frame-ancestors") == "'none'" and
            policy.get("base-uri") == "'none'" and
            policy.get("script-src") == "'self'" and
            "unsafe" not in str(policy) and "*" not in str(policy) and
            header(answer, "referrer-policy") == ["no-referrer"] and
            header(answer, "cross-origin-opener-policy") == ["same-origin"])),
        f"a page: {answer.status} {answer.headers}")


def run(site):
    with site.settings(CORS_ORIGINS=LISTED):
        operations = document.operations(site)
        asked(site, operations)
        without_token(site, operations)
        simple(site, operations)
        answers(site, operations)
    starred(site)
