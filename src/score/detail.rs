//! How sure the figures are, and where the errors sit: bootstrap intervals, figures per dendrite, precision against recall.
//!
//! Errors of neighbouring spines are not independent (a dim or crowded stretch spoils several), so whole stretches of 10 µm of centreline are
//! drawn with replacement, with the true and false spines that are nearest to them; intervals are the 2.5 and 97.5 % quantiles of 2000 draws.

use std::collections::BTreeMap;

use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use serde::Serialize;

use crate::error::Result;
use crate::score::found::FoundPoint;
use crate::score::matching::Gated;
use crate::score::truth::{Truth, TruthSpine};
use crate::score::{Curve, ScoreParams, Tally, check, ratio, region, round};

/// Length of a stretch that is drawn as one, µm.
const STRETCH_UM: f64 = 10.0;
/// Draws of the bootstrap.
const DRAWS: usize = 2000;
/// Seed of the draws: the same tables give the same interval.
const SEED: u64 = 1;

/// Figures of one annotated dendrite. See the example of [`detect_detail`].
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DendriteScore {
    /// Position among the truth's dendrites, in order of their ids, from 0.
    pub dendrite: usize,
    /// True spines, without the bad ones.
    pub n_truth: usize,
    /// Matched.
    pub tp: usize,
    /// Found, unmatched, nearest to this dendrite.
    pub fp: usize,
    /// tp / (tp + fp).
    pub precision: Option<f64>,
    /// tp / n_truth.
    pub recall: Option<f64>,
}

/// Precision and recall of the found spines that score at least `threshold`. See the example of [`detect_detail`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct CurvePoint {
    /// Least score kept.
    pub threshold: f64,
    /// Precision there.
    pub precision: Option<f64>,
    /// Recall there.
    pub recall: Option<f64>,
}

/// What stands behind the figures of a [`crate::score::DetectScore`]. See the example of [`detect_detail`].
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DetectDetail {
    /// Stretches of 10 µm that hold a true or a false spine.
    pub n_stretches: usize,
    /// 95 % interval of the precision; none with fewer than two stretches.
    pub precision_interval: Option<[f64; 2]>,
    /// 95 % interval of the recall.
    pub recall_interval: Option<[f64; 2]>,
    /// 95 % interval of F1.
    pub f1_interval: Option<[f64; 2]>,
    /// One row per annotated dendrite.
    pub dendrites: Vec<DendriteScore>,
    /// From the highest threshold to the lowest, where recall changes; empty where found spines have no scores.
    pub curve: Vec<CurvePoint>,
}

/// Right, wrong and missed spines of one place.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    tp: usize,
    fp: usize,
    missed: usize,
}

/// Intervals, figures per dendrite and the precision-recall curve of the spines found in one session.
///
/// ```
/// use gemmule::score::{FoundPoint, ScoreParams, Truth, TruthSpine, detect_detail};
/// use gemmule::units::PointUm;
/// let line = vec![PointUm::new(5.0, 10.0, 0.0), PointUm::new(5.0, 10.0, 30.0)];
/// let spine = TruthSpine { tip: PointUm::new(5.0, 11.5, 12.0), head: None, head_kind: None, is_bad: false };
/// let truth = Truth { session: 0, spines: vec![spine], centrelines: vec![line] };
/// let at = |y, x| FoundPoint { place: PointUm::new(5.0, y, x), score: None };
/// let detail = detect_detail(&truth, &[at(11.3, 12.1), at(8.5, 22.0)], &ScoreParams::default())?;
/// assert_eq!((detail.n_stretches, detail.dendrites[0].tp, detail.dendrites[0].fp), (2, 1, 1));
/// # Ok::<(), gemmule::error::Error>(())
/// ```
///
/// # Errors
/// As [`crate::score::detect`].
pub fn detect_detail(truth: &Truth, found: &[FoundPoint], params: &ScoreParams) -> Result<DetectDetail> {
    params.validate()?;
    check(truth, found, params)?;
    let (bad, good): (Vec<&TruthSpine>, Vec<&TruthSpine>) = truth.spines.iter().partition(|s| s.is_bad);
    let inside = region::inside(found, &truth.centrelines, params.region_um);
    let (gated, gated_bad) = (Gated::new(found, &good, params), Gated::new(found, &bad, params));
    let everything: Vec<usize> = (0..found.len()).collect();
    let tally = Tally::new(&everything, &gated, &gated_bad, &inside);
    let mut places: BTreeMap<(usize, usize), Counts> = BTreeMap::new();
    let stretch = |place| {
        let (line, s_um) = region::nearest_line(place, &truth.centrelines);
        (line, (s_um / STRETCH_UM) as usize)
    };
    let hit: Vec<usize> = tally.pairs.iter().map(|&(_, j)| j).collect();
    for (j, spine) in good.iter().enumerate() {
        let counts = places.entry(stretch(spine.tip)).or_default();
        if hit.contains(&j) { counts.tp += 1 } else { counts.missed += 1 }
    }
    for i in everything {
        let matched = tally.pairs.binary_search_by_key(&i, |&(i, _)| i).is_ok() || tally.bad.contains(&i);
        if inside[i] && !matched {
            places.entry(stretch(found[i].place)).or_default().fp += 1;
        }
    }
    let curve = Curve::new(found, good.len(), &gated, |kept| Tally::new(kept, &gated, &gated_bad, &inside));
    let point = |&(tp, counted, threshold): &(usize, usize, f64)| CurvePoint {
        threshold,
        precision: ratio(tp, counted),
        recall: ratio(tp, good.len()),
    };
    let stretches: Vec<Counts> = places.values().copied().collect();
    let [precision_interval, recall_interval, f1_interval] = bootstrap(&stretches);
    Ok(DetectDetail {
        n_stretches: stretches.len(),
        precision_interval,
        recall_interval,
        f1_interval,
        dendrites: per_dendrite(&places, truth.centrelines.len()),
        curve: curve.map_or(Vec::new(), |c| c.steps.iter().map(point).collect()),
    })
}

