//! How alike two spines are, against two that have nothing to do with each other.

use crate::track::{Laid, Near, Scales, TrackParams};

/// Entropy range: a normal distribution of standard deviation 1 is as spread as a uniform one of this width, √(2πe).
const WIDTH: f64 = 4.13;
/// Least spreads, µm, and least density per µm and side, of spines that have nothing to do with each other.
const MIN_U_UM: f64 = 0.3;
const MIN_W_UM: f64 = 1.0;
const MIN_PER_UM: f64 = 0.02;

/// What spines of the second session look like in general, from that session.
///
/// ```
/// use gemmule::geometry::Line;
/// use gemmule::track::{Laid, Likeness, Near, Scales, TrackParams};
/// use gemmule::units::PointUm;
/// let line = Line::from_trace(1, &[PointUm::new(5.0, 10.0, 0.0), PointUm::new(5.0, 10.0, 30.0)]);
/// let places: Vec<PointUm> = (0..8).map(|n| PointUm::new(5.0, 11.2, 4.0 * f64::from(n))).collect();
/// let laid = Laid::new(places, line.into_iter().collect()).expect("there is a line");
/// let (likeness, params) = (Likeness::new(&laid), TrackParams::default());
/// let scales = Scales::new(&params);
/// let near = |du_um, same_side| Near { a: 0, b: 0, shift: [0.0; 3], ds_um: 0.1, du_um, dw_um: 0.0, same_side };
/// let odds = |pair| likeness.log_odds(&pair, &scales, &params);
/// assert!(odds(near(0.1, true)) > odds(near(1.0, true)) && odds(near(1.0, true)) > odds(near(0.1, false)));
/// // With how well it lies along the dendrite:
/// assert!(Likeness::along(0.1, 0.0, scales.s_um) > Likeness::along(1.5, 0.0, scales.s_um));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Likeness {
    /// Spines per µm of dendrite and side.
    pub per_um: f64,
    /// Width of their distances from the centreline, µm.
    pub width_u_um: f64,
    /// Width of their depths relative to the centreline, µm.
    pub width_w_um: f64,
}

/// exp(-x²/2 sigma²) / (sigma √(2π)).
pub(crate) fn normal(x: f64, sigma: f64) -> f64 {
    (-0.5 * (x / sigma).powi(2)).exp() / (sigma * (2.0 * std::f64::consts::PI).sqrt())
}

impl Likeness {
    /// Density and spreads of the spines of a session, over the lines that carry any. See the example of [`Likeness`].
    pub fn new(b: &Laid) -> Self {
        let carries = |n: &usize| b.feet.iter().any(|foot| foot.line == *n);
        let length: f64 = (0..b.lines.len()).filter(carries).map(|n| b.lines[n].length_um()).sum();
        let spread = |values: Vec<f64>, least: f64| {
            let n = values.len().max(1) as f64;
            let mean = values.iter().sum::<f64>() / n;
            WIDTH * (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n).sqrt().max(least)
        };
        Self {
            per_um: (b.feet.len() as f64 / (2.0 * length).max(1.0)).max(MIN_PER_UM),
            width_u_um: spread(b.feet.iter().map(|foot| foot.u_um.abs()).collect(), MIN_U_UM),
            width_w_um: spread(b.feet.iter().map(|foot| foot.w_um).collect(), MIN_W_UM),
        }
    }

    /// Log odds of the two being one spine, by everything but the place along the dendrite, per 1/µm along it:
    ///
    /// persists / (1 - persists)² / density * L(du) * L(dw), and exp(-opposite) on opposite sides,
    ///
    /// with L(x) = (1 - stray) N(x; sigma) * width + stray: how much more often a deviation x is met between views of one spine than
    /// between two spines. Times the density of ds between views of one spine this is the odds of the pair against both being without partner.
    /// See the example of [`Likeness`].
    pub fn log_odds(&self, near: &Near, scales: &Scales, params: &TrackParams) -> f64 {
        let ratio =
            |x: f64, sigma: f64, width: f64| (1.0 - params.stray) * normal(x, sigma) * width + params.stray.max(1e-9);
        let gone = 1.0 - scales.persists;
        (scales.persists / (gone * gone) / self.per_um).ln()
            + ratio(near.du_um, scales.u_um, self.width_u_um).ln()
            + ratio(near.dw_um, scales.w_um, self.width_w_um).ln()
            - if near.same_side { 0.0 } else { params.opposite }
    }

    /// Density of the displacement along the dendrite between two views of one spine, where `field_um` is expected. See the example of [`Likeness`].
    pub fn along(ds_um: f64, field_um: f64, sigma_um: f64) -> f64 {
        normal(ds_um - field_um, sigma_um)
    }
}
