"""Marks: what must be on disk before the next octets go out, and what becomes of whom when it cannot be."""

from contextlib import suppress

import pytest

from ccc.errors import JournalFailed, Kind, SourceChanged
from ccc.smtp.conversation import Conversation
from ccc.smtp.replies import Reply
from ccc.smtp.steps import Hear, Heard, Mark, Say
from tests.lab.witness import Disk
from tests.smtp.model import Server, converse_with
from tests.smtp.play import CHUNKING, PIPELINING, Text, converse, judged, offering, play, to
from tests.smtp.test_conversation import ACCEPTED, ended_at

BIG = Text(b"Subject: big\r\n\r\n" + b"0123456789abcdef\r\n" * 40000)  # 720015 octets, three blocks
CONTENT = ["(23 octets of content)", "(committing x)", "."]
CHUNK = "BDAT 23 LAST (23 octets of content)"


def rcpt(*names: str) -> list[str]:
    return [f"RCPT TO:<{name}@b.test>" for name in names]


def envelope(*names: str) -> list[str]:
    return [f"(sending {', '.join(names)})", "MAIL FROM:<me@a.test>", *rcpt(*names)]


def course(script: str, *deliveries, **options) -> list[str]:
    """What was said and marked, in order."""
    return converse(script, *deliveries, **options).played.course


def oks(count: int) -> str:
    return "S: 250 ok\n" * count


def spoken(*lines: str) -> str:
    """The lines as a script has them."""
    return "".join(f"C: {line}\n" for line in lines)


def piped(name: str) -> tuple[str, str]:
    """The two breaths of a message to a server that pipelines."""
    return spoken(*envelope(name)[1:], "DATA"), spoken("(23 octets of content)", ".")


def test_a_plain_server_is_told_nothing_before_its_mark():
    assert course(ACCEPTED, to("x")) == [*envelope("x"), "DATA", *CONTENT]


def test_a_second_message_has_marks_of_its_own():
    said = course(ACCEPTED + ACCEPTED.replace("x@b", "y@b"), to("x"), to("y"))
    assert said[len(envelope("x")) + 4 :] == [
        *envelope("y"),
        "DATA",
        "(23 octets of content)",
        "(committing y)",
        ".",
    ]


def test_a_reset_needs_none():
    refused = "C: MAIL FROM:<me@a.test>\nS: 250 ok\nC: RCPT TO:<x@b.test>\nS: 550 no\nC: RSET\nS: 250 ok\n"
    said = course(refused + ACCEPTED.replace("x@b", "y@b"), to("x"), to("y"))
    assert said[: said.index("DATA")] == [*envelope("x"), "RSET", *envelope("y")]


def test_the_dot_and_the_next_envelope_can_share_a_visit_to_the_disk():
    (x, content), (y, _) = map(piped, "xy")
    good = oks(2) + "S: 354 go\n"
    said = course(
        x + good + content + y + oks(1) + good + content + oks(1), to("x"), to("y"), offers=PIPELINING
    )
    assert said[said.index(CONTENT[0]) :][:7] == [*CONTENT, *envelope("y"), "DATA"]


def test_a_breath_has_its_marks_within():
    script = spoken(*envelope("x", "y")[1:], CHUNK) + oks(4)
    said = course(script, to("x", "y"), offers=CHUNKING)
    assert said == [*envelope("x", "y"), "(committing x, y)", CHUNK]


def test_of_a_large_content_only_the_last_chunk_has_one():
    chunks = ["BDAT 262144 (262144 octets of content)"] * 2
    last = "BDAT 195728 LAST (195728 octets of content)"
    script = spoken(*envelope("x")[1:]) + oks(2) + spoken(*chunks, last) + oks(3)
    said = course(script, to("x", content=BIG), offers=CHUNKING)
    assert said == [*envelope("x"), *chunks, "(committing x)", last]


def test_of_a_large_content_after_data_only_the_dot_has_one():
    script = ACCEPTED.replace("(23 octets", f"({BIG.size} octets")
    said = course(script, to("x", content=BIG))
    assert said[-3:] == [f"({BIG.size} octets of content)", "(committing x)", "."]


