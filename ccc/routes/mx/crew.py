"""Threads that work at the same time, at most so many; who comes later waits until one has ended.

It is used by one thread alone, which hears of each end through its post. The threads do not keep the process
alive: a look-up that nobody waits for any more ends with it.
"""

import threading
from collections import deque
from collections.abc import Callable

Job = Callable[[], None]
Told = Callable[[Callable[[], None]], None]  # has the calling thread do something


class Crew:
    """See the module; `put` is the post, `broken` hears of an error that no job should have.

    A job is prepared in the calling thread, when there is room for it.
    """

    def __init__(self, most: int, put: Told, broken: Callable[[BaseException], None]) -> None:
        self.running = 0
        self._most = max(most, 1)
        self._put = put
        self._broken = broken
        self._waiting: deque[Callable[[], Job]] = deque()

    @property
    def idle(self) -> bool:
        """Nobody works or waits."""
        return not self.running and not self._waiting

    def start(self, prepare: Callable[[], Job]) -> None:
        """Begin with a job as soon as there is room."""
        self._waiting.append(prepare)
        self._go_on()

    def dismiss(self) -> None:
        """Who waits need not begin."""
        self._waiting.clear()

    def _go_on(self) -> None:
        while self._waiting and self.running < self._most:
            job = self._waiting.popleft()()
            threading.Thread(target=self._work, args=(job,), daemon=True).start()
            self.running += 1  # nobody waits for what could not begin

    def _work(self, job: Job) -> None:
        """In a thread: do it, and tell that it is done."""
        try:
            job()
        except BaseException as error:  # noqa: BLE001  # it is raised in the calling thread
            bug = error
            self._put(lambda: self._broken(bug))
        finally:
            self._put(self._ended)

    def _ended(self) -> None:
        self.running -= 1
        self._go_on()
