"""What a server of the lab writes down: accepted transactions, and links."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Transaction:
    """What was accepted: the command lines without their line ends, and the content, decoded."""

    mail_line: bytes
    rcpt_lines: tuple[bytes, ...]  # accepted ones only
    refused_lines: tuple[bytes, ...]
    content: bytes  # dots undoubled, or the chunks put together; b"" if octets are not kept
    size: int
    link: int
    user: str | None = None
    tls: bool = False

    @property
    def reverse_path(self) -> str:
        """The address in MAIL, without <>."""
        return address(self.mail_line)

    @property
    def forward_paths(self) -> tuple[str, ...]:
        """The accepted addresses, without <>."""
        return tuple(address(line) for line in self.rcpt_lines)


@dataclass(frozen=True, slots=True)
class Delivered:
    """A file in a real server's mailbox: the envelope as the server wrote it, and the octets below."""

    reverse_path: str
    recipient: str
    octets: bytes  # with LF line ends, from the first Received down


@dataclass(slots=True)
class Session:
    """One link: the octets as they came, how often the server answered, who logged in."""

    number: int
    wire: bytes = b""
    turns: int = 0
    user: str | None = None
    tls: bool = False
    commands: list[bytes] = field(default_factory=list)


def address(line: bytes) -> str:
    """The address in a MAIL or RCPT line."""
    return line[line.index(b"<") + 1 : line.rindex(b">")].decode("utf-8", "surrogateescape")
