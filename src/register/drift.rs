//! How far a dendrite's places have moved along it between two sessions: every possibility weighed, not one chosen.

use crate::geometry::Line;
use crate::register::RegisterParams;

/// Distance between knots, µm.
pub(super) const KNOT_UM: f64 = 1.0;
/// Distance between the displacements that are weighed, µm: half of how exactly a tip is placed.
pub(super) const SHIFT_STEP_UM: f64 = 0.25;
/// Least standard deviation of a step between knots, µm, so that it reaches the neighbouring displacement.
pub(super) const MIN_STEP_UM: f64 = 0.15;

/// Displacement along every line as a hidden chain: at knots 1 µm apart any of the displacements within
/// [`RegisterParams::drift_reach_um`], a priori normal around 0 with [`RegisterParams::drift_um`] and forgotten over
/// [`RegisterParams::drift_length_um`] (Ornstein-Uhlenbeck process).
///
/// What marks and images say enters as likelihoods; the posterior is exact (forward-backward; Rabiner 1989,
/// doi:10.1109/5.18626). A row of spines that fits as well one further on keeps both displacements open until what lies
/// around it decides.
///
/// ```
/// use gemmule::geometry::Line;
/// use gemmule::register::{Drift, RegisterParams};
/// use gemmule::units::PointUm;
/// let line = Line::from_trace(1, &[PointUm::new(5.0, 10.0, 0.0), PointUm::new(5.0, 10.0, 30.0)]);
/// let lines: Vec<Line> = line.into_iter().collect();
/// let drift = Drift::new(&lines, &RegisterParams::default());
/// assert!((drift.prior().iter().sum::<f64>() - 1.0).abs() < 1e-9);
/// // At 10 µm something says that the displacement is .5 µm, give or take .2.
/// let likely: Vec<f64> = drift.shifts_um().iter().map(|d| (-0.5 * ((d - 0.5) / 0.2f64).powi(2)).exp()).collect();
/// let knot = drift.knot(0, 10.0);
/// let after = drift.posterior(0, [(knot, likely.as_slice())].into_iter());
/// assert!((drift.mean_um(0, 10.0, &after) - 0.5).abs() < 0.1);
/// assert!(drift.mean_um(0, 30.0, &after) < drift.mean_um(0, 10.0, &after)); // forgotten far away
/// assert_eq!(after.at(knot).len(), drift.shifts_um().len());
/// ```
#[derive(Clone, Debug)]
pub struct Drift {
    shifts_um: Vec<f64>,
    start: Vec<f64>,
    /// P(displacement at the next knot | here), row by row, with the columns that matter.
    step: Vec<(usize, Vec<f64>)>,
    pub(super) lines: Vec<DriftLine>,
}

#[derive(Clone, Debug)]
pub(super) struct DriftLine {
    pub(super) knots: usize,
    /// Likelihood of every displacement at every knot from what does not change between rounds.
    seen: Vec<f64>,
    /// Its logarithm over what a displacement that has nothing to do with this place has.
    pub(super) evidence: Vec<f64>,
}

/// Probability of every displacement at the knots of one line. See the example of [`Drift`].
#[derive(Clone, Debug)]
pub struct Drifted {
    n: usize,
    p: Vec<f64>,
}

impl Drifted {
    /// Probabilities at a knot, in the order of [`Drift::shifts_um`]. See the example of [`Drift`].
    pub fn at(&self, knot: usize) -> &[f64] {
        &self.p[knot * self.n..(knot + 1) * self.n]
    }
}

impl Drift {
    /// The prior for some lines. See the example of [`Drift`].
    pub fn new(lines: &[Line], params: &RegisterParams) -> Self {
        let half = (params.drift_reach_um / SHIFT_STEP_UM).round() as i64;
        let shifts_um: Vec<f64> = (-half..=half).map(|k| k as f64 * SHIFT_STEP_UM).collect();
        let normal = |x: f64, sigma: f64| (-0.5 * (x / sigma).powi(2)).exp();
        let start = normalised(shifts_um.iter().map(|&d| normal(d, params.drift_um)).collect());
        let keep = (-KNOT_UM / params.drift_length_um).exp();
        let sigma = (params.drift_um * (1.0 - keep * keep).sqrt()).max(MIN_STEP_UM);
        let row = |&from: &f64| {
            let near = |&to: &f64| (to - keep * from).abs() <= 5.0 * sigma + SHIFT_STEP_UM;
            let first = shifts_um.iter().position(near).unwrap_or(0);
            let reached = shifts_um[first..].iter().take_while(|to| near(to));
            (first, normalised(reached.map(|to| normal(to - keep * from, sigma)).collect()))
        };
        let step = shifts_um.iter().map(row).collect();
        let line = |line: &Line| {
            let knots = (line.length_um() / KNOT_UM).ceil() as usize + 1;
            let all = knots * shifts_um.len();
            DriftLine { knots, seen: vec![1.0; all], evidence: vec![0.0; all] }
        };
        Self { start, step, lines: lines.iter().map(line).collect(), shifts_um }
    }

    /// The displacements that are weighed, µm. See the example of [`Drift`].
    pub fn shifts_um(&self) -> &[f64] {
        &self.shifts_um
    }

    /// What is believed of the displacement before anything is seen. See the example of [`Drift`].
    pub fn prior(&self) -> &[f64] {
        &self.start
    }

    /// The knot nearest to an arc length. See the example of [`Drift`].
    pub fn knot(&self, line: usize, s_um: f64) -> usize {
        ((s_um / KNOT_UM).round().max(0.0) as usize).min(self.lines[line].knots - 1)
    }

