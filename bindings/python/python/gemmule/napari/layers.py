"""Results as layers: coordinates are voxels with the voxel size as scale, so that they lie on the image."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

import gemmule

PLACE = ["z_um", "y_um", "x_um"]
UNITS = ("um", "um", "um")
#: Okabe-Ito's colours, which all readers can tell apart.
STATUS = {"present": "#009e73", "absent": "#d55e00", "unscorable": "#999999"}

LayerData = tuple[Any, dict[str, Any], str]


def _voxels(table: pd.DataFrame, voxel_um: Any) -> np.ndarray[Any, Any]:
    return table[PLACE].to_numpy(dtype=float) / np.asarray(voxel_um, dtype=float)


def of_found(found: gemmule.Found, voxel_um: Any, name: str, score_min: float) -> list[LayerData]:
    """Points of the heads, shapes of the dendrites, labels of the spines.

    Parameters
    ----------
    found : gemmule.Found
        What was found.
    voxel_um : sequence of three floats
        Edges of a voxel, µm.
    name : str
        Name of the image layer.
    score_min : float
        The detector's threshold: spines near it are the least certain.
    """
    spines = found.spines
    features = spines.assign(session="0", track_id=spines["spine_id"], doubt=-(spines["score"] - score_min).abs())
    common = {"scale": tuple(voxel_um), "units": UNITS}
    paths = [_voxels(points, voxel_um) for _, points in found.dendrites.groupby("dendrite_id", sort=True)]
    ids = list(found.dendrites["dendrite_id"].drop_duplicates())
    return [
        (found.labels, {"name": f"{name}: labels", "opacity": 0.4, **common}, "labels"),
        (
            paths,
            {
                "name": f"{name}: dendrites",
                "shape_type": "path",
                "edge_width": 1.5,
                "edge_color": "#56b4e9",
                "features": pd.DataFrame({"dendrite_id": ids}),
                **common,
            },
            "shapes",
        ),
        (
            _voxels(spines, voxel_um),
            {
                "name": f"{name}: spines",
                "features": features,
                "size": 8,
                "face_color": "transparent",
                "border_color": "#e69f00",
                "border_width": 0.15,
                "out_of_slice_display": True,
                "metadata": {"gemmule": {"voxel_um": tuple(voxel_um), "kind": "spines"}},
                **common,
            },
            "points",
        ),
    ]


def of_tracked(tracked: gemmule.Tracked, stacks: list[gemmule.Stack]) -> list[LayerData]:
    """Sessions along the first axis: images, labels, points of every call, tracks of what is present.

    Parameters
    ----------
    tracked : gemmule.Tracked
        The series.
    stacks : list of gemmule.Stack
        Its stacks, of one voxel size; nothing is copied.
    """
    voxel_um = stacks[0].voxel_um
    scale, units = (1.0, *voxel_um), ("pixel", *UNITS)
    made: list[LayerData] = []
    for k, (stack, found, name) in enumerate(zip(stacks, tracked.sessions, tracked.names, strict=True)):
        place = {"scale": scale, "units": units, "translate": (float(k), 0.0, 0.0, 0.0)}
        made.append((stack.data[None], {"name": f"session {name}", "colormap": "gray", **place}, "image"))
        made.append((found.labels[None], {"name": f"session {name}: labels", "opacity": 0.3, **place}, "labels"))
    calls = tracked.tracks.dropna(subset=PLACE).reset_index(drop=True)
    session = calls["session"].map({name: k for k, name in enumerate(tracked.names)}).to_numpy(dtype=float)
    points = np.column_stack([session, _voxels(calls, voxel_um)])
    features = calls.assign(doubt=-(calls["p_present"] - 0.5).abs().fillna(1.0))
    made.append(
        (
            points,
            {
                "name": "calls",
                "features": features,
                "size": 8,
                "face_color": "transparent",
                "border_color": [STATUS[s] for s in calls["status"]],
                "border_width": 0.15,
                "scale": scale,
                "units": units,
                "metadata": {"gemmule": {"voxel_um": voxel_um, "kind": "calls", "names": tracked.names}},
            },
            "points",
        )
    )
    there = (calls["status"] == "present").to_numpy()
    lines = np.column_stack([calls["track_id"].to_numpy(dtype=float), points])[there]
    lines = lines[np.lexsort((lines[:, 1], lines[:, 0]))]
    if len(lines):
        options = {"name": "tracks", "scale": scale, "units": units, "tail_length": len(stacks), "visible": True}
        made.append((lines, options, "tracks"))
    return made
