//! Survival of spines: Kaplan-Meier at the days of the sessions.

use crate::dynamics::DynamicsParams;
use crate::dynamics::interval::{check, judged};
use crate::dynamics::kaplan_meier::Product;
use crate::error::Result;
use crate::model::{Session, Status, Track};

/// Spines followed together. See the example of [`survival()`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cohort {
    /// Those of the first session that was not left out.
    Baseline,
    /// Those formed at a session ([`is_formed`]).
    FormedAt(usize),
}

/// Share of a cohort that is left after a session. See the example of [`survival()`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SurvivalPoint {
    /// Position of the session.
    pub session: usize,
    /// Days since the cohort's session; sessions, where a day is unknown.
    pub since: f64,
    /// Spines followed up to here and judged here or later.
    pub n_at_risk: usize,
    /// Spines lost at this session.
    pub n_lost: usize,
    /// Kaplan-Meier estimate.
    pub fraction: f64,
    /// Lower and upper bound; the same as the fraction while nothing was lost or when nothing is left.
    pub bounds: (f64, f64),
}

/// Kaplan-Meier survival (doi:10.1080/01621459.1958.10501452) of a cohort at every session from its own on, with
/// Greenwood's variance on the log-log scale (Kalbfleisch and Prentice): S^exp(±z √V / ln S), V = Σ d / (n (n - d)).
///
/// A spine is followed only if what is seen up to the cohort's session is enough to believe it ([`is_followed`]): a faint one is called because it is seen again
/// later, and with such ones, which cannot but survive, survival would be too high.
///
/// A spine counts as lost at the first session it is called absent, and for good: one that comes back was lost. Sessions at which it
/// cannot be judged are passed over: if it is there afterwards it lived through them, if it is absent it was lost at some time in
/// between and is counted at the session that shows it (the right end of its interval; with intervals of one session the
/// two estimates agree); if nothing is known afterwards it is censored at the last session that shows it. A session that was left out
/// ([`crate::model::UnscorableReason::NotRegistered`]) has no point.
///
/// ```
/// use gemmule::dynamics::{Cohort, DynamicsParams, survival};
/// use gemmule::model::{Call, Session, Status::{self, Absent, Present}, Track};
/// let sessions = [0.0, 2.0, 9.0].map(|day| Session { name: day.to_string(), day: Some(day) });
/// let track = |statuses: [Status; 3]| Track {
///     track_id: 1,
///     dendrite_id: 1,
///     s_um: 0.0,
///     calls: statuses.map(|status| Call::bare(status, None)).to_vec(),
/// };
/// let tracks = [[Present, Present, Absent], [Present, Present, Present], [Absent, Present, Present]].map(track);
/// let old = survival(&sessions, &tracks, Cohort::Baseline, &DynamicsParams::default())?;
/// assert_eq!((old[2].since, old[2].n_at_risk, old[2].n_lost, old[2].fraction), (9.0, 2, 1, 0.5));
/// let new = survival(&sessions, &tracks, Cohort::FormedAt(1), &DynamicsParams::default())?;
/// assert_eq!((new[1].since, new[1].fraction), (7.0, 1.0));
/// # Ok::<(), gemmule::error::Error>(())
/// ```
///
/// # Errors
/// [`crate::error::Error::Parameter`] for tracks whose calls are not one per session, or parameters out of range.
pub fn survival(
    sessions: &[Session],
    tracks: &[Track],
    cohort: Cohort,
    params: &DynamicsParams,
) -> Result<Vec<SurvivalPoint>> {
    params.validate()?;
    check(sessions, tracks)?;
    let judged = judged(sessions, tracks);
    let first = judged.first().copied().unwrap_or(0);
    let start = match cohort {
        Cohort::Baseline => first,
        Cohort::FormedAt(session) => session,
    };
    // (last session known to be there, session at which it is known lost).
    let lives: Vec<(usize, Option<usize>)> = tracks
        .iter()
        .filter(|t| belongs(t, cohort, first) && is_followed(t, start, params))
        .map(|t| life(t, start))
        .collect();
    let mut product = Product::START;
    let mut points = Vec::new();
    for session in judged.into_iter().filter(|session| *session >= start) {
        let at_risk = lives.iter().filter(|(last, lost)| lost.map_or(*last >= session, |l| l >= session)).count();
        let lost = lives.iter().filter(|(_, lost)| *lost == Some(session)).count();
        if at_risk == 0 && session > start {
            break;
        }
        product = product.after(at_risk, lost);
        let since = match (sessions[start].day, sessions[session].day) {
            (Some(a), Some(b)) => b - a,
            _ => (session - start) as f64,
        };
        let (fraction, bounds) = (product.fraction, product.log_log(params.confidence));
        points.push(SurvivalPoint { session, since, n_at_risk: at_risk, n_lost: lost, fraction, bounds });
    }
    Ok(points)
}

fn belongs(track: &Track, cohort: Cohort, first: usize) -> bool {
    let status = |k: usize| track.calls.get(k).map(|c| c.status);
    match cohort {
        Cohort::Baseline => status(first) == Some(Status::Present),
        Cohort::FormedAt(session) => is_formed(track, session),
    }
}

