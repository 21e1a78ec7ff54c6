"""Lengths of time as people write and read them: `5d` in options and the configuration, `5 days` on screens.

A unit is always named, so that nobody has to know what a bare number counts.
"""

import re

MOST = 3650 * 86400.0  # seconds: ten years
FORMS = "write it as 90s, 30m, 12h, 5d or 2w"

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_NAMES = (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1))
_DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?)([smhdw])")


def duration(text: str) -> float:
    """The seconds of a number with a unit: `90s`, `30m`, `12h`, `1.5d`, `2w`.

    ValueError otherwise, and for no time at all or more than ten years. Its text goes on where a sentence has
    named the value: "'5 days' is no length of time".
    """
    match = _DURATION.fullmatch(text)
    if match is None:
        raise ValueError("is no length of time")
    seconds = float(match[1]) * _UNITS[match[2]]
    if seconds == 0:
        raise ValueError("is no time at all")
    if seconds > MOST:
        raise ValueError("is more than ten years")
    return seconds


def shown(seconds: float) -> str:
    """A length of time for eyes, in its largest unit and the next: `5 days`, `1 hour 30 minutes`."""
    rest = round(seconds)
    if rest < 60:
        return _counted(f"{seconds:.2g}", "second")
    counts = []
    for name, length in _NAMES:
        count, rest = divmod(rest, length)
        counts.append((count, name))
    first = next(place for place, (count, _) in enumerate(counts) if count)
    return " ".join(_counted(str(count), name) for count, name in counts[first : first + 2] if count)


def _counted(count: str, name: str) -> str:
    return f"{count} {name}" if count == "1" else f"{count} {name}s"
