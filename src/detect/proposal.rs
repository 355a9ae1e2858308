//! Candidates with all that is known of them, and the choice among them.

use crate::detect::candidates::{self, Candidate};
use crate::detect::head::{self, Head};
use crate::detect::learned::{Features, LearnedParams};
use crate::detect::territory::Territory;
use crate::detect::{DetectParams, evidence, unique};
use crate::model::{Side, Spine, SpineClass};
use crate::straight::Straight;

/// A candidate: the spine it would be, and what speaks for and against it. See the example of [`crate::detect::Finder`].
#[derive(Clone, Debug, PartialEq)]
pub struct Proposal {
    /// The spine, without number; its score is the default one.
    pub spine: Spine,
    /// What is known about it.
    pub features: Features,
    /// Where its residual is brightest, (s, u, w), µm.
    peak_um: [f64; 3],
}

/// Candidates of one dendrite.
pub(crate) fn on_dendrite(straight: &Straight, territory: &Territory, params: &DetectParams) -> Vec<Proposal> {
    let mut own = territory.mask(straight);
    // Beyond the volume there is nothing to find or to follow.
    own.iter_mut().zip(&straight.sigma).for_each(|(own, sigma)| *own &= sigma.is_finite());
    let sharp = candidates::sharpen(straight, &own, params);
    let proposal = |candidate: Candidate| {
        let features = evidence::features(straight, &candidate);
        let head = head::locate(straight, &own, &candidate, params);
        let frame = &straight.frame;
        let peak_um = [candidate.s * frame.step_s_um, frame.u_um(candidate.u), frame.w_um(candidate.w)];
        let score = evidence::score(candidate.snr, &features, params);
        Proposal { spine: spine(straight, &candidate, &head, &features, score), features, peak_um }
    };
    candidates::find(straight, &own, &sharp, params).into_iter().map(proposal).collect()
}

/// Those of one dendrite's candidates that pass, one per protrusion.
pub(crate) fn choose_on_dendrite(proposals: &[Proposal], params: &DetectParams, learned: &LearnedParams) -> Vec<Spine> {
    let score = |p: &Proposal| if learned.enabled { learned.probability(&p.features) } else { p.spine.score };
    let least = if learned.enabled { learned.probability_min } else { params.score_min };
    let passed: Vec<(&Proposal, f64)> = proposals.iter().map(|p| (p, score(p))).filter(|(_, s)| *s >= least).collect();
    let place = |&(p, score): &(&Proposal, f64)| {
        let [s_um, u_um, w_um] = p.peak_um;
        unique::Found { s_um, u_um, w_um, score }
    };
    let stays = unique::on_dendrite(&passed.iter().map(place).collect::<Vec<_>>(), params);
    let chosen = passed.into_iter().zip(stays).filter(|(_, stays)| *stays);
    chosen.map(|((p, score), _)| Spine { score, ..p.spine.clone() }).collect()
}

fn spine(straight: &Straight, candidate: &Candidate, head: &Head, features: &Features, score: f64) -> Spine {
    let frame = &straight.frame;
    let at = (head.centre.s.round() as usize).min(frame.ns() - 1);
    let side = if frame.u_um(candidate.u) > 0.0 { Side::Left } else { Side::Right };
    Spine {
        spine_id: 0,
        dendrite_id: frame.dendrite_id,
        head: straight.place(head.centre.s, candidate.w, head.centre.u),
        tip: straight.place(head.tip.s, candidate.w, head.tip.u),
        base: straight.place(head.centre.s, frame.middle_w() as f64, frame.middle_u() as f64),
        s_um: head.centre.s * frame.step_s_um,
        side,
        length_um: (frame.u_um(head.tip.u).abs() - frame.points[at].radius_um).max(0.0),
        head_width_um: None,
        head_width_fit: None,
        brightness: 0.0,
        volume_um3: 0.0,
        snr: candidate.snr,
        score,
        class: SpineClass::Unclassified,
        flags: evidence::flags(features),
    }
}
