//! `effects.csv`: what the statistics found.

use std::path::Path;

use serde::Serialize;

use crate::cohort::{Model, Scale};
use crate::columns::Columns;
use crate::error::Result;

/// One row of `effects.csv`. A figure that cannot be given is none. See the example of [`crate::cohort::stats()`].
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Effect {
    /// Study.
    pub study: String,
    /// What was measured.
    pub metric: String,
    /// Day of the comparison; none for all days together.
    pub day: Option<f64>,
    /// `mean`, `permutation`, `adjusted`, `bootstrap`, `hedges-g`, `detectable`, `welch`, `mixed-model`, `kaplan-meier`, `turnbull`, `log-rank` or `log-rank-permutation`.
    pub test: String,
    /// `difference` (a - b), `ratio` (a / b), `standardised`, `dendrites` or `animals` (of a mean), `survival`, or a term of the mixed model.
    pub contrast: String,
    /// The treated arm, or the only one.
    pub group_a: String,
    /// The control.
    pub group_b: String,
    /// Values of group a.
    pub n_a: usize,
    /// Values of group b.
    pub n_b: usize,
    /// Animals of group a.
    pub n_animals_a: usize,
    /// Animals of group b.
    pub n_animals_b: usize,
    /// The effect.
    pub estimate: Option<f64>,
    /// Lower end of its interval.
    pub lower: Option<f64>,
    /// Upper end.
    pub upper: Option<f64>,
    /// Statistic of the test.
    pub statistic: Option<f64>,
    /// Its degrees of freedom.
    pub df: Option<f64>,
    /// Two-sided p value.
    pub p_value: Option<f64>,
    /// The same after Holm's correction over the days.
    pub p_adjusted: Option<f64>,
    /// How it was made, and what a reader should know.
    pub note: String,
    /// Scale of the values.
    pub scale: Scale,
    /// Standard error.
    pub se: Option<f64>,
    /// Mean of group a, of the unit tested.
    pub mean_a: Option<f64>,
    /// Mean of group b.
    pub mean_b: Option<f64>,
}

impl Effect {
    /// A row in which nothing but its place is known.
    pub(super) fn of(study: &str, metric: &str, test: &str, contrast: &str, scale: Scale) -> Self {
        Self {
            study: study.into(),
            metric: metric.into(),
            day: None,
            test: test.into(),
            contrast: contrast.into(),
            group_a: String::new(),
            group_b: String::new(),
            n_a: 0,
            n_b: 0,
            n_animals_a: 0,
            n_animals_b: 0,
            estimate: None,
            lower: None,
            upper: None,
            statistic: None,
            df: None,
            p_value: None,
            p_adjusted: None,
            note: String::new(),
            scale,
            se: None,
            mean_a: None,
            mean_b: None,
        }
    }

    /// The row with an interval.
    pub(super) fn between(mut self, interval: Option<(f64, f64)>) -> Self {
        (self.lower, self.upper) = interval.unzip();
        self
    }
}

/// The value of one animal on one day ([`crate::cohort::AnimalValue`]). See the example of [`crate::cohort::stats()`].
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AnimalMean {
    /// Study.
    pub study: String,
    /// What was measured.
    pub metric: String,
    /// Scale of the mean.
    pub scale: Scale,
    /// The animal's arm.
    pub arm: String,
    /// The animal.
    pub mouse: String,
    /// Day.
    pub day: f64,
    /// Its value: a mean, or that of all its spines together.
    pub mean: f64,
    /// Dendrites in it.
    pub dendrites: usize,
}

/// What a long table says. See the example of [`crate::cohort::stats()`].
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Effects {
    /// Rows of `effects.csv`.
    pub rows: Vec<Effect>,
    /// Every animal on every day, raw and normalised: for figures.
    pub animals: Vec<AnimalMean>,
    /// Every mixed model that was fitted.
    pub models: Vec<Model>,
    /// What was left out or is odd.
    pub remarks: Vec<String>,
}

