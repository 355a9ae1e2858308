//! One-to-one assignment over sparse pairs.

use std::collections::{BTreeMap, BTreeSet};

use pathfinding::kuhn_munkres::kuhn_munkres;
use pathfinding::matrix::Matrix;

/// A pair (a, b) and what choosing it is worth.
pub(crate) type Worth = (usize, usize, i64);

/// The one-to-one choice among `pairs` that is worth most; sorted. Pairs worth 0 or less are never chosen.
///
/// Pairs that share no member, directly or by others, are independent: each such component is solved by the Hungarian
/// method (Kuhn 1955, doi:10.1002/nav.3800020109), so that the work grows with the number of components and not as the
/// cube of all.
pub(crate) fn heaviest(pairs: &[Worth]) -> Vec<(usize, usize)> {
    let worth: Vec<Worth> = pairs.iter().copied().filter(|p| p.2 > 0).collect();
    let mut chosen: Vec<(usize, usize)> = components(&worth).iter().flat_map(|c| solve(c)).collect();
    chosen.sort_unstable();
    chosen
}

/// Pairs that share members, in the order of their first pair.
fn components(pairs: &[Worth]) -> Vec<Vec<Worth>> {
    let mut root: Vec<usize> = (0..pairs.len()).collect();
    let (mut of_a, mut of_b) = (BTreeMap::new(), BTreeMap::new());
    for (n, pair) in pairs.iter().enumerate() {
        for other in [*of_a.entry(pair.0).or_insert(n), *of_b.entry(pair.1).or_insert(n)] {
            let (x, y) = (find(&mut root, n), find(&mut root, other));
            root[x.max(y)] = x.min(y);
        }
    }
    let mut groups: BTreeMap<usize, Vec<Worth>> = BTreeMap::new();
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

fn solve(pairs: &[Worth]) -> Vec<(usize, usize)> {
    let rows: Vec<usize> = pairs.iter().map(|p| p.0).collect::<BTreeSet<_>>().into_iter().collect();
    let columns: Vec<usize> = pairs.iter().map(|p| p.1).collect::<BTreeSet<_>>().into_iter().collect();
    let position = |of: &[usize], member: usize| of.partition_point(|&m| m < member);
    let mut weights = Matrix::new(rows.len(), columns.len(), 0_i64);
    for &(a, b, worth) in pairs {
        weights[(position(&rows, a), position(&columns, b))] = worth;
    }
    // The solver wants no more rows than columns.
    let turned = rows.len() > columns.len();
    let (_, partner) = if turned { kuhn_munkres(&weights.transposed()) } else { kuhn_munkres(&weights) };
    let cells = partner.into_iter().enumerate().map(|(x, y)| if turned { (y, x) } else { (x, y) });
    cells.filter(|&cell| weights[cell] > 0).map(|(row, column)| (rows[row], columns[column])).collect()
}
