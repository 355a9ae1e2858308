//! What is on disk of a series, and whether it is what would be made now.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::error::{Error, Result};
use crate::io::{self, CohortSeries};
use crate::pipeline::{Params, run_file};

/// Written last: a folder without it was not finished.
const RECORD: &str = "series.json";

/// What a finished series says about itself.
///
/// ```
/// use gemmule::pipeline::SeriesRecord;
/// let record: SeriesRecord = serde_json::from_str(r#"{"key": "ba7816bf", "failed": "no dendrite", "files": {}}"#).unwrap();
/// assert!(record.files.is_empty() && record.failed.as_deref() == Some("no dendrite"));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SeriesRecord {
    /// Checksum of inputs, parameters and version; none where an input could not be read.
    pub key: Option<String>,
    /// Why there are no results; none where there are.
    pub failed: Option<String>,
    /// SHA-256 of the files that the tables of the cohort are made from.
    pub files: BTreeMap<String, String>,
}

/// One of several parts of a cohort, run apart: every `of`-th series.
///
/// ```
/// use gemmule::pipeline::Shard;
/// let second: Shard = "2/3".parse()?;
/// assert_eq!((0..6).filter(|&k| second.has(k)).collect::<Vec<_>>(), [1, 4]);
/// assert!("4/3".parse::<Shard>().is_err());
/// # Ok::<(), String>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// From 1.
    pub number: usize,
    /// How many there are.
    pub of: usize,
}

impl std::str::FromStr for Shard {
    type Err = String;

    /// `i/n`, 1 <= i <= n.
    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let parts = text.split_once('/').and_then(|(a, b)| Some((a.parse().ok()?, b.parse().ok()?)));
        match parts {
            Some((number, of)) if number >= 1 && number <= of => Ok(Self { number, of }),
            _ => Err("i/n with i from 1 to n, e.g. 2/8".into()),
        }
    }
}

impl Shard {
    /// Whether it has the series at a position of the manifest. See the example of [`Shard`].
    pub fn has(self, position: usize) -> bool {
        position % self.of == self.number - 1
    }
}

/// The folder of a series' results.
pub(super) fn folder(dir: &Path, series: &CohortSeries) -> PathBuf {
    dir.join("series").join(&series.animal).join(&series.fov)
}

/// Checksum of everything that decides the results of a series.
///
/// # Errors
/// [`Error::File`] if a stack cannot be read.
pub(super) fn key(series: &CohortSeries, params: &Params) -> Result<String> {
    let mut sessions = Vec::new();
    for s in &series.sessions {
        sessions.push(json!({
            "name": s.session.name,
            "day": s.session.day,
            "sha256": io::stack_sha256(&s.path)?,
            "voxel_um": s.options.voxel_size,
            "channel": s.options.channel,
            "time": s.options.time,
        }));
    }
    let all = json!({
        "version": env!("CARGO_PKG_VERSION"),
        "series": [series.animal, series.fov],
        "sessions": sessions,
        "parameters": run_file::used(params),
    });
    Ok(io::sha256_of(all.to_string().as_bytes()))
}

/// The record in a folder, if the series was finished and its files are as they were.
pub(super) fn record(folder: &Path) -> Option<SeriesRecord> {
    let text = std::fs::read_to_string(folder.join(RECORD)).ok()?;
    let record: SeriesRecord = serde_json::from_str(&text).ok()?;
    let intact = |(name, sum): (&String, &String)| io::sha256(folder.join(name)).is_ok_and(|s| s == *sum);
    record.files.iter().all(intact).then_some(record)
}

/// Writes the record, whole or not at all, with the checksums of `names`.
pub(super) fn write_record(folder: &Path, key: Option<String>, failed: Option<String>, names: &[&str]) -> Result<()> {
    let mut files = BTreeMap::new();
    for name in names {
        files.insert((*name).to_owned(), io::sha256(folder.join(name))?);
    }
    let cannot =
        |e: &dyn std::fmt::Display| Error::file(folder, format!("cannot be written to ({e})"), "check the disk");
    std::fs::create_dir_all(folder).map_err(|e| cannot(&e))?;
    let text = format!("{:#}\n", json!(SeriesRecord { key, failed, files }));
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(|e| cannot(&e))?;
    std::io::Write::write_all(&mut file, text.as_bytes()).map_err(|e| cannot(&e))?;
    // What was renamed without being written out could be empty after a power cut.
    file.as_file().sync_all().map_err(|e| cannot(&e))?;
    file.persist(folder.join(RECORD)).map_err(|e| cannot(&e))?;
    Ok(())
}

/// Empties the folder of a series: what is half done or made otherwise must not be mixed with what will be made. The record goes first.
pub(super) fn clear(folder: &Path) -> Result<()> {
    let cannot = |e: std::io::Error| Error::file(folder, format!("cannot be replaced ({e})"), "check its permissions");
    match std::fs::remove_file(folder.join(RECORD)) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(cannot(e)),
        _ => {}
    }
    match std::fs::remove_dir_all(folder) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(cannot(e)),
        _ => std::fs::create_dir_all(folder).map_err(cannot),
    }
}
