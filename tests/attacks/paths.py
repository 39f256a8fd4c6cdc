"""Path tricks: no file is fetched, no guard walked around.

Ways up and out in every spelling that some server takes for one, from each
place that serves something, to what lies around: the data directory, settings,
keys, /etc.  Then every route that wants a token, spelt as a server in front and
the program might understand it differently, without one; and methods that
overrule the method."""

import os

import document
import homes
import wire

DEFENDS = ("v5.0.0-1.1.1", "v5.0.0-8.2.1", "v5.0.0-8.3.1", "v5.0.0-13.4.1",
           "v5.0.0-13.4.3", "v5.0.0-13.4.5", "v5.0.0-13.2.5", "v5.0.0-15.2.3")

ROOTS = ("/", "/static/", "/static/page/", "/docs/", "/console/", "/api/",
         "/api/auth/", "/api/sessions/", "//", "/err/")
UPS = ("..", "%2e%2e", "%2E.", ".%2e", "%252e%252e", "..;", "..;x", "..%00",
       "%c0%ae%c0%ae", "%e0%80%ae%e0%80%ae", "%uff0e%uff0e",
       "%ef%bc%8e%ef%bc%8e", "..%20", "..%09", "....", ".../...", ".%0a.",
       "..%01", "..%5c..", "..\\..", "%2e%2e%5c", ".", "..%c0%af..")
SLASHES = ("/", "%2f", "%252f", "\\", "%5c", "//", "/./", "%c0%af",
           "%ef%bc%8f", "%e2%88%95")
FILES = ("etc/passwd", "proc/self/environ", "data/switchboard.db",
         "data/signing-keys.json", "data/.env", "switchboard.db", ".env",
         "signing-keys.json", "limits.db", ".git/config", ".htaccess",
         "lighttpd.conf", "err/404.html", "share/switchboard/openapi.json",
         "run/meta.sock", "auth", "etc/switchboard.env", "server-status",
         ".svn/entries", "backup.zip", "id_rsa", "WEB-INF/web.xml")
# Of a path: itself, its segments, and how another reader might understand it.
SPELLINGS = (
    "{p}/", "{p}//", "/{p}", "//{p}", "/.{p}", "/./{p}", "{p}/.", "{p}/./",
    "{p}/x/..", "/x/..{p}", "/health/..{p}", "/static/..{p}", "{p};x=y",
    "{p};", "{p}%3bx", "{p}%2f", "{p}%5c", "{p}\\", "{p}%20", "{p}%09",
    "{p}%00", "{p}%00.css", "{p}.json", "{p}.css", "{p}.", "{p}?", "{p}?x.css",
    "{p}%3f", "{p}%3fx", "{p}#", "{p}%23", "{p}&", "{p}*", "{p}~", "{p}%0a",
    "{p}%0d%0a", "/docs{p}", "/static{p}", "/static/x{p}", "/metrics/..{p}",
    "/%2e{p}", "/%2e%2e{p}", "/..{p}", "/..;{p}", "/;{p}", "/x;{p}",
    "http://localhost{p}", "http://localhost{p}?", "http://x@localhost{p}")
CHANGES = (str.upper, str.title, lambda p: p.replace("/", "//"),
           lambda p: p.replace("/", "/./"), lambda p: p.replace("a", "%61"),
           lambda p: p.replace("a", "%2561"), lambda p: p.replace("a", "%41"),
           lambda p: "/" + p[1:].replace("/", "%2f"),
           lambda p: "/" + p[1:].replace("/", "%252f"),
           lambda p: "/" + p[1:].replace("/", "\\"),
           lambda p: p.replace("/", "/;/"), lambda p: p.replace("api", "api;x"),
           lambda p: p.replace("i", "%c4%b1"), lambda p: p.replace("s", "ſ"),
           lambda p: p.replace("api", "%ef%bd%81pi"), lambda p: p[1:],
           lambda p: p.replace("/api", "/api/v1"), lambda p: p + p)
OVERRIDES = ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override",
             "X-Original-Method", "HTTP-Method", "X-Override")


def secrets(site):
    """What no answer may have in it."""
    found = [b"root:x:", b"SQLite format 3", b"PATH_INFO=", b"<html",
             b"server.modules", site.data.encode()]
    with open(os.path.join(site.data, "signing-keys.json"), "rb") as file:
        found.append(file.read().partition(b'"k":')[2].strip()[1:20])
    return found


