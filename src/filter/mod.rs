//! Multi-scale composition of kernels: ridge, blob, smoothing, noise.

pub mod blob;
pub mod noise;
pub mod ridge;
mod scale;
mod slabs;
pub mod smooth;
pub mod taps;
