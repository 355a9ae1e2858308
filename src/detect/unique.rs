//! One spine, one row: of several maxima on one protrusion the surest stays.

use crate::detect::DetectParams;
use crate::model::{Spine, SpineFlag};

/// Heads at junctions are seen from two dendrites; nearer to each other than this they are one, µm in the plane.
const SAME_HEAD_UM: f64 = 0.6;

/// A candidate that passed, in the coordinates in which neighbours are judged; µm.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Found {
    pub(crate) s_um: f64,
    pub(crate) u_um: f64,
    pub(crate) w_um: f64,
    pub(crate) score: f64,
}

/// Which of a dendrite's candidates stay: the surest first, those within an ellipsoid around it go.
pub(crate) fn on_dendrite(found: &[Found], params: &DetectParams) -> Vec<bool> {
    let near = |a: &Found, b: &Found| {
        let parts = [
            (a.s_um - b.s_um) / params.apart_s_um,
            (a.u_um - b.u_um) / params.apart_u_um,
            (a.w_um - b.w_um) / params.apart_z_um,
        ];
        parts.iter().map(|p| p * p).sum::<f64>() < 1.0
    };
    let mut order: Vec<usize> = (0..found.len()).collect();
    order.sort_by(|&a, &b| found[b].score.total_cmp(&found[a].score).then(a.cmp(&b)));
    let mut stays = vec![false; found.len()];
    for i in order {
        stays[i] = !found.iter().zip(&stays).any(|(other, &stays)| stays && near(other, &found[i]));
    }
    stays
}

/// Leaves the surest of heads that are one: those that several dendrites claim, and those of one dendrite whose candidates lay apart but whose
/// heads, once refined, do not. One on a stretch that can be judged goes before all that are not: an axon that touches a head does not take it.
pub(crate) fn over_dendrites(spines: &mut Vec<Spine>, params: &DetectParams) {
    let mut order: Vec<usize> = (0..spines.len()).collect();
    let unsure = |n: usize| spines[n].flags.contains(&SpineFlag::OnUnscorableStretch);
    order.sort_by(|&a, &b| unsure(a).cmp(&unsure(b)).then(spines[b].score.total_cmp(&spines[a].score)).then(a.cmp(&b)));
    let mut stays = vec![false; spines.len()];
    for i in order {
        let claimed = |other: &Spine| {
            let reach_um = if other.dendrite_id == spines[i].dendrite_id { params.apart_s_um } else { SAME_HEAD_UM };
            let across = other.head.distance_xy_um(spines[i].head) / reach_um;
            across.hypot((other.head.z - spines[i].head.z) / params.apart_z_um) < 1.0
        };
        stays[i] = !spines.iter().zip(&stays).any(|(other, &stays)| stays && claimed(other));
    }
    let mut kept = stays.into_iter();
    spines.retain(|_| kept.next().unwrap_or(true));
}

#[cfg(test)]
mod tests {
    use crate::detect::{DetectParams, unique};
    use crate::model::{Side, Spine, SpineClass, SpineFlag};
    use crate::units::PointUm;

    fn spine(dendrite_id: u32, score: f64, flags: Vec<SpineFlag>) -> Spine {
        let at = PointUm::new(5.0, 10.0, 10.0 + 0.1 * f64::from(dendrite_id));
        Spine {
            spine_id: 0,
            dendrite_id,
            head: at,
            tip: at,
            base: at,
            s_um: 5.0,
            side: Side::Left,
            length_um: 1.0,
            head_width_um: None,
            head_width_fit: None,
            brightness: 0.3,
            volume_um3: 0.1,
            snr: score,
            score,
            class: SpineClass::Unclassified,
            flags,
        }
    }

    #[test]
    fn a_head_that_an_axon_touches_stays_with_its_dendrite() {
        let left = |mut spines: Vec<Spine>| {
            unique::over_dendrites(&mut spines, &DetectParams::default());
            spines.iter().map(|s| s.dendrite_id).collect::<Vec<_>>()
        };
        let on_axon = spine(2, 9.0, vec![SpineFlag::OnUnscorableStretch]);
        assert_eq!(left(vec![spine(1, 3.0, vec![]), on_axon]), [1]);
        assert_eq!(left(vec![spine(1, 3.0, vec![]), spine(2, 9.0, vec![])]), [2]); // the surer of two dendrites
    }
}
