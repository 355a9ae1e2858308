//! The memory in which the CPU makes Hessians: some rows of a plane, filtered along z.
//!
//! A band goes down the planes with its rows, so that each row of the input is brought to the cache once.

use crate::kernel::eigen3;
use crate::kernel::hessian_response::{HessianResponse, STENCIL};
use crate::kernel::prelude::{CHUNK, MAX_RADIUS, Scratch, chunk, lanes};

/// Values of a row filtered along z at once; with 16, AVX2 and AVX-512 are slower by up to a tenth.
const LANES: usize = 32;

/// Values of a plane that a band of rows may hold on the CPU: its two planes, filtered in four ways, stay in the second cache.
const BAND_LEN: usize = 16 << 10;

/// Values left and right of a row: as many as a cache line holds, so that each row begins at one. A vector that lies across two takes twice the time to load.
const MARGIN: usize = Scratch::LINE;

/// Rows of two planes, filtered along z in three ways and one of them along x, with [`STENCIL`] values of continued border around.
pub(super) struct Band {
    g: Scratch,
    d1: Scratch,
    d2: Scratch,
    dx: Scratch,
    width: usize,
    plane_len: usize,
    /// Largest a3 that was seen while this band was in use.
    pub(super) most: f32,
}

/// Six components of the Hessian for a chunk of a row.
pub(super) type Hessians = [[f32; CHUNK]; 6];

/// Rows that are done together, of a volume of `nx` columns.
pub(super) fn rows(nx: usize) -> usize {
    (BAND_LEN / nx).clamp(8, 64)
}

impl Band {
    pub(super) fn new(nx: usize, rows: usize) -> Self {
        let width = nx.next_multiple_of(CHUNK) + 2 * MARGIN;
        let plane_len = width * (rows + 2 * STENCIL);
        let [g, d1, d2, dx] = [(); 4].map(|()| Scratch::new(2 * plane_len));
        Self { g, d1, d2, dx, width, plane_len, most: 0.0 }
    }

    /// Fills a band with `rows` rows from row `y` of output planes `k` and `k + 1`.
    #[inline(always)]
    pub(super) fn fill(&mut self, kernel: &HessianResponse, input: &[f32], (k, y, rows): (usize, usize, usize)) {
        let (n, ny, nx) = (kernel.slab.plane_len(), kernel.slab.ny as usize, kernel.slab.nx as usize);
        let radius = kernel.radius_z as isize;
        let reach = reach(kernel);
        let around = STENCIL - reach..rows + STENCIL + reach;
        for r in around.clone() {
            let from = (y + r).saturating_sub(STENCIL).min(ny - 1) * nx;
            let mut lines: [&[f32]; 2 * MAX_RADIUS + 2] = [&[]; 2 * MAX_RADIUS + 2];
            for (line, offset) in lines.iter_mut().zip(-radius..=radius + 1) {
                *line = &input[kernel.slab.input_plane(k, offset) * n + from..][..nx];
            }
            let at = r * self.width + MARGIN;
            self.filter_z(kernel, &lines[..2 * radius as usize + 2], [at, at + self.plane_len]);
        }
        for start in [0, self.plane_len] {
            for r in around.clone() {
                for x in (0..nx).step_by(CHUNK) {
                    let at = start + r * self.width + MARGIN + x;
                    if reach == 2 { self.slope_x::<2>(kernel, at) } else { self.slope_x::<3>(kernel, at) }
                }
            }
        }
    }

    #[inline(always)]
    fn slope_x<const REACH: usize>(&mut self, kernel: &HessianResponse, at: usize) {
        let near = near(&self.g, at, 1);
        let slope = &mut self.dx[at..][..CHUNK];
        for (i, slope) in slope.iter_mut().enumerate() {
            *slope = first::<REACH>(&kernel.d1_x, &near, i);
        }
    }

    /// One row of two planes through the three filters along z; `lines` are the rows of the planes from `radius_z` before the first to as many after the second.
    #[inline(always)]
    fn filter_z(&mut self, kernel: &HessianResponse, lines: &[&[f32]], at: [usize; 2]) {
        let nx = kernel.slab.nx as usize;
        let whole = nx / LANES * LANES;
        for x in (0..whole).step_by(LANES) {
            self.filter_lanes::<LANES>(kernel, lines, at, x);
        }
        for x in whole..nx {
            self.filter_lanes::<1>(kernel, lines, at, x);
        }
        for at in at {
            self.continue_borders(at, nx);
        }
    }

