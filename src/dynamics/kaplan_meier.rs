//! Survival of lifetimes, whatever lives.

use statrs::distribution::{ContinuousCDF as _, Normal};

/// How long something lived, or was followed. See the example of [`kaplan_meier`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lifetime {
    /// When it was lost, or last seen.
    pub time: f64,
    /// Whether it was lost.
    pub lost: bool,
}

/// Share alive from one time to the next. See the example of [`kaplan_meier`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SurvivalStep {
    /// From here on.
    pub time: f64,
    /// Followed up to here.
    pub n_at_risk: usize,
    /// Lost here.
    pub n_lost: usize,
    /// Kaplan-Meier estimate.
    pub fraction: f64,
    /// Its standard error by Greenwood's formula.
    pub se: f64,
    /// Lower and upper bound on the log-log scale; the same as the fraction while nothing was lost or when nothing is left.
    pub bounds: (f64, f64),
}

/// The product of Kaplan and Meier, and Greenwood's sum.
#[derive(Clone, Copy, Debug)]
pub(super) struct Product {
    pub(super) fraction: f64,
    pub(super) variance: f64,
}

impl Product {
    pub(super) const START: Self = Self { fraction: 1.0, variance: 0.0 };

    /// After `lost` of `at_risk`.
    pub(super) fn after(self, at_risk: usize, lost: usize) -> Self {
        if lost == 0 {
            return self;
        }
        let (n, d) = (at_risk as f64, lost as f64);
        let variance = self.variance + if lost < at_risk { d / (n * (n - d)) } else { 0.0 };
        Self { fraction: self.fraction * (1.0 - d / n), variance }
    }

    /// S^exp(±z √V / ln S).
    pub(super) fn log_log(self, confidence: f64) -> (f64, f64) {
        let fraction = self.fraction;
        if !(fraction > 0.0 && fraction < 1.0) {
            return (fraction, fraction);
        }
        let z = Normal::standard().inverse_cdf(0.5 + confidence / 2.0);
        let spread = z * self.variance.sqrt() / fraction.ln().abs();
        (fraction.powf(spread.exp()), fraction.powf((-spread).exp()))
    }
}

/// Kaplan-Meier estimate (1958, doi:10.1080/01621459.1958.10501452) at every time at which something was lost or last seen; what is last seen at a time counts as at risk there.
/// Equal to R's `survfit(Surv(time, lost) ~ 1, conf.type = "log-log")`.
///
/// ```
/// use gemmule::dynamics::{Lifetime, kaplan_meier};
/// let lives = [(1.0, true), (2.0, false), (3.0, true)].map(|(time, lost)| Lifetime { time, lost });
/// let steps = kaplan_meier(&lives, 0.95);
/// assert!((steps[0].fraction - 2.0 / 3.0).abs() < 1e-12 && steps[2].fraction == 0.0);
/// ```
pub fn kaplan_meier(lives: &[Lifetime], confidence: f64) -> Vec<SurvivalStep> {
    let mut times: Vec<f64> = lives.iter().map(|l| l.time).collect();
    times.sort_by(f64::total_cmp);
    times.dedup();
    let mut product = Product::START;
    let step = |time: f64| {
        let n_at_risk = lives.iter().filter(|l| l.time >= time).count();
        let n_lost = lives.iter().filter(|l| l.time == time && l.lost).count();
        product = product.after(n_at_risk, n_lost);
        let se = product.fraction * product.variance.sqrt();
        SurvivalStep { time, n_at_risk, n_lost, fraction: product.fraction, se, bounds: product.log_log(confidence) }
    };
    times.into_iter().map(step).collect()
}
