"""What the tests share: the command line whose results must be met, and small stacks."""

import os
import subprocess
from pathlib import Path

import pytest

import gemmule

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="session")
def command_line():
    """Runs the command line of the repository: GEMMULE_BIN, by default target/debug/gemmule."""
    program = Path(os.environ.get("GEMMULE_BIN", ROOT / "target/debug/gemmule"))
    assert program.exists(), f"{program} is not there: cargo build, or set GEMMULE_BIN"

    def run(*arguments):
        done = subprocess.run([program, "--quiet", *map(str, arguments)], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.fixture(scope="session")
def engine():
    """The CPU: the same on every machine."""
    return gemmule.Engine("cpu")


@pytest.fixture(scope="session")
def made():
    """A small synthetic stack with spines."""
    return gemmule.phantom({"phantom": {"planes": 12, "rows": 128, "columns": 192, "seed": 7}})


@pytest.fixture(scope="session")
def series(tmp_path_factory, command_line):
    """Stacks of two sessions, as files."""
    folder = tmp_path_factory.mktemp("series")
    (folder / "p.toml").write_text("[phantom]\nplanes = 14\nrows = 160\ncolumns = 200\n")
    command_line("phantom", "--params", folder / "p.toml", "--seed", 3, "--days", "0,2", "-o", folder / "p")
    return [folder / "p/s0.tif", folder / "p/s1.tif"]
