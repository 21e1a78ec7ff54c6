"""A witness whose disk can be looked at as after a crash, and that can be made to fail."""

from collections.abc import Callable

from ccc.address import Mailbox
from ccc.delivery import Delivery, Stage
from ccc.errors import StateError


class Disk:
    """How far each recipient has come, as far as it is on disk; the visit of number `fails` fails.

    `look` is called at each visit with the recipients that are noted and not on disk yet.
    """

    def __init__(self, *, fails: int = 0, look: Callable[[dict[str, Stage]], None] | None = None) -> None:
        self.stages: dict[str, Stage] = {}
        self.visits = 0
        self._fails, self._look = fails, look
        self._noted: dict[str, Stage] = {}

    @property
    def failed(self) -> bool:
        """It has refused to write."""
        return self._fails > 0 and self.visits >= self._fails

    @property
    def pending(self) -> int:
        """How much is noted and not on disk."""
        return len(self._noted)

    def note(self, delivery: Delivery, forward_paths: tuple[Mailbox, ...], stage: Stage) -> None:
        assert forward_paths
        assert set(forward_paths) <= set(delivery.envelope.forward_paths)
        self._noted.update((path.addr_spec, stage) for path in forward_paths)

    def secure(self) -> None:
        assert not self.failed, "it was said already that nothing can be written"
        self.visits += 1
        if self._look:
            self._look(self._noted)
        if self.failed:
            raise StateError("the journal cannot be written: no space left", "make room on the disk")
        self.stages.update(self._noted)
        self._noted.clear()

    def lacking(self, begun: set[str], whole: set[str]) -> list[str]:
        """Whose transaction was begun, or whose content came whole, without its being on disk."""
        committed = {path for path, stage in self.stages.items() if stage is Stage.COMMITTING}
        return [f"{path} is begun" for path in sorted(begun - set(self.stages))] + [
            f"{path} has it" for path in sorted(whole - committed)
        ]
