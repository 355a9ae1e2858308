//! From a long table to effects.

use rayon::prelude::*;

use crate::cohort::animals::{Sample, against_baseline, days};
use crate::cohort::arms::{Study, studies};
use crate::cohort::compare::Comparison;
use crate::cohort::long::listed;
use crate::cohort::mixed::model_rows;
use crate::cohort::series::{Observation, Series, series};
use crate::cohort::two_sample::{mean_variance, quantile};
use crate::cohort::{AnimalMean, Effect, Effects, LongTable, Scale, StatsParams, holm};
use crate::error::{Error, Result};

/// Turns a long table into effects, study by study, metric by metric, each arm against the control, day by day:
///
/// - `mean`: of the dendrites and of the animals of each arm, with Student's interval;
/// - `permutation`: the default test, of animals' means ([`permutation()`](crate::cohort::permutation)), its interval of the difference, and of the ratio; `p_adjusted` is Holm's over the days;
/// - `adjusted`: animals as measured, adjusted for their baseline ([`adjusted()`](crate::cohort::adjusted())), where a metric has one: that of all baseline days; fold metrics as a ratio, in logarithms;
/// - `bootstrap`: the interval of the difference by resampling animals ([`bootstrap_t`](crate::cohort::bootstrap_t));
/// - `hedges-g`: the difference in standard deviations of animals' means ([`hedges`](crate::cohort::hedges));
/// - `detectable`: the smallest difference that this many animals, as different as these are, show with the power asked for;
/// - `welch`: over dendrites (or spines) as published, which takes dendrites of one animal for independent ([`welch`](crate::cohort::welch)).
/// - `mixed-model`: a linear mixed model by REML, treatment * day with random intercepts of mouse, cell and dendrite ([`fit_mixed`](crate::cohort::fit_mixed)): the treatment's
///   effect on each day (`difference`), every fixed effect, and the standard deviations.
///
/// All but `welch`, `mean`, `adjusted` and, unless `stats.model_normalised`, `mixed-model` are of normalised values (column `scale`), on days after the baseline. An animal's value is that of all its spines
/// together where the table has denominators, else the mean of its dendrites' means ([`AnimalValue`](crate::cohort::AnimalValue)). What was left out is in [`Effects::remarks`].
///
/// ```
/// use gemmule::cohort::{LongRow, LongTable, StatsParams, stats};
/// let row = |mouse: usize, day: f64| LongRow {
///     treatment: if mouse < 4 { "saline".into() } else { "psilocybin".into() },
///     mouse: mouse.to_string(),
///     dendrite: "1".into(),
///     metric: "density".into(),
///     day,
///     value: Some(if mouse >= 4 && day > 0.0 { 0.55 } else { 0.5 } + 0.001 * mouse as f64 * day),
///     ..LongRow::default()
/// };
/// let rows = (0..8).flat_map(|mouse| [-1.0, 1.0].map(|day| row(mouse, day))).collect();
/// let effects = stats(&LongTable::new(rows, vec![])?, &StatsParams::default())?;
/// let test = effects.rows.iter().find(|e| e.test == "permutation" && e.contrast == "difference").expect("4 against 4");
/// assert_eq!((test.group_a.as_str(), test.group_b.as_str(), test.day), ("psilocybin", "saline", Some(1.0)));
/// assert!(test.estimate.unwrap() > 0.1 && (test.p_value.unwrap() - 2.0 / 70.0).abs() < 1e-12);
/// # Ok::<(), gemmule::error::Error>(())
/// ```
///
/// # Errors
/// [`Error::Parameter`] for parameters out of range, a control that cannot be told, and rows that repeat a dendrite, metric and day unless `stats.repeats` says what to do
/// with them; all of them are listed.
pub fn stats(table: &LongTable, params: &StatsParams) -> Result<Effects> {
    params.validate()?;
    let studies = studies(table, params)?;
    let mut faults = Vec::new();
    let all: Vec<(&Study, Series)> =
        studies.iter().flat_map(|s| series(table, s, params, &mut faults).into_iter().map(move |of| (s, of))).collect();
    if !faults.is_empty() {
        let allowed = "one value per dendrite and day, or what to do with several";
        let remedy = "correct the table, or give --repeats first, mean or all";
        return Err(Error::parameter("long table", listed(&faults), allowed, remedy));
    }
    let mut effects = Effects { remarks: table.remarks(), ..Effects::default() };
    for study in studies.iter().filter(|s| s.control.is_none()) {
        effects.remarks.push(format!("study \"{}\" has one arm only: nothing to compare", study.name));
    }
    // Each series has random numbers of its own, so that the order of work does not matter.
    let parts: Vec<Effects> =
        all.par_iter().enumerate().map(|(n, (s, of))| of_series(s, of, params, n as u64)).collect();
    for part in parts {
        effects.rows.extend(part.rows);
        effects.animals.extend(part.animals);
        effects.models.extend(part.models);
        effects.remarks.extend(part.remarks);
    }
    Ok(effects)
}

