"""Receipts: what became of each recipient, and what a run of many exits with."""

import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccc import errors
from ccc.address import Mailbox
from ccc.errors import CccError, Interrupted, Kind
from ccc.receipt import (
    EXIT,
    WORST_FIRST,
    Outcome,
    Receipt,
    State,
    advice,
    exit_status,
    status_of,
    worst,
)
from ccc.smtp.replies import Reply

ANN = Mailbox("ann", "example.org")
BOB = Mailbox("bob", "example.org")

# DESIGN: "a batch exits with the first that occurred of ..."
ORDER = (130, 75, 70, 78, 77, 74, 73, 69, 68, 65, 66, 64, 1, 0)


def accepted(mailbox: Mailbox = ANN) -> Outcome:
    return Outcome(mailbox, State.ACCEPTED, Reply(250, (b"2.0.0 queued",)))


def refused(mailbox: Mailbox = ANN, kind: Kind = Kind.REFUSED) -> Outcome:
    return Outcome(mailbox, State.REFUSED, Reply(550, (b"5.1.1 no such user",)), kind=kind)


def deferred(mailbox: Mailbox = ANN, kind: Kind = Kind.TRY_LATER) -> Outcome:
    return Outcome(mailbox, State.DEFERRED, kind=kind)


def in_doubt(mailbox: Mailbox = ANN, kind: Kind = Kind.TRY_LATER) -> Outcome:
    return Outcome(mailbox, State.IN_DOUBT, kind=kind)


def every_error() -> list[type[CccError]]:
    classes = [value for value in vars(errors).values() if isinstance(value, type)]
    return [each for each in classes if issubclass(each, CccError)]


# --- one recipient


def test_an_accepted_recipient_is_0() -> None:
    assert accepted().exit_status == 0


def test_a_refused_recipient_is_69() -> None:
    assert refused().exit_status == 69


def test_a_refused_recipient_whose_domain_takes_no_mail_is_68() -> None:
    assert refused(kind=Kind.DOMAIN).exit_status == 68


def test_a_refused_login_is_77() -> None:
    assert refused(kind=Kind.PERMISSION).exit_status == 77


def test_a_message_too_big_for_the_server_is_65() -> None:
    assert refused(kind=Kind.MESSAGE).exit_status == 65


def test_a_deferred_recipient_is_75() -> None:
    assert deferred().exit_status == 75


def test_a_recipient_in_doubt_is_75() -> None:
    assert in_doubt().exit_status == 75


@pytest.mark.parametrize("kind", list(Kind))
def test_in_doubt_is_75_whatever_led_to_it(kind: Kind) -> None:
    assert in_doubt(kind=kind).exit_status == 75


def test_a_recipient_that_a_signal_left_behind_is_75_since_running_again_is_safe() -> None:
    assert deferred(kind=Kind.INTERRUPTED).exit_status == 75


def test_an_accepted_outcome_has_no_kind_of_failure() -> None:
    with pytest.raises(ValueError, match="accepted with the kind"):
        Outcome(ANN, State.ACCEPTED, kind=Kind.REFUSED)


@pytest.mark.parametrize("state", [State.REFUSED, State.DEFERRED, State.IN_DOUBT])
def test_what_was_not_accepted_says_what_kind_of_failure_it_was(state: State) -> None:
    with pytest.raises(ValueError, match="with the kind None"):
        Outcome(ANN, state)


def test_there_is_nothing_to_do_about_what_was_accepted() -> None:
    assert advice(accepted(ANN)) == ""


def test_in_doubt_says_to_ask_and_never_to_run_it_again() -> None:
    lost = Outcome(ANN, State.IN_DOUBT, None, "the link was lost", Kind.TRY_LATER, cure="run it again")
    assert advice(lost) == "it may have arrived, so ask the recipient before sending it again"


def test_a_refusal_without_a_cure_is_for_good() -> None:
    assert advice(Outcome(ANN, State.REFUSED, kind=Kind.REFUSED)) == "it is refused for good"


def test_a_refusal_with_a_cure_names_it() -> None:
    refused = Outcome(ANN, State.REFUSED, kind=Kind.REFUSED, cure="leave out --dsn")
    assert advice(refused) == "leave out --dsn"


