"""The resent block."""

import locale
from datetime import UTC, datetime, timedelta, timezone

import pytest

from ccc.address import Mailbox
from ccc.message.header import Header, parse
from ccc.message.resent import count_blocks, resent_block, resent_date

ME = Mailbox("me", "example.org", "Me Myself")
ANN = Mailbox("ann", "x.com")
BOB = Mailbox("bob", "y.org", "Bob B.")


def test_a_block_names_who_passed_it_on_and_to_whom():
    block = resent_block("Mon, 1 Jan 2024 10:00:00 +0100", ME, [ANN, BOB], [ANN], "<1@example.org>")
    assert block == (
        b"Resent-Date: Mon, 1 Jan 2024 10:00:00 +0100\r\n"
        b"Resent-From: Me Myself <me@example.org>\r\n"
        b'Resent-To: ann@x.com, "Bob B." <bob@y.org>\r\n'
        b"Resent-Cc: ann@x.com\r\n"
        b"Resent-Message-ID: <1@example.org>\r\n"
    )


def test_a_block_that_shows_nobody_has_no_lists():
    block = resent_block("date", ME, [], [], "<1@x>")
    keys = [field.key for field in parse(block)]
    assert keys == ["resent-date", "resent-from", "resent-message-id"]


def test_a_long_list_is_folded():
    block = resent_block("date", ME, [Mailbox(f"person{n}", "x.com") for n in range(200)], [], "<1@x>")
    assert max(map(len, block.splitlines())) <= 78
    assert len(parse(block)) == 4


@pytest.mark.parametrize(
    ("when", "written"),
    [
        (datetime(2024, 1, 1, 9, 5, 7, tzinfo=UTC), "Mon, 1 Jan 2024 09:05:07 +0000"),
        (datetime(2026, 11, 21, 23, 59, 59, 9, tzinfo=timezone(timedelta(hours=-3, minutes=-30))),
         "Sat, 21 Nov 2026 23:59:59 -0330"),
        (datetime(2024, 2, 29, tzinfo=timezone(timedelta(hours=5, minutes=53, seconds=28))),
         "Thu, 29 Feb 2024 00:00:00 +0553"),
        (datetime(2024, 5, 5), "Sun, 5 May 2024 00:00:00 -0000"),  # noqa: DTZ001
        (datetime(33, 7, 4, tzinfo=UTC), "Mon, 4 Jul 0033 00:00:00 +0000"),
    ],
)  # fmt: skip
def test_a_date_is_written_in_english_with_its_zone(when, written):
    assert resent_date(when) == written


def test_the_locale_does_not_change_a_date():
    before = locale.setlocale(locale.LC_TIME)
    try:
        locale.setlocale(locale.LC_TIME, "C.UTF-8")
        assert resent_date(datetime(2024, 3, 1, tzinfo=UTC)).startswith("Fri, 1 Mar")
    finally:
        locale.setlocale(locale.LC_TIME, before)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        (b"To: a\n", 0),
        (b"", 0),
        (b"Resent-From: a\nResent-Date: b\nResent-To: c\nTo: d\n", 1),
        (b"Resent-To: a\n" * 3 + b"Resent-From: b\n", 3),
        (b"Resent-Message-ID: a\nReceived: b\n" * 10, 10),
        (b"Resent-Unknown: a\n" * 5, 0),
    ],
)
def test_blocks_are_counted_by_their_most_frequent_field(text, count):
    assert count_blocks(Header(parse(text))) == count
