"""One contender, one call, in a process of its own; prints one line of JSON.

    measure.py CONTENDER VOLUME.npy THREADS LIMIT_GB

Imports and settings come first and are not timed, nor is a first call on a small volume: ITK loads most of itself then (9 s), and cards get their contexts and compiled
kernels. Peak memory is what the call added at its highest, what it returns included: the process's peak is set back to what
it holds when the call begins (imports and the volume), and that is taken off the peak read at its end.
"""

from __future__ import annotations

import gc
import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from contenders import CPU, SIGMAS, Setup, Unavailable
from gpu import CARD, device_peak
from volume import make

STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")
ALL = {**CPU, **CARD}
SMALL = (16, 48, 48)


def kib(name: str) -> int:
    """A number of /proc/self/status."""
    return next(int(line.split()[1]) for line in STATUS.read_text().splitlines() if line.startswith(f"{name}:"))


class Peak:
    """Bytes taken at most since it was made.

    Not by getrusage where there is /proc: its ru_maxrss counts the process that started this one, too, and cannot be set back.
    """

    def __init__(self) -> None:
        if not STATUS.exists():
            self.method, self.before = "ru_maxrss less that before the call", maxrss()
            return
        try:
            CLEAR.write_text("5")
            self.method, self.before = "VmHWM, set back before the call, less VmRSS then", kib("VmRSS") * 1024
        except OSError:
            self.method, self.before = "VmHWM less that before the call", kib("VmHWM") * 1024

    def bytes(self) -> int:
        """What was added to what the process held."""
        return max(0, (maxrss() if self.method.startswith("ru_maxrss") else kib("VmHWM") * 1024) - self.before)


def maxrss() -> int:
    """Peak of the process in bytes; Linux counts in KiB, macOS in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def limit(gigabytes: float) -> None:
    """Makes memory beyond what the process has and this an error, before the machine runs out of it."""
    if STATUS.exists() and gigabytes > 0:
        most = kib("VmSize") * 1024 + int(gigabytes * 1e9)
        resource.setrlimit(resource.RLIMIT_AS, (most, most))


def output_of(result: Any) -> dict[str, Any]:
    """What came of the call, so that nobody is timed for nothing."""
    if isinstance(result, np.ndarray) and result.ndim == 3:
        return {"shape": list(result.shape), "dtype": str(result.dtype), "max": float(result.max())}
    return {"blobs": len(result)}


def measure(name: str, path: str, threads: int, gigabytes: float) -> dict[str, Any]:
    """Times one call."""
    contender = ALL[name]
    volume = np.load(path)
    try:
        contender.prepare(make(SMALL, 0), Setup(SIGMAS, threads))()
        call = contender.prepare(volume, Setup(SIGMAS, threads))
    except Unavailable as reason:
        return {"unavailable": str(reason)}
    if not contender.card:
        # Drivers of cards reserve far more addresses than they fill.
        limit(gigabytes)
    gc.collect()
    peak = Peak()
    try:
        wall, cpu = time.perf_counter(), time.process_time()
        result = call()
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    except MemoryError:
        return {"failed": f"needs more than {gigabytes:.2g} GB of memory"}
    took = {"wall_s": wall, "cpu_s": cpu, "peak_bytes": peak.bytes(), "memory_method": peak.method}
    return {**took, "device_peak_bytes": device_peak(name) if contender.card else None, "output": output_of(result)}


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4]))))
