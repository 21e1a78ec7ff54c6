"""The host's sendmail program, played by a small script that writes down what it was given."""

import json
import os
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from ccc.address import Mailbox
from ccc.delivery import Dsn, Stage
from ccc.errors import SourceChanged
from ccc.receipt import EXIT
from ccc.routes.sendmail import Sendmail
from tests.lab.witness import Disk
from tests.smtp.play import HELLO, Text, judged, to, told
from tests.transport.signals import Signals

START = f"""#!{sys.executable} -SE
import json, os, sys
HERE = os.path.dirname(os.path.abspath(__file__))
def note(name, text):
    with open(os.path.join(HERE, name + ".new"), "w") as file:
        file.write(text)
    os.rename(os.path.join(HERE, name + ".new"), os.path.join(HERE, name))
"""
READ = """
message = sys.stdin.buffer.read()
note("run", json.dumps({"argv": sys.argv[1:], "message": message.decode("latin-1")}))
"""
BIG = Text(b"Subject: big\r\n\r\n" + b"0123456789abcdef\r\n" * 40000)


@dataclass
class Program:
    """A fake program and what is known of its last run."""

    path: Path

    def write(self, script: str, *, shell: bool = False) -> "Program":
        self.path.write_text(script if shell else START + script)
        self.path.chmod(0o755)
        return self

    @property
    def run(self) -> dict:
        return json.loads((self.path.parent / "run").read_text())

    @property
    def whole(self) -> bool:
        """It has read a message to its end."""
        return (self.path.parent / "run").exists()

    def deliver(self, *deliveries, interrupts=None, witness=None):
        way = Sendmail(str(self.path), interrupts)
        return judged(told(way.deliver(deliveries, witness=witness)), deliveries)


@pytest.fixture
def program(tmp_path) -> Program:
    return Program(tmp_path / "sendmail")


def test_the_envelope_is_in_the_arguments_and_the_message_in_the_input(program):
    fates, outcomes = program.write(READ).deliver(to("x", "y"))
    assert fates == {"x": "accepted", "y": "accepted"}
    assert program.run["argv"] == ["-i", "-f", "me@a.test", "--", "x@b.test", "y@b.test"]
    assert program.run["message"].encode() == HELLO.octets.replace(b"\r\n", b"\n")
    assert (outcomes["x"].reason, outcomes["x"].hop) == ("queued", f"sendmail {program.path}")


def test_recipients_never_come_from_the_header(program):
    program.write(READ).deliver(to("x", content=Text(b"To: z@c.test\r\nBcc: w@c.test\r\n\r\n")))
    assert "-t" not in program.run["argv"]
    assert [word for word in program.run["argv"] if "@" in word] == ["me@a.test", "x@b.test"]


def test_a_null_reverse_path_is_said_as_such(program):
    program.write(READ).deliver(to("x", reverse_path=None))
    assert program.run["argv"][:3] == ["-i", "-f", "<>"]


@pytest.mark.parametrize("local", ["-t", "-oQ/tmp", "a b", "$(id)", "`id`", "x;y", "é"])
def test_an_address_is_an_address_whatever_it_looks_like(program, local):
    from ccc.delivery import Delivery
    from ccc.envelope import Envelope

    mailbox = Mailbox(local, "b.test")
    list(Sendmail(str(program.write(READ).path)).deliver([Delivery(Envelope(mailbox, (mailbox,)), HELLO)]))
    assert program.run["argv"] == ["-i", "-f", mailbox.addr_spec, "--", mailbox.addr_spec]


def test_a_large_message_arrives_whole(program):
    program.write(READ).deliver(to("x", content=BIG))
    assert program.run["message"].encode() == BIG.octets.replace(b"\r\n", b"\n")


@pytest.mark.parametrize(
    ("status", "state", "kind"),
    [
        (64, "refused", "refused"),
        (65, "refused", "message"),
        (67, "refused", "refused"),
        (68, "refused", "domain"),
        (69, "refused", "refused"),
        (70, "deferred", "try later"),
        (71, "deferred", "try later"),
        (73, "deferred", "try later"),
        (74, "deferred", "try later"),
        (75, "deferred", "try later"),
        (76, "deferred", "try later"),
        (77, "deferred", "permission"),
        (78, "deferred", "configuration"),
        (1, "deferred", "try later"),
        (127, "deferred", "try later"),
        (255, "deferred", "try later"),
    ],
)
def test_an_exit_status_is_read_as_sysexits_h_means_it(program, status, state, kind):
    fates, outcomes = program.write(READ + f"sys.exit({status})").deliver(to("x"))
    assert fates == {"x": state}
    assert outcomes["x"].kind.value == kind
    assert EXIT[outcomes["x"].kind] != 70


