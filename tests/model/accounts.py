"""Accounts, logins, keys, and how limits stand: section 4 of the contract."""

import ipaddress

from fields import email_key, username_key
from steps import (Expect, add_count, answer, bad_token, claims_as,
                   invalid_whole, limited, not_found, refuse, state_of)
from values import ANY_UUID, SECOND, Name, Secret, Seconds, Token
from world import (GRACE, REFRESH_LIFETIME, SHIELD, Key, Login, Refresh, User,
                   time_text)

ACCESS_LIFETIME = 1500          # seconds
MOST_KEYS = 100
KEY_FORM = r"sbk_[\w-]{43}"


def counted_address(text):
    """Of IPv6 its /64."""
    address = ipaddress.ip_address(text)
    if address.version == 4:
        return text
    return str(ipaddress.ip_network((text, 64), strict=False))


# ---------------------------------------------------------------- token pairs


def pair(calling, world, memo, status, login, token):
    """A new access token of the login, and a refresh token as it is."""
    now = calling.now // SECOND
    user = world.users[login.user]
    return answer(world, memo, status, {
        "access_token": Token(None, {
            "exp": now + ACCESS_LIFETIME, "iat": now, "jti": ANY_UUID,
            "sid": login.id, "sub": user.id, "type": "access",
            "username": user.username}),
        "refresh_token": Token(token.text, {
            "exp": token.expires, "iat": token.issued, "jti": token.jti,
            "sid": login.id, "sub": user.id, "type": "refresh"}),
        "token_type": "bearer", "expires_in": ACCESS_LIFETIME,
        "refresh_expires_in": token.expires - now})


