//! Pass B: filters along z, Hessian, eigenvalues and the response of one scale, in one read of the volume smoothed in y and x.
//!
//! Input is G_y G_x * I. Three filters along z (Gaussian, its first and second derivative) and stencils in the plane give
//! H_ab = s_a s_b d_a d_b (G * I), s in voxels folded into the taps: Lindeberg's scale normalisation with gamma = 1
//! (doi:10.1023/A:1008045108935). Bright structures on dark ground; the responses are those of [`crate::kernel::response`].

use bytemuck::{Pod, Zeroable};
use rayon::prelude::*;

use crate::engine::{Binding, Buffer, Engine, KernelDef, Launch, wgsl};
use crate::error::Result;
use crate::kernel::{HalfTaps, Slab, eigen3, prelude, response};

/// Largest difference of a GPU from the twin in an eigenvalue, relative to the sum of the absolute taps times the largest
/// input. Taps of a second derivative sum to up to 4 in magnitude before they are normalised, and 65 + 7 + 7 terms are added.
pub const TOLERANCE: f32 = 80.0 * f32::EPSILON;

/// Voxels beyond the tile that the stencils read: they are of 6th order.
pub const STENCIL: usize = 3;

/// Which response; the numbers are the shader's.
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

/// Voxels done at once: long enough to fill vector registers, short enough for the first cache.
const CHUNK: usize = 64;

/// One plane filtered along z in three ways, with [`STENCIL`] voxels of continued border around.
struct Planes {
    g: Vec<f32>,
    d1: Vec<f32>,
    d2: Vec<f32>,
    row: Vec<f32>,
    width: usize,
}

/// Six components of the Hessian for a chunk of a row.
type Hessians = [[f32; CHUNK]; 6];

impl HessianResponse {
    /// Runs on the engine's device.
    ///
    /// # Errors
    /// [`crate::error::Error::Gpu`] if the device fails.
    ///
    /// # Panics
    /// If the buffers are not as long as the slab says.
    pub fn run(&self, engine: &Engine, input: &Buffer, output: &mut Buffer) -> Result<()> {
        if let (Buffer::Cpu(input), Buffer::Cpu(output)) = (input, &mut *output) {
            self.cpu(input, output);
            return Ok(());
        }
        assert!(output.len() == self.slab.output_len(), "buffers fit the slab");
        self.launch(engine, &KERNEL, input, output)
    }

    fn launch(&self, engine: &Engine, kernel: &KernelDef, input: &Buffer, output: &Buffer) -> Result<()> {
        assert!(input.len() == self.slab.input_len(), "the buffer fits the slab");
        let tiles = u64::from(self.slab.ny.div_ceil(TILE[0])) * u64::from(self.slab.nx.div_ceil(TILE[1]));
        let halo = 2 * STENCIL as u32;
        let launch = Launch {
            constants: &[("RADIUS_Z", f64::from(self.radius_z)), ("RESPONSE", f64::from(self.response))],
            uniforms: &[bytemuck::bytes_of(self)],
            buffers: &[input, output],
            groups: tiles * u64::from(self.slab.out_count),
            invocations: TILE[0] * TILE[1],
            // Three filtered tiles with their halo; `peak` also keeps two values per lane.
            workgroup_bytes: 4 * (3 * (TILE[0] + halo) * (TILE[1] + halo) + 2 * TILE[0] * TILE[1]),
        };
        engine.dispatch(kernel, &launch)
    }

    /// CPU twin.
    ///
    /// # Panics
    /// If the buffers are not as long as the slab says.
    pub fn cpu(&self, input: &[f32], output: &mut [f32]) {
        let n = self.slab.plane_len();
        assert!(input.len() == self.slab.input_len() && output.len() == self.slab.output_len(), "buffers fit the slab");
        output.par_chunks_mut(n).enumerate().for_each_init(
            || Planes::new(&self.slab),
            |planes, (k, out)| prelude::vectorised(RespondPlane { kernel: self, input, k, planes, out }),
        );
    }

    /// Largest a3 (at least 0) and largest S² of the slab, on the engine's device.
    ///
    /// # Errors
    /// [`crate::error::Error::Gpu`] if the device fails.
    ///
    /// # Panics
    /// If the buffer is not as long as the slab says.
    pub fn peak(&self, engine: &Engine, input: &Buffer) -> Result<[f32; 2]> {
        if let Buffer::Cpu(input) = input {
            return Ok(self.cpu_peak(input));
        }
        let peaks = engine.buffer(2)?;
        self.launch(engine, &PEAK_KERNEL, input, &peaks)?;
        let mut found = [0.0; 2];
        engine.read(&peaks, &mut found)?;
        Ok(found)
    }

