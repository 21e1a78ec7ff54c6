"""What happens to a header: whole fields go, people are added at the end, a block comes on top."""

import pytest

from ccc.errors import MessageError, UsageError
from ccc.plan import Change, Plan, Resent
from tests.plan.mail import (
    HEADER,
    codes,
    levels,
    mail,
    octets,
    redirect,
    resend,
    sent,
    signed,
    texts,
    values,
    with_lines,
)

BLOCK = (
    b"Resent-Date: Mon, 9 Mar 2026 08:07:06 +0000\r\n"
    b"Resent-From: Me <me@example.com>\r\n"
    b"Resent-To: dora@example.com\r\n"
    b"Resent-Message-ID: <token@example.com>\r\n"
)


def changes(plan: Plan) -> list[tuple[Change, str]]:
    return [(edit.change, edit.name) for edit in plan.edits]


# --- a resend


def test_a_resend_appends_the_new_people_to_cc_and_changes_nothing_else() -> None:
    before = octets(*HEADER)
    line = b"Cc: Carol <carol@example.net>"
    assert sent(resend()) == before.replace(line, line + b",\r\n dora@example.com")


def test_a_resend_without_a_cc_puts_one_after_to() -> None:
    plan = resend(mail(*HEADER[:2], *HEADER[3:]))
    to = b"To: Bob <bob@example.org>\r\n"
    before = octets(*HEADER[:2], *HEADER[3:])
    assert sent(plan) == before.replace(to, to + b"Cc: dora@example.com\r\n")


def test_a_resend_extends_the_last_cc_of_several() -> None:
    plan = resend(mail(*HEADER, "Cc: eve@example.org"))
    assert values(plan, "Cc") == ["Carol <carol@example.net>", "eve@example.org, dora@example.com"]


def test_a_resend_extends_to_where_it_is_told_to() -> None:
    plan = resend(show_to="eve@example.org")
    assert values(plan, "To") == ["Bob <bob@example.org>, eve@example.org"]


def test_a_resend_only_to_blind_recipients_changes_nothing() -> None:
    assert sent(resend(to=(), bcc="eve@example.org")) == octets(*HEADER)


def test_a_cc_that_cannot_be_extended_is_an_error_that_names_bcc() -> None:
    message = mail(*HEADER[:2], 'Cc: "never closed', *HEADER[3:])
    with pytest.raises(MessageError, match="use --bcc"):
        resend(message)


def test_the_edit_of_an_extended_field_is_what_was_added() -> None:
    (edit,) = resend().edits
    assert (edit.change, edit.name) == (Change.EXTENDED, "Cc")
    assert edit.octets == b",\r\n dora@example.com"


def test_the_edit_of_an_added_field_is_the_field() -> None:
    (edit,) = resend(mail(*HEADER[:2], *HEADER[3:])).edits
    assert (edit.change, edit.octets) == (Change.ADDED, b"Cc: dora@example.com\r\n")


def test_the_edits_of_two_lists_are_two() -> None:
    plan = resend(show_to="eve@example.org")
    assert changes(plan) == [(Change.EXTENDED, "To"), (Change.EXTENDED, "Cc")]


def test_a_header_that_ends_with_the_file_gains_a_field_in_one_edit() -> None:
    from ccc.message.message import read
    from ccc.message.octets import HeldOctets

    plan = resend(read(HeldOctets(b"Subject: x\nFrom: ann@example.org"), "a.eml"))
    assert changes(plan) == [(Change.ADDED, "Cc")]
    assert sent(plan).endswith(b"From: ann@example.org\r\nCc: dora@example.com\r\n")


# --- a redirect


def test_a_redirect_puts_a_block_on_top_and_changes_nothing_else() -> None:
    assert sent(redirect()) == BLOCK + octets(*HEADER)


def test_a_redirect_puts_its_block_above_an_older_one() -> None:
    older = "Resent-From: eve@example.org"
    assert sent(redirect(with_lines(older))) == BLOCK + octets(older, *HEADER)


def test_a_redirect_puts_its_block_above_the_trace_fields() -> None:
    trace = "Received: from a by b; Mon, 9 Mar 2026 08:00:00 +0000"
    assert sent(redirect(with_lines(trace))) == BLOCK + octets(trace, *HEADER)


