"""``python -m minikd`` is the ``minikd`` command."""

import sys


def main() -> int:
    """Run the command; a Ctrl-C while it is still being imported needs no traceback."""
    try:
        from minikd.cli import main as command

        return command()
    except KeyboardInterrupt:
        print("minikd: stopped", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
