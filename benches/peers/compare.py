"""Times gemmule and others in turn on the same volume and the same scales; run by run.sh.

Every run is a process of its own (measure.py). Rounds go through all contenders, so that a machine that slows down slows all of them.
"""

from __future__ import annotations

import argparse
import datetime
import importlib.metadata
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
SEED = 1
SHAPES, QUICK = [(64, 512, 512), (64, 1024, 1024)], [(16, 64, 64)]
AGREEMENT = (48, 96, 96)
PACKAGES = ("gemmule", "scikit-image", "itk-filtering", "numpy", "scipy", "cucim-cu12", "cupy-cuda12x", "torch")
# What sets threads in numpy's and scipy's libraries, ITK and rayon.
THREADS = ("RAYON_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS")


def cores() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def output(*command: str) -> str:
    """What a command prints; nothing if it cannot be run."""
    try:
        return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def found_in(path: str, name: str) -> str:
    """The first value of a name in a file of /proc."""
    lines = Path(path).read_text().splitlines() if Path(path).exists() else []
    return next((line.split(":", 1)[1].strip() for line in lines if line.split(":")[0].strip() == name), "")


def memory_gb(name: str) -> float:
    """MemTotal or MemAvailable; 0 where that is not known."""
    text = found_in("/proc/meminfo", name)
    return int(text.split()[0]) * 1024 / 1e9 if text else 0.0


def busy() -> float:
    """Cores that others keep busy, over two seconds; the load average would still count the build of the wheel."""
    stat = Path("/proc/stat")
    if not stat.exists():
        return os.getloadavg()[0]

    def idle() -> float:
        # idle and iowait, in ticks over all cores.
        ticks = stat.read_text().split()[1:9]
        return (int(ticks[3]) + int(ticks[4])) / os.sysconf("SC_CLK_TCK")

    start, idle_before = time.monotonic(), idle()
    time.sleep(2)
    return max(0.0, (os.cpu_count() or 1) - (idle() - idle_before) / (time.monotonic() - start))


def machine() -> dict[str, Any]:
    """What the figures hold for."""
    cpu = found_in("/proc/cpuinfo", "model name") or output("sysctl", "-n", "machdep.cpu.brand_string") or platform.processor()
    model = " ".join(f"{key} {found_in('/proc/cpuinfo', key)}" for key in ("cpu family", "model") if found_in("/proc/cpuinfo", key))
    return {
        "cpu": f"{cpu} ({model})" if model else cpu,
        "cores": cores(),
        "cores_of_machine": os.cpu_count(),
        "memory_gb": memory_gb("MemTotal"),
        "system": platform.platform(),
        "card": output("nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader").replace("\n", "; "),
        "busy_before": busy(),
    }


