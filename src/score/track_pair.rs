//! Tracks over two sessions (T2-T5, T7).

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::model::Status;
use crate::score::found_tracks::{Hit, Judged};
use crate::score::series::SeriesTruth;
use crate::score::tracks::present;
use crate::score::{ratio, round};

/// Figures of one pair of sessions. See the example of [`crate::score::tracks`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct TrackPair {
    /// Earlier session.
    pub a: i64,
    /// Later session.
    pub b: i64,
    /// True links.
    pub n_links_truth: usize,
    /// Tracks present in both sessions that count.
    pub n_links_found: usize,
    /// Those of them whose both ends matched a mark.
    pub n_links_judged: usize,
    /// Those of them that are true links.
    pub n_links_correct: usize,
    /// n_links_correct / n_links_judged.
    pub link_precision: Option<f64>,
    /// n_links_correct over the true links whose both ends were matched.
    pub link_recall: Option<f64>,
    /// The harmonic mean of the two.
    pub link_f1: Option<f64>,
    /// n_links_correct / n_links_found.
    pub link_strict_precision: Option<f64>,
    /// n_links_correct / n_links_truth.
    pub link_strict_recall: Option<f64>,
    /// The harmonic mean of the two.
    pub link_strict_f1: Option<f64>,
    /// Tracks unscorable in either session, matched or in the scoring region.
    pub n_unscorable: usize,
    /// Found eliminated, where the human linked the spine.
    pub false_eliminated: usize,
    /// Found formed, where the human linked the spine.
    pub false_formed: usize,
    /// Tracks present in both.
    pub persistent_found: usize,
    /// Tracks present in the first session only.
    pub eliminated_found: usize,
    /// Tracks present in the second session only.
    pub formed_found: usize,
    /// eliminated_found over the tracks of the first session (persistent and eliminated).
    pub eliminated_fraction_found: Option<f64>,
    /// formed_found over the same.
    pub formed_fraction_found: Option<f64>,
    /// Human links.
    pub persistent_human: usize,
    /// Marks of the first session without a link.
    pub eliminated_human: usize,
    /// Marks of the second session without a link.
    pub formed_human: usize,
    /// eliminated_human over the marks of the first session.
    pub eliminated_fraction_human: Option<f64>,
    /// formed_human over the same.
    pub formed_fraction_human: Option<f64>,
    /// Distance of the two eliminated fractions.
    pub eliminated_fraction_abs_error: Option<f64>,
    /// Distance of the two formed fractions.
    pub formed_fraction_abs_error: Option<f64>,
}

/// A pair's figures, and what the overall figures add up.
pub(super) struct PairCounts {
    pub(super) figures: TrackPair,
    /// Correct, judged, reachable, found and true links.
    pub(super) counts: [usize; 5],
    /// p_present of the second session, and whether the human's spine persists.
    pub(super) foretold: Vec<(f64, bool)>,
}

/// One track in both sessions.
struct Row<'a> {
    a: Option<&'a Judged>,
    b: Option<&'a Judged>,
}

impl Row<'_> {
    fn either(&self, test: impl Fn(&Judged) -> bool) -> bool {
        self.a.is_some_and(&test) || self.b.is_some_and(&test)
    }

    fn rows(&self) -> (Option<i64>, Option<i64>) {
        (self.a.and_then(Judged::row), self.b.and_then(Judged::row))
    }
}

