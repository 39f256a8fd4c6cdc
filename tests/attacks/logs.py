"""Log injection: a line is one event, and holds no secret.

Ends of lines, escapes of terminals and changes of direction are sent in all
that the log repeats, in both of its formats: each line stays one, is as the log
has it, and holds nothing that a terminal obeys.  Then every flow runs with
secrets that can be told apart, at LOG_LEVEL=debug, and with lighttpd's access
log: none of them is in a line, nor half of one."""

import base64
import contextlib
import json
import os
import re
import subprocess
import time
import urllib.parse

import document
import target
from programs import free_port
import wire

DEFENDS = ("v5.0.0-16.4.1", "v5.0.0-1.1.2", "v5.0.0-16.2.1", "v5.0.0-16.2.2",
           "v5.0.0-16.2.4", "v5.0.0-16.2.5", "v5.0.0-14.2.1",
           "v5.0.0-16.5.1", "v5.0.0-13.4.2")

FORGED = "2026-01-01T00:00:00.000000Z error auth -: FORGED"
ENDS = ("\r\n", "\n", "\r", "\x0b", "\x0c", "\x85", "\u2028", "\u2029", "\x00",
        "\x1b[2K\r", "\x1b]0;FORGED\x07", "\x9b2J", "\x1b[31m", "\x08" * 40,
        "\u202e", "\u2066", "\u200f", "\u061c", "\ufeff", "\u200b", "\x7f",
        '"}\n{"', '","level":"error","x":"', "\\n", "\\u000a", "%0a", "%0d%0a",
        "\udcff", "\udcc0\udc8a", "%s%n%p", "\x1b\\", "\x90", "\u2060")
# What no line may hold: whatever is not text to see.
UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-"
                    "\u202e\u2060-\u206f\ufeff\udc80-\udcff]")
LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z "
                  r"(debug|info|warning|error) "
                  r"(auth|chat|events|meta|switchboard) [A-Za-z0-9._-]{1,64}: "
                  r"\S.*")
# lighttpd's own, which has the time in front.
SERVER = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d: \([\w.-]+\.\d+\) .*")


def escaped(text):
    """As a target can hold it."""
    return urllib.parse.quote(text, errors="surrogateescape", safe="%")


def some(site, of):
    """All of it, or in the short form ten."""
    return site.random.sample(of, 10) if site.short else of


def send(site, data):
    """What is no request at all may never be answered."""
    wire.exchange(site.port, data, 0.5)


def flood(site, token):
    """Everything that a line repeats, with everything that could break it."""
    for end in some(site, ENDS):
        text = end + FORGED
        raw = text.encode(errors="surrogateescape")
        for target in ("/" + escaped(text), "/api/auth/me/" + escaped(text),
                       "/api/sessions/" + escaped(text),
                       "/health?" + escaped(text)):
            send(site, wire.request("GET", target, token=token))
        for field in (b"User-Agent", b"X-Request-ID", b"X-Forwarded-For",
                      b"Referer", b"Origin", b"Authorization", b"Host",
                      b"Idempotency-Key"):
            send(site, wire.request("GET", "/api/auth/me",
                                    field + b": a" + raw))
        send(site, b"G" + raw + wire.request("GET", "/x")[3:])
        send(site, wire.request("GET", "/").replace(b" / ", b" /" + raw +
                                                    b" "))
        for name in ("username", "password", "email"):
            site.call("POST", "/api/auth/register", json.dumps(
                {"username": "a", name: text}).encode(errors="surrogatepass"),
                {"Content-Type": "application/json"})
        site.guess(text.encode(errors="surrogateescape"), "password")


def by_cgi(site, formats):
    """To a program itself, which gets what no server lets pass."""
    said = ""
    for end in some(site, ENDS):
        if "\0" in end:
            continue
        text = (end + FORGED).encode(errors="surrogateescape")
        for name in ("REQUEST_METHOD", "REQUEST_URI", "HTTP_X_REQUEST_ID",
                     "REMOTE_ADDR", "PATH_INFO", "HTTP_USER_AGENT",
                     "CONTENT_TYPE", "CONTENT_LENGTH", "SCRIPT_NAME",
                     "DOCUMENT_ROOT", "HTTP_AUTHORIZATION"):
            said += site.cgi("auth", {name: os.fsdecode(text),
                                      "LOG_FORMAT": formats}).log
    return said


def lines_of(text):
    """Without what is left of one that is being written."""
    return text[:text.rfind("\n") + 1].split("\n")[:-1]


def judge_lines(site, what, lines, of_json):
    """Each is one of ours or the server's, and holds nothing unseen."""
    for line in lines:
        site.judge(is_line(line, of_json) and not UNSEEN.search(line) and
                   not line.startswith(FORGED[:10]), f"{what}: {line!r}")
    site.note(f"{what}: {len(lines)} lines, each of them one")


