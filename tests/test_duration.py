"""Lengths of time, as people write and as they read them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccc.duration import MOST, duration, shown

DAY = 86400


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("30m", 1800), ("12h", DAY / 2), ("5d", 5 * DAY), ("2w", 14 * DAY)],
)
def test_a_number_and_a_unit_are_a_length_of_time(text: str, seconds: float) -> None:
    assert duration(text) == seconds


@pytest.mark.parametrize(("text", "seconds"), [("1.5h", 5400), ("0.5s", 0.5), ("007m", 420)])
def test_the_number_may_have_a_decimal_point(text: str, seconds: float) -> None:
    assert duration(text) == seconds


@pytest.mark.parametrize(
    "text",
    ["", "5", "d", "5 d", " 5d", "5d\n", "5D", "5 days", "5d12h", "-5d", "+5d", ".5d", "5.d", "1e3s", "1_0s"],
)
def test_anything_else_is_none(text: str) -> None:
    with pytest.raises(ValueError, match=r"^is no length of time$"):
        duration(text)


@pytest.mark.parametrize("text", ["infs", "nans", "٥d", "²d"])  # digits, but not ours
def test_what_only_looks_like_a_number_is_none(text: str) -> None:
    with pytest.raises(ValueError, match=r"^is no length of time$"):
        duration(text)


@pytest.mark.parametrize("text", ["0s", "0.0w", f"0.{'0' * 400}1s"], ids=["whole", "decimal", "tiny"])
def test_no_time_at_all_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^is no time at all$"):
        duration(text)


@pytest.mark.parametrize("text", ["3651d", f"{'9' * 400}s", f"{'9' * 5000}s"], ids=len)
def test_more_than_ten_years_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^is more than ten years$"):
        duration(text)


def test_ten_years_are_not() -> None:
    assert duration("3650d") == MOST


@given(st.text() | st.from_regex(r"[0-9]{1,12}(\.[0-9]{1,12})?[smhdw]?", fullmatch=True))
def test_any_text_is_a_possible_length_of_time_or_a_value_error(text: str) -> None:
    try:
        seconds = duration(text)
    except ValueError:
        return
    assert 0 < seconds <= MOST


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (5 * DAY, "5 days"),
        (DAY / 2, "12 hours"),
        (DAY, "1 day"),
        (3600, "1 hour"),
        (60, "1 minute"),
        (1, "1 second"),
        (5400, "1 hour 30 minutes"),
        (61, "1 minute 1 second"),
        (3650 * DAY, "3650 days"),
    ],
)
def test_it_is_read_in_words(seconds: float, words: str) -> None:
    assert shown(seconds) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(3 * DAY + 7384, "3 days 2 hours"), (DAY + 59, "1 day"), (3456.78, "57 minutes 37 seconds")],
)
def test_its_largest_unit_and_the_next_are_enough(seconds: float, words: str) -> None:
    assert shown(seconds) == words


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "0 seconds"), (0.5, "0.5 seconds"), (12.34, "12 seconds"), (1.04, "1 second")]
)
def test_less_than_a_minute_is_read_in_two_digits(seconds: float, words: str) -> None:
    assert shown(seconds) == words


@pytest.mark.parametrize(("seconds", "words"), [(59.7, "1 minute"), (DAY - 0.2, "1 day")])
def test_nearly_a_unit_is_that_unit(seconds: float, words: str) -> None:
    assert shown(seconds) == words


@given(st.floats(0, MOST))
def test_what_is_read_is_right_to_a_twentieth(seconds: float) -> None:
    words = shown(seconds).split()
    units = {"day": DAY, "hour": 3600, "minute": 60, "second": 1}
    total = sum(
        float(count) * units[unit.removesuffix("s")]
        for count, unit in zip(words[::2], words[1::2], strict=True)
    )
    assert abs(total - seconds) <= seconds / 20
