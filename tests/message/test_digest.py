"""What makes two messages the same message."""

from base64 import b64encode
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccc.message import HeldOctets, Message, read
from ccc.message.digest import BodyDigest
from ccc.message.lines import unified


def message(octets: bytes) -> Message:
    return read(HeldOctets(octets), "test.eml")


def test_an_empty_body_has_the_digest_that_dkim_gives_it():
    # RFC 6376, 3.4.3 prints it
    digest = message(b"To: a\n").facts.body_digest
    assert b64encode(digest) == b"frcCV1k9oG9oKj3dpUqdJg1PxRT2RSN/XKdLCPjaYaY="


@pytest.mark.parametrize("end", [b"\r", b"\n", b"\r\n"])
@pytest.mark.parametrize("tail", [0, 1, 2, 50])
def test_line_ends_and_empty_lines_at_the_end_do_not_count(end, tail):
    body = b"one" + end + end + b"two" + end * tail
    digest = message(b"To: a" + end + end + body).facts.body_digest
    assert digest == sha256(b"one\r\n\r\ntwo\r\n").digest()


@given(st.lists(st.sampled_from([b"\r\n", b"\r\n" * 40_000, b"a", b" "])))
def test_the_cuts_do_not_matter(pieces):
    digest = BodyDigest()
    for piece in pieces:
        digest.feed(piece)
    whole = b"".join(pieces)
    assert digest.digest() == sha256(whole.rstrip(b"\r\n") + b"\r\n").digest()


@given(st.lists(st.sampled_from([b"\r", b"\n", b"\r\n", b"a", b"b "])).map(b"".join))
def test_a_message_and_its_wire_form_are_the_same_message(body):
    octets = b"To: a\nSubject: b\n\n" + body
    assert message(octets).digest == message(unified(octets)).digest


ONE = b"Message-ID: <1@x>\nSubject: a\n\ntext\n"
NAMELESS = b"Subject: a\n\ntext\n"


@pytest.mark.parametrize(
    "other",
    [
        b"Message-ID: <1@x>\nSubject: another\n\ntext\n",
        b"Received: by b\nMessage-ID: <1@x>\nSubject: a\n\ntext\n",
        b"Message-ID:\r\n <1@x>\r\nSubject: a\r\n\r\ntext\r\n\r\n",
    ],
)
def test_a_message_is_its_message_id_and_its_body(other):
    assert message(other).digest == message(ONE).digest


@pytest.mark.parametrize(
    "other",
    [
        b"Message-ID: <2@x>\nSubject: a\n\ntext\n",
        b"Message-ID: <1@x>\nSubject: a\n\nother text\n",
        NAMELESS,
    ],
)
def test_another_id_or_body_is_another_message(other):
    assert message(other).digest != message(ONE).digest


@pytest.mark.parametrize(
    "top",
    [
        b"Received: by b\n",
        b"Return-Path: <a@x>\n",
        b"Delivered-To: b@y\nX-Mozilla-Status: 1\n",
        b"Bcc: c@z\n",
        b"Authentication-Results: mx\nReceived-SPF: pass\nDKIM-Signature: v=1\n",
        b"ARC-Seal: i=1\nARC-Message-Signature: i=1\nARC-Authentication-Results: i=1\n",
    ],
)
def test_without_an_id_the_header_counts_but_not_what_carriers_add(top):
    assert message(top + NAMELESS).digest == message(NAMELESS).digest


@pytest.mark.parametrize("other", [b"Subject: b\n\ntext\n", b"Subject: a\nX: y\n\ntext\n"])
def test_without_an_id_another_header_is_another_message(other):
    assert message(other).digest != message(NAMELESS).digest


def test_an_identity_is_64_hexadecimal_digits():
    assert len(bytes.fromhex(message(ONE).digest)) == 32
