//! Engines, stacks, filters, and from a stack to its spines.

use std::path::PathBuf;
use std::sync::Arc;

use gemmule::columns::Columns;
use gemmule::engine::Backend;
use gemmule::error::Error;
use gemmule::filter::blob::{Blob, blobs as find_blobs};
use gemmule::filter::noise;
use gemmule::filter::ridge::ridge as ridge_map;
use gemmule::filter::smooth::{SigmaUm, smooth as smoothed};
use gemmule::io::{self, ReadOptions};
use gemmule::phantom::{self as phantoms, Phantom, TrueSpine};
use gemmule::pipeline;
use gemmule::units::VoxelSize;
use numpy::PyArray3;
use pyo3::prelude::*;

use crate::array::{self, Borrowed};
use crate::fault::{OrRaise as _, raised};
use crate::params;
use crate::progress::Asked;
use crate::table;

type Callable = Option<Py<PyAny>>;

#[pyclass(frozen, module = "gemmule._gemmule")]
pub(crate) struct Engine(pub(crate) Arc<gemmule::engine::Engine>);

#[pymethods]
impl Engine {
    #[new]
    #[pyo3(signature = (backend = "auto", adapter = None, max_buffer_len = None))]
    fn new(py: Python<'_>, backend: &str, adapter: Option<String>, max_buffer_len: Option<usize>) -> PyResult<Self> {
        let backend = match (backend, adapter) {
            ("auto", None) => Backend::Auto,
            ("cpu", None) => Backend::Cpu,
            ("gpu" | "auto", adapter) => Backend::Gpu { adapter },
            (other, _) => {
                let remedy = "give one of these; an adapter only without \"cpu\"";
                return Err(raised(py, &Error::parameter("backend", other, "auto, gpu or cpu", remedy)));
            }
        };
        let made = py.detach(|| gemmule::engine::Engine::new(backend)).or_raise(py)?;
        let made = match max_buffer_len {
            Some(len) => made.with_max_buffer_len(len),
            None => made,
        };
        Ok(Self(Arc::new(made)))
    }

    fn describe(&self) -> String {
        self.0.describe()
    }

    #[getter]
    fn adapter(&self) -> Option<String> {
        self.0.adapter().map(ToString::to_string)
    }

    fn __repr__(&self) -> String {
        format!("<gemmule.Engine: {}>", self.0.describe())
    }
}

#[pyfunction]
pub(crate) fn info(py: Python<'_>, path: PathBuf) -> PyResult<String> {
    let info = py.detach(|| io::info(&path)).or_raise(py)?;
    Ok(serde_json::to_string(&info).unwrap_or_default())
}

#[pyfunction]
pub(crate) fn read_stack(
    py: Python<'_>,
    path: PathBuf,
    voxel_um: Option<[f64; 3]>,
    channel: Option<usize>,
    time: Option<usize>,
) -> PyResult<(Bound<'_, PyAny>, [f64; 3])> {
    let voxel_size = voxel_um.map(|[z, y, x]| VoxelSize::new(z, y, x)).transpose().or_raise(py)?;
    let options = ReadOptions { voxel_size, channel, time, ..ReadOptions::default() };
    let stack = py.detach(|| io::read_stack(&path, &options)).or_raise(py)?;
    Ok(array::given_stack(py, stack))
}

/// Spines, dendrites, labels, and as JSON the noise and the summary.
pub(crate) type Found<'py> = (table::Given<'py>, table::Given<'py>, Bound<'py, PyArray3<u16>>, String);

pub(crate) fn given_found<'py>(py: Python<'py>, found: pipeline::Found) -> PyResult<Found<'py>> {
    let about = serde_json::json!({
        "noise": found.noise,
        "noise_correlation": found.noise_correlation,
        "result": pipeline::summary(&found),
    });
    let spines = table::given(py, &io::spines_table(&found.spines))?;
    let dendrites = table::given(py, &io::dendrites_table(&found.dendrites))?;
    Ok((spines, dendrites, array::given(py, found.labels.to_volume()), about.to_string()))
}

#[pyfunction]
pub(crate) fn detect<'py>(
    py: Python<'py>,
    engine: &Engine,
    stack: &Bound<'py, PyAny>,
    voxel_um: [f64; 3],
    params: params::Given,
    progress: Callable,
) -> PyResult<Found<'py>> {
    let (params, borrowed) = (params::read(&params).or_raise(py)?, Borrowed::new(stack)?);
    let lent = borrowed.lend(py, voxel_um)?;
    let (view, mut asked) = (lent.view(), Asked::new(progress));
    let outcome = py.detach(|| pipeline::detect(&engine.0, view, &params, &mut asked));
    given_found(py, asked.or_raised(outcome.or_raise(py))?)
}

/// Values, edges of a voxel, origin.
type GivenMap<'py> = (Bound<'py, PyArray3<f32>>, [f64; 3], [f64; 3]);

