//! Counts and rates from one session to the next.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::dynamics::{DynamicsParams, Turnover};
use crate::error::{Error, Result};
use crate::model::{Call, Session, Status, Track, UnscorableReason};

/// Length of one dendrite on which spines can be judged in one session. See the example of [`intervals()`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DendriteLength {
    /// Position of the session.
    pub session: usize,
    /// The dendrite's number common to all sessions.
    pub dendrite_id: u32,
    /// Scorable length, µm.
    pub length_um: f64,
}

/// Spines over one interval: numbers from calls, or expected numbers from probabilities. See the example of [`Counts::rates`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Counts {
    /// Spines of the earlier session at sites scorable in both.
    pub scorable_a: f64,
    /// Those still there.
    pub persistent: f64,
    /// New ones, at sites scorable in both.
    pub formed: f64,
    /// Lost ones.
    pub eliminated: f64,
}

/// A site counts for no more than 1 over this many.
const LEAST_FOUND: f64 = 0.25;

/// What spines are counted by. See the example of [`crate::dynamics::bootstrap()`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// Calls.
    Called,
    /// Probabilities.
    Expected,
    /// Probabilities over the share of such spines that are found.
    Corrected,
}

/// Rates of one interval; none where their denominator is 0. See the example of [`Counts::rates`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Rates {
    /// formed / scorable_a.
    pub formation: Option<f64>,
    /// eliminated / scorable_a.
    pub elimination: Option<f64>,
    /// As [`Turnover`] says.
    pub turnover: Option<f64>,
}

impl Counts {
    /// The numbers that one site adds to an interval, from its calls; none if it cannot be judged in both sessions.
    fn called(track: &Track, a: usize, b: usize) -> Option<Self> {
        let there = |k: usize| match track.calls[k].status {
            Status::Present => Some(1.0),
            Status::Absent => Some(0.0),
            Status::Unscorable => None,
        };
        let (in_a, in_b) = (there(a)?, there(b)?);
        Some(Self::of(in_a, in_b, in_a * in_b))
    }

    /// The same as expected numbers, from the probabilities; where there is none the call stands. Sessions next to each other, or with none between them but
    /// such as were left out, share P(both); others are taken as independent given their probabilities.
    fn expected(track: &Track, a: usize, b: usize) -> Option<Self> {
        let p = |k: usize| match (track.calls[k].status, track.calls[k].p_present) {
            (Status::Unscorable, _) => None,
            (_, Some(p)) => Some(p),
            (status, None) => Some(f64::from(u8::from(status == Status::Present))),
        };
        let (p_a, p_b) = (p(a)?, p(b)?);
        let next = track.calls[a + 1..b].iter().all(is_left_out);
        let both = track.calls[b].p_both.filter(|_| next).unwrap_or(p_a * p_b);
        Some(Self::of(p_a, p_b, both))
    }

    /// The expected numbers, each over the probability that such a spine is found in some session that it is in (Horvitz and Thompson 1952,
    /// doi:10.1080/01621459.1952.10483446): a spine of one session has fewer chances to be found than one that stays, and new ones are small.
    /// That probability counts as at least [`LEAST_FOUND`], so that no site counts for many.
    fn corrected(track: &Track, a: usize, b: usize) -> Option<Self> {
        let Self { scorable_a: in_a, persistent: both, formed, eliminated } = Self::expected(track, a, b)?;
        let missed = |k: usize, p_there: f64| 1.0 - p_there * track.calls[k].p_found.unwrap_or(1.0);
        let around = |sessions: std::ops::Range<usize>| {
            sessions.map(|k| missed(k, track.calls[k].p_present.unwrap_or(0.0))).product::<f64>()
        };
        let (before, after) = (around(0..a), around(b + 1..track.calls.len()));
        let over = |n: f64, missed: f64| n / (1.0 - missed).max(LEAST_FOUND);
        let persistent = over(both, before * missed(a, 1.0) * missed(b, 1.0) * after);
        let eliminated = over(eliminated, before * missed(a, 1.0));
        // What is there in neither says nothing of either.
        let scorable_a = if in_a > 0.0 { persistent + eliminated } else { 0.0 };
        Some(Self { scorable_a, persistent, formed: over(formed, missed(b, 1.0) * after), eliminated })
    }

    fn of(a: f64, b: f64, both: f64) -> Self {
        Self { scorable_a: a, persistent: both, formed: b - both, eliminated: a - both }
    }

