//! The tables of a cohort.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::json;

use crate::cohort::{self, Effects, LongRow, LongTable};
use crate::columns::Column;
use crate::error::{Error, Result};
use crate::io::{self, CohortSeries, Manifest};
use crate::pipeline::cohort::survival::{self, SurvivalRow};
use crate::pipeline::cohort::{Collected, CollectedSeries};
use crate::pipeline::{FileSet, Params, run_file};

/// Files of a cohort beside its series; `report.html` and the figures are drawn by [`crate::report`].
pub const COHORT_FILES: [&str; 8] = [
    "cohort_long.csv",
    "cohort_long.parquet",
    "cohort_wide.csv",
    "effects.csv",
    "survival.csv",
    "series.csv",
    "exclusions.csv",
    "run.json",
];

/// What the tables and the report of a cohort are made from. See the example of [`crate::pipeline::run_cohort`].
#[derive(Clone, Debug)]
pub struct CohortTables {
    /// The tidy table.
    pub long: LongTable,
    /// What it says.
    pub effects: Effects,
    /// Survival of new spines.
    pub survival: Vec<SurvivalRow>,
}

/// Joins the results with the manifest's columns and analyses them.
///
/// In a crossover an animal counts once per treatment, as `animal:treatment`: its treatments are compared as if in different animals, which
/// is cautious where animals differ. See the example of [`crate::pipeline::run_cohort`].
///
/// # Errors
/// As [`LongTable::new`]; what keeps the statistics from being made is a remark, not an error: the tables stand without them.
pub fn cohort_tables(manifest: &Manifest, collected: &Collected, params: &Params) -> Result<CohortTables> {
    let mut rows = Vec::new();
    for (series, results) in manifest.series.iter().zip(&collected.series) {
        rows.extend(long_rows(series, results, &manifest.carried));
    }
    let long = LongTable::new(rows, extra_columns(&manifest.carried))?;
    let effects = if long.rows().is_empty() {
        Effects { remarks: vec!["no series has results: nothing to compare".into()], ..Effects::default() }
    } else {
        cohort::stats(&long, &params.stats)
            .unwrap_or_else(|e| Effects { remarks: vec![e.to_string()], ..Effects::default() })
    };
    let survival = survival::of_cohort(manifest, collected, params.stats.last_baseline_day);
    Ok(CohortTables { long, effects, survival })
}

/// Carried columns that the long table has a place for stand there.
fn extra_columns(carried: &[String]) -> Vec<String> {
    let known = |c: &&String| !cohort::LONG_COLUMNS.contains(&c.as_str());
    ["session".to_owned()].into_iter().chain(carried.iter().filter(known).cloned()).collect()
}

fn long_rows(series: &CohortSeries, results: &CollectedSeries, carried: &[String]) -> Vec<LongRow> {
    let columns = extra_columns(carried);
    let crossed = series.sessions.iter().any(|s| s.value("treatment") != series.sessions[0].value("treatment"));
    let declared = series.sessions[0].value("crossover") == "true";
    results
        .values
        .iter()
        .map(|v| {
            let s = &series.sessions[v.session];
            let text = |column: &str| s.value(column).to_owned();
            let mouse = if crossed || declared {
                format!("{}:{}", series.animal, s.value("treatment"))
            } else {
                series.animal.clone()
            };
            LongRow {
                study: text("study"),
                group: text("group"),
                treatment: text("treatment"),
                mouse,
                sex: text("sex"),
                fov: series.fov.clone(),
                dendrite: v.dendrite.to_string(),
                cell: text("cell"),
                cell_type: text("cell_type"),
                metric: v.metric.clone(),
                unit: v.unit.clone(),
                day: s.session.day.unwrap_or_default(),
                value: Some(v.value),
                denominator: Some(v.denominator),
                extra: columns.iter().map(|c| if c == "session" { s.session.name.clone() } else { text(c) }).collect(),
                ..LongRow::default()
            }
        })
        .collect()
}

