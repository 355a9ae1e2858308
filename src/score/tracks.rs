//! Tracks against human marks and links (T1-T7).

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::assignment::heaviest;
use crate::error::Result;
use crate::model::Status;
use crate::score::found_tracks::{self, FoundTracks, Hit, Judged};
use crate::score::reliability::{Reliability, reliability};
use crate::score::series::SeriesTruth;
use crate::score::track_pair::{self, TrackPair};
use crate::score::{ScoreParams, Target, mean, ratio};

/// Detection in one session. See the example of [`tracks`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct SessionFigures {
    /// Present calls matched to a mark.
    pub tp: usize,
    /// Present calls unmatched in the scoring region.
    pub fp: usize,
    /// Marks unmatched.
    #[serde(rename = "fn")]
    pub missed: usize,
    /// tp / (tp + fp).
    pub precision: Option<f64>,
    /// tp / marks.
    pub recall: Option<f64>,
    /// 2 tp / (tp + fp + marks).
    pub f1: Option<f64>,
}

/// Figures over all pairs and sessions. See the example of [`tracks`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct TrackOverall {
    /// Of the links whose both ends are marks, how many are true.
    pub link_precision: Option<f64>,
    /// Of the true links whose both ends were matched, how many were found.
    pub link_recall: Option<f64>,
    /// The harmonic mean of the two.
    pub link_f1: Option<f64>,
    /// Of all links found, how many are true.
    pub link_strict_precision: Option<f64>,
    /// Of all true links, how many were found.
    pub link_strict_recall: Option<f64>,
    /// The harmonic mean of the two.
    pub link_strict_f1: Option<f64>,
    /// Of all present calls that count, the share on the one human identity paired with their track.
    pub idprecision: Option<f64>,
    /// The same, of all marks.
    pub idrecall: Option<f64>,
    /// The harmonic mean of the two.
    pub idf1: Option<f64>,
    /// Mean squared error of p_present against whether the human's spine persists.
    pub brier: Option<f64>,
}

/// How well tracks agree with the truth. See the example of [`tracks`].
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TrackScore {
    /// What was compared.
    pub target: Target,
    /// Detection by session.
    pub sessions: BTreeMap<i64, SessionFigures>,
    /// Consecutive sessions that the truth links.
    pub pairs: Vec<TrackPair>,
    /// All of them.
    pub overall: TrackOverall,
    /// How often a spine persists, by its p_present in the later session: the calls that the Brier score is over.
    pub reliability: Reliability,
}

