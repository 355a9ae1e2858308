//! Presence of a spine at every site in every session, decided over the whole series.
//!
//! A site has a hidden state per session, absent or present, and one size mu (contrast of its head) while it is there.
//! - p(state): absent at first but for a share `prior_present`; a present spine goes with probability 1 - exp(-h days), and spines come at a rate of their own,
//!   counted by those there are.
//! - p(z | absent): Student's t (`freedom`) around what empty windows of the dendrite read, with their spread; in a share `clutter` of windows something else
//!   adds to it, exponentially distributed.
//! - Where a spine was found by itself, its score tells whether it is one, P = 1 / (1 + (`score_half` / score)^`score_power`), and its z only how large it
//!   is; where none was found, a large one is not there.
//! - p(size | present, mu): what a session shows of mu is lognormal around it (`size_change`): a spine that stays does not shrink to a third, as a Gaussian
//!   change would allow.
//! - p(z | present, size): Student's t around m + softplus(g size / tau - m), m what empty windows read, since a window's strongest sample is never
//!   below noise; g is how much contrast a session shows (focus, depth).
//! - p(mu): lognormal.
//!
//! Forward-backward (Rabiner 1989, doi:10.1109/5.18626) for each mu on a grid, weighted by how well that mu explains the site, gives
//! P(present | whole series). What is there in every session can also be something else that lasts: of that path only a share counts, by the surest score.
//! The hazard h, the rate of gain, the sessions' g and the median of mu are fitted to the series by expectation maximisation, each held
//! to its default by a prior that counts as some sites.

use rayon::prelude::*;
use serde::Serialize;

use crate::params::params;
use crate::track::emission::{self, Evidence};
use crate::track::states::{Chain, Rates, chain};

params! {
    /// Presence over a series.
    ///
    /// ```
    /// use gemmule::track::PresenceParams;
    /// let params = PresenceParams::default().loss_2_days(0.3)?.call_min(0.6)?;
    /// assert_eq!((params.loss_2_days, params.call_min), (0.3, 0.6));
    /// assert!(params.clutter(1.0).is_err());
    /// # Ok::<(), gemmule::error::Error>(())
    /// ```
    pub struct PresenceParams in "presence" {
        /// Share of windows beside a dendrite that hold a spine.
        prior_present: f64 = 0.2, "", 0.001..=0.5, "a density of .4 per µm and windows of .8 µm on two sides";
        /// Share of spines that go within two days.
        loss_2_days: f64 = 0.12, "", 0.0001..=0.9, "vehicle: 7 to 9 % in some labs, 23 % in others (SCIENCE.md sections 1 and 5)";
        /// Days between sessions whose days are not known.
        default_gap_days: f64 = 2.0, "days", 0.0001..=1000.0, "the interval that loss_2_days is stated for";
        /// Median contrast of spines.
        size_median: f64 = 0.3, "", 0.01..=10.0, "human marks in vivo: .2 to .35";
        /// Spread of ln(contrast) over spines.
        size_spread: f64 = 0.6, "", 0.05..=3.0, "human marks in vivo";
        /// Standard deviation of ln(contrast) of a spine about its mean over sessions.
        size_change: f64 = 0.27, "", 0.05..=2.0, "heads change by some 10 % in width, and focus and depth with them; .26 on synthetic series";
        /// Degrees of freedom of the errors.
        freedom: f64 = 10.0, "", 1.0..=1000.0, "tails heavier than a Gaussian's; at 5 a spine of z = 7 seen once counts as noise";
        /// Probability that the window misses a spine that is there.
        misplaced: f64 = 0.005, "", 0.0..=0.5, "on synthetic test-retest pairs .005 and .015 give the same false turnover";
        /// Share of windows without the spine that hold some other signal.
        clutter: f64 = 0.15, "", 0.0..=0.9, "one in seven truly empty sites of synthetic series reads above noise";
        /// Mean of that signal.
        clutter_spreads: f64 = 2.5, "spreads of empty windows", 0.1..=100.0, "as clutter";
        /// Signal at which half of the spines are found by themselves.
        found_half_z: f64 = 3.5, "standard deviations", 0.1..=1000.0, "spines of synthetic series";
        /// How gradually that share rises: it is a logistic function of ln z of this width.
        found_width: f64 = 0.35, "", 0.01..=10.0, "as found_half_z";
        /// Share of bright spines that are found by themselves.
        found_most: f64 = 0.98, "", 0.5..=1.0, "as found_half_z";
        /// Score at which half of what is found in one session only is a spine.
        score_half: f64 = 2.45, "", 0.01..=1000.0, "synthetic test-retest series: as many found in both as in one only";
        /// How steeply that share rises with the score.
        score_power: f64 = 8.0, "", 0.1..=100.0, "as score_half";
        /// The same score for what is found in every session, which can be an axon's bouton.
        lasting_half: f64 = 0.6, "", 0.01..=1000.0, "as score_half: .7 of those just above the threshold are spines, .91 of the surest";
        /// How steeply that share rises.
        lasting_power: f64 = 0.75, "", 0.1..=100.0, "synthetic series of two sessions: p_present against how often a spine is there";
        /// Sites that a default counts for while rates and gains are fitted to the series.
        prior_sites: f64 = 20.0, "sites", 0.1..=10000.0, "a tenth of a field's";
        /// The same for the rate of loss, which differs more.
        prior_loss_sites: f64 = 4.0, "sites", 0.1..=10000.0, "turnover differs from field to field, and sooner has to be seen than held to a default";
        /// Probability from which a spine is called present.
        call_min: f64 = 0.5, "", 0.01..=0.99, "as likely as not";
        /// Share of a spine's expected signal that must exceed 95 % of empty windows; where it does not, absence could not be told.
        power: f64 = 1.0, "", 0.0..=1.0, "half in SCIENCE.md section 4, for a threshold; here what is weak is weighed";
        /// Rounds of fitting.
        rounds: usize = 12, "", 0..=1000, "it settles after about 8";
    }
}