impl Effects {
    /// The row of the test adjusted for baseline that compares what `of` compares; none where the metric has no baseline.
    ///
    /// ```
    /// use gemmule::cohort::{LongRow, LongTable, StatsParams, stats};
    /// let row = |mouse: usize, day: f64| LongRow {
    ///     treatment: if mouse < 3 { "saline".into() } else { "ketamine".into() },
    ///     mouse: mouse.to_string(),
    ///     dendrite: "1".into(),
    ///     metric: "density".into(),
    ///     day,
    ///     value: Some(0.5 + 0.01 * mouse as f64 * (day + 2.0)),
    ///     ..LongRow::default()
    /// };
    /// let rows = (0..6).flat_map(|mouse| [-1.0, 1.0].map(|day| row(mouse, day))).collect();
    /// let effects = stats(&LongTable::new(rows, vec![])?, &StatsParams::default())?;
    /// let default = effects.rows.iter().find(|e| e.test == "permutation" && e.contrast == "difference").expect("a test");
    /// let adjusted = effects.adjusted(default).expect("day -1 is a baseline");
    /// assert_eq!((adjusted.contrast.as_str(), adjusted.day), ("ratio", Some(1.0))); // densities are compared as ratios
    /// # Ok::<(), gemmule::error::Error>(())
    /// ```
    pub fn adjusted(&self, of: &Effect) -> Option<&Effect> {
        let same =
            |e: &&Effect| (&e.study, &e.metric, &e.group_a, e.day) == (&of.study, &of.metric, &of.group_a, of.day);
        self.rows.iter().filter(|e| e.test == "adjusted").find(same)
    }
}

/// The table of effects; written, numbers have all their digits.
///
/// ```
/// use gemmule::cohort::{LongRow, LongTable, StatsParams, effects_table, stats, write_effects_csv};
/// let row = |mouse: usize, day: f64| LongRow {
///     treatment: if mouse < 3 { "saline".into() } else { "ketamine".into() },
///     mouse: mouse.to_string(),
///     dendrite: "1".into(),
///     metric: "density".into(),
///     day,
///     value: Some(0.5 + 0.01 * mouse as f64 * (day + 2.0)),
///     ..LongRow::default()
/// };
/// let rows = (0..6).flat_map(|mouse| [-1.0, 1.0].map(|day| row(mouse, day))).collect();
/// let effects = stats(&LongTable::new(rows, vec![])?, &StatsParams::default())?;
/// let table = effects_table(&effects);
/// assert_eq!(table.rows(), effects.rows.len());
/// assert!(table.get("p_adjusted").is_some());
///
/// let dir = tempfile::tempdir().unwrap();
/// write_effects_csv(dir.path().join("effects.csv"), &effects)?;
/// assert_eq!(std::fs::read_to_string(dir.path().join("effects.csv")).unwrap(), table.to_csv());
/// # Ok::<(), gemmule::error::Error>(())
/// ```
pub fn effects_table(effects: &Effects) -> Columns {
    let count = |n: usize| Some(n as i64);
    Columns::of(&effects.rows, None)
        .text("study", |e| e.study.clone())
        .text("metric", |e| e.metric.clone())
        .number("day", |e| e.day)
        .text("test", |e| e.test.clone())
        .text("contrast", |e| e.contrast.clone())
        .text("group_a", |e| e.group_a.clone())
        .text("group_b", |e| e.group_b.clone())
        .integer("n_a", |e| count(e.n_a))
        .integer("n_b", |e| count(e.n_b))
        .integer("n_animals_a", |e| count(e.n_animals_a))
        .integer("n_animals_b", |e| count(e.n_animals_b))
        .number("estimate", |e| e.estimate)
        .number("lower", |e| e.lower)
        .number("upper", |e| e.upper)
        .number("statistic", |e| e.statistic)
        .number("df", |e| e.df)
        .number("p_value", |e| e.p_value)
        .number("p_adjusted", |e| e.p_adjusted)
        .text("note", |e| e.note.clone())
        .text("scale", |e| e.scale.name().to_owned())
        .number("se", |e| e.se)
        .number("mean_a", |e| e.mean_a)
        .number("mean_b", |e| e.mean_b)
        .done()
}

/// Writes `effects.csv`: [`effects_table`]. See the example of [`effects_table`].
///
/// # Errors
/// [`crate::error::Error::File`] if the file cannot be written.
pub fn write_effects_csv(path: impl AsRef<Path>, effects: &Effects) -> Result<()> {
    effects_table(effects).write_csv(path)
}
