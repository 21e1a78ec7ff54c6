"""What is left out, and why."""

import pytest

from ccc.message.header import Header, parse
from ccc.message.leftout import STRIPPED, LeftOut, left_out

LISTED = [
    "Bcc", "Resent-Bcc", "Return-Path", "Delivered-To", "X-Original-To", "Envelope-To", "Status", "X-Status",
    "X-Mozilla-Status", "X-Mozilla-Keys", "X-Gmail-Labels",
]  # fmt: skip


def names(text: bytes, **lists: frozenset[str]) -> list[str]:
    return [item.field.name for item in left_out(Header(parse(text)), **lists)]


@pytest.mark.parametrize("name", LISTED)
@pytest.mark.parametrize("written", [str.lower, str.upper, str.title, "{} ".format, "{}\t ".format])
def test_a_listed_field_is_left_out_however_it_is_written(name, written):
    text = written(name).encode() + b": x\n folded\n"
    (item,) = left_out(Header(parse(b"To: a\n" + text + b"Cc: b\n")))
    assert item.field.raw == text
    assert item.reason.startswith("it ")


@pytest.mark.parametrize("name", ["To", "Received", "X-Statusx", "X-Mozilla", "XBcc", "Resent-To", ""])
def test_no_other_field_is_left_out(name):
    assert names(name.encode() + b": x\n") == []


def test_every_one_of_several_is_left_out():
    assert names(b"Bcc: a\nTo: b\nbcc: c\nStatus: R\n") == ["Bcc", "bcc", "Status"]


def test_a_blind_recipient_is_the_reason_in_words():
    (item,) = left_out(Header(parse(b"Bcc: a\n")))
    assert item == LeftOut(item.field, "it names blind recipients")


@pytest.mark.parametrize("keep", ["status", "Status", "stat*", "*"])
def test_a_kept_field_stays(keep):
    assert names(b"Status: R\n", keep=frozenset({keep})) == []


def test_keeping_one_keeps_no_other():
    assert names(b"Status: R\nBcc: a\n", keep=frozenset({"status", "x-*"})) == ["Bcc"]


@pytest.mark.parametrize("strip", ["x-spam", "X-Spam", "X-Spam*", "x-*"])
def test_a_stripped_field_is_left_out(strip):
    (item,) = left_out(Header(parse(b"To: a\nX-Spam: yes\n")), strip=frozenset({strip}))
    assert (item.field.name, item.reason) == ("X-Spam", STRIPPED)


def test_a_field_both_kept_and_stripped_is_left_out():
    both = frozenset({"bcc"})
    assert names(b"Bcc: a\n", keep=both, strip=both) == ["Bcc"]


@pytest.mark.parametrize("strip", ["", "*"])
def test_a_junk_line_has_no_name_to_strip(strip):
    assert names(b"junk\n", strip=frozenset({strip})) == []
