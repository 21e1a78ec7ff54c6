"""The state machine of a delivery: each step is on the disk before the next act, and a repeated run goes on
where the last one stopped."""

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from ccc import deliver
from ccc.config import Config, InDoubt
from ccc.dispatch import deliver_again
from ccc.journal import store
from ccc.journal.log import Log
from ccc.journal.retry import drop, due, waiting
from ccc.receipt import exit_status
from ccc.routes.submission import Submission
from ccc.transport.server import Security, Server
from tests.journal import desk
from tests.journal.desk import LARGE, MAIL, Route, X, Y, Z, kept, on_disk, phases, redirect, send, states
from tests.lab.sink import CHUNKING, Sink

RESEND = Config(in_doubt=InDoubt.RESEND)
RESENT_ID = re.compile(rb"^Resent-Message-ID: (.*)\r$", re.MULTILINE)


def submission(sink: Sink) -> Submission:
    return Submission(Server("127.0.0.1", sink.port, security=Security.NONE))


def retry(state: Path, route, *, all_: bool = True, resend: bool = False, config: Config = desk.USUAL):
    with desk.opened(state, config) as journal:
        return list(deliver_again(due(journal, all_=all_, resend=resend), route, journal))


class Looking(Submission):
    """The route to a server, which looks at the disk whenever it has made sure that something is there."""

    seen: list
    state: Path

    def deliver(self, deliveries, /, witness=None):
        seen, state = self.seen, self.state

        class Witness:
            note = staticmethod(witness.note)

            @staticmethod
            def secure():
                witness.secure()
                seen.append(dict(on_disk(state)))

        return super().deliver(deliveries, Witness())


@pytest.fixture
def state(state_folder: Path) -> Path:
    return state_folder


# every arrow


@pytest.mark.parametrize("fate", ["accepted", "deferred", "refused", "in doubt"])
def test_each_step_is_on_the_disk_before_the_next_act(state: Path, fate: str):
    seen = []
    route = Route({X: fate}, lambda now: seen.append((now, on_disk(state))))
    send(state, redirect(X), route)
    assert seen == [
        ("handed over", [(X, "planned")]),
        ("sending", [(X, "sending")]),
        ("committing", [(X, "committing")]),
        ("settled", [(X, fate)]),
    ]


@pytest.mark.parametrize("offers", [(), CHUNKING])
def test_a_server_hears_of_nothing_that_is_not_on_the_disk(state: Path, offers: tuple[str, ...]):
    with Sink(offers) as sink:
        route = Looking(*submission(sink))
        route.seen, route.state = [], state
        send(state, [redirect(X, Y, text=LARGE)], route)
        assert sink.messages == 1
    assert {frozenset(found.values()) for found in route.seen} >= {frozenset({"committing"})}
    assert route.seen[-1] == {X: "committing", Y: "committing"}
    assert phases(state) == {X: "accepted", Y: "accepted"}


def test_a_receipt_comes_when_the_outcome_is_on_the_disk(state: Path):
    with desk.opened(state) as journal:
        for receipt in deliver([redirect(X), redirect(Y)], Route({Y: "refused"}), journal=journal):
            for outcome in receipt.outcomes:
                assert phases(state)[outcome.mailbox.addr_spec] == outcome.state.value


def test_what_a_run_has_in_its_hands_carries_the_name_of_the_run(state: Path):
    runs = []
    route = Route(look=lambda now: runs.append(on_disk(state, "run")))
    with desk.opened(state) as journal:
        list(deliver(redirect(X), route, journal=journal))
        assert runs == [[(journal.run.name,)]] * 3 + [[(None,)]]


