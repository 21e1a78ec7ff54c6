"""Straight to the recipients' mail hosts: what options, account and configuration say about that."""

import os
from typing import TYPE_CHECKING, NamedTuple

from ccc.cli.choices import Choices
from ccc.cli.terminal import say
from ccc.errors import UsageError

if TYPE_CHECKING:
    from ccc.config import Config
    from ccc.config.account import Account
    from ccc.resolver import Resolver
    from ccc.routes.mx.policy import Policies
    from ccc.routes.mx.route import Mx
    from ccc.routes.submission import Manner

MX = "mx"
LOOK_UP = 5.0  # seconds for one look-up in the DNS
FLOORS = ("opportunistic", "verify", "mta-sts", "dane")  # what --tls may ask of a mail host, the most at last


def check(choices: Choices, account: "Account | None") -> None:
    """Refuse an option that means nothing to the way that this goes out."""
    if way_of(choices, account) == MX:
        if choices.tls and choices.tls not in FLOORS:
            raise UsageError(
                f"--tls {choices.tls} is for a server that --smtp names",
                f"with --via mx say {', '.join(FLOORS[:-1])} or {FLOORS[-1]}",
            )
        return
    idle = {
        "--allow-private-mx": choices.allow_private_mx,
        "--require-tls": choices.require_tls,
        f"--tls {choices.tls}": choices.tls in FLOORS[1:],
    }
    for name, given in idle.items():
        if given:
            raise UsageError(f"{name} is for --via mx", "leave it out, or use --via mx")


def way_of(choices: Choices, account: "Account | None") -> str:
    """The way that is named, if not a server."""
    if choices.smtp:
        return ""
    return choices.via or (account.via if account else "")


def of_account(choices: Choices, account: "Account") -> Choices:
    """The choices with what an account says about mail that goes straight to its recipients' mail hosts."""
    if account.via != MX:
        return choices
    return choices._replace(
        tls=choices.tls or account.tls.value,
        allow_private_mx=choices.allow_private_mx or account.allow_private_mx,
    )


class Gear(NamedTuple):
    """What looking for mail hosts and speaking to them needs."""

    resolver: "Resolver"
    manner: "Manner"
    policies: "Policies"


def gear(choices: Choices, config: "Config", manner: "Manner") -> Gear:
    """What the options and the configuration make of it."""
    from ccc.resolver import Resolver
    from ccc.routes.mx.cache import cache_folder
    from ccc.routes.mx.demand import LEVELS, Level
    from ccc.routes.mx.policy import Policies
    from ccc.routes.mx.usable import Bounds

    resolver = Resolver(config.dns_resolver, min(LOOK_UP, choices.timeout or LOOK_UP))
    policies = Policies(
        resolver,
        cache_folder(os.environ),
        LEVELS[choices.tls] if choices.tls else Level.OPPORTUNISTIC,
        require_tls=choices.require_tls,
        ca_file=manner.ca_file,
        bounds=Bounds(choices.allow_private_mx),
    )
    return Gear(resolver, manner._replace(allow_private=choices.allow_private_mx), policies)


def route(choices: Choices, config: "Config", manner: "Manner") -> "Mx":
    """The route."""
    from ccc.routes.mx.route import Mx

    resolver, manner, policies = gear(choices, config, manner)
    return Mx(resolver, manner, policies, tell=_silence if choices.quiet else _note)


def _note(finding: str) -> None:
    say(f"note: {finding}")


def _silence(_finding: str) -> None:
    """With --quiet."""
