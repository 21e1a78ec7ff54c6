import io

import ccc
from ccc.address import Mailbox
from ccc.cli.panels import MOST, Row, envelope, header
from ccc.cli.render import Batch, changes, console, show_batch, show_plan
from ccc.cli.sending import question
from ccc.cli.words import panel_lines, plan_lines
from tests.cli.conftest import MAIL

BOB = b"Bob Ray <bob@example.net>"
DAN = "Dan Oko <dan@example.org>"


def resend(mail=MAIL, **named):
    return ccc.plan_resend(mail, sender="ines@example.org", **{"to": DAN, **named})


def redirect(mail=MAIL, **named):
    return ccc.plan_redirect(mail, sender="me@example.com", **{"to": DAN, **named})


def marks(panel):
    """Who is marked how; names the label only where it is said."""
    return [(row.label, row.what.addr_spec, row.mark) for row in panel.rows if isinstance(row.what, Mailbox)]


def test_the_envelope_names_the_reverse_path_the_recipients_and_the_way():
    panel = envelope((resend(bcc="eve@example.net"),), "smtp.example.org:465")
    assert marks(panel) == [
        ("from", "ines@example.org", ""),
        ("to", "dan@example.org", "new, gets it"),
        ("", "eve@example.net", "gets it, seen nowhere"),
    ]
    assert panel.rows[-1] == Row("by", "smtp.example.org:465")


def test_a_null_reverse_path_is_explained():
    panel = envelope((redirect(b"Return-Path: <>\n" + MAIL),))
    assert panel.rows[0] == Row("from", "<> (nobody: it is a report itself)")


def test_a_batch_names_every_reverse_path_and_how_many_show_somebody_already():
    plans = [redirect(to="bob@example.net"), redirect(b"Return-Path: <>\n" + MAIL, to="bob@example.net")]
    plans.append(redirect(MAIL.replace(b"bob@", b"bert@"), to="bob@example.net"))
    panel = envelope(plans)
    assert [row.label for row in panel.rows] == ["from", "", "to"]
    assert panel.rows[-1].mark == "seen already, gets it (2 of 3)"


def test_the_header_shows_a_resent_block_below_what_it_leaves_alone():
    panel = header(redirect(show_resent_cc="fay@example.net"))
    assert marks(panel) == [
        ("From", "ines@example.org", ""),
        ("To", "ann@example.com", "seen, not sent"),
        ("Cc", "bob@example.net", "seen, not sent"),
        ("Resent-From", "me@example.com", ""),
        ("Resent-To", "dan@example.org", "new, gets it"),
        ("Resent-Cc", "fay@example.net", "new, not sent"),
    ]


def test_what_is_left_out_stands_with_its_reason_once():
    panel = header(
        redirect(b"Bcc: x@example.org\nDelivered-To: a@b.example\nEnvelope-To: a@b.example\n" + MAIL)
    )
    gone = [row for row in panel.rows if isinstance(row.what, str)][-2:]
    assert [row.label for row in gone] == ["Left out", ""]
    assert {row.what.partition(":")[0] for row in gone} == {"Bcc", "Delivered-To, Envelope-To"}


def test_a_long_list_is_summed_up_but_never_hides_a_new_one():
    crowd = b", ".join(b"p%d@example.com" % number for number in range(500))
    rows = header(resend(MAIL.replace(BOB, crowd))).rows
    assert [row.what.addr_spec for row in rows if row.mark == "new, gets it"] == ["dan@example.org"]
    assert rows.count(Row("", f"and {500 - MOST} more", "seen, not sent")) == 1
    assert len(rows) == len(("From", "To", "Dan", "more", "Subject", "Date")) + MOST


def test_a_mail_without_from_subject_and_date_says_none():
    panel = header(redirect(b"To: ann@example.com\n\nx\n"))
    assert [row.what for row in panel.rows if row.label in ("From", "Subject", "Date")] == ["(none)"] * 3


