//! Maxima of the sharpened residual beside the shaft.

use crate::detect::DetectParams;
use crate::straight::Straight;

/// What lies this far around a candidate is compared with it, µm.
pub(crate) const AROUND_UM: f64 = 0.8;

/// A maximum, at fractional sample coordinates.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Candidate {
    /// Along the dendrite.
    pub(crate) s: f64,
    /// Along the optical axis.
    pub(crate) w: f64,
    /// Across.
    pub(crate) u: f64,
    /// Sharpened residual in standard deviations.
    pub(crate) snr: f64,
}

/// z less a share of its mean along the shaft; what is not the dendrite's own counts as 0.
pub(crate) fn sharpen(straight: &Straight, own: &[bool], params: &DetectParams) -> Vec<f32> {
    let frame = &straight.frame;
    let columns = frame.nw() * frame.nu();
    let masked: Vec<f32> = straight.z.iter().zip(own).map(|(&z, &own)| if own { z } else { 0.0 }).collect();
    let sigma = params.sharpen_um / frame.step_s_um;
    let radius = (4.0 * sigma).ceil() as usize;
    let taps: Vec<f32> = (0..=radius).map(|k| (-0.5 * (k as f64 / sigma).powi(2)).exp() as f32).collect();
    let mut out = vec![0.0; masked.len()];
    for (s, row) in out.chunks_mut(columns).enumerate() {
        let (from, to) = (s.saturating_sub(radius), (s + radius + 1).min(frame.ns()));
        let weight: f32 = (from..to).map(|i| taps[i.abs_diff(s)]).sum();
        for i in from..to {
            let tap = -(params.sharpen as f32) * taps[i.abs_diff(s)] / weight;
            for (o, z) in row.iter_mut().zip(&masked[i * columns..]) {
                *o += tap * z;
            }
        }
        for ((o, z), own) in row.iter_mut().zip(&masked[s * columns..]).zip(&own[s * columns..]) {
            *o = if *own { *o + z } else { 0.0 };
        }
    }
    out
}

/// Largest value within `half` samples along one axis of stride `stride`, for all samples.
fn running_maximum(values: &[f32], n: usize, stride: usize, half: usize) -> Vec<f32> {
    let mut out = values.to_vec();
    let higher = |out: &mut [f32], than: &[f32]| out.iter_mut().zip(than).for_each(|(o, v)| *o = o.max(*v));
    for (out, values) in out.chunks_mut(n * stride).zip(values.chunks(n * stride)) {
        // Whole lines at a time, shifted: what lies beyond an end takes no part.
        for shift in (1..=half.min(n - 1)).map(|k| k * stride) {
            let rest = values.len() - shift;
            higher(&mut out[..rest], &values[shift..]);
            higher(&mut out[shift..], &values[..rest]);
        }
    }
    out
}

/// Maxima in a box, at a distance from the shaft where heads are.
pub(crate) fn find(straight: &Straight, own: &[bool], sharp: &[f32], params: &DetectParams) -> Vec<Candidate> {
    let frame = &straight.frame;
    let half = |um: f64, step: f64| (um / step).round() as usize;
    let across = running_maximum(sharp, frame.nu(), 1, half(params.box_u_um, frame.step_u_um));
    let along_z = running_maximum(&across, frame.nw(), frame.nu(), half(params.box_z_um, frame.step_w_um));
    let highest =
        running_maximum(&along_z, frame.ns(), frame.nu() * frame.nw(), half(params.box_s_um, frame.step_s_um));
    let mut found = Vec::new();
    // On the first and last section a maximum has no known far side: the shaft goes on there more often than not.
    for s in 1..frame.ns().saturating_sub(1) {
        for w in 0..frame.nw() {
            for u in 0..frame.nu() {
                let i = frame.index(s, w, u);
                let beyond = frame.u_um(u as f64).abs() - frame.points[s].radius_um;
                let inside = beyond > params.beyond_min_um && beyond < params.beyond_max_um;
                // Below half the threshold nothing can pass: penalties only lower a score.
                let strong = f64::from(sharp[i]) >= 0.5 * params.score_min;
                let bright = straight.residual(i) >= params.contrast_min as f32 * straight.axis[s];
                let maximum = own[i] && inside && strong && bright && sharp[i] >= highest[i];
                if maximum && surrounded(straight, (s, w, u), params.head_edge_um) {
                    found.push(refine(straight, sharp, (s, w, u)));
                }
            }
        }
    }
    found
}

/// Whether the volume holds a head's edge outward, and both flanks.
fn surrounded(straight: &Straight, (s, w, u): (usize, usize, usize), edge_um: f64) -> bool {
    let frame = &straight.frame;
    let (ds, du) = ((AROUND_UM / frame.step_s_um).round() as usize, (edge_um / frame.step_u_um).round() as usize);
    let inside = |s: usize, u: usize| straight.sigma[frame.index(s, w, u)].is_finite();
    let outward = if frame.u_um(u as f64) > 0.0 { (u + du).min(frame.nu() - 1) } else { u.saturating_sub(du) };
    inside(s, outward) && inside(s.saturating_sub(ds), u) && inside((s + ds).min(frame.ns() - 1), u)
}

/// Sub-sample position of a maximum by a parabola along each axis.
fn refine(straight: &Straight, sharp: &[f32], (s, w, u): (usize, usize, usize)) -> Candidate {
    let frame = &straight.frame;
    let snr = f64::from(sharp[frame.index(s, w, u)]);
    let shift = |at: usize, n: usize, value: &dyn Fn(usize) -> f32| {
        if at == 0 || at + 1 >= n {
            return 0.0;
        }
        let (a, b) = (f64::from(value(at - 1)), f64::from(value(at + 1)));
        let curvature = a - 2.0 * snr + b;
        if curvature < 0.0 { (0.5 * (a - b) / curvature).clamp(-0.5, 0.5) } else { 0.0 }
    };
    Candidate {
        s: s as f64 + shift(s, frame.ns(), &|i| sharp[frame.index(i, w, u)]),
        w: w as f64 + shift(w, frame.nw(), &|i| sharp[frame.index(s, i, u)]),
        u: u as f64 + shift(u, frame.nu(), &|i| sharp[frame.index(s, w, i)]),
        snr,
    }
}
