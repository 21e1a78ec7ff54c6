"""A process that plays a scene again and again, each time in a child that dies at another line of ccc.

    with Doomed() as doomed:
        doomed.warm(scene, another, port)
        doomed.play(scene, state, port)      # how many lines of ours the scene has
        doomed.play(scene, state, port, 17)  # killed when it comes to the 17th: None

It has one thread, so that it can be forked, and has seen everything once, so that only the scene is counted.
Its children's children become its own when those die, and it waits for them: a program that was given a
message may outlive the ccc that gave it.
"""

import ctypes
import json
import os
import signal
import subprocess
import sys
import traceback
from contextlib import suppress
from pathlib import Path
from types import FrameType, TracebackType
from typing import NoReturn, Self

import ccc
from ccc import Plan
from tests.journal.scenes import SCENES, Scene

ROOT = Path(__file__).resolve().parents[2]
OURS = str(Path(ccc.__file__).parent) + os.sep
PR_SET_CHILD_SUBREAPER = 36  # prctl(2)


class Doomed:
    """See the module."""

    def __init__(self) -> None:
        self._warm: set[str] = set()

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "tests.journal.doomed"]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self._process = subprocess.Popen(command, cwd=ROOT, text=True, **pipes)  # type: ignore[call-overload]
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.communicate()  # closes its stdin, which stops it

    def warm(self, scene: Scene, state: Path, where: str) -> None:
        """See to it that the process itself has sent something this way, without an accident."""
        if scene.way not in self._warm:
            self._ask(scene, state, where, -1)
            self._warm.add(scene.way)

    def play(self, scene: Scene, state: Path, where: str, at: int = 0) -> int | None:
        """How many lines of ours a scene has; None if ccc was killed when it came to line `at`."""
        answer = self._ask(scene, state, where, at)
        assert answer["ended"] == (-signal.SIGKILL if answer["lines"] is None else 0), answer
        return answer["lines"]

    def _ask(self, scene: Scene, state: Path, where: str, at: int) -> dict[str, int | None]:
        asked = {"scene": scene.name, "state": str(state), "where": where, "at": at}
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        answer: dict[str, int | None] = json.loads(self._process.stdout.readline())
        return answer


class _Lines:
    """Counts the lines of ours that are begun, and kills the process at one of them."""

    def __init__(self, at: int) -> None:
        self.count = 0
        self._at = at

    def __call__(self, frame: FrameType, event: str, _argument: object) -> "_Lines | None":
        if event == "line":
            self.count += 1
            if self.count == self._at:
                os.kill(os.getpid(), signal.SIGKILL)
        elif event == "call" and not frame.f_code.co_filename.startswith(OURS):
            return None
        return self


def main() -> None:
    """Play what standard input asks for."""
    if ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        raise OSError("this process cannot wait for its children's children")
    for line in sys.stdin:
        asked = json.loads(line)
        scene, state = SCENES[asked["scene"]], Path(asked["state"])
        if asked["at"] < 0:
            scene._replace(act="send").play(state, asked["where"], scene.plans())
            answer: dict[str, int | None] = {}
        else:
            answer = _forked(scene, state, asked["where"], asked["at"])
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def _forked(scene: Scene, state: Path, where: str, at: int) -> dict[str, int | None]:
    """Play it in a child, and wait until nothing of it is left."""
    plans = scene.plans()
    ours, its = os.pipe()
    child = os.fork()
    if child == 0:
        _play(scene, state, where, plans, at, its)
    os.close(its)
    with open(ours, "rb") as pipe:
        said = pipe.read()  # at the end of which it has ended
    ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    with suppress(ChildProcessError):
        while True:
            os.wait()
    return {"lines": int(said) if said else None, "ended": ended}


def _play(scene: Scene, state: Path, where: str, plans: tuple[Plan, ...], at: int, report: int) -> NoReturn:
    """In the child: play it, and say how many lines it had."""
    ended = 1
    try:
        lines = _Lines(at)
        sys.settrace(lines)
        scene.play(state, where, plans)
        sys.settrace(None)
        os.write(report, b"%d" % lines.count)
        ended = 0
    except BaseException:  # noqa: BLE001  # a forked child must not go on as its parent
        traceback.print_exc()
    finally:
        os._exit(ended)


if __name__ == "__main__":
    main()
