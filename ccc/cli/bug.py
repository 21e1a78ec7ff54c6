"""What happens when the fault is ours: one sentence, and a report that can be sent on.

The report holds the places in our code and no values: no local variables, no arguments of the command.
"""

import sys


def report(error: BaseException) -> str:
    """Write the report of a bug, readable by the user alone; returns the sentence that says where."""
    import os
    import platform
    import tempfile

    text = f"ccc {_version()}, Python {platform.python_version()}, {platform.platform()}\n\n" + _frames(error)
    name = type(error).__name__
    try:
        handle, path = tempfile.mkstemp(prefix="ccc-bug-", suffix=".txt")  # mode 0600
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
    except OSError:
        return f"a bug in ccc ({name}), and its report could not be written; please tell its authors"
    return f"a bug in ccc ({name}); please send its authors the report {path}"


def _frames(error: BaseException) -> str:
    import traceback

    lines = traceback.TracebackException.from_exception(error, capture_locals=False).format()
    return "".join(lines)


def _version() -> str:
    package = sys.modules.get("ccc")
    return str(getattr(package, "__version__", "of unknown version"))
