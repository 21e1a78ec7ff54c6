"""`ccc account`: accounts added, listed, shown, tried, logged in to and forgotten."""

import os
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

import click

from ccc.cli import options
from ccc.cli.help import RUN, Command, examples_kept
from ccc.cli.options import option
from ccc.cli.terminal import Data, has_terminal, say, say_lines
from ccc.errors import ConfigurationError, NotPermitted, UsageError

if TYPE_CHECKING:
    from ccc.address import Mailbox
    from ccc.config import Config
    from ccc.config.account import Account

Value: TypeAlias = str | bool | tuple[str, ...]  # of a key

COMMANDS = ("add", "list", "show", "test", "login", "forget")  # in the order in which to learn them


class Accounts(click.Group):
    """The group; `add`, which is the largest, is imported when it is named."""

    def __init__(self, *args: Any, **attributes: Any) -> None:
        attributes["help"] = examples_kept(attributes.get("help") or "")
        super().__init__(*args, **attributes)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's signature
        """The names of the commands."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name."""
        if cmd_name == "add":
            from ccc.cli.adding import command as add

            return add
        return super().get_command(ctx, cmd_name)


@click.group(
    cls=Accounts,
    name="account",
    short_help="Set up an account, look at it, try it.",
    invoke_without_command=True,
    subcommand_metavar="COMMAND [ARGS]...",
)
@click.pass_context
def command(ctx: click.Context) -> None:
    """Set up an account, look at it, try it.

    An account says who you are, how mail goes out, and where your mailbox is. It stands in the configuration
    file, to which `ccc account add` appends; what is there already is never changed.

    Set one up; ccc finds out what it can:
      ccc account add me@example.org

    See whether it works, and whether it would from cron:
      ccc account test work
      ccc account test work --as-cron
    """
    if ctx.invoked_subcommand is None:
        say_lines(ctx.get_help())
        raise UsageError("no command was named", "begin with `ccc account add`")


name_argument = click.argument("name", metavar="NAME")
as_json = option(RUN, "--json", "as_json", is_flag=True, help="Print JSON, schema 1.")


@command.command(cls=Command, name="list", short_help="List the accounts.")
@options.settings
@as_json
def list_(config: str | None, *, as_json: bool) -> None:
    """List the accounts of the configuration file.

    See them:
      ccc account list
    """
    read = _config(config)
    if not read.accounts and not as_json:
        say("there is no account; `ccc account add` makes one")
    data = Data()
    for name, account in read.accounts.items():
        default = name == _default(read)
        if as_json:
            data.json(_json(account, default=default))
        else:
            mark = "*" if default else " "
            data.text(f"{mark} {name}: {account.address.eyes() if account.address else '-'}, {_way(account)}")


@command.command(cls=Command, name="show", short_help="Show all that an account says.")
@name_argument
@options.settings
@as_json
def show(name: str, config: str | None, *, as_json: bool) -> None:
    """Show all values of an account, and where each is from: the file, or what is known of the provider.

    No secret is shown.

    See one:
      ccc account show work
    """
    read = _config(config)
    account = _named(read, name)
    data = Data()
    if as_json:
        data.json(_json(account, default=name == _default(read)))
        return
    stated, usual = _stated(name, config), dict(_values(type(account)(name, via=account.via)))
    data.text(f"account {name}")
    for key, found in _values(account):
        said, value = key in stated, _text(key, found)
        origin = "the file" if said else "usual" if found == usual[key] else account.provider or "ccc"
        data.text(f"  {key} = {value}  ({origin})" if value else f"  {key}: not said")


@command.command(cls=Command, name="test", short_help="Try an account; nothing is sent.")
@name_argument
@option(RUN, "--as-cron", is_flag=True, help="Try it with HOME and PATH alone, as cron would run it.")
@options.settings
@as_json
@option(RUN, "-v", "--verbose", is_flag=True, help="Show the dialogue with the servers.")
def test(name: str, config: str | None, *, as_cron: bool, as_json: bool, verbose: bool) -> int:
    """Try an account: its secret, both servers, their certificates and logins. Nothing is sent.

    With --as-cron ccc starts itself again with nothing but HOME and PATH in its environment, no terminal and
    no desktop: what a cron job or a mail filter would have.

    Find out why it works here and not from cron:
      ccc account test work --as-cron
    """
    from ccc.cli.doctor import examined

    _named(_config(config), name)
    if not as_cron:
        only = ("secret", "smtp", "imap", "policy")
        return examined((name,), only, config, as_json=as_json, verbose=verbose)
    from ccc.setup.cron import as_cron as run

    flags = {"--json": as_json, "-v": verbose}
    arguments = ["account", "test", name, *(flag for flag, given in flags.items() if given)]
    arguments += ["--config", os.path.abspath(config)] if config is not None else []
    done = run(arguments, os.environ)
    Data().octets(done.stdout)  # made harmless by whoever printed it
    for line in done.stderr.decode("utf-8", "replace").splitlines():
        say(line)
    return done.returncode


@command.command(cls=Command, name="login", short_help="Log in at the provider, for access tokens.")
@name_argument
@option(RUN, "--in-file", is_flag=True, help="Keep the tokens in a file for you alone, which cron can read.")
@option(RUN, "--no-browser", is_flag=True, help="Show the address to open, and open nothing.")
@options.settings
def login(name: str, config: str | None, *, in_file: bool, no_browser: bool) -> None:
    """Log in at the provider, and keep the tokens that it gives (OAuth 2.0).

    They go into the keyring if there is one, else into a file of the state folder.

    Log in:
      ccc account login work
    """
    from ccc.accounts.oauth import log_in
    from ccc.config.account import Auth
    from ccc.config.values import heading

    account = _named(_config(config), name)
    if account.auth is not Auth.OAUTH:
        raise ConfigurationError(
            f"account {name} logs in with a password",
            f'add auth = "oauth" and client_id to {heading(name)} if its provider has tokens',
        )
    log_in(account, os.environ, say, None if no_browser else _open_browser, in_file=in_file)
    say(f"see whether it works: ccc account test {name}")


