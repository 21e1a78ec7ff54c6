"""What is left out of every message, and why.

These fields say who got a blind copy, or how one mailbox received and filed this copy: none of it is
for new readers. The user can change the list; what it does to a message is always in the plan.
"""

from typing import Final, NamedTuple

from ccc.message.header import Field, Header

_BLIND: Final = "it names blind recipients"
_RECEIPT: Final = "it says how one mailbox received this copy"
_FILING: Final = "it says how one mail program filed this copy"

REASONS: Final[dict[str, str]] = {
    "bcc": _BLIND,  # RFC 5322, 3.6.3
    "resent-bcc": _BLIND,  # RFC 5322, 3.6.6
    "return-path": _RECEIPT,  # RFC 5321, 4.4: made by the final delivery, not to be sent on
    "delivered-to": _RECEIPT,
    "x-original-to": _RECEIPT,
    "envelope-to": _RECEIPT,
    "status": _FILING,
    "x-status": _FILING,
    "x-gmail-labels": _FILING,
}
_MOZILLA: Final = "x-mozilla-"
FROM_LINE_REASON: Final = "it separates messages in an mbox file"
STRIPPED: Final = "--strip or the account names it"


class LeftOut(NamedTuple):
    """A field that does not go out, and why."""

    field: Field
    reason: str


def left_out(
    header: Header, keep: frozenset[str] = frozenset(), strip: frozenset[str] = frozenset()
) -> tuple[LeftOut, ...]:
    """The fields to leave out, from the top.

    `keep` and `strip` hold lower-case names, or the beginning of names followed by `*`; a name in both
    is left out.
    """
    found = []
    for field in header.fields:
        reason = _reason(field.key, keep, strip)
        if reason:
            found.append(LeftOut(field, reason))
    return tuple(found)


def _reason(key: str, keep: frozenset[str], strip: frozenset[str]) -> str:
    if strip and _named(key, strip):
        return STRIPPED
    reason = _FILING if key.startswith(_MOZILLA) else REASONS.get(key, "")
    return "" if reason and keep and _named(key, keep) else reason


def _named(key: str, patterns: frozenset[str]) -> bool:
    return any(fits(key, pattern.lower()) for pattern in patterns)


def fits(key: str, pattern: str) -> bool:
    """Whether a pattern in lower case names the field."""
    if pattern.endswith("*"):
        return bool(key) and key.startswith(pattern[:-1])
    return key == pattern != ""