/// Writes [`COHORT_FILES`]. See the example of [`crate::pipeline::run_cohort`].
///
/// # Errors
/// [`Error::File`] if one cannot be written.
pub fn write_cohort(
    set: &FileSet,
    manifest: (&Manifest, &Path),
    collected: &Collected,
    tables: &CohortTables,
    params: &Params,
) -> Result<()> {
    cohort::write_long_csv(set.path("cohort_long.csv"), &tables.long)?;
    io::write_long_parquet(set.path("cohort_long.parquet"), &parquet_columns(&tables.long))?;
    wide(&set.path("cohort_wide.csv"), &tables.long)?;
    cohort::write_effects_csv(set.path("effects.csv"), &tables.effects)?;
    survival::write(&set.path("survival.csv"), &tables.survival)?;
    write_rows(&set.path("series.csv"), &SERIES, series_rows(manifest.0, collected))?;
    let excluded = collected.exclusions.iter().map(|e| vec![e.series.clone(), e.dendrite.clone(), e.reason.clone()]);
    write_rows(&set.path("exclusions.csv"), &["series", "dendrite", "reason"], excluded)?;
    let failed = collected.series.iter().filter(|s| s.failed.is_some()).count();
    let run = json!({
        "manifest": { "path": manifest.1.display().to_string(), "sha256": io::sha256(manifest.1)? },
        "parameters": params,
        "result": {
            "series": collected.series.len(),
            "failed": failed,
            "exclusions": collected.exclusions.len(),
            "remarks": tables.effects.remarks,
        },
    });
    run_file::write_run(set, "cohort", run)
}

/// Columns of `series.csv`.
const SERIES: [&str; 13] = [
    "study",
    "group",
    "treatment",
    "mouse",
    "sex",
    "fov",
    "status",
    "reason",
    "sessions",
    "sites",
    "unscorable_share",
    "worst_registration_median_um",
    "worst_registration_inlier_share",
];

fn series_rows<'a>(manifest: &'a Manifest, collected: &'a Collected) -> impl Iterator<Item = Vec<String>> + 'a {
    manifest.series.iter().zip(&collected.series).map(|(series, results)| {
        let first = &series.sessions[0];
        let quality = Quality::of(results);
        let number = |v: Option<f64>| v.map_or_else(String::new, |v| format!("{v:.4}"));
        let mut row: Vec<String> = ["study", "group", "treatment"].map(|c| first.value(c).to_owned()).to_vec();
        row.extend([series.animal.clone(), first.value("sex").to_owned(), series.fov.clone()]);
        row.push(if results.failed.is_some() { "failed" } else { "done" }.into());
        let reason = results.failed.clone().unwrap_or_else(|| results.left_out.join("; "));
        row.extend([reason, series.sessions.len().to_string()]);
        row.push(results.sites.to_string());
        row.extend([quality.unscorable, quality.median_um, quality.inliers].map(number));
        row
    })
}

/// How far a series can be trusted. See the example of [`crate::pipeline::run_cohort`].
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Quality {
    /// Share of calls that could not be made.
    pub unscorable: Option<f64>,
    /// Median distance of the lines of the pair of sessions that fits worst, µm.
    pub median_um: Option<f64>,
    /// Share of lines that agree in the pair that fits worst.
    pub inliers: Option<f64>,
}

