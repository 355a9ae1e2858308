//! Whether a probability means what it says: how often what was foretold came true.

use serde::Serialize;

use crate::score::{mean, ratio, round};

/// Bins of the curve.
const BINS: usize = 10;

/// Calls of one range of `p_present`. See the example of [`reliability`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ReliabilityBin {
    /// From this probability on.
    pub from: f64,
    /// Up to this one; the last bin holds it as well.
    pub to: f64,
    /// Calls.
    pub n: usize,
    /// Mean of their probabilities.
    pub foretold: Option<f64>,
    /// Share of them that came true.
    pub true_share: Option<f64>,
}

/// The reliability curve of probabilities, and its expected calibration error. See the example of [`reliability`].
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Reliability {
    /// Ten bins of equal width.
    pub bins: Vec<ReliabilityBin>,
    /// Sum over bins of n / N |mean probability - share that came true| (Naeini et al. 2015, doi:10.1609/aaai.v29i1.9602).
    pub calibration_error: Option<f64>,
}

/// The curve of probabilities (0 to 1) and whether what they foretold came true.
///
/// ```
/// use gemmule::score::reliability;
/// let curve = reliability(&[(0.95, true), (0.91, true), (0.93, false), (0.2, false), (1.0, true)]);
/// let surest = curve.bins[9];
/// assert_eq!((surest.n, surest.true_share), (4, Some(0.75)));
/// assert_eq!(curve.bins[2].foretold, Some(0.2));
/// // 4 of 5 are off by .9475 - .75, 1 of 5 by .2.
/// assert!((curve.calibration_error.unwrap() - (0.8 * 0.1975 + 0.2 * 0.2)).abs() < 1e-5);
/// ```
pub fn reliability(calls: &[(f64, bool)]) -> Reliability {
    let edge = |k: usize| k as f64 / BINS as f64;
    let bin = |k: usize| {
        let within = |p: f64| p >= edge(k) && (p < edge(k + 1) || k + 1 == BINS);
        let here: Vec<&(f64, bool)> = calls.iter().filter(|(p, _)| within(*p)).collect();
        let foretold: Vec<f64> = here.iter().map(|(p, _)| *p).collect();
        ReliabilityBin {
            from: edge(k),
            to: edge(k + 1),
            n: here.len(),
            foretold: mean(&foretold),
            true_share: ratio(here.iter().filter(|(_, came)| *came).count(), here.len()),
        }
    };
    let bins: Vec<ReliabilityBin> = (0..BINS).map(bin).collect();
    let off = |b: &ReliabilityBin| Some(b.n as f64 * (b.foretold? - b.true_share?).abs());
    let sum: f64 = bins.iter().filter_map(off).sum();
    let calibration_error = (!calls.is_empty()).then(|| round(sum / calls.len() as f64));
    Reliability { bins, calibration_error }
}
