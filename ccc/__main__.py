"""The command `ccc`, and `python -m ccc`."""

import gc
import sys


def main() -> None:
    """Run the command line and end the process with its exit status."""
    # What is imported stays to the end: to look through it again and again is wasted.
    gc.disable()
    try:
        from ccc.cli.main import run

        status = run()
    except KeyboardInterrupt:  # before there was anything to interrupt
        status = 130
    gc.freeze()  # nor is there anything to find in the very end
    sys.exit(status)


if __name__ == "__main__":
    main()
