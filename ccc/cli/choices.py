"""The command line of `resend` and `redirect` once click has read it, and what follows from it."""

import os
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from ccc.address import Mailbox
from ccc.errors import UsageError

if TYPE_CHECKING:
    from ccc.config.account import Account
    from ccc.delivery import Dsn
    from ccc.plan import Request

People = tuple[Mailbox, ...]


class Choices(NamedTuple):
    """The options by their names; those of the other command keep their defaults."""

    sources: tuple[str, ...] = ()
    account: str | None = None
    imap_uid: str | None = None
    imap_search: str | None = None
    folder: str | None = None
    max_size: int | None = None
    to: People = ()
    cc: People = ()
    bcc: People = ()
    keep: tuple[str, ...] = ()
    strip: tuple[str, ...] = ()
    sender: Mailbox | None = None
    envelope_from: Mailbox | None = None
    smtp: str | None = None
    via: str | None = None
    password_fd: int | None = None
    password_command: tuple[str, ...] | None = None
    tls: str | None = None
    tls_ca_file: str | None = None
    timeout: float | None = None
    helo: str = ""
    allow_private_mx: bool = False
    require_tls: bool = False
    pipeline_messages: int = 4
    dsn: "Dsn | None" = None
    force: bool = False
    mark: bool = True
    fcc: str | None = None
    dry_run: bool = False
    yes: bool = False
    limit: int | None = None
    save_bytes: str | None = None
    again: bool = False
    no_journal: bool = False
    config: str | None = None
    as_json: bool = False
    quiet: bool = False
    verbose: bool = False
    color: str = "auto"
    show_to: People = ()
    show_cc: People = ()
    show_resent_to: People = ()
    show_resent_cc: People = ()
    resent: str = "auto"

    def check(self) -> None:
        """Raise UsageError for what cannot be meant."""
        if not (self.sources or self.imap_uid or self.imap_search):
            raise UsageError(
                "no mail is named", "name a file, - for standard input, or --imap-uid; see --help"
            )
        if self.smtp and self.via:
            raise UsageError("--smtp and --via name two ways out", "leave one of them out")
        idle = {"--folder": self.folder, "--max-size": self.max_size, "--no-mark": not self.mark}
        for name, given in idle.items():
            if given and not self.from_imap:
                raise UsageError(f"{name} is for mail of your mailbox, and none is named", "leave it out")
        if self.save_bytes and self._overwritten(self.save_bytes):
            raise UsageError("--save-bytes names the message itself", "name another file")
        if self.save_bytes == "-" and self.as_json:
            raise UsageError("--json and --save-bytes - both write to standard output", "name a file")

    @property
    def from_imap(self) -> bool:
        """Whether a message may come from an IMAP server."""
        named = any(each[:6].lower().startswith(("imap:", "imaps:", "mid:")) for each in self.sources)
        return bool(named or self.imap_uid or self.imap_search)

    @property
    def from_url(self) -> bool:
        """Whether a message comes from a mailbox that a URL names."""
        return any(each[:8].lower().startswith(("imap://", "imaps://")) for each in self.sources)

    @property
    def names_somebody(self) -> bool:
        """Whether anybody is to get it."""
        return bool(self.to or self.cc or self.bcc)

    def _overwritten(self, path: str) -> bool:
        """Whether a source is this file; those that --limit leaves out count as well."""
        with suppress(OSError):
            target = None if path == "-" else os.stat(path)
            return target is not None and any(_is_same(source, target) for source in self.sources)
        return False

    def request(self, action: str, account: "Account | None" = None, login: str = "") -> "Request":
        """What is asked of any message that goes out by this account, or without one by this login."""
        from ccc.plan import Action, Request, Resent

        return Request(
            Action(action),
            to=self.to,
            cc=self.cc,
            bcc=self.bcc,
            show_to=self.show_to,
            show_cc=self.show_cc,
            show_resent_to=self.show_resent_to,
            show_resent_cc=self.show_resent_cc,
            sender=self.sender,
            envelope_from=self.envelope_from,
            account=account.address if account else None,
            identities=account.identities if account else (),
            login=login,
            resent=Resent(self.resent),
            keep=frozenset(self.keep),
            strip=frozenset(self.strip),
        )


def _is_same(source: str, target: os.stat_result) -> bool:
    with suppress(OSError):
        return os.path.samestat(os.fstat(0) if source == "-" else os.stat(source), target)
    return False
