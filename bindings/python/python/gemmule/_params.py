"""Parameters from Python to gemmule."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any, Union

import numpy as np

from gemmule import _gemmule
from gemmule._errors import InputError

Params = Union[Mapping[str, Any], str, "os.PathLike[str]", None]
Given = tuple[Union[str, None], list[tuple[str, str]]]


def given(params: Params) -> Given:
    """A file, if any, then names with values written as in a params TOML."""
    if params is None:
        return None, []
    if isinstance(params, (str, os.PathLike)):
        return os.fspath(params), []
    flat: list[tuple[str, str]] = []
    for name, value in params.items():
        if isinstance(value, Mapping):
            flat += [(f"{name}.{key}", _written(f"{name}.{key}", inner)) for key, inner in value.items()]
        else:
            flat.append((name, _written(name, value)))
    return None, flat


def _written(name: str, value: Any) -> str:
    if isinstance(value, (np.generic, np.ndarray)):
        value = value.tolist()
    if isinstance(value, tuple):
        value = list(value)
    if isinstance(value, float) and not np.isfinite(value):
        # TOML has names for these; the range is checked by gemmule.
        return {True: "nan", False: "inf" if value > 0 else "-inf"}[bool(np.isnan(value))]
    try:
        return json.dumps(value, ensure_ascii=False)
    except TypeError as error:
        raise InputError(f"{name} is {value!r}, allowed is a number, a text or a list of them: {error}") from error


def params(changes: Params = None) -> dict[str, dict[str, Any]]:
    """All parameters by section, with `changes` applied.

    Parameters
    ----------
    changes : mapping, str or path, optional
        ``{"trace.min_length_um": 5.0}``, ``{"trace": {"min_length_um": 5.0}}``, or the path of a params TOML.

    Returns
    -------
    dict
        Section to name to value; what is not in `changes` has its default.

    Raises
    ------
    InputError
        For a name there is not, or a value of the wrong type or out of range.

    Examples
    --------
    >>> import gemmule
    >>> gemmule.params({"trace.min_length_um": 5.0})["trace"]["min_length_um"]
    5.0
    """
    made: dict[str, dict[str, Any]] = json.loads(_gemmule.params_json(given(changes)))
    return made


def params_text(changes: Params = None) -> str:
    """All parameters as a params TOML, each with its meaning, unit, range and source.

    Parameters
    ----------
    changes : mapping, str or path, optional
        As for :func:`params`.

    Returns
    -------
    str
        What ``gemmule params`` prints.
    """
    return _gemmule.params_text(given(changes))
