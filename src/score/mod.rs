//! Precision and recall against truth.
//!
//! # Rules
//! - **M1** A found spine may match a true one when |dxy| <= .8 µm and |dz| <= 2.5 µm from the target: the head centre,
//!   the outer tip, or whichever of the two is nearer among those inside this gate ([`Target`]). A true spine without a
//!   head has its tip only.
//! - **M2** A pair costs √((dxy/.8)² + (dz/2.5)²). Matching is one-to-one, with as many pairs as possible and, among
//!   those, the least total cost. All found spines take part, inside the scoring region or not.
//! - **M3** True spines marked bad are matched after all others, with the found spines left over. A found spine matched
//!   so is neither right nor wrong, and an unmatched bad spine is not missed.
//! - **M4** An unmatched found spine is false only in the scoring region of some centreline: at most 4 µm away from its
//!   nearest point in the image plane, at most 4 µm along z, and not beyond an end (nearest within 2 µm of arc length of
//!   an end point and outward of it, by the direction of the last 2 µm). Elsewhere nothing was annotated.
//!
//! Figures are rounded to 5 decimals, and none where their denominator is 0.

mod calibration;
mod detail;
mod found;
mod found_tracks;
mod links;
mod matching;
mod region;
mod reliability;
mod role;
mod series;
mod track_pair;
mod tracks;
mod truth;

use serde::Serialize;

use crate::error::{Error, Result};
use crate::params::{InRange, params};
pub use crate::score::calibration::{CalibrationField, Measured, Trial, calibration};
pub use crate::score::detail::{CurvePoint, DendriteScore, DetectDetail, detect_detail};
pub use crate::score::found::{FoundPoint, read_found};
pub use crate::score::found_tracks::{FoundCall, FoundTracks, read_found_tracks};
pub use crate::score::links::{FoundLinks, LinkFigures, LinkOverall, LinkPair, LinkScore, links, read_found_links};
use crate::score::matching::Gated;
pub use crate::score::reliability::{Reliability, ReliabilityBin, reliability};
pub use crate::score::role::{Role, matches, roles};
pub use crate::score::series::SeriesTruth;
pub use crate::score::track_pair::TrackPair;
pub use crate::score::tracks::{SessionFigures, TrackOverall, TrackScore, tracks};
pub use crate::score::truth::{HeadKind, Truth, TruthSpine};

/// Which place of a true spine a found one is compared with.
///
/// ```
/// use gemmule::score::{ScoreParams, Target};
/// let heads = ScoreParams::default().target(Target::Head)?.xy_um(0.5)?;
/// assert_eq!((heads.target, heads.xy_um), (Target::Head, 0.5));
/// assert!(heads.z_um(0.0).is_err());
/// # Ok::<(), gemmule::error::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Target {
    /// Centre of the head.
    Head,
    /// Outer tip.
    Tip,
    /// The nearer of the two.
    Either,
}

impl InRange for Target {
    type Bound = Self;
    fn in_range(&self, range: &std::ops::RangeInclusive<Self>) -> bool {
        range.contains(self)
    }
}

params! {
    /// When a found spine counts as a true one. See the example of [`Target`].
    pub struct ScoreParams in "score" {
        /// What is compared.
        target: Target = Target::Either, "", Target::Head..=Target::Either, "human marks are tips, detectors find heads";
        /// Largest distance in the image plane.
        xy_um: f64 = 0.8, "µm", 0.01..=100.0, "a third of the distance between neighbouring spines";
        /// Largest distance along z.
        z_um: f64 = 2.5, "µm", 0.01..=100.0, "the axial blur of a head";
        /// Reach of the scoring region, in the image plane and along z.
        region_um: f64 = 4.0, "µm", 0.0..=1000.0, "spines are up to 4.7 µm from the centreline";
    }
}

/// How well found spines agree with truth, in one session. See the example of [`detect`].
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DetectScore {
    /// The session.
    pub session: i64,
    /// What was compared.
    pub target: Target,
    /// True spines, without the bad ones.
    pub n_truth: usize,
    /// True spines marked bad.
    pub n_truth_bad: usize,
    /// Found spines.
    pub n_found: usize,
    /// Found spines in the scoring region.
    pub n_found_in_region: usize,
    /// Found spines matched to a bad true one.
    pub n_found_on_bad: usize,
    /// Found spines matched although outside the scoring region.
    pub n_matched_outside_region: usize,
    /// Matched.
    pub tp: usize,
    /// Unmatched in the scoring region.
    pub fp: usize,
    /// True spines unmatched.
    #[serde(rename = "fn")]
    pub missed: usize,
    /// tp / (tp + fp).
    pub precision: Option<f64>,
    /// tp / n_truth.
    pub recall: Option<f64>,
    /// 2 tp / (tp + fp + n_truth).
    pub f1: Option<f64>,
    /// Recall of the spines whose head is a maximum of its own.
    pub recall_peak: Option<f64>,
    /// Recall of the spines that merge with the blur of the shaft.
    pub recall_shoulder: Option<f64>,
    /// Median distance in the image plane between matched spines and the target used, µm.
    pub median_xy_error_um: Option<f64>,
    /// The same to the head; none if a matched spine has no head.
    pub median_xy_error_to_head_um: Option<f64>,
    /// The same to the tip.
    pub median_xy_error_to_tip_um: Option<f64>,
    /// Area under precision over recall, precision made non-increasing; only where found spines have scores.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub average_precision: Option<f64>,
    /// The threshold of the best F1; only where found spines have scores and one lies within a gate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub best: Option<Best>,
}