    fn plus(self, other: Self) -> Self {
        Self {
            scorable_a: self.scorable_a + other.scorable_a,
            persistent: self.persistent + other.persistent,
            formed: self.formed + other.formed,
            eliminated: self.eliminated + other.eliminated,
        }
    }

    /// Sum over tracks.
    pub(super) fn sum<'a>(tracks: impl IntoIterator<Item = &'a Track>, a: usize, b: usize, basis: Basis) -> Self {
        let one = |track| match basis {
            Basis::Called => Self::called(track, a, b),
            Basis::Expected => Self::expected(track, a, b),
            Basis::Corrected => Self::corrected(track, a, b),
        };
        tracks.into_iter().filter_map(one).fold(Self::default(), Self::plus)
    }

    /// Rates over the earlier session's scorable spines, and turnover by the formula asked for.
    ///
    /// ```
    /// use gemmule::dynamics::{Counts, Turnover};
    /// let counts = Counts { scorable_a: 139.0, persistent: 117.0, formed: 16.0, eliminated: 22.0 };
    /// let rates = counts.rates(Turnover::OverBoth);
    /// assert!((rates.formation.unwrap() - 16.0 / 139.0).abs() < 1e-12);
    /// assert!((rates.turnover.unwrap() - 38.0 / 272.0).abs() < 1e-12);
    /// assert!((counts.rates(Turnover::OverCurrent).turnover.unwrap() - 38.0 / 266.0).abs() < 1e-12);
    /// assert_eq!(Counts::default().rates(Turnover::MeanOfRates).turnover, None);
    /// ```
    pub fn rates(&self, turnover: Turnover) -> Rates {
        let share = |n: f64, of: f64| (of > 0.0).then(|| n / of);
        Rates {
            formation: share(self.formed, self.scorable_a),
            elimination: share(self.eliminated, self.scorable_a),
            turnover: share(self.formed + self.eliminated, self.turnover_over(turnover)),
        }
    }
}

/// What happened between two sessions, on one dendrite or on all. See the example of [`intervals()`].
#[derive(Clone, Debug, PartialEq)]
pub struct Interval {
    /// The dendrite; none for all together.
    pub dendrite_id: Option<u32>,
    /// Positions of the two sessions.
    pub sessions: (usize, usize),
    /// Spines of the earlier and of the later session, whether or not the other session can be judged.
    pub n: (usize, usize),
    /// Sites with a spine in one of the sessions that cannot be judged in the other.
    pub unscorable: usize,
    /// From calls.
    pub called: Counts,
    /// From probabilities.
    pub expected: Counts,
    /// From probabilities, and how likely each spine was found.
    pub corrected: Counts,
    /// Scorable length in either session, µm, where known.
    pub length_um: (Option<f64>, Option<f64>),
}

impl Counts {
    /// What a turnover ratio of this formula is over.
    ///
    /// ```
    /// use gemmule::dynamics::{Counts, Turnover};
    /// let counts = Counts { scorable_a: 139.0, persistent: 117.0, formed: 16.0, eliminated: 22.0 };
    /// assert_eq!(counts.turnover_over(Turnover::OverBoth), 139.0 + 133.0);
    /// assert_eq!(counts.turnover_over(Turnover::MeanOfRates), 2.0 * 139.0);
    /// ```
    pub fn turnover_over(&self, turnover: Turnover) -> f64 {
        let now = self.persistent + self.formed;
        match turnover {
            Turnover::OverBoth => self.scorable_a + now,
            Turnover::MeanOfRates => 2.0 * self.scorable_a,
            Turnover::OverCurrent => 2.0 * now,
        }
    }
}

impl Interval {
    /// Spines per µm of scorable length in either session. See the example of [`intervals()`].
    pub fn density_per_um(&self) -> (Option<f64>, Option<f64>) {
        let density = |n: usize, length: Option<f64>| length.filter(|l| *l > 0.0).map(|l| n as f64 / l);
        (density(self.n.0, self.length_um.0), density(self.n.1, self.length_um.1))
    }
}