def test_what_it_complains_of_is_in_the_reason(program):
    _, outcomes = program.write(READ + "sys.exit('no such\\n  user \\x1b[31m')").deliver(to("x"))
    assert outcomes["x"].reason == f"sendmail {program.path} ended with status 1 no such user \x1b[31m"


def test_a_program_that_complains_at_length_and_reads_nothing_stops_nobody(program):
    talk = "sys.stderr.write('no ' * 1000000); sys.stderr.flush()\n"
    fates, outcomes = program.write(talk + READ + "sys.exit(75)").deliver(to("x", content=BIG))
    assert fates == {"x": "deferred"}
    assert len(outcomes["x"].reason) < 5000


def test_a_program_that_stops_reading_says_why(program):
    script = "sys.stdin.buffer.read(10); sys.stderr.write('too big'); sys.stderr.flush(); os._exit(65)"
    fates, outcomes = program.write(script).deliver(to("x", content=BIG))
    assert fates == {"x": "refused"}
    assert "too big" in outcomes["x"].reason


def test_a_success_without_reading_the_message_is_doubtful(program):
    fates, outcomes = program.write("os.close(0); os._exit(0)").deliver(to("x", content=BIG))
    assert fates == {"x": "in doubt"}
    assert "without having read" in outcomes["x"].reason


def test_a_program_that_is_killed_after_it_had_all_leaves_it_in_doubt(program):
    fates, outcomes = program.write(READ + "os.kill(os.getpid(), 9)").deliver(to("x"))
    assert fates == {"x": "in doubt"}
    assert "killed by signal 9" in outcomes["x"].reason


def test_a_program_that_is_killed_before_that_has_nothing(program):
    fates, _ = program.write("os.kill(os.getpid(), 9)").deliver(to("x", content=BIG))
    assert fates == {"x": "deferred"}


CHANGING = Text(BIG.octets, fails_after=2, error=SourceChanged("it was changed"))


def test_of_a_message_that_changes_the_program_never_sees_the_end(program):
    fates, outcomes = program.write(READ).deliver(to("x", content=CHANGING), to("y"))
    assert fates == {"x": "refused", "y": "accepted"}
    assert outcomes["x"].kind.value == "message"
    assert program.run["argv"][-1] == "y@b.test"


def test_nor_does_a_program_behind_the_program(program):
    """A wrapper in shell: killing it alone would leave its child with an input that ends as if whole."""
    note = "with open(os.path.join(HERE, 'runs'), 'a') as runs: runs.write(sys.argv[-1] + ' ')"
    inner = Program(program.path.with_name("inner")).write(READ + note)
    program.write(f"#!/bin/sh\n{inner.path} $*\n", shell=True)
    fates, _ = program.deliver(to("x", content=CHANGING))
    assert fates == {"x": "refused"}
    fates, _ = program.deliver(to("y"))
    assert fates == {"y": "accepted"}
    assert inner.path.with_name("runs").read_text() == "y@b.test "


def test_a_child_that_keeps_running_is_not_waited_for(program):
    script = READ + "if os.fork() == 0:\n    import select\n    select.select([], [], [], 3)\n    os._exit(0)"
    begun = time.monotonic()
    assert program.write(script).deliver(to("x"))[0] == {"x": "accepted"}
    assert time.monotonic() - begun < 2


def test_without_the_program_it_is_tried_later(program):
    fates, outcomes = program.deliver(to("x"), to("y"))
    assert fates == {"x": "deferred", "y": "deferred"}
    assert "cannot be run: No such file" in outcomes["x"].reason


def test_a_program_that_may_not_be_run_is_told(program):
    program.write(READ).path.chmod(0o644)
    fates, outcomes = program.deliver(to("x"))
    assert fates == {"x": "deferred"}
    assert "cannot be run: Permission denied" in outcomes["x"].reason


# signals


def test_after_a_signal_nothing_is_begun(program):
    with Signals(come=True) as signals:
        fates, _ = program.write(READ).deliver(to("x"), to("y"), interrupts=signals)
    assert fates == {"x": "deferred", "y": "deferred"}
    assert not program.whole


