//! How likely what is seen at a site is, with a spine of any size there and without.

use crate::track::PresenceParams;

/// What is seen at a site in one session, in standard deviations of noise. See the example of [`crate::track::presence()`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Evidence {
    /// Strongest signal in the window.
    pub z: f64,
    /// Standard deviation of contrast there.
    pub tau: f64,
    /// Median of z in windows without spine.
    pub empty_median: f64,
    /// Their spread.
    pub empty_spread: f64,
    /// The spine found there by itself, if one was.
    pub found: Option<FoundSpine>,
}

/// How sure it is that what was found is a spine.
///
/// ```
/// use gemmule::track::{FoundSpine, PresenceParams};
/// let params = PresenceParams::default();
/// let (faint, bright) = (FoundSpine::scored(2.2, &params), FoundSpine::scored(9.0, &params));
/// assert!(faint.once < 0.5 && bright.once > 0.99);
/// assert_eq!(FoundSpine::learned(0.7).once, 0.7);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FoundSpine {
    /// Probability, if it is found in no other session.
    pub once: f64,
    /// Probability, if something is found there always.
    pub lasting: f64,
}

impl FoundSpine {
    /// From a detection score. See the example of [`FoundSpine`].
    pub fn scored(score: f64, params: &PresenceParams) -> Self {
        let share = |half: f64, power: f64| 1.0 / (1.0 + (half / score.max(1e-6)).powf(power));
        Self {
            once: share(params.score_half, params.score_power),
            lasting: share(params.lasting_half, params.lasting_power),
        }
    }

    /// From a learned probability, which already knows what else there is. See the example of [`FoundSpine`].
    pub fn learned(probability: f64) -> Self {
        Self { once: probability, lasting: 1.0 }
    }
}

/// Sizes the posterior is taken over, from a tenth to ten times the median.
const SIZES: usize = 33;
/// Reach of the sizes about the median, ln.
const REACH: f64 = 2.3;
/// Distance of two sizes, ln.
const STEP: f64 = 2.0 * REACH / (SIZES - 1) as f64;

/// Mean sizes about a median, ascending.
pub(super) fn sizes(median: f64) -> Vec<f64> {
    (0..SIZES).map(|k| median * (STEP * k as f64 - REACH).exp()).collect()
}

/// How frequent they are, up to a constant.
pub(super) fn size_priors(params: &PresenceParams) -> Vec<f64> {
    (0..SIZES).map(|k| (-0.5 * ((STEP * k as f64 - REACH) / params.size_spread).powi(2)).exp()).collect()
}

/// Log likelihood of present, of every mean size, over absent.
pub(super) fn ratios(e: &Evidence, gain: f64, sizes: &[f64], priors: &[f64], params: &PresenceParams) -> Vec<f64> {
    let shown: Vec<f64> = sizes.iter().map(|size| present(e, gain * size, params)).collect();
    let likely = changed(&shown, params);
    match e.found {
        Some(found) => ratios_found(&likely, priors, found, params),
        None => {
            let absent = log_absent(e, params);
            likely.iter().map(|p| p.max(f64::MIN_POSITIVE).ln() - absent).collect()
        }
    }
}

/// Density of Student's t up to a constant that is the same everywhere.
fn student(x: f64, centre: f64, spread: f64, params: &PresenceParams) -> f64 {
    let d = (x - centre) / spread;
    (-0.5 * (params.freedom + 1.0) * (d * d / params.freedom).ln_1p()).exp() / spread
}

/// √(2 pi): what the densities of `student` are too large by, nearly.
const SQRT_TAU: f64 = 2.506_628_274_631;

fn log_absent(e: &Evidence, params: &PresenceParams) -> f64 {
    let scale = params.clutter_spreads * e.empty_spread;
    let over = e.z - e.empty_median;
    let clutter = if over > 0.0 { (-over / scale).exp() / scale } else { 0.0 };
    let noise = student(e.z, e.empty_median, e.empty_spread, params);
    ((1.0 - params.clutter) * noise + params.clutter * SQRT_TAU * clutter).max(f64::MIN_POSITIVE).ln()
}

/// Of a score, however large, no more than this is believed: some of what looks most like a spine is none.
const SCORE_SURE: f64 = 0.995;
/// Density, over that of spines, of a signal that no size explains.
const UNEXPLAINED: f64 = 1e-4;

/// Log likelihood ratio of every mean size where a spine was found: over all sizes it comes to the odds of `found` against those before it was looked for.
fn ratios_found(likely: &[f64], priors: &[f64], found: FoundSpine, params: &PresenceParams) -> Vec<f64> {
    let once = found.once.clamp(1.0 - SCORE_SURE, SCORE_SURE);
    let odds = once / (1.0 - once) * (1.0 - params.prior_present) / params.prior_present;
    let total: f64 = priors.iter().sum();
    let of_spines = likely.iter().zip(priors).map(|(p, prior)| p * prior).sum::<f64>() / total;
    likely.iter().map(|p| odds.ln() + (p / of_spines.max(f64::MIN_POSITIVE) + UNEXPLAINED).ln()).collect()
}

/// Probability that what is found at a site, wherever it is found, is a spine.
pub(super) fn lasting(site: &[Option<Evidence>], params: &PresenceParams) -> f64 {
    let found = site.iter().flatten().filter_map(|e| e.found).map(|f| f.lasting);
    found.reduce(f64::max).unwrap_or_else(|| FoundSpine::scored(params.score_half, params).lasting)
}

/// Share of spines of this signal that are found by themselves.
pub(super) fn found(z: f64, params: &PresenceParams) -> f64 {
    params.found_most / (1.0 + (params.found_half_z / z.max(1e-6)).powf(1.0 / params.found_width))
}

/// Density of what is read where a spine shows this contrast.
fn present(e: &Evidence, contrast: f64, params: &PresenceParams) -> f64 {
    let z = contrast / e.tau;
    let over = z - e.empty_median;
    let centre = e.empty_median + if over > 30.0 { over } else { over.exp().ln_1p() };
    // A size stands for those within half a step of it.
    let spread = e.empty_spread.hypot(0.3 * STEP * z);
    let share = found(z, params);
    let right = (1.0 - params.misplaced) * student(e.z, centre, spread, params);
    if e.found.is_some() {
        share * right
    } else {
        (1.0 - share) * right + params.misplaced * student(e.z, e.empty_median, e.empty_spread, params)
    }
}

/// What is likely of every mean size, from what is likely of the sizes shown: their mean under the change from session to session.
fn changed(shown: &[f64], params: &PresenceParams) -> Vec<f64> {
    let weight = |steps: usize| (-0.5 * (STEP * steps as f64 / params.size_change).powi(2)).exp();
    let weights: Vec<f64> = (0..shown.len()).map(weight).collect();
    (0..shown.len())
        .map(|i| {
            let of = |j: usize| weights[i.abs_diff(j)];
            let total: f64 = (0..shown.len()).map(of).sum();
            shown.iter().enumerate().map(|(j, p)| of(j) * p).sum::<f64>() / total
        })
        .collect()
}
