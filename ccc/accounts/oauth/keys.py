"""Access tokens as a login needs them, and what `ccc account login` and `ccc account forget` do.

A token is used until a minute before its end. The clock is the time of day, since a token's end must be known
to the next run too; a clock that is wrong costs a refused login and then a new token, nothing else.
"""

import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ccc.accounts.oauth.answers import usable
from ccc.accounts.oauth.http import endpoint, reach
from ccc.accounts.oauth.refresh import client, refreshed
from ccc.accounts.oauth.store import Store, login_of
from ccc.accounts.oauth.tokens import Tokens
from ccc.config.account import Account
from ccc.errors import ConfigurationError, NotPermitted
from ccc.smtp.login import Keys, Token

if TYPE_CHECKING:
    from ccc.transport.interrupts import Interrupts

YOUNG = 60.0  # seconds in which a token that is refused is not replaced: the next one would be refused too

Clock = Callable[[], float]
Say = Callable[[str], None]


def oauth_keys(
    account: Account,
    user: str,
    environ: Mapping[str, str],
    *,
    attended: bool = False,
    interrupts: "Interrupts | None" = None,
    clock: Clock = time.time,
) -> Keys:
    """The tokens with which `user` logs in to a server of this account; nothing is looked for yet.

    `attended`: somebody is there whom a command or the keyring may ask; `interrupts` end the wait for them.
    """
    if account.oauth.token_command:
        return CommandKeys(account, user, environ, attended, interrupts)
    return StoredKeys(account, user, Store(account, environ, attended, interrupts), clock, interrupts)


class CommandKeys:
    """Tokens that a command prints."""

    def __init__(
        self,
        account: Account,
        user: str,
        environ: Mapping[str, str],
        attended: bool,
        interrupts: "Interrupts | None",
    ) -> None:
        self._account = account
        self._user = user
        self._environ = environ
        self._attended = attended
        self._interrupts = interrupts
        self._held: Token | None = None

    def credentials(self) -> Token:
        """What the command prints; it knows how long that is good for."""
        self._held = Token(self._user, self._printed())
        return self._held

    def renewed(self) -> Token | None:
        """What it prints now, if that is another token."""
        before, self._held = self._held, Token(self._user, self._printed())
        return self._held if self._held != before else None

    def _printed(self) -> str:
        from ccc.accounts.secrets import from_command

        command = self._account.oauth.token_command
        token = from_command(
            command, self._environ, attended=self._attended, what="token", interrupts=self._interrupts
        )
        if usable(token):
            return token
        raise NotPermitted(
            f"the token command {command[0]} printed something else than an access token",
            "its first line shall be the token, without blanks and without a label",
        )


class StoredKeys:
    """Tokens that ccc keeps and refreshes."""

    def __init__(
        self, account: Account, user: str, store: Store, clock: Clock, interrupts: "Interrupts | None"
    ) -> None:
        self._account = account
        self._user = user
        self._store = store
        self._clock = clock
        self._interrupts = interrupts
        self._held: Tokens | None = None
        self._since = 0.0  # when the provider gave what is held, if this run asked for it

    def credentials(self) -> Token:
        """A token that is good for a minute at least; NotPermitted if nobody has logged in."""
        if self._held is None or not self._held.fresh(self._clock()):
            found = self._load()
            self._held = found if found.fresh(self._clock()) else self._refresh(None)
        return self._token(self._held)

    def renewed(self) -> Token | None:
        """Another token, or None if there can be none or this one is brand-new."""
        held = self._held
        if held is None or self._clock() < self._since + YOUNG:
            return None
        self._held = self._refresh(held)
        return self._token(self._held) if self._held.access != held.access else None

    def _token(self, tokens: Tokens) -> Token:
        return Token(self._user, tokens.access, tokens.expires)

    def _load(self) -> Tokens:
        name = self._account.name
        client(self._account)
        try:
            found = self._store.load()
        except NotPermitted as error:
            raise NotPermitted(
                f"no token for account {name}: {error.what}",
                f"run: ccc account login {name} --in-file, or use token_command",
            ) from error
        if found is None:
            raise NotPermitted(f"nobody has logged in to account {name}", f"run: ccc account login {name}")
        return found

    def _refresh(self, useless: Tokens | None) -> Tokens:
        """New tokens, kept; or those that another run has got meanwhile. `useless` will not do."""
        with self._store.locked() as draft:
            found, now = self._load(), self._clock()
            if found.fresh(now) and (useless is None or found.access != useless.access):
                return found
            if not found.refresh:
                raise NotPermitted(
                    f"the login of account {self._account.name} has ended, and there is no refresh token",
                    f"run: ccc account login {self._account.name}",
                )
            place, ca_file = endpoint(self._account, "token_url"), self._account.tls_ca_file
            reached = reach(place, ca_file, interrupts=self._interrupts)
            with undisturbed():
                newer = refreshed(self._account, found, now, reached)
                self._store.keep(newer, draft)
            self._since = now
            return newer


@contextmanager
def undisturbed() -> Iterator[None]:
    """Signals wait: the old refresh token may have ended, and the new one is not kept yet."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM, signal.SIGHUP))
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def log_in(
    account: Account,
    environ: Mapping[str, str],
    say: Say,
    open_browser: Callable[[str], bool] | None,
    *,
    in_file: bool = False,
    clock: Clock = time.time,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Let the user log in at the provider, and keep the tokens: in the keyring, else or `in_file` in a file.

    Where the provider has a device flow, a code is shown; else a browser comes back to this host
    (`open_browser` is None: the URL is only shown). `say` gets lines for the user, harmless for eyes.
    NotPermitted if the user or the provider says no, ConfigurationError if the account lacks something.
    """
    oauth = account.oauth
    if oauth.token_command:
        raise ConfigurationError(
            f"account {account.name} takes its tokens from {oauth.token_command[0]}",
            "log in with that program, or take token_command out of the account",
        )
    client(account)
    endpoint(account, "token_url")
    if oauth.device_url:
        from ccc.accounts.oauth.device import by_device

        tokens = by_device(account, say, clock, sleep)
    else:
        from ccc.accounts.oauth.loopback import by_browser

        tokens = by_browser(account, say, open_browser, clock)
    store = Store(account, environ, attended=True)
    with store.locked() as draft:
        filed = store.keep(tokens, draft, in_file=in_file)
    where = str(store.file) if filed else "the keyring"
    say(f"logged in to account {account.name} as {login_of(account)}; the tokens are in {where}")
    if not tokens.refresh:
        say("the provider gave no refresh token, so that this login ends when its token does")


def forget(account: Account, environ: Mapping[str, str]) -> bool:
    """Forget the account's tokens; whether there were any. The provider is not told."""
    return Store(account, environ).delete()
