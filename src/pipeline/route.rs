//! Which session of a series is brought to which: each to the next, or over sessions that fit neither neighbour.

use std::collections::BTreeMap;

use rayon::prelude::*;
use serde::Serialize;

use crate::error::{Error, Result};
use crate::pipeline::pair::PairLinks;
use crate::progress::Progress;

/// Steps of a session between two reports of progress.
const BATCH: usize = 8;
/// Sessions in a row that may be left out.
const REACH: usize = 3;

/// A session that cannot be brought to the others, so that nothing in it is judged.
///
/// ```
/// use gemmule::geometry::Line;
/// use gemmule::pipeline::{Observed, Params, sites};
/// use gemmule::progress::Silent;
/// use gemmule::units::PointUm;
/// // The second session is of another field: it runs along y and turns the other way.
/// let bend = |i: i32| 8.0 * (f64::from(i) / 9.0).sin();
/// let session = |aside: bool| Observed {
///     places: vec![],
///     lines: Line::from_trace(1, &(0..50).map(|i| match aside {
///         false => PointUm::new(5.0, 20.0 + bend(i), f64::from(i)),
///         true => PointUm::new(5.0, f64::from(i), 20.0 - bend(2 * i)),
///     }).collect::<Vec<_>>()).into_iter().collect(),
///     profiles: vec![],
/// };
/// let (field, other) = (session(false), session(true));
/// let names = ["day0", "day2", "day4"].map(String::from);
/// let found = sites(&[&field, &other, &field], &names, false, &Params::default(), &mut Silent)?;
/// assert_eq!((found.kept, found.left_out[0].session), (vec![0, 2], 1));
/// assert!(found.left_out[0].why.contains("day0 to day2"));
/// # Ok::<(), gemmule::error::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// Its position among the sessions.
    pub session: usize,
    /// The refusal of its registration.
    pub why: String,
}

/// The sessions that belong together, in order, and how each is brought to the next of them.
#[derive(Debug)]
pub(super) struct Route {
    /// Positions among all sessions.
    pub(super) kept: Vec<usize>,
    /// From every kept one to the next.
    pub(super) pairs: Vec<PairLinks>,
    /// The others.
    pub(super) left_out: Vec<LeftOut>,
}

/// What came of the pairs that were tried, by their sessions.
type Tried = BTreeMap<(usize, usize), std::result::Result<PairLinks, Error>>;

/// The longest run of sessions each of which can be brought to the next; of runs of one length the one that begins, and goes on, earliest. `link` brings
/// one session to another. Only around a refused pair are sessions brought to others than their neighbours, so the work stays linear in sessions.
///
/// # Errors
/// The refusal of the first pair if no two sessions belong together; other errors of `link`; cancellation.
pub(super) fn route(
    sessions: usize,
    link: impl Fn(usize, usize) -> Result<PairLinks> + Sync,
    progress: &mut dyn Progress,
) -> Result<Route> {
    let next: Vec<(usize, usize)> = (1..sessions).map(|k| (k - 1, k)).collect();
    let mut tried = Tried::new();
    for (n, batch) in next.chunks(BATCH).enumerate() {
        progress.step("link", (n * BATCH) as u64, next.len() as u64)?;
        attempt(batch, &link, &mut tried)?;
    }
    let refused: Vec<usize> = next.iter().filter(|pair| tried[*pair].is_err()).map(|pair| pair.0).collect();
    for gap in 2..=REACH + 1 {
        let spans = |a: usize| refused.iter().any(|k| (a..a + gap).contains(k));
        let over: Vec<(usize, usize)> =
            (0..sessions.saturating_sub(gap)).filter(|&a| spans(a)).map(|a| (a, a + gap)).collect();
        for batch in over.chunks(BATCH) {
            progress.step("link", next.len() as u64, next.len() as u64)?;
            attempt(batch, &link, &mut tried)?;
        }
    }
    progress.step("link", next.len() as u64, next.len() as u64)?;
    let kept = longest(sessions, |a, b| tried.get(&(a, b)).is_some_and(std::result::Result::is_ok));
    if kept.len() < 2
        && let Some(Err(error)) = tried.pop_first().map(|(_, found)| found)
    {
        return Err(error);
    }
    let left_out = (0..sessions).filter(|k| !kept.contains(k)).map(|k| left_out(k, &tried)).collect();
    let pairs = kept.windows(2).filter_map(|w| tried.remove(&(w[0], w[1]))).collect::<Result<_>>()?;
    Ok(Route { kept, pairs, left_out })
}

