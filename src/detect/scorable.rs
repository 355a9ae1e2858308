//! Stretches of a dendrite on which spines cannot be judged.

use crate::detect::DetectParams;
use crate::detect::territory::Territory;
use crate::model::{Side, Unscorable, UnscorableReason};
use crate::straight::Straight;
use crate::volume::Grid;

/// Shorter stretches are jitter of the centreline, µm.
const MIN_LENGTH_UM: f64 = 0.5;
/// Where a typical head sits, µm beyond the shaft's edge.
const HEAD_UM: f64 = 0.8;
/// A shaft this near to a bad plane is seen in it, planes: where one is blank, centrelines keep half a plane away.
const BAD_PLANES: f64 = 0.75;
/// A head that stands on this share of the largest value is cut off.
const SATURATED: f64 = 0.9;

/// Stretches of either side by start, each with its first reason.
pub(crate) fn unscorable(
    straight: &Straight,
    territory: &Territory,
    grid: Grid,
    saturation: Option<f64>,
    (params, bad_planes): (&DetectParams, &[usize]),
    known: &[Unscorable],
) -> Vec<Unscorable> {
    let place = Place { straight, territory, grid, saturation, params, bad_planes, known };
    let mut stretches: Vec<Unscorable> =
        [Side::Left, Side::Right].into_iter().flat_map(|s| place.stretches(s)).collect();
    stretches.sort_by(|a, b| a.from_um.total_cmp(&b.from_um).then(a.side.cmp(&b.side)));
    stretches
}

struct Place<'a> {
    straight: &'a Straight,
    territory: &'a Territory,
    grid: Grid,
    saturation: Option<f64>,
    params: &'a DetectParams,
    bad_planes: &'a [usize],
    known: &'a [Unscorable],
}

impl Place<'_> {
    fn stretches(&self, side: Side) -> Vec<Unscorable> {
        let frame = &self.straight.frame;
        let mut stretches: Vec<Unscorable> = Vec::new();
        for i in 0..frame.ns() {
            let Some(reason) = self.reason(i, side) else { continue };
            let (from_um, to_um) = (frame.points[i].s_um, frame.points[i].s_um + frame.step_s_um);
            match stretches.last_mut() {
                Some(last) if last.reason == reason && from_um - last.to_um < 0.5 * frame.step_s_um => {
                    last.to_um = to_um;
                }
                _ => stretches.push(Unscorable { from_um, to_um, side, reason }),
            }
        }
        stretches.retain(|stretch| stretch.to_um - stretch.from_um >= MIN_LENGTH_UM);
        stretches
    }

    /// Why one side of frame point `i` cannot be judged: another neurite on the other side hides nothing on this one.
    fn reason(&self, i: usize, side: Side) -> Option<UnscorableReason> {
        let frame = &self.straight.frame;
        let p = &frame.points[i];
        if let Some(known) = self.known.iter().find(|k| k.side == side && (k.from_um..=k.to_um).contains(&p.s_um)) {
            return Some(known.reason);
        }
        if p.steepness_deg > self.params.steep_deg {
            return Some(UnscorableReason::Steep);
        }
        let lateral_um = p.radius_um + HEAD_UM;
        let beside = |sign: f64| {
            let u = (frame.middle_u() as f64 + sign * lateral_um / frame.step_u_um).round();
            u.clamp(0.0, (frame.nu() - 1) as f64) as usize
        };
        let (left, right) = (beside(1.0), beside(-1.0));
        let place = |u: usize| frame.place(i, frame.middle_w(), u);
        // Where one side is cut off the shaft's template is not known well: neither can be judged.
        if ![left, right].into_iter().all(|u| self.grid.contains(place(u))) {
            return Some(UnscorableReason::OutOfVolume);
        }
        let plane = place(frame.middle_u()).z / self.grid.voxel_size.z_um;
        if self.bad_planes.iter().any(|&bad| (plane - bad as f64).abs() < BAD_PLANES) {
            return Some(UnscorableReason::Motion);
        }
        let u = if side == Side::Left { left } else { right };
        let place = place(u);
        if self.territory.belongs_elsewhere(place, 0.0, lateral_um, frame.dendrite_id, p.s_um) {
            return Some(UnscorableReason::Crossed);
        }
        let at = frame.index(i, frame.middle_w(), u);
        if self.saturation.is_some_and(|most| f64::from(self.straight.template[at]) > SATURATED * most) {
            return Some(UnscorableReason::Saturated);
        }
        let typical = self.params.typical_contrast * f64::from(self.straight.axis[i]);
        let dim = typical < self.params.score_min * f64::from(self.straight.sigma[at]);
        dim.then_some(UnscorableReason::Dim)
    }
}