/// The threshold on the score that gives the best F1, chosen on this very truth. See the example of [`detect`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Best {
    /// Found spines of this score or more are kept.
    pub threshold: f64,
    /// Precision there.
    pub precision: Option<f64>,
    /// Recall there.
    pub recall: Option<f64>,
    /// F1 there.
    pub f1: Option<f64>,
}

/// Scores the spines found in one session.
///
/// ```
/// use gemmule::score::{FoundPoint, ScoreParams, Truth, TruthSpine, detect};
/// use gemmule::units::PointUm;
/// let line = vec![PointUm::new(5.0, 10.0, 0.0), PointUm::new(5.0, 10.0, 30.0)];
/// let spine = TruthSpine { tip: PointUm::new(5.0, 11.5, 12.0), head: None, head_kind: None, is_bad: false };
/// let truth = Truth { session: 0, spines: vec![spine], centrelines: vec![line] };
/// let at = |y, x| FoundPoint { place: PointUm::new(5.0, y, x), score: None };
/// let score = detect(&truth, &[at(11.3, 12.1), at(8.5, 20.0)], &ScoreParams::default())?;
/// assert_eq!((score.tp, score.fp, score.missed), (1, 1, 0));
/// # Ok::<(), gemmule::error::Error>(())
/// ```
///
/// # Errors
/// [`Error::Parameter`] for parameters out of range, places or scores that are not finite, scores for a part of the
/// found spines only, or [`Target::Head`] where a true spine has no head.
pub fn detect(truth: &Truth, found: &[FoundPoint], params: &ScoreParams) -> Result<DetectScore> {
    params.validate()?;
    check(truth, found, params)?;
    let (bad, good): (Vec<&TruthSpine>, Vec<&TruthSpine>) = truth.spines.iter().partition(|s| s.is_bad);
    let region = region::inside(found, &truth.centrelines, params.region_um);
    let (gated, gated_bad) = (Gated::new(found, &good, params), Gated::new(found, &bad, params));
    let everything: Vec<usize> = (0..found.len()).collect();
    let tally = Tally::new(&everything, &gated, &gated_bad, &region);
    let tp = tally.pairs.len();
    let distance = |place: fn(&TruthSpine) -> Option<crate::units::PointUm>| {
        let errors = tally.pairs.iter().map(|&(i, j)| Some(found[i].place.distance_xy_um(place(good[j])?)));
        median(errors.collect::<Option<Vec<f64>>>()?)
    };
    let recall_of = |kind: HeadKind| {
        let hit = tally.pairs.iter().filter(|&&(_, j)| good[j].head_kind == Some(kind)).count();
        ratio(hit, good.iter().filter(|s| s.head_kind == Some(kind)).count())
    };
    let curve = Curve::new(found, good.len(), &gated, |kept| Tally::new(kept, &gated, &gated_bad, &region));
    Ok(DetectScore {
        session: truth.session,
        target: params.target,
        n_truth: good.len(),
        n_truth_bad: bad.len(),
        n_found: found.len(),
        n_found_in_region: region.iter().filter(|&&r| r).count(),
        n_found_on_bad: tally.bad.len(),
        n_matched_outside_region: tally.pairs.iter().filter(|&&(i, _)| !region[i]).count(),
        tp,
        fp: tally.fp,
        missed: good.len() - tp,
        precision: ratio(tp, tp + tally.fp),
        recall: ratio(tp, good.len()),
        f1: ratio(2 * tp, tp + tally.fp + good.len()),
        recall_peak: recall_of(HeadKind::Peak),
        recall_shoulder: recall_of(HeadKind::Shoulder),
        median_xy_error_um: median(tally.pairs.iter().map(|&(i, j)| gated.xy_um(i, j)).collect()),
        median_xy_error_to_head_um: distance(|s| s.head),
        median_xy_error_to_tip_um: distance(|s| Some(s.tip)),
        average_precision: curve.as_ref().map(|c| c.average_precision),
        best: curve.and_then(|c| c.best),
    })
}

