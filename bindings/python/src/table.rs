//! Tables as lists of (name, cells, known).

use gemmule::columns::{Column, Columns};
use numpy::IntoPyArray as _;
use pyo3::prelude::*;
use pyo3::types::PyList;

/// Name, cells (a list of texts or an array), and an array that says which are known (none if all are).
pub(crate) type Given<'py> = Vec<(String, Bound<'py, PyAny>, Option<Bound<'py, PyAny>>)>;

/// A table for `gemmule._table.frame`.
pub(crate) fn given<'py>(py: Python<'py>, table: &Columns) -> PyResult<Given<'py>> {
    let column = |(name, column): (&str, &Column)| {
        let (cells, known) = match column {
            Column::Text(cells) => (PyList::new(py, cells)?.into_any(), None),
            Column::Number(cells) => {
                let values: Vec<f64> = cells.iter().map(|v| v.unwrap_or(f64::NAN)).collect();
                (values.into_pyarray(py).into_any(), None)
            }
            Column::Integer(cells) => {
                let values: Vec<i64> = cells.iter().map(|v| v.unwrap_or(0)).collect();
                let known: Vec<bool> = cells.iter().map(Option::is_some).collect();
                let some = known.contains(&false).then(|| known.into_pyarray(py).into_any());
                (values.into_pyarray(py).into_any(), some)
            }
        };
        Ok((name.to_owned(), cells, known))
    };
    table.iter().map(column).collect()
}
