"""The calls that the OpenAPI document of a site tells of, and a user for whom
each of them has something to act on."""

import itertools
import json
import re
import urllib.parse

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"
BOUNDARY = "a-boundary-of-the-attacks"
NOBODY = "00000000-0000-4000-8000-000000000000"
NUMBERS = itertools.count(1)
# Their tokens are no user's, nor their keys.
OPERATORS = {"check_installation", "check_stream", "get_metrics"}


class Operation:
    """A method of a path."""

    def __init__(self, document, path, method, told):
        self.document = document
        self.path = path
        self.method = method.upper()
        self.name = told["operationId"]
        self.told = told
        self.bodies = told.get("requestBody", {}).get("content", {})
        self.parameters = told.get("parameters", [])
        schemes = {name for one in told.get("security", []) for name in one}
        self.caller = ("key" if schemes == {"agent"} else
                       "user" if "bearer" in schemes else "nobody")

    def __str__(self):
        return f"{self.method} {self.path}"

    def places(self, place):
        """The names of its parameters in the path, the query or the header."""
        return [one["name"] for one in self.parameters if one["in"] == place]

    def fields(self, media):
        """The fields of its body, and what is said of each."""
        return self.resolve(self.bodies[media]["schema"]).get("properties", {})

    def resolve(self, schema):
        while "$ref" in schema:
            schema = self.document["components"]["schemas"][
                schema["$ref"].rpartition("/")[2]]
        return schema

    def example(self, media):
        return dict(self.bodies[media]["example"])

    def target(self, values, query=()):
        """With values in its path, in the escapes of a URL."""
        path = re.sub(r"\{(\w+)\}",
                      lambda found: urllib.parse.quote(
                          values.get(found[1], NOBODY), safe=""), self.path)
        return path + ("?" + urllib.parse.urlencode(
            query, errors="surrogateescape") if query else "")


def operations(site):
    """All of them, by their names."""
    answer = site.call("GET", "/openapi.json")
    told = json.loads(answer.body)
    found = [Operation(told, path, method, of_method)
             for path, methods in told["paths"].items()
             for method, of_method in methods.items()
             if "operationId" in of_method]
    return {one.name: one for one in found}


def bearer(token):
    return {"Authorization": "Bearer " + token}


class World:
    """An account with a chat session, a message in it, an agent's key, and a
    question of that agent's that waits for an answer."""

    def __init__(self, site, said="Good morning"):
        self.site = site
        self.account = site.account()
        self.key = self.post("/api/auth/keys", {"name": said})["key"]
        session = self.post("/api/sessions", {"title": said})
        self.session = session["id"]
        inside = f"/api/sessions/{self.session}"
        self.message = self.post(inside + "/messages", {"content": said})["id"]
        self.feedback = self.post(inside + "/feedback", {
            "type": "input", "prompt": said}, self.key)["id"]

    def post(self, target, body, token=None):
        answer = self.site.call("POST", target, body,
                                bearer(token or self.account.access))
        if answer.status != 201:
            raise RuntimeError(f"{target}: {answer.status} {answer.body}")
        return answer.json

    def token(self, operation):
        return {"key": self.key, "user": self.account.access,
                "nobody": None}[operation.caller]

    def headers(self, operation):
        token = self.token(operation)
        return {} if token is None else bearer(token)

    def values(self, operation):
        """Those of its path: ids of what there is, where it can be."""
        if "/feedback/" in operation.path:
            return {"id": self.session, "request_id": self.feedback}
        if operation.path.startswith("/api/sessions"):
            return {"id": self.session}
        return {}

    def body(self, operation, media):
        """Of the example what is somebody's is this one's."""
        body = operation.example(media)
        number = next(NUMBERS)
        mine = {"email": f"another{number}@example.com",
                "username": f"another{number}",
                "current_password": self.account.password,
                "refresh_token": self.account.refresh}
        if operation.name == "login":
            mine |= {"username": self.account.username,
                     "password": self.account.password}
        body |= {name: value for name, value in mine.items() if name in body}
        if operation.name == "update_session":
            body.pop("agent_status", None)
            body["status"] = "active"
        body.pop("webhook_url", None)
        return body


def encode(media, body):
    """A body's bytes, and its Content-Type."""
    if media == JSON:
        return json.dumps(body).encode(), JSON
    if media == FORM:
        return urllib.parse.urlencode(
            body, errors="surrogateescape").encode(), FORM
    parts = [f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"'
             f"\r\n\r\n{value}\r\n" for name, value in body.items()]
    return ("".join(parts) + f"--{BOUNDARY}--\r\n").encode(
        errors="surrogateescape"), f"{MULTIPART}; boundary={BOUNDARY}"
