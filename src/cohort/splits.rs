//! Splits of animals into two groups, and the interval that a test by them gives.

use rand::SeedableRng as _;
use rand::seq::SliceRandom as _;
use rand_chacha::ChaCha8Rng;

use crate::cohort::StatsParams;

/// Calls `visit` with the animals of the first group (positions among all, the first group's first) of every split into groups of these sizes if there are no more than
/// `stats.max_splits`, else of `stats.drawn_splits` that are drawn with the seed. Whether they were all.
pub(super) fn each_split(
    (a, b): (usize, usize),
    params: &StatsParams,
    stream: u64,
    mut visit: impl FnMut(&[usize]),
) -> bool {
    if binomial(a + b, a) <= params.max_splits as f64 {
        each_choice(a + b, a, visit);
        return true;
    }
    let mut rng = ChaCha8Rng::seed_from_u64(params.seed);
    rng.set_stream(stream);
    let mut order: Vec<usize> = (0..a + b).collect();
    for _ in 0..params.drawn_splits {
        order.partial_shuffle(&mut rng, a);
        // partial_shuffle leaves what it has drawn at the end.
        visit(&order[b..]);
    }
    false
}

/// Welch's t of a split, from the sums of values and of their squares over the first group and over all.
pub(super) fn welch_t((sum, square): (f64, f64), (all, all_square): (f64, f64), (a, b): (f64, f64)) -> f64 {
    let group = |sum: f64, square: f64, n: f64| (sum / n, ((square - sum * sum / n) / (n - 1.0)).max(0.0) / n);
    let (mean_a, var_a) = group(sum, square, a);
    let (mean_b, var_b) = group(all - sum, all_square - square, b);
    let (difference, se) = (mean_a - mean_b, (var_a + var_b).sqrt());
    // Below this both are rounding.
    let floor = 1e-9 * (all_square / (a + b)).sqrt();
    if difference.abs() <= floor { 0.0 } else { difference / se.max(floor) }
}

/// Share of splits whose statistic is at least `least`: of all, or of those drawn and the one observed.
pub(super) fn share(statistics: impl Iterator<Item = f64>, least: f64, exact: bool) -> f64 {
    // What is equal but for rounding counts.
    let least = least * (1.0 - 1e-9);
    let (extreme, n) = statistics.fold((0.0, 0.0), |(e, n), s| (e + f64::from(u8::from(s >= least)), n + 1.0));
    if exact { extreme / n } else { (extreme + 1.0) / (n + 1.0) }
}

/// Where, from `start` on in the direction `towards`, p falls to `alpha`; none if it never does.
pub(super) fn bound(start: f64, towards: f64, alpha: f64, p_value: impl Fn(f64) -> f64) -> Option<f64> {
    let rejected = |x: f64| p_value(x) <= alpha + 1e-12;
    let (mut inside, mut step) = (start, 0.05 * towards);
    for _ in 0..40 {
        let mut outside = inside + step;
        if rejected(outside) {
            for _ in 0..40 {
                let middle = (inside + outside) / 2.0;
                if rejected(middle) { outside = middle } else { inside = middle }
            }
            return Some(inside);
        }
        (inside, step) = (outside, step * 1.5);
    }
    None
}

/// Ways to choose k of n.
fn binomial(n: usize, k: usize) -> f64 {
    (0..k.min(n - k)).fold(1.0, |ways, i| ways * (n - i) as f64 / (i + 1) as f64).round()
}

/// Calls `visit` with every choice of k of 0..n, in lexicographic order.
pub(super) fn each_choice(n: usize, k: usize, mut visit: impl FnMut(&[usize])) {
    let mut chosen: Vec<usize> = (0..k).collect();
    loop {
        visit(&chosen);
        let Some(at) = (0..k).rev().find(|&i| chosen[i] < n - k + i) else { return };
        chosen[at] += 1;
        for i in at + 1..k {
            chosen[i] = chosen[i - 1] + 1;
        }
    }
}
