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
mod values;

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
    ///
    /// ```
    /// use gemmule::pipeline::CohortParams;
    /// let params = CohortParams::default().min_length_um(15.0)?.workers(2)?;
    /// assert_eq!((params.min_length_um, params.workers), (15.0, 2));
    /// assert!(params.memory_gb(0.0).is_err());
    /// # Ok::<(), gemmule::error::Error>(())
    /// ```
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
///
/// ```
/// use std::path::Path;
/// use gemmule::error::{Error, Result};
/// use gemmule::model::NoiseModel;
/// use gemmule::pipeline::{Found, Pictures, Tracked};
/// use gemmule::model::Motion;
/// use gemmule::report::{OverlayOptions, Strips, overlay};
/// # use gemmule::units::VoxelSize;
/// # use gemmule::volume::{Bricks, Shape, Volume, Voxels};
/// use gemmule::volume::Stack;
/// struct Drawn;
/// impl Pictures for Drawn {
///     fn overlay(&self, to: &Path, stack: &Stack, found: &Found, title: &str) -> Result<()> {
///         let options = OverlayOptions { title: title.into(), ..OverlayOptions::default() };
///         let picture = overlay(stack, &found.dendrites, &found.spines, &options)?;
///         picture.save(to).map_err(|e| Error::file(to, e, "check the folder"))
///     }
///     fn strips(&self, to: &Path, title: &str, tracked: &Tracked, stack: &mut dyn FnMut(usize) -> Result<Stack>) -> Result<()> {
///         let mut strips = Strips::new(title, &tracked.sessions, &tracked.tracks, None);
///         for k in 0..tracked.sessions.len() {
///             strips.session(k, &stack(k)?)?;
///         }
///         strips.picture().save(to).map_err(|e| Error::file(to, e, "check the folder"))
///     }
/// }
/// # let shape = Shape::new(3, 40, 50)?;
/// # let stack = Stack { voxels: Voxels::U16(Volume::filled(shape, 100)), voxel_size: VoxelSize::new(1.0, 0.1, 0.1)? };
/// let noise = NoiseModel { gain: 4.0, offset: 10.0, read_variance: 1.0 };
/// let nothing = Found { noise, noise_correlation: 1.0, motion: Motion::default(), dendrites: vec![], spines: vec![], labels: Bricks::new(shape) };
/// let dir = tempfile::tempdir().unwrap();
/// Drawn.overlay(&dir.path().join("overlay.png"), &stack, &nothing, "m1")?;
/// assert!(dir.path().join("overlay.png").is_file());
/// # Ok::<(), Error>(())
/// ```
pub trait Pictures: Sync {
    /// `overlay.png` of one session. See the example of [`Pictures`].
    ///
    /// # Errors
    /// [`crate::error::Error::File`] if it cannot be written.
    fn overlay(&self, to: &std::path::Path, stack: &Stack, found: &Found, title: &str) -> Result<()>;

    /// `strips.png` of a series; `stack` reads a session's stack again. See the example of [`Pictures`].
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
