//! The mixed model of a series, as rows of effects.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::cohort::mixed::design::{Factor, Term, column, crossed, name};
use crate::cohort::series::{Observation, Series};
use crate::cohort::two_sample::{quantile, two_sided};
use crate::cohort::{Effect, MixedDesign, MixedFit, ModelDf, Scale, StatsParams, fit_mixed};

/// A mixed model fitted to one metric of one study.
///
/// ```
/// use gemmule::cohort::{LongRow, LongTable, StatsParams, stats};
/// let row = |mouse: usize, day: f64| LongRow {
///     treatment: if mouse < 4 { "saline".into() } else { "psilocybin".into() },
///     mouse: mouse.to_string(),
///     dendrite: "1".into(),
///     metric: "density".into(),
///     day,
///     value: Some(0.5 + 0.02 * ((mouse * 7 + (day as usize) * 3) % 5) as f64),
///     ..LongRow::default()
/// };
/// let rows = (0..8).flat_map(|mouse| [0.0, 1.0, 2.0].map(|day| row(mouse, day))).collect();
/// let effects = stats(&LongTable::new(rows, vec![])?, &StatsParams::default())?;
/// assert!(effects.models[0].formula.contains("mouse"));
/// assert_eq!(effects.models[0].fit.n, 24);
/// # Ok::<(), gemmule::error::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Model {
    /// Study.
    pub study: String,
    /// What was measured.
    pub metric: String,
    /// Scale of the values.
    pub scale: Scale,
    /// Formula in the notation of R.
    pub formula: String,
    /// The fit.
    pub fit: MixedFit,
}

/// A linear combination of coefficients.
struct Contrast {
    weights: Vec<(usize, f64)>,
    /// Whether it differs between animals only.
    between: bool,
    what: String,
}

struct Setup<'a> {
    observations: Vec<&'a Observation>,
    factors: Vec<Factor>,
    terms: Vec<Term>,
    scale: Scale,
}

/// Effects of the mixed model of a series: every fixed effect, standard deviations, and the treatment's effect on each day; or why there is none, as a remark.
pub(in crate::cohort) fn model_rows(
    study: &str,
    arms: &[&String],
    of: &Series,
    params: &StatsParams,
) -> std::result::Result<(Model, Vec<Effect>), String> {
    let why = |problem: String| format!("{study} {}: no mixed model, {problem}", of.metric);
    let normalised = params.model_normalised && of.scale != Scale::Raw;
    let (scale, all) = if normalised { (of.scale, &of.normalised) } else { (Scale::Raw, &of.raw) };
    // Normalised to the baseline, its days say nothing.
    let observations: Vec<&Observation> = all.iter().filter(|o| !normalised || of.is_compared(o.day, params)).collect();
    let factors = factors(&observations, arms, params).map_err(why)?;
    let terms = crossed(&factors);
    let n = observations.len();
    let columns = terms.iter().map(|t| (name(t, &factors), column(t, &factors, n))).collect();
    let (groups, mut notes) = groups(&observations);
    if groups.is_empty() {
        return Err(why("one value per animal".into()));
    }
    let nesting: Vec<String> = groups.iter().map(|g| g.0.clone()).collect();
    let fixed: Vec<&str> = factors.iter().map(|f| f.name).collect();
    let formula = format!("value ~ {} + (1 | {})", fixed.join(" * "), nesting.join("/"));
    let design = MixedDesign { y: observations.iter().map(|o| o.value).collect(), columns, groups };
    let fit = fit_mixed(&design).map_err(|e| why(e.to_string()))?;
    if !fit.converged {
        notes.push("NOT CONVERGED".into());
    }
    if fit.singular {
        let zero: Vec<&str> = fit.sd.iter().filter(|s| s.1 < 1e-4 * fit.residual_sd).map(|s| s.0.as_str()).collect();
        notes.push(format!("singular: no variance of {}", zero.join(", ")));
    }
    if !fit.dropped.is_empty() {
        notes.push(format!("columns left out, determined by others: {}", fit.dropped.join(", ")));
    }
    notes.insert(0, format!("REML {:.4}, {formula}", fit.reml_criterion));
    let setup = Setup { observations, factors, terms, scale };
    let rows = setup.rows(study, arms, of, &fit, params, &notes.join("; "));
    let model = Model { study: study.into(), metric: of.metric.clone(), scale, formula, fit };
    Ok((model, rows))
}