@command.command(cls=Command, name="forget", short_help="Remove an account's secrets.")
@name_argument
@options.settings
def forget(name: str, config: str | None) -> None:
    """Remove the passwords and tokens of an account from the keyring and the state folder.

    The configuration file stays as it is: ccc says which lines of it to delete.

    Remove them:
      ccc account forget work
    """
    from ccc.accounts import marks
    from ccc.accounts.oauth import forget as forget_tokens
    from ccc.config.account import Auth

    account = _named(_config(config), name)
    gone = list(_passwords_removed(account))
    if account.auth is Auth.OAUTH and forget_tokens(account, os.environ):
        gone.append("its tokens")
    if marks.unmark(account, os.environ):
        gone.append("the mark on its server")
    say(f"removed {', '.join(gone)}" if gone else f"nothing of account {name} is kept")
    first, last = _lines(name, config)
    say(f"to remove the account itself, delete {first} to {last} of {config_path(config)}")


def _passwords_removed(account: "Account") -> Iterator[str]:
    """What was taken out of the keyring; one that cannot be reached is said and left alone."""
    from ccc.accounts import keyring

    manner = keyring.Manner(os.environ, has_terminal(), account.allow_plaintext_keyring)
    for user in users(account):
        try:
            if keyring.delete(f"ccc:{account.name}", user, manner):
                yield f"the password of {user}"
        except NotPermitted as error:
            say(f"the keyring was not looked at: {error.what}")
            return


def users(account: "Account") -> tuple[str, ...]:
    """The user names with which it logs in."""
    from ccc.transport.server import from_url, imap_from_url

    servers = [from_url(account.smtp)] if account.smtp else []
    servers += [imap_from_url(account.imap)] if account.imap else []
    return tuple(dict.fromkeys(server.user for server in servers if server.user))


def _config(path: str | None) -> "Config":
    from ccc.config import read_config

    return read_config(path, os.environ)


def _named(config: "Config", name: str) -> "Account":
    from ccc.accounts.choose import account_named

    return account_named(config, name)


def _default(config: "Config") -> str:
    """The account that is used where nothing else decides."""
    return config.default or (next(iter(config.accounts)) if len(config.accounts) == 1 else "")


def config_path(config: str | None) -> str:
    """The configuration file, whether it is there or not."""
    from ccc.config.file import place_of

    return place_of(config, os.environ)


def _stated(name: str, config: str | None) -> Mapping[str, object]:
    """The keys that the file itself has for an account."""
    from ccc.config.file import find, table_of

    found = find(config, os.environ)
    accounts = table_of(found).get("account") if found else None
    table = accounts.get(name) if isinstance(accounts, dict) else None
    return table if isinstance(table, dict) else {}


def _lines(name: str, config: str | None) -> tuple[str, str]:
    """The first and the last line of an account in the file, for eyes."""
    import re

    from ccc.config.file import find

    found = find(config, os.environ)
    lines = found.octets.decode("utf-8", "replace").splitlines() if found else []
    heading = re.compile(rf"\s*\[\s*account\s*\.\s*[\"']?{re.escape(name)}[\"']?\s*\]")
    begins = [number for number, line in enumerate(lines) if heading.match(line)]
    if not begins:
        return f"what it says of account {name}", "the next heading"
    after = [number for number in range(begins[0] + 1, len(lines)) if lines[number].lstrip().startswith("[")]
    last = (after[0] if after else len(lines)) - 1
    while last > begins[0] and not lines[last].strip():
        last -= 1
    return f"line {begins[0] + 1}", f"line {last + 1}"


def _way(account: "Account") -> str:
    """How mail goes out by it, for eyes."""
    if not account.smtp:
        return account.via or "no way out"
    from ccc.transport.server import from_url

    return from_url(account.smtp).name


def _text(key: str, value: Value) -> str:
    """The value of a key, for eyes."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return value
    if key.endswith("_command"):
        from shlex import join

        return join(value)
    return ", ".join(value)


def _values(account: "Account") -> Iterator[tuple[str, Value]]:
    """The keys of an account and what they are; no secret among them."""
    from ccc.accounts import marks

    yield "address", account.address.eyes() if account.address else ""
    yield "identities", _people(account.identities)
    for key in ("provider", "smtp", "imap", "via", "helo", "tls_ca_file"):
        yield key, getattr(account, key)
    if account.via == "mx":
        yield "tls", account.tls.value
        yield "allow_private_mx", account.allow_private_mx
    yield "auth", account.auth.value
    yield "password_command", account.password_command
    yield "password_file", account.password_file
    yield "token_command", account.oauth.token_command
    yield "client_id", account.oauth.client_id
    yield "client_secret", "***" if account.oauth.client_secret else ""
    yield "redirect_to", _people(account.redirect_to)
    yield "fcc", account.fcc
    yield "from_policy", account.from_policy.value
    yield "stores_sent", account.stores_sent
    yield "strip", account.strip
    yield "honours_envelope", not marks.marked(account, os.environ)


def _people(mailboxes: "tuple[Mailbox, ...]") -> tuple[str, ...]:
    return tuple(mailbox.eyes() for mailbox in mailboxes)


def _json(account: "Account", *, default: bool) -> dict[str, object]:
    return {"schema": 1, "account": account.name, "default": default, **dict(_values(account))}


def _open_browser(url: str) -> bool:
    import webbrowser

    return webbrowser.open(url)
