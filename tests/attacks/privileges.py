"""Others' things, others' calls, and fields that nobody may set.

Every operation of the OpenAPI document is called by every kind of caller, on
things that are another's; and every operation that takes a body is sent each
field that any answer has, and those that attackers guess."""

import json
import re
import uuid

import document
from document import JSON, World, bearer
from target import claims_of

DEFENDS = ("v5.0.0-8.2.1", "v5.0.0-8.2.2", "v5.0.0-8.2.3", "v5.0.0-8.3.1",
           "v5.0.0-8.3.2", "v5.0.0-8.4.1", "v5.0.0-6.3.4", "v5.0.0-7.4.1",
           "v5.0.0-7.4.2", "v5.0.0-15.3.1", "v5.0.0-15.3.3", "v5.0.0-15.3.7")

# What the document does not say, since it describes no roles: the contract.
ADMINISTRATORS = {("POST", "/api/sessions/cleanup/expired")}
OPERATORS = {("GET", "/api/auth/check"), ("GET", "/api/auth/check/stream"),
             ("GET", "/metrics")}

# What belongs to an account, and how it is found.
OF_SESSION = "IN (SELECT id FROM chat_sessions WHERE user_id = ?1)"
OWN = {
    "users": "id = ?1", "logins": "user_id = ?1",
    "refresh_tokens":
        "login_id IN (SELECT id FROM logins WHERE user_id = ?1)",
    "agent_keys": "user_id = ?1", "chat_sessions": "user_id = ?1",
    "messages": "session_id " + OF_SESSION,
    "feedback_requests": "session_id " + OF_SESSION,
    "feedback_responses": "request_id IN (SELECT id FROM feedback_requests "
                          "WHERE session_id " + OF_SESSION + ")",
    "events": "session_id " + OF_SESSION, "idempotency_keys": "user_id = ?1"}


def snapshot(site, user):
    """All that the database holds of an account."""
    return {table: sorted(map(repr, site.rows(
        f"SELECT * FROM {table} WHERE {where}", user)))
            for table, where in OWN.items()}


# ----------------------------------------------------- every kind of caller

def schemes_of(operation):
    return {name for one in operation.told.get("security", [])
            for name in one}


class Callers:
    """One of each kind; the user whose things are attacked is the owner."""

    def __init__(self, site):
        self.site = site
        self.owner = World(site, "the owner's")
        self.agent_key = self.owner.key
        self.dead = self.make_dead()
        self.alive = None

    def make_dead(self):
        """Tokens that were good once: how they died, and what they get."""
        site = self.site
        out, gone, off, changed, everywhere = (
            World(site, "x") for _ in range(5))
        dead_id, dead_key = site.key(out.account)
        site.expect(site.call("DELETE", "/api/auth/keys/" + dead_id,
                              token=out.account.access), 204)
        site.expect(site.call("POST", "/api/auth/logout",
                              token=out.account.access), 204)
        site.expect(site.call("POST", "/api/auth/logout-all",
                              token=everywhere.account.access), 204)
        site.command("user", "delete", "--yes", gone.account.username)
        site.command("user", "disable", off.account.username)
        site.expect(site.call("POST", "/api/auth/password", {
            "current_password": changed.account.password,
            "new_password": "another one!"}, token=changed.account.access))
        return {
            "nobody": (None, 401), "an ended login": (out.account.access, 401),
            "a login that was ended everywhere":
                (everywhere.account.access, 401),
            "a deleted account": (gone.account.access, 401),
            "a deleted account's key": (gone.key, 401),
            "a changed password's login": (changed.account.access, 401),
            "a deleted key": (dead_key, 401),
            "a disabled user": (off.account.access, 400),
            "a disabled user's key": (off.key, 400),
            "a refresh token": (self.owner.account.refresh, 401)}

    def living(self):
        """Some operations end the login of their caller."""
        site = self.site
        if self.alive is not None and all(site.call(
                "GET", "/api/sessions", token=token).status == 200
                                          for token in self.alive.values()):
            return self.alive
        other, admin, agents, admins = (World(site, "another's")
                                        for _ in range(4))
        for world in (admin, admins):
            site.command("user", "admin", world.account.username, "on")
        self.alive = {
            "another user": other.account.access,
            "another user's key": agents.key,
            "an administrator": admin.account.access,
            "an administrator's key": admins.key}
        return self.alive


