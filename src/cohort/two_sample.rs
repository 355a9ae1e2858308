//! Two samples: Welch's test, Hedges' g, and correction for several tests.

use serde::Serialize;
use statrs::distribution::{ContinuousCDF as _, Normal, StudentsT};
use statrs::function::gamma::ln_gamma;

/// Mean and variance (n - 1) of a sample.
pub(super) fn mean_variance(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    (mean, values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0))
}

/// Student's t; none for no degrees of freedom.
pub(super) fn student(df: f64) -> Option<StudentsT> {
    StudentsT::new(0.0, 1.0, df).ok()
}

/// Two-sided p value of a t statistic; of a normal one where there are no degrees of freedom.
pub(super) fn two_sided(statistic: f64, df: Option<f64>) -> f64 {
    let below = |x: f64| match df.and_then(student) {
        Some(t) => t.cdf(x),
        None => Normal::standard().cdf(x),
    };
    (2.0 * below(-statistic.abs())).min(1.0)
}

/// Quantile of Student's t, or of the normal distribution where there are no degrees of freedom.
pub(super) fn quantile(share: f64, df: Option<f64>) -> f64 {
    match df.and_then(student) {
        Some(t) => t.inverse_cdf(share),
        None => Normal::standard().inverse_cdf(share),
    }
}

/// Welch's test of two means. See the example of [`welch`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Welch {
    /// Mean of a less mean of b.
    pub difference: f64,
    /// Its standard error, √(s_a²/n_a + s_b²/n_b).
    pub se: f64,
    /// difference / se.
    pub t: f64,
    /// Satterthwaite's degrees of freedom.
    pub df: f64,
    /// Two-sided.
    pub p_value: f64,
    /// Interval of the difference.
    pub interval: (f64, f64),
}

/// Welch's unequal-variances t-test (1947, doi:10.1093/biomet/34.1-2.28), two-sided, with its interval. None below two values in either sample or where
/// neither varies.
///
/// ```
/// use gemmule::cohort::welch;
/// let w = welch(&[1.0, 2.0, 3.0, 4.0], &[2.0, 4.0, 6.0, 8.0], 0.95).unwrap();
/// // R: t.test(1:4, c(2, 4, 6, 8)): t = -1.7321, df = 4.4118, p-value = 0.1512.
/// assert!((w.t + 1.7320508).abs() < 1e-7 && (w.df - 4.4117647).abs() < 1e-7);
/// assert!(welch(&[1.0], &[2.0, 3.0], 0.95).is_none());
/// ```
pub fn welch(a: &[f64], b: &[f64], confidence: f64) -> Option<Welch> {
    if a.len() < 2 || b.len() < 2 {
        return None;
    }
    let ((mean_a, var_a), (mean_b, var_b)) = (mean_variance(a), mean_variance(b));
    let (va, vb) = (var_a / a.len() as f64, var_b / b.len() as f64);
    let (difference, se) = (mean_a - mean_b, (va + vb).sqrt());
    if !(se > 0.0 && se.is_finite()) {
        return None;
    }
    let df = (va + vb).powi(2) / (va.powi(2) / (a.len() as f64 - 1.0) + vb.powi(2) / (b.len() as f64 - 1.0));
    let t = difference / se;
    let half = quantile(0.5 + confidence / 2.0, Some(df)) * se;
    let interval = (difference - half, difference + half);
    Some(Welch { difference, se, t, df, p_value: two_sided(t, Some(df)), interval })
}

/// Holm's correction (1979): p values in the order given.
///
/// ```
/// let adjusted = gemmule::cohort::holm(&[0.01, 0.04, 0.03]);
/// assert!(adjusted.iter().zip([0.03, 0.06, 0.06]).all(|(a, b)| (a - b).abs() < 1e-12));
/// ```
pub fn holm(p: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|&a, &b| p[a].total_cmp(&p[b]));
    let (mut adjusted, mut above) = (vec![0.0; p.len()], 0.0_f64);
    for (rank, &at) in order.iter().enumerate() {
        above = above.max((p.len() - rank) as f64 * p[at]).min(1.0);
        adjusted[at] = above;
    }
    adjusted
}

/// Hedges' g with its interval. See the example of [`hedges`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Hedges {
    /// J (mean_a - mean_b) / pooled standard deviation.
    pub g: f64,
    /// From the non-central t distribution; exact for normal values of equal variance.
    pub interval: (f64, f64),
}

