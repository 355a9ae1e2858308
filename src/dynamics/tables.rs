//! `dynamics.csv` and `survival.csv`.

use std::path::Path;

use crate::dynamics::interval::{Basis, DendriteLength};
use crate::dynamics::{Bounds, Cohort, DynamicsParams, Interval, SurvivalPoint, bootstrap, intervals, survival};
use crate::error::{Error, Result};
use crate::model::{Session, Track};

/// Columns of `dynamics.csv`.
const DYNAMICS: [&str; 36] = [
    "fov",
    "dendrite_id",
    "session_a",
    "session_b",
    "day_a",
    "day_b",
    "n_a",
    "n_b",
    "scorable_a",
    "persistent",
    "formed",
    "eliminated",
    "unscorable",
    "formation_rate",
    "elimination_rate",
    "turnover_ratio",
    "density_a_per_um",
    "density_b_per_um",
    "length_um",
    "turnover_variant",
    "formation_lower",
    "formation_upper",
    "elimination_lower",
    "elimination_upper",
    "turnover_lower",
    "turnover_upper",
    "expected_scorable_a",
    "expected_persistent",
    "expected_formed",
    "expected_eliminated",
    "expected_formation_rate",
    "expected_elimination_rate",
    "expected_turnover_ratio",
    "formation_per_2_days",
    "corrected_formation_rate",
    "corrected_elimination_rate",
];

/// Columns of `survival.csv`.
const SURVIVAL: [&str; 8] =
    ["fov", "cohort", "session", "day_since", "n_at_risk", "survival_fraction", "lower", "upper"];

fn text(value: Option<f64>) -> String {
    value.map_or_else(String::new, |v| format!("{v:.5}"))
}

/// Writes `dynamics.csv`: one row per interval and dendrite, and one `all` per interval; bounds are
/// [`bootstrap`]'s over the sites, `length_um` is the earlier session's, `formation_per_2_days` the formation rate times 2 days
/// over the interval's days, `corrected_..` the rates from probabilities over the share of such spines that are found. What is not known is empty.
///
/// # Errors
/// As [`intervals`]; [`Error::File`] if the file cannot be written.
pub fn write_dynamics_csv(
    path: impl AsRef<Path>,
    fov: &str,
    sessions: &[Session],
    tracks: &[Track],
    lengths: &[DendriteLength],
    params: &DynamicsParams,
) -> Result<()> {
    let variant = match serde_json::to_value(params.turnover) {
        Ok(serde_json::Value::String(name)) => name,
        other => unreachable!("unit variants are written as strings, not {other:?}"),
    };
    let rows = intervals(sessions, tracks, lengths, params)?.into_iter().map(|interval| {
        let mine: Vec<&Track> =
            tracks.iter().filter(|t| interval.dendrite_id.is_none_or(|d| d == t.dendrite_id)).collect();
        let bounds = bootstrap(&mine, interval.sessions, Basis::Called, params);
        row(fov, sessions, &interval, &bounds, &variant, params)
    });
    write(path.as_ref(), &DYNAMICS, rows)
}

fn row(
    fov: &str,
    sessions: &[Session],
    interval: &Interval,
    bounds: &Bounds,
    variant: &str,
    params: &DynamicsParams,
) -> Vec<String> {
    let (a, b) = (&sessions[interval.sessions.0], &sessions[interval.sessions.1]);
    let (called, expected) = (&interval.called, &interval.expected);
    let (rates, likely) = (called.rates(params.turnover), expected.rates(params.turnover));
    let density = interval.density_per_um();
    let days = a.day.zip(b.day).map(|(a, b)| b - a).filter(|d| *d > 0.0);
    let mut row = vec![
        fov.to_owned(),
        interval.dendrite_id.map_or_else(|| "all".into(), |d| d.to_string()),
        a.name.clone(),
        b.name.clone(),
        text(a.day),
        text(b.day),
        interval.n.0.to_string(),
        interval.n.1.to_string(),
    ];
    row.extend([called.scorable_a, called.persistent, called.formed, called.eliminated].map(|n| n.to_string()));
    row.push(interval.unscorable.to_string());
    row.extend([rates.formation, rates.elimination, rates.turnover, density.0, density.1].map(text));
    row.extend([text(interval.length_um.0), variant.to_owned()]);
    for bound in [bounds.formation, bounds.elimination, bounds.turnover] {
        row.extend([text(bound.map(|b| b.0)), text(bound.map(|b| b.1))]);
    }
    let likely_counts = [expected.scorable_a, expected.persistent, expected.formed, expected.eliminated];
    row.extend(likely_counts.map(|n| text(Some(n))));
    row.extend([likely.formation, likely.elimination, likely.turnover].map(text));
    row.push(text(rates.formation.zip(days).map(|(rate, days)| rate * 2.0 / days)));
    let corrected = interval.corrected.rates(params.turnover);
    row.extend([corrected.formation, corrected.elimination].map(text));
    row
}

/// Writes `survival.csv`: the spines of the first session (`baseline`), then those formed at each later session.
///
/// # Errors
/// As [`survival`]; [`Error::File`] if the file cannot be written.
pub fn write_survival_csv(
    path: impl AsRef<Path>,
    fov: &str,
    sessions: &[Session],
    tracks: &[Track],
    params: &DynamicsParams,
) -> Result<()> {
    let mut rows = Vec::new();
    let cohorts = std::iter::once(Cohort::Baseline).chain((1..sessions.len()).map(Cohort::FormedAt));
    for cohort in cohorts.take(sessions.len()) {
        let name = match cohort {
            Cohort::Baseline => "baseline".to_owned(),
            Cohort::FormedAt(session) => format!("formed-{}", sessions[session].name),
        };
        let point = |p: SurvivalPoint| {
            let mut row = vec![fov.to_owned(), name.clone(), sessions[p.session].name.clone(), text(Some(p.since))];
            row.push(p.n_at_risk.to_string());
            row.extend([p.fraction, p.bounds.0, p.bounds.1].map(|v| text(Some(v))));
            row
        };
        rows.extend(survival(sessions, tracks, cohort, params)?.into_iter().map(point));
    }
    write(path.as_ref(), &SURVIVAL, rows.into_iter())
}

fn write(path: &Path, columns: &[&str], rows: impl Iterator<Item = Vec<String>>) -> Result<()> {
    let failed = |e: &dyn std::fmt::Display| {
        Error::file(path, format!("cannot be written ({e})"), "check the folder, its permissions and the space left")
    };
    let mut writer = csv::Writer::from_path(path).map_err(|e| failed(&e))?;
    writer.write_record(columns).map_err(|e| failed(&e))?;
    for row in rows {
        writer.write_record(row).map_err(|e| failed(&e))?;
    }
    writer.flush().map_err(|e| failed(&e))
}