/// Scores tracks over `sessions` (none: all of the truth).
///
/// Present calls are matched to marks as detections are. A link is a track present in both sessions of a pair.
/// `link` figures judge links whose both ends matched a mark; `link_strict` all but those with both ends unmatched outside the
/// region. Links with an end on a bad mark count on neither side. A track unscorable in either session takes no part
/// in the pair. Eliminated and formed are over tracks whose present end counts, without those whose mark is the partner
/// of a bad one. `id` figures pair tracks and human identities one to one so that the most calls agree.
///
/// ```
/// use gemmule::score::{ScoreParams, SeriesTruth, read_found_tracks, tracks};
/// # let dir = tempfile::tempdir().unwrap();
/// # let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
/// # write("meta.json", r#"{"voxel_um": {"z": 1.0, "y": 0.1, "x": 0.1}}"#);
/// # write("spines.csv", "session,spine_row,z,y,x,is_bad\n0,1,5,112,80,0\n0,2,5,112,150,0\n1,1,5,112,80,0\n1,2,5,112,150,0\n");
/// # write("dendrites.csv", "session,dendrite_id,order,z,y,x\n0,1,0,5,100,0\n0,1,1,5,100,300\n1,1,0,5,100,0\n1,1,1,5,100,300\n");
/// # write("links.csv", "session_a,spine_row_a,session_b,spine_row_b\n0,1,1,1\n0,2,1,2\n");
/// // The truth has two spines that are there in both sessions; found was one of them, in both.
/// let path = dir.path().join("tracks.csv");
/// std::fs::write(&path, "track_id,session,status,z_um,y_um,x_um\n1,0,present,5,11.2,8\n1,1,present,5,11.2,8\n").unwrap();
/// let score = tracks(&SeriesTruth::read(dir.path())?, &read_found_tracks(&path)?, None, &ScoreParams::default())?;
/// assert_eq!((score.sessions[&0].tp, score.sessions[&0].missed), (1, 1));
/// assert_eq!((score.pairs[0].n_links_correct, score.overall.link_strict_recall), (1, Some(0.5)));
/// # Ok::<(), gemmule::error::Error>(())
/// ```
///
/// # Errors
/// [`crate::error::Error::Parameter`] for a session that is not in the truth, or for heads as target where marks have none.
pub fn tracks(
    truth: &SeriesTruth,
    found: &FoundTracks,
    sessions: Option<&[i64]>,
    params: &ScoreParams,
) -> Result<TrackScore> {
    params.validate()?;
    let sessions: Vec<i64> = sessions.map_or_else(|| truth.sessions.keys().copied().collect(), <[i64]>::to_vec);
    let mut judged: BTreeMap<i64, BTreeMap<String, Judged>> = BTreeMap::new();
    let mut by_session = BTreeMap::new();
    for &session in &sessions {
        if let Some((marks, _)) = truth.sessions.get(&session) {
            crate::score::check(marks, &[], params)?;
        }
        let calls = found_tracks::judge(truth, found, session, params)?;
        let count = |hit: fn(&Hit) -> bool| calls.values().filter_map(|c| c.hit).filter(hit).count();
        let (tp, fp) = (count(|h| matches!(h, Hit::True(_))), count(|h| *h == Hit::False));
        let marks = truth.good(session).len();
        let figures = SessionFigures {
            tp,
            fp,
            missed: marks - tp,
            precision: ratio(tp, tp + fp),
            recall: ratio(tp, marks),
            f1: ratio(2 * tp, tp + fp + marks),
        };
        by_session.insert(session, figures);
        judged.insert(session, calls);
    }
    let mut pairs = Vec::new();
    let (mut counts, mut foretold) = ([0; 5], Vec::new());
    for step in sessions.windows(2).filter(|step| truth.links.contains_key(&(step[0], step[1]))) {
        let pair = track_pair::track_pair(truth, (step[0], &judged[&step[0]]), (step[1], &judged[&step[1]]));
        (0..5).for_each(|k| counts[k] += pair.counts[k]);
        foretold.extend(pair.foretold);
        pairs.push(pair.figures);
    }
    let [correct, links_judged, reachable, n_found, n_truth] = counts;
    let (idtp, rows, marks) = identity(truth, &judged);
    let errors: Vec<f64> = foretold.iter().map(|&(p, came)| (p - f64::from(u8::from(came))).powi(2)).collect();
    let overall = TrackOverall {
        link_precision: ratio(correct, links_judged),
        link_recall: ratio(correct, reachable),
        link_f1: ratio(2 * correct, links_judged + reachable),
        link_strict_precision: ratio(correct, n_found),
        link_strict_recall: ratio(correct, n_truth),
        link_strict_f1: ratio(2 * correct, n_found + n_truth),
        idprecision: ratio(idtp, rows),
        idrecall: ratio(idtp, marks),
        idf1: ratio(2 * idtp, rows + marks),
        brier: mean(&errors),
    };
    let reliability = reliability(&foretold);
    Ok(TrackScore { target: params.target, sessions: by_session, pairs, overall, reliability })
}

/// Calls that agree when tracks and human identities are paired best, calls that count, and marks (T6).
fn identity(truth: &SeriesTruth, judged: &BTreeMap<i64, BTreeMap<String, Judged>>) -> (usize, usize, usize) {
    let identities = truth.identities();
    let mut together: BTreeMap<(&String, (i64, i64)), i64> = BTreeMap::new();
    let (mut rows, mut marks) = (0, 0);
    for (&session, calls) in judged {
        marks += truth.good(session).len();
        rows += calls.values().filter(|c| c.counts()).count();
        for (id, call) in calls {
            if let Some(row) = call.row() {
                *together.entry((id, identities[&(session, row)])).or_default() += 1;
            }
        }
    }
    let tracks: Vec<&String> = together.keys().map(|k| k.0).collect::<BTreeSet<_>>().into_iter().collect();
    let humans: Vec<(i64, i64)> = together.keys().map(|k| k.1).collect::<BTreeSet<_>>().into_iter().collect();
    let number = |&(track, human): &(&String, (i64, i64))| {
        (tracks.partition_point(|t| *t < track), humans.partition_point(|h| *h < human))
    };
    let worth: Vec<(usize, usize, i64)> = together.iter().map(|(k, &n)| (number(k).0, number(k).1, n)).collect();
    let chosen: BTreeSet<(usize, usize)> = heaviest(&worth).into_iter().collect();
    let agree: i64 = worth.iter().filter(|w| chosen.contains(&(w.0, w.1))).map(|w| w.2).sum();
    (agree.unsigned_abs() as usize, rows, marks)
}

/// Whether a call says that a spine is there.
pub(super) fn present(call: Option<&Judged>) -> bool {
    call.is_some_and(|c| c.call.status == Status::Present)
}
