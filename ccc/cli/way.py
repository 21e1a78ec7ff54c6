"""The way out: what --smtp or --via names, else what the account says, else this host's sendmail.

This host's sendmail is taken without being named only where somebody can say no.
"""

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ccc.cli import direct
from ccc.cli.choices import Choices
from ccc.cli.terminal import say
from ccc.errors import ConfigurationError, UsageError

if TYPE_CHECKING:
    from ccc.address import Mailbox
    from ccc.cli.stores import Stores
    from ccc.config import Config
    from ccc.config.account import Account
    from ccc.routes.route import Route
    from ccc.routes.submission import Manner, Submission
    from ccc.transport.interrupts import Interrupts

_APPEND = "append:"


def route_of(
    choices: Choices,
    account: "Account | None",
    config: "Config",
    stores: "Stores",
    interrupts: "Interrupts",
    *,
    terminal: bool,
) -> "Route | None":
    """The route, not yet logged in; None only in a dry run that names none."""
    direct.check(choices, account)
    if choices.smtp:
        return _server(choices, choices.smtp, interrupts)
    if choices.via is None and account is not None:
        return _of_account(choices, account, config, stores, interrupts)
    _refuse_idle(choices, account)
    if choices.via or terminal:
        from ccc.routes.named import find_sendmail

        name = choices.via or (find_sendmail() and "sendmail")
        if name:
            return _named(choices, name, config, stores, interrupts)
    if choices.dry_run:
        return None
    raise nowhere(config)


def begun(action: str, choices: Choices, config: "Config", interrupts: "Interrupts") -> "Submission | None":
    """The connection by which every message goes out, begun; None if that depends on a message."""
    account = None
    if not choices.smtp:
        if choices.via or depends(action, choices, config) or not config.accounts:
            return None
        from ccc.accounts.choose import choose

        account = choose(config, named=choices.account, fetched_from=None, authors=())
        if account is None or account.via or not account.smtp:
            return None
    if not (choices.names_somebody or (account and account.redirect_to)):
        return None
    if account is None:
        return _server(choices, choices.smtp or "", interrupts).dialling()
    return _by(choices, account, interrupts).dialling()


def depends(action: str, choices: Choices, config: "Config") -> bool:
    """Whether the account depends on a message: on its From, or on the URL that it is fetched from."""
    if not config.accounts or choices.account is not None:
        return False
    if choices.smtp is not None:
        return choices.from_imap
    return len(config.accounts) > 1 and (action == "resend" or choices.from_url)


def user_of(choices: Choices, account: "Account | None") -> str:
    """The user name of the login by which mail goes out; "" if there is none."""
    url = choices.smtp or (account.smtp if account and not choices.via else "")
    if not url:
        return ""
    from ccc.transport.server import from_url

    return from_url(url).user


def appended_to(choices: Choices, account: "Account | None", config: "Config") -> "Mailbox | None":
    """Whose mailbox the messages are put into (append:ACCOUNT); None for another way.

    Nobody else gets them, so naming somebody else is a UsageError.
    """
    name = direct.way_of(choices, account)
    if not name.startswith(_APPEND):
        return None
    owner = _append_target(name, config)[0]
    if owner.address is None:
        from ccc.config.values import heading

        raise ConfigurationError(
            f"account {owner.name} has no address, so nobody can be named as the one who gets it",
            f'add address = "you@example.org" to {heading(owner.name)}',
        )
    refuse_strangers(name, (*choices.to, *choices.cc, *choices.bcc), owner)
    return owner.address


def refuse_strangers(name: str, people: "Sequence[Mailbox]", owner: "Account") -> None:
    """Raise UsageError for somebody whose mailbox it is not."""
    for mailbox in people:
        if not any(own.same_person(mailbox) for own in owner.own):
            raise UsageError(
                f"{name} puts mail into the mailbox of {owner.name}, and that is not {mailbox.addr_spec}'s",
                "leave that address out, or use another way",
            )


def owner_of(choices: Choices, account: "Account | None", config: "Config") -> "Account | None":
    """Whose mailbox append:ACCOUNT means; None for another way."""
    name = direct.way_of(choices, account)
    return _append_target(name, config)[0] if name.startswith(_APPEND) else None


def nowhere(config: "Config") -> ConfigurationError:
    """Nothing says how the mail goes out."""
    if config.accounts:
        from ccc.accounts.choose import undecided

        return undecided(config, "nothing says how the mail goes out")
    return ConfigurationError(
        "nothing says how the mail goes out",
        "set up an account with `ccc account add`, or add --smtp smtps://USER@HOST for a submission server, "
        "or --via sendmail for this host's own",
    )


def _of_account(
    choices: Choices, account: "Account", config: "Config", stores: "Stores", interrupts: "Interrupts"
) -> "Route":
    """The route that an account names."""
    if account.via:
        return _named(_with(choices, account), account.via, config, stores, interrupts)
    if not account.smtp:
        from ccc.accounts.choose import lacking

        raise lacking(account, "smtp")
    return _by(choices, account, interrupts)


