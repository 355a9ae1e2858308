//! Found tracks, and what their calls hit.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::error::{Error, Result};
use crate::model::Status;
use crate::score::found::FoundPoint;
use crate::score::matching::Gated;
use crate::score::region;
use crate::score::series::SeriesTruth;
use crate::score::truth::TruthSpine;
use crate::score::{ScoreParams, Tally};
use crate::table::Table;
use crate::units::PointUm;

/// The call of one track in one session. See the example of [`read_found_tracks`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FoundCall {
    /// The decision.
    pub status: Status,
    /// Where; expected place for what is not present.
    pub place: Option<PointUm>,
    /// Probability that a spine is there.
    pub p_present: Option<f64>,
}

/// Calls by track and session.
pub type FoundTracks = BTreeMap<(String, i64), FoundCall>;

/// Reads `track_id`, `session`, `status`, `z_um`, `y_um`, `x_um` and, if there, `p_present`; others are ignored.
///
/// ```
/// use gemmule::model::Status;
/// use gemmule::score::read_found_tracks;
/// let dir = tempfile::tempdir().unwrap();
/// let path = dir.path().join("tracks.csv");
/// std::fs::write(&path, "track_id,session,status,z_um,y_um,x_um\n7,0,present,5,11.2,8\n7,1,unscorable,,,\n").unwrap();
/// let found = read_found_tracks(&path)?;
/// let call = &found[&("7".into(), 1)];
/// assert_eq!((call.status, call.place), (Status::Unscorable, None));
/// # Ok::<(), gemmule::error::Error>(())
/// ```
///
/// # Errors
/// [`Error::File`] if the file cannot be read, lacks a column, has a track twice in a session, an unknown status, or no
/// finite place for what is present.
pub fn read_found_tracks(path: impl AsRef<Path>) -> Result<FoundTracks> {
    let table = Table::read(path.as_ref())?;
    table.need(&["track_id", "session", "status", "z_um", "y_um", "x_um"])?;
    let mut found = FoundTracks::new();
    for row in 0..table.len() {
        let status = match table.text(row, "status") {
            "present" => Status::Present,
            "absent" => Status::Absent,
            "unscorable" => Status::Unscorable,
            _ => return Err(table.bad(row, "status", "present, absent or unscorable")),
        };
        let unknown = ["z_um", "y_um", "x_um"].iter().any(|c| table.text(row, c).is_empty());
        let place = if unknown && status != Status::Present {
            None
        } else {
            Some(PointUm::new(table.number(row, "z_um")?, table.number(row, "y_um")?, table.number(row, "x_um")?))
        };
        let p_present =
            if table.text(row, "p_present").is_empty() { None } else { Some(table.number(row, "p_present")?) };
        let key = (table.text(row, "track_id").to_owned(), table.whole(row, "session")?);
        if found.insert(key, FoundCall { status, place, p_present }).is_some() {
            return Err(table.bad(row, "track_id", "each track once per session"));
        }
    }
    Ok(found)
}

/// What a present call hit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hit {
    /// A good mark.
    True(i64),
    /// Nothing, where marks would be.
    False,
    /// A bad mark.
    Bad,
    /// Nothing, where nothing was marked.
    Outside,
}

/// A call and what it hit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Judged {
    pub(super) call: FoundCall,
    /// For present calls.
    pub(super) hit: Option<Hit>,
    /// Whether the place of what is not present lies in the scoring region.
    pub(super) near: bool,
}

impl Judged {
    /// Row of the good mark hit.
    pub(super) fn row(&self) -> Option<i64> {
        match self.hit {
            Some(Hit::True(row)) => Some(row),
            _ => None,
        }
    }

    /// Whether it is right or wrong.
    pub(super) fn counts(&self) -> bool {
        matches!(self.hit, Some(Hit::True(_) | Hit::False))
    }
}

/// Every call of one session by track, judged (T1).
pub(super) fn judge(
    truth: &SeriesTruth,
    found: &FoundTracks,
    session: i64,
    params: &ScoreParams,
) -> Result<BTreeMap<String, Judged>> {
    let Some((marks, rows)) = truth.sessions.get(&session) else {
        let known: BTreeSet<i64> = truth.sessions.keys().copied().collect();
        return Err(Error::parameter("session", session, &format!("{known:?}"), "give sessions of the truth"));
    };
    let here: Vec<(&String, &FoundCall)> =
        found.iter().filter(|(key, _)| key.1 == session).map(|(key, call)| (&key.0, call)).collect();
    let point = |call: &FoundCall| call.place.map(|place| FoundPoint { place, score: None });
    let present: Vec<(&String, FoundPoint)> = here
        .iter()
        .filter(|(_, call)| call.status == Status::Present)
        .filter_map(|(id, call)| Some((*id, point(call)?)))
        .collect();
    let points: Vec<FoundPoint> = present.iter().map(|p| p.1).collect();
    let numbered: Vec<(&TruthSpine, i64)> = marks.spines.iter().zip(rows.iter().copied()).collect();
    let (bad, good): (Vec<_>, Vec<_>) = numbered.into_iter().partition(|(spine, _)| spine.is_bad);
    let only = |of: &[(&'_ TruthSpine, i64)]| -> Vec<TruthSpine> { of.iter().map(|(spine, _)| **spine).collect() };
    let (good_spines, bad_spines) = (only(&good), only(&bad));
    let gated = |spines: &[TruthSpine]| Gated::new(&points, &spines.iter().collect::<Vec<_>>(), params);
    let (gated, gated_bad) = (gated(&good_spines), gated(&bad_spines));
    let inside = region::inside(&points, &marks.centrelines, params.region_um);
    let everything: Vec<usize> = (0..points.len()).collect();
    let tally = Tally::new(&everything, &gated, &gated_bad, &inside);
    let mut hits: Vec<Hit> = inside.iter().map(|&r| if r { Hit::False } else { Hit::Outside }).collect();
    tally.bad.iter().for_each(|&i| hits[i] = Hit::Bad);
    tally.pairs.iter().for_each(|&(i, j)| hits[i] = Hit::True(good[j].1));
    let hit_of: BTreeMap<&String, Hit> = present.iter().zip(hits).map(|((id, _), hit)| (*id, hit)).collect();
    let judged = |(id, call): &(&String, &FoundCall)| {
        let elsewhere = point(call).filter(|_| call.status != Status::Present);
        let near = elsewhere.is_some_and(|p| region::inside(&[p], &marks.centrelines, params.region_um)[0]);
        ((*id).clone(), Judged { call: **call, hit: hit_of.get(id).copied(), near })
    };
    Ok(here.iter().map(judged).collect())
}