/// Whether a spine was formed at a session: absent in the last session before it that can be judged, present there.
///
/// ```
/// use gemmule::dynamics::{DynamicsParams, is_followed, is_formed};
/// use gemmule::model::{Call, Status::{Absent, Present, Unscorable}, Track};
/// let calls = [Absent, Unscorable, Present, Present].map(|status| Call::bare(status, None));
/// let mut track = Track { track_id: 1, dendrite_id: 1, s_um: 0.0, calls: calls.to_vec() };
/// assert!(is_formed(&track, 2) && !is_formed(&track, 0) && !is_formed(&track, 3));
/// // Marks of people have no probabilities: all are followed.
/// let params = DynamicsParams::default();
/// assert!(is_followed(&track, 2, &params));
/// // Called because it is there on the last day as well.
/// track.calls[2].p_so_far = Some(0.2);
/// assert!(!is_followed(&track, 2, &params));
/// ```
pub fn is_formed(track: &Track, session: usize) -> bool {
    let before = track.calls.iter().take(session).rev().map(|c| c.status).find(|s| *s != Status::Unscorable);
    track.calls.get(session).is_some_and(|c| c.status == Status::Present) && before == Some(Status::Absent)
}

/// Whether what is seen up to a session is enough to follow a spine from there on: [`DynamicsParams::followed_min`]. See the example of [`is_formed`].
pub fn is_followed(track: &Track, session: usize, params: &DynamicsParams) -> bool {
    track.calls.get(session).is_some_and(|c| c.p_so_far.is_none_or(|p| p >= params.followed_min))
}

fn life(track: &Track, start: usize) -> (usize, Option<usize>) {
    let mut last = start;
    for (k, call) in track.calls.iter().enumerate().skip(start + 1) {
        match call.status {
            Status::Present => last = k,
            Status::Absent => return (last, Some(k)),
            Status::Unscorable => {}
        }
    }
    (last, None)
}

#[cfg(test)]
mod tests {
    use crate::dynamics::{Cohort, DynamicsParams, survival};
    use crate::model::{Call, Session, Status, Track};

    fn tracks(rows: &[&str]) -> Vec<Track> {
        let status = |c| match c {
            '+' => Status::Present,
            '-' => Status::Absent,
            _ => Status::Unscorable,
        };
        let track = |(n, row): (usize, &&str)| Track {
            track_id: n as u32 + 1,
            dendrite_id: 1,
            s_um: 0.0,
            calls: row.chars().map(|c| Call::bare(status(c), None)).collect(),
        };
        rows.iter().enumerate().map(track).collect()
    }

    #[test]
    fn what_is_believed_only_for_having_stayed_is_not_followed() {
        let sessions: Vec<Session> = (0..3).map(|n| Session { name: n.to_string(), day: None }).collect();
        let mut tracks = tracks(&["-++", "-+-", "-++"]);
        tracks[0].calls[1].p_so_far = Some(0.1);
        tracks[1].calls[1].p_so_far = Some(0.9);
        let last = |params: &DynamicsParams| {
            *survival(&sessions, &tracks, Cohort::FormedAt(1), params).unwrap().last().unwrap()
        };
        let params = DynamicsParams::default();
        assert_eq!((last(&params).n_at_risk, last(&params).fraction), (2, 0.5));
        assert_eq!(last(&DynamicsParams { followed_min: 0.0, ..params }).n_at_risk, 3);
    }

    #[test]
    fn steps_censoring_and_bounds_are_as_by_hand() {
        let days = [0.0, 2.0, 5.0];
        let sessions: Vec<Session> = days.iter().map(|&d| Session { name: d.to_string(), day: Some(d) }).collect();
        // Of five: one lost at 1; one lost somewhere up to 2; one censored after 1; two stay; the last is formed later.
        let tracks = tracks(&["+--", "+?-", "++?", "+++", "+-+", "-++"]);
        let points = survival(&sessions, &tracks, Cohort::Baseline, &DynamicsParams::default()).unwrap();
        let steps: Vec<(f64, usize, usize)> = points.iter().map(|p| (p.since, p.n_at_risk, p.n_lost)).collect();
        assert_eq!(steps, [(0.0, 5, 0), (2.0, 5, 2), (5.0, 2, 1)]);
        assert!((points[1].fraction - 0.6).abs() < 1e-12 && (points[2].fraction - 0.3).abs() < 1e-12);
        // S = .6, V = 2/(5*3): .6^exp(±1.96 sqrt(V)/ln .6).
        let spread = (1.959_963_985 * (2.0_f64 / 15.0).sqrt() / 0.6_f64.ln().abs()).exp();
        assert!((points[1].bounds.0 - 0.6_f64.powf(spread)).abs() < 1e-9);
        assert!((points[1].bounds.1 - 0.6_f64.powf(1.0 / spread)).abs() < 1e-9);
        let new = survival(&sessions, &tracks, Cohort::FormedAt(1), &DynamicsParams::default()).unwrap();
        assert_eq!((new[0].n_at_risk, new[1].n_at_risk, new[1].fraction), (1, 1, 1.0));
        assert_eq!(
            survival(&sessions, &tracks, Cohort::FormedAt(2), &DynamicsParams::default()).unwrap()[0].n_at_risk,
            1
        );
    }
}
