//! Survival where the time of loss is known between two visits only.

/// The share alive after a time. See the example of [`turnbull()`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TurnbullStep {
    /// The loss lies after this time,
    pub from: f64,
    /// and not after this one; between them the curve is not determined.
    pub to: f64,
    /// Share alive from `to` on.
    pub fraction: f64,
}

/// Most steps of the self-consistency iteration.
const STEPS: usize = 200_000;

/// Turnbull's estimate (1976, doi:10.1111/j.2517-6161.1976.tb01597.x) of survival from intervals (`after`, `by`] that hold each loss, `by` infinite where none was seen: mass
/// only where a left end is followed by a right end, found by self-consistency until the likelihood's slope says that no mass can be moved (1e-10), with that condition reported.
///
/// ```
/// use gemmule::cohort::turnbull;
/// // With intervals that do not overlap it is Kaplan-Meier at the visits.
/// let (steps, solved) = turnbull(&[(0.0, 1.0), (1.0, 3.0), (3.0, f64::INFINITY), (3.0, f64::INFINITY)]);
/// assert!(solved && (steps[0].fraction - 0.75).abs() < 1e-9 && (steps[1].fraction - 0.5).abs() < 1e-9);
/// ```
pub fn turnbull(intervals: &[(f64, f64)]) -> (Vec<TurnbullStep>, bool) {
    let cells = cells(intervals);
    let inside: Vec<Vec<usize>> = intervals
        .iter()
        .map(|&(after, by)| (0..cells.len()).filter(|&k| after <= cells[k].0 && cells[k].1 <= by).collect())
        .collect();
    let n = intervals.len() as f64;
    let mut mass = vec![1.0 / cells.len().max(1) as f64; cells.len()];
    let mut solved = false;
    for _ in 0..STEPS {
        // Mean over intervals of 1 / their mass, per cell: 1 where there is mass, at most 1 elsewhere, at the maximum.
        let mut slope = vec![0.0; cells.len()];
        for cells in &inside {
            let held: f64 = cells.iter().map(|&k| mass[k]).sum();
            cells.iter().for_each(|&k| slope[k] += 1.0 / (held * n));
        }
        solved = slope.iter().zip(&mass).all(|(s, m)| *s <= 1.0 + 1e-10 && (m * (s - 1.0)).abs() <= 1e-10);
        if solved {
            break;
        }
        mass.iter_mut().zip(&slope).for_each(|(m, s)| *m *= s);
    }
    let mut left = 1.0;
    let finite = cells.iter().zip(&mass).filter(|((_, to), _)| to.is_finite());
    let steps = finite.map(|(&(from, to), m)| {
        left -= m;
        TurnbullStep { from, to, fraction: f64::max(left, 0.0) }
    });
    (steps.collect(), solved)
}

/// Where mass can be: a left end, then a right end, and no end between. At the same time a right end comes first, because intervals are open on the left.
fn cells(intervals: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let mut ends: Vec<(f64, bool)> = intervals.iter().flat_map(|&(after, by)| [(after, true), (by, false)]).collect();
    ends.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    ends.dedup();
    ends.windows(2).filter(|w| w[0].1 && !w[1].1).map(|w| (w[0].0, w[1].0)).collect()
}
