"""The transcript of a session in swaks' arrows, for eyes: every octet from outside made visible.

    === connected to mx.example.org [192.0.2.1]:25
    <-  220 mx.example.org ESMTP
     -> EHLO [192.0.2.7]
    === TLSv1.3, certificate verified
    <~  250 2.0.0 Ok
     ~> AUTH PLAIN ***
    <** 554 5.7.1 refused            (** marks a refusal)

Secrets are masked where they are said (login.py), not here. What a server says in a login is hidden here:
with a challenge of SCRAM, whoever reads the transcript could try passwords until one fits.
"""

from collections.abc import Callable, Iterator

from ccc.smtp.replies import CHALLENGE, STARS, Reply
from ccc.visible import visible, visible_octets


class Transcript:
    """Gives each line of a session to `write`."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self.write = write
        self._private = False

    def note(self, text: str) -> None:
        """Something that happened besides what was said."""
        self.write(f"=== {visible(text)}")

    def private(self, how: str) -> None:
        """TLS begins."""
        self._private = True
        self.note(how)

    def said(self, octets: bytes, shown: str | None) -> None:
        """We said this; `shown` stands for it."""
        arrow = " ~> " if self._private else " -> "
        for line in _lines(octets) if shown is None else shown.splitlines():
            self.write(arrow + visible(line))

    def heard(self, reply: Reply) -> None:
        """The server said this."""
        arrow = "<** " if reply.refused else "<~  " if self._private else "<-  "
        last = len(reply.lines) - 1
        for place, said in enumerate(reply.lines):
            line = STARS if said and reply.code == CHALLENGE else said
            separator = "-" if place < last else " "
            self.write(f"{arrow}{reply.code}{separator}{visible_octets(line)}".rstrip())

    def heard_line(self, line: bytes) -> None:
        """The server said this line, in a protocol whose replies are lines of any form."""
        self.write((("<~  " if self._private else "<-  ") + visible_octets(line)).rstrip())


def _lines(octets: bytes) -> Iterator[str]:
    """The command lines among the octets, made visible."""
    for line in octets.removesuffix(b"\r\n").split(b"\r\n"):
        yield visible_octets(line)
