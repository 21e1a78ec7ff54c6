"""ccc for programs: any message, any envelope.

    plan = ccc.plan_resend("sent.eml", to="late@example.org")
    print(plan.envelope.forward_paths, [finding.text for finding in plan.findings])
    for receipt in ccc.deliver([plan], route):
        print(receipt.outcomes)

A plan sends nothing. What is wrong is a CccError with a `kind`, `what` and a `cure`.
"""

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

from ccc.address import Mailbox, parse_mailbox, parse_recipients
from ccc.errors import UsageError
from ccc.message.message import Message, read
from ccc.message.octets import HeldOctets, Octets
from ccc.plan import Action, Plan, Request, Resent, make_plan

if TYPE_CHECKING:
    from datetime import datetime

Source = Message | Octets | bytes | str | os.PathLike[str]
"""A message: read already, octets, or the name of a file (`-` is standard input)."""

Address = str | Mailbox
Addresses = Address | Iterable[Address]
"""One mailbox, an address-list as text, or several of either."""


def plan_resend(
    message: Source,
    *,
    to: Addresses = (),
    cc: Addresses = (),
    bcc: Addresses = (),
    show_to: Addresses = (),
    show_cc: Addresses = (),
    sender: Address | None = None,
    envelope_from: Address | None = None,
    keep: str | Iterable[str] = (),
    strip: str | Iterable[str] = (),
    now: "datetime | None" = None,
    token: str | None = None,
) -> Plan:
    """Plan to send the user's own message to people it did not go to; To stays, Cc gains them.

    `show_to` and `show_cc` are shown and get nothing. `sender` is who the user is, else the message's
    From. Raises UsageError, MessageError, SourceError and LoopError.
    """
    request = Request(
        Action.RESEND,
        to=mailboxes(to),
        cc=mailboxes(cc),
        bcc=mailboxes(bcc),
        show_to=mailboxes(show_to),
        show_cc=mailboxes(show_cc),
        sender=_mailbox(sender),
        envelope_from=_mailbox(envelope_from),
        keep=_names(keep),
        strip=_names(strip),
    )
    return _plan(request, message, now, token)


def plan_redirect(
    message: Source,
    *,
    sender: Address,
    to: Addresses = (),
    cc: Addresses = (),
    bcc: Addresses = (),
    show_resent_to: Addresses = (),
    show_resent_cc: Addresses = (),
    envelope_from: Address | None = None,
    resent: Resent | str = Resent.AUTO,
    keep: str | Iterable[str] = (),
    strip: str | Iterable[str] = (),
    now: "datetime | None" = None,
    token: str | None = None,
) -> Plan:
    """Plan to pass somebody's message on, unaltered but for a resent block on top.

    `resent` says whether there is one: auto, always or never. Raises what plan_resend() raises.
    """
    request = Request(
        Action.REDIRECT,
        to=mailboxes(to),
        cc=mailboxes(cc),
        bcc=mailboxes(bcc),
        show_resent_to=mailboxes(show_resent_to),
        show_resent_cc=mailboxes(show_resent_cc),
        sender=_mailbox(sender),
        envelope_from=_mailbox(envelope_from),
        resent=_resent(resent),
        keep=_names(keep),
        strip=_names(strip),
    )
    return _plan(request, message, now, token)


def mailboxes(addresses: Addresses) -> tuple[Mailbox, ...]:
    """The mailboxes named; AddressError where one is none."""
    match addresses:
        case Mailbox():
            return (addresses,)
        case str():
            return parse_recipients(addresses)
        case _:
            return tuple(mailbox for each in addresses for mailbox in mailboxes(each))


def local_time() -> "datetime":
    """Now, in the local time zone, as a Resent-Date shows it."""
    from datetime import UTC, datetime

    return datetime.now(UTC).astimezone()


def fresh_token() -> str:
    """What makes a Resent-Message-ID unique: 128 random bits."""
    return os.urandom(16).hex()


def _plan(request: Request, message: Source, now: "datetime | None", token: str | None) -> Plan:
    now, token = now or local_time(), token or fresh_token()
    return make_plan(request, _message(message), now=now, token=token)


def _message(source: Source) -> Message:
    match source:
        case Message():
            return source
        case bytes():
            return read(HeldOctets(source), "octets")
        case str() | os.PathLike():
            from ccc.sources import read_source

            return read_source(os.fspath(source))
        case _:
            return read(source, "octets")


def _mailbox(address: Address | None) -> Mailbox | None:
    return parse_mailbox(address) if isinstance(address, str) else address


def _names(names: str | Iterable[str]) -> frozenset[str]:
    return frozenset((names,) if isinstance(names, str) else names)


def _resent(word: Resent | str) -> Resent:
    try:
        return Resent(word)
    except ValueError as error:
        raise UsageError(f"resent={word!r} means nothing", "say auto, always or never") from error
