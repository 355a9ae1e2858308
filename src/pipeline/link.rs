//! Marked points and centrelines -> links and tracks, without images.

use std::path::Path;

use rayon::prelude::*;
use serde_json::json;

use crate::error::{Error, Result};
use crate::geometry::{Foot, Line, nearest_line};
use crate::io::{self, PointSession};
use crate::model::{Call, Link, Session, Status, Track, UnscorableReason};
use crate::pipeline::pair::Observed;
use crate::pipeline::place::SitePlace;
use crate::pipeline::sites::{self, Sites};
use crate::pipeline::{FileSet, Params, run_file, track_files};
use crate::progress::Progress;
use crate::track::Member;
use crate::units::{PointUm, VoxelSize};

/// Files of `gemmule link`.
pub const LINK_FILES: [&str; 3] = ["links.csv", "tracks.csv", "run.json"];

/// What `gemmule link` finds. See the example of [`link()`].
#[derive(Clone, Debug)]
pub struct Linked {
    /// The sessions.
    pub sessions: Vec<Session>,
    /// Every site with its calls.
    pub tracks: Vec<Track>,
    /// Every link.
    pub links: Vec<Link>,
    /// How they were found.
    pub sites: Sites,
}

/// Links marked spines over all sessions.
///
/// A site without a mark in a session is `absent` where its place lies along a centreline of that session and
/// `unscorable` where it does not. The marks are taken at their word: `p_present` is 1 or 0. Neither the order of rows
/// in the files nor `dendrite_id` matters, unless `trust_ids` says that an id is the same dendrite in every session. A session that
/// cannot be brought to the others is left out ([`Sites::left_out`]): its marks are linked to none, and sites are `unscorable` in it.
///
/// ```
/// use gemmule::io::{Mark, PointSession};
/// use gemmule::pipeline::{Params, link};
/// use gemmule::progress::Silent;
/// use gemmule::units::PointUm;
///
/// // A bent dendrite with a mark every 4 µm; in the second session all is 3 µm deeper and 2 µm aside, and one mark is gone.
/// let at = |i: i32, up: f64, moved: f64| {
///     let t = f64::from(i);
///     PointUm::new(5.0 + 1.5 * moved, 20.0 + 8.0 * (t / 9.0).sin() + up + moved, t)
/// };
/// let session = |session: i64, moved: f64| PointSession {
///     session,
///     traces: [(0, (0..50).map(|i| at(i, 0.0, moved)).collect())].into(),
///     marks: (1..12)
///         .filter(|&n| session == 0 || n != 5)
///         .map(|n| Mark { spine: n.into(), place: at(4 * n, if n % 2 == 0 { 1.5 } else { -1.5 }, moved) })
///         .collect(),
/// };
/// let linked = link(&[session(0, 0.0), session(1, 2.0)], false, &Params::default(), &mut Silent)?;
/// assert_eq!((linked.links.len(), linked.tracks.len()), (10, 11));
/// assert!(linked.links.iter().all(|l| l.spine_a == l.spine_b && l.p_same > 0.9));
/// # Ok::<(), gemmule::error::Error>(())
/// ```
///
/// # Errors
/// A mark farther than [`crate::track::TrackParams::max_distance_um`] from every centreline, sessions that cannot be registered,
/// parameters out of range, cancellation.
pub fn link(
    sessions: &[PointSession],
    trust_ids: bool,
    params: &Params,
    progress: &mut dyn Progress,
) -> Result<Linked> {
    let observed = sessions.iter().map(|s| observe(s, params)).collect::<Result<Vec<_>>>()?;
    let names: Vec<String> = sessions.iter().map(|s| s.session.to_string()).collect();
    let observed: Vec<&Observed> = observed.iter().collect();
    let sites = sites::sites(&observed, &names, trust_ids, params, progress)?;
    let mut order: Vec<usize> = (0..sites.sites.len()).collect();
    let place = |n: usize| {
        let (session, spine) = sites.sites[n][0];
        let foot = foot(observed[session], spine);
        (session, foot.line, foot.s_um, spine)
    };
    order.sort_by(|&m, &n| {
        let ((sm, lm, um, m), (sn, ln, un, n)) = (place(m), place(n));
        (sm, lm).cmp(&(sn, ln)).then(um.total_cmp(&un)).then(m.cmp(&n))
    });
    let track = |(number, &n): (usize, &usize)| {
        let (session, line, s_um, _) = place(n);
        let calls = calls(&sites.sites[n], sessions, &observed, &sites);
        Track { track_id: number as u32 + 1, dendrite_id: sites.dendrites[session][line], s_um, calls }
    };
    let tracks: Vec<Track> = order.par_iter().enumerate().map(track).collect();
    let mut track_of: std::collections::BTreeMap<_, u32> = std::collections::BTreeMap::new();
    for (number, &n) in order.iter().enumerate() {
        track_of.extend(sites.sites[n].iter().map(|&member| (member, number as u32 + 1)));
    }
    let spine = |(session, n): (usize, usize)| sessions[session].marks[n].spine;
    let one = |&(a, b, p_same): &(Member, Member, f64)| Link {
        session_a: a.0,
        spine_a: spine(a),
        session_b: b.0,
        spine_b: spine(b),
        track_id: track_of[&a],
        p_same,
    };
    let links = sites.links.iter().map(one).collect();
    let sessions = names.into_iter().map(|name| Session { name, day: None }).collect();
    Ok(Linked { sessions, tracks, links, sites })
}

