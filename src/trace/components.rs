//! Connected voxels above thresholds taken from the background.

use crate::trace::{TraceInput, TraceParams};
use crate::volume::Shape;

/// Components of the ridge map, and the thresholds they were found with.
pub(super) struct Components {
    /// Positions in the flat volume per component, each sorted; components by their first voxel.
    pub(super) components: Vec<Vec<usize>>,
    /// For each voxel of the volume its place in its component's list, or [`NONE`].
    pub(super) local: Vec<u32>,
    /// Response from which a voxel counts as supported.
    pub(super) low: f32,
    /// Response that counts as full: the 99.8 % quantile.
    pub(super) full: f32,
}

/// No voxel.
pub(super) const NONE: u32 = u32::MAX;

/// Components above `bridge_factor * low` that hold a voxel above `high` and are long enough to hold a dendrite.
pub(super) fn find(input: &TraceInput<'_>, params: &TraceParams) -> Components {
    let ridge = input.ridge.as_slice();
    let (background, full) = quantiles(ridge, params.background_quantile);
    let most = ridge.iter().copied().fold(0.0, f32::max);
    let threshold = |factor: f64| times(background, factor as f32, most);
    let low = threshold(params.low_factor);
    let high = threshold(params.low_factor * params.high_factor);
    let components = flood(ridge, input, params, threshold(params.low_factor * params.bridge_factor), high);
    let mut local = vec![NONE; ridge.len()];
    for component in &components {
        for (i, &voxel) in component.iter().enumerate() {
            local[voxel] = i as u32;
        }
    }
    Components { components, local, low, full: full.max(low) }
}

/// The response with `factor` times the odds r / (most - r) of `background`.
///
/// Far below the largest response that is `factor * background`. Jerman's response saturates: in a dim stack the background's noise lies so high
/// that a multiple of it would exceed any response, though the shafts still stand out.
fn times(background: f32, factor: f32, most: f32) -> f32 {
    if background > 0.0 && background >= most {
        return f32::INFINITY; // The background is as bright as anything: nothing stands out.
    }
    let odds = factor * background / (most - background).max(f32::MIN_POSITIVE);
    // Where more than the background's share of the volume has no ridge at all, any response stands out.
    (most * odds / (1.0 + odds)).max(f32::MIN_POSITIVE)
}

/// The background quantile and the 99.8 % one. NaN cannot occur: readers refuse it and filters keep numbers finite.
fn quantiles(ridge: &[f32], background: f64) -> (f32, f32) {
    let mut values = ridge.to_vec();
    let rank = |q: f64| ((values.len() - 1) as f64 * q).round() as usize;
    let (low, high) = (rank(background), rank(0.998));
    let full = *values.select_nth_unstable_by(high, f32::total_cmp).1;
    let background = *values.select_nth_unstable_by(low, f32::total_cmp).1;
    (background, full)
}

fn flood(ridge: &[f32], input: &TraceInput<'_>, params: &TraceParams, low: f32, high: f32) -> Vec<Vec<usize>> {
    let shape = input.grid.shape;
    let mut seen = vec![false; ridge.len()];
    let mut components = Vec::new();
    let mut stack = Vec::new();
    for seed in 0..ridge.len() {
        if seen[seed] || ridge[seed] < low {
            continue;
        }
        let mut voxels = Vec::new();
        seen[seed] = true;
        stack.push(seed);
        while let Some(at) = stack.pop() {
            voxels.push(at);
            neighbours(shape, at, |n, _| {
                if !seen[n] && ridge[n] >= low {
                    seen[n] = true;
                    stack.push(n);
                }
            });
        }
        if voxels.iter().any(|&v| ridge[v] >= high) && diagonal_um(&voxels, input) >= 0.7 * params.min_length_um {
            voxels.sort_unstable();
            components.push(voxels);
        }
    }
    components
}

/// Diagonal of the bounding box: cheap, and no path of a dendrite is much longer than 1.4 times that within 10 µm.
fn diagonal_um(voxels: &[usize], input: &TraceInput<'_>) -> f64 {
    let mut low = [f64::INFINITY; 3];
    let mut high = [f64::NEG_INFINITY; 3];
    for &v in voxels {
        let v = input.grid.shape.voxel(v);
        let p = input.grid.to_um(v.z as f64, v.y as f64, v.x as f64);
        for (axis, value) in [p.z, p.y, p.x].into_iter().enumerate() {
            low[axis] = low[axis].min(value);
            high[axis] = high[axis].max(value);
        }
    }
    (0..3).map(|a| (high[a] - low[a]).powi(2)).sum::<f64>().sqrt()
}

/// Calls `visit(position, [dz, dy, dx])` for each of the up to 26 neighbours, in lexicographic order.
pub(super) fn neighbours(shape: Shape, at: usize, mut visit: impl FnMut(usize, [isize; 3])) {
    let v = shape.voxel(at);
    let range = |i: usize, n: usize| (if i > 0 { -1 } else { 0 })..=(if i + 1 < n { 1 } else { 0 });
    for dz in range(v.z, shape.z) {
        for dy in range(v.y, shape.y) {
            for dx in range(v.x, shape.x) {
                if (dz, dy, dx) != (0, 0, 0) {
                    let n = shape.index(
                        v.z.wrapping_add_signed(dz),
                        v.y.wrapping_add_signed(dy),
                        v.x.wrapping_add_signed(dx),
                    );
                    visit(n, [dz, dy, dx]);
                }
            }
        }
    }
}
