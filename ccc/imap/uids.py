"""Sets of UIDs as IMAP writes them: ascending, neighbours joined to ranges, in pieces that a server reads."""

import re
from array import array
from collections.abc import Iterable, Iterator, Sequence

LONGEST = 4000  # octets of a set in one command; servers read lines of 8000 (RFC 2683, 3.2.1.5)
LARGEST = (1 << 32) - 1  # RFC 3501, 9: nz-number
_NUMBER = re.compile(rb"[0-9]{1,10}")


def ranges(uids: Iterable[int]) -> Iterator[tuple[int, int]]:
    """The same UIDs, each run of neighbours as its first and its last; they come ascending."""
    first = last = 0
    for uid in uids:
        if first and uid == last + 1:
            last = uid
            continue
        if first:
            yield first, last
        first = last = uid
    if first:
        yield first, last


def uid_set(uids: Iterable[int]) -> bytes:
    """Ascending UIDs as a sequence-set (RFC 3501, 9)."""
    return b",".join(_written(first, last) for first, last in ranges(uids))


def _written(first: int, last: int) -> bytes:
    return b"%d" % first if first == last else b"%d:%d" % (first, last)


def pieces(uids: Sequence[int], most: int) -> Iterator[tuple[int, ...]]:
    """Ascending UIDs in groups of at most `most`, the set of each short enough for one command."""
    group: list[int] = []
    length = 0
    for uid in uids:
        joins = bool(group) and uid == group[-1] + 1
        more = 0 if joins else 2 * len(str(LARGEST)) + 2  # as long as a range can be
        if group and (len(group) >= most or length + more > LONGEST):
            yield tuple(group)
            group, length = [], 0
            more = 2 * len(str(LARGEST)) + 2
        group.append(uid)
        length += more
    if group:
        yield tuple(group)


def read(said: bytes) -> "array[int]":
    """The UIDs in a SEARCH response; ValueError if it holds anything else."""
    found = array("L")
    for match in re.finditer(rb"[^ ]+", said):
        if not _NUMBER.fullmatch(match[0]) or not 0 < (uid := int(match[0])) <= LARGEST:
            raise ValueError(f"{match[0][:20]!r} is no UID")
        found.append(uid)
    return found


def ascending(uids: Sequence[int]) -> tuple[int, ...]:
    """Each of them once, ascending."""
    if all(uids[place] < uids[place + 1] for place in range(len(uids) - 1)):
        return tuple(uids)
    return tuple(sorted(set(uids)))
