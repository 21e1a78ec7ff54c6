"""An account as it will stand in the configuration file: its keys, and their lines in TOML.

Only what the user decided or discovery found is written; what a provider's preset knows stays in the preset,
where a later ccc may know better.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ccc.address import Mailbox
from ccc.config.values import heading
from ccc.visible import visible


class Draft(NamedTuple):
    """The answers of the wizard; empty ones are not written."""

    name: str
    address: Mailbox
    provider: str = ""
    login: str = ""  # at the provider's servers
    smtp: str = ""
    imap: str = ""
    smtp_origin: str = ""  # where the server is known from, for a comment
    imap_origin: str = ""
    tls_ca_file: str = ""
    auth: str = ""
    password_command: tuple[str, ...] = ()
    password_file: str = ""
    token_command: tuple[str, ...] = ()
    client_id: str = ""
    redirect_to: tuple[Mailbox, ...] = ()
    from_policy: str = ""
    default: bool = False

    def lines(self) -> Iterator[str]:
        """The lines to append to the file."""
        if self.default:
            yield f"default = {quoted(self.name)}"
            yield ""
        yield heading(self.name)
        yield f"address = {quoted(_written(self.address))}"
        for key in ("provider", "login", "smtp", "imap", "tls_ca_file", "auth"):
            if value := getattr(self, key):
                yield f"{key} = {quoted(value)}{self._comment(key)}"
        for key in ("password_command", "token_command"):
            if words := getattr(self, key):
                yield f"{key} = {listed(words)}"
        for key in ("password_file", "client_id"):
            if value := getattr(self, key):
                yield f"{key} = {quoted(value)}"
        if self.redirect_to:
            yield f"redirect_to = {listed([_written(each) for each in self.redirect_to])}"
        if self.from_policy:
            yield f"from_policy = {quoted(self.from_policy)}"

    def _comment(self, key: str) -> str:
        origin = {"smtp": self.smtp_origin, "imap": self.imap_origin}.get(key, "")
        return f"  # {visible(origin)}" if origin else ""


def quoted(text: str) -> str:
    """A basic string of TOML; a control character makes one that TOML refuses."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def listed(texts: Sequence[str]) -> str:
    """An array of strings in TOML."""
    return f"[{', '.join(map(quoted, texts))}]"


def _written(mailbox: Mailbox) -> str:
    """A mailbox as parse_mailbox reads it again, its name unencoded."""
    return f"{_name(mailbox.name)} <{mailbox.addr_spec}>" if mailbox.name else mailbox.addr_spec


def _name(name: str) -> str:
    plain = all(char.isalnum() or char in " -'" for char in name)
    return name if plain else quoted(name)
