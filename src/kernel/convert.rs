//! Widening to f32, binning in the plane, and variance stabilisation in one read of the raw voxels.
//!
//! out(z, Y, X) = f(mean of the b x b voxels (z, bY + j, bX + i)), the last voxel repeated where an edge is no multiple
//! of b. Without stabilisation f is the identity; with it, the generalised Anscombe transform
//! f(v) = 2 sqrt(max(v * scale + shift, 0)), which makes the noise's standard deviation about 1 (Starck, Murtagh, Bijaoui 1998;
//! doi:10.1109/TIP.2012.2202675).

mod raw;

use std::ops::Range;

use bytemuck::{Pod, Zeroable};
use rayon::prelude::*;

use crate::engine::{Binding, Buffer, Engine, KernelDef, Launch, Work, wgsl};
use crate::error::Result;
use crate::kernel::Slab;
use crate::model::NoiseModel;
use crate::volume::{Shape, VoxelsView};
pub use raw::{DeviceStack, Raw, VoxelKind};

/// Largest difference of a GPU from the twin, relative to the value: sqrt may be off by 3 units in the last place.
pub const TOLERANCE: f32 = 4.0 * f32::EPSILON;

/// The shader.
pub const KERNEL: KernelDef = KernelDef {
    name: "convert",
    source: wgsl!("prelude.wgsl", "convert.wgsl"),
    entry: "convert",
    bindings: &[Binding::Uniform, Binding::Uniform, Binding::Read, Binding::ReadWrite],
};

/// Uniform of the shader.
///
/// ```
/// use gemmule::engine::{Backend, Engine};
/// use gemmule::kernel::Slab;
/// use gemmule::kernel::convert::Convert;
/// use gemmule::model::NoiseModel;
/// use gemmule::volume::{Shape, Volume, Voxels};
/// let shape = Shape::new(1, 2, 3)?;
/// let voxels = Voxels::U8(Volume::new(shape, vec![10, 20, 30, 10, 20, 50])?);
/// let binned = Slab::whole(1, Convert::binned(2, 2), Convert::binned(3, 2));
/// let engine = Engine::new(Backend::Cpu)?;
/// let mut output = engine.buffer(binned.output_len())?;
/// Convert::binned_mean(binned, shape, 2).run(&engine, &voxels, &mut output)?;
/// let mut means = [0.0; 2];
/// engine.read(&output, &mut means)?;
/// assert_eq!(means, [15.0, 40.0]); // the last column is repeated
///
/// let (mut plain, mut stable) = ([0.0; 6], [0.0; 6]);
/// Convert::plain(Slab::whole(1, 2, 3)).cpu(voxels.view(), &mut plain);
/// let noise = NoiseModel { gain: 2.0, offset: 10.0, read_variance: 0.0 };
/// Convert::stabilised(Slab::whole(1, 2, 3), shape, 1, &noise).cpu(voxels.view(), &mut stable);
/// assert_eq!((plain[5], stable[5]), (50.0, 2.0 * (20f32 + 0.375).sqrt())); // 20 photons
/// # Ok::<(), gemmule::error::Error>(())
/// ```
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
    /// Voxels in the raw buffer before the first one that is read.
    pub skip: u32,
}

/// Second uniform of the shader: the part of the output that one upload has the voxels of.
///
/// ```
/// use gemmule::kernel::convert::Piece;
/// // Rows 0 to 15 of the slab's third plane.
/// let piece = Piece { plane: 2, planes: 1, row: 0, rows: 16 };
/// assert_eq!(bytemuck::bytes_of(&piece).len(), 16); // as the shader lays it out
/// ```
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
pub struct Piece {
    /// First plane, counted from the slab's first output plane.
    pub plane: u32,
    /// Planes; only one if not all of its rows are there.
    pub planes: u32,
    /// First row.
    pub row: u32,
    /// Rows.
    pub rows: u32,
}

/// Most bytes of raw voxels in one upload.
const MAX_UPLOAD_BYTES: u64 = 64 << 20;

