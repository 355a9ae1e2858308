//! How sure a link is, given the alternatives.

use std::collections::BTreeMap;

use crate::track::Match;

/// Rounds of message passing at most; it converges geometrically.
const ROUNDS: usize = 200;
/// Change of a message at which it has converged.
const SETTLED: f64 = 1e-9;

/// What is believed of the pairs, in their order. See the example of [`beliefs`].
#[derive(Clone, Debug, PartialEq)]
pub struct Beliefs {
    /// P(same): the share of all one-to-one assignments, each weighted by exp(-its cost), that has the pair.
    pub p_same: Vec<f64>,
    /// Odds of the pair in all assignments in which its second spine is not another's, over exp(-its cost): how free that spine is, 0 to 1.
    pub free: Vec<f64>,
}

/// P(same) of every pair: its share of all one-to-one assignments, each weighted by exp(-its cost).
///
/// Costs are negative log odds of a pair against both spines being without partner. Competing assignments are summed by belief propagation on the
/// bipartite graph, which converges always (Williams and Lau 2014, doi:10.1109/TAES.2014.120568) and is exact where the
/// alternatives form no loop.
///
/// ```
/// use gemmule::track::{Match, beliefs};
/// let pair = |a, b, cost| Match { a, b, cost };
/// let found = beliefs(&[pair(0, 0, -9.0), pair(1, 1, -9.0), pair(1, 2, -9.0)]);
/// assert!(found.p_same[0] > 0.999); // without an alternative
/// assert!((found.p_same[1] - 0.5).abs() < 0.001 && found.p_same[1] == found.p_same[2]); // one of two alike
/// assert_eq!(found.free, [1.0; 3]); // no second spine is claimed twice
/// ```
pub fn beliefs(pairs: &[Match]) -> Beliefs {
    let (rows, columns) = (grouped(pairs, |p| p.a), grouped(pairs, |p| p.b));
    let odds: Vec<f64> = pairs.iter().map(|p| (-p.cost).exp()).collect();
    // to_b: what a spine of a says to one of b about this pair; to_a: the reverse.
    let (mut to_b, mut to_a) = (vec![0.0; pairs.len()], vec![1.0; pairs.len()]);
    for _ in 0..ROUNDS {
        for members in &rows {
            let total: f64 = 1.0 + members.iter().map(|&n| odds[n] * to_a[n]).sum::<f64>();
            for &n in members {
                // Summed anew where subtraction would cancel.
                let others: f64 = 1.0 + members.iter().filter(|&&m| m != n).map(|&m| odds[m] * to_a[m]).sum::<f64>();
                to_b[n] = odds[n] / others.min(total);
            }
        }
        let mut change = 0.0_f64;
        for members in &columns {
            for &n in members {
                let others: f64 = members.iter().filter(|&&m| m != n).map(|&m| to_b[m]).sum();
                let new = 1.0 / (1.0 + others);
                change = change.max((new - to_a[n]).abs());
                to_a[n] = new;
            }
        }
        if change < SETTLED {
            break;
        }
    }
    let mut p_same = vec![0.0; pairs.len()];
    for members in &rows {
        let total: f64 = 1.0 + members.iter().map(|&n| odds[n] * to_a[n]).sum::<f64>();
        members.iter().for_each(|&n| p_same[n] = odds[n] * to_a[n] / total);
    }
    Beliefs { p_same, free: to_a }
}

fn grouped(pairs: &[Match], key: fn(&Match) -> usize) -> Vec<Vec<usize>> {
    let mut groups: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (n, pair) in pairs.iter().enumerate() {
        groups.entry(key(pair)).or_default().push(n);
    }
    groups.into_values().collect()
}

#[cfg(test)]
mod tests {
    use crate::track::{Match, beliefs};

    #[test]
    fn a_pair_alone_has_its_odds_and_twins_share() {
        let pair = |a, b, cost| Match { a, b, cost };
        let alone = beliefs(&[pair(0, 0, 0.0)]).p_same;
        assert!((alone[0] - 0.5).abs() < 1e-9, "{alone:?}");
        let twins = beliefs(&[pair(0, 0, -9.0), pair(0, 1, -9.0)]).p_same;
        // Three assignments of weights e^9, e^9 and 1.
        let expected = 9f64.exp() / (2.0 * 9f64.exp() + 1.0);
        assert!(twins.iter().all(|p| (p - expected).abs() < 1e-9), "{twins:?}");
    }

    #[test]
    fn equals_the_sum_over_all_assignments_where_there_is_no_loop() {
        let w = |cost: f64| (-cost).exp();
        let (x, y, z) = (-8.0, -6.5, -8.3);
        let pairs = [Match { a: 0, b: 0, cost: x }, Match { a: 1, b: 0, cost: y }, Match { a: 1, b: 1, cost: z }];
        let total = 1.0 + w(x) + w(y) + w(z) + w(x) * w(z);
        let exact = [(w(x) + w(x) * w(z)) / total, w(y) / total, (w(z) + w(x) * w(z)) / total];
        for (p, e) in beliefs(&pairs).p_same.into_iter().zip(exact) {
            assert!((p - e).abs() < 1e-6, "{p} against {e}");
        }
    }
}
