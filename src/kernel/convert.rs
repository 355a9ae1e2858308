//! Widening to f32, binning in the plane, and variance stabilisation in one read of the raw voxels.
//!
//! out(z, Y, X) = f(mean of the b x b voxels (z, bY + j, bX + i)), the last voxel repeated where an edge is no multiple
//! of b. Without stabilisation f is the identity; with it, the generalised Anscombe transform
//! f(v) = 2 sqrt(max(v * scale + shift, 0)), which makes the noise's standard deviation about 1 (Starck, Murtagh, Bijaoui 1998;
//! doi:10.1109/TIP.2012.2202675).

use bytemuck::{Pod, Zeroable};
use rayon::prelude::*;

use crate::engine::{Buffer, Engine};
use crate::error::Result;
use crate::kernel::Slab;
use crate::volume::Voxels;

/// Largest difference of a GPU from the twin, relative to the value: sqrt may be off by 3 units in the last place.
pub const TOLERANCE: f32 = 4.0 * f32::EPSILON;

/// Uniform of the shader.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
pub struct Convert {
    /// The binned volume; in_start and in_count are planes of the raw buffer.
    pub slab: Slab,
    /// Rows of the raw volume.
    pub raw_ny: u32,
    /// Columns of the raw volume.
    pub raw_nx: u32,
    /// Voxels averaged along y and x.
    pub binning: u32,
    /// Whether to stabilise the variance (1) or not (0).
    pub stabilise: u32,
    /// Photons of the binned voxel per grey level.
    pub scale: f32,
    /// Added to the photons: 3/8 + read variance - offset, in photons.
    pub shift: f32,
    /// 1 / (binning * binning).
    pub weight: f32,
    /// Fills the uniform's last 16 bytes.
    pub padding: f32,
}

impl Convert {
    /// Number of binned voxels along an axis of `n` voxels.
    pub fn binned(n: usize, binning: usize) -> usize {
        n.div_ceil(binning)
    }

    /// Converts planes `slab.out_start..` of a stack on the engine's device.
    ///
    /// # Errors
    /// [`crate::error::Error::Gpu`] if the device fails.
    ///
    /// # Panics
    /// If the stack is not as large as the slab says.
    pub fn run(&self, _engine: &Engine, voxels: &Voxels, output: &mut Buffer) -> Result<()> {
        match output {
            Buffer::Cpu(output) => self.cpu(voxels, output),
        }
        Ok(())
    }

    /// CPU twin: planes `slab.out_start..` of the whole stack's voxels.
    ///
    /// # Panics
    /// If the stack is not as large as the slab says.
    pub fn cpu(&self, voxels: &Voxels, output: &mut [f32]) {
        match voxels {
            Voxels::U8(v) => self.planes(v.as_slice(), output, |v| f32::from(v)),
            Voxels::U16(v) => self.planes(v.as_slice(), output, |v| f32::from(v)),
            Voxels::I16(v) => self.planes(v.as_slice(), output, |v| f32::from(v)),
            Voxels::F32(v) => self.planes(v.as_slice(), output, |v| v),
        }
    }

    fn planes<T: Copy + Sync>(&self, raw: &[T], output: &mut [f32], widen: impl Fn(T) -> f32 + Sync) {
        let (ny, nx) = (self.raw_ny as usize, self.raw_nx as usize);
        let (first, width) = (self.slab.out_start as usize, self.slab.nx as usize);
        output.par_chunks_mut(self.slab.plane_len()).enumerate().for_each(|(k, plane)| {
            let raw = &raw[(first + k) * ny * nx..][..ny * nx];
            for (y, row) in plane.chunks_mut(width).enumerate() {
                self.row(raw, y, row, &widen);
            }
        });
    }

    fn row<T: Copy>(&self, raw: &[T], y: usize, row: &mut [f32], widen: &impl Fn(T) -> f32) {
        let (ny, nx, b) = (self.raw_ny as usize, self.raw_nx as usize, self.binning as usize);
        row.fill(0.0);
        for j in 0..b {
            let line = &raw[(y * b + j).min(ny - 1) * nx..][..nx];
            for i in 0..b {
                for (x, v) in row.iter_mut().enumerate() {
                    *v += widen(line[(x * b + i).min(nx - 1)]);
                }
            }
        }
        for v in row {
            let mean = *v * self.weight;
            *v = if self.stabilise == 1 { 2.0 * (mean * self.scale + self.shift).max(0.0).sqrt() } else { mean };
        }
    }
}
