"""What no client with a connection can measure: plain CGI from exec to answer,
what a password costs beside bare scrypt, and clients that wait for events."""

import ctypes
import http.client
import json
import os
import socket
import statistics
import sys
import tempfile
import time
import urllib.parse

import house

PATIENCE = 20


# ------------------------------------------------------------------ plain CGI


def exec_to_answer(program, environment):
    """Seconds until all of an answer has come, and of processor time."""
    begin = time.perf_counter()
    out, into = os.pipe()
    pid = os.posix_spawn(program, [program], environment, file_actions=[
        (os.POSIX_SPAWN_DUP2, into, 1), (os.POSIX_SPAWN_CLOSE, into),
        (os.POSIX_SPAWN_CLOSE, out),
        (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 2, "/dev/null", os.O_WRONLY, 0)])
    os.close(into)
    answer = b""
    while more := os.read(out, 65536):
        answer += more
    took = time.perf_counter() - begin
    os.close(out)
    used = os.wait4(pid, 0)[2]
    if not answer.startswith(b"Status: 200"):
        sys.exit(f"{program}: {answer.decode(errors='replace')[:500]}")
    return took, used.ru_utime + used.ru_stime


def cgi(bench, number):
    """Medians of as many executions of each program in turn."""
    data = tempfile.mkdtemp(prefix="cgi.", dir=bench.work) + "/data"
    house.copy_of(bench.first(), data, house.LIMITED)
    callers = bench.callers_of(bench.house())
    common = {"GATEWAY_INTERFACE": "CGI/1.1", "SERVER_PROTOCOL": "HTTP/1.1",
              "REQUEST_METHOD": "GET", "REMOTE_ADDR": "192.0.2.1",
              "SERVER_NAME": "localhost", "SERVER_PORT": "80",
              "SCRIPT_NAME": "", "SWITCHBOARD_DATA": data}
    programs = f"{bench.build}/libexec/switchboard"
    took = {"constant": [], "health": [], "me": []}
    for n in range(number):
        bearer = callers.users[n * 7 % len(callers.users)][2]
        for name, program, target in (
                ("constant", f"{bench.build}/tests/bench/constant", "/"),
                ("health", f"{programs}/meta", "/health"),
                ("me", f"{programs}/auth", "/api/auth/me")):
            took[name].append(exec_to_answer(program, dict(
                common, REQUEST_URI=target,
                HTTP_AUTHORIZATION="Bearer " + bearer)))
    return {name: {"ms": statistics.median(one[0] for one in all_) * 1e3,
                   "cpu_ms": statistics.median(one[1] for one in all_) * 1e3}
            for name, all_ in took.items()}


# ---------------------------------------------------------------------- scrypt


def bare_scrypt():
    """Seconds of processor time of a hash with the default parameters."""
    scrypt = ctypes.CDLL("libscrypt.so.0")
    out = ctypes.create_string_buffer(64)
    begin = time.process_time()
    if scrypt.libscrypt_scrypt(
            b"password123", ctypes.c_size_t(11), b"0123456789abcdef",
            ctypes.c_size_t(16), ctypes.c_uint64(16384), ctypes.c_uint32(8),
            ctypes.c_uint32(5), out, ctypes.c_size_t(64)) != 0:
        sys.exit("libscrypt does not hash")
    return time.process_time() - begin


def login(bench, number):
    """Processor time of a login, and of the bare hash in turn with it."""
    where = bench.house()
    callers = bench.callers_of(where)
    ours, bare = [], []
    for _, name, _ in callers.users[:number]:
        programs = where.programs()
        before = house.processor_time(programs)
        connection = http.client.HTTPConnection("127.0.0.1", where.port,
                                                timeout=PATIENCE)
        connection.request(
            "POST", "/api/auth/login", urllib.parse.urlencode(
                {"username": name, "password": "password123"}),
            {"Content-Type": "application/x-www-form-urlencoded",
             "X-Forwarded-For": next(callers.address)})
        answer = connection.getresponse()
        if answer.status != 200:
            sys.exit(f"login: {answer.status} {answer.read()}")
        answer.read()
        connection.close()
        ours.append(house.processor_time(programs) - before)
        bare.append(bare_scrypt())
    return {"login_ms": statistics.median(ours) * 1e3,
            "scrypt_ms": statistics.median(bare) * 1e3,
            "ratio": statistics.median(a / b for a, b in zip(ours, bare))}


# --------------------------------------------------------------- event streams


class Stream:
    """A client that waits for the events of a session, and has had what there
    was."""

    def __init__(self, where, session, bearer, after):
        self.session, self.bearer = session, bearer
        self.socket = socket.create_connection(("127.0.0.1", where.port),
                                               PATIENCE)
        self.socket.sendall(
            (f"GET /api/sessions/{session}/events?after={after} HTTP/1.1\r\n"
             "Host: localhost\r\nAccept: text/event-stream\r\n"
             f"Authorization: Bearer {bearer}\r\n\r\n").encode())
        answer = self.socket.recv(65536)
        if b" 200 " not in answer[:20]:
            sys.exit(f"a stream was refused: {answer.decode()}")

    def await_news(self):
        while b"event: message" not in self.socket.recv(65536):
            pass
        return time.perf_counter()


def post(connection, stream):
    connection.request(
        "POST", f"/api/sessions/{stream.session}/messages",
        json.dumps({"content": "Good morning!"}),
        {"Authorization": "Bearer " + stream.bearer,
         "Content-Type": "application/json"})
    answer = connection.getresponse()
    answer.read()
    if answer.status != 201:
        sys.exit(f"a message: {answer.status}")


def streams(bench, number, seconds, cell):
    """What NUMBER of them take while nothing happens, how soon they hear of
    news, and what is left to a Cell meanwhile."""
    where = bench.house()
    database = where.database()
    open_ = [Stream(where, session, bearer, database.execute(
        "SELECT events FROM chat_sessions WHERE id = ?",
        (session,)).fetchone()[0])
             for session, bearer in bench.callers_of(where).sessions[:number]]
    database.close()
    time.sleep(0.5)
    waiting = where.workers("events")
    before = house.processor_time(waiting)
    time.sleep(seconds)
    idle = house.processor_time(waiting) - before
    shares = [s for s in map(house.proportional, waiting) if s]
    connection = http.client.HTTPConnection("127.0.0.1", where.port,
                                            timeout=PATIENCE)
    delays = []
    for stream in open_[:20]:
        begin = time.perf_counter()
        post(connection, stream)
        delays.append(stream.await_news() - begin)
    connection.close()
    cell.measure(bench)
    for stream in open_:
        stream.socket.close()
    return {"streams": number, "processes": len(waiting),
            "pss": statistics.median(shares) if shares else None,
            "pss_most": max(shares, default=None),
            "cpu_ms_per_minute": idle / seconds * 60e3 / max(number, 1),
            "news_ms": statistics.median(delays) * 1e3 if delays else None}
