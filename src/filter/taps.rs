//! Filter taps from standard deviations in voxels.
//!
//! - **Smoothing**: a sampled, normalised Gaussian whose own standard deviation is chosen so that the variance of the *taps* is the
//!   one asked for. Above one voxel the two agree; at .5 voxel plain sampling is 8 % too narrow.
//! - **Derivatives along z**: sampled derivatives of the Gaussian, moment-corrected (sum d2 = 0, sum n² d2 / 2 = 1, sum n d1 = 1), which
//!   measures the curvature of a parabola exactly at any scale. Below [`MIN_DERIVATIVE_SIGMA`] the sampling itself fails, and the taps are
//!   the smoothing taps composed with 6th-order differences.
//! - **Derivatives in the plane**: central differences on the smoothed volume, 4th order, or 6th below one voxel.

use crate::error::{Error, Result};
use crate::kernel::{HalfTaps, MAX_RADIUS};

/// Standard deviation, in voxels, below which derivatives along z come from differences of the smoothed samples.
pub const MIN_DERIVATIVE_SIGMA: f64 = 0.5;

/// Standard deviations at which a filter ends: what is cut off is below 1e-4 of the sum.
const TRUNCATE: f64 = 4.0;

/// A filter: taps and how many of them there are beside the centre.
///
/// ```
/// use gemmule::filter::taps::{derivatives, smoothing, stencil};
/// let gaussian = smoothing(1.5, "sigma")?;
/// let sum = gaussian.half[0] + 2.0 * gaussian.half[1..].iter().sum::<f32>();
/// assert!((sum - 1.0).abs() < 1e-6 && gaussian.sum_of_squares() < 0.25);
/// let [g, _, d2] = derivatives(1.5, "sigma")?;
/// assert!(g.radius == gaussian.radius && d2.half[0] < 0.0);
/// assert!((stencil(1.0).d1[0] - 2.0 / 3.0).abs() < 1e-6); // central differences of 4th order
/// assert!(smoothing(100.0, "sigma").is_err());
/// # Ok::<(), gemmule::error::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Taps {
    /// Centre and one side.
    pub half: HalfTaps,
    /// Radius, voxels.
    pub radius: u32,
}

impl Taps {
    /// Sum of the squared taps: what white noise of variance 1 leaves after the filter. See the example of [`Taps`].
    pub fn sum_of_squares(&self) -> f64 {
        let squared = self.half.map(|t| f64::from(t).powi(2));
        squared[0] + 2.0 * squared[1..].iter().sum::<f64>()
    }
}

/// Central differences: taps 1, 2, 3 of the first derivative; centre, 1, 2, 3 of the second. See the example of [`Taps`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stencil {
    /// First derivative.
    pub d1: [f32; 4],
    /// Second derivative.
    pub d2: [f32; 4],
}

fn pack(half: &[f64]) -> Taps {
    let mut taps = [0.0; 36];
    for (t, &h) in taps.iter_mut().zip(half) {
        *t = h as f32;
    }
    Taps { half: taps, radius: (half.len() - 1) as u32 }
}

fn radius(sigma: f64, name: &str) -> Result<usize> {
    let radius = (TRUNCATE * sigma).ceil() as usize;
    if !sigma.is_finite() || sigma < 0.0 || radius > MAX_RADIUS {
        let most = MAX_RADIUS as f64 / TRUNCATE;
        return Err(Error::parameter(
            name,
            format!("{sigma:.3} voxels"),
            &format!("0 to {most} voxels"),
            "choose a smaller standard deviation, or bin the volume first",
        ));
    }
    Ok(radius)
}

fn sampled(sigma: f64, radius: usize) -> Vec<f64> {
    let half: Vec<f64> = (0..=radius).map(|n| (-0.5 * (n as f64 / sigma.max(1e-9)).powi(2)).exp()).collect();
    let sum = half[0] + 2.0 * half[1..].iter().sum::<f64>();
    half.iter().map(|v| v / sum).collect()
}

fn variance(half: &[f64]) -> f64 {
    half.iter().enumerate().map(|(n, v)| 2.0 * (n * n) as f64 * v).sum()
}

fn smoothing_f64(sigma: f64, radius: usize) -> Vec<f64> {
    if radius == 0 {
        return vec![1.0];
    }
    let (mut low, mut high) = (0.5 * sigma, 2.0 * sigma + 0.5);
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if variance(&sampled(middle, radius)) < sigma * sigma { low = middle } else { high = middle }
    }
    sampled(0.5 * (low + high), radius)
}

/// Gaussian smoothing; `sigma` in voxels, 0 leaves the volume as it is. `name` is the parameter named in errors. See the example of [`Taps`].
///
/// # Errors
/// [`Error::Parameter`] if the filter would be longer than the kernels take.
pub fn smoothing(sigma: f64, name: &str) -> Result<Taps> {
    Ok(pack(&smoothing_f64(sigma, radius(sigma, name)?)))
}

/// Gaussian and its derivatives along z, multiplied by sigma and sigma² (scale normalisation). See the example of [`Taps`].
///
/// # Errors
/// As [`smoothing`].
pub fn derivatives(sigma: f64, name: &str) -> Result<[Taps; 3]> {
    let radius = radius(sigma, name)?;
    let (d1, d2) = if sigma < MIN_DERIVATIVE_SIGMA { composed(sigma, radius) } else { corrected(sigma, radius) };
    let scale = |v: Vec<f64>, by: f64| pack(&v.iter().map(|v| v * by).collect::<Vec<_>>());
    let mut g = smoothing_f64(sigma, radius);
    g.resize(d1.len(), 0.0);
    Ok([pack(&g), scale(d1, sigma), scale(d2, sigma * sigma)])
}

