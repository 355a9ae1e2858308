//! Multi-scale composition of kernels: ridge, blob, smoothing, noise.

pub mod blob;
mod input;
pub mod noise;
pub mod ridge;
mod scale;
mod slabs;
pub mod smooth;
pub mod taps;

pub use input::Input;
