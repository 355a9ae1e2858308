//! The extension module `gemmule._gemmule`: numpy arrays in, arrays and columns out. What users see is made of it in `python/gemmule`.
//!
//! Arrays are borrowed for the time of a call and the interpreter is let go meanwhile; results are moved out, not copied.

// pyo3's attributes make public items that are not documented.
#![allow(missing_docs, reason = "documented in python/gemmule/_gemmule.pyi")]

mod array;
mod fault;
mod find;
mod follow;
mod params;
mod progress;
mod table;

use pyo3::prelude::*;

#[pymodule]
mod _gemmule {
    #[pymodule_export]
    use crate::find::{Engine, blobs, detect, info, phantom, phantom_series, read_stack, ridge, smooth};
    #[pymodule_export]
    use crate::follow::{Series, stats};
    #[pymodule_export]
    use crate::params::{main, params_json, params_text, version};
}