/// Hedges' g (1981, doi:10.3102/10769986006002107): the difference in pooled standard deviations, J = Γ(m/2) / (√(m/2) Γ((m-1)/2)) with m = n_a + n_b - 2. None below
/// two values in either sample or where nothing varies.
///
/// ```
/// use gemmule::cohort::hedges;
/// let found = hedges(&[5.0, 6.0, 7.0], &[1.0, 2.0, 3.0], 0.95).expect("both vary");
/// assert!((found.g - 4.0 * 0.8).abs() < 0.01); // 4 standard deviations, less the bias of 6 values
/// assert!(found.interval.0 < found.g && found.g < found.interval.1);
/// assert!(hedges(&[1.0], &[2.0, 3.0], 0.95).is_none());
/// ```
pub fn hedges(a: &[f64], b: &[f64], confidence: f64) -> Option<Hedges> {
    if a.len() < 2 || b.len() < 2 {
        return None;
    }
    let ((mean_a, var_a), (mean_b, var_b)) = (mean_variance(a), mean_variance(b));
    let (na, nb) = (a.len() as f64, b.len() as f64);
    let m = na + nb - 2.0;
    let sd = (((na - 1.0) * var_a + (nb - 1.0) * var_b) / m).sqrt();
    if !(sd > 0.0 && sd.is_finite()) {
        return None;
    }
    let j = (ln_gamma(m / 2.0) - ln_gamma((m - 1.0) / 2.0)).exp() / (m / 2.0).sqrt();
    let spread = (1.0 / na + 1.0 / nb).sqrt();
    let t = (mean_a - mean_b) / sd / spread;
    let tail = (1.0 - confidence) / 2.0;
    let lambda = |share: f64| {
        // The cdf at t falls with the shift.
        let (mut low, mut high) = (t - 10.0 - 2.0 * t.abs(), t + 10.0 + 2.0 * t.abs());
        for _ in 0..60 {
            let middle = (low + high) / 2.0;
            if noncentral_t_cdf(t, m, middle) > share { low = middle } else { high = middle }
        }
        (low + high) / 2.0
    };
    let scale = j * spread;
    Some(Hedges { g: scale * t, interval: (scale * lambda(1.0 - tail), scale * lambda(tail)) })
}

/// P(T <= t) of Student's t with `df` degrees of freedom and shift `lambda`: the mean of Φ(t s - λ) over s = √(χ²/df), by Simpson's rule on 400 intervals
/// over all but 1e-12 of s. Equal to R's `pt(t, df, lambda)` within 1e-8 from df = 2 on.
pub(super) fn noncentral_t_cdf(t: f64, df: f64, lambda: f64) -> f64 {
    let half = df / 2.0;
    // log density of s: 2 (df/2)^(df/2) / Γ(df/2) s^(df-1) exp(-df s² / 2).
    let constant = std::f64::consts::LN_2 + half * half.ln() - ln_gamma(half);
    let density = |s: f64| if s > 0.0 { (constant + (df - 1.0) * s.ln() - half * s * s).exp() } else { 0.0 };
    let (n, normal) = (400, Normal::standard());
    let (low, high) = ((1.0 - 8.0 / df.sqrt()).max(0.0), 1.0 + 8.0 / df.sqrt());
    let h = (high - low) / f64::from(n);
    let (mut sum, mut total) = (0.0, 0.0);
    for k in 0..=n {
        let s = low + f64::from(k) * h;
        let weight = density(s) * if k == 0 || k == n { 1.0 } else { f64::from(2 + 2 * (k % 2)) };
        sum += weight * normal.cdf(t * s - lambda);
        total += weight;
    }
    // Density at s = 0 is not smooth for one degree of freedom; the same rule for the total takes the error away.
    sum / total
}

#[cfg(test)]
mod tests {
    use crate::cohort::two_sample::{hedges, noncentral_t_cdf};

    #[test]
    fn noncentral_t_is_that_of_r() {
        // R 4.2: pt(t, df, lambda).
        let of_r = [
            (2.0, 10.0, 1.0, 0.807_611_562_530),
            (-1.0, 5.0, 0.5, 0.082_444_091_057),
            (2.228_139, 10.0, 3.0, 0.228_599_823_228),
            (3.5, 2.0, 1.5, 0.793_515_065_272),
            (1.2, 60.0, -0.4, 0.943_584_418_256),
        ];
        for (t, df, lambda, p) in of_r {
            let found = noncentral_t_cdf(t, df, lambda);
            assert!((found - p).abs() < 1e-8, "{t} {df} {lambda}: {found} not {p}");
        }
    }

    #[test]
    fn g_of_no_difference_is_between_equal_bounds() {
        let h = hedges(&[1.0, 2.0, 3.0], &[1.0, 2.0, 3.0], 0.95).unwrap();
        assert!(h.g == 0.0 && (h.interval.0 + h.interval.1).abs() < 1e-9 && h.interval.1 > 1.0);
        assert!(hedges(&[1.0, 1.0], &[1.0, 1.0], 0.95).is_none());
    }
}
