//! The one error type of the crate.
//!
//! Every message names what was wrong (parameter or file), the value met, what is allowed, and what to do about it.

use std::path::{Path, PathBuf};

/// Everything that can go wrong in gemmule.
///
/// ```
/// use gemmule::error::Error;
/// let error = Error::parameter("voxel_um.z", -1.0, "a finite number above 0", "give --voxel-um Z,Y,X in µm");
/// assert_eq!(
///     error.to_string(),
///     "voxel_um.z is -1, allowed is a finite number above 0: give --voxel-um Z,Y,X in µm"
/// );
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A parameter outside its allowed range.
    #[error("{name} is {value}, allowed is {allowed}: {remedy}")]
    Parameter {
        /// Name of the parameter as the user writes it.
        name: String,
        /// The value met.
        value: String,
        /// The values allowed.
        allowed: String,
        /// What the user can do.
        remedy: String,
    },
    /// A file that cannot be read, written or understood.
    #[error("{}: {problem}: {remedy}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, with the value met and what was expected.
        problem: String,
        /// What the user can do.
        remedy: String,
    },
    /// The voxel size is neither in the file nor given.
    #[error("{}: the voxel size is unknown ({problem}): give it as --voxel-um Z,Y,X in µm (ReadOptions::voxel_size)", path.display())]
    VoxelSizeUnknown {
        /// The file.
        path: PathBuf,
        /// What the file says, or does not say.
        problem: String,
    },
    /// No adapter, a lost device, a validation failure: anything the GPU side reports.
    #[error("GPU {adapter}: {problem}: {remedy}")]
    Gpu {
        /// The adapter, or "none".
        adapter: String,
        /// What happened.
        problem: String,
        /// What the user can do.
        remedy: String,
    },
    /// More memory needed than there is or than was allowed.
    #[error("{what} needs {needed_bytes} bytes, allowed are {limit_bytes}: {remedy}")]
    Memory {
        /// What needs it.
        what: String,
        /// How many bytes it needs.
        needed_bytes: u64,
        /// How many bytes there are.
        limit_bytes: u64,
        /// What the user can do.
        remedy: String,
    },
    /// Some series of a cohort failed; the results of the others are there.
    #[error("{failed} of {of} series failed: {}/series.csv and each series' series.json say why; correct their stacks and run the same command again", path.display())]
    Incomplete {
        /// How many failed.
        failed: usize,
        /// Of how many.
        of: usize,
        /// The folder of the results.
        path: PathBuf,
    },
    /// The caller asked to stop; nothing half-written is left.
    #[error("cancelled: no result was written; run the same command again")]
    Cancelled,
}

/// Result with the crate's [`enum@Error`].
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// A parameter error; `allowed` and `remedy` complete the sentence of [`Error::Parameter`]. See the example of [`enum@Error`].
    pub fn parameter(name: &str, value: impl ToString, allowed: &str, remedy: &str) -> Self {
        Self::Parameter { name: name.into(), value: value.to_string(), allowed: allowed.into(), remedy: remedy.into() }
    }

    /// A file error.
    ///
    /// ```
    /// use gemmule::error::Error;
    /// let error = Error::file("day0.tif", "has no pages", "export it again");
    /// assert_eq!(error.to_string(), "day0.tif: has no pages: export it again");
    /// ```
    pub fn file(path: impl AsRef<Path>, problem: impl ToString, remedy: &str) -> Self {
        Self::File { path: path.as_ref().into(), problem: problem.to_string(), remedy: remedy.into() }
    }

    /// Whether the user's input is at fault (exit code 2) and not the machine or the program (exit code 1).
    ///
    /// ```
    /// use gemmule::error::Error;
    /// assert!(Error::file("day0.tif", "has no pages", "export it again").is_bad_input());
    /// assert!(!Error::Cancelled.is_bad_input());
    /// ```
    pub fn is_bad_input(&self) -> bool {
        matches!(self, Self::Parameter { .. } | Self::File { .. } | Self::VoxelSizeUnknown { .. })
    }
}
