#!/usr/bin/env python3
"""SWITCHBOARD=http://localhost:8000 AGENT_KEY=sbk_... agent.py CHAT_SESSION_ID"""
import http.client, json, os, sys, time, urllib.error, urllib.request, uuid
sys.argv[1:] and {"SWITCHBOARD", "AGENT_KEY"} <= os.environ.keys() or sys.exit(__doc__)
url = f"{os.environ['SWITCHBOARD'].rstrip('/')}/api/sessions/{sys.argv[1]}"

def call(method, path, **body):
    headers = {"Authorization": f"Bearer {os.environ['AGENT_KEY']}",
               "Content-Type": "application/json", "Idempotency-Key": str(uuid.uuid4())}
    request = urllib.request.Request(url + path, method=method, headers=headers,
                                     data=json.dumps(body).encode() if body else None)
    while True:  # What is sent again, with its key, is done once.
        try:
            return json.load(urllib.request.urlopen(request, timeout=90))
        except urllib.error.HTTPError as error:
            if error.code < 500 and error.code != 429:
                sys.exit(f"{method} {path}: {error.read().decode()}")
            time.sleep(int(error.headers.get("Retry-After", 1)))
        except (OSError, http.client.HTTPException, ValueError):
            time.sleep(1)  # Nobody is there, or the answer was cut off.

def answer(text):  # It only pretends to deploy, but waits for a human to agree.
    if not text.lower().startswith("deploy "):
        return "Tell me to deploy something."
    asked = call("POST", "/feedback", type="approval", prompt=f"Shall I {text[:999]}?")
    while asked["status"] == "pending":
        asked = call("GET", f"/feedback/{asked['id']}?wait=60")
    if asked["status"] != "approved":
        return f"I won't do that: it is {asked['status']}."
    call("POST", "/messages", content="Building, testing, deploying ...")
    return "It is deployed."

cursor, is_new, hello = 0, False, call("POST", "/messages", content="Hello!")["id"]
while True:  # What was said before it came is none of its business.
    for event in call("GET", f"/events?after={cursor}&wait=25")["events"]:
        if is_new and event["type"] == "message" and event["payload"]["type"] == "user":
            call("PATCH", "", agent_status="thinking")
            call("POST", "/messages", content=answer(event["payload"]["content"]))
            call("PATCH", "", agent_status="idle")
        is_new, cursor = is_new or event["payload"].get("id") == hello, event["id"]
