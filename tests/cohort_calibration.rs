//! Whether the default test and its interval hold what they promise: 1,000 cohorts simulated at table level, with the variances fitted to a published study, through the whole of `stats`.

use std::collections::BTreeMap;

use gemmule::cohort::{AnimalValue, LongRow, LongTable, PowerParams, StatsParams, power, stats};
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Binomial, Distribution as _, StandardNormal};
use rayon::prelude::*;

/// Standard deviations of fold change: animal, dendrite, residual.
const SD: [f64; 3] = [0.053, 0.134, 0.115];
const COHORTS: u64 = 1000;

/// Animals of 6 to 18 dendrites each; `effect` is added to the treated ones.
fn cohort(seed: u64, (treated, control): (usize, usize), effect: f64) -> LongTable {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let normal = |rng: &mut ChaCha8Rng| -> f64 { StandardNormal.sample(rng) };
    let mut rows = Vec::new();
    for mouse in 0..treated + control {
        let of_mouse = SD[0] * normal(&mut rng);
        for dendrite in 0..rng.random_range(6..=18) {
            let of_dendrite = SD[1] * normal(&mut rng);
            let shift = if mouse < treated { effect } else { 0.0 };
            rows.push(LongRow {
                treatment: if mouse < treated { "drug".into() } else { "vehicle".into() },
                mouse: mouse.to_string(),
                dendrite: dendrite.to_string(),
                metric: "change".into(),
                day: 1.0,
                value: Some(1.0 + shift + of_mouse + of_dendrite + SD[2] * normal(&mut rng)),
                ..LongRow::default()
            });
        }
    }
    LongTable::new(rows, vec![]).expect("a table without faults")
}

/// New spines among those of two dendrites an animal, before and after: animals differ in their rate by a fifth, and what is counted from some thirty spines varies by half.
fn rates(seed: u64, (treated, control): (usize, usize), effect: f64) -> LongTable {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut rows = Vec::new();
    for mouse in 0..treated + control {
        let log: f64 = StandardNormal.sample(&mut rng);
        let rate = 0.1 * (0.2 * log).exp();
        for (dendrite, day) in [(1, -1.0), (2, -1.0), (1, 1.0), (2, 1.0)] {
            let shift = if mouse < treated && day > 0.0 { effect } else { 0.0 };
            let before: u64 = rng.random_range(4..=30);
            let new = Binomial::new(before, rate + shift).expect("a share").sample(&mut rng) as f64;
            rows.push(LongRow {
                treatment: if mouse < treated { "drug".into() } else { "vehicle".into() },
                mouse: mouse.to_string(),
                dendrite: dendrite.to_string(),
                metric: "formation_rate".into(),
                day,
                value: Some(new / before as f64),
                denominator: Some(before as f64),
                ..LongRow::default()
            });
        }
    }
    LongTable::new(rows, vec![]).expect("a table without faults")
}

/// Share of cohorts in which each test rejects, and in which its interval holds the truth.
type Shares = BTreeMap<(String, String), (f64, f64)>;

fn shares(cohort: impl Fn(u64) -> LongTable + Sync, animal_value: AnimalValue, effect: f64) -> Shares {
    let params = StatsParams { model: false, resamples: 1999, animal_value, ..StatsParams::default() };
    let of = |seed: u64| stats(&cohort(seed), &params).expect("two arms").rows;
    let all: Vec<_> = (0..COHORTS).into_par_iter().map(of).collect();
    let mut shares = Shares::new();
    for row in all.iter().flatten() {
        let truth = if row.contrast == "ratio" { 1.0 + effect } else { effect };
        let held = row.lower.is_some_and(|l| l <= truth) && row.upper.is_some_and(|u| u >= truth);
        let share = shares.entry((row.test.clone(), row.contrast.clone())).or_default();
        share.0 += f64::from(u8::from(row.p_value.is_some_and(|p| p <= 0.05))) / COHORTS as f64;
        share.1 += f64::from(u8::from(held)) / COHORTS as f64;
    }
    eprintln!("effect {effect}, animals {animal_value:?}: (rejected, covered) {shares:?}");
    shares
}

#[test]
fn the_default_test_rejects_5_percent_of_null_cohorts_and_its_interval_covers_95() {
    for (animals, effect) in [((6, 6), 0.0), ((8, 5), 0.0), ((6, 6), 0.1)] {
        let shares = shares(|seed| cohort(seed, animals, effect), AnimalValue::Dendrites, effect);
        let of = |test: &str, contrast: &str| shares[&(test.to_owned(), contrast.to_owned())];
        let (rejected, covered) = of("permutation", "difference");
        if effect == 0.0 {
            assert!((0.03..=0.07).contains(&rejected), "{rejected}");
            // What animals are for: dendrites taken for independent reject far too often.
            assert!(of("welch", "difference").0 > 0.1);
        }
        let intervals = [covered, of("permutation", "ratio").1, of("bootstrap", "difference").1];
        assert!(intervals.iter().all(|c| (0.93..=0.97).contains(c)), "{intervals:?}");
    }
}

/// A rate is counted from few spines: less its baseline it carries the noise of both, and so does the mean of dendrites of one to thirty spines.
#[test]
fn adjusting_for_baseline_and_pooling_spines_keep_the_level_and_find_more() {
    let rejects = |animals, effect, value| {
        let shares = shares(|seed| rates(seed, animals, effect), value, effect);
        ["permutation", "adjusted"].map(|test| shares[&(test.to_owned(), "difference".to_owned())])
    };
    for animals in [(6, 6), (8, 5)] {
        let [_, (rejected, covered)] = rejects(animals, 0.0, AnimalValue::Pooled);
        // Two standard errors of 1,000 cohorts are .014; what is counted comes in steps.
        assert!((0.03..=0.07).contains(&rejected) && (0.93..=0.97).contains(&covered), "{rejected}, {covered}");
    }
    let pooled = rejects((6, 6), 0.12, AnimalValue::Pooled);
    let apart = rejects((6, 6), 0.12, AnimalValue::Dendrites);
    assert!((0.93..=0.97).contains(&pooled[1].1), "{pooled:?}");
    // In that order: as published, pooled, pooled and adjusted.
    assert!(apart[0].0 + 0.03 < pooled[0].0 && pooled[0].0 + 0.1 < pooled[1].0, "{apart:?}, {pooled:?}");
}

#[test]
fn power_is_that_of_student_s_test() {
    let table = power(&PowerParams { effects: vec![0.1], ..PowerParams::default() }).expect("defaults are valid");
    eprintln!("{table:?}");
    // R 4.2: power.t.test(n, .1, sqrt(.053^2 + (.134^2 + .115^2) / 14)): means of animals are normal here, and the exact permutation test is near Student's.
    for (row, (animals, of_r)) in table.iter().zip([(6, 0.596), (8, 0.746), (10, 0.846)]) {
        assert_eq!(row.animals, animals);
        // Three standard errors of 2,000 simulations are .03.
        assert!((row.power - of_r).abs() < 0.03, "{animals} animals: {} and not {of_r}", row.power);
    }
}
