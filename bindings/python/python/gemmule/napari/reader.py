"""Stacks from files to image layers."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gemmule

LayerData = tuple[Any, dict[str, Any], str]


def get_reader(path: Any) -> Callable[[Any], list[LayerData]] | None:
    """A reader if gemmule understands the file, otherwise None: napari then asks the next one.

    Parameters
    ----------
    path : str or list of str
        One file, or several that are opened together.
    """
    paths = path if isinstance(path, list) else [path]
    try:
        for one in paths:
            gemmule.info(one)
    except gemmule.GemmuleError:
        return None
    return read


def read(path: Any) -> list[LayerData]:
    """Image layers, one per channel, in µm.

    Parameters
    ----------
    path : str or list of str
        Files that gemmule reads.

    Returns
    -------
    list of tuple
        Layer data for napari. Where a file does not say how large its voxels are, the layer has no scale and its metadata say so: the widgets then ask.
    """
    paths = path if isinstance(path, list) else [path]
    return [layer for one in paths for layer in _layers(one)]


def _layers(path: str) -> list[LayerData]:
    about = gemmule.info(path)
    known = about["voxel_size"] is not None
    made = []
    for channel in range(about["channels"]):
        for time in range(about["times"]):
            # Without a size the voxels can still be looked at; nothing is measured before it is given.
            size = None if known else (1.0, 1.0, 1.0)
            stack = gemmule.read_stack(
                path,
                voxel_um=size,
                channel=channel if about["channels"] > 1 else None,
                time=time if about["times"] > 1 else None,
            )
            name = Path(path).name
            name += f" channel {channel}" if about["channels"] > 1 else ""
            name += f" time {time}" if about["times"] > 1 else ""
            metadata = {"gemmule": {"path": os.fspath(path), "voxel_um": stack.voxel_um if known else None}}
            options: dict[str, Any] = {"name": name, "metadata": metadata, "colormap": "gray"}
            if known:
                options |= {"scale": stack.voxel_um, "units": ("um", "um", "um")}
            made.append((stack.data, options, "image"))
    return made
