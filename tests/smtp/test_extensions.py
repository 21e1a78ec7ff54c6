"""What a server offers, read from its EHLO reply."""

import pytest

from ccc.smtp.extensions import Extensions
from ccc.smtp.replies import Reply


def offered(*lines: bytes) -> Extensions:
    return Extensions.of(Reply(250, (b"mx.test", *lines)))


def test_the_first_line_is_a_greeting():
    assert Extensions.of(Reply(250, (b"PIPELINING",))) == Extensions()


@pytest.mark.parametrize(
    ("line", "name"),
    [
        (b"PIPELINING", "pipelining"),
        (b"pipelining", "pipelining"),
        (b"CHUNKING", "chunking"),
        (b"8BITMIME", "eight_bit_mime"),
        (b"SMTPUTF8", "smtputf8"),
        (b"DSN", "dsn"),
        (b"STARTTLS", "starttls"),
        (b"SIZE 5", "size"),
        (b"REQUIRETLS", "require_tls"),
    ],
)
def test_a_keyword_offers_one_thing(line, name):
    server = offered(line)
    names = ("pipelining", "chunking", "eight_bit_mime", "smtputf8", "dsn", "starttls", "size", "require_tls")
    assert [each for each in names if getattr(server, each)] == [name]


@pytest.mark.parametrize(
    ("line", "limit"),
    [
        (b"SIZE 35882577", 35882577),
        (b"SIZE", None),
        (b"SIZE 0", None),
        (b"SIZE many", None),
        (b"SIZE -1", None),
        (b"SIZE \xb2", None),
        (b"SIZE 1 2", 1),
        (b"SIZE " + b"9" * 20, 99999999999999999999),
        (b"SIZE " + b"9" * 5000, None),
        (b"PIPELINING", None),
    ],
)
def test_the_limit_is_what_size_says(line, limit):
    assert offered(line).size_limit == limit


@pytest.mark.parametrize(
    "lines",
    [
        [b"AUTH PLAIN LOGIN"],
        [b"auth plain login"],
        [b"AUTH=PLAIN LOGIN"],
        [b"auth=plain login"],
        [b"AUTH PLAIN", b"AUTH=LOGIN"],
    ],
)
def test_mechanisms_are_read_in_every_spelling(lines):
    assert offered(*lines).mechanisms == ("PLAIN", "LOGIN")


def test_an_equals_sign_elsewhere_means_nothing():
    assert offered(b"XAUTH AUTH=LOGIN").mechanisms == ()


def test_odd_lines_do_no_harm():
    assert not offered(b"", b" ", b"\xff\xfe", b"\0").pipelining


def test_what_is_hidden_is_not_offered():
    server = offered(b"PIPELINING", b"CHUNKING", b"SIZE 5").without("CHUNKING", "DSN")
    assert (server.pipelining, server.chunking, server.size_limit) == (True, False, 5)