def test_each_field_of_the_block_is_an_edit() -> None:
    edits = redirect().edits
    assert {edit.change for edit in edits} == {Change.ADDED}
    assert b"".join(edit.octets for edit in edits) == BLOCK


def test_the_block_names_the_identity_and_not_the_envelope_sender() -> None:
    plan = redirect(envelope_from="bounces@example.net")
    assert values(plan, "Resent-From") == ["Me <me@example.com>"]
    assert plan.resent_message_id == "<token@example.com>"


def test_a_redirect_only_to_blind_recipients_shows_no_list_in_the_block() -> None:
    plan = redirect(to=(), bcc="eve@example.org")
    assert values(plan, "Resent-To") == values(plan, "Resent-Cc") == []
    assert b"eve@" not in sent(plan)


def test_a_block_that_is_not_wanted_is_left_out_and_says_what_that_means() -> None:
    plan = redirect(resent=Resent.NEVER)
    assert sent(plan) == octets(*HEADER)
    assert levels(plan, "no-resent-block") == ["note"]
    assert "nobody will see who redirected" in texts(plan, "no-resent-block")[0]


def test_without_a_block_there_is_no_resent_message_id() -> None:
    assert redirect(resent=Resent.NEVER).resent_message_id == ""


# --- what is left out

DEFAULTS = (
    "Bcc: eve@example.org",
    "Resent-Bcc: eve@example.org",
    "Return-Path: <eve@example.org>",
    "Delivered-To: eve@example.org",
    "X-Original-To: eve@example.org",
    "Envelope-To: eve@example.org",
    "Status: RO",
    "X-Status: A",
    "X-Mozilla-Keys: x",
    "X-Gmail-Labels: x",
)


@pytest.mark.parametrize("line", DEFAULTS)
def test_a_field_that_is_no_readers_business_is_left_out(line: str) -> None:
    assert sent(resend(with_lines(line), bcc="z@x.org", to=())) == octets(*HEADER)


@pytest.mark.parametrize("line", DEFAULTS)
def test_what_is_left_out_is_an_edit_with_its_reason(line: str) -> None:
    (edit,) = resend(with_lines(line), bcc="z@x.org", to=()).edits
    assert (edit.change, edit.name) == (Change.LEFT_OUT, line.partition(":")[0])
    assert edit.octets == line.encode() + b"\r\n"
    assert edit.reason


def test_a_field_can_be_kept() -> None:
    plan = redirect(with_lines("Status: RO"), keep=frozenset({"status"}))
    assert values(plan, "Status") == ["RO"]


def test_another_field_can_be_left_out() -> None:
    plan = redirect(with_lines("X-Secret: 1"), strip=frozenset({"x-secret"}))
    assert values(plan, "X-Secret") == []
    assert (Change.LEFT_OUT, "X-Secret") in changes(plan)


@pytest.mark.parametrize("lines", [["X-Secret: 1"], ["X-Secret: 1", "junk"], ["Bcc: x@y.org"]])
@pytest.mark.parametrize("resent", list(Resent))
def test_a_message_of_which_no_field_is_left_is_refused(lines: list[str], resent: Resent) -> None:
    with pytest.raises(UsageError, match="no header field would be left; "):
        redirect(mail(*lines), strip=frozenset({"x-*"}), resent=resent)


def test_a_from_line_is_left_out_and_is_the_first_edit() -> None:
    from ccc.message.message import read
    from ccc.message.octets import HeldOctets

    line = b"From ann@example.org Mon Mar  9 08:00:00 2026"
    plan = redirect(read(HeldOctets(line + b"\r\n" + octets(*HEADER)), "a.eml"))
    assert sent(plan) == BLOCK + octets(*HEADER)
    edit = plan.edits[0]
    assert (edit.change, edit.name, edit.octets) == (Change.LEFT_OUT, "From_", line)


# --- signatures

RELAXED = signed("example.org", "from", "to", "cc", "subject")
OVERSIGNED = signed("example.org", "from", "resent-from", "resent-date")


def test_a_signature_that_the_block_does_not_touch_is_no_finding() -> None:
    plan = redirect(with_lines(RELAXED))
    assert codes(plan) == []
    assert values(plan, "Resent-From")


def test_a_block_that_would_break_the_authors_signature_is_left_out() -> None:
    message = with_lines(OVERSIGNED)
    assert sent(redirect(message)) == octets(OVERSIGNED, *HEADER)


