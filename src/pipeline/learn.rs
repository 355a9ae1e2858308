//! A score fitted to a user's own marks.
//!
//! Candidates matched to marks are spines; those in no mark's gate but on a stretch that a person went over are none; all others teach nothing. A
//! logistic model of the detector's features is fitted to both, and the least probability of a spine is the one of the best F1 on the same
//! dendrites. How good that is on dendrites it has not seen is told by leaving out one at a time: a dendrite's figures come from a model and a least
//! probability fitted to the others.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::detect::{self, Features, LearnedParams};
use crate::error::{Error, Result};
use crate::io::SpineMark;
use crate::pipeline::lesson::{Group, Lesson, Seen};
use crate::pipeline::{Params, logistic};
use crate::score::{self, FoundPoint, Role};

/// Counts and rates.
///
/// ```
/// use gemmule::pipeline::Figures;
/// let figures = Figures { tp: 8, fp: 2, missed: 8 };
/// assert_eq!((figures.precision(), figures.recall()), (0.8, 0.5));
/// assert!((figures.f1() - 16.0 / 26.0).abs() < 1e-12);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Figures {
    /// Marks found.
    pub tp: usize,
    /// Found where a person went over, and marked nothing.
    pub fp: usize,
    /// Marks not found.
    #[serde(rename = "fn")]
    pub missed: usize,
}

impl Figures {
    /// tp / (tp + fp); 0 if nothing was found. See the example of [`Figures`].
    pub fn precision(&self) -> f64 {
        self.tp as f64 / (self.tp + self.fp).max(1) as f64
    }

    /// tp / (tp + fn); 0 if there are no marks. See the example of [`Figures`].
    pub fn recall(&self) -> f64 {
        self.tp as f64 / (self.tp + self.missed).max(1) as f64
    }

    /// 2 tp / (2 tp + fp + fn); 0 if there is nothing. See the example of [`Figures`].
    pub fn f1(&self) -> f64 {
        2.0 * self.tp as f64 / (2 * self.tp + self.fp + self.missed).max(1) as f64
    }

    fn add(&mut self, other: Self) {
        self.tp += other.tp;
        self.fp += other.fp;
        self.missed += other.missed;
    }
}

/// One dendrite that was left out. See the example of [`learn`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct GroupFigures {
    /// The dendrite.
    pub group: Group,
    /// By the default score.
    pub before: Figures,
    /// By the score learned from the other dendrites.
    pub after: Figures,
}

/// What was learned. See the example of [`learn`].
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Learned {
    /// The model fitted to all marks.
    pub model: LearnedParams,
    /// Candidates that are marked spines.
    pub spines: usize,
    /// Candidates that are none.
    pub others: usize,
    /// Good marks that taught nothing: their dendrite was not traced or has fewer than 3 marks.
    pub unused_marks: usize,
    /// By the default score, all dendrites.
    pub before: Figures,
    /// Each dendrite by the score learned from the others.
    pub after: Figures,
    /// Dendrite by dendrite.
    pub groups: Vec<GroupFigures>,
}

/// A candidate that teaches.
struct Sample {
    group: Group,
    features: [f64; Features::COUNT],
    is_spine: bool,
}

/// Fits the learned score to marks on what was seen; session k is the k-th of `seen`.
///
/// ```
/// use gemmule::engine::{Backend, Engine};
/// use gemmule::io::SpineMark;
/// use gemmule::phantom::{self, PhantomParams};
/// use gemmule::pipeline::{Params, Seen, candidates, learn};
/// use gemmule::progress::Silent;
/// let params = Params::default().with("learned.marks_min", 8)?;
/// let engine = Engine::new(Backend::Cpu)?;
/// let (mut seen, mut marks) = (vec![], vec![]);
/// for (session, seed) in [1, 2].into_iter().enumerate() {
///     let field = PhantomParams::default().planes(12)?.rows(128)?.columns(256)?.density_per_um(0.8)?.seed(seed)?;
///     let made = phantom::stack(&field, &mut Silent)?;
///     let (dendrites, proposals) = candidates(&engine, &made.stack, &params, &mut Silent)?;
///     seen.push(Seen { dendrites, proposals });
///     // Someone who marks all that is there.
///     let mark = |place| SpineMark { session, place, head: None, dendrite_id: None, is_bad: false };
///     marks.extend(made.spines.iter().filter(|s| s.scorable).map(|s| mark(s.tip)));
/// }
/// let learned = learn(&seen, &marks, &params)?;
/// assert!(learned.model.enabled && learned.spines >= 8 && learned.groups.len() >= 2);
/// println!("F1 of left-out dendrites: {:.2} before, {:.2} after", learned.before.f1(), learned.after.f1());
/// # Ok::<(), gemmule::error::Error>(())
/// ```
///
/// # Errors
/// [`Error::Parameter`] for parameters out of range and for too few marks that have a candidate, dendrites, or candidates that are no spines.
pub fn learn(seen: &[Seen], marks: &[SpineMark], params: &Params) -> Result<Learned> {
    params.validate()?;
    let lesson = Lesson::new(seen, marks, params.score.region_um);
    let samples = samples(seen, &lesson, params)?;
    let spines = samples.iter().filter(|s| s.is_spine).count();
    let others = samples.len() - spines;
    enough(&samples, spines, others, &params.learned)?;
    let default = LearnedParams { enabled: false, ..params.learned.clone() };
    let mut groups = Vec::new();
    let all = lesson.groups();
    for &group in &all {
        let others: Vec<Group> = all.iter().copied().filter(|&g| g != group).collect();
        let model = fit(samples.iter().filter(|s| s.group != group), &params.learned);
        let model = with_best_threshold(model, seen, &lesson, &others, params)?;
        let before = figures(seen, &lesson, group, &default, params)?;
        let after = figures(seen, &lesson, group, &model, params)?;
        groups.push(GroupFigures { group, before, after });
    }
    let (mut before, mut after) = (Figures::default(), Figures::default());
    groups.iter().for_each(|g| before.add(g.before));
    groups.iter().for_each(|g| after.add(g.after));
    let model = with_best_threshold(fit(samples.iter(), &params.learned), seen, &lesson, &all, params)?;
    Ok(Learned { model, spines, others, unused_marks: lesson.unused(), before, after, groups })
}

