#!/usr/bin/env python3
"""Overhead of C and Python over Rust in one detection, and peak memory; runs are interleaved, each way first as often as the others.

dev/overhead.py [ROUNDS]: needs target/release/examples/overhead, target/overhead (bindings/c/install.sh target/overhead) and a Python with gemmule.
Pass `one STACK.tif` to run one detection in Python.
"""

import math
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path


def peak_kib() -> int:
    """Not ru_maxrss: that counts the process that started this one, too."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))


def one(path: str) -> None:
    """One detection, as the other two programs."""
    import gemmule

    stack = gemmule.read_stack(path)
    engine = gemmule.Engine("cpu")
    before = peak_kib()
    wall, cpu = time.perf_counter(), time.process_time()
    found = gemmule.detect(stack, engine=engine)
    rows = len(found.spines)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(wall, cpu, peak_kib(), rows, before)


def main(rounds: int) -> None:
    """Runs all three in turn and prints medians."""
    root = Path(__file__).resolve().parents[1]
    work = root / "target/overhead"
    stack = work / "stack.tif"
    if not stack.exists():
        import gemmule

        (work / "p.toml").write_text("[phantom]\nplanes = 64\nrows = 512\ncolumns = 512\n")
        program = ["--params", str(work / "p.toml"), "--seed", "1", "-o", str(work / "p"), "--quiet", "--force"]
        assert gemmule._gemmule.main(["gemmule", "phantom", *program]) == 0
        (work / "p/stack.tif").rename(stack)
    libs = str(work / "lib")
    environment = {**os.environ, "LD_LIBRARY_PATH": libs}
    flags = [f"-I{work}/include", f"-L{libs}", "-lgemmule"]
    subprocess.run(["cc", "-O2", str(root / "dev/overhead.c"), *flags, "-o", str(work / "host")], check=True)
    ways = {
        "Rust": [str(root / "target/release/examples/overhead"), str(stack)],
        "C": [str(work / "host"), str(stack)],
        "Python": [sys.executable, __file__, "one", str(stack)],
    }
    runs: dict[str, list[list[float]]] = {name: [] for name in ways}
    for n in range(rounds):
        # Each is first as often as the others: what ran before leaves the caches and the clock as they are.
        order = [*ways.items()][n % 3 :] + [*ways.items()][: n % 3]
        for name, command in order:
            done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
            runs[name].append([float(v) for v in done.stdout.split()])
    median = {name: [statistics.median(column) for column in zip(*rows)] for name, rows in runs.items()}
    print(f"512 x 512 x 64, u16 (32 MiB), {rounds} rounds; overhead over Rust: median of the ratios within rounds, its 95 % interval in brackets")
    for name, (wall, cpu, peak, spines, *before) in median.items():
        over = [interval([run[k] / rust[k] for run, rust in zip(runs[name], runs["Rust"])]) for k in range(2)]
        grown = f", of it {before[0] / 1024:.0f} MiB before the call" if before else ""
        print(f"{name:7} wall {wall:.3f} s {over[0]}, CPU {cpu:.3f} s {over[1]}, peak {peak / 1024:.0f} MiB{grown}, {spines:.0f} spines")


def interval(ratios: list[float]) -> str:
    """Median of ratios less one, and the order statistics that hold it with 95 % (binomial, normal approximation)."""
    ratios = sorted(ratios)
    half = 0.98 * len(ratios) ** 0.5
    low, high = max(0, math.floor((len(ratios) - 1) / 2 - half)), min(len(ratios) - 1, math.ceil((len(ratios) - 1) / 2 + half))
    middle, low, high = (100 * (r - 1) for r in (statistics.median(ratios), ratios[low], ratios[high]))
    return f"{middle:+.2f} % ({low:+.2f} to {high:+.2f})"


if __name__ == "__main__":
    if sys.argv[1:2] == ["one"]:
        one(sys.argv[2])
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 7)
