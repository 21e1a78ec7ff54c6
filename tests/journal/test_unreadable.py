"""What a run that died left, and copies that cannot be read or removed: no reason to lose a mail."""

from contextlib import closing

import pytest

from ccc import deliver
from ccc.dispatch import deliver_again
from ccc.journal.journal import Terms
from ccc.journal.retry import due
from ccc.receipt import exit_status
from tests.journal.desk import MAIL, redirect
from tests.journal.scenes import LARGE, ONE, SMALL, Scene, opened
from tests.journal.truth import phases
from tests.lab.sink import Sink

KEY = ("<0@a.test>", *ONE)


@pytest.fixture
def kept(state_folder):
    """The spooled copy of a mail that was deferred."""
    with Sink(rcpt={ONE[0]: "451 not now"}) as sink:
        Scene("data", ONE, LARGE).play(state_folder, str(sink.port), Scene("data", ONE, LARGE).plans())
    (copy,) = (state_folder / "spool").iterdir()
    return copy


def hide(copy):
    """Make it unreadable, even for root."""
    copy.rename(copy.parent.parent / "hidden")
    copy.mkdir()


def show(copy):
    copy.rmdir()
    (copy.parent.parent / "hidden").rename(copy)


def retry(state, port):
    """`ccc retry --all`: the outcome, and the exit status."""
    with closing(opened(state)) as journal:
        taken = due(journal, all_=True, resend=False)
        receipts = list(deliver_again(taken, Scene("data", ONE, LARGE).route(str(port)), journal))
    return receipts[0].outcomes[0], exit_status(receipts)


def test_a_copy_that_cannot_be_read_now_is_read_later(state_folder, kept):
    hide(kept)
    with Sink() as sink:
        outcome, status = retry(state_folder, sink.port)
        assert (outcome.state.value, status, phases(state_folder)) == ("deferred", 73, {KEY: "deferred"})
        assert "cannot be read" in outcome.reason
        show(kept)
        outcome, status = retry(state_folder, sink.port)
    assert (outcome.state.value, status, len(sink.transactions)) == ("accepted", 0, 1)


def test_a_copy_that_cannot_be_read_after_it_was_taken_up_is_read_later(state_folder, kept):
    with Sink() as sink:
        with closing(opened(state_folder)) as journal:
            taken = due(journal, all_=True, resend=False)
            hide(kept)
            route = Scene("data", ONE, LARGE).route(str(sink.port))
            (receipt,) = deliver_again(taken, route, journal)
        assert (receipt.outcomes[0].state.value, receipt.exit_status) == ("deferred", 73)
        show(kept)
        assert retry(state_folder, sink.port)[1] == 0
    assert len(sink.transactions) == 1


def test_a_copy_that_is_gone_is_given_up(state_folder, kept):
    kept.unlink()
    with Sink() as sink:
        outcome, status = retry(state_folder, sink.port)
    assert (outcome.state.value, status, phases(state_folder)) == ("refused", 65, {KEY: "refused"})


def test_a_copy_that_cannot_be_removed_changes_nothing(state_folder):
    scene, left = Scene("data", ONE, LARGE), []

    def hold(_octets):
        for copy in [] if left else (state_folder / "spool").iterdir():
            left.append(copy)
            copy.rename(state_folder / "hidden")
            copy.mkdir()

    with Sink() as sink, closing(opened(state_folder)) as journal:
        route, terms = scene.route(str(sink.port)), Terms(watch=hold)
        (receipt,) = deliver(scene.plans(), route, journal=journal, watch=hold, terms=terms)
    assert (receipt.outcomes[0].state.value, receipt.error, left[0].is_dir()) == ("accepted", None, True)
    assert phases(state_folder) == {KEY: "accepted"}


def test_the_file_of_a_run_that_died_goes_with_the_next_run(state_folder):
    scene = Scene("data", ONE, SMALL)
    with Sink() as sink:
        opened(state_folder).close()
        (state_folder / "runs" / "1-0123abcd").touch()
        scene.play(state_folder, str(sink.port), scene.plans())
    assert list((state_folder / "runs").iterdir()) == []


def test_a_copy_that_cannot_be_read_when_the_command_is_repeated_keeps_no_other_mail_back(state_folder, kept):
    scene = Scene("data", ONE, LARGE)
    plans = [*scene.plans(), *(redirect(*ONE, text=MAIL.replace(b"<1@", b"<%d@" % n)) for n in (7, 8))]
    hide(kept)
    with Sink() as sink, closing(opened(state_folder)) as journal:
        receipts = list(deliver(plans, scene.route(str(sink.port)), journal=journal))
    assert [receipt.exit_status for receipt in receipts] == [73, 0, 0]
    assert (phases(state_folder)[KEY], len(sink.transactions)) == ("deferred", 2)
