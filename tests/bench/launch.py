"""Runs a command and says how long it took and how much memory it held at most.

A process of its own, and a small one: a child's peak counts what its parent held when it was started.
`python -IS launch.py INPUT COMMAND…` prints seconds, MiB and the exit status; it needs no other module.
"""

import os
import sys
import time


def main() -> None:
    source, *command = sys.argv[1:]
    nowhere = os.open(os.devnull, os.O_WRONLY)
    actions = [
        (os.POSIX_SPAWN_OPEN, 0, source, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_DUP2, nowhere, 1),
    ]
    began = time.perf_counter()
    child = os.posix_spawnp(command[0], command, os.environ, file_actions=actions)
    _, status, usage = os.wait4(child, 0)
    seconds = time.perf_counter() - began
    sys.stdout.write(f"{seconds} {usage.ru_maxrss / 1024} {os.waitstatus_to_exitcode(status)}\n")


main()