def test_no_plain_line_begins_with_a_digit():
    plan = resend(MAIL.replace(b"Minutes", b"7 Minutes"), to="1@example.org, 2@example.org")
    assert not any(line[:1].isdigit() for line in plan_lines(plan, "10.0.0.1:25"))


def test_plain_lines_hold_what_the_panel_holds():
    lines = list(panel_lines(envelope((resend(),), "here")))
    assert lines == [
        "Envelope: who gets it",
        "  from  ines@example.org",
        "  to    Dan Oko <dan@example.org>  new, gets it",
        "  by    here",
    ]


def drawn(show, *arguments, width):
    file = io.StringIO()
    show(console("never", file, width=width), *arguments)
    return file.getvalue()


def test_panels_fit_whatever_the_width():
    for width in (40, 60, 88):
        picture = drawn(show_plan, resend(), "smtp.example.org:465", width=width)
        assert max(map(len, picture.splitlines())) == width


def test_a_table_of_a_batch_names_each_message_and_each_finding_once():
    plans = [
        resend(bcc="bob@example.net"),
        resend(MAIL.replace(b"Tuesday", b"Friday"), bcc="bob@example.net"),
    ]
    picture = drawn(show_batch, plans, Batch("here"), width=88)
    assert picture.count("Minutes of Tuesday") == picture.count("Minutes of Friday") == 1
    assert picture.count("Bob Ray <bob@example.net> is in Cc already") == 1
    assert "(2 messages)" in " ".join(picture.split())


def test_the_question_names_one_and_counts_several():
    assert question([resend()]) == f"Send it to {DAN}?"
    assert question([resend(cc="eve@example.net")]) == "Send it to these 2 people?"
    assert question([resend(), resend()]) == f"Send these 2 messages to {DAN}?"


def test_the_question_names_three_who_may_have_it_and_counts_the_rest():
    crowd = ", ".join(f"p{number}@example.com" for number in range(5))
    assert question([resend(MAIL.replace(BOB, crowd.encode()), to=crowd)]) == (
        "p0@example.com, p1@example.com, p2@example.com and 2 more may have it already. "
        "Send it to these 5 people all the same?"
    )


def test_a_batch_says_what_its_headers_gain_and_lose():
    more = {"bcc": "eve@example.net", "show_resent_cc": "fay@example.net"}
    plans = [redirect(b"Bcc: x@example.org\nBcc: y@example.org\n" + MAIL, **more) for _ in range(2)]
    more_gone = b"Delivered-To: x@example.org\nEnvelope-To: x@example.org\nStatus: R\n"
    plans = [*plans, redirect(b"Bcc: x@example.org\n" + MAIL, **more)]
    plans.append(redirect(more_gone + MAIL, **more, resent="always"))
    panel = changes(plans)
    assert marks(panel) == [
        ("Resent-From", "me@example.com", ""),
        ("Resent-To", "dan@example.org", "new, gets it"),
        ("Resent-Cc", "fay@example.net", "new, not sent"),
    ]
    gone = [row.what.partition(": ")[0] for row in panel.rows if row.label == "Left out"]
    assert gone == ["Bcc (3 of 4)", "Delivered-To, Envelope-To (1 of 4)", "Status (1 of 4)"]
    picture = drawn(show_batch, plans, Batch("here"), width=88)
    assert "Header: what changes" in picture
    assert "fay@example.net" in picture


def test_a_batch_counts_the_messages_where_somebody_is_new():
    plans = [resend(), resend(MAIL.replace(BOB, b"Dan <dan@example.org>"))]
    assert [(row.label, row.mark) for row in changes(plans).rows] == [("Cc", "new, gets it (1 of 2)")]


def test_a_batch_whose_headers_stay_says_so():
    assert changes([resend(to=(), bcc=DAN)] * 2).rows == (Row("", "nothing"),)
