"""What a header field shows: its address-list, read for eyes.

Strangers write headers, so nothing here is an error: an item that is no mailbox is passed over, a name is
read without what could harm, and the time grows with the length of the field and no faster.
"""

from ccc.address.domain import a_labels
from ccc.address.mailbox import JOINERS, Mailbox, first_harmful
from ccc.address.tokens import Fault, Item, dotted, items, joined, parts, tokens, unquoted
from ccc.address.words import decode_words
from ccc.errors import AddressError
from ccc.visible import harmful


def read_list(value: bytes) -> tuple[Mailbox, ...]:
    """The mailboxes in the raw value of a field such as To, folded or not; groups are flattened.

    A bare name such as `root` is a mailbox without a domain.
    """
    text = unfolded(value)
    found = []
    for item, stop in items(tokens(text)):
        if stop[0] == ":":
            continue  # the name of a group
        try:
            found.append(_mailbox(item))
        except (Fault, AddressError, ValueError):
            continue
    return tuple(found)


def unfolded(value: bytes) -> str:
    """The value on one line (RFC 5322, 2.2.3), as UTF-8 (RFC 6532) as far as it is."""
    text = value.decode("utf-8", "replace")
    return text.replace("\r", "").replace("\n", "")


def _mailbox(members: Item) -> Mailbox:
    item = [token for token in members if token[0] != "comment"]
    phrase, _, address, _ = parts(item)
    name = joined(phrase)
    if not name and members and members[-1][0] == "comment":  # RFC 822: `ann@x.com (Ann)` was a name
        name = unquoted(members[-1][1][1:-1])
    kinds = [token[0] for token in address]
    if "@" not in kinds:
        return Mailbox(dotted(address, ("word",), "a bare name"), "", _shown(name))
    at = kinds.index("@")
    local = dotted(address[:at], ("word", "quoted"), "the local part")
    return Mailbox(local, _domain(address[at + 1 :], address[at][3]), _shown(name))


def _domain(item: Item, end: int) -> str:
    """The domain, even one that no server would take: `_` and a last dot are well-known."""
    text = dotted(item, ("word", "literal"), "the domain").rstrip(".")
    if not text:
        raise Fault(end, "the domain is missing")
    if text.startswith("["):
        return a_labels(text)
    return text.lower() if text.isascii() else a_labels(text)


def _shown(name: str) -> str:
    """A name for eyes; it stays one when it is written into a header again."""
    name = decode_words(name)
    if first_harmful(name, JOINERS) < 0:
        return name
    return "".join(["\ufffd" if c not in JOINERS and harmful(c) else c for c in name])