def versions() -> dict[str, str]:
    """Versions of what is timed, and the commit of gemmule."""
    made = {"Python": platform.python_version()}
    for name in PACKAGES:
        try:
            made[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    commit = output("git", "describe", "--always", "--dirty", "--exclude=*")
    if commit and "gemmule" in made:
        made["gemmule"] += f" ({commit})"
    return made


def child(program: str, *arguments: object, threads: int, seconds: float) -> tuple[str, str]:
    """What a program of this folder prints, or why it did not."""
    environment = {**os.environ, **dict.fromkeys(THREADS, str(threads)), "PYTHONWARNINGS": "ignore"}
    command = [sys.executable, str(HERE / program), *map(str, arguments)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        return "", f"stopped after {seconds / 60:g} min"
    if done.returncode != 0:
        # Python says what it was last, a program that aborts says it first.
        told = (done.stderr.strip().splitlines() or [""])[0 if done.returncode < 0 else -1]
        return "", f"failed ({done.returncode}): {told[:200]}"
    return done.stdout.strip().splitlines()[-1], ""


def say(text: str) -> None:
    """Progress."""
    print(text, file=sys.stderr, flush=True)


def measure_shape(shape: tuple[int, ...], path: Path, options: argparse.Namespace, left_out: dict[str, str]) -> list[dict[str, Any]]:
    """All rounds on one volume; `left_out` takes who cannot run here, and why."""
    entries = [
        {"shape": list(shape), "contender": name, "threads": threads, "runs": [], "reason": ""}
        for name, contender in options.contenders.items()
        for threads in ([options.threads[-1]] if contender.card else options.threads if contender.threaded else [1])
    ]
    for round_ in range(options.rounds):
        for entry in entries:
            name, threads = entry["contender"], entry["threads"]
            most = options.contenders[name].rounds_max
            if name in left_out or entry["reason"]:
                continue
            if most is not None and round_ >= most:
                entry["reason"] = f"slow, no more than {most}"
                continue
            gigabytes = options.limit_gb or 0.9 * memory_gb("MemAvailable")
            line, problem = child("measure.py", name, path, threads, gigabytes, threads=threads, seconds=60 * options.limit_minutes)
            run: dict[str, Any] = json.loads(line) if line else {"failed": problem}
            head = f"{' x '.join(map(str, shape))}, round {round_ + 1}: {name}, threads {threads}"
            if "unavailable" in run:
                left_out[name] = run["unavailable"]
                say(f"{head}: left out: {run['unavailable']}")
            elif "failed" in run:
                entry["reason"] = run["failed"]
                say(f"{head}: {run['failed']}")
            else:
                entry["runs"].append(run)
                say(f"{head}: {run['wall_s']:.3f} s, CPU {run['cpu_s']:.3f} s, {run['peak_bytes'] / 1e6:.0f} MB, {run['output']}")
    return [entry for entry in entries if entry["contender"] not in left_out]


def written(shape: tuple[int, ...], folder: str) -> tuple[Path, str]:
    """A volume on disk and its SHA-256."""
    path = Path(folder) / "volume.npy"
    digest, problem = child("volume.py", ",".join(map(str, shape)), SEED, path, threads=1, seconds=600)
    if problem:
        sys.exit(f"compare.py: no volume of {shape}: {problem}")
    return path, digest


def arguments() -> argparse.Namespace:
    """Options."""

    def shape(text: str) -> tuple[int, ...]:
        axes = tuple(int(n) for n in text.split(","))
        if len(axes) != 3 or axes[0] < 16 or min(axes[1:]) < 32:
            raise argparse.ArgumentTypeError(f"{text!r}, allowed is Z,Y,X, at least 16,32,32")
        return axes

    def above_zero(text: str) -> int:
        if int(text) < 1:
            raise argparse.ArgumentTypeError(f"{text}, allowed is 1 or more")
        return int(text)

    parser = argparse.ArgumentParser(prog="benches/peers/run.sh", description="Times gemmule beside others; see the head of run.sh.")
    parser.add_argument("--rounds", type=above_zero, default=5, help="interleaved rounds (5); those that take minutes run fewer")
    parser.add_argument("--shape", type=shape, nargs="+", metavar="Z,Y,X", help="volumes, voxels (64,512,512 64,1024,1024)")
    parser.add_argument("--quick", action="store_true", help="one round of 16 x 64 x 64: whether everything runs")
    parser.add_argument("--threads", type=above_zero, nargs="+", help="numbers of threads, besides 1, for those that have them (all cores)")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="these contenders, and those of gemmule's they are held against")
    parser.add_argument("--limit-minutes", type=float, default=15.0, help="longest run; who takes longer is stopped and not run again (15)")
    parser.add_argument("--limit-gb", type=float, help="most memory a run on the CPU may take (nine tenths of what is free)")
    parser.add_argument("--out", type=Path, default=ROOT / "target/peers", help="folder for peers.md and peers.json (target/peers)")
    return parser.parse_args()


def main() -> None:
    """Measures, writes and prints."""
    options = arguments()
    # Not before the options are read: --help needs no packages.
    from agree import MARGIN
    from contenders import SIGMAS
    from measure import ALL
    from table import render, summarise

    named = [name for name in options.only or ALL if name in ALL]
    if options.only and len(named) < len(options.only):
        sys.exit(f"compare.py: --only {' '.join(options.only)}, allowed are {', '.join(ALL)}")
    options.contenders = {name: ALL[name] for name in ALL if name in named or name in {ALL[n].against for n in named}}
    options.threads = sorted({1, *(options.threads or [cores()])})
    options.rounds = 1 if options.quick else options.rounds
    shapes = options.shape or (QUICK if options.quick else SHAPES)
    report: dict[str, Any] = {
        "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "machine": machine(),
        "versions": versions(),
        "seed": SEED,
        "dtype": "float32",
        "sigmas": SIGMAS,
        "shapes": [list(shape) for shape in shapes],
        "threads": options.threads,
        "rounds": options.rounds,
        "limit_minutes": options.limit_minutes,
        "contenders": {name: {k: v for k, v in vars(c).items() if k != "prepare"} for name, c in options.contenders.items()},
        "volumes": {},
        "measured": [],
        "left_out": {},
        "agreement": {},
        "agreement_shape": AGREEMENT,
        "agreement_margin": MARGIN,
    }
    if report["machine"]["busy_before"] > 0.2:
        say(f"compare.py: others keep {report['machine']['busy_before']:.1f} cores busy: good for a trial, not for figures")
    with tempfile.TemporaryDirectory(dir=ROOT / "target") as folder:
        for shape in shapes:
            path, digest = written(shape, folder)
            report["volumes"][" x ".join(map(str, shape))] = {"sha256": digest}
            report["measured"] += measure_shape(shape, path, options, report["left_out"])
        path, _ = written(AGREEMENT, folder)
        names = [name for name, c in options.contenders.items() if c.against and name not in report["left_out"]]
        line, problem = child("agree.py", path, cores(), *names, threads=cores(), seconds=60 * options.limit_minutes)
        report["agreement"], report["agreement_problem"] = json.loads(line) if line else {}, problem
    methods = {run["memory_method"] for entry in report["measured"] for run in entry["runs"]}
    report["memory_method"] = ", ".join(sorted(methods))
    report["summary"] = summarise(report)
    text = render(report)
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "peers.md").write_text(text)
    (options.out / "peers.json").write_text(json.dumps(report, indent=1) + "\n")
    print(text)
    say(f"written: {options.out / 'peers.md'} and peers.json")


if __name__ == "__main__":
    main()