fn per_dendrite(places: &BTreeMap<(usize, usize), Counts>, n: usize) -> Vec<DendriteScore> {
    let row = |dendrite: usize| {
        let mut sum = Counts::default();
        for counts in places.iter().filter(|((line, _), _)| *line == dendrite).map(|(_, counts)| counts) {
            sum = Counts { tp: sum.tp + counts.tp, fp: sum.fp + counts.fp, missed: sum.missed + counts.missed };
        }
        let n_truth = sum.tp + sum.missed;
        let (precision, recall) = (ratio(sum.tp, sum.tp + sum.fp), ratio(sum.tp, n_truth));
        DendriteScore { dendrite, n_truth, tp: sum.tp, fp: sum.fp, precision, recall }
    };
    (0..n).map(row).collect()
}

/// Intervals of precision, recall and F1; draws in which a figure has no denominator do not count.
fn bootstrap(stretches: &[Counts]) -> [Option<[f64; 2]>; 3] {
    let mut figures: [Vec<f64>; 3] = Default::default();
    let mut rng = ChaCha8Rng::seed_from_u64(SEED);
    for _ in 0..if stretches.len() < 2 { 0 } else { DRAWS } {
        let mut sum = Counts::default();
        for _ in stretches {
            let drawn = stretches[rng.random_range(0..stretches.len())];
            sum = Counts { tp: sum.tp + drawn.tp, fp: sum.fp + drawn.fp, missed: sum.missed + drawn.missed };
        }
        let shares = [(1, sum.fp, 0), (1, 0, sum.missed), (2, sum.fp, sum.missed)];
        for (figure, (weight, fp, missed)) in figures.iter_mut().zip(shares) {
            let (tp, all) = ((weight * sum.tp) as f64, (weight * sum.tp + fp + missed) as f64);
            if all > 0.0 {
                figure.push(tp / all);
            }
        }
    }
    figures.map(|mut values| {
        values.sort_by(f64::total_cmp);
        let at = |share: f64| round(values[((values.len() - 1) as f64 * share).round() as usize]);
        (!values.is_empty()).then(|| [at(0.025), at(0.975)])
    })
}

#[cfg(test)]
mod tests {
    use crate::score::detail::{Counts, bootstrap};

    #[test]
    fn intervals_of_clusters_are_wider_than_those_of_single_spines() {
        let single: Vec<Counts> =
            (0..100).map(|k| Counts { tp: usize::from(k % 4 != 0), fp: 0, missed: usize::from(k % 4 == 0) }).collect();
        // The same 75 of 100, ten to a stretch that is nearly all found or nearly all missed.
        let clustered: Vec<Counts> = (0..10)
            .map(|k| if k < 8 { (9, 1) } else { (2, 8) })
            .map(|(tp, missed)| Counts { tp, fp: 0, missed })
            .collect();
        let width = |stretches: &[Counts]| bootstrap(stretches)[1].map(|[low, high]| high - low).unwrap();
        // A binomial share of .75 of 100: 2 * 1.96 * sqrt(.75 * .25 / 100) = .17.
        assert!((width(&single) - 0.17).abs() < 0.03, "{}", width(&single));
        assert!(width(&clustered) > 1.8 * width(&single), "{}", width(&clustered));
        assert_eq!(bootstrap(&single[..1]), [None; 3]);
    }
}
