"""Whether all do the same work: how far the maps and blobs of the others are those of gemmule on a small volume, away from its borders.

    agree.py VOLUME.npy THREADS CONTENDER...

Prints JSON: for maps the correlation of the map as timed, and the mean of those at each scale alone (without what each does to weigh one scale against another); for
blobs the share of gemmule's that the other has at the same voxel and scale or near by, and the reverse. On a tube the maxima are so flat that rounding moves them.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import numpy as np
from contenders import SIGMAS, Contender, Setup
from measure import ALL
from volume import Array

# Beyond four standard deviations no filter sees how the volume goes on outside.
MARGIN = int(4 * max(SIGMAS))
# Voxels along each axis, at any scale, within which a blob is another's.
NEAR = 2


def inner(values: Array) -> Array:
    """Away from the borders."""
    return values[tuple(slice(MARGIN, n - MARGIN) for n in values.shape)]


def correlation(a: Array, b: Array) -> float:
    """Pearson's."""
    return float(np.corrcoef(inner(a).ravel(), inner(b).ravel())[0, 1])


def places(found: Any, shape: tuple[int, ...]) -> set[tuple[int, ...]]:
    """Voxel and scale of every blob away from the borders; gemmule gives a table, the others an array, and voxels are 1 µm."""
    rows = found[["z_um", "y_um", "x_um", "sigma_um"]].to_numpy() if hasattr(found, "columns") else found
    rounded = [tuple(round(float(v)) for v in row) for row in rows]
    return {row for row in rounded if all(MARGIN <= a < n - MARGIN for a, n in zip(row, shape))}


def compare(volume: Array, threads: int, peer: Contender, own: Contender) -> dict[str, Any]:
    """One of the others with gemmule."""

    def both(*sigmas: float) -> tuple[Any, Any]:
        setup = Setup(sigmas, threads)
        return peer.prepare(volume, setup)(), own.prepare(volume, setup)()

    theirs, ours = both(*SIGMAS)
    if getattr(theirs, "ndim", 0) == 3:
        alone = [correlation(*both(sigma)) for sigma in SIGMAS]
        return {"correlation": correlation(theirs, ours), "correlation_scale_by_scale": float(np.mean(alone))}
    here, there = places(ours, volume.shape), places(theirs, volume.shape)
    result: dict[str, Any] = {"blobs": len(here), "blobs_of_other": len(there), "near_voxels": NEAR}
    for key, reach in (("same", 0), ("near", NEAR)):
        result |= {f"{key}_in_other": share(here, there, reach), f"{key}_in_gemmule": share(there, here, reach)}
    return result


def share(of: set[tuple[int, ...]], among: set[tuple[int, ...]], reach: int) -> float:
    """Share of the blobs that another list has, too: itself, or one no farther away than that."""
    has = (place in among or any(all(abs(a - b) <= reach for a, b in zip(place[:3], other[:3])) for other in among if reach) for place in of)
    return sum(has) / max(1, len(of))


def main(path: str, threads: int, names: list[str]) -> None:
    """Prints what was found, by contender."""
    volume = np.load(path)
    peers = {name: ALL[name] for name in names}
    print(json.dumps({name: compare(volume, threads, peer, ALL[peer.against]) for name, peer in peers.items() if peer.against}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3:])
