"""What a submission server does with a From that is not the user's: said before anything is sent.

A server that refuses costs a try; one that puts the user's address there instead says 250 and sends a mail
that nobody wrote. So both stop a mail, unless --force is given. Nothing overrides what would mail people that
the user did not name (law 1): a header field that means recipients, a server that mails those in the header.
"""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from ccc.address import Mailbox, read_list
from ccc.config.account import Account, FromPolicy
from ccc.errors import NotPermitted
from ccc.message.findings import Finding
from ccc.message.header import Header
from ccc.message.leftout import fits
from ccc.message.signatures import signatures
from ccc.plan import Plan

CODE = "foreign-from"
_MOST = 3  # signatures that are named; a hostile header may have any number of them

Mailboxes = tuple[Mailbox, ...]


class Outgoing(NamedTuple):
    """What a policy is about: a mail as it goes out, who sends it, and who gets it."""

    header: Header
    identity: Mailbox | None
    forward_paths: Mailboxes

    @classmethod
    def of(cls, plan: Plan) -> "Outgoing":
        """What a plan makes."""
        return cls(plan.edited.header, plan.identity, plan.envelope.forward_paths)


class Authors(NamedTuple):
    """The people of one From field."""

    field: Mailboxes

    def include(self, people: Mailboxes) -> bool:
        """Whether somebody of these is among them; a field that names nobody has nobody of them."""
        return any(each.same_person(one) for each in self.field for one in people)

    @property
    def eyes(self) -> str:
        """The first of them, for people."""
        return self.field[0].eyes() if self.field else "nobody"

    def beside(self, people: Mailboxes) -> "Authors":
        """Those who are none of these."""
        return Authors(tuple(each for each in self.field if not Authors((each,)).include(people)))


def examine(
    mail: Outgoing,
    account: Account,
    *,
    provider: str = "",
    others: Sequence[Account] = (),
    force: bool = False,
) -> Finding | None:
    """All that this module knows of a mail that goes out by this account's submission server.

    `provider` is its provider's title, `others` all accounts there are. Raises NotPermitted for what must not
    go there; what may is None, or the finding that belongs to the plan.
    """
    refuse_others_mail(mail, account, provider)
    finding = verdict(mail, own=account.own, policy=account.from_policy, provider=provider)
    if finding and finding.level == "warning" and not force:
        raise refusal(finding, mail, account=account, others=others)
    return finding


def verdict(mail: Outgoing, *, own: Mailboxes, policy: FromPolicy, provider: str) -> Finding | None:
    """What becomes of the From as it goes out: a warning if it is refused or replaced, or a note.

    As in a resend each From field counts, and is the user's if somebody in it is; readers show any of them.
    """
    if policy is FromPolicy.FREE or (policy is FromPolicy.UNKNOWN and not provider):
        return None
    server, me = provider or "the submission server", own or _people(mail.identity)
    fields = [Authors(read_list(field.value)) for field in mail.header.all("from")] or [Authors(())]
    foreign = [each for each in fields if not _is_fine(each, me, policy)]
    if not foreign:
        return _about_company(fields, me, policy, server)
    strange = [each for each in foreign if not each.include(_people(mail.identity))]
    if not strange:
        return _about_alias(foreign[0], policy, server)
    who = strange[0].eyes
    if policy is FromPolicy.UNKNOWN:
        return Finding(
            CODE, "note", f"it is not known whether mail from {who} is refused or changed at {server}"
        )
    return Finding(CODE, "warning", _deed(mail, who, policy, server))


def refusal(
    finding: Finding,
    mail: Outgoing,
    *,
    account: Account | None = None,
    others: Sequence[Account] = (),
    sendmail: bool = True,
) -> NotPermitted:
    """The error for a From that is refused or replaced, with the ways out that there are.

    `others` are all accounts there are, `sendmail` tells whether this host has a mail server of its own.
    """
    ways = list(_appends(mail, others))
    other = [f"-a {each.name}" for each in others if each != account and _takes(each, mail)]
    ways += other or ["another account with -a"]
    if sendmail:
        ways.append("--via sendmail for this host's own mail server")
    last = ways.pop()
    use = f"{', '.join(ways)} or {last}" if ways else last
    return NotPermitted(finding.text, f"use {use}; --force sends it all the same")


