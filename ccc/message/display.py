"""The people that a header shows, and how it comes to show more of them.

What is shown proves nothing and decides nothing: no recipient is ever taken from here (law 1).
"""

from collections.abc import Sequence
from typing import Final, Literal

from ccc.address import Mailbox, extension, fold_list, read_list
from ccc.errors import MessageError
from ccc.message.header import Header

# Below which field a new one stands, in order of preference (RFC 5322, 3.6, leaves the order free).
_BELOW: Final[dict[str, tuple[str, ...]]] = {"Cc": ("to", "from"), "To": ("from",)}


def shown_in(header: Header, key: str) -> tuple[Mailbox, ...]:
    """Everybody in the fields of this lower-case name, in their order."""
    return tuple([mailbox for field in header.all(key) for mailbox in read_list(field.value)])


def add_to_list(header: Header, name: Literal["To", "Cc"], mailboxes: Sequence[Mailbox]) -> Header:
    """The header with these people at the end of its last To or Cc, octets before them untouched.

    A field that is missing is made, a second one never (RFC 5322, 3.6). Raises MessageError if the field
    ends inside a quote or the like, so that nothing can be appended to the list.
    """
    if not mailboxes:
        return header
    fields = header.all(name.lower())
    if not fields:
        return _with_new(header, name, fold_list(name, mailboxes))
    added = extension(fields[-1].value, mailboxes)
    if added is None:
        raise MessageError(
            f"the last {name} field does not end as an address-list, so nobody can be added to it",
            f"header line {header.line_of(fields[-1])}",
            "use --bcc, which changes no field",
        )
    return header.extended(fields[-1], added)


def _with_new(header: Header, name: Literal["To", "Cc"], octets: bytes) -> Header:
    for key in _BELOW[name]:
        if fields := header.all(key):
            return header.after(fields[-1], octets)
    return header.after(None, octets)
