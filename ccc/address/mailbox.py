"""Mailbox: one person's address, with one rendering for each use.

Its parts are kept decoded; quoting and encoding happen in the rendering. One that would break a command, a
header or a screen cannot be built: no part holds a character that acts instead of being seen. It may still be
one that nobody can deliver to, such as the `root` of an old header: `undeliverable` tells.
"""

from dataclasses import dataclass

from ccc.address.domain import LDH, u_labels
from ccc.address.words import LONGEST, encode_words
from ccc.errors import AddressError
from ccc.visible import harmful, visible

JOINERS = "\u200c\u200d"  # harmless in a name: they shape Persian and Indic words, and emoji
_LONGEST_PART = 320  # octets; RFC 5321, 4.5.3.1 allows 64 and 255, but headers show longer ones
_SPECIALS = frozenset('()<>[]:;@\\,"')  # RFC 5322, 3.2.3
_CAPITALS = {capital: capital + 0x20 for capital in range(ord("A"), ord("Z") + 1)}
_DOMAIN = LDH | frozenset("._")
_LITERAL = LDH | frozenset("IPv6:.")


@dataclass(frozen=True, slots=True)
class Mailbox:
    """A mailbox: local part as written, domain in lower-case A-labels or an address literal, name.

    The domain is empty for a bare name that was read from a header, and only there.
    """

    local: str
    domain: str
    name: str = ""

    def __post_init__(self) -> None:
        if reason := self._flaw():
            raise AddressError(f"{self.local}@{self.domain}", 0, reason)

    def _flaw(self) -> str:
        if not self.local:
            return "the local part is missing"
        if not (_DOMAIN.issuperset(self.domain) or _is_literal(self.domain)):
            return "the domain is not written in lower-case A-labels"
        for text, allowed in ((self.local, ""), (self.name, JOINERS)):
            if (at := first_harmful(text, allowed)) >= 0:
                return not_allowed(text[at])
        if len(self.local.encode()) > _LONGEST_PART or len(self.domain) > _LONGEST_PART:
            return f"a part of the address is over {_LONGEST_PART} octets"
        return ""

    @property
    def key(self) -> tuple[str, str]:
        """Its identity in an envelope and in the journal."""
        return self.local, self.domain

    def same_person(self, other: "Mailbox") -> bool:
        """Whether both are one mailbox to the servers that people use, which do not heed case."""
        return self.person == other.person

    @property
    def person(self) -> tuple[str, str]:
        """Equal for two mailboxes of one person; beyond ASCII nobody knows what a server takes for equal."""
        return without_capitals(self.local), self.domain

    @property
    def ascii(self) -> bool:
        """Whether it can be sent to without SMTPUTF8 (RFC 6531)."""
        return self.local.isascii()

    @property
    def addr_spec(self) -> str:
        """The Mailbox of RFC 5321, 4.1.2, for a command or an argument: no angle brackets, no name."""
        return self._at(self.domain)

    def header(self) -> str:
        """The mailbox of RFC 5322, 3.4: ASCII, but for a local part that is not (RFC 6532)."""
        return " ".join(self.pieces())

    def pieces(self) -> list[str]:
        """The parts of `header()` between which a line may be folded (RFC 5322, 2.2.3)."""
        if not self.name:
            return [self.addr_spec]
        return [*_phrase(self.name), f"<{self.addr_spec}>"]

    def eyes(self) -> str:
        """For people: U-labels, then the A-labels as well, because U-labels can deceive."""
        domain = u_labels(self.domain)
        address = self._at(domain)
        if self.name:
            name = self.name if _SPECIALS.isdisjoint(self.name) else _quoted(self.name)
            address = f"{name} <{address}>"
        return address if domain == self.domain else f"{address} ({self.domain})"

    def _at(self, domain: str) -> str:
        local = self.local if _is_dot_string(self.local) else _quoted(self.local)
        return f"{local}@{domain}" if domain else local


def without_capitals(text: str) -> str:
    """The text in lower case, as far as it is ASCII."""
    return text.lower() if text.isascii() else text.translate(_CAPITALS)


def first_harmful(text: str, allowed: str = "") -> int:
    """Where the first character stands that acts instead of being seen; -1 if there is none."""
    if text.isprintable():
        return -1
    found = (at for at, char in enumerate(text) if char not in allowed and harmful(char))
    return next(found, -1)


def not_allowed(char: str) -> str:
    """The reason for refusing a harmful character."""
    return f"the character {visible(char)} is not allowed"


def _is_literal(domain: str) -> bool:
    return domain.startswith("[") and domain.endswith("]") and _LITERAL.issuperset(domain[1:-1])


def _is_dot_string(local: str) -> bool:
    """Whether a local part needs no quotes (RFC 5321, 4.1.2; RFC 6531, 3.3)."""
    if "=?" in local or " " in local:  # RFC 2047, 5: nothing outside a name looks like an encoded word
        return False
    return all(local.split(".")) and _SPECIALS.isdisjoint(local)


def _phrase(name: str) -> list[str]:
    """A display name as words of at most 75 octets, to be written with blanks between them."""
    if name.isascii() and "=?" not in name:  # RFC 2047, 5: a reader would decode it
        words = name.split(" ")
        if all(words) and "." not in name and _SPECIALS.isdisjoint(name) and max(map(len, words)) <= LONGEST:
            return words  # RFC 5322, 3.2.5
        if len(quoted := _quoted(name)) <= LONGEST:
            return [quoted]
    return encode_words(name)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'  # RFC 5322, 3.2.4
