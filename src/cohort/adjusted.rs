//! Means of two groups adjusted for a baseline, tested by permutation of animals.

use serde::Serialize;

use crate::cohort::StatsParams;
use crate::cohort::splits::{bound, each_split, share, welch_t};

/// Fewest animals, both groups together, that a slope is taken from.
const FEWEST: usize = 6;

/// Difference of two groups after adjustment for a baseline. See the example of [`adjusted()`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Adjusted {
    /// Difference of the means, a - b, at one and the same baseline.
    pub difference: f64,
    /// Interval of the difference: all shifts of group a that the test does not reject. None where no shift can be rejected: too few splits.
    pub interval: Option<(f64, f64)>,
    /// Means of a and b at the mean baseline of all.
    pub means: (f64, f64),
    /// By how much a value changes with its baseline, within groups.
    pub slope: f64,
    /// Welch's t of what the baseline does not explain.
    pub t: f64,
    /// Share of splits whose |t| is at least as large; the split observed is one of them.
    pub p_value: f64,
    /// Splits gone through.
    pub splits: usize,
    /// Whether these are all.
    pub exact: bool,
}

/// Compares two groups of (value, baseline), one pair per animal, by analysis of covariance: value = mean of the group + slope (baseline - mean baseline).
///
/// A difference from baseline, value - baseline, takes the slope for 1. Where a baseline tells little of an animal, as a rate counted from few spines does, that adds the noise
/// of the baseline to that of the value; the slope that the data show adds as much as helps (Vickers and Altman 2001, doi:10.1136/bmj.323.7321.1123).
///
/// The test splits animals anew ([`crate::cohort::permutation()`]). What is split is what a slope fitted without regard to groups leaves of the values (Freedman and Lane 1983,
/// doi:10.1080/07350015.1983.10509354): where the treatment does nothing the labels are exchangeable, and the test is exact. The interval is by inversion, with the slope fitted
/// anew for every shift of group a. None below two animals in a group and six in all.
///
/// ```
/// use gemmule::cohort::{StatsParams, adjusted};
/// // Animals differ, and keep their differences by half; group a is .2 above.
/// let a = [(0.30, 0.2), (0.41, 0.4), (0.49, 0.6), (0.60, 0.8)];
/// let b = [(0.11, 0.2), (0.20, 0.4), (0.29, 0.6), (0.40, 0.8)];
/// let found = adjusted(&a, &b, &StatsParams::default(), 0).unwrap();
/// assert!((found.difference - 0.2).abs() < 1e-9 && (found.slope - 0.485).abs() < 1e-9);
/// assert!((found.p_value - 2.0 / 70.0).abs() < 1e-12); // this split and its mirror image
/// let (low, high) = found.interval.unwrap();
/// assert!(low > 0.15 && high < 0.25);
/// ```
pub fn adjusted(a: &[(f64, f64)], b: &[(f64, f64)], params: &StatsParams, stream: u64) -> Option<Adjusted> {
    if a.len() < 2 || b.len() < 2 || a.len() + b.len() < FEWEST {
        return None;
    }
    let (means_a, means_b) = (means(a), means(b));
    let within = |of: &[(f64, f64)], m: (f64, f64)| {
        of.iter().fold((0.0, 0.0), |s, v| (s.0 + (v.1 - m.1).powi(2), s.1 + (v.0 - m.0) * (v.1 - m.1)))
    };
    let ((xx_a, xy_a), (xx_b, xy_b)) = (within(a, means_a), within(b, means_b));
    // Baselines that are all alike explain nothing.
    let slope = if xx_a + xx_b > 0.0 { (xy_a + xy_b) / (xx_a + xx_b) } else { 0.0 };
    let baseline = a.iter().chain(b).map(|v| v.1).sum::<f64>() / (a.len() + b.len()) as f64;
    let at_baseline = |m: (f64, f64)| m.0 - slope * (m.1 - baseline);
    let means = (at_baseline(means_a), at_baseline(means_b));
    let difference = means.0 - means.1;

    let splits = Splits::new(a, b, params, stream);
    let alpha = 1.0 - params.confidence;
    let end = |towards: f64| bound(difference / splits.scale, towards, alpha, |shift| splits.p_value(shift));
    let interval = end(-1.0).zip(end(1.0)).map(|(low, high)| (low * splits.scale, high * splits.scale));
    Some(Adjusted {
        difference,
        interval: interval.filter(|_| splits.spread > 0.0),
        means,
        slope,
        t: splits.t(&splits.observed, 0.0),
        p_value: splits.p_value(0.0),
        splits: splits.drawn.len(),
        exact: splits.exact,
    })
}

