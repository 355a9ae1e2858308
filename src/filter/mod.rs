//! Multi-scale composition of kernels: ridge, blob, smoothing, noise.

pub mod noise;
pub mod ridge;
mod slabs;
pub mod smooth;
pub mod taps;