    /// CPU twin of the shader's `peak`: largest a3 (at least 0), and largest S² = sum of the squared eigenvalues.
    ///
    /// # Panics
    /// If the buffer is not as long as the slab says.
    pub fn cpu_peak(&self, input: &[f32]) -> [f32; 2] {
        assert!(input.len() == self.slab.input_len(), "the buffer fits the slab");
        let larger = |a: [f32; 2], b: [f32; 2]| [a[0].max(b[0]), a[1].max(b[1])];
        (0..self.slab.out_count as usize)
            .into_par_iter()
            .map_init(
                || Planes::new(&self.slab),
                |planes, k| prelude::vectorised(PeakPlane { kernel: self, input, k, planes }),
            )
            .reduce(|| [0.0; 2], larger)
    }

    #[inline(always)]
    fn filter_z(&self, input: &[f32], k: usize, planes: &mut Planes) {
        let (n, ny, nx) = (self.slab.plane_len(), self.slab.ny as usize, self.slab.nx as usize);
        let width = planes.width;
        for y in 0..ny {
            let line = |offset: isize| &input[self.slab.input_plane(k, offset) * n + y * nx..][..nx];
            let at = (y + STENCIL) * width + STENCIL;
            let (g, d1, d2) = (&mut planes.g[at..][..nx], &mut planes.d1[at..][..nx], &mut planes.d2[at..][..nx]);
            prelude::set_scaled(g, self.taps_g[0], line(0));
            prelude::set_scaled(d2, self.taps_d2[0], line(0));
            d1.fill(0.0);
            for r in 1..=self.radius_z as usize {
                let (below, above) = (line(-(r as isize)), line(r as isize));
                prelude::add_scaled_sum(g, self.taps_g[r], below, above);
                prelude::add_scaled_difference(d1, self.taps_d1[r], above, below);
                prelude::add_scaled_sum(d2, self.taps_d2[r], below, above);
            }
        }
        planes.continue_borders(ny, nx);
    }

    #[inline(always)]
    /// Hessians of `count` voxels from (y, x) on.
    fn hessians(&self, planes: &Planes, y: usize, x: usize, count: usize) -> Hessians {
        let (w, at) = (planes.width, (y + STENCIL) * planes.width + x + STENCIL);
        let mut h = [[0.0; CHUNK]; 6];
        let [zz, yy, xx, zy, zx, yx] = &mut h;
        zz[..count].copy_from_slice(&planes.d2[at..][..count]);
        prelude::set_scaled(&mut yy[..count], self.d2_y[0], &planes.g[at..]);
        prelude::set_scaled(&mut xx[..count], self.d2_x[0], &planes.g[at..]);
        for j in 1..=STENCIL {
            let (g, d1) = (&planes.g, &planes.d1);
            prelude::add_scaled_sum(&mut yy[..count], self.d2_y[j], &g[at - j * w..], &g[at + j * w..]);
            prelude::add_scaled_sum(&mut xx[..count], self.d2_x[j], &g[at - j..], &g[at + j..]);
            prelude::add_scaled_difference(&mut zy[..count], self.d1_y[j - 1], &d1[at + j * w..], &d1[at - j * w..]);
            prelude::add_scaled_difference(&mut zx[..count], self.d1_x[j - 1], &d1[at + j..], &d1[at - j..]);
            // d_x of the row above less that of the row below.
            let mut slope = [0.0; CHUNK];
            for i in 1..=STENCIL {
                let (above, below) = (at + j * w, at - j * w);
                prelude::add_scaled_difference(&mut slope[..count], self.d1_x[i - 1], &g[above + i..], &g[above - i..]);
                prelude::add_scaled_difference(
                    &mut slope[..count],
                    -self.d1_x[i - 1],
                    &g[below + i..],
                    &g[below - i..],
                );
            }
            for (yx, slope) in yx[..count].iter_mut().zip(&slope) {
                *yx += self.d1_y[j - 1] * slope;
            }
        }
        h
    }

