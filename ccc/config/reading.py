"""What a file says, as a Config: its keys by the schema, its accounts with what their providers add."""

import os
from collections.abc import Mapping

from ccc.config.account import Account
from ccc.config.config import Config
from ccc.config.file import Found, home, table_of
from ccc.config.schema import ACCOUNT, TOP, read_table
from ccc.config.values import ACCOUNT_NAME, Said, heading, near, shown
from ccc.errors import ConfigurationError

TABLE = "account"  # [account.NAME]


def config_of(found: Found, environ: Mapping[str, str]) -> Config:
    """The configuration that a file spells."""
    table = table_of(found)
    where = Said("", None, (), os.path.dirname(os.path.abspath(found.path)), home(environ))
    try:
        config = read_table(TOP, table, Config(), where, (TABLE,))
        config = config._replace(accounts=_accounts(table.get(TABLE, {}), where))
        _check_names(config, where)
    except ConfigurationError as error:
        raise ConfigurationError(f"{found.path}: {error.what}", error.cure) from error
    return config


def _accounts(value: object, where: Said) -> dict[str, Account]:
    if not isinstance(value, dict):
        raise where._replace(key=TABLE, value=value).wrong("is no table", "write [account.NAME]")
    return {
        name: _account(where._replace(key=name, value=keys, tables=(TABLE,))) for name, keys in value.items()
    }


def _account(said: Said) -> Account:
    """One [account.NAME]."""
    if not isinstance(said.value, dict):
        raise said.wrong("is no table", "write [account.NAME] above the keys of an account")
    if not ACCOUNT_NAME.fullmatch(said.key):
        raise ConfigurationError(
            f"{shown(said.key)} cannot be the name of an account", "use letters, digits and . _ - only"
        )
    from ccc.config.preset import completed

    table: dict[str, object] = said.value
    inside = said._replace(tables=(TABLE, said.key))
    stated = read_table(ACCOUNT, table, Account(said.key), inside)
    return completed(stated, table, inside)


def _check_names(config: Config, where: Said) -> None:
    """Refuse the name of an account that there is not."""
    _check_name(config, config.default, where._replace(key="default"))
    for account in config.accounts.values():
        way, _, place = account.via.partition(":")
        if way == "append":
            said = where._replace(key="via", tables=(TABLE, account.name))
            _check_name(config, place.partition("/")[0], said)


def _check_name(config: Config, name: str, said: Said) -> None:
    if name and name not in config.accounts:
        names = list(config.accounts)
        there = f"the accounts are {', '.join(names)}" if names else f"add {heading(name)}"
        raise said.bad(f"there is no account {shown(name)}", near(name, names, there))