impl Quality {
    /// Read from the series' `run.json`. See the example of [`crate::pipeline::run_cohort`].
    pub fn of(results: &CollectedSeries) -> Self {
        let result = &results.run["result"];
        let list = |v: &serde_json::Value| v.as_array().cloned().unwrap_or_default();
        let (mut calls, mut blind) = (0.0, 0.0);
        for session in list(&result["sessions"]) {
            let count = |key: &str| session[key].as_f64().unwrap_or_default();
            blind += count("unscorable");
            calls += count("present") + count("absent") + count("unscorable");
        }
        let fits: Vec<serde_json::Value> = list(&result["pairs"]).iter().map(|p| p["registration"].clone()).collect();
        let of = |key: &str| fits.iter().filter_map(|f| f[key].as_f64()).collect::<Vec<_>>();
        Self {
            unscorable: (calls > 0.0).then(|| blind / calls),
            median_um: of("median_um").into_iter().reduce(f64::max),
            inliers: of("inlier_share").into_iter().reduce(f64::min),
        }
    }
}

/// One row per dendrite and measure, a column per day.
fn wide(path: &Path, long: &LongTable) -> Result<()> {
    let mut days: Vec<f64> = long.rows().iter().map(|r| r.day).collect();
    days.sort_by(f64::total_cmp);
    days.dedup();
    let mut table: BTreeMap<Vec<String>, Vec<String>> = BTreeMap::new();
    for r in long.rows() {
        let id = [&r.study, &r.group, &r.treatment, &r.mouse, &r.sex, &r.fov, &r.dendrite, &r.metric, &r.unit];
        let cells = table.entry(id.map(String::clone).to_vec()).or_insert_with(|| vec![String::new(); days.len()]);
        if let Some(column) = days.iter().position(|d| *d == r.day) {
            cells[column] = r.value.map_or_else(String::new, |v| v.to_string());
        }
    }
    let mut columns: Vec<String> =
        ["study", "group", "treatment", "mouse", "sex", "fov", "dendrite", "metric", "unit"].map(String::from).to_vec();
    columns.extend(days.iter().map(|d| format!("day_{d}")));
    let names: Vec<&str> = columns.iter().map(String::as_str).collect();
    write_rows(path, &names, table.into_iter().map(|(id, cells)| id.into_iter().chain(cells).collect()))
}

pub(super) fn write_rows(path: &Path, columns: &[&str], rows: impl Iterator<Item = Vec<String>>) -> Result<()> {
    let failed = |e: &dyn std::fmt::Display| Error::file(path, format!("cannot be written ({e})"), "check the disk");
    let mut writer = csv::Writer::from_path(path).map_err(|e| failed(&e))?;
    writer.write_record(columns).map_err(|e| failed(&e))?;
    for row in rows {
        writer.write_record(row).map_err(|e| failed(&e))?;
    }
    writer.flush().map_err(|e| failed(&e))
}

/// The long table by columns.
fn parquet_columns(long: &LongTable) -> Vec<(String, Column)> {
    let rows = long.rows();
    let text = |of: &dyn Fn(&LongRow) -> &String| Column::Text(rows.iter().map(|r| of(r).clone()).collect());
    let mut columns: Vec<(String, Column)> = vec![
        ("study".into(), text(&|r| &r.study)),
        ("group".into(), text(&|r| &r.group)),
        ("treatment".into(), text(&|r| &r.treatment)),
        ("mouse".into(), text(&|r| &r.mouse)),
        ("sex".into(), text(&|r| &r.sex)),
        ("fov".into(), text(&|r| &r.fov)),
        ("dendrite".into(), text(&|r| &r.dendrite)),
        ("cell".into(), text(&|r| &r.cell)),
        ("cell_type".into(), text(&|r| &r.cell_type)),
        ("spine".into(), text(&|r| &r.spine)),
        ("metric".into(), text(&|r| &r.metric)),
        ("unit".into(), text(&|r| &r.unit)),
        ("day".into(), Column::Number(rows.iter().map(|r| Some(r.day)).collect())),
        ("value".into(), Column::Number(rows.iter().map(|r| r.value).collect())),
        ("denominator".into(), Column::Number(rows.iter().map(|r| r.denominator).collect())),
    ];
    for (n, name) in long.extra_columns().iter().enumerate() {
        columns.push((name.clone(), text(&|r| &r.extra[n])));
    }
    columns
}