def test_it_says_why_and_that_nobody_will_see_who_redirected() -> None:
    plan = redirect(with_lines(OVERSIGNED))
    assert texts(plan, "no-resent-block") == [
        "the resent block is left out, so nobody will see who redirected the message: "
        "it would break the DKIM signature of example.org"
    ]


def test_a_signature_of_a_part_of_the_authors_domain_is_the_authors() -> None:
    line = signed("mail.example.org", "from", "resent-from")
    assert codes(redirect(with_lines(line))) == ["no-resent-block"]


def test_two_signatures_of_the_author_are_named_once_each() -> None:
    lines = (OVERSIGNED, OVERSIGNED, signed("example.org", "resent-to", kind="ARC-Message-Signature"))
    (text,) = texts(redirect(with_lines(*lines)), "no-resent-block")
    assert text.endswith("the DKIM signature of example.org and the ARC signature of example.org")


def test_somebody_elses_signature_does_not_stop_the_block() -> None:
    plan = redirect(with_lines(signed("lists.example", "from", "resent-from")))
    assert values(plan, "Resent-From") == ["Me <me@example.com>"]
    assert levels(plan, "signature-broken") == ["note"]
    assert texts(plan, "signature-broken") == [
        "the resent block breaks the DKIM signature of lists.example, which is not the author's"
    ]


def test_always_puts_the_block_on_top_and_warns() -> None:
    plan = redirect(with_lines(OVERSIGNED), resent=Resent.ALWAYS)
    assert values(plan, "Resent-From") == ["Me <me@example.com>"]
    assert levels(plan, "signature-broken") == ["warning"]


def test_showing_somebody_in_the_block_puts_it_on_top_and_warns() -> None:
    plan = redirect(with_lines(OVERSIGNED), show_resent_cc="eve@example.org")
    assert values(plan, "Resent-Cc") == ["eve@example.org"]
    assert levels(plan, "signature-broken") == ["warning"]


def test_never_says_nothing_about_signatures() -> None:
    assert codes(redirect(with_lines(OVERSIGNED), resent=Resent.NEVER)) == ["no-resent-block"]


def test_a_resend_that_changes_a_signed_cc_warns_and_names_the_domain() -> None:
    plan = resend(with_lines(RELAXED), sender="ann@example.org")
    assert levels(plan, "signature-broken") == ["warning"]
    assert texts(plan, "signature-broken") == [
        "adding people breaks the DKIM signature of example.org; "
        "your provider signs it anew, as all that you send"
    ]


def test_a_resend_that_makes_a_cc_which_was_signed_as_missing_warns() -> None:
    message = mail(signed("example.org", "from", "cc"), *HEADER[:2], *HEADER[3:])
    assert "signature-broken" in codes(resend(message))


def test_a_resend_that_leaves_the_signed_fields_alone_does_not_warn() -> None:
    message = with_lines(signed("example.org", "from", "subject"))
    assert codes(resend(message, sender="ann@example.org")) == []


def test_leaving_out_a_signed_field_warns_and_names_the_option() -> None:
    plan = redirect(with_lines(signed("example.org", "from", "status"), "Status: RO"))
    assert levels(plan, "signature-broken") == ["warning"]
    assert (
        "leaving fields out breaks the DKIM signature of example.org; --keep"
        in texts(plan, "signature-broken")[0]
    )


def test_a_signature_that_is_left_out_itself_is_not_said_to_be_kept_by_an_option() -> None:
    lines = signed("example.org", "from"), signed("list.test", "from", kind="ARC-Message-Signature")
    plan = redirect(with_lines(*lines), strip=frozenset({"dkim-signature"}))
    assert texts(plan, "signature-broken") == [
        "the DKIM signature of example.org is left out itself, so it proves nothing"
    ]


def test_a_field_that_is_to_be_left_out_breaks_a_signature_whatever_is_kept() -> None:
    plan = redirect(
        with_lines(signed("example.org", "sender"), "Sender: x@y.test"), strip=frozenset({"sender"})
    )
    assert "leaving fields out breaks the DKIM signature of example.org" in texts(plan, "signature-broken")


def test_leaving_out_what_is_not_signed_does_not_warn() -> None:
    assert codes(redirect(with_lines(RELAXED, "Status: RO"))) == []
