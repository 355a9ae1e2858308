//! `effects.csv`: what the statistics found.

use std::path::Path;

use serde::Serialize;

use crate::cohort::long::write_csv;
use crate::cohort::{Model, Scale};
use crate::error::Result;

/// Columns of `effects.csv`.
pub const EFFECT_COLUMNS: [&str; 23] = [
    "study",
    "metric",
    "day",
    "test",
    "contrast",
    "group_a",
    "group_b",
    "n_a",
    "n_b",
    "n_animals_a",
    "n_animals_b",
    "estimate",
    "lower",
    "upper",
    "statistic",
    "df",
    "p_value",
    "p_adjusted",
    "note",
    "scale",
    "se",
    "mean_a",
    "mean_b",
];

/// One row of `effects.csv`. A figure that cannot be given is none.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Effect {
    /// Study.
    pub study: String,
    /// What was measured.
    pub metric: String,
    /// Day of the comparison; none for all days together.
    pub day: Option<f64>,
    /// `mean`, `permutation`, `bootstrap`, `hedges-g`, `detectable`, `welch`, `mixed-model`, `kaplan-meier`, `turnbull`, `log-rank` or `log-rank-permutation`.
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

/// The mean of one animal on one day: of its dendrites' means.
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
    /// Mean.
    pub mean: f64,
    /// Dendrites in it.
    pub dendrites: usize,
}

/// What a long table says.
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

/// Writes `effects.csv`, numbers with all their digits; what is not known is an empty cell.
///
/// # Errors
/// [`crate::error::Error::File`] if the file cannot be written.
pub fn write_effects_csv(path: impl AsRef<Path>, effects: &Effects) -> Result<()> {
    let number = |value: Option<f64>| value.map_or_else(String::new, |v| v.to_string());
    let rows = effects.rows.iter().map(|e| {
        let mut row = vec![e.study.clone(), e.metric.clone(), number(e.day), e.test.clone(), e.contrast.clone()];
        row.extend([e.group_a.clone(), e.group_b.clone()]);
        row.extend([e.n_a, e.n_b, e.n_animals_a, e.n_animals_b].map(|n| n.to_string()));
        row.extend([e.estimate, e.lower, e.upper, e.statistic, e.df, e.p_value, e.p_adjusted].map(number));
        row.extend([e.note.clone(), e.scale.name().to_owned()]);
        row.extend([e.se, e.mean_a, e.mean_b].map(number));
        row
    });
    write_csv(path.as_ref(), std::iter::once(EFFECT_COLUMNS.map(String::from).to_vec()).chain(rows))
}
