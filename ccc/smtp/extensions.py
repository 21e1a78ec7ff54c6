"""What a server offers: the keywords of its EHLO reply (RFC 5321, 4.1.1.1)."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from ccc.smtp.replies import Reply


class Extensions(NamedTuple):
    """The EHLO keywords in upper case, each with its parameters; empty after a HELO."""

    keywords: Mapping[str, tuple[str, ...]] = MappingProxyType({})

    @classmethod
    def of(cls, reply: Reply) -> "Extensions":
        """Read an EHLO reply: the first line greets, each other line is a keyword and its parameters."""
        keywords: dict[str, tuple[str, ...]] = {}
        for line in reply.lines[1:]:
            words = line.decode("ascii", "replace").upper()
            if words.startswith("AUTH="):  # what servers said before RFC 2554, and some still do
                words = words.replace("=", " ", 1)
            name, *parameters = words.split() or [""]
            keywords[name] = (*keywords.get(name, ()), *parameters)
        return cls(keywords)

    def without(self, *names: str) -> "Extensions":
        """The same server, had it not offered these."""
        return Extensions(
            {name: parameters for name, parameters in self.keywords.items() if name not in names}
        )

    @property
    def pipelining(self) -> bool:
        """Commands may be said before the replies to earlier ones have come (RFC 2920)."""
        return "PIPELINING" in self.keywords

    @property
    def chunking(self) -> bool:
        """BDAT is understood (RFC 3030)."""
        return "CHUNKING" in self.keywords

    @property
    def eight_bit_mime(self) -> bool:
        """BODY=8BITMIME is understood (RFC 6152)."""
        return "8BITMIME" in self.keywords

    @property
    def smtputf8(self) -> bool:
        """Addresses and header fields may be UTF-8 (RFC 6531)."""
        return "SMTPUTF8" in self.keywords

    @property
    def dsn(self) -> bool:
        """Delivery status notifications can be asked for (RFC 3461)."""
        return "DSN" in self.keywords

    @property
    def starttls(self) -> bool:
        """STARTTLS is understood (RFC 3207)."""
        return "STARTTLS" in self.keywords

    @property
    def require_tls(self) -> bool:
        """A message may ask never to travel without verified TLS (RFC 8689)."""
        return "REQUIRETLS" in self.keywords

    @property
    def size(self) -> bool:
        """MAIL may declare the size of its message (RFC 1870)."""
        return "SIZE" in self.keywords

    @property
    def size_limit(self) -> int | None:
        """The most octets of a message that the server takes; None where it does not say (RFC 1870, 3)."""
        limit = next(iter(self.keywords.get("SIZE", ())), "")
        # Zero means that there is no fixed limit (RFC 1870, 4).
        return int(limit) or None if limit.isascii() and limit.isdigit() and len(limit) <= 20 else None

    @property
    def mechanisms(self) -> tuple[str, ...]:
        """The SASL mechanisms for AUTH (RFC 4954, 3)."""
        return self.keywords.get("AUTH", ())
