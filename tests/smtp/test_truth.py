"""What is said of each recipient is true, whatever a server decides and wherever the link is cut.

accepted: the server has it, once. refused, deferred: it has not, and sending it again makes no second copy.
in doubt: nobody can know. The server is a correct one (model.py), so its ledger is the truth.
"""

from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccc.errors import Interrupted, JournalFailed, LinkLost, ProtocolError
from ccc.smtp.conversation import Conversation
from ccc.smtp.extensions import Extensions
from ccc.smtp.replies import Reply
from ccc.smtp.steps import Hear, Heard, Mark, Say
from tests.lab.law import law
from tests.lab.oracle import stray, violations
from tests.lab.witness import Disk
from tests.smtp.model import Server, converse_with, willing
from tests.smtp.play import CHUNKING, PIPELINING, Text, judged, to

KINDS = {"plain": (), "pipelining": PIPELINING, "chunking": CHUNKING, "chunking alone": ("CHUNKING",)}


def batch() -> list:
    """Two messages, three recipients."""
    return [to("a", "b", content=Text(b"S: x\r\n\r\n")), to("c", content=Text(b"S: y\r\n\r\n.\r\n"))]


def untrue(server: Server, conversation: Conversation, deliveries) -> list[str]:
    """Where the outcomes and the ledger disagree."""
    fates, _ = judged(conversation.settled, deliveries)
    outcomes = [(f"{name}@b.test", state) for name, state in fates.items()]
    return violations(server.ledger, outcomes, named=[name for name, _ in outcomes])


class Taken:
    """Deliveries, and which of them were asked for."""

    def __init__(self, deliveries) -> None:
        self.taken = []
        self._all = deliveries

    def __iter__(self):
        for delivery in self._all:
            self.taken.append(delivery)
            yield delivery

    def ended(self) -> bool:
        return len(self.taken) == len(self._all)


def picky(*codes: int):
    """Decisions one by one, then willing."""
    rest = iter(codes)

    def decide(what: str) -> int:
        code = next(rest, 0) or willing(what)
        return code if what != "DATA" or code >= 400 else 354

    return decide


DECISIONS = {
    "takes all": (),
    "refuses a recipient": (250, 250, 550),
    "refuses the first content": (250, 250, 250, 550),
    "takes one recipient at a time": (250, 250, 452),
    "closes the service": (250, 250, 250, 250, 250, 421),
}


def runs(kind: str, decisions: str, lmtp: bool, **cut):
    server = Server(picky(*DECISIONS[decisions]), lmtp=lmtp)
    deliveries = Taken(batch())
    conversation, link = converse_with(
        server, deliveries, offers=KINDS[kind], lmtp=lmtp, window=2, ending=deliveries.ended, **cut
    )
    return server, conversation, deliveries.taken, link


