"""A multipart that looks cut off."""

import time

import pytest

from ccc.message import BLOCK, HeldOctets, read
from ccc.message.header import Header, parse
from ccc.message.multipart import close_delimiter

TYPE = b'Content-Type: multipart/mixed; boundary="bb"\n\n'


def cut_off(octets: bytes) -> bool:
    return read(HeldOctets(octets), "test.eml").facts.cut_off


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"multipart/mixed; boundary=abc", b"--abc--"),
        (b'multipart/mixed; boundary="a b"', b"--a b--"),
        (b'MULTIPART/Mixed;\r\n\tBoundary="a"', b"--a--"),
        (b'\n multipart/mixed; boundary = "a\\"b\\\\"', b'--a"b\\--'),
        (b'multipart/signed; protocol="x;boundary=no"; boundary=yes; micalg=z', b"--yes--"),
        (b'multipart/mixed; boundary="a\n b"', b"--a b--"),
        (b'multipart/mixed; boundary=""', b""),
        (b"multipart/mixed; boundary=", b""),
        (b'multipart/mixed; boundary="open', b""),
        (b"multipart/mixed", b""),
        (b"text/plain; boundary=abc", b""),
        (b"multiparty/x; boundary=abc", b""),
        (b"", b""),
    ],
)
def test_the_closing_delimiter_follows_from_the_content_type(value, expected):
    assert close_delimiter(Header(parse(b"Content-Type: " + value))) == expected


def test_without_a_content_type_nothing_closes_the_body():
    assert close_delimiter(Header(())) == b""


@pytest.mark.parametrize(
    "body",
    [
        b"--bb\n\ntext\n--bb--",
        b"--bb\n\ntext\n--bb--\nepilogue\n",
        b"--bb\n\ntext\n--bb--\n" + b"epilogue\n" * 9_000,
        b"--bb\n\ntext\n--bb--\n" + b"epilogue\n" * BLOCK,
    ],
    ids=["at the end", "epilogue", "long epilogue", "epilogue of many blocks"],
)
def test_a_closed_multipart_is_whole(body):
    assert not cut_off(TYPE + body)


@pytest.mark.parametrize(
    "body",
    [b"", b"--bb\n\ntext\n", b"--bb\n\ntext\n--bb-", b"--bb\n" + b"text\n" * BLOCK],
    ids=["empty", "no delimiter", "half a delimiter", "many blocks"],
)
def test_an_unclosed_multipart_looks_cut_off(body):
    assert cut_off(TYPE + body)


@pytest.mark.parametrize("shift", range(-8, 3))
def test_the_delimiter_is_found_where_blocks_meet(shift):
    top = len(TYPE)
    body = b"x" * (BLOCK - top + shift) + b"\n--bb--\n" + b"epilogue\n" * BLOCK
    assert not cut_off(TYPE + body)


def test_any_other_message_is_whole():
    assert not cut_off(b"Content-Type: text/plain; boundary=bb\n\ntext\n")


@pytest.mark.parametrize("piece", [b'; a="', b"; boundary", b";" + b" " * 99, b'"\\', b"; a=b"])
def test_a_hostile_content_type_takes_linear_time(piece):
    before = time.process_time()
    close_delimiter(Header(parse(b"Content-Type: multipart/x" + piece * 100_000)))
    assert time.process_time() - before < 1
