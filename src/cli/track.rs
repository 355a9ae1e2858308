//! `gemmule track` and `gemmule audit`.

use std::path::{Path, PathBuf};

use serde_json::json;

use crate::cli::args::{EngineArgs, OutArgs, ParamsArgs, ReviewArgs};
use crate::cli::commands::{self, Voice};
use crate::cli::follow::{Request, Review, follow};
use crate::cli::print;
use crate::cli::read_args::ReadArgs;
use crate::error::Result;
use crate::io::SeriesFile;
use crate::pipeline::{self, AUDIT_FILE, Audit, FileSet, SeenSession, Tracked};

pub(crate) fn track(
    (inputs, review): (&[PathBuf], &ReviewArgs),
    read: &ReadArgs,
    engine: &EngineArgs,
    params: &ParamsArgs,
    out: &OutArgs,
    voice: Voice,
) -> Result<()> {
    let series = &match inputs {
        [one] if one.extension().is_some_and(|e| e.eq_ignore_ascii_case("toml")) => SeriesFile::read(one)?,
        stacks => SeriesFile::of_stacks(stacks)?,
    };
    let params = &commands::read_params(params)?;
    let review = Review {
        curation: review.curation.as_deref(),
        key: review.blind_key.as_deref(),
        tracks: review.curated_tracks.as_deref(),
        blind: review.blind,
    };
    let request = Request { series, read, engine, params, out, review, remark: None };
    let (tracked, files) = follow(&request, &[], voice, &mut |_, _, _| Ok(()))?;
    let summary = pipeline::track_summary(&tracked);
    if voice.json {
        return print::json(&json!({ "result": summary, "files": files }));
    }
    print::line(&format!("{} tracks over {} sessions", tracked.tracks.len(), tracked.sessions.len()))?;
    files.iter().try_for_each(|file| print::line(&format!("  {}", file.display())))
}

/// Opens the results of a blind run.
pub(crate) fn unblind(dir: &Path, voice: Voice) -> Result<()> {
    let files = pipeline::unblind(dir)?;
    if voice.json {
        return print::json(&json!({ "files": files }));
    }
    files.iter().try_for_each(|file| print::line(&format!("  {}", file.display())))
}

/// Two recordings of the same spines: as [`track`], and what of the turnover between them is false.
pub(crate) fn audit(
    stacks: &[PathBuf],
    read: &ReadArgs,
    engine: &EngineArgs,
    params: &ParamsArgs,
    out: &OutArgs,
    voice: Voice,
) -> Result<()> {
    let series = &SeriesFile::of_stacks(stacks)?;
    let params = &commands::read_params(params)?;
    let mut found = None;
    let mut write = |set: &FileSet, tracked: &Tracked, seen: &[SeenSession]| {
        found = Some(pipeline::write_audit(set, tracked, seen, params)?);
        Ok(())
    };
    let remark =
        Some("These are two recordings of the same spines, minutes apart: whatever turnover is shown here is false.");
    let request = Request { series, read, engine, params, out, review: Review::default(), remark };
    let (_, files) = follow(&request, &[AUDIT_FILE], voice, &mut write)?;
    let Some(found) = found else { return Ok(()) };
    if voice.json {
        return print::json(&json!({ "result": found, "files": files }));
    }
    print_audit(&found)?;
    files.iter().try_for_each(|file| print::line(&format!("  {}", file.display())))
}

fn print_audit(found: &Audit) -> Result<()> {
    let percent = |share: f64| format!("{:.1} %", 100.0 * share);
    print::line(&format!("{} spines of the first recording can be judged in the second", found.spines))?;
    for (name, rate) in
        [("falsely called new", found.false_formation), ("falsely called gone", found.false_elimination)]
    {
        print::line(&match rate {
            Some(r) => format!(
                "{name:20} {:>4}  {:>6}  (95 %: {} to {})",
                r.count,
                percent(r.rate),
                percent(r.interval.0),
                percent(r.interval.1)
            ),
            None => format!("{name:20}    -"),
        })?;
    }
    let unscorable = found.unscorable_share.map_or("-".into(), percent);
    print::line(&format!("{:20} {:>4}  {unscorable:>6}", "unscorable", found.unscorable))?;
    print::line(
        "\nsmallest difference in formation rate that a cohort shows\nanimals per group   as audited   without false calls",
    )?;
    found.smallest_effects.iter().try_for_each(|e| {
        print::line(&format!("{:17} {:>12} {:>21}", e.animals, percent(e.difference), percent(e.without_false_calls)))
    })
}
