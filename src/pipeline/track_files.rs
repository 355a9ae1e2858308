//! The files of `gemmule track`.

use std::path::Path;

use serde_json::json;

use crate::dynamics::{self, Audit, DendriteLength};
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::io;
use crate::model::Status;
use crate::pipeline::{FileSet, PairLinks, Params, SeenSession, Tracked, run_file};

/// Every file of a series beside those of its sessions.
pub const TRACK_FILES: [&str; 8] =
    ["tracks.csv", "links.csv", "dynamics.csv", "survival.csv", "strips.png", "report.html", TEMPLATE_FILE, "run.json"];

/// Every call for a person to decide.
const TEMPLATE_FILE: &str = "curation-template.csv";

/// What was decided, as it was applied; written where there is a curation.
pub const CURATION_FILE: &str = "curation-applied.csv";

/// What an audit writes beside [`TRACK_FILES`].
pub const AUDIT_FILE: &str = "audit.json";

/// Reads two tracked recordings of the same spines and writes [`AUDIT_FILE`].
///
/// # Errors
/// As [`dynamics::intervals`] and [`dynamics::audit`]; more or fewer than two recordings; [`crate::error::Error::File`] if the file cannot be written.
pub fn write_audit(set: &FileSet, tracked: &Tracked, seen: &[SeenSession], params: &Params) -> Result<Audit> {
    let intervals = dynamics::intervals(&tracked.sessions, &tracked.tracks, &lengths(tracked, seen), &params.dynamics)?;
    let all: Vec<_> = intervals.iter().filter(|i| i.dendrite_id.is_none()).collect();
    let [interval] = all[..] else {
        return Err(Error::parameter(
            "recordings of an audit",
            seen.len(),
            "2, of the same spines",
            "give two stacks of one field, minutes apart",
        ));
    };
    let found = dynamics::audit(interval, &params.audit)?;
    run_file::write_text(set, AUDIT_FILE, &format!("{:#}\n", json!({ "parameters": params.audit, "result": found })))?;
    Ok(found)
}

/// Writes the tables and `run.json`; pictures are drawn by [`crate::report`]. `inputs` says per session where its stack came from.
///
/// # Errors
/// [`crate::error::Error::File`] if one cannot be written; as [`dynamics::intervals`].
pub fn write_track(
    set: &FileSet,
    (fov, tracked, seen): (&str, &Tracked, &[SeenSession]),
    inputs: &[serde_json::Value],
    engine: &Engine,
    params: &Params,
) -> Result<()> {
    let lengths = lengths(tracked, seen);
    let (sessions, tracks) = (&tracked.sessions, &tracked.tracks);
    io::write_tracks_csv(set.path("tracks.csv"), sessions, tracks)?;
    io::write_curation_template(set.path(TEMPLATE_FILE), sessions, tracks, None)?;
    io::write_links_csv(set.path("links.csv"), sessions, &tracked.links)?;
    dynamics::write_dynamics_csv(set.path("dynamics.csv"), fov, sessions, tracks, &lengths, &params.dynamics)?;
    dynamics::write_survival_csv(set.path("survival.csv"), fov, sessions, tracks, &params.dynamics)?;
    let run = json!({
        "engine": engine.describe(),
        "fov": fov,
        "inputs": inputs,
        "parameters": run_file::used(params),
        "result": track_summary(tracked),
    });
    run_file::write_run(set, "track", run)
}

/// Whether the template in a folder may be replaced: not if someone has begun to fill it in.
///
/// # Errors
/// [`Error::File`] if it holds decisions.
pub fn check_template(dir: &Path) -> Result<()> {
    let path = dir.join(TEMPLATE_FILE);
    // What cannot be read as decisions may hold some.
    if path.exists() && !io::read_curation(&path).is_ok_and(|(rows, _)| rows.is_empty()) {
        return Err(Error::file(
            &path,
            "has been filled in",
            "copy it to curation.csv and give that as --curation, then remove it",
        ));
    }
    Ok(())
}

/// Scorable length of every dendrite in every session, by the numbers common to all sessions.
pub fn lengths(tracked: &Tracked, seen: &[SeenSession]) -> Vec<DendriteLength> {
    let mut all: std::collections::BTreeMap<(usize, u32), f64> = std::collections::BTreeMap::new();
    for (session, seen) in seen.iter().enumerate() {
        for (line, &dendrite_id) in seen.lines().iter().zip(&tracked.sites.dendrites[session]) {
            let traced = seen.dendrites.iter().find(|d| i64::from(d.dendrite_id) == line.dendrite_id);
            *all.entry((session, dendrite_id)).or_default() += traced.map_or(0.0, |d| d.scorable_length_um());
        }
    }
    all.into_iter()
        .map(|((session, dendrite_id), length_um)| DendriteLength { session, dendrite_id, length_um })
        .collect()
}

/// Counts, how well each session fits the next, what was fitted to the series.
pub fn track_summary(tracked: &Tracked) -> serde_json::Value {
    let pair = |(k, pair): (usize, &PairLinks)| {
        json!({
            "session_a": tracked.sessions[k].name,
            "session_b": tracked.sessions[k + 1].name,
            "registration": pair.fit,
            "dendrites": pair.overlaps,
        })
    };
    let count = |k: usize, status: Status| tracked.tracks.iter().filter(|t| t.calls[k].status == status).count();
    let session = |(k, session): (usize, &crate::model::Session)| {
        json!({
            "session": session.name,
            "day": session.day,
            "present": count(k, Status::Present),
            "absent": count(k, Status::Absent),
            "unscorable": count(k, Status::Unscorable),
        })
    };
    json!({
        "tracks": tracked.tracks.len(),
        "links": tracked.links.len(),
        "curated": curated(tracked),
        "sessions": tracked.sessions.iter().enumerate().map(session).collect::<Vec<_>>(),
        "pairs": tracked.sites.pairs.iter().enumerate().map(pair).collect::<Vec<_>>(),
        "presence": tracked.presence,
    })
}

/// How many decisions were applied, and which could not be.
fn curated(tracked: &Tracked) -> serde_json::Value {
    let (applied, not): (Vec<_>, Vec<_>) = tracked.applied.iter().partition(|a| a.track_id.is_some());
    let line = |a: &&io::AppliedRow| json!({ "line": a.row.line, "session": a.session, "verdict": a.row.verdict });
    json!({ "applied": applied.len(), "without_site": not.iter().map(line).collect::<Vec<_>>(), "undecided": tracked.undecided })
}
