//! The cheapest one-to-one assignment.

use std::collections::BTreeMap;

use crate::assignment::heaviest;

/// Costs are whole numbers to the solver, in units of 1e-9: sums of any order are equal then.
const COST_UNIT: f64 = 1e-9;

/// Two spines, by their positions, and the cost of calling them the same. See the example of [`assign`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Match {
    /// In the first session.
    pub a: usize,
    /// In the second.
    pub b: usize,
    /// What it costs: above 0 the two are rather without partners.
    pub cost: f64,
}

/// The cheapest one-to-one choice among `pairs`, where a spine without a partner costs nothing; sorted.
///
/// A pair of a cost above 0 is never worth it, so the problem falls apart into small ones, each solved by the
/// Hungarian method: the work grows with the number of spines, not its cube.
///
/// ```
/// use gemmule::track::{Match, assign};
/// let pair = |a, b, cost| Match { a, b, cost };
/// // The cheapest pair alone (0, 0) would leave both neighbours without a partner.
/// let chosen = assign(&[pair(0, 0, -5.0), pair(0, 1, -4.0), pair(1, 0, -4.0), pair(2, 2, 1.0)]);
/// assert_eq!(chosen, [pair(0, 1, -4.0), pair(1, 0, -4.0)]); // and the pair of a cost above 0 is none
/// ```
pub fn assign(pairs: &[Match]) -> Vec<Match> {
    let saved = |p: &Match| (p.a, p.b, (-p.cost / COST_UNIT).round() as i64);
    let worth: Vec<_> = pairs.iter().map(saved).collect();
    let by_pair: BTreeMap<(usize, usize), f64> = pairs.iter().map(|p| ((p.a, p.b), p.cost)).collect();
    heaviest(&worth).into_iter().map(|(a, b)| Match { a, b, cost: by_pair[&(a, b)] }).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::track::{Match, assign};

    /// Least cost over every choice, counting spines that have any pair.
    fn exhaustive(cost: &[Vec<f64>], row: usize, used: u32) -> f64 {
        if row == cost.len() {
            return 0.0;
        }
        let alone = exhaustive(cost, row + 1, used);
        (0..cost[row].len())
            .filter(|&j| used & (1 << j) == 0)
            .fold(alone, |best, j| best.min(cost[row][j] + exhaustive(cost, row + 1, used | (1 << j))))
    }

    proptest! {
        #[test]
        fn no_choice_is_cheaper(costs in prop::collection::vec(-9.0..3.0_f64, 20)) {
            let cost: Vec<Vec<f64>> = costs.chunks(4).map(<[f64]>::to_vec).collect();
            let pairs: Vec<Match> = cost.iter().enumerate()
                .flat_map(|(a, row)| row.iter().enumerate().map(move |(b, &cost)| Match { a, b, cost }))
                .collect();
            let chosen = assign(&pairs);
            let total: f64 = chosen.iter().map(|m| m.cost).sum();
            prop_assert!((total - exhaustive(&cost, 0, 0)).abs() < 1e-6);
        }
    }
}
