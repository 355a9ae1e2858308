"""The same results as the command line, to the bit."""

import numpy as np
import pandas as pd

import gemmule


def as_written(table: pd.DataFrame, decimals: int | None) -> str:
    """A table as the command line writes it."""

    def cell(value):
        if value is None or value is pd.NA or (isinstance(value, float) and np.isnan(value)):
            return ""
        if isinstance(value, (float, np.floating)):
            if decimals is None:
                return np.format_float_positional(value, trim="-")
            text = f"{value:.{decimals}f}"
            return text.lstrip("-") if float(text) == 0 else text
        return str(value)

    rows = [",".join(table.columns)]
    rows += [",".join(cell(v) for v in row) for row in table.itertuples(index=False)]
    return "\n".join(rows) + "\n"


def test_detect_gives_the_tables_and_labels_of_the_command_line(series, engine, command_line, tmp_path):
    command_line("detect", series[0], "--backend", "cpu", "-o", tmp_path / "cli")
    found = gemmule.detect(series[0], engine=engine)
    assert as_written(found.spines, 4) == (tmp_path / "cli/spines.csv").read_text()
    assert as_written(found.dendrites, 4) == (tmp_path / "cli/dendrites.csv").read_text()
    labels = gemmule.read_stack(tmp_path / "cli/labels.tif").data
    assert labels.dtype == found.labels.dtype
    assert np.array_equal(labels, found.labels)


def test_track_gives_the_tables_of_the_command_line(series, engine, command_line, tmp_path):
    command_line("track", *series, "--backend", "cpu", "-o", tmp_path / "cli")
    # A generator: one stack in memory at a time.
    tracked = gemmule.track((gemmule.read_stack(path) for path in series), engine=engine)
    for name, decimals in (("tracks", 4), ("links", 4), ("dynamics", 5), ("survival", 5)):
        assert as_written(getattr(tracked, name), decimals) == (tmp_path / f"cli/{name}.csv").read_text(), name
    assert len(tracked.sessions) == 2 and len(tracked.sessions[0].spines) > 0


def test_stats_gives_the_table_of_the_command_line(command_line, tmp_path):
    from conftest import ROOT

    long = ROOT / "fixtures/mixed_models.csv"
    command_line("stats", long, "-o", tmp_path / "cli")
    expected = pd.read_csv(tmp_path / "cli/effects.csv", keep_default_na=False, na_values=[""])
    for table in (long, pd.read_csv(long, keep_default_na=False)):
        effects = gemmule.stats(table).effects
        assert list(effects.columns) == list(expected.columns)
        for column in effects:
            ours, theirs = effects[column], expected[column]
            if ours.dtype == float:
                assert np.array_equal(ours.to_numpy(), theirs.to_numpy(dtype=float), equal_nan=True), column
            else:
                assert list(ours.astype(str)) == list(theirs.fillna("").astype(str)), column


def test_the_package_brings_the_command_line(tmp_path, made):
    import subprocess
    import sys
    from pathlib import Path

    program = Path(sys.executable).with_name("gemmule")
    done = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and done.stdout.split() == ["gemmule", gemmule.__version__]
    assert subprocess.run([program, "info", tmp_path / "no.tif"], capture_output=True, check=False).returncode == 2
