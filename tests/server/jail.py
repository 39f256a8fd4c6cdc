"""Runs a program where there is nothing but a folder, as a shared host might.

    jail.py FOLDER USER [NAME=VALUE]... -- PROGRAM [ARGUMENT]...
    jail.py --fastcgi TIMES FOLDER USER [NAME=VALUE]... -- PROGRAM [ARGUMENT]...
    jail.py --renew FILE FOLDER USER [NAME=VALUE]... -- PROGRAM [ARGUMENT]...

FOLDER becomes the root of the file system, USER (a number) the user and group;
the environment is what is given.  By root only.

With --fastcgi it is started as mod_fcgid does it, with a listening socket for
its standard input and nothing else: NAME=VALUE are the request's parameters, and
standard input is its body.  The request is made TIMES times, each answer printed,
and then the program told to end.  With --renew, FILE is touched after one request, and
the program has to end by itself, after one more or before it."""

import contextlib
import os
import signal
import socket
import struct
import sys
import tempfile

BEGIN, END, PARAMS, STDIN, STDOUT, STDERR = 1, 3, 4, 5, 6, 7


def enter(folder, user, environment, command):
    os.chroot(folder)
    os.chdir("/")
    os.setgroups([])
    os.setgid(user)
    os.setuid(user)
    signal.alarm(60)
    os.execve(command[0], command, environment)


def record(kind, content):
    return struct.pack(">BBHHBB", 1, kind, 1, len(content), 0, 0) + content


def read(connection, size):
    got = b""
    while len(got) < size:
        more = connection.recv(size - len(got))
        if not more:
            raise ConnectionError("the connection was closed")
        got += more
    return got


def request(path, parameters, body):
    """What the program writes to its two streams (FastCGI 1.0, section 3)."""
    out = {STDOUT: b"", STDERR: b""}
    pairs = b"".join(
        struct.pack(">II", len(name) | 1 << 31, len(value) | 1 << 31)
        + name + value for name, value in parameters)
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(60)
        connection.connect(path)
        connection.sendall(
            record(BEGIN, struct.pack(">HB5x", 1, 0))
            + record(PARAMS, pairs) + record(PARAMS, b"")
            + (record(STDIN, body) if body else b"") + record(STDIN, b""))
        while True:
            _, kind, _, size, padding, _ = struct.unpack(
                ">BBHHBB", read(connection, 8))
            content = read(connection, size)
            read(connection, padding)
            if kind == END:
                return out
            out[kind] += content


def serve(times, renewed, folder, user, parameters, command):
    with tempfile.TemporaryDirectory() as place:
        path = place + "/socket"
        listening = socket.socket(socket.AF_UNIX)
        listening.bind(path)
        listening.listen(16)
        child = os.fork()
        if child == 0:
            os.dup2(listening.fileno(), 0)
            os.closerange(3, 256)
            enter(folder, user, {}, command)
        listening.close()
        body = sys.stdin.buffer.read()
        pairs = [tuple(os.fsencode(p).split(b"=", 1)) for p in parameters]
        for _ in range(times):
            out = request(path, pairs, body)
            sys.stdout.buffer.write(out[STDOUT] + b"\n")
            sys.stderr.buffer.write(out[STDERR])
        if renewed:
            os.utime(renewed)
            with contextlib.suppress(OSError):
                request(path, pairs, body)
        else:
            os.kill(child, signal.SIGTERM)
        status = os.waitpid(child, 0)[1]
        return 128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) \
            else os.WEXITSTATUS(status)


def main(arguments):
    times, renewed = 0, None
    if arguments[0] == "--fastcgi":
        times = int(arguments[1])
        arguments = arguments[2:]
    elif arguments[0] == "--renew":
        times, renewed = 1, arguments[1]
        arguments = arguments[2:]
    folder, user, *rest = arguments
    at = rest.index("--")
    if times:
        return serve(times, renewed, folder, int(user), rest[:at],
                     rest[at + 1:])
    return enter(folder, int(user), dict(
        pair.split("=", 1) for pair in rest[:at]), rest[at + 1:])


sys.exit(main(sys.argv[1:]))
