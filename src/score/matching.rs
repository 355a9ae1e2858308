//! One-to-one matching of found to true spines inside the gate (M1, M2).

use std::collections::{BTreeMap, BTreeSet};

use pathfinding::kuhn_munkres::kuhn_munkres;
use pathfinding::matrix::Matrix;

use crate::score::found::FoundPoint;
use crate::score::truth::TruthSpine;
use crate::score::{ScoreParams, Target};

/// Distances at the very edge of the gate count as inside, whatever the last bit says, µm.
pub(super) const SLACK_UM: f64 = 1e-9;

/// Costs are whole numbers to the solver, in units of 1e-12: sums of any order are equal then.
const COST_UNIT: f64 = 1e-12;

/// A pair inside the gate.
#[derive(Clone, Copy, Debug)]
struct Pair {
    truth: usize,
    cost: f64,
    xy_um: f64,
}

/// All pairs inside the gate, by found spine.
#[derive(Debug)]
pub(super) struct Gated {
    of_found: Vec<Vec<Pair>>,
}

impl Gated {
    pub(super) fn new(found: &[FoundPoint], spines: &[&TruthSpine], params: &ScoreParams) -> Self {
        let pairs = |f: &FoundPoint| {
            let pair = |(truth, spine): (usize, &&TruthSpine)| {
                let head = spine.head.filter(|_| params.target != Target::Tip);
                let tip = Some(spine.tip).filter(|_| params.target != Target::Head);
                let targets = head.into_iter().chain(tip).filter_map(|target| {
                    let (xy_um, z_um) = (f.place.distance_xy_um(target), (f.place.z - target.z).abs());
                    let inside = xy_um <= params.xy_um + SLACK_UM && z_um <= params.z_um + SLACK_UM;
                    inside.then(|| Pair { truth, cost: (xy_um / params.xy_um).hypot(z_um / params.z_um), xy_um })
                });
                targets.min_by(|a, b| a.cost.total_cmp(&b.cost))
            };
            spines.iter().enumerate().filter_map(pair).collect()
        };
        Self { of_found: found.iter().map(pairs).collect() }
    }

    /// Whether a found spine lies within the gate of any true one.
    pub(super) fn holds(&self, found: usize) -> bool {
        !self.of_found[found].is_empty()
    }

    /// Distance of a pair to the target used, µm; not a number outside the gate.
    pub(super) fn xy_um(&self, found: usize, truth: usize) -> f64 {
        self.of_found[found].iter().find(|p| p.truth == truth).map_or(f64::NAN, |p| p.xy_um)
    }

    /// As many pairs of the found spines `kept` as possible, and the cheapest of those; sorted by found spine.
    pub(super) fn assign(&self, kept: &[usize]) -> Vec<(usize, usize)> {
        let mut pairs: Vec<(usize, usize)> =
            self.components(kept).iter().flat_map(|component| self.assign_component(component)).collect();
        pairs.sort_unstable();
        pairs
    }

    /// Found spines that compete for the same true ones: the matching falls apart into these.
    fn components(&self, kept: &[usize]) -> Vec<Vec<usize>> {
        let mut groups: Vec<(BTreeSet<usize>, Vec<usize>)> = Vec::new();
        for &i in kept.iter().filter(|&&i| !self.of_found[i].is_empty()) {
            let mut truths: BTreeSet<usize> = self.of_found[i].iter().map(|p| p.truth).collect();
            let mut members = vec![i];
            groups.retain_mut(|(other, others)| {
                let joined = !other.is_disjoint(&truths);
                if joined {
                    truths.append(other);
                    members.append(others);
                }
                !joined
            });
            members.sort_unstable();
            groups.push((truths, members));
        }
        groups.into_iter().map(|(_, members)| members).collect()
    }

    fn assign_component(&self, members: &[usize]) -> Vec<(usize, usize)> {
        let truths: BTreeSet<usize> = members.iter().flat_map(|&i| self.of_found[i].iter().map(|p| p.truth)).collect();
        let column: BTreeMap<usize, usize> = truths.iter().enumerate().map(|(c, &t)| (t, c)).collect();
        let truths: Vec<usize> = truths.into_iter().collect();
        // A pair is worth more than all costs together, so that the heaviest matching has the most pairs.
        let whole = |cost: f64| (cost / COST_UNIT).round() as i128;
        let dearest = members.iter().flat_map(|&i| &self.of_found[i]).map(|p| whole(p.cost)).max().unwrap_or(0);
        let worth = (dearest + 1) * (members.len().min(truths.len()) as i128 + 1);
        let mut weights = Matrix::new(members.len(), truths.len(), 0_i128);
        for (row, &i) in members.iter().enumerate() {
            for pair in &self.of_found[i] {
                weights[(row, column[&pair.truth])] = worth - whole(pair.cost);
            }
        }
        // The solver wants no more rows than columns.
        let turned = members.len() > truths.len();
        let square = if turned { weights.transposed() } else { weights.clone() };
        let (_, partner) = kuhn_munkres(&square);
        let cells = partner.into_iter().enumerate().map(|(a, b)| if turned { (b, a) } else { (a, b) });
        cells.filter(|&cell| weights[cell] > 0).map(|(row, c)| (members[row], truths[c])).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::score::matching::{Gated, Pair};

    /// The best (number of pairs, -cost) over every matching.
    fn exhaustive(of_found: &[Vec<Pair>], used: u32) -> (usize, f64) {
        let Some((first, rest)) = of_found.split_first() else { return (0, 0.0) };
        first.iter().filter(|p| used & (1 << p.truth) == 0).fold(exhaustive(rest, used), |best, p| {
            let (n, cost) = exhaustive(rest, used | (1 << p.truth));
            if (n + 1, cost - p.cost) > best { (n + 1, cost - p.cost) } else { best }
        })
    }

    proptest! {
        #[test]
        fn is_as_good_as_every_matching_tried(cells in prop::collection::vec(prop::option::of(0.0..1.4_f64), 30)) {
            let of_found: Vec<Vec<Pair>> = cells.chunks(5).map(|row| {
                let pair = |(truth, cost): (usize, &Option<f64>)| cost.map(|cost| Pair { truth, cost, xy_um: cost });
                row.iter().enumerate().filter_map(pair).collect()
            }).collect();
            let (n, minus_cost) = exhaustive(&of_found, 0);
            let gated = Gated { of_found };
            let pairs = gated.assign(&[0, 1, 2, 3, 4, 5]);
            let cost: f64 = pairs.iter().map(|&(i, j)| gated.xy_um(i, j)).sum();
            prop_assert_eq!(pairs.len(), n);
            prop_assert!((cost + minus_cost).abs() < 1e-9, "{} against {}", cost, -minus_cost);
        }
    }
}
