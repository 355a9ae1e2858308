#!/usr/bin/env python3
"""How throughput grows with workers: the same cohort through one worker, then two, and so on, each on a core of its own.

    workflow/throughput.py GEMMULE FOLDER [--series 24] [--workers 2] [--repeats 5]

A worker is one `gemmule cohort --shard k/n` on one core, as a machine of one core would run it. FOLDER gets throughput.csv and throughput.svg. Runs with different numbers
of workers alternate, and medians are taken, because other programs disturb; the column cpu_share says how much of its cores each run was given, and a run that was
given less than nine tenths of them counts for nothing. The tables must not depend on the number of workers, byte for byte. Needs Linux; the drawing needs matplotlib.
"""

import argparse
import csv
import os
import resource
import shutil
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

SMALL = "[phantom]\nplanes = 20\nrows = 320\ncolumns = 320\ndendrites = 1\naxons = 0\n"
LEAST_SHARE = 0.9
TABLES = ["cohort_long.csv", "cohort_wide.csv", "series.csv", "effects.csv", "survival.csv"]


def cpu_seconds():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def run(gemmule, manifest, results, workers, cores):
    """Seconds, and seconds on a processor, of one run of all series."""
    command = [gemmule, "cohort", manifest, "-o", results, "--backend", "cpu", "--quiet", "--no-pictures"]
    start, before = time.monotonic(), cpu_seconds()
    running = [
        subprocess.Popen(
            ["taskset", "-c", str(cores[k]), *command, "--workers", "1", "--shard", f"{k + 1}/{workers}"],
            env={**os.environ, "RAYON_NUM_THREADS": "1"},
        )
        for k in range(workers)
    ]
    codes = [process.wait() for process in running]
    if any(codes):
        raise SystemExit(f"a worker ended with {codes}")
    took = time.monotonic() - start, cpu_seconds() - before
    subprocess.run([*command, "--combine"], check=True, stdout=subprocess.DEVNULL)
    return took


def draw(rows, path):
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot

    # Else every drawing of the same figures would differ.
    matplotlib.rcParams.update({"svg.hashsalt": "gemmule", "font.size": 11})
    figure, axes = pyplot.subplots(figsize=(5.2, 3.6), layout="constrained")
    counts = sorted({row["workers"] for row in rows})
    medians = [statistics.median(r["series_per_hour"] for r in rows if r["workers"] == n) for n in counts]
    axes.plot(counts, [medians[0] * n / counts[0] for n in counts], "--", color="#999999", label="one worker's, times their number")
    axes.plot([r["workers"] for r in rows], [r["series_per_hour"] for r in rows], "o", color="#56B4E9", alpha=0.7, label="runs")
    axes.plot(counts, medians, "-", color="#0072B2", marker="D", label="median")
    for n, median in zip(counts, medians):
        axes.annotate(f"{median / medians[0]:.2f}×", (n, median), textcoords="offset points", xytext=(8, -14))
    axes.set(xlabel="workers, one core each", ylabel="series per hour", xticks=counts, ylim=(0, None), xlim=(counts[0] - 0.3, counts[-1] + 0.3))
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="lower right")
    figure.savefig(path, metadata={"Date": None})


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("gemmule", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--series", type=int, default=24)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=5)
    args = parser.parse_args()
    gemmule, cores = args.gemmule.resolve(), sorted(os.sched_getaffinity(0))
    if args.workers > len(cores):
        parser.error(f"--workers is {args.workers}, allowed is at most {len(cores)}, the cores there are")
    args.folder.mkdir(parents=True, exist_ok=True)
    rows, expected = [], None
    with tempfile.TemporaryDirectory() as work:
        work = Path(work)
        (work / "small.toml").write_text(SMALL)
        made = ["phantom", "--scenario", "vehicle", "--animals", str(args.series // 2), "--fovs", "1", "--days=-1,1"]
        subprocess.run([gemmule, *made, "--params", work / "small.toml", "-o", work / "c", "--quiet"], check=True, stdout=subprocess.DEVNULL)
        for repeat in range(args.repeats):
            for workers in range(1, args.workers + 1):
                results = work / "results"
                shutil.rmtree(results, ignore_errors=True)
                seconds, cpu = run(gemmule, work / "c" / "manifest.csv", results, workers, cores)
                series = len(list((results / "series").glob("*/*/series.json")))
                tables = [(results / name).read_bytes() for name in TABLES]
                expected = expected or tables
                if tables != expected:
                    raise SystemExit(f"the tables of {workers} workers differ from those of the first run")
                rows.append({
                    "workers": workers, "repeat": repeat + 1, "series": series, "seconds": round(seconds, 2), "cpu_seconds": round(cpu, 2),
                    "cpu_share": round(cpu / seconds / workers, 3), "series_per_hour": round(series / seconds * 3600, 1),
                })
                print(rows[-1], flush=True)
    with open(args.folder / "throughput.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    rows = [row for row in rows if row["cpu_share"] >= LEAST_SHARE]
    lacking = [n for n in range(1, args.workers + 1) if not any(row["workers"] == n for row in rows)]
    if lacking:
        raise SystemExit(
            f"cpu_share of every run of {lacking} workers is below {LEAST_SHARE}: other programs took the cores; run it on a machine that does nothing else. "
            f"{args.folder / 'throughput.csv'} has the runs, nothing is drawn"
        )
    medians = {n: statistics.median(r["series_per_hour"] for r in rows if r["workers"] == n) for n in range(1, args.workers + 1)}
    for n, median in medians.items():
        print(f"{n} workers: {median:.0f} series per hour, {median / medians[1]:.2f} times that of one")
    draw(rows, args.folder / "throughput.svg")


if __name__ == "__main__":
    main()
