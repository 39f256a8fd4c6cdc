"""A small disk, in memory, that can be filled, emptied and made read-only.  It
is mounted where nobody else sees it, in a namespace of mounts that goes with
this process; who isn't root needs a namespace of users for that."""

import ctypes
import errno
import os

CLONE_NEWNS, CLONE_NEWUSER = 0x20000, 0x10000000
MS_RDONLY, MS_REMOUNT, MS_REC, MS_PRIVATE = 1, 1 << 5, 1 << 14, 1 << 18
MNT_DETACH = 2
PIECE = 1 << 20


def _do(call, *arguments):
    """A call of the C library's.  The command mount would be no use: who isn't
    root loses all power over a namespace by starting a program."""
    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, call)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{call}: {os.strerror(number)}")


def _mount(path, kind=None, flags=0, data=""):
    _do("mount", kind, path.encode(), kind, ctypes.c_ulong(flags),
        data.encode())


def _write(path, text):
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


def _leave():
    """Gives this process a namespace of mounts of its own."""
    user, group = os.geteuid(), os.getegid()
    _do("unshare", CLONE_NEWNS if user == 0 else CLONE_NEWNS | CLONE_NEWUSER)
    if user != 0:
        _write("/proc/self/setgroups", "deny")
        _write("/proc/self/uid_map", f"{user} {user} 1")
        _write("/proc/self/gid_map", f"{group} {group} 1")
    _mount("/", flags=MS_REC | MS_PRIVATE)


class Disk:
    def __init__(self, place, name, size):
        self.path = os.path.join(place.folder, name)
        self.filler = os.path.join(self.path, "filler")
        os.mkdir(self.path)
        try:
            _leave()
            _mount(self.path, b"tmpfs", data=f"size={size},mode=0711")
        except OSError as error:
            place.not_run(f"no file system may be mounted here: "
                          f"{error.strerror}")
        place.cleanup.callback(_do, "umount2", self.path.encode(), MNT_DETACH)

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

    def remount(self, readonly):
        """Read-only only if nobody has a file open for writing."""
        _mount(self.path, flags=MS_REMOUNT | (MS_RDONLY if readonly else 0))
