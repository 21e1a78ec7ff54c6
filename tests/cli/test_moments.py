import time

import click
import pytest

from ccc.cli.moments import moment, shown
from ccc.errors import UsageError

PARAM = click.Option(["--since"])


@pytest.fixture(autouse=True)
def berlin(monkeypatch):
    """A zone where clocks change on 2026-10-25."""
    monkeypatch.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def begins(text):
    return moment()(None, PARAM, text)


def ends(text):
    return moment(end=True)(None, PARAM, text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-20", 1795129200),  # 2026-11-19 23:00 UTC
        ("2026-11-20 14:03", 1795179780),
        ("2026-11-20T14:03", 1795179780),
        (" 2026-11-20 14:03:07 ", 1795179787),
        ("2026-07-01", 1782856800),  # in summer
    ],
)
def test_a_date_is_in_local_time(text, expected):
    assert begins(text) == expected


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("2026-11-20", 86400),
        ("2026-10-25", 90000),
        ("2026-12-31", 86400),
        ("2026-11-20 14:03", 60),
        ("2026-11-20 14:03:07", 1),
    ],
)
def test_an_end_is_meant_whole(text, length):
    assert ends(text) == pytest.approx(begins(text) + length - 0.001, abs=1e-4)


@pytest.mark.parametrize("read", [begins, ends])
def test_an_age_is_before_now(read):
    before = time.time()
    assert before - 172_800 <= read("2d") <= time.time() - 172_800


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2026-13-01", "2026-11-20 25:00", "2", "0d", "20.11.2026", "2026"]
)
def test_what_is_no_time_is_said_with_the_forms(text):
    with pytest.raises(UsageError, match=r"--since: .* is no time; write a date as"):
        begins(text)


def test_no_value_is_no_time():
    assert begins(None) is None


def test_a_moment_is_shown_in_local_time():
    assert shown(1795179787.5) == "2026-11-20 14:03"
