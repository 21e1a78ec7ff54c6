"""Maildirs, one for each recipient: a rehearsal without a network, with the octets that would be sent.

A file is written below tmp/, brought to the disk and moved to new/ (maildir(5)), with LF line ends.
"""

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ccc.address import Mailbox
from ccc.delivery import Delivery, Settled, Witness, unanswered
from ccc.errors import MessageError, StateError
from ccc.receipt import Outcome, State


@dataclass(frozen=True, slots=True)
class Maildirs:
    """A Maildir for each recipient below `folder`, named by the address: a rehearsal without a network."""

    folder: str

    @property
    def name(self) -> str:
        """The folder for eyes."""
        return f"maildir {self.folder}"

    def deliver(
        self, deliveries: Iterable[Delivery], /, witness: Witness | None = None
    ) -> Iterator[tuple[Settled, ...]]:
        """Write the message for each recipient, or say why not; a rehearsal needs no witness."""
        del witness
        for delivery in deliveries:
            paths = delivery.envelope.forward_paths
            yield (Settled(delivery, tuple(self._outcome(delivery, mailbox) for mailbox in paths)),)

    def _outcome(self, delivery: Delivery, mailbox: Mailbox) -> Outcome:
        maildir = Path(self.folder) / _folder_name(mailbox.addr_spec)
        try:
            place = _store(delivery, maildir)
        except MessageError as error:
            return unanswered(mailbox, error, hop=self.name)
        except OSError as error:
            cannot = StateError(
                f"cannot write to {maildir}: {error.strerror}", "check the folder and the disk"
            )
            return unanswered(mailbox, cannot, hop=self.name)
        return Outcome(mailbox, State.ACCEPTED, reason=f"written to {place}", hop=self.name)


def _store(delivery: Delivery, maildir: Path) -> Path:
    """Write the message into tmp/, then move it to new/ at once: nobody ever sees half of one."""
    import time
    from socket import gethostname

    for part in ("tmp", "new", "cur"):
        (maildir / part).mkdir(mode=0o700, parents=True, exist_ok=True)
    host = gethostname().replace("/", "\\057").replace(":", "\\072")
    # maildir(5): seconds, then what makes it unique on this host, then the host.
    unique = f"{time.time_ns() // 10**9}.R{os.urandom(8).hex()}P{os.getpid()}.{host}"
    draft = maildir / "tmp" / unique
    try:
        with open(draft, "xb", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
            file.writelines(delivery.content.blocks(b"\n"))
            file.flush()
            os.fsync(file.fileno())
        return draft.rename(maildir / "new" / unique)
    finally:
        draft.unlink(missing_ok=True)


def _folder_name(address: str) -> str:
    """The address as the name of a folder: what could lead elsewhere is written as %XX."""
    name = re.sub(
        r"[^A-Za-z0-9@._+=-]", lambda match: "".join(f"%{o:02X}" for o in match[0].encode()), address
    )
    return name.replace(".", "%2E", 1) if name.startswith(".") else name
