"""Finds dendritic spines in 3D two-photon and confocal stacks, and follows them over sessions.

Coordinates are µm in the order z, y, x; the origin is the centre of the first voxel. The size of a voxel is never guessed.

>>> import gemmule
>>> made = gemmule.phantom({"phantom": {"planes": 12, "rows": 128, "columns": 192, "seed": 7}})
>>> sorted(gemmule.detect(made.stack).spines.columns)[:3]
['base_x_um', 'base_y_um', 'base_z_um']
"""

from gemmule import _gemmule
from gemmule._api import (
    blobs,
    detect,
    info,
    phantom,
    phantom_series,
    read_stack,
    ridge,
    smooth,
    stats,
    track,
)
from gemmule._errors import Cancelled, FileError, GemmuleError, GpuError, InputError, OutOfMemoryError
from gemmule._gemmule import Engine
from gemmule._params import params, params_text
from gemmule._results import Effects, Found, Map, Phantom, Stack, Tracked

__version__ = _gemmule.version()

__all__ = [
    "Cancelled",
    "Effects",
    "Engine",
    "FileError",
    "Found",
    "GemmuleError",
    "GpuError",
    "InputError",
    "Map",
    "OutOfMemoryError",
    "Phantom",
    "Stack",
    "Tracked",
    "blobs",
    "detect",
    "info",
    "params",
    "params_text",
    "phantom",
    "phantom_series",
    "read_stack",
    "ridge",
    "smooth",
    "stats",
    "track",
]
