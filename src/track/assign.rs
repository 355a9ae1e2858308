//! The cheapest one-to-one assignment.

use std::collections::BTreeMap;

use pathfinding::kuhn_munkres::kuhn_munkres;
use pathfinding::matrix::Matrix;

/// Costs are whole numbers to the solver, in units of 1e-9: sums of any order are equal then.
const COST_UNIT: f64 = 1e-9;

/// Two spines, by their positions, and the cost of calling them the same.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Match {
    /// In the first session.
    pub a: usize,
    /// In the second.
    pub b: usize,
    /// What it costs.
    pub cost: f64,
}

/// The cheapest one-to-one choice among `pairs`, where a spine without a partner costs `unpaired`; sorted.
///
/// A pair above twice `unpaired` is never worth it, so the problem falls apart into small ones, each solved by the
/// Hungarian method (Kuhn 1955, doi:10.1002/nav.3800020109): the work grows with the number of spines, not its cube.
pub fn assign(pairs: &[Match], unpaired: f64) -> Vec<Match> {
    let worth: Vec<Match> = pairs.iter().copied().filter(|p| p.cost < 2.0 * unpaired).collect();
    let mut chosen: Vec<Match> = components(&worth).iter().flat_map(|c| solve(c, unpaired)).collect();
    chosen.sort_by_key(|m| (m.a, m.b));
    chosen
}

/// Pairs that share spines, directly or by others; in the order of their first spine.
pub(super) fn components(pairs: &[Match]) -> Vec<Vec<Match>> {
    let mut root: Vec<usize> = (0..pairs.len()).collect();
    let (mut of_a, mut of_b) = (BTreeMap::new(), BTreeMap::new());
    for (n, pair) in pairs.iter().enumerate() {
        for other in [*of_a.entry(pair.a).or_insert(n), *of_b.entry(pair.b).or_insert(n)] {
            let (x, y) = (find(&mut root, n), find(&mut root, other));
            root[x.max(y)] = x.min(y);
        }
    }
    let mut groups: BTreeMap<usize, Vec<Match>> = BTreeMap::new();
    for (n, pair) in pairs.iter().enumerate() {
        groups.entry(find(&mut root, n)).or_default().push(*pair);
    }
    groups.into_values().collect()
}

fn find(root: &mut [usize], mut n: usize) -> usize {
    while root[n] != n {
        root[n] = root[root[n]];
        n = root[n];
    }
    n
}

fn solve(pairs: &[Match], unpaired: f64) -> Vec<Match> {
    let number = |spines: Vec<usize>| -> BTreeMap<usize, usize> {
        let sorted: std::collections::BTreeSet<usize> = spines.into_iter().collect();
        sorted.into_iter().enumerate().map(|(n, spine)| (spine, n)).collect()
    };
    let rows = number(pairs.iter().map(|p| p.a).collect());
    let columns = number(pairs.iter().map(|p| p.b).collect());
    // What a pair saves against two spines without partner; 0 for leaving both without.
    let saved = |p: &Match| ((2.0 * unpaired - p.cost) / COST_UNIT).round() as i64;
    let mut weights = Matrix::new(rows.len(), columns.len(), 0_i64);
    let mut pair_at = BTreeMap::new();
    for pair in pairs {
        let cell = (rows[&pair.a], columns[&pair.b]);
        weights[cell] = saved(pair);
        pair_at.insert(cell, *pair);
    }
    // The solver wants no more rows than columns.
    let turned = rows.len() > columns.len();
    let (_, partner) = kuhn_munkres(&if turned { weights.transposed() } else { weights.clone() });
    let cells = partner.into_iter().enumerate().map(|(x, y)| if turned { (y, x) } else { (x, y) });
    cells.filter(|&cell| weights[cell] > 0).filter_map(|cell| pair_at.get(&cell).copied()).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::track::{Match, assign};

    /// Least cost over every choice, counting spines that have any pair.
    fn exhaustive(cost: &[Vec<f64>], row: usize, used: u32, unpaired: f64) -> f64 {
        if row == cost.len() {
            return unpaired * (cost[0].len() as f64 - f64::from(used.count_ones()));
        }
        let alone = unpaired + exhaustive(cost, row + 1, used, unpaired);
        (0..cost[row].len())
            .filter(|&j| used & (1 << j) == 0)
            .fold(alone, |best, j| best.min(cost[row][j] + exhaustive(cost, row + 1, used | (1 << j), unpaired)))
    }

    proptest! {
        #[test]
        fn no_choice_is_cheaper(costs in prop::collection::vec(0.0..12.0_f64, 20)) {
            let cost: Vec<Vec<f64>> = costs.chunks(4).map(<[f64]>::to_vec).collect();
            let pairs: Vec<Match> = cost.iter().enumerate()
                .flat_map(|(a, row)| row.iter().enumerate().map(move |(b, &cost)| Match { a, b, cost }))
                .collect();
            let chosen = assign(&pairs, 4.5);
            let total: f64 = chosen.iter().map(|m| m.cost).sum::<f64>() + 4.5 * (9.0 - 2.0 * chosen.len() as f64);
            prop_assert!((total - exhaustive(&cost, 0, 0, 4.5)).abs() < 1e-6);
        }
    }
}
