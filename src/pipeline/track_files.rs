//! The files of `gemmule track`.

use std::path::Path;

use serde_json::json;

use crate::dynamics::{self, Audit, DendriteLength};
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::io;
use crate::model::{Session, Status};
use crate::pipeline::{FileSet, LeftOut, PairLinks, Params, SeenSession, Tracked, results, run_file};

/// Every file of a series beside those of its sessions.
pub const TRACK_FILES: [&str; 8] =
    ["tracks.csv", "links.csv", "dynamics.csv", "survival.csv", "strips.png", "report.html", TEMPLATE_FILE, "run.json"];

/// Every call for a person to decide.
const TEMPLATE_FILE: &str = "curation-template.csv";

/// What was decided, as it was applied; written where there is a curation.
pub const CURATION_FILE: &str = "curation-applied.csv";

/// What an audit writes beside [`TRACK_FILES`].
pub const AUDIT_FILE: &str = "audit.json";

/// Reads two tracked recordings of the same spines and writes [`AUDIT_FILE`]. See the example of [`write_track`].
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
/// ```
/// use gemmule::engine::{Backend, Engine};
/// use gemmule::model::Session;
/// use gemmule::phantom::{self, PhantomParams, SeriesParams};
/// use gemmule::pipeline::{self, AUDIT_FILE, FileSet, Params, TRACK_FILES};
/// use gemmule::progress::Silent;
/// let field = PhantomParams::default().planes(12)?.rows(128)?.columns(224)?.dendrites(1)?.axons(0)?.density_per_um(0.8)?.seed(3)?;
/// let made = phantom::series(&field, &SeriesParams::default().days(vec![0.0, 2.0])?.test_retest(), &mut Silent)?;
/// let (engine, params) = (Engine::new(Backend::Cpu)?, Params::default());
/// let mut seen = vec![];
/// for session in made.sessions {
///     seen.push(pipeline::see(&engine, &session.stack, &params, &mut Silent)?.1);
/// }
/// let sessions = ["first", "second"].map(|name| Session { name: name.into(), day: None });
/// let tracked = pipeline::track(&seen, &sessions, &params, &mut Silent)?;
///
/// let dir = tempfile::tempdir().unwrap();
/// let drawn = ["strips.png", "report.html"]; // by gemmule::report; left out here
/// let names: Vec<&str> = TRACK_FILES.into_iter().filter(|name| !drawn.contains(name)).chain([AUDIT_FILE]).collect();
/// let set = FileSet::new(dir.path(), &names, false)?;
/// let inputs = ["first.tif", "second.tif"].map(serde_json::Value::from);
/// pipeline::write_track(&set, ("m1", &tracked, &seen), &inputs, &engine, &params)?;
/// let audit = pipeline::write_audit(&set, &tracked, &seen, &params)?;
/// assert!(audit.spines > 0); // all turnover between the two is false
/// set.commit()?;
/// assert!(pipeline::check_template(dir.path()).is_ok());
/// # Ok::<(), gemmule::error::Error>(())
/// ```
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
/// ```
/// use gemmule::pipeline::check_template;
/// let dir = tempfile::tempdir().unwrap();
/// let template = dir.path().join("curation-template.csv");
/// std::fs::write(&template, "session,z_um,y_um,x_um,verdict\nday0,5,10,20,\n").unwrap();
/// assert!(check_template(dir.path()).is_ok()); // nothing is decided in it yet
/// std::fs::write(&template, "session,z_um,y_um,x_um,verdict\nday0,5,10,20,absent\n").unwrap();
/// assert!(check_template(dir.path()).is_err());
/// ```
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

/// Scorable length of every dendrite in every session, by the numbers common to all sessions. See the example of [`crate::pipeline::track`].
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

/// Counts, how well each session fits the next, what was fitted to the series. See the example of [`crate::pipeline::track`].
pub fn track_summary(tracked: &Tracked) -> serde_json::Value {
    let name = |k: usize| &tracked.sessions[k].name;
    let pair = |(a, b, pair): (usize, usize, &PairLinks)| {
        json!({
            "session_a": name(a),
            "session_b": name(b),
            "registration": pair.fit,
            "dendrites": pair.overlaps,
        })
    };
    let count = |k: usize, status: Status| tracked.tracks.iter().filter(|t| t.calls[k].status == status).count();
    let session = |(k, session): (usize, &Session)| {
        json!({
            "session": session.name,
            "day": session.day,
            "present": count(k, Status::Present),
            "absent": count(k, Status::Absent),
            "unscorable": count(k, Status::Unscorable),
            "motion": tracked.motions.get(k).map(results::motion),
            "axon_length_um": tracked.axon_length_um.get(k),
        })
    };
    json!({
        "tracks": tracked.tracks.len(),
        "links": tracked.links.len(),
        "curated": curated(tracked),
        "sessions": tracked.sessions.iter().enumerate().map(session).collect::<Vec<_>>(),
        "pairs": tracked.sites.steps().map(pair).collect::<Vec<_>>(),
        "left_out": left_out(&tracked.sites.left_out, &tracked.sessions),
        "presence": tracked.presence,
    })
}

/// Sessions that nothing is judged in, and why.
pub(super) fn left_out(out: &[LeftOut], sessions: &[Session]) -> serde_json::Value {
    out.iter().map(|o| json!({ "session": sessions[o.session].name, "why": o.why })).collect()
}

/// How many decisions were applied, and which could not be.
fn curated(tracked: &Tracked) -> serde_json::Value {
    let (applied, not): (Vec<_>, Vec<_>) = tracked.applied.iter().partition(|a| a.track_id.is_some());
    let line = |a: &&io::AppliedRow| json!({ "line": a.row.line, "session": a.session, "verdict": a.row.verdict });
    json!({ "applied": applied.len(), "without_site": not.iter().map(line).collect::<Vec<_>>(), "undecided": tracked.undecided })
}
