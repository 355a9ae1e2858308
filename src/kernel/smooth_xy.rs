//! Pass A: separable symmetric filter along x, then along y, of every plane.

use bytemuck::{Pod, Zeroable};
use rayon::prelude::*;

use crate::engine::{Binding, Buffer, Engine, KernelDef, Launch, Work, wgsl};
use crate::error::Result;
use crate::kernel::prelude::Scratch;
use crate::kernel::{HalfTaps, Slab, prelude};

/// Largest difference of a GPU from the twin, relative to the largest input: two sums of at most 65 terms with taps that
/// sum to 1; a fused multiply-add saves one rounding of half a unit in each term.
pub const TOLERANCE: f32 = 65.0 * f32::EPSILON;

/// The shader.
pub const KERNEL: KernelDef = KernelDef {
    name: "smooth_xy",
    source: wgsl!("prelude.wgsl", "smooth_xy.wgsl"),
    entry: "smooth_xy",
    bindings: &[Binding::Uniform, Binding::Read, Binding::ReadWrite],
};

/// Uniform of the shader.
///
/// ```
/// use gemmule::engine::{Backend, Engine};
/// use gemmule::kernel::{HalfTaps, Slab, smooth_xy::SmoothXy};
/// let (mut along_y, mut along_x): (HalfTaps, HalfTaps) = ([0.0; 36], [0.0; 36]);
/// along_y[..2].copy_from_slice(&[0.5, 0.25]);
/// along_x[0] = 1.0; // nothing happens along x
/// let kernel = SmoothXy { slab: Slab::whole(1, 3, 1), radius_y: 1, radius_x: 0, padding: [0; 2], taps_y: along_y, taps_x: along_x };
/// let engine = Engine::new(Backend::Cpu)?;
/// let mut output = engine.buffer(3)?;
/// kernel.run(&engine, &engine.upload(&[0.0, 8.0, 0.0])?, &mut output)?;
/// let (mut values, mut twin) = ([0.0; 3], [0.0; 3]);
/// engine.read(&output, &mut values)?;
/// kernel.cpu(&[0.0, 8.0, 0.0], &mut twin);
/// assert_eq!((values, twin), ([2.0, 4.0, 2.0], [2.0, 4.0, 2.0]));
/// # Ok::<(), gemmule::error::Error>(())
/// ```
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
pub struct SmoothXy {
    /// Planes: each output plane is made from the same input plane.
    pub slab: Slab,
    /// Radius of the filter along y, voxels.
    pub radius_y: u32,
    /// Radius of the filter along x, voxels.
    pub radius_x: u32,
    /// Fills 16 bytes.
    pub padding: [u32; 2],
    /// Taps along y.
    pub taps_y: HalfTaps,
    /// Taps along x.
    pub taps_x: HalfTaps,
}

/// Output rows of a workgroup, as in the shader.
const ROWS: u32 = 64;

impl SmoothXy {
    /// Runs on the engine's device. See the example of [`SmoothXy`].
    ///
    /// # Errors
    /// [`crate::error::Error::Gpu`] if the device fails.
    ///
    /// # Panics
    /// If the buffers are not as long as the slab says, or a radius is beyond [`prelude::MAX_RADIUS`].
    pub fn run(&self, engine: &Engine, input: &Buffer, output: &mut Buffer) -> Result<()> {
        engine.count(KERNEL.entry, self.work());
        if let (Buffer::Cpu(input), Buffer::Cpu(output)) = (input, &mut *output) {
            self.cpu(input, output);
            return Ok(());
        }
        assert!(input.len() == self.slab.input_len() && output.len() == self.slab.output_len(), "buffers fit the slab");
        prelude::assert_radius(self.radius_y.max(self.radius_x));
        let width = self.width(engine);
        let across = u64::from(self.slab.nx.div_ceil(width));
        let launch = Launch {
            constants: &[
                ("WIDTH", f64::from(width)),
                ("RADIUS_Y", f64::from(self.radius_y)),
                ("RADIUS_X", f64::from(self.radius_x)),
            ],
            uniforms: &[bytemuck::bytes_of(self)],
            buffers: &[input, output],
            groups: across * u64::from(self.slab.ny.div_ceil(ROWS)) * u64::from(self.slab.out_count),
            invocations: width,
            workgroup_bytes: self.workgroup_bytes(width),
        };
        engine.dispatch_own(&KERNEL, &launch)
    }