def request(site, operation, world, token):
    """The operation on that world's things, as its caller would make it, but
    with this token."""
    data, kind = (None, None)
    if JSON in operation.bodies:
        data, kind = document.encode(JSON, world.body(operation, JSON))
    headers = {} if kind is None else {"Content-Type": kind}
    if token is not None:
        headers |= bearer(token)
    values = world.values(operation)
    if operation.path.startswith("/api/auth/sessions/"):
        values = {"id": claims_of(world.account.access)["sid"]}
    elif operation.path.startswith("/api/auth/keys/"):
        values = {"id": world.key_id}
    return site.call(operation.method, operation.target(values), data,
                     headers)


def expected(operation, kind):
    """The statuses with which the contract refuses, or None where a caller of
    that kind is let through to things of its own."""
    call = (operation.method, operation.path)
    schemes = schemes_of(operation)
    if call in OPERATORS:
        return {401, 404}
    is_key = kind.endswith("key")
    if call in ADMINISTRATORS:
        return None if kind == "an administrator" else {403}
    if is_key and "agent" not in schemes:
        return {403}
    if not is_key and schemes == {"agent"}:
        return {403}
    if is_key and operation.method == "PATCH":
        # Which fields a key may set is asked before whose session it is.
        return {403, 404}
    return {404} if "{id}" in operation.path else None


def try_callers(site):
    operations = [o for o in document.operations(site).values()
                  if schemes_of(o)]
    if len(operations) < 25:
        raise ValueError(f"only {len(operations)} operations want a token")
    callers = Callers(site)
    owner = callers.owner
    owner.key_id = site.call("GET", "/api/auth/keys",
                             token=owner.account.access).json["keys"][0]["id"]
    before = snapshot(site, owner.account.id)
    for operation in operations:
        optional = {} in operation.told["security"]
        for kind, (token, status) in callers.dead.items():
            if (operation.method, operation.path) in OPERATORS:
                wanted = {401, 404}
            elif optional:
                # Logging out by the body's token is anybody's right.
                continue
            else:
                wanted = {status}
            answer = request(site, operation, owner, token)
            site.judge(answer.status in wanted,
                       f"{kind}: {operation}: {answer}")
        if optional:
            continue
        for kind, token in callers.living().items():
            wanted = expected(operation, kind)
            answer = request(site, operation, owner, token)
            secrets = (owner.account.email, owner.account.username,
                       "the owner's", owner.account.id)
            told = [one for one in secrets if one.encode() in answer.body]
            site.judge((wanted is None or answer.status in wanted)
                       and not told,
                       f"{kind}: {operation}: {told} {answer}")
        # The owner's own key opens less than the owner.
        if "agent" not in schemes_of(operation):
            answer = request(site, operation, owner, owner.key)
            site.judge(answer.status in (401, 403, 404),
                       f"the owner's key: {operation}: {answer}")
    site.judge(snapshot(site, owner.account.id) == before,
               "what is the owner's has changed")
    try_logout(site, owner)
    site.expect(site.me(owner.account.access))


def try_logout(site, owner):
    """It ends the login of the token that is shown, and no other."""
    other = World(site, "another's")
    before = snapshot(site, owner.account.id)
    sid = claims_of(owner.account.access)["sid"]
    for body in (None, {"refresh_token": other.account.refresh},
                 {"refresh_token": "x", "sid": sid},
                 {"refresh_token": sid}, {"sid": sid},
                 {"refresh_token": owner.account.access}):
        for token in (None, other.account.access, owner.key, other.key):
            answer = site.call("POST", "/api/auth/logout", body, token=token)
            site.judge(snapshot(site, owner.account.id) == before,
                       f"logout ended another's login: {body} {answer}")


