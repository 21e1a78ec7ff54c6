"""Address-lists written into header fields: folded, and added to a list that stands there already.

Of a field that exists no octet is changed: what is added goes behind its last one, or nowhere.
"""

from collections.abc import Iterator, Sequence

from ccc.address.mailbox import Mailbox
from ccc.address.read import unfolded
from ccc.address.tokens import items, tokens

_LINE = 76  # RFC 2047, 2, for a line with encoded words; RFC 5322, 2.1.1 asks for 78
_CROWDED = 900  # behind a line of so many octets and a field name, a comma may pass the limit of 998
_OPEN = ('"', "(", "[", "\\")  # each would swallow what comes next


def fold_list(name: str, mailboxes: Sequence[Mailbox], end: bytes = b"\r\n") -> bytes:
    """The whole field `name` with these mailboxes, folded, with its line ends."""
    return end.join(_lines(f"{name}:", mailboxes)) + end


def extension(value: bytes, mailboxes: Sequence[Mailbox], end: bytes = b"\r\n") -> bytes | None:
    """What adds mailboxes to the address-list in the field body `value`; it goes before the last line end.

    None if they would not be read as members of that list, because something in it is never closed.
    """
    if not mailboxes:
        return b""
    comma = _comma(unfolded(value))
    if comma is None:
        return None
    crowded = comma and len(value.splitlines()[-1]) > _CROWDED
    lines = b"".join(end + line for line in _lines("", mailboxes))
    return end + b" " + comma + lines if crowded else comma + lines


def _comma(text: str) -> bytes | None:
    """What the list `text` needs before another member: a comma or nothing; None if it can have none."""
    found = tokens(text)
    if any(kind == "junk" and value in _OPEN for kind, value, _, _ in found):
        return None
    group, before, kinds = False, "", [""]
    for item, (stop, _, _, _) in items(found):
        kinds = [token[0] for token in item if token[0] != "comment"]
        if stop != "end":
            before = stop
            group = stop == ":" or (group and stop == ",")
    brackets = [kind for kind in kinds if kind in ("<", ">")]
    if group or brackets[-1:] == ["<"]:
        return None
    return b"," if kinds or before == ";" else b""


def _lines(line: str, mailboxes: Sequence[Mailbox]) -> Iterator[bytes]:
    """Lines without their ends: `line` goes on as long as there is room."""
    for number, mailbox in enumerate(mailboxes, 1):
        whole = mailbox.header()
        *words, last = [whole] if len(whole.encode()) < _LINE - 1 else mailbox.pieces()
        for word in (*words, last if number == len(mailboxes) else f"{last},"):
            if line and len(line.encode()) + 1 + len(word.encode()) > _LINE:
                yield line.encode()
                line = ""
            line += f" {word}"
    yield line.encode()