def climbs(site, most=None):
    """Every way up, at every depth that matters; or so many ways."""
    chosen = [(root, up, slash) for root in ROOTS for up in UPS
              for slash in SLASHES]
    if most is not None:
        chosen = site.random.sample(chosen, most)
    for root, up, slash in chosen:
        for depth in (1, 3, 8):
            for file in site.random.sample(FILES, 2 if site.short else 4):
                yield root + (up + slash) * depth + file.replace("/", slash)
    for file in FILES:
        for path in ("/" + file, "//" + file, "/static/" + file,
                     "/static/x/" + file, "/%2f" + file, "/file:///" + file,
                     "/.//" + file, f"/x/{file}%00.css"):
            yield path
    for path in (site.data, site.run, site.home):
        for root in ROOTS:
            yield root + path[1:] + "/switchboard.db"
            yield root + "%2f" + path[1:].replace("/", "%2f") + "/.env"


def fetch(port, target, token=None, method="GET", *fields):
    data = wire.exchange(port, wire.request(method, target, *fields,
                                            token=token,
                                            body=None if method == "GET"
                                            else b""))
    return wire.reply(data, method)[0] if data else None


def files(site, name, port, forbidden, most=None):
    """No way leads to a file, and each is refused as no path."""
    for target in dict.fromkeys(climbs(site, most)):
        try:
            answer = fetch(port, target)
        except wire.Malformed as fault:
            site.judge(False, f"{name}: {target}: {fault}")
            continue
        site.judge(answer is None or (400 <= answer.status < 500 and not any(
            secret in answer.body for secret in forbidden)),
                   f"{name}: {target}: {answer}")


def spellings(path):
    yield from (spelling.replace("{p}", path) for spelling in SPELLINGS)
    for change in CHANGES:
        yield change(path)


def unguarded(site):
    """Nobody without a token gets past the guard, however he spells the path;
    nor does a user to what is an operator's, or another's."""
    mine, theirs = document.World(site), document.World(site)
    for one in document.operations(site).values():
        if one.caller == "nobody" and one.name not in document.OPERATORS:
            continue
        path = one.target(theirs.values(one))
        for spelling in spellings(path):
            spelling = spelling.encode().decode("latin-1")
            refused(site, one, spelling, None)
            if one.name in document.OPERATORS or "{id}" in one.path:
                refused(site, one, spelling, mine.account.access)


def refused(site, one, target, token):
    try:
        data = wire.exchange(site.port, wire.request(
            one.method, "@", token=token, body=b"").replace(
                b"@", target.encode("latin-1"), 1))
        answer = wire.reply(data, one.method)[0] if data else None
        site.judge(answer is None or 400 <= answer.status < 500,
                   f"{one} as {target!r}: {answer}")
    except wire.Malformed as fault:
        site.judge(False, f"{one} as {target!r}: {fault}")


def overruled(site):
    """A request's method is what its first line says."""
    world = document.World(site)
    inside = "/api/sessions/" + world.session
    token = world.account.access
    for target in ("/api/auth/me", inside, "/api/auth/keys", "/health"):
        honest = fetch(site.port, target, token).status
        for field in OVERRIDES:
            for method in ("DELETE", "POST", "PATCH", "OPTIONS", "PUT"):
                answer = fetch(site.port, target, token, "GET",
                               f"{field}: {method}")
                site.judge(answer.status == honest, f"{field}: {method}: "
                           f"{target} {answer}")
        for query in ("_method=DELETE", "method=DELETE", "x-http-method=DELETE",
                      "$method=DELETE"):
            answer = fetch(site.port, f"{target}?{query}", token)
            site.judge(answer.status == honest, f"{target}?{query}: {answer}")
    for target in ("/api/auth/me", inside):
        for field in OVERRIDES:
            for body in (b"", b"_method=DELETE"):
                answer = site.call("POST", target, body, {
                    field: "DELETE", "Content-Type":
                    "application/x-www-form-urlencoded"}, token=token)
                site.judge(answer.status == 405, f"POST {target}: {answer}")
    answer = site.call("GET", inside, token=token)
    site.judge(answer.status == 200 and answer.json["status"] != "ended",
               f"a GET ended a session: {answer}")


def run(site):
    forbidden = secrets(site)
    files(site, "lighttpd", site.port, forbidden, 60 if site.short else None)
    unguarded(site)
    overruled(site)
    if site.short:
        return
    for home in homes.NAMES:
        with homes.front(site, home) as place:
            if place is not None:
                # Its key is its own; <html is what Apache itself may answer.
                files(site, home, place[0],
                      [s for s in forbidden if s != b"<html"], 300)
