//! Local maxima of a stack of response volumes, in space and over scales.
//!
//! A voxel is a maximum if its value exceeds `threshold` and that of each of its neighbours (3 x 3 x 3 voxels at its own scale and at
//! the scales next to it); of equal neighbours the first in the order (scale, z, y, x) wins, so that a plateau has one
//! maximum per neighbourhood. Voxels of the border have fewer neighbours.

use bytemuck::{Pod, Zeroable};
use rayon::prelude::*;

use crate::engine::{Buffer, Engine};
use crate::error::Result;
use crate::kernel::Slab;

/// Comparisons are exact: a GPU finds the same maxima of the same values.
pub const TOLERANCE: f32 = 0.0;

/// Uniform of the shader.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
pub struct LocalMaxima {
    /// Planes; the input needs one plane more on either side, and holds `scales` such blocks one after the other.
    pub slab: Slab,
    /// Number of scales.
    pub scales: u32,
    /// Most maxima the output can hold.
    pub capacity: u32,
    /// Least value, exclusive.
    pub threshold: f32,
    /// Fills 16 bytes.
    pub padding: u32,
}

/// A maximum: place in the volume, scale, value.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
pub struct Maximum {
    /// Index of the scale.
    pub scale: u32,
    /// Plane of the volume.
    pub z: u32,
    /// Row and column, as y * nx + x.
    pub yx: u32,
    /// The value.
    pub value: f32,
}

impl LocalMaxima {
    /// Runs on the engine's device; sorted by scale, z, y, x.
    ///
    /// # Errors
    /// [`crate::error::Error::Gpu`] if the device fails.
    ///
    /// # Panics
    /// If the buffer is not as long as slab and scales say.
    pub fn run(&self, _engine: &Engine, input: &Buffer) -> Result<Vec<Maximum>> {
        match input {
            Buffer::Cpu(input) => Ok(self.cpu(input)),
        }
    }

    /// CPU twin; sorted by scale, z, y, x. All of them, whatever the capacity.
    ///
    /// # Panics
    /// If the buffer is not as long as slab and scales say.
    pub fn cpu(&self, input: &[f32]) -> Vec<Maximum> {
        assert!(input.len() == self.slab.input_len() * self.scales as usize, "the buffer fits the slab");
        let planes = self.slab.out_count as usize;
        (0..self.scales as usize * planes)
            .into_par_iter()
            .flat_map_iter(|k| self.plane(input, k / planes, k % planes))
            .collect()
    }

    fn plane(&self, input: &[f32], scale: usize, k: usize) -> Vec<Maximum> {
        let mut found = Vec::new();
        let base = scale * self.slab.input_len() + self.slab.input_plane(k, 0) * self.slab.plane_len();
        for yx in 0..self.slab.plane_len() {
            let value = input[base + yx];
            if value > self.threshold && self.is_maximum(input, scale, k, yx) {
                found.push(Maximum { scale: scale as u32, z: self.slab.out_start + k as u32, yx: yx as u32, value });
            }
        }
        found
    }

    fn is_maximum(&self, input: &[f32], scale: usize, k: usize, yx: usize) -> bool {
        let (ny, nx) = (self.slab.ny as usize, self.slab.nx as usize);
        let plane = self.slab.input_plane(k, 0);
        let at = |s: usize, z: usize, y: usize, x: usize| (s * self.slab.in_count as usize + z) * ny * nx + y * nx + x;
        let near = |v: usize, n: usize| v.saturating_sub(1)..(v + 2).min(n);
        let (y, x) = (yx / nx, yx % nx);
        let here = at(scale, plane, y, x);
        for s in near(scale, self.scales as usize) {
            for z in near(plane, self.slab.in_count as usize) {
                for v in near(y, ny) {
                    for u in near(x, nx) {
                        let there = at(s, z, v, u);
                        let wins = input[here] > input[there] || (input[here] == input[there] && here <= there);
                        if !wins {
                            return false;
                        }
                    }
                }
            }
        }
        true
    }
}