/// What became of one site. See the example of [`presence()`].
#[derive(Clone, Debug, PartialEq)]
pub struct Presence {
    /// P(present), per session.
    pub p_present: Vec<f64>,
    /// P(present in this and in the session before); 0 for the first.
    pub p_both: Vec<f64>,
    /// P(present), per session, from what is seen up to it: what would be believed if the sessions after it had not been.
    pub p_so_far: Vec<f64>,
    /// Expected contrast while present.
    pub size: f64,
    /// Share of spines of this size that are found by themselves, per session; none without evidence.
    pub p_found: Vec<Option<f64>>,
    /// Expected z of the spine over what an empty window reads, per session; none without evidence.
    pub excess: Vec<Option<f64>>,
}

/// All sites of a series, and what was fitted to it. See the example of [`presence()`].
#[derive(Clone, Debug, PartialEq)]
pub struct SeriesPresence {
    /// One per site, in the order given.
    pub sites: Vec<Presence>,
    /// What was fitted to it.
    pub fitted: FittedSeries,
}

/// What is fitted to a series while presence is decided. See the example of [`presence()`].
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FittedSeries {
    /// Share of spines that go within two days.
    pub loss_2_days: f64,
    /// Spines that come within two days, by those there are.
    pub gain_2_days: f64,
    /// How much of a spine's contrast each session shows; of a tracked series, those that were not left out.
    pub gains: Vec<f64>,
    /// Median contrast of spines.
    pub size_median: f64,
}

/// Log odds of what is known: far beyond any evidence, and exactly 1 or 0 as a probability.
const CERTAIN: f64 = 1e6;

/// What is fitted to a series.
#[derive(Clone)]
struct Fitted {
    rates: Rates,
    gains: Vec<f64>,
    size_median: f64,
}

/// Decides the presence of every site in every session; `evidence` is by site and session, none where a site cannot be judged, `days` the
/// sessions' days where known, in ascending order.
///
/// ```
/// use gemmule::track::{Evidence, FoundSpine, PresenceParams, presence};
/// let params = PresenceParams::default();
/// let seen = |z: f64| {
///     let found = (z > 3.0).then(|| FoundSpine::scored(z, &params));
///     Some(Evidence { z, tau: 0.05, empty_median: 0.8, empty_spread: 0.6, found })
/// };
/// let sites = [vec![seen(7.0), seen(6.0), seen(6.5)], vec![seen(7.0), seen(0.7), seen(0.9)], vec![seen(0.8), None, seen(6.0)]];
/// let found = presence(&sites, &[Some(0.0), Some(2.0), Some(4.0)], &params);
/// // One in eight of what is found with such scores in every session is something else that lasts.
/// assert!(found.sites[0].p_present.iter().all(|p| *p > 0.85));
/// // Seen once and never again: less sure that it is no clutter.
/// assert!(found.sites[1].p_present[0] > 0.7 && found.sites[1].p_present[1] < 0.1);
/// assert!(found.sites[2].p_present[2] > 0.8 && found.sites[2].p_present[0] < 0.5);
/// // In its first session it was as likely a spine as the one that stays: what comes after is not counted.
/// assert!((found.sites[1].p_so_far[0] - found.sites[0].p_so_far[0]).abs() < 1e-9);
/// ```
pub fn presence(evidence: &[Vec<Option<Evidence>>], days: &[Option<f64>], params: &PresenceParams) -> SeriesPresence {
    presence_given(evidence, &[], days, params)
}

