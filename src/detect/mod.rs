//! Candidates on a dendrite's straightened residual -> spines of one session.

use crate::error::Result;
use crate::model::{Dendrite, Spine};
use crate::params::params;
use crate::progress::Progress;
use crate::volume::{Grid, Volume};

params! {
    /// How spines are found beside a centreline.
    pub struct DetectParams in "detect" {
        /// Least residual over its noise for a candidate.
        snr_min: f64 = 8.0, "standard deviations", 1.0..=1000.0, "optimum 7.8 on real, 8.2 on synthetic stacks";
    }
}

/// What detection looks at; all volumes on `grid`, in native image space.
#[derive(Clone, Copy, Debug)]
pub struct DetectInput<'a> {
    /// The stack smoothed with [`crate::filter::smooth`] at the detection scale, grey levels.
    pub smooth: &'a Volume<f32>,
    /// Variance of `smooth` from the noise model, grey levels squared.
    pub variance: &'a Volume<f32>,
    /// Grid of both.
    pub grid: Grid,
    /// The dendrites traced.
    pub dendrites: &'a [Dendrite],
    /// Grey level without light.
    pub offset: f64,
    /// Grey level at which the detector saturates, if it does.
    pub saturation: Option<f64>,
}

/// Finds the spines of every dendrite.
///
/// # Errors
/// [`crate::error::Error::Parameter`] for parameters out of range; [`crate::error::Error::Cancelled`].
pub fn detect(_input: DetectInput<'_>, params: &DetectParams, _progress: &mut dyn Progress) -> Result<Vec<Spine>> {
    params.validate()?;
    Ok(Vec::new())
}
