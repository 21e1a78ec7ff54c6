"""What the user asks for: an action, who gets the message, who is shown, and who the user is.

A request knows nothing of any message, so that one request serves a batch of ten thousand. What can be
wrong with it alone is found when it is made, for the command line and for programs alike.
"""

import re
from dataclasses import dataclass, field
from enum import Enum

from ccc.address import Mailbox, parse_mailbox
from ccc.envelope import Envelope
from ccc.errors import AddressError, UsageError
from ccc.message.leftout import fits
from ccc.plan.people import People, unique, without

_FIELD_NAME = re.compile(r"[!-9;-~]+")  # RFC 5322, 2.2


class Action(Enum):
    """What is done with the message."""

    RESEND = "resend"
    REDIRECT = "redirect"


class Resent(Enum):
    """Whether a redirect puts a resent block on top (RFC 5322, 3.6.6)."""

    AUTO = "auto"
    ALWAYS = "always"
    NEVER = "never"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Request:
    """Who gets it, who is shown, who asks; UsageError if that cannot be, whatever the message.

    `sender` is --from, `login` the user name of the SMTP login; `keep` and `strip` hold field names,
    or the beginning of names followed by `*`, and are brought into lower case.
    `people`, `identity` and `envelope` are worked out from the rest.
    """

    action: Action
    to: tuple[Mailbox, ...] = ()
    cc: tuple[Mailbox, ...] = ()
    bcc: tuple[Mailbox, ...] = ()
    show_to: tuple[Mailbox, ...] = ()
    show_cc: tuple[Mailbox, ...] = ()
    show_resent_to: tuple[Mailbox, ...] = ()
    show_resent_cc: tuple[Mailbox, ...] = ()
    sender: Mailbox | None = None
    envelope_from: Mailbox | None = None
    account: Mailbox | None = None
    identities: tuple[Mailbox, ...] = ()
    login: str = ""
    resent: Resent = Resent.AUTO
    keep: frozenset[str] = frozenset()
    strip: frozenset[str] = frozenset()
    people: People = field(init=False, repr=False, compare=False)
    identity: Mailbox | None = field(init=False, repr=False, compare=False)
    envelope: Envelope | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        _refuse_the_other_actions_options(self)
        _refuse_nobody(self)
        object.__setattr__(self, "keep", _field_names(self.keep))
        object.__setattr__(self, "strip", _field_names(self.strip))
        _refuse_without_from(self)
        object.__setattr__(self, "people", _people(self))
        object.__setattr__(self, "identity", _identity(self))
        object.__setattr__(self, "envelope", _envelope(self))
        _refuse_nameless_redirect(self)

    @property
    def block_is_asked_for(self) -> bool:
        """The resent block goes on top whatever it breaks."""
        return self.resent is Resent.ALWAYS or bool(self.show_resent_to or self.show_resent_cc)


def _people(request: Request) -> People:
    if request.action is Action.RESEND:
        # The new people are carbon copies (RFC 5322, 3.6.3): To stays as everybody else saw it.
        to = unique(request.show_to)
        cc = unique(request.to + request.cc + request.show_cc)
    else:
        to = unique(request.to + request.show_resent_to)
        cc = unique(request.cc + request.show_resent_cc)
    recipients = request.to + request.cc + request.bcc
    return People.of(recipients, to, without(cc, to), block=request.action is Action.REDIRECT)


def _identity(request: Request) -> Mailbox | None:
    return request.sender or request.account or request.envelope_from or _address(request.login)


def _envelope(request: Request) -> Envelope | None:
    """The envelope of every message, as far as it does not depend on the message."""
    path = request.envelope_from or request.identity
    return Envelope(path, request.people.recipients) if path else None


def _address(login: str) -> Mailbox | None:
    try:
        return parse_mailbox(login)
    except AddressError:
        return None


def _field_names(written: frozenset[str]) -> frozenset[str]:
    """The names in lower case; a colon behind one is how people copy it."""
    names = sorted([name.removesuffix(":") for name in written])
    for name in names:
        if not _FIELD_NAME.fullmatch(name):
            raise UsageError(
                f"{name!r} is no name of a header field",
                cure="give a name such as X-Spam, or its beginning and a star, such as X-Spam-*",
            )
    return frozenset(map(str.lower, names))


def _refuse_the_other_actions_options(request: Request) -> None:
    if request.action is Action.RESEND:
        blocked = request.show_resent_to or request.show_resent_cc
        if blocked or request.resent is not Resent.AUTO:
            raise UsageError(
                "a resend makes no resent block",
                cure="use --show-to or --show-cc to show somebody who does not get it",
            )
    elif request.show_to or request.show_cc:
        raise UsageError(
            "a redirect leaves To and Cc as they are",
            cure="use --show-resent-to or --show-resent-cc, or `ccc resend` if the mail is your own",
        )
    elif request.resent is Resent.NEVER and request.block_is_asked_for:
        raise UsageError(
            "without a resent block nobody can be shown in it",
            cure="leave out --resent never, or the --show-resent options",
        )


def _refuse_nobody(request: Request) -> None:
    if not (request.to or request.cc or request.bcc):
        raise UsageError("nobody is named to get it", cure="add --to, --cc or --bcc")


def _refuse_without_from(request: Request) -> None:
    for pattern in sorted(request.strip):
        if fits("from", pattern):
            raise UsageError(  # RFC 5322, 3.6
                f"--strip {pattern} would leave out From, and no message goes out without it",
                cure="name the fields to leave out one by one",
            )


def _refuse_nameless_redirect(request: Request) -> None:
    if request.action is Action.REDIRECT and request.identity is None:
        raise UsageError(
            "a redirect says who redirects, and you did not say who you are",
            cure="add --from you@example.org",
        )