#[pyfunction]
pub(crate) fn ridge<'py>(
    py: Python<'py>,
    engine: &Engine,
    stack: &Bound<'py, PyAny>,
    voxel_um: [f64; 3],
    params: params::Given,
    progress: Callable,
) -> PyResult<GivenMap<'py>> {
    let (params, borrowed) = (params::read(&params).or_raise(py)?, Borrowed::new(stack)?);
    let lent = borrowed.lend(py, voxel_um)?;
    let (view, mut asked) = (lent.view(), Asked::new(progress));
    let outcome = py.detach(|| {
        let noise = noise::estimate(view.voxels)?;
        ridge_map(&engine.0, view, &noise, &params.ridge, &mut asked)
    });
    let map = asked.or_raised(outcome.or_raise(py))?;
    let (size, at) = (map.grid.voxel_size, map.grid.origin);
    Ok((array::given(py, map.ridge), [size.z_um, size.y_um, size.x_um], [at.z, at.y, at.x]))
}

#[pyfunction]
pub(crate) fn smooth<'py>(
    py: Python<'py>,
    engine: &Engine,
    stack: &Bound<'py, PyAny>,
    voxel_um: [f64; 3],
    sigma_um: [f64; 3],
    progress: Callable,
) -> PyResult<Bound<'py, PyArray3<f32>>> {
    let borrowed = Borrowed::new(stack)?;
    let lent = borrowed.lend(py, voxel_um)?;
    let (view, mut asked) = (lent.view(), Asked::new(progress));
    let sigma = SigmaUm { z_um: sigma_um[0], y_um: sigma_um[1], x_um: sigma_um[2] };
    let outcome = py.detach(|| smoothed(&engine.0, view, sigma, &mut asked));
    Ok(array::given(py, asked.or_raised(outcome.or_raise(py))?))
}

#[pyfunction]
pub(crate) fn blobs<'py>(
    py: Python<'py>,
    engine: &Engine,
    stack: &Bound<'py, PyAny>,
    voxel_um: [f64; 3],
    params: params::Given,
    progress: Callable,
) -> PyResult<table::Given<'py>> {
    let (params, borrowed) = (params::read(&params).or_raise(py)?, Borrowed::new(stack)?);
    let lent = borrowed.lend(py, voxel_um)?;
    let (view, mut asked) = (lent.view(), Asked::new(progress));
    let outcome = py.detach(|| {
        let noise = noise::estimate(view.voxels)?;
        find_blobs(&engine.0, view, &noise, &params.blob, &mut asked)
    });
    let found: Vec<Blob> = asked.or_raised(outcome.or_raise(py))?;
    let columns = Columns::of(&found, None)
        .number("z_um", |b| Some(b.place.z))
        .number("y_um", |b| Some(b.place.y))
        .number("x_um", |b| Some(b.place.x))
        .number("sigma_um", |b| Some(b.sigma_um))
        .number("response", |b| Some(b.response));
    table::given(py, &columns.done())
}

/// Voxels, their edges, true spines, true dendrites.
type GivenPhantom<'py> = (Bound<'py, PyAny>, [f64; 3], table::Given<'py>, table::Given<'py>);

fn given_phantom(py: Python<'_>, made: Phantom) -> PyResult<GivenPhantom<'_>> {
    let truth = Columns::of(&made.spines, None)
        .integer("spine_id", |s: &TrueSpine| Some(s.spine_id.into()))
        .integer("site", |s| Some(s.site.into()))
        .integer("dendrite_id", |s| Some(s.dendrite_id.into()))
        .number("z_um", |s| Some(s.head.z))
        .number("y_um", |s| Some(s.head.y))
        .number("x_um", |s| Some(s.head.x))
        .number("s_um", |s| Some(s.s_um))
        .number("length_um", |s| Some(s.length_um))
        .number("head_width_um", |s| Some(s.head_width_um))
        .number("photons", |s| Some(s.photons))
        .integer("scorable", |s| Some(s.scorable.into()));
    let spines = table::given(py, &truth.done())?;
    let dendrites = table::given(py, &io::dendrites_table(&made.dendrites))?;
    let (voxels, voxel_um) = array::given_stack(py, made.stack);
    Ok((voxels, voxel_um, spines, dendrites))
}

#[pyfunction]
pub(crate) fn phantom(py: Python<'_>, params: params::Given, progress: Callable) -> PyResult<GivenPhantom<'_>> {
    let params = params::read(&params).or_raise(py)?;
    let mut asked = Asked::new(progress);
    let outcome = py.detach(|| phantoms::stack(&params.phantom, &mut asked));
    given_phantom(py, asked.or_raised(outcome.or_raise(py))?)
}

#[pyfunction]
pub(crate) fn phantom_series(
    py: Python<'_>,
    params: params::Given,
    progress: Callable,
) -> PyResult<Vec<GivenPhantom<'_>>> {
    let params = params::read(&params).or_raise(py)?;
    let mut asked = Asked::new(progress);
    let outcome = py.detach(|| phantoms::series(&params.phantom, &params.phantom_series, &mut asked));
    let made = asked.or_raised(outcome.or_raise(py))?;
    made.sessions.into_iter().map(|session| given_phantom(py, session)).collect()
}