def test_what_was_deferred_for_all_may_be_run_again_as_it_was() -> None:
    deferred = Outcome(ANN, State.DEFERRED, kind=Kind.TRY_LATER)
    assert advice(deferred) == "try again later"


@pytest.mark.parametrize("other", [State.ACCEPTED, State.IN_DOUBT])
def test_what_was_deferred_for_some_is_not_sent_again_to_the_others(other: State) -> None:
    deferred = Outcome(ANN, State.DEFERRED, kind=Kind.TRY_LATER, cure="check the network")
    has_it = Outcome(BOB, other, kind=None if other is State.ACCEPTED else Kind.TRY_LATER)
    assert Receipt("a.eml", (deferred, has_it)).somebody_has_it
    assert (
        advice(deferred, others_have_it=True)
        == "check the network, then name only those who were deferred, and try again"
    )


# --- one message


def kept(cure: str = "", since: float | None = None) -> Outcome:
    """What the journal keeps as k3f9."""
    return Outcome(ANN, State.DEFERRED, kind=Kind.TRY_LATER, cure=cure, entry="k3f9", since=since)


def test_what_the_journal_keeps_is_tried_again_by_a_command() -> None:
    assert advice(kept(), others_have_it=True) == "`ccc retry k3f9` tries again"
    assert advice(kept("ask him")) == "ask him, then `ccc retry k3f9` tries again"


def test_what_an_earlier_run_came_to_has_its_own_cure() -> None:
    assert advice(kept("see `ccc log k3f9`", since=1.0)) == "see `ccc log k3f9`"


def test_in_doubt_in_the_journal_names_both_ways_out() -> None:
    doubt = Outcome(ANN, State.IN_DOUBT, kind=Kind.TRY_LATER, cure="resend or drop", entry="k3f9")
    assert advice(doubt) == "resend or drop"


def test_a_message_accepted_for_all_is_0() -> None:
    assert Receipt("a.eml", (accepted(ANN), accepted(BOB))).exit_status == 0


def test_one_refused_recipient_of_two_makes_a_message_69() -> None:
    assert Receipt("a.eml", (accepted(ANN), refused(BOB))).exit_status == 69


def test_something_deferred_outranks_something_refused() -> None:
    assert Receipt("a.eml", (refused(ANN), deferred(BOB))).exit_status == 75


def test_a_message_that_could_not_be_read_is_its_error() -> None:
    error = errors.SourceError("there is no file 'a.eml'")
    assert Receipt("a.eml", error=error).exit_status == 66


def test_a_message_sent_but_not_recorded_is_74() -> None:
    error = errors.NotRecordedError("the journal is full")
    assert Receipt("a.eml", (accepted(),), error).exit_status == 74


def test_the_outcomes_count_beside_an_error() -> None:
    error = errors.NotRecordedError("the journal is full")
    assert Receipt("a.eml", (accepted(ANN), deferred(BOB)), error).exit_status == 75


# --- errors


def test_every_kind_has_an_exit_status() -> None:
    assert set(EXIT) == set(Kind)


def test_no_two_kinds_share_an_exit_status() -> None:
    assert len(set(EXIT.values())) == len(EXIT)


def test_the_exit_statuses_are_those_of_the_design() -> None:
    assert set(EXIT.values()) == {1, 64, 65, 66, 68, 69, 70, 73, 74, 75, 76, 77, 78, 130}


@pytest.mark.parametrize("error", every_error(), ids=lambda error: error.__name__)
def test_every_error_has_a_kind_that_has_an_exit_status(error: type[CccError]) -> None:
    assert error.kind in EXIT


def test_ctrl_c_is_130() -> None:
    assert status_of(Interrupted("interrupted by SIGINT", 2)) == 130


@pytest.mark.parametrize("number", [15, 1])
def test_sigterm_and_sighup_are_75(number: int) -> None:
    assert status_of(Interrupted("interrupted", number)) == 75


def test_a_lost_connection_is_75() -> None:
    assert status_of(errors.LinkLost("the connection ended", 12)) == 75


def test_a_loop_is_69() -> None:
    assert status_of(errors.LoopError("it goes round in circles")) == 69


def test_an_address_that_is_none_is_64() -> None:
    assert status_of(errors.AddressError("x", 0, "no domain")) == 64


