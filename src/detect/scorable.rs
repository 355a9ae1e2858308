//! Stretches of a dendrite on which spines cannot be judged.

use crate::detect::DetectParams;
use crate::model::{Unscorable, UnscorableReason};
use crate::straight::Straight;
use crate::volume::Grid;

/// Shorter stretches are jitter of the centreline, µm.
const MIN_LENGTH_UM: f64 = 0.5;

pub(crate) fn unscorable(straight: &Straight, grid: Grid, params: &DetectParams) -> Vec<Unscorable> {
    let frame = &straight.frame;
    let reason = |i: usize| {
        let p = &frame.points[i];
        if p.steepness_deg > params.steep_deg {
            return Some(UnscorableReason::Steep);
        }
        // Both sides must lie in the volume as far as a typical head.
        let reach = (p.radius_um + 1.0) / frame.step_u_um;
        let middle = (frame.middle_w() as f64, frame.middle_u() as f64);
        let sides = [-reach, reach].map(|u| frame.place_at(i as f64, middle.0, middle.1 + u));
        (!sides.iter().all(|&side| grid.contains(side))).then_some(UnscorableReason::OutOfVolume)
    };
    let mut stretches: Vec<Unscorable> = Vec::new();
    for i in 0..frame.ns() {
        let Some(reason) = reason(i) else { continue };
        let (from_um, to_um) = (frame.points[i].s_um, frame.points[i].s_um + frame.step_s_um);
        match stretches.last_mut() {
            Some(last) if last.reason == reason && from_um - last.to_um < 0.5 * frame.step_s_um => last.to_um = to_um,
            _ => stretches.push(Unscorable { from_um, to_um, reason }),
        }
    }
    stretches.retain(|stretch| stretch.to_um - stretch.from_um >= MIN_LENGTH_UM);
    stretches
}
