//! The only place that knows the order of stages.

pub mod params;

pub use params::Params;
