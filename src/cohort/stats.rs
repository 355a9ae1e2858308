//! From a long table to effects.

use rayon::prelude::*;

use crate::cohort::animals::{Sample, days};
use crate::cohort::arms::{Study, studies};
use crate::cohort::long::listed;
use crate::cohort::mixed::model_rows;
use crate::cohort::series::{Observation, Series, series};
use crate::cohort::two_sample::{mean_variance, quantile};
use crate::cohort::{
    AnimalMean, Effect, Effects, LongTable, Scale, StatsParams, bootstrap_t, hedges, holm, permutation, welch,
};
use crate::error::{Error, Result};
use crate::statistics::smallest_difference_between;

/// Turns a long table into effects, study by study, metric by metric, each arm against the control, day by day:
///
/// - `mean`: of the dendrites and of the animals of each arm, with Student's interval;
/// - `permutation`: the default test, of animals' means ([`permutation()`]), its interval of the difference, and of the ratio; `p_adjusted` is Holm's over the days;
/// - `bootstrap`: the interval of the difference by resampling animals ([`bootstrap_t`]);
/// - `hedges-g`: the difference in standard deviations of animals' means ([`hedges`]);
/// - `detectable`: the smallest difference that this many animals, as different as these are, show with the power asked for;
/// - `welch`: over dendrites (or spines) as published, which takes dendrites of one animal for independent ([`welch`]).
/// - `mixed-model`: a linear mixed model by REML, treatment * day with random intercepts of mouse, cell and dendrite ([`fit_mixed`](crate::cohort::fit_mixed)): the treatment's
///   effect on each day (`difference`), every fixed effect, and the standard deviations.
///
/// All but `welch`, `mean` and, unless `stats.model_normalised`, `mixed-model` are of normalised values (column `scale`), on days after the baseline. An animal's value is that of all its spines
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

struct Comparison<'a> {
    study: &'a Study,
    of: &'a Series,
    group_a: &'a str,
    group_b: &'a str,
    params: &'a StatsParams,
}

impl Comparison<'_> {
    fn row(&self, test: &str, contrast: &str, scale: Scale, day: f64, a: &Sample, b: &Sample) -> Effect {
        Effect {
            day: Some(day),
            group_a: self.group_a.into(),
            group_b: self.group_b.into(),
            n_a: a.values.len(),
            n_b: b.values.len(),
            n_animals_a: a.animals.len(),
            n_animals_b: b.animals.len(),
            ..Effect::of(&self.study.name, &self.of.metric, test, contrast, scale)
        }
    }

    /// Everything that takes animals as units.
    fn animals(&self, day: f64, a: &Sample, b: &Sample, stream: u64) -> Vec<Effect> {
        let (params, scale) = (self.params, self.of.scale);
        let (means_a, means_b) = (a.means(), b.means());
        let row = |test: &str, contrast: &str| self.row(test, contrast, scale, day, a, b);
        let Some(tested) = permutation(&means_a, &means_b, params, stream) else {
            let note = "fewer than two animals in a group: no test".to_owned();
            return vec![Effect { note, ..row("permutation", "difference") }];
        };
        let ((mean_a, var_a), (mean_b, var_b)) = (mean_variance(&means_a), mean_variance(&means_b));
        let drawn = if tested.exact { "exact, all" } else { "Monte Carlo," };
        let of = if a.pooled && b.pooled { "animals, each pooled over its spines" } else { "animals" };
        let mut note = format!("{drawn} {} splits of {of}; interval by inversion", tested.splits);
        if tested.difference.is_none() {
            note += "; too few animals for an interval of this confidence";
        }
        let difference = Effect {
            estimate: Some(mean_a - mean_b),
            statistic: Some(tested.t),
            p_value: Some(tested.p_value),
            mean_a: Some(mean_a),
            mean_b: Some(mean_b),
            note: note.clone(),
            ..row("permutation", "difference").between(tested.difference)
        };
        let mut rows = vec![difference];
        rows.extend(self.ratio(&means_a, &means_b, stream, Effect { note, ..row("permutation", "ratio") }));
        let resampled = bootstrap_t(&means_a, &means_b, params, stream);
        rows.push(Effect {
            estimate: Some(mean_a - mean_b),
            mean_a: Some(mean_a),
            mean_b: Some(mean_b),
            note: format!("studentised, {} resamples of animals", params.resamples),
            ..row("bootstrap", "difference").between(resampled)
        });
        let g = hedges(&means_a, &means_b, params.confidence);
        rows.push(Effect {
            estimate: g.map(|g| g.g),
            note: "in standard deviations of animals' means; interval from the non-central t".into(),
            ..row("hedges-g", "standardised").between(g.map(|g| g.interval))
        });
        let (na, nb) = (means_a.len(), means_b.len());
        let sd = (((na as f64 - 1.0) * var_a + (nb as f64 - 1.0) * var_b) / (na + nb - 2) as f64).sqrt();
        rows.push(Effect {
            estimate: smallest_difference_between((na, nb), sd, 1.0 - params.confidence, params.power),
            note: format!(
                "difference shown with power {} by these animals, of standard deviation {sd:.4}",
                params.power
            ),
            ..row("detectable", "difference")
        });
        rows
    }

    /// Ratio of the animals' means, of fold changes that of 1 + change.
    fn ratio(&self, a: &[f64], b: &[f64], stream: u64, mut row: Effect) -> Option<Effect> {
        let above = match self.of.scale {
            Scale::Raw => 0.0,
            Scale::Fold => 1.0,
            Scale::Difference => return None,
        };
        let lifted = |values: &[f64]| values.iter().map(|v| v + above).collect::<Vec<f64>>();
        let (a, b) = (lifted(a), lifted(b));
        let tested = permutation(&a, &b, self.params, stream)?;
        let (mean_a, mean_b) = (mean_variance(&a).0, mean_variance(&b).0);
        if a.iter().chain(&b).any(|v| *v <= 0.0) {
            row.note += "; no interval: a mean is not positive";
        }
        let row = Effect { estimate: Some(mean_a / mean_b), ..row.between(tested.ratio) };
        (mean_b > 0.0).then_some(row)
    }

    fn welch(&self, day: f64, scale: Scale, a: &Sample, b: &Sample) -> Option<Effect> {
        let found = welch(&a.values, &b.values, self.params.confidence)?;
        Some(Effect {
            estimate: Some(found.difference),
            statistic: Some(found.t),
            df: Some(found.df),
            p_value: Some(found.p_value),
            se: Some(found.se),
            mean_a: Some(mean_variance(&a.values).0),
            mean_b: Some(mean_variance(&b.values).0),
            note: "over dendrites (or spines) as if independent".into(),
            ..self.row("welch", "difference", scale, day, a, b).between(Some(found.interval))
        })
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
