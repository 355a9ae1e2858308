//! Effects on survival.

use std::collections::{BTreeMap, BTreeSet};

use crate::cohort::arms::{Study, studies};
use crate::cohort::params::Arm;
use crate::cohort::{
    Effect, Effects, Life, LongRow, LongTable, Scale, StatsParams, log_rank, log_rank_permutation, turnbull,
};
use crate::dynamics::{Lifetime, kaplan_meier};
use crate::error::Result;

/// Name of the metric in `effects.csv`.
const METRIC: &str = "survival";

/// Survival of spines in each arm and its comparison with the control:
///
/// - `kaplan-meier`: share alive from each visit on (`day`; at risk in `n_a`), lost spines counted at the visit that shows it, with log-log intervals ([`kaplan_meier`]);
/// - `turnbull`: the same where the last visit that shows a lost spine is known: lost some time between the two ([`turnbull()`]);
/// - `log-rank`: over spines as if independent ([`log_rank()`]), `estimate` is the hazard ratio (observed / expected losses);
/// - `log-rank-permutation`: the same statistic, but its p value from splits of the animals ([`log_rank_permutation`]); none where
///   an animal has spines in two arms. See the example of [`crate::cohort::read_lives_csv`].
///
/// # Errors
/// As [`crate::cohort::stats()`].
pub fn survival_effects(lives: &[Life], params: &StatsParams) -> Result<Effects> {
    params.validate()?;
    // Arms are told as in a long table.
    let row = |l: &Life| LongRow {
        study: l.study.clone(),
        treatment: l.treatment.clone(),
        group: l.group.clone(),
        mouse: l.mouse.clone(),
        dendrite: "-".into(),
        metric: METRIC.into(),
        day: l.day,
        ..LongRow::default()
    };
    let lines = (0..lives.len() as u64).map(|n| n + 2).collect();
    let table = LongTable { rows: lives.iter().map(row).collect(), extra_columns: vec![], lines };
    let mut effects = Effects { remarks: table.remarks(), ..Effects::default() };
    for study in studies(&table, params)? {
        let arms: Vec<Animals<'_>> = study.arms().map(|arm| animals(lives, &study, arm, params.arm)).collect();
        let twice = in_two_arms(&arms);
        effects.remarks.extend(twice.iter().map(|mouse| {
            format!("study \"{}\": mouse {mouse} has spines in two arms, so there is no test over animals", study.name)
        }));
        for arm in &arms {
            effects.rows.extend(curves(&study.name, arm, params));
        }
        for treated in arms.iter().skip(1) {
            effects.rows.extend(compared(&study.name, treated, &arms[0], &twice, params));
        }
    }
    Ok(effects)
}

/// One arm's spines by animal.
struct Animals<'a> {
    arm: &'a str,
    lives: BTreeMap<&'a str, Vec<&'a Life>>,
}

fn animals<'a>(lives: &'a [Life], study: &Study, arm: &'a str, by: Arm) -> Animals<'a> {
    let mut of: BTreeMap<&str, Vec<&Life>> = BTreeMap::new();
    let name = |l: &'a Life| if by == Arm::Treatment { &l.treatment } else { &l.group };
    for life in lives.iter().filter(|l| l.study == study.name && name(l) == arm) {
        of.entry(&life.mouse).or_default().push(life);
    }
    Animals { arm, lives: of }
}

/// Animals that a test over animals cannot place.
fn in_two_arms<'a>(arms: &[Animals<'a>]) -> BTreeSet<&'a str> {
    let (mut seen, mut twice) = (BTreeSet::new(), BTreeSet::new());
    for mouse in arms.iter().flat_map(|a| a.lives.keys()) {
        if !seen.insert(*mouse) {
            twice.insert(*mouse);
        }
    }
    twice
}

fn lifetime(life: &&Life) -> Lifetime {
    Lifetime { time: life.day, lost: life.eliminated }
}

fn curves(study: &str, arm: &Animals<'_>, params: &StatsParams) -> Vec<Effect> {
    let all: Vec<&Life> = arm.lives.values().flatten().copied().collect();
    let row = |test: &str, day: f64, fraction: f64| Effect {
        day: Some(day),
        group_a: arm.arm.to_owned(),
        n_animals_a: arm.lives.len(),
        estimate: Some(fraction),
        ..Effect::of(study, METRIC, test, "survival", Scale::Raw)
    };
    let times: Vec<Lifetime> = all.iter().map(lifetime).collect();
    let steps = kaplan_meier(&times, params.confidence).into_iter().map(|s| Effect {
        n_a: s.n_at_risk,
        se: Some(s.se),
        note: format!("{} lost; spines as if independent", s.n_lost),
        ..row("kaplan-meier", s.time, s.fraction).between(Some(s.bounds))
    });
    let mut rows: Vec<Effect> = steps.collect();
    let lost: Vec<&&Life> = all.iter().filter(|l| l.eliminated).collect();
    if !lost.is_empty() && lost.iter().all(|l| l.last_seen.is_some()) {
        let interval = |l: &&Life| match l.last_seen {
            Some(seen) => (seen, l.day),
            None => (l.day, f64::INFINITY),
        };
        let (steps, solved) = turnbull(&all.iter().map(interval).collect::<Vec<_>>());
        rows.extend(steps.into_iter().map(|s| Effect {
            n_a: all.len(),
            note: format!("lost between {} and {}{}", s.from, s.to, if solved { "" } else { "; NOT CONVERGED" }),
            ..row("turnbull", s.to, s.fraction)
        }));
    }
    rows
}

fn compared(
    study: &str,
    a: &Animals<'_>,
    b: &Animals<'_>,
    twice: &BTreeSet<&str>,
    params: &StatsParams,
) -> Vec<Effect> {
    let each =
        |of: &Animals<'_>| of.lives.values().map(|l| l.iter().map(lifetime).collect()).collect::<Vec<Vec<Lifetime>>>();
    let (of_a, of_b) = (each(a), each(b));
    let (all_a, all_b) = (of_a.concat(), of_b.concat());
    let row = |test: &str| Effect {
        group_a: a.arm.to_owned(),
        group_b: b.arm.to_owned(),
        n_a: all_a.len(),
        n_b: all_b.len(),
        n_animals_a: of_a.len(),
        n_animals_b: of_b.len(),
        ..Effect::of(study, METRIC, test, "ratio", Scale::Raw)
    };
    let Some(found) = log_rank(&all_a, &all_b) else {
        return vec![Effect { note: "nothing was lost".into(), ..row("log-rank") }];
    };
    let of_test = |test: &str| Effect { estimate: found.ratio, statistic: Some(found.chi_square), ..row(test) };
    let mut rows = vec![Effect {
        df: Some(1.0),
        p_value: Some(found.p_value),
        note: "over spines as if independent".into(),
        ..of_test("log-rank")
    }];
    if !twice.is_empty() {
        return rows;
    }
    let permuted = log_rank_permutation(&[of_a.clone(), of_b.clone()].concat(), of_a.len(), params);
    rows.extend(permuted.map(|(p, splits, exact)| Effect {
        p_value: Some(p),
        note: format!("{} {splits} splits of animals", if exact { "exact, all" } else { "Monte Carlo," }),
        ..of_test("log-rank-permutation")
    }));
    rows
}