def test_who_is_known_to_be_refused_is_not_committing():
    names = ("v", "w", "x", "y")
    replies = "S: 250 ok\nS: 550 no\nS: 450 no\nS: 250 ok\nS: 452 4.2.2 full\nS: 354 go\n"
    script = spoken(*envelope(*names)[1:], "DATA") + replies + piped("x")[1] + oks(1)
    said = course(script, to(*names), offers=PIPELINING)
    assert said == [*envelope(*names), "DATA", *CONTENT]


def test_who_is_one_too_many_begins_once_more():
    script = spoken(*envelope("x", "y")[1:], CHUNK) + oks(2) + "S: 452 too many\n" + oks(1)
    script += spoken(*envelope("y")[1:], CHUNK) + oks(3)
    said = course(script, to("x", "y"), offers=CHUNKING)
    assert said == [
        *envelope("x", "y"),
        "(committing x, y)",
        CHUNK,
        *envelope("y"),
        "(committing y)",
        CHUNK,
    ]


def test_a_big_envelope_is_marked_in_parts():
    names = [f"p{number}" for number in range(101)]
    script = spoken(*envelope(*names[:100])[1:], CHUNK, "RSET", *envelope("p100")[1:], CHUNK) + oks(102 + 4)
    said = course(script, to(*names), offers=CHUNKING)
    assert [line for line in said if line.startswith("(")] == [
        f"(sending {', '.join(names[:100])})",
        f"(committing {', '.join(names[:100])})",
        "(sending p100)",
        "(committing p100)",
    ]


def test_in_lmtp_those_are_committing_who_get_an_answer():
    script = spoken(*envelope("x")[1:]).replace("test>\n", "test>\nS: 250 ok\n")
    script += "C: RCPT TO:<y@b.test>\nS: 550 no\nC: DATA\nS: 354 go\n"
    script += spoken("(23 octets of content)", ".") + oks(1)
    said = course(script, to("x", "y"), lmtp=True)
    assert said == [*envelope("x", "y"), "DATA", *CONTENT]


def test_a_lone_dot_commits_nobody():
    script = spoken(*envelope("x")[1:], "DATA") + oks(1) + "S: 550 no\nS: 354 go\nC: .\nS: 554 no\n"
    assert course(script, to("x"), offers=PIPELINING) == [*envelope("x"), "DATA", "."]


def test_a_content_that_is_never_ended_commits_nobody():
    changing = Text(BIG.octets, fails_after=2, error=SourceChanged("it was changed"))
    script = ended_at("CONTENT", "").replace("(23 octets", f"({BIG.size} octets").replace("C: .\n", "")
    assert course(script, to("x", content=changing))[-1] == f"({BIG.size} octets of content)"


def test_a_message_that_cannot_be_carried_is_not_begun():
    assert course("", to("x", content=Text(b"Subject: \xe9\r\n"))) == []


# a window that is full


def test_a_full_window_is_refilled_when_half_of_it_is_answered():
    names = [f"p{number}" for number in range(8)]
    breaths = ["RSET", "MAIL FROM:<me@a.test>", "RCPT TO:<{}@b.test>", CHUNK]
    say = [spoken(*(line.format(name) for line in breaths)) for name in names]
    say[0] = say[0].removeprefix("C: RSET\n")
    chunk = spoken(CHUNK)
    script = "".join(say[:5]).removesuffix(chunk) + oks(3) + oks(4)
    script += chunk + say[5] + say[6].removesuffix(chunk) + oks(4) + oks(4)
    script += chunk + say[7] + oks(4 * 4)
    got = converse(script, *map(to, names), offers=CHUNKING)
    assert set(got.fates.values()) == {"accepted"}


