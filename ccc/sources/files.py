"""Messages in files, and on standard input: octets that are read when needed and never held whole.

A file counts as it was when it was first opened: everything it said then is what the plan shows, so a
file that is another one when its last octet is read ends the delivery before that octet goes out
(SourceChanged). What can be read only once, such as a pipe, is spooled: in memory while it is small,
then in a temporary file without a name.

`ccc redirect <(formail ...)` names a pipe as /dev/fd/63, which is read like standard input. Any other
pipe or device is refused: opening it can wait for ever, and its octets cannot be read twice.
"""

import errno
import os
import re
import stat
from collections.abc import Iterator

from ccc.errors import MessageError, SourceChanged, SourceError
from ccc.message.message import Filed
from ccc.message.octets import BLOCK, HeldOctets, Octets

SPOOL = 1 << 20  # octets of standard input that are held in memory

_COUNT_LINE = 64
_PLIST = (b"<", b"bplist")
_DESCRIPTOR = re.compile(r"/dev/fd/([0-9]{1,9})")
_ELSEWHERE = re.compile(r"(?:imaps?|mbox|mid):")
_MAILDIR = re.compile(r"(?:(?:^|/)(?:cur|new)/[^/]+|:2,[^/]*)\Z")  # a file that may be one of a Maildir
_STDIN = 0
_STANDARD = frozenset({"-", "/dev/stdin"})
_KINDS = {
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def open_source(name: str, stdin: int = _STDIN) -> Octets:
    """The octets of the message named `name`: a file (.emlx is cut to its message) or `-`.

    `stdin` is the descriptor that `-` stands for. Raises SourceError, and MessageError for an .emlx
    whose count is wrong.
    """
    if name in _STANDARD:
        return spool(stdin)
    if is_stream(name):
        return spool(int(name.rpartition("/")[2]))
    if name.lower().endswith(".emlx"):
        return _emlx(FileOctets(name))
    if _MAILDIR.search(name):
        from ccc.sources.maildir import maildir_octets

        return maildir_octets(name)
    return FileOctets(name)


def is_stream(name: str) -> bool:
    """Whether the octets of `name` come as they come, and only once."""
    named = _DESCRIPTOR.fullmatch(name)
    return name in _STANDARD or (named is not None and not _is_regular(int(named[1])))


class FileOctets:
    """The octets of a regular file as it was when this was made.

    The descriptor is closed after the last block and by `close`; a later `block` opens the file again
    and raises SourceChanged if it is not the same any more.
    """

    __slots__ = ("_descriptor", "_identity", "_start", "name", "size")

    def __init__(self, name: str) -> None:
        self.name = name
        self._descriptor: int | None = None
        try:
            self._descriptor = self._opened()
            status = os.fstat(self._descriptor)
        except (OSError, ValueError) as problem:
            self.close()
            raise _unreadable(name, problem) from problem
        if not stat.S_ISREG(status.st_mode):
            self.close()
            raise _not_a_file(name, status)
        self._start = 0
        self.size = status.st_size
        self._identity = _identity(status)
        if not self.size:
            self.close()

    @property
    def filed(self) -> Filed | None:
        """How it lies in a mailbox; None for a file that is in none."""
        return None

    def block(self, offset: int) -> bytes:
        """At most BLOCK octets from `offset`; none only at the end. Raises SourceChanged."""
        if offset >= self.size:
            return b""
        descriptor = self._open()
        count = min(BLOCK, self.size - offset)
        octets = _pread(descriptor, count, self._start + offset, self.name)
        if offset + len(octets) == self.size:
            self._verify(descriptor)
            self.close()
        return octets

    def narrow(self, start: int, size: int) -> None:
        """Be only the `size` octets from `start` on from now on."""
        self._start += start
        self.size = size

    def part(self, start: int, size: int) -> "FileOctets":
        """Octets of their own: `size` of them from `start` on. Raises SourceChanged if the file changed."""
        part = FileOctets(self.name)
        if part._identity != self._identity:
            raise _changed(self.name, "was changed while it was read")
        part.narrow(start, size)
        return part

    def is_locked(self) -> bool:
        """Whether another program has locked the file, as those do that write to an mbox."""
        import fcntl

        for lock in (fcntl.lockf, fcntl.flock):
            try:
                lock(self._open(), fcntl.LOCK_SH | fcntl.LOCK_NB)
                lock(self._open(), fcntl.LOCK_UN)
            except (BlockingIOError, PermissionError):
                return True
            except OSError:  # a file system without locks
                continue
        return False

    def close(self) -> None:
        """Give the descriptor back; the octets stay readable."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def __del__(self) -> None:
        self.close()

    def _opened(self) -> int:
        # O_NONBLOCK: a pipe without a writer would otherwise wait for one (open(2))
        return os.open(self.name, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)

    def _open(self) -> int:
        if self._descriptor is None:
            try:
                self._descriptor = self._opened()
            except OSError as problem:
                raise _changed(self.name, f"cannot be read any more ({problem.strerror})") from problem
            self._verify(self._descriptor)
        return self._descriptor

    def _verify(self, descriptor: int) -> None:
        try:
            same = _identity(os.fstat(descriptor)) == self._identity
        except OSError as problem:  # its server does not know it any more
            raise _changed(self.name, f"cannot be read any more ({problem.strerror})") from problem
        if not same:
            self.close()
            raise _changed(self.name, "was changed while it was read")


def spool(descriptor: int) -> Octets:
    """Everything that can still be read from `descriptor`, which stays open. Raises SourceError."""
    head = bytearray()
    for octets in _stream(descriptor):
        head += octets
        if len(head) > SPOOL:
            return _spool_to_file(head, descriptor)
    return HeldOctets(bytes(head))


def _spool_to_file(head: bytearray, descriptor: int) -> Octets:
    from ccc.transport.spool import Spool

    kept = Spool("what comes from standard input")
    try:
        kept.write(head)
        for octets in _stream(descriptor):
            kept.write(octets)
        return kept.finish()
    finally:
        kept.close()


def _stream(descriptor: int) -> Iterator[bytes]:
    try:
        while octets := os.read(descriptor, 1 << 16):
            yield octets
    except OSError as problem:
        raise _unreadable("-", problem) from problem


def _emlx(octets: FileOctets) -> Octets:
    """Apple Mail: a line with the message's count of octets, the message, then a property list."""
    line, newline, _ = octets.block(0)[:_COUNT_LINE].partition(b"\n")
    count = line.strip()
    if not newline or not count.isdigit():
        raise _wrong_count(octets.name, "its first line is no count of octets")
    start, size = len(line) + 1, int(count)
    after = octets.block(start + size)[:_COUNT_LINE].lstrip()
    octets.close()
    if start + size > octets.size:
        raise _wrong_count(octets.name, f"it is shorter than the {size} octets it announces")
    if not after.startswith(_PLIST) and after:
        raise _wrong_count(octets.name, f"no property list follows the {size} octets it announces")
    octets.narrow(start, size)
    return octets


def _pread(descriptor: int, count: int, offset: int, name: str) -> bytes:
    try:
        octets = os.pread(descriptor, count, offset)
    except OSError as problem:
        raise _changed(name, f"cannot be read any more ({problem.strerror})") from problem
    if not octets:
        raise _changed(name, f"ended early, after {offset} octets")
    return octets


def _identity(status: os.stat_result) -> tuple[int, int, int, int]:
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def _is_regular(descriptor: int) -> bool:
    try:
        return stat.S_ISREG(os.fstat(descriptor).st_mode)
    except OSError:
        return True  # opening it by its name says what is wrong


def _changed(name: str, how: str) -> SourceChanged:
    return SourceChanged(f"{name!r} {how}", cure="run it again when nothing writes to the file")


def _wrong_count(name: str, why: str) -> MessageError:
    return MessageError(f"{name!r} is not a whole .emlx file: {why}", cure="export it again from Mail")


def _not_a_file(name: str, status: os.stat_result) -> SourceError:
    if stat.S_ISDIR(status.st_mode):
        files = f"{name.rstrip('/')}/*.eml"
        return SourceError(f"{name!r} is a folder", cure=f"name the message files in it: {files}")
    kind = _KINDS.get(stat.S_IFMT(status.st_mode), "something else")
    return SourceError(f"{name!r} is {kind}, not a file", cure="use - and a pipe")


def _unreadable(name: str, problem: OSError | ValueError) -> SourceError:
    what = "standard input" if name == "-" else repr(name)
    match problem:
        case FileNotFoundError():
            cure = "save the mail as a file first" if _ELSEWHERE.match(name) else "check its name"
            return SourceError(f"there is no file {what}", cure=cure)
        case PermissionError():
            return SourceError(f"{what} may not be read", cure="check its permissions")
        case OSError(errno=errno.ENXIO):  # open(2): a socket
            return SourceError(f"{what} is a socket, not a file", cure="use - and a pipe")
        case OSError():
            return SourceError(f"{what} cannot be read: {problem.strerror}")
        case _:
            return SourceError(f"{what} is not a file name: {problem}")
