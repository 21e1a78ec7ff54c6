"""When a deferred delivery is tried again: soon at first, for greylisting takes minutes, then ever later."""

MINUTE = 60.0
# RFC 5321, 4.5.4.1: half an hour between two attempts is the rule, and quicker ones at first are of use.
INTERVALS = (5 * MINUTE, 10 * MINUTE, 20 * MINUTE, 40 * MINUTE, 60 * MINUTE, 120 * MINUTE, 240 * MINUTE)
JITTER = 0.2  # of an interval, so that hosts that were cut off together do not come back together
LONGEST = INTERVALS[-1] * (1 + JITTER)


def interval(attempts: int, chance: float) -> float:
    """Seconds to wait after so many attempts (at least 1); `chance` is between 0 and 1."""
    usual = INTERVALS[min(attempts, len(INTERVALS)) - 1]
    return usual * (1 - JITTER + 2 * JITTER * chance)
