"""All that goes the same course in a run: the parcels that wait, and the couriers who take them in turn."""

import threading
from collections import deque

from ccc.delivery import Delivery
from ccc.errors import CccError
from ccc.routes.mx.course import Course


class Lane:
    """Parcels for the same hosts; may be used from several threads.

    Once it is closed because of an error, nothing goes there any more in this run.
    """

    def __init__(self, legs: Course) -> None:
        self.legs = legs
        self._parcels: deque[Delivery] = deque()
        self._couriers = 0
        self._error: CccError | None = None
        self._lock = threading.Lock()

    def add(self, parcel: Delivery, most: int) -> bool:
        """Take a parcel; whether another courier, of at most so many, shall come for it.

        The error that closed the lane is raised.
        """
        with self._lock:
            if self._error is not None:
                raise self._error
            self._parcels.append(parcel)
            if self._couriers >= most:
                return False
            self._couriers += 1
            return True

    def close(self, error: CccError) -> tuple[Delivery, ...]:
        """Take no more; the parcels that nobody has taken."""
        with self._lock:
            self._error = self._error or error
            waiting = tuple(self._parcels)
            self._parcels.clear()
            return waiting

    def take(self) -> Delivery | None:
        """The next parcel; without one the courier goes, which counts at once."""
        with self._lock:
            if self._parcels:
                return self._parcels.popleft()
            self._couriers -= 1
            return None

    def leave_if_empty(self) -> bool:
        """Whether no parcel waits; the courier goes then."""
        with self._lock:
            if self._parcels:
                return False
            self._couriers -= 1
            return True


class Turn:
    """The parcels of a lane that one courier takes; once there is none, it is over."""

    def __init__(self, lane: Lane) -> None:
        self._lane = lane
        self._over = False

    def __iter__(self) -> "Turn":
        return self

    def __next__(self) -> Delivery:
        parcel = None if self._over else self._lane.take()
        if parcel is None:
            self._over = True
            raise StopIteration
        return parcel

    def ended(self) -> bool:
        """Whether no parcel follows."""
        self._over = self._over or self._lane.leave_if_empty()
        return self._over
