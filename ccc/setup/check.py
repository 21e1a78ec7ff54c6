"""One check of the doctor: what was looked at, what was seen, and what to do about it."""

from enum import Enum
from typing import NamedTuple

from ccc.errors import CccError, Interrupted, Kind, LoginRefused
from ccc.receipt import EXIT, SCHEMA


class Level(Enum):
    """How good it is."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


class Check(NamedTuple):
    """A line of the report; `kind` is the kind of failure, None where nothing fails."""

    name: str
    text: str
    level: Level = Level.OK
    cure: str = ""
    kind: Kind | None = None
    account: str = ""
    refused: bool = False  # a server refused the login

    @property
    def exit_status(self) -> int:
        """What a run exits with because of it."""
        return EXIT[self.kind] if self.kind else 0

    @property
    def line(self) -> str:
        """The line for eyes."""
        cure = f"; {self.cure}" if self.cure else ""
        return f"{self.level.value:<4}  {self.name}: {self.text}{cure}"

    def as_json(self) -> dict[str, object]:
        """The line for --json."""
        return {
            "schema": SCHEMA,
            "account": self.account,
            "check": self.name,
            "result": self.level.value,
            "what": self.text,
            "cure": self.cure,
            "kind": self.kind.value if self.kind else None,
            "exit_status": self.exit_status,
        }


def failed(name: str, error: CccError) -> Check:
    """The check that ended with this error; a signal ends the run instead."""
    if isinstance(error, Interrupted):
        raise error
    refused = isinstance(error, LoginRefused)
    return Check(name, error.what, Level.FAIL, error.cure, error.kind, refused=refused)


def warned(name: str, text: str, cure: str) -> Check:
    """Something that works and should be looked at."""
    return Check(name, text, Level.WARN, cure)
