"""Moments as people write and read them: `2026-11-20`, `2026-11-20 14:03`, or an age such as `2d`.

All in local time. What ends a span of time is meant whole: until a day is to its end.
"""

import time
from collections.abc import Callable

import click

from ccc.errors import UsageError

CURE = 'write a date as 2026-11-20, a time as "2026-11-20 14:03", or an age as 2d'
# Each with the seconds that it is long; 0 is a day, which may have 23 hours.
_FORMS = (("%Y-%m-%d", 0), ("%Y-%m-%d %H:%M", 60), ("%Y-%m-%d %H:%M:%S", 1))


def moment(*, end: bool = False) -> Callable[[click.Context, click.Parameter, str | None], float | None]:
    """A callback for a Unix time; with `end`, the last instant of what is written."""

    def convert(_ctx: click.Context, param: click.Parameter, value: str | None) -> float | None:
        if value is None:
            return None
        try:
            return _date(value.strip().replace("T", " "), end=end) or time.time() - _age(value.strip())
        except (ValueError, OverflowError) as error:
            raise UsageError(f"{param.opts[0]}: {value!r} is no time", CURE) from error

    return convert


def shown(moment: float) -> str:
    """A Unix time for eyes."""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(moment))


def _date(text: str, *, end: bool) -> float | None:
    """The date, or the date and time; None for what is none."""
    for form, length in _FORMS:
        try:
            read = time.strptime(text, form)
        except ValueError:
            continue
        if not end:
            return time.mktime(read)
        year, month, day = read[:3]
        after = (year, month, day + 1, 0, 0, 0, 0, 0, -1) if not length else None
        return (time.mktime(after) if after else time.mktime(read) + length) - 0.001
    return None


def _age(text: str) -> float:
    from ccc.duration import duration

    return duration(text)