# ------------------------------------------------------------- an agent's

def try_agents(site):
    """What a key may write is an agent's, what a user writes a user's."""
    world = World(site, "x")
    session = f"/api/sessions/{world.session}"
    user, key = world.account.access, world.key
    for token, method, end, body in (
            (key, "POST", "/messages", {"content": "x", "type": "user"}),
            (user, "POST", "/messages", {"content": "x", "type": "agent"}),
            (user, "POST", "/messages", {"content": "x", "type": "system"}),
            (key, "PATCH", "", {"title": "x"}),
            (key, "PATCH", "", {"status": "paused"}),
            (key, "PATCH", "", {"preferred_channel": "email"}),
            (key, "PATCH", "", {"agent_status": "idle", "title": "x"}),
            (user, "PATCH", "", {"agent_status": "thinking"}),
            (user, "PATCH", "", {"agent_status": "idle", "title": "x"}),
            (key, "DELETE", "", None),
            (key, "POST", f"/feedback/{world.feedback}/respond",
             {"content": "yes"}),
            (user, "POST", "/feedback", {"type": "input", "prompt": "x"})):
        before = snapshot(site, world.account.id)
        answer = site.call(method, session + end, body, token=token)
        site.judge(answer.status == 403
                   and snapshot(site, world.account.id) == before,
                   f"{method} {end} {body}: {answer}")


# ---------------------------------------------------------- mass assignment

STRANGE = "f0f0f0f0-f0f0-4f0f-8f0f-f0f0f0f0f0f0"
TEXT = "forged" + "0f" * 5
NUMBER = 7654321
TIME = "2001-09-09T01:46:40.765432Z"
SENTINELS = (STRANGE, TEXT, str(NUMBER), "1000000000765432", "2001-09-09T01")
GUESSED = {
    "is_admin": True, "admin": True, "isAdmin": True, "role": "admin",
    "roles": ["admin"], "is_superuser": True, "is_staff": True,
    "is_active": False, "active": False, "disabled": True, "verified": True,
    "id": STRANGE, "user_id": STRANGE, "owner_id": STRANGE, "userId": STRANGE,
    "session_id": STRANGE, "request_id": STRANGE, "responder_id": STRANGE,
    "login_id": STRANGE, "sid": STRANGE, "sub": STRANGE, "jti": STRANGE,
    "key_id": STRANGE, "agent_key_id": STRANGE, "caller": STRANGE,
    "password": TEXT, "password_hash": TEXT, "hash": TEXT, "salt": TEXT,
    "key": TEXT, "webhook_secret": TEXT, "secret": TEXT, "kid": TEXT,
    "password_version": NUMBER, "created_at": TIME, "updated_at": TIME,
    "ended_at": TIME, "revoked_at": TIME, "expires_at": TIME,
    "decided_at": TIME, "processed_at": TIME, "timestamp": TIME,
    "number": NUMBER, "status": TEXT, "is_valid": True, "valid": True,
    "limit": NUMBER, "remaining": NUMBER, "expires_in": NUMBER, "iat": NUMBER,
    "ip_address": "198.51.100.77", "user_agent": TEXT, "username_key": TEXT,
    "email_key": TEXT, "__proto__": {"is_admin": True},
    "constructor": {"prototype": {"is_admin": True}}, "$set": {
        "is_admin": True}, "user": {"is_admin": True, "id": STRANGE},
    "user[is_admin]": True, "user.is_admin": True, "is_admin[]": [True],
    "metadata": {"ip_address": "198.51.100.77", "valid": True,
                 "processed_at": TIME, "priority": NUMBER},
    "IS_ADMIN": True, "is_admin ": True, "\u0131s_admin": True}


def hostile(schema):
    """A value of a property's type that is found again wherever it goes."""
    kinds = schema.get("type")
    kinds = kinds if isinstance(kinds, list) else [kinds]
    if schema.get("format") == "uuid":
        return STRANGE
    if schema.get("format") == "date-time":
        return TIME
    if "string" in kinds:
        return TEXT
    if "integer" in kinds or "number" in kinds:
        return NUMBER
    if "boolean" in kinds:
        return True
    return [TEXT] if "array" in kinds else {"id": STRANGE, "x": TEXT}