/// Sampled derivatives with corrected moments.
fn corrected(sigma: f64, radius: usize) -> (Vec<f64>, Vec<f64>) {
    let g = sampled(sigma, radius);
    let n = |k: usize| k as f64;
    let d1: Vec<f64> = g.iter().enumerate().map(|(k, v)| n(k) * v).collect();
    let slope: f64 = d1.iter().enumerate().map(|(k, v)| 2.0 * n(k) * v).sum();
    let raw: Vec<f64> = g.iter().enumerate().map(|(k, v)| ((n(k) / sigma).powi(2) - 1.0) * v).collect();
    let sum = raw[0] + 2.0 * raw[1..].iter().sum::<f64>();
    let flat: Vec<f64> = raw.iter().zip(&g).map(|(v, g)| v - sum * g).collect();
    let curvature = variance(&flat) / 2.0;
    (d1.iter().map(|v| v / slope).collect(), flat.iter().map(|v| v / curvature).collect())
}

/// Differences of 6th order on the smoothing taps.
fn composed(sigma: f64, radius: usize) -> (Vec<f64>, Vec<f64>) {
    let g = smoothing_f64(sigma, radius);
    let at = |k: isize| g.get(k.unsigned_abs()).copied().unwrap_or(0.0);
    let stencil = stencil_f64(0.0);
    let length = radius as isize + 3;
    let d1 = |k: isize| (1..=3).map(|j| stencil.0[j as usize - 1] * (at(k - j) - at(k + j))).sum();
    let d2 =
        |k: isize| (1..=3).map(|j| stencil.1[j as usize] * (at(k - j) + at(k + j))).sum::<f64>() + stencil.1[0] * at(k);
    ((0..=length).map(d1).collect(), (0..=length).map(d2).collect())
}

/// Central differences in the plane, multiplied by sigma and sigma² (scale normalisation). See the example of [`Taps`].
pub fn stencil(sigma: f64) -> Stencil {
    let (d1, d2) = stencil_f64(sigma);
    Stencil { d1: d1.map(|v| (v * sigma) as f32), d2: d2.map(|v| (v * sigma * sigma) as f32) }
}

fn stencil_f64(sigma: f64) -> ([f64; 4], [f64; 4]) {
    if sigma < 1.0 {
        let d1 = [3.0 / 4.0, -3.0 / 20.0, 1.0 / 60.0, 0.0];
        (d1, [-49.0 / 18.0, 3.0 / 2.0, -3.0 / 20.0, 1.0 / 90.0])
    } else {
        ([2.0 / 3.0, -1.0 / 12.0, 0.0, 0.0], [-5.0 / 2.0, 4.0 / 3.0, -1.0 / 12.0, 0.0])
    }
}

#[cfg(test)]
mod tests {
    use crate::filter::taps::{Taps, derivatives, smoothing, stencil};

    fn moment(taps: &Taps, power: i32, odd: bool) -> f64 {
        let sign = if odd { -1.0 } else { 1.0 };
        (0..=taps.radius as i32)
            .map(|n| {
                let t = f64::from(taps.half[n as usize]) * f64::from(n).powi(power);
                if n == 0 { t } else { t + sign * t * if power % 2 == 1 { -1.0 } else { 1.0 } }
            })
            .sum()
    }

    #[test]
    fn smoothing_keeps_the_sum_and_has_the_variance_asked_for() {
        for sigma in [0.2, 0.5, 0.8, 1.25, 3.0, 8.0] {
            let taps = smoothing(sigma, "sigma").unwrap();
            assert!((moment(&taps, 0, false) - 1.0).abs() < 1e-6);
            // At radius 4 sigma the tail that is cut off holds .1 % of the variance.
            assert!((moment(&taps, 2, false) / (sigma * sigma) - 1.0).abs() < 2e-3, "{sigma}");
        }
        assert_eq!(smoothing(0.0, "sigma").unwrap().radius, 0);
        assert!(smoothing(8.1, "sigma").is_err() && smoothing(f64::NAN, "sigma").is_err());
    }

    #[test]
    fn derivatives_measure_slopes_and_parabolas_exactly() {
        for sigma in [0.3, 0.5, 0.8, 1.5, 4.0] {
            let [g, d1, d2] = derivatives(sigma, "sigma").unwrap();
            assert!((moment(&g, 0, false) - 1.0).abs() < 1e-6);
            assert!((moment(&d1, 1, true) / sigma - 1.0).abs() < 1e-5, "{sigma}");
            assert!(moment(&d2, 0, false).abs() < 2e-6, "{sigma}");
            assert!((moment(&d2, 2, false) / (2.0 * sigma * sigma) - 1.0).abs() < 1e-5, "{sigma}");
        }
    }

    #[test]
    fn stencils_are_exact_on_polynomials_of_their_order() {
        for (sigma, order) in [(0.9, 6), (1.5, 4)] {
            let s = stencil(sigma);
            for power in 1..=order {
                let f = |x: f64| x.powi(power);
                let d1: f64 = (1..=3).map(|k| f64::from(s.d1[k - 1]) * (f(k as f64) - f(-(k as f64)))).sum();
                let d2: f64 = (1..=3).map(|k| f64::from(s.d2[k]) * (f(k as f64) + f(-(k as f64)))).sum();
                let (true_d1, true_d2) =
                    (if power == 1 { sigma } else { 0.0 }, if power == 2 { 2.0 * sigma * sigma } else { 0.0 });
                assert!((d1 - true_d1).abs() < 2e-4 && (d2 - true_d2).abs() < 2e-4, "{sigma} {power}: {d1} {d2}");
            }
        }
    }
}
