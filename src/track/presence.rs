//! Presence of a spine at every site in every session, decided over the whole series.
//!
//! A site has a hidden state per session, absent or present, and one size mu (contrast of its head) while it is there.
//! - p(state): absent at first but for a share `prior_present`; a present spine goes with probability 1 - exp(-h days), and spines come as often as they go.
//! - p(z | absent): Student's t (`freedom`) around what empty windows of the dendrite read, with their spread.
//! - p(z | present, mu): the same around m + softplus(g mu / tau - m), m what empty windows read, since a window's strongest sample is never
//!   below noise; variance spread² + (`size_change` g mu / tau)².
//! - p(mu): lognormal; g is how much contrast a session shows of it (focus, depth).
//!
//! Forward-backward (Rabiner 1989, doi:10.1109/5.18626) for each mu on a grid, weighted by how well that mu explains the site, gives
//! P(present | whole series). The hazard h, the sessions' g and the median of mu are fitted to the series by expectation maximisation, each held
//! to its default by a prior that counts as some sites.

use serde::Serialize;

use crate::params::params;

params! {
    /// Presence over a series.
    pub struct PresenceParams in "presence" {
        /// Share of windows beside a dendrite that hold a spine.
        prior_present: f64 = 0.2, "", 0.001..=0.5, "a density of .4 per µm and windows of .8 µm on two sides";
        /// Share of spines that go within two days.
        loss_2_days: f64 = 0.08, "", 0.0001..=0.9, "SCIENCE.md section 1: vehicle, 7 to 9 %";
        /// Days between sessions whose days are not known.
        default_gap_days: f64 = 2.0, "days", 0.0001..=1000.0, "the interval that loss_2_days is stated for";
        /// Median contrast of spines.
        size_median: f64 = 0.3, "", 0.01..=10.0, "human marks in vivo: .2 to .35";
        /// Spread of ln(contrast) over spines.
        size_spread: f64 = 0.6, "", 0.05..=3.0, "human marks in vivo";
        /// Standard deviation of a spine's contrast from session to session, as a share of it.
        size_change: f64 = 0.3, "", 0.01..=2.0, "heads change by some 10 % in width, and focus with them";
        /// Degrees of freedom of the errors.
        freedom: f64 = 10.0, "", 1.0..=1000.0, "tails heavier than a Gaussian's; at 5 a spine of z = 7 seen once counts as noise";
        /// Probability that the window misses a spine that is there.
        misplaced: f64 = 0.015, "", 0.0..=0.5, "on test-retest phantoms 1 to 2 % of windows are misplaced";
        /// Sites that a default counts for while rates and gains are fitted to the series.
        prior_sites: f64 = 20.0, "sites", 0.1..=10000.0, "a tenth of a field's";
        /// Probability from which a spine is called present.
        call_min: f64 = 0.5, "", 0.01..=0.99, "as likely as not";
        /// Share of a spine's expected signal that must exceed 95 % of empty windows; where it does not, absence could not be told.
        power: f64 = 0.7, "", 0.0..=1.0, "half in SCIENCE.md section 4; at .7 an absent spine is told from a present one at 2.3 standard deviations";
        /// Rounds of fitting.
        rounds: usize = 12, "", 0..=1000, "it settles after about 8";
    }
}

/// What is seen at a site in one session, in standard deviations of noise.
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
}

/// What became of one site.
#[derive(Clone, Debug, PartialEq)]
pub struct Presence {
    /// P(present), per session.
    pub p_present: Vec<f64>,
    /// P(present in this and in the session before); 0 for the first.
    pub p_both: Vec<f64>,
    /// Expected contrast while present.
    pub size: f64,
    /// Expected z of the spine over what an empty window reads, per session; none without evidence.
    pub excess: Vec<Option<f64>>,
}

/// All sites of a series, and what was fitted to it.
#[derive(Clone, Debug, PartialEq)]
pub struct SeriesPresence {
    /// One per site, in the order given.
    pub sites: Vec<Presence>,
    /// What was fitted to it.
    pub fitted: FittedSeries,
}

/// What is fitted to a series while presence is decided.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FittedSeries {
    /// Share of spines that go within two days.
    pub loss_2_days: f64,
    /// How much of a spine's contrast each session shows.
    pub gains: Vec<f64>,
    /// Median contrast of spines.
    pub size_median: f64,
}

/// Sizes the posterior is taken over, from a tenth to ten times the median.
const SIZES: usize = 17;