@pytest.mark.parametrize("lmtp", [False, True], ids=["smtp", "lmtp"])
@pytest.mark.parametrize("decisions", DECISIONS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("step", [3, pytest.param(1, marks=pytest.mark.sweep)])
def test_a_link_that_is_cut_at_any_octet_makes_no_outcome_untrue(step, kind, decisions, lmtp):
    *_, whole = runs(kind, decisions, lmtp)
    for optimistic in (False, True):
        for up in range(whole.arrived, -1, -step):
            server, conversation, taken, _ = runs(kind, decisions, lmtp, up=up, optimistic=optimistic)
            assert untrue(server, conversation, taken) == [], up


@pytest.mark.parametrize("lmtp", [False, True], ids=["smtp", "lmtp"])
@pytest.mark.parametrize("decisions", DECISIONS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_reply_that_is_cut_at_any_octet_makes_no_outcome_untrue(kind, decisions, lmtp):
    for down in range(13 * 10):
        server, conversation, taken, _ = runs(kind, decisions, lmtp, down=down)
        assert untrue(server, conversation, taken) == [], down


@pytest.mark.parametrize("lmtp", [False, True], ids=["smtp", "lmtp"])
@pytest.mark.parametrize("decisions", DECISIONS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_signal_between_any_two_replies_makes_no_outcome_untrue(kind, decisions, lmtp):
    for signal in range(15):
        server, conversation, taken, _ = runs(kind, decisions, lmtp, signal=signal)
        assert untrue(server, conversation, taken) == [], signal
        if decisions != "closes the service":  # the server answers all
            assert "in doubt" not in judged(conversation.settled, taken)[0].values()


@pytest.mark.parametrize("lmtp", [False, True], ids=["smtp", "lmtp"])
@pytest.mark.parametrize("decisions", DECISIONS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_journal_that_fails_at_any_time_makes_no_outcome_untrue(kind, decisions, lmtp):
    for visit in range(1, 20):
        disk = Disk(fails=visit)
        server, conversation, taken, _ = runs(kind, decisions, lmtp, disk=disk)
        assert untrue(server, conversation, taken) == [], visit
        assert isinstance(conversation.ended_by, JournalFailed) is disk.failed
        if decisions != "closes the service":  # the server answers all that it has
            assert "in doubt" not in judged(conversation.settled, taken)[0].values()
        if not disk.failed:
            return
    raise AssertionError("it never came to an end")


@pytest.mark.parametrize("kind", KINDS)
def test_without_a_cut_nothing_is_in_doubt_and_all_octets_arrive(kind):
    server, conversation, taken, _ = runs(kind, "takes all", False)
    assert untrue(server, conversation, taken) == []
    sent = {entry.forward_path: entry.content for entry in server.ledger.entries}
    wanted = {path.addr_spec: each.content.octets for each in batch() for path in each.envelope.forward_paths}
    assert sent == wanted


codes = st.sampled_from([250, 250, 250, 250, 251, 299, 450, 452, 499, 550, 552, 554, 599, 421])
contents = st.lists(st.sampled_from([b"a", b".", b"..", b"ab.", b""]), max_size=5).map(
    lambda lines: Text(b"".join(line + b"\r\n" for line in lines))
)


@st.composite
def batches(draw):
    """Messages with a few recipients each, all of them different."""
    names = iter(f"p{number}" for number in range(100))
    counts = draw(st.lists(st.integers(1, 4), min_size=1, max_size=5))
    return [to(*(next(names) for _ in range(count)), content=draw(contents)) for count in counts]


@law
@given(
    batches(),
    st.lists(codes, max_size=40),
    st.sampled_from(sorted(KINDS)),
    st.booleans(),
    st.integers(1, 3),
    st.integers(0, 800),
    st.integers(0, 400),
    st.booleans(),
    st.integers(-1, 30),
    st.integers(0, 12),
)
def test_every_outcome_is_true_whatever_is_decided_and_cut(
    deliveries, decisions, kind, lmtp, window, up, down, optimistic, signal, fails
):
    server = Server(picky(*decisions), lmtp=lmtp)
    taken = Taken(deliveries)
    conversation, _ = converse_with(
        server,
        taken,
        offers=KINDS[kind],
        lmtp=lmtp,
        window=window,
        ending=taken.ended if window > 1 else lambda: False,
        up=up,
        down=down,
        optimistic=optimistic,
        signal=signal,
        disk=Disk(fails=fails),
    )
    assert untrue(server, conversation, taken.taken) == []


@given(
    batches(),
    st.sampled_from(sorted(KINDS)),
    st.booleans(),
    st.integers(1, 3),
    st.lists(
        st.one_of(
            st.tuples(st.sampled_from([250, 354, 452, 550, 421]), st.booleans()),
            st.tuples(st.integers(200, 599), st.booleans()),
            st.sampled_from(["lost", "nonsense", "signal"]),
        ),
        max_size=60,
    ),
)
def test_whatever_replies_come_every_recipient_has_one_outcome(deliveries, kind, lmtp, window, answers):
    """A server that answers at random, too early or not at all; nothing is accepted without a 2yz."""
    conversation = Conversation(Extensions(dict.fromkeys(KINDS[kind], ())), lmtp=lmtp, window=window)
    taken = Taken(deliveries)
    dialogue, said, heard_at, good = conversation.deliver(taken), 0, 0, 0
    answers = chain(answers, ["lost"] * 3)
    octets = b""
    try:
        step = next(dialogue)
        while True:
            if isinstance(step, Say):
                said += len(step.octets)
                octets += step.octets
                step = dialogue.send(None)
                continue
            if isinstance(step, Mark):
                step = dialogue.send(None)
                continue
            assert isinstance(step, Hear)
            match next(answers):
                case "lost":
                    step = dialogue.throw(LinkLost("lost", written=said))
                case "nonsense":
                    step = dialogue.throw(ProtocolError("nonsense", said))
                case "signal":
                    step = dialogue.throw(Interrupted("signal", 2, said))
                case code, early:
                    good += 200 <= code < 300
                    before = heard_at if early else said
                    heard_at = said
                    step = dialogue.send(Heard(Reply(code), before, said, said))
    except StopIteration:
        pass
    fates, _ = judged(conversation.settled, taken.taken)
    assert good or "accepted" not in fates.values()
    assert stray(octets) == []
