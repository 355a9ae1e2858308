//! What all kernels share: which planes a buffer holds, borders, filter taps.
//!
//! Borders: outside the volume the value of the nearest voxel continues (`mode="nearest"` of scipy.ndimage).

use bytemuck::{Pod, Zeroable};

/// Largest radius of a filter, voxels. Beyond it a volume is binned first.
pub const MAX_RADIUS: usize = 32;

/// Taps of a symmetric or antisymmetric filter: the centre, then one side; the rest is 0. Padded to whole `vec4<f32>`.
pub type HalfTaps = [f32; 36];

/// Which planes of a volume the input and the output buffer of a kernel hold. All rows and columns are there.
///
/// ```
/// use gemmule::kernel::Slab;
/// let whole = Slab::whole(10, 4, 5);
/// assert_eq!((whole.plane_len(), whole.input_len(), whole.output_len()), (20, 200, 200));
/// // Planes 4 and 5, made from planes 3 to 6.
/// let part = Slab::of_planes(10, 4, 5, 4, 2, 1);
/// assert_eq!((part.in_start, part.in_count, part.output_len()), (3, 4, 40));
/// assert_eq!(part.input_only().output_len(), part.input_len());
/// ```
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
pub struct Slab {
    /// Planes of the whole volume.
    pub nz: u32,
    /// Rows.
    pub ny: u32,
    /// Columns.
    pub nx: u32,
    /// First plane in the input buffer.
    pub in_start: u32,
    /// Planes in the input buffer.
    pub in_count: u32,
    /// First plane in the output buffer.
    pub out_start: u32,
    /// Planes in the output buffer.
    pub out_count: u32,
    /// Fills the uniform's last 16 bytes.
    pub padding: u32,
}

impl Slab {
    /// A slab that is the whole volume, for input and output. See the example of [`Slab`].
    pub fn whole(nz: usize, ny: usize, nx: usize) -> Self {
        Self {
            nz: nz as u32,
            ny: ny as u32,
            nx: nx as u32,
            in_start: 0,
            in_count: nz as u32,
            out_start: 0,
            out_count: nz as u32,
            padding: 0,
        }
    }

    /// The slab that writes planes `start..start + count` and reads `halo` planes more on either side, within `nz`. See the example of [`Slab`].
    pub fn of_planes(nz: usize, ny: usize, nx: usize, start: usize, count: usize, halo: usize) -> Self {
        let in_start = start.saturating_sub(halo);
        let in_end = (start + count + halo).min(nz);
        Self {
            in_start: in_start as u32,
            in_count: (in_end - in_start) as u32,
            out_start: start as u32,
            out_count: count as u32,
            ..Self::whole(nz, ny, nx)
        }
    }

    /// The same planes for input as this slab has, and for output as well. See the example of [`Slab`].
    pub fn input_only(self) -> Self {
        Self { out_start: self.in_start, out_count: self.in_count, ..self }
    }

    /// Voxels of one plane. See the example of [`Slab`].
    pub fn plane_len(&self) -> usize {
        self.ny as usize * self.nx as usize
    }

    /// Voxels of the input buffer. See the example of [`Slab`].
    pub fn input_len(&self) -> usize {
        self.in_count as usize * self.plane_len()
    }

    /// Voxels of the output buffer. See the example of [`Slab`].
    pub fn output_len(&self) -> usize {
        self.out_count as usize * self.plane_len()
    }

    /// Plane of the input buffer for output plane `k` and an offset along z; outside the volume the nearest plane.
    ///
    /// The halo must be in the buffer; what is not is clamped to it, as the shader does.
    #[inline(always)]
    pub(crate) fn input_plane(&self, k: usize, offset: isize) -> usize {
        let z = (self.out_start as isize + k as isize + offset).clamp(0, self.nz as isize - 1);
        (z - self.in_start as isize).clamp(0, self.in_count as isize - 1) as usize
    }
}

