"""TLSA records: certificates and public keys that a domain publishes in the DNS (RFC 6698).

Whether one matches a certificate is decided from its octets alone. Of a certificate's DER no more is read
than the way to its public key; what is no certificate matches nothing.
"""

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

TRUST_ANCHOR: Final = 2  # DANE-TA: an issuer of the certificate
END_ENTITY: Final = 3  # DANE-EE: the certificate of the server itself

_DIGESTS = {1: "sha256", 2: "sha512"}  # RFC 6698, 7.4
_LENGTHS = {1: 32, 2: 64}
_SEQUENCE, _INTEGER, _VERSION = 0x30, 0x02, 0xA0


class Tlsa(NamedTuple):
    """What a record says: for what it is used, which part it is of, in which form, and the octets."""

    usage: int
    selector: int  # 0 the certificate, 1 its public key
    matching: int  # 0 all octets, 1 SHA-256, 2 SHA-512
    data: bytes

    @property
    def well_formed(self) -> bool:
        """Whether something could match it."""
        if self.selector not in (0, 1) or self.matching not in (0, 1, 2):
            return False
        if self.matching in _LENGTHS:
            return len(self.data) == _LENGTHS[self.matching]
        return (public_key(self.data) if self.selector == 0 else _whole(self.data)) is not None

    def matches(self, certificate: bytes) -> bool:
        """Whether it is of this certificate (RFC 6698, 2.1)."""
        part = certificate if self.selector == 0 else public_key(certificate)
        if part is None or not self.well_formed:
            return False
        if self.matching not in _DIGESTS:
            return part == self.data
        import hashlib

        return hashlib.new(_DIGESTS[self.matching], part).digest() == self.data


def agile(records: Iterable[Tlsa]) -> tuple[Tlsa, ...]:
    """Those that count: a SHA-256 does not where there is a SHA-512 for the same thing (RFC 7671, 9)."""
    known = tuple(records)
    strong = {each[:2] for each in known if each.matching == 2}
    return tuple(each for each in known if each.matching != 1 or each[:2] not in strong)


def public_key(certificate: bytes) -> bytes | None:
    """The SubjectPublicKeyInfo of a certificate in DER (RFC 5280, 4.1); None if that is none."""
    outer = _element(certificate, 0, len(certificate))
    if outer is None or outer.tag != _SEQUENCE or outer.end != len(certificate):
        return None
    inner = _element(certificate, outer.content, outer.end)
    if inner is None or inner.tag != _SEQUENCE:
        return None
    place, found = inner.content, None
    # serialNumber, signature, issuer, validity, subject, subjectPublicKeyInfo; a version may come before them
    for tag in (_VERSION, _INTEGER, *[_SEQUENCE] * 5):
        found = _element(certificate, place, inner.end)
        if found is not None and found.tag == tag:
            place = found.end
        elif tag != _VERSION:
            return None
    return certificate[found.start : found.end] if found else None


def names_one_of(certificate: Mapping[str, object], names: Iterable[str]) -> bool:
    """Whether a verified certificate, as ssl.getpeercert() has it, is for one of these names.

    Its subject counts where it has no alternative name that is a domain's (RFC 7672, 3.2.3).
    """
    found = [value for kind, value in _pairs(certificate.get("subjectAltName")) if kind == "DNS"]
    if not found:
        subject = certificate.get("subject")
        parts = subject if isinstance(subject, tuple) else ()
        found = [value for part in parts for kind, value in _pairs(part) if kind == "commonName"]
    wanted = [name.lower() for name in names]
    return any(covers(pattern.lower(), name) for pattern in found for name in wanted)


def covers(pattern: str, name: str) -> bool:
    """Whether a name, or a pattern such as *.example.org, covers this name: the star is one label."""
    if not pattern.startswith("*."):
        return pattern == name
    first, dot, rest = name.partition(".")
    return bool(first and dot) and rest == pattern[2:]


class _Element(NamedTuple):
    """One element of DER: its tag, and where in the octets it, its content and its end are."""

    tag: int
    start: int
    content: int
    end: int


def _element(octets: bytes, start: int, limit: int) -> _Element | None:
    """The element that begins here and ends within the limit; None if there is none (X.690, 8.1)."""
    if start + 2 > limit:
        return None
    tag, length, content = octets[start], octets[start + 1], start + 2
    if length > 0x7F:
        count = length & 0x7F
        if not 0 < count <= 4 or content + count > limit:  # X.690, 10.1: never an indefinite length
            return None
        length = int.from_bytes(octets[content : content + count])
        content += count
    return _Element(tag, start, content, content + length) if content + length <= limit else None


def _whole(octets: bytes) -> _Element | None:
    """The sequence that these octets are, and nothing behind it."""
    found = _element(octets, 0, len(octets))
    return found if found and found.tag == _SEQUENCE and found.end == len(octets) else None


def _pairs(value: object) -> list[tuple[str, str]]:
    """The pairs of strings in what ssl makes of a name."""
    pairs = value if isinstance(value, tuple) else ()
    return [(pair[0], pair[1]) for pair in pairs if isinstance(pair, tuple) and len(pair) == 2]
