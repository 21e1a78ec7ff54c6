"""What happens when the fault is ours: one sentence, and a report that can be sent on.

The report holds the places in our code and no values: no local variables, no arguments of the command,
and not what the exception says, which may quote either.
"""

import sys
from collections.abc import Iterator


def report(error: BaseException) -> str:
    """Write the report of a bug, readable by the user alone; returns the sentence that says where."""
    import os
    import platform
    import tempfile

    text = f"ccc {_version()}, Python {platform.python_version()}, {platform.platform()}\n\n"
    text += "".join(_frames(error))
    name = type(error).__name__
    try:
        handle, path = tempfile.mkstemp(prefix="ccc-bug-", suffix=".txt")  # mode 0600
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
    except OSError:
        return f"a bug in ccc ({name}), and its report could not be written; please tell its authors"
    return f"a bug in ccc ({name}); please send its authors the report {path}"


def _frames(error: BaseException | None) -> Iterator[str]:
    """The type of the error and of what led to it, each with where it came from."""
    import traceback

    while error is not None:
        yield f"{type(error).__name__}, raised here:\n"
        yield from traceback.format_tb(error.__traceback__)
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _version() -> str:
    package = sys.modules.get("ccc")
    return str(getattr(package, "__version__", "of unknown version"))
