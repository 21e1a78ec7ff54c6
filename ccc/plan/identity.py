"""Who the user is in this message, and where reports of failure go.

The identity is the reverse-path, the Resent-From and the one whose mail may be resent. It is what the
user said; only a resend without a word of it takes the message's own From, and says so.
"""

from ccc.address import Mailbox, read_list
from ccc.envelope import Envelope
from ccc.errors import UsageError
from ccc.message.findings import Finding
from ccc.message.header import Field, Header
from ccc.plan.request import Action, Request

_REDIRECT = "use `ccc redirect` to pass on a mail that somebody else wrote"
_NAME_YOURSELF = "add --from you@example.org"
_NULL = Finding(
    "null-reverse-path",
    "note",
    "the message is a report itself (its Return-Path is <>), so no report of failure is asked for; "
    "--envelope-from is not used",
)

Findings = tuple[Finding, ...]


def identify(request: Request, header: Header) -> tuple[Mailbox, Findings]:
    """Who the user is; UsageError for a resend of somebody else's mail."""
    match request.action, request.identity:
        case Action.REDIRECT, Mailbox() as identity:
            return identity, ()
        case _:
            return _author(request, header)


def _author(request: Request, header: Header) -> tuple[Mailbox, Findings]:
    """The identity of a resend: every From names it.

    A message may have several From fields, by mistake or to deceive: readers show one or another, so
    all of them must be the user's (RFC 5322, 3.6 allows one).
    """
    authors = [read_list(field.value) for field in header.all("from")]
    if not authors or not all(authors):
        raise UsageError("the message's From names nobody, so it cannot be yours", cure=_REDIRECT)
    identity = request.identity or authors[0][0]
    own = (identity, request.account, *request.identities)
    for mailboxes in authors:
        if not _overlap(mailboxes, own):
            raise UsageError(
                f"the message is from {mailboxes[0].eyes()}, and you are {identity.eyes()}",
                cure=f"if that is you too, use --from {mailboxes[0].addr_spec}; else {_REDIRECT}",
            )
    if request.identity is not None:
        return identity, ()
    if not identity.domain:
        raise UsageError(f"the message's From, {identity.local}, has no domain", cure=_NAME_YOURSELF)
    return identity, (_taken_from_the_message(identity),)


def envelope_of(request: Request, header: Header, identity: Mailbox) -> tuple[Envelope, Findings]:
    """The envelope. Of the message it depends on one thing only: whether it is a report itself.

    A redirected bounce stays one, so that no bounce of a bounce is ever made (RFC 5321, 4.5.5; RFC
    5228, 4.2 has the same rule); this wins over --envelope-from.
    """
    if request.action is Action.REDIRECT and _is_null(header.first("return-path")):
        return Envelope(None, request.people.recipients), (_NULL,) if request.envelope_from else ()
    return request.envelope or Envelope(identity, request.people.recipients), ()


def _overlap(mailboxes: tuple[Mailbox, ...], own: tuple[Mailbox | None, ...]) -> bool:
    return any(me is not None and me.same_person(mailbox) for me in own for mailbox in mailboxes)


def _is_null(field: Field | None) -> bool:
    return field is not None and b"".join(field.value.split()) == b"<>"  # RFC 5321, 4.4


def _taken_from_the_message(identity: Mailbox) -> Finding:
    return Finding(
        "identity-from-message",
        "note",
        f"you are taken for {identity.addr_spec}, as the message's From says; if you are not, add --from",
    )
