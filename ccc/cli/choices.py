"""The command line of `resend` and `redirect` once click has read it, and what follows from it."""

import os
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from ccc.address import Mailbox
from ccc.errors import UsageError

if TYPE_CHECKING:
    from ccc.delivery import Dsn
    from ccc.plan import Request

People = tuple[Mailbox, ...]
UNATTENDED = 50  # messages; more need --yes or --limit, so that a wrong glob mails nobody


class Choices(NamedTuple):
    """The options by their names; those of the other command keep their defaults."""

    sources: tuple[str, ...] = ()
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
    pipeline_messages: int = 4
    dsn: "Dsn | None" = None
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

    def check(self, *, terminal: bool) -> None:
        """Raise UsageError for what cannot be meant."""
        if self.smtp and self.via:
            raise UsageError("--smtp and --via name two ways out", "leave one of them out")
        if self.save_bytes and len(self.taken) > 1:
            raise UsageError("--save-bytes takes one message", "name one, or add --limit 1")
        if self.save_bytes and self._overwritten(self.save_bytes):
            raise UsageError("--save-bytes names the message itself", "name another file")
        if self.save_bytes == "-" and self.as_json:
            raise UsageError("--json and --save-bytes - both write to standard output", "name a file")
        sure = terminal or self.yes or self.dry_run or self.limit
        if len(self.sources) > UNATTENDED and not sure:
            raise UsageError(
                f"{len(self.sources)} messages, and nobody can be asked whether that is meant",
                "add --yes for all of them, or --limit N for the first N",
            )

    @property
    def names_somebody(self) -> bool:
        """Whether anybody is to get it."""
        return bool(self.to or self.cc or self.bcc)

    @property
    def taken(self) -> tuple[str, ...]:
        """The sources of this run."""
        return self.sources[: self.limit]

    @property
    def left(self) -> int:
        """How many sources --limit leaves out."""
        return len(self.sources) - len(self.taken)

    @property
    def login(self) -> str:
        """The user name in --smtp."""
        if not self.smtp:
            return ""
        from ccc.transport.server import from_url

        return from_url(self.smtp).user

    def _overwritten(self, path: str) -> bool:
        """Whether a source is this file; those that --limit leaves out count as well."""
        with suppress(OSError):
            target = None if path == "-" else os.stat(path)
            return target is not None and any(_is_same(source, target) for source in self.sources)
        return False

    def request(self, action: str) -> "Request":
        """What is asked, of any message."""
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
            login=self.login,
            resent=Resent(self.resent),
            keep=frozenset(self.keep),
            strip=frozenset(self.strip),
        )


def _is_same(source: str, target: os.stat_result) -> bool:
    with suppress(OSError):
        return os.path.samestat(os.fstat(0) if source == "-" else os.stat(source), target)
    return False
