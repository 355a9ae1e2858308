//! The same spines over sessions, and statistics of tables.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use gemmule::cohort::{effects_table, read_lives_csv, read_long_csv, stats as effects_of, survival_effects};
use gemmule::dynamics::{dynamics_table, survival_table};
use gemmule::io::{links_table, tracks_table};
use gemmule::model::Session;
use gemmule::pipeline::{self, Curation, Params, SeenSession};
use pyo3::prelude::*;

use crate::array::Borrowed;
use crate::fault::OrRaise as _;
use crate::find::{Engine, Found, given_found};
use crate::params;
use crate::progress::Asked;
use crate::table;

#[derive(Default)]
struct Sessions {
    sessions: Vec<Session>,
    seen: Vec<SeenSession>,
}

#[pyclass(frozen, module = "gemmule._gemmule")]
pub(crate) struct Series {
    fov: String,
    params: Params,
    inner: Mutex<Sessions>,
}

#[pymethods]
impl Series {
    #[new]
    fn new(py: Python<'_>, params: params::Given, fov: String) -> PyResult<Self> {
        Ok(Self { fov, params: params::read(&params).or_raise(py)?, inner: Mutex::default() })
    }

    /// Finds the spines of the next session and keeps what tracking needs.
    #[allow(clippy::too_many_arguments, reason = "the arguments of a Python method")]
    fn add<'py>(
        &self,
        py: Python<'py>,
        engine: &Engine,
        stack: &Bound<'py, PyAny>,
        voxel_um: [f64; 3],
        name: String,
        day: Option<f64>,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Found<'py>> {
        let borrowed = Borrowed::new(stack)?;
        let lent = borrowed.lend(py, voxel_um)?;
        let (view, mut asked) = (lent.view(), Asked::new(progress));
        let outcome = py.detach(|| {
            let (found, seen) = pipeline::see(&engine.0, view, &self.params, &mut asked)?;
            let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
            inner.sessions.push(Session { name, day });
            inner.seen.push(seen);
            Ok(found)
        });
        given_found(py, asked.or_raised(outcome.or_raise(py))?)
    }

    /// Tracks, links, dynamics, survival, and as JSON the summary.
    fn track<'py>(
        &self,
        py: Python<'py>,
        curation: Option<PathBuf>,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<(table::Given<'py>, table::Given<'py>, table::Given<'py>, table::Given<'py>, String)> {
        let mut asked = Asked::new(progress);
        let outcome = py.detach(|| {
            let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
            let (sessions, params) = (&inner.sessions, &self.params);
            let curation = match &curation {
                Some(path) => Curation::read(path, sessions, None, None)?,
                None => Curation::default(),
            };
            let tracked = pipeline::track_curated(&inner.seen, sessions, &curation, params, &mut asked)?;
            let lengths = pipeline::lengths(&tracked, &inner.seen);
            Ok((
                tracks_table(sessions, &tracked.tracks),
                links_table(sessions, &tracked.links),
                dynamics_table(&self.fov, sessions, &tracked.tracks, &lengths, &params.dynamics)?,
                survival_table(&self.fov, sessions, &tracked.tracks, &params.dynamics)?,
                pipeline::track_summary(&tracked).to_string(),
            ))
        });
        let (tracks, links, dynamics, survival, about) = asked.or_raised(outcome.or_raise(py))?;
        let given = |table| table::given(py, table);
        Ok((given(&tracks)?, given(&links)?, given(&dynamics)?, given(&survival)?, about))
    }
}

#[pyfunction]
pub(crate) fn stats(
    py: Python<'_>,
    long: PathBuf,
    lives: Option<PathBuf>,
    params: params::Given,
) -> PyResult<(table::Given<'_>, Vec<String>)> {
    let params = params::read(&params).or_raise(py)?;
    let effects = py.detach(|| {
        let mut effects = effects_of(&read_long_csv(&long)?, &params.stats)?;
        if let Some(lives) = &lives {
            let survival = survival_effects(&read_lives_csv(lives)?, &params.stats)?;
            effects.rows.extend(survival.rows);
            effects.remarks.extend(survival.remarks);
        }
        Ok(effects)
    });
    let effects = effects.or_raise(py)?;
    Ok((table::given(py, &effects_table(&effects))?, effects.remarks))
}
