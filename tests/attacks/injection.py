"""Injection: no text is a query, no type another, no name another's.

What breaks out of a query, matches more than itself or reads otherwise
elsewhere is sent in every text of every call that the document tells of; then
values of every other type.  None is a fault of ours, nothing of somebody else's
comes back, what is kept is kept to the letter, and afterwards the database is
what it was.  Then names that look like another's, or become it."""

import json
import re
import unicodedata
import uuid

import document

DEFENDS = ("v5.0.0-1.2.3", "v5.0.0-1.2.4", "v5.0.0-1.2.5", "v5.0.0-1.2.9",
           "v5.0.0-1.3.3", "v5.0.0-1.3.10", "v5.0.0-1.5.2", "v5.0.0-2.2.1",
           "v5.0.0-2.2.2", "v5.0.0-8.2.2", "v5.0.0-15.3.5", "v5.0.0-15.3.7",
           "v5.0.0-16.5.1", "v5.0.0-16.5.3")

TEXTS = (
    "'", "''", '"', "`", "\\", "\\'", "%27", "' OR '1'='1", "' OR 1=1--",
    '" OR ""="', "') OR ('1'='1", "' OR 1=1/*", "x' OR username LIKE '%",
    "'; DROP TABLE users;--", "'; UPDATE users SET is_active=0;--",
    "' UNION SELECT password FROM users--", "1 UNION SELECT NULL,NULL,NULL--",
    "' AND (SELECT count(*) FROM sqlite_master)>0--",
    "' AND randomblob(1000000000)--", "'||(SELECT username FROM users)||'",
    "1; ATTACH DATABASE '/tmp/injected' AS x", "1 OR 1=1", "1e0", "0x1",
    "-1 OR 1", "1)--", "?1", ":id", "@id", "$id", "?", "id", "rowid", "NULL",
    "' COLLATE NOCASE--", "load_extension('x')", "%", "_", "*", "[a-z]", "%%",
    "\\%", "^", ".*", "(a+)+$", "$(id)", "`id`", "| id", "; id", "&& id",
    "{{7*7}}", "${7*7}", "#{7*7}", "<%= 7 %>", "%s%s%s%n", "%x", "%1$n",
    "<script>alert(1)</script>", "<!--", "]]>", "*)(uid=*))(|(uid=*",
    "javascript:alert(1)", "../../etc/passwd", "=1+1", "\u2019", "\u02bc",
    "\uff07 OR 1=1", "\u00bf'", "\u0130", "\u017f", "\u212a", "a\u0301",
    "\u00e1", "\ufb01", "\u202eabc", "\u200babc", "\ufeffabc", "\u2066abc",
    "\U000e0041", "\ud83d\ude00".encode("utf-16", "surrogatepass").decode(
        "utf-16"), "a\u0000b", "\x1b[31m", "a\r\nb", "\x7f", "\ufffe",
    "\U0010ffff", "constructor", "__proto__", "toString", "undefined", "NaN",
    "true", "null", "[]", "{}", "0", "-0", "1e999", "Infinity")
# As JSON: surrogates alone, and what no encoding of Unicode has.
ODD_JSON = (b'"\\ud800"', b'"\\udc00\\ud800"', b'"\\ud83d"', b'"\\u0000"',
            b'"\xc0\xa7 OR 1=1"', b'"\xc0\x80"', b'"\xed\xa0\x80"',
            b'"\xf4\x90\x80\x80"', b'"\xff"', b'"\xe2\x28\xa1"', b'"\xbf\'"',
            b'"\xe0\x80\xa7"', b'"a\\u0027 OR 1=1"', b"'x'", b'"x', b"x",
            b"NaN", b"Infinity", b"0x1", b"01", b"1.", b".5", b"+1", b"1e",
            b'"a" "b"', b"//x", b"/**/1", b'{"a":1,}', b"[1,]")
TYPES = (0, 1, -1, 1.5, 10**30, True, False, None, [], {}, [""], [None],
         [[]], {"": ""}, {"$gt": ""}, {"$ne": None}, {"username": "x"},
         ["x", "y"], {"length": 100}, {"toString": 1}, "1", "true", "", " ")
