import json
import os
import re
import select
import signal
import socket
import subprocess
import sys

import pytest

from ccc.cli.signals import Interrupts
from ccc.errors import Interrupted
from tests.cli.conftest import environment, several, until_it_catches

DAN = ("--to", "dan@example.org")
ME = ("--from", "ines@example.org")


def readable(interrupts):
    return bool(select.select([interrupts], [], [], 0)[0])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_while_planning_a_signal_ends_the_run(number):
    with Interrupts(), pytest.raises(Interrupted) as caught:
        signal.raise_signal(number)
    assert caught.value.signal == number
    assert signal.Signals(number).name in str(caught.value)


def test_while_sending_a_signal_is_only_counted():
    with Interrupts() as interrupts:
        interrupts.begin_sending()
        assert not readable(interrupts)
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGINT)
        assert readable(interrupts)
        assert (interrupts.count, interrupts.first) == (2, signal.SIGTERM)
        assert interrupts.as_error().signal == signal.SIGTERM


def test_each_signal_is_noted_by_itself(capsys):
    with Interrupts() as interrupts:
        interrupts.begin_sending()
        interrupts.drain()
        assert capsys.readouterr().err == ""
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        interrupts.drain()
        assert readable(interrupts)
        interrupts.drain()
        assert not readable(interrupts)
        assert capsys.readouterr().err.count("interrupted: ") == 1


def test_a_signal_from_another_process_wakes_a_waiting_select():
    with Interrupts() as interrupts:
        interrupts.begin_sending()
        subprocess.run([sys.executable, "-c", f"import os; os.kill({os.getpid()}, 15)"], check=True)
        assert select.select([interrupts], [], [], 10)[0]
        assert interrupts.count == 1


def test_what_the_parent_ignored_stays_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Interrupts() as interrupts:
            signal.raise_signal(signal.SIGHUP)
            assert interrupts.count == 0
    finally:
        signal.signal(signal.SIGHUP, before)


def test_afterwards_everything_is_as_it_was():
    before = [signal.getsignal(number) for number in (2, 15, 1)]
    with Interrupts():
        pass
    assert [signal.getsignal(number) for number in (2, 15, 1)] == before
    assert signal.set_wakeup_fd(-1) == -1


def silent_server():
    """It says nothing by itself, so a client waits for it."""
    listening = socket.create_server(("127.0.0.1", 0))
    listening.settimeout(30)
    return listening


@pytest.fixture
def start(folder):
    """Start ccc, and end it when the test is over."""
    started = []

    def start(*arguments):
        command = [sys.executable, "-m", "ccc", *arguments]
        pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        started.append(subprocess.Popen(command, cwd=folder, env=environment(), **pipes))
        return started[-1]

    yield start
    for child in started:
        child.kill()
        child.communicate()


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 75), (signal.SIGHUP, 75)]
)
def test_a_signal_while_sending_defers_and_gives_its_status(start, number, status):
    with silent_server() as server:
        child = start(
            "resend", "sent.eml", *DAN, *ME, "--smtp", f"smtp://127.0.0.1:{server.getsockname()[1]}"
        )
        link, _ = server.accept()
        link.sendall(b"220 hi\r\n")
        assert link.recv(5) == b"EHLO "  # there is a plan: it is sending
        child.send_signal(number)
        _, words = child.communicate(timeout=30)
        link.close()
    assert child.returncode == status
    assert b"dan@example.org deferred" in words
    assert b"interrupted" in words


def take_everything(link):
    """Play a server up to the end of the content, whose answer is held back."""
    link.settimeout(30)
    lines = link.makefile("rb")
    for reply in (b"220 hi", b"250 hi", b"250 ok", b"250 ok", b"354 go"):
        link.sendall(reply + b"\r\n")
        lines.readline()
    while lines.readline() != b".\r\n":
        pass
    return lines


@pytest.mark.parametrize(("again", "status", "words"), [(False, 0, b"sent "), (True, 130, b" in doubt ")])
def test_a_signal_after_the_last_octet_waits_for_the_answer_and_a_second_one_does_not(
    start, again, status, words
):
    with silent_server() as server:
        child = start(
            "resend", "sent.eml", *DAN, *ME, "--smtp", f"smtp://127.0.0.1:{server.getsockname()[1]}"
        )
        link, _ = server.accept()
        lines = take_everything(link)
        child.send_signal(signal.SIGINT)
        assert child.stderr.readline().startswith(b"interrupted: ")
        if again:
            child.send_signal(signal.SIGINT)
        else:
            link.sendall(b"250 2.0.0 Ok\r\n")
        _, said = child.communicate(timeout=30)
        lines.close()
        link.close()
    assert child.returncode == status
    assert words in said


def test_a_signal_while_planning_ends_the_run(start, folder):
    child = start("resend", "-", *DAN, "--via", "maildir:md")
    until_it_catches(child.pid, signal.SIGTERM)
    child.send_signal(signal.SIGINT)
    assert child.wait(30) == 130
    assert child.stderr.read().startswith(b"ccc: interrupted by SIGINT")
    assert not (folder / "md").exists()


def interrupted_after_one(start, arguments):
    """What a run of many mails says when a signal comes after the first of them."""
    with silent_server() as server:
        url = f"smtp://127.0.0.1:{server.getsockname()[1]}"
        child = start("resend", *arguments, *DAN, *ME, "--smtp", url)
        link, _ = server.accept()
        lines = take_everything(link)
        link.sendall(b"250 2.0.0 Ok\r\n")
        assert lines.readline().startswith(b"MAIL")
        child.send_signal(signal.SIGTERM)
        data, said = child.communicate(timeout=30)
        lines.close()
        link.close()
    return child.returncode, data, said.decode()


@pytest.mark.parametrize(
    ("more", "after"),
    [
        ((), "running it again sends the rest"),
        (("--no-journal",), "name only the rest when you run it again"),
    ],
)
def test_a_batch_that_is_interrupted_says_once_how_far_it_came(start, folder, more, after):
    status, _, said = interrupted_after_one(start, (*several(folder, 60), "--yes", "-q", *more))
    counted = re.search(r"ccc: interrupted: 1 sent, (?:(\d+) deferred, )?(\d+) not begun; (.*)", said)
    assert counted is not None, said
    assert (status, int(counted[1] or 0) + int(counted[2]), counted[3]) == (75, 59, after)
    assert len(said.splitlines()) == 2  # and the line that said that the signal was heard


def test_a_batch_that_is_interrupted_has_an_object_for_each_message(start, folder):
    status, data, _ = interrupted_after_one(start, (*several(folder, 60), "--yes", "--json"))
    found = [json.loads(line) for line in data.splitlines()]
    assert (status, len(found), sum(not each["exit_status"] for each in found)) == (75, 60, 1)


def test_a_signal_that_ends_the_run_by_itself_is_said_where_it_ends_alone(capsys):
    with Interrupts() as interrupts:
        with pytest.raises(Interrupted):
            signal.raise_signal(signal.SIGINT)
        interrupts.drain()  # as what is closed then does, such as a session with a server
    assert capsys.readouterr().err == ""