/// Candidates that are marked spines or surely none.
fn samples(seen: &[Seen], lesson: &Lesson<'_>, params: &Params) -> Result<Vec<Sample>> {
    // Where two dendrites are near each other a candidate may be false to both; the first keeps it.
    let mut labels: BTreeMap<(usize, usize), (Group, bool)> = BTreeMap::new();
    for group in lesson.groups() {
        for (session, seen) in seen.iter().enumerate() {
            let places: Vec<FoundPoint> =
                seen.proposals.iter().map(|p| FoundPoint { place: p.spine.head, score: None }).collect();
            let roles = score::roles(&lesson.truth(group, session), &places, &params.score)?;
            for (n, role) in roles.into_iter().enumerate() {
                match role {
                    Role::True => _ = labels.insert((session, n), (group, true)),
                    Role::False => _ = labels.entry((session, n)).or_insert((group, false)),
                    Role::Near | Role::Elsewhere => {}
                }
            }
        }
    }
    let sample = |((session, n), (group, is_spine)): ((usize, usize), (Group, bool))| Sample {
        group,
        features: seen[session].proposals[n].features.values(),
        is_spine,
    };
    Ok(labels.into_iter().map(sample).collect())
}

/// Refuses what no model can be trusted to come from.
fn enough(samples: &[Sample], spines: usize, others: usize, params: &LearnedParams) -> Result<()> {
    if spines < params.marks_min {
        return Err(Error::parameter(
            "the number of marks that have a candidate",
            spines,
            &format!("at least {} (learned.marks_min), on dendrites with 3 marks or more", params.marks_min),
            "mark more spines, and check the voxel size and that session 0 is the first stack given",
        ));
    }
    let mut groups: Vec<Group> = samples.iter().filter(|s| s.is_spine).map(|s| s.group).collect();
    groups.sort_unstable();
    groups.dedup();
    if groups.len() < 2 {
        return Err(Error::parameter(
            "the number of dendrites with marks",
            groups.len(),
            "at least 2, so that one can be left out to test",
            "mark the spines of another dendrite",
        ));
    }
    if others < Features::COUNT {
        return Err(Error::parameter(
            "the number of candidates beside marked dendrites that are not marked",
            others,
            &format!("at least {}", Features::COUNT),
            "give stacks with longer marked dendrites, or lower detect.score_min",
        ));
    }
    Ok(())
}

fn fit<'a>(samples: impl Iterator<Item = &'a Sample>, params: &LearnedParams) -> LearnedParams {
    let rows: Vec<([f64; Features::COUNT], bool)> = samples.map(|s| (s.features, s.is_spine)).collect();
    let fit = logistic::fit(&rows, params.regularisation);
    params.with_weights(fit.bias, fit.weights)
}

/// The model with the least probability that gives the best F1 on `groups`; of equals the one nearest to even odds, then the lower.
fn with_best_threshold(
    model: LearnedParams,
    seen: &[Seen],
    lesson: &Lesson<'_>,
    groups: &[Group],
    params: &Params,
) -> Result<LearnedParams> {
    let mut best: Option<(f64, LearnedParams)> = None;
    // From even odds outwards, so that the first of equals is the one wanted.
    for step in [0, -1, 1, -2, 2, -3, 3, -4, 4, -5, 5, -6, 6, -7, 7] {
        let model = LearnedParams { probability_min: 0.5 + 0.05 * f64::from(step), ..model.clone() };
        let mut sum = Figures::default();
        for &group in groups {
            sum.add(figures(seen, lesson, group, &model, params)?);
        }
        if best.as_ref().is_none_or(|(f1, _)| sum.f1() > *f1) {
            best = Some((sum.f1(), model));
        }
    }
    Ok(best.map_or(model, |(_, model)| model))
}

/// How well a score does on one dendrite, over all sessions.
fn figures(
    seen: &[Seen],
    lesson: &Lesson<'_>,
    group: Group,
    model: &LearnedParams,
    params: &Params,
) -> Result<Figures> {
    let mut sum = Figures::default();
    for (session, seen) in seen.iter().enumerate() {
        let chosen = detect::choose(&seen.proposals, &params.detect, model);
        let places: Vec<FoundPoint> = chosen.iter().map(|s| FoundPoint { place: s.head, score: None }).collect();
        let score = score::detect(&lesson.truth(group, session), &places, &params.score)?;
        sum.add(Figures { tp: score.tp, fp: score.fp, missed: score.missed });
    }
    Ok(sum)
}