/// Random streams kept for each series.
const STREAMS: u64 = 1 << 20;

fn of_series(study: &Study, of: &Series, params: &StatsParams, number: u64) -> Effects {
    let mut found = Effects { remarks: of.remarks.clone(), ..Effects::default() };
    let arms: Vec<&String> = study.arms().collect();
    let scales = [(Scale::Raw, &of.raw), (of.scale, &of.normalised)];
    let scales = &scales[..if of.scale == Scale::Raw { 1 } else { 2 }];
    for &(scale, observations) in scales {
        for (number, arm) in arms.iter().enumerate() {
            describe(&mut found, (study, of), scale, observations, (number, arm), params);
        }
    }
    let mut rows = Vec::new();
    let mut stream = number * STREAMS;
    for treated in 1..arms.len() {
        let places = Comparison { study, of, group_a: arms[treated], group_b: arms[0], params };
        for day in days(&of.normalised).into_iter().filter(|d| of.is_compared(*d, params)) {
            let samples = [treated, 0].map(|arm| Sample::of(&of.normalised, of.scale, arm, day, params.animal_value));
            rows.extend(places.animals(day, &samples[0], &samples[1], stream));
            if of.scale != Scale::Raw {
                let pairs = [treated, 0].map(|arm| against_baseline(&of.raw, arm, day, params));
                rows.push(places.adjusted(day, &pairs, stream));
            }
            stream += 1;
        }
        for &(scale, observations) in scales {
            for day in days(observations) {
                let samples = [treated, 0].map(|arm| Sample::of(observations, scale, arm, day, params.animal_value));
                rows.extend(places.welch(day, scale, &samples[0], &samples[1]));
            }
        }
    }
    if params.model && arms.len() > 1 {
        match model_rows(&study.name, &arms, of, params) {
            Ok((model, of_model)) => {
                rows.extend(of_model);
                found.models.push(model);
            }
            Err(why) => found.remarks.push(why),
        }
    }
    adjust(&mut rows, |row| row.day.is_some_and(|day| of.is_compared(day, params)));
    found.rows.extend(rows);
    found
}

/// Means of an arm, and every animal.
fn describe(
    found: &mut Effects,
    (study, of): (&Study, &Series),
    scale: Scale,
    observations: &[Observation],
    (number, arm): (usize, &String),
    params: &StatsParams,
) {
    for day in days(observations) {
        let sample = Sample::of(observations, scale, number, day, params.animal_value);
        for (contrast, values) in [("dendrites", &sample.values), ("animals", &sample.means())] {
            if values.is_empty() {
                continue;
            }
            let (mean, variance) = mean_variance(values);
            let se = (variance / values.len() as f64).sqrt();
            let se = Some(se).filter(|s| s.is_finite());
            let df = values.len() as f64 - 1.0;
            let half = se.map(|s| s * quantile(0.5 + params.confidence / 2.0, Some(df)));
            let row = Effect::of(&study.name, &of.metric, "mean", contrast, scale)
                .between(half.map(|h| (mean - h, mean + h)));
            found.rows.push(Effect {
                day: Some(day),
                group_a: arm.clone(),
                n_a: sample.values.len(),
                n_animals_a: sample.animals.len(),
                estimate: Some(mean),
                df: se.map(|_| df),
                se,
                ..row
            });
        }
        found.animals.extend(sample.animals.iter().map(|&(mouse, mean, dendrites)| AnimalMean {
            study: study.name.clone(),
            metric: of.metric.clone(),
            scale,
            arm: arm.clone(),
            mouse: of.mice[mouse].clone(),
            day,
            mean,
            dendrites,
        }));
    }
}

/// Holm's correction within each test, contrast, scale and pair of groups.
pub(super) fn adjust(rows: &mut [Effect], compared: impl Fn(&Effect) -> bool) {
    let family = |e: &Effect| (e.test.clone(), e.contrast.clone(), e.scale, e.group_a.clone());
    let mut families: Vec<_> = rows.iter().map(family).collect();
    families.sort();
    families.dedup();
    for name in families {
        let of: Vec<usize> = (0..rows.len())
            .filter(|&n| family(&rows[n]) == name && rows[n].p_value.is_some() && compared(&rows[n]))
            .collect();
        let p: Vec<f64> = of.iter().filter_map(|&n| rows[n].p_value).collect();
        for (&n, adjusted) in of.iter().zip(holm(&p)) {
            rows[n].p_adjusted = Some(adjusted);
        }
    }
}
