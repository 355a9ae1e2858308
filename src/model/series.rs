//! What is known of sites over the sessions of a series, and what people said of them.

use serde::{Deserialize, Serialize};

use crate::model::UnscorableReason;
use crate::units::PointUm;

/// One imaging session of a field of view. See the example of [`Call`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Session {
    /// Its name: the index in the order given (0, 1, ...) unless the user names it.
    pub name: String,
    /// Days since whatever the user counts from, where known.
    pub day: Option<f64>,
}

/// Whether a spine is at a site. See the example of [`Call`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// It is.
    Present,
    /// It is not, and would have been seen.
    Absent,
    /// It cannot be told: the site counts neither for nor against.
    Unscorable,
}

/// What is known about a site in one session.
///
/// ```
/// use gemmule::model::{Call, Session, Status, Track};
/// let sessions = [0.0, 2.0].map(|day| Session { name: format!("day{day}"), day: Some(day) });
/// let sure = Call { p_present: Some(0.99), ..Call::bare(Status::Present, None) };
/// let open = Call { p_present: Some(0.4), ..Call::bare(Status::Absent, None) };
/// assert!((sure.doubt() - 0.01).abs() < 1e-12);
/// let decided = Call { curated: Some("ab".into()), ..open.clone() };
/// assert_eq!(decided.doubt(), 0.0); // a person has said so
/// let track = Track { track_id: 1, dendrite_id: 1, s_um: 3.0, calls: vec![sure, open] };
/// assert!(track.calls.len() == sessions.len() && (track.doubt() - 0.4).abs() < 1e-12);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// The decision.
    pub status: Status,
    /// Probability that a spine is there; none where it cannot be told.
    pub p_present: Option<f64>,
    /// Probability that one is there in this and in the session before; none where that is not known.
    pub p_both: Option<f64>,
    /// Probability that one is there from what is seen in this session and those before; none where that is not known.
    pub p_so_far: Option<f64>,
    /// Share of spines of this size that are found in that session by themselves; none where that is not known.
    pub p_found: Option<f64>,
    /// Where, in that session's own µm: the spine's place, or where it would be; none where not even that is known.
    pub place: Option<PointUm>,
    /// Number of the spine in that session's table (`spine_id`, or `spine_row` of marks), if one was found there.
    pub spine: Option<i64>,
    /// Full width at half maximum of the head, µm.
    pub head_width_um: Option<f64>,
    /// Residual peak over the shaft's axis brightness, measured at this place whether or not a spine was found.
    pub brightness: Option<f64>,
    /// The same over the smallest that would have been seen there.
    pub contrast: Option<f64>,
    /// Why it cannot be told, for [`Status::Unscorable`].
    pub reason: Option<UnscorableReason>,
    /// Who made the call, if a person did.
    pub curated: Option<String>,
}

impl Call {
    /// A call about a site of which nothing has been measured. See the example of [`Call`].
    pub fn bare(status: Status, place: Option<PointUm>) -> Self {
        Self {
            status,
            p_present: None,
            p_both: None,
            p_so_far: None,
            p_found: None,
            place,
            spine: None,
            head_width_um: None,
            brightness: None,
            contrast: None,
            reason: None,
            curated: None,
        }
    }

    /// How near the call is to even odds: 0 (certain, made by a person, or none) to .5. See the example of [`Call`].
    pub fn doubt(&self) -> f64 {
        let p = self.p_present.filter(|_| self.curated.is_none());
        p.map_or(0.0, |p| 0.5 - (p - 0.5).abs())
    }
}

/// A site, and what became of it in every session. See the example of [`Call`].
#[derive(Clone, Debug, PartialEq)]
pub struct Track {
    /// Number, from 1, ordered by first session, dendrite and arc length.
    pub track_id: u32,
    /// The dendrite, by the number common to all sessions, from 1.
    pub dendrite_id: u32,
    /// Arc length along the dendrite as traced in the first session that has the site, µm.
    pub s_um: f64,
    /// One call per session, in the order of the sessions.
    pub calls: Vec<Call>,
}

impl Track {
    /// The doubt of its least certain call. See the example of [`Call`].
    pub fn doubt(&self) -> f64 {
        self.calls.iter().map(Call::doubt).fold(0.0, f64::max)
    }
}

/// What a person says of a site in a session. See the example of [`crate::io::read_curation`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// A spine is there.
    Present,
    /// None is there.
    Absent,
    /// It cannot be told.
    Unscorable,
    /// What is there is no spine, in this and in every session.
    NotASpine,
}

/// Codes that stand for field, sessions and crops while raters must not know them.
///
/// ```
/// use gemmule::model::Blind;
/// let codes = vec![vec!["QX2B".into(), "B7KD".into()]];
/// let blind = Blind { field: "F4".into(), sessions: vec!["T9".into(), "P3".into()], numbers: vec![1], codes };
/// assert_eq!(blind.order(0), [1, 0]); // its second session is shown first
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blind {
    /// Of the field of view.
    pub field: String,
    /// Of every session's picture.
    pub sessions: Vec<String>,
    /// Number of every site, from 1, in no order: that of tracks tells which session a site was first seen in.
    pub numbers: Vec<u32>,
    /// Of every crop, by site and session.
    pub codes: Vec<Vec<String>>,
}

impl Blind {
    /// The sessions in the order in which site `site` shows them: that of its codes. See the example of [`Blind`].
    pub fn order(&self, site: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.codes[site].len()).collect();
        order.sort_by_key(|&k| &self.codes[site][k]);
        order
    }
}

/// Two spines of different sessions that are the same one. See the example of [`crate::io::links_table`].
#[derive(Clone, Debug, PartialEq)]
pub struct Link {
    /// Position of the earlier session among the sessions.
    pub session_a: usize,
    /// Number of the spine there.
    pub spine_a: i64,
    /// Position of the later session.
    pub session_b: usize,
    /// Number of the spine there.
    pub spine_b: i64,
    /// The track that holds both.
    pub track_id: u32,
    /// Probability that they are the same spine, given the alternatives.
    pub p_same: f64,
}