    /// Each value of the input is brought to the cache once for all six sums.
    #[inline(always)]
    fn filter_lanes<const N: usize>(&mut self, kernel: &HessianResponse, lines: &[&[f32]], at: [usize; 2], x: usize) {
        let middle = kernel.radius_z as usize;
        let (here, next) = (lanes::<N>(lines[middle], x), lanes::<N>(lines[middle + 1], x));
        let [mut g, mut d1, mut d2] = [[[0.0; N]; 2]; 3];
        for i in 0..N {
            (g[0][i], g[1][i]) = (kernel.taps_g[0] * here[i], kernel.taps_g[0] * next[i]);
            (d2[0][i], d2[1][i]) = (kernel.taps_d2[0] * here[i], kernel.taps_d2[0] * next[i]);
        }
        for r in 1..=middle {
            let below = [lanes::<N>(lines[middle - r], x), lanes::<N>(lines[middle - r + 1], x)];
            let above = [lanes::<N>(lines[middle + r], x), lanes::<N>(lines[middle + r + 1], x)];
            let (tap_g, tap_d1, tap_d2) = (kernel.taps_g[r], kernel.taps_d1[r], kernel.taps_d2[r]);
            for plane in 0..2 {
                for i in 0..N {
                    let sum = below[plane][i] + above[plane][i];
                    g[plane][i] = tap_g.mul_add(sum, g[plane][i]);
                    d2[plane][i] = tap_d2.mul_add(sum, d2[plane][i]);
                    d1[plane][i] = tap_d1.mul_add(above[plane][i] - below[plane][i], d1[plane][i]);
                }
            }
        }
        for plane in 0..2 {
            self.g[at[plane] + x..][..N].copy_from_slice(&g[plane]);
            self.d1[at[plane] + x..][..N].copy_from_slice(&d1[plane]);
            self.d2[at[plane] + x..][..N].copy_from_slice(&d2[plane]);
        }
    }

    #[inline(always)]
    fn continue_borders(&mut self, at: usize, nx: usize) {
        for values in [&mut self.g, &mut self.d1, &mut self.d2] {
            let (first, last) = (values[at], values[at + nx - 1]);
            values[at - STENCIL..at].fill(first);
            values[at + nx..][..STENCIL].fill(last);
        }
    }

    /// Hessians of [`CHUNK`] voxels from (which of the planes, row of the band, x) on; beyond a row's end they mean nothing.
    #[inline(always)]
    pub(super) fn hessians(&self, kernel: &HessianResponse, place: (usize, usize, usize)) -> Hessians {
        if reach(kernel) == 2 { self.reaching::<2>(kernel, place) } else { self.reaching::<3>(kernel, place) }
    }

    #[inline(always)]
    fn reaching<const REACH: usize>(&self, kernel: &HessianResponse, place: (usize, usize, usize)) -> Hessians {
        let around = self.around(place);
        let mut h = [[0.0; CHUNK]; 6];
        let [zz, yy, xx, zy, zx, yx] = &mut h;
        // Not a loop over the entries: of that no vectors are made.
        for (i, zz) in zz.iter_mut().enumerate() {
            let entries = around.hessian::<REACH>(kernel, i);
            (*zz, yy[i], xx[i]) = (entries[0], entries[1], entries[2]);
            (zy[i], zx[i], yx[i]) = (entries[3], entries[4], entries[5]);
        }
        h
    }

    /// S² of the same voxels, the sum of the squared entries: without the memory that a Hessian takes.
    #[inline(always)]
    pub(super) fn squares(&self, kernel: &HessianResponse, place: (usize, usize, usize)) -> [f32; CHUNK] {
        if reach(kernel) == 2 {
            self.squares_reaching::<2>(kernel, place)
        } else {
            self.squares_reaching::<3>(kernel, place)
        }
    }

    #[inline(always)]
    fn squares_reaching<const REACH: usize>(
        &self,
        kernel: &HessianResponse,
        place: (usize, usize, usize),
    ) -> [f32; CHUNK] {
        let around = self.around(place);
        let mut squares = [0.0; CHUNK];
        for (i, square) in squares.iter_mut().enumerate() {
            let h = around.hessian::<REACH>(kernel, i);
            let diagonal = h[0].mul_add(h[0], h[1].mul_add(h[1], h[2] * h[2]));
            let rest = h[3].mul_add(h[3], h[4].mul_add(h[4], h[5] * h[5]));
            *square = rest.mul_add(2.0, diagonal);
        }
        squares
    }

