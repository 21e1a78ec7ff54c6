"""What happens to the header; nothing else happens to a message (law 2).

Whole fields are left out; a resend adds people to To and Cc; a redirect puts a resent block on top. Each
change is an Edit, so that what is shown, recorded and sent is the same.
"""

from collections.abc import Iterable, Iterator
from enum import Enum
from typing import TYPE_CHECKING, Literal, NamedTuple

from ccc.address import Mailbox
from ccc.errors import UsageError
from ccc.message.display import add_to_list, shown_in
from ccc.message.findings import Finding
from ccc.message.header import JUNK, Field, Header, line_end
from ccc.message.leftout import STRIPPED, LeftOut, left_out
from ccc.message.resent import resent_block, resent_date
from ccc.message.signatures import Signature, aligned, broken_by
from ccc.plan.people import without
from ccc.plan.request import Request, Resent
from ccc.plan.shown import There, staying

if TYPE_CHECKING:
    from datetime import datetime

_SHOWN = "everybody sees the people who are new"
_BLOCK = "it says who redirected the message, and to whom"
_KEPT = "; --keep NAME keeps a field"
_SIGNED_ANEW = "; your provider signs it anew, as all that you send"
_NOT_THE_AUTHORS = ", which is not the author's"
_ASKED_FOR = "; --resent auto would leave the block out"
_NOBODY_SEES = "the resent block is left out, so nobody will see who redirected the message"
_NO_BLOCK = Finding("no-resent-block", "note", _NOBODY_SEES)  # RFC 5322, 3.6.6: a block is a SHOULD

Findings = tuple[Finding, ...]


class Change(Enum):
    """What is done to one field."""

    ADDED = "added"
    EXTENDED = "extended"
    LEFT_OUT = "left out"


class Edit(NamedTuple):
    """One change of one field: its octets, and why.

    `octets` are the whole field where it is added or left out, and what stands at its end, before its
    line end, where it is extended.
    """

    change: Change
    name: str
    octets: bytes
    reason: str


class Edited(NamedTuple):
    """A header that lost what is left out, and then gained what is shown.

    `to` and `cc` are the people who are new in it: in To and Cc, or in the resent block.
    """

    gone: tuple[LeftOut, ...]
    lean: Header
    header: Header
    findings: Findings
    to: tuple[Mailbox, ...] = ()
    cc: tuple[Mailbox, ...] = ()
    resent_message_id: str = ""

    @property
    def edits(self) -> Iterator[Edit]:
        """Each change, worked out from the headers themselves, so that none can be forgotten."""
        for it in self.gone:
            yield Edit(Change.LEFT_OUT, it.field.name, it.field.raw, it.reason)
        before, after = ({id(each) for each in it.fields} for it in (self.lean, self.header))
        replaced = {field.key: field for field in self.lean.fields if id(field) not in after}
        for field in self.header.fields:
            if id(field) not in before and (gain := _gain(field, replaced.get(field.key))).octets:
                yield gain


def resend(request: Request, header: Header, there: There) -> Edited:
    """Show the new people in Cc, or where the --show options put them, unless they are and stay there."""
    gone, lean, findings = _leave_out(request, header)
    stay = staying(lean)
    seen = tuple([mailbox for name, mailbox in there if name in stay])
    to, cc = without(request.people.to, seen), without(request.people.cc, seen)
    full = add_to_list(add_to_list(lean, "To", to), "Cc", cc)
    findings += _broken(broken_by(lean, full), "warning", "adding people", _SIGNED_ANEW)
    return Edited(gone, lean, full, findings, to, cc)