/// Log odds of what is known: far beyond any evidence, and exactly 1 or 0 as a probability.
const CERTAIN: f64 = 1e6;

/// What is fitted to a series.
#[derive(Clone)]
struct Fitted {
    hazard_per_day: f64,
    gains: Vec<f64>,
    size_median: f64,
}

/// Decides the presence of every site in every session; `evidence` is by site and session, none where a site cannot be judged, `days` the
/// sessions' days where known, in ascending order.
///
/// ```
/// use gemmule::track::{Evidence, PresenceParams, presence};
/// let seen = |z| Some(Evidence { z, tau: 0.05, empty_median: 0.8, empty_spread: 0.6 });
/// let sites = [vec![seen(7.0), seen(6.0), seen(6.5)], vec![seen(7.0), seen(0.7), seen(0.9)], vec![seen(0.8), None, seen(6.0)]];
/// let found = presence(&sites, &[Some(0.0), Some(2.0), Some(4.0)], &PresenceParams::default());
/// assert!(found.sites[0].p_present.iter().all(|p| *p > 0.95));
/// assert!(found.sites[1].p_present[0] > 0.9 && found.sites[1].p_present[1] < 0.1);
/// assert!(found.sites[2].p_present[2] > 0.9 && found.sites[2].p_present[0] < 0.5);
/// ```
pub fn presence(evidence: &[Vec<Option<Evidence>>], days: &[Option<f64>], params: &PresenceParams) -> SeriesPresence {
    presence_given(evidence, &[], days, params)
}

/// The same where some states are known for certain, by site and session: they have probability 1 or 0, and tell of the sessions before and after.
///
/// ```
/// use gemmule::track::{Evidence, PresenceParams, presence_given};
/// let seen = |z| Some(Evidence { z, tau: 0.05, empty_median: 0.8, empty_spread: 0.6 });
/// let sites = [vec![seen(1.9), seen(1.9), None]];
/// let found = |known| presence_given(&sites, &[known], &[None; 3], &PresenceParams::default()).sites[0].p_present.clone();
/// let (open, there, gone) = (found(vec![None; 3]), found(vec![Some(true), None, None]), found(vec![Some(false), None, None]));
/// assert!(there[0] > 1.0 - 1e-9 && gone[0] < 1e-9);
/// assert!(there[1] > open[1] && open[1] > gone[1] && there[2] > open[2]);
/// ```
pub fn presence_given(
    evidence: &[Vec<Option<Evidence>>],
    known: &[Vec<Option<bool>>],
    days: &[Option<f64>],
    params: &PresenceParams,
) -> SeriesPresence {
    let known = |site: usize| known.get(site).map_or(&[][..], Vec::as_slice);
    let sessions = days.len();
    let gaps: Vec<f64> = days
        .windows(2)
        .map(|w| match (w[0], w[1]) {
            (Some(a), Some(b)) => (b - a).max(1e-3),
            _ => params.default_gap_days,
        })
        .collect();
    let default_hazard = -(1.0 - params.loss_2_days).ln() / 2.0;
    let mut fitted =
        Fitted { hazard_per_day: default_hazard, gains: vec![1.0; sessions], size_median: params.size_median };
    for _ in 0..params.rounds {
        let posts: Vec<Posterior> =
            evidence.iter().enumerate().map(|(n, site)| posterior(site, known(n), &gaps, &fitted, params)).collect();
        fitted = refit(evidence, &posts, &gaps, default_hazard, params);
    }
    let sites = evidence
        .iter()
        .enumerate()
        .map(|(n, site)| {
            let post = posterior(site, known(n), &gaps, &fitted, params);
            let excess = |(e, g): (&Option<Evidence>, &f64)| e.map(|e| g * post.size / e.tau - e.empty_median);
            let excess = site.iter().zip(&fitted.gains).map(excess).collect();
            Presence { p_present: post.present, p_both: post.both, size: post.size, excess }
        })
        .collect();
    let loss_2_days = 1.0 - (-2.0 * fitted.hazard_per_day).exp();
    let Fitted { gains, size_median, .. } = fitted;
    SeriesPresence { sites, fitted: FittedSeries { loss_2_days, gains, size_median } }
}

/// Posterior of one site.
struct Posterior {
    present: Vec<f64>,
    both: Vec<f64>,
    size: f64,
    log_size: f64,
}