/// Runs work compiled for the widest vectors this CPU has (AVX2, AVX-512, NEON). The result is the same for all: Rust never
/// fuses a multiplication with an addition by itself, and where `mul_add` asks for it every CPU rounds once. One without such an instruction (x86 before
/// 2013) calls a function instead, and is many times slower. What is called must be `#[inline(always)]`, or it is compiled for the narrowest.
pub(crate) fn vectorised<W: pulp::WithSimd>(work: W) -> W::Output {
    pulp::Arch::new().dispatch(work)
}

/// Values done at once on the CPU: enough to fill vector registers with independent sums, few enough to stay in them.
pub(crate) const CHUNK: usize = 64;

/// Zeros to work in, which begin at a cache line.
pub(crate) struct Scratch(Vec<Line>);

#[repr(C, align(64))]
#[derive(Clone, Copy, Pod, Zeroable)]
struct Line([f32; Scratch::LINE]);

impl Scratch {
    /// Values of a cache line.
    pub(crate) const LINE: usize = 16;

    pub(crate) fn new(len: usize) -> Self {
        // Not `vec!`: that writes the zeros instead of asking for clean memory.
        Self(bytemuck::zeroed_vec(len.div_ceil(Self::LINE)))
    }
}

impl std::ops::Deref for Scratch {
    type Target = [f32];

    #[inline(always)]
    fn deref(&self) -> &[f32] {
        bytemuck::cast_slice(&self.0)
    }
}

impl std::ops::DerefMut for Scratch {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [f32] {
        bytemuck::cast_slice_mut(&mut self.0)
    }
}

/// The [`CHUNK`] values from `start` on; what is read so is padded to whole chunks.
#[inline(always)]
pub(crate) fn chunk(values: &[f32], start: usize) -> &[f32; CHUNK] {
    lanes(values, start)
}

/// The `N` values from `start` on.
#[inline(always)]
pub(crate) fn lanes<const N: usize>(values: &[f32], start: usize) -> &[f32; N] {
    values[start..].first_chunk().expect("whole chunks are there")
}

/// # Panics
/// If there are no taps for a radius: shaders do not look.
pub(crate) fn assert_radius(radius: u32) {
    assert!(radius as usize <= MAX_RADIUS, "filters reach {MAX_RADIUS} voxels at most, not {radius}");
}

/// Arithmetic of [`symmetric`] for one value: a multiplication for the centre, two additions and a multiplication for both sides of every other tap.
pub(crate) fn symmetric_operations(radius: u32) -> u64 {
    1 + 3 * u64::from(radius)
}

/// A symmetric filter: `out = taps[0] * line(0) + sum of taps[k] * (line(-k) + line(k))`, element by element, in the order of k.
///
/// A chunk's sums stay in registers over all taps; passing over memory once per tap takes 2 to 3 times as long. Loops over arrays are written out: `map` of an
/// array and closures that are not inlined lose the vectors.
#[inline(always)]
pub(crate) fn symmetric<'a>(out: &mut [f32], taps: &[f32], line: impl Fn(isize) -> &'a [f32]) {
    let mut x = 0;
    while x + CHUNK <= out.len() {
        let centre = chunk(line(0), x);
        let mut sum = [0.0; CHUNK];
        for i in 0..CHUNK {
            sum[i] = taps[0] * centre[i];
        }
        for (k, tap) in (1..).zip(&taps[1..]) {
            let (below, above) = (chunk(line(-k), x), chunk(line(k), x));
            for i in 0..CHUNK {
                sum[i] = tap.mul_add(below[i] + above[i], sum[i]);
            }
        }
        out[x..x + CHUNK].copy_from_slice(&sum);
        x += CHUNK;
    }
    let rest = &mut out[x..];
    for (out, v) in rest.iter_mut().zip(&line(0)[x..]) {
        *out = taps[0] * v;
    }
    for (k, tap) in (1..).zip(&taps[1..]) {
        for ((out, below), above) in rest.iter_mut().zip(&line(-k)[x..]).zip(&line(k)[x..]) {
            *out = tap.mul_add(below + above, *out);
        }
    }
}
