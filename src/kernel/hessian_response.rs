//! Pass B: filters along z, Hessian, eigenvalues and the response of one scale, in one read of the volume smoothed in y and x.
//!
//! Input is G_y G_x * I. Three filters along z (Gaussian, its first and second derivative) and stencils in the plane give
//! H_ab = s_a s_b d_a d_b (G * I), s in voxels folded into the taps: Lindeberg's scale normalisation with gamma = 1
//! (doi:10.1023/A:1008045108935). Bright structures on dark ground; the responses are those of [`crate::kernel::response`].

mod band;
mod work;

use bytemuck::{Pod, Zeroable};
use rayon::prelude::*;

use crate::engine::{Binding, Buffer, Engine, KernelDef, Launch, wgsl};
use crate::error::Result;
use crate::kernel::hessian_response::band::{Band, Hessians};
use crate::kernel::prelude::CHUNK;
use crate::kernel::{HalfTaps, Slab, eigen3, prelude, response};

/// Largest difference of a GPU from the twin in an eigenvalue, relative to the sum of the absolute taps times the largest
/// input. Taps of a second derivative sum to up to 4 in magnitude before they are normalised, and 65 + 7 + 7 terms are added.
pub const TOLERANCE: f32 = 80.0 * f32::EPSILON;

/// Voxels beyond the tile that the stencils read: they are of 6th order.
pub const STENCIL: usize = 3;

/// Which response; the numbers are the shader's. See the example of [`HessianResponse`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Response {
    /// Jerman 2016.
    Jerman = 1,
    /// Frangi 1998.
    Frangi = 2,
    /// Sato 1998.
    Sato = 3,
    /// Scale-normalised Laplacian.
    Blob = 4,
}

const JERMAN: u32 = Response::Jerman as u32;
const FRANGI: u32 = Response::Frangi as u32;
const SATO: u32 = Response::Sato as u32;

/// The shader's entry point for the response.
pub const KERNEL: KernelDef = KernelDef {
    name: "hessian_response",
    source: wgsl!("prelude.wgsl", "eigen3.wgsl", "response.wgsl", "hessian_response.wgsl"),
    entry: "respond",
    bindings: &[Binding::Uniform, Binding::Read, Binding::ReadWrite],
};

/// Its entry point for the largest eigenvalues.
pub const PEAK_KERNEL: KernelDef = KernelDef { entry: "peak", ..KERNEL };

/// Uniform of the shader.
///
/// ```
/// use gemmule::engine::{Backend, Engine};
/// use gemmule::filter::taps;
/// use gemmule::kernel::Slab;
/// use gemmule::kernel::hessian_response::{HessianResponse, Response};
/// let ([g, d1, d2], plane) = (taps::derivatives(1.0, "sigma")?, taps::stencil(1.0));
/// let kernel = HessianResponse {
///     slab: Slab::whole(9, 16, 16),
///     radius_z: g.radius,
///     response: Response::Blob as u32,
///     taps_g: g.half,
///     taps_d1: d1.half,
///     taps_d2: d2.half,
///     d1_y: plane.d1,
///     d1_x: plane.d1,
///     d2_y: plane.d2,
///     d2_x: plane.d2,
///     ..bytemuck::Zeroable::zeroed()
/// };
/// let mut spot = vec![0.0; 9 * 16 * 16];
/// spot[(4 * 16 + 8) * 16 + 6] = 100.0; // plane 4, row 8, column 6
/// let engine = Engine::new(Backend::Cpu)?;
/// let (input, mut output) = (engine.upload(&spot)?, engine.buffer(spot.len())?);
/// kernel.run(&engine, &input, &mut output)?;
/// let (mut response, mut twin) = (vec![0.0; spot.len()], vec![0.0; spot.len()]);
/// engine.read(&output, &mut response)?;
/// kernel.cpu(&spot, &mut twin);
/// assert_eq!(response, twin);
/// assert_eq!(response.iter().position(|v| *v == response.iter().copied().fold(0.0, f32::max)), Some((4 * 16 + 8) * 16 + 6));
/// assert_eq!(kernel.peak(&engine, &input)?, kernel.cpu_peak(&spot)); // what Jerman's and Frangi's constants are made from
/// # Ok::<(), gemmule::error::Error>(())
/// ```
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
pub struct HessianResponse {
    /// Planes; the input needs `radius_z` planes more on either side.
    pub slab: Slab,
    /// Radius of the filters along z, voxels.
    pub radius_z: u32,
    /// A [`Response`].
    pub response: u32,
    /// 1: the output keeps what is larger, its own value or the response (running maximum over scales).
    pub running: u32,
    /// Fills 16 bytes.
    pub padding: u32,
    /// Jerman: the floor m. Frangi: c. Otherwise unused.
    pub floor: f32,
    /// Frangi and Sato: alpha.
    pub alpha: f32,
    /// Frangi: beta. Sato: the second alpha.
    pub beta: f32,
    /// Fills 16 bytes.
    pub padding_f: f32,
    /// Gaussian along z.
    pub taps_g: HalfTaps,
    /// Its first derivative times the scale; antisymmetric, the tap of +k.
    pub taps_d1: HalfTaps,
    /// Its second derivative times the scale squared.
    pub taps_d2: HalfTaps,
    /// First derivative along y times the scale: taps of +1, +2, +3.
    pub d1_y: [f32; 4],
    /// First derivative along x.
    pub d1_x: [f32; 4],
    /// Second derivative along y times the scale squared: centre, 1, 2, 3.
    pub d2_y: [f32; 4],
    /// Second derivative along x.
    pub d2_x: [f32; 4],
}

