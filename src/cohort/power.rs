//! Power of a design.

use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution as _, StandardNormal};
use rayon::prelude::*;
use serde::Serialize;

use crate::cohort::StatsParams;
use crate::cohort::permutation::permutation_test;
use crate::error::Result;
use crate::params::params;
use crate::statistics::{smallest_difference, wilson_95};

params! {
    /// The designs whose power is stated. See the example of [`power()`].
    pub struct PowerParams in "power" {
        /// Animals per group.
        animals: Vec<usize> = vec![6, 8, 10], "", 2..=200, "SCIENCE.md";
        /// True differences.
        effects: Vec<f64> = vec![0.05, 0.1, 0.15], "fold change", -10.0..=10.0, "review: 12 to 20 % for psychedelics and ketamine";
        /// Dendrites per animal.
        dendrites: usize = 14, "", 1..=10_000, "Shao et al. 2021: 161 dendrites in 12 mice, doi:10.1016/j.neuron.2021.06.008";
        /// Days averaged before the test.
        days: usize = 1, "", 1..=100, "one day is tested at a time";
        /// Standard deviation between animals.
        mouse_sd: f64 = 0.053, "fold change", 0.0..=10.0, "fitted to Shao et al. 2021, density";
        /// Between dendrites of an animal.
        dendrite_sd: f64 = 0.134, "fold change", 0.0..=10.0, "the same fit";
        /// Within a dendrite.
        residual_sd: f64 = 0.115, "fold change", 0.0..=10.0, "the same fit";
        /// Two-sided significance level.
        alpha: f64 = 0.05, "", 0.0001..=0.5, "convention";
        /// Power at which the smallest detectable effect is stated.
        power: f64 = 0.8, "", 0.5..=0.999, "convention";
        /// Simulated cohorts per row.
        simulations: usize = 2000, "", 100..=1_000_000, "standard error of a power of .8: .009";
        /// Splits drawn per cohort where there are more.
        splits: usize = 999, "", 99..=1_000_000, "Davison and Hinkley 1997";
        /// Seed.
        seed: u64 = 1, "", 0..=u64::MAX, "any";
    }
}

/// One row of a power table. See the example of [`power()`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Power {
    /// Animals per group.
    pub animals: usize,
    /// True difference.
    pub effect: f64,
    /// Share of simulated cohorts in which the default test rejects.
    pub power: f64,
    /// Wilson's 95 % interval of that share: the error of the simulation.
    pub interval: (f64, f64),
    /// The difference shown with the power asked for, by Student's t.
    pub detectable: Option<f64>,
}

/// Standard deviation of an animal's mean: √(mouse² + (dendrite² + residual² / days) / dendrites).
///
/// ```
/// use gemmule::cohort::{PowerParams, animal_sd};
/// let params = PowerParams { mouse_sd: 0.03, dendrite_sd: 0.12, residual_sd: 0.16, dendrites: 25, days: 1, ..PowerParams::default() };
/// assert!((animal_sd(&params) - 0.05).abs() < 1e-12); // √(.0009 + (.0144 + .0256) / 25)
/// ```
pub fn animal_sd(params: &PowerParams) -> f64 {
    let within = params.dendrite_sd.powi(2) + params.residual_sd.powi(2) / params.days as f64;
    (params.mouse_sd.powi(2) + within / params.dendrites as f64).sqrt()
}

/// The power of each number of animals for each effect, by simulation of cohorts whose animals' means are normal ([`animal_sd`]) and the default test
/// ([`crate::cohort::permutation()`] over animals).
///
/// ```
/// use gemmule::cohort::{PowerParams, power};
/// let params = PowerParams { animals: vec![8], effects: vec![0.0, 0.1], simulations: 500, ..PowerParams::default() };
/// let table = power(&params)?;
/// assert!(table[0].power < 0.09 && table[1].power > 0.6, "{table:?}");
/// # Ok::<(), gemmule::error::Error>(())
/// ```
///
/// # Errors
/// [`crate::error::Error::Parameter`] for parameters out of range.
pub fn power(params: &PowerParams) -> Result<Vec<Power>> {
    params.validate()?;
    let sd = animal_sd(params);
    let designs = params.animals.iter().flat_map(|&n| params.effects.iter().map(move |&effect| (n, effect)));
    let row = |(animals, effect): (usize, f64)| {
        let rejected = |&cohort: &u64| rejects(animals, effect, sd, params, cohort);
        let hits = (0..params.simulations as u64).into_par_iter().filter(rejected).count();
        let power = hits as f64 / params.simulations as f64;
        let interval = wilson_95(hits, params.simulations).unwrap_or((power, power));
        Power {
            animals,
            effect,
            power,
            interval,
            detectable: smallest_difference(animals, sd, params.alpha, params.power),
        }
    };
    Ok(designs.map(row).collect())
}

fn standard(rng: &mut ChaCha8Rng) -> f64 {
    StandardNormal.sample(rng)
}

fn rejects(animals: usize, effect: f64, sd: f64, params: &PowerParams, cohort: u64) -> bool {
    let mut rng = ChaCha8Rng::seed_from_u64(params.seed);
    rng.set_stream(cohort);
    let mut group = |mean: f64| -> Vec<f64> { (0..animals).map(|_| mean + sd * standard(&mut rng)).collect() };
    let (a, b) = (group(effect), group(0.0));
    let splits = StatsParams {
        max_splits: params.splits,
        drawn_splits: params.splits,
        seed: params.seed,
        ..StatsParams::default()
    };
    // With all values alike nothing is rejected.
    permutation_test(&a, &b, &splits, cohort).is_some_and(|(_, p)| p <= params.alpha + 1e-12)
}
