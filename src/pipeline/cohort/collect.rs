//! Reads back what every series left on disk.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use crate::error::{Error, Result};
use crate::io::{CohortSeries, Manifest};
use crate::pipeline::Params;
use crate::pipeline::cohort::{CohortParams, state};

/// A cohort's results as they are on disk. See the example of [`crate::pipeline::run_cohort`].
#[derive(Clone, Debug, Default)]
pub struct Collected {
    /// One per series, in the manifest's order.
    pub series: Vec<CollectedSeries>,
    /// What does not count, and why.
    pub exclusions: Vec<Exclusion>,
}

/// Results of one series. See the example of [`crate::pipeline::run_cohort`].
#[derive(Clone, Debug, Default)]
pub struct CollectedSeries {
    /// Why it failed, if it did.
    pub failed: Option<String>,
    /// Sessions that nothing is judged in, and why.
    pub left_out: Vec<String>,
    /// Values of the dendrites that count.
    pub values: Vec<DendriteValue>,
    /// Spines formed on those.
    pub new_spines: Vec<NewSpine>,
    /// Sites on all dendrites.
    pub sites: usize,
    /// Its `run.json`.
    pub run: Value,
}

/// One value. See the example of [`crate::pipeline::run_cohort`].
#[derive(Clone, Debug, PartialEq)]
pub struct DendriteValue {
    /// Number of the dendrite in its field.
    pub dendrite: u32,
    /// Position of the session.
    pub session: usize,
    /// What was measured.
    pub metric: String,
    /// Its unit.
    pub unit: String,
    /// The value.
    pub value: f64,
    /// What it is over: spines of the session before for a rate, µm for a density, spines for a mean.
    pub denominator: f64,
}

/// A spine that was formed; numbers are positions of sessions. See the example of [`crate::pipeline::run_cohort`].
#[derive(Clone, Debug, PartialEq)]
pub struct NewSpine {
    /// Its dendrite.
    pub dendrite: u32,
    /// First session that has it.
    pub formed: usize,
    /// Last session known to have it.
    pub last: usize,
    /// First session after that known not to.
    pub lost: Option<usize>,
    /// Contrast over the smallest that would be seen, when first seen.
    pub contrast: Option<f64>,
    /// The same at its place in the session before.
    pub contrast_before: Option<f64>,
    /// Whether its survival counts ([`crate::dynamics::is_followed`]).
    pub followed: bool,
}

/// Something that does not count. See the example of [`crate::pipeline::run_cohort`].
#[derive(Clone, Debug, PartialEq)]
pub struct Exclusion {
    /// Series by `animal/fov`.
    pub series: String,
    /// The dendrite, or empty for the whole series.
    pub dendrite: String,
    /// Why.
    pub reason: String,
}

/// Reads the results of all series. See the example of [`crate::pipeline::run_cohort`].
///
/// # Errors
/// [`Error::Parameter`] that names every series that was not run, or was run from other stacks, parameters or version; [`Error::File`] for results that cannot be read.
pub fn collect(manifest: &Manifest, params: &Params, dir: &Path) -> Result<Collected> {
    let mut all = Collected::default();
    let mut missing = Vec::new();
    for series in &manifest.series {
        let folder = state::folder(dir, series);
        let record = state::record(&folder);
        let key = state::key(series, params).ok();
        match record {
            Some(record) if record.key == key => {
                let read = if let Some(reason) = record.failed {
                    all.exclusions.push(exclusion(series, "", format!("failed: {reason}")));
                    CollectedSeries { failed: Some(reason), ..CollectedSeries::default() }
                } else {
                    read(&folder, series, &params.cohort, &mut all.exclusions)?
                };
                all.series.push(read);
            }
            _ => missing.push(series.name()),
        }
    }
    if missing.is_empty() {
        return Ok(all);
    }
    Err(Error::parameter(
        "series without results from these stacks, parameters and version",
        missing.join(", "),
        "none",
        "run `gemmule cohort` (or the missing shards) with the same manifest, parameters and -o first",
    ))
}

fn exclusion(series: &CohortSeries, dendrite: &str, reason: String) -> Exclusion {
    Exclusion { series: series.name(), dendrite: dendrite.into(), reason }
}

