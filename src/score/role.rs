//! What each found spine is to the truth, for learning from marks.

use crate::error::Result;
use crate::score::matching::Gated;
use crate::score::{FoundPoint, ScoreParams, Tally, Truth, TruthSpine, check, region};

/// What a found spine is by rules M1 to M4. See the example of [`roles`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Matched to a true spine.
    True,
    /// Within the gate of a true or a bad spine but not matched to a true one: a double, or not to be judged.
    Near,
    /// In the scoring region and within no gate.
    False,
    /// Where nothing was annotated.
    Elsewhere,
}

/// One-to-one pairs of found and true spines (positions in both lists) by rules M1 and M2, sorted by found spine; and the number of false ones (M4).
///
/// ```
/// use gemmule::score::{FoundPoint, ScoreParams, Truth, TruthSpine, matches};
/// use gemmule::units::PointUm;
/// let line = vec![PointUm::new(5.0, 10.0, 0.0), PointUm::new(5.0, 10.0, 30.0)];
/// let spine = |x| TruthSpine { tip: PointUm::new(5.0, 11.5, x), head: None, head_kind: None, is_bad: false };
/// let truth = Truth { session: 0, spines: vec![spine(12.0), spine(20.0)], centrelines: vec![line] };
/// let at = |y, x| FoundPoint { place: PointUm::new(5.0, y, x), score: None };
/// let (pairs, n_false) = matches(&truth, &[at(8.5, 5.0), at(11.3, 20.1)], &ScoreParams::default())?;
/// assert_eq!((pairs, n_false), (vec![(1, 1)], 1));
/// # Ok::<(), gemmule::error::Error>(())
/// ```
///
/// # Errors
/// As [`crate::score::detect`].
pub fn matches(truth: &Truth, found: &[FoundPoint], params: &ScoreParams) -> Result<(Vec<(usize, usize)>, usize)> {
    params.validate()?;
    check(truth, found, params)?;
    let places: Vec<usize> = (0..truth.spines.len()).filter(|&i| !truth.spines[i].is_bad).collect();
    let (bad, good): (Vec<&TruthSpine>, Vec<&TruthSpine>) = truth.spines.iter().partition(|s| s.is_bad);
    let region = region::inside(found, &truth.centrelines, params.region_um);
    let (gated, gated_bad) = (Gated::new(found, &good, params), Gated::new(found, &bad, params));
    let everything: Vec<usize> = (0..found.len()).collect();
    let tally = Tally::new(&everything, &gated, &gated_bad, &region);
    Ok((tally.pairs.into_iter().map(|(i, j)| (i, places[j])).collect(), tally.fp))
}

/// The role of each found spine.
///
/// ```
/// use gemmule::score::{FoundPoint, Role, ScoreParams, Truth, TruthSpine, roles};
/// use gemmule::units::PointUm;
/// let line = vec![PointUm::new(5.0, 10.0, 0.0), PointUm::new(5.0, 10.0, 30.0)];
/// let spine = TruthSpine { tip: PointUm::new(5.0, 11.5, 12.0), head: None, head_kind: None, is_bad: false };
/// let truth = Truth { session: 0, spines: vec![spine], centrelines: vec![line] };
/// let at = |y, x| FoundPoint { place: PointUm::new(5.0, y, x), score: None };
/// let found = [at(11.5, 12.1), at(11.4, 12.5), at(8.5, 20.0), at(30.0, 20.0)];
/// let roles = roles(&truth, &found, &ScoreParams::default())?;
/// assert_eq!(roles, [Role::True, Role::Near, Role::False, Role::Elsewhere]);
/// # Ok::<(), gemmule::error::Error>(())
/// ```
///
/// # Errors
/// As [`crate::score::detect`].
pub fn roles(truth: &Truth, found: &[FoundPoint], params: &ScoreParams) -> Result<Vec<Role>> {
    params.validate()?;
    check(truth, found, params)?;
    let (bad, good): (Vec<&TruthSpine>, Vec<&TruthSpine>) = truth.spines.iter().partition(|s| s.is_bad);
    let region = region::inside(found, &truth.centrelines, params.region_um);
    let (gated, gated_bad) = (Gated::new(found, &good, params), Gated::new(found, &bad, params));
    let everything: Vec<usize> = (0..found.len()).collect();
    let matched = Tally::new(&everything, &gated, &gated_bad, &region).pairs;
    let role = |i: usize| {
        if matched.binary_search_by_key(&i, |&(found, _)| found).is_ok() {
            Role::True
        } else if gated.holds(i) || gated_bad.holds(i) {
            Role::Near
        } else if region[i] {
            Role::False
        } else {
            Role::Elsewhere
        }
    };
    Ok((0..found.len()).map(role).collect())
}
