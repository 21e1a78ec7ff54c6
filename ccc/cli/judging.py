"""What the rules of a submission server make of a mail, before it is sent and before it is sent again."""

from typing import TYPE_CHECKING

from ccc.message.message import HEADER_LIMIT
from ccc.routes.submission import Submission

if TYPE_CHECKING:
    from ccc.accounts.policy import Outgoing
    from ccc.address import Mailbox
    from ccc.cli.choices import Choices
    from ccc.config import Config
    from ccc.config.account import Account
    from ccc.delivery import Delivery
    from ccc.message.findings import Finding
    from ccc.routes.route import Route


def knows_rules(route: "Route | None", account: "Account | None") -> bool:
    """Whether somebody else's rules may apply: not on this host, and not where no server is asked."""
    if not isinstance(route, Submission) or route.server.lmtp:
        return False
    return account is not None or not route.server.loopback


def outgoing(delivery: "Delivery") -> "Outgoing":
    """What is to be known of a mail whose plan is gone, from its octets; may raise MessageError."""
    from ccc.accounts.policy import Outgoing
    from ccc.message.header import Header, parse, separator_at

    head, end = b"", -1
    for block in delivery.content.blocks():
        searched = max(len(head) - 1, 0)
        head += block
        end = separator_at(head, searched)
        if end >= 0 or len(head) > HEADER_LIMIT:
            break
    header = Header(parse(head if end < 0 else head[:end]))
    return Outgoing(header, delivery.envelope.reverse_path, delivery.envelope.forward_paths)


def judge(
    mail: "Outgoing", route: "Route | None", account: "Account | None", choices: "Choices", config: "Config"
) -> "Finding | None":
    """What should be known of a mail that goes out by this route; NotPermitted if it should not."""
    if not isinstance(route, Submission):
        return None
    rules, provider = _rules(route.server.host, mail.identity, None if choices.smtp else account)
    if rules is None:
        return None
    from ccc.accounts.policy import examine

    return examine(
        mail,
        rules,
        provider=provider,
        others=tuple(config.accounts.values()),
        force=choices.force or choices.dry_run,
    )


def _rules(host: str, identity: "Mailbox | None", account: "Account | None") -> "tuple[Account | None, str]":
    """The account by whose rules a server goes, and its provider's title; None if nobody knows any."""
    from ccc.config.account import Account
    from ccc.config.provider import provider, provider_of_host

    if account is not None:
        return account, provider(account.provider).title if account.provider else ""
    preset = provider_of_host(host)
    if preset is None:
        return None, ""
    policy, fields = preset.from_policy, preset.refused_fields
    return Account("", identity, from_policy=policy, refused_fields=fields), preset.title
