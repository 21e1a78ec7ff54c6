"""The schedule of later attempts: soon at first, ever later, never too often and never too rarely."""

from itertools import cycle, pairwise

from hypothesis import given
from hypothesis import strategies as st

from ccc.config import Config
from ccc.journal.schedule import INTERVALS, JITTER, MINUTE, interval

HOUR = 60 * MINUTE

CHANCE = st.floats(0, 1, exclude_max=True)
ATTEMPTS = st.integers(1, 10_000)
CHANCES = st.lists(CHANCE, min_size=1, max_size=20)  # taken in turn


def attempts(chances: list[float]) -> list[float]:
    """When a delivery that is always deferred is tried, in seconds from the first attempt to the last one."""
    times = [0.0]
    for number, chance in enumerate(cycle(chances), 1):
        times.append(times[-1] + interval(number, chance))
        if times[-1] >= Config().retry_for:
            break
    return times


@given(CHANCE)
def test_the_first_wait_is_one_that_greylisting_needs(chance):
    assert 4 * MINUTE <= interval(1, chance) <= 6 * MINUTE


@given(ATTEMPTS, CHANCE)
def test_no_wait_is_shorter_than_the_first_or_longer_than_five_hours(number, chance):
    assert INTERVALS[0] * (1 - JITTER) <= interval(number, chance) <= 5 * HOUR


@given(ATTEMPTS, ATTEMPTS, CHANCE)
def test_later_waits_are_not_shorter(one, other, chance):
    assert interval(min(one, other), chance) <= interval(max(one, other), chance)


@given(st.integers(len(INTERVALS), 10_000), CHANCE)
def test_from_the_last_interval_on_nothing_grows(number, chance):
    assert interval(number, chance) == interval(len(INTERVALS), chance)


@given(ATTEMPTS, CHANCE)
def test_jitter_is_a_fifth_either_way(number, chance):
    middle = interval(number, 0.5)
    assert (1 - JITTER) * middle <= interval(number, chance) <= (1 + JITTER) * middle


@given(ATTEMPTS, CHANCE, CHANCE)
def test_who_was_cut_off_together_comes_back_apart(number, one, other):
    apart = abs(interval(number, one) - interval(number, other))
    whole = 2 * JITTER * interval(number, 0.5)
    assert abs(apart - abs(one - other) * whole) < 0.001


def test_without_jitter_each_interval_is_longer_than_the_one_before():
    assert all(before < after for before, after in pairwise(INTERVALS))


@given(CHANCES)
def test_after_the_first_hours_it_is_half_an_hour_or_more_between_two_attempts(chances):
    """RFC 5321, 4.5.4.1, which allows for quicker ones at first."""
    late = [when for when in attempts(chances) if when >= HOUR]
    assert all(after - before >= 30 * MINUTE for before, after in pairwise(late))


@given(CHANCES)
def test_five_days_are_some_thirty_attempts(chances):
    assert 28 <= len(attempts(chances)) <= 46


@given(CHANCES)
def test_it_is_tried_once_more_when_the_five_days_are_over_and_soon_then(chances):
    *_, before, last = attempts(chances)
    assert before < Config().retry_for <= last < Config().retry_for + 5 * HOUR
