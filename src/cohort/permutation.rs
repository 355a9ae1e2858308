//! Exact permutation of animals between two groups, and the interval it gives.

use serde::Serialize;

use crate::cohort::StatsParams;
use crate::cohort::splits::{bound, each_split, share, welch_t};

/// A permutation test of two samples. See the example of [`permutation()`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Permutation {
    /// Welch's t of the groups as they are.
    pub t: f64,
    /// Share of splits whose |t| is at least as large; the split observed is one of them.
    pub p_value: f64,
    /// Interval of the difference a - b: all shifts of group a that the test does not reject. None where no shift can be rejected: too few splits.
    pub difference: Option<(f64, f64)>,
    /// The same of the ratio a / b: all factors; also none where a value is not positive.
    pub ratio: Option<(f64, f64)>,
    /// Splits gone through.
    pub splits: usize,
    /// Whether these are all.
    pub exact: bool,
}

/// Tests whether two samples have the same mean by splitting all values anew into groups of the same sizes: all splits up to `stats.max_splits`, else
/// `stats.drawn_splits` drawn with the seed. The statistic is Welch's t, so that the test holds where sizes and variances differ (Janssen 1997,
/// doi:10.1016/S0167-7152(97)00043-6); for equal sizes it orders splits as the difference of means does. None below two values in a group.
///
/// ```
/// use gemmule::cohort::{StatsParams, permutation};
/// let found = permutation(&[5.0, 6.0, 7.0, 8.0], &[1.0, 2.0, 3.0, 4.0], &StatsParams::default(), 0).unwrap();
/// assert_eq!((found.splits, found.exact), (70, true));
/// assert!((found.p_value - 2.0 / 70.0).abs() < 1e-12); // this split and its mirror image
/// let (low, high) = found.difference.unwrap();
/// assert!(low > 0.0 && low < 4.0 && high > 4.0);
/// ```
pub fn permutation(a: &[f64], b: &[f64], params: &StatsParams, stream: u64) -> Option<Permutation> {
    if a.len() < 2 || b.len() < 2 {
        return None;
    }
    let alpha = 1.0 - params.confidence;
    let (centre, spread) = moments(a, b);
    let scale = if spread > 0.0 { spread } else { 1.0 };
    let splits = Splits::scaled(a, b, centre, scale, params, stream);
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let observed = (mean(a) - mean(b)) / scale;
    let end = |towards: f64| bound(observed, towards, alpha, |shift| splits.p_value(shift, 1.0));
    let difference = end(-1.0).zip(end(1.0)).map(|(low, high)| (low * scale, high * scale));
    let positive = a.iter().chain(b).all(|v| *v > 0.0);
    let ratio = || {
        // Not centred: a factor acts on the values themselves.
        let splits = Splits::scaled(a, b, 0.0, scale, params, stream);
        let observed = (mean(a) / mean(b)).ln();
        let end = |towards: f64| bound(observed, towards, alpha, |log| splits.p_value(0.0, log.exp()));
        end(-1.0).zip(end(1.0)).map(|(low, high)| (low.exp(), high.exp()))
    };
    Some(Permutation {
        t: splits.t(&splits.observed, 0.0, 1.0),
        p_value: splits.p_value(0.0, 1.0),
        difference: difference.filter(|_| spread > 0.0),
        ratio: if positive && spread > 0.0 { ratio() } else { None },
        splits: splits.drawn.len(),
        exact: splits.exact,
    })
}

/// Welch's t and the p value of [`permutation()`] alone.
pub(super) fn permutation_test(a: &[f64], b: &[f64], params: &StatsParams, stream: u64) -> Option<(f64, f64)> {
    if a.len() < 2 || b.len() < 2 {
        return None;
    }
    let (centre, spread) = moments(a, b);
    let splits = Splits::scaled(a, b, centre, if spread > 0.0 { spread } else { 1.0 }, params, stream);
    Some((splits.t(&splits.observed, 0.0, 1.0), splits.p_value(0.0, 1.0)))
}

/// Mean and standard deviation of both samples together.
fn moments(a: &[f64], b: &[f64]) -> (f64, f64) {
    let (n, all) = ((a.len() + b.len()) as f64, || a.iter().chain(b));
    let centre = all().sum::<f64>() / n;
    (centre, (all().map(|v| (v - centre).powi(2)).sum::<f64>() / n).sqrt())
}

/// Of the values chosen for the first group: how many, their sum and their sum of squares, by where they come from.
#[derive(Clone, Copy, Debug, Default)]
struct Split {
    from_a: f64,
    sum_a: f64,
    square_a: f64,
    sum_b: f64,
    square_b: f64,
}

struct Splits {
    size: (f64, f64),
    total: Split,
    observed: Split,
    drawn: Vec<Split>,
    exact: bool,
}

impl Splits {
    /// Of (value - centre) / scale.
    fn scaled(a: &[f64], b: &[f64], centre: f64, scale: f64, params: &StatsParams, stream: u64) -> Self {
        let scaled = |values: &[f64]| values.iter().map(|v| (v - centre) / scale).collect::<Vec<f64>>();
        Self::new(&scaled(a), &scaled(b), params, stream)
    }

    fn new(a: &[f64], b: &[f64], params: &StatsParams, stream: u64) -> Self {
        let all: Vec<f64> = a.iter().chain(b).copied().collect();
        let split = |chosen: &[usize]| {
            let mut s = Split::default();
            for &k in chosen {
                let v = all[k];
                if k < a.len() {
                    (s.from_a, s.sum_a, s.square_a) = (s.from_a + 1.0, s.sum_a + v, s.square_a + v * v);
                } else {
                    (s.sum_b, s.square_b) = (s.sum_b + v, s.square_b + v * v);
                }
            }
            s
        };
        let mut drawn = Vec::new();
        let exact = each_split((a.len(), b.len()), params, stream, |chosen| drawn.push(split(chosen)));
        let every: Vec<usize> = (0..all.len()).collect();
        Self {
            size: (a.len() as f64, b.len() as f64),
            total: split(&every),
            observed: split(&every[..a.len()]),
            drawn,
            exact,
        }
    }

    /// Welch's t of a split, after `shift` has been taken from the values of group a and these divided by `factor`.
    fn t(&self, split: &Split, shift: f64, factor: f64) -> f64 {
        let sums = |s: &Split| {
            let square = s.square_a - 2.0 * shift * s.sum_a + s.from_a * shift * shift;
            ((s.sum_a - s.from_a * shift) / factor + s.sum_b, square / (factor * factor) + s.square_b)
        };
        welch_t(sums(split), sums(&self.total), self.size)
    }

    fn p_value(&self, shift: f64, factor: f64) -> f64 {
        let t = |split: &Split| self.t(split, shift, factor).abs();
        share(self.drawn.iter().map(t), t(&self.observed), self.exact)
    }
}
