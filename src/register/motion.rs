//! How far motion has displaced each plane of a stack, and which planes are bad.

mod chain;
mod shift;

use crate::error::Result;
use crate::params::params;
use crate::register::motion::shift::Shifts;
use crate::units::PointUm;
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
        /// Whether sessions are brought together in coordinates free of motion; bad planes are flagged in any case.
        correct: bool = true, "", false..=true, "of synthetic spines imaged twice with .3 µm of motion 16 of 336 turned over without and 2 of 340 with it; with .1 µm as many; open set: links .946 without, .951 with it";
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

/// Displacement of every plane of a stack. See the example of [`motion`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Motion {
    /// How far what is seen in each plane lies from where it would be without motion, (y, x) in µm; empty where it is not known.
    pub displacement_um: Vec<(f64, f64)>,
    /// Planes that are lost or displaced too far, from 0, ascending.
    pub bad_planes: Vec<usize>,
    /// Distance between planes, µm.
    pub plane_um: f64,
}

impl Motion {
    /// Root mean square of the displacement in the image plane, sqrt(mean(dy² + dx²)) in µm, of the planes that are not bad; none where it is not known.
    /// See the example of [`motion`].
    pub fn rms_um(&self) -> Option<f64> {
        let good = |(z, _): &(usize, &(f64, f64))| self.bad_planes.binary_search(z).is_err();
        let squares: Vec<f64> =
            self.displacement_um.iter().enumerate().filter(good).map(|(_, (y, x))| y * y + x * x).collect();
        (!squares.is_empty()).then(|| (squares.iter().sum::<f64>() / squares.len() as f64).sqrt())
    }

    /// Displacement (y, x) at a depth, µm: linear between planes, that of the last one beyond them, 0 where it is not known. See the example of [`motion`].
    pub fn at_um(&self, z_um: f64) -> (f64, f64) {
        let Some(last) = self.displacement_um.len().checked_sub(1) else { return (0.0, 0.0) };
        let plane = (z_um / self.plane_um).clamp(0.0, last as f64);
        let below = plane as usize;
        let (share, a, b) =
            (plane - below as f64, self.displacement_um[below], self.displacement_um[(below + 1).min(last)]);
        (a.0 + share * (b.0 - a.0), a.1 + share * (b.1 - a.1))
    }

    /// Where a place of the image would be without motion. See the example of [`motion`].
    pub fn still(&self, place: PointUm) -> PointUm {
        let (y, x) = self.at_um(place.z);
        PointUm::new(place.z, place.y - y, place.x - x)
    }

    /// Where a place without motion is in the image: the inverse of [`Motion::still`]. See the example of [`motion`].
    pub fn seen(&self, place: PointUm) -> PointUm {
        let (y, x) = self.at_um(place.z);
        PointUm::new(place.z, place.y + y, place.x + x)
    }
}

/// Estimates the motion of every plane from the image itself; no voxel is moved.
///
/// Planes are binned to about .25 µm and high-passed; the shift of each against the next and the next but one is the maximum of their normalised
/// cross-correlation. Chaining the shifts by robust least squares gives a course over z; what a local line does not follow of it is motion, the rest is how
/// dendrites run. A plane is bad if it is displaced by more than [`MotionParams::bad_um`], or looks like neither neighbour though these look like each other,
/// or is all of one value. A run of lost planes is not noticed unless they are blank. Where planes do not look alike (noise, fewer than 5 planes), and of a stack that is read in parts,
/// nothing is known: no displacement, no bad plane.
///
/// ```
/// use gemmule::phantom::{self, PhantomParams};
/// use gemmule::progress::Silent;
/// use gemmule::register::{MotionParams, motion};
/// use gemmule::units::PointUm;
/// let params = PhantomParams::default().planes(12)?.rows(160)?.columns(160)?.plane_jitter_um(0.0)?;
/// let params = params.moved_plane(6)?.moved_um(2.0)?; // the animal moved during plane 6
/// let stack = phantom::stack(&params, &mut Silent)?.stack;
/// let found = motion((&stack).into(), &MotionParams::default())?;
/// assert_eq!(found.bad_planes, [6]);
/// assert!((found.displacement_um[6].0 - params.displacement_um(6).0).abs() < 0.2);
/// assert!(found.rms_um().is_some_and(|rms| rms < 0.1)); // of the other planes
/// assert_eq!(found.at_um(6.0), found.displacement_um[6]);
/// let place = PointUm::new(6.0, 5.0, 5.0);
/// assert!(found.seen(found.still(place)).distance_um(place) < 1e-9);
/// # Ok::<(), gemmule::error::Error>(())
/// ```
///
/// # Errors
/// Parameters out of range; planes that cannot be read.
pub fn motion(stack: Source<'_>, params: &MotionParams) -> Result<Motion> {
    params.validate()?;
    let plane_um = stack.voxel_size().z_um;
    let unknown = Motion { plane_um, ..Motion::default() };
    // Chunks of a stack that is read in parts would be decoded once for every plane.
    if stack.shape().z < MIN_PLANES || matches!(stack, Source::Parts(_)) {
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
