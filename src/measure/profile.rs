//! Line profile along the dendrite through a head or a neck.

use crate::measure::MeasureParams;
use crate::model::{Side, Spine};
use crate::straight::{Frame, Straight};

/// Spacing of a profile's samples, µm.
const STEP_UM: f64 = 0.05;
/// Full width at half maximum of a Gaussian over its standard deviation.
const FWHM: f64 = 2.354_820_045;

/// Fractional sample coordinates of a place on a straightened dendrite.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Place {
    s: f64,
    w: f64,
    u: f64,
}

impl Place {
    /// The head of a spine.
    pub(crate) fn of(straight: &Straight, spine: &Spine) -> Self {
        let frame = &straight.frame;
        let s = spine.s_um / frame.step_s_um;
        let outward = match spine.side {
            Side::Left => 1.0,
            Side::Right => -1.0,
        };
        let u_um = outward * spine.head.distance_xy_um(spine.base);
        Self {
            s,
            w: frame.middle_w() as f64 + (spine.head.z - spine.base.z) / frame.step_w_um,
            u: frame.middle_u() as f64 + u_um / frame.step_u_um,
        }
    }

    /// Half way between the shaft's edge and the head.
    pub(crate) fn neck(self, straight: &Straight) -> Self {
        let frame = &straight.frame;
        let u_um = frame.u_um(self.u);
        let edge = frame.points[self.nearest(frame.ns())].radius_um.min(u_um.abs());
        let middle = 0.5 * (edge + u_um.abs()) * u_um.signum();
        Self { u: frame.middle_u() as f64 + middle / frame.step_u_um, ..self }
    }

    pub(crate) fn nearest(self, ns: usize) -> usize {
        (self.s.round() as usize).min(ns - 1)
    }

    pub(crate) fn residual(self, straight: &Straight) -> f64 {
        residual(straight, self.s, self.w, self.u)
    }
}

fn residual(straight: &Straight, s: f64, w: f64, u: f64) -> f64 {
    straight.sample(&straight.value, s, w, u) - straight.sample(&straight.template, s, w, u)
}

/// One peak fitted to a profile.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Fit {
    /// Full width at half maximum, µm, less the smoothing.
    pub(crate) width_um: f64,
    /// Share of the profile's variance explained.
    pub(crate) quality: f64,
}

/// Width of the peak at a place: base + height * Gaussian, by least squares over centre and width on a grid, the other two exactly.
pub(crate) fn width(straight: &Straight, at: &Place, smooth_um: f64, params: &MeasureParams) -> Option<Fit> {
    let Frame { step_s_um, .. } = straight.frame;
    let half = (params.profile_um / STEP_UM).round() as i64;
    let offsets: Vec<f64> = (-half..=half).map(|k| k as f64 * STEP_UM).collect();
    let values: Vec<f64> = offsets.iter().map(|d| residual(straight, at.s + d / step_s_um, at.w, at.u)).collect();
    let mut best: Option<(f64, f64)> = None;
    // From narrower than the smoothing alone to a peak as wide as the profile, µm.
    let sigmas = (4..=(params.profile_um / 0.02) as usize).map(|k| k as f64 * 0.02);
    for sigma in sigmas {
        for shift in (-4..=4).map(|k| f64::from(k) * 0.05) {
            if let Some(quality) = explained(&offsets, &values, shift, sigma)
                && best.is_none_or(|(q, _)| quality > q)
            {
                best = Some((quality, sigma));
            }
        }
    }
    let (quality, sigma) = best?;
    let width_um = FWHM * (sigma * sigma - smooth_um * smooth_um).max(0.0).sqrt();
    Some(Fit { width_um, quality })
}

/// Share of variance explained by base + height * Gaussian with the best base and height; none if it is a dip.
fn explained(offsets: &[f64], values: &[f64], centre: f64, sigma: f64) -> Option<f64> {
    let n = offsets.len() as f64;
    let g: Vec<f64> = offsets.iter().map(|d| (-0.5 * ((d - centre) / sigma).powi(2)).exp()).collect();
    let (mg, mv) = (g.iter().sum::<f64>() / n, values.iter().sum::<f64>() / n);
    let sgg: f64 = g.iter().map(|g| (g - mg).powi(2)).sum();
    let sgv: f64 = g.iter().zip(values).map(|(g, v)| (g - mg) * (v - mv)).sum();
    let svv: f64 = values.iter().map(|v| (v - mv).powi(2)).sum();
    (sgv > 0.0 && svv > 0.0 && sgg > 0.0).then(|| sgv * sgv / (sgg * svv))
}

/// Whether the image itself, not only the residual, has a maximum near a head: brightness first rises, going out from the shaft.
pub(crate) fn is_peak(straight: &Straight, at: &Place) -> bool {
    let frame = &straight.frame;
    let inward = if frame.u_um(at.u) > 0.0 { -1.0 } else { 1.0 };
    let value = |steps: f64| straight.sample(&straight.value, at.s, at.w, at.u + inward * steps);
    let reach = (frame.u_um(at.u).abs() / frame.step_u_um).floor() as usize;
    // Half a head inward there must be a dip.
    let top = (0..=3).map(|k| value(f64::from(k) - 1.0)).fold(f64::MIN, f64::max);
    (1..=reach).any(|k| value(k as f64) < 0.95 * top && (1..=k).all(|j| value(j as f64) <= top))
}
