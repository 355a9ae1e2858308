//! What speaks against a candidate.
//!
//! score = SNR * exp(-sum of weight_k * f_k). Each f is 0 for an ideal spine and about 1 for the worst case; all compare z with z at the head.
//! A learned score weighs the same features ([`crate::detect::learned`]).

use crate::detect::DetectParams;
use crate::detect::candidates::{AROUND_UM, Candidate};
use crate::detect::learned::Features;
use crate::model::SpineFlag;
use crate::straight::Straight;

/// Heads further out than this are rarer the further they are, µm beyond the shaft.
const FAR_UM: f64 = 1.6;
/// Heads deeper or shallower than this belong to something else more often, µm.
const DEEP_UM: f64 = 1.0;
/// Share of z at the head above which a remark is made.
const REMARK: f64 = 0.5;
/// Logarithms are taken of no less than this: a maximum of z may lie where interpolation finds no residual.
const FLOOR: f64 = 0.01;

/// z around a candidate as shares of z at the head: `ds_um` from it along the shaft, `u_um` from the centreline on its side.
struct Around<'a> {
    straight: &'a Straight,
    candidate: &'a Candidate,
    outward: f64,
    at_head: f64,
}

impl Around<'_> {
    fn share(&self, ds_um: f64, u_um: f64) -> f64 {
        let frame = &self.straight.frame;
        let u = frame.middle_u() as f64 + self.outward * u_um / frame.step_u_um;
        let z = self.straight.sample(&self.straight.z, self.candidate.s + ds_um / frame.step_s_um, self.candidate.w, u);
        (z / self.at_head).clamp(0.0, 1.0)
    }

    /// Largest share over a stretch along the shaft.
    fn largest(&self, from_um: f64, to_um: f64, u_um: f64) -> f64 {
        let steps = ((to_um - from_um) / 0.1).round() as usize;
        (0..=steps).map(|k| self.share(from_um + 0.1 * k as f64, u_um)).fold(0.0, f64::max)
    }
}

/// What is known about a candidate.
pub(crate) fn features(straight: &Straight, c: &Candidate) -> Features {
    let frame = &straight.frame;
    let u_um = frame.u_um(c.u).abs();
    let outward = if frame.u_um(c.u) > 0.0 { 1.0 } else { -1.0 };
    let at_head = straight.sample(&straight.z, c.s, c.w, c.u).max(1e-6);
    let around = Around { straight, candidate: c, outward, at_head };
    let nearest = (c.s.round() as usize).min(frame.ns() - 1);
    let residual = straight.sample(&straight.value, c.s, c.w, c.u) - straight.sample(&straight.template, c.s, c.w, c.u);
    let contrast = residual / f64::from(straight.axis[nearest]).max(1e-6);
    Features {
        log_snr: c.snr.max(FLOOR).ln(),
        log_contrast: contrast.max(FLOOR).ln(),
        beyond: around.largest(-0.4, 0.4, u_um + AROUND_UM),
        flank: around.share(-AROUND_UM, u_um).max(around.share(AROUND_UM, u_um)),
        far: (u_um - frame.points[nearest].radius_um - FAR_UM).max(0.0),
        deep: (frame.w_um(c.w).abs() - DEEP_UM).max(0.0),
        opposite: around.largest(-0.4, 0.4, -u_um),
    }
}

/// Signal-to-noise ratio less penalties.
pub(crate) fn score(snr: f64, f: &Features, params: &DetectParams) -> f64 {
    let penalty = params.penalty_beyond * f.beyond
        + params.penalty_flank * f.flank
        + params.penalty_far * f.far
        + params.penalty_deep * f.deep;
    snr * (-penalty).exp()
}

/// Remarks, sorted.
pub(crate) fn flags(f: &Features) -> Vec<SpineFlag> {
    let mut flags = Vec::new();
    if f.beyond > REMARK {
        flags.push(SpineFlag::SignalBeyondHead);
    }
    if f.opposite > REMARK {
        flags.push(SpineFlag::OppositeSignal);
    }
    flags
}