def is_line(line, of_json):
    if SERVER.fullmatch(line):
        return True
    if not of_json:
        return LINE.fullmatch(line) is not None
    try:
        told = json.loads(line)
    except ValueError:
        return False
    return isinstance(told, dict) and list(told) in (
        ["time", "level", "program", "message"],
        ["time", "level", "program", "request_id", "message"]) and all(
            isinstance(value, str) for value in told.values())


def injected(site, formats):
    """In one of the log's formats."""
    with site.settings(LOG_FORMAT=formats, LOG_LEVEL="debug"):
        before = len(site.log())
        flood(site, site.account().access)
        marker = f"log-ends-{formats}"
        wait_for(site, marker)
        lines = lines_of(site.log()[before:])
    site.judge(any(marker in line for line in lines),
               f"{formats}: what was asked is not in the log")
    judge_lines(site, formats, lines, formats == "json")
    judge_lines(site, formats + " of CGI",
                lines_of(by_cgi(site, formats)), formats == "json")


def wait_for(site, rid):
    """Until the log has the line of a request that is sent last."""
    site.call("GET", "/nowhere", headers={"X-Request-ID": rid})
    end = time.monotonic() + 60
    while rid not in site.log() and time.monotonic() < end:
        time.sleep(0.05)


# -------------------------------------------------------------------- secrets


class Secrets:
    """Texts that can't come by chance, and what they become."""

    def __init__(self, site):
        self.site = site
        self.known = []

    def new(self, what):
        text = f"Secret-{what}-{self.site.random.randrange(16**16):016x}"
        self.add(text)
        return text

    def add(self, text):
        """All of it that would be of use: a token's signature is, too."""
        self.known += [text, text.rpartition(".")[2]]

    def pair(self, answer):
        self.add(answer.json["access_token"])
        self.add(answer.json["refresh_token"])
        return answer.json["access_token"], answer.json["refresh_token"]


def flows(site, secrets, careful=False):
    """All that there is to do with a secret, right and, unless somebody is
    careful, in a target, where it doesn't belong."""
    password, wrong = secrets.new("password"), secrets.new("wrong-password")
    call = site.call
    body = {"email": "logs@example.com", "username": "logs",
            "password": password}
    access, refresh = secrets.pair(call("POST", "/api/auth/register", body))
    call("POST", "/api/auth/register", body)
    call("POST", "/api/auth/register", {"password": secrets.new("short")[:7]})
    call("POST", "/api/auth/register", {"pasword": secrets.new("mistyped")})
    call("POST", "/api/auth/register", json.dumps(body)[:-1].encode(),
         {"Content-Type": "application/json"})
    secrets.pair(site.guess("logs", password))
    for name in ("logs", "nobody", secrets.new("password-as-name")):
        site.guess(name, wrong)
    if not careful:
        call("POST", "/api/auth/login?" + urllib.parse.urlencode(
            {"password": secrets.new("in-query")}), b"")
        call("GET", "/api/auth/me?" + urllib.parse.urlencode(
            {"access_token": access, "refresh_token": refresh}))
    call("GET", "/api/auth/me", headers={
        "Authorization": "Basic " + base64.b64encode(
            f"logs:{secrets.new('basic')}".encode()).decode()})
    for token in (access, refresh, access[:-4] + "AAAA", "x"):
        site.me(token)
        call("GET", "/api/auth/me", headers={"Cookie": "token=" + token})
    newer = secrets.pair(site.refresh(refresh))
    site.refresh(refresh)
    site.refresh(secrets.new("refresh"))
    keys(site, secrets, newer[0])
    call("PATCH", "/api/auth/me", {"username": "logs2", "current_password":
                                   wrong}, token=newer[0])
    new = secrets.new("new-password")
    secrets.pair(call("POST", "/api/auth/password", {
        "current_password": password, "new_password": new}, token=newer[0]))
    last = secrets.pair(site.guess("logs", new))
    call("POST", "/api/auth/logout", {"refresh_token": last[1]})
    last = secrets.pair(site.guess("logs", new))
    call("DELETE", "/api/auth/me", {"current_password": new}, token=last[0])
    call("GET", "/metrics", token=secrets.new("metrics"))


def keys(site, secrets, access):
    """An agent's key, its webhook and its secret, in a session."""
    call = site.call
    made = call("POST", "/api/auth/keys", {
        "name": "logs", "webhook_url": "https://localhost:1/" +
        secrets.new("webhook-path") + "?" + secrets.new("webhook-query")},
        token=access).json
    secrets.add(made["key"])
    secrets.add(made["webhook_secret"])
    session = call("POST", "/api/sessions", {}, token=access).json["id"]
    inside = f"/api/sessions/{session}"
    call("POST", inside + "/messages", {
        "content": secrets.new("message")}, token=access)
    asked = call("POST", inside + "/feedback", {
        "type": "input", "prompt": secrets.new("prompt")},
        token=made["key"]).json["id"]
    call("POST", f"{inside}/feedback/{asked}/respond", {
        "content": secrets.new("answer")}, token=access)
    call("GET", inside + "/events", token=made["key"])
    call("GET", "/api/auth/me", token=made["key"])
    call("DELETE", "/api/auth/keys/" + made["id"], token=access)


