//! From shifts between planes to a course over z, and what of it is not smooth.

use crate::register::motion::shift::{Shift, Shifts};

/// Shifts that miss the course by this much count half, µm.
const MISFIT_UM: f64 = 0.15;
/// Rounds of reweighting.
const ROUNDS: usize = 8;
/// Weight of a shift that says nothing: it holds the chain together.
const FAINT: f64 = 1e-4;

/// Positions of all planes along one axis, µm: least squares over the shifts, those that do not fit weighed down (Cauchy).
pub(super) fn positions(shifts: &Shifts, along: fn(&Shift) -> f64, min_correlation: f64) -> Vec<f64> {
    let n = shifts.blank.len();
    let steps = shifts.next.iter().enumerate().map(|(z, s)| (z, 1, s));
    let steps = steps.chain(shifts.next_but_one.iter().enumerate().map(|(z, s)| (z, 2, s)));
    let all: Vec<(usize, usize, f64, f64)> = steps
        .map(|(z, d, s)| {
            let says = s.correlation >= min_correlation;
            (z, d, if says { along(s) } else { 0.0 }, if says { s.correlation.powi(2) } else { FAINT })
        })
        .collect();
    let mut at = vec![0.0; n];
    for round in 0..ROUNDS {
        let weighed = |&(z, d, um, weight): &(usize, usize, f64, f64)| {
            let misfit = (at[z + d] - at[z] - um) / MISFIT_UM;
            (z, d, um, if round == 0 { weight } else { weight / (1.0 + misfit * misfit) })
        };
        let weighed: Vec<_> = all.iter().map(weighed).collect();
        at = solved(n, &weighed);
    }
    at
}

/// Minimises the sum of weight (p[z + d] - p[z] - um)²: symmetric equations with two bands, by L D Lᵀ.
fn solved(n: usize, steps: &[(usize, usize, f64, f64)]) -> Vec<f64> {
    // The mean is free: a trace of weight holds it near 0.
    let (mut bands, mut right) = (vec![[1e-9, 0.0, 0.0]; n], vec![0.0; n]);
    for &(z, d, um, weight) in steps {
        bands[z][0] += weight;
        bands[z + d][0] += weight;
        bands[z][d] -= weight;
        right[z] -= weight * um;
        right[z + d] += weight * um;
    }
    for k in 0..n {
        let [pivot, one, two] = bands[k];
        let (l1, l2) = (one / pivot, two / pivot);
        if k + 1 < n {
            bands[k + 1][0] -= l1 * one;
            bands[k + 1][1] -= l1 * two;
            right[k + 1] -= l1 * right[k];
        }
        if k + 2 < n {
            bands[k + 2][0] -= l2 * two;
            right[k + 2] -= l2 * right[k];
        }
    }
    for k in (0..n).rev() {
        let known = |d: usize| right.get(k + d).map_or(0.0, |p| bands[k][d] * p);
        right[k] = (right[k] - known(1) - known(2)) / bands[k][0];
    }
    right
}

/// What of a course a line through the planes around does not follow; 0 where too few of them are `reliable`.
pub(super) fn residuals(course: &[f64], reliable: &[bool], around: usize) -> Vec<f64> {
    (0..course.len())
        .map(|z| {
            let near = z.saturating_sub(around)..(z + around + 1).min(course.len());
            let points: Vec<(f64, f64)> =
                near.filter(|&k| reliable[k]).map(|k| (k as f64 - z as f64, course[k])).collect();
            if points.len() < 5 { 0.0 } else { course[z] - line_at_0(&points) }
        })
        .collect()
}

/// Value at 0 of a robust line (slope and level are medians; Theil 1950, Sen 1968, doi:10.1080/01621459.1968.10480934), then refitted to what lies near it.
fn line_at_0(points: &[(f64, f64)]) -> f64 {
    let pairs = points.iter().enumerate().flat_map(|(k, a)| points[..k].iter().map(move |b| (a.1 - b.1) / (a.0 - b.0)));
    let slope = middle(pairs.collect());
    let level = middle(points.iter().map(|p| p.1 - slope * p.0).collect());
    let spread = middle(points.iter().map(|p| (p.1 - level - slope * p.0).abs()).collect()).max(0.02);
    let [mut w, mut wx, mut wy, mut wxx, mut wxy] = [0.0; 5];
    for &(x, y) in points {
        let far = (y - level - slope * x) / (6.0 * spread);
        let weight = (1.0 - far * far).max(0.0).powi(2);
        w += weight;
        wx += weight * x;
        wy += weight * y;
        wxx += weight * x * x;
        wxy += weight * x * y;
    }
    let determinant = w * wxx - wx * wx;
    if determinant > 1e-9 { (wy * wxx - wx * wxy) / determinant } else { level }
}

fn middle(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}
