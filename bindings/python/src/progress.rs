//! Progress to a Python callable, and Ctrl-C.

use gemmule::progress::Progress;
use pyo3::prelude::*;

/// Asks the interpreter for signals at every step, and a callable whether to go on.
pub(crate) struct Asked {
    callable: Option<Py<PyAny>>,
    raised: Option<PyErr>,
}

impl Asked {
    pub(crate) fn new(callable: Option<Py<PyAny>>) -> Self {
        Self { callable, raised: None }
    }

    /// What was raised while the work was on goes before what the work ended in.
    pub(crate) fn or_raised<T>(self, outcome: PyResult<T>) -> PyResult<T> {
        self.raised.map_or(outcome, Err)
    }
}

impl Progress for Asked {
    fn report(&mut self, stage: &str, done: u64, total: u64) -> bool {
        let callable = self.callable.as_ref();
        let asked = Python::attach(|py| {
            py.check_signals()?;
            let Some(callable) = callable else { return Ok(true) };
            let answer = callable.bind(py).call1((stage, done, total))?;
            // Only False stops: a callable that returns nothing goes on.
            Ok(answer.is_none() || answer.is_truthy()?)
        });
        asked.unwrap_or_else(|error| {
            self.raised = Some(error);
            false
        })
    }
}
