"""The napari plugin in a window that nobody sees: GEMMULE_NAPARI_TESTS=skip leaves it out."""

import importlib
import os

import numpy as np
import pandas as pd
import pytest

import gemmule

if os.environ.get("GEMMULE_NAPARI_TESTS") == "skip":
    pytest.skip("GEMMULE_NAPARI_TESTS=skip: the napari plugin is NOT tested", allow_module_level=True)
import napari  # noqa: E402, F401 - where it is not installed, this is a failure


def wait(qtbot, work):
    qtbot.waitUntil(lambda: not work.running, timeout=120_000)


@pytest.fixture
def viewer(make_napari_viewer):
    return make_napari_viewer(show=True)


def test_the_manifest_is_valid_and_its_commands_are_there():
    from npe2 import PluginManifest

    manifest = PluginManifest.from_distribution("gemmule")
    for command in manifest.contributions.commands:
        module, _, name = command.python_name.partition(":")
        assert callable(getattr(importlib.import_module(module), name)), command.id


def test_a_stack_is_read_with_its_scale_and_what_is_none_is_left_to_others(viewer, series, tmp_path):
    [layer] = viewer.open(str(series[0]), plugin="gemmule")
    stack = gemmule.read_stack(series[0])
    assert np.array_equal(layer.data, stack.data)
    assert tuple(layer.scale) == pytest.approx(stack.voxel_um)
    from gemmule.napari.reader import get_reader

    (tmp_path / "no.tif").write_bytes(b"nothing")
    assert get_reader(str(tmp_path / "no.tif")) is None


def test_detect_adds_points_shapes_and_labels_on_the_voxels(viewer, qtbot, made):
    from gemmule.napari.find import Detect

    layer = viewer.add_image(made.stack.data, name="day0")
    widget = Detect(viewer)
    widget.work.begin()
    assert "voxel size of day0 is not known" in widget.work.said.text()
    layer.scale = made.stack.voxel_um
    widget.work.begin()
    wait(qtbot, widget.work)
    found = gemmule.detect(made.stack)
    labels, shapes, points = (viewer.layers[f"day0: {n}"] for n in ("labels", "dendrites", "spines"))
    assert np.array_equal(labels.data, found.labels)
    assert len(shapes.data) == found.summary["dendrites"]
    for result in (labels, shapes, points):
        assert tuple(result.scale) == pytest.approx(made.stack.voxel_um)
    heads = found.spines[["z_um", "y_um", "x_um"]].to_numpy()
    assert np.allclose(points.data * points.scale, heads)
    widget.work.begin()
    widget.work.cancel.click()
    wait(qtbot, widget.work)
    assert "cancelled" in widget.work.said.text()


def test_calls_are_reviewed_and_the_command_line_honours_what_was_decided(viewer, qtbot, series, tmp_path, command_line):
    from gemmule.napari.find import Track
    from gemmule.napari.review import Review

    viewer.open([str(p) for p in series], plugin="gemmule", stack=False)
    tracking = Track(viewer)
    tracking.work.begin()
    wait(qtbot, tracking.work)
    names = {layer.name for layer in viewer.layers}
    assert {"calls", "tracks", "session 0", "session 1", "session 0: labels"} <= names, tracking.work.said.text()
    calls = viewer.layers["calls"]
    assert calls.ndim == 4 and set(calls.features["status"]) <= {"present", "absent", "unscorable"}

    review = Review(viewer)
    dock = viewer.window.add_dock_widget(review, name="Review calls")
    assert review.layer.currentText() == "calls"
    review.go(1)
    first = calls.features.iloc[review.order[0]]
    doubts = calls.features["doubt"].to_numpy()
    assert first["doubt"] == doubts.max()
    assert viewer.dims.current_step[0] == int(first["session"])
    assert np.allclose(getattr(viewer, "scene", viewer).camera.center, first[["z_um", "y_um", "x_um"]].to_numpy(dtype=float), atol=1e-3)
    review.who.setText("tester")
    review.note.setText("sure")
    # Overturn the first call that says present, and one that has no doubt.
    at = next(k for k, row in enumerate(review.order) if calls.features["status"].iloc[row] == "present")
    review.at = at
    chosen = calls.features.iloc[review.order[at]]
    review.decide("not-a-spine")
    review.save_to(tmp_path / "curation.csv")
    assert "1 decisions" in review.said.text()
    saved = pd.read_csv(tmp_path / "curation.csv")
    assert list(saved["verdict"]) == ["not-a-spine"] and list(saved["who"]) == ["tester"] and list(saved["note"]) == ["sure"]

    qtbot.wait(300)
    picture = viewer.screenshot(canvas_only=False, flash=False)
    assert picture.std() > 5, "the window is empty"
    if folder := os.environ.get("GEMMULE_SCREENSHOT"):
        from imageio.v3 import imwrite

        imwrite(folder, picture)

    command_line("track", *series, "--backend", "cpu", "--curation", tmp_path / "curation.csv", "-o", tmp_path / "cli")
    tracks = pd.read_csv(tmp_path / "cli/tracks.csv", dtype={"session": str}, keep_default_na=False)
    by_tester = tracks[tracks["curated"] == "tester"]
    place = by_tester[["z_um", "y_um", "x_um"]].astype(float).to_numpy() - chosen[["z_um", "y_um", "x_um"]].to_numpy(dtype=float)
    # Nothing is a spine there in any session.
    assert len(by_tester) == 2 and set(by_tester["status"]) == {"absent"}
    assert np.abs(place[list(by_tester["session"]).index(chosen["session"])]).max() < 1e-3
    again = gemmule.track(series, curation=tmp_path / "curation.csv", engine=gemmule.Engine("cpu")).tracks
    assert list(again["curated"]) == list(tracks["curated"])
    viewer.window.remove_dock_widget(dock)
