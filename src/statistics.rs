//! Intervals and quantiles that several stages state.

use statrs::distribution::{ContinuousCDF as _, StudentsT};

/// Standard normal deviate of a two-sided 95 % interval.
pub const Z_95: f64 = 1.959_964;

/// Wilson's 95 % interval of a share (1927, doi:10.1080/01621459.1927.10502953), (p ± ...) never below 0 or above 1; none of nothing.
///
/// ```
/// use gemmule::statistics::wilson_95;
/// let (low, high) = wilson_95(0, 20).expect("20 were counted");
/// assert!(low == 0.0 && (high - 0.1611).abs() < 1e-4);
/// assert_eq!(wilson_95(0, 0), None);
/// ```
pub fn wilson_95(hit: usize, n: usize) -> Option<(f64, f64)> {
    if n == 0 {
        return None;
    }
    let (p, n, z2) = (hit as f64 / n as f64, n as f64, Z_95 * Z_95);
    let middle = (p + z2 / (2.0 * n)) / (1.0 + z2 / n);
    let half = Z_95 / (1.0 + z2 / n) * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).sqrt();
    Some(((middle - half).max(0.0), (middle + half).min(1.0)))
}

/// The difference of two group means that a two-sided t-test at `alpha` shows with probability `power`, `n` units per group of standard deviation `sd`:
///
/// (t(1 - alpha/2, 2n - 2) + t(power, 2n - 2)) sd √(2 / n).
///
/// The central t stands in for the non-central one: within 2 % from n = 4 on. None below 2 units per group or for shares that are none.
///
/// ```
/// use gemmule::statistics::smallest_difference;
/// // G*Power 3.1, two groups of 6, alpha .05, power .8: d = 1.80.
/// let d = smallest_difference(6, 1.0, 0.05, 0.8).expect("12 units");
/// assert!((d - 1.80).abs() < 0.03, "{d}");
/// assert_eq!(smallest_difference(1, 1.0, 0.05, 0.8), None);
/// ```
pub fn smallest_difference(n: usize, sd: f64, alpha: f64, power: f64) -> Option<f64> {
    smallest_difference_between((n, n), sd, alpha, power)
}

/// [`smallest_difference`] of groups of different sizes: √(1/n_a + 1/n_b) for √(2/n), n_a + n_b - 2 degrees of freedom.
///
/// ```
/// use gemmule::statistics::{smallest_difference, smallest_difference_between};
/// let equal = smallest_difference(6, 1.0, 0.05, 0.8);
/// assert_eq!(smallest_difference_between((6, 6), 1.0, 0.05, 0.8), equal);
/// assert!(smallest_difference_between((8, 4), 1.0, 0.05, 0.8) > equal); // as many animals, but unequal groups
/// ```
pub fn smallest_difference_between((a, b): (usize, usize), sd: f64, alpha: f64, power: f64) -> Option<f64> {
    let inside = |share: f64| share > 0.0 && share < 1.0;
    if a.min(b) < 2 || !inside(alpha) || !inside(power) {
        return None;
    }
    let t = StudentsT::new(0.0, 1.0, (a + b) as f64 - 2.0).ok()?;
    let spread = (1.0 / a as f64 + 1.0 / b as f64).sqrt();
    Some((t.inverse_cdf(1.0 - alpha / 2.0) + t.inverse_cdf(power)) * sd * spread)
}
