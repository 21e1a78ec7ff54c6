"""Which signatures in a header an edit breaks; no DNS and no cryptography are needed to know.

Theory of operation. `h=` names the fields that were signed, and each mention of a name consumes one
field of that name, from the bottom of the header up; a mention beyond the last one signs that there is
no such field (RFC 6376, 5.4.2). So a field put on top breaks a signature exactly if `h=` names it more
often than it occurs, and a field left out exactly if it is among those consumed. Both, and every other
edit, are one question here: do the consumed fields read the same before and after?
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, Literal, NamedTuple

from ccc.address import Mailbox
from ccc.message.header import Field, Header

_KINDS: Final[dict[str, Literal["dkim", "arc"]]] = {
    "dkim-signature": "dkim",  # RFC 6376, 3.5
    "arc-message-signature": "arc",  # RFC 8617, 4.1.2; ARC-Seal covers ARC fields only
}
_LONGEST_DOMAIN: Final = 255  # RFC 5321, 4.5.3.1.2
_FWS: Final = re.compile(rb"\s+")


class Signature(NamedTuple):
    """A signature over header fields, as far as its own field tells."""

    kind: Literal["dkim", "arc"]
    domain: str  # d=, in lower case
    signed: tuple[str, ...]  # the names in h=, in lower case, as often as they are named
    field: Field


def signatures(header: Header) -> tuple[Signature, ...]:
    """The signatures, from the top; what names no domain or no fields signs nothing."""
    found = []
    for field in header.fields:
        kind = _KINDS.get(field.key)
        if kind and (signature := _signature(kind, field)):
            found.append(signature)
    return tuple(found)


def broken_by(before: Header, after: Header) -> tuple[Signature, ...]:
    """The signatures of `before` that do not hold in `after`, those that are gone included."""
    before, after = before.ended(), after.ended()  # the end of the last line is not an edit
    signed = signatures(before)
    if not signed:
        return ()
    kept = {field for field in after.fields if field.key in _KINDS}
    old, new = _by_key(before), _by_key(after)
    broken = [it for it in signed if it.field not in kept or _consumed(it, old) != _consumed(it, new)]
    return tuple(broken)


def aligned(signed: Sequence[Signature], authors: Sequence[Mailbox]) -> tuple[Signature, ...]:
    """Those whose domain speaks for an author's: equal, or one is part of the other."""
    # RFC 7489, 3.1.1 asks for the same organizational domain; without a list of those this is nearest.
    own = {author.domain for author in authors if author.domain}
    signing = {it.domain for it in signed if len(it.domain) <= _LONGEST_DOMAIN}
    above = {each for domain in own for each in _lineage(domain) if each in signing}
    speaking = {domain for domain in signing if domain in above or not own.isdisjoint(_lineage(domain))}
    return tuple([it for it in signed if it.domain in speaking])


def parse_tags(value: bytes) -> dict[str, bytes]:
    """The tag=value pairs of a signature without white space; of a double tag the first."""
    tags: dict[str, bytes] = {}
    for item in _FWS.sub(b"", value).split(b";"):  # RFC 6376, 3.2
        name, equals, content = item.partition(b"=")
        if equals:
            tags.setdefault(name.decode("ascii", "replace"), content)
    return tags


def _signature(kind: Literal["dkim", "arc"], field: Field) -> Signature | None:
    tags = parse_tags(field.value)
    domain = tags.get("d", b"").decode("utf-8", "replace").lower().rstrip(".")
    names = tags.get("h", b"").decode("ascii", "replace").lower().split(":")
    signed = tuple([name for name in names if name])
    return Signature(kind, domain, signed, field) if domain and signed else None


def _by_key(header: Header) -> Mapping[str, list[Field]]:
    fields = defaultdict(list)
    for field in reversed(header.fields):
        fields[field.key].append(field)
    return fields


def _consumed(signature: Signature, bottom_up: Mapping[str, list[Field]]) -> list[Field]:
    """The fields that the signature covers, in the order of h=; a missing one adds nothing."""
    left: dict[str, Iterator[Field]] = {}
    consumed = []
    for key in signature.signed:  # RFC 6376, 5.4.2
        fields = left.setdefault(key, iter(bottom_up.get(key, ())))
        others = (field for field in fields if field != signature.field)  # RFC 6376, 3.5
        if field := next(others, None):
            consumed.append(field)
    return consumed


def _lineage(domain: str) -> Iterator[str]:
    """The domain itself, and each that it is part of."""
    while domain:
        yield domain
        domain = domain.partition(".")[2]
