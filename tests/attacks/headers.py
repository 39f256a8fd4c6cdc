"""Header injection: no answer gains a line, or a link.

What would split a header field, or escape from one, is sent in every place that
is an input: the path, queries, JSON members, form fields, header fields, and
header fields that programs might look at.  Through lighttpd by bytes as they
are, and to the programs as plain CGI, which get what no web server would let
pass.  The answers are read strictly, and have exactly the fields that an answer
to the same request without it has."""

import urllib.parse

import document
import wire

DEFENDS = ("v5.0.0-1.2.1", "v5.0.0-4.1.3", "v5.0.0-15.3.4", "v5.0.0-1.3.3",
           "v5.0.0-13.4.5", "v5.0.0-1.2.2")

MARK = "injected"
# Each would be a field of its own, were it taken for a line's end.
SPLITS = ("\r\nX-Injected: yes", "\nX-Injected: yes", "\rX-Injected: yes",
          "\r\n\r\n<b>injected</b>", "\u2028X-Injected: yes",
          "\u0085X-Injected: yes", "\u560a\u560dX-Injected: yes",
          "\x00X-Injected: yes", "\x0bX-Injected: yes", "\r\n X-Injected: yes",
          "%0d%0aX-Injected: yes", "%250d%250aX-Injected: yes",
          "%u000d%u000aX-Injected: yes", "\\r\\nX-Injected: yes",
          '"; X-Injected="yes', "\x7fX-Injected: yes")
BYTES = (b"%0d%0aX-Injected:%20yes", b"%0aX-Injected:yes", b"%00", b"%0b",
         b"%e2%80%a8X-Injected:yes", b"%c4%8d%c4%8aX-Injected:yes",
         b"%e5%98%8a%e5%98%8dX-Injected:yes", b"%250d%250aX-Injected:yes",
         b"%c0%8d%c0%8aX-Injected:yes", b"%ff", b"\xe2\x80\xa8X-Injected:yes",
         b"%5cr%5cnX-Injected:yes", b"%7f", b"%1b[31m")
FIELDS = (
    "Origin", "X-Request-ID", "Host", "User-Agent", "Accept", "Referer",
    "Accept-Encoding", "Authorization", "Content-Type", "Cookie",
    "Idempotency-Key", "Last-Event-ID", "Access-Control-Request-Method",
    "Access-Control-Request-Headers", "X-Forwarded-For", "X-Forwarded-Host",
    "X-Forwarded-Proto", "X-Forwarded-Prefix", "X-Forwarded-Port",
    "X-Original-URL", "X-Rewrite-URL", "X-Real-IP", "Forwarded", "Via",
    "If-None-Match", "If-Modified-Since", "Range", "Expect", "From",
    "Accept-Language", "X-HTTP-Method-Override", "Proxy", "Max-Forwards",
    "Traceparent", "Location", "Set-Cookie", "Status", "X-Accel-Redirect",
    "X-Sendfile", "X-LIGHTTPD-send-file", "Content-Location", "Link")
# Fields of requests that make an answer tell where it is.
HOSTS = ("Host", "X-Forwarded-Host", "X-Host", "X-Forwarded-Server",
         "X-HTTP-Host-Override", "Forwarded", "X-Original-URL",
         "X-Forwarded-Prefix", "X-Forwarded-Proto", "X-Script-Name", "Referer")
# Where environments and fields of a request meet: none may be a setting.
SETTINGS = ("Proxy", "Switchboard-Data", "Switchboard-Env-File", "Secret-Key",
            "Ld-Preload", "Path", "Log-File", "Log-Level", "Root-Path",
            "Cors-Origins", "Trusted-Proxies", "Metrics-Token", "Script-Name",
            "Path-Info", "Request-Uri", "Remote-Addr", "Gateway-Interface",
            "Document-Root", "Query-String", "Content-Length-2")


def fields_of(answer):
    """The names of an answer's fields, each as often as it comes."""
    return sorted(name.lower() for name, _ in answer.headers)


def names_of(reply):
    return sorted(name.decode() for name, _ in reply.headers)


def is_clean(headers):
    """Whether there is neither an injected field nor the mark in one."""
    return not any(MARK in name.lower() or "\r" in value or "\n" in value or
                   (MARK in value.lower() and
                    name.lower() != "access-control-allow-headers")
                   for name, value in headers)


def judge(site, what, answer):
    site.judge(answer.status is not None and answer.status != 500 and
               is_clean(answer.headers) and
               fields_of(answer).count("x-request-id") <= 1,
               f"{what}: {answer.status} {answer.headers}")