@pytest.mark.parametrize("window", [1, 2, 3, 4, 5, 8])
def test_there_is_one_turn_and_one_visit_to_the_disk_for_each_window(window):
    names = [f"p{number}" for number in range(32)]
    disk = Disk()
    _, link = converse_with(Server(), map(to, names), offers=CHUNKING, window=window, disk=disk)
    assert link.exchanges == disk.visits <= -(-32 // window) + 1


@pytest.mark.parametrize("window", [1, 2, 3, 4, 5, 8])
def test_no_more_contents_are_unanswered_than_the_window_has(window):
    """However late the answers come: no reply is there before it is waited for."""
    conversation = Conversation(offering(CHUNKING), window=window)
    dialogue = conversation.deliver(to(f"p{number}") for number in range(20))
    said, counts, due, heard = 0, [0], [], None
    with suppress(StopIteration):
        while True:
            match dialogue.send(heard):
                case Say(octets, _):
                    said, heard = said + len(octets), None
                    due.append(octets.startswith(b"BDAT"))
                    counts.append(sum(due))
                case Hear():
                    due.pop(0)
                    heard = Heard(Reply(250), said, said, said)
                case Mark():
                    heard = None
    assert (max(counts), len(conversation.settled)) == (window, 20)


# a journal that cannot be written


def failed(script: str, *deliveries, **options):
    """What came of it; the journal is what ended it."""
    got = converse(script, *deliveries, **options)
    assert isinstance(got.conversation.ended_by, JournalFailed)
    assert not got.conversation.usable
    return got


@pytest.mark.parametrize("step", ["MAIL", "CONTENT"])
def test_without_its_mark_a_message_is_deferred_and_no_other_is_taken(step):
    got = failed(ended_at(step, "!: disk"), to("x"), to("y"))
    assert (got.fates, got.untaken) == ({"x": "deferred"}, 1)
    outcome = got.outcomes["x"]
    assert (outcome.kind, outcome.exit_status) == (Kind.CANNOT_WRITE, 73)
    assert (outcome.reason, outcome.cure) == ("the journal cannot be written", "make room on the disk")


@pytest.mark.parametrize(("answer", "state"), [("250 ok", "accepted"), ("450 no", "deferred")])
def test_what_was_handed_over_before_is_still_answered(answer, state):
    (x, content), (y, _), (z, _) = map(piped, "xyz")
    good = oks(2) + "S: 354 go\n"
    script = x + good + content + y + f"S: {answer}\n" + good + content + z + "!: disk"
    got = failed(script, *map(to, "xyz"), offers=PIPELINING)
    assert got.fates == {"x": state, "y": "deferred", "z": "deferred"}
    assert {got.outcomes[name].kind for name in "yz"} == {Kind.CANNOT_WRITE}


FIRST = spoken(*envelope("x")[1:], CHUNK)
NEXT = spoken("RSET", *envelope("y")[1:], CHUNK)
MORE = spoken("RSET", *envelope("z")[1:])


def breathless(*lines: str):
    """The window of two is full and a third message is begun; the journal fails before its end can go."""
    script = FIRST + NEXT + MORE + oks(3) + spoken(CHUNK) + "!: disk\n" + "\n".join(lines)
    return failed(script, to("x"), to("y"), to("z"), offers=CHUNKING, window=2)


@pytest.mark.parametrize(
    ("answer", "state"), [("250 ok", "accepted"), ("550 no", "refused"), ("421 no", "deferred")]
)
def test_of_a_window_what_was_handed_over_is_waited_for(answer, state):
    got = breathless(oks(3), f"S: {answer}")
    assert got.fates == {"x": "accepted", "y": state, "z": "deferred"}
    assert got.outcomes["z"].kind is Kind.CANNOT_WRITE


@pytest.mark.parametrize("worse", ["lost", "nonsense", "SIGINT"])
def test_what_is_not_answered_then_is_in_doubt(worse):
    got = breathless(f"!: {worse}")
    assert got.fates == {"x": "accepted", "y": "in doubt", "z": "deferred"}
    assert got.outcomes["z"].kind is Kind.CANNOT_WRITE
    assert got.outcomes["y"].kind is not Kind.CANNOT_WRITE


def test_the_goodbye_does_not_go_either():
    conversation = Conversation(offering(CHUNKING), ending=lambda: True)
    delivery = to("x")
    play(conversation.deliver([delivery]), FIRST + "C: QUIT\n!: disk")
    assert judged(conversation.settled, [delivery])[0] == {"x": "deferred"}
    assert conversation.rest == ()
