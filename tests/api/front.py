#!/usr/bin/python3
"""A web server that runs the programs as CGI, well or badly: how, the first
part of the path says, in words with _ between them.  The tests of switchboard
check --url ask it.

  front.py PROGRAMS DATA FOREIGN-DATA PORTS-FILE CERTIFICATE

Writes the ports that it listens at, http and https, into the file, and one
that it keeps to itself and nobody listens at.
"""

import http.server
import json
import os
import re
import socket
import ssl
import subprocess
import sys
import threading

# Which program has which path, the first that it begins with.
WAYS = [("/api/auth(/|$)|/api/limits/?$", "auth"),
        ("/api/sessions/[^/]+/(events|feedback/[^/]+)/?$", "events"),
        ("/api/sessions(/|$)", "chat")]

# What a terminal would go by, and a line too many.
RUDE = "a\x1b]0;b\x07\x9b31mc"
RUDE_BODY = json.dumps({name: RUDE + "\u202e\n          fix: rm -r /"
                        for name in (
                            "version", "environment", "prefix",
                            "client_address", "peer_address", "forwarded_for",
                            "server_software", "detail", "status")}).encode()
PAGE = b"<!DOCTYPE html><title>404 Not Found</title>"


class Handler(http.server.BaseHTTPRequestHandler):
    server_version = "Apache/2.4"
    sys_version = ""

    def log_message(self, *_):
        pass

    def answer(self, status, fields, body=b""):
        self.send_response(status)
        for name, value in fields.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def variables(self, how, rest):
        """What a program is told."""
        told = {f"HTTP_{name.upper().replace('-', '_')}": value
                for name, value in self.headers.items()}
        if "drops" in how.split("_"):
            told.pop("HTTP_AUTHORIZATION", None)
        if "proxies" in how.split("_"):
            told["HTTP_X_FORWARDED_FOR"] = ", ".join(filter(None, (
                told.get("HTTP_X_FORWARDED_FOR"), self.client_address[0])))
        if "believes" in how.split("_"):
            told["TRUSTED_PROXIES"] = "127.0.0.0/8, 192.0.2.7"
        if "free" in how.split("_"):
            told["CONFINE"] = "false"
        if "staging" in how.split("_"):
            told["ENVIRONMENT"] = "staging"
        if how != "hides":
            told |= {"SCRIPT_NAME": f"/{how}", "PATH_INFO": rest}
        return told | {
            "GATEWAY_INTERFACE": "CGI/1.1", "SERVER_PROTOCOL": "HTTP/1.1",
            "SERVER_SOFTWARE": "Apache/2.4", "REQUEST_METHOD": "GET",
            "REQUEST_URI": self.path, "QUERY_STRING": "",
            "REMOTE_ADDR": "192.0.2.7" if "far" in how.split("_")
                           else self.client_address[0],
            "SWITCHBOARD_DATA": FOREIGN if how == "foreign" else DATA,
        }

    def run(self, how, rest):
        program = next((program for way, program in WAYS
                        if re.match(way, rest)), "meta")
        if "forgets" in how.split("_") and program == "events":
            program = "chat"
        if "outdated" in how.split("_") and program != "auth":
            program = "meta"
        with subprocess.Popen(
                [os.path.join(PROGRAMS, program)], stdout=subprocess.PIPE,
                stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                env=os.environ | self.variables(how, rest)) as process:
            out = process.stdout
            status = out.readline().split()[1].decode()
            fields = out.readline()
            while not fields.endswith(b"\r\n\r\n"):
                fields += out.readline()
            if "html" in how.split("_") and status == "404":
                out.read()
                self.answer(404, {"Content-Type": "text/html"}, PAGE)
                return
            if "buffers" in how.split("_"):
                fields += out.read()
            self.wfile.write(f"HTTP/1.0 {status} X\r\n"
                             f"Server: {self.server_version}\r\n"
                             f"Date: {self.date_time_string()}\r\n".encode()
                             + fields)
            while some := out.read1():
                self.wfile.write(some)

    def do_GET(self):
        how, _, rest = self.path[1:].partition("/")
        rest = "/" + rest
        file = os.path.join(DATA, os.path.basename(rest))
        if how == "moved":
            self.answer(301, {"Location": f"/good{rest}"})
        elif how == "hangs":
            print(f"GET {self.path}", flush=True)
            self.rfile.read()
        elif how == "closes" and rest != "/health":
            pass
        elif how == "fails" and rest == "/api/auth/check/stream":
            self.answer(500, {"Content-Type": "text/html"}, PAGE)
        elif how == "rude" and rest != "/health":
            self.answer(200, {"Content-Type": "application/json",
                              "Content-Encoding": RUDE}, RUDE_BODY)
        elif how == "rudely-moved":
            self.answer(301, {"Location": RUDE})
        elif how == "down":
            self.answer(502, {"Content-Type": "text/html"}, PAGE)
        elif how == "lacks" and rest.endswith("/events"):
            self.answer(503, {"Content-Type": "text/html"}, PAGE)
        elif "leaks" in how.split("_") and rest.startswith("/data/") and \
                os.path.exists(file):
            with open(file, "rb") as opened:
                self.answer(200, {}, opened.read(1000))
        elif "unpacks" in how.split("_") and rest == "/openapi.json":
            self.answer(200, {"Content-Type": "application/json"}, b"{}")
        else:
            self.run(how, rest)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        pass


PROGRAMS, DATA, FOREIGN, PORTS, CERTIFICATE = sys.argv[1:]
plain = Server(("127.0.0.1", 0), Handler)
secure = Server(("127.0.0.1", 0), Handler)
deaf = socket.socket()
deaf.bind(("127.0.0.1", 0))
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(CERTIFICATE)
secure.socket = context.wrap_socket(secure.socket, server_side=True)
threading.Thread(target=secure.serve_forever, daemon=True).start()
with open(PORTS + ".new", "w", encoding="ascii") as ports:
    ports.write(f"{plain.server_port} {secure.server_port} "
                f"{deaf.getsockname()[1]}\n")
os.rename(PORTS + ".new", PORTS)
plain.serve_forever()