    #[inline(always)]
    fn respond(&self, h: &Hessians, out: &mut [f32]) {
        // One loop per response, so that each can be vectorised.
        match self.response {
            r if r == Response::Jerman as u32 => self.write(h, out, |p, l| response::jerman(l, p.floor)),
            r if r == Response::Frangi as u32 => {
                self.write(h, out, |p, l| response::frangi(l, p.floor, p.alpha, p.beta))
            }
            r if r == Response::Sato as u32 => self.write(h, out, |p, l| response::sato(l, p.alpha, p.beta)),
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
    fn write(&self, h: &Hessians, out: &mut [f32], response: impl Fn(&Self, [f32; 3]) -> f32) {
        // Whole chunks in two loops: one of fixed length without calls can be vectorised, the exponentials of the other cannot.
        let mut l = [[0.0; CHUNK]; 3];
        for i in 0..CHUNK {
            let found = eigen3::eigenvalues([h[0][i], h[1][i], h[2][i], h[3][i], h[4][i], h[5][i]]);
            (l[0][i], l[1][i], l[2][i]) = (found[0], found[1], found[2]);
        }
        let mut values = [0.0; CHUNK];
        for i in 0..CHUNK {
            values[i] = response(self, [l[0][i], l[1][i], l[2][i]]);
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

/// The response of one plane.
struct RespondPlane<'a> {
    kernel: &'a HessianResponse,
    input: &'a [f32],
    k: usize,
    planes: &'a mut Planes,
    out: &'a mut [f32],
}

impl pulp::WithSimd for RespondPlane<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) {
        let Self { kernel, input, k, planes, out } = self;
        kernel.filter_z(input, k, planes);
        for (y, row) in out.chunks_mut(kernel.slab.nx as usize).enumerate() {
            for (c, out) in row.chunks_mut(CHUNK).enumerate() {
                let h = kernel.hessians(planes, y, c * CHUNK, out.len());
                kernel.respond(&h, out);
            }
        }
    }
}

/// Largest a3 and S² of one plane.
struct PeakPlane<'a> {
    kernel: &'a HessianResponse,
    input: &'a [f32],
    k: usize,
    planes: &'a mut Planes,
}

impl pulp::WithSimd for PeakPlane<'_> {
    type Output = [f32; 2];

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) -> [f32; 2] {
        let Self { kernel, input, k, planes } = self;
        let (ny, nx) = (kernel.slab.ny as usize, kernel.slab.nx as usize);
        kernel.filter_z(input, k, planes);
        // One maximum per place in the chunk, so that the loop can be vectorised.
        let mut best = [[0.0_f32; CHUNK]; 2];
        for y in 0..ny {
            for x in (0..nx).step_by(CHUNK) {
                let h = kernel.hessians(planes, y, x, CHUNK.min(nx - x));
                keep_largest(&h, &mut best);
            }
        }
        best.map(|values| values.into_iter().fold(0.0, f32::max))
    }
}

impl Planes {
    fn new(slab: &Slab) -> Self {
        let width = slab.nx as usize + 2 * STENCIL;
        let n = width * (slab.ny as usize + 2 * STENCIL);
        Self { g: vec![0.0; n], d1: vec![0.0; n], d2: vec![0.0; n], row: vec![0.0; width], width }
    }

    fn continue_borders(&mut self, ny: usize, nx: usize) {
        let w = self.width;
        for plane in [&mut self.g, &mut self.d1, &mut self.d2] {
            for row in plane.chunks_mut(w).skip(STENCIL).take(ny) {
                let (first, last) = (row[STENCIL], row[STENCIL + nx - 1]);
                row[..STENCIL].fill(first);
                row[STENCIL + nx..].fill(last);
            }
            for (from, to) in [(STENCIL, 0), (STENCIL + ny - 1, STENCIL + ny)] {
                self.row.copy_from_slice(&plane[from * w..][..w]);
                for row in plane[to * w..].chunks_mut(w).take(STENCIL) {
                    row.copy_from_slice(&self.row);
                }
            }
        }
    }
}

/// Largest a3 and S² so far, place by place in the chunk; the Hessians beyond a short chunk's end are 0 and change nothing.
#[inline(always)]
fn keep_largest(h: &Hessians, best: &mut [[f32; CHUNK]; 2]) {
    for i in 0..CHUNK {
        let l = eigen3::eigenvalues([h[0][i], h[1][i], h[2][i], h[3][i], h[4][i], h[5][i]]);
        best[0][i] = best[0][i].max(-l[0]);
        best[1][i] = best[1][i].max(l[0] * l[0] + l[1] * l[1] + l[2] * l[2]);
    }
}
