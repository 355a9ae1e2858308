"""The functions of gemmule."""

from __future__ import annotations

import functools
import json
import os
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Union

import numpy as np
import pandas as pd

from gemmule import _gemmule, _params, _table
from gemmule._errors import InputError
from gemmule._gemmule import Engine
from gemmule._params import Params
from gemmule._results import Effects, Found, Map, Phantom, Stack, Tracked, VoxelUm

PathLike = Union[str, "os.PathLike[str]"]
Progress = Union[Callable[[str, int, int], Any], None]
StackLike = Union[Stack, np.ndarray[Any, Any], PathLike]


@functools.cache
def _default_engine() -> Engine:
    return Engine()


def _engine(engine: Engine | None) -> Engine:
    return _default_engine() if engine is None else engine


def _sizes(voxel_um: Any) -> VoxelUm:
    try:
        z, y, x = (float(v) for v in voxel_um)
    except (TypeError, ValueError):
        raise InputError(f"voxel_um is {voxel_um!r}, allowed are three numbers (z, y, x) in µm: give them") from None
    return z, y, x


def _taken(stack: StackLike, voxel_um: Any) -> Stack:
    """The voxels and their size; arrays are not copied."""
    if isinstance(stack, (str, os.PathLike)):
        return read_stack(stack, voxel_um=voxel_um)
    if isinstance(stack, Stack):
        return stack if voxel_um is None else Stack(stack.data, _sizes(voxel_um))
    if voxel_um is None:
        raise InputError("voxel_um is not given, allowed are three numbers (z, y, x) in µm: an array does not say its own")
    data = stack if isinstance(stack, np.ndarray) or not hasattr(stack, "__array__") else np.asarray(stack)
    return Stack(data, _sizes(voxel_um))


def _found(given: Any) -> Found:
    spines, dendrites, labels, about = given
    about = json.loads(about)
    columns = {"spines": spines, "dendrites": dendrites}
    return Found(labels, about["noise"], about["noise_correlation"], about["result"], columns)


def info(path: PathLike) -> dict[str, Any]:
    """What a file says about itself, without reading its voxels.

    Parameters
    ----------
    path : str or path
        Any stack that gemmule reads.

    Returns
    -------
    dict
        Format, shape, voxel type, voxel size and where it was read from, channels, times.

    Raises
    ------
    FileError
        If it cannot be read or understood.
    """
    made: dict[str, Any] = json.loads(_gemmule.info(os.fspath(path)))
    return made


def read_stack(path: PathLike, *, voxel_um: Any = None, channel: int | None = None, time: int | None = None) -> Stack:
    """Reads one channel of one time point.

    Parameters
    ----------
    path : str or path
        Any stack that gemmule reads.
    voxel_um : sequence of three floats, optional
        Edges of a voxel (z, y, x), µm; goes before what the file says. Never guessed.
    channel, time : int, optional
        From 0; needed if the file has several.

    Returns
    -------
    Stack
        Voxels in the type of the file, and their size.

    Raises
    ------
    FileError
        If the file cannot be read or understood.
    InputError
        If the voxel size is neither in the file nor given, or there are several channels or time points and none is chosen.
    """
    size = None if voxel_um is None else _sizes(voxel_um)
    return Stack(*_gemmule.read_stack(os.fspath(path), size, channel, time))


