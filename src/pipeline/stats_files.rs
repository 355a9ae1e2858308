//! The files of `gemmule stats`.

use std::path::{Path, PathBuf};

use serde_json::json;

use crate::cohort::{Effects, read_lives_csv, read_long_csv, stats, survival_effects, write_effects_csv};
use crate::error::Result;
use crate::io;
use crate::pipeline::{FileSet, Params, run_file};

/// Every file of a table's statistics.
pub const STATS_FILES: [&str; 3] = ["effects.csv", "report.html", "run.json"];

/// Reads a long table and, if given, a table of lifetimes, and writes [`STATS_FILES`] to a folder, replacing what is there if the flag of `target` says so. The page is
/// `draw`n by [`crate::report`].
///
/// # Errors
/// As [`read_long_csv`], [`stats()`], [`read_lives_csv`], [`survival_effects`] and `draw`; files that are there already or cannot be written.
pub fn write_stats(
    long: &Path,
    lives: Option<&Path>,
    params: &Params,
    target: (&Path, bool),
    draw: impl FnOnce(&Effects) -> Result<String>,
) -> Result<(Effects, Vec<PathBuf>)> {
    let (dir, force) = target;
    FileSet::check(dir, &STATS_FILES, force)?;
    let table = read_long_csv(long)?;
    let mut effects = stats(&table, &params.stats)?;
    if let Some(lives) = lives {
        let survival = survival_effects(&read_lives_csv(lives)?, &params.stats)?;
        effects.rows.extend(survival.rows);
        effects.remarks.extend(survival.remarks);
    }
    let input = |path: &Path| {
        Ok::<_, crate::error::Error>(json!({ "path": path.display().to_string(), "sha256": io::sha256(path)? }))
    };
    let run = json!({
        "table": input(long)?,
        "rows": table.rows().len(),
        "lifetimes": lives.map(input).transpose()?,
        "parameters": { "stats": params.stats },
        "models": effects.models,
        "remarks": effects.remarks,
    });
    let set = FileSet::new(dir, &STATS_FILES, force)?;
    write_effects_csv(set.path("effects.csv"), &effects)?;
    run_file::write_text(&set, "report.html", &draw(&effects)?)?;
    run_file::write_run(&set, "stats", run)?;
    Ok((effects, set.commit()?))
}
