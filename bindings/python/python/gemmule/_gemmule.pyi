import os
from collections.abc import Callable
from typing import Any

import numpy as np

_Array = np.ndarray[Any, Any]
_Triple = tuple[float, float, float]
_Columns = list[tuple[str, Any, Any]]
_Params = tuple[str | None, list[tuple[str, str]]]
_Progress = Callable[[str, int, int], Any] | None
_Found = tuple[_Columns, _Columns, _Array, str]
_Phantom = tuple[_Array, _Triple, _Columns, _Columns]
_Path = str | os.PathLike[str]

class Engine:
    """Where kernels run.

    Parameters
    ----------
    backend : {"auto", "gpu", "cpu"}
        "auto" takes a hardware GPU if one works and the CPU otherwise.
    adapter : str, optional
        Part of the adapter's name, any case.
    max_buffer_len : int, optional
        Most float32 values in a slab: less memory, more work, the same results.
    """

    def __init__(self, backend: str = "auto", adapter: str | None = None, max_buffer_len: int | None = None) -> None: ...
    def describe(self) -> str:
        """One line: adapter and driver and why it was chosen, or why the CPU."""
    @property
    def adapter(self) -> str | None:
        """The adapter in use; None on the CPU."""

class Series:
    def __init__(self, params: _Params, fov: str) -> None: ...
    def add(
        self, engine: Engine, stack: _Array, voxel_um: _Triple, name: str, day: float | None, progress: _Progress
    ) -> _Found: ...
    def track(
        self, curation: _Path | None, progress: _Progress
    ) -> tuple[_Columns, _Columns, _Columns, _Columns, str]: ...

def blobs(engine: Engine, stack: _Array, voxel_um: _Triple, params: _Params, progress: _Progress) -> _Columns: ...
def detect(engine: Engine, stack: _Array, voxel_um: _Triple, params: _Params, progress: _Progress) -> _Found: ...
def info(path: _Path) -> str: ...
def main(arguments: list[str]) -> int: ...
def params_json(params: _Params) -> str: ...
def params_text(params: _Params) -> str: ...
def phantom(params: _Params, progress: _Progress) -> _Phantom: ...
def phantom_series(params: _Params, progress: _Progress) -> list[_Phantom]: ...
def read_stack(
    path: _Path, voxel_um: _Triple | None, channel: int | None, time: int | None
) -> tuple[_Array, _Triple]: ...
def ridge(
    engine: Engine, stack: _Array, voxel_um: _Triple, params: _Params, progress: _Progress
) -> tuple[_Array, _Triple, _Triple]: ...
def smooth(
    engine: Engine, stack: _Array, voxel_um: _Triple, sigma_um: _Triple, progress: _Progress
) -> _Array: ...
def stats(long: _Path, lives: _Path | None, params: _Params) -> tuple[_Columns, list[str]]: ...
def version() -> str: ...
