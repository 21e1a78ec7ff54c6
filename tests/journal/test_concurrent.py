"""Several ccc at once over the same mails and one journal: everybody gets each of them once."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import Self

import pytest

from tests.journal.running import MAIL, Ended, Running, ccc, complaints, sources, together
from tests.journal.truth import Key, ledger, phases, untrue
from tests.lab.proxy import Proxy
from tests.lab.sink import CHUNKING, Sink

PEOPLE = ("ann@b.test", "bob@b.test")
TO = ("--to", ",".join(PEOPLE), "--from", "me@a.test", "--yes")
BUSY = {"RCPT": "451 4.3.0 not now"}


@contextmanager
def far_away() -> Iterator[tuple[Sink, int]]:
    """A server, and the port where it answers after so long a time that runs do meet."""
    with Sink(CHUNKING) as sink, Proxy(("127.0.0.1", sink.port), 0.005, record=False) as proxy:
        yield sink, proxy.port


def by(port: int) -> tuple[str, ...]:
    """The options that lead to a server."""
    return "--smtp", f"smtp://127.0.0.1:{port}"


def redirect(names: list[str], port: int) -> tuple[str, ...]:
    """The command that all of them run."""
    return "redirect", *names, *TO, *by(port)


def everything(count: int, phase: str = "accepted") -> dict[Key, str]:
    """What the journal says when each of so many mails has gone to everybody."""
    return {(f"<{number}@a.test>", who): phase for number in range(count) for who in PEOPLE}


class Meanwhile:
    """A command that is run again and again in another thread, for as long as the context lasts."""

    def __init__(self, *arguments: str, folder: Path) -> None:
        self.ended: list[Ended] = []
        self._over = Event()
        self._thread = Thread(target=self._run, args=(arguments, folder))

    def _run(self, arguments: tuple[str, ...], folder: Path) -> None:
        while not self._over.is_set():
            self.ended.append(ccc(*arguments, folder=folder))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()


def sent_once(state: Path, folder: Path, runs: int, mails: int) -> list[str]:
    """So many runs at once over so many mails: what is wrong with them, or after one more run."""
    names = sources(folder, mails)
    with far_away() as (sink, port):
        wrong = complaints(together(runs, *redirect(names, port), folder=folder))
        sent = len(sink.transactions)
        last = ccc(*redirect(names, port), folder=folder)
        again = len(sink.transactions) - sent
    wrong += untrue(ledger(sink.transactions), phases(state), last.status) + sink.faults
    wrong += [] if (last.status, again) == (0, 0) else [f"the last run: {last}, {again} sent"]
    wrong += [] if phases(state) == everything(mails) else ["the journal has not got everything"]
    return wrong


def deferred(state: Path, folder: Path, mails: int) -> None:
    """So many mails in the journal that a server had no time for."""
    with Sink(CHUNKING, verbs=BUSY) as busy:
        assert ccc(*redirect(sources(folder, mails), busy.port), folder=folder).status == 75
    assert phases(state) == everything(mails, "deferred")


def retried_once(state: Path, folder: Path, runs: int, mails: int) -> list[str]:
    """So many `ccc retry` at once over so many deferred mails: what is wrong."""
    deferred(state, folder, mails)
    with far_away() as (sink, port):
        wrong = complaints(together(runs, "retry", "--all", *by(port), folder=folder))
    wrong += untrue(ledger(sink.transactions), phases(state), 0) + sink.faults
    wrong += [] if phases(state) == everything(mails) else ["the journal has not got everything"]
    return wrong


def one_killed(state: Path, begin: Callable[[int], Running], after: int) -> tuple[list[str], Sink]:
    """Of two runs one is killed when so many mails have arrived: what is wrong then, and the server."""
    with far_away() as (sink, port):
        doomed, other = begin(port), begin(port)
        sink.wait(after, 60)
        doomed.process.send_signal(signal.SIGKILL)
        doomed.ended()
        survived = other.ended()
    wrong = complaints([survived]) + untrue(ledger(sink.transactions), phases(state)) + sink.faults
    return wrong, sink


def mended(state: Path, folder: Path, before: Sink, *again: str) -> list[str]:
    """After a death, one more run sends the rest, and one that is told so sends what was in doubt."""
    with far_away() as (sink, port):
        done = ccc(*again, *by(port), folder=folder)
        said, taken = phases(state), before.transactions + sink.transactions
        doubtful = [key for key, phase in said.items() if phase == "in doubt"]
        status = done.status if again[0] == "redirect" else None  # `ccc retry` answers for what it tried
        wrong = untrue(ledger(taken), said, status)
        wrong += [] if set(said.values()) <= {"accepted", "in doubt"} else [f"it left {said}"]
        resent = ccc("retry", "--in-doubt", "resend", *by(port), folder=folder)
    taken = before.transactions + sink.transactions
    wrong += untrue(ledger(taken), phases(state), resent.status, resent=doubtful) + sink.faults
    return wrong + [
        ended.err for ended in (done, resent) if "Traceback" in ended.err or "locked" in ended.err
    ]


@pytest.mark.parametrize("runs", [2, 8])
def test_runs_at_once_send_each_mail_once(state_folder, tmp_path, runs):
    assert sent_once(state_folder, tmp_path, runs, 60) == []


@pytest.mark.sweep
@pytest.mark.parametrize("runs", [2, 8])
def test_many_mails_go_out_once_from_runs_at_once(state_folder, tmp_path, runs):
    assert sent_once(state_folder, tmp_path, runs, 500) == []


def test_retries_at_once_send_each_mail_once(state_folder, tmp_path):
    assert retried_once(state_folder, tmp_path, 3, 40) == []


@pytest.mark.sweep
def test_many_retries_at_once_send_each_mail_once(state_folder, tmp_path):
    assert retried_once(state_folder, tmp_path, 8, 500) == []


def test_a_run_and_a_retry_at_once_send_each_mail_once(state_folder, tmp_path):
    deferred(state_folder, tmp_path, 30)
    with far_away() as (sink, port):
        commands = redirect(sources(tmp_path, 40), port), ("retry", "--all", *by(port))
        ended = [each.ended() for each in [Running(*command, folder=tmp_path) for command in commands]]
    assert complaints(ended) == []
    assert untrue(ledger(sink.transactions), phases(state_folder), 0) == []
    assert phases(state_folder) == everything(40)


def test_the_log_can_be_read_all_the_while(state_folder, tmp_path):
    with Meanwhile("log", "--json", folder=tmp_path) as log:
        assert sent_once(state_folder, tmp_path, 2, 40) == []
    assert complaints(log.ended) == []
    assert {each.status for each in log.ended} == {0}


def after_a_run_was_killed(state: Path, folder: Path, after: int, mails: int) -> list[str]:
    """What is wrong when one of two runs dies, and when another one has sent the rest."""
    names = sources(folder, mails)
    wrong, sink = one_killed(state, lambda port: Running(*redirect(names, port), folder=folder), after)
    wrong += mended(state, folder, sink, "redirect", *names, *TO)
    return wrong + ([] if phases(state) == everything(mails) else ["the journal has not got everything"])


def after_a_retry_was_killed(state: Path, folder: Path, after: int, mails: int) -> list[str]:
    """The same of `ccc retry`."""
    deferred(state, folder, mails)
    wrong, sink = one_killed(state, lambda port: Running("retry", "--all", *by(port), folder=folder), after)
    wrong += mended(state, folder, sink, "retry", "--all")
    return wrong + ([] if phases(state) == everything(mails) else ["the journal has not got everything"])


@pytest.mark.parametrize("one", [after_a_run_was_killed, after_a_retry_was_killed])
def test_who_is_killed_halfway_takes_nothing_along(state_folder, tmp_path, one):
    assert one(state_folder, tmp_path, 15, 30) == []


@pytest.mark.sweep
@pytest.mark.parametrize("after", range(40))
@pytest.mark.parametrize("one", [after_a_run_was_killed, after_a_retry_was_killed])
def test_who_is_killed_at_any_time_takes_nothing_along(state_folder, tmp_path, one, after):
    assert one(state_folder, tmp_path, after, 40) == []


def test_runs_that_share_some_people_send_to_each_once(state_folder, tmp_path):
    names, people = sources(tmp_path, 30), [f"{who}@b.test" for who in ("ann", "bob", "cid", "dan")]
    with far_away() as (sink, port):
        shared = [("redirect", *names, *TO, "--to", who, "--to", people[-1], *by(port)) for who in people]
        running = [Running(*command, folder=tmp_path) for command in shared]
        assert complaints(each.ended() for each in running) == []
    copies = ledger(sink.transactions)
    assert untrue(copies, phases(state_folder), 0) == []
    assert copies.keys() == {(f"<{number}@a.test>", who) for number in range(30) for who in people}


def test_runs_that_send_the_same_large_octets_keep_them_for_each_other(state_folder, tmp_path):
    (tmp_path / "large.eml").write_bytes(MAIL % (0, 0) + b"a line of thirty-two characters\r\n" * 4000)
    people = [f"{number}@b.test" for number in range(6)]
    with far_away() as (sink, port):
        resends = [("resend", "large.eml", "--bcc", who, "--yes", *by(port)) for who in people]
        running = [Running(*command, folder=tmp_path) for command in resends]
        ended = [each.ended() for each in running]
    assert [(each.status, each.err) for each in ended if each.status] == []
    assert ledger(sink.transactions).keys() == {("<0@a.test>", who) for who in people}
    assert untrue(ledger(sink.transactions), phases(state_folder), 0) == []
    assert list((state_folder / "spool").iterdir()) == []
