"""The transcript of a session in swaks' arrows, for eyes: every octet from outside made visible.

    === connected to mx.example.org [192.0.2.1]:25
    <-  220 mx.example.org ESMTP
     -> EHLO [192.0.2.7]
    === TLSv1.3, certificate verified
    <~  250 2.0.0 Ok
     ~> AUTH PLAIN ***
    <** 554 5.7.1 refused            (** marks a refusal)

Secrets are masked where they are said (login.py), not here: what this module is given may be shown.
"""

from collections.abc import Callable, Iterator

from ccc.smtp.replies import Reply
from ccc.visible import visible, visible_octets


class Transcript:
    """Gives each line of a session to `write`."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._private = False

    def note(self, text: str) -> None:
        """Something that happened besides what was said."""
        self._write(f"=== {visible(text)}")

    def private(self, how: str) -> None:
        """TLS begins."""
        self._private = True
        self.note(how)

    def said(self, octets: bytes, shown: str | None) -> None:
        """We said this; `shown` stands for it."""
        arrow = " ~> " if self._private else " -> "
        for line in _lines(octets) if shown is None else shown.splitlines():
            self._write(arrow + visible(line))

    def heard(self, reply: Reply) -> None:
        """The server said this."""
        arrow = "<** " if reply.refused else "<~  " if self._private else "<-  "
        last = len(reply.lines) - 1
        for place, line in enumerate(reply.lines):
            separator = "-" if place < last else " "
            self._write(f"{arrow}{reply.code}{separator}{visible_octets(line)}".rstrip())


def _lines(octets: bytes) -> Iterator[str]:
    """The command lines among the octets, made visible."""
    for line in octets.removesuffix(b"\r\n").split(b"\r\n"):
        yield visible_octets(line)