def _by(choices: Choices, account: "Account", interrupts: "Interrupts") -> "Submission":
    """The submission server of an account; NotPermitted where the canary has found it to mail others."""
    from ccc.accounts.marks import marked, refusal

    if marked(account, os.environ):
        raise refusal(account)
    return _server(_with(choices, account), account.smtp, interrupts, option=f"account {account.name}, smtp")


def _with(choices: Choices, account: "Account") -> Choices:
    """The options, with what the account says where they say nothing."""
    own = choices._replace(
        helo=choices.helo or account.helo, tls_ca_file=choices.tls_ca_file or account.tls_ca_file or None
    )
    return direct.of_account(own, account)


def _named(
    choices: Choices, name: str, config: "Config", stores: "Stores", interrupts: "Interrupts"
) -> "Route":
    """The route that --via, or the via of an account, names."""
    if name == direct.MX:
        return direct.route(choices, config, manner(choices, interrupts))
    if name.startswith(_APPEND):
        route = _append(name, config, stores)
    else:
        from ccc.routes.named import via

        route = via(name, manner(choices, interrupts))
    _refuse_idle_here(choices, route)
    return route


def _append(name: str, config: "Config", stores: "Stores") -> "Route":
    from ccc.routes.append import Append

    account, folder = _append_target(name, config)
    return Append(lambda: stores.session(account), folder, f"{account.name}/{folder}")


def _append_target(name: str, config: "Config") -> "tuple[Account, str]":
    """The account and the folder that append:ACCOUNT/FOLDER names."""
    from ccc.accounts.choose import account_named

    which, _, folder = name.removeprefix(_APPEND).partition("/")
    return account_named(config, which), folder or "INBOX"


def _server(choices: Choices, url: str, interrupts: "Interrupts", option: str = "--smtp") -> "Submission":
    from ccc.routes.submission import Submission
    from ccc.transport.server import from_url

    if choices.tls == "opportunistic" and choices.tls_ca_file:
        raise UsageError(
            "--tls opportunistic verifies nothing, and --tls-ca-file is for that", "leave one out"
        )
    asked = choices.tls or choices.tls_ca_file  # certificates to trust are there to verify with
    opportunistic = choices.tls == "opportunistic" if asked else None
    server = from_url(url, opportunistic=opportunistic, option=option)
    if not server.user and (choices.password_command or choices.password_fd is not None):
        raise UsageError(f"a password is given, and {option} names no user", "write smtps://USER@HOST")
    return Submission(server, None, manner(choices, interrupts))


def manner(choices: Choices, interrupts: "Interrupts") -> "Manner":
    """How servers are spoken to."""
    from ccc.routes.submission import Manner
    from ccc.transport.timeouts import Timeouts
    from ccc.transport.transcript import Transcript

    timeouts = Timeouts()
    if choices.tls_ca_file and not os.access(choices.tls_ca_file, os.R_OK):
        raise ConfigurationError(f"--tls-ca-file {choices.tls_ca_file} cannot be read", "check the path")
    return Manner(
        ca_file=choices.tls_ca_file,
        timeouts=timeouts.at_most(choices.timeout) if choices.timeout else timeouts,
        helo=choices.helo,
        window=choices.pipeline_messages,
        transcript=Transcript(say) if choices.verbose else None,
        interrupts=interrupts,
    )


def _refuse_idle(choices: Choices, account: "Account | None") -> None:
    """An option that would do nothing is a misunderstanding."""
    if (choices.via or "").startswith(_APPEND) or choices.from_imap:
        return  # they are for the IMAP server
    idle = {
        "--password-fd": choices.password_fd is not None,
        "--password-command": choices.password_command,
        "--tls": choices.tls and choices.via != direct.MX,
        "--tls-ca-file": choices.tls_ca_file and choices.via != direct.MX,
    }
    _refuse(idle, "is for a server that --smtp names" + (" and not for --via" if account else ""))


def _refuse_idle_here(choices: Choices, route: "Route") -> None:
    """The same for a route that talks to no server."""
    from ccc.routes.sendmail import Sendmail
    from ccc.routes.submission import Manner, Submission

    if isinstance(route, Submission):
        return
    idle = {
        "--helo": choices.helo,
        "--timeout": choices.timeout and not choices.from_imap and not route.name.startswith(_APPEND),
        "--pipeline-messages": choices.pipeline_messages != Manner().window,
        "--dsn": choices.dsn and not isinstance(route, Sendmail),
    }
    _refuse(idle, f"means nothing to {route.name}")


def _refuse(idle: Mapping[str, object], why: str) -> None:
    for name, given in idle.items():
        if given:
            raise UsageError(f"{name} {why}", "leave it out, or use --smtp")