# Names of which somebody might take one for the other.
LIKE = (
    str.upper, str.title, lambda n: n + " ", lambda n: " " + n,
    lambda n: n + "\u200b", lambda n: "\u202e" + n[::-1],
    lambda n: n.replace("a", "\u0430"), lambda n: n.replace("i", "\u0131"),
    lambda n: n.replace("k", "\u212a"), lambda n: n.replace("s", "\u017f"),
    lambda n: n.replace("fi", "\ufb01"), lambda n: n.replace("e", "e\u0301"),
    lambda n: n.replace("e", "\u00e9"), lambda n: n + "\u0000",
    lambda n: n + "\u0301", lambda n: n.replace("a", "\u00aa"),
    lambda n: n.replace("o", "\u00ba"), lambda n: n.replace("1", "\u00b9"),
    lambda n: n.replace("i", "I"), lambda n: n.replace("i", "\u0130"),
    lambda n: "".join(chr(ord(c) + 0xfee0) for c in n),
    lambda n: "".join(chr(0x1d41a + ord(c) - 97) if c.islower() else c
                      for c in n),
    lambda n: "".join(chr(0x24d0 + ord(c) - 97) if c.islower() else c
                      for c in n),
    lambda n: unicodedata.normalize("NFD", n.replace("e", "\u00e9")),
    lambda n: n.replace("s", "\u00df"), lambda n: n.replace("l", "1"),
    lambda n: n + "\ufe0f", lambda n: n[0] + "\u034f" + n[1:],
    lambda n: n[0] + "\u00ad" + n[1:], lambda n: n + "@example.com",
    lambda n: "\ufeff" + n, lambda n: n + "\t", lambda n: n + "\u3000",
    lambda n: n + "'--", lambda n: n + '"', lambda n: n + "%", lambda n: "%")
RENEWED = {"logout", "logout_everywhere", "delete_me", "change_password",
           "end_session", "update_me", "refresh_tokens"}
# What only SQLite itself says.
SPEAKING = re.compile(r"SQL logic|syntax error|no such (table|column|function)"
                      r"|constraint failed|unrecognized token|SQLITE_")
EXPECTED = {200, 201, 204, 400, 401, 403, 404, 405, 409, 413, 422}


