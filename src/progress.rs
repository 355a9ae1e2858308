//! Progress and cancellation: one small trait that long work reports to.

use crate::error::{Error, Result};

/// Receives progress and says whether to go on.
///
/// ```
/// use gemmule::progress::Progress;
/// struct Print;
/// impl Progress for Print {
///     fn report(&mut self, stage: &str, done: u64, total: u64) -> bool {
///         println!("{stage}: {done} of {total}");
///         true // false cancels
///     }
/// }
/// ```
pub trait Progress: Send {
    /// Called now and then with `done` of `total` units of a stage; `false` cancels the work.
    fn report(&mut self, stage: &str, done: u64, total: u64) -> bool;

    /// [`Progress::report`] as a `Result`.
    ///
    /// # Errors
    /// [`Error::Cancelled`] if the receiver wants to stop.
    fn step(&mut self, stage: &str, done: u64, total: u64) -> Result<()> {
        if self.report(stage, done, total) { Ok(()) } else { Err(Error::Cancelled) }
    }
}

/// Ignores progress and never cancels.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Progress for Silent {
    fn report(&mut self, _stage: &str, _done: u64, _total: u64) -> bool {
        true
    }
}
