"""Arrays in without copies, out without copies, and what is no stack refused."""

import threading
import time

import numpy as np
import pytest

import gemmule


@pytest.fixture(scope="module")
def expected(made, engine):
    return gemmule.detect(made.stack, engine=engine)


@pytest.mark.parametrize(
    "order",
    [
        lambda a: np.asfortranarray(a),
        lambda a: np.ascontiguousarray(a[::-1])[::-1],
        lambda a: np.repeat(a, 2, axis=2)[:, :, ::2],
        lambda a: a.transpose(2, 1, 0).copy().transpose(2, 1, 0),
    ],
)
def test_every_memory_order_gives_the_same(made, engine, expected, order):
    array = order(made.stack.data)
    assert np.array_equal(array, made.stack.data)
    found = gemmule.detect(array, made.stack.voxel_um, engine=engine)
    assert found.spines.equals(expected.spines)
    assert np.array_equal(found.labels, expected.labels)


def test_read_only_arrays_are_taken_and_none_is_changed(made, engine, expected):
    array = made.stack.data.copy()
    array.flags.writeable = False
    assert gemmule.detect(array, made.stack.voxel_um, engine=engine).spines.equals(expected.spines)
    assert np.array_equal(array, made.stack.data)


@pytest.mark.parametrize("dtype", ["uint8", "int16", "float32"])
def test_every_type_of_voxel_is_taken(made, engine, dtype):
    array = np.minimum(made.stack.data, 255 if dtype == "uint8" else 30000).astype(dtype)
    found = gemmule.detect(array, made.stack.voxel_um, engine=engine)
    assert found.labels.shape == array.shape and found.labels.dtype == np.uint16


def test_misuse_is_an_error_that_says_what_is_allowed(made, engine):
    good, size = made.stack.data, made.stack.voxel_um
    nan = good.astype("float32")
    nan[1, 2, 3] = np.nan
    for stack, voxel_um, part in [
        (good.astype("float64"), size, "float64, allowed is uint8"),
        (good.astype("int32"), size, "int32"),
        (good.astype(">u2"), size, "byte order"),
        (good[0], size, "three axes"),
        (good[None], size, "three axes"),
        (good[:0], size, "at least one voxel"),
        (good.tolist(), size, "numpy array"),
        (None, size, "numpy array"),
        (good, None, "voxel_um is not given"),
        (good, (1.0, 0.1), "three numbers"),
        (good, "abc", "three numbers"),
        (good, (float("nan"), 0.1, 0.1), "voxel_um.z is NaN"),
        (good, (1.0, -0.1, 0.1), "voxel_um.y is -0.1"),
        (nan, size, "voxel (1, 2, 3) is NaN"),
        (np.zeros((3, 40, 40), "uint8"), size, "without measurable noise"),
    ]:
        with pytest.raises(gemmule.InputError, match=part.replace("(", r"\(").replace(")", r"\)")):
            gemmule.detect(stack, voxel_um, engine=engine)
    for bad, part in [
        ({"detect.nonsense": 1}, "nonsense"),
        ({"detect.score_min": -1.0}, "score_min is -1"),
        ({"detect.score_min": float("nan")}, "score_min is NaN"),
        ({"detect": {"score_min": "high"}}, "score_min"),
        ({"detect.score_min": object()}, "score_min"),
    ]:
        with pytest.raises(gemmule.InputError, match=part):
            gemmule.detect(made.stack, params=bad, engine=engine)
    with pytest.raises(gemmule.FileError, match="no.tif"):
        gemmule.read_stack("no.tif")
    with pytest.raises(gemmule.InputError, match="backend is abacus"):
        gemmule.Engine("abacus")
    with pytest.raises(gemmule.GpuError, match="no such adapter"):
        gemmule.Engine("gpu", adapter="abacus")
    with pytest.raises(gemmule.InputError, match="two or more"):
        gemmule.track(made.stack)
    with pytest.raises(gemmule.InputError, match="at least 2"):
        gemmule.track([made.stack], engine=engine)
    with pytest.raises(gemmule.InputError, match="days are 1"):
        gemmule.track([made.stack, made.stack], days=[0.0], engine=engine)


def test_filters_give_maps_on_their_grids(made, engine):
    ridge = gemmule.ridge(made.stack, engine=engine)
    z, y, x = made.stack.voxel_um
    assert ridge.data.shape == (12, 64, 96) and ridge.data.dtype == np.float32
    assert np.allclose(ridge.voxel_um, (z, 2 * y, 2 * x)) and np.allclose(ridge.origin_um, (0, y / 2, x / 2))
    smoothed = gemmule.smooth(made.stack, sigma_um=(0, 0, 0), engine=engine)
    assert np.array_equal(smoothed.data, made.stack.data.astype("float32"))
    blobs = gemmule.blobs(made.stack, params={"blob.response_min": 4.0}, engine=engine)
    assert len(blobs) and (np.diff(blobs["response"]) <= 0).all() and blobs["response"].min() >= 4.0


def test_small_slabs_change_nothing(made, expected):
    engine = gemmule.Engine("cpu", max_buffer_len=20_000)
    assert gemmule.detect(made.stack, engine=engine).spines.equals(expected.spines)
    assert "CPU" in engine.describe() and engine.adapter is None


def test_other_threads_run_meanwhile_and_share_an_engine(made, engine, expected):
    ticks, stop = [], threading.Event()

    def tick():
        while not stop.is_set():
            ticks.append(time.perf_counter())
            time.sleep(0.001)

    results = []
    workers = [threading.Thread(target=lambda: results.append(gemmule.detect(made.stack, engine=engine))) for _ in range(2)]
    clock = threading.Thread(target=tick)
    clock.start()
    [w.start() for w in workers]
    [w.join() for w in workers]
    stop.set()
    clock.join()
    assert len(ticks) > 20, "the interpreter was held while gemmule worked"
    assert all(r.spines.equals(expected.spines) for r in results)


def test_tables_are_arrow_tables_where_pyarrow_is(expected):
    pyarrow = pytest.importorskip("pyarrow")
    spines = expected.arrow("spines")
    assert spines.schema.field("length_um").type == pyarrow.float64()
    assert spines.num_rows == len(expected.spines)
    assert spines["head_width_um"].null_count == expected.spines["head_width_um"].isna().sum()
    assert expected.arrow("dendrites")["parent_id"].null_count == expected.dendrites["parent_id"].isna().sum()
    with pytest.raises(KeyError, match="spines, dendrites"):
        expected.arrow("thorns")
