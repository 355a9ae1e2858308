//! Whole cohorts: every series of a manifest through detect and track, and what comes of them in tables.
//!
//! What is on disk decides: every series has a folder with a `series.json` that is written last and says from which inputs, parameters and
//! version it was made. The tables of the cohort are made from these folders alone, so that it does not matter which run made which.

mod collect;
mod one;
mod run;
mod state;
mod survival;
mod tables;

use crate::error::Result;
use crate::params::params;
use crate::pipeline::{Found, Tracked};
use crate::volume::Stack;

pub use collect::{Collected, CollectedSeries, DendriteValue, Exclusion, NewSpine, collect};
pub use one::SERIES_FILES;
pub use run::{CohortOutcome, CohortRun, run_cohort};
pub use state::{SeriesRecord, Shard};
pub use survival::SurvivalRow;
pub use tables::{COHORT_FILES, CohortTables, Quality, cohort_tables, write_cohort};

params! {
    /// Which dendrites of a cohort count.
    pub struct CohortParams in "cohort" {
        /// Shortest scorable length of a dendrite, in the mean over its sessions.
        min_length_um: f64 = 10.0, "µm", 0.0..=1000.0, "shorter pieces hold too few spines for a rate; traced fragments are mostly below it";
        /// Fewest sites with a spine in any session. More than a few would select on the outcome.
        min_sites: usize = 3, "", 0..=1000, "axons that were traced have none or few";
        /// Memory that the stacks in work may take together.
        memory_gb: f64 = 8.0, "GB", 0.5..=100_000.0, "a common workstation, half of it";
        /// Series in work at once; 0 for as many as there are cores and memory_gb allows.
        workers: usize = 0, "", 0..=4096, "small stacks gain most from one core per series";
    }
}

/// Draws the pictures of a series; [`crate::report`] stands above this module.
pub trait Pictures: Sync {
    /// `overlay.png` of one session.
    ///
    /// # Errors
    /// [`crate::error::Error::File`] if it cannot be written.
    fn overlay(&self, to: &std::path::Path, stack: &Stack, found: &Found, title: &str) -> Result<()>;

    /// `strips.png` of a series; `stack` reads a session's stack again.
    ///
    /// # Errors
    /// As `stack`, and [`crate::error::Error::File`] if it cannot be written.
    fn strips(
        &self,
        to: &std::path::Path,
        title: &str,
        tracked: &Tracked,
        stack: &mut dyn FnMut(usize) -> Result<Stack>,
    ) -> Result<()>;
}
