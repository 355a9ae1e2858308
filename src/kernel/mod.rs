//! One file per shader: what its uniform holds, its CPU twin, and how far a GPU may be from it.
//!
//! The CPU twin is the definition of a kernel; `shaders/<stem>.wgsl` does the same in the same order. Every kernel works on
//! a [`Slab`] of planes, so that a volume larger than a buffer goes through in pieces that equal the whole.

pub mod convert;
pub mod eigen3;
pub mod hessian_response;
pub mod local_maxima;
pub mod multiply_add;
pub mod prelude;
pub mod response;
pub mod smooth_xy;
pub mod smooth_z;

pub use prelude::{HalfTaps, MAX_RADIUS, Slab};

use crate::engine::KernelDef;

/// Every entry point of every shader.
pub const DEFINITIONS: [&KernelDef; 7] = [
    &convert::KERNEL,
    &smooth_xy::KERNEL,
    &smooth_z::KERNEL,
    &hessian_response::KERNEL,
    &hessian_response::PEAK_KERNEL,
    &local_maxima::KERNEL,
    &multiply_add::KERNEL,
];
