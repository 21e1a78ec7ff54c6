"""Who logs in with what: every place of a password in its order, each asked when its turn has come.

The command line, the account's password_command and password_file, systemd, the keyring, and at last whoever
sits at the terminal. Nothing is looked for before a session needs it, and then once: a descriptor can be read
once, a command may unlock something, and people do not like to type.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from ccc.accounts import secrets
from ccc.errors import NotPermitted
from ccc.smtp.login import Keys, Password

if TYPE_CHECKING:
    from ccc.config.account import Account
    from ccc.transport.interrupts import Interrupts
    from ccc.transport.server import Server

_ACCOUNT, _SERVER = "account", "server"
AGAIN = 2  # times more that a password is asked for when the server refused it

Ask = Callable[[str], str]  # a prompt -> the secret that was typed; Declined if there is none


class Given(NamedTuple):
    """What the command line says: a file descriptor, or a command; for an account or for a URL beside it."""

    password_fd: int | None = None
    password_command: tuple[str, ...] | None = None
    for_account: bool = True

    def __bool__(self) -> bool:
        return self.password_fd is not None or bool(self.password_command)


class Wallet:
    """The keys of one run.

    `ask` is None where nobody can be asked; `config` is the configuration file as the user named it;
    `interrupts` end the wait for a command. What is given on the command line is for the first account that
    asks, or for the first server and its neighbours of the same domain: no password goes to two providers.
    """

    def __init__(
        self,
        given: Given,
        environ: Mapping[str, str],
        ask: Ask | None,
        config: str | None = None,
        interrupts: "Interrupts | None" = None,
    ) -> None:
        self._given = given
        self._environ = environ
        self._ask = ask
        self._config = config
        self._interrupts = interrupts
        self._owner: tuple[str, ...] | None = None  # of what is given
        self._gift: str | None = None
        self._keys: dict[tuple[str, ...], Keys] = {}

    def keys(self, account: "Account | None", server: "Server") -> Keys | None:
        """What logs in to a server, None if nothing does; the same for all servers of an account and user."""
        from ccc.config.account import Auth

        if not server.user or (account is not None and account.auth is Auth.NONE):
            return None
        login = (*_holder(account, server), server.user)
        if login not in self._keys:
            if account is not None and account.auth is Auth.OAUTH:
                from ccc.accounts.oauth.keys import oauth_keys

                self._keys[login] = oauth_keys(
                    account,
                    server.user,
                    self._environ,
                    attended=self._ask is not None,
                    interrupts=self._interrupts,
                )
            else:
                self._keys[login] = _Keys(server, partial(self._stored, account, server), self._ask)
        return self._keys[login]

    def _stored(self, account: "Account | None", server: "Server") -> str | None:
        """The secret from the first place that has one; NotPermitted if none has and nobody can be asked."""
        found, why = self._given_to(_holder(account, server)), ""
        if account is not None and found is None and not _is_url(account):
            found = self._of_account(account)
            try:
                if found is None:
                    found = self._in_keyring(account, server.user)
                    why = f"the keyring has none for {server.user}"
            except NotPermitted as error:
                why = error.what
        if found is None and self._ask is None:
            raise self._nothing(account, server, why)
        return found

    def _of_account(self, account: "Account") -> str | None:
        """What the account's own keys, or systemd, lead to."""
        if account.password_command:
            return self._printed(account.password_command)
        if account.password_file:
            return secrets.from_file(account.password_file)
        return secrets.from_credential(f"ccc-{account.name}", self._environ)

    def _given_to(self, holder: tuple[str, ...]) -> str | None:
        """What the command line gives, if it is for this one."""
        meant = self._given.for_account or holder[0] != _ACCOUNT
        if not (self._given and meant) or self._owner not in (None, holder):
            return None
        self._owner = holder
        if self._gift is None:
            descriptor, command, _ = self._given
            if descriptor is not None:
                self._gift = secrets.from_descriptor(descriptor)
            elif command:
                self._gift = self._printed(command)
        return self._gift

    def _printed(self, command: tuple[str, ...]) -> str:
        """The secret that a command prints."""
        return secrets.from_command(
            command, self._environ, attended=self._ask is not None, interrupts=self._interrupts
        )

    def _in_keyring(self, account: "Account", user: str) -> str | None:
        """The secret in the keyring; NotPermitted if that cannot be asked."""
        from ccc.accounts import keyring

        manner = keyring.Manner(
            self._environ, self._ask is not None, account.allow_plaintext_keyring, self._interrupts
        )
        return keyring.get(f"ccc:{account.name}", user, manner)

    def _nothing(self, account: "Account | None", server: "Server", why: str) -> NotPermitted:
        """The error where no place has a secret and nobody can be asked."""
        if account is None or _is_url(account):
            return NotPermitted(
                f"no password for {server.user} at {server.host}, and nobody can be asked for it",
                'use --password-command "pass show mail", or --password-fd 3 3< FILE'
                if account is None
                else 'add --password-command "pass show mail", or an account with this imap',
            )
        name = account.name
        return NotPermitted(
            f'no password for account "{name}": {why}',
            f'add  password_command = ["pass", "show", "mail/{name}"]  to {self._file()}, '
            f"or run  ccc account test {name} --as-cron  to see what cron sees",
        )

    def _file(self) -> str:
        """The configuration file as the user knows it."""
        from ccc.config.file import home, place_of

        place, folder = place_of(self._config, self._environ), home(self._environ)
        return f"~{place.removeprefix(folder)}" if folder and place.startswith(f"{folder}/") else place


class _Keys:
    """The password for one login; typed anew where it was typed and refused."""

    def __init__(self, server: "Server", stored: Callable[[], str | None], ask: Ask | None) -> None:
        self._user = server.user
        self._login = f"{server.user} at {server.host}"
        self._stored = stored
        self._ask = ask
        self._held: Password | None = None
        self._left = 0  # times that somebody may still be asked

    def credentials(self) -> Password:
        """The password, looked for the first time; NotPermitted if there is none."""
        if self._held is None:
            secret = self._stored()
            if secret is None and self._ask is not None:
                self._left = AGAIN
                secret = self._ask(f"Password for {self._login}: ")
            self._held = Password(self._user, secret or "")
        return self._held

    def renewed(self) -> Password | None:
        """Another one, if it was typed and may be mistyped; None otherwise."""
        if not self._left or self._ask is None:
            return None
        self._left -= 1
        self._held = Password(self._user, self._ask(f"Wrong password, try again ({self._login}): "))
        return self._held


def _is_url(account: "Account") -> bool:
    """Whether the account is none of the file, but what a URL on the command line makes do with."""
    return "://" in account.name


def _holder(account: "Account | None", server: "Server") -> tuple[str, ...]:
    """Whose password it is: an account's, or that of a user of hosts in one domain."""
    if account is not None:
        return (_ACCOUNT, account.name)
    _, dot, domain = server.host.partition(".")
    named = dot and not server.host.replace(".", "").isdigit() and ":" not in server.host
    return (_SERVER, server.user, domain if named else server.host)