def new_refresh(calling, call, number):
    """Named after the first of its chain: whoever asks for it, it is one."""
    now = calling.now // SECOND
    return Refresh(Name(call, f"refresh id {number}"),
                   Name(call, f"refresh token {number}"), now,
                   now + REFRESH_LIFETIME // SECOND)


def begin_login(calling, world, memo, status, user):
    number = calling.call.number
    token = new_refresh(calling, number, 1)
    login = Login(Name(number, "login"), user, calling.now, calling.now,
                  calling.now + REFRESH_LIFETIME, calling.address, (token,))
    return pair(calling, world.put(logins=login), memo, status, login, token)


def bad_refresh(world, memo):
    return refuse(world, memo, 401, "Invalid refresh token",
                  {"WWW-Authenticate": "Bearer"}, error="invalid_grant")


def bad_login(world, memo):
    return refuse(world, memo, 401, "Incorrect username or password",
                  {"WWW-Authenticate": "Bearer"}, error="invalid_grant")


# ------------------------------------------------------------------- register


def taken(world, memo, username, email, but=None):
    """A refusal because somebody else has one of them, or None."""
    for field, key, what in (("username_key", username, "Username"),
                             ("email_key", email, "Email")):
        if any(getattr(user, field) == key for user in world.users.values()
               if user.id != but):
            return refuse(world, memo, 400, f"{what} already registered")
    return None


def register(calling, world, memo):
    values = calling.input.values
    keys = username_key(values["username"]), email_key(values["email"])
    refusal = taken(world, memo, *keys)
    if refusal is not None:
        return refusal
    user = User(Name(calling.call.number, "user"), values["email"],
                values["username"], keys[1], keys[0], values["password"],
                calling.now)
    return begin_login(calling, world.put(users=user), memo, 201, user.id)


# ------------------------------------------------------------ wrong passwords


def guess(calling, world, memo, key, counts):
    """Looks at the account's limit, or counts a wrong password.  A refusal, or
    the world and how many there are then."""
    if not calling.settings.account:
        return world, 0
    state = state_of(calling, world, "account", key)
    if state.remaining == 0:
        return limited(calling, world, state)
    if counts:
        world = add_count(calling, world, "account", key)
    return world, state.counted + counts


def guess_step(which, when):
    """A look, or a count, of a login's key (`own') or the account's."""
    def step(calling, world, memo):
        own, account, right, used = memo.more[:4]
        counts = when == "after" and not right
        if which == "account" and used == 0 and not counts:
            return world, memo
        done = guess(calling, world, memo, own if which == "own" else account,
                     counts)
        if isinstance(done, Expect):
            if which == "own" or not counts or used > 1:
                return done
            done = world, used
        more = (own, account, right,
                done[1] if which == "own" else used) + memo.more[4:]
        return done[0], memo._replace(more=more)
    return step


GUESSES = (guess_step("own", "before"), guess_step("account", "before"),
           guess_step("own", "after"), guess_step("account", "after"))


# ---------------------------------------------------------------------- login


def shield(calling, world, user):
    """The login of a token that came along: for it alone are wrong passwords
    counted."""
    claims = claims_as(calling.input.values.get("refresh_token", ""),
                       "refresh")
    if claims is None or user is None or \
            claims["sub"] != world.known[user.id] or \
            claims["exp"] + SHIELD // SECOND < calling.now // SECOND:
        return None
    login = world.find("logins", claims["sid"])
    return None if login is None or login.revoked else login.id


def find_account(calling, world, memo):
    values = calling.input.values
    name = values["username"]
    user = world.find_user(name, username_key, email_key)
    account = ("account", user.id if user else
               (email_key if "@" in name else username_key)(name))
    login = shield(calling, world, user)
    own = account if login is None else ("login", login)
    right = user is not None and user.password == values["password"]
    return world, memo._replace(more=(own, account, right, 0, user))


def finish_login(calling, world, memo):
    _, _, right, _, user = memo.more
    if not right:
        return bad_login(world, memo)
    if not user.active:
        return refuse(world, memo, 400, "Inactive user")
    now = world.users.get(user.id)
    if now is None or now.version != user.version or not now.active:
        return bad_login(world, memo)
    return begin_login(calling, world, memo, 200, user.id)


# -------------------------------------------------------------------- refresh


def refresh(calling, world, memo):
    claims = claims_as(calling.input.values["refresh_token"], "refresh")
    now = calling.now
    if claims is None or claims["exp"] <= now // SECOND:
        return bad_refresh(world, memo)
    login = world.find("logins", claims["sid"])
    if login is None or login.revoked:
        return bad_refresh(world, memo)
    if not world.users[login.user].active:
        return refuse(world, memo, 400, "Inactive user")
    place = next((n for n, token in enumerate(login.chain)
                  if world.known[token.jti] == claims["jti"]), None)
    token = None if place is None else login.chain[place]
    if token is None or (token.used is not None and now - token.used > GRACE):
        return bad_refresh(world.put(logins=login._replace(revoked=True)),
                           memo)
    if token.used is None:
        chain = login.chain[:place] + (
            token._replace(used=now),
            new_refresh(calling, login.id.call, len(login.chain) + 1))
        login = login._replace(chain=chain, expires=now + REFRESH_LIFETIME)
    login = login._replace(used=now)
    return pair(calling, world.put(logins=login), memo, 200, login,
                login.chain[place + 1])


# ------------------------------------------------------------------------- me


def me_pattern(user):
    return {"id": user.id, "email": user.email, "username": user.username,
            "is_active": True, "created_at": time_text(user.created)}


def me(calling, world, memo):
    return answer(world, memo, 200, me_pattern(memo.user))


def find_current(calling, world, memo):
    values = calling.input.values
    if calling.call.method == "PATCH" and \
            not values.keys() & {"email", "username"}:
        return invalid_whole(calling, world, memo, calling.body())
    user = world.users.get(memo.user.id)
    if user is None:
        return bad_token(world, memo)
    return world, memo._replace(more=(
        ("login", memo.login), ("account", user.id),
        user.password == values["current_password"], 0, user))


def as_owner(work):
    """Changes an account, if the password was right and nothing has changed
    since."""
    def step(calling, world, memo):
        right, before = memo.more[2], memo.more[4]
        if not right:
            return refuse(world, memo, 400, "Incorrect password")
        user = world.users.get(before.id)
        login = world.logins.get(memo.login)
        if user is None or user.version != before.version or \
                not user.active or login is None or login.revoked:
            return bad_token(world, memo)
        return work(calling, world, memo, user)
    return step


@as_owner
def change_me(calling, world, memo, user):
    values = calling.input.values
    if "username" in values:
        user = user._replace(username=values["username"],
                             username_key=username_key(values["username"]))
    if "email" in values:
        user = user._replace(email=values["email"],
                             email_key=email_key(values["email"]))
    refusal = taken(world, memo, user.username_key, user.email_key, user.id)
    if refusal is not None:
        return refusal
    return answer(world.put(users=user), memo, 200, me_pattern(user))


@as_owner
def delete_me(calling, world, memo, user):
    return answer(world.without_user(user.id), memo, 204)


@as_owner
def change_password(calling, world, memo, user):
    user = user._replace(password=calling.input.values["new_password"],
                         version=user.version + 1)
    world = revoke(world.put(users=user), lambda login: login.user == user.id)
    return begin_login(calling, world, memo, 200, user.id)


# -------------------------------------------------------------------- logouts


def revoke(world, which):
    return world._replace(logins={
        name: login._replace(revoked=True) if which(login) else login
        for name, login in world.logins.items()})


def logout(calling, world, memo):
    login = memo.login
    if "refresh_token" in calling.input.values:
        claims = claims_as(calling.input.values["refresh_token"], "refresh")
        found = world.find("logins", claims["sid"]) if claims else None
        login = None if found is None else found.id
    return answer(revoke(world, lambda one: one.id == login), memo, 204)


def logout_all(calling, world, memo):
    return answer(revoke(world, lambda login: login.user == memo.user.id),
                  memo, 204)


def list_logins(calling, world, memo):
    alive = [login for login in world.logins.values()
             if login.user == memo.user.id and not login.revoked and
             login.expires > calling.now]
    alive.sort(key=lambda login: (login.id != memo.login, -login.used,
                                  world.id_of(login)))
    return answer(world, memo, 200, {"sessions": [
        {"id": login.id, "created_at": time_text(login.created),
         "last_used_at": time_text(login.used),
         "expires_at": time_text(login.expires),
         "user_agent": calling.agent, "ip_address": login.address,
         "current": login.id == memo.login} for login in alive],
        "total": len(alive)})


def end_login(calling, world, memo):
    login = world.find("logins", calling.ids["id"])
    if login is None or login.user != memo.user.id:
        return not_found(world, memo)
    return answer(revoke(world, lambda one: one.id == login.id), memo, 204)


# ----------------------------------------------------------------------- keys


def make_key(calling, world, memo):
    login = world.logins.get(memo.login)
    if login is None or login.revoked or memo.user.id not in world.users:
        return bad_token(world, memo)
    name, number = calling.input.values["name"], calling.call.number
    key = Key(Name(number, "key"), Name(number, "secret"), memo.user.id, name,
              calling.now)
    return answer(world.put(keys=key), memo, 201, {
        "id": key.id, "name": name, "scopes": ["agent"],
        "key": Secret(key.secret, KEY_FORM),
        "created_at": time_text(calling.now)})


def list_keys(calling, world, memo):
    keys = [key for key in world.keys.values() if key.user == memo.user.id]
    keys.sort(key=lambda key: (key.created, world.id_of(key)), reverse=True)
    return answer(world, memo, 200, {"keys": [
        {"id": key.id, "name": key.name, "scopes": ["agent"],
         "webhook_url": None, "created_at": time_text(key.created)}
        for key in keys], "total": len(keys)})


def delete_key(calling, world, memo):
    key = world.find("keys", calling.ids["id"])
    if key is None or key.user != memo.user.id:
        return not_found(world, memo)
    return answer(world._replace(keys={
        name: one for name, one in world.keys.items() if name != key.id}),
        memo, 204)


# --------------------------------------------------------------------- limits


def state_pattern(state):
    return {"limit": state.limit, "remaining": state.remaining,
            "reset_at": Seconds(state.reset_at),
            "window_seconds": state.window}


def look_at(name, *what):
    """A step of the look at all limits: each is at a moment of its own."""
    def step(calling, world, memo):
        seen = None
        if getattr(calling.settings, name):
            seen = state_pattern(state_of(calling, world, name,
                                          (name, memo.caller) + what))
        return world, memo._replace(more=(memo.more or ()) + (seen,))
    return step


LOOKS = (look_at("user"), look_at("channel", "websocket"),
         look_at("channel", "email"), look_at("channel", "slack"))


def limits(calling, world, memo):
    user, websocket, email, slack = memo.more
    sessions = {}
    for key in world.counts:
        if key[:2] == ("session", memo.caller):
            state = state_of(calling, world, "session", key)
            if state.counted:
                sessions[world.known[key[2]]] = state_pattern(state)
    return answer(world, memo, 200, {
        "user": user, "channels": {"websocket": websocket, "email": email,
                                   "slack": slack},
        "sessions": dict(sorted(sessions.items()))})