fn observe(session: &PointSession, params: &Params) -> Result<Observed> {
    let lines: Vec<Line> = session.traces.iter().filter_map(|(&id, trace)| Line::from_trace(id, trace)).collect();
    let places: Vec<PointUm> = session.marks.iter().map(|m| m.place).collect();
    for mark in &session.marks {
        let far = nearest_line(&lines, mark.place).map_or(f64::INFINITY, |foot| foot.distance_um);
        if far > params.track.max_distance_um {
            return Err(Error::parameter(
                &format!("distance of mark {} of session {} from the nearest centreline", mark.spine, session.session),
                format!("{far:.1} µm"),
                &format!("at most {} µm (track.max_distance_um)", params.track.max_distance_um),
                "check the voxel size, trace its dendrite or leave the mark out",
            ));
        }
    }
    Ok(Observed { places, lines, profiles: Vec::new() })
}

fn foot(session: &Observed, spine: usize) -> Foot {
    nearest_line(&session.lines, session.places[spine]).expect("marks were checked to lie beside a line")
}

/// The calls of one site, in the order of the sessions.
fn calls(members: &[Member], sessions: &[PointSession], observed: &[&Observed], sites: &Sites) -> Vec<Call> {
    let lies = sites.places(members, observed);
    let own = foot(observed[members[0].0], members[0].1);
    let call = |(k, site): (usize, Option<SitePlace>)| {
        let place = site.map(|s| s.place);
        if let Some(&(_, spine)) = members.iter().find(|m| m.0 == k) {
            let spine = Some(sessions[k].marks[spine].spine);
            return Call { p_present: Some(1.0), spine, ..Call::bare(Status::Present, place) };
        }
        let unscorable = |reason| Call { reason: Some(reason), ..Call::bare(Status::Unscorable, place) };
        if !sites.kept.contains(&k) {
            unscorable(UnscorableReason::NotRegistered)
        } else if site.and_then(|s| s.line(&observed[k].lines, &own)).is_some() {
            Call { p_present: Some(0.0), ..Call::bare(Status::Absent, place) }
        } else {
            unscorable(UnscorableReason::OutOfVolume)
        }
    };
    lies.into_iter().enumerate().map(call).collect()
}

/// Reads marks and centrelines, links them and writes [`LINK_FILES`] to `dir`.
///
/// ```
/// use gemmule::pipeline::{Params, link_summary, write_link};
/// use gemmule::progress::Silent;
/// let dir = tempfile::tempdir().unwrap();
/// let (points, lines, to) = (dir.path().join("points.csv"), dir.path().join("dendrites.csv"), dir.path().join("linked"));
/// let (mut marks, mut traces) = ("session,spine_row,z_um,y_um,x_um\n".to_owned(), "session,dendrite_id,order,z_um,y_um,x_um\n".to_owned());
/// for session in 0..2 {
///     for i in 0..50 {
///         let (y, x) = (20.0 + 8.0 * (f64::from(i) / 9.0).sin(), f64::from(i) + f64::from(session));
///         traces += &format!("{session},1,{i},5,{y},{x}\n");
///         if i % 5 == 2 {
///             marks += &format!("{session},{i},5,{},{x}\n", y + 1.5);
///         }
///     }
/// }
/// std::fs::write(&points, marks).unwrap();
/// std::fs::write(&lines, traces).unwrap();
/// let (linked, files) = write_link(&points, &lines, None, false, &Params::default(), (&to, false), &mut Silent)?;
/// assert_eq!((linked.links.len(), files.len()), (10, 3));
/// assert_eq!(link_summary(&linked)["links"], 10);
/// # Ok::<(), gemmule::error::Error>(())
/// ```
///
/// # Errors
/// As [`io::read_point_sessions`] and [`link`]; files that are there already without `force`, or cannot be written.
pub fn write_link(
    points: &Path,
    dendrites: &Path,
    voxel_size: Option<VoxelSize>,
    trust_ids: bool,
    params: &Params,
    (dir, force): (&Path, bool),
    progress: &mut dyn Progress,
) -> Result<(Linked, Vec<std::path::PathBuf>)> {
    FileSet::check(dir, &LINK_FILES, force)?;
    let sessions = io::read_point_sessions(points, dendrites, voxel_size)?;
    let linked = link(&sessions, trust_ids, params, progress)?;
    let set = FileSet::new(dir, &LINK_FILES, force)?;
    io::write_links_csv(set.path("links.csv"), &linked.sessions, &linked.links)?;
    io::write_tracks_csv(set.path("tracks.csv"), &linked.sessions, &linked.tracks)?;
    let input =
        |path: &Path| Ok::<_, Error>(json!({ "path": path.display().to_string(), "sha256": io::sha256(path)? }));
    let run = json!({
        "input": { "points": input(points)?, "dendrites": input(dendrites)?, "voxel_um": voxel_size },
        "trust_dendrite_ids": trust_ids,
        "parameters": { "register": params.register, "track": params.track },
        "result": link_summary(&linked),
    });
    run_file::write_run(&set, "link", run)?;
    Ok((linked, set.commit()?))
}

/// Counts, and how well each session fits the next. See the example of [`write_link`].
pub fn link_summary(linked: &Linked) -> serde_json::Value {
    let pair = |(a, b, pair): (usize, usize, &crate::pipeline::PairLinks)| {
        json!({
            "session_a": linked.sessions[a].name,
            "session_b": linked.sessions[b].name,
            "links": pair.same.len(),
            "registration": pair.fit,
            "dendrites": pair.overlaps,
        })
    };
    json!({
        "sessions": linked.sessions.len(),
        "sites": linked.tracks.len(),
        "links": linked.links.len(),
        "pairs": linked.sites.steps().map(pair).collect::<Vec<_>>(),
        "left_out": track_files::left_out(&linked.sites.left_out, &linked.sessions),
    })
}