fn read(
    folder: &Path,
    series: &CohortSeries,
    params: &CohortParams,
    exclusions: &mut Vec<Exclusion>,
) -> Result<CollectedSeries> {
    let values = values(&folder.join("values.csv"))?;
    let of = |metric: &str| {
        let mut sums: BTreeMap<u32, (f64, usize)> = BTreeMap::new();
        for v in values.iter().filter(|v| v.metric == metric) {
            let sum = sums.entry(v.dendrite).or_default();
            *sum = (sum.0 + v.value, sum.1 + 1);
        }
        sums
    };
    let (lengths, sites) = (of("scorable_length"), of("sites"));
    let mut counts = Vec::new();
    for (dendrite, (sum, n)) in &lengths {
        let (length_um, on_it) = (sum / *n as f64, sites.get(dendrite).map_or(0.0, |s| s.0));
        let seen = dendrite.to_string();
        if length_um < params.min_length_um {
            let reason =
                format!("{length_um:.1} µm scorable, fewer than cohort.min_length_um = {}", params.min_length_um);
            exclusions.push(exclusion(series, &seen, reason));
        } else if on_it < params.min_sites as f64 {
            let reason = format!("{on_it} sites with a spine, fewer than cohort.min_sites = {}", params.min_sites);
            exclusions.push(exclusion(series, &seen, reason));
        } else {
            counts.push(*dendrite);
        }
    }
    let run = std::fs::read_to_string(folder.join("run.json")).ok().and_then(|t| serde_json::from_str(&t).ok());
    let run: Value = run.unwrap_or_default();
    let left_out = left_out(&run);
    exclusions.extend(left_out.iter().map(|reason| exclusion(series, "", reason.clone())));
    let inner = |v: &DendriteValue| v.metric == "sites" || v.metric == "scorable_length";
    Ok(CollectedSeries {
        failed: None,
        left_out,
        sites: sites.values().map(|s| s.0 as usize).sum(),
        new_spines: new_spines(&folder.join("new_spines.csv"))?
            .into_iter()
            .filter(|s| counts.contains(&s.dendrite))
            .collect(),
        values: values.iter().filter(|v| counts.contains(&v.dendrite) && !inner(v)).cloned().collect(),
        run,
    })
}

fn left_out(run: &Value) -> Vec<String> {
    let text = |out: &Value, key: &str| out[key].as_str().unwrap_or_default().to_owned();
    let one = |out: &Value| format!("session {} left out: {}", text(out, "session"), text(out, "why"));
    run["result"]["left_out"].as_array().into_iter().flatten().map(one).collect()
}

fn rows(path: &Path) -> Result<Vec<csv::StringRecord>> {
    let failed =
        |e: csv::Error| Error::file(path, format!("cannot be read ({e})"), "run the series again with --force");
    csv::Reader::from_path(path).map_err(failed)?.records().collect::<std::result::Result<_, _>>().map_err(failed)
}

fn damaged(path: &Path) -> Error {
    Error::file(path, "is not as gemmule wrote it", "run the series again with --force")
}

fn values(path: &Path) -> Result<Vec<DendriteValue>> {
    let one = |row: &csv::StringRecord| {
        Some(DendriteValue {
            dendrite: row.get(0)?.parse().ok()?,
            session: row.get(1)?.parse().ok()?,
            metric: row.get(2)?.to_owned(),
            unit: row.get(3)?.to_owned(),
            value: row.get(4)?.parse().ok()?,
            denominator: row.get(5)?.parse().ok()?,
        })
    };
    rows(path)?.iter().map(|row| one(row).ok_or_else(|| damaged(path))).collect()
}

fn new_spines(path: &Path) -> Result<Vec<NewSpine>> {
    let one = |row: &csv::StringRecord| {
        Some(NewSpine {
            dendrite: row.get(1)?.parse().ok()?,
            formed: row.get(2)?.parse().ok()?,
            last: row.get(3)?.parse().ok()?,
            lost: row.get(4)?.parse().ok(),
            contrast: row.get(5)?.parse().ok(),
            contrast_before: row.get(6)?.parse().ok(),
            followed: row.get(7)? == "1",
        })
    };
    rows(path)?.iter().map(|row| one(row).ok_or_else(|| damaged(path))).collect()
}
