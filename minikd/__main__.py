"""``python -m minikd`` is the ``minikd`` command."""

import sys

from minikd.cli import main

if __name__ == "__main__":
    sys.exit(main())
