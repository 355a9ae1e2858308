//! The only place that knows the order of stages.

pub mod file_set;
pub mod params;

pub use file_set::FileSet;
pub use params::Params;
