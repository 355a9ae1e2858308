//! Comparison of two survival curves.

use serde::Serialize;

use crate::cohort::StatsParams;
use crate::cohort::splits::{each_split, share};
use crate::cohort::two_sample::two_sided;
use crate::dynamics::Lifetime;

/// The log-rank test of two groups. See the example of [`log_rank`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct LogRank {
    /// Lost in group a, and expected if both died alike.
    pub observed: f64,
    /// Expected in group a.
    pub expected: f64,
    /// (observed - expected)² / hypergeometric variance.
    pub chi_square: f64,
    /// With one degree of freedom; takes spines of one animal for independent.
    pub p_value: f64,
    /// (observed / expected) of a over that of b: an estimate of the hazard ratio; none where it is not finite.
    pub ratio: Option<f64>,
}

/// At one time: at risk and lost, of one animal or of all.
type Counts = Vec<(f64, f64)>;

fn counts(lives: &[Lifetime], times: &[f64]) -> Counts {
    let at = |&time: &f64| {
        let risk = lives.iter().filter(|l| l.time >= time).count();
        (risk as f64, lives.iter().filter(|l| l.lost && l.time == time).count() as f64)
    };
    times.iter().map(at).collect()
}

fn times<'a>(lives: impl Iterator<Item = &'a Lifetime>) -> Vec<f64> {
    let mut times: Vec<f64> = lives.filter(|l| l.lost).map(|l| l.time).collect();
    times.sort_by(f64::total_cmp);
    times.dedup();
    times
}

/// Observed, expected and variance of group a.
fn sums(a: &Counts, all: &Counts) -> (f64, f64, f64) {
    let mut sums = (0.0, 0.0, 0.0);
    for (&(risk_a, lost_a), &(risk, lost)) in a.iter().zip(all) {
        let share = risk_a / risk;
        sums.0 += lost_a;
        sums.1 += lost * share;
        sums.2 += if risk > 1.0 { lost * share * (1.0 - share) * (risk - lost) / (risk - 1.0) } else { 0.0 };
    }
    sums
}

/// Log-rank test (Mantel 1966), equal to R's `survdiff`. None where nothing was lost or a group is empty.
///
/// ```
/// use gemmule::cohort::log_rank;
/// use gemmule::dynamics::Lifetime;
/// let life = |time| Lifetime { time, lost: true };
/// let found = log_rank(&[1.0, 2.0, 3.0].map(life), &[2.0, 4.0, 5.0].map(life)).unwrap();
/// // At days 1, 2, 3 of a: expected 3/6 + 2 (2/5) + 1/3.
/// assert!((found.expected - (0.5 + 0.8 + 1.0 / 3.0)).abs() < 1e-12);
/// ```
pub fn log_rank(a: &[Lifetime], b: &[Lifetime]) -> Option<LogRank> {
    let times = times(a.iter().chain(b));
    let (of_a, of_b) = (counts(a, &times), counts(b, &times));
    let all: Counts = of_a.iter().zip(&of_b).map(|(x, y)| (x.0 + y.0, x.1 + y.1)).collect();
    let (observed, expected, variance) = sums(&of_a, &all);
    if variance.is_nan() || variance <= 0.0 {
        return None;
    }
    let chi_square = (observed - expected).powi(2) / variance;
    let lost: f64 = all.iter().map(|c| c.1).sum();
    let ratio = (observed / expected) / ((lost - observed) / (lost - expected));
    let p_value = two_sided(chi_square.sqrt(), None);
    Some(LogRank { observed, expected, chi_square, p_value, ratio: Some(ratio).filter(|r| r.is_finite()) })
}

/// p value of the log-rank statistic over splits of the animals, all or drawn as in [`crate::cohort::permutation()`]; `animals` has each animal's lives, those of the first `n_a` are group a.
/// Also how many splits, and whether these are all. None where the log-rank test has none or a group has fewer than two animals.
///
/// ```
/// use gemmule::cohort::{StatsParams, log_rank_permutation};
/// use gemmule::dynamics::Lifetime;
/// let animal = |times: &[f64]| times.iter().map(|&time| Lifetime { time, lost: true }).collect();
/// let animals = [animal(&[1.0, 2.0]), animal(&[1.0, 1.5]), animal(&[2.0, 1.0]), animal(&[5.0, 7.0]), animal(&[6.0, 8.0]), animal(&[7.0, 5.0])];
/// let (p, splits, all) = log_rank_permutation(&animals, 3, &StatsParams::default()).expect("three against three");
/// assert_eq!((splits, all), (20, true));
/// assert!((p - 2.0 / 20.0).abs() < 1e-12); // this split and its mirror image are the most extreme
/// ```
pub fn log_rank_permutation(animals: &[Vec<Lifetime>], n_a: usize, params: &StatsParams) -> Option<(f64, usize, bool)> {
    let n = animals.len();
    if n_a < 2 || n < n_a + 2 {
        return None;
    }
    let times = times(animals.iter().flatten());
    let each: Vec<Counts> = animals.iter().map(|lives| counts(lives, &times)).collect();
    let sum = |chosen: &[usize]| -> Counts {
        let at = |t: usize| chosen.iter().map(|&k| each[k][t]).fold((0.0, 0.0), |s, c| (s.0 + c.0, s.1 + c.1));
        (0..times.len()).map(at).collect()
    };
    let every: Vec<usize> = (0..n).collect();
    let all = sum(&every);
    let statistic = |chosen: &[usize]| {
        let (observed, expected, variance) = sums(&sum(chosen), &all);
        if variance > 0.0 { (observed - expected).powi(2) / variance } else { 0.0 }
    };
    let observed = statistic(&every[..n_a]);
    if observed <= 0.0 {
        return None;
    }
    let mut statistics = Vec::new();
    let exact = each_split((n_a, n - n_a), params, 0, |chosen| statistics.push(statistic(chosen)));
    Some((share(statistics.iter().copied(), observed, exact), statistics.len(), exact))
}
