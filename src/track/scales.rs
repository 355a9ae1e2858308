//! How exactly spines of two sessions repeat, fitted to what is linked.

use crate::track::{Near, TrackParams};

/// Least standard deviations, µm: a voxel along and across, a third of a plane in depth.
const LEAST_UM: [f64; 3] = [0.1, 0.1, 0.3];
/// Bounds of the share that is found again.
const PERSISTS: (f64, f64) = (0.4, 0.99);

/// Standard deviations between two views of one spine, and how often one is found again. See the example of [`Scales::fitted`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scales {
    /// Along the dendrite, µm.
    pub s_um: f64,
    /// Of the distance from the centreline, µm.
    pub u_um: f64,
    /// Of the depth relative to the centreline, µm.
    pub w_um: f64,
    /// Share of spines that are found again.
    pub persists: f64,
}

impl Scales {
    /// The defaults. See the example of [`Scales::widest`].
    pub fn new(params: &TrackParams) -> Self {
        Self { s_um: params.sigma_s_um, u_um: params.sigma_u_um, w_um: params.sigma_w_um, persists: params.persists }
    }

    /// Fitted to pairs, each weighted by P(same): sigma² = (n0 sigma0² + sum P x²) / (n0 + sum P), n0 = [`TrackParams::prior_links`] and
    /// sigma0 the default, so that a few links change little. `ds_um` is what each pair lies apart along the dendrite beyond
    /// what is expected, `spines` how many each session has.
    ///
    /// ```
    /// use gemmule::track::{Near, Scales, TrackParams};
    /// let params = TrackParams { prior_links: 1.0, ..TrackParams::default() };
    /// let near = |n: usize, x: f64| Near { a: n, b: n, shift: [0.0; 3], ds_um: x, du_um: x, dw_um: 2.0 * x, same_side: true };
    /// // All linked, all .2 µm apart.
    /// let pairs: Vec<Near> = (0..900).map(|n| near(n, if n % 2 == 0 { 0.2 } else { -0.2 })).collect();
    /// let ds: Vec<f64> = pairs.iter().map(|p| p.ds_um).collect();
    /// let fitted = Scales::fitted(&pairs, &vec![1.0; 900], &ds, (900, 900), &params);
    /// assert!((fitted.s_um - 0.2).abs() < 0.01 && (fitted.w_um - 0.4).abs() < 0.01 && fitted.persists > 0.98);
    /// ```
    pub fn fitted(near: &[Near], p_same: &[f64], ds_um: &[f64], spines: (usize, usize), params: &TrackParams) -> Self {
        let held = params.prior_links;
        let linked: f64 = p_same.iter().sum();
        let spread = |default: f64, least: f64, value: &dyn Fn(usize) -> f64| {
            let squares: f64 = p_same.iter().enumerate().map(|(n, p)| p * value(n).powi(2)).sum();
            ((held * default * default + squares) / (held + linked)).sqrt().max(least)
        };
        let persists = (held * params.persists + linked) / (held + 0.5 * (spines.0 + spines.1) as f64);
        Self {
            s_um: spread(params.sigma_s_um, LEAST_UM[0], &|n| ds_um[n]),
            u_um: spread(params.sigma_u_um, LEAST_UM[1], &|n| near[n].du_um),
            w_um: spread(params.sigma_w_um, LEAST_UM[2], &|n| near[n].dw_um),
            persists: persists.clamp(PERSISTS.0, PERSISTS.1),
        }
    }

    /// The larger of either: what can be said over two steps.
    ///
    /// ```
    /// use gemmule::track::{Scales, TrackParams};
    /// let defaults = Scales::new(&TrackParams::default());
    /// let wide = Scales { s_um: 0.9, ..defaults };
    /// assert_eq!((defaults.widest(&wide).s_um, defaults.widest(&wide).u_um), (0.9, defaults.u_um));
    /// ```
    pub fn widest(&self, other: &Self) -> Self {
        Self {
            s_um: self.s_um.max(other.s_um),
            u_um: self.u_um.max(other.u_um),
            w_um: self.w_um.max(other.w_um),
            persists: self.persists.min(other.persists),
        }
    }
}
