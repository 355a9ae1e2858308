//! Two arms of one metric, day by day.

use crate::cohort::animals::Sample;
use crate::cohort::arms::Study;
use crate::cohort::series::Series;
use crate::cohort::two_sample::mean_variance;
use crate::cohort::{Effect, Scale, StatsParams, adjusted, bootstrap_t, hedges, permutation, welch};
use crate::statistics::smallest_difference_between;

/// Two arms of one metric.
pub(super) struct Comparison<'a> {
    pub(super) study: &'a Study,
    pub(super) of: &'a Series,
    pub(super) group_a: &'a str,
    pub(super) group_b: &'a str,
    pub(super) params: &'a StatsParams,
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
    pub(super) fn animals(&self, day: f64, a: &Sample, b: &Sample, stream: u64) -> Vec<Effect> {
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

    pub(super) fn welch(&self, day: f64, scale: Scale, a: &Sample, b: &Sample) -> Option<Effect> {
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

    /// Animals' values as measured, adjusted for their own baseline: of fold metrics in logarithms, as a ratio. `pairs` are (value, baseline) of either arm.
    pub(super) fn adjusted(&self, day: f64, pairs: &[Vec<(f64, f64)>; 2], stream: u64) -> Effect {
        let logs = self.of.scale == Scale::Fold;
        let contrast = if logs { "ratio" } else { "difference" };
        let row = Effect {
            day: Some(day),
            group_a: self.group_a.into(),
            group_b: self.group_b.into(),
            n_a: pairs[0].len(),
            n_b: pairs[1].len(),
            n_animals_a: pairs[0].len(),
            n_animals_b: pairs[1].len(),
            ..Effect::of(&self.study.name, &self.of.metric, "adjusted", contrast, Scale::Raw)
        };
        if logs && pairs.iter().flatten().any(|v| v.0 <= 0.0 || v.1 <= 0.0) {
            return Effect { note: "a mean or a baseline is not positive: no ratio".into(), ..row };
        }
        let of = |pairs: &[(f64, f64)]| -> Vec<(f64, f64)> {
            pairs.iter().map(|v| if logs { (v.0.ln(), v.1.ln()) } else { *v }).collect()
        };
        let Some(found) = adjusted(&of(&pairs[0]), &of(&pairs[1]), self.params, stream) else {
            let note = "fewer than two animals with a baseline in a group, or six in all: no slope".into();
            return Effect { note, ..row };
        };
        let back = |v: f64| if logs { v.exp() } else { v };
        let all = if found.exact { "exact, all" } else { "Monte Carlo," };
        let few = if found.interval.is_none() { "; too few animals for an interval of this confidence" } else { "" };
        Effect {
            estimate: Some(back(found.difference)),
            statistic: Some(found.t),
            p_value: Some(found.p_value),
            mean_a: Some(back(found.means.0)),
            mean_b: Some(back(found.means.1)),
            note: format!(
                "animals adjusted for their baseline, slope {:.2}{}; {all} {} splits; interval by inversion{few}",
                found.slope,
                if logs { " in logarithms" } else { "" },
                found.splits
            ),
            ..row.between(found.interval.map(|(low, high)| (back(low), back(high))))
        }
    }
}
