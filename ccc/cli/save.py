"""`--save-bytes FILE`: the octets of a plan, in one piece or not at all."""

import os
from contextlib import suppress

from ccc.errors import StateError
from ccc.plan import Plan


def save(plan: Plan, path: str) -> None:
    """Write what would be sent to a file; StateError if that cannot be done."""
    try:
        if os.path.exists(path) and not os.path.isfile(path):
            _write(plan, path, "wb")  # a device or a pipe takes the octets as they come
        else:
            _replace(plan, os.path.realpath(path))
    except OSError as error:
        raise StateError(
            f"--save-bytes {path}: {error.strerror}", "nothing was sent; name another file"
        ) from error


def _replace(plan: Plan, path: str) -> None:
    """Write a draft beside the file, then let it take its place."""
    draft = f"{path}.{os.getpid()}.tmp"
    try:
        _write(plan, draft, "xb")
        os.replace(draft, path)
    finally:
        with suppress(OSError):
            os.unlink(draft)


def _write(plan: Plan, path: str, mode: str) -> None:
    with open(path, mode) as file:
        file.writelines(plan.content.blocks())