class Coming(Text):
    """A content in the middle of which a signal comes."""

    def blocks(self, end: bytes = b"\r\n"):
        for number, block in enumerate(super().blocks(end)):
            if number == 1:
                self.error.come()
            yield block


def test_a_signal_in_the_middle_of_the_message_kills_the_program(program):
    with Signals() as signals:
        content = Coming(BIG.octets, error=signals)
        fates, outcomes = program.write(READ).deliver(to("x", content=content), to("y"), interrupts=signals)
    assert fates == {"x": "deferred", "y": "deferred"}
    assert {each.kind.value for each in outcomes.values()} == {"interrupted"}
    assert not program.whole


def test_a_program_that_reads_nothing_is_no_match_for_a_signal(program):
    program.write("import select\nselect.select([], [], [], 60)")
    with Signals() as signals:
        later = threading.Timer(0.2, signals.come)
        later.start()
        fates, outcomes = program.deliver(to("x", content=BIG), interrupts=signals)
        later.join()
    assert fates == {"x": "deferred"}
    assert outcomes["x"].kind.value == "interrupted"


class Waiting(Signals):
    """Signals that come when the program has read everything; `count` of them, one at each look."""

    def __init__(self, path: Path, count: int) -> None:
        super().__init__()
        self.path, self.count = path, count

    def fileno(self) -> int:
        if self.count and self.path.exists():
            self.count -= 1
            self.come()
        return super().fileno()


SLOW = READ + "import select\nselect.select([], [], [], SECONDS)\n"


def test_a_signal_after_the_message_waits_for_the_program(program):
    program.write(SLOW.replace("SECONDS", "0.3"))
    with Waiting(program.path.parent / "run", 1) as signals:
        fates, _ = program.deliver(to("x"), to("y"), interrupts=signals)
    assert fates == {"x": "accepted", "y": "deferred"}


@pytest.mark.filterwarnings("ignore:subprocess:ResourceWarning")  # it is left running on purpose
def test_a_second_signal_leaves_it_in_doubt(program):
    program.write("note('pid', str(os.getpid()))\n" + SLOW.replace("SECONDS", "60"))
    with Waiting(program.path.parent / "run", 2) as signals:
        fates, outcomes = program.deliver(to("x"), interrupts=signals)
    assert fates == {"x": "in doubt"}
    assert "second signal" in outcomes["x"].reason
    os.kill(int((program.path.parent / "pid").read_text()), 9)


def test_delivery_reports_are_asked_for_in_its_own_words(program):
    asked = Dsn(("SUCCESS", "FAILURE"), "HDRS", "id-1")
    program.write(READ).deliver(to("x", dsn=asked))
    words = ["-i", "-N", "success,failure", "-R", "hdrs", "-V", "id-1", "-f", "me@a.test", "--", "x@b.test"]
    assert program.run["argv"] == words


def test_only_what_was_asked_for_is_an_option(program):
    program.write(READ).deliver(to("x", dsn=Dsn(("NEVER",))))
    assert program.run["argv"][:4] == ["-i", "-N", "never", "-f"]


# a witness


def test_it_is_on_disk_before_the_program_is_started_that_it_may_have_the_message(program):
    seen = []

    def look(noted: dict[str, Stage]) -> None:
        seen.append((dict(noted), (program.path.parent / "started").exists()))

    program.write("note('started', '')\n" + READ)
    fates, _ = program.deliver(to("x", "y"), witness=Disk(look=look))
    assert fates == {"x": "accepted", "y": "accepted"}
    assert seen == [({"x@b.test": Stage.COMMITTING, "y@b.test": Stage.COMMITTING}, False)]


def test_what_cannot_be_recorded_is_not_handed_over(program):
    disk = Disk(fails=1)
    program.write("note('started', '')\n" + READ)
    fates, outcomes = program.deliver(to("x"), to("y"), witness=disk)
    assert fates == {"x": "deferred", "y": "deferred"}
    assert {(each.kind.value, each.exit_status) for each in outcomes.values()} == {("cannot write", 73)}
    assert ((program.path.parent / "started").exists(), disk.visits) == (False, 1)


def test_what_was_queued_before_stays_queued(program):
    fates, outcomes = program.write(READ).deliver(to("x"), to("y"), to("z"), witness=Disk(fails=2))
    assert fates == {"x": "accepted", "y": "deferred", "z": "deferred"}
    assert outcomes["z"].kind.value == "cannot write"
    assert program.run["argv"][-1] == "x@b.test"
