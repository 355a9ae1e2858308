//! Local maxima of a stack of response volumes, in space and over scales.
//!
//! A voxel is a maximum if its value exceeds `threshold` and that of each of its neighbours (3 x 3 x 3 voxels at its own scale and at
//! the scales next to it); of equal neighbours the first in the order (scale, z, y, x) wins, so that a plateau has one
//! maximum per neighbourhood. Voxels of the border have fewer neighbours.

use bytemuck::{Pod, Zeroable};
use rayon::prelude::*;

use crate::engine::{Binding, Buffer, Engine, KernelDef, Launch, Work, wgsl};
use crate::error::Result;
use crate::kernel::Slab;

/// Comparisons are exact: a GPU finds the same maxima of the same values.
pub const TOLERANCE: f32 = 0.0;

/// The shader.
pub const KERNEL: KernelDef = KernelDef {
    name: "local_maxima",
    source: wgsl!("prelude.wgsl", "local_maxima.wgsl"),
    entry: "local_maxima",
    bindings: &[Binding::Uniform, Binding::Read, Binding::ReadWrite],
};

/// Uniform of the shader.
///
/// ```
/// use gemmule::engine::{Backend, Engine};
/// use gemmule::kernel::{Slab, local_maxima::LocalMaxima};
/// let kernel = LocalMaxima { slab: Slab::whole(1, 3, 4), scales: 1, capacity: 8, threshold: 2.0, padding: 0 };
/// #[rustfmt::skip]
/// let volume = [
///     0.0, 0.0, 0.0, 1.0,
///     0.0, 5.0, 0.0, 0.0,
///     0.0, 4.0, 0.0, 3.0,
/// ];
/// let engine = Engine::new(Backend::Cpu)?;
/// let found = kernel.run(&engine, &engine.upload(&volume)?)?;
/// let places: Vec<(u32, u32, f32)> = found.iter().map(|m| (m.yx / 4, m.yx % 4, m.value)).collect();
/// assert_eq!(places, [(1, 1, 5.0), (2, 3, 3.0)]); // 4 has a larger neighbour, 1 is below the threshold
/// assert_eq!(kernel.cpu(&volume), found);
/// # Ok::<(), gemmule::error::Error>(())
/// ```
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

/// A maximum: place in the volume, scale, value. See the example of [`LocalMaxima`].
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
    /// Runs on the engine's device; sorted by scale, z, y, x. See the example of [`LocalMaxima`].
    ///
    /// # Errors
    /// [`crate::error::Error::Gpu`] if the device fails.
    ///
    /// # Panics
    /// If the buffer is not as long as slab and scales say.
    pub fn run(&self, engine: &Engine, input: &Buffer) -> Result<Vec<Maximum>> {
        engine.count(KERNEL.entry, self.work());
        if let Buffer::Cpu(input) = input {
            return Ok(self.cpu(input));
        }
        assert!(input.len() == self.slab.input_len() * self.scales as usize, "the buffer fits the slab");
        let mut capacity = self.capacity.max(1);
        loop {
            let (count, mut maxima) = self.find(engine, input, capacity)?;
            if count <= capacity {
                maxima.sort_by_key(|m| (m.scale, m.z, m.yx));
                return Ok(maxima);
            }
            capacity = count;
        }
    }

    /// Bytes and arithmetic of one run, less the maxima themselves and the comparisons of what is above the threshold. See the example of [`Work`].
    pub fn work(&self) -> Work {
        let voxels = u64::from(self.scales) * self.slab.output_len() as u64;
        Work {
            bytes_read: 4 * u64::from(self.scales) * self.slab.input_len() as u64,
            bytes_written: 0,
            operations: voxels,
        }
    }

    /// How many maxima there are, and up to `capacity` of them in any order.
    fn find(&self, engine: &Engine, input: &Buffer, capacity: u32) -> Result<(u32, Vec<Maximum>)> {
        // A count, padded to the alignment of a maximum, and the maxima of four words each.
        let found = engine.buffer(4 + 4 * capacity as usize)?;
        let uniform = Self { capacity, ..*self };
        let launch = Launch {
            constants: &[],
            uniforms: &[bytemuck::bytes_of(&uniform)],
            buffers: &[input, &found],
            groups: (u64::from(self.scales) * self.slab.output_len() as u64).div_ceil(256),
            invocations: 256,
            workgroup_bytes: 0,
        };
        engine.dispatch_own(&KERNEL, &launch)?;
        let mut count = [0];
        engine.read_words(&found, 0, &mut count)?;
        let mut maxima = vec![Maximum { scale: 0, z: 0, yx: 0, value: 0.0 }; count[0].min(capacity) as usize];
        if !maxima.is_empty() {
            engine.read_words(&found, 4, bytemuck::cast_slice_mut(&mut maxima))?;
        }
        Ok((count[0], maxima))
    }

    /// CPU twin; sorted by scale, z, y, x. All of them, whatever the capacity. See the example of [`LocalMaxima`].
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
