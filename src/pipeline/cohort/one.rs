//! One series of a cohort: as `gemmule track`, and the rows it adds to the cohort's tables.

use std::path::Path;

use serde_json::json;

use crate::dynamics;
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::io::{self, CohortSeries};
use crate::model::{Session, Status, Track};
use crate::pipeline::cohort::{Pictures, state};
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
    run_file::write_text(&set, "values.csv", &values(tracked, seen, tools.params)?)?;
    run_file::write_text(&set, "new_spines.csv", &new_spines(tracked, tools.params)?)?;
    set.commit()?;
    Ok(())
}

/// One row per dendrite, measure and session; rates stand at the later session of their interval.
fn values(tracked: &Tracked, seen: &[SeenSession], params: &Params) -> Result<String> {
    let lengths = pipeline::lengths(tracked, seen);
    let intervals = dynamics::intervals(&tracked.sessions, &tracked.tracks, &lengths, &params.dynamics)?;
    let mut rows: Vec<(u32, usize, &str, &str, f64)> = Vec::new();
    for i in &intervals {
        let Some(dendrite) = i.dendrite_id else { continue };
        let (a, b) = i.sessions;
        // Over a session left out more comes and goes: no value beside those of other fields at that day.
        if b != a + 1 {
            continue;
        }
        let rates = i.called.rates(params.dynamics.turnover);
        let share = "fraction_of_previous_session";
        rows.extend(rates.formation.map(|r| (dendrite, b, "formation_rate", share, r)));
        rows.extend(rates.elimination.map(|r| (dendrite, b, "elimination_rate", share, r)));
        rows.extend(rates.turnover.map(|r| (dendrite, b, "turnover_ratio", "fraction", r)));
    }
    for length in &lengths {
        rows.push((length.dendrite_id, length.session, "scorable_length", "um", length.length_um));
    }
    let mut dendrites: Vec<u32> = tracked.tracks.iter().map(|t| t.dendrite_id).collect();
    dendrites.sort_unstable();
    dendrites.dedup();
    for &dendrite in &dendrites {
        let here: Vec<&Track> = tracked.tracks.iter().filter(|t| t.dendrite_id == dendrite).collect();
        rows.push((dendrite, 0, "sites", "count", here.len() as f64));
        let of: Vec<f64> = lengths.iter().filter(|l| l.dendrite_id == dendrite).map(|l| l.length_um).collect();
        let densities = densities(&here, &of, tracked.sessions.len());
        rows.extend(densities.into_iter().map(|(k, d)| (dendrite, k, "density", "per_um", d)));
        for k in 0..tracked.sessions.len() {
            sizes(&here, (dendrite, k), seen, &mut rows);
        }
    }
    rows.sort_by(|x, y| (x.0, x.2, x.1).cmp(&(y.0, y.2, y.1)));
    let row = |&(dendrite, k, metric, unit, value): &(u32, usize, &str, &str, f64)| {
        [dendrite.to_string(), k.to_string(), metric.into(), unit.into(), format!("{value:.6}")]
    };
    text(["dendrite", "position", "metric", "unit", "value"], rows.iter().map(row))
}

/// Density of each session: that of the first session with a spine, times the spines of the session over those of the first at the sites that can be judged in both.
/// So neither sites that cannot be judged nor a centreline traced farther on one day than on another change it; the length is the median over the sessions.
fn densities(here: &[&Track], lengths_um: &[f64], sessions: usize) -> Vec<(usize, f64)> {
    let mut lengths: Vec<f64> = lengths_um.iter().copied().filter(|l| *l > 0.0).collect();
    lengths.sort_by(f64::total_cmp);
    let Some(&length_um) = lengths.get(lengths.len() / 2) else { return Vec::new() };
    let count = |a: usize, b: usize| {
        let judged = |t: &&&Track| t.calls[a].status != Status::Unscorable && t.calls[b].status != Status::Unscorable;
        let there =
            |k: usize| here.iter().filter(judged).filter(|t| t.calls[k].status == Status::Present).count() as f64;
        (there(a), there(b))
    };
    let Some(first) = (0..sessions).find(|&k| count(k, k).0 > 0.0) else { return Vec::new() };
    let density = count(first, first).0 / length_um;
    let one = |k: usize| {
        let (before, now) = count(first, k);
        (before > 0.0).then(|| (k, density * now / before))
    };
    (first..sessions).filter_map(one).collect()
}

/// Means over the spines that are there, and the share of sites that cannot be judged.
fn sizes<'a>(
    here: &[&Track],
    (dendrite, k): (u32, usize),
    seen: &[SeenSession],
    rows: &mut Vec<(u32, usize, &'a str, &'a str, f64)>,
) {
    let there: Vec<_> = here.iter().map(|t| &t.calls[k]).filter(|c| c.status == Status::Present).collect();
    let mut add = |metric, unit, values: Vec<f64>| {
        if !values.is_empty() {
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            rows.push((dendrite, k, metric, unit, mean));
        }
    };
    add("head_width", "um", there.iter().filter(|c| c.spine.is_some()).filter_map(|c| c.head_width_um).collect());
    add("brightness", "fraction_of_shaft", there.iter().filter_map(|c| c.brightness).collect());
    add("contrast", "fold_of_smallest_seen", there.iter().filter_map(|c| c.contrast).collect());
    let spine = |id: i64| seen[k].spines.iter().find(|s| i64::from(s.spine_id) == id);
    let found = there.iter().filter_map(|c| c.spine.and_then(spine));
    add("protrusion_length", "um", found.map(|s| s.length_um).collect());
    let blind = |t: &&Track| f64::from(u8::from(t.calls[k].status == Status::Unscorable));
    add("unscorable_share", "fraction_of_sites", here.iter().map(blind).collect());
}

/// One row per spine that was formed: absent in the last session before that can be judged, present at `formed`. `last` is the last session
/// known to have it, `lost` the first one after that is known not to, empty where there is none; `followed` is 1 if its survival counts ([`dynamics::is_followed`]).
fn new_spines(tracked: &Tracked, params: &Params) -> Result<String> {
    let (sessions, mut rows) = (tracked.sessions.len(), Vec::new());
    for track in &tracked.tracks {
        for formed in (1..sessions).filter(|&k| dynamics::is_formed(track, k)) {
            let status = |k: usize| track.calls[k].status;
            let lost = (formed + 1..sessions).find(|&k| status(k) == Status::Absent);
            let end = lost.unwrap_or(sessions);
            let last = (formed..end).rev().find(|&k| status(k) == Status::Present).unwrap_or(formed);
            let lost = lost.map_or_else(String::new, |k| k.to_string());
            let ids = [track.track_id.to_string(), track.dendrite_id.to_string()];
            let [id, dendrite] = ids;
            let contrast = track.calls[formed].contrast.map_or_else(String::new, |c| format!("{c:.4}"));
            let before = track.calls[formed - 1].contrast.map_or_else(String::new, |c| format!("{c:.4}"));
            let followed = u8::from(dynamics::is_followed(track, formed, &params.dynamics)).to_string();
            rows.push([id, dendrite, formed.to_string(), last.to_string(), lost, contrast, before, followed]);
        }
    }
    text(
        ["track_id", "dendrite", "formed", "last", "lost", "contrast", "contrast_before", "followed"],
        rows.into_iter(),
    )
}

fn text<const N: usize>(columns: [&str; N], rows: impl Iterator<Item = [String; N]>) -> Result<String> {
    let mut text = columns.join(",") + "\n";
    // No cell holds a comma or a quote: numbers and names of measures.
    rows.for_each(|row| text += &(row.join(",") + "\n"));
    Ok(text)
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