def some(site, of, n):
    """All of it, or in the short form so many."""
    return site.random.sample(of, n) if site.short and len(of) > n else of


def inputs(site):
    """Every field of every body, every query and path: by the document."""
    world = document.World(site)
    for one in document.operations(site).values():
        for split in some(site, SPLITS, 3):
            for place in ("path", "query", "header"):
                for name in one.places(place):
                    parameter(site, world, one, place, name, split)
            for media in one.bodies:
                for name in one.fields(media):
                    member(site, world, one, media, name, split)
        if one.method == "DELETE" or one.path.startswith("/api/auth/"):
            world = document.World(site)


def parameter(site, world, one, place, name, split):
    values, query = world.values(one), {}
    headers = world.headers(one)
    if place == "path":
        values[name] = values.get(name, document.NOBODY) + split
    elif place == "query":
        query[name] = "1" + split
    else:
        split = split.replace("\r", "").replace("\n", "").replace("\0", "")
        headers[name] = ("1" + split).encode()
    answer = site.call(one.method, one.target(values, query),
                       headers=headers)
    judge(site, f"{one}: {place} {name} {split!r}", answer)


def member(site, world, one, media, name, split):
    body = world.body(one, media)
    had = body.get(name, "1")
    body[name] = had + split if isinstance(had, str) else [split]
    data, kind = document.encode(media, body)
    answer = site.call(one.method, one.target(world.values(one)), data,
                       world.headers(one) | {"Content-Type": kind})
    judge(site, f"{one}: {name} {split!r}", answer)


def targets(site):
    """Escapes in a target, of which no field of an answer is made."""
    for path in ("/{}", "/api/auth/me{}", "/api/sessions/{}", "/static/{}/x",
                 "/static/x/{}", "/health?{}", "/{}/docs", "/docs{}",
                 "//{}", "/api/sessions?before={}"):
        for escape in some(site, BYTES, 5):
            target = path.encode().replace(b"{}", escape)
            request = wire.request("GET", "/").replace(b" / ", b" " + target +
                                                       b" ", 1)
            judge_bytes(site, f"target {target!r}", request)


def judge_bytes(site, what, request):
    """Well-formed answers without the mark in a field, and not more of them
    than requests were begun."""
    try:
        found = wire.replies(wire.exchange(site.port, request))
        site.judge(len(found) <= request.count(b"\r\n\r\n") and all(
            is_clean([(n.decode("latin-1"), v.decode("latin-1"))
                      for n, v in one.headers]) and one.status != 500
            for one in found), f"{what}: {found}")
    except wire.Malformed as fault:
        site.judge(False, f"{what}: {fault}")


def own_fields(site):
    """Through lighttpd, bytes as they are; and to the programs, which have to
    stand for themselves behind servers that let more pass."""
    token = site.account().access
    for field in FIELDS:
        for split in some(site, SPLITS, 4):
            line = f"{field}: a".encode() + split.encode()
            judge_bytes(site, f"{field} {split!r}", wire.request(
                "OPTIONS" if "Request" in field else "GET", "/api/auth/me",
                line, b"Origin: http://localhost:3000",
                b"Access-Control-Request-Method: GET", token=token))
            by_cgi(site, field, split)


def by_cgi(site, field, split):
    if "\0" in split:
        return                  # no environment can hold it
    name = field.upper().replace("-", "_")
    given = {"REQUEST_METHOD": "OPTIONS", "REQUEST_URI": "/api/auth/me",
             "HTTP_ORIGIN": "http://localhost:3000",
             "HTTP_ACCESS_CONTROL_REQUEST_METHOD": "GET",
             ("" if name == "CONTENT_TYPE" else "HTTP_") + name:
             "http://localhost:3000" + split}
    for method in ("OPTIONS", "GET"):
        judge(site, f"CGI {method} {field} {split!r}", site.cgi(
            "auth", given | {"REQUEST_METHOD": method}))


def hosts(site):
    """No link, and no field, is made of what a client says of the host."""
    for field in HOSTS:
        for value in ("evil-injected.example", "evil-injected.example:1",
                      "localhost@evil-injected.example",
                      "for=1;host=evil-injected.example;proto=https",
                      "https://evil-injected.example/", "//evil-injected",
                      "localhost\tevil-injected.example", "/injected",
                      "javascript:injected", '"><b>injected'):
            for path in ("/", "/docs", "/redoc", "/console", "/openapi.json",
                         "/health", "/api/auth/me", "/docs/", "/nowhere"):
                if site.short and path not in ("/", "/docs", "/health"):
                    continue
                request = wire.request("GET", path, f"{field}: {value}")
                if field == "Host":
                    request = request.replace(b"Host: localhost\r\n", b"")
                data = wire.exchange(site.port, request)
                site.judge(MARK.encode() not in data,
                           f"{field}: {value!r} comes back from {path}")


