//! Stretches of a dendrite on which spines cannot be judged.

use crate::detect::DetectParams;
use crate::detect::territory::Territory;
use crate::model::{Unscorable, UnscorableReason};
use crate::straight::Straight;
use crate::volume::Grid;

/// Shorter stretches are jitter of the centreline, µm.
const MIN_LENGTH_UM: f64 = 0.5;
/// Where a typical head sits, µm beyond the shaft's edge.
const HEAD_UM: f64 = 0.8;
/// A head that stands on this share of the largest value is cut off.
const SATURATED: f64 = 0.9;

/// Stretches by start, each with its first reason.
pub(crate) fn unscorable(
    straight: &Straight,
    territory: &Territory,
    grid: Grid,
    saturation: Option<f64>,
    params: &DetectParams,
) -> Vec<Unscorable> {
    let frame = &straight.frame;
    let place = Place { straight, territory, grid, saturation, params };
    let mut stretches: Vec<Unscorable> = Vec::new();
    for i in 0..frame.ns() {
        let Some(reason) = place.reason(i) else { continue };
        let (from_um, to_um) = (frame.points[i].s_um, frame.points[i].s_um + frame.step_s_um);
        match stretches.last_mut() {
            Some(last) if last.reason == reason && from_um - last.to_um < 0.5 * frame.step_s_um => last.to_um = to_um,
            _ => stretches.push(Unscorable { from_um, to_um, reason }),
        }
    }
    stretches.retain(|stretch| stretch.to_um - stretch.from_um >= MIN_LENGTH_UM);
    stretches
}

struct Place<'a> {
    straight: &'a Straight,
    territory: &'a Territory,
    grid: Grid,
    saturation: Option<f64>,
    params: &'a DetectParams,
}

impl Place<'_> {
    /// Why frame point `i` cannot be judged; both sides must be fit to be.
    fn reason(&self, i: usize) -> Option<UnscorableReason> {
        let frame = &self.straight.frame;
        let p = &frame.points[i];
        if p.steepness_deg > self.params.steep_deg {
            return Some(UnscorableReason::Steep);
        }
        let lateral_um = p.radius_um + HEAD_UM;
        let side = |sign: f64| (frame.middle_u() as f64 + sign * lateral_um / frame.step_u_um).round();
        let sides = [side(-1.0), side(1.0)].map(|u| u.clamp(0.0, (frame.nu() - 1) as f64) as usize);
        let places = sides.map(|u| frame.place(i, frame.middle_w(), u));
        if !places.iter().all(|&place| self.grid.contains(place)) {
            return Some(UnscorableReason::OutOfVolume);
        }
        let elsewhere = |&place| self.territory.belongs_elsewhere(place, 0.0, lateral_um, frame.dendrite_id, p.s_um);
        if places.iter().any(elsewhere) {
            return Some(UnscorableReason::Crossed);
        }
        let at = sides.map(|u| frame.index(i, frame.middle_w(), u));
        let base = |k: usize| f64::from(self.straight.template[k]);
        if self.saturation.is_some_and(|most| at.iter().any(|&k| base(k) > SATURATED * most)) {
            return Some(UnscorableReason::Saturated);
        }
        let typical = self.params.typical_contrast * f64::from(self.straight.axis[i]);
        let dim = |&k: &usize| typical < self.params.score_min * f64::from(self.straight.sigma[k]);
        at.iter().any(dim).then_some(UnscorableReason::Dim)
    }
}
