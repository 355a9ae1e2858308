//! Where a head and its tip are, from the maximum of the residual.
//!
//! The residual is brightest where a spine is thickest or nearest to the shaft, which for long spines is not at their end. So the ridge is
//! followed outward from the maximum until it has fallen to `head_falloff` of it: that is the tip. The head's centre lies `head_edge_um` inward
//! of the tip, but never inward of the maximum: for a round head the two are the same place.

use crate::detect::DetectParams;
use crate::detect::candidates::Candidate;
use crate::straight::Straight;

/// Farthest a ridge is followed, µm.
const REACH_UM: f64 = 2.5;

/// A place on the straightened image, in fractional samples; the depth is the candidate's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Place {
    pub(crate) s: f64,
    pub(crate) u: f64,
}

/// Head and tip of a candidate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Head {
    pub(crate) centre: Place,
    pub(crate) tip: Place,
}

/// Follows the ridge of a candidate outward; other dendrites' samples count as dark.
pub(crate) fn locate(straight: &Straight, own: &[bool], c: &Candidate, params: &DetectParams) -> Head {
    let frame = &straight.frame;
    let outward = if frame.u_um(c.u) > 0.0 { 1.0 } else { -1.0 };
    let tip = follow(straight, own, c, outward, params.head_falloff);
    let reach_um = (tip.u - c.u).abs() * frame.step_u_um;
    let share = if reach_um > 0.0 { (reach_um - params.head_edge_um).max(0.0) / reach_um } else { 0.0 };
    let centre = Place { s: c.s + (tip.s - c.s) * share, u: c.u + (tip.u - c.u) * share };
    Head { centre, tip }
}

/// One sample outward at a time, to the brightest of three along the shaft: slanted spines are followed up to 45 degrees.
fn follow(straight: &Straight, own: &[bool], c: &Candidate, outward: f64, falloff: f64) -> Place {
    let frame = &straight.frame;
    let last_u = (frame.nu() - 1) as f64;
    let residual = |p: Place| {
        let nearest = |v: f64, n: usize| (v.round().max(0.0) as usize).min(n - 1);
        let at = frame.index(nearest(p.s, frame.ns()), nearest(c.w, frame.nw()), nearest(p.u, frame.nu()));
        if !own[at] {
            return 0.0;
        }
        straight.sample(&straight.value, p.s, c.w, p.u) - straight.sample(&straight.template, p.s, c.w, p.u)
    };
    let mut here = Place { s: c.s, u: c.u };
    let mut value = residual(here);
    let end = falloff * value;
    let sideways = frame.step_u_um / frame.step_s_um;
    for _ in 0..(REACH_UM / frame.step_u_um) as usize {
        let u = here.u + outward;
        if u <= 0.0 || u >= last_u {
            return here;
        }
        let mut next = (Place { s: here.s, u }, residual(Place { s: here.s, u }));
        for s in [here.s - sideways, here.s + sideways] {
            let place = Place { s: s.clamp(0.0, (frame.ns() - 1) as f64), u };
            let there = residual(place);
            if there > next.1 {
                next = (place, there);
            }
        }
        if next.1 <= end {
            let part = if value > next.1 { ((value - end) / (value - next.1)).clamp(0.0, 1.0) } else { 0.0 };
            return Place { s: here.s + (next.0.s - here.s) * part, u: here.u + (u - here.u) * part };
        }
        (here, value) = next;
    }
    here
}
