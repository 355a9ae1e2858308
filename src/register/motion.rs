//! How far motion has displaced each plane of a stack, and which planes are bad.

mod chain;
mod shift;

use crate::error::Result;
use crate::model::Motion;
use crate::params::params;
use crate::register::motion::shift::Shifts;
use crate::volume::Source;

params! {
    /// Motion between the planes of a stack.
    ///
    /// ```
    /// use gemmule::register::MotionParams;
    /// let params = MotionParams::default().bad_um(1.0)?;
    /// assert_eq!(params.bad_um, 1.0);
    /// assert!(params.min_correlation(1.5).is_err());
    /// # Ok::<(), gemmule::error::Error>(())
    /// ```
    pub struct MotionParams in "motion" {
        /// Whether dendrites are laid out and sessions are brought together in coordinates free of motion; bad planes are flagged in any case.
        correct: bool = true, "", false..=true, "synthetic stacks with .3 µm of motion: F1 .75 without and .80 with it; of spines imaged twice 16 of 336 turned over without and 2 of 340 with it; with .1 µm as many";
        /// Error of the displacements, root mean square: a stack that moves no more is taken as still.
        error_um: f64 = 0.06, "µm", 0.0..=10.0, "synthetic stacks: .06 where planes move by .1 µm; those that stand still read .01 to .02, the open in-vivo sessions .02 to .03";
        /// A plane displaced by more than this against the planes around it is bad.
        bad_um: f64 = 0.75, "µm", 0.1..=10.0, "more than a typical head is wide; jitter of .15 µm along each axis gets there once in 10^5 planes";
        /// Largest displacement sought between two planes, along each axis.
        search_um: f64 = 3.0, "µm", 0.5..=20.0, "a plane that moved farther no longer looks like its neighbours and is bad for that";
        /// Planes that look less alike than this say nothing about motion.
        min_correlation: f64 = 0.3, "", 0.05..=1.0, "noise reaches .1 in fields of 50 µm";
        /// A plane is lost if its correlation with its best neighbour is below this share of the correlation of the planes to its two sides.
        lost_share: f64 = 0.5, "", 0.0..=1.0, "a plane that is as the others is nearer to its neighbours than they are to each other: the share is 1 or more";
        /// Planes to either side that a smooth course is fitted to; oblique dendrites follow it and are no motion.
        trend_planes: usize = 4, "", 2..=50, "9 planes in all: a dendrite's slope hardly changes within 9 µm";
    }
}

/// Fewer planes do not tell motion from oblique dendrites.
const MIN_PLANES: usize = 5;
/// Correlation that the shift of a displaced plane must gain.
const MIN_GAIN: f64 = 0.15;

/// Estimates the motion of every plane from the image itself; no voxel is moved.
///
/// Planes are binned to about .25 µm and high-passed; the shift of each against the next and the next but one is the maximum of their normalised
/// cross-correlation. Chaining the shifts by robust least squares gives a course over z; what a local line does not follow of it is motion, the rest is how
/// dendrites run. A plane is bad if it is displaced by more than [`MotionParams::bad_um`], or looks like neither neighbour though these look like each other,
/// or is all of one value. A run of lost planes is not noticed unless they are blank. Where planes do not look alike (noise, fewer than 5 planes) nothing is
/// known: no displacement, no bad plane. A stack that is read in parts is read once more.
///
/// ```
/// use gemmule::phantom::{self, PhantomParams};
/// use gemmule::progress::Silent;
/// use gemmule::register::{MotionParams, motion};
/// let params = PhantomParams::default().planes(12)?.rows(160)?.columns(160)?.plane_jitter_um(0.0)?;
/// let params = params.moved_plane(6)?.moved_um(2.0)?; // the animal moved during plane 6
/// let stack = phantom::stack(&params, &mut Silent)?.stack;
/// let found = motion((&stack).into(), &MotionParams::default())?;
/// assert_eq!(found.bad_planes, [6]);
/// assert!((found.displacement_um[6].0 - params.displacement_um(6).0).abs() < 0.2);
/// assert!(found.rms_um().is_some_and(|rms| rms < 0.1)); // of the other planes
/// # Ok::<(), gemmule::error::Error>(())
/// ```
///
/// # Errors
/// Parameters out of range; planes that cannot be read.
pub fn motion(stack: Source<'_>, params: &MotionParams) -> Result<Motion> {
    params.validate()?;
    let plane_um = stack.voxel_size().z_um;
    let unknown = Motion { plane_um, ..Motion::default() };
    if stack.shape().z < MIN_PLANES {
        return Ok(unknown);
    }
    let shifts = shift::shifts(stack, params)?;
    let known: Vec<f64> = shifts.next.iter().map(|s| s.correlation).filter(|&c| c >= params.min_correlation).collect();
    // Half of the planes must look alike: chance makes a few.
    if 2 * known.len() < shifts.next.len() {
        return Ok(unknown);
    }
    let reliable: Vec<bool> = (0..shifts.blank.len()).map(|z| shifts.likeness(z) >= params.min_correlation).collect();
    let course = |along: fn(&shift::Shift) -> f64| {
        let course = chain::positions(&shifts, along, params.min_correlation);
        chain::residuals(&course, &reliable, params.trend_planes)
    };
    let (y, x) = (course(|s| s.dy_um), course(|s| s.dx_um));
    let mut displacement_um: Vec<(f64, f64)> = y.into_iter().zip(x).collect();
    let bad_planes = (0..displacement_um.len())
        .filter(|&z| shifts.blank[z] || lost(&shifts, z, params) || displaced(&shifts, &displacement_um, z, params))
        .collect();
    // What looks like no neighbour has not been found anywhere.
    for (at, reliable) in displacement_um.iter_mut().zip(&reliable) {
        if !reliable {
            *at = (0.0, 0.0);
        }
    }
    Ok(Motion { displacement_um, bad_planes, plane_um })
}

/// Whether a plane looks like neither neighbour, though they look like each other.
fn lost(shifts: &Shifts, z: usize, params: &MotionParams) -> bool {
    let Some(across) = z.checked_sub(1).and_then(|below| shifts.next_but_one.get(below)) else { return false };
    across.correlation >= params.min_correlation && shifts.likeness(z) < params.lost_share * across.correlation
}

/// Whether a plane is displaced against its two neighbours and against the course of all: at the ends nothing tells motion from a slope.
fn displaced(shifts: &Shifts, displacement_um: &[(f64, f64)], z: usize, params: &MotionParams) -> bool {
    let Some((before, after)) = z.checked_sub(1).and_then(|b| Some((shifts.next[b], shifts.next.get(z)?))) else {
        return false;
    };
    let alike = before.correlation.min(after.correlation) >= params.min_correlation;
    let local_um = ((before.dy_um - after.dy_um) / 2.0).hypot((before.dx_um - after.dx_um) / 2.0);
    let (y, x) = displacement_um[z];
    // Along a straight dendrite any shift fits: without one the planes must fit clearly worse.
    let needed = before.gain.min(after.gain) > MIN_GAIN;
    alike && needed && local_um > params.bad_um && y.hypot(x) > params.bad_um
}
