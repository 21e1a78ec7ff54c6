"""What people see: everybody in the lists, marked; nobody twice; and no list is ever an envelope."""

import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccc.address import Mailbox, read_list
from ccc.message.header import Header, parse
from ccc.plan import Action, Mark, Marked, Plan, Resent
from ccc.plan.shown import already_there
from tests.plan.mail import (
    HEADER,
    codes,
    levels,
    mail,
    names,
    redirect,
    request,
    resend,
    texts,
    values,
)


def marks(marked: Marked) -> dict[str, Mark]:
    return {mailbox.addr_spec: mark for mailbox, mark in marked}


# --- a resend


def test_a_resend_shows_the_old_people_as_seen_and_not_sent_to() -> None:
    shown = resend().shown
    assert marks(shown.to) == {"bob@example.org": Mark.SEEN_NOT_SENT}
    assert marks(shown.cc)["carol@example.net"] is Mark.SEEN_NOT_SENT


def test_a_resend_shows_the_new_people_in_cc_as_new() -> None:
    assert marks(resend().shown.cc)["dora@example.com"] is Mark.NEW


def test_somebody_who_is_only_shown_is_new_and_not_sent_to() -> None:
    shown = resend(show_to="eve@example.com", show_cc="fay@example.com").shown
    assert marks(shown.to)["eve@example.com"] is Mark.NEW_NOT_SENT
    assert marks(shown.cc)["fay@example.com"] is Mark.NEW_NOT_SENT


def test_a_recipient_shown_in_to_is_new_there() -> None:
    shown = resend(to="dora@example.com", show_to="dora@example.com").shown
    assert marks(shown.to)["dora@example.com"] is Mark.NEW
    assert "dora@example.com" not in marks(shown.cc)


def test_a_resend_has_no_resent_lists() -> None:
    assert [name for name, _ in resend().shown.lists()] == ["To", "Cc"]


# --- a redirect


def test_a_redirect_shows_the_new_people_in_the_block() -> None:
    shown = redirect(cc="eve@example.com").shown
    assert marks(shown.resent_to) == {"dora@example.com": Mark.NEW}
    assert marks(shown.resent_cc) == {"eve@example.com": Mark.NEW}


def test_a_redirect_leaves_to_and_cc_as_they_are() -> None:
    plan = redirect()
    assert names(tuple(mailbox for mailbox, _ in plan.shown.cc)) == ["carol@example.net"]
    assert values(plan, "Cc") == ["Carol <carol@example.net>"]


def test_somebody_who_is_only_shown_in_the_block_is_not_sent_to() -> None:
    shown = redirect(show_resent_cc="eve@example.com").shown
    assert marks(shown.resent_cc) == {"eve@example.com": Mark.NEW_NOT_SENT}


def test_a_redirect_without_a_block_shows_nobody_new() -> None:
    shown = redirect(resent=Resent.NEVER).shown
    assert [name for name, _ in shown.lists()] == ["To", "Cc"]


# --- recipients


def test_a_recipient_is_marked_as_the_lists_mark_it() -> None:
    assert marks(resend().recipients) == {"dora@example.com": Mark.NEW}


def test_a_blind_recipient_is_seen_nowhere() -> None:
    plan = resend(bcc="eve@example.com")
    assert marks(plan.recipients)["eve@example.com"] is Mark.BLIND


def test_a_recipient_of_a_redirect_without_a_block_is_seen_nowhere() -> None:
    assert marks(redirect(resent=Resent.NEVER).recipients) == {"dora@example.com": Mark.BLIND}


def test_a_recipient_who_was_there_already_is_seen() -> None:
    assert marks(redirect(to="bob@example.org").recipients) == {"bob@example.org": Mark.SEEN}


# --- there already


def test_a_recipient_who_is_in_to_is_a_finding_and_gets_it_all_the_same() -> None:
    plan = resend(to="bob@example.org", sender="ann@example.org")
    assert codes(plan) == ["already-shown"]
    assert names(plan.envelope.forward_paths) == ["bob@example.org"]


def test_the_finding_says_where_and_warns() -> None:
    plan = resend(to="bob@example.org")
    assert levels(plan, "already-shown") == ["warning"]
    assert texts(plan, "already-shown") == [
        "Bob <bob@example.org> is in To already and may have this message"
    ]


def test_a_recipient_who_is_in_to_is_not_added_to_cc() -> None:
    assert values(resend(to="bob@example.org"), "Cc") == ["Carol <carol@example.net>"]


def test_a_recipient_who_is_in_cc_is_not_added_twice() -> None:
    assert values(resend(to="carol@example.net"), "Cc") == ["Carol <carol@example.net>"]


def test_capitals_do_not_add_somebody_twice() -> None:
    assert values(resend(to="CAROL@Example.NET"), "Cc") == ["Carol <carol@example.net>"]


def test_somebody_shown_already_is_not_shown_twice_and_says_so() -> None:
    plan = resend(show_cc="bob@example.org")
    assert levels(plan, "already-shown") == ["note"]
    assert values(plan, "Cc") == ["Carol <carol@example.net>, dora@example.com"]


