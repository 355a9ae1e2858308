"""What the functions of gemmule return."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from gemmule import _table

if TYPE_CHECKING:
    import pyarrow

VoxelUm = tuple[float, float, float]


@dataclass(frozen=True)
class Stack:
    """Voxels and how large they are.

    Attributes
    ----------
    data : numpy.ndarray
        Voxels (z, y, x): uint8, uint16, int16 or float32.
    voxel_um : tuple of float
        Edges of a voxel (z, y, x), µm.
    """

    data: np.ndarray[Any, Any]
    voxel_um: VoxelUm

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray[Any, Any]:
        return np.array(self.data, dtype=dtype, copy=copy) if copy else np.asarray(self.data, dtype=dtype)


@dataclass(frozen=True)
class Map:
    """A filter's result and where it lies.

    Attributes
    ----------
    data : numpy.ndarray
        Values (z, y, x), float32.
    voxel_um : tuple of float
        Edges of a voxel (z, y, x), µm.
    origin_um : tuple of float
        Centre of voxel (0, 0, 0) in the stack's coordinates, µm.
    """

    data: np.ndarray[Any, Any]
    voxel_um: VoxelUm
    origin_um: VoxelUm


class _Tables:
    """Tables by name."""

    _columns: dict[str, _table.Columns]

    def _frame(self, name: str) -> pd.DataFrame:
        return _table.frame(self._columns[name])

    def arrow(self, name: str) -> pyarrow.Table:
        """A table as a ``pyarrow.Table`` (needs pyarrow).

        Parameters
        ----------
        name : str
            Name of the attribute that has it as a DataFrame.
        """
        if name not in self._columns:
            raise KeyError(f"{name!r} is none of the tables {', '.join(self._columns)}")
        return _table.arrow(self._columns[name])


@dataclass(frozen=True)
class Found(_Tables):
    """What is found in one stack.

    Attributes
    ----------
    labels : numpy.ndarray
        Number of the spine at each voxel, 0 where there is none; uint16.
    noise : dict
        The noise model used: gain, offset, read_variance in grey levels.
    noise_correlation : float
        How many times larger the variance is after smoothing because neighbouring voxels share noise.
    summary : dict
        Counts, lengths, density.
    """

    labels: np.ndarray[Any, Any]
    noise: dict[str, float]
    noise_correlation: float
    summary: dict[str, Any]
    _columns: dict[str, _table.Columns] = field(repr=False)

    @property
    def spines(self) -> pd.DataFrame:
        """One row per spine, the columns of ``spines.csv``."""
        return self._frame("spines")

    @property
    def dendrites(self) -> pd.DataFrame:
        """One row per point of a centreline, the columns of ``dendrites.csv``."""
        return self._frame("dendrites")


@dataclass(frozen=True)
class Tracked(_Tables):
    """A tracked series.

    Attributes
    ----------
    sessions : list of Found
        What was found in every session.
    names : list of str
        Names of the sessions.
    summary : dict
        Counts, how well each session fits the next, what was fitted to the series.
    """

    sessions: list[Found]
    names: list[str]
    summary: dict[str, Any]
    _columns: dict[str, _table.Columns] = field(repr=False)

    @property
    def tracks(self) -> pd.DataFrame:
        """One row per site and session, the columns of ``tracks.csv``."""
        return self._frame("tracks")

    @property
    def links(self) -> pd.DataFrame:
        """One row per link, the columns of ``links.csv``."""
        return self._frame("links")

    @property
    def dynamics(self) -> pd.DataFrame:
        """Rates per interval and dendrite, the columns of ``dynamics.csv``."""
        return self._frame("dynamics")

    @property
    def survival(self) -> pd.DataFrame:
        """Kaplan-Meier survival, the columns of ``survival.csv``."""
        return self._frame("survival")


@dataclass(frozen=True)
class Effects(_Tables):
    """What a long table says.

    Attributes
    ----------
    remarks : list of str
        What was left out or is odd.
    """

    remarks: list[str]
    _columns: dict[str, _table.Columns] = field(repr=False)

    @property
    def effects(self) -> pd.DataFrame:
        """One row per test, the columns of ``effects.csv``."""
        return self._frame("effects")


@dataclass(frozen=True)
class Phantom(_Tables):
    """A synthetic stack and what is in it.

    Attributes
    ----------
    stack : Stack
        The stack, uint16.
    """

    stack: Stack
    _columns: dict[str, _table.Columns] = field(repr=False)

    @property
    def spines(self) -> pd.DataFrame:
        """The true spines."""
        return self._frame("spines")

    @property
    def dendrites(self) -> pd.DataFrame:
        """The true dendrites."""
        return self._frame("dendrites")