/// Treatment, day and whatever else is crossed; factors of one level are left out.
fn factors(
    observations: &[&Observation],
    arms: &[&String],
    params: &StatsParams,
) -> std::result::Result<Vec<Factor>, String> {
    let factor = |name: &'static str, of: Vec<String>, levels: Vec<String>| {
        let present: BTreeSet<&String> = of.iter().collect();
        let levels: Vec<String> = levels.into_iter().filter(|l| present.contains(l)).collect();
        let of = of.iter().map(|v| levels.iter().position(|l| l == v).unwrap_or_default()).collect();
        Factor { name, levels, of }
    };
    let texts = |name: &'static str, of: fn(&Observation) -> &String| {
        let of: Vec<String> = observations.iter().map(|o| of(o).clone()).collect();
        if of.iter().any(String::is_empty) {
            return Err(format!("{name} is a factor of it but not known of every value"));
        }
        let levels: BTreeSet<String> = of.iter().cloned().collect();
        Ok(factor(name, of, levels.into_iter().collect()))
    };
    let owned: Vec<&Observation> = observations.to_vec();
    let days = crate::cohort::animals::days(&owned.iter().map(|o| (*o).clone()).collect::<Vec<_>>());
    let mut factors = vec![
        factor(
            "treatment",
            owned.iter().map(|o| arms[o.arm].clone()).collect(),
            arms.iter().map(|a| (*a).clone()).collect(),
        ),
        factor(
            "day",
            owned.iter().map(|o| o.day.to_string()).collect(),
            days.iter().map(ToString::to_string).collect(),
        ),
    ];
    if factors[0].levels.len() < 2 {
        return Err("one arm only".into());
    }
    if params.model_sex {
        factors.push(texts("sex", |o| &o.sex)?);
    }
    if params.model_cell_type {
        factors.push(texts("cell_type", |o| &o.cell_type)?);
    }
    factors.retain(|f| f.levels.len() > 1);
    Ok(factors)
}

/// Nested groups by name, each value's group as a number.
type Groups = Vec<(String, Vec<usize>)>;

/// Animal, cell (or field of view) and dendrite, without levels that cannot be told from the one above or from the residuals.
fn groups(observations: &[&Observation]) -> (Groups, Vec<String>) {
    let mut cells: BTreeMap<(usize, &str), usize> = BTreeMap::new();
    for o in observations {
        let next = cells.len();
        cells.entry((o.mouse, &o.cell)).or_insert(next);
    }
    let levels: [(&str, Vec<usize>); 3] = [
        ("mouse", observations.iter().map(|o| o.mouse).collect()),
        ("cell", observations.iter().map(|o| cells[&(o.mouse, o.cell.as_str())]).collect()),
        ("dendrite", observations.iter().map(|o| o.dendrite).collect()),
    ];
    let count = |of: &[usize]| of.iter().collect::<BTreeSet<_>>().len();
    let (mut kept, mut notes): (Groups, Vec<String>) = (Vec::new(), Vec::new());
    for (name, of) in levels {
        let here = count(&of);
        if here >= observations.len() {
            notes.push(format!("no intercepts of {name}: one value each"));
        } else if kept.last().is_some_and(|above| count(&above.1) == here) {
            notes.push(format!("no intercepts of {name}: one in each {}", kept[kept.len() - 1].0));
        } else {
            kept.push((name.to_owned(), of));
        }
    }
    (kept, notes)
}

