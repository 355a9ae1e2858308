//! `gemmule track`.

use std::path::PathBuf;

use serde_json::json;

use crate::cli::args::{EngineArgs, OutArgs, ParamsArgs, ReadArgs};
use crate::cli::commands::{self, Voice};
use crate::cli::print;
use crate::cli::progress::Bars;
use crate::error::{Error, Result};
use crate::io::{self, ReadOptions, SeriesFile};
use crate::pipeline::{self, DETECT_FILES, FileSet, Origin, TRACK_FILES, Tracked};
use crate::report::Strips;

pub(crate) fn track(
    inputs: &[PathBuf],
    read: &ReadArgs,
    engine: &EngineArgs,
    params: &ParamsArgs,
    out: &OutArgs,
    voice: Voice,
) -> Result<()> {
    let params = commands::read_params(params)?;
    let series = match inputs {
        [one] if one.extension().is_some_and(|e| e.eq_ignore_ascii_case("toml")) => SeriesFile::read(one)?,
        stacks => SeriesFile::of_stacks(stacks)?,
    };
    let folder = |name: &str| out.dir.join(format!("session-{name}"));
    FileSet::check(&out.dir, &TRACK_FILES, out.force)?;
    series.sessions.iter().try_for_each(|(s, _)| FileSet::check(&folder(&s.name), &DETECT_FILES, out.force))?;
    let options = ReadOptions { voxel_size: read.voxel_um, channel: read.channel, time: read.time };
    let engine = commands::engine(engine, voice)?;
    let mut bars = Bars::new(voice.quiet)?;
    let (mut seen, mut origins) = (Vec::new(), Vec::new());
    for (session, path) in &series.sessions {
        let stack = io::read_stack(path, &options)?;
        let sha256 = io::sha256(path)?;
        let (found, kept) = pipeline::see(&engine, &stack, &params, &mut bars)?;
        let set = FileSet::new(&folder(&session.name), &DETECT_FILES, out.force)?;
        let origin = Origin { path, sha256: &sha256, channel: read.channel, time: read.time };
        pipeline::write_detect(&set, &found, &stack, &engine, &params, origin)?;
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
    let tracked = pipeline::track(&seen, &sessions, &params, &mut bars)?;
    let set = FileSet::new(&out.dir, &TRACK_FILES, out.force)?;
    pipeline::write_track(&set, (&series.fov, &tracked, &seen), &origins, &engine, &params)?;
    save_strips(&set, &series, &tracked, &options)?;
    let files = set.commit()?;
    bars.finish();
    let summary = pipeline::track_summary(&tracked);
    if voice.json {
        return print::json(&json!({ "result": summary, "files": files }));
    }
    print::line(&format!("{} tracks over {} sessions", tracked.tracks.len(), sessions.len()))?;
    files.iter().try_for_each(|file| print::line(&format!("  {}", file.display())))
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
