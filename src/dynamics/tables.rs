//! `dynamics.csv` and `survival.csv`.

use std::path::Path;

use crate::columns::Columns;
use crate::dynamics::interval::{Basis, DendriteLength};
use crate::dynamics::{Bounds, Cohort, DynamicsParams, Interval, SurvivalPoint, bootstrap, intervals, survival};
use crate::error::Result;
use crate::model::{Session, Track};

/// Decimals of what is written.
const DECIMALS: Option<usize> = Some(5);

/// The table of dynamics: one row per interval and dendrite, and one `all` per interval; bounds are
/// [`bootstrap`]'s over the sites, `length_um` is the earlier session's, `formation_per_2_days` the formation rate times 2 days
/// over the interval's days, `corrected_..` the rates from probabilities over the share of such spines that are found. Written, numbers have five decimals.
///
/// ```
/// use gemmule::columns::Column;
/// use gemmule::dynamics::{DendriteLength, DynamicsParams, dynamics_table, survival_table};
/// use gemmule::model::{Call, Session, Status, Track};
/// let sessions = [0.0, 2.0].map(|day| Session { name: day.to_string(), day: Some(day) });
/// let calls = [Status::Present, Status::Absent].map(|status| Call::bare(status, None)).to_vec();
/// let tracks = [Track { track_id: 1, dendrite_id: 1, s_um: 3.0, calls }];
/// let lengths = [0, 1].map(|session| DendriteLength { session, dendrite_id: 1, length_um: 10.0 });
/// let params = DynamicsParams::default();
/// let table = dynamics_table("m1", &sessions, &tracks, &lengths, &params)?;
/// assert_eq!(table.get("dendrite_id"), Some(&Column::Text(vec!["1".into(), "all".into()])));
/// assert_eq!(table.get("elimination_rate"), Some(&Column::Number(vec![Some(1.0); 2])));
/// assert_eq!(survival_table("m1", &sessions, &tracks, &params)?.rows(), 3); // two of the baseline, one of what came at the second
/// # Ok::<(), gemmule::error::Error>(())
/// ```
///
/// # Errors
/// As [`intervals`].
pub fn dynamics_table(
    fov: &str,
    sessions: &[Session],
    tracks: &[Track],
    lengths: &[DendriteLength],
    params: &DynamicsParams,
) -> Result<Columns> {
    type Row = (Interval, Bounds);
    let variant = match serde_json::to_value(params.turnover) {
        Ok(serde_json::Value::String(name)) => name,
        other => unreachable!("unit variants are written as strings, not {other:?}"),
    };
    let bounded = |interval: Interval| {
        let mine: Vec<&Track> =
            tracks.iter().filter(|t| interval.dendrite_id.is_none_or(|d| d == t.dendrite_id)).collect();
        let bounds = bootstrap(&mine, interval.sessions, Basis::Called, params);
        (interval, bounds)
    };
    let rows: Vec<Row> = intervals(sessions, tracks, lengths, params)?.into_iter().map(bounded).collect();
    let (a, b) = (|i: &Interval| &sessions[i.sessions.0], |i: &Interval| &sessions[i.sessions.1]);
    let days = |i: &Interval| a(i).day.zip(b(i).day).map(|(a, b)| b - a).filter(|d| *d > 0.0);
    let rates = |i: &Interval| i.called.rates(params.turnover);
    let likely = |i: &Interval| i.expected.rates(params.turnover);
    let corrected = |i: &Interval| i.corrected.rates(params.turnover);
    let count = |n: usize| Some(n as i64);
    // What was called is counted in ones.
    let whole = |n: f64| Some(n as i64);
    let table = Columns::of(&rows, DECIMALS)
        .text("fov", |_| fov.to_owned())
        .text("dendrite_id", |(i, _)| i.dendrite_id.map_or_else(|| "all".into(), |d| d.to_string()))
        .text("session_a", |(i, _)| a(i).name.clone())
        .text("session_b", |(i, _)| b(i).name.clone())
        .number("day_a", |(i, _)| a(i).day)
        .number("day_b", |(i, _)| b(i).day)
        .integer("n_a", |(i, _)| count(i.n.0))
        .integer("n_b", |(i, _)| count(i.n.1))
        .integer("scorable_a", |(i, _)| whole(i.called.scorable_a))
        .integer("persistent", |(i, _)| whole(i.called.persistent))
        .integer("formed", |(i, _)| whole(i.called.formed))
        .integer("eliminated", |(i, _)| whole(i.called.eliminated))
        .integer("unscorable", |(i, _)| count(i.unscorable))
        .number("formation_rate", |(i, _)| rates(i).formation)
        .number("elimination_rate", |(i, _)| rates(i).elimination)
        .number("turnover_ratio", |(i, _)| rates(i).turnover)
        .number("density_a_per_um", |(i, _)| i.density_per_um().0)
        .number("density_b_per_um", |(i, _)| i.density_per_um().1)
        .number("length_um", |(i, _)| i.length_um.0)
        .text("turnover_variant", |_| variant.clone())
        .number("formation_lower", |(_, b)| b.formation.map(|b| b.0))
        .number("formation_upper", |(_, b)| b.formation.map(|b| b.1))
        .number("elimination_lower", |(_, b)| b.elimination.map(|b| b.0))
        .number("elimination_upper", |(_, b)| b.elimination.map(|b| b.1))
        .number("turnover_lower", |(_, b)| b.turnover.map(|b| b.0))
        .number("turnover_upper", |(_, b)| b.turnover.map(|b| b.1))
        .number("expected_scorable_a", |(i, _)| Some(i.expected.scorable_a))
        .number("expected_persistent", |(i, _)| Some(i.expected.persistent))
        .number("expected_formed", |(i, _)| Some(i.expected.formed))
        .number("expected_eliminated", |(i, _)| Some(i.expected.eliminated))
        .number("expected_formation_rate", |(i, _)| likely(i).formation)
        .number("expected_elimination_rate", |(i, _)| likely(i).elimination)
        .number("expected_turnover_ratio", |(i, _)| likely(i).turnover)
        .number("formation_per_2_days", |(i, _)| rates(i).formation.zip(days(i)).map(|(rate, days)| rate * 2.0 / days))
        .number("corrected_formation_rate", |(i, _)| corrected(i).formation)
        .number("corrected_elimination_rate", |(i, _)| corrected(i).elimination);
    Ok(table.done())
}

