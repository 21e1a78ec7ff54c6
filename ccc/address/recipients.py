"""What a user types: an address-list (RFC 5322, 3.4) of mailboxes for an envelope (RFC 5321, 4.1.2).

Obsolete forms are read, for people paste them, and never written. Anything else is refused with its position
and the reason, because a guessed recipient is a stranger who gets the mail.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from ccc.address.domain import a_labels
from ccc.address.mailbox import JOINERS, Mailbox, first_harmful, not_allowed
from ccc.address.tokens import PAIR, Fault, Item, Token, dotted, items, joined, misplaced, parts, tokens
from ccc.address.words import decode_words
from ccc.errors import AddressError

_LONGEST_LOCAL = 64  # RFC 5321, 4.5.3.1.1
_LONGEST_PATH = 256  # RFC 5321, 4.5.3.1.3, "including the punctuation"


def parse_recipients(text: str) -> tuple[Mailbox, ...]:
    """The mailboxes of the address-list `text`, at least one, in its order; groups are flattened."""
    return tuple([mailbox for mailbox, _ in _read(text)])


def parse_mailbox(text: str) -> Mailbox:
    """The one mailbox that `text` holds."""
    found = _read(text)
    if len(found) > 1:
        raise AddressError(text, found[1][1], "one address was expected, and a second one begins")
    return found[0][0]


def undeliverable(mailbox: Mailbox) -> str:
    """Why a mailbox, however it was made, cannot stand in an envelope; empty if it can."""
    if not mailbox.domain:
        return "the domain is missing"
    try:
        if a_labels(mailbox.domain) != mailbox.domain:
            return "the domain is not in its usual form"
    except ValueError as error:
        return str(error)
    return _local_flaw(mailbox.local) or _size_flaw(mailbox)


def _read(text: str) -> list[tuple[Mailbox, int]]:
    try:
        found = list(_mailboxes(text))
    except Fault as fault:
        raise AddressError(text, fault.position, fault.reason) from None
    if not found:
        raise AddressError(text, 0, "there is no address")
    return found


def _tokens(text: str) -> list[Token]:
    if (at := first_harmful(text, "\t" + JOINERS)) >= 0:
        raise Fault(at, not_allowed(text[at]))
    found = tokens(text)
    if junk := next((token for token in found if token[0] == "junk"), None):
        raise misplaced(junk, "an address")
    pairs = re.finditer(PAIR, text) if "\\" in text else ()
    if wrong := next((pair for pair in pairs if not pair[1].isascii()), None):  # RFC 6531, 3.3
        raise Fault(wrong.start(), "a backslash stands before a character that is not ASCII")
    return found


def _mailboxes(text: str) -> Iterator[tuple[Mailbox, int]]:
    """Each mailbox with the position at which it begins."""
    group: Item = ()  # the name of the group that is open
    closed = False  # a group has just been closed
    for members, (stop, _, at, _) in items(_tokens(text)):
        item = [token for token in members if token[0] != "comment"]
        if closed and item:
            raise Fault(item[0][2], "a comma is missing after the group")
        closed = stop == ";"
        if closed and not group:
            raise Fault(at, "addresses are separated by commas, and the ';' closes no group")
        if stop == ":":
            group = _group(group, item, at)
        elif item:
            yield _mailbox(item), item[0][2]
        if closed:
            group = ()
    if group:
        raise Fault(group[0][2], "the group is never closed with a ';'")


def _group(outer: Item, name: Item, at: int) -> Item:
    if outer:
        raise Fault(at, "a group cannot stand in a group")  # RFC 5322, 3.4
    if not name:
        raise Fault(at, "the group has no name")
    _name(name)
    return name


def _mailbox(item: Item) -> Mailbox:
    phrase, route, address, rest = parts(item)
    name = _name(phrase)
    _check_route(route)
    if rest:
        raise Fault(rest[0][2], "a comma is missing after the '>'")
    if not address:
        raise Fault(item[-1][2], "there is no address in the angle brackets")
    return _addr_spec(address, name)


def _addr_spec(item: Item, name: str) -> Mailbox:
    kinds = [token[0] for token in item]
    if "@" not in kinds:
        raise Fault(item[-1][3], "the domain is missing")
    at = kinds.index("@")
    local = _local(item[:at], item[at][2])
    domain = _domain(item[at + 1 :], item[at][3])
    return _limited(local, domain, name, item[0][2])


def _name(item: Item) -> str:
    """A display name, in which dots may stand (RFC 5322, 4.1: obs-phrase)."""
    for token in item:
        if token[0] not in ("word", "encoded", "quoted", "."):
            raise misplaced(token, "a name without quotes")
    name = decode_words(joined(item))
    if (at := first_harmful(name, JOINERS)) >= 0:
        raise Fault(item[0][2], not_allowed(name[at]))
    return name


def _check_route(item: Item) -> None:
    """A source route is read and ignored (RFC 5321, appendix C), but it has to be one."""
    member: list[Token] = []
    for token in item:
        if token[0] not in (",", ":"):
            member.append(token)
            continue
        if member and member[0][0] != "@":
            raise misplaced(member[0], "a source route")
        if member:
            _domain(member[1:], token[2])
        member = []


def _local(item: Item, end: int) -> str:
    local = _strictly_dotted(item, ("word", "quoted"), "the local part", end)
    if flaw := _local_flaw(local):
        raise Fault(item[0][2], flaw)
    return local


def _local_flaw(local: str) -> str:
    if local.isprintable():
        return ""
    blank = next((char for char in local if char.isspace() and char != " "), "")
    return f"the local part holds the blank U+{ord(blank):04X}" if blank else ""


def _domain(item: Item, end: int) -> str:
    if item and item[0][0] == "literal":
        if len(item) > 1:
            raise Fault(item[1][2], "something follows the address literal")
        domain = item[0][1]
    else:
        domain = _strictly_dotted(item, ("word",), "the domain", end)
    try:
        return a_labels(domain)
    except ValueError as error:
        raise Fault(item[0][2], str(error)) from None


def _strictly_dotted(item: Item, kinds: Sequence[str], what: str, end: int) -> str:
    """Words with one dot between any two (RFC 5321, 4.1.2: Dot-string, Domain)."""
    if not item:
        raise Fault(end, f"{what} is missing")
    text = dotted(item, kinds, what)
    if all(text.split(".")):
        return text
    for before, token in pairwise(((".", "", 0, 0), *item)):
        if before[0] == token[0] == ".":
            raise Fault(token[2], f"{what} has a dot too many")
    if item[-1][0] == ".":
        raise Fault(item[-1][2], f"{what} has a dot too many")
    return text


def _limited(local: str, domain: str, name: str, start: int) -> Mailbox:
    try:
        mailbox = Mailbox(local, domain, name)
    except AddressError as error:
        raise Fault(start, error.reason) from None
    if flaw := _size_flaw(mailbox):
        raise Fault(start, flaw)
    return mailbox


def _size_flaw(mailbox: Mailbox) -> str:
    size = len(mailbox.addr_spec.encode())
    if size - len(f"@{mailbox.domain}") > _LONGEST_LOCAL:
        return f"the local part is over {_LONGEST_LOCAL} octets"
    if size > _LONGEST_PATH - len("<>"):
        return f"the address is over {_LONGEST_PATH - len('<>')} octets"
    return ""
