//! The shift of each plane of a stack against the next and the next but one.

use rayon::prelude::*;

use crate::error::Result;
use crate::register::motion::MotionParams;
use crate::units::VoxelSize;
use crate::volume::{Shape, Source, VoxelsView};

/// Planes are binned to about this, µm: finer than a head, coarser than its noise.
const BIN_UM: f64 = 0.25;
/// Structure wider than this is background, µm.
const BACKGROUND_UM: f64 = 1.5;
/// Most binned rows and columns looked at, the middle ones, so that memory is bounded: 250 µm.
const MOST: usize = 1024;
/// Most steps uphill.
const STEPS: usize = 6;
/// Planes read and prepared at a time, bytes or one plane.
const READ_BYTES: usize = 1 << 26;

/// How far a later plane lies from an earlier one, and how alike they are there.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Shift {
    pub(super) dy_um: f64,
    pub(super) dx_um: f64,
    pub(super) correlation: f64,
    /// How much more alike they are there than without a shift.
    pub(super) gain: f64,
}

/// All shifts of a stack.
#[derive(Debug, Default)]
pub(super) struct Shifts {
    pub(super) next: Vec<Shift>,
    pub(super) next_but_one: Vec<Shift>,
    /// Planes that hold one value only.
    pub(super) blank: Vec<bool>,
}

impl Shifts {
    /// Correlation of a plane with the neighbour it is most alike.
    pub(super) fn likeness(&self, z: usize) -> f64 {
        let at = |shifts: &[Shift], k: Option<usize>| k.and_then(|k| shifts.get(k)).map_or(0.0, |s| s.correlation);
        at(&self.next, Some(z)).max(at(&self.next, z.checked_sub(1)))
    }
}

/// A few planes are held at a time; each pair is one piece of work, so the result does not depend on the number of threads.
pub(super) fn shifts(stack: Source<'_>, params: &MotionParams) -> Result<Shifts> {
    let mut all = Shifts::default();
    let mut held: Vec<[Map; 2]> = Vec::new();
    // Planes further apart tie the chain together; what has moved far is found next to its neighbour, and the search costs its square.
    let reach_um = |distance: usize| params.search_um / distance as f64;
    for batch in stack.ranges(READ_BYTES) {
        let part = stack.planes(batch.clone())?;
        let plane = |z: usize| Map::of(part.view().planes(z..z + 1), stack.voxel_size());
        let new: Vec<(Map, bool)> = (0..batch.len()).into_par_iter().map(plane).collect();
        let carried = held.len();
        for (map, blank) in new {
            all.blank.push(blank);
            held.push([map.halved(), map]);
        }
        let pairs: Vec<(usize, usize)> =
            (carried..held.len()).flat_map(|b| [1, 2].map(|d| b.checked_sub(d).map(|a| (a, b)))).flatten().collect();
        let found: Vec<(usize, Shift)> =
            pairs.into_par_iter().map(|(a, b)| (b - a, between(&held[a], &held[b], reach_um(b - a)))).collect();
        for (distance, shift) in found {
            if distance == 1 { all.next.push(shift) } else { all.next_but_one.push(shift) }
        }
        held.drain(..held.len().saturating_sub(2));
    }
    Ok(all)
}

/// A high-passed plane.
struct Map {
    rows: usize,
    columns: usize,
    pixel_um: [f64; 2],
    values: Vec<f32>,
}

impl Map {
    /// Bins a plane and takes its background away; and whether it holds one value only.
    fn of(view: VoxelsView<'_>, size: VoxelSize) -> (Self, bool) {
        let Shape { y, x, .. } = view.shape();
        let [by, bx] = [size.y_um, size.x_um].map(|um| (BIN_UM / um).round().max(1.0) as usize);
        let (rows, columns) = ((y / by).clamp(1, MOST), (x / bx).clamp(1, MOST));
        let (by, bx) = (by.min(y), bx.min(x));
        let (top, left) = ((y - rows * by) / 2, (x - columns * bx) / 2);
        let first = view.value(0);
        let (mut blank, mut values) = (true, vec![0.0_f32; rows * columns]);
        let mut strange: Vec<usize> = Vec::new();
        for row in 0..rows * by {
            let start = row / by * columns;
            let line = &mut values[start..start + columns];
            for (column, bin) in line.iter_mut().enumerate() {
                let from = (top + row) * x + left + column * bx;
                for k in from..from + bx {
                    let value = view.value(k);
                    blank &= value == first;
                    *bin += value;
                }
                if !bin.is_finite() {
                    strange.push(start + column);
                    *bin = 0.0;
                }
            }
        }
        if !strange.is_empty() {
            // What is no number becomes what is most common, so that it makes no edge.
            strange.sort_unstable();
            strange.dedup();
            let known = (values.len() - strange.len()).max(1) as f64;
            strange.iter().for_each(|&k| values[k] = 0.0);
            let mean = values.iter().map(|v| f64::from(*v)).sum::<f64>() / known;
            strange.into_iter().for_each(|k| values[k] = mean as f32);
        }
        let pixel_um = [by as f64 * size.y_um, bx as f64 * size.x_um];
        let map = Self { rows, columns, pixel_um, values };
        let radius = |k: usize| (BACKGROUND_UM / pixel_um[k]).round().max(1.0) as usize;
        let (near, far) = (map.averaged([1, 1]), map.averaged([radius(0), radius(1)]));
        let values = near.values.iter().zip(&far.values).map(|(a, b)| a - b).collect();
        (Self { values, ..map }, blank)
    }