/// The table of survival: the spines of the first session (`baseline`), then those formed at each later session. See the example of [`dynamics_table`].
///
/// # Errors
/// As [`survival`].
pub fn survival_table(fov: &str, sessions: &[Session], tracks: &[Track], params: &DynamicsParams) -> Result<Columns> {
    let mut rows: Vec<(String, SurvivalPoint)> = Vec::new();
    let cohorts = std::iter::once(Cohort::Baseline).chain((1..sessions.len()).map(Cohort::FormedAt));
    for cohort in cohorts.take(sessions.len()) {
        let name = match cohort {
            Cohort::Baseline => "baseline".to_owned(),
            Cohort::FormedAt(session) => format!("formed-{}", sessions[session].name),
        };
        rows.extend(survival(sessions, tracks, cohort, params)?.into_iter().map(|p| (name.clone(), p)));
    }
    let table = Columns::of(&rows, DECIMALS)
        .text("fov", |_| fov.to_owned())
        .text("cohort", |(name, _)| name.clone())
        .text("session", |(_, p)| sessions[p.session].name.clone())
        .number("day_since", |(_, p)| Some(p.since))
        .integer("n_at_risk", |(_, p)| Some(p.n_at_risk as i64))
        .number("survival_fraction", |(_, p)| Some(p.fraction))
        .number("lower", |(_, p)| Some(p.bounds.0))
        .number("upper", |(_, p)| Some(p.bounds.1));
    Ok(table.done())
}

/// Writes `dynamics.csv`: [`dynamics_table`].
///
/// ```
/// use gemmule::dynamics::{DynamicsParams, write_dynamics_csv, write_survival_csv};
/// use gemmule::model::{Call, Session, Status, Track};
/// let dir = tempfile::tempdir().unwrap();
/// let sessions = [0.0, 2.0].map(|day| Session { name: day.to_string(), day: Some(day) });
/// let tracks = [Track { track_id: 1, dendrite_id: 1, s_um: 3.0, calls: vec![Call::bare(Status::Present, None); 2] }];
/// let params = DynamicsParams::default();
/// write_dynamics_csv(dir.path().join("dynamics.csv"), "m1", &sessions, &tracks, &[], &params)?;
/// write_survival_csv(dir.path().join("survival.csv"), "m1", &sessions, &tracks, &params)?;
/// let written = std::fs::read_to_string(dir.path().join("survival.csv")).unwrap();
/// assert!(written.lines().nth(1).is_some_and(|line| line.contains("baseline")));
/// # Ok::<(), gemmule::error::Error>(())
/// ```
///
/// # Errors
/// As [`dynamics_table`]; [`crate::error::Error::File`] if the file cannot be written.
pub fn write_dynamics_csv(
    path: impl AsRef<Path>,
    fov: &str,
    sessions: &[Session],
    tracks: &[Track],
    lengths: &[DendriteLength],
    params: &DynamicsParams,
) -> Result<()> {
    dynamics_table(fov, sessions, tracks, lengths, params)?.write_csv(path)
}

/// Writes `survival.csv`: [`survival_table`]. See the example of [`write_dynamics_csv`].
///
/// # Errors
/// As [`survival_table`]; [`crate::error::Error::File`] if the file cannot be written.
pub fn write_survival_csv(
    path: impl AsRef<Path>,
    fov: &str,
    sessions: &[Session],
    tracks: &[Track],
    params: &DynamicsParams,
) -> Result<()> {
    survival_table(fov, sessions, tracks, params)?.write_csv(path)
}