    /// Columns of a workgroup: as many as its memory has room for.
    fn width(&self, engine: &Engine) -> u32 {
        let room = engine.gpu_limits().map_or(0, |(_, workgroup_bytes)| workgroup_bytes);
        [128, 64].into_iter().find(|&width| self.workgroup_bytes(width) <= room).unwrap_or(32)
    }

    /// A ring of rows as long as the filter along y, and two rows with their borders.
    fn workgroup_bytes(&self, width: u32) -> u32 {
        4 * ((2 * self.radius_y + 1) * width + 2 * (width + 2 * self.radius_x))
    }

    /// Bytes and arithmetic of one run. See the example of [`Work`].
    pub fn work(&self) -> Work {
        let voxels = self.slab.output_len() as u64;
        let per_voxel = prelude::symmetric_operations(self.radius_y) + prelude::symmetric_operations(self.radius_x);
        Work { bytes_read: 4 * self.slab.input_len() as u64, bytes_written: 4 * voxels, operations: voxels * per_voxel }
    }

    /// CPU twin. See the example of [`SmoothXy`].
    ///
    /// # Panics
    /// If the buffers are not as long as the slab says.
    pub fn cpu(&self, input: &[f32], output: &mut [f32]) {
        let (n, nx) = (self.slab.plane_len(), self.slab.nx as usize);
        let stride = nx.next_multiple_of(Scratch::LINE);
        assert!(input.len() == self.slab.input_len() && output.len() == self.slab.output_len(), "buffers fit the slab");
        output.par_chunks_mut(n).enumerate().for_each_init(
            || (Scratch::new(self.slab.ny as usize * stride), Scratch::new(nx + 2 * self.radius_x as usize)),
            |(along_x, padded), (k, plane)| {
                let source = &input[self.slab.input_plane(k, 0) * n..][..n];
                prelude::vectorised(FilterPlane { kernel: self, source, along_x, padded, plane });
            },
        );
    }

    #[inline(always)]
    fn filter_x(&self, row: &[f32], padded: &mut [f32], out: &mut [f32]) {
        let (r, nx) = (self.radius_x as usize, row.len());
        padded[..r].fill(row[0]);
        padded[r..r + nx].copy_from_slice(row);
        padded[r + nx..].fill(row[nx - 1]);
        prelude::symmetric(out, &self.taps_x[..=r], |offset| &padded[r.saturating_add_signed(offset)..][..nx]);
    }

    #[inline(always)]
    fn filter_y(&self, plane: &[f32], y: usize, out: &mut [f32]) {
        let (nx, last) = (out.len(), self.slab.ny as usize - 1);
        let stride = nx.next_multiple_of(Scratch::LINE);
        let row = |offset: isize| &plane[y.saturating_add_signed(offset).min(last) * stride..][..nx];
        prelude::symmetric(out, &self.taps_y[..=self.radius_y as usize], row);
    }
}

/// One plane, with room for it filtered along x, each row from a cache line on, and for a row with its borders.
struct FilterPlane<'a> {
    kernel: &'a SmoothXy,
    source: &'a [f32],
    along_x: &'a mut [f32],
    padded: &'a mut [f32],
    plane: &'a mut [f32],
}

impl pulp::WithSimd for FilterPlane<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) {
        let Self { kernel, source, along_x, padded, plane } = self;
        let nx = kernel.slab.nx as usize;
        for (row, out) in source.chunks(nx).zip(along_x.chunks_mut(nx.next_multiple_of(Scratch::LINE))) {
            kernel.filter_x(row, padded, &mut out[..nx]);
        }
        for (y, out) in plane.chunks_mut(nx).enumerate() {
            kernel.filter_y(along_x, y, out);
        }
    }
}
