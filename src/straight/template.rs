//! Axis brightness and the shaft's template.

use rayon::prelude::*;

use crate::straight::{Frame, StraightParams};

/// Length of the median of the axis brightness, µm: longer than a spine's base, shorter than the shaft's own changes.
const AXIS_MEDIAN_UM: f64 = 2.0;
/// Standard deviation of the Gaussian after it, µm.
const AXIS_SMOOTH_UM: f64 = 1.0;
/// Spacing of the samples that go into a percentile, µm: neighbours closer than the blur say the same.
const SAMPLE_UM: f64 = 0.2;

/// Brightness on the centreline, median then Gaussian along the shaft; at least 1e-3 of its own median.
pub(crate) fn axis(frame: &Frame, value: &[f32]) -> Vec<f32> {
    let raw: Vec<f32> = (0..frame.ns()).map(|s| value[frame.index(s, frame.middle_w(), frame.middle_u())]).collect();
    let half = (AXIS_MEDIAN_UM / 2.0 / frame.step_s_um).round() as usize;
    let medians: Vec<f32> = (0..raw.len())
        .map(|s| {
            let mut window = raw[s.saturating_sub(half)..(s + half + 1).min(raw.len())].to_vec();
            quantile(&mut window, 0.5)
        })
        .collect();
    let smoothed = gaussian(&medians, AXIS_SMOOTH_UM / frame.step_s_um);
    let typical = quantile(&mut smoothed.clone(), 0.5);
    // The template is scaled by the axis: a stretch without light must not divide by 0.
    let floor = (1e-3 * typical).max(1e-6);
    smoothed.into_iter().map(|a| a.max(floor)).collect()
}

/// T(s, u, w) = A(s) * percentile of value / A along the shaft.
pub(crate) fn running_percentile(frame: &Frame, value: &[f32], axis: &[f32], params: &StraightParams) -> Vec<f32> {
    let (ns, columns) = (frame.ns(), frame.nw() * frame.nu());
    let stride = ((SAMPLE_UM / frame.step_s_um).round() as usize).max(1);
    let nodes: Vec<usize> = (0..ns).step_by(stride).collect();
    let half = (params.window_um / (frame.step_s_um * stride as f64)).round() as usize;
    let share = params.percentile / 100.0;
    // One column (u, w) at a time, at every stride-th point of the shaft.
    let at_nodes: Vec<Vec<f32>> = (0..columns)
        .into_par_iter()
        .map(|c| {
            let ratio: Vec<f32> = nodes.iter().map(|&s| value[s * columns + c] / axis[s]).collect();
            let mut window = Vec::with_capacity(2 * half + 1);
            (0..nodes.len())
                .map(|n| {
                    window.clear();
                    window.extend_from_slice(&ratio[n.saturating_sub(half)..(n + half + 1).min(ratio.len())]);
                    quantile(&mut window, share)
                })
                .collect()
        })
        .collect();
    let mut template = vec![0.0; frame.len()];
    template.par_chunks_mut(columns).enumerate().for_each(|(s, row)| {
        let n = s / stride;
        let next = (n + 1).min(nodes.len() - 1);
        let fraction = if next > n { (s - nodes[n]) as f32 / stride as f32 } else { 0.0 };
        for (t, column) in row.iter_mut().zip(&at_nodes) {
            *t = axis[s] * (column[n] + (column[next] - column[n]) * fraction);
        }
    });
    template
}

/// Linear-interpolated quantile; reorders `values`, which must not be empty.
fn quantile(values: &mut [f32], share: f64) -> f32 {
    let at = share * (values.len() - 1) as f64;
    let (k, fraction) = (at as usize, (at - at.floor()) as f32);
    let (_, &mut low, above) = values.select_nth_unstable_by(k, f32::total_cmp);
    let high = above.iter().copied().min_by(f32::total_cmp).unwrap_or(low);
    low + (high - low) * fraction
}

/// Gaussian along a line; the ends are weighted by what is there.
pub(crate) fn gaussian(line: &[f32], sigma: f64) -> Vec<f32> {
    let radius = (4.0 * sigma).ceil() as usize;
    let taps: Vec<f64> = (0..=radius).map(|k| (-0.5 * (k as f64 / sigma.max(1e-9)).powi(2)).exp()).collect();
    (0..line.len())
        .map(|i| {
            let (from, to) = (i.saturating_sub(radius), (i + radius + 1).min(line.len()));
            let (sum, weight) = (from..to).fold((0.0, 0.0), |(sum, weight), j| {
                let tap = taps[i.abs_diff(j)];
                (sum + tap * f64::from(line[j]), weight + tap)
            });
            (sum / weight) as f32
        })
        .collect()
}