def test_a_journal_that_cannot_be_written_stops_the_route_before_the_server_hears_anything(
    state: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(store, "PATIENCE", 0.01)
    with (
        Sink() as sink,
        desk.opened(state) as journal,
        closing(sqlite3.connect(state / "journal.db")) as other,
    ):

        class Blocked(Submission):
            def deliver(self, deliveries, /, witness=None):
                return super().deliver(map(self.block, deliveries), witness)

            def block(self, delivery):
                other.execute("BEGIN IMMEDIATE")
                return delivery

        (receipt,) = deliver(redirect(X), Blocked(*submission(sink)), journal=journal)
        assert (receipt.exit_status, sink.transactions) == (75, [])
        assert [command for command in sink.sessions[0].commands if command.startswith(b"MAIL")] == []
    with desk.opened(state):
        assert phases(state) == {X: "deferred"}


# a run that is repeated


def test_who_has_it_is_skipped_and_when_that_was_is_said(state: Path):
    send(state, redirect(X, Y))
    route = Route()
    (receipt,) = send(state, redirect(X, Y), route)
    assert (route.taken, states([receipt]), receipt.exit_status) == ([], ["accepted"] * 2, 0)
    assert [(each.since,) for each in receipt.outcomes] == on_disk(state, "changed")


def test_who_was_refused_stays_refused(state: Path):
    send(state, redirect(X, Y), Route({X: "refused"}))
    route = Route()
    (receipt,) = send(state, redirect(X, Y), route)
    (refused, _) = receipt.outcomes
    assert (route.taken, states([receipt]), receipt.exit_status) == ([], ["refused", "accepted"], 69)
    assert (refused.reason, refused.reply.code, refused.hop) == ("5.1.1 no such user", 550, "mx.b.test")
    assert "--again" in refused.cure


@pytest.mark.parametrize("text", [MAIL, LARGE], ids=["small", "large"])
def test_only_who_has_it_not_is_tried_again_with_the_very_same_octets(state: Path, text: bytes):
    first, second = Route({Y: "deferred"}), Route()
    send(state, redirect(X, Y, text=text), first)
    (receipt,) = send(state, redirect(X, Y, text=text), second)
    assert second.to == [Y]
    assert second.octets == first.octets
    assert RESENT_ID.findall(second.octets[0]) == RESENT_ID.findall(first.octets[0]) != []
    assert (states([receipt]), receipt.exit_status) == (["accepted", "accepted"], 0)
    assert [each.since is None for each in receipt.outcomes] == [False, True]


def test_a_retry_sends_what_was_stored_whoever_plans_it_at_whatever_time(state: Path):
    from datetime import UTC, datetime

    first, second = Route({X: "deferred"}), Route()
    send(state, redirect(X, now=datetime(2026, 1, 1, tzinfo=UTC), token="first"), first)
    send(state, redirect(X, now=datetime(2026, 2, 2, tzinfo=UTC), token="second"), second)
    assert second.octets == first.octets
    assert b"first" in first.octets[0]


def test_a_new_recipient_is_another_entry_beside_those_that_are_left(state: Path):
    send(state, redirect(X, Y), Route({Y: "deferred"}))
    route = Route()
    (receipt,) = send(state, redirect(X, Y, bcc=Z), route)
    assert route.to == [Y, Z]
    assert [each.mailbox.addr_spec for each in receipt.outcomes] == [X, Y, Z]
    assert len({each.entry for each in receipt.outcomes}) == 2


@pytest.mark.parametrize(
    "other",
    [
        lambda: redirect(X, show_resent_cc="shown@b.test"),
        lambda: redirect(X, resent="never"),
        lambda: redirect(X, envelope_from="other@a.test"),
        lambda: redirect(X, strip="Subject"),
        lambda: redirect(X, text=MAIL.replace(b"Minutes", b"Corrected minutes")),
    ],
    ids=["shown", "no resent block", "reverse-path", "left out", "another Subject"],
)
def test_another_plan_for_what_is_deferred_is_held_and_says_so(state: Path, other):
    send(state, redirect(X), Route({X: "deferred"}))
    route = Route()
    (receipt,) = send(state, other(), route)
    (outcome,) = receipt.outcomes
    assert (route.taken, states([receipt]), receipt.exit_status) == ([], ["deferred"], 75)
    assert "planned in another way before" in outcome.reason
    assert "4.2.0 not now" in outcome.reason
    assert f"ccc retry {outcome.entry}" in outcome.cure
    assert "--again" in outcome.cure


def test_what_is_deferred_waits_until_it_is_due(state: Path):
    send(state, redirect(X), Route({X: "deferred"}))
    route = Route()
    assert retry(state, route, all_=False) == []
    (receipt,) = retry(state, route, all_=True)
    assert (route.to, states([receipt]), receipt.exit_status) == ([X], ["accepted"], 0)


def test_after_the_last_attempt_it_is_given_up(state: Path):
    (receipt,) = send(state, redirect(X), Route({X: "deferred"}), config=Config(retry_for=0))
    assert (states([receipt]), receipt.exit_status, kept(state)) == (["refused"], 69, 0)
    assert receipt.outcomes[0].reason.startswith("given up after ")
    assert phases(state) == {X: "refused"}


def test_the_attempts_are_counted_and_come_ever_later(state: Path):
    waits = []
    for _ in range(3):
        send(state, redirect(X), Route({X: "deferred"}))
        waits += on_disk(state, "attempts, next_attempt - changed > 150 * attempts")
    assert waits == [(1, 1), (2, 1), (3, 1)]


# --again


@pytest.mark.parametrize("fate", ["accepted", "refused"])
def test_again_repeats_what_is_settled(state: Path, fate: str):
    send(state, redirect(X), Route({X: fate}))
    route = Route()
    (receipt,) = send(state, redirect(X), route, again=True)
    assert (route.to, states([receipt])) == ([X], ["accepted"])
    assert on_disk(state, "phase, current") == [(fate, 0), ("accepted", 1)]


def test_again_repeats_what_was_dropped_or_bounced(state: Path):
    send(state, redirect(X, Y), Route({X: "in doubt"}))
    with desk.opened(state) as journal:
        drop(journal)
        (entry,) = Log(journal).entries()
        Log(journal).bounced(entry, entry.records[1].mailbox, "5.2.2", "mailbox full")
    assert phases(state) == {X: "dropped", Y: "bounced"}
    left = Route()
    (receipt,) = send(state, redirect(X, Y), left)
    assert (left.taken, states([receipt])) == ([], ["refused"] * 2)
    route = Route()
    send(state, redirect(X, Y), route, again=True)
    assert route.to == [X, Y]


def test_again_replaces_what_is_deferred_which_stays_in_the_log(state: Path):
    send(state, redirect(X), Route({X: "deferred"}))
    route = Route()
    (receipt,) = send(state, redirect(X, strip="Subject"), route, again=True)
    assert states([receipt]) == ["accepted"]
    assert b"Subject" not in route.octets[0]
    assert on_disk(state, "phase, reason, current") == [
        ("dropped", "planned anew", 0),
        ("accepted", "2.0.0 ok", 1),
    ]
    assert kept(state) == 0
    assert retry(state, Route()) == []


def test_again_never_touches_what_is_in_doubt(state: Path):
    send(state, redirect(X), Route({X: "in doubt"}))
    route = Route()
    (receipt,) = send(state, redirect(X), route, again=True)
    assert (route.taken, states([receipt]), receipt.exit_status) == ([], ["in doubt"], 75)


def test_again_never_touches_what_another_run_has_in_its_hands(state: Path):
    others, route = [], Route()
    busy = Route(look=lambda now: others.append(send(state, redirect(X), route, again=True)))
    (mine,) = send(state, redirect(X), busy, again=True)
    *meanwhile, (last,) = others
    assert [states(each) for each in meanwhile] == [["deferred"]] * 3
    assert [exit_status(each) for each in meanwhile] == [75] * 3
    assert meanwhile[0][0].outcomes[0].reason == "another ccc has it at this moment"
    assert (states([mine]), states([last]), route.to) == (["accepted"], ["accepted"], [X])


# runs that died


@pytest.mark.parametrize("stage", ["handed over", "sending"])
def test_what_a_run_had_not_committed_when_it_died_is_due_at_once(state: Path, stage: str):
    desk.killed(state, stage)
    with desk.opened(state) as journal:
        assert waiting(journal).next_attempt <= journal.clock()
    assert phases(state) == {X: "deferred", Y: "deferred"}
    assert on_disk(state, "run, reason")[0] == (None, "ccc was stopped before it had sent it")
    route = Route()
    (receipt,) = retry(state, route, all_=False)
    assert (route.to, states([receipt])) == ([X, Y], ["accepted"] * 2)


def test_what_a_run_was_committing_when_it_died_is_in_doubt(state: Path):
    desk.killed(state, "committing")
    with desk.opened(state):
        assert phases(state) == {X: "in doubt", Y: "in doubt"}
    route = Route()
    (receipt,) = send(state, redirect(X, Y), route)
    assert (route.taken, states([receipt]), receipt.exit_status) == ([], ["in doubt"] * 2, 75)


def test_what_a_run_had_settled_when_it_died_is_settled(state: Path):
    desk.killed(state, "settled")
    with desk.opened(state):
        assert phases(state) == {X: "accepted", Y: "accepted"}


def test_the_same_command_goes_on_where_a_run_died(state: Path):
    desk.killed(state, "sending")
    route = Route()
    (receipt,) = send(state, redirect(X, Y), route)
    assert (route.to, receipt.exit_status) == ([X, Y], 0)


# in doubt


def test_what_is_in_doubt_is_held(state: Path):
    (first,) = send(state, redirect(X), Route({X: "in doubt"}))
    (second,) = send(state, redirect(X))
    for receipt in (first, second):
        (outcome,) = receipt.outcomes
        assert (states([receipt]), receipt.exit_status) == (["in doubt"], 75)
        assert f"ccc retry {outcome.entry} --in-doubt resend" in outcome.cure
    assert (first.outcomes[0].since, second.outcomes[0].since is None) == (None, False)
    assert kept(state) == 1


@pytest.mark.parametrize(
    "again",
    [
        lambda state, route: send(state, redirect(X), route, config=RESEND),
        lambda state, route: send(state, redirect(X), route, resend=True),
        lambda state, route: retry(state, route, resend=True),
    ],
    ids=["configured", "asked for", "ccc retry"],
)
def test_a_second_sending_has_the_same_octets_and_says_that_it_is_one(state: Path, again):
    first, second = Route({X: "in doubt"}), Route()
    send(state, redirect(X), first)
    (receipt,) = again(state, second)
    assert second.octets == first.octets
    assert [(each.state.value, each.second) for each in receipt.outcomes] == [("accepted", True)]
    assert phases(state) == {X: "accepted"}


@pytest.mark.parametrize(("fate", "second"), [("in doubt", True), ("deferred", False)])
def test_a_route_is_told_what_may_have_arrived_already(state: Path, fate: str, second: bool):
    route = Route()
    send(state, redirect(X), Route({X: fate}))
    retry(state, route, resend=True)
    assert [delivery.second for delivery in route.taken] == [second]


def test_a_third_sending_may_still_make_a_second_copy(state: Path):
    send(state, redirect(X), Route({X: "in doubt"}))
    send(state, redirect(X), Route({X: "deferred"}), resend=True)
    (receipt,) = send(state, redirect(X))
    assert [(each.state.value, each.second) for each in receipt.outcomes] == [("accepted", True)]


def test_an_ordinary_retry_leaves_alone_what_is_in_doubt(state: Path):
    send(state, redirect(X), Route({X: "in doubt"}))
    route = Route()
    assert (retry(state, route), route.taken) == ([], [])


def test_what_is_dropped_is_closed(state: Path):
    send(state, redirect(X), Route({X: "in doubt"}))
    with desk.opened(state) as journal:
        (dropped,) = drop(journal)
        assert (dropped.address, waiting(journal).in_doubt) == (X, 0)
    assert (phases(state), kept(state)) == ({X: "dropped"}, 0)
    route = Route()
    (receipt,) = send(state, redirect(X), route, resend=True)
    assert (route.taken, receipt.exit_status) == ([], 1)
