"""Columns as tables of pandas or pyarrow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    import pyarrow

Columns = list[tuple[str, Any, Any]]


def frame(columns: Columns) -> pd.DataFrame:
    """Columns as a DataFrame: whole numbers that are not all known are ``Int64``, numbers that are not known NaN."""
    made = {}
    for name, cells, known in columns:
        if known is not None:
            cells = pd.arrays.IntegerArray(cells, ~known)
        elif isinstance(cells, list):
            cells = pd.Series(cells, dtype=object)
        made[name] = cells
    return pd.DataFrame(made)


def arrow(columns: Columns) -> pyarrow.Table:
    """Columns as a ``pyarrow.Table``; what is not known is null."""
    try:
        import pyarrow as pa
    except ImportError as error:
        raise ImportError("pyarrow is not installed: pip install 'gemmule[arrow]'") from error

    made = {}
    for name, cells, known in columns:
        if known is not None:
            made[name] = pa.array(cells, mask=~known)
        elif isinstance(cells, list):
            made[name] = pa.array(cells, type=pa.string())
        else:
            made[name] = pa.array(cells, mask=np.isnan(cells) if cells.dtype.kind == "f" else None)
    return pa.table(made)