pub(super) fn track_pair(
    truth: &SeriesTruth,
    (a, calls_a): (i64, &BTreeMap<String, Judged>),
    (b, calls_b): (i64, &BTreeMap<String, Judged>),
) -> PairCounts {
    let human = truth.pair(a, b);
    let stay_a: BTreeSet<i64> = human.links.iter().map(|l| l.0).collect();
    let stay_b: BTreeSet<i64> = human.links.iter().map(|l| l.1).collect();
    let ids: BTreeSet<&String> = calls_a.keys().chain(calls_b.keys()).collect();
    let all: Vec<Row<'_>> = ids.into_iter().map(|id| Row { a: calls_a.get(id), b: calls_b.get(id) }).collect();
    let (off, on): (Vec<Row<'_>>, Vec<Row<'_>>) =
        all.into_iter().partition(|row| row.either(|c| c.call.status == Status::Unscorable));
    let n_unscorable = off.iter().filter(|row| row.either(|c| c.counts() || c.near)).count();
    let foretold = |row: &Row<'_>| {
        let mark = row.rows().0.filter(|m| stay_a.contains(m) || human.gone.contains(m))?;
        Some((row.b?.call.p_present?, stay_a.contains(&mark)))
    };
    let foretold = on.iter().filter_map(foretold).collect();
    let kept: Vec<Row<'_>> =
        on.into_iter().filter(|row| row.either(Judged::counts) && !row.either(|c| c.hit == Some(Hit::Bad))).collect();

    let ends: Vec<&Row<'_>> = kept.iter().filter(|row| present(row.a) && present(row.b)).collect();
    // Of good marks, those whose partner is bad have no known fate.
    let known_a = |row: &Row<'_>| row.rows().0.is_none_or(|m| stay_a.contains(&m) || human.gone.contains(&m));
    let known_b = |row: &Row<'_>| row.rows().1.is_none_or(|m| stay_b.contains(&m) || human.new.contains(&m));
    let lost: Vec<&Row<'_>> = kept.iter().filter(|row| present(row.a) && !present(row.b) && known_a(row)).collect();
    let born: Vec<&Row<'_>> = kept.iter().filter(|row| !present(row.a) && present(row.b) && known_b(row)).collect();

    let judged: Vec<(i64, i64)> = ends.iter().filter_map(|row| Some((row.rows().0?, row.rows().1?))).collect();
    let correct = judged.iter().filter(|link| human.links.contains(link)).count();
    let seen = |calls: &BTreeMap<String, Judged>| calls.values().filter_map(Judged::row).collect::<BTreeSet<i64>>();
    let (seen_a, seen_b) = (seen(calls_a), seen(calls_b));
    let reachable = human.links.iter().filter(|(x, y)| seen_a.contains(x) && seen_b.contains(y)).count();
    let counts = [correct, judged.len(), reachable, ends.len(), human.links.len()];

    let fraction = |n: usize, persistent: usize, eliminated: usize| ratio(n, persistent + eliminated);
    let found = (ends.len(), lost.len(), born.len());
    let marked = (human.links.len(), human.gone.len(), human.new.len());
    let eliminated = (fraction(found.1, found.0, found.1), fraction(marked.1, marked.0, marked.1));
    let formed = (fraction(found.2, found.0, found.1), fraction(marked.2, marked.0, marked.1));
    let apart = |(x, y): (Option<f64>, Option<f64>)| Some(round((x? - y?).abs()));
    let figures = TrackPair {
        a,
        b,
        n_links_truth: human.links.len(),
        n_links_found: ends.len(),
        n_links_judged: judged.len(),
        n_links_correct: correct,
        link_precision: ratio(correct, judged.len()),
        link_recall: ratio(correct, reachable),
        link_f1: ratio(2 * correct, judged.len() + reachable),
        link_strict_precision: ratio(correct, ends.len()),
        link_strict_recall: ratio(correct, human.links.len()),
        link_strict_f1: ratio(2 * correct, ends.len() + human.links.len()),
        n_unscorable,
        false_eliminated: lost.iter().filter(|row| row.rows().0.is_some_and(|m| stay_a.contains(&m))).count(),
        false_formed: born.iter().filter(|row| row.rows().1.is_some_and(|m| stay_b.contains(&m))).count(),
        persistent_found: found.0,
        eliminated_found: found.1,
        formed_found: found.2,
        eliminated_fraction_found: eliminated.0,
        formed_fraction_found: formed.0,
        persistent_human: marked.0,
        eliminated_human: marked.1,
        formed_human: marked.2,
        eliminated_fraction_human: eliminated.1,
        formed_fraction_human: formed.1,
        eliminated_fraction_abs_error: apart(eliminated),
        formed_fraction_abs_error: apart(formed),
    };
    PairCounts { figures, counts, foretold }
}