/// The same where some states are known for certain, by site and session: they have probability 1 or 0, and tell of the sessions before and after.
///
/// ```
/// use gemmule::track::{Evidence, PresenceParams, presence_given};
/// let seen = |z| Some(Evidence { z, tau: 0.05, empty_median: 0.8, empty_spread: 0.6, found: None });
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
    let default_rate = -(1.0 - params.loss_2_days).ln() / 2.0;
    let default_rates = Rates { loss_per_day: default_rate, gain_per_day: default_rate };
    let mut fitted = Fitted { rates: default_rates, gains: vec![1.0; sessions], size_median: params.size_median };
    for _ in 0..params.rounds {
        let posts: Vec<Posterior> = evidence
            .par_iter()
            .enumerate()
            .map(|(n, site)| posterior(runs(site, known(n), &gaps, &fitted, params)))
            .collect();
        fitted = refit(evidence, &posts, &gaps, default_rates, params);
    }
    let sites = evidence
        .par_iter()
        .enumerate()
        .map(|(n, site)| {
            let runs = runs(site, known(n), &gaps, &fitted, params);
            let p_so_far = (0..site.len()).map(|k| so_far(&runs, k)).collect();
            let post = posterior(runs);
            let excess = |(e, g): (&Option<Evidence>, &f64)| e.map(|e| g * post.size / e.tau - e.empty_median);
            let excess = site.iter().zip(&fitted.gains).map(excess).collect();
            let found = |(e, g): (&Option<Evidence>, &f64)| e.map(|e| emission::found(g * post.size / e.tau, params));
            let p_found = site.iter().zip(&fitted.gains).map(found).collect();
            // What lasts from the first session to the last can be something else that lasts; where a spine is known to be, it is none.
            let is_else = if known(n).contains(&Some(true)) { 0.0 } else { 1.0 - emission::lasting(site, params) };
            let share = |p: Vec<f64>| p.into_iter().map(|p| (p - is_else * post.always).max(0.0)).collect();
            let (p_present, p_both) = (share(post.present), share(post.both));
            Presence { p_present, p_both, p_so_far, size: post.size, p_found, excess }
        })
        .collect();
    let in_2_days = |per_day: f64| 1.0 - (-2.0 * per_day).exp();
    let (loss_2_days, gain_2_days) = (in_2_days(fitted.rates.loss_per_day), in_2_days(fitted.rates.gain_per_day));
    let Fitted { gains, size_median, .. } = fitted;
    SeriesPresence { sites, fitted: FittedSeries { loss_2_days, gain_2_days, gains, size_median } }
}

/// Posterior of one site.
struct Posterior {
    present: Vec<f64>,
    both: Vec<f64>,
    /// Present in every session.
    always: f64,
    size: f64,
    log_size: f64,
}

/// One site, had its spine a given mean size.
struct Run {
    size: f64,
    log_prior: f64,
    chain: Chain,
}

/// One per size of the grid.
fn runs(
    site: &[Option<Evidence>],
    known: &[Option<bool>],
    gaps: &[f64],
    fitted: &Fitted,
    params: &PresenceParams,
) -> Vec<Run> {
    let sizes = emission::sizes(fitted.size_median);
    let priors = emission::size_priors(params);
    // By session: log likelihood of present, of every mean size, over absent; 0 where nothing was measured.
    let ratios: Vec<Option<Vec<f64>>> = site
        .iter()
        .zip(&fitted.gains)
        .map(|(evidence, gain)| Some(emission::ratios(evidence.as_ref()?, *gain, &sizes, &priors, params)))
        .collect();
    (0..sizes.len())
        .map(|k| {
            let mut ratio: Vec<f64> = ratios.iter().map(|r| r.as_ref().map_or(0.0, |r| r[k])).collect();
            for (ratio, known) in ratio.iter_mut().zip(known) {
                match known {
                    // How well the size explains what is seen there still counts.
                    Some(true) => *ratio += CERTAIN,
                    Some(false) => *ratio = -CERTAIN,
                    None => {}
                }
            }
            let chain = chain(&ratio, gaps, fitted.rates, params.prior_present);
            Run { size: sizes[k], log_prior: priors[k].ln(), chain }
        })
        .collect()
}

