"""The command line, as installed with the package."""

import sys

from gemmule import _gemmule


def main() -> int:
    """Runs ``gemmule`` and returns its exit code: 0 done, 2 bad input, 1 failed."""
    return _gemmule.main(["gemmule", *sys.argv[1:]])
