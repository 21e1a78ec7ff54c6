"""Delivery status notifications, as servers write them and as attackers do."""

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from ccc.errors import MessageError
from ccc.journal.bounce import LARGEST, Action, Reported, Returned, read_report

REPORTS = Path(__file__).parent / "reports"
TOP = b"Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n"
WORDS = b"--b\n\nIt could not be delivered.\n\n"
ABOUT = b"--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.test\n\n"
FAILED = b"Final-Recipient: rfc822; ann@x.test\nAction: failed\nStatus: 5.1.1\n"
END = b"\n--b--\n"


def fixture(name):
    return (REPORTS / f"{name}.eml").read_bytes()


def report(fields=FAILED, rest=b""):
    return read_report(TOP + WORDS + ABOUT + fields + rest + END)


def reported(fields):
    (one,) = report(fields).recipients
    return one


def returning(part):
    return report(rest=b"\n--b\n" + part).returned


def test_postfix_says_what_failed_and_what_is_delayed():
    read = read_report(fixture("postfix"))
    assert read.envid == "k3f9xq7m"
    assert read.recipients == (
        Reported(
            address="dan+work@example.org",
            final="dan@example.net",
            action=Action.FAILED,
            status="5.1.1",
            diagnostic="550 5.1.1 <dan@example.net>: Recipient address rejected: User unknown",
            remote_mta="mail.example.net",
            written="dan+2Bwork@example.org",
        ),
        Reported(
            address="eva@example.net",
            final="eva@example.net",
            action=Action.DELAYED,
            status="4.4.1",
            diagnostic="connect to mail.example.net[192.0.2.25]:25: Connection refused",
            remote_mta="",
            written="eva@example.net",
        ),
    )


def test_the_topmost_resent_block_of_the_returned_message_counts():
    read = read_report(fixture("postfix"))
    assert read.returned == Returned("<minutes-1@example.com>", "<resent-1@example.org>")


def test_exim_gives_no_original_recipient():
    read = read_report(fixture("exim"))
    (one,) = read.recipients
    assert (one.address, one.final, one.written) == ("dan@example.net", "dan@example.net", "")
    assert (one.action, one.status, one.diagnostic) == (Action.FAILED, "5.0.0", "550 no such user")
    assert (read.envid, read.returned) == ("", Returned("<minutes-1@example.com>"))


def test_sendmail_returns_only_the_header():
    read = read_report(fixture("sendmail"))
    assert read.returned == Returned("<minutes-1@example.com>")
    assert [one.address for one in read.recipients] == ["dan@inside.example.org"]


def test_an_international_report_is_decoded():
    read = read_report(fixture("international"))
    (one,) = read.recipients
    assert (one.address, one.final) == ("jörg@example.org", "jörg.neu@example.org")
    assert (one.status, read.envid) == ("5.6.7", "k3f9xq7m")
    assert read.returned == Returned("<minutes-2@example.org>")


@pytest.mark.parametrize("name", ["postfix", "exim", "sendmail", "international"])
@pytest.mark.parametrize("end", [b"\r\n", b"\r"])
def test_any_line_end_will_do(name, end):
    assert read_report(fixture(name).replace(b"\n", end)) == read_report(fixture(name))


@pytest.mark.parametrize("word", [action.value for action in Action])
def test_every_action_of_the_standard_is_known(word):
    assert reported(b"Final-Recipient: rfc822; a@x.test\nAction: %s\n" % word.encode()).action.value == word


@pytest.mark.parametrize(
    ("status", "action"),
    [(b"5.0.0", Action.FAILED), (b"4.4.7", Action.DELAYED), (b"2.0.0", Action.DELIVERED)],
)
def test_a_word_of_the_servers_own_is_understood_by_its_status(status, action):
    assert (
        reported(b"Final-Recipient: rfc822; a@x.test\nAction: gone\nStatus: %s\n" % status).action is action
    )


def test_case_and_comments_do_not_matter():
    fields = b"FINAL-RECIPIENT: RFC822;<a@x.test>\nACTION: Failed (for good)\nSTATUS: 5.2.2 (full)\n"
    one = reported(fields)
    assert (one.address, one.action, one.status) == ("a@x.test", Action.FAILED, "5.2.2")


