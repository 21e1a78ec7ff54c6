"""Plans that go through a journal over small routes of our own, and what another process sees on the disk.

`python -m tests.journal.desk STAGE` delivers one mail and dies of SIGKILL at that stage.
"""

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

from ccc import deliver, plan_redirect, plan_resend
from ccc.config import Config
from ccc.delivery import Delivery, Settled, Stage, Witness, settle_all, unanswered
from ccc.errors import Kind, LinkLost
from ccc.journal.journal import Journal, Terms
from ccc.journal.opening import open_journal
from ccc.plan import Plan
from ccc.receipt import Outcome, Receipt, State
from ccc.smtp.replies import Reply

ROOT = Path(__file__).resolve().parents[2]
MAIL = (
    b"From: Ann <ann@a.test>\r\nTo: bob@b.test\r\nSubject: Minutes\r\nMessage-ID: <1@a.test>\r\n\r\nHello\r\n"
)
ME = "me@a.test"
USUAL = Config()
X, Y, Z = "x@b.test", "y@b.test", "z@b.test"
LARGE = MAIL + b"a line of thirty-two characters\r\n" * 4000


class Route:
    """A route that keeps what it is given; `fate` says what becomes of an address, others accept.

    `look` is called with the witness's word for it whenever something is on the disk.
    """

    name = "mx.b.test"

    def __init__(
        self, fate: Mapping[str, str] | None = None, look: Callable[[str], object] = lambda stage: None
    ) -> None:
        self.fate, self.look = dict(fate or {}), look
        self.taken: list[Delivery] = []
        self.octets: list[bytes] = []

    @property
    def to(self) -> list[str]:
        """Everybody who was named to it."""
        return [path.addr_spec for each in self.taken for path in each.envelope.forward_paths]

    def deliver(
        self, deliveries: Iterable[Delivery], /, witness: Witness | None = None
    ) -> Iterator[tuple[Settled, ...]]:
        for delivery in deliveries:
            self.taken.append(delivery)
            self.look("handed over")
            for stage in (Stage.SENDING, Stage.COMMITTING):
                if witness is not None:
                    witness.note(delivery, delivery.envelope.forward_paths, stage)
                    witness.secure()
                self.look(stage.value)
            self.octets.append(b"".join(delivery.content.blocks()))
            yield (settle_all(delivery, self._outcome),)
            self.look("settled")

    def _outcome(self, mailbox) -> Outcome:
        match self.fate.get(mailbox.addr_spec, "accepted"):
            case "accepted":
                return Outcome(mailbox, State.ACCEPTED, Reply(250, (b"2.0.0 ok",)), "2.0.0 ok", hop=self.name)
            case "deferred":
                reply = Reply(450, (b"4.2.0 not now",))
                return Outcome(mailbox, State.DEFERRED, reply, "4.2.0 not now", Kind.TRY_LATER, self.name)
            case "refused":
                reply = Reply(550, (b"5.1.1 no such user",))
                return Outcome(mailbox, State.REFUSED, reply, "5.1.1 no such user", Kind.REFUSED, self.name)
            case _:
                return unanswered(mailbox, LinkLost("the server fell silent"), committed=True)


def redirect(*to: str, text: bytes = MAIL, **more) -> Plan:
    return plan_redirect(text, sender=ME, to=to, **more)


def resend(*to: str, text: bytes = MAIL, **more) -> Plan:
    return plan_resend(text, sender="ann@a.test", to=to, **more)


@contextmanager
def opened(state: Path, config: Config = USUAL) -> Iterator[Journal]:
    journal = open_journal(config, {"CCC_STATE_DIR": str(state)})
    assert journal is not None
    with closing(journal):
        yield journal


def send(
    state: Path,
    plans: Plan | list[Plan],
    route=None,
    *,
    config: Config = USUAL,
    **terms,
) -> list[Receipt]:
    """One run: its receipts."""
    with opened(state, config) as journal:
        return list(deliver(plans, route or Route(), journal=journal, terms=Terms(**terms)))


def reviewed(state: Path, plan: Plan) -> list[str]:
    """What the journal knows of the recipients of a plan, without a word of its own."""
    with opened(state) as journal:
        return [known.state.value if known else "" for _, _, known, _ in journal.review(plan, Terms())]


def states(receipts: Iterable[Receipt]) -> list[str]:
    return [outcome.state.value for receipt in receipts for outcome in receipt.outcomes]


def on_disk(state: Path, what: str = "address, phase") -> list[tuple]:
    """Columns of the recipients, in the order of their entry, as another process sees them."""
    with closing(sqlite3.connect(state / "journal.db")) as database:
        sql = f"SELECT {what} FROM recipient JOIN entry ON entry = entry.id ORDER BY recipient.id"
        return database.execute(sql).fetchall()


def phases(state: Path) -> dict[str, str]:
    """How far everybody's current delivery has come."""
    return {a: phase for a, phase, current in on_disk(state, "address, phase, current") if current}


def kept(state: Path) -> int:
    """How many contents are kept, in the database and in the spool."""
    with closing(sqlite3.connect(state / "journal.db")) as database:
        (count,) = database.execute("SELECT count(*) FROM content").fetchone()
    return count + len(list((state / "spool").iterdir()))


def killed(state: Path, stage: str) -> None:
    """Let a process deliver MAIL to x and y and die at this stage."""
    command = [sys.executable, "-m", "tests.journal.desk", stage]
    environment = {**os.environ, "CCC_STATE_DIR": str(state)}
    ended = subprocess.run(command, cwd=ROOT, env=environment, timeout=60, check=False)
    assert ended.returncode == -signal.SIGKILL


def _die_at(stage: str) -> None:
    def look(now: str) -> None:
        if now == stage:
            os.kill(os.getpid(), signal.SIGKILL)

    send(Path(os.environ["CCC_STATE_DIR"]), redirect(X, Y), Route(look=look))


if __name__ == "__main__":
    _die_at(sys.argv[1])
