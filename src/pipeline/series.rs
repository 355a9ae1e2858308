//! A series of sessions of one field of view -> sites, calls, links.

use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::geometry::Line;
use crate::io::AppliedRow;
use crate::model::{Dendrite, Link, Motion, Session, Spine, Status, Track, UnscorableReason};
use crate::pipeline::calls::{self, Judged};
use crate::pipeline::detect::{self, detect_and_keep};
use crate::pipeline::pair::Observed;
use crate::pipeline::sites::{self, Sites};
use crate::pipeline::{Curation, Found, Params};
use crate::pipeline::{profile, results};
use crate::progress::Progress;
use crate::straight::Strip;
use crate::track::{FittedSeries, Member};
use crate::units::PointUm;
use crate::volume::{Grid, Source};

/// What is kept of a session when its stack is gone: tables, and strips along its dendrites. See the example of [`track`].
#[derive(Clone, Debug)]
pub struct SeenSession {
    /// Dendrites, longest first.
    pub dendrites: Vec<Dendrite>,
    /// Spines by dendrite and arc length.
    pub spines: Vec<Spine>,
    pub(super) grid: Grid,
    pub(super) strips: Vec<Strip>,
    pub(super) observed: Observed,
    pub(super) motion: Motion,
    /// What of it places are freed of.
    pub(super) corrected: Motion,
}

impl SeenSession {
    /// The centrelines that sessions are brought together by. See the example of [`track`].
    pub fn lines(&self) -> &[Line] {
        &self.observed.lines
    }
}

/// Finds the spines of one session of a series and keeps what tracking needs. See the example of [`track`].
///
/// # Errors
/// As [`crate::pipeline::detect`].
pub fn see<'a>(
    engine: &Engine,
    stack: impl Into<Source<'a>>,
    params: &Params,
    progress: &mut dyn Progress,
) -> Result<(Found, SeenSession)> {
    let stack = stack.into();
    let (found, strips) = detect_and_keep(engine, stack, params, progress)?;
    // Sessions are compared in coordinates free of motion; tables speak of the image as it is.
    let corrected = detect::corrected(&found.motion, params);
    let still = |places: &[PointUm]| places.iter().map(|&p| corrected.still(p)).collect::<Vec<_>>();
    let line = |d: &Dendrite| Line::from_trace(i64::from(d.dendrite_id), &still(&d.points));
    let lines: Vec<Line> = found.dendrites.iter().filter_map(line).collect();
    let places = still(&found.spines.iter().map(|s| s.head).collect::<Vec<_>>());
    let seen = SeenSession {
        dendrites: found.dendrites.clone(),
        spines: found.spines.clone(),
        grid: stack.grid(),
        motion: found.motion.clone(),
        corrected,
        observed: Observed { places, profiles: profile::of_lines(&lines, &strips), lines },
        strips,
    };
    Ok((found, seen))
}

/// A tracked series. See the example of [`track`].
#[derive(Clone, Debug)]
pub struct Tracked {
    /// The sessions, in the order of their days.
    pub sessions: Vec<Session>,
    /// Every site at which a spine was present in some session.
    pub tracks: Vec<Track>,
    /// Links between found spines that are present in both sessions.
    pub links: Vec<Link>,
    /// How sessions were brought together.
    pub sites: Sites,
    /// What was fitted to the series.
    pub presence: FittedSeries,
    /// What people decided, and where it was applied.
    pub applied: Vec<AppliedRow>,
    /// Rows of the curation without a decision.
    pub undecided: usize,
    /// Motion between the planes of every session.
    pub motions: Vec<Motion>,
    /// Length of the centrelines that are axons in every session, µm: no site beside them is judged.
    pub axon_length_um: Vec<f64>,
}

impl Tracked {
    /// What a user should know about what people decided, sessions left out, planes lost to motion, and axons. See the example of [`track_curated`].
    pub fn remarks(&self) -> Vec<String> {
        let mut remarks = Vec::new();
        let lost: Vec<String> =
            self.applied.iter().filter(|a| a.track_id.is_none()).map(|a| a.row.line.to_string()).collect();
        if !self.applied.is_empty() {
            remarks.push(format!("{} decisions of people were applied.", self.applied.len() - lost.len()));
        }
        if !lost.is_empty() {
            remarks.push(format!(
                "No site lies where these lines of the curation are about, and none is called there: {}.",
                lost.join(", ")
            ));
        }
        if self.undecided > 0 {
            remarks.push(format!("{} rows of the curation have no verdict yet.", self.undecided));
        }
        for out in &self.sites.left_out {
            remarks.push(format!(
                "Session {} is left out: nothing in it is judged, and the sessions around it are compared with each other. {}",
                self.sessions[out.session].name, out.why
            ));
        }
        for (session, motion) in self.sessions.iter().zip(&self.motions).filter(|(_, m)| !m.bad_planes.is_empty()) {
            remarks.push(format!("Session {}: {}", session.name, results::bad_planes(motion)));
        }
        if self.axon_length_um.iter().any(|um| *um > 0.0) {
            let each = self.sessions.iter().zip(&self.axon_length_um);
            let lengths: Vec<String> = each.map(|(session, um)| format!("{} {um:.0}", session.name)).collect();
            remarks.push(format!(
                "Axons by their brightness and width, µm of centreline by session: {}. No site beside them is judged; set trace.axon_brightness to 0 if they are dendrites.",
                lengths.join(", ")
            ));
        }
        remarks
    }
}

