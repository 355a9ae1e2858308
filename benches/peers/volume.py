"""The volume everyone is timed on: bright tubes and balls on an even ground, with noise.

    volume.py Z,Y,X SEED FILE.npy    writes it, and prints its SHA-256
"""

from __future__ import annotations

import hashlib
import sys

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

GROUND = 100.0
# Of the same strength everywhere: gemmule's variance stabilisation then only shifts and stretches the grey levels, and all see the same image.
NOISE_SD = 10.0
# Voxels of a plane for each tube and for each ball.
PLANE_PER_TUBE, PLANE_PER_BALL = 48 * 48, 32 * 32


def make(shape: tuple[int, int, int], seed: int) -> Array:
    """A float32 volume (z, y, x); the type in which all of them compute, so that nobody pays for a conversion."""
    rng = np.random.default_rng(seed)
    volume = np.full(shape, GROUND, np.float32)
    plane = shape[1] * shape[2]
    for _ in range(max(2, plane // PLANE_PER_TUBE)):
        walk(volume, rng)
    for _ in range(max(2, plane // PLANE_PER_BALL)):
        dab(volume, rng.uniform(0, shape), rng.uniform(1.0, 3.0), rng.uniform(60, 160))
    for z in range(shape[0]):
        volume[z] += np.float32(NOISE_SD) * rng.standard_normal(shape[1:], dtype=np.float32)
    return volume


def walk(volume: Array, rng: np.random.Generator) -> None:
    """Draws a tube that bends at random and stays mostly in the plane, as dendrites do."""
    at, radius, height = rng.uniform(0, volume.shape), rng.uniform(1.0, 3.0), rng.uniform(60, 160)
    ahead = rng.normal(size=3) * (0.2, 1.0, 1.0)
    for _ in range(150):
        ahead += rng.normal(size=3) * (0.03, 0.1, 0.1)
        ahead /= np.linalg.norm(ahead)
        at = at + ahead
        if not all(0 <= a < n for a, n in zip(at, volume.shape)):
            return
        dab(volume, at, radius, height)


def dab(volume: Array, at: NDArray[np.float64], radius: float, height: float) -> None:
    """Raises the voxels about a place to a Gaussian of this height above the ground; a row of such dabs is a tube."""
    reach = int(np.ceil(3 * radius))
    low = [max(0, int(a) - reach) for a in at]
    box = tuple(slice(first, int(a) + reach + 1) for first, a in zip(low, at))
    part = volume[box]
    axes = np.ogrid[tuple(slice(first, first + n) for first, n in zip(low, part.shape))]
    squared = sum((axis - a) ** 2 for axis, a in zip(axes, at))
    np.maximum(part, (GROUND + height * np.exp(-0.5 * squared / radius**2)).astype(np.float32), out=part)


def main(shape: str, seed: str, path: str) -> None:
    """Writes a volume."""
    z, y, x = (int(n) for n in shape.split(","))
    volume = make((z, y, x), int(seed))
    np.save(path, volume)
    print(hashlib.sha256(volume.tobytes()).hexdigest())


if __name__ == "__main__":
    main(*sys.argv[1:])
