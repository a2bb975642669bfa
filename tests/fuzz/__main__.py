"""The command: `python -m tests.fuzz --help`."""

import os
import pathlib
import sys

os.environ.setdefault("JAX_PLATFORMS", "cpu")
# Tests import each other by their bare names, and so does this package.
sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))

from fuzz.command import main

if __name__ == "__main__":
    sys.exit(main())
