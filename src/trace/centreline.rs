//! Voxel path -> smooth centreline on the brightness, evenly spaced.

use crate::trace::TraceParams;
use crate::trace::brightness::Brightness;
use crate::units::PointUm;

/// Smooths, recentres on the brightness, smooths again and resamples a voxel path.
pub(super) fn refine(voxels: &[usize], near: &Brightness, params: &TraceParams) -> Vec<PointUm> {
    let raw: Vec<PointUm> = voxels.iter().map(|&v| near.voxel_centre(v)).collect();
    let even = resample(&raw, params.spacing_um);
    let smooth = smooth(&even, params);
    let centred = recentre(&smooth, near, params);
    let smooth = self::smooth(&centred, params);
    resample(&smooth, params.spacing_um)
}

/// Position of the point nearest to `place`; the first of equals.
pub(super) fn nearest(points: &[PointUm], place: PointUm) -> usize {
    let distance = |i: usize| points[i].distance_um(place);
    (0..points.len()).min_by(|&a, &b| distance(a).total_cmp(&distance(b))).unwrap_or(0)
}

/// Arc length at each point, µm.
pub(super) fn arc_length_um(points: &[PointUm]) -> Vec<f64> {
    let mut s = 0.0;
    let steps = points.windows(2).map(|w| w[0].distance_um(w[1]));
    std::iter::once(0.0)
        .chain(steps.map(|step| {
            s += step;
            s
        }))
        .collect()
}

/// Points every `spacing` µm of arc length (the spacing is adjusted so that the last point stays the last).
fn resample(points: &[PointUm], spacing_um: f64) -> Vec<PointUm> {
    let s = arc_length_um(points);
    let length = s[s.len() - 1];
    let n = (length / spacing_um).round().max(1.0) as usize;
    let mut k = 1;
    (0..=n)
        .map(|i| {
            let at = length * i as f64 / n as f64;
            while k + 1 < s.len() && s[k] < at {
                k += 1;
            }
            let step = s[k] - s[k - 1];
            let fraction = if step > 0.0 { ((at - s[k - 1]) / step).clamp(0.0, 1.0) } else { 0.0 };
            points[k - 1].lerp(points[k], fraction)
        })
        .collect()
}

/// Gaussian along evenly spaced points; beyond an end the curve is continued by its point reflection, so ends stay.
fn smooth(points: &[PointUm], params: &TraceParams) -> Vec<PointUm> {
    let spacing = params.spacing_um;
    let lateral = weights(params.smooth_um / spacing);
    let axial = weights(params.smooth_z_um / spacing);
    let filter = |taps: &[f64], axis: fn(&PointUm) -> f64, i: usize| -> f64 {
        let at = |k: isize| -> f64 {
            let last = points.len() as isize - 1;
            if k < 0 {
                2.0 * axis(&points[0]) - axis(&points[(-k).min(last) as usize])
            } else if k > last {
                2.0 * axis(&points[last as usize]) - axis(&points[(2 * last - k).max(0) as usize])
            } else {
                axis(&points[k as usize])
            }
        };
        let i = i as isize;
        taps[0] * at(i) + taps[1..].iter().zip(1..).map(|(w, d)| w * (at(i - d) + at(i + d))).sum::<f64>()
    };
    (0..points.len())
        .map(|i| PointUm::new(filter(&axial, |p| p.z, i), filter(&lateral, |p| p.y, i), filter(&lateral, |p| p.x, i)))
        .collect()
}

/// One half of a normalised Gaussian of `sigma` points, the centre first.
fn weights(sigma: f64) -> Vec<f64> {
    if sigma < 1e-6 {
        return vec![1.0];
    }
    let half: Vec<f64> =
        (0..=(4.0 * sigma).ceil() as usize).map(|d| (-0.5 * (d as f64 / sigma).powi(2)).exp()).collect();
    let sum = half[0] + 2.0 * half[1..].iter().sum::<f64>();
    half.iter().map(|w| w / sum).collect()
}

/// Moves each point to the brightness centroid of the profile across it: along the in-plane normal, then along z.
///
/// Only what exceeds half of the profile's maximum (over its minimum) has weight, so that a spine or a neighbour at the
/// end of the profile does not pull.
fn recentre(points: &[PointUm], near: &Brightness, params: &TraceParams) -> Vec<PointUm> {
    let reach_um = 0.5 * params.reach_um;
    let z_reach_um = 2.0 * near.grid.voxel_size.z_um;
    (0..points.len())
        .map(|i| {
            let p = points[i];
            let (ny, nx) = normal(points, i);
            let u = centroid_um(reach_um, |u| near.sample(PointUm::new(p.z, p.y + u * ny, p.x + u * nx)));
            let q = PointUm::new(p.z, p.y + u * ny, p.x + u * nx);
            let w = centroid_um(z_reach_um, |w| near.sample(PointUm::new(q.z + w, q.y, q.x)));
            PointUm::new(q.z + w, q.y, q.x)
        })
        .collect()
}

/// Unit normal in the image plane, (y, x), from the tangent over a few points; along x where the curve runs along z.
pub(super) fn normal(points: &[PointUm], i: usize) -> (f64, f64) {
    let (a, b) = (points[i.saturating_sub(5)], points[(i + 5).min(points.len() - 1)]);
    let (ty, tx) = (b.y - a.y, b.x - a.x);
    let length = ty.hypot(tx);
    if length > 0.0 { (-tx / length, ty / length) } else { (0.0, 1.0) }
}

/// Centroid of what exceeds half maximum in `profile(-reach..=reach)`, connected to the maximum nearest the centre.
fn centroid_um(reach_um: f64, profile: impl Fn(f64) -> f64) -> f64 {
    const HALF: isize = 8;
    let values: Vec<f64> = (-HALF..=HALF).map(|k| profile(reach_um * k as f64 / HALF as f64)).collect();
    let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let half = 0.5 * (high + low);
    let (mut sum, mut moment) = (0.0, 0.0);
    for (k, v) in (-HALF..=HALF).zip(&values) {
        let weight = (v - half).max(0.0);
        sum += weight;
        moment += weight * k as f64;
    }
    if sum > 0.0 { reach_um * moment / (sum * HALF as f64) } else { 0.0 }
}