fn means(of: &[(f64, f64)]) -> (f64, f64) {
    let sum = of.iter().fold((0.0, 0.0), |s, v| (s.0 + v.0, s.1 + v.1));
    (sum.0 / of.len() as f64, sum.1 / of.len() as f64)
}

/// Sums over the first group of a split: of what the baseline leaves of the values (v) and of the labels (l, what a shift of group a takes away), and of their products.
#[derive(Clone, Copy, Debug, Default)]
struct Split {
    v: f64,
    l: f64,
    vv: f64,
    vl: f64,
    ll: f64,
}

struct Splits {
    sizes: (f64, f64),
    /// Standard deviation of what the baseline leaves of the values, and that or 1.
    spread: f64,
    scale: f64,
    total: Split,
    observed: Split,
    drawn: Vec<Split>,
    exact: bool,
}

impl Splits {
    fn new(a: &[(f64, f64)], b: &[(f64, f64)], params: &StatsParams, stream: u64) -> Self {
        let n = a.len() + b.len();
        let all = || a.iter().chain(b);
        let baselines: Vec<f64> = all().map(|v| v.1).collect();
        let values = unexplained(all().map(|v| v.0).collect(), &baselines);
        let labels = unexplained((0..n).map(|k| f64::from(u8::from(k < a.len()))).collect(), &baselines);
        let spread = (values.iter().map(|v| v * v).sum::<f64>() / n as f64).sqrt();
        let scale = if spread > 0.0 { spread } else { 1.0 };
        let split = |chosen: &[usize]| {
            let mut s = Split::default();
            for &k in chosen {
                let (v, l) = (values[k] / scale, labels[k]);
                s = Split { v: s.v + v, l: s.l + l, vv: s.vv + v * v, vl: s.vl + v * l, ll: s.ll + l * l };
            }
            s
        };
        let mut drawn = Vec::new();
        let exact = each_split((a.len(), b.len()), params, stream, |chosen| drawn.push(split(chosen)));
        let every: Vec<usize> = (0..n).collect();
        let (total, observed) = (split(&every), split(&every[..a.len()]));
        Self { sizes: (a.len() as f64, b.len() as f64), spread, scale, total, observed, drawn, exact }
    }

    /// Welch's t of a split of what the baseline leaves, after `shift` has been taken from group a.
    fn t(&self, split: &Split, shift: f64) -> f64 {
        let sums = |s: &Split| (s.v - shift * s.l, s.vv - 2.0 * shift * s.vl + shift * shift * s.ll);
        welch_t(sums(split), sums(&self.total), self.sizes)
    }

    fn p_value(&self, shift: f64) -> f64 {
        share(self.drawn.iter().map(|s| self.t(s, shift).abs()), self.t(&self.observed, shift).abs(), self.exact)
    }
}

/// What a straight line through the baselines leaves of the values.
fn unexplained(values: Vec<f64>, baselines: &[f64]) -> Vec<f64> {
    let n = values.len() as f64;
    let (mean, at) = (values.iter().sum::<f64>() / n, baselines.iter().sum::<f64>() / n);
    let (xx, xy) = values
        .iter()
        .zip(baselines)
        .fold((0.0, 0.0), |s, (v, x)| (s.0 + (x - at).powi(2), s.1 + (v - mean) * (x - at)));
    let slope = if xx > 0.0 { xy / xx } else { 0.0 };
    values.into_iter().zip(baselines).map(|(v, x)| v - mean - slope * (x - at)).collect()
}
