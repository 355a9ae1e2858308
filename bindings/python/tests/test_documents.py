"""Examples in docstrings and README run; types and docstrings are there."""

import doctest
import inspect
import re
import subprocess
import sys

import pytest

import gemmule
from conftest import ROOT


def test_examples_of_docstrings_run():
    modules = [gemmule, sys.modules["gemmule._api"], sys.modules["gemmule._params"]]
    results = [doctest.testmod(module) for module in modules]
    assert sum(r.attempted for r in results) >= 8
    assert all(r.failed == 0 for r in results)


def test_every_function_is_documented_the_numpy_way():
    for name in gemmule.__all__:
        thing = getattr(gemmule, name)
        if inspect.isfunction(thing):
            text = inspect.getdoc(thing)
            assert "Returns\n-------" in text, name
            parameters = set(inspect.signature(thing).parameters)
            described = set(re.findall(r"\w+", " ".join(re.findall(r"^(\S.*?)(?: :.*)?$", text.split("Returns\n")[0], re.M))))
            assert parameters <= described, (name, parameters - described)


def test_types_hold():
    pytest.importorskip("mypy")
    folder = ROOT / "bindings/python"
    done = subprocess.run([sys.executable, "-m", "mypy"], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_stub_names_what_the_extension_has():
    from gemmule import _gemmule

    stub = (ROOT / "bindings/python/python/gemmule/_gemmule.pyi").read_text()
    named = set(re.findall(r"^(?:def|class) (\w+)", stub, re.M)) - {"Any"}
    assert named == {name for name in dir(_gemmule) if not name.startswith("_")}


def test_the_readme_s_python_runs(series, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, path in zip(("day0.tif", "day2.tif"), series, strict=True):
        (tmp_path / name).symlink_to(path)
    (tmp_path / "long.csv").symlink_to(ROOT / "fixtures/mixed_models.csv")
    for readme in (ROOT / "README.md", ROOT / "bindings/python/README.md"):
        blocks = re.findall(r"```python\n(.*?)```", readme.read_text(), re.S)
        assert blocks, f"{readme} has no example"
        for block in blocks:
            exec(compile(block, str(readme), "exec"), {})  # noqa: S102 - the README is ours