    /// The mean over a rectangle around each pixel, borders repeated.
    fn averaged(&self, radius: [usize; 2]) -> Self {
        let (rows, columns) = (self.rows, self.columns);
        let mut along = vec![0.0_f32; self.values.len()];
        for (out, row) in along.chunks_mut(columns).zip(self.values.chunks(columns)) {
            let at = |k: isize| f64::from(row[k.clamp(0, columns as isize - 1) as usize]);
            let r = radius[1] as isize;
            let mut sum: f64 = (-r..=r).map(at).sum();
            for (k, value) in out.iter_mut().enumerate() {
                *value = (sum / (2 * r + 1) as f64) as f32;
                sum += at(k as isize + r + 1) - at(k as isize - r);
            }
        }
        let r = radius[0] as isize;
        let row = |k: isize| k.clamp(0, rows as isize - 1) as usize * columns;
        let mut sums = vec![0.0_f64; columns];
        for k in -r..=r {
            sums.iter_mut().zip(&along[row(k)..]).for_each(|(s, v)| *s += f64::from(*v));
        }
        let mut values = Vec::with_capacity(along.len());
        for k in 0..rows as isize {
            values.extend(sums.iter().map(|s| (s / (2 * r + 1) as f64) as f32));
            let (enters, leaves) = (&along[row(k + r + 1)..], &along[row(k - r)..]);
            sums.iter_mut().zip(enters).zip(leaves).for_each(|((s, a), b)| *s += f64::from(a - b));
        }
        Self { values, rows, columns, pixel_um: self.pixel_um }
    }

    /// Binned once more by 2.
    fn halved(&self) -> Self {
        let (rows, columns) = ((self.rows / 2).max(1), (self.columns / 2).max(1));
        let at = |r: usize, c: usize| self.values[r.min(self.rows - 1) * self.columns + c.min(self.columns - 1)];
        let sum = |r: usize, c: usize| at(r, c) + at(r, c + 1) + at(r + 1, c) + at(r + 1, c + 1);
        let values = (0..rows * columns).map(|i| sum(i / columns * 2, i % columns * 2)).collect();
        Self { rows, columns, pixel_um: self.pixel_um.map(|um| 2.0 * um), values }
    }

    /// Normalised cross-correlation with `other` where it is moved by (dy, dx) pixels, over what both show.
    fn correlation(&self, other: &Self, dy: isize, dx: isize) -> f64 {
        let both = |d: isize, n: usize| (-d).max(0) as usize..(n as isize - d.max(0)).max(0) as usize;
        let (rows, columns) = (both(dy, self.rows), both(dx, self.columns));
        if rows.is_empty() || columns.is_empty() {
            return 0.0;
        }
        let [mut ab, mut aa, mut bb] = [0.0_f64; 3];
        for row in rows {
            let a = &self.values[row * self.columns..][columns.clone()];
            let start = (row as isize + dy) as usize * self.columns + (columns.start as isize + dx) as usize;
            let b = &other.values[start..start + a.len()];
            let [p, q, r] = products(a, b);
            ab += p;
            aa += q;
            bb += r;
        }
        let norm = (aa * bb).sqrt();
        if norm > 0.0 && norm.is_finite() { ab / norm } else { 0.0 }
    }
}

