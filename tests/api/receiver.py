#!/usr/bin/python3
"""Receives webhooks over https, well or badly: how, the last part of the path
says.  The tests of the outbox ask it.

  receiver.py FOLDER CERTIFICATE

Writes the port that it listens at into FOLDER/port, and of each request a line
of JSON into FOLDER/requests: when it came, for how long others of the same id
were under way, what it had; as it begins, its id into FOLDER/began.  It reads
FOLDER/how before each: a word there goes before the one in the path.
"""

import http.server
import json
import os
import ssl
import sys
import threading
import time

FOLDER, CERTIFICATE = sys.argv[1:]
lock = threading.Lock()
under_way = {}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def how(self):
        try:
            with open(os.path.join(FOLDER, "how"), encoding="ascii") as file:
                return file.read().strip() or self.path.split("/")[-1]
        except FileNotFoundError:
            return self.path.split("/")[-1]

    def do_POST(self):
        began = time.time()
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        which = self.headers.get("webhook-id")
        with lock:
            under_way[which] = under_way.get(which, 0) + 1
            others = under_way[which] - 1
            with open(os.path.join(FOLDER, "began"), "a",
                      encoding="ascii") as file:
                file.write(f"{which}\n")
        how = self.how()
        answered = self.answer(how)
        with lock:
            under_way[which] -= 1
            with open(os.path.join(FOLDER, "requests"), "a",
                      encoding="utf-8") as file:
                file.write(json.dumps({
                    "at": began, "path": self.path, "how": how,
                    "others": others, "answered": answered,
                    "fields": {name.lower(): value for name, value
                               in self.headers.items()},
                    "body": body}) + "\n")

    def answer(self, how):
        status, length, pause = 204, 0, 0
        if how.isdigit():
            status = int(how)
        elif how == "hang":
            pause = 15
        elif how == "slow":
            pause = 1
        elif how == "long":
            status, length = 200, 1024 * 1024
        try:
            # Whoever is gone before is seen at the end of this.
            time.sleep(pause)
            self.send_response(status)
            if status in (301, 302, 307, 308):
                self.send_header("Location", "/elsewhere/204")
            if status != 204:
                self.send_header("Content-Length", str(length))
            self.end_headers()
            self.wfile.write(b"x" * length)
            self.wfile.flush()
        except OSError:
            self.close_connection = True
            return False
        return True


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        pass

    def finish_request(self, request, client_address):
        request.do_handshake()
        super().finish_request(request, client_address)


context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(CERTIFICATE)
# A port that is taken again is the same for those who are to come back.
port = 0
if os.path.exists(os.path.join(FOLDER, "port")):
    with open(os.path.join(FOLDER, "port"), encoding="ascii") as known:
        port = int(known.read())
server = Server(("127.0.0.1", port), Handler)
server.socket = context.wrap_socket(server.socket, server_side=True,
                                    do_handshake_on_connect=False)
with open(os.path.join(FOLDER, "port.new"), "w", encoding="ascii") as new:
    new.write(str(server.server_address[1]))
os.rename(os.path.join(FOLDER, "port.new"), os.path.join(FOLDER, "port"))
server.serve_forever()