class Attack:
    def __init__(self, site):
        self.site = site
        self.marker = "Victim-" + uuid.UUID(
            int=site.random.getrandbits(128)).hex
        self.victim = document.World(site, self.marker)
        self.mine = document.World(site)
        self.before = self.state()

    def state(self):
        """All that is the victim's, and what the database is made of."""
        rows = self.site.rows
        user, session = self.victim.account.id, self.victim.session
        return (
            rows("SELECT * FROM sqlite_master ORDER BY name"),
            rows("SELECT * FROM users WHERE id = ?", user),
            rows("SELECT * FROM logins WHERE user_id = ?", user),
            rows("SELECT * FROM agent_keys WHERE user_id = ?", user),
            rows("SELECT * FROM chat_sessions WHERE id = ?", session),
            rows("SELECT * FROM messages WHERE session_id = ?", session),
            rows("SELECT * FROM feedback_requests WHERE session_id = ?",
                 session))

    def some(self, of):
        return self.site.random.sample(of, 6) if self.site.short else of

    def call(self, one, what, data=None, kind=None, query=(), values=None,
             headers=()):
        """Makes a call, and judges what comes."""
        fields = self.mine.headers(one) | dict(headers)
        if kind is not None:
            fields["Content-Type"] = kind
        answer = self.site.call(
            one.method, one.target(values or self.mine.values(one), query),
            data, fields)
        if answer.status in (200, 201, 204) and (
                one.name in RENEWED or one.method == "DELETE"):
            self.mine = document.World(self.site)
        body = answer.body.decode(errors="replace")
        return answer, self.site.judge(
            answer.status in EXPECTED and self.marker not in body and
            not SPEAKING.search(body), f"{one}: {what}: {answer}")

    def text(self, one, media, name, text):
        """In a field of a body.  What is taken comes back to the letter."""
        body = self.mine.body(one, media) | {name: text}
        answer, _ = self.call(one, f"{name} = {text!r}",
                              *document.encode(media, body))
        told = answer.json
        if answer.status in (200, 201) and name in (
                "title", "content", "prompt", "name", "username", "email"):
            self.site.judge(told.get(name, text) == text,
                            f"{one}: {name} was {text!r}: {answer}")

    def bodies(self, one):
        for media in one.bodies:
            for name, schema in one.fields(media).items():
                for text in self.some(TEXTS):
                    self.text(one, media, name, text)
                if media == document.JSON:
                    self.types(one, name, one.resolve(schema))
            for text in self.some(TEXTS):
                self.call(one, f"a member {text!r}", *document.encode(
                    media, self.mine.body(one, media) | {text: text}))

    def types(self, one, name, schema):
        """Values that are something else, and bytes that are no value."""
        for value in self.some(TYPES):
            body = self.mine.body(one, document.JSON) | {name: value}
            answer, _ = self.call(one, f"{name} = {value!r}",
                                  *document.encode(document.JSON, body))
            if schema.get("type") == "string" and isinstance(
                    value, (list, dict, int, float)):
                self.site.judge(answer.status not in (200, 201, 204),
                                f"{one} takes {name} = {value!r}: {answer}")
        for value in self.some(ODD_JSON):
            body = json.dumps(self.mine.body(one, document.JSON) | {
                name: "@@"}).encode().replace(b'"@@"', value)
            answer, _ = self.call(one, f"{name} = {value!r}", body,
                                  document.JSON)
            self.site.judge(
                answer.status not in (200, 201, 204) or
                value.startswith(b'"a\\u0027'),
                f"{one} takes {name} = {value!r}: {answer}")

    def parameters(self, one):
        for text in self.some(TEXTS):
            for name in one.places("query"):
                for query in ([(name, text)], [(name, "1" + text)],
                              [(name, "1"), (name, text)],
                              [(name + "[]", text)], [("sort", text)],
                              [("order", text), (name, "1")]):
                    self.call(one, f"?{query}", query=query)
            for name in one.places("path"):
                values = self.mine.values(one)
                for value in (text, self.mine.session + text):
                    answer, _ = self.call(one, f"{name} = {value!r}",
                                          values=values | {name: value})
                    self.site.judge(answer.status in (404, 405),
                                    f"{one}: {name} = {value!r}: {answer}")
            for name in one.places("header"):
                line = text.replace("\r", "").replace("\n", "").replace(
                    "\0", "").encode()
                data, kind = document.encode(
                    document.JSON, self.mine.body(one, document.JSON)) if \
                    one.bodies else (None, None)
                self.call(one, f"{name}: {text!r}", data, kind,
                          headers={name: line})

    def others(self, one):
        """Of the victim's nothing is there, by any of its ids."""
        for name in one.places("path") + one.places("query"):
            for theirs in (self.victim.session, self.victim.message,
                           self.victim.feedback, self.victim.account.id):
                if name in one.places("path"):
                    self.call(one, f"{name} = {theirs}", values=self.mine.
                              values(one) | {name: theirs})
                else:
                    answer, _ = self.call(one, f"{name}={theirs}",
                                          query=[(name, theirs)])
                    self.site.judge(answer.status != 200,
                                    f"{one} takes {name}={theirs}")


def names(site):
    """Who has a name that looks like another's is somebody else; who has one
    that becomes it does not get it."""
    for base in ("kasifiel1", "administrators"):
        victim = site.account(base)
        for like in LIKE:
            name = like(base)
            number = site.random.randrange(10**9)
            answer = site.call("POST", "/api/auth/register", {
                "username": name, "email": f"like{number}@example.com",
                "password": "another correct horse"})
            if answer.status == 201:
                me = site.me(answer.json["access_token"]).json
                site.judge(me["id"] != victim.id and me["username"] == name and
                           name != base, f"{name!r} is {base}: {me}")
            else:
                site.judge(answer.status in (400, 422), f"{name!r}: {answer}")
            answer = site.guess(name, "another correct horse")
            site.judge(answer.status in (401, 422) or site.me(
                answer.json["access_token"]).json["id"] != victim.id,
                f"{name!r} is let in as {base}")


def passwords(site):
    """No text of these logs anybody in."""
    victim = site.account(password="a password of nobody else's")
    for text in TEXTS:
        for name, password in ((text, text), (victim.username, text),
                               (text, victim.password),
                               (victim.username + text, victim.password)):
            answer = site.guess(name, password)
            site.judge(answer.status in (401, 422),
                       f"{name!r}, {password!r}: {answer}")


def run(site):
    attack = Attack(site)
    for one in document.operations(site).values():
        attack.bodies(one)
        attack.parameters(one)
        attack.others(one)
    site.judge(attack.state() == attack.before,
               "what is the victim's is not what it was")
    site.judge(site.rows("PRAGMA integrity_check") == [("ok",)],
               "the database is damaged")
    names(site)
    passwords(site)