def test_a_message_that_changed_is_65() -> None:
    assert status_of(errors.SourceChanged("it was changed")) == 65


# --- many messages


def test_a_run_without_messages_is_0() -> None:
    assert exit_status(()) == 0


@pytest.mark.parametrize(("worse", "better"), list(itertools.combinations(ORDER, 2)))
def test_the_worse_of_two_statuses_wins_in_either_order(worse: int, better: int) -> None:
    assert worst((worse, better)) == worst((better, worse)) == worse


def test_the_order_is_that_of_the_design() -> None:
    assert tuple(status for status in WORST_FIRST if status != 76) == ORDER


def test_every_exit_status_has_a_place_in_the_order() -> None:
    assert set(EXIT.values()) | {0} == set(WORST_FIRST)


KINDS = st.lists(st.sampled_from(list(Kind)), min_size=1, max_size=6)


@given(KINDS)
def test_a_batch_exits_with_the_worst_whatever_the_order(kinds: list[Kind]) -> None:
    receipts = [Receipt("a.eml", error=_error(kind)) for kind in kinds]
    assert exit_status(receipts) == exit_status(reversed(receipts))
    assert exit_status(receipts) == min((EXIT[kind] for kind in kinds), key=WORST_FIRST.index)


@given(KINDS)
def test_a_message_that_went_well_does_not_change_the_status_of_a_batch(kinds: list[Kind]) -> None:
    receipts = [Receipt("a.eml", error=_error(kind)) for kind in kinds]
    assert exit_status([*receipts, Receipt("b.eml", (accepted(),))]) == exit_status(receipts)


@given(st.lists(st.sampled_from([accepted(), refused(), deferred(), in_doubt()])))
def test_one_message_to_many_and_many_messages_to_one_exit_alike(outcomes: list[Outcome]) -> None:
    one = Receipt("a.eml", tuple(outcomes))
    assert one.exit_status == exit_status(Receipt("a.eml", (each,)) for each in outcomes)


def _error(kind: Kind) -> CccError:
    if kind is Kind.INTERRUPTED:
        return Interrupted("interrupted", 2)
    error = CccError("what")
    error.kind = kind  # type: ignore[misc]  # any kind at all, for the law
    return error


# --- as JSON


def test_a_receipt_as_json_names_its_schema() -> None:
    assert Receipt("a.eml").as_json()["schema"] == 1


def test_a_receipt_as_json_names_its_source_and_exit_status() -> None:
    receipt = Receipt("a.eml", (refused(),)).as_json()
    assert (receipt["source"], receipt["exit_status"]) == ("a.eml", 69)


def test_an_outcome_as_json_has_the_recipient_the_state_and_the_reply() -> None:
    outcome = Outcome(
        Mailbox("ann", "example.org", "Ann"),
        State.REFUSED,
        Reply(550, (b"5.1.1 no such user",)),
        "550 5.1.1 no such user",
        Kind.REFUSED,
        "mx.example.org",
    )
    assert outcome.as_json() == {
        "recipient": "ann@example.org",
        "state": "refused",
        "kind": "refused",
        "reason": "550 5.1.1 no such user",
        "cure": "",
        "reply": {"code": 550, "enhanced": "5.1.1", "text": "550 5.1.1 no such user"},
        "hop": "mx.example.org",
        "id": "",
        "since": None,
        "second_copy": False,
    }


def test_an_accepted_outcome_as_json_has_no_kind() -> None:
    assert accepted().as_json()["kind"] is None


def test_an_outcome_without_a_reply_says_so() -> None:
    assert in_doubt().as_json()["reply"] is None


def test_an_error_as_json_has_its_kind_what_and_cure() -> None:
    error = errors.SourceError("there is no file 'a.eml'", "check its name")
    assert Receipt("a.eml", error=error).as_json()["error"] == {
        "kind": "source",
        "what": "there is no file 'a.eml'",
        "cure": "check its name",
    }


def test_a_receipt_without_an_error_says_so() -> None:
    assert Receipt("a.eml").as_json()["error"] is None


def test_a_receipt_is_json() -> None:
    receipt = Receipt("a.eml", (accepted(), in_doubt(BOB)), errors.NotRecordedError("disk full"))
    assert json.loads(json.dumps(receipt.as_json())) == receipt.as_json()
