//! From one stack to its spines: noise -> ridge -> trace -> smooth -> straighten -> detect -> measure.

use rayon::prelude::*;

use crate::detect::{self, Finder, Proposal};
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::filter::smooth::SigmaUm;
use crate::filter::{noise, ridge, smooth};
use crate::measure;
use crate::model::{Dendrite, Motion, NoiseModel, Spine, SpineFlag};
use crate::pipeline::{Params, results};
use crate::progress::Progress;
use crate::register;
use crate::straight::{self, Straight, StraightInput, Strip};
use crate::trace::{self, TraceInput};
use crate::units::VoxelSize;
use crate::volume::{Bricks, Grid, Source};

/// Largest voxel edge in the image plane, µm: as wide as a large head.
const MAX_XY_UM: f64 = 1.0;
/// Largest step between planes, µm: several times the axial spread of a two-photon microscope.
const MAX_Z_UM: f64 = 20.0;

/// What is found in one stack. See the example of [`detect()`].
#[derive(Clone, Debug)]
pub struct Found {
    /// The noise model used.
    pub noise: NoiseModel,
    /// How many times larger than the model's the variance is after smoothing, because neighbouring voxels share noise.
    pub noise_correlation: f64,
    /// Motion between the planes, and planes lost to it.
    pub motion: Motion,
    /// Dendrites, longest first, with what of them cannot be judged.
    pub dendrites: Vec<Dendrite>,
    /// Spines by dendrite and arc length.
    pub spines: Vec<Spine>,
    /// Number of the spine at each voxel, 0 or not held where there is none; [`Bricks::to_volume`] gives the whole image.
    pub labels: Bricks<u16>,
}

impl Found {
    /// What a user should know about planes lost to motion and about axons; empty if there are none. See the example of [`detect()`].
    pub fn remarks(&self) -> Vec<String> {
        let lost = !self.motion.bad_planes.is_empty();
        let lost = lost.then(|| results::bad_planes(&self.motion));
        lost.into_iter().chain(results::axons(&self.dendrites)).collect()
    }
}

/// What spines are sought on: nothing of the stack but what lies near dendrites.
struct Laid {
    noise: NoiseModel,
    correlation: f64,
    smooth: Bricks<[f32; 2]>,
    dendrites: Vec<Dendrite>,
    motion: Motion,
}

/// Finds the dendrites and spines of one stack, in memory or read in parts ([`crate::io::StackFile`]): the result is the same.
///
/// The noise model comes from the stack itself, coordinates are the stack's own µm. A stack without dendrites gives none, which is no error. A stack in memory
/// takes 2 bytes per voxel more (its ridge map and brightness, binned by 2) and about 200 kB per µm of dendrite; one that is read in parts takes
/// the slabs of the engine ([`Engine::with_max_buffer_len`]) instead of the 2 bytes, is filtered once more and read once more for its motion.
///
/// ```
/// use gemmule::engine::{Backend, Engine};
/// use gemmule::phantom::{self, PhantomParams};
/// use gemmule::pipeline::{Params, detect};
/// use gemmule::progress::Silent;
/// let small = PhantomParams::default().planes(8)?.rows(64)?.columns(96)?.density_per_um(0.8)?.seed(7)?;
/// let stack = phantom::stack(&small, &mut Silent)?.stack;
/// let params = Params::default().with("trace.min_length_um", 5.0)?;
/// let found = detect(&Engine::new(Backend::Cpu)?, &stack, &params, &mut Silent)?;
/// assert!(!found.dendrites.is_empty() && found.noise.gain > 0.0);
/// assert!(found.remarks().is_empty()); // no plane is lost to motion, nothing is an axon
/// assert!(!found.spines.is_empty());
/// assert!(found.labels.to_volume().as_slice().iter().all(|number| usize::from(*number) <= found.spines.len()));
/// # Ok::<(), gemmule::error::Error>(())
/// ```
///
/// # Errors
/// Voxels of more than 1 µm in the image plane or 20 µm along z, parameters out of range, a stack without noise ([`noise::estimate`]), GPU faults,
/// files that cannot be read, cancellation.
pub fn detect<'a>(
    engine: &Engine,
    stack: impl Into<Source<'a>>,
    params: &Params,
    progress: &mut dyn Progress,
) -> Result<Found> {
    Ok(find(engine, stack.into(), params, |_| (), progress)?.0)
}