def assignable(operations):
    """Every name that any schema has, and those that are guessed."""
    schemas = next(iter(operations.values())).document["components"]["schemas"]
    names = dict(GUESSED)
    for schema in schemas.values():
        for name, told in schema.get("properties", {}).items():
            names.setdefault(name, hostile(told))
    return names


def traces(site):
    """Where in the database something stands that nobody may set."""
    found = []
    for (table,) in site.rows("SELECT name FROM sqlite_schema "
                              "WHERE type = 'table'"):
        for row in site.rows(f"SELECT * FROM {table}"):
            text = json.dumps([str(value) for value in row])
            found += [f"{table}: {text}" for sentinel in SENTINELS
                      if sentinel in text]
    found += [f"{name}: administrator or disabled" for (name,) in site.rows(
        "SELECT username FROM users WHERE is_admin = 1 OR is_active = 0")]
    return found


def assign(site, operation, media, extra, query=()):
    """One call by whoever may make it, with more than belongs into it."""
    world = World(site, "ours")
    body = world.body(operation, media)
    if operation.name == "update_session":
        del body["status"]      # a question waits for its answer
    declared = set(operation.fields(media))
    body |= {name: value for name, value in extra.items()
             if name not in declared}
    if media != JSON:
        body = {name: value if isinstance(value, str) else json.dumps(value)
                for name, value in body.items()}
    data, kind = document.encode(media, body)
    answer = site.call(operation.method,
                       operation.target(world.values(operation), query),
                       data, {**world.headers(operation),
                              "Content-Type": kind, "X-User-Id": STRANGE})
    told = [one for one in SENTINELS if one.encode() in answer.body]
    what = f"{operation} {media} {list(extra)[:3]}: {answer}"
    if answer.status >= 300:
        # Refusing is right, too; but then it must be for what is in excess.
        site.judge(answer.status == 422 and "extra" in str(answer.json)
                   or query, "the call failed: " + what)
        return
    site.judge(not told, f"{told} came back: {what}")
    written = [one for one in SENTINELS
               if one in str(snapshot(site, world.account.id))]
    site.judge(not written, f"{written[:2]} by {what}")
    check_owner(site, operation, world, answer)


def check_owner(site, operation, world, answer):
    """What was made is the caller's own, and as new as it is."""
    made = answer.json if isinstance(answer.json, dict) else {}
    mine = {"user_id": world.account.id, "responder_id": world.account.id,
            "session_id": world.session, "request_id": world.feedback}
    wrong = [name for name, own in mine.items()
             if name in made and made[name] != own]
    if operation.path.endswith("/me"):
        wrong += [name for name in ("id",) if made[name] != world.account.id]
    if "created_at" in made:
        wrong += ["created_at"] * (not re.match("20[2-9]", made["created_at"]))
    site.judge(not wrong, f"{operation}: {wrong} are the caller's choice")


def try_assignment(site):
    operations = document.operations(site)
    names = assignable(operations)
    taken = [(operation, media) for operation in operations.values()
             for media in operation.bodies
             if operation.path != "/api/auth/me"
             or operation.method == "PATCH"]
    if len(taken) < 14:
        raise ValueError(f"only {len(taken)} operations take a body")
    for operation, media in taken:
        assign(site, operation, media, names)
        each = list(names.items())
        if site.short:
            each = site.random.sample(each, 2)
        elif media != JSON:
            each = site.random.sample(each, 20)
        for name, value in each:
            assign(site, operation, media, {name: value})
        written = traces(site)
        site.judge(not written, f"{operation}: {written[:2]}")
    pairs = [(name, "true" if value is True else str(value))
             for name, value in names.items()]
    for operation, media in taken:
        declared = set(operation.fields(media)) | set(
            operation.places("query"))
        assign(site, operation, media, {},
               [pair for pair in pairs if pair[0] not in declared])