/// Sums of a b, a a and b b, in lanes that a processor takes at once.
fn products(a: &[f32], b: &[f32]) -> [f64; 3] {
    let mut lanes = [[0.0_f32; 8]; 3];
    let (whole, rest) = a.as_chunks::<8>();
    let (other, other_rest) = b.as_chunks::<8>();
    for (a, b) in whole.iter().zip(other) {
        for k in 0..8 {
            lanes[0][k] += a[k] * b[k];
            lanes[1][k] += a[k] * a[k];
            lanes[2][k] += b[k] * b[k];
        }
    }
    for (k, (a, b)) in rest.iter().zip(other_rest).enumerate() {
        lanes[0][k] += a * b;
        lanes[1][k] += a * a;
        lanes[2][k] += b * b;
    }
    lanes.map(|sum| sum.iter().map(|v| f64::from(*v)).sum())
}

/// What a shift costs, so that along a straight dendrite, where all shifts fit alike, the least is taken: in units of correlation, .1 at most.
fn cost(y_um: f64, x_um: f64) -> f64 {
    let square = y_um * y_um + x_um * x_um;
    0.05 * square / (1.0 + square / 2.0)
}

/// The shift of `b` against `a`: everywhere on the coarse maps, then from there uphill on the fine ones.
fn between([coarse_a, fine_a]: &[Map; 2], [coarse_b, fine_b]: &[Map; 2], search_um: f64) -> Shift {
    let reach = |um: f64, n: usize| (search_um / um).round().min((n / 4) as f64) as isize;
    let (ry, rx) = (reach(coarse_a.pixel_um[0], coarse_a.rows), reach(coarse_a.pixel_um[1], coarse_a.columns));
    let score = |a: &Map, b: &Map, dy: isize, dx: isize| {
        a.correlation(b, dy, dx) - cost(dy as f64 * a.pixel_um[0], dx as f64 * a.pixel_um[1])
    };
    let all = (-ry..=ry).flat_map(|dy| (-rx..=rx).map(move |dx| (dy, dx)));
    let scored = all.map(|(dy, dx)| (score(coarse_a, coarse_b, dy, dx), dy, dx));
    let Some((_, dy, dx)) = scored.max_by(|a, b| a.0.total_cmp(&b.0)) else { return Shift::default() };
    let (mut dy, mut dx) = (2 * dy, 2 * dx);
    let around = |dy: isize, dx: isize| [-1, 0, 1].map(|y| [-1, 0, 1].map(|x| score(fine_a, fine_b, dy + y, dx + x)));
    let mut here = around(dy, dx);
    for _ in 0..STEPS {
        let (y, x) = highest(&here);
        if (y, x) == (0, 0) {
            break;
        }
        (dy, dx) = (dy + y, dx + x);
        here = around(dy, dx);
    }
    let (sub_y, sub_x) = top(&here);
    let [um_y, um_x] = fine_a.pixel_um;
    let correlation = here[1][1] + cost(dy as f64 * um_y, dx as f64 * um_x);
    Shift {
        dy_um: (dy as f64 + sub_y) * um_y,
        dx_um: (dx as f64 + sub_x) * um_x,
        correlation,
        gain: correlation - fine_a.correlation(fine_b, 0, 0),
    }
}

/// The highest of 3 x 3 values, from the middle; the middle if no other is higher.
fn highest(of: &[[f64; 3]; 3]) -> (isize, isize) {
    let mut best = (1, 1);
    for (y, row) in of.iter().enumerate() {
        for (x, value) in row.iter().enumerate() {
            if *value > of[best.0][best.1] {
                best = (y, x);
            }
        }
    }
    (best.0 as isize - 1, best.1 as isize - 1)
}

/// Top of the quadratic surface through 3 x 3 values, from the middle, in pixels; within one pixel. With the mixed term, because dendrites run obliquely.
fn top(of: &[[f64; 3]; 3]) -> (f64, f64) {
    let (y, x) = ((of[2][1] - of[0][1]) / 2.0, (of[1][2] - of[1][0]) / 2.0);
    let (yy, xx) = (of[2][1] - 2.0 * of[1][1] + of[0][1], of[1][2] - 2.0 * of[1][1] + of[1][0]);
    let yx = (of[2][2] - of[2][0] - of[0][2] + of[0][0]) / 4.0;
    let determinant = yy * xx - yx * yx;
    if yy < 0.0 && xx < 0.0 && determinant > 1e-12 {
        return (
            ((yx * x - xx * y) / determinant).clamp(-1.0, 1.0),
            ((yx * y - yy * x) / determinant).clamp(-1.0, 1.0),
        );
    }
    (0.0, 0.0)
}
