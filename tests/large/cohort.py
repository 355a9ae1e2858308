#!/usr/bin/env python3
"""A night in small: 200 small stacks through `gemmule cohort`, one process on one core and one on all that are asked for, its memory over the run, and ten kills.

    tests/large/cohort.py GEMMULE [--series 50] [--cores 2] [--repeats 3] [--kills 10] [--seed 1]

Every series has four sessions. Runs on one core and on several alternate, and medians are taken; beside each stands how much of its cores it used. Memory is that of the process while its stacks are detected and tracked, in tenths of the run. Ends with 1 if the tables depend on cores or kills by a byte, or
its median memory grows by more than a tenth from the 20th stack on. Needs Linux.
"""

import argparse
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SMALL = "[phantom]\nplanes = 20\nrows = 320\ncolumns = 320\ndendrites = 1\naxons = 0\n"
DAYS = "--days=-1,1,3,7"
SESSIONS = 4
# Memory may grow by so much, and from this stack on.
GROWTH, FIRST = 1.1, 20


def start(gemmule, folder, results, cores):
    command = ["taskset", "-c", ",".join(map(str, cores)), gemmule, "cohort", folder / "c/manifest.csv", "-o", folder / results]
    command += ["--backend", "cpu", "--quiet", "--workers", str(len(cores))]
    environment = {**os.environ, "RAYON_NUM_THREADS": str(len(cores))}
    return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)


def stacks_done(results):
    return sum(1 for _ in results.glob("series/*/*/session-*/run.json"))


def resident_mb(pid):
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) / 1024


def watched(process, results):
    """Seconds, seconds on a processor, and (stacks done, MB) over the run."""
    began, samples = time.monotonic(), []
    while True:
        pid, status, used = os.wait4(process.pid, os.WNOHANG)
        if pid:
            process.returncode = os.waitstatus_to_exitcode(status)
            return time.monotonic() - began, used.ru_utime + used.ru_stime, samples
        samples.append((stacks_done(results), resident_mb(process.pid)))
        time.sleep(0.05)


def files(results):
    """What is written, but for records of when and where."""
    found = {}
    for path in sorted(results.rglob("*")):
        if path.is_file() and path.suffix in {".csv", ".parquet", ".html", ".svg", ".png", ".swc", ".tif"}:
            found[path.relative_to(results)] = path.read_bytes()
    return found


def throughput(gemmule, folder, cores, repeats):
    took, memory = {1: [], len(cores): []}, []
    for repeat in range(repeats):
        for some in (cores[:1], cores):
            results = f"run-{len(some)}-{repeat}"
            process = start(gemmule, folder, results, some)
            seconds, used, samples = watched(process, folder / results)
            if process.returncode:
                raise SystemExit(f"a run ended with {process.returncode}")
            share = used / seconds / len(some)
            print(f"{len(some)} cores: {seconds:.1f} s, {share:.2f} of them used", flush=True)
            took[len(some)].append(seconds)
            if len(some) == len(cores):
                memory = samples
    return {n: statistics.median(t) for n, t in took.items()}, memory


def grows(memory, stacks):
    """Prints the memory by tenths of the run; whether it grows after the first stacks. The median tells: peaks are those of the largest series, wherever it comes."""
    for part in range(10):
        low, high = part * stacks // 10, (part + 1) * stacks // 10
        held = [mb for done, mb in memory if low <= done < high] or [0.0]
        print(f"stacks {low + 1} to {high}: {statistics.median(held):.0f} MB in the median, at most {max(held):.0f}")
    first = min(FIRST, stacks // 4)
    before = statistics.median(mb for done, mb in memory if first <= done < stacks // 2)
    after = statistics.median(mb for done, mb in memory if stacks // 2 <= done < stacks)
    print(f"memory of the second half over that from stack {first} on in the first: {after / before:.3f}")
    return after / before > GROWTH


def kill(gemmule, folder, cores, kills, seconds, seed):
    chance, killed = random.Random(seed), 0
    while killed < kills:
        process = start(gemmule, folder, "killed", cores)
        # Within the run, wherever the kills before have brought it.
        time.sleep(chance.uniform(0.05, 2.0 * seconds / kills))
        process.kill()
        killed += process.wait() == -9
        print(f"kill {killed}: {stacks_done(folder / 'killed')} stacks were done", flush=True)
        if process.returncode == 0:
            # Done before it was killed: the last third is taken away.
            done = sorted((folder / "killed/series").glob("*/*"))
            for series in done[2 * len(done) // 3 :]:
                subprocess.run(["rm", "-rf", series], check=True)
    if start(gemmule, folder, "killed", cores).wait():
        raise SystemExit("the run after the kills failed")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("gemmule", type=Path)
    for name, default in (("series", 50), ("cores", 2), ("repeats", 3), ("kills", 10), ("seed", 1)):
        parser.add_argument(f"--{name}", type=int, default=default)
    args = parser.parse_args()
    gemmule, cores = args.gemmule.resolve(), sorted(os.sched_getaffinity(0))[: args.cores]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "small.toml").write_text(SMALL)
        made = [gemmule, "phantom", "--scenario", "vehicle", "--animals", str(args.series // 2), "--fovs", "1", DAYS]
        made += ["--params", folder / "small.toml", "--quiet", "-o", folder / "c"]
        subprocess.run(made, check=True, stdout=subprocess.DEVNULL)
        stacks = args.series // 2 * 2 * SESSIONS
        took, memory = throughput(gemmule, folder, cores, args.repeats)
        ratio = took[1] / took[len(cores)]
        print(f"{stacks} stacks: {took[1]:.1f} s on one core, {took[len(cores)]:.1f} s on {len(cores)}: {ratio:.2f} times")
        failed = grows(memory, stacks)
        kill(gemmule, folder, cores, args.kills, took[len(cores)], args.seed)
        whole = files(folder / f"run-{len(cores)}-0")
        for other in ("run-1-0", "killed"):
            found = files(folder / other)
            different = [str(path) for path in sorted(whole.keys() | found.keys()) if found.get(path) != whole.get(path)]
            print(f"{other}: {len(whole) - len(different)} of {len(whole)} files are the same", *different[:5])
            failed |= bool(different)
    return int(failed)


sys.exit(main())
