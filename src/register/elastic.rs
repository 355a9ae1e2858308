//! Smooth displacement along lines from pairs of places.

use crate::geometry::{Elastic, ElasticLine, Line, Local};
use crate::register::RegisterParams;

/// Distance between knots, µm.
const KNOT_UM: f64 = 1.0;
/// Pairs farther than this many reaches weigh less than .0003.
const CUT: f64 = 4.0;

/// A place of the first session and how far the same place of the second is from it. See the example of [`elastic`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pair {
    /// Position of the first session's line.
    pub line: usize,
    /// Arc length there, µm.
    pub s_um: f64,
    /// Displacement (z, y, x) left after the rigid transform, µm.
    pub shift: [f64; 3],
    /// How sure it is that the two places are the same, 0 to 1.
    pub weight: f64,
}

/// Displacement along every line, from pairs: a Gaussian-weighted mean over the pairs of the same line
/// ([`RegisterParams::elastic_um`]), with the mean of all pairs counting as [`RegisterParams::elastic_prior`] pairs.
///
/// d(s) = (Σ p_i k(s - s_i) d_i + prior * mean) / (Σ p_i k(s - s_i) + prior), k(x) = exp(-x²/2 elastic_um²).
///
/// ```
/// use gemmule::geometry::Line;
/// use gemmule::register::{Pair, RegisterParams, elastic};
/// use gemmule::units::PointUm;
/// let line = Line::from_trace(1, &[PointUm::new(5.0, 10.0, 0.0), PointUm::new(5.0, 10.0, 30.0)]);
/// let lines: Vec<Line> = line.into_iter().collect();
/// // A spine every 3 µm; all of them lie .8 µm further along in the other session.
/// let pairs: Vec<Pair> =
///     (0..10).map(|n| Pair { line: 0, s_um: 3.0 * f64::from(n), shift: [0.0, 0.0, 0.8], weight: 1.0 }).collect();
/// let found = elastic(&lines, &pairs, &RegisterParams::default());
/// assert!((found.at(0, 15.0).ds_um - 0.8).abs() < 1e-9);
/// ```
pub fn elastic(lines: &[Line], pairs: &[Pair], params: &RegisterParams) -> Elastic {
    let total: f64 = pairs.iter().map(|p| p.weight).sum();
    let middle = [0, 1, 2].map(|axis| {
        let sum: f64 = pairs.iter().map(|p| p.weight * p.shift[axis]).sum();
        if total > 0.0 { sum / total } else { 0.0 }
    });
    let mut of_line: Vec<Vec<&Pair>> = vec![Vec::new(); lines.len()];
    for pair in pairs {
        of_line[pair.line].push(pair);
    }
    for pairs in &mut of_line {
        pairs.sort_by(|p, q| {
            p.s_um.total_cmp(&q.s_um).then_with(|| p.shift.partial_cmp(&q.shift).unwrap_or(std::cmp::Ordering::Equal))
        });
    }
    let one = |(line, pairs): (&Line, &Vec<&Pair>)| {
        let n = (line.length_um() / KNOT_UM).ceil().max(1.0) as usize;
        let s_um: Vec<f64> = (0..=n).map(|i| line.length_um() * i as f64 / n as f64).collect();
        let knot = |&s: &f64| {
            let reach = CUT * params.elastic_um;
            let first = pairs.partition_point(|p| p.s_um < s - reach);
            let (mut sum, mut total) = (middle.map(|m| m * params.elastic_prior), params.elastic_prior);
            for pair in pairs[first..].iter().take_while(|p| p.s_um <= s + reach) {
                let weight = pair.weight * (-0.5 * ((pair.s_um - s) / params.elastic_um).powi(2)).exp();
                (0..3).for_each(|axis| sum[axis] += weight * pair.shift[axis]);
                total += weight;
            }
            let here = line.s_um.partition_point(|&v| v < s).min(line.tangents.len() - 1);
            let mean = if total > 0.0 { sum.map(|v| v / total) } else { middle };
            Local::from_zyx(mean, line.tangents[here])
        };
        ElasticLine { shift: s_um.iter().map(knot).collect(), s_um }
    };
    Elastic { lines: lines.iter().zip(&of_line).map(one).collect() }
}

#[cfg(test)]
mod tests {
    use crate::geometry::Line;
    use crate::register::{Pair, RegisterParams, elastic};
    use crate::units::PointUm;

    #[test]
    fn near_pairs_rule_and_far_places_keep_the_mean() {
        let trace: Vec<PointUm> = (0..=120).map(|i| PointUm::new(5.0, 10.0, 0.5 * f64::from(i))).collect();
        let lines = [Line::from_trace(0, &trace).unwrap()];
        let pair = |s_um: f64, x| Pair { line: 0, s_um, shift: [0.5, 0.0, x], weight: 1.0 };
        let mut pairs: Vec<Pair> = (0..10).map(|i| pair(f64::from(i), 1.0)).collect();
        pairs.push(Pair { weight: 0.0, ..pair(5.0, 99.0) });
        let fit = elastic(&lines, &pairs, &RegisterParams::default());
        // Tangent (0, 1): along x is along the line.
        for s in [0.0, 5.0, 59.0] {
            let local = fit.at(0, s);
            assert!((local.ds_um - 1.0).abs() < 1e-9 && (local.dw_um - 0.5).abs() < 1e-9, "{local:?}");
        }
        pairs.extend((50..60).map(|i| pair(f64::from(i), -1.0)));
        let fit = elastic(&lines, &pairs, &RegisterParams::default());
        assert!(fit.at(0, 5.0).ds_um > 0.8 && fit.at(0, 55.0).ds_um < -0.8 && fit.at(0, 30.0).ds_um.abs() < 0.05);
    }
}
