//! Smooth displacement along lines from pairs of places.

use crate::geometry::{Elastic, ElasticLine, Line, Local};
use crate::register::RegisterParams;

/// Distance between knots, µm.
const KNOT_UM: f64 = 1.0;
/// Pairs farther than this many reaches weigh less than .0003.
const CUT: f64 = 4.0;

/// A place of the first session and how far the same place of the second is from it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pair {
    /// Position of the first session's line.
    pub line: usize,
    /// Arc length there, µm.
    pub s_um: f64,
    /// Displacement (z, y, x) left after the rigid transform, µm.
    pub shift: [f64; 3],
}

/// Displacement along every line, from pairs: a Gaussian-weighted mean over the pairs of the same line
/// ([`RegisterParams::elastic_um`]), with the median of all pairs counting as [`RegisterParams::elastic_prior`] pairs.
///
/// d(s) = (Σ k(s - s_i) d_i + prior * median) / (Σ k(s - s_i) + prior), k(x) = exp(-x²/2 elastic_um²).
pub fn elastic(lines: &[Line], pairs: &[Pair], params: &RegisterParams) -> Elastic {
    let middle = [0, 1, 2].map(|axis| median(pairs.iter().map(|p| p.shift[axis]).collect()));
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
                let weight = (-0.5 * ((pair.s_um - s) / params.elastic_um).powi(2)).exp();
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

/// The middle value, or 0 without values.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let n = values.len();
    if n == 0 { 0.0 } else { (values[(n - 1) / 2] + values[n / 2]) / 2.0 }
}
