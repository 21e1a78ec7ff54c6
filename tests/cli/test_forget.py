"""`ccc forget`, on journals of real deliveries."""

import pytest

from tests.journal.sent import MAIL, log, phases, send


@pytest.fixture
def state(state_folder):
    return state_folder


def names(state):
    with log(state) as kept:
        return [entry.name for entry in kept.entries()]


def test_an_entry_that_is_forgotten_is_gone(run, state):
    keeps, goes = send(state, "ann@b.test"), send(state, "bob@b.test", "gone@b.test")
    done = run("forget", goes.name, "--yes")
    assert (done.returncode, done.stdout) == (0, b"")
    assert done.stderr.decode().splitlines() == [
        f"forgot {goes.name}: the mail can be sent again to bob@b.test, gone@b.test"
    ]
    assert names(state) == [keeps.name]


def test_what_is_forgotten_can_be_sent_again(run, state):
    first = send(state, "ann@b.test")
    assert send(state, "ann@b.test").name == first.name
    run("forget", first.name, "--yes")
    again = send(state, "ann@b.test")
    assert again.name != first.name
    assert phases(state, again.name) == {"ann@b.test": "accepted"}


def test_several_are_forgotten_by_the_beginnings_of_their_ids(run, state):
    some = [send(state, f"{name}@b.test").name for name in ("ann", "bob", "cat")]
    done = run("forget", some[0], some[0][:7], some[2], "--yes")
    assert (done.returncode, len(done.stderr.splitlines())) == (0, 2)
    assert names(state) == [some[1]]


def test_unattended_it_needs_a_yes_and_says_why(run, state):
    entry = send(state, "ann@b.test")
    done = run("forget", entry.name)
    assert done.returncode == 64
    assert b"the same mail can be sent again to the same people; add --yes" in done.stderr
    assert names(state) == [entry.name]


def test_if_one_of_them_is_unknown_none_is_forgotten(run, state):
    entry = send(state, "ann@b.test")
    assert run("forget", entry.name, "zzz", "--yes").returncode == 66
    assert names(state) == [entry.name]


def test_an_empty_journal_has_nothing_to_forget(run, state):
    assert run("forget", "abc", "--yes").returncode == 66
    done = run("forget", "--keep-for", "90d")
    assert (done.returncode, done.stderr) == (0, b"nothing is that old\n")
    assert list(state.iterdir()) == []


@pytest.mark.parametrize(
    "arguments",
    [(), ("abc", "--keep-for", "1d"), ("--keep-for", "90"), ("--keep-for", "0d"), ("--keep-for", "")],
)
def test_what_makes_no_sense_is_64(run, arguments):
    assert run("forget", *arguments).returncode == 64


def test_at_a_terminal_it_shows_what_goes_and_asks(at_terminal, state):
    entry = send(state, "ann@b.test", "gone@b.test")
    screen = at_terminal(f"ccc forget {entry.name}")
    shown = screen.until("[y/n]")
    assert "accepted" in shown
    assert "gone@b.test" in shown
    assert "the same mail can be sent again" in " ".join(shown.split())
    screen.answer("y")
    said, status = screen.end()
    assert (f"forgot {entry.name}" in said, status) == (True, 0)
    assert names(state) == []


def test_a_no_at_the_terminal_changes_nothing(at_terminal, state):
    entry = send(state, "ann@b.test")
    screen = at_terminal(f"ccc forget {entry.name}")
    screen.until("[y/n]")
    screen.answer("n")
    said, status = screen.end()
    assert ("nothing was forgotten" in said, status) == (True, 1)
    assert names(state) == [entry.name]


def made_old(state):
    """As if everything had been planned a hundred days ago."""
    with log(state) as kept:
        store = kept._store
        with store.transaction():
            store.change("UPDATE entry SET planned = planned - 8640000")


def test_cleaning_up_drops_what_is_only_kept_to_be_read(run, state):
    entry = send(state, "ann@b.test", "gone@b.test")
    made_old(state)
    done = run("forget", "--keep-for", "90d")
    assert (done.returncode, done.stderr) == (0, b"the details of an entry are dropped\n")
    with log(state) as kept:
        old = kept.find(entry.name)
    assert (old.source, old.subject, old.has_octets) == ("", None, False)
    assert {record.reply.lines for record in old.records} == {(b"",)}


def test_cleaning_up_forgets_nobody(run, state):
    entry = send(state, "ann@b.test")
    made_old(state)
    run("forget", "--keep-for", "90d")
    assert phases(state, entry.name) == {"ann@b.test": "accepted"}
    assert send(state, "ann@b.test").name == entry.name


def test_cleaning_up_leaves_what_is_newer(run, state):
    entry = send(state, "ann@b.test")
    made_old(state)
    assert run("forget", "--keep-for", "101d").stderr == b"nothing is that old\n"
    with log(state) as kept:
        assert kept.find(entry.name).subject == "Minutes"


def test_a_report_of_failure_is_told_without_its_words_when_these_are_dropped(run, state, folder):
    first = send(state, "ann@b.test")
    with log(state) as kept:
        kept.bounced(kept.find(first.name), first.records[0].mailbox, "5.2.2", "mailbox full")
    made_old(state)
    run("forget", "--keep-for", "90d")
    (folder / "1.eml").write_bytes(MAIL)
    server = ("--smtp", "smtp://127.0.0.1:1")
    done = run("redirect", "1.eml", "--to", "ann@b.test", "--from", "me@a.test", *server)
    assert b": reported as failed; --again tries once more" in done.stderr


def test_an_id_and_an_age_exclude_each_other(run):
    done = run("forget", "k3f9xq7m", "--keep-for", "90d")
    assert (done.returncode, b"exclude each other" in done.stderr) == (64, True)
