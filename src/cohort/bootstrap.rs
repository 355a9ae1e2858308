//! Resampling of animals.

use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use crate::cohort::StatsParams;
use crate::cohort::two_sample::mean_variance;

/// Studentised bootstrap interval (bootstrap-t, Efron and Tibshirani 1993, ch. 12.5) of the difference of means a - b of two samples of animals: animals, with all that is
/// theirs, are drawn with replacement within their group, and the quantiles of (d* - d) / se* replace those of Student's t. None below three animals in a
/// group or where nothing varies.
///
/// ```
/// use gemmule::cohort::{StatsParams, bootstrap_t};
/// let (a, b) = ([5.0, 6.0, 7.0, 8.0, 6.5], [1.0, 2.0, 3.0, 4.0, 2.5]);
/// let (low, high) = bootstrap_t(&a, &b, &StatsParams::default(), 0).unwrap();
/// assert!(low < 4.0 && 4.0 < high);
/// ```
pub fn bootstrap_t(a: &[f64], b: &[f64], params: &StatsParams, stream: u64) -> Option<(f64, f64)> {
    if a.len() < 3 || b.len() < 3 {
        return None;
    }
    let of = |a: &[f64], b: &[f64]| {
        let ((mean_a, var_a), (mean_b, var_b)) = (mean_variance(a), mean_variance(b));
        (mean_a - mean_b, (var_a / a.len() as f64 + var_b / b.len() as f64).sqrt())
    };
    let (difference, se) = of(a, b);
    let mut rng = ChaCha8Rng::seed_from_u64(params.seed);
    rng.set_stream(stream);
    let (mut drawn_a, mut drawn_b) = (vec![0.0; a.len()], vec![0.0; b.len()]);
    let mut t: Vec<f64> = (0..params.resamples)
        .filter_map(|_| {
            drawn_a.fill_with(|| a[rng.random_range(0..a.len())]);
            drawn_b.fill_with(|| b[rng.random_range(0..b.len())]);
            let (d, s) = of(&drawn_a, &drawn_b);
            // One animal drawn again and again in both groups says nothing of spread.
            (s > 1e-9 * se).then(|| (d - difference) / s)
        })
        .collect();
    if se.is_nan() || se <= 0.0 || t.is_empty() {
        return None;
    }
    t.sort_by(f64::total_cmp);
    let at = |share: f64| t[((share * t.len() as f64) as usize).min(t.len() - 1)];
    let tail = (1.0 - params.confidence) / 2.0;
    Some((difference - at(1.0 - tail) * se, difference - at(tail) * se))
}
