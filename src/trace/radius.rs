//! Half-maximum radius and brightness of the shaft.

use crate::trace::TraceParams;
use crate::trace::brightness::Brightness;
use crate::trace::centreline::normal;
use crate::units::PointUm;

/// Profiles are sampled at this distance, µm.
const STEP_UM: f64 = 0.05;

/// Profiles count as beside the shaft in this outer share of their reach.
const BESIDE: f64 = 1.0 / 3.0;

/// What is measured across a shaft, at each of its points.
pub(super) struct Shaft {
    /// Running median of the half-maximum radius.
    pub(super) radius_um: Vec<f64>,
    /// Brightness of the axis over what lies beside, on the darker side because a spine or a neighbour brightens the other.
    pub(super) brightness: Vec<f64>,
}

/// Radius: distance along the in-plane normal at which the brightness falls to half of the axis (over the profile's minimum), on the narrower side because a
/// spine widens the other; then a running median.
pub(super) fn shaft(points: &[PointUm], s_um: &[f64], near: &Brightness, params: &TraceParams) -> Shaft {
    let across = |i: usize| {
        let (ny, nx) = normal(points, i);
        let sides = [1.0, -1.0].map(|sign| profile(points[i], sign * ny, sign * nx, near, params));
        let radius_um = half_um(&sides[0], params).min(half_um(&sides[1], params));
        let beside = sides.iter().map(|side| median_beside(side)).fold(f64::INFINITY, f64::min);
        (radius_um, sides[0][0] - beside)
    };
    let (raw, brightness): (Vec<f64>, Vec<f64>) = (0..points.len()).map(across).unzip();
    Shaft { radius_um: running_median(&raw, s_um, params.radius_window_um), brightness }
}

/// Brightness from a point outwards.
fn profile(p: PointUm, ny: f64, nx: f64, near: &Brightness, params: &TraceParams) -> Vec<f64> {
    let n = (params.reach_um / STEP_UM).ceil() as usize;
    let at = |k: usize| {
        let u = k as f64 * STEP_UM;
        near.sample(PointUm::new(p.z, p.y + u * ny, p.x + u * nx))
    };
    (0..=n).map(at).collect()
}

fn half_um(profile: &[f64], params: &TraceParams) -> f64 {
    let low = profile.iter().copied().fold(f64::INFINITY, f64::min);
    let half = 0.5 * (profile[0] + low);
    match profile.iter().position(|&v| v < half) {
        Some(k) if k > 0 => {
            let (a, b) = (profile[k - 1], profile[k]);
            (k as f64 - 1.0 + (a - half) / (a - b)) * STEP_UM
        }
        _ => params.reach_um,
    }
}

fn median_beside(profile: &[f64]) -> f64 {
    let from = ((1.0 - BESIDE) * profile.len() as f64) as usize;
    median(&mut profile[from..].to_vec())
}

/// The middle value, the upper one of two.
fn median(values: &mut [f64]) -> f64 {
    let middle = values.len() / 2;
    *values.select_nth_unstable_by(middle, f64::total_cmp).1
}

/// Median of the values within half a window of arc length.
pub(super) fn running_median(values: &[f64], s_um: &[f64], window_um: f64) -> Vec<f64> {
    (0..values.len())
        .map(|i| {
            let from = s_um.partition_point(|&s| s < s_um[i] - 0.5 * window_um);
            let to = s_um.partition_point(|&s| s <= s_um[i] + 0.5 * window_um);
            median(&mut values[from..to].to_vec())
        })
        .collect()
}
