//! The memory in which the CPU makes Hessians: some rows of a plane, filtered along z.
//!
//! A band goes down the planes with its rows, so that each row of the input is brought to the cache once.

use crate::kernel::hessian_response::{HessianResponse, STENCIL};
use crate::kernel::prelude::{CHUNK, chunk};
use crate::kernel::{eigen3, prelude};

/// Values that a band of rows may hold on the CPU: with the planes it is made from it stays in the second cache.
const BAND_LEN: usize = 32 << 10;

/// Rows of one plane, filtered along z in three ways and one of them along x, with [`STENCIL`] values of continued border around.
pub(super) struct Band {
    g: Vec<f32>,
    d1: Vec<f32>,
    d2: Vec<f32>,
    dx: Vec<f32>,
    width: usize,
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
        let width = nx.next_multiple_of(CHUNK) + 2 * STENCIL;
        let [g, d1, d2, dx] = [(); 4].map(|()| vec![0.0; width * (rows + 2 * STENCIL)]);
        Self { g, d1, d2, dx, width, most: 0.0 }
    }

    /// Fills a band with `rows` rows from row `y` of output plane `k`.
    #[inline(always)]
    pub(super) fn fill(&mut self, kernel: &HessianResponse, input: &[f32], (k, y, rows): (usize, usize, usize)) {
        let (n, ny, nx) = (kernel.slab.plane_len(), kernel.slab.ny as usize, kernel.slab.nx as usize);
        for r in 0..rows + 2 * STENCIL {
            let from = (y + r).saturating_sub(STENCIL).min(ny - 1) * nx;
            let line = |offset: isize| &input[kernel.slab.input_plane(k, offset) * n + from..][..nx];
            self.filter_z(kernel, line, r * self.width + STENCIL);
        }
        for r in 0..rows + 2 * STENCIL {
            for x in (0..nx).step_by(CHUNK) {
                let at = r * self.width + STENCIL + x;
                let right = [chunk(&self.g, at + 1), chunk(&self.g, at + 2), chunk(&self.g, at + 3)];
                let left = [chunk(&self.g, at - 1), chunk(&self.g, at - 2), chunk(&self.g, at - 3)];
                let slope = &mut self.dx[at..][..CHUNK];
                for i in 0..CHUNK {
                    slope[i] = kernel.d1_x[0] * (right[0][i] - left[0][i])
                        + kernel.d1_x[1] * (right[1][i] - left[1][i])
                        + kernel.d1_x[2] * (right[2][i] - left[2][i]);
                }
            }
        }
    }

    /// One row through the three filters along z; `line` gives the row of the plane at an offset.
    #[inline(always)]
    fn filter_z<'a>(&mut self, kernel: &HessianResponse, line: impl Fn(isize) -> &'a [f32], at: usize) {
        let (nx, end) = (kernel.slab.nx as usize, kernel.radius_z as usize + 1);
        prelude::symmetric(&mut self.g[at..][..nx], &kernel.taps_g[..end], &line);
        prelude::symmetric(&mut self.d2[at..][..nx], &kernel.taps_d2[..end], &line);
        let d1 = &mut self.d1[at..][..nx];
        d1.fill(0.0);
        for (r, tap) in (1..end as isize).zip(&kernel.taps_d1[1..]) {
            for ((d1, above), below) in d1.iter_mut().zip(line(r)).zip(line(-r)) {
                *d1 += tap * (above - below);
            }
        }
        for values in [&mut self.g, &mut self.d1, &mut self.d2] {
            let (first, last) = (values[at], values[at + nx - 1]);
            values[at - STENCIL..at].fill(first);
            values[at + nx..][..STENCIL].fill(last);
        }
    }

    /// Hessians of [`CHUNK`] voxels from (row of the band, x) on; beyond a row's end they mean nothing.
    #[inline(always)]
    pub(super) fn hessians(&self, kernel: &HessianResponse, row: usize, x: usize) -> Hessians {
        let at = (row + STENCIL) * self.width + STENCIL + x;
        let (y, x) = (near(&self.g, at, self.width), near(&self.g, at, 1));
        let (zy, zx, yx) = (near(&self.d1, at, self.width), near(&self.d1, at, 1), near(&self.dx, at, self.width));
        let (g, d2) = (chunk(&self.g, at), chunk(&self.d2, at));
        let second = |taps: &[f32; 4], near: &Near<'_>, i: usize| {
            taps[0] * g[i]
                + taps[1] * (near[0][0][i] + near[0][1][i])
                + taps[2] * (near[1][0][i] + near[1][1][i])
                + taps[3] * (near[2][0][i] + near[2][1][i])
        };
        let first = |taps: &[f32; 4], near: &Near<'_>, i: usize| {
            taps[0] * (near[0][1][i] - near[0][0][i])
                + taps[1] * (near[1][1][i] - near[1][0][i])
                + taps[2] * (near[2][1][i] - near[2][0][i])
        };
        let mut h = [[0.0; CHUNK]; 6];
        for i in 0..CHUNK {
            h[0][i] = d2[i];
            h[1][i] = second(&kernel.d2_y, &y, i);
            h[2][i] = second(&kernel.d2_x, &x, i);
            h[3][i] = first(&kernel.d1_y, &zy, i);
            h[4][i] = first(&kernel.d1_x, &zx, i);
            h[5][i] = first(&kernel.d1_y, &yx, i);
        }
        h
    }
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

/// Whether no a3 of these matrices reaches `most`, and so no S² reaches its square: |l|² <= S² = the sum of the squared entries. Leaves out
/// nearly all eigenvalues where few voxels are bright.
#[inline(always)]
pub(super) fn is_surely_less(h: &Hessians, most: f32) -> bool {
    let mut squares = [0.0; CHUNK];
    for i in 0..CHUNK {
        let diagonal = h[0][i] * h[0][i] + h[1][i] * h[1][i] + h[2][i] * h[2][i];
        let rest = h[3][i] * h[3][i] + h[4][i] * h[4][i] + h[5][i] * h[5][i];
        squares[i] = diagonal + 2.0 * rest;
    }
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
