"""Which account a run is for: what the user names decides, and nothing that a stranger wrote.

To and Delivered-To never choose, since whoever sends a mail writes them. From does, but only in a resend,
which is for the user's own mail, and only between accounts of the user's own.
"""

from collections.abc import Sequence

from ccc.address import Mailbox
from ccc.config import Config
from ccc.config.account import Account
from ccc.config.values import heading
from ccc.errors import ConfigurationError, UsageError


def choose(
    config: Config, *, named: str | None, fetched_from: str | None, authors: Sequence[Mailbox]
) -> Account | None:
    """The account that is named (-a), else the one that the mail is fetched from, else that of an author.

    `authors` has the From of a resend, and is empty for a redirect. If none of them tells, it is the default,
    or the only account that there is; None if there are several or none.
    """
    if named is not None:
        return account_named(config, named)
    if fetched_from is not None:
        return account_named(config, fetched_from)
    default = config.accounts.get(config.default)
    own = [account for account in config.accounts.values() if _is_of(account, authors)]
    if own:
        return default if default in own else own[0]
    only = next(iter(config.accounts.values())) if len(config.accounts) == 1 else None
    return default or only


def account_named(config: Config, name: str) -> Account:
    """The account of that name, which the user gave; UsageError if there is none."""
    account = config.accounts.get(name)
    if account is not None:
        return account
    from difflib import get_close_matches

    names = list(config.accounts)
    near = get_close_matches(name, names, 1)
    if near:
        cure = f"did you mean {near[0]}?"
    else:
        cure = f"the accounts are {', '.join(names)}" if names else "`ccc account add` makes one"
    raise UsageError(f"there is no account {name!r}", cure)


def undecided(config: Config, what: str) -> ConfigurationError:
    """What to say where an account is needed for `what`, and there is none, or there are several."""
    if config.accounts:
        names, cure = ", ".join(config.accounts), "".join(no_default(config)[1:])
        return ConfigurationError(
            f"{what}: there are several accounts ({names}), and none is the default",
            f"add -a NAME, or {cure}",
        )
    return ConfigurationError(what, "set up an account with `ccc account add`")


def no_default(config: Config) -> tuple[str, str] | tuple[()]:
    """What to say where several accounts have no default, and the cure: the first was that until now."""
    if config.default or len(config.accounts) < 2:
        return ()
    first = next(iter(config.accounts))
    return "there are several accounts and no default", f'write default = "{first}" on top of the file'


def lacking(account: Account, server: str) -> ConfigurationError:
    """What to say where `server`, "smtp" or "imap", is needed and the account has none."""
    if account.provider:
        from ccc.config.provider import Login, provider

        preset = provider(account.provider)
        known = preset.smtp if server == "smtp" else preset.imap
        own = Login.OWN in (preset.login, preset.imap_login)
        if known and not account.via:
            key = 'login = "…" (your user name there)' if own else 'address = "…"'
            return _lacking(account, f"nothing says who you are at {preset.name}", f"add {key}")
    return _lacking(account, f"it has no {server} server", f'add {server} = "{server}s://USER@HOST"')


def _lacking(account: Account, what: str, where: str) -> ConfigurationError:
    return ConfigurationError(f"account {account.name}: {what}", f"{where} to {heading(account.name)}")


def _is_of(account: Account, authors: Sequence[Mailbox]) -> bool:
    return any(own.same_person(author) for own in account.own for author in authors)
