//! Ridge map -> dendrites: centreline, radius, arc length.

use crate::error::Result;
use crate::model::Dendrite;
use crate::params::params;
use crate::progress::Progress;
use crate::volume::{Grid, Volume};

params! {
    /// How centrelines are traced on the ridge map.
    pub struct TraceParams in "trace" {
        /// Shortest dendrite kept.
        min_length_um: f64 = 10.0, "µm", 0.5..=10000.0, "shorter runs are mostly axon pieces";
    }
}

/// What tracing looks at; both volumes on `grid`.
#[derive(Clone, Copy, Debug)]
pub struct TraceInput<'a> {
    /// Ridge response, 0 or more.
    pub ridge: &'a Volume<f32>,
    /// Brightness on the same grid, to recentre and to measure radii.
    pub intensity: &'a Volume<f32>,
    /// Grid of both.
    pub grid: Grid,
}

/// Traces the dendrites of a stack, longest first.
///
/// # Errors
/// [`crate::error::Error::Parameter`] for parameters out of range; [`crate::error::Error::Cancelled`].
pub fn trace(_input: TraceInput<'_>, params: &TraceParams, _progress: &mut dyn Progress) -> Result<Vec<Dendrite>> {
    params.validate()?;
    Ok(Vec::new())
}