/// As [`detect()`], and what later measurements in this stack need.
pub(super) fn detect_and_keep(
    engine: &Engine,
    stack: Source<'_>,
    params: &Params,
    progress: &mut dyn Progress,
) -> Result<(Found, Vec<Strip>)> {
    find(engine, stack, params, Strip::new, progress)
}

/// Finds spines, and keeps something of each straightened dendrite.
fn find<K: Send>(
    engine: &Engine,
    stack: Source<'_>,
    params: &Params,
    keep: impl Fn(&Straight) -> K + Sync,
    progress: &mut dyn Progress,
) -> Result<(Found, Vec<K>)> {
    let mut laid = lay(engine, stack, params, progress)?;
    let grid = stack.grid();
    let finder = Finder::new(&laid.dendrites, &params.detect, &params.learned)?.bad_planes(&laid.motion.bad_planes);
    let saturation = stack.type_maximum().map(|most| f64::from(most) - laid.noise.offset);
    progress.step("detect", 0, 3)?;
    let on_each = on_each_dendrite(&laid, grid, params, |straight, dendrite| {
        let unscorable = finder.unscorable(straight, grid, saturation);
        let mut spines = finder.spines(straight);
        let dendrite = Dendrite { unscorable, ..dendrite.clone() };
        for spine in &mut spines {
            if dendrite.unscorable_at(spine.s_um, spine.side).is_some() {
                spine.flags.push(SpineFlag::OnUnscorableStretch);
            }
        }
        measure::measure(straight, &mut spines, grid, params.scale.sigma_xy_um, &params.measure)?;
        Ok((dendrite, spines, keep(straight)))
    })?;
    progress.step("detect", 1, 3)?;
    let (mut spines, mut kept) = (Vec::new(), Vec::new());
    laid.dendrites.clear();
    for (dendrite, on_it, of_it) in on_each {
        laid.dendrites.push(dendrite);
        spines.extend(on_it);
        kept.push(of_it);
    }
    let mut spines = detect::settle(spines, &params.detect);
    measure::flag_saturated(&mut spines, stack)?;
    progress.step("detect", 2, 3)?;
    let Laid { noise, correlation, smooth, dendrites, motion } = laid;
    let labels = measure::labels(&smooth, grid, noise.offset, &dendrites, &spines)?;
    progress.step("detect", 3, 3)?;
    Ok((Found { noise, noise_correlation: correlation, motion, dendrites, spines, labels }, kept))
}

/// The dendrites of one stack and every candidate beside them, whatever its score.
///
/// ```
/// use gemmule::detect::choose;
/// use gemmule::engine::{Backend, Engine};
/// use gemmule::phantom::{self, PhantomParams};
/// use gemmule::pipeline::{Params, candidates};
/// use gemmule::progress::Silent;
/// let small = PhantomParams::default().planes(8)?.rows(64)?.columns(96)?.density_per_um(0.8)?.seed(7)?;
/// let stack = phantom::stack(&small, &mut Silent)?.stack;
/// let params = Params::default().with("trace.min_length_um", 5.0)?;
/// let (dendrites, all) = candidates(&Engine::new(Backend::Cpu)?, &stack, &params, &mut Silent)?;
/// assert!(!dendrites.is_empty());
/// let spines = choose(&all, &params.detect, &params.learned);
/// assert!(spines.len() <= all.len() && spines.iter().all(|spine| spine.score >= params.detect.score_min));
/// # Ok::<(), gemmule::error::Error>(())
/// ```
///
/// # Errors
/// As [`detect()`].
pub fn candidates<'a>(
    engine: &Engine,
    stack: impl Into<Source<'a>>,
    params: &Params,
    progress: &mut dyn Progress,
) -> Result<(Vec<Dendrite>, Vec<Proposal>)> {
    let stack = stack.into();
    let laid = lay(engine, stack, params, progress)?;
    let finder = Finder::new(&laid.dendrites, &params.detect, &params.learned)?;
    let proposals = on_each_dendrite(&laid, stack.grid(), params, |straight, _| Ok(finder.propose(straight)))?;
    progress.step("detect", 3, 3)?;
    Ok((laid.dendrites, proposals.into_iter().flatten().collect()))
}

