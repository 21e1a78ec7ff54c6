"""The command `ccc`, and `python -m ccc`."""

import gc
import os
import sys


def main() -> None:
    """Run the command line and end the process with its exit status."""
    gc.disable()  # what is imported stays to the end; looking through it again and again is wasted
    try:
        from ccc.cli.main import run

        status = run()
    except KeyboardInterrupt:  # before there was anything to interrupt
        status = 130
    _end(status)


def _end(status: int) -> None:
    """End the process without taking the interpreter apart first, which would take longer than a look-up."""
    try:
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
    except OSError:
        sys.exit(status)  # whoever reads us is gone: Python knows what to do
    os._exit(status)


if __name__ == "__main__":
    main()
