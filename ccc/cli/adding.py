"""`ccc account add`: the questions, the logins, and the lines that are appended to the configuration file."""

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import click

from ccc.cli import options, values
from ccc.cli.help import ACCOUNT, LOGIN, RUN, Command
from ccc.cli.options import option, people
from ccc.cli.terminal import agreed, ask_line, ask_secret, has_terminal, say
from ccc.errors import AddressError, CccError, Declined, NotPermitted, StateError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ccc.address import Mailbox
    from ccc.config import Config
    from ccc.config.account import Account
    from ccc.setup.adding import Addition
    from ccc.setup.check import Check
    from ccc.setup.discovery import Sources
    from ccc.setup.doctor import Purse
    from ccc.setup.wizard import Result
    from ccc.smtp.login import Keys
    from ccc.transport.server import Server


def _address(_ctx: click.Context, _param: click.Parameter, value: str | None) -> "Mailbox | None":
    """The user's address."""
    if value is None:
        return None
    from ccc.address import parse_mailbox

    try:
        return parse_mailbox(value)
    except AddressError as error:
        raise UsageError(error.what, values.ADDRESS_CURE) from error


@click.command(cls=Command, name="add", short_help="Set up an account.")
@click.argument("address", metavar="[ADDRESS]", required=False, callback=_address)
@option(ACCOUNT, "--name", metavar="NAME", callback=values.given, help="Its name, as -a takes it.")
@option(
    ACCOUNT,
    "--provider",
    metavar="NAME",
    callback=values.given,
    help="The provider, as `ccc providers` lists it. Its servers are known then.",
)
@option(
    ACCOUNT,
    "--smtp",
    metavar="URL",
    callback=values.given,
    help="The submission server: smtps://USER@HOST (TLS from the start) or smtp://USER@HOST:587 (STARTTLS).",
)
@option(
    ACCOUNT,
    "--imap",
    metavar="URL",
    callback=values.given,
    help="The IMAP server: imaps://USER@HOST, or imap://USER@HOST for STARTTLS; none if there is none.",
)
@option(ACCOUNT, "--tls-ca-file", metavar="FILE", callback=values.given, help="Trust these certificates.")
@option(
    ACCOUNT,
    "--from-policy",
    type=click.Choice(("own", "rewrite", "domain", "free")),
    help="What the server does with mail whose From is not yours: refuses it, puts your address there, takes "
    "it from your domains, or takes it.",
)
@people(ACCOUNT, "--redirect-to", help="Who gets what you redirect when you name nobody.")
@option(ACCOUNT, "--default", is_flag=True, help="Let it be the default. Only the first account can be.")
@option(LOGIN, "--login", metavar="USER", callback=values.given, help="The user name, if not your address.")
@option(
    LOGIN,
    "--password-command",
    metavar="COMMAND",
    callback=values.command_line,
    help="The first line that this prints is the password. It is run without a shell.",
)
@option(
    LOGIN,
    "--password-file",
    metavar="FILE",
    callback=values.given,
    help="The first line of this file is the password. Nobody but you may be able to read it.",
)
@option(LOGIN, "--keyring", is_flag=True, help="Keep the password in the keyring. Cron cannot reach that.")
@option(
    LOGIN,
    "--password-fd",
    metavar="N",
    callback=values.number(int, 0, "file descriptor", most=(1 << 31) - 1),
    help="With --keyring: read the password from this file descriptor.",
)
@option(LOGIN, "--no-password", is_flag=True, help="Say nothing of a password: it is asked for each time.")
@option(
    LOGIN,
    "--token-command",
    metavar="COMMAND",
    callback=values.command_line,
    help="The first line that this prints is an access token (OAuth 2.0).",
)
@option(
    LOGIN,
    "--client-id",
    metavar="ID",
    callback=values.given,
    help="The client that you registered with the provider; `ccc account login` gets tokens for it.",
)
@option(RUN, "--no-discovery", is_flag=True, help="Look nothing up, neither in the DNS nor on the web.")
@option(RUN, "--no-test", is_flag=True, help="Do not try the logins.")
@option(
    RUN,
    "--yes",
    is_flag=True,
    help="Vouch for the servers that were found, and append the lines without being asked.",
)
@options.settings
def command(address: "Mailbox | None", config: str | None, *, no_test: bool, **given: Any) -> None:
    r"""Set up an account: ccc finds out what it can, asks for the rest, tries the logins, writes it down.

    The servers come from what is known of the provider, else from the SRV records of your domain, else from
    the settings it publishes for mail programs; ccc says which. The account is appended to the configuration
    file. Nothing in that is changed, and nothing is written before both logins have worked.

    Set one up, and be asked:
      ccc account add me@example.org

    The same from a script, where nobody is asked:
      ccc account add me@example.org --name work --password-command "pass show mail/work" \
          --redirect-to me@home.example --yes
    """
    from ccc.accounts import keyring
    from ccc.setup.adding import Book
    from ccc.setup.wizard import Answers, Wizard

    answers = Answers(address, **given)
    desk = Desk() if has_terminal() else None
    book = Book.open(config, os.environ)
    sources = None if answers.no_discovery else _sources(book.config)
    result = Wizard(answers, desk, sources, say).ask(book.refuse_name, keyring.usable)
    addition = book.with_account(result.draft, os.environ)
    secret = _secret(answers.password_fd, desk, addition) if result.keyring else None
    if not no_test:
        _try(addition, secret, desk, unheld=answers.no_password, yes=answers.yes)
    _write(addition, secret, desk if not answers.yes else None)
    _next(addition, result)