impl Convert {
    /// Number of binned voxels along an axis of `n` voxels. See the example of [`Convert`].
    pub fn binned(n: usize, binning: usize) -> usize {
        n.div_ceil(binning)
    }

    /// Widening alone. See the example of [`Convert`].
    pub fn plain(slab: Slab) -> Self {
        Self {
            slab,
            raw_ny: slab.ny,
            raw_nx: slab.nx,
            binning: 1,
            stabilise: 0,
            scale: 1.0,
            shift: 0.0,
            weight: 1.0,
            skip: 0,
        }
    }

    /// Mean over `binning` x `binning` voxels of a stack of shape `raw`, in grey levels. See the example of [`Convert`].
    pub fn binned_mean(slab: Slab, raw: Shape, binning: usize) -> Self {
        Self {
            raw_ny: raw.y as u32,
            raw_nx: raw.x as u32,
            binning: binning as u32,
            weight: 1.0 / (binning * binning) as f32,
            ..Self::plain(slab)
        }
    }

    /// The same, variance-stabilised: photons of the binned voxel are b² (mean - offset) / gain. See the example of [`Convert`].
    pub fn stabilised(slab: Slab, raw: Shape, binning: usize, noise: &NoiseModel) -> Self {
        let (gain, area) = (noise.gain, (binning * binning) as f64);
        let read_variance = area * noise.read_variance / (gain * gain);
        Self {
            stabilise: 1,
            scale: (area / gain) as f32,
            shift: (3.0 / 8.0 + read_variance - area * noise.offset / gain) as f32,
            ..Self::binned_mean(slab, raw, binning)
        }
    }

