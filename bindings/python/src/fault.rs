//! Errors of gemmule as exceptions of `gemmule._errors`.

use gemmule::error::Error;
use pyo3::prelude::*;

/// The exception for an error.
pub(crate) fn raised(py: Python<'_>, error: &Error) -> PyErr {
    let class = match error {
        Error::Parameter { .. } | Error::VoxelSizeUnknown { .. } => "InputError",
        Error::File { .. } => "FileError",
        Error::Gpu { .. } => "GpuError",
        Error::Memory { .. } => "OutOfMemoryError",
        Error::Cancelled => "Cancelled",
        _ => "GemmuleError",
    };
    let made = py.import("gemmule._errors").and_then(|m| m.getattr(class)).and_then(|c| c.call1((error.to_string(),)));
    made.map_or_else(|e| e, PyErr::from_value)
}

/// Results with the exception for their error.
pub(crate) trait OrRaise<T> {
    fn or_raise(self, py: Python<'_>) -> PyResult<T>;
}

impl<T> OrRaise<T> for gemmule::error::Result<T> {
    fn or_raise(self, py: Python<'_>) -> PyResult<T> {
        self.map_err(|error| raised(py, &error))
    }
}