fn posterior(
    site: &[Option<Evidence>],
    known: &[Option<bool>],
    gaps: &[f64],
    fitted: &Fitted,
    params: &PresenceParams,
) -> Posterior {
    let n = site.len();
    let absent: Vec<f64> =
        site.iter().map(|e| e.map_or(0.0, |e| log_t(e.z, e.empty_median, e.empty_spread, params))).collect();
    let mut runs: Vec<(f64, f64, Chain)> = Vec::with_capacity(SIZES);
    for k in 0..SIZES {
        // From -2.3 to 2.3 around the log median.
        let offset = 2.3 * (2.0 * k as f64 / (SIZES - 1) as f64 - 1.0);
        let prior = -0.5 * (offset / params.size_spread).powi(2);
        let size = fitted.size_median * offset.exp();
        let present = site.iter().zip(&fitted.gains).map(|(e, g)| e.map_or(0.0, |e| log_present(&e, g * size, params)));
        let mut ratio: Vec<f64> = present.zip(&absent).map(|(p, a)| p - a).collect();
        for (ratio, known) in ratio.iter_mut().zip(known) {
            match known {
                // How well the size explains what is seen there still counts.
                Some(true) => *ratio += CERTAIN,
                Some(false) => *ratio = -CERTAIN,
                None => {}
            }
        }
        let chain = chain(&ratio, gaps, fitted.hazard_per_day, params.prior_present);
        runs.push((prior + chain.log_likelihood, size, chain));
    }
    let best = runs.iter().map(|r| r.0).fold(f64::NEG_INFINITY, f64::max);
    let total: f64 = runs.iter().map(|r| (r.0 - best).exp()).sum();
    let mut post = Posterior { present: vec![0.0; n], both: vec![0.0; n], size: 0.0, log_size: 0.0 };
    for (log_weight, size, chain) in runs {
        let weight = (log_weight - best).exp() / total;
        post.size += weight * size;
        post.log_size += weight * size.ln();
        post.present.iter_mut().zip(&chain.present).for_each(|(sum, p)| *sum += weight * p);
        post.both.iter_mut().zip(&chain.both).for_each(|(sum, p)| *sum += weight * p);
    }
    post
}

/// Log density of Student's t up to a constant that is the same everywhere.
fn log_t(x: f64, centre: f64, spread: f64, params: &PresenceParams) -> f64 {
    let d = (x - centre) / spread;
    -spread.ln() - 0.5 * (params.freedom + 1.0) * (d * d / params.freedom).ln_1p()
}

fn log_present(e: &Evidence, contrast: f64, params: &PresenceParams) -> f64 {
    let z = contrast / e.tau;
    let over = z - e.empty_median;
    let centre = e.empty_median + if over > 30.0 { over } else { over.exp().ln_1p() };
    let seen =
        (1.0 - params.misplaced) * log_t(e.z, centre, e.empty_spread.hypot(params.size_change * z), params).exp();
    (seen + params.misplaced * log_t(e.z, e.empty_median, e.empty_spread, params).exp()).max(f64::MIN_POSITIVE).ln()
}

/// Forward-backward of two states.
struct Chain {
    present: Vec<f64>,
    both: Vec<f64>,
    log_likelihood: f64,
}

/// `ratio`: log likelihood of present over absent per session; the likelihood is relative to absent throughout.
fn chain(ratio: &[f64], gaps: &[f64], hazard_per_day: f64, prior: f64) -> Chain {
    let n = ratio.len();
    let transition = |k: usize| {
        let goes = 1.0 - (-hazard_per_day * gaps[k]).exp();
        // As many come as go.
        let comes = (prior / (1.0 - prior) * goes).min(1.0);
        [[1.0 - comes, comes], [goes, 1.0 - goes]]
    };
    // Emissions scaled so that the larger of the two is 1.
    let emission: Vec<[f64; 2]> = ratio.iter().map(|r| [(-r.max(0.0)).exp(), (r.min(0.0)).exp()]).collect();
    let mut log_likelihood: f64 = ratio.iter().map(|r| r.max(0.0)).sum();
    let mut forward: Vec<[f64; 2]> = Vec::with_capacity(n);
    for k in 0..n {
        let before = match k {
            0 => [1.0 - prior, prior],
            _ => {
                let (t, f) = (transition(k - 1), forward[k - 1]);
                [f[0] * t[0][0] + f[1] * t[1][0], f[0] * t[0][1] + f[1] * t[1][1]]
            }
        };
        let here = [before[0] * emission[k][0], before[1] * emission[k][1]];
        let sum = here[0] + here[1];
        log_likelihood += sum.ln();
        forward.push([here[0] / sum, here[1] / sum]);
    }
    let mut backward = vec![[1.0, 1.0]; n];
    let mut both = vec![0.0; n];
    for k in (1..n).rev() {
        let t = transition(k - 1);
        let next = [emission[k][0] * backward[k][0], emission[k][1] * backward[k][1]];
        let joint = |i: usize, j: usize| forward[k - 1][i] * t[i][j] * next[j];
        let total = joint(0, 0) + joint(0, 1) + joint(1, 0) + joint(1, 1);
        both[k] = joint(1, 1) / total;
        let here = [t[0][0] * next[0] + t[0][1] * next[1], t[1][0] * next[0] + t[1][1] * next[1]];
        let sum = here[0] + here[1];
        backward[k - 1] = [here[0] / sum, here[1] / sum];
    }
    let present = forward.iter().zip(&backward).map(|(f, b)| f[1] * b[1] / (f[0] * b[0] + f[1] * b[1])).collect();
    Chain { present, both, log_likelihood }
}

