//! The only place that knows the order of stages.

pub mod bench;
mod detect;
pub mod file_set;
pub mod params;

pub use detect::{Found, detect};
pub use file_set::FileSet;
pub use params::Params;