    /// Converts planes `slab.out_start..` of a stack, wherever it lies. See the example of [`Convert`].
    ///
    /// # Errors
    /// [`crate::error::Error::Gpu`] if the device fails, or has the output or the stack and the engine not; what reading the planes says.
    ///
    /// # Panics
    /// If the stack is not as large as the slab says.
    pub fn run<'a>(&self, engine: &Engine, voxels: impl Into<Raw<'a>>, output: &mut Buffer) -> Result<()> {
        match (voxels.into(), output) {
            (Raw::Parts(parts), output) => {
                let (start, count) = (self.slab.out_start as usize, self.slab.out_count as usize);
                let planes = parts.planes(start..start + count)?;
                let (ny, nx) = (self.slab.ny as usize, self.slab.nx as usize);
                let slab = Slab::whole(count, ny, nx);
                Self { slab, ..*self }.run(engine, planes.view(), output)
            }
            (Raw::Memory(voxels), Buffer::Cpu(output)) => {
                engine.count(KERNEL.entry, self.work(VoxelKind::of(voxels)));
                self.cpu(voxels, output);
                Ok(())
            }
            (Raw::Memory(voxels), output) => {
                engine.count(KERNEL.entry, self.work(VoxelKind::of(voxels)));
                let limit = engine.gpu_limits().map_or(0, |(bytes, _)| bytes).min(MAX_UPLOAD_BYTES);
                self.upload_and_dispatch(engine, voxels, output, limit)
            }
            (Raw::Device(stack), output) => {
                engine.count(KERNEL.entry, self.work(stack.kind));
                let all = Piece { plane: 0, planes: self.slab.out_count, row: 0, rows: self.slab.ny };
                let skip = self.slab.out_start * self.raw_ny * self.raw_nx;
                Self { skip, ..*self }.dispatch(engine, stack.kind, &stack.buffer, all, output)
            }
        }
    }

    /// Bytes and arithmetic of one run on raw voxels of a kind. See the example of [`Work`].
    pub fn work(&self, kind: VoxelKind) -> Work {
        let (voxels, area) = (self.slab.output_len() as u64, u64::from(self.binning * self.binning));
        let raw = u64::from(self.slab.out_count) * u64::from(self.raw_ny) * u64::from(self.raw_nx);
        // The sum of the voxels and its scaling; stabilised, two multiplications, an addition, a comparison and a root.
        let operations = voxels * (area + 1 + 5 * u64::from(self.stabilise));
        Work { bytes_read: raw * kind.bytes() as u64, bytes_written: 4 * voxels, operations }
    }

    /// Piece by piece, each of at most `limit` bytes.
    fn upload_and_dispatch(&self, engine: &Engine, voxels: VoxelsView<'_>, output: &Buffer, limit: u64) -> Result<()> {
        let kind = VoxelKind::of(voxels);
        let line = self.raw_nx as usize * kind.bytes();
        for piece in self.pieces(line as u64, limit) {
            let input = engine.upload_bytes(&voxels.bytes()[self.raw_lines(&piece, line)])?;
            // A piece begins with its own first voxel.
            Self { skip: 0, ..*self }.dispatch(engine, kind, &input, piece, output)?;
        }
        Ok(())
    }

    fn dispatch(&self, engine: &Engine, kind: VoxelKind, raw: &Buffer, piece: Piece, output: &Buffer) -> Result<()> {
        assert!(output.len() == self.slab.output_len(), "the buffer fits the slab");
        let voxels = u64::from(piece.planes) * u64::from(self.raw_ny) * u64::from(self.raw_nx);
        let there = 4 * raw.len() as u64 / kind.bytes() as u64;
        let rows_fit = piece.rows < self.slab.ny || there >= u64::from(self.skip) + voxels;
        assert!(rows_fit && self.slab.ny <= self.raw_ny && self.slab.nx <= self.raw_nx, "the voxels are there");
        let launch = Launch {
            constants: &[("KIND", f64::from(kind.code()))],
            uniforms: &[bytemuck::bytes_of(self), bytemuck::bytes_of(&piece)],
            buffers: &[raw, output],
            groups: (u64::from(piece.planes) * u64::from(piece.rows) * u64::from(self.slab.nx)).div_ceil(256),
            invocations: 256,
            workgroup_bytes: 0,
        };
        engine.dispatch_own(&KERNEL, &launch)
    }

    /// Parts of the output whose raw voxels fit `limit` bytes: whole planes, or rows of one plane if a plane is larger than that.
    fn pieces(&self, line_bytes: u64, limit: u64) -> Vec<Piece> {
        let (ny, count) = (self.slab.ny, self.slab.out_count);
        let planes = (limit / (line_bytes * u64::from(self.raw_ny)).max(1)).min(u64::from(count)) as u32;
        if planes > 0 {
            let piece = |plane| Piece { plane, planes: planes.min(count - plane), row: 0, rows: ny };
            return (0..count).step_by(planes as usize).map(piece).collect();
        }
        let rows = (limit / (line_bytes * u64::from(self.binning))).clamp(1, u64::from(ny)) as u32;
        let piece = |plane, row: u32| Piece { plane, planes: 1, row, rows: rows.min(ny - row) };
        (0..count).flat_map(|plane| (0..ny).step_by(rows as usize).map(move |row| piece(plane, row))).collect()
    }

    /// Bytes of the stack that a piece is made from.
    fn raw_lines(&self, piece: &Piece, line_bytes: usize) -> Range<usize> {
        let first = (self.slab.out_start + piece.plane) as usize * self.raw_ny as usize;
        let start = first + (piece.row * self.binning) as usize;
        let last = first + (piece.planes as usize - 1) * self.raw_ny as usize;
        let end = last + ((piece.row + piece.rows) * self.binning).min(self.raw_ny) as usize;
        start * line_bytes..end * line_bytes
    }

    /// CPU twin: planes `slab.out_start..` of the whole stack's voxels. See the example of [`Convert`].
    ///
    /// # Panics
    /// If the stack is not as large as the slab says.
    pub fn cpu<'a>(&self, voxels: impl Into<VoxelsView<'a>>, output: &mut [f32]) {
        match voxels.into() {
            VoxelsView::U8(v) => self.planes(v.as_slice(), output, f32::from),
            VoxelsView::U16(v) => self.planes(v.as_slice(), output, f32::from),
            VoxelsView::I16(v) => self.planes(v.as_slice(), output, f32::from),
            VoxelsView::F32(v) => self.planes(v.as_slice(), output, |v| v),
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
            let whole = row.len().min(nx / b);
            // Of a known length, so that the loops are vectorised.
            match b {
                1 => add_bins::<1, T>(&mut row[..whole], line, widen),
                2 => add_bins::<2, T>(&mut row[..whole], line, widen),
                _ => row[..whole].iter_mut().zip(line.chunks_exact(b)).for_each(|(v, bin)| {
                    bin.iter().for_each(|&raw| *v += widen(raw));
                }),
            }
            // The last bin may reach beyond the line.
            for (x, v) in row.iter_mut().enumerate().skip(whole) {
                (0..b).for_each(|i| *v += widen(line[(x * b + i).min(nx - 1)]));
            }
        }
        for v in row {
            let mean = *v * self.weight;
            *v = if self.stabilise == 1 { 2.0 * (mean * self.scale + self.shift).max(0.0).sqrt() } else { mean };
        }
    }
}

