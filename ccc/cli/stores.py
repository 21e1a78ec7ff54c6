"""What a run shares: the passwords that were found, and one session to each mail store.

The source, the marks, the copies of what was sent and `--via append` may all need the same mailbox; nobody
logs in twice, and nobody is asked twice for a password.
"""

import os
from functools import partial
from typing import TYPE_CHECKING, Self

from ccc.cli.choices import Choices
from ccc.cli.terminal import ask_secret, say

if TYPE_CHECKING:
    from ccc.accounts.wallet import Wallet
    from ccc.config.account import Account
    from ccc.imap import Manner, Session
    from ccc.transport.interrupts import Interrupts


class Stores:
    """The wallet and the sessions of a run; a context manager that closes them."""

    def __init__(self, choices: Choices, interrupts: "Interrupts", *, terminal: bool) -> None:
        self._choices = choices
        self._interrupts = interrupts
        self._terminal = terminal
        self._wallet: Wallet | None = None
        self._sessions: dict[str, Session] = {}

    @property
    def wallet(self) -> "Wallet":
        """Where passwords and tokens come from."""
        if self._wallet is None:
            from ccc.accounts.wallet import Given, Wallet

            choices = self._choices
            given = Given(choices.password_fd, choices.password_command, for_account=not choices.smtp)
            ask = partial(ask_secret, interrupts=self._interrupts) if self._terminal else None
            self._wallet = Wallet(given, os.environ, ask, choices.config, self._interrupts)
        return self._wallet

    def session(self, account: "Account") -> "Session":
        """A session to the mail store of this account: the one that is open, else a new one."""
        session = self._sessions.get(account.name)
        if session is None or session.lost:
            self._sessions[account.name] = session = self._opened(account)
        return session

    def _opened(self, account: "Account") -> "Session":
        from ccc.imap import connect
        from ccc.transport.server import imap_from_url, unproven

        if not account.imap:
            from ccc.accounts.choose import lacking

            raise lacking(account, "imap")
        secure = self._choices.tls_ca_file or account.tls_ca_file
        server = imap_from_url(account.imap, opportunistic=unproven(secure))
        return connect(server, self.wallet.keys(account, server), self._manner(account))

    def _manner(self, account: "Account") -> "Manner":
        from ccc.imap import Manner
        from ccc.transport.transcript import Transcript

        choices, usual = self._choices, Manner()
        return Manner(
            ca_file=choices.tls_ca_file or account.tls_ca_file or None,
            timeout=choices.timeout or usual.timeout,
            max_size=choices.max_size or usual.max_size,
            transcript=Transcript(say) if choices.verbose else None,
            interrupts=self._interrupts,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for session in self._sessions.values():
            session.close()
