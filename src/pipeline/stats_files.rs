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
/// ```
/// use gemmule::pipeline::{Params, write_stats};
/// use gemmule::report::stats_html;
/// let dir = tempfile::tempdir().unwrap();
/// let (long, to) = (dir.path().join("long.csv"), dir.path().join("effects"));
/// let mut rows = "treatment,mouse,dendrite,metric,day,value\n".to_owned();
/// for mouse in 0..8 {
///     let treatment = if mouse < 4 { "saline" } else { "psilocybin" };
///     rows += &format!("{treatment},{mouse},1,density,-1,0.5\n{treatment},{mouse},1,density,1,0.5{mouse}\n");
/// }
/// std::fs::write(&long, rows).unwrap();
/// let (effects, files) = write_stats(&long, None, &Params::default(), (&to, false), stats_html)?;
/// assert!(effects.rows.iter().any(|row| row.test == "permutation"));
/// assert!(files.contains(&to.join("report.html")));
/// # Ok::<(), gemmule::error::Error>(())
/// ```
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
