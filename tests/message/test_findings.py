"""What is odd about a message that goes out all the same."""

import pytest

from ccc.message import HeldOctets, read
from ccc.message.findings import Finding, findings
from ccc.message.message import Mbox


def all_of(octets: bytes) -> tuple[Finding, ...]:
    message = read(HeldOctets(octets), "test.eml")
    return findings(message, message.content(message.header))


def found(octets: bytes) -> tuple[Finding, ...]:
    """All but that it has no From and no Date: short examples have none."""
    return tuple(finding for finding in all_of(octets) if finding.code != "no-from-no-date")


def test_what_has_no_from_and_no_date_is_hardly_a_mail():
    (finding,) = all_of(b"root:x:0:0:root:/root:/bin/bash\nbin:x:1:1:bin:/bin:/bin/false\n")
    assert (finding.code, finding.level) == ("no-from-no-date", "warning")
    assert finding.text == "no From and no Date (RFC 5322, 3.6): this is hardly a mail"


@pytest.mark.parametrize("field", [b"From: a@b.c", b"Date: Tue, 17 Nov 2026 09:30:00 +0000"])
def test_a_mail_that_lacks_one_of_them_is_none_the_less_one(field):
    assert all_of(field + b"\n\nx\n") == ()


PLAIN = b"From: a\nTo: b\nSubject: c\nDate: d\nMessage-ID: <e@f>\n\ntext\n"


@pytest.mark.parametrize("end", [b"\r", b"\n", b"\r\n"])
def test_a_plain_message_is_not_odd(end):
    assert found(PLAIN.replace(b"\n", end)) == ()


@pytest.mark.parametrize(
    ("octets", "code", "level", "words"),
    [
        (b"To: \xc3\xa4\n\n", "eight-bit-header", "note", "SMTPUTF8"),
        (b"To: \xe4\n\n", "eight-bit-header", "warning", "not UTF-8"),
        (b"To: a\njunk\n\n", "junk-line", "warning", "first in line 2"),
        (b"From x\nTo: a\n b\njunk\nmore junk\n\n", "junk-line", "warning", "2 lines"),
        (b"\xef\xbb\xbfTo: a\n\n", "byte-order-mark", "note", "dropped"),
        (b"To: a\n\n" + b"x" * 999, "long-lines", "warning", "1 line over 998"),
        (b"To: a\n\n" + (b"x" * 999 + b"\n") * 2, "long-lines", "warning", "2 lines over 998"),
        (b"To: a\n\nb\rc\n", "stray-line-ends", "warning", "1 line end"),
        (b"To: a\n\n\n\n\nb\rc\r\n", "stray-line-ends", "warning", "2 line ends"),
        (b"Content-Type: multipart/x; boundary=b\n\n--b\n", "cut-off", "warning", "cut off"),
    ],
)
def test_what_is_odd_is_found(octets, code, level, words):
    (finding,) = found(octets)
    assert (finding.code, finding.level) == (code, level)
    assert words in finding.text


@pytest.mark.parametrize(
    "name",
    ["Date", "From", "Sender", "Reply-To", "To", "Cc", "Message-ID", "In-Reply-To", "References", "Subject"],
)  # fmt: skip
def test_a_field_that_may_stand_once_stands_twice(name):
    (finding,) = found(f"{name}: a\n{name.lower()} : b\n\n".encode())
    assert finding == Finding("duplicate-field", "warning", finding.text)
    assert f"2 {name} fields" in finding.text


@pytest.mark.parametrize("name", ["Received", "X-Anything", "Comments", "Resent-To", "Bcc"])
def test_other_fields_may_stand_twice(name):
    assert found(f"{name}: a\n{name}: b\n\n".encode()) == ()


def test_several_odd_things_are_several_findings():
    codes = [finding.code for finding in found(b"\xef\xbb\xbfTo: a\nTo: \xe4\nx\n\nb\r")]
    assert codes == [
        "duplicate-field", "junk-line", "eight-bit-header", "byte-order-mark", "stray-line-ends",
    ]  # fmt: skip


@pytest.mark.parametrize("rest", [b"To: b\r\r\n\r\r\ntext\r\r\n", b"To: b\r\r\n\r\r\ntext", b"To: b"])
def test_a_header_with_cr_cr_lf_line_ends_is_named(rest):
    finding = found(b"From: a\r\r\n" + rest)[0]
    assert (finding.code, finding.level) == ("header-ends-early", "warning")
    assert finding.text == "the header ends after its first line: the file's line ends are CR CR LF"


@pytest.mark.parametrize(
    "octets",
    [
        PLAIN.replace(b"\n", b"\r\n"),
        b"From: a\r\r\nbody\rbody\r",  # line ends of CR, and one odd one
        b"From: a\r\rTo: b\r\r\n",
        b"From: a\r\n\r\nTo: b\r\r\n",
        b"From: a\r\nTo: b\r\r\nbody\r\r\n",
        b"From: a\rTo: b\r\r\nbody\r\n\r\n",
        b"From: a\r",
        b"From: a",
    ],
)
def test_a_header_that_ends_for_another_reason_is_not(octets):
    assert "header-ends-early" not in [finding.code for finding in found(octets)]


@pytest.mark.parametrize(
    ("mbox", "code", "level", "words"),
    [
        (Mbox(unquoted=1), "mbox-unquoted", "note", "1 line of the body without"),
        (Mbox(quoted=2), "mbox-quoted", "note", "2 lines of the body with"),
        (
            Mbox(inside=1),
            "mbox-inside",
            "warning",
            "1 From line in the body, such as another message begins with",
        ),
    ],
)
def test_what_an_mbox_did_is_found(mbox, code, level, words):
    message = read(HeldOctets(PLAIN), "mbox:a#1")._replace(mbox=mbox)
    (finding,) = findings(message, message.content(message.header))
    assert (finding.code, finding.level) == (code, level)
    assert words in finding.text


def test_an_mbox_that_changed_nothing_is_no_finding():
    message = read(HeldOctets(PLAIN), "mbox:a#1")._replace(mbox=Mbox())
    assert findings(message, message.content(message.header)) == ()
