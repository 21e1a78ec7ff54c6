"""How long each step may take, in seconds (RFC 5321, 4.5.3.2)."""

from typing import NamedTuple

from ccc.smtp.steps import Wait


class Timeouts(NamedTuple):
    """Seconds; each holds for a whole reply, however it drips, or for a block of content."""

    connect: float = 30.0
    tls: float = 60.0
    greeting: float = 300.0  # RFC 5321, 4.5.3.2.1
    command: float = 300.0
    mail: float = 300.0  # RFC 5321, 4.5.3.2.2
    rcpt: float = 300.0  # RFC 5321, 4.5.3.2.3
    data: float = 120.0  # RFC 5321, 4.5.3.2.4
    block: float = 180.0  # RFC 5321, 4.5.3.2.5
    content: float = 600.0  # RFC 5321, 4.5.3.2.6: a shorter one makes duplicates

    def at_most(self, seconds: float) -> "Timeouts":
        """The same with no step longer than `seconds`."""
        return Timeouts(*(min(each, seconds) for each in self))

    def of(self, wait: Wait) -> float:
        """The seconds for a reply."""
        seconds: float = getattr(self, wait.value)
        return seconds
