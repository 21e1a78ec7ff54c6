"""Server replies: octets in, whole replies out (RFC 5321, 4.2).

A reply is only what ends in a line end: a reply cut before it is a lost link, however good it looks. What
is not a reply at all is a ProtocolError. A hostile server can neither fill the memory nor change its code
in the middle of a reply.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from ccc.errors import ProtocolError

LINE_LIMIT = 4096  # octets; RFC 5321, 4.5.3.1.5 asks for 512
STARS = b"***"  # stand for what is hidden
REPLY_LIMIT = 65536  # octets of all lines of one reply

SERVICE_CLOSING = 421  # RFC 5321, 3.8
CHALLENGE = 334  # RFC 4954, 4: in a login and nowhere else
GOODBYE = 221  # RFC 5321, 4.2.3: to QUIT and to nothing else

_LINE = re.compile(rb"([2-5][0-9][0-9])([ -]|$)")  # RFC 5321, 4.2: the first digit decides
_ENHANCED = re.compile(rb"([245])\.(\d{1,3})\.(\d{1,3})(?= |$)")  # RFC 3463, 2


class Reply(NamedTuple):
    """One reply: its code, and the text of each line without code, separator and line end."""

    code: int
    lines: tuple[bytes, ...] = ()

    @property
    def accepted(self) -> bool:
        """The command was carried out: 2yz, whatever the other digits (RFC 5321, 4.2.1)."""
        return self.code < 300

    @property
    def go_ahead(self) -> bool:
        """The server waits for more: 3yz."""
        return 300 <= self.code < 400

    @property
    def refused(self) -> bool:
        """The command failed, for now or for good: 4yz or 5yz."""
        return self.code >= 400

    @property
    def transient(self) -> bool:
        """The command failed for now: 4yz (RFC 5321, 4.2.1)."""
        return 400 <= self.code < 500

    @property
    def enhanced(self) -> str:
        """The enhanced status code such as "5.1.1" (RFC 2034, 4), or ""."""
        match = _ENHANCED.match(self.lines[0]) if self.lines else None
        return match[0].decode() if match else ""

    @property
    def text(self) -> str:
        """Code and text on one line; hostile octets are still in it."""
        words = (line.decode("utf-8", "replace").strip() for line in self.lines)
        return f"{self.code} {' '.join(words)}".rstrip()

    def __str__(self) -> str:
        return self.text


class ReplyReader:
    """Collects octets until they are whole replies."""

    def __init__(self) -> None:
        self._rest = b""
        self._code = 0
        self._lines: list[bytes] = []
        self._size = 0
        self._hidden: tuple[re.Pattern[bytes], ...] = ()

    def hide(self, secret: re.Pattern[bytes]) -> None:
        """From here on make stars of this wherever the server says it."""
        self._hidden = (*self._hidden, secret)

    @property
    def empty(self) -> bool:
        """Nothing of a next reply has come."""
        return not self._rest and not self._lines

    def feed(self, octets: bytes) -> Iterator[Reply]:
        """The replies that `octets` complete, in order; ProtocolError where they stop being replies."""
        lines = (self._rest + octets).split(b"\n")
        self._rest = lines.pop()
        for line in lines:
            reply = self._line(line.removesuffix(b"\r"))
            if reply is not None:
                yield reply
        if len(self._rest.removesuffix(b"\r")) > LINE_LIMIT:
            raise ProtocolError(f"the server sent a reply line of more than {LINE_LIMIT} octets")

    def _line(self, line: bytes) -> Reply | None:
        """Take one line; the reply, if this was its last."""
        match = _LINE.match(line)
        if match is None or len(line) > LINE_LIMIT:
            raise ProtocolError(
                f"the server sent something that is no SMTP reply: {_excerpt(self._masked(line))}"
            )
        code = int(match[1])
        if self._lines and code != self._code:  # RFC 5321, 4.2.1: every line bears the same code
            raise ProtocolError(f"the server's reply began with {self._code} and went on with {code}")
        self._code = code
        self._lines.append(self._masked(line[4:]))
        self._size += len(line)
        if self._size > REPLY_LIMIT:
            raise ProtocolError(f"the server's reply has more than {REPLY_LIMIT} octets")
        if match[2] == b"-":
            return None
        reply = Reply(code, tuple(self._lines))
        self._lines.clear()
        self._size = 0
        return reply

    def _masked(self, line: bytes) -> bytes:
        """The line without secrets of ours."""
        for secret in self._hidden:
            line = secret.sub(STARS, line)
        return line


def _excerpt(line: bytes) -> str:
    """The beginning of a line for an error message, quoted."""
    return ascii(line[:60].decode("utf-8", "replace"))
