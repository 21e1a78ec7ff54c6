"""The configuration: what the user decided once, for every run and for each account.

Without a file nothing of what reads one is imported. A file that says anything that ccc does not understand
is refused as a whole, since a mail must not go out under half of the rules that its owner wrote down.
"""

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from ccc.config.file import find

if TYPE_CHECKING:
    from ccc.config.account import Account

_DAY = 86400.0
_NONE: "Mapping[str, Account]" = MappingProxyType({})


class InDoubt(Enum):
    """What becomes of a mail that may or may not have arrived."""

    HOLD = "hold"  # it waits for the user's word
    RESEND = "resend"  # it is sent again, as a mail server would do


class Config(NamedTuple):
    """What the file says; the accounts by their names, in the order of the file."""

    in_doubt: InDoubt = InDoubt.HOLD
    retry_for: float = 5 * _DAY  # seconds
    journal_subjects: bool = False
    default: str = ""  # the name of an account
    dns_resolver: str = ""  # ADDRESS or ADDRESS:PORT; empty for the resolver of this host
    accounts: "Mapping[str, Account]" = _NONE


def read_config(path: str | None, environ: Mapping[str, str]) -> Config:
    """The configuration in `path` (--config), else in the file that the environment leads to.

    Only a file that nobody named may be missing. Raises ConfigurationError.
    """
    found = find(path, environ)
    if found is None:
        return Config()
    from ccc.config.reading import config_of

    return config_of(found, environ)
