"""The link to a mailbox is cut at any octet of an APPEND: the journal knows what may have arrived.

The same judge as for SMTP, and one law more: since it can be looked what lies in a mailbox, what was in doubt
and is sent again makes no second copy.
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from ccc.routes.route import Route
from tests.journal.test_cut import FEW, IMPATIENT, PATIENT, Scene, cuts, harmful, memory, opened
from tests.journal.truth import ledger, phases, untrue
from tests.lab.cutter import Cut, Cutter, End, Way
from tests.lab.postbox import CAPABILITIES, OWNER, Postbox
from tests.routes.sessions import Appending


class Mailbox(Scene):
    """So many messages into a mailbox of an IMAP server with these capabilities."""

    __slots__ = ()

    def sink(self, *, busy: bool) -> Postbox:  # type: ignore[override]
        return Postbox(self.extensions)

    def route(self, port: int, patience: float) -> Route:  # type: ignore[override]
        return Appending(port, patience)


SCENES = {
    "waits": Mailbox(("IMAP4rev1",), (OWNER,), 1),
    "goes on": Mailbox(CAPABILITIES, (OWNER,), 1),
    "goes on, three": Mailbox(CAPABILITIES, (OWNER,), 3),
}
every_scene = pytest.mark.parametrize("scene", SCENES.values(), ids=SCENES)


@contextmanager
def usual(scene: Mailbox) -> Iterator[dict[Way, int]]:
    """How many octets go either way when nothing is cut."""
    with memory() as folder, Postbox(scene.extensions) as postbox:
        with (
            Cutter(("127.0.0.1", postbox.port)) as cutter,
            closing(opened(folder)) as journal,
        ):
            scene.send(journal, cutter.port)
        yield cutter.passed


def wrong_in_the_end(scene: Mailbox, cut: Cut, state: Path) -> list[str]:
    """What is wrong when the link was cut, and what was in doubt was sent again to the same mailbox."""
    with Postbox(scene.extensions) as postbox:
        patience = IMPATIENT if cut.end is End.STALL else PATIENT
        with Cutter(("127.0.0.1", postbox.port), cut) as cutter, closing(opened(state)) as journal:
            status = scene.send(journal, cutter.port, patience)
        found = untrue(ledger(postbox.transactions), phases(state), status)
        with closing(opened(state)) as journal:
            scene.retry(journal, postbox.port, resend=True)
        copies, said = ledger(postbox.transactions), phases(state)
        if said != scene.settled():
            found.append(f"in the end: {said}")
        return found + untrue(copies, said) + postbox.faults


def doubled(scene: Mailbox, few: int | None = None) -> dict[Cut, list[str]]:
    """The cuts after which something is wrong in the end."""
    with usual(scene) as lengths, memory() as folder:
        tried = {
            cut: wrong_in_the_end(scene, cut, folder / f"{number}")
            for number, cut in enumerate(cuts(lengths, few))
        }
    return {cut: wrong for cut, wrong in tried.items() if wrong}


@every_scene
def test_a_cut_loses_nothing_and_doubles_nothing(scene: Mailbox) -> None:
    assert harmful(scene, FEW) == {}


@every_scene
def test_what_was_in_doubt_and_is_sent_again_makes_no_second_copy(scene: Mailbox) -> None:
    assert doubled(scene, FEW) == {}


@pytest.mark.sweep
@every_scene
def test_no_cut_at_any_octet_loses_or_doubles(scene: Mailbox) -> None:
    assert harmful(scene) == {}


@pytest.mark.sweep
@every_scene
def test_no_cut_at_any_octet_makes_a_second_copy(scene: Mailbox) -> None:
    assert doubled(scene) == {}