def test_a_recipient_of_a_redirect_who_is_in_cc_is_a_finding() -> None:
    plan = redirect(to="carol@example.net")
    assert texts(plan, "already-shown") == [
        "Carol <carol@example.net> is in Cc already and may have this message"
    ]


def test_somebody_who_is_there_already_is_put_into_the_block_all_the_same() -> None:
    assert values(redirect(to="carol@example.net"), "Resent-To") == ["carol@example.net"]


def test_somebody_shown_in_the_block_may_stand_in_to_without_a_word() -> None:
    assert codes(redirect(show_resent_to="bob@example.org")) == []


def test_a_recipient_in_a_cc_that_is_left_out_is_added_to_the_new_one() -> None:
    plan = resend(to="carol@example.net", strip=frozenset({"cc"}))
    assert values(plan, "Cc") == ["carol@example.net"]
    assert marks(plan.recipients) == {"carol@example.net": Mark.NEW}
    assert marks(plan.shown.cc) == {"carol@example.net": Mark.NEW}


def test_a_recipient_in_to_is_not_added_though_cc_is_left_out() -> None:
    message = mail(*HEADER, "Cc: bob@example.org")
    assert values(resend(message, to="bob@example.org", strip=frozenset({"cc"})), "Cc") == []


@pytest.mark.parametrize("plan", [resend, redirect])
def test_a_recipient_in_a_cc_that_is_left_out_may_have_the_message(plan: Callable[..., Plan]) -> None:
    planned = plan(to="carol@example.net", strip=frozenset({"cc"}))
    assert levels(planned, "already-shown") == ["warning"]
    assert texts(planned, "already-shown") == [
        "Carol <carol@example.net> is in Cc, which is left out, and may have this message"
    ]


def test_somebody_only_shown_who_is_in_a_cc_that_is_left_out_is_added_without_a_word() -> None:
    plan = resend(show_cc="carol@example.net", strip=frozenset({"cc"}))
    assert values(plan, "Cc") == ["dora@example.com, carol@example.net"]
    assert "already-shown" not in codes(plan)


def test_people_are_found_in_every_to_field() -> None:
    message = mail(*HEADER, "To: eve@example.org")
    assert codes(redirect(message, to="eve@example.org"))[0] == "already-shown"


@pytest.mark.parametrize(
    "spelling",
    [
        "Bob <BOB@example.org>",
        '"bob"@example.org',
        '"b\\ob"@example.org',
        "bob@example.org (a comment)",
        "bob(a comment)@example.org",
        "bob@\r\n example.org",
        "bob @ example . org",
        "a group: bob@example.org;",
        "<@relay.example,@other.example:bob@example.org>",
        "=?utf-8?q?B=C3=B6b?= <bob@example.org>",
        "B\u00f6b <bob@example.org>",
    ],
)
def test_people_are_found_however_they_are_spelled(spelling: str) -> None:
    message = mail(HEADER[0], f"To: {spelling}", *HEADER[3:])
    assert "already-shown" in codes(redirect(message, to="bob@example.org"))


def test_people_are_found_under_the_unicode_form_of_their_domain() -> None:
    message = mail(HEADER[0], "To: bob@straße.example", *HEADER[3:])
    assert "already-shown" in codes(redirect(message, to="bob@xn--strae-oqa.example"))


@pytest.mark.parametrize("there", [0, 1])
def test_many_recipients_are_looked_for_in_linear_time(there: int) -> None:
    value = b",\r\n ".join(b"old%d@example.org" % n for n in range(there, 10_000 + there))
    header = Header(parse(b"Cc: " + value + b"\r\n"))
    who = tuple(Mailbox(name, "example.org") for name in ("old0", *(f"new{n}" for n in range(10_000))))
    people = request(Action.REDIRECT, sender="me@x.org", to=who).people
    before = time.process_time()
    assert len(already_there(header, people)) == 1 - there
    assert time.process_time() - before < 1.5  # 0.1 as a rule; coverage slows it down


LOCAL = st.sampled_from(["ann", "Ann", "a.b", "x+y", "o'neil", "ann b", 'q"t'])
DOMAIN = st.sampled_from(["x.org", "sub.x.org", "xn--strae-oqa.example", "[192.0.2.1]"])
MAILBOX = st.builds(Mailbox, LOCAL, DOMAIN, st.sampled_from(["", "Ann", "a@b", "\u00e4", "(x)"]))
GLUE = st.sampled_from([", ", ",\r\n ", " , , ", ";", "(c),", '"', "<", "\r\n "])


@given(st.lists(st.tuples(MAILBOX, GLUE), max_size=4), MAILBOX)
def test_looking_quickly_overlooks_nobody(parts: list[tuple[Mailbox, str]], who: Mailbox) -> None:
    value = "".join(each.header() + glue for each, glue in parts).encode()
    header = Header(parse(b"To: " + value + b"\r\n"))
    people = request(Action.REDIRECT, sender="me@x.org", to=(who,)).people
    closely = [each for each in read_list(b" " + value) if each.person == who.person]
    assert [mailbox for _, mailbox in already_there(header, people)] == closely