def refuse_others_mail(mail: Outgoing, account: Account, provider: str = "") -> None:
    """Raise NotPermitted where people that the user did not name would get it; --force changes nothing."""
    server = provider or "the submission server"
    if not account.honours_envelope:
        raise NotPermitted(
            f"at {server} the people in To and Cc are mailed, not only those you name",
            "use another account with -a; `ccc doctor --canary` looks again whether it still does",
        )
    for field in mail.header.fields:
        if any(fits(field.key, name.lower()) for name in account.refused_fields):
            raise NotPermitted(
                f"the message has the field {field.name}, by which others would be mailed at {server}",
                f"leave it out with --strip {field.name}, or use another account with -a",
            )


def _people(identity: Mailbox | None) -> Mailboxes:
    return (identity,) if identity else ()


def _is_fine(authors: Authors, own: Mailboxes, policy: FromPolicy) -> bool:
    if policy is FromPolicy.DOMAIN:
        domains = {mailbox.domain for mailbox in own}
        return any(each.domain in domains for each in authors.field if each.domain)
    return authors.include(own)


def _about_company(
    fields: Sequence[Authors], own: Mailboxes, policy: FromPolicy, server: str
) -> Finding | None:
    """A From that is the user's and names others too: some servers refuse that."""
    for authors in fields:
        if policy in (FromPolicy.OWN, FromPolicy.REWRITE) and (others := authors.beside(own)).field:
            text = f"From names {others.eyes} beside you: that may be refused or changed at {server}"
            return Finding(CODE, "note", text)
    return None


def _about_alias(authors: Authors, policy: FromPolicy, server: str) -> Finding | None:
    """Mail of the user's under an address that the account does not list: the server may know it."""
    if policy is FromPolicy.UNKNOWN:
        return None
    fate = "replaced" if policy is FromPolicy.REWRITE else "refused"
    text = f"{authors.eyes} is no address of this account, and is {fate} at {server} if it is not yours there"
    return Finding(CODE, "note", f"{text}; if it is, list it in the account's identities")


def _deed(mail: Outgoing, who: str, policy: FromPolicy, server: str) -> str:
    """What the server will do."""
    match policy:
        case FromPolicy.REWRITE:
            return f"at {server} the From of {who} is replaced by yours without a word{_broken(mail)}"
        case FromPolicy.DOMAIN:
            return f"at {server} mail from {who} is refused: only your own domains may stand in From"
        case _:
            return f"at {server} mail from {who} is refused: only your own addresses may stand in From"


def _broken(mail: Outgoing) -> str:
    """Which signatures end with the From that they cover (RFC 6376, 5.4)."""
    signed = (it.domain for it in signatures(mail.header) if it.kind == "dkim" and "from" in it.signed)
    domains = tuple(islice(dict.fromkeys(signed), _MOST))
    return f", which breaks the DKIM signature of {' and '.join(domains)}" if domains else ""


def _appends(mail: Outgoing, others: Sequence[Account]) -> Iterator[str]:
    """The way into the recipient's mailbox itself, where that is the user's own."""
    for each in others:
        if each.imap and all(Authors(each.own).include((path,)) for path in mail.forward_paths):
            yield f"--via append:{each.name} (that mailbox is yours)"
            return


def _takes(account: Account, mail: Outgoing) -> bool:
    """Whether mail like this may go out by the account."""
    if account.via:
        return True
    if not account.smtp or not account.honours_envelope:
        return False
    found = verdict(mail, own=account.own, policy=account.from_policy, provider="")
    return not found or found.level != "warning"
