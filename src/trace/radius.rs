//! Half-maximum radius of the shaft.

use crate::trace::TraceParams;
use crate::trace::brightness::Brightness;
use crate::trace::centreline::normal;
use crate::units::PointUm;

/// Profiles are sampled at this distance, µm.
const STEP_UM: f64 = 0.05;

/// Radius at each point: distance along the in-plane normal at which the brightness falls to half of the axis (over
/// the profile's minimum), on the narrower side because a spine widens the other; then a running median.
pub(super) fn half_maximum_um(points: &[PointUm], s_um: &[f64], near: &Brightness, params: &TraceParams) -> Vec<f64> {
    let raw: Vec<f64> = (0..points.len())
        .map(|i| {
            let (ny, nx) = normal(points, i);
            side_um(points[i], ny, nx, near, params).min(side_um(points[i], -ny, -nx, near, params))
        })
        .collect();
    running_median(&raw, s_um, params.radius_window_um)
}

fn side_um(p: PointUm, ny: f64, nx: f64, near: &Brightness, params: &TraceParams) -> f64 {
    let n = (params.reach_um / STEP_UM).ceil() as usize;
    let at = |k: usize| {
        let u = k as f64 * STEP_UM;
        near.sample(PointUm::new(p.z, p.y + u * ny, p.x + u * nx))
    };
    let profile: Vec<f64> = (0..=n).map(at).collect();
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

/// Median of the values within half a window of arc length.
fn running_median(values: &[f64], s_um: &[f64], window_um: f64) -> Vec<f64> {
    (0..values.len())
        .map(|i| {
            let from = s_um.partition_point(|&s| s < s_um[i] - 0.5 * window_um);
            let to = s_um.partition_point(|&s| s <= s_um[i] + 0.5 * window_um);
            let mut near = values[from..to].to_vec();
            let middle = near.len() / 2;
            *near.select_nth_unstable_by(middle, f64::total_cmp).1
        })
        .collect()
}