def detect(
    stack: StackLike,
    voxel_um: Any = None,
    *,
    params: Params = None,
    engine: Engine | None = None,
    progress: Progress = None,
) -> Found:
    """Finds the dendrites and spines of one stack.

    Parameters
    ----------
    stack : Stack, numpy.ndarray (z, y, x), or path
        Voxels: uint8, uint16, int16 or float32. A C-ordered array is not copied; others are, once. Other threads may run meanwhile; they must not
        write to the array.
    voxel_um : sequence of three floats, optional
        Edges of a voxel (z, y, x), µm; needed for an array.
    params : mapping, str or path, optional
        As for :func:`params`.
    engine : Engine, optional
        Where kernels run; by default a hardware GPU if one works, otherwise the CPU.
    progress : callable, optional
        Called as ``progress(stage, done, total)``; returning False cancels. Ctrl-C cancels as well.

    Returns
    -------
    Found
        Tables of spines and dendrites, label image, noise model.

    Raises
    ------
    InputError
        For an array, a voxel size or a parameter that is not allowed.
    Cancelled
        If `progress` returned False.

    Examples
    --------
    >>> import gemmule
    >>> made = gemmule.phantom({"phantom": {"planes": 12, "rows": 128, "columns": 192, "seed": 7}})
    >>> found = gemmule.detect(made.stack.data, voxel_um=made.stack.voxel_um)
    >>> len(found.spines) > 0
    True
    """
    taken = _taken(stack, voxel_um)
    return _found(
        _gemmule.detect(_engine(engine), taken.data, _sizes(taken.voxel_um), _params.given(params), progress)
    )


def ridge(
    stack: StackLike,
    voxel_um: Any = None,
    *,
    params: Params = None,
    engine: Engine | None = None,
    progress: Progress = None,
) -> Map:
    """Multi-scale ridge response, with the section ``[ridge]`` of the parameters; binned as that says.

    Parameters
    ----------
    stack, voxel_um, params, engine, progress
        As for :func:`detect`.

    Returns
    -------
    Map
        The largest response over the scales.
    """
    taken = _taken(stack, voxel_um)
    return Map(*_gemmule.ridge(_engine(engine), taken.data, _sizes(taken.voxel_um), _params.given(params), progress))


def smooth(
    stack: StackLike,
    voxel_um: Any = None,
    *,
    sigma_um: Any,
    engine: Engine | None = None,
    progress: Progress = None,
) -> Map:
    """The stack smoothed by a Gaussian whose variance is exactly the one asked for.

    Parameters
    ----------
    stack, voxel_um, engine, progress
        As for :func:`detect`.
    sigma_um : sequence of three floats
        Standard deviations along z, y, x, µm; 0 leaves an axis as it is.

    Returns
    -------
    Map
        Grey levels, float32.
    """
    taken = _taken(stack, voxel_um)
    size = _sizes(taken.voxel_um)
    return Map(_gemmule.smooth(_engine(engine), taken.data, size, _sizes(sigma_um), progress), size, (0.0, 0.0, 0.0))


def blobs(
    stack: StackLike,
    voxel_um: Any = None,
    *,
    params: Params = None,
    engine: Engine | None = None,
    progress: Progress = None,
) -> pd.DataFrame:
    """Bright blobs in space and scale, strongest first, with the section ``[blob]`` of the parameters.

    Parameters
    ----------
    stack, voxel_um, params, engine, progress
        As for :func:`detect`.

    Returns
    -------
    pandas.DataFrame
        Columns z_um, y_um, x_um, sigma_um, response (in standard deviations of a voxel's noise).
    """
    taken = _taken(stack, voxel_um)
    return _table.frame(
        _gemmule.blobs(_engine(engine), taken.data, _sizes(taken.voxel_um), _params.given(params), progress)
    )