    /// Takes in costs (negative log likelihoods) of every displacement at an arc length of a line.
    pub(super) fn see(&mut self, line: usize, s_um: f64, costs: &[f64]) {
        let (knot, n) = (self.knot(line, s_um), self.shifts_um.len());
        let least = costs.iter().copied().fold(f64::INFINITY, f64::min);
        let mean = costs.iter().sum::<f64>() / n as f64;
        let evidence = &mut self.lines[line].evidence[knot * n..(knot + 1) * n];
        evidence.iter_mut().zip(costs).for_each(|(e, c)| *e += mean - c);
        let seen = &mut self.lines[line].seen[knot * n..(knot + 1) * n];
        seen.iter_mut().zip(costs).for_each(|(s, c)| *s *= (least - c).exp());
    }

    /// Probability of every displacement along `line`, given likelihoods at knots. See the example of [`Drift`].
    pub fn posterior<'a>(&self, line: usize, likelihoods: impl Iterator<Item = (usize, &'a [f64])>) -> Drifted {
        let (n, knots) = (self.shifts_um.len(), self.lines[line].knots);
        let mut seen = self.lines[line].seen.clone();
        for (knot, likelihood) in likelihoods {
            let row = &mut seen[knot * n..(knot + 1) * n];
            row.iter_mut().zip(likelihood).for_each(|(s, l)| *s *= l);
            scale(row);
        }
        let mut p = vec![0.0; knots * n];
        p[..n].copy_from_slice(&self.start);
        for k in 1..knots {
            let (before, here) = p.split_at_mut(k * n);
            let (before, here) = (&before[(k - 1) * n..], &mut here[..n]);
            for (i, (first, step)) in self.step.iter().enumerate() {
                let weight = before[i] * seen[(k - 1) * n + i];
                here[*first..].iter_mut().zip(step).for_each(|(h, s)| *h += weight * s);
            }
            scale(here);
        }
        let mut back = vec![1.0; n];
        for k in (0..knots).rev() {
            let row = &mut p[k * n..(k + 1) * n];
            for ((p, b), s) in row.iter_mut().zip(&mut back).zip(&seen[k * n..]) {
                *b *= s;
                *p *= *b;
            }
            let total: f64 = row.iter().sum();
            row.iter_mut().for_each(|v| *v /= total.max(f64::MIN_POSITIVE));
            let earlier = |(first, step): &(usize, Vec<f64>)| back[*first..].iter().zip(step).map(|(b, s)| b * s).sum();
            back = self.step.iter().map(earlier).collect();
            scale(&mut back);
        }
        Drifted { n, p }
    }

    /// Mean displacement at an arc length, linear between knots, µm. See the example of [`Drift`].
    pub fn mean_um(&self, line: usize, s_um: f64, drifted: &Drifted) -> f64 {
        let mean = |knot: usize| drifted.at(knot).iter().zip(&self.shifts_um).map(|(p, d)| p * d).sum::<f64>();
        let last = self.lines[line].knots - 1;
        let at = (s_um / KNOT_UM).clamp(0.0, last as f64);
        let (low, high) = (at.floor() as usize, at.ceil() as usize);
        mean(low) + (mean(high) - mean(low)) * (at - low as f64)
    }
}

pub(super) fn normalised(values: Vec<f64>) -> Vec<f64> {
    let total: f64 = values.iter().sum();
    values.into_iter().map(|v| v / total).collect()
}

/// Scales to a largest value of 1: only ratios matter.
fn scale(values: &mut [f64]) {
    let most = values.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
    values.iter_mut().for_each(|v| *v /= most);
}

#[cfg(test)]
mod tests {
    use crate::geometry::Line;
    use crate::register::{Drift, RegisterParams};
    use crate::units::PointUm;

    fn line() -> Line {
        let trace: Vec<PointUm> = (0..=120).map(|i| PointUm::new(5.0, 10.0, 0.5 * f64::from(i))).collect();
        Line::from_trace(0, &trace).unwrap()
    }

    #[test]
    fn without_evidence_the_prior_stays() {
        let (lines, params) = ([line()], RegisterParams::default());
        let drift = Drift::new(&lines, &params);
        let drifted = drift.posterior(0, std::iter::empty());
        for knot in [0, 17, 60] {
            let p = drifted.at(knot);
            let variance: f64 = p.iter().zip(drift.shifts_um()).map(|(p, d)| p * d * d).sum();
            assert!((variance.sqrt() - params.drift_um).abs() < 0.05 && (p.iter().sum::<f64>() - 1.0).abs() < 1e-9);
        }
    }

    #[test]
    fn both_of_two_fits_stay_open_until_a_neighbour_decides() {
        let (lines, params) = ([line()], RegisterParams { drift_um: 2.0, ..RegisterParams::default() });
        let drift = Drift::new(&lines, &params);
        let near = |d: f64, at: f64| 1e-3 + (-0.5 * ((d - at) / 0.3).powi(2)).exp();
        // A row that fits 2.5 µm ahead slightly better than as it is, and beside it one place that fits only as it is.
        let row: Vec<f64> = drift.shifts_um().iter().map(|&d| near(d, 0.0) + 1.2 * near(d, 2.5)).collect();
        let sure: Vec<f64> = drift.shifts_um().iter().map(|&d| near(d, 0.0)).collect();
        let mut all: Vec<(usize, &[f64])> = vec![(30, &row)];
        let mean = |all: &[(usize, &[f64])]| drift.mean_um(0, 30.0, &drift.posterior(0, all.iter().copied()));
        assert!((0.5..2.0).contains(&mean(&all)), "{}", mean(&all));
        all.push((31, &sure));
        assert!(mean(&all).abs() < 0.3, "{}", mean(&all));
    }
}
