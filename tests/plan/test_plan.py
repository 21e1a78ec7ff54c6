"""The plan: one object that everything comes from, made without a clock, a network or a dice."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccc.address import Mailbox
from ccc.errors import LoopError
from ccc.message.message import read
from ccc.message.octets import HeldOctets
from ccc.plan import Action, Change, Plan, Resent, make_plan
from tests.lab.law import law
from tests.plan.mail import (
    HEADER,
    NOW,
    codes,
    levels,
    mail,
    names,
    octets,
    redirect,
    request,
    resend,
    sent,
    texts,
    values,
    with_lines,
)

RECEIVED = "Received: from a by b; Mon, 9 Mar 2026 08:00:00 +0000"


# --- facts


def test_a_plan_knows_its_action() -> None:
    assert (resend().action, redirect().action) == (Action.RESEND, Action.REDIRECT)


def test_a_plan_knows_its_source() -> None:
    assert resend().source == "a.eml"


def test_a_plan_decodes_the_subject_for_eyes() -> None:
    plan = resend(mail("Subject: =?utf-8?q?hell=C3=B6?=", *HEADER[:3]))
    assert plan.subject == "hell\u00f6"


def test_a_plan_shows_from_and_date() -> None:
    plan = resend()
    assert plan.author == "Ann <ann@example.org>"
    assert plan.date == "Mon, 9 Mar 2026 08:00:00 +0000"


def test_what_is_missing_is_empty() -> None:
    plan = resend(mail(*HEADER[:1]))
    assert (plan.subject, plan.date) == ("", "")


def test_message_id_and_date_are_kept() -> None:
    for plan in (resend(), redirect()):
        assert values(plan, "Message-ID") == ["<1@example.org>"]
        assert values(plan, "Date") == ["Mon, 9 Mar 2026 08:00:00 +0000"]


def test_the_same_arguments_make_the_same_plan() -> None:
    message = mail()
    assert sent(redirect(message)) == sent(redirect(message))


@pytest.mark.parametrize("token", ["", "a b", "a\r\nBcc: x@y.org", "a@b", "a>", "a..b", "\u00e4"])
def test_a_token_that_would_break_the_message_id_is_refused(token: str) -> None:
    asked = request(Action.REDIRECT, to="d@x.org", sender="a@x.org")
    with pytest.raises(ValueError, match="cannot stand in a Resent-Message-ID"):
        make_plan(asked, mail(), now=NOW, token=token)


# --- findings


def test_an_ordinary_redirect_has_no_findings() -> None:
    assert redirect().findings == ()


def test_the_findings_about_the_message_itself_are_the_plans() -> None:
    assert codes(redirect(mail(*HEADER, "Subject: again"))) == ["duplicate-field"]


def test_the_findings_about_the_people_are_the_plans() -> None:
    assert codes(redirect(to="d@straße.example")) == ["international-domain"]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ('From: "boss@example.org" <eve@example.net>', "address-in-name"),
        ("From: =?utf-8?q?boss=40example=2Eorg?= <eve@example.net>", "address-in-name"),
        ("From: eve@xn--pypal-4ve.example", "mixed-scripts"),
        ("From: eve@p\u0430ypal.example", "mixed-scripts"),
    ],
)
def test_an_author_who_pretends_to_be_another_is_a_warning(line: str, code: str) -> None:
    plan = redirect(mail(line, *HEADER[1:]))
    assert levels(plan, code) == ["warning"]


def test_the_findings_come_from_those_about_the_user_to_those_about_the_message() -> None:
    message = mail(*HEADER, "Subject: again")
    plan = resend(message, to="bob@example.org, d@straße.example")
    assert codes(plan) == [
        "identity-from-message",
        "already-shown",
        "international-domain",
        "duplicate-field",
    ]


@pytest.mark.parametrize("plan", [resend, redirect])
def test_a_header_that_becomes_eight_bit_is_a_finding(plan: Callable[..., Plan]) -> None:
    planned = plan(to="j\u00f6rg@example.com")
    assert planned.content.utf8_header
    assert levels(planned, "eight-bit-header") == ["note"]


def test_a_header_in_latin_1_that_gains_utf_8_is_a_warning() -> None:
    message = read(HeldOctets(b"From: ann@example.org\r\nX: \xe4\r\n\r\n"), "a.eml")
    assert levels(resend(message, to="j\u00f6rg@example.com"), "eight-bit-header") == ["warning"]


def test_a_header_whose_eight_bit_field_is_left_out_is_no_finding() -> None:
    plan = redirect(with_lines("X-Secret: \u00e4"), strip=frozenset({"x-secret"}))
    assert "eight-bit-header" not in codes(plan)


# --- the loop guard


def test_99_servers_are_no_loop() -> None:
    redirect(with_lines(*[RECEIVED] * 99))


def test_100_servers_are_a_loop() -> None:
    with pytest.raises(LoopError, match="100 servers"):
        redirect(with_lines(*[RECEIVED] * 100))


def test_9_resent_blocks_are_no_loop() -> None:
    redirect(with_lines(*["Resent-From: a@x.org"] * 9))


def test_10_resent_blocks_are_a_loop() -> None:
    with pytest.raises(LoopError, match="resent 10 times"):
        redirect(with_lines(*["Resent-From: a@x.org"] * 10))


def test_a_resend_in_a_loop_is_refused_too() -> None:
    with pytest.raises(LoopError, match="goes round in circles"):
        resend(with_lines(*[RECEIVED] * 100))


def test_a_redirect_of_its_own_redirect_ends_after_ten_rounds() -> None:
    message = mail()
    for _ in range(10):
        message = read(HeldOctets(sent(redirect(message))), "again")
    with pytest.raises(LoopError):
        redirect(message)


# --- law 1: only the people named get it


ADDRESSES = st.sampled_from([f"{name}@{host}" for name in "abc" for host in ("x.org", "y.org")])
LISTS = st.lists(ADDRESSES, min_size=1, max_size=4).map(", ".join)
NAMES = ["To", "Cc", "Bcc", "From", "Resent-To", "Resent-Bcc", "Return-Path", "Delivered-To", "Sender"]
LINES = st.lists(st.tuples(st.sampled_from(NAMES), LISTS).map(": ".join), max_size=6)


@law
@given(LINES, LISTS)
def test_no_address_of_a_header_becomes_a_recipient(lines: list[str], to: str) -> None:
    plan = redirect(mail(*lines, "Subject: x"), to=to)
    assert set(names(plan.envelope.forward_paths)) == set(to.split(", "))


@law
@given(LINES, LISTS)
def test_no_address_of_a_header_becomes_a_recipient_of_a_resend(lines: list[str], to: str) -> None:
    plan = resend(mail("From: me@example.com", *(it for it in lines if it[:5] != "From:")), to=to)
    assert set(names(plan.envelope.forward_paths)) == set(to.split(", "))


# --- law 2: octets survive

FIELDS = st.lists(
    st.sampled_from(
        [
            b"To: a@x.org",
            b"Cc: b@x.org,\r\n\tc@x.org",
            b"Cc:",
            b"Bcc: d@x.org",
            b"Subject: a  b\t",
            b"X-Odd : \xff\xfe",
            b"not a field",
            b"Status: RO",
            b"Resent-To: e@x.org",
        ]
    ),
    max_size=8,
)
ENDS = st.sampled_from([b"\r\n", b"\n"])
BODIES = st.binary(max_size=60).filter(lambda body: b"\0" not in body)


@law
@given(FIELDS, BODIES, st.sampled_from(list(Resent)))
def test_a_redirect_is_top_and_original_minus_what_is_listed(
    fields: list[bytes], body: bytes, resent: Resent
) -> None:
    lines = [b"From: ann@example.org", *fields]
    plan = redirect(_message(lines, body), resent=resent)
    assert _undone(plan) == b"".join(line + b"\r\n" for line in lines)


@law
@given(FIELDS, BODIES)
def test_a_resend_is_the_original_minus_what_is_listed_plus_the_people(
    fields: list[bytes], body: bytes
) -> None:
    lines = [b"From: ann@example.org", *fields]
    plan = resend(_message(lines, body), show_to="z@x.org")
    assert _undone(plan) == b"".join(line + b"\r\n" for line in lines)


@law
@given(FIELDS, BODIES, ENDS)
def test_the_body_of_every_plan_is_the_body(fields: list[bytes], body: bytes, end: bytes) -> None:
    lines = [b"From: ann@example.org", *fields]
    message = _message(lines, body, end)
    before = b"".join(message.content(message.header).blocks()).partition(b"\r\n\r\n")[2]
    for plan in (resend(message), redirect(message)):
        assert sent(plan).partition(b"\r\n\r\n")[2] == before


@given(FIELDS, BODIES)
def test_the_size_of_a_plan_is_what_goes_out(fields: list[bytes], body: bytes) -> None:
    plan = redirect(_message([b"From: ann@example.org", *fields], body))
    assert plan.content.size == len(sent(plan))


def _message(lines: list[bytes], body: bytes, end: bytes = b"\r\n"):  # type: ignore[no-untyped-def]
    return read(HeldOctets(end.join([*lines, b"", body])), "a.eml")


def _undone(plan: Plan) -> bytes:
    """The header that goes out with every edit taken back, in the order of the original."""
    fields = [field.raw for field in plan.edited.header.fields]
    for edit in plan.edits:
        if edit.change is Change.ADDED:
            fields.remove(edit.octets)
        elif edit.change is Change.EXTENDED:
            at = max(
                place
                for place, raw in enumerate(fields)
                if raw.removesuffix(b"\r\n").endswith(edit.octets)
                and raw.lower().startswith(edit.name.lower().encode())
            )
            fields[at] = fields[at].removesuffix(b"\r\n").removesuffix(edit.octets) + b"\r\n"
    left_out = [edit.octets for edit in plan.edits if edit.change is Change.LEFT_OUT]
    original = []
    rest = iter(fields)
    for field in plan.message.header.fields:
        if left_out and field.raw == left_out[0]:
            original.append(left_out.pop(0))
        else:
            original.append(next(rest))
    assert list(rest) == []
    return b"".join(original)


# --- many at once


def test_one_request_serves_many_messages() -> None:
    asked = request(Action.REDIRECT, to="d@x.org", sender="a@x.org")
    plans = [make_plan(asked, mail(), now=NOW, token=f"t{n}") for n in range(3)]
    assert [plan.resent_message_id for plan in plans] == ["<t0@x.org>", "<t1@x.org>", "<t2@x.org>"]


def test_a_thousand_recipients_are_planned() -> None:
    to = ", ".join(f"p{n}@example.com" for n in range(1000))
    plan = redirect(to=to)
    assert len(plan.envelope.forward_paths) == 1000
    assert all(len(line) <= 78 for line in sent(plan).splitlines())


def test_a_plan_names_its_identity_as_a_mailbox() -> None:
    assert redirect().identity == Mailbox("me", "example.com", "Me")


def test_the_finding_about_the_identity_is_a_sentence() -> None:
    assert texts(resend(), "identity-from-message")[0].startswith("you are taken for")


def test_a_message_without_a_separator_stays_without_one() -> None:
    plan = redirect(read(HeldOctets(b"From: ann@example.org\r\n"), "a.eml"))
    assert not sent(plan).endswith(b"\r\n\r\n")


def test_the_original_octets_are_all_there() -> None:
    assert octets(*HEADER) in sent(redirect())


# --- what is left out is not shown either


def test_a_list_that_is_left_out_shows_nobody() -> None:
    plan = redirect(strip=frozenset({"to"}))
    assert plan.shown.to == ()
    assert "To" not in dict(plan.shown.lists())


def test_a_subject_that_is_left_out_is_not_shown() -> None:
    assert redirect(strip=frozenset({"subject"})).subject == ""


@pytest.mark.parametrize("name", ["Bcc", "Resent-Bcc"])
def test_a_blind_list_that_is_kept_is_a_warning(name: str) -> None:
    plan = redirect(with_lines(f"{name}: secret@example.org"), keep=frozenset({name.lower()}))
    assert f"the new people will see who is in {name}" in texts(plan, "blind-shown")


def test_a_kept_blind_list_is_no_warning_when_there_is_none() -> None:
    assert "blind-shown" not in codes(redirect(keep=frozenset({"bcc"})))
