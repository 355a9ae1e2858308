//! The only place that knows the order of stages.

pub mod bench;
mod demo;
mod detect;
pub mod file_set;
pub mod params;
mod results;

pub use demo::{Demo, PHANTOM_FILES, demo, score_detect, write_phantom};
pub use detect::{Found, detect};
pub use file_set::FileSet;
pub use params::Params;
pub use results::{DETECT_FILES, Origin, summary, write_detect};
