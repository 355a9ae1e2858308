//! Parameters by name, and the command line.

use std::ffi::OsString;

use gemmule::error::Result;
use gemmule::pipeline::Params;
use pyo3::prelude::*;

use crate::fault::OrRaise as _;

/// Parameters as Python hands them over: a file, if any, then names with values written as in a params TOML.
pub(crate) type Given = (Option<String>, Vec<(String, String)>);

/// The parameters meant.
pub(crate) fn read((file, changes): &Given) -> Result<Params> {
    let start = file.as_ref().map_or_else(|| Ok(Params::default()), Params::read)?;
    changes.iter().try_fold(start, |params, (name, value)| params.with_text(name, value))
}

#[pyfunction]
pub(crate) fn params_json(py: Python<'_>, params: Given) -> PyResult<String> {
    let params = read(&params).or_raise(py)?;
    Ok(serde_json::to_string(&params).unwrap_or_default())
}

#[pyfunction]
pub(crate) fn params_text(py: Python<'_>, params: Given) -> PyResult<String> {
    Ok(read(&params).or_raise(py)?.to_toml())
}

#[pyfunction]
pub(crate) fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}

#[pyfunction]
pub(crate) fn main(py: Python<'_>, arguments: Vec<OsString>) -> u8 {
    py.detach(|| gemmule::cli::run(arguments))
}
