"""A small disk, in memory, that can be filled, emptied and made read-only.  It
is mounted where nobody else sees it, in a namespace of mounts that goes with
this process; who isn't root needs a namespace of users for that."""

import ctypes
import errno
import os
import subprocess

CLONE_NEWNS, CLONE_NEWUSER = 0x20000, 0x10000000
PIECE = 1 << 20


def _write(path, text):
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


def _leave(place):
    """Gives this process a namespace of mounts of its own."""
    libc = ctypes.CDLL(None, use_errno=True)
    user, group = os.geteuid(), os.getegid()
    flags = CLONE_NEWNS if user == 0 else CLONE_NEWNS | CLONE_NEWUSER
    if libc.unshare(flags) != 0:
        place.not_run("no file system may be mounted here: unshare: " +
                      os.strerror(ctypes.get_errno()))
    if user != 0:
        _write("/proc/self/setgroups", "deny")
        _write("/proc/self/uid_map", f"0 {user} 1")
        _write("/proc/self/gid_map", f"0 {group} 1")


def _mount(place, *arguments):
    done = subprocess.run(["mount", *arguments], capture_output=True,
                          text=True, check=False)
    if done.returncode != 0:
        place.not_run("no file system may be mounted here: " +
                      done.stderr.strip())


class Disk:
    def __init__(self, place, name, size):
        self.place = place
        self.path = os.path.join(place.folder, name)
        self.filler = os.path.join(self.path, "filler")
        os.mkdir(self.path)
        _leave(place)
        _mount(place, "--make-rprivate", "/")
        _mount(place, "-t", "tmpfs", "-o", f"size={size},mode=0711", "tmpfs",
               self.path)
        place.cleanup.callback(subprocess.run, ["umount", "-l", self.path],
                               check=True)

    def folder(self, name):
        path = os.path.join(self.path, name)
        os.mkdir(path, 0o700)
        return path

    def fill(self):
        """Takes all that is left, to the last page."""
        file = os.open(self.filler, os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            piece, size = PIECE, os.fstat(file).st_size
            while piece >= 4096:
                try:
                    os.posix_fallocate(file, size, piece)
                    size += piece
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise
                    piece //= 2
        finally:
            os.close(file)

    def empty(self):
        os.unlink(self.filler)

    def remount(self, way):
        """To `ro' or `rw'; to the former only if nobody has a file open for
        writing."""
        subprocess.run(["mount", "-o", f"remount,{way}", self.path],
                       check=True, capture_output=True)
