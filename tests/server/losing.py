#!/usr/bin/env python3
"""A way to the server on which answers are lost: losing.py URL NOTES.

It passes requests on, and the answers back, but for the first one to each
Idempotency-Key of a POST, instead of which it hangs up.  The first line of NOTES
is where it listens; each other one is a key, and the status of its answer."""
import http.server
import sys
import urllib.error
import urllib.parse
import urllib.request

origin, notes = sys.argv[1], open(sys.argv[2], "a", buffering=1)
seen = set()


class Handler(http.server.BaseHTTPRequestHandler):
    def pass_on(self):
        data = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        request = urllib.request.Request(
            origin + self.path, data or None, method=self.command,
            headers={name: value for name, value in self.headers.items()
                     if name not in ("Host", "Connection")})
        try:
            answer = urllib.request.urlopen(request, timeout=90)
        except urllib.error.HTTPError as error:
            answer = error
        self.give(answer, answer.read())

    def give(self, answer, body):
        key = self.headers.get("Idempotency-Key")
        if self.command == "POST":
            notes.write(f"{key} {answer.status}\n")
            if key not in seen:
                seen.add(key)
                self.close_connection = True
                return
        self.send_response(answer.status)
        for name in ("Retry-After", "Idempotency-Replayed"):
            if name in answer.headers:
                self.send_header(name, answer.headers[name])
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_PATCH = do_POST = pass_on

    def log_message(self, *args):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
notes.write(f"http://127.0.0.1:{server.server_port}\n")
server.serve_forever()
