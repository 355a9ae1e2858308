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
/// let mut closure = |_: &str, done: u64, total: u64| done * 2 < total; // stops half-way
/// assert!(closure.step("ridge", 5, 10).is_err());
/// ```
pub trait Progress: Send {
    /// Called now and then with `done` of `total` units of a stage; `false` cancels the work. See the example of [`Progress`].
    fn report(&mut self, stage: &str, done: u64, total: u64) -> bool;

    /// [`Progress::report`] as a `Result`. See the example of [`Progress`].
    ///
    /// # Errors
    /// [`Error::Cancelled`] if the receiver wants to stop.
    fn step(&mut self, stage: &str, done: u64, total: u64) -> Result<()> {
        if self.report(stage, done, total) { Ok(()) } else { Err(Error::Cancelled) }
    }
}

/// A closure is a receiver: `&mut |stage: &str, done: u64, total: u64| true`.
impl<F: FnMut(&str, u64, u64) -> bool + Send> Progress for F {
    fn report(&mut self, stage: &str, done: u64, total: u64) -> bool {
        self(stage, done, total)
    }
}

/// Ignores progress and never cancels.
///
/// ```
/// use gemmule::progress::{Progress, Silent};
/// assert!((0..10).all(|done| Silent.report("ridge", done, 10)));
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Progress for Silent {
    fn report(&mut self, _stage: &str, _done: u64, _total: u64) -> bool {
        true
    }
}
