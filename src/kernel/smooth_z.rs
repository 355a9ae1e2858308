//! Symmetric filter along z.

use bytemuck::{Pod, Zeroable};
use rayon::prelude::*;

use crate::engine::{Binding, Buffer, Engine, KernelDef, Launch, Work, wgsl};
use crate::error::Result;
use crate::kernel::{HalfTaps, Slab, prelude};

/// Largest difference of a GPU from the twin, relative to the largest input: one sum of at most 65 terms.
pub const TOLERANCE: f32 = 33.0 * f32::EPSILON;

/// The shader.
pub const KERNEL: KernelDef = KernelDef {
    name: "smooth_z",
    source: wgsl!("prelude.wgsl", "smooth_z.wgsl"),
    entry: "smooth_z",
    bindings: &[Binding::Uniform, Binding::Read, Binding::ReadWrite],
};

/// Uniform of the shader.
///
/// ```
/// use gemmule::engine::{Backend, Engine};
/// use gemmule::kernel::{HalfTaps, Slab, smooth_z::SmoothZ};
/// let mut taps: HalfTaps = [0.0; 36];
/// taps[..2].copy_from_slice(&[0.5, 0.25]);
/// let kernel = SmoothZ { slab: Slab::whole(3, 1, 1), radius: 1, padding: [0; 3], taps };
/// let engine = Engine::new(Backend::Cpu)?;
/// let mut output = engine.buffer(3)?;
/// kernel.run(&engine, &engine.upload(&[8.0, 0.0, 0.0])?, &mut output)?;
/// let (mut values, mut twin) = ([0.0; 3], [0.0; 3]);
/// engine.read(&output, &mut values)?;
/// kernel.cpu(&[8.0, 0.0, 0.0], &mut twin);
/// assert_eq!((values, twin), ([6.0, 2.0, 0.0], [6.0, 2.0, 0.0])); // the first plane continues beyond the border
/// # Ok::<(), gemmule::error::Error>(())
/// ```
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
pub struct SmoothZ {
    /// Planes; the input needs `radius` planes more on either side.
    pub slab: Slab,
    /// Radius of the filter, voxels.
    pub radius: u32,
    /// Fills 16 bytes.
    pub padding: [u32; 3],
    /// Taps.
    pub taps: HalfTaps,
}

impl SmoothZ {
    /// Runs on the engine's device. See the example of [`SmoothZ`].
    ///
    /// # Errors
    /// [`crate::error::Error::Gpu`] if the device fails.
    ///
    /// # Panics
    /// If the buffers are not as long as the slab says, or the radius is beyond [`prelude::MAX_RADIUS`].
    pub fn run(&self, engine: &Engine, input: &Buffer, output: &mut Buffer) -> Result<()> {
        engine.count(KERNEL.entry, self.work());
        if let (Buffer::Cpu(input), Buffer::Cpu(output)) = (input, &mut *output) {
            self.cpu(input, output);
            return Ok(());
        }
        assert!(input.len() == self.slab.input_len() && output.len() == self.slab.output_len(), "buffers fit the slab");
        prelude::assert_radius(self.radius);
        let launch = Launch {
            constants: &[("RADIUS", f64::from(self.radius))],
            uniforms: &[bytemuck::bytes_of(self)],
            buffers: &[input, output],
            groups: (self.slab.output_len() as u64).div_ceil(256),
            invocations: 256,
            workgroup_bytes: 0,
        };
        engine.dispatch_own(&KERNEL, &launch)
    }

    /// Bytes and arithmetic of one run. See the example of [`Work`].
    pub fn work(&self) -> Work {
        let voxels = self.slab.output_len() as u64;
        let operations = voxels * prelude::symmetric_operations(self.radius);
        Work { bytes_read: 4 * self.slab.input_len() as u64, bytes_written: 4 * voxels, operations }
    }

    /// CPU twin. See the example of [`SmoothZ`].
    ///
    /// # Panics
    /// If the buffers are not as long as the slab says.
    pub fn cpu(&self, input: &[f32], output: &mut [f32]) {
        let n = self.slab.plane_len();
        assert!(input.len() == self.slab.input_len() && output.len() == self.slab.output_len(), "buffers fit the slab");
        output.par_chunks_mut(n).enumerate().for_each(|(k, plane)| {
            prelude::vectorised(FilterPlane { kernel: self, input, k, plane });
        });
    }
}

/// One plane of the output.
struct FilterPlane<'a> {
    kernel: &'a SmoothZ,
    input: &'a [f32],
    k: usize,
    plane: &'a mut [f32],
}

impl pulp::WithSimd for FilterPlane<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) {
        let Self { kernel, input, k, plane } = self;
        let (slab, n) = (&kernel.slab, kernel.slab.plane_len());
        let taps = &kernel.taps[..=kernel.radius as usize];
        // Row by row: the rows of all planes that one needs fit the first cache.
        for (y, out) in plane.chunks_mut(slab.nx as usize).enumerate() {
            let nx = out.len();
            prelude::symmetric(out, taps, |offset| &input[slab.input_plane(k, offset) * n + y * nx..][..nx]);
        }
    }
}