fn attempt(
    pairs: &[(usize, usize)],
    link: &(impl Fn(usize, usize) -> Result<PairLinks> + Sync),
    tried: &mut Tried,
) -> Result<()> {
    let found: Vec<_> = pairs.par_iter().map(|&(a, b)| ((a, b), link(a, b))).collect();
    for (pair, result) in found {
        match result {
            Err(error) if !is_refusal(&error) => return Err(error),
            result => tried.insert(pair, result),
        };
    }
    Ok(())
}

/// Whether two sessions cannot be brought together, as against parameters or marks that are wrong.
fn is_refusal(error: &Error) -> bool {
    matches!(error, Error::Parameter { name, .. } if name.starts_with("registration"))
}

fn longest(sessions: usize, fits: impl Fn(usize, usize) -> bool + Copy) -> Vec<usize> {
    let onward = |a: usize| (a + 1..sessions.min(a + REACH + 2)).filter(move |b| fits(a, *b));
    // How many sessions the longest run from each one holds.
    let mut length = vec![1; sessions];
    for a in (0..sessions).rev() {
        length[a] = 1 + onward(a).map(|b| length[b]).max().unwrap_or(0);
    }
    let most = length.iter().copied().max().unwrap_or(0);
    let mut at = (0..sessions).find(|&a| length[a] == most);
    let mut run = Vec::with_capacity(most);
    while let Some(a) = at {
        run.push(a);
        at = onward(a).find(|&b| length[b] + 1 == length[a]);
    }
    run
}

/// The refusal that tells most of session `k`: that of the nearest session.
fn left_out(session: usize, tried: &Tried) -> LeftOut {
    let refusals = tried.iter().filter_map(|(&(a, b), found)| Some(((a, b), found.as_ref().err()?)));
    let own = refusals.filter(|((a, b), _)| *a == session || *b == session).min_by_key(|((a, b), _)| b - a);
    let why = own.map_or_else(
        || "it belongs with sessions that cannot be brought to the longest run of the others".to_owned(),
        |(_, error)| error.to_string(),
    );
    LeftOut { session, why }
}

#[cfg(test)]
mod tests {
    use super::longest;

    fn run(sessions: usize, fits: &[(usize, usize)]) -> Vec<usize> {
        longest(sessions, |a, b| fits.contains(&(a, b)))
    }

    #[test]
    fn the_longest_run_is_taken_and_of_equal_ones_the_earliest() {
        assert_eq!(run(4, &[(0, 1), (1, 2), (2, 3)]), [0, 1, 2, 3]);
        // The third fits none.
        assert_eq!(run(4, &[(0, 1), (1, 3)]), [0, 1, 3]);
        // The first fits none: it is not the measure of the others.
        assert_eq!(run(4, &[(1, 2), (2, 3), (1, 3)]), [1, 2, 3]);
        // Two fields: more sessions are of the second.
        assert_eq!(run(5, &[(0, 1), (2, 3), (3, 4)]), [2, 3, 4]);
        assert_eq!(run(3, &[(0, 1), (0, 2)]), [0, 1]);
        assert_eq!(run(3, &[]), [0]);
        assert_eq!(run(0, &[]), [0; 0]);
    }

    #[test]
    fn a_session_that_joins_changes_no_run_that_was_the_longest() {
        let mut fits = vec![(0, 1), (1, 2)];
        assert_eq!(run(3, &fits), [0, 1, 2]);
        // It fits the second, not the third: the third, which came first, stays.
        fits.push((1, 3));
        assert_eq!(run(4, &fits), [0, 1, 2]);
    }
}
