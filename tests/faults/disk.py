"""A disk as a power cut may leave it, out of what record.c has recorded.

What was flushed is there.  Of what wasn't, each write is there, is not, or is
torn: some of its sectors are.  A file's size and a name in a folder, a new one,
another or none, count once they are flushed, and else by chance."""

import collections
import os
import struct
from dataclasses import dataclass, field

HEAD = struct.Struct("=IIQqII")
# As in record.c; the rest is said by whoever watches the programs.
(MADE, WRITTEN, SIZED, GROWN, FLUSHED, FOLDER_FLUSHED, RENAMED, LINKED,
 UNLINKED, FOLDER_MADE, FOLDER_REMOVED) = range(1, 12)
SAID = 99
SECTOR = 512
MOST = 256                      # writes that nobody flushes, until some are


@dataclass(slots=True)
class Step:
    kind: int
    inode: int
    at: int
    name: str
    other: str
    data: bytes


def steps(path):
    """All that was recorded, in its order."""
    with open(path, "rb") as file:
        record = file.read()
    at = 0
    while at < len(record):
        kind, length, inode, where, name, other = HEAD.unpack_from(record, at)
        at += HEAD.size
        texts = [record[at:at + name], record[at + name:at + name + other]]
        at += name + other
        yield Step(kind, inode, where, *(os.fsdecode(text) for text in texts),
                   record[at:at + length])
        at += length


def say(record, text):
    """Notes in the record, which is open to be appended to, that this is so
    from here on."""
    name = text.encode()
    entry = HEAD.pack(SAID, 0, 0, 0, len(name), 0) + name
    if os.write(record, entry) != len(entry):
        raise OSError("the record is cut off")


def resized(content, size):
    del content[size:]
    content.extend(bytes(size - len(content)))


def written(content, at, data):
    if len(content) < at + len(data):
        resized(content, at + len(data))
    content[at:at + len(data)] = data


def sectors(at, data):
    """A write as the disk makes it: offset and bytes, a sector each."""
    end = at + len(data)
    for start in range(at - at % SECTOR, end, SECTOR):
        first, last = max(at, start), min(end, start + SECTOR)
        yield first, data[first - at:last - at]


class File:
    """Its bytes as they were flushed, and what came since."""

    def __init__(self, content=b""):
        self.flushed = bytearray(content)
        self.waiting = []       # (offset, bytes), or (size, None)

    def add(self, at, data):
        self.waiting.append((at, data))
        # The system doesn't keep them for ever.
        if len(self.waiting) > MOST:
            self.flush(MOST // 2)

    def flush(self, some=None):
        for at, data in self.waiting[:some]:
            if data is None:
                resized(self.flushed, at)
            else:
                written(self.flushed, at, data)
        del self.waiting[:some]

    def grown(self, least):
        """The size that it has at least by what came since."""
        size = len(self.flushed)
        for at, data in self.waiting:
            size = at if data is None else max(size, at + len(data))
        if size < least:
            self.add(least, None)

    def after_cut(self, chance):
        content = bytearray(self.flushed)
        most = chance.choice((0, 0.5, 0.9, 1, chance.random()))
        for at, data in self.waiting:
            if chance.random() >= most:
                continue
            if data is None:
                resized(content, at)
            elif chance.random() < 0.3:
                for first, part in sectors(at, data):
                    if chance.random() < 0.5:
                        written(content, first, part)
            else:
                written(content, at, data)
        if self.waiting and len(content) > len(self.flushed) and \
                chance.random() < 0.3:
            resized(content, len(self.flushed))
        return bytes(content)


FOLDER = "folder"


@dataclass
class Disk:
    """Of a folder as it is now; take() lets happen what was recorded since.
    One that is deaf to a kind of flush is the disk of programs that don't make
    it."""

    folder: str
    deaf: int = 0
    inodes: dict = field(default_factory=dict)
    names: dict = field(default_factory=dict)   # path: what programs see
    flushed: dict = field(default_factory=dict)
    waiting: collections.defaultdict = field(
        default_factory=lambda: collections.defaultdict(list))

    def __post_init__(self):
        for folder, _, files in os.walk(self.folder):
            self.names[folder] = FOLDER
            for name in files:
                path = os.path.join(folder, name)
                with open(path, "rb") as file:
                    made = File(file.read())
                    self.inodes[os.fstat(file.fileno()).st_ino] = made
                self.names[path] = made
        self.flushed = dict(self.names)

    def change(self, changes):
        """Names at once: what each leads to from now on, or None."""
        apart = collections.defaultdict(dict)
        for path, what in changes.items():
            apart[os.path.dirname(path)][path] = what
        for folder, part in apart.items():
            self.waiting[folder].append(part)
        apply(self.names, changes)

    def take(self, step):
        if step.kind == self.deaf:
            return
        if step.kind in (WRITTEN, SIZED, GROWN, FLUSHED):
            file = self.inodes.get(step.inode)
            if file is None:
                raise ValueError(f"a file that nobody made: {step}")
            if step.kind == WRITTEN:
                file.add(step.at, step.data)
            elif step.kind == SIZED:
                file.add(step.at, None)
            elif step.kind == GROWN:
                file.grown(step.at)
            else:
                file.flush()
        elif step.kind == FOLDER_FLUSHED:
            for changes in self.waiting.pop(step.name, ()):
                apply(self.flushed, changes)
        else:
            self.take_name(step)

    def take_name(self, step):
        what = self.names.get(step.name)
        if step.kind == MADE:
            made = self.inodes[step.inode] = File()
            self.change({step.name: made})
        elif step.kind == FOLDER_MADE:
            self.change({step.name: FOLDER})
        elif what is None:
            return              # of a socket
        elif step.kind == RENAMED:
            self.change({step.name: None, step.other: what})
        elif step.kind == LINKED:
            self.change({step.other: what})
        elif step.kind in (UNLINKED, FOLDER_REMOVED):
            self.change({step.name: None})

    def after_cut(self, chance):
        """Paths and contents, None of a folder, of what is there."""
        names = dict(self.flushed)
        for changes in self.waiting.values():
            some = changes[:chance.randint(0, len(changes))]
            if chance.random() < 0.5:
                some = [one for one in changes if chance.random() < 0.5]
            for one in some:
                apply(names, one)
        return {path: None if what is FOLDER else what.after_cut(chance)
                for path, what in sorted(names.items())
                if self.leads_to(names, path)}

    def leads_to(self, names, path):
        """Whether all folders that it lies in are there."""
        while path != self.folder:
            path = os.path.dirname(path)
            if names.get(path) is not FOLDER:
                return False
        return True

    def lay_out(self, image, at):
        """Makes the files of an image, in a folder that isn't there yet."""
        for path, content in image.items():
            path = at + path[len(self.folder):]
            if content is None:
                os.mkdir(path, 0o700)
                continue
            with open(path, "xb") as file:
                os.fchmod(file.fileno(), 0o600)
                file.write(content)


def apply(names, changes):
    for path, what in changes.items():
        if what is None:
            names.pop(path, None)
        else:
            names[path] = what
