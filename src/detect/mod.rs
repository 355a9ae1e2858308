//! Candidates on a dendrite's straightened residual -> spines of one session.
//!
//! 1. Each dendrite's image is laid out straight and its shaft taken away ([`crate::straight`]); samples nearer to another dendrite belong to
//!    that one (`territory`).
//! 2. Candidates are maxima of z sharpened along the shaft (`candidates`).
//! 3. Each is scored: its signal-to-noise ratio, less what speaks for a crossing neurite or a swelling of the shaft (`evidence`).
//! 4. What no method of this kind can judge is marked on the dendrite (`scorable`).

mod candidates;
mod evidence;
mod scorable;
mod territory;

use rayon::prelude::*;

use crate::error::Result;
use crate::model::{Dendrite, Side, Spine, SpineClass, SpineFlag, Unscorable};
use crate::params::params;
use crate::straight::Straight;
use crate::volume::Grid;

pub use territory::Territory;

params! {
    /// How spines are found beside a centreline.
    pub struct DetectParams in "detect" {
        /// Least score of a spine: signal-to-noise ratio less penalties.
        score_min: f64 = 8.0, "standard deviations", 1.0..=1000.0, "optimum 7.8 on real, 8.2 on synthetic stacks (prototype)";
        /// Share of the mean along the shaft that is taken from z, which sharpens heads against swellings.
        sharpen: f64 = 0.5, "", 0.0..=1.0, "prototype";
        /// Standard deviation of that mean.
        sharpen_um: f64 = 0.6, "µm", 0.1..=10.0, "about a head and a half";
        /// Half length of the box in which a candidate is the maximum, along the shaft.
        box_s_um: f64 = 0.45, "µm", 0.05..=5.0, "heads nearer to each other are not resolved";
        /// Half width of the box, across.
        box_u_um: f64 = 1.3, "µm", 0.05..=10.0, "a spine is one ridge across";
        /// Half height of the box, along the optical axis.
        box_z_um: f64 = 3.0, "µm", 0.0..=20.0, "the axial spread of focus";
        /// Least distance of a head beyond the shaft's edge.
        beyond_min_um: f64 = 0.25, "µm", 0.0..=5.0, "prototype";
        /// Largest distance of a head beyond the shaft's edge.
        beyond_max_um: f64 = 3.2, "µm", 0.5..=20.0, "prototype; longer protrusions are rare";
        /// Weight of signal .8 µm beyond the head: a neurite that goes on.
        penalty_beyond: f64 = 0.25, "", 0.0..=10.0, "equal weights; of 0, .25 and .5 the best with the threshold of 8 on in-vivo stacks";
        /// Weight of signal on both flanks: a swelling, or a neurite alongside.
        penalty_flanks: f64 = 0.25, "", 0.0..=10.0, "equal weights; of 0, .25 and .5 the best with the threshold of 8 on in-vivo stacks";
        /// Weight of signal on the opposite side: a crossing neurite.
        penalty_opposite: f64 = 0.25, "", 0.0..=10.0, "equal weights; of 0, .25 and .5 the best with the threshold of 8 on in-vivo stacks";
        /// Weight of the distance beyond 1.6 µm from the shaft.
        penalty_far: f64 = 0.25, "1/µm", 0.0..=10.0, "as penalty_beyond";
        /// Weight of the depth beyond 1 µm above or below the shaft.
        penalty_deep: f64 = 0.25, "1/µm", 0.0..=10.0, "as penalty_beyond";
        /// Angle of a dendrite to the image plane beyond which its sides cannot be judged.
        steep_deg: f64 = 60.0, "degrees", 10.0..=90.0, "prototype";
    }
}

/// Finds the spines of every dendrite, by dendrite and arc length; numbered from 1.
///
/// Length is from the shaft's edge to where the residual falls to half of the head's. Width, class and brightness are left for
/// [`crate::measure`].
///
/// # Errors
/// [`crate::error::Error::Parameter`] for parameters out of range.
pub fn detect(straights: &[Straight], dendrites: &[Dendrite], params: &DetectParams) -> Result<Vec<Spine>> {
    params.validate()?;
    let territory = Territory::new(dendrites);
    let per_dendrite: Vec<Vec<Spine>> =
        straights.par_iter().map(|straight| on_dendrite(straight, &territory, params)).collect();
    let mut spines: Vec<Spine> = per_dendrite.into_iter().flatten().collect();
    spines.sort_by(|a, b| a.dendrite_id.cmp(&b.dendrite_id).then(a.s_um.total_cmp(&b.s_um)).then(a.side.cmp(&b.side)));
    for (n, spine) in spines.iter_mut().enumerate() {
        spine.spine_id = n as u32 + 1;
    }
    Ok(spines)
}

/// What of a dendrite cannot be judged; sorted by start.
///
/// # Errors
/// [`crate::error::Error::Parameter`] for parameters out of range.
pub fn unscorable(straight: &Straight, grid: Grid, params: &DetectParams) -> Result<Vec<Unscorable>> {
    params.validate()?;
    Ok(scorable::unscorable(straight, grid, params))
}

fn on_dendrite(straight: &Straight, territory: &Territory, params: &DetectParams) -> Vec<Spine> {
    let own = territory.mask(straight);
    let sharp = candidates::sharpen(straight, &own, params);
    candidates::find(straight, &own, &sharp, params)
        .into_iter()
        .map(|candidate| (evidence::weigh(straight, &candidate, params), candidate))
        .filter(|(evidence, _)| evidence.score >= params.score_min)
        .map(|(evidence, candidate)| spine(straight, &candidate, evidence))
        .collect()
}

fn spine(straight: &Straight, candidate: &candidates::Candidate, evidence: evidence::Evidence) -> Spine {
    let frame = &straight.frame;
    let at = candidate.s.round() as usize;
    let base = straight.place(candidate.s, frame.middle_w() as f64, frame.middle_u() as f64);
    let side = if frame.u_um(candidate.u) > 0.0 { Side::Left } else { Side::Right };
    let mut flags: Vec<SpineFlag> = evidence.flags;
    flags.sort_unstable();
    Spine {
        spine_id: 0,
        dendrite_id: frame.dendrite_id,
        head: straight.place(candidate.s, candidate.w, candidate.u),
        tip: straight.place(candidate.s, candidate.w, evidence.tip_u),
        base,
        s_um: candidate.s * frame.step_s_um,
        side,
        length_um: (frame.u_um(evidence.tip_u).abs() - frame.points[at].radius_um).max(0.0),
        head_width_um: None,
        brightness: 0.0,
        snr: candidate.snr,
        score: evidence.score,
        class: SpineClass::Unclassified,
        flags,
    }
}
