"""What sweeps share: so many points of all, and a folder that costs no waiting for a disk."""

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

MEMORY = Path("/dev/shm")  # a process that is killed loses nothing there


def spread(count: int, most: int) -> Iterable[int]:
    """So many of the numbers 1 to `count`, evenly spread."""
    if count <= most:
        return range(1, count + 1)
    return ((2 * number + 1) * count // (2 * most) + 1 for number in range(most))


@contextmanager
def memory() -> Iterator[Path]:
    """A folder in memory, where there is such a thing."""
    place = MEMORY if MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(prefix="ccc-test-", dir=place) as made:
        yield Path(made)