class Desk:
    """Whoever sits at the terminal."""

    def line(self, question: str, usual: str = "") -> str:
        """One line, or what is usual if it is empty."""
        try:
            return ask_line(question, usual)
        except Declined:
            raise Declined("nothing was written") from None

    def agreed(self, question: str) -> bool:
        """Yes or no."""
        try:
            return agreed(question)
        except Declined:
            raise Declined("nothing was written") from None

    def secret(self, prompt: str) -> str:
        """Something that is not shown while it is typed."""
        try:
            return ask_secret(prompt)
        except Declined:
            raise Declined("no password, nothing was written") from None


def _sources(config: "Config") -> "Sources":
    from ccc.resolver import Resolver
    from ccc.setup.discovery import Sources
    from ccc.setup.https import fetch

    return Sources(Resolver(config.dns_resolver), fetch)


def _secret(descriptor: int | None, desk: Desk | None, addition: "Addition") -> str:
    """The password that goes into the keyring."""
    if descriptor is not None:
        from ccc.accounts.secrets import from_descriptor

        return from_descriptor(descriptor)
    if desk is None:
        raise UsageError(
            "the password for the keyring is not known, and nobody can be asked",
            "add --password-fd 3 3< FILE, or use --password-command instead of --keyring",
        )
    return desk.secret(f"Password of {', '.join(_users(addition))}: ")


def _users(addition: "Addition") -> tuple[str, ...]:
    from ccc.cli.account import users

    return users(addition.account)


class _Typed:
    """The same password for every server."""

    def __init__(self, secret: str) -> None:
        self._secret = secret

    def keys(self, _account: "Account", server: "Server", /) -> "Keys | None":
        """What logs in there."""
        from ccc.smtp.login import Held, Password

        return Held(Password(server.user, self._secret)) if server.user else None


def _try(addition: "Addition", secret: str | None, desk: Desk | None, *, unheld: bool, yes: bool) -> None:
    """Log in to both servers; raises what is wrong, unless the user wants the account all the same."""
    from ccc.config.account import Auth
    from ccc.setup.check import Level

    account = addition.account
    later = account.auth is Auth.OAUTH and not account.oauth.token_command
    if later or (unheld and desk is None):
        say("the logins were not tried, since there is nothing to log in with yet")
        return
    wrong: list[Check] = []
    for check in _checks(addition, secret, desk):
        say(check.line)
        wrong += [check] if check.level is Level.FAIL else []
    if not wrong:
        return
    if desk is None or yes:
        raise _error(wrong[0], account)
    if not desk.agreed("Add the account all the same?"):
        raise Declined("nothing was written")


def _error(check: "Check", account: "Account") -> CccError:
    """The error that ends it; a user name that is the address may be too long (RFC 6186, 4)."""
    from ccc.cli.account import users

    cure, me = check.cure, account.address
    if check.refused and not account.provider and me and me.addr_spec in users(account):
        cure += f"; the user name may be {me.local} alone"
    return CccError(f"{check.name}: {check.text}; nothing was written", cure, kind=check.kind)


def _checks(addition: "Addition", secret: str | None, desk: Desk | None) -> "Iterator[Check]":
    from ccc.accounts.wallet import Given, Wallet
    from ccc.cli.doctor import manner_for
    from ccc.setup.doctor import Patient, mailstore, submission

    account = addition.account
    purse: Purse = Wallet(Given(), os.environ, desk.secret if desk else None)
    if secret is not None:
        purse = _Typed(secret)
    patient = Patient(account, purse, purse, manner_for(account), os.environ)
    yield from submission(patient)
    yield from mailstore(patient)


def _write(addition: "Addition", secret: str | None, desk: Desk | None) -> None:
    """Show the lines, ask, and append them; the password goes first, so that no account is without it."""
    from ccc.setup.adding import append

    for line in addition.octets.decode().strip("\n").splitlines():
        say(f"    {line}")
    if desk and not desk.agreed(f"Append these lines to {addition.path}?"):
        raise Declined("nothing was written")
    if secret is not None:
        _keep(addition, secret)
    try:
        append(addition)
    except StateError:
        if secret is not None:
            _drop(addition)
        raise
    say(f"added account {addition.account.name} to {addition.path}")


def _keep(addition: "Addition", secret: str) -> None:
    """Put the password into the keyring."""
    from ccc.accounts import keyring

    manner = keyring.Manner(os.environ, has_terminal())
    for user in _users(addition):
        try:
            keyring.put(f"ccc:{addition.account.name}", user, secret, manner)
        except NotPermitted as error:
            raise NotPermitted(
                f"{error.what}; nothing was written", "use --password-command or --password-file"
            ) from error


def _drop(addition: "Addition") -> None:
    """Take the password out of the keyring again."""
    from ccc.accounts import keyring

    with suppress(NotPermitted):
        for user in _users(addition):
            keyring.delete(f"ccc:{addition.account.name}", user, keyring.Manner(os.environ, has_terminal()))


def _next(addition: "Addition", result: "Result") -> None:
    """What is left to do."""
    from ccc.accounts.choose import no_default
    from ccc.config.account import Auth

    account = addition.account
    if account.auth is Auth.OAUTH and not account.oauth.token_command:
        say(f"log in at the provider: ccc account login {account.name}")
    if result.provider and result.provider.canary:
        say(
            f"nobody knows yet whether {result.provider.title} mails only those whom you name; find out: "
            f"ccc doctor {account.name} --canary"
        )
    if advice := "; ".join(no_default(addition.config)):
        say(advice)
