//! `gemmule track` and `gemmule audit`.

use std::path::PathBuf;

use serde_json::json;

use crate::cli::args::{EngineArgs, OutArgs, ParamsArgs, ReadArgs};
use crate::cli::commands::{self, Voice};
use crate::cli::print;
use crate::cli::progress::Bars;
use crate::error::{Error, Result};
use crate::io::{self, ReadOptions, SeriesFile};
use crate::pipeline::{
    self, AUDIT_FILE, Audit, DETECT_FILES, FileSet, Origin, Params, SeenSession, TRACK_FILES, Tracked,
};
use crate::report::Strips;

pub(crate) fn track(
    inputs: &[PathBuf],
    read: &ReadArgs,
    engine: &EngineArgs,
    params: &ParamsArgs,
    out: &OutArgs,
    voice: Voice,
) -> Result<()> {
    let series = match inputs {
        [one] if one.extension().is_some_and(|e| e.eq_ignore_ascii_case("toml")) => SeriesFile::read(one)?,
        stacks => SeriesFile::of_stacks(stacks)?,
    };
    let params = commands::read_params(params)?;
    let (tracked, files) = follow((&series, &TRACK_FILES), read, engine, &params, out, voice, &mut |_, _, _| Ok(()))?;
    let summary = pipeline::track_summary(&tracked);
    if voice.json {
        return print::json(&json!({ "result": summary, "files": files }));
    }
    print::line(&format!("{} tracks over {} sessions", tracked.tracks.len(), tracked.sessions.len()))?;
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
    let series = SeriesFile::of_stacks(stacks)?;
    let params = commands::read_params(params)?;
    let names: Vec<&str> = TRACK_FILES.into_iter().chain([AUDIT_FILE]).collect();
    let mut found = None;
    let mut write = |set: &FileSet, tracked: &Tracked, seen: &[SeenSession]| {
        found = Some(pipeline::write_audit(set, tracked, seen, &params)?);
        Ok(())
    };
    let (_, files) = follow((&series, &names), read, engine, &params, out, voice, &mut write)?;
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

/// Writes into the set of a series' files what goes beside the tables.
type Extra<'a> = dyn FnMut(&FileSet, &Tracked, &[SeenSession]) -> Result<()> + 'a;

/// Detects every session, tracks the series and writes all of `names`.
fn follow(
    (series, names): (&SeriesFile, &[&str]),
    read: &ReadArgs,
    engine: &EngineArgs,
    params: &Params,
    out: &OutArgs,
    voice: Voice,
    extra: &mut Extra<'_>,
) -> Result<(Tracked, Vec<PathBuf>)> {
    let folder = |name: &str| out.dir.join(format!("session-{name}"));
    FileSet::check(&out.dir, names, out.force)?;
    series.sessions.iter().try_for_each(|(s, _)| FileSet::check(&folder(&s.name), &DETECT_FILES, out.force))?;
    let options = ReadOptions { voxel_size: read.voxel_um, channel: read.channel, time: read.time };
    let engine = commands::engine(engine, voice)?;
    let mut bars = Bars::new(voice.quiet)?;
    let (mut seen, mut origins) = (Vec::new(), Vec::new());
    for (session, path) in &series.sessions {
        let stack = io::read_stack(path, &options)?;
        let sha256 = io::sha256(path)?;
        let (found, kept) = pipeline::see(&engine, &stack, params, &mut bars)?;
        let set = FileSet::new(&folder(&session.name), &DETECT_FILES, out.force)?;
        let origin = Origin { path, sha256: &sha256, channel: read.channel, time: read.time };
        pipeline::write_detect(&set, &found, &stack, &engine, params, origin)?;
        commands::save_overlay(&set, &stack, &found, path)?;
        set.commit()?;
        origins.push(json!({
            "session": session.name,
            "day": session.day,
            "path": path.display().to_string(),
            "sha256": sha256,
            "channel": read.channel,
            "time": read.time,
            "voxel_um": stack.voxel_size,
        }));
        seen.push(kept);
    }
    let sessions: Vec<_> = series.sessions.iter().map(|(s, _)| s.clone()).collect();
    let tracked = pipeline::track(&seen, &sessions, params, &mut bars)?;
    let set = FileSet::new(&out.dir, names, out.force)?;
    pipeline::write_track(&set, (&series.fov, &tracked, &seen), &origins, &engine, params)?;
    save_strips(&set, series, &tracked, &options)?;
    extra(&set, &tracked, &seen)?;
    let files = set.commit()?;
    bars.finish();
    Ok((tracked, files))
}

/// Stacks are read again one by one, so that no more than one is held.
fn save_strips(set: &FileSet, series: &SeriesFile, tracked: &Tracked, options: &ReadOptions) -> Result<()> {
    let title = if series.fov.is_empty() { "sites" } else { &series.fov };
    let mut strips = Strips::new(title, &tracked.sessions, &tracked.tracks);
    for (k, (_, path)) in series.sessions.iter().enumerate() {
        strips.session(k, &io::read_stack(path, options)?);
    }
    let to = set.path("strips.png");
    let picture = strips.picture();
    picture.save(&to).map_err(|e| Error::file(&to, format!("cannot be written ({e})"), "check the folder and the disk"))
}
