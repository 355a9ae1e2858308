//! Whether the default test and its interval hold what they promise: 1,000 cohorts simulated at table level, with the variances fitted to a published study, through the whole of `stats`.

use std::collections::BTreeMap;

use gemmule::cohort::{LongRow, LongTable, PowerParams, StatsParams, power, stats};
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution as _, StandardNormal};
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

/// Share of cohorts in which each test rejects, and in which its interval holds the truth.
fn shares(animals: (usize, usize), effect: f64) -> BTreeMap<(String, String), (f64, f64)> {
    let params = StatsParams { model: false, resamples: 1999, ..StatsParams::default() };
    let of = |seed: u64| stats(&cohort(seed, animals, effect), &params).expect("two arms").rows;
    let all: Vec<_> = (0..COHORTS).into_par_iter().map(of).collect();
    let mut shares: BTreeMap<(String, String), (f64, f64)> = BTreeMap::new();
    for row in all.iter().flatten() {
        let truth = if row.contrast == "ratio" { 1.0 + effect } else { effect };
        let held = row.lower.is_some_and(|l| l <= truth) && row.upper.is_some_and(|u| u >= truth);
        let share = shares.entry((row.test.clone(), row.contrast.clone())).or_default();
        share.0 += f64::from(u8::from(row.p_value.is_some_and(|p| p <= 0.05))) / COHORTS as f64;
        share.1 += f64::from(u8::from(held)) / COHORTS as f64;
    }
    eprintln!("{animals:?} animals, effect {effect}: (rejected, covered) {shares:?}");
    shares
}

#[test]
fn the_default_test_rejects_5_percent_of_null_cohorts_and_its_interval_covers_95() {
    for (animals, effect) in [((6, 6), 0.0), ((8, 5), 0.0), ((6, 6), 0.1)] {
        let shares = shares(animals, effect);
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
