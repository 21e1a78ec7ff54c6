"""`ccc pick` at a terminal, against a real Dovecot."""

import re
import signal
import termios

import pexpect
import pyte
import pytest

from ccc.cli.main import run
from ccc.cli.picking import numbers
from ccc.errors import UsageError
from tests.cli.inbox import inbox
from tests.lab.sink import EVERYTHING, Sink

TO = "--to friend@b.test --no-mark --fcc no"
HELP = "q leaves"


@pytest.fixture
def sink(authority):
    with Sink(EVERYTHING, tls=authority.server_context()) as sink:
        yield sink


@pytest.fixture
def box(dovecot, authority, folder, sink):
    box = inbox(dovecot, authority, folder, [f'smtp = "smtp://localhost:{sink.port}"'])
    box.put("one", "two", "three")
    return box


@pytest.fixture
def pick(at_terminal, box):
    """Start `ccc pick`, and wait until it has drawn its table."""

    def pick(arguments=TO, until=HELP, **env):
        screen = at_terminal(f"ccc pick {arguments} --config {box.config}", **env)
        screen.seen = screen.until(until)
        return screen

    return pick


def subjects(sink):
    return [
        line for mail in sink.transactions for line in mail.content.decode().splitlines() if "Subject" in line
    ]


def test_the_mail_under_the_cursor_is_redirected(pick, sink):
    screen = pick()
    screen.child.send("j\r")
    screen.until("[y/n]")
    screen.answer("y")
    _, status = screen.end()
    assert (status, subjects(sink)) == (0, ["Subject: two"])


def test_marked_mails_go_in_the_order_of_the_folder(pick, sink):
    screen = pick(f"{TO} --yes")
    screen.child.send(" \x1b[B \r")
    _, status = screen.end()
    assert (status, subjects(sink)) == (0, ["Subject: one", "Subject: three"])


def test_a_search_shows_what_the_server_finds(pick, sink):
    screen = pick(f"{TO} --yes")
    screen.child.send("/tw\x7fwo\r")
    screen.until("1 of 1")
    screen.child.send("\r")
    _, status = screen.end()
    assert (status, subjects(sink)) == (0, ["Subject: two"])


def test_a_search_that_finds_nothing_leaves_the_table(pick, sink):
    screen = pick()
    for typed, said in (("SINCE yesterday", "no date"), ("nothing", "nothing was found"), ("(", "search")):
        screen.child.send(f"/{typed}\r")
        screen.until(said)
    screen.child.send("q")
    rest, status = screen.end()
    assert (status, "nothing was picked" in rest, sink.messages) == (1, True, 0)


def is_line_by_line(screen):
    """Whether the terminal gives whole lines and shows what is typed."""
    modes = termios.tcgetattr(screen.child.child_fd)[3]
    return bool(modes & termios.ICANON), bool(modes & termios.ECHO)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 75), (None, 1)])
def test_the_terminal_is_given_back_whatever_happens(pick, number, status):
    screen = pick()
    assert is_line_by_line(screen) == (False, False)
    if number:
        screen.child.kill(number)
    else:
        screen.child.send("q")
    screen.child.expect_exact("\x1b[?25h")  # the cursor is shown again
    screen.child.expect(pexpect.EOF)
    assert screen.child.before.decode().count("interrupted") == bool(number)
    assert is_line_by_line(screen) == (True, True)
    assert screen.end()[1] == status


def test_the_table_shows_where_one_is_and_nothing_hostile(pick, box):
    box.put("=?utf-8?q?[red]=1B[2J=1B]0;x=07?=", flags="(\\Flagged)")
    terminal = pyte.Screen(100, 50)
    screen = pick()
    pyte.Stream(terminal).feed(screen.child.before.decode())
    lines = [" ".join(line.replace("│", " ").split()) for line in terminal.display if line.strip()]
    assert lines[0].startswith("INBOX of work, UIDVALIDITY")
    assert "> " in lines[4]
    assert "[red]\\x1b[2J\\x1b]0;x\\x07" in lines[4]
    assert "1 of 4" in lines


def test_more_mails_come_when_the_cursor_goes_beyond_the_last(pick):
    screen = pick(f"{TO} --limit 2")
    screen.child.send("jj")
    screen.until("3 of 3")
    screen.child.send("q")
    assert screen.end()[1] == 1


def test_where_keys_cannot_be_numbers_are_asked_for(pick, sink):
    screen = pick(f"{TO} --yes", until="Which ones?", TERM="dumb")
    assert " 1  20" in screen.seen
    screen.answer("/one")
    screen.until("Which ones?")
    screen.answer("/nothing")
    screen.until("nothing was found")
    screen.answer("2")
    screen.until("they go from 1 to 1")
    screen.answer("1")
    _, status = screen.end()
    assert (status, subjects(sink)) == (0, ["Subject: one"])


def test_who_types_no_number_picks_nothing(pick, sink):
    screen = pick(f"{TO} --plain", until="Which ones?")
    screen.answer("q")
    assert (screen.end()[1], sink.messages) == (1, 0)


def test_with_resend_the_folder_is_that_for_sent_mail(pick, box, sink):
    box.put("my own", folder="Sent", author="Me <me@example.org>")
    screen = pick("--resend --to friend@b.test --fcc no --yes")
    assert re.search(
        r" To +Subject .* me@example\.org +my own ", " ".join(screen.seen.replace("│", " ").split())
    )
    screen.child.send("\r")
    _, status = screen.end()
    assert (status, subjects(sink)) == (0, ["Subject: my own"])
    assert b"Cc: friend@b.test" in sink.transactions[0].content


def test_a_folder_without_such_mail_is_an_error(at_terminal, box):
    screen = at_terminal(f"ccc pick nothing {TO} --config {box.config}")
    rest, status = screen.end()
    assert (status, "nothing was found in INBOX of work" in rest) == (66, True)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "`ccc list` prints the same table, and `ccc redirect --imap-uid UIDS` takes mails from it"),
        (("--show-cc", "x@b.test"), "--show-cc goes with --resend alone"),
        (("--resend", "--resent", "always"), "--resent does not go with --resend"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anybody_picks(capfd, arguments, said):
    status = run(["pick", "--to", "x@b.test", *arguments])
    assert (status, said in capfd.readouterr().err) == (64, True)


@pytest.mark.parametrize(
    ("text", "found"),
    [("1", {1}), ("1,3-5", {1, 3, 4, 5}), (" 2 , 4 5,", {2, 4, 5}), ("3-3", {3}), ("1,1", {1})],
)
def test_numbers_are_written_as_in_print_dialogues(text, found):
    assert numbers(text, 9) == found


@pytest.mark.parametrize("text", ["", "x", "0", "10", "5-3", "1-99999999", "1--3", "-1", "9" * 5000])
def test_what_is_no_number_of_a_mail_is_refused(text):
    with pytest.raises(UsageError):
        numbers(text, 9)
