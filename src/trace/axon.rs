//! Which stretches of what was traced are axons.
//!
//! An axon is too thin to be resolved, so that its brightness tells its cross-section: .2 to .3 µm against .6 to 1.1 µm of a dendrite is a tenth of the
//! light. Both the brightness and the half-maximum radius, medians over `axon_window_um` of arc length (longer than a bouton, shorter than most paths), must
//! be below a share of what is typical of the field; what is dim but as thick as the others is a dendrite of another cell, or out of focus.
//! Typical is the value at which half of the light of all centrelines is on one side: many faint axons weigh no more than a piece of dendrite.

use crate::model::{Side, Unscorable, UnscorableReason};
use crate::trace::radius::{Shaft, running_median};
use crate::trace::{TraceParams, Traced};

/// Puts the stretches that are axons among those that cannot be judged.
pub(super) fn mark(trees: &mut [Vec<Traced>], params: &TraceParams) {
    // What lies in a shadow is darker than its surroundings: below any share of what is typical.
    if params.axon_brightness == 0.0 {
        return;
    }
    let samples = |value: fn(&Shaft, usize) -> f64| -> Vec<(f64, f64)> {
        let of = |t: &Traced| -> Vec<(f64, f64)> {
            (0..t.shaft.brightness.len()).map(|i| (value(&t.shaft, i), t.shaft.brightness[i].max(0.0))).collect()
        };
        trees.iter().flatten().flat_map(of).collect()
    };
    let bright = params.axon_brightness * weighted_median(samples(|shaft, i| shaft.brightness[i]));
    let thick_um = params.axon_radius * weighted_median(samples(|shaft, i| shaft.radius_um[i]));
    for traced in trees.iter_mut().flatten() {
        let s_um = &traced.dendrite.s_um;
        let smooth = |values: &[f64]| running_median(values, s_um, params.axon_window_um);
        let (brightness, radius_um) = (smooth(&traced.shaft.brightness), smooth(&traced.shaft.radius_um));
        let is_axon = brightness.iter().zip(&radius_um).map(|(b, r)| *b < bright && *r < thick_um).collect::<Vec<_>>();
        traced.dendrite.unscorable = stretches(&is_axon, s_um);
    }
}

/// Value with half of the weight below it; 0 without any.
fn weighted_median(mut values: Vec<(f64, f64)>) -> f64 {
    values.sort_by(|a, b| a.0.total_cmp(&b.0));
    let half = 0.5 * values.iter().map(|v| v.1).sum::<f64>();
    let mut sum = 0.0;
    let reaches = |v: &&(f64, f64)| {
        sum += v.1;
        sum >= half
    };
    values.iter().find(reaches).map_or(0.0, |v| v.0)
}

/// Runs of points, both sides, by start.
fn stretches(is_axon: &[bool], s_um: &[f64]) -> Vec<Unscorable> {
    let mut found = Vec::new();
    let mut from = 0;
    for run in is_axon.chunk_by(|a, b| a == b) {
        let to = from + run.len();
        if run[0] {
            let (from_um, to_um) = (s_um[from], s_um[to.min(s_um.len() - 1)]);
            let reason = UnscorableReason::Axon;
            found.extend([Side::Left, Side::Right].map(|side| Unscorable { from_um, to_um, side, reason }));
        }
        from = to;
    }
    found
}