def settings(site):
    """A header field is no variable of the environment, nor of CGI."""
    honest = wire.reply(wire.exchange(site.port, wire.request("GET", "/")))[0]
    for field in SETTINGS:
        for name in (field, field.replace("-", "_")):
            answer, _ = wire.reply(wire.exchange(site.port, wire.request(
                "GET", "/", f"{name}: /nowhere/injected")))
            site.judge((answer.status, answer.body) ==
                       (honest.status, honest.body) and
                       names_of(answer) == names_of(honest),
                       f"{name}: {answer}")
            given = {"HTTP_" + name.upper().replace("-", "_"): "/nowhere"}
            mine = site.cgi("meta", given)
            site.judge(mine.body == honest.body, f"CGI {given}: {mine}")


def twice(site):
    """Of a field that decides, two are none, or as good as one."""
    one, other = site.account(), site.account()
    for fields in ((f"Authorization: Bearer {one.access}",
                    f"Authorization: Bearer {other.access}"),
                   (f"Authorization: Bearer {one.access}",
                    "Authorization: Basic eDp5"),
                   ("Authorization: Bearer x",
                    f"authorization: Bearer {one.access}"),
                   ("Authorization: Bearer x",
                    f"AUTHORIZATION: Bearer {one.access}")):
        answer, _ = wire.reply(wire.exchange(site.port, wire.request(
            "GET", "/api/auth/me", *fields)))
        site.judge(answer.status == 401, f"{fields}: {answer}")


def floods(site):
    """Much is refused, and what comes after it is served."""
    token = site.account().access
    for what, fields in {
            "a field of 100 KB": [b"X-A: " + b"a" * 100_000],
            "a name of 100 KB": [b"X" * 100_000 + b": a"],
            "a token of 100 KB": [b"Authorization: Bearer " + b"a" * 100_000],
            "5,000 fields": [b"X-%d: a" % n for n in range(5000)],
            "5,000 of one name": [b"X-A: a"] * 5000,
            "4,000 empty fields": [b"X-A:"] * 4000,
            "100 KB of cookies": [b"Cookie: " + b"a=b; " * 20_000],
            "100 KB of addresses": [
                b"X-Forwarded-For: " + b"1.2.3.4, " * 12_000]}.items():
        data = wire.exchange(site.port, wire.request(
            "GET", "/api/auth/me", *fields))
        try:
            refused = [one.status for one in wire.replies(data)] in (
                [], [400], [431])
        except wire.Malformed:
            refused = False
        site.judge(refused, f"{what}: {data[:200]!r}")
    data = wire.exchange(site.port, wire.request(
        "GET", "/" + "a" * 100_000))
    site.judge(data[:12] in (b"HTTP/1.1 431", b"HTTP/1.1 414", b"HTTP/1.0 431"),
               f"a target of 100 KB: {data[:200]!r}")
    # As many as are let pass are read, and mean nothing.
    answer, _ = wire.reply(wire.exchange(site.port, wire.request(
        "GET", "/api/auth/me", *[b"X-%d: a" % n for n in range(1000)],
        token=token)))
    site.judge(answer.status == 200, f"1,000 fields: {answer}")


def mirrored(site):
    """What a preflight mirrors are names of fields, or nothing."""
    for value in ("x-a, x-b", "x-a\u00e9", "x-a;b", "x-a\tb", 'x-"a', "x-<a>",
                  "x-a:b", "a" * 8000, "x-a\\r\\nb", "@", "x-a/b"):
        answer, _ = wire.reply(wire.exchange(site.port, wire.request(
            "OPTIONS", "/api/auth/me", b"Origin: http://localhost:3000",
            b"Access-Control-Request-Method: GET",
            b"Access-Control-Request-Headers: " + value.encode())))
        mirror = answer.header(b"access-control-allow-headers")
        allowed = urllib.parse.quote(value, safe="!#$&'*+^`|~, ") == value
        site.judge(mirror == ([value.encode()] if allowed else []),
                   f"mirrored: {value!r} {mirror}")


def run(site):
    for attack in (inputs, targets, own_fields, hosts, settings, twice, floods,
                   mirrored):
        attack(site)