/// Rows and columns of a workgroup, as in the shader.
const TILE: [u32; 2] = [8, 32];

/// Output planes over which a workgroup marches: before them it loads two radii of planes that others load as well.
const MARCH: u32 = 32;

/// A ring of so many planes, three filtered tiles with their halo, and two values per lane for `peak`.
fn workgroup_bytes(ring: u32) -> u32 {
    let halo = 2 * STENCIL as u32;
    4 * ((ring + 3) * (TILE[0] + halo) * (TILE[1] + halo) + 2 * TILE[0] * TILE[1])
}

/// Planes that a task of the CPU works on.
const DEPTH: usize = 16;

impl HessianResponse {
    /// Runs on the engine's device. See the example of [`HessianResponse`].
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
        assert!(output.len() == self.slab.output_len(), "buffers fit the slab");
        self.launch(engine, &KERNEL, input, output)
    }

    /// The same into `all`, a buffer of several outputs, from its `start`-th value on: in memory at once, on a device by way of `output`, made at its first use.
    pub(crate) fn run_at(
        &self,
        engine: &Engine,
        input: &Buffer,
        (all, start): (&mut Buffer, usize),
        output: &mut Option<Buffer>,
    ) -> Result<()> {
        if let (Buffer::Cpu(input), Buffer::Cpu(all)) = (input, &mut *all) {
            engine.count(KERNEL.entry, self.work());
            self.cpu(input, &mut all[start..][..self.slab.output_len()]);
            return Ok(());
        }
        let output = match output {
            Some(output) => output,
            None => output.insert(engine.buffer(self.slab.output_len())?),
        };
        self.run(engine, input, output)?;
        engine.copy(output, all, start)
    }

    fn launch(&self, engine: &Engine, kernel: &KernelDef, input: &Buffer, output: &Buffer) -> Result<()> {
        assert!(input.len() == self.slab.input_len(), "the buffer fits the slab");
        prelude::assert_radius(self.radius_z);
        let tiles = u64::from(self.slab.ny.div_ceil(TILE[0])) * u64::from(self.slab.nx.div_ceil(TILE[1]));
        let room = engine.gpu_limits().map_or(0, |(_, workgroup_bytes)| workgroup_bytes);
        let marches = workgroup_bytes(2 * self.radius_z + 1) <= room;
        let (ring, depth) = if marches { (2 * self.radius_z + 1, MARCH) } else { (1, 1) };
        let launch = Launch {
            constants: &[
                ("RADIUS_Z", f64::from(self.radius_z)),
                ("RESPONSE", f64::from(self.response)),
                ("MARCH", f64::from(u8::from(marches))),
                ("RING", f64::from(ring)),
                ("DEPTH", f64::from(depth)),
            ],
            uniforms: &[bytemuck::bytes_of(self)],
            buffers: &[input, output],
            groups: tiles * u64::from(self.slab.out_count.div_ceil(depth)),
            invocations: TILE[0] * TILE[1],
            workgroup_bytes: workgroup_bytes(ring),
        };
        engine.dispatch_own(kernel, &launch)
    }

    /// CPU twin. See the example of [`HessianResponse`].
    ///
    /// # Panics
    /// If the buffers are not as long as the slab says.
    pub fn cpu(&self, input: &[f32], output: &mut [f32]) {
        assert!(input.len() == self.slab.input_len() && output.len() == self.slab.output_len(), "buffers fit the slab");
        let (nx, rows) = (self.slab.nx as usize, band::rows(self.slab.nx as usize));
        let bands = (self.slab.ny as usize).div_ceil(rows);
        let mut tasks: Vec<Vec<Part<'_>>> = Vec::new();
        tasks.resize_with(bands * (self.slab.out_count as usize).div_ceil(DEPTH), Vec::new);
        for (k, plane) in output.chunks_mut(self.slab.plane_len()).enumerate() {
            for (band, out) in plane.chunks_mut(rows * nx).enumerate() {
                tasks[k / DEPTH * bands + band].push(Part { k, y: band * rows, out });
            }
        }
        tasks.into_par_iter().for_each_init(
            || Band::new(nx, rows),
            |band, parts| prelude::vectorised(Respond { kernel: self, input, band, parts }),
        );
    }

    /// Largest a3 (at least 0) and largest S² of the slab, on the engine's device. See the example of [`HessianResponse`].
    ///
    /// # Errors
    /// [`crate::error::Error::Gpu`] if the device fails.
    ///
    /// # Panics
    /// If the buffer is not as long as the slab says, or the radius is beyond [`prelude::MAX_RADIUS`].
    pub fn peak(&self, engine: &Engine, input: &Buffer) -> Result<[f32; 2]> {
        let mut peaks = engine.buffer(2)?;
        self.peak_into(engine, input, &mut peaks)?;
        let mut found = [0.0; 2];
        engine.read(&peaks, &mut found)?;
        Ok(found)
    }

    /// The same, kept in a buffer of two values where it is larger than what they were: nobody waits for it.
    pub(crate) fn peak_into(&self, engine: &Engine, input: &Buffer, peaks: &mut Buffer) -> Result<()> {
        engine.count(PEAK_KERNEL.entry, self.peak_work());
        if let (Buffer::Cpu(input), Buffer::Cpu(peaks)) = (input, &mut *peaks) {
            peaks.iter_mut().zip(self.cpu_peak(input)).for_each(|(peak, found)| *peak = peak.max(found));
            return Ok(());
        }
        self.launch(engine, &PEAK_KERNEL, input, peaks)
    }

    /// CPU twin of the shader's `peak`: largest a3 (at least 0), and largest S² = sum of the squared eigenvalues. See the example of [`HessianResponse`].
    ///
    /// # Panics
    /// If the buffer is not as long as the slab says.
    pub fn cpu_peak(&self, input: &[f32]) -> [f32; 2] {
        assert!(input.len() == self.slab.input_len(), "the buffer fits the slab");
        let larger = |a: [f32; 2], b: [f32; 2]| [a[0].max(b[0]), a[1].max(b[1])];
        let (nx, rows) = (self.slab.nx as usize, band::rows(self.slab.nx as usize));
        let bands = (self.slab.ny as usize).div_ceil(rows);
        (0..bands * (self.slab.out_count as usize).div_ceil(DEPTH))
            .into_par_iter()
            .map_init(
                || Band::new(nx, rows),
                |band, task| {
                    let planes = task / bands * DEPTH..(task / bands * DEPTH + DEPTH).min(self.slab.out_count as usize);
                    prelude::vectorised(Peak { kernel: self, input, band, planes, y: task % bands * rows, rows })
                },
            )
            .reduce(|| [0.0; 2], larger)
    }

    #[inline(always)]
    fn respond(&self, h: &Hessians, out: &mut [f32]) {
        // One loop per response, so that each can be vectorised.
        match self.response {
            JERMAN => self.write::<JERMAN>(h, out),
            FRANGI => self.write::<FRANGI>(h, out),
            SATO => self.write::<SATO>(h, out),
            _ => {
                let mut values = [0.0; CHUNK];
                for i in 0..CHUNK {
                    values[i] = -(h[0][i] + h[1][i] + h[2][i]);
                }
                self.keep(&values, out);
            }
        }
    }

    #[inline(always)]
    fn write<const RESPONSE: u32>(&self, h: &Hessians, out: &mut [f32]) {
        // Whole chunks in two loops of fixed length without calls: both are vectorised, and neither needs more registers than there are.
        let mut l = [[0.0; CHUNK]; 3];
        for i in 0..CHUNK {
            let found = eigen3::eigenvalues([h[0][i], h[1][i], h[2][i], h[3][i], h[4][i], h[5][i]]);
            (l[0][i], l[1][i], l[2][i]) = (found[0], found[1], found[2]);
        }
        let mut values = [0.0; CHUNK];
        for i in 0..CHUNK {
            let l = [l[0][i], l[1][i], l[2][i]];
            // Not a closure: of a closure that is not inlined the loop keeps no vectors.
            values[i] = match RESPONSE {
                JERMAN => response::jerman(l, self.floor),
                FRANGI => response::frangi(l, self.floor, self.alpha, self.beta),
                _ => response::sato(l, self.alpha, self.beta),
            };
        }
        self.keep(&values, out);
    }

    #[inline(always)]
    fn keep(&self, values: &[f32; CHUNK], out: &mut [f32]) {
        for (out, &v) in out.iter_mut().zip(values) {
            *out = if self.running == 1 { out.max(v) } else { v };
        }
    }
}