    #[inline(always)]
    fn around(&self, (plane, row, x): (usize, usize, usize)) -> Around<'_> {
        let at = plane * self.plane_len + (row + STENCIL) * self.width + MARGIN + x;
        Around {
            g: chunk(&self.g, at),
            d2: chunk(&self.d2, at),
            y: near(&self.g, at, self.width),
            x: near(&self.g, at, 1),
            zy: near(&self.d1, at, self.width),
            zx: near(&self.d1, at, 1),
            yx: near(&self.dx, at, self.width),
        }
    }
}

/// What the Hessians of a chunk are made from: filtered along z, and what stands around in the plane.
struct Around<'a> {
    g: &'a [f32; CHUNK],
    d2: &'a [f32; CHUNK],
    y: Near<'a>,
    x: Near<'a>,
    zy: Near<'a>,
    zx: Near<'a>,
    yx: Near<'a>,
}

impl Around<'_> {
    #[inline(always)]
    fn hessian<const REACH: usize>(&self, kernel: &HessianResponse, i: usize) -> eigen3::Symmetric3 {
        [
            self.d2[i],
            second::<REACH>(&kernel.d2_y, self.g, &self.y, i),
            second::<REACH>(&kernel.d2_x, self.g, &self.x, i),
            first::<REACH>(&kernel.d1_y, &self.zy, i),
            first::<REACH>(&kernel.d1_x, &self.zx, i),
            first::<REACH>(&kernel.d1_y, &self.yx, i),
        ]
    }
}

/// How far the stencils of a kernel reach: those of 4th order leave out the voxels whose taps are 0.
#[inline(always)]
fn reach(kernel: &HessianResponse) -> usize {
    let third = [kernel.d1_y[2], kernel.d1_x[2], kernel.d2_y[3], kernel.d2_x[3]];
    if third == [0.0; 4] { 2 } else { STENCIL }
}

#[inline(always)]
fn second<const REACH: usize>(taps: &[f32; 4], middle: &[f32; CHUNK], near: &Near<'_>, i: usize) -> f32 {
    let sum = taps[1].mul_add(near[0][0][i] + near[0][1][i], taps[0] * middle[i]);
    let sum = taps[2].mul_add(near[1][0][i] + near[1][1][i], sum);
    if REACH == 2 { sum } else { taps[3].mul_add(near[2][0][i] + near[2][1][i], sum) }
}

#[inline(always)]
fn first<const REACH: usize>(taps: &[f32; 4], near: &Near<'_>, i: usize) -> f32 {
    let sum = taps[1].mul_add(near[1][1][i] - near[1][0][i], taps[0] * (near[0][1][i] - near[0][0][i]));
    if REACH == 2 { sum } else { taps[2].mul_add(near[2][1][i] - near[2][0][i], sum) }
}

/// Chunks 1, 2 and 3 voxels before and after a place along an axis.
type Near<'a> = [[&'a [f32; CHUNK]; 2]; 3];

#[inline(always)]
fn near(values: &[f32], at: usize, stride: usize) -> Near<'_> {
    [
        [chunk(values, at - stride), chunk(values, at + stride)],
        [chunk(values, at - 2 * stride), chunk(values, at + 2 * stride)],
        [chunk(values, at - 3 * stride), chunk(values, at + 3 * stride)],
    ]
}

/// Whether no a3 of voxels with these S² reaches `most`, and so no S² reaches its square: |l|² <= S². Leaves out
/// nearly all eigenvalues where few voxels are bright.
#[inline(always)]
pub(super) fn is_surely_less(mut squares: [f32; CHUNK], most: f32) -> bool {
    // Halved again and again: one maximum after the other would wait for each other. What is not a number counts as less, as it does for the maxima.
    let mut n = CHUNK;
    while n > 1 {
        n /= 2;
        for i in 0..n {
            squares[i] = squares[i].max(squares[i + n]);
        }
    }
    // Rounding changes either side by less than a thousandth.
    squares[0] < 0.999 * most * most
}

/// Largest a3 and S², of what was there and of these matrices.
#[inline(always)]
pub(super) fn keep_largest(h: &Hessians, best: [f32; 2]) -> [f32; 2] {
    let mut largest = [[best[0]; CHUNK], [best[1]; CHUNK]];
    for i in 0..CHUNK {
        let l = eigen3::eigenvalues([h[0][i], h[1][i], h[2][i], h[3][i], h[4][i], h[5][i]]);
        largest[0][i] = largest[0][i].max(-l[0]);
        largest[1][i] = largest[1][i].max(l[0] * l[0] + l[1] * l[1] + l[2] * l[2]);
    }
    largest.map(|values| values.into_iter().fold(0.0, f32::max))
}
