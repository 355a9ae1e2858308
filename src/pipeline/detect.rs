//! From one stack to its spines: noise -> ridge -> trace -> smooth -> straighten -> detect -> measure.

use rayon::prelude::*;

use crate::detect::{self, Proposal};
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::filter::smooth::SigmaUm;
use crate::filter::{noise, ridge, smooth};
use crate::measure;
use crate::model::{Dendrite, NoiseModel, Spine, SpineFlag};
use crate::pipeline::Params;
use crate::progress::Progress;
use crate::straight::{Straight, StraightInput, Strip};
use crate::trace::{self, TraceInput};
use crate::volume::{StackView, Volume};

/// Largest voxel edge in the image plane, µm: as wide as a large head.
const MAX_XY_UM: f64 = 1.0;
/// Largest step between planes, µm: several times the axial spread of a two-photon microscope.
const MAX_Z_UM: f64 = 20.0;

/// What is found in one stack.
#[derive(Clone, Debug)]
pub struct Found {
    /// The noise model used.
    pub noise: NoiseModel,
    /// How many times larger than the model's the variance is after smoothing, because neighbouring voxels share noise.
    pub noise_correlation: f64,
    /// Dendrites, longest first, with what of them cannot be judged.
    pub dendrites: Vec<Dendrite>,
    /// Spines by dendrite and arc length.
    pub spines: Vec<Spine>,
    /// Number of the spine at each voxel, 0 where there is none.
    pub labels: Volume<u16>,
}

/// What spines are sought on.
struct Laid {
    noise: NoiseModel,
    correlation: f64,
    smooth: Volume<f32>,
    dendrites: Vec<Dendrite>,
    straights: Vec<Straight>,
}

/// Finds the dendrites and spines of one stack.
///
/// The noise model comes from the stack itself, coordinates are the stack's own µm. A stack without dendrites gives none, which is no error.
///
/// # Errors
/// Voxels of more than 1 µm in the image plane or 20 µm along z, parameters out of range, a stack without noise ([`noise::estimate`]), GPU faults, cancellation.
pub fn detect<'a>(
    engine: &Engine,
    stack: impl Into<StackView<'a>>,
    params: &Params,
    progress: &mut dyn Progress,
) -> Result<Found> {
    Ok(detect_and_keep(engine, stack.into(), params, progress)?.0)
}

/// As [`detect()`], and what later measurements in this stack need.
pub(super) fn detect_and_keep(
    engine: &Engine,
    stack: StackView<'_>,
    params: &Params,
    progress: &mut dyn Progress,
) -> Result<(Found, Vec<Strip>)> {
    let Laid { noise, correlation, smooth, dendrites, straights } = lay(engine, stack, params, progress)?;
    let mut spines = detect::detect(&straights, &dendrites, &params.detect, &params.learned)?;
    progress.step("detect", 2, 4)?;
    measure_all(&straights, &dendrites, &mut spines, stack, params)?;
    progress.step("detect", 3, 4)?;
    let labels = measure::labels(&smooth, stack.grid(), noise.offset, &dendrites, &spines)?;
    let strips = straights.par_iter().map(Strip::new).collect();
    progress.step("detect", 4, 4)?;
    Ok((Found { noise, noise_correlation: correlation, dendrites, spines, labels }, strips))
}

/// The dendrites of one stack and every candidate beside them, whatever its score.
///
/// # Errors
/// As [`detect()`].
pub fn candidates<'a>(
    engine: &Engine,
    stack: impl Into<StackView<'a>>,
    params: &Params,
    progress: &mut dyn Progress,
) -> Result<(Vec<Dendrite>, Vec<Proposal>)> {
    let laid = lay(engine, stack.into(), params, progress)?;
    let proposals = detect::propose(&laid.straights, &laid.dendrites, &params.detect)?;
    progress.step("detect", 4, 4)?;
    Ok((laid.dendrites, proposals))
}

/// Refuses voxels in which no spine can be seen: in practice a unit that was mistaken. Work along a dendrite grows with its length in µm, so that such a stack would also take hours.
fn check_voxels(stack: StackView<'_>) -> Result<()> {
    let size = stack.voxel_size;
    for (name, edge, most) in [("z", size.z_um, MAX_Z_UM), ("y", size.y_um, MAX_XY_UM), ("x", size.x_um, MAX_XY_UM)] {
        if edge > most {
            return Err(Error::parameter(
                &format!("voxel_um.{name}"),
                edge,
                &format!("at most {most} µm: in larger voxels no spine is seen"),
                "check the unit in the file with gemmule info, or give --voxel-um Z,Y,X",
            ));
        }
    }
    Ok(())
}

/// Traces the dendrites and lays the image out along each.
fn lay(engine: &Engine, stack: StackView<'_>, params: &Params, progress: &mut dyn Progress) -> Result<Laid> {
    params.validate()?;
    check_voxels(stack)?;
    let noise = noise::estimate(stack.voxels)?;
    let mut dendrites = {
        let map = ridge::ridge(engine, stack, &noise, &params.ridge, progress)?;
        let input = TraceInput { ridge: &map.ridge, intensity: &map.intensity, grid: map.grid };
        trace::trace(input, &params.trace, progress)?
    };
    let scale = &params.scale;
    let sigma = SigmaUm { z_um: scale.sigma_z_um, y_um: scale.sigma_xy_um, x_um: scale.sigma_xy_um };
    let (smooth, variance) = smooth::smooth_with_variance(engine, stack, sigma, &noise, progress)?;
    let correlation = noise::correlation(&smooth, &variance, scale.sigma_xy_um, stack.voxel_size)?;
    let grid = stack.grid();
    let input = StraightInput { smooth: &smooth, variance: &variance, correlation, grid, offset: noise.offset };
    progress.step("detect", 0, 4)?;
    let straights: Vec<Straight> =
        dendrites.par_iter().map(|d| Straight::new(input, d, &params.straight)).collect::<Result<_>>()?;
    progress.step("detect", 1, 4)?;
    let saturation = stack.voxels.type_maximum().map(|most| f64::from(most) - noise.offset);
    let unscorable = detect::unscorable(&straights, &dendrites, grid, saturation, &params.detect)?;
    for (dendrite, stretches) in dendrites.iter_mut().zip(unscorable) {
        dendrite.unscorable = stretches;
    }
    Ok(Laid { noise, correlation, smooth, dendrites, straights })
}

/// Spines are sorted by dendrite: each dendrite measures its own run of them.
fn measure_all(
    straights: &[Straight],
    dendrites: &[Dendrite],
    spines: &mut [Spine],
    stack: StackView<'_>,
    params: &Params,
) -> Result<()> {
    let runs: Vec<&mut [Spine]> = spines.chunk_by_mut(|a, b| a.dendrite_id == b.dendrite_id).collect();
    runs.into_par_iter().try_for_each(|run| {
        let id = run[0].dendrite_id;
        for (straight, dendrite) in straights.iter().zip(dendrites).filter(|(_, d)| d.dendrite_id == id) {
            for spine in run.iter_mut() {
                if dendrite.unscorable_at(spine.s_um, spine.side).is_some() {
                    spine.flags.push(SpineFlag::OnUnscorableStretch);
                }
            }
            measure::measure(straight, run, stack, params.scale.sigma_xy_um, &params.measure)?;
        }
        Ok(())
    })
}