/// Rows of one plane of the output.
struct Part<'a> {
    k: usize,
    y: usize,
    out: &'a mut [f32],
}

/// The response of the same rows of several planes.
struct Respond<'a> {
    kernel: &'a HessianResponse,
    input: &'a [f32],
    band: &'a mut Band,
    parts: Vec<Part<'a>>,
}

impl pulp::WithSimd for Respond<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) {
        let Self { kernel, input, band, parts } = self;
        let nx = kernel.slab.nx as usize;
        for (n, Part { k, y, out }) in parts.into_iter().enumerate() {
            let plane = n % 2;
            if plane == 0 {
                band.fill(kernel, input, (k, y, out.len() / nx));
            }
            for (row, out) in out.chunks_mut(nx).enumerate() {
                for (c, out) in out.chunks_mut(CHUNK).enumerate() {
                    let h = band.hessians(kernel, (plane, row, c * CHUNK));
                    kernel.respond(&h, out);
                }
            }
        }
    }
}

/// Largest a3 and S² of the same rows of several planes.
struct Peak<'a> {
    kernel: &'a HessianResponse,
    input: &'a [f32],
    band: &'a mut Band,
    planes: std::ops::Range<usize>,
    y: usize,
    rows: usize,
}

impl pulp::WithSimd for Peak<'_> {
    type Output = [f32; 2];

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) -> [f32; 2] {
        let Self { kernel, input, band, planes, y, rows } = self;
        let (ny, nx) = (kernel.slab.ny as usize, kernel.slab.nx as usize);
        let rows = rows.min(ny - y);
        let mut best = [0.0_f32; 2];
        for (n, k) in planes.enumerate() {
            let plane = n % 2;
            if plane == 0 {
                band.fill(kernel, input, (k, y, rows));
            }
            for row in 0..rows {
                for x in (0..nx).step_by(CHUNK) {
                    let mut squares = band.squares(kernel, (plane, row, x));
                    squares[CHUNK.min(nx - x)..].fill(0.0);
                    if band::is_surely_less(squares, band.most) {
                        continue;
                    }
                    let mut h = band.hessians(kernel, (plane, row, x));
                    // Of a matrix of zeros both are 0.
                    h.iter_mut().for_each(|values| values[CHUNK.min(nx - x)..].fill(0.0));
                    best = band::keep_largest(&h, best);
                    band.most = band.most.max(best[0]);
                }
            }
        }
        best
    }
}