/// Lays out one dendrite after the other, on all cores, and keeps only what `work` makes of it.
fn on_each_dendrite<T: Send>(
    laid: &Laid,
    grid: Grid,
    params: &Params,
    work: impl Fn(&Straight, &Dendrite) -> Result<T> + Sync,
) -> Result<Vec<T>> {
    let (motion, offset) = (&corrected(&laid.motion, params), laid.noise.offset);
    let input = StraightInput { smooth: &laid.smooth, correlation: laid.correlation, grid, offset, motion };
    let one = |dendrite: &Dendrite| work(&Straight::new(input, dendrite, &params.straight)?, dendrite);
    laid.dendrites.par_iter().map(one).collect()
}

/// The motion that places are freed of: none unless it is to be corrected, and no more than is sure.
pub(super) fn corrected(motion: &Motion, params: &Params) -> Motion {
    if params.motion.correct { motion.shrunk(params.motion.error_um) } else { Motion::default() }
}

/// Refuses voxels in which no spine can be seen: in practice a unit that was mistaken. Work along a dendrite grows with its length in µm, so that such a stack would also take hours.
fn check_voxels(size: VoxelSize) -> Result<()> {
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

/// Traces the dendrites and smooths the image near them.
fn lay(engine: &Engine, stack: Source<'_>, params: &Params, progress: &mut dyn Progress) -> Result<Laid> {
    params.validate()?;
    check_voxels(stack.voxel_size())?;
    let noise = noise::estimate_in(stack, progress)?;
    let dendrites = traced(engine, stack, &noise, params, progress)?;
    let scale = &params.scale;
    let sigma = SigmaUm { z_um: scale.sigma_z_um, y_um: scale.sigma_xy_um, x_um: scale.sigma_xy_um };
    let motion = register::motion(stack, &params.motion)?;
    let [z_um, lateral_um] = measure::LABELS_REACH_UM;
    // A plane is read where it has moved to, and the centreline is the image's own.
    let margin_um = [z_um, lateral_um.max(2.0 * corrected(&motion, params).largest_um())];
    let near = straight::near(&dendrites, stack.grid(), &params.straight, margin_um);
    let (smooth, correlation) = smooth::smooth_near(engine, stack, sigma, &noise, near, progress)?;
    Ok(Laid { noise, correlation, smooth, dendrites, motion })
}

/// The dendrites: on a ridge map in memory if the stack is, otherwise on one that is made plane by plane.
fn traced(
    engine: &Engine,
    stack: Source<'_>,
    noise: &NoiseModel,
    params: &Params,
    progress: &mut dyn Progress,
) -> Result<Vec<Dendrite>> {
    match stack {
        Source::View(_) => {
            let map = ridge::ridge(engine, stack, noise, &params.ridge, progress)?;
            let input = TraceInput { ridge: &map.ridge, intensity: &map.intensity, grid: map.grid };
            trace::trace(input, &params.trace, progress)
        }
        Source::Parts(_) => {
            let ridge = ridge::RidgePlanes::new(engine, stack, noise, &params.ridge, progress)?;
            let input = TraceInput { ridge: &ridge, intensity: &ridge.intensity(), grid: ridge.grid() };
            trace::trace(input, &params.trace, progress)
        }
    }
}
