//! Apparent volume of a head, from the brightness of its peak over that of the shaft.
//!
//! A microscope shows, at each place, the dye in its focus. On the axis of a shaft that is the dye in the part of the cylinder in focus,
//! at a small head that of the whole head: head volume = (head peak / shaft axis) * volume of shaft in focus. The ratio alone
//! makes the spines of thick shafts look small (the field's normalisation by the shaft: Holtmaat et al. 2005, doi:10.1016/j.neuron.2005.01.003).

use crate::measure::MeasureParams;

/// Full width at half maximum of a Gaussian over its standard deviation.
const FWHM: f64 = 2.354_820_045;
/// Steps of the integral across the shaft.
const STEPS: usize = 64;

/// Volume of a cylinder of `radius_um`, each part weighted by a Gaussian focus on its axis, µm³.
///
/// With sigma the standard deviation of focus and smoothing together, and the focus far longer along z than the shaft is thick:
/// sqrt(2 pi) sigma * integral over |y| < R of 2 sqrt(R² - y²) exp(-y² / 2 sigma²) dy.
pub(super) fn in_focus_um3(radius_um: f64, smooth_um: f64, params: &MeasureParams) -> f64 {
    let sigma = (params.focus_xy_um / FWHM).hypot(smooth_um);
    let step = 2.0 * radius_um / STEPS as f64;
    let across: f64 = (0..STEPS)
        .map(|k| {
            let y = -radius_um + (k as f64 + 0.5) * step;
            2.0 * (radius_um * radius_um - y * y).max(0.0).sqrt() * (-0.5 * (y / sigma).powi(2)).exp() * step
        })
        .sum();
    (2.0 * std::f64::consts::PI).sqrt() * sigma * across
}

#[cfg(test)]
mod tests {
    use crate::measure::MeasureParams;
    use crate::measure::volume::in_focus_um3;

    #[test]
    fn a_thin_shaft_is_in_focus_as_a_whole_and_a_thick_one_as_a_sheet() {
        let params = MeasureParams::default();
        let sigma = (params.focus_xy_um / 2.354_820_045_f64).hypot(0.15);
        let length = (2.0 * std::f64::consts::PI).sqrt() * sigma;
        let thin = 0.02_f64;
        let disc = std::f64::consts::PI * thin * thin;
        assert!((in_focus_um3(thin, 0.15, &params) / (length * disc) - 1.0).abs() < 0.01);
        // Far thicker than the focus: 2 R high, one focus wide.
        let thick = 2.0;
        assert!((in_focus_um3(thick, 0.15, &params) / (length * length * 2.0 * thick) - 1.0).abs() < 0.05);
    }
}