impl Setup<'_> {
    fn rows(
        &self,
        study: &str,
        arms: &[&String],
        of: &Series,
        fit: &MixedFit,
        params: &StatsParams,
        note: &str,
    ) -> Vec<Effect> {
        let position = |term: &Term| fit.coefficients.iter().position(|c| c.name == name(term, &self.factors));
        let row = |contrast: &str| Effect {
            n_a: fit.n,
            note: note.to_owned(),
            ..Effect::of(study, &of.metric, "mixed-model", contrast, self.scale)
        };
        let mut rows = Vec::new();
        for day in crate::cohort::animals::days(&of.raw).into_iter().filter(|d| of.is_compared(*d, params)) {
            for treated in 1..arms.len() {
                let Some(Contrast { weights, between, what }) = self.contrast(arms[treated], day, of, &position) else {
                    continue;
                };
                let estimate: f64 = weights.iter().map(|(k, w)| w * fit.coefficients[*k].estimate).sum();
                let squares =
                    |(i, a): &(usize, f64)| weights.iter().map(|(j, b)| a * b * fit.covariance[*i][*j]).sum::<f64>();
                let se = weights.iter().map(squares).sum::<f64>().max(0.0).sqrt();
                let counted = |arm: usize| self.observations.iter().filter(move |o| o.arm == arm && o.day == day);
                let animals = |arm: usize| counted(arm).map(|o| o.mouse).collect::<BTreeSet<_>>().len();
                let tested = self.tested(row("difference"), estimate, se, between, params);
                rows.push(Effect {
                    day: Some(day),
                    group_a: arms[treated].clone(),
                    group_b: arms[0].clone(),
                    n_a: counted(treated).count(),
                    n_b: counted(0).count(),
                    n_animals_a: animals(treated),
                    n_animals_b: animals(0),
                    note: format!("{what}; {note}"),
                    ..tested
                });
            }
        }
        for (term, coefficient) in self.terms.iter().filter_map(|t| Some((t, &fit.coefficients[position(t)?]))) {
            let of_term = row(&coefficient.name);
            rows.push(self.tested(of_term, coefficient.estimate, coefficient.se, self.is_between(term), params));
        }
        let residual = ("residual".to_owned(), fit.residual_sd);
        rows.extend(
            fit.sd
                .iter()
                .chain([&residual])
                .map(|(group, sd)| Effect { estimate: Some(*sd), ..row(&format!("sd {group}")) }),
        );
        rows
    }

    /// Whether all factors of a term differ between animals only.
    fn is_between(&self, term: &Term) -> bool {
        term.iter().all(|&(f, _)| ["treatment", "sex"].contains(&self.factors[f].name))
    }

    fn tested(&self, row: Effect, estimate: f64, se: f64, between: bool, params: &StatsParams) -> Effect {
        let df = match params.model_df {
            ModelDf::Normal => None,
            ModelDf::BetweenWithin => {
                let animals = self.observations.iter().map(|o| o.mouse).collect::<BTreeSet<_>>().len();
                let of = self.terms.iter().filter(|t| self.is_between(t) == between).count();
                let units = if between { animals } else { self.observations.len() - animals };
                Some(units.saturating_sub(of) as f64)
            }
        };
        let usable = df.is_none_or(|df| df >= 1.0) && se > 0.0;
        let half = usable.then(|| quantile(0.5 + params.confidence / 2.0, df) * se);
        Effect {
            estimate: Some(estimate),
            se: Some(se),
            df,
            statistic: usable.then(|| estimate / se),
            p_value: usable.then(|| two_sided(estimate / se, df)),
            ..row.between(half.map(|h| (estimate - h, estimate + h)))
        }
    }

    /// Weights of the coefficients in the treatment's effect on a day: its change from the baseline day where the model holds that, else the difference on the day; averaged over
    /// the levels of other factors. None where a column that it needs was left out.
    fn contrast(
        &self,
        arm: &str,
        day: f64,
        of: &Series,
        position: &impl Fn(&Term) -> Option<usize>,
    ) -> Option<Contrast> {
        let level = |f: &Factor, name: &str| f.levels.iter().position(|l| l == name);
        let treated = level(&self.factors[0], arm)?;
        let days = self.factors.iter().position(|f| f.name == "day");
        let at = days.map_or(Some(0), |d| level(&self.factors[d], &day.to_string()))?;
        let from =
            days.and_then(|d| level(&self.factors[d], &of.baseline?.to_string())).filter(|_| self.scale == Scale::Raw);
        let mut weights = Vec::new();
        for term in self.terms.iter().filter(|t| t.contains(&(0, treated))) {
            let on = |l: usize| f64::from(u8::from(term.iter().all(|&(f, at)| Some(f) != days || at == l)));
            // Of a level of another factor, the share of that factor's levels.
            let others = term.iter().filter(|&&(f, _)| f != 0 && Some(f) != days);
            let share: f64 = others.map(|&(f, _)| 1.0 / self.factors[f].levels.len() as f64).product();
            let weight = share * (on(at) - from.map_or(0.0, on));
            if weight != 0.0 {
                weights.push((position(term)?, weight));
            }
        }
        let what = match from {
            Some(_) => format!(
                "difference in the change from day {}, taken to be alike in all animals of an arm",
                of.baseline.unwrap_or_default()
            ),
            None => "difference on the day".to_owned(),
        };
        Some(Contrast { weights, between: from.is_none(), what })
    }
}