def redirect(request: Request, header: Header, identity: Mailbox, *, now: "datetime", token: str) -> Edited:
    """Put a resent block on top, unless it is not wanted or would break a signature of the author's."""
    gone, lean, findings = _leave_out(request, header)
    if request.resent is Resent.NEVER:
        return Edited(gone, lean, lean, (*findings, _NO_BLOCK))
    to, cc = request.people.to, request.people.cc
    message_id = f"<{token}@{identity.domain}>"  # RFC 5322, 3.6.4
    block = resent_block(resent_date(now), identity, to, cc, message_id)
    full = lean.on_top(block)  # RFC 5322, 3.6.6: prepended, above older blocks
    broken = broken_by(lean, full)
    if not request.block_is_asked_for and (protected := _of_the_author(broken, header)):
        return Edited(gone, lean, lean, (*findings, _no_block_because_of(protected)))
    findings += _broken_by_block(broken, request)
    return Edited(gone, lean, full, findings, to, cc, message_id)


def _leave_out(request: Request, header: Header) -> tuple[tuple[LeftOut, ...], Header, Findings]:
    gone = left_out(header, request.keep, request.strip)
    lean = header.without([each.field for each in gone]) if gone else header
    if all(field.key == JUNK for field in lean):
        raise UsageError("no header field would be left", cure="use --keep, or leave out fewer fields")
    kept = _kept_blind(lean) if request.keep else ()
    if not gone:
        return (), lean, kept
    return gone, lean, (*kept, *_broken_by_leaving_out(gone, broken_by(header, lean)))


def _broken_by_leaving_out(gone: tuple[LeftOut, ...], broken: tuple[Signature, ...]) -> Iterator[Finding]:
    """Signatures that miss a field, and those that are left out themselves."""
    out = {each.field.key for each in gone}  # whoever leaves out a field leaves out all of its name
    lost = [it for it in broken if it.field.key in out]
    hurt = tuple([it for it in broken if it.field.key not in out])
    then = _KEPT if any(each.reason != STRIPPED for each in gone) else ""  # --keep is not heard there
    yield from _broken(hurt, "warning", "leaving fields out", then)
    for name in _names(lost):
        yield Finding("signature-broken", "warning", f"the {name} is left out itself, so it proves nothing")


def _kept_blind(header: Header) -> Findings:
    """Blind recipients whom --keep uncovers (RFC 5322, 3.6.3)."""
    names = dict.fromkeys(each.name for each in header.fields if each.key in ("bcc", "resent-bcc"))
    return tuple(
        [Finding("blind-shown", "warning", f"the new people will see who is in {name}") for name in names]
    )


def _gain(field: Field, before: Field | None) -> Edit:
    """A field that is new, or that became longer at its end."""
    reason = _BLOCK if field.key.startswith("resent-") else _SHOWN
    if before is None:
        return Edit(Change.ADDED, field.name, field.raw, reason)
    return Edit(Change.EXTENDED, field.name, _text(field)[len(_text(before)) :], reason)


def _text(field: Field) -> bytes:
    return field.raw.removesuffix(line_end(field.raw))


def _of_the_author(broken: tuple[Signature, ...], header: Header) -> tuple[Signature, ...]:
    """The broken signatures that prove the From (RFC 7489, 3.1.1)."""
    return aligned(broken, shown_in(header, "from")) if broken else ()


def _no_block_because_of(signatures: tuple[Signature, ...]) -> Finding:
    names = " and the ".join(_names(signatures))
    return Finding("no-resent-block", "warning", f"{_NOBODY_SEES}: it would break the {names}")


def _broken_by_block(broken: tuple[Signature, ...], request: Request) -> Findings:
    if request.block_is_asked_for:
        return _broken(broken, "warning", "the resent block", _ASKED_FOR)
    return _broken(broken, "note", "the resent block", _NOT_THE_AUTHORS)


def _broken(
    signatures: tuple[Signature, ...], level: Literal["note", "warning"], what: str, then: str
) -> Findings:
    texts = [f"{what} breaks the {name}{then}" for name in _names(signatures)]
    return tuple([Finding("signature-broken", level, text) for text in texts])


def _names(signatures: Iterable[Signature]) -> Iterable[str]:
    """Each signature once, for people: a domain may have signed with several keys."""
    return dict.fromkeys(f"{each.kind.upper()} signature of {each.domain}" for each in signatures)
