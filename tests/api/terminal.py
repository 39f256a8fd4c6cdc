"""Runs a command on a terminal of its own and types into it.

    terminal.py [WAIT-FOR TYPE]... -- COMMAND...

TYPE is a text, after which Enter is pressed; "^C" and "^Z" are those keys.  A
command that is stopped is continued.  Prints what the terminal showed, and a
last line that says whether it echoes at the end.  Ends as the command did, by
128 and the signal if one ended it."""

import os
import select
import signal
import sys
import termios
import time

END = time.monotonic() + 60


def echoes(fd):
    return bool(termios.tcgetattr(fd)[3] & termios.ECHO)


def run(command, notes):
    """What a shell does with a command in the foreground of its terminal, but
    that it continues what was stopped.  Returns its exit status."""
    child = os.fork()
    if child == 0:
        os.setpgid(0, 0)
        os.tcsetpgrp(0, os.getpid())
        signal.signal(signal.SIGTTOU, signal.SIG_DFL)
        os.execvp(command[0], command)
    while True:
        status = os.waitpid(child, os.WUNTRACED)[1]
        if not os.WIFSTOPPED(status):
            break
        os.write(notes, b"stopped: %s\n" % (
            b"echoes" if echoes(0) else b"silent"))
        os.kill(child, signal.SIGCONT)
    return 128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) \
        else os.WEXITSTATUS(status)


def read(fd):
    """What it shows next; nothing once it is closed."""
    if not select.select([fd], [], [], max(0, END - time.monotonic()))[0]:
        sys.exit("terminal: nothing more came, after: %r" % shown)
    try:
        return os.read(fd, 4096)
    except OSError:
        return b""


split = sys.argv.index("--")
steps = sys.argv[1:split]
fd, slave = os.openpty()
heard, notes = os.pipe()
shell = os.fork()
if shell == 0:
    # So that it may change who is in the foreground.
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    os.close(fd)
    os.login_tty(os.dup(slave))
    os._exit(run(sys.argv[split + 1:], notes))
os.close(notes)
shown = b""
place = 0
for wanted, typed in zip(steps[::2], steps[1::2]):
    while wanted.encode() not in shown[place:]:
        shown += read(fd)
    place = shown.index(wanted.encode(), place) + len(wanted.encode())
    keys = {"^C": b"\3", "^Z": b"\x1a"}.get(typed)
    os.write(fd, keys or typed.encode("utf-8", "surrogateescape") + b"\n")
done = 0
while not done:
    if select.select([fd], [], [], 0.01)[0]:
        shown += read(fd)
    if time.monotonic() > END:
        sys.exit("terminal: it didn't end, after: %r" % shown)
    done, status = os.waitpid(shell, os.WNOHANG)
while select.select([fd], [], [], 0)[0]:
    shown += read(fd)
print(os.read(heard, 4096).decode(), end="")
print(shown.decode("utf-8", "replace").replace("\r\n", "\n"), end="")
print("\nechoes" if echoes(slave) else "\nsilent")
sys.exit(os.WEXITSTATUS(status))