/// Decides jointly over all sessions where spines are: registers, links, measures every site in every session, and calls. A session
/// that cannot be brought to the others is left out: [`Tracked::remarks`] says which and why, and every site is unscorable in it
/// ([`crate::model::UnscorableReason::NotRegistered`]).
///
/// ```
/// use gemmule::engine::{Backend, Engine};
/// use gemmule::model::Session;
/// use gemmule::phantom::{self, PhantomParams, SeriesParams};
/// use gemmule::pipeline::{self, Params};
/// use gemmule::progress::Silent;
/// let field = PhantomParams::default().planes(12)?.rows(128)?.columns(224)?.dendrites(1)?.axons(0)?.density_per_um(0.8)?.seed(3)?;
/// let made = phantom::series(&field, &SeriesParams::default().days(vec![0.0, 2.0])?.test_retest(), &mut Silent)?;
/// let (engine, params) = (Engine::new(Backend::Cpu)?, Params::default());
/// let mut seen = vec![];
/// for session in made.sessions {
///     seen.push(pipeline::see(&engine, &session.stack, &params, &mut Silent)?.1); // the stack is not needed any more
/// }
/// let sessions: Vec<Session> = made.days.iter().map(|day| Session { name: day.to_string(), day: Some(*day) }).collect();
/// let tracked = pipeline::track(&seen, &sessions, &params, &mut Silent)?;
/// assert!(!seen[0].lines().is_empty() && !tracked.tracks.is_empty());
/// assert!(tracked.tracks.iter().all(|track| track.calls.len() == 2));
/// let lengths = pipeline::lengths(&tracked, &seen);
/// assert!(lengths.iter().any(|l| l.session == 1 && l.length_um > 0.0));
/// assert_eq!(pipeline::track_summary(&tracked)["links"], tracked.links.len());
/// # Ok::<(), gemmule::error::Error>(())
/// ```
///
/// # Errors
/// Fewer than two sessions that can be brought together or have dendrites, days that do not ascend, parameters out of range, cancellation.
pub fn track(
    seen: &[SeenSession],
    sessions: &[Session],
    params: &Params,
    progress: &mut dyn Progress,
) -> Result<Tracked> {
    track_curated(seen, sessions, &Curation::default(), params, progress)
}

/// The same with what people decided, which is never overturned.
///
/// ```
/// use gemmule::engine::{Backend, Engine};
/// use gemmule::model::Session;
/// use gemmule::phantom::{self, PhantomParams, SeriesParams};
/// use gemmule::pipeline::{self, Curation, Params};
/// use gemmule::progress::Silent;
/// let field = PhantomParams::default().planes(12)?.rows(128)?.columns(224)?.dendrites(1)?.axons(0)?.density_per_um(0.8)?.seed(3)?;
/// let made = phantom::series(&field, &SeriesParams::default().days(vec![0.0, 2.0])?.test_retest(), &mut Silent)?;
/// let (engine, params) = (Engine::new(Backend::Cpu)?, Params::default());
/// let mut seen = vec![];
/// for session in made.sessions {
///     seen.push(pipeline::see(&engine, &session.stack, &params, &mut Silent)?.1);
/// }
/// let sessions = ["day0", "day2"].map(|name| Session { name: name.into(), day: None });
/// // Someone says that the first spine of the first session is none.
/// let place = seen[0].spines[0].head;
/// let dir = tempfile::tempdir().unwrap();
/// let path = dir.path().join("curation.csv");
/// let row = format!("day0,{},{},{},not-a-spine,ab\n", place.z, place.y, place.x);
/// std::fs::write(&path, format!("session,z_um,y_um,x_um,verdict,who\n{row}")).unwrap();
/// let curation = Curation::read(&path, &sessions, None, None)?;
/// let tracked = pipeline::track_curated(&seen, &sessions, &curation, &params, &mut Silent)?;
/// assert_eq!(tracked.applied.len(), 1);
/// assert!(!tracked.remarks().is_empty());
/// # Ok::<(), gemmule::error::Error>(())
/// ```
///
/// # Errors
/// As [`track`]; decisions that contradict each other, or see a spine where there is no site.
pub fn track_curated(
    seen: &[SeenSession],
    sessions: &[Session],
    curation: &Curation,
    params: &Params,
    progress: &mut dyn Progress,
) -> Result<Tracked> {
    params.validate()?;
    check(seen, sessions)?;
    let observed: Vec<&Observed> = seen.iter().map(|s| &s.observed).collect();
    let names: Vec<String> = sessions.iter().map(|s| s.name.clone()).collect();
    let sites = sites::sites(&observed, &names, false, params, progress)?;
    let days: Vec<Option<f64>> = sessions.iter().map(|s| s.day).collect();
    let (judged, presence, rulings) = calls::judge(seen, &sites, &days, curation, params)?;
    progress.step("track", 1, 1)?;
    let (tracks, track_of) = number(judged, seen, &sites);
    let links = links(&sites, seen, &tracks, &track_of);
    let track_id = |site: usize| Some(tracks[*track_of.get(&sites.sites[site][0])?].track_id);
    let (applied, undecided) = (curation.applied(&rulings, track_id), curation.undecided);
    let motions = seen.iter().map(|s| s.motion.clone()).collect();
    let axon_um = |s: &SeenSession| s.dendrites.iter().map(|d| d.unscorable_length_um(UnscorableReason::Axon)).sum();
    let axon_length_um = seen.iter().map(axon_um).collect();
    let sessions = sessions.to_vec();
    Ok(Tracked { sessions, tracks, links, sites, presence, applied, undecided, motions, axon_length_um })
}

