"""What all calls have in common: a call is done in steps, each at one moment,
between which others may do theirs.  Section 5 of the contract says which: who
is calling, the first limits, the second, and then the work, as one transaction.
A step takes a world, and what the steps before it have found out; it returns
both anew, or, last, what is to be answered."""

import re
from typing import NamedTuple

from fields import Checker, entry
from values import (ANY_UUID, SECOND, Name, Seconds, Shape, claims_of)
from world import REPEAT_LIFETIME, Repeat, World

ORIGIN = "http://localhost:5173"
REQUEST_ID = re.compile("[A-Za-z0-9._-]{1,64}").fullmatch
EXPOSED = ("Idempotency-Replayed, RateLimit, RateLimit-Policy, Retry-After, "
           "X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, "
           "X-RateLimit-Warning, X-RateLimit-Window, X-Request-ID")


class State(NamedTuple):
    """Of a limit, at one moment."""

    name: str
    limit: int
    remaining: int
    reset_at: int
    window: int                 # seconds
    counted: int


class Memo(NamedTuple):
    """What the steps of a call have found out so far."""

    user: object = None         # the caller's User, as it was then
    login: Name = None
    key: Name = None
    forbidden: bool = False
    limit: State = None         # the strictest
    session: Name = None
    channel: str = None
    request: Name = None
    more: object = None

    @property
    def caller(self):
        return self.key or self.user.id


class Expect(NamedTuple):
    """What is to be answered, and what there is from then on."""

    world: World
    status: int
    body: object = None
    fields: dict = {}
    limit: State = None


def refuse(world, memo, status, detail, fields=None, **more):
    return Expect(world, status, {"detail": detail, **more}, fields or {},
                  memo.limit)


def unauthenticated(world, memo):
    return refuse(world, memo, 401, "Not authenticated",
                  {"WWW-Authenticate": "Bearer"})


def bad_token(world, memo):
    return refuse(world, memo, 401, "Could not validate credentials",
                  {"WWW-Authenticate": 'Bearer error="invalid_token"'})


def forbidden(world, memo):
    return refuse(world, memo, 403, "Not enough permissions")


def not_found(world, memo):
    return refuse(world, memo, 404, "Not Found")


def answer(world, memo, status, body=None):
    return Expect(world, status, body, {}, memo.limit)


# -------------------------------------------------------------------- limits


def counted(calling, world, name, key):
    window = calling.settings.window_of(name)
    return tuple(t for t in world.counts.get(key, ())
                 if calling.now - window < t <= calling.now)


