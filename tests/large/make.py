"""A large stack from small ones: make.py OUT PLANES ROWS COLUMNS FIELD.tif EMPTY.tif

OUT is a BigTIFF with voxels of 2 bytes if its name ends in .tif, else an OME-Zarr 0.4 with voxels of 4 bytes. FIELD (64 planes) lies at three places, everything
else is the first 32 planes of EMPTY over and over. Equal chunks of the OME-Zarr are hard links of one file, so that 20 GB of voxels take little of the disk; every chunk is
decoded all the same. Prints where the fields lie, one "z y x" per line.
"""

import json
import os
import sys
import zlib
from pathlib import Path

import numpy as np
import tifffile

CHUNK = (16, 256, 256)


def chunks_of(voxels):
    """The chunks of a stack by their place, compressed."""
    voxels = voxels.astype("<f4")
    assert all(n % c == 0 for n, c in zip(voxels.shape, CHUNK)), voxels.shape
    counts = [n // c for n, c in zip(voxels.shape, CHUNK)]
    part = lambda i, axis: slice(i * CHUNK[axis], (i + 1) * CHUNK[axis])
    return counts, {
        (z, y, x): zlib.compress(voxels[part(z, 0), part(y, 1), part(x, 2)].tobytes(), 1)
        for z in range(counts[0]) for y in range(counts[1]) for x in range(counts[2])
    }


def places(grid, field):
    """Where the fields lie, in chunks: `field` is how many one has."""
    (gz, gy, gx), (fz, fy, fx) = grid, field
    return [(0, 0, 0), (gz // 2, gy - fy, 1), (gz - fz, 1, gx - fx)]


def tiff(out, shape, field, empty):
    """Writes one plane after the other."""
    field, noise = tifffile.imread(field), tifffile.imread(empty)[:32]
    assert field.dtype == noise.dtype == np.uint16
    grid = [n // c for n, c in zip(shape, CHUNK)]
    corners = [[n * c for n, c in zip(place, CHUNK)] for place in places(grid, [n // c for n, c in zip(field.shape, CHUNK)])]
    for corner in corners:
        print(*corner)
    tiles = [-(-n // m) for n, m in zip(shape[1:], noise.shape[1:])]

    def plane(z):
        made = np.tile(noise[z % len(noise)], tiles)[: shape[1], : shape[2]]
        for cz, y, x in corners:
            if cz <= z < cz + len(field):
                made[y : y + field.shape[1], x : x + field.shape[2]] = field[z - cz]
        return made

    sizes = {f"PhysicalSize{axis}": um for axis, um in zip("ZYX", (1.0, 0.1, 0.1))} | {f"PhysicalSize{axis}Unit": "µm" for axis in "ZYX"}
    planes = (plane(z) for z in range(shape[0]))
    tifffile.imwrite(out, planes, shape=shape, dtype=np.uint16, bigtiff=True, ome=True, photometric="minisblack", metadata={"axes": "ZYX"} | sizes)


def main(out, planes, rows, columns, field, empty):
    """Writes a TIFF, or all chunks and their metadata."""
    out, shape = Path(out), tuple(int(n) for n in (planes, rows, columns))
    if out.suffix == ".tif":
        return tiff(out, shape, field, empty)
    grid = [n // c for n, c in zip(shape, CHUNK)]
    (out / "0").mkdir(parents=True)
    scale = [1.0, 0.1, 0.1]
    dataset = {"path": "0", "coordinateTransformations": [{"type": "scale", "scale": scale}]}
    axes = [{"name": a, "type": "space", "unit": "micrometer"} for a in "zyx"]
    (out / ".zgroup").write_text(json.dumps({"zarr_format": 2}))
    (out / ".zattrs").write_text(json.dumps({"multiscales": [{"version": "0.4", "axes": axes, "datasets": [dataset]}]}))
    array = {"zarr_format": 2, "shape": shape, "chunks": CHUNK, "dtype": "<f4", "fill_value": 0, "order": "C", "filters": None}
    array |= {"compressor": {"id": "zlib", "level": 1}, "dimension_separator": "/"}
    (out / "0/.zarray").write_text(json.dumps(array))

    (fz, fy, fx), of_field = chunks_of(tifffile.imread(field))
    (nz, ny, nx), of_noise = chunks_of(tifffile.imread(empty)[:32])
    corners = places(grid, (fz, fy, fx))
    placed = {}
    for corner in corners:
        for place, chunk in of_field.items():
            placed[tuple(c + p for c, p in zip(corner, place))] = ("field", place, chunk)
        print(*(c * n for c, n in zip(corner, CHUNK)))
    first = {}
    for z in range(grid[0]):
        for y in range(grid[1]):
            (out / f"0/{z}/{y}").mkdir(parents=True)
            for x in range(grid[2]):
                noise_at = (z % nz, (y + z // nz) % ny, (x + z // nz // ny) % nx)
                name, place, chunk = placed.get((z, y, x), ("noise", noise_at, of_noise[noise_at]))
                to = out / f"0/{z}/{y}/{x}"
                if (name, place) in first and first[name, place].stat().st_nlink < 30_000:
                    os.link(first[name, place], to)
                else:
                    to.write_bytes(chunk)
                    first[name, place] = to


main(*sys.argv[1:])