@pytest.mark.parametrize("status", [b"", b"nonsense", b"9.1.1", b"5.1234.1", b"5.1", b"5.1.1111"])
def test_a_status_that_is_none_is_empty(status):
    assert reported(b"Final-Recipient: rfc822; a@x.test\nAction: failed\nStatus: %s\n" % status).status == ""


@pytest.mark.parametrize(
    ("original", "address"),
    [
        ("rfc822;list+2Bann@x.test", "list+ann@x.test"),
        ("rfc822;a+3Db@x.test", "a=b@x.test"),
        ("rfc822;list+ann@x.test", "list+ann@x.test"),  # not encoded at all
        ("rfc822;a+2B+c@x.test", "a+2B+c@x.test"),
        ("rfc822;a+2b@x.test", "a+2b@x.test"),  # RFC 3461, 4: upper case
        ("rfc822;a+0A@x.test", "a+0A@x.test"),  # a line end is in no address
        ("rfc822;a+FF@x.test", "a+FF@x.test"),
        ("rfc822;m+42@home.test", "m+42@home.test"),  # as the final recipient has it
        ("utf-8;j\\x{F6}rg@x.test", "jörg@x.test"),
        ("utf-8;\\x{D800}\\x{110000}@x.test", "\\x{D800}\\x{110000}@x.test"),
        ("utf-8;jörg@x.test", "jörg@x.test"),
        ("x400;/c=xx/", "M+42@home.test"),
        ("ann@x.test", "ann@x.test"),
        ("Ann Lee", "M+42@home.test"),
    ],
)
def test_the_original_recipient_is_decoded(original, address):
    fields = f"Final-Recipient: rfc822;M+42@home.test\nOriginal-Recipient: {original}\nAction: failed\n"
    assert reported(fields.encode()).address == address


def test_each_recipient_counts():
    read = report(FAILED + b"\n \n\n" + FAILED.replace(b"ann", b"bob"))
    assert [one.address for one in read.recipients] == ["ann@x.test", "bob@x.test"]


def test_a_second_part_of_status_counts():
    read = report(FAILED, b"\n" + ABOUT + FAILED.replace(b"ann", b"bob"))
    assert [one.address for one in read.recipients] == ["ann@x.test", "bob@x.test"]


def test_a_group_without_an_address_is_passed_over():
    read = report(b"Action: failed\nStatus: 5.0.0\n\n" + FAILED)
    assert [one.address for one in read.recipients] == ["ann@x.test"]


def test_a_report_within_a_mail_that_a_list_or_a_scanner_wrapped_is_found():
    inner = TOP + WORDS + ABOUT + FAILED + END
    wrapped = b"Content-Type: multipart/mixed; boundary=o\n\n--o\n" + inner + b"\n--o--\n"
    assert [one.address for one in read_report(wrapped).recipients] == ["ann@x.test"]


def test_a_report_that_is_cut_off_says_what_it_can():
    assert read_report(TOP + WORDS + ABOUT + FAILED).recipients[0].address == "ann@x.test"


def test_what_came_back_may_be_missing():
    assert report().returned == Returned()


def test_a_returned_message_is_not_opened_for_a_report():
    inside = b"Content-Type: message/rfc822\n\n" + TOP + WORDS + ABOUT + FAILED + END
    with pytest.raises(MessageError, match="no delivery report"):
        read_report(b"Content-Type: multipart/mixed; boundary=o\n\n--o\n" + inside + b"\n--o--\n")


@pytest.mark.parametrize("kind", [b"message/rfc822", b"text/rfc822-headers", b"message/global"])
def test_the_returned_message_is_named(kind):
    part = b"Content-Type: %s\n\nMessage-ID: <1@x.test>\nResent-Message-ID: <2@x.test>\n\nHello\n" % kind
    assert returning(part) == Returned("<1@x.test>", "<2@x.test>")


def test_a_name_in_the_body_of_the_returned_message_is_none():
    assert (
        returning(b"Content-Type: message/rfc822\n\nTo: a@x.test\n\nMessage-ID: <1@x.test>\n") == Returned()
    )


def test_a_damaged_encoding_is_no_error():
    part = b"Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nTWVzc\n"
    assert returning(part) == Returned()