def try_ids(site):
    """Ids of one's own and of another's together, in any order and place."""
    mine, theirs = World(site, "mine"), World(site, "theirs")
    before = snapshot(site, theirs.account.id)
    token = mine.account.access
    session, other = mine.session, theirs.session
    for path in (f"/api/sessions/{session}?id={other}",
                 f"/api/sessions/{session}/messages?session_id={other}",
                 f"/api/sessions/{session}/messages?id={other}",
                 f"/api/sessions?user_id={theirs.account.id}",
                 f"/api/auth/me?id={theirs.account.id}",
                 f"/api/auth/sessions?user_id={theirs.account.id}",
                 f"/api/auth/keys?user_id={theirs.account.id}",
                 f"/api/limits?user_id={theirs.account.id}",
                 f"/api/sessions/{session}/feedback/{theirs.feedback}",
                 f"/api/sessions/{other}/feedback/{mine.feedback}",
                 f"/api/sessions/{session}/../{other}",
                 f"/api/sessions/{session}/{other}",
                 f"/api/sessions/{session},{other}",
                 f"/api/sessions/{session};{other}",
                 f"/api/sessions/{session}%00{other}",
                 f"/api/sessions/{session}%2f..%2f{other}",
                 f"/api/sessions/{other}%23", f"/api/sessions/{other}%20",
                 f"/api/sessions/{other.upper()}",
                 f"/api/sessions/%7b{other}%7d", f"/api/sessions/{other}.json",
                 f"/api/sessions/{other[:-1]}%", "/api/sessions/*",
                 "/api/sessions/%25", "/api/sessions/_" + other[1:]):
        for headers in ({}, {"X-User-Id": theirs.account.id},
                        {"X-Original-URL": f"/api/sessions/{other}"},
                        {"X-Rewrite-URL": f"/api/sessions/{other}"},
                        {"X-HTTP-Method-Override": "DELETE"}):
            for method in ("GET", "HEAD", "DELETE", "PATCH"):
                if method != "GET" and other not in path.split("?")[0]:
                    continue
                answer = site.call(method, path, None, headers, token=token)
                told = [one for one in (
                    theirs.account.email, theirs.account.username, "theirs",
                    theirs.message, theirs.account.id)
                        if one.encode() in answer.body
                        and one not in path]
                site.judge(not told, f"{method} {path} {headers}: {answer}")
    for method, path in (("POST", f"/api/sessions/{session}/messages"),
                         ("DELETE", f"/api/sessions/{session}")):
        answer = site.call(method, f"{path}?id={other}&session_id={other}", {
            "content": "x", "id": other, "session_id": other}, token=token)
        site.expect(answer, 201, 204)
    site.judge(snapshot(site, theirs.account.id) == before,
               "what is another's has changed")


def try_secrets(site):
    """No answer has a field, or a value, that is nobody's to see."""
    world = World(site, str(uuid.uuid4()))
    hashes = [value for (value,) in site.rows("SELECT password FROM users")]
    hashes += [value for (value,) in site.rows("SELECT hash FROM agent_keys")]
    for operation in document.operations(site).values():
        if operation.method != "GET" or not schemes_of(operation):
            continue
        answer = request(site, operation, world, world.account.access)
        text = answer.body.decode()
        told = [one for one in (*hashes, world.key, world.account.refresh,
                                world.account.access, '"password',
                                '"hash"', "is_admin", "_key\"",
                                "password_version") if one in text]
        site.judge(not told, f"{operation} tells {told}: {answer}")


def run(site):
    try_callers(site)
    try_agents(site)
    try_ids(site)
    try_secrets(site)
    # Those before have made administrators; nobody else may become one.
    for (name,) in site.rows("SELECT username FROM users WHERE is_admin = 1"):
        site.command("user", "admin", name, "off")
    for (name,) in site.rows("SELECT username FROM users WHERE is_active = 0"):
        site.command("user", "enable", name)
    try_assignment(site)