/// Every interval of consecutive sessions: each dendrite by number, then all together. A session that was left out
/// ([`UnscorableReason::NotRegistered`]) ends no interval: that from the session before it goes on to the one after it.
///
/// ```
/// use gemmule::dynamics::{DendriteLength, DynamicsParams, intervals};
/// use gemmule::model::{Call, Session, Status, Track};
/// let sessions = [0.0, 2.0].map(|day| Session { name: day.to_string(), day: Some(day) });
/// let track = |n: u32, first, then| Track {
///     track_id: n,
///     dendrite_id: 1,
///     s_um: f64::from(n),
///     calls: vec![Call::bare(first, None), Call::bare(then, None)],
/// };
/// let tracks = [
///     track(1, Status::Present, Status::Present),
///     track(2, Status::Present, Status::Absent),
///     track(3, Status::Present, Status::Unscorable), // counts neither as stayed nor as gone
/// ];
/// let lengths = [0, 1].map(|session| DendriteLength { session, dendrite_id: 1, length_um: 10.0 });
/// let params = DynamicsParams::default();
/// let all = intervals(&sessions, &tracks, &lengths, &params)?.pop().expect("all dendrites together come last");
/// assert_eq!((all.dendrite_id, all.n, all.unscorable), (None, (3, 1), 1));
/// assert_eq!(all.called.rates(params.turnover).elimination, Some(0.5));
/// assert_eq!(all.density_per_um(), (Some(0.3), Some(0.1)));
/// # Ok::<(), gemmule::error::Error>(())
/// ```
///
/// # Errors
/// [`Error::Parameter`] for tracks whose calls are not one per session, or parameters out of range.
pub fn intervals(
    sessions: &[Session],
    tracks: &[Track],
    lengths: &[DendriteLength],
    params: &DynamicsParams,
) -> Result<Vec<Interval>> {
    params.validate()?;
    check(sessions, tracks)?;
    let numbers: BTreeSet<u32> =
        tracks.iter().map(|t| t.dendrite_id).chain(lengths.iter().map(|l| l.dendrite_id)).collect();
    let groups: Vec<Option<u32>> = numbers.into_iter().map(Some).chain([None]).collect();
    let mut found = Vec::new();
    for pair in judged(sessions, tracks).windows(2) {
        found.extend(groups.iter().map(|&dendrite_id| interval(dendrite_id, (pair[0], pair[1]), tracks, lengths)));
    }
    Ok(found)
}

fn is_left_out(call: &Call) -> bool {
    call.reason == Some(UnscorableReason::NotRegistered)
}

/// Positions of the sessions that were not left out.
pub(super) fn judged(sessions: &[Session], tracks: &[Track]) -> Vec<usize> {
    (0..sessions.len()).filter(|&k| !tracks.iter().any(|t| is_left_out(&t.calls[k]))).collect()
}

pub(super) fn check(sessions: &[Session], tracks: &[Track]) -> Result<()> {
    match tracks.iter().find(|t| t.calls.len() != sessions.len()) {
        None => Ok(()),
        Some(track) => Err(Error::parameter(
            &format!("calls of track {}", track.track_id),
            track.calls.len(),
            &format!("{}, one per session", sessions.len()),
            "give tracks and sessions of the same series",
        )),
    }
}

fn interval(
    dendrite_id: Option<u32>,
    (a, b): (usize, usize),
    tracks: &[Track],
    lengths: &[DendriteLength],
) -> Interval {
    let mine = |id: u32| dendrite_id.is_none_or(|d| d == id);
    let here: Vec<&Track> = tracks.iter().filter(|t| mine(t.dendrite_id)).collect();
    let status = |t: &Track, k: usize| t.calls[k].status;
    let count = |k: usize| here.iter().filter(|t| status(t, k) == Status::Present).count();
    let half = |t: &&&Track| {
        let pair = [status(t, a), status(t, b)];
        pair.contains(&Status::Present) && pair.contains(&Status::Unscorable)
    };
    let length = |k: usize| {
        let of: Vec<f64> =
            lengths.iter().filter(|l| l.session == k && mine(l.dendrite_id)).map(|l| l.length_um).collect();
        (!of.is_empty()).then(|| of.iter().sum())
    };
    Interval {
        dendrite_id,
        sessions: (a, b),
        n: (count(a), count(b)),
        unscorable: here.iter().filter(half).count(),
        called: Counts::sum(here.iter().copied(), a, b, Basis::Called),
        expected: Counts::sum(here.iter().copied(), a, b, Basis::Expected),
        corrected: Counts::sum(here.iter().copied(), a, b, Basis::Corrected),
        length_um: (length(a), length(b)),
    }
}