/// How much each size counts, by its prior and the log likelihood of what it is to explain; they add up to 1.
fn weights(runs: &[Run], log_likelihood: impl Fn(&Chain) -> f64) -> Vec<f64> {
    let logs: Vec<f64> = runs.iter().map(|r| r.log_prior + log_likelihood(&r.chain)).collect();
    let best = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let total: f64 = logs.iter().map(|log| (log - best).exp()).sum();
    logs.iter().map(|log| (log - best).exp() / total).collect()
}

fn posterior(runs: Vec<Run>) -> Posterior {
    let n = runs.first().map_or(0, |r| r.chain.present.len());
    let mut post = Posterior { present: vec![0.0; n], both: vec![0.0; n], always: 0.0, size: 0.0, log_size: 0.0 };
    for (weight, Run { size, chain, .. }) in weights(&runs, |c| c.log_likelihood).into_iter().zip(runs) {
        post.always += weight * chain.always;
        post.size += weight * size;
        post.log_size += weight * size.ln();
        post.present.iter_mut().zip(&chain.present).for_each(|(sum, p)| *sum += weight * p);
        post.both.iter_mut().zip(&chain.both).for_each(|(sum, p)| *sum += weight * p);
    }
    post
}

/// P(present in session `k`) from what is seen up to it.
fn so_far(runs: &[Run], k: usize) -> f64 {
    weights(runs, |c| c.log_so_far[k]).iter().zip(runs).map(|(w, run)| w * run.chain.so_far[k]).sum()
}

/// Rates, gains and median size from the posteriors, each held to its default as by `prior_sites` sites.
fn refit(
    evidence: &[Vec<Option<Evidence>>],
    posts: &[Posterior],
    gaps: &[f64],
    defaults: Rates,
    params: &PresenceParams,
) -> Fitted {
    let held = params.prior_sites;
    let held_loss = params.prior_loss_sites;
    let exposed_at_first = held_loss * 2.0;
    let (mut lost, mut exposed) = (exposed_at_first * defaults.loss_per_day, exposed_at_first);
    let mut gained = exposed_at_first * defaults.gain_per_day;
    for post in posts {
        for (k, gap) in gaps.iter().enumerate() {
            lost += (post.present[k] - post.both[k + 1]).max(0.0);
            gained += (post.present[k + 1] - post.both[k + 1]).max(0.0);
            exposed += post.present[k] * gap;
        }
    }
    let rates = Rates { loss_per_day: lost / exposed, gain_per_day: gained / exposed };
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
    Fitted { rates, gains, size_median: log_median.exp() }
}

#[cfg(test)]
mod tests {
    use crate::track::{Evidence, FoundSpine, PresenceParams, presence};

    /// As many sessions and sites as a study of months has: the work is the same for every site and session. What is absent in the first session alone
    /// could as well have been missed there where spines come as rarely as here, and what is there twice in a hundred could be something else: no site is so.
    #[test]
    fn a_hundred_sessions_of_five_hundred_sites_are_decided() {
        let params = PresenceParams::default();
        let days: Vec<Option<f64>> = (0..100).map(|k| Some(2.0 * f64::from(k))).collect();
        let there = |n: usize, k: usize| k >= 2 * (n % 37) && (!n.is_multiple_of(5) || n % 37 > 20 || k < 60);
        let seen = |n: usize, k: usize| {
            let z = if there(n, k) { 6.0 + (n % 11) as f64 } else { 0.4 + 0.1 * ((n + 3 * k) % 13) as f64 };
            let found = there(n, k).then(|| FoundSpine::scored(0.6 * z, &params));
            Some(Evidence { z, tau: 0.03, empty_median: 1.0, empty_spread: 0.8, found })
        };
        let sites: Vec<Vec<Option<Evidence>>> = (0..500).map(|n| (0..100).map(|k| seen(n, k)).collect()).collect();
        let found = presence(&sites, &days, &params);
        for (n, site) in found.sites.iter().enumerate() {
            for (k, &p) in site.p_present.iter().enumerate() {
                assert_eq!(p > 0.5, there(n, k), "site {n}, session {k}: {p}");
            }
        }
    }
}