@pytest.mark.parametrize(
    ("octets", "what"),
    [
        (b"", "a mail of the type text/plain without a message/delivery-status"),
        (b"Subject: hi\n\nHello\n", "text/plain"),
        (b"Content-Type: multipart/report; boundary=b\n\n--b\n\nx\n--b--\n", "multipart/report"),
        (
            b"Content-Type: multipart/report; boundary=b\n\n--b\n"
            b"Content-Type: message/disposition-notification\n\nx: y\n--b--\n",
            "whether a mail was read",
        ),
        (
            b"Content-Type: multipart/report; boundary=b\n\n--b\n"
            b"Content-Type: message/feedback-report\n\nx: y\n--b--\n",
            "a complaint",
        ),
    ],
)
def test_what_is_no_report_is_refused_with_what_it_is_and_what_is_needed(octets, what):
    with pytest.raises(MessageError, match=what) as refused:
        read_report(octets)
    assert "the whole mail" in refused.value.cure


def test_a_report_about_nobody_is_refused():
    with pytest.raises(MessageError, match="of nobody"):
        report(b"Action: failed\n")


def test_a_report_of_more_than_16_mib_is_refused():
    with pytest.raises(MessageError, match="16 MiB"):
        read_report(bytes(LARGEST + 1))


@pytest.mark.parametrize(
    "octets",
    [
        TOP + b"--b\n" * 200_000,
        TOP + b"\n" * 1_600_000,
        TOP + WORDS + ABOUT + b"\n\n" * 400_000 + END,
        TOP + WORDS + ABOUT + b"x\n\n" * 400_000 + END,
        b"x:\n" * 300_000,
        b"Content-Type: multipart/x; boundary=b\n\n--b\n" * 20_000,
        TOP + WORDS + ABOUT + b"Final-Recipient: rfc822;" + b"+" * 800_000,
        TOP + WORDS + ABOUT + b"Action: " + b" \n" * 400_000,
        TOP + WORDS + ABOUT + b"Original-Recipient: utf-8;" + b"\\x{" * 16_000 + b"\n",
    ],
    ids=("delimiters", "lines", "blank", "groups", "fields", "depth", "plus", "folds", "braces"),
)
def test_a_report_made_to_be_slow_is_read_in_linear_time(octets):
    before = time.process_time()
    with pytest.raises(MessageError):
        read_report(octets)
    assert time.process_time() - before < 2


FIELDS = some.sampled_from(
    [
        *(b"Final-Recipient: ", b"Original-Recipient: ", b"Action: ", b"Status: ", b"Diagnostic-Code: "),
        *(b"rfc822;", b"utf-8;", b"failed", b"5.1.1", b"a+2B@x.test", b"\\x{1F600}", b"\\x{D800}", b"+FF"),
        *(b"Content-Type: message/delivery-status", b"Content-Type: message/rfc822", b"Message-ID: <", b">"),
        *(
            b"Content-Type: multipart/report; boundary=b",
            b"Content-Transfer-Encoding: base64",
            b"--b",
            b"--b--",
        ),
        *(
            b"Content-Transfer-Encoding: quoted-printable",
            b"=",
            b"\n",
            b"\r\n",
            b"\n\n",
            b" ",
            b"\0",
            b"\xff",
        ),
    ]
)


@given(some.lists(FIELDS | some.binary(max_size=8)))
def test_no_octets_of_a_status_raise_anything_but_a_message_error(pieces):
    octets = b"".join(pieces)
    for whole in (octets, TOP + WORDS + ABOUT + octets + END, TOP + ABOUT + FAILED + END + octets):
        try:
            read_report(whole)
        except MessageError:
            continue


@given(some.sampled_from(["postfix", "exim", "sendmail", "international"]), some.data())
def test_no_damage_to_a_report_raises_anything_but_a_message_error(name, data):
    octets = fixture(name)
    at = data.draw(some.integers(0, len(octets)))
    damaged = (
        octets[:at]
        + data.draw(some.binary(max_size=20))
        + octets[data.draw(some.integers(at, len(octets))) :]
    )
    try:
        read = read_report(damaged)
    except MessageError:
        return
    assert all(one.address for one in read.recipients)
