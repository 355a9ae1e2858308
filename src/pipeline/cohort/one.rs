//! One series of a cohort: as `gemmule track`, and the rows it adds to the cohort's tables.

use std::path::Path;

use serde_json::json;

use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::io::{self, CohortSeries};
use crate::model::Session;
use crate::pipeline::cohort::{Pictures, state, values};
use crate::pipeline::{self, DETECT_FILES, FileSet, Origin, Params, SeenSession, Tracked, run_file};
use crate::progress::Progress;

/// Files of a series in a cohort, beside those of its sessions.
pub const SERIES_FILES: [&str; 8] = [
    "tracks.csv",
    "links.csv",
    "dynamics.csv",
    "survival.csv",
    "strips.png",
    "values.csv",
    "new_spines.csv",
    "run.json",
];

/// What the cohort's tables are made from.
pub(super) const TABLES: [&str; 3] = ["values.csv", "new_spines.csv", "run.json"];

/// Why a series has no results: what is wrong with its stacks, or something that would stop every other series too.
pub(super) enum Stop {
    Series(Error),
    All(Error),
}

/// A fault of the input fails this series only; a full disk, a lost GPU or Ctrl-C end the run.
fn of_input(error: Error) -> Stop {
    if error.is_bad_input() { Stop::Series(error) } else { Stop::All(error) }
}

/// As [`of_input`], for reading a stack: one that is too large for the memory allowed fails its series only.
fn of_stack(error: Error) -> Stop {
    if matches!(error, Error::Memory { .. }) { Stop::Series(error) } else { of_input(error) }
}

/// What every series is run with.
#[derive(Clone, Copy)]
pub(super) struct Tools<'a> {
    pub(super) engine: &'a Engine,
    pub(super) params: &'a Params,
    pub(super) pictures: Option<&'a dyn Pictures>,
}

/// Runs a series and writes everything but its record.
pub(super) fn run(
    folder: &Path,
    series: &CohortSeries,
    tools: Tools<'_>,
    progress: &mut dyn Progress,
) -> std::result::Result<(), Stop> {
    let (mut seen, mut origins) = (Vec::new(), Vec::new());
    for s in &series.sessions {
        let (stack, sha256) = io::read_stack_summed(&s.path, &s.options).map_err(of_stack)?;
        let (found, kept) = pipeline::see(tools.engine, &stack, tools.params, progress).map_err(of_input)?;
        let with = |name: &&str| tools.pictures.is_some() || *name != "overlay.png";
        let names: Vec<&str> = DETECT_FILES.into_iter().filter(with).collect();
        let set = FileSet::new(&folder.join(format!("session-{}", s.session.name)), &names, true).map_err(Stop::All)?;
        let origin = Origin { path: &s.path, sha256: &sha256, channel: s.options.channel, time: s.options.time };
        pipeline::write_detect(&set, &found, &stack, tools.engine, tools.params, origin).map_err(Stop::All)?;
        if let Some(pictures) = tools.pictures {
            let title = format!("{} session {}", series.name(), s.session.name);
            pictures.overlay(&set.path("overlay.png"), &stack, &found, &title).map_err(Stop::All)?;
        }
        set.commit().map_err(Stop::All)?;
        let noise = found.noise;
        origins.push(json!({
            "session": s.session.name,
            "day": s.session.day,
            "path": s.path.display().to_string(),
            "sha256": sha256,
            "channel": s.options.channel,
            "time": s.options.time,
            "voxel_um": stack.voxel_size,
            "noise": noise,
        }));
        seen.push(kept);
    }
    let sessions: Vec<Session> = series.sessions.iter().map(|s| s.session.clone()).collect();
    let tracked = pipeline::track(&seen, &sessions, tools.params, progress).map_err(of_input)?;
    write(folder, series, (&tracked, &seen), &origins, tools).map_err(Stop::All)
}

fn write(
    folder: &Path,
    series: &CohortSeries,
    (tracked, seen): (&Tracked, &[SeenSession]),
    origins: &[serde_json::Value],
    tools: Tools<'_>,
) -> Result<()> {
    let names: Vec<&str> =
        SERIES_FILES.into_iter().filter(|n| tools.pictures.is_some() || *n != "strips.png").collect();
    let set = FileSet::new(folder, &names, true)?;
    pipeline::write_track(&set, (&series.name(), tracked, seen), origins, tools.engine, tools.params)?;
    if let Some(pictures) = tools.pictures {
        let mut stack = |k: usize| io::read_stack(&series.sessions[k].path, &series.sessions[k].options);
        pictures.strips(&set.path("strips.png"), &series.name(), tracked, &mut stack)?;
    }
    run_file::write_text(&set, "values.csv", &values::of_dendrites(tracked, seen, tools.params)?)?;
    run_file::write_text(&set, "new_spines.csv", &values::new_spines(tracked, tools.params)?)?;
    set.commit()?;
    Ok(())
}

/// Runs a series and leaves its record, done or failed.
pub(super) fn finish(
    folder: &Path,
    series: &CohortSeries,
    key: Result<String>,
    tools: Tools<'_>,
    progress: &mut dyn Progress,
) -> Result<Option<String>> {
    state::clear(folder)?;
    let key = match key {
        Ok(key) => key,
        Err(error) if error.is_bad_input() => return failed(folder, None, &error),
        Err(error) => return Err(error),
    };
    match run(folder, series, tools, progress) {
        Ok(()) => {
            state::write_record(folder, Some(key), None, &TABLES)?;
            Ok(None)
        }
        Err(Stop::Series(error)) => {
            // What the sessions before the faulty one left is no result.
            state::clear(folder)?;
            failed(folder, Some(key), &error)
        }
        Err(Stop::All(error)) => Err(error),
    }
}

fn failed(folder: &Path, key: Option<String>, error: &Error) -> Result<Option<String>> {
    state::write_record(folder, key, Some(error.to_string()), &[])?;
    Ok(Some(error.to_string()))
}
