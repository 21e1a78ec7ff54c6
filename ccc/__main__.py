"""The command `ccc`, and `python -m ccc`."""

import sys


def main() -> None:
    """Run the command line and end the process with its exit status."""
    try:
        from ccc.cli.main import run

        status = run()
    except KeyboardInterrupt:  # before there was anything to interrupt
        status = 130
    sys.exit(status)


if __name__ == "__main__":
    main()
