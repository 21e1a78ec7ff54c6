"""Submission servers that put what they take into the mailboxes of a real Dovecot, where IMAP shows it.

`Mailboxes` delivers to the envelope; `Careless` mails the people in the header, whatever the envelope says.
"""

import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ccc.address import read_list
from ccc.message import HeldOctets, read
from tests.lab.records import Transaction
from tests.lab.sink import EVERYTHING, Sink

NOBODY = 65534  # who Dovecot's mail belongs to


class Mailboxes(Sink):
    """Everything goes into the mailbox of `who`; `trace` notes on each copy whom it is for."""

    def __init__(self, mail: Path, who: str, *, trace: bool = True, **more: Any) -> None:
        super().__init__(EVERYTHING, **more)
        self.mail, self.who, self.trace = mail, who, trace

    def people(self, transaction: Transaction) -> Iterable[str]:
        """Who gets a copy."""
        return transaction.forward_paths

    def record(self, transaction: Transaction) -> None:
        super().record(transaction)
        for address in self.people(transaction):
            self.put(transaction.content, address)

    def put(self, octets: bytes, address: str, folder: str = "") -> None:
        """One copy, into a folder of the mailbox (Maildir++: it begins with a dot) or its inbox."""
        lead = f"Delivered-To: {address}\r\n".encode() if self.trace else b""
        box = self.mail / self.who / folder
        for part in ("cur", "new", "tmp"):
            (box / part).mkdir(parents=True, exist_ok=True)
        path = box / "tmp" / f"1.{os.urandom(8).hex()}.test"
        path.write_bytes(lead + octets)
        for made in (self.mail / self.who, box, *box.iterdir(), path):
            shutil.chown(made, NOBODY, NOBODY)
        path.rename(box / "new" / path.name)


class Careless(Mailboxes):
    """It mails the people in the header."""

    def people(self, transaction: Transaction) -> Iterable[str]:
        field = read(HeldOctets(transaction.content), "mail").header.first("to")
        return [mailbox.addr_spec for mailbox in read_list(field.value)] if field else ()