fn check(truth: &Truth, found: &[FoundPoint], params: &ScoreParams) -> Result<()> {
    truth.check()?;
    if params.target == Target::Head && truth.spines.iter().any(|s| s.head.is_none()) {
        let remedy = "use the target tip or either";
        return Err(Error::parameter("score.target", "head", "tip or either, as a true spine has no head", remedy));
    }
    let finite = |f: &FoundPoint| {
        [f.place.z, f.place.y, f.place.x].iter().all(|v| v.is_finite()) && f.score.is_none_or(f64::is_finite)
    };
    if let Some(n) = found.iter().position(|f| !finite(f)) {
        return Err(Error::parameter(
            &format!("found spine {n}"),
            format!("{:?}", found[n]),
            "finite positions and scores",
            "leave out what was not found",
        ));
    }
    let scored = found.iter().filter(|f| f.score.is_some()).count();
    if scored != 0 && scored != found.len() {
        let allowed = format!("a score for all {} or for none", found.len());
        return Err(Error::parameter("found spines with a score", scored, &allowed, "fill or leave out the column"));
    }
    Ok(())
}

/// What became of the found spines (M2-M4).
struct Tally {
    /// Found and true spine, sorted.
    pairs: Vec<(usize, usize)>,
    /// Left over, and matched to a bad spine.
    bad: Vec<usize>,
    /// Left over in the scoring region.
    fp: usize,
}

impl Tally {
    fn new(kept: &[usize], good: &Gated, bad: &Gated, region: &[bool]) -> Self {
        let pairs = good.assign(kept);
        let left: Vec<usize> =
            kept.iter().copied().filter(|&i| pairs.binary_search_by_key(&i, |&(i, _)| i).is_err()).collect();
        let on_bad = bad.assign(&left);
        let free = |i: &&usize| on_bad.binary_search_by_key(*i, |&(i, _)| i).is_err();
        let fp = left.iter().filter(free).filter(|&&i| region[i]).count();
        Self { pairs, bad: on_bad.into_iter().map(|(i, _)| i).collect(), fp }
    }
}

/// Precision over recall, from every threshold on the score.
struct Curve {
    /// Matched, matched and false, threshold: from the highest threshold down, where a pair is added.
    steps: Vec<(usize, usize, f64)>,
    average_precision: f64,
    best: Option<Best>,
}

impl Curve {
    /// None where found spines have no scores.
    fn new(found: &[FoundPoint], n_truth: usize, gated: &Gated, tally: impl Fn(&[usize]) -> Tally) -> Option<Self> {
        let mut order: Vec<(f64, usize)> =
            found.iter().enumerate().map(|(i, f)| Some((f.score?, i))).collect::<Option<_>>()?;
        if order.is_empty() {
            return None;
        }
        order.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        let mut steps: Vec<(usize, usize, f64)> = Vec::new();
        let mut in_gate = false;
        for end in 1..=order.len() {
            let (threshold, newest) = order[end - 1];
            in_gate |= gated.holds(newest);
            // Only a spine within some gate can add a pair.
            if !in_gate || order.get(end).is_some_and(|next| next.0 == threshold) {
                continue;
            }
            in_gate = false;
            let mut kept: Vec<usize> = order[..end].iter().map(|&(_, i)| i).collect();
            kept.sort_unstable();
            let tally = tally(&kept);
            // Where no pair is added, recall stands still: such a step adds no area and cannot have the best F1.
            if tally.pairs.len() > steps.last().map_or(0, |s| s.0) {
                steps.push((tally.pairs.len(), tally.pairs.len() + tally.fp, threshold));
            }
        }
        Some(Self { average_precision: round(area(&steps, n_truth)), best: best(&steps, n_truth), steps })
    }
}

/// Area under precision (made non-increasing) over recall.
fn area(steps: &[(usize, usize, f64)], n_truth: usize) -> f64 {
    let (mut area, mut precision, n_truth) = (0.0, 0.0_f64, n_truth.max(1) as f64);
    for (k, &(tp, counted, _)) in steps.iter().enumerate().rev() {
        precision = precision.max(tp as f64 / counted as f64);
        let before = if k == 0 { 0 } else { steps[k - 1].0 };
        area += (tp as f64 - before as f64) / n_truth * precision;
    }
    area
}

/// The highest threshold among those of the greatest F1.
fn best(steps: &[(usize, usize, f64)], n_truth: usize) -> Option<Best> {
    let f1 = |s: &(usize, usize, f64)| 2.0 * s.0 as f64 / (s.1 + n_truth) as f64;
    let &(tp, counted, threshold) = steps.iter().rev().max_by(|a, b| f1(a).total_cmp(&f1(b)))?;
    let (precision, recall) = (ratio(tp, counted), ratio(tp, n_truth));
    Some(Best { threshold, precision, recall, f1: ratio(2 * tp, counted + n_truth) })
}

fn ratio(a: usize, b: usize) -> Option<f64> {
    (b != 0).then(|| round(a as f64 / b as f64))
}

/// Rounds to 5 decimals by way of the decimal text: the nearest, as a reader of the figures would.
fn round(value: f64) -> f64 {
    format!("{value:.5}").parse().unwrap_or(value)
}

/// Mean of some values; none without values.
fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| round(values.iter().sum::<f64>() / values.len() as f64))
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let n = values.len();
    (n > 0).then(|| round((values[(n - 1) / 2] + values[n / 2]) / 2.0))
}