def state_of(calling, world, name, key):
    limit = getattr(calling.settings, name)
    window = calling.settings.window_of(name)
    times = counted(calling, world, name, key)
    reset = calling.now
    if times:
        reset = times[max(0, len(times) - limit)] + window
    return State(name, limit, max(0, limit - len(times)), reset,
                 window // SECOND, len(times))


def add_count(calling, world, name, key):
    times = counted(calling, world, name, key) + (calling.now,)
    return world._replace(counts={**world.counts, key: times})


def stricter(one, other):
    """The first of them, unless the second is stricter."""
    if one is None or (other.remaining, -other.reset_at) < \
            (one.remaining, -one.reset_at):
        return other
    return one


def limited(calling, world, state):
    """A refusal by this limit."""
    seconds = max(1, -(-(state.reset_at - calling.now) // SECOND))
    return Expect(world, 429, {
        "detail": f"{state.name.title()} rate limit exceeded. Try again in "
                  f"{seconds} seconds.", "limit": state.limit, "remaining": 0,
        "retry_after": seconds, "reset_at": Seconds(state.reset_at)},
        {"Retry-After": str(seconds)}, state)


def spend(calling, world, memo, keys):
    """Counts for all of these, or for none: the refusal is by the one that is
    full for longest."""
    full = None
    for name, key in keys:
        state = state_of(calling, world, name, key)
        if state.remaining == 0 and (full is None or
                                     state.reset_at > full.reset_at):
            full = state
    if full is not None:
        return limited(calling, world, full)
    limit = memo.limit
    for name, key in keys:
        world = add_count(calling, world, name, key)
        limit = stricter(limit, state_of(calling, world, name, key))
    return world, memo._replace(limit=limit)


def limit_fields(calling, state):
    reset = -(-state.reset_at // SECOND)
    after = max(0, -(-(state.reset_at - calling.now) // SECOND))
    fields = {
        "X-RateLimit-Limit": str(state.limit),
        "X-RateLimit-Remaining": str(state.remaining),
        "X-RateLimit-Reset": str(reset),
        "X-RateLimit-Window": str(state.window),
        "RateLimit-Policy": f'"{state.name}";q={state.limit};w={state.window}',
        "RateLimit": f'"{state.name}";r={state.remaining};t={after}'}
    if state.remaining * 5 < state.limit:
        fields["X-RateLimit-Warning"] = "approaching"
    return fields


# --------------------------------------------------------------- who is calling


def bearer(calling):
    """The token of the header field; None: there is none of our scheme."""
    field = calling.call.fields.get("authorization", "")
    scheme, space, rest = field.partition(" ")
    if scheme.lower() != "bearer":
        return None
    words = rest.split()
    return words[0] if len(words) == 1 else ""


def key_of(world, token):
    for key in world.keys.values():
        if world.known.get(key.secret) == token:
            return key
    return None


def login_of(world, claims):
    """The login of these claims that was not revoked, or None."""
    login = world.find("logins", claims["sid"])
    if login is None or login.revoked or \
            world.known.get(login.user) != claims["sub"]:
        return None
    return login


def claims_as(token, kind):
    claims = claims_of(token)
    return claims if claims is not None and claims["type"] == kind else None


def identify(calling, world):
    """A memo with the caller, or a refusal."""
    token, memo = bearer(calling), Memo()
    if token is None:
        return unauthenticated(world, memo)
    if token.startswith("sbk_"):
        key = key_of(world, token)
        if key is None:
            return bad_token(world, memo)
        memo = Memo(world.users[key.user], None, key.id)
    else:
        claims = claims_as(token, "access")
        if claims is None or claims["exp"] <= calling.now // SECOND:
            return bad_token(world, memo)
        login = login_of(world, claims)
        if login is None:
            return bad_token(world, memo)
        memo = Memo(world.users[login.user], login.id)
    if not memo.user.active:
        return refuse(world, Memo(), 400, "Inactive user")
    return memo


def admit(calling, world, memo):
    """The first step: whether the caller may make this call."""
    access = calling.route.access
    if access == "public":
        return world, memo
    if access == "leaver":
        return admit_leaver(calling, world, memo)
    found = identify(calling, world)
    if isinstance(found, Expect):
        return found
    # No user of the model's is an administrator.
    wrong = found.key is not None if access == "user" else \
        found.key is None if access == "agent" else access == "admin"
    return world, found._replace(forbidden=wrong)


def admit_leaver(calling, world, memo):
    """Who logs out may be logged out already."""
    token = bearer(calling)
    if token is not None and token.startswith("sbk_") and \
            (key := key_of(world, token)) is not None:
        return world, Memo(world.users[key.user], None, key.id, True)
    claims = claims_as(token, "access") if token else None
    if claims is not None:
        login = login_of(world, claims) \
            if claims["exp"] > calling.now // SECOND else None
        ended = world.find("logins", claims["sid"])
        return world, memo._replace(
            user=None if login is None else world.users[login.user],
            login=None if ended is None else ended.id)
    if calling.call.data:
        return world, memo
    return unauthenticated(world, memo) if token is None else \
        bad_token(world, memo)


def count(calling, world, memo):
    """The second: the limit of the address or the user; then the input is
    looked at, whose flaws depend on nothing."""
    limits, settings = calling.route.limits, calling.settings
    keys = []
    if "address" in limits and settings.address:
        keys = [("address", ("address", calling.counted_address))]
    elif "user" in limits and settings.user and memo.user is not None:
        keys = [("user", ("user", memo.caller))]
    done = spend(calling, world, memo, keys)
    if isinstance(done, Expect):
        return done
    world, memo = done
    if memo.forbidden:
        return forbidden(world, memo)
    if calling.input.errors == "too large":
        return refuse(world, memo, 413, "Request body too large")
    if calling.input.errors:
        return refuse(world, memo, 422, calling.input.errors)
    return done


# ------------------------------------------------------------ wrong after all


def invalid(calling, world, memo, *flaws):
    """Fields are refused for what there is: their names, and how to say it."""
    checker = Checker(calling.route.fields)
    for name, how, more in flaws:
        field = next(f for f in calling.route.fields if f.name == name)
        getattr(checker, how)(field, calling.raw(field), **more)
    return refuse(world, memo, 422, checker.errors)


def invalid_whole(calling, world, memo, body):
    checker = Checker(calling.route.fields)
    return refuse(world, memo, 422, [entry(
        "value_error", ["body"], Shape("Value error, .+"), checker.came(body),
        {"reason": Shape(".+")})])


# ---------------------------------------------------------------- idempotency


def once(work):
    """Work that is done once for an Idempotency-Key."""
    def step(calling, world, memo):
        key = calling.input.values.get("idempotency-key")
        if key is None:
            return work(calling, world, memo)
        if memo.user.id not in world.users:
            return bad_token(world, memo)
        place = (memo.user.id, memo.caller, calling.call.method,
                 calling.call.path.rstrip("/"), key)
        before = world.repeats.get(place)
        if before is not None and \
                before.created > calling.now - REPEAT_LIFETIME:
            if before.data != calling.call.data:
                return refuse(world, memo, 422, "Idempotency-Key was used with"
                              " a different request")
            return Expect(world, before.status, before.body,
                          {"Idempotency-Replayed": "true"}, memo.limit)
        done = work(calling, world, memo)
        if done.status >= 300:
            return done
        kept = Repeat(calling.call.data, done.status, done.body, calling.now)
        return done._replace(world=done.world._replace(
            repeats={**done.world.repeats, place: kept}))
    return step


# --------------------------------------------------------- fields of an answer


def header_of(calling, expect):
    """All fields of the header, as patterns."""
    call, fields = calling.call, dict(expect.fields)
    if expect.limit is not None:
        fields.update(limit_fields(calling, expect.limit))
    given_id = call.fields.get("x_request_id", "")
    fields["X-Request-ID"] = given_id if REQUEST_ID(given_id) else ANY_UUID
    fields["X-Content-Type-Options"] = "nosniff"
    fields["Vary"] = "Origin"
    if "authorization" in call.fields or (
            calling.route is not None and calling.route.secret):
        fields["Cache-Control"] = "no-store"
    if call.fields.get("origin") == ORIGIN:
        fields["Access-Control-Allow-Origin"] = ORIGIN
        fields["Access-Control-Allow-Credentials"] = "true"
        fields["Access-Control-Expose-Headers"] = EXPOSED
    if expect.body is not None:
        fields["Content-Type"] = "text/plain; charset=utf-8" \
            if isinstance(expect.body, str) else "application/json"
        fields["Content-Length"] = Shape(r"\d+")
    return fields