/// Adds `B` voxels of a line to each value.
fn add_bins<const B: usize, T: Copy>(row: &mut [f32], line: &[T], widen: &impl Fn(T) -> f32) {
    for (v, bin) in row.iter_mut().zip(line.as_chunks::<B>().0) {
        for &raw in bin {
            *v += widen(raw);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::engine::{Backend, Engine};
    use crate::kernel::Slab;
    use crate::kernel::convert::Convert;
    use crate::volume::{Shape, Volume, Voxels};

    fn kernel(binning: u32) -> Convert {
        let (ny, nx) = (Convert::binned(7, binning as usize), Convert::binned(5, binning as usize));
        Convert {
            slab: Slab::of_planes(6, ny, nx, 1, 4, 0),
            raw_ny: 7,
            raw_nx: 5,
            binning,
            stabilise: 0,
            scale: 1.0,
            shift: 0.0,
            weight: 1.0 / (binning * binning) as f32,
            skip: 0,
        }
    }

    #[test]
    fn pieces_cover_every_row_once_and_fit_the_limit() {
        for binning in 1..=8 {
            let kernel = kernel(binning);
            for limit in [1, 5, 12, 30, 35, 36, 80, 1000] {
                let mut rows = vec![0; (kernel.slab.out_count * kernel.slab.ny) as usize];
                for piece in kernel.pieces(5, limit) {
                    let bytes = kernel.raw_lines(&piece, 5);
                    // Less than one binned row cannot be done.
                    assert!(bytes.len() as u64 <= limit.max(u64::from(5 * binning)), "{piece:?}");
                    let first = piece.plane * kernel.slab.ny + piece.row;
                    (first..first + piece.planes * piece.rows).for_each(|row| rows[row as usize] += 1);
                }
                assert!(rows.iter().all(|n| *n == 1), "binning {binning}, limit {limit}: {rows:?}");
            }
        }
    }

    #[test]
    fn uploads_in_pieces_equal_one_upload() {
        let Ok(engine) = Engine::new(Backend::Gpu { adapter: Some("llvmpipe".into()) }) else {
            // Where llvmpipe is not installed, tests/kernel_parity.rs says whether that is allowed.
            return;
        };
        let volume = Volume::new(Shape::new(6, 7, 5).unwrap(), (0..210).map(|v| (v * 37 % 251) as u8).collect());
        let voxels = Voxels::U8(volume.unwrap());
        for binning in [1, 2, 3] {
            let kernel = kernel(binning);
            let mut expected = vec![0.0; kernel.slab.output_len()];
            kernel.cpu(&voxels, &mut expected);
            for limit in [1, 12, 30, 80, 1000] {
                let output = engine.buffer(expected.len()).unwrap();
                kernel.upload_and_dispatch(&engine, voxels.view(), &output, limit).unwrap();
                let mut found = vec![f32::NAN; expected.len()];
                engine.read(&output, &mut found).unwrap();
                assert_eq!(found, expected, "binning {binning}, limit {limit}");
            }
        }
    }
}