def files(site, secrets):
    """What the installation keeps to itself."""
    with open(os.path.join(site.data, "signing-keys.json"),
              encoding="utf-8") as file:
        for key in json.load(file)["keys"]:
            secrets.add(key["k"])
    site.account()
    secrets.add(site.rows("SELECT password FROM users LIMIT 1")[0][0])


def kept(site, what, log, secrets):
    """No line has one in it, plain or in a usual code."""
    for secret in secrets.known:
        forms = {secret, urllib.parse.quote(secret, safe=""),
                 base64.b64encode(secret.encode()).decode().rstrip("="),
                 secret.encode().hex(), json.dumps(secret)[1:-1]}
        site.judge(len(secret) < 8 or not any(form in log for form in forms),
                   f"{what}: {secret} is in the log: " + "; ".join(
                       line for line in log.split("\n") if secret in line)[
                           :300])


def silent(site):
    """Everything that is done, at each level, in each format."""
    for level, formats in (("debug", "text"), ("debug", "json"),
                           ("info", "text")):
        secrets = Secrets(site)
        secret_key, metrics = secrets.new("key-of-all"), secrets.new("metrics")
        with site.settings(LOG_LEVEL=level, LOG_FORMAT=formats,
                           METRICS_TOKEN=metrics):
            site.call("GET", "/metrics", token=metrics)
            before = len(site.log())
            flows(site, secrets)
            files(site, secrets)
            wait_for(site, f"secrets-end-{level}-{formats}")
            kept(site, f"{level}, {formats}", site.log()[before:], secrets)
        if level == "debug":
            said = site.cgi("auth", {"SECRET_KEY": secret_key[:20],
                                     "ENVIRONMENT": "production",
                                     "LOG_FORMAT": formats})
            kept(site, "a setting that is refused", said.log, secrets)


@contextlib.contextmanager
def access_log(site):
    """A lighttpd that writes an access log, as it does unless it is told
    otherwise, before the programs of the site; for as long it is the site.
    Yields that log's path."""
    with open(os.path.join(target.SOURCE, "deploy/lighttpd/lighttpd.conf"),
              encoding="utf-8") as file:
        told = re.sub(r'^\$HTTP\["url"\] == "never" \{.*?^\}$', "", file.read(),
                      flags=re.MULTILINE | re.DOTALL)
    path = os.path.join(site.run, "access.log")
    with open(os.path.join(site.home, "access.conf"), "w",
              encoding="utf-8") as file:
        file.write(f'{told}\nserver.modules += ( "mod_accesslog" )\n'
                   f'accesslog.filename = "{path}"\n')
    before, site.port = site.port, free_port(site.random)
    with subprocess.Popen(
            ["lighttpd", "-D", "-f", file.name], cwd=site.run,
            stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **site.user,
            env=site.environment() | {"HOST": "127.0.0.1",
                                      "PORT": str(site.port)}) as server:
        site.hang_up()
        try:
            await_server(site)
            yield path
        finally:
            server.terminate()
            site.hang_up()
            site.port = before


def await_server(site):
    end = time.monotonic() + 60
    while time.monotonic() < end:
        with contextlib.suppress(ConnectionRefusedError):
            if site.call("GET", "/health").status == 200:
                return
        time.sleep(0.05)
    raise target.Failed("no lighttpd with an access log")


# Combined: who, when, the first line, status, size, Referer, User-Agent.
ACCESS = re.compile(r'\S+ .* - \[[^\]]+\] ".*" \d{3} \d+ ".*" ".*"')


def accessed(site):
    """What is in an access log: lines that are one, without a secret, as the
    API takes none in a target."""
    for one in document.operations(site).values():
        for place in ("path", "query"):
            for name in one.places(place):
                site.judge(not re.search("password|token|key|secret", name),
                           f"{one} takes {name} in its {place}")
    secrets = Secrets(site)
    with access_log(site) as path:
        flows(site, secrets, careful=True)
        flood(site, site.account().access)
        site.call("GET", "/access-log-ends")
    with open(path, encoding="utf-8", errors="surrogateescape",
              newline="\n") as file:
        log = file.read()
    kept(site, "access log", log, secrets)
    lines = lines_of(log)
    site.judge("/access-log-ends" in log, "there is no access log")
    for line in lines:
        site.judge(ACCESS.fullmatch(line) and not UNSEEN.search(line),
                   f"access log: {line!r}")


def run(site):
    for formats in ("text", "json"):
        injected(site, formats)
    silent(site)
    accessed(site)