/// Rates, gains and median size from the posteriors, each held to its default as by `prior_sites` sites.
fn refit(
    evidence: &[Vec<Option<Evidence>>],
    posts: &[Posterior],
    gaps: &[f64],
    default_hazard: f64,
    params: &PresenceParams,
) -> Fitted {
    let held = params.prior_sites;
    let (mut lost, mut exposed) = (held * 2.0 * default_hazard, held * 2.0);
    for post in posts {
        for (k, gap) in gaps.iter().enumerate() {
            lost += (post.present[k] - post.both[k + 1]).max(0.0);
            exposed += post.present[k] * gap;
        }
    }
    let sure: Vec<f64> = posts.iter().map(|p| p.present.iter().copied().fold(0.0, f64::max)).collect();
    let weight: f64 = sure.iter().sum();
    let log_median = (posts.iter().zip(&sure).map(|(p, w)| w * p.log_size).sum::<f64>()
        + held * params.size_median.ln())
        / (weight + held);
    let gains = (0..=gaps.len())
        .map(|k| {
            let (mut sum, mut total) = (0.0, held);
            for (site, post) in evidence.iter().zip(posts) {
                // Signals near noise say nothing of gain.
                let Some(e) = site[k].filter(|e| e.z > e.empty_median + 2.0 * e.empty_spread) else { continue };
                sum += post.present[k] * ((e.z * e.tau).ln() - post.log_size);
                total += post.present[k];
            }
            (sum / total).exp()
        })
        .collect();
    Fitted { hazard_per_day: lost / exposed, gains, size_median: log_median.exp() }
}

#[cfg(test)]
mod tests {
    use crate::track::presence::chain;

    /// Against all paths written out.
    #[test]
    fn chains_equal_the_sum_over_paths() {
        let (ratio, gaps, hazard, prior) = ([2.0, -1.5, 0.3], [2.0, 5.0], 0.04, 0.1);
        let goes = |k: usize| 1.0 - f64::exp(-hazard * gaps[k]);
        let step = |k: usize, a: usize, b: usize| match (a, b) {
            (0, b) => [1.0 - prior / (1.0 - prior) * goes(k), prior / (1.0 - prior) * goes(k)][b],
            (_, b) => [goes(k), 1.0 - goes(k)][b],
        };
        let (mut total, mut present, mut both) = (0.0, [0.0; 3], [0.0; 3]);
        for path in 0..8_usize {
            let state = [path & 1, path >> 1 & 1, path >> 2];
            let mut p = if state[0] == 1 { prior } else { 1.0 - prior };
            p *= (0..2).map(|k| step(k, state[k], state[k + 1])).product::<f64>();
            p *= (0..3).map(|k| if state[k] == 1 { f64::exp(ratio[k]) } else { 1.0 }).product::<f64>();
            total += p;
            (0..3).filter(|&k| state[k] == 1).for_each(|k| present[k] += p);
            (1..3).filter(|&k| state[k] == 1 && state[k - 1] == 1).for_each(|k| both[k] += p);
        }
        let found = chain(&ratio, &gaps, hazard, prior);
        assert!((found.log_likelihood - total.ln()).abs() < 1e-12);
        for k in 0..3 {
            assert!((found.present[k] - present[k] / total).abs() < 1e-12);
            assert!((found.both[k] - both[k] / total).abs() < 1e-12);
        }
    }
}
