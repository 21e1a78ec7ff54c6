"""The people a request names: who gets the message, who is shown, and what is odd about an address.

All of it is the same for every message of a batch, so it is worked out once.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from ccc.address import Mailbox
from ccc.address.mailbox import without_capitals
from ccc.message.findings import Finding

Mailboxes = tuple[Mailbox, ...]
Person = tuple[str, str]

# What can stand within an address without being part of it: folds, blanks, quotes (RFC 5322, 3.2.4, 4.4).
FOLDED = b' \t\r\n"\\'
# Scripts that people write together in one word; any other mixture is there to deceive (UTS 39, 5.2).
_WRITTEN_TOGETHER = frozenset(
    {"LATIN", "CJK", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO", "IDEOGRAPHIC"}
) | {"KATAKANA-HIRAGANA"}


class People(NamedTuple):
    """Everybody named: the recipients, and who is to be shown in the To list and in the Cc list.

    The lists are To and Cc in a resend, those of the resent block in a redirect. `persons` are the
    recipients and `others` whom To and Cc are to show besides, both for comparing, as `spellings` are
    of everybody; `findings` say what is odd about the addresses.
    """

    recipients: Mailboxes
    to: Mailboxes
    cc: Mailboxes
    persons: frozenset[Person]
    others: frozenset[Person]
    spellings: frozenset[bytes]
    findings: tuple[Finding, ...]

    @classmethod
    def of(cls, recipients: Mailboxes, to: Mailboxes, cc: Mailboxes, *, block: bool) -> "People":
        """The people, each once; a recipient is another one where the local part differs at all."""
        once = _first_of_each(recipients, lambda mailbox: mailbox.key)  # RFC 5321, 2.4
        everybody = unique(once + to + cc)
        persons = _persons(once)
        return cls(
            recipients=once,
            to=to,
            cc=cc,
            persons=persons,
            others=frozenset() if block else _persons(to + cc) - persons,
            spellings=frozenset(map(_spelling, everybody)),
            findings=(*_in_capitals(once), *oddities(everybody)),
        )


def unique(mailboxes: Iterable[Mailbox]) -> Mailboxes:
    """Each person once, as named first."""
    return _first_of_each(mailboxes, lambda mailbox: mailbox.person)


def without(mailboxes: Mailboxes, others: Mailboxes) -> Mailboxes:
    """Those who are not among the others."""
    if not others:
        return mailboxes
    taken = _persons(others)
    return tuple(mailbox for mailbox in mailboxes if mailbox.person not in taken)


def oddities(mailboxes: Iterable[Mailbox]) -> Iterator[Finding]:
    """What is odd about addresses that look right."""
    for mailbox in mailboxes:
        if "@" in mailbox.name:
            yield from _address_in_name(mailbox)
        if "xn--" in mailbox.domain:
            yield _international_domain(mailbox)
        if not mailbox.local.isascii():
            yield from _not_composed(mailbox)


def _in_capitals(recipients: Mailboxes) -> Iterator[Finding]:
    """Recipients who are two to the envelope and one person to people."""
    first: dict[Person, Mailbox] = {}
    for mailbox in recipients:
        other = first.setdefault(mailbox.person, mailbox)
        if other is not mailbox:
            yield Finding(
                "differs-in-case",
                "warning",
                f"{other.addr_spec} and {mailbox.addr_spec} differ only in capitals and may be one person",
            )


def _persons(mailboxes: Mailboxes) -> frozenset[Person]:
    return frozenset([mailbox.person for mailbox in mailboxes])


def _first_of_each(mailboxes: Iterable[Mailbox], key: Callable[[Mailbox], Person]) -> Mailboxes:
    found: dict[Person, Mailbox] = {}
    for mailbox in mailboxes:
        found.setdefault(key(mailbox), mailbox)
    return tuple(found.values())


def _spelling(mailbox: Mailbox) -> bytes:
    """The address as it would stand in a header, without what can be folded into it."""
    return f"{mailbox.local}@{mailbox.domain}".encode().translate(None, FOLDED).lower()


def _address_in_name(mailbox: Mailbox) -> Iterator[Finding]:
    named = without_capitals(mailbox.name.strip(" '\"<>"))
    if named != without_capitals(mailbox.addr_spec):
        yield Finding(
            "address-in-name",
            "warning",
            f"the name {mailbox.name!r} looks like an address, but the address is {mailbox.addr_spec}",
        )


def _international_domain(mailbox: Mailbox) -> Finding:
    from ccc.address.domain import u_labels

    domain = f"the domain {u_labels(mailbox.domain)} ({mailbox.domain} on the wire)"
    if any(map(_mixes_scripts, u_labels(mailbox.domain).split("."))):
        return Finding("mixed-scripts", "warning", f"{domain} mixes letters of several scripts")
    return Finding("international-domain", "note", f"{domain} has letters that others may resemble")


def _mixes_scripts(label: str) -> bool:
    from unicodedata import name

    scripts = {name(char, "").split(" ")[0] for char in label if char.isalpha()}
    return len(scripts) > 1 and not scripts <= _WRITTEN_TOGETHER


def _not_composed(mailbox: Mailbox) -> Iterator[Finding]:
    from unicodedata import is_normalized

    if not is_normalized("NFC", mailbox.local):  # RFC 6532, 3.1
        yield Finding(
            "not-normalized",
            "warning",
            f"the local part of {mailbox.eyes()} is not in Unicode's normal form C: "
            "its server may only know another spelling",
        )