def track(
    stacks: Iterable[StackLike],
    days: Sequence[float] | None = None,
    *,
    names: Sequence[str] | None = None,
    voxel_um: Any = None,
    fov: str = "",
    curation: PathLike | None = None,
    params: Params = None,
    engine: Engine | None = None,
    progress: Progress = None,
) -> Tracked:
    """The same spines over the sessions of a field of view, in order.

    Parameters
    ----------
    stacks : iterable of Stack, numpy.ndarray or path
        One per session, in order; taken one by one, so that a generator holds one stack at a time.
    days : sequence of float, optional
        Day of each session, ascending.
    names : sequence of str, optional
        Names of the sessions; by default "0", "1", ...
    voxel_um : sequence of three floats, optional
        For arrays, and for files that do not say it.
    fov : str, optional
        Name of the field.
    curation : str or path, optional
        A ``curation.csv``: what people decided stands.
    params, engine, progress
        As for :func:`detect`.

    Returns
    -------
    Tracked
        Tables of tracks, links, dynamics and survival, and what was found in every session.

    Raises
    ------
    InputError
        For sessions that cannot be brought together, a session without dendrites, days that do not ascend.
    """
    if isinstance(stacks, (str, os.PathLike, Stack)):
        raise InputError("stacks is one stack, allowed are two or more: give a list of them")
    series = _gemmule.Series(_params.given(params), fov)
    sessions: list[Found] = []
    used: list[str] = []
    for k, stack in enumerate(stacks):
        name = str(k) if names is None else _nth("names", names, k)
        day = None if days is None else float(_nth("days", days, k))
        if name in used:
            raise InputError(f"names has {name!r} twice, allowed is one of each: rename a session")
        taken = _taken(stack, voxel_um)
        size = _sizes(taken.voxel_um)
        sessions.append(_found(series.add(_engine(engine), taken.data, size, name, day, progress)))
        used.append(name)
    for what, given in (("names", names), ("days", days)):
        if given is not None and len(given) != len(used):
            raise InputError(f"{what} are {len(given)}, allowed are {len(used)}: give one per stack")
    tracks, links, dynamics, survival, about = series.track(None if curation is None else os.fspath(curation), progress)
    columns = {"tracks": tracks, "links": links, "dynamics": dynamics, "survival": survival}
    return Tracked(sessions, used, json.loads(about), columns)


def _nth(what: str, values: Sequence[Any], k: int) -> Any:
    if k >= len(values):
        raise InputError(f"{what} are {len(values)}, allowed is one per stack: there are more stacks")
    return values[k]


def stats(
    table: pd.DataFrame | PathLike, lives: pd.DataFrame | PathLike | None = None, *, params: Params = None
) -> Effects:
    """From anyone's long table to effects, with the section ``[stats]`` of the parameters.

    Parameters
    ----------
    table : pandas.DataFrame or path
        One row per dendrite, metric and day: treatment, mouse, dendrite, metric, day, value, and the columns that ``gemmule stats`` takes.
    lives : pandas.DataFrame or path, optional
        Lifetimes of spines.
    params
        As for :func:`detect`.

    Returns
    -------
    Effects
        The table of ``effects.csv``, and remarks.
    """
    with tempfile.TemporaryDirectory() as folder:
        long, lifetimes = (_csv(t, Path(folder) / name) for t, name in ((table, "long.csv"), (lives, "lives.csv")))
        columns, remarks = _gemmule.stats(long, lifetimes, _params.given(params))
    return Effects(remarks, {"effects": columns})


def _csv(table: Any, path: Path) -> Any:
    if table is None or isinstance(table, (str, os.PathLike)):
        return table
    # pandas writes every digit unless told otherwise.
    table.to_csv(path, index=False)
    return path


def _phantom(given: Any) -> Phantom:
    data, voxel_um, spines, dendrites = given
    return Phantom(Stack(data, tuple(voxel_um)), {"spines": spines, "dendrites": dendrites})


def phantom(params: Params = None, *, progress: Progress = None) -> Phantom:
    """A synthetic stack with known spines, with the section ``[phantom]`` of the parameters.

    Parameters
    ----------
    params, progress
        As for :func:`detect`.

    Returns
    -------
    Phantom
        The stack and its true spines and dendrites.

    Examples
    --------
    >>> import gemmule
    >>> made = gemmule.phantom({"phantom.planes": 8, "phantom.rows": 64, "phantom.columns": 96, "phantom.seed": 7})
    >>> made.stack.data.shape
    (8, 64, 96)
    """
    return _phantom(_gemmule.phantom(_params.given(params), progress))


def phantom_series(params: Params = None, *, progress: Progress = None) -> list[Phantom]:
    """Synthetic sessions of one field, with the sections ``[phantom]`` and ``[phantom_series]``.

    Parameters
    ----------
    params, progress
        As for :func:`detect`.

    Returns
    -------
    list of Phantom
        One per session; ``site`` of a true spine is the same in all of them.
    """
    return [_phantom(session) for session in _gemmule.phantom_series(_params.given(params), progress)]