fn check(seen: &[SeenSession], sessions: &[Session]) -> Result<()> {
    if seen.len() != sessions.len() || seen.len() < 2 {
        return Err(Error::parameter(
            "sessions of a series",
            format!("{} stacks, {} sessions", seen.len(), sessions.len()),
            "at least 2, one stack each",
            "give the stacks of all sessions",
        ));
    }
    let days: Vec<f64> = sessions.iter().filter_map(|s| s.day).collect();
    if days.windows(2).any(|w| w[1] <= w[0]) {
        return Err(Error::parameter(
            "days of the sessions",
            format!("{days:?}"),
            "ascending",
            "sort the sessions by day",
        ));
    }
    // With two that have any, one without is left out like every session that fits no other.
    let empty = seen.iter().position(|s| s.observed.lines.is_empty());
    if let Some(k) = empty.filter(|_| seen.iter().filter(|s| !s.observed.lines.is_empty()).count() < 2) {
        return Err(Error::parameter(
            &format!("dendrites found in session {}", sessions[k].name),
            0,
            "at least 1",
            "look at its overlay.png; lower trace.low_factor, or leave the session out",
        ));
    }
    Ok(())
}

/// Tracks by first session, dendrite and arc length, and the track of every member.
fn number(
    judged: Vec<Judged>,
    seen: &[SeenSession],
    sites: &Sites,
) -> (Vec<Track>, std::collections::BTreeMap<Member, usize>) {
    let place = |j: &Judged| {
        let (session, n) = j.members[0];
        let spine = &seen[session].spines[n];
        let line = seen[session].observed.lines.iter().position(|l| l.dendrite_id == i64::from(spine.dendrite_id));
        (session, line.map_or(0, |l| sites.dendrites[session][l]), spine.s_um, n)
    };
    // A person's decision that a site is none stays to be seen.
    let there = |j: &&Judged| j.calls.iter().any(|c| c.status == Status::Present || c.curated.is_some());
    let mut kept: Vec<Judged> = judged.iter().filter(there).cloned().collect();
    kept.sort_by(|a, b| {
        let (x, y) = (place(a), place(b));
        (x.0, x.1).cmp(&(y.0, y.1)).then(x.2.total_cmp(&y.2)).then(x.3.cmp(&y.3))
    });
    let mut track_of = std::collections::BTreeMap::new();
    let tracks = kept
        .into_iter()
        .enumerate()
        .map(|(n, j)| {
            let (_, dendrite_id, s_um, _) = place(&j);
            track_of.extend(j.members.iter().map(|&m| (m, n)));
            Track { track_id: n as u32 + 1, dendrite_id, s_um, calls: j.calls }
        })
        .collect();
    (tracks, track_of)
}

fn links(
    sites: &Sites,
    seen: &[SeenSession],
    tracks: &[Track],
    track_of: &std::collections::BTreeMap<Member, usize>,
) -> Vec<Link> {
    let spine = |(session, n): Member| i64::from(seen[session].spines[n].spine_id);
    sites
        .links
        .iter()
        .filter_map(|&(a, b, p_same)| {
            let track = &tracks[*track_of.get(&a)?];
            let there = |m: Member| track.calls[m.0].status == Status::Present;
            (there(a) && there(b)).then(|| Link {
                session_a: a.0,
                spine_a: spine(a),
                session_b: b.0,
                spine_b: spine(b),
                track_id: track.track_id,
                p_same,
            })
        })
        .collect()
}
