//! Sizes, brightness and classes of spines on the straightened residual, and their voxels.
//!
//! Brightness over the shaft is the primary measure of size; times the volume of shaft that is in focus it follows true volume best (`volume`).
//! Widths are those of the *image*: below the
//! optical floor they show the microscope, and a flag says so. Necks, and with them classes, cannot be measured at planes 1 µm apart.

mod class;
mod forced;
mod labels;
mod profile;
mod volume;

pub use forced::{Empty, ForcedParams, Reading, empty, reading};
pub use labels::{LABELS_REACH_UM, labels};

use crate::error::{Error, Result};
use crate::model::{Spine, SpineFlag};
use crate::params::params;
use crate::straight::Straight;
use crate::units::VoxelIndex;
use crate::volume::{Grid, Source};

params! {
    /// How spines are measured and classed.
    ///
    /// ```
    /// use gemmule::measure::MeasureParams;
    /// let table = MeasureParams::describe();
    /// assert!(table.iter().all(|p| !p.source.is_empty()));
    /// assert!(MeasureParams::default().validate().is_ok());
    /// ```
    pub struct MeasureParams in "measure" {
        /// Half length of the line profile across a head.
        profile_um: f64 = 1.0, "µm", 0.2..=10.0, "beyond the largest heads";
        /// Least share of the profile's variance that one peak must explain.
        fit_min: f64 = 0.8, "", 0.0..=1.0, "a shoulder on a neighbour explains less";
        /// Widths at or below this are the microscope's: heads of .25 to .4 µm read .60 at a lateral focus of .4 µm.
        optical_floor_um: f64 = 0.6, "µm", 0.0..=10.0, "prototype on synthetic stacks";
        /// Full width at half maximum of the focus in the image plane.
        focus_xy_um: f64 = 0.4, "µm", 0.05..=5.0, "0.35 to 0.45 in two-photon stacks";
        /// Planes further apart than this do not allow a class.
        class_max_z_um: f64 = 0.5, "µm", 0.0..=100.0, "necks are not resolved at 1 µm planes (Liao, Dua, Kwan 2024)";
        /// Head over neck width from which a spine has a head.
        head_over_neck: f64 = 1.1, "", 1.0..=10.0, "after Rodriguez 2008, doi:10.1371/journal.pone.0001997";
        /// Length over head width from which a spine without head is thin.
        length_over_head: f64 = 2.5, "", 0.1..=100.0, "after Rodriguez 2008, doi:10.1371/journal.pone.0001997";
        /// Head width from which a spine with a head is a mushroom.
        mushroom_head_um: f64 = 0.35, "µm", 0.0..=10.0, "after Rodriguez 2008, doi:10.1371/journal.pone.0001997";
        /// Length from which a spine without head is a filopodium.
        filopodium_um: f64 = 2.0, "µm", 0.1..=100.0, "longer than most thin spines";
    }
}

/// Fills in width, brightness, class and flags of the spines of one dendrite.
///
/// Head width is the full width at half maximum of a Gaussian fitted to the residual along the dendrite through the head,
/// w² = FWHM² - 8 ln 2 sigma², where `smooth_um` (sigma) is the smoothing that detection had added in the plane. Brightness is the residual at the head
/// over the axis brightness of the shaft there; the apparent volume is brightness times the volume of shaft in focus.
///
/// ```
/// use gemmule::detect::{DetectParams, Finder, LearnedParams, settle};
/// use gemmule::measure::{MeasureParams, flag_saturated, labels, measure};
/// use gemmule::model::SpineFlag;
/// use gemmule::straight::{Straight, StraightInput, StraightParams};
/// use gemmule::volume::{Stack, Volume, Voxels};
/// # use gemmule::model::{Dendrite, Motion};
/// # use gemmule::units::{PointUm, VoxelSize};
/// # use gemmule::volume::{Grid, Shape};
/// # let grid = Grid::of_stack(Shape::new(9, 100, 200)?, VoxelSize::new(1.0, 0.1, 0.1)?);
/// # let light = |i: usize| {
/// #     let v = grid.shape.voxel(i);
/// #     let p = grid.to_um(v.z as f64, v.y as f64, v.x as f64);
/// #     let (deep, aside) = ((p.z - 4.0).powi(2) / 1.6, (p.y - 5.0).powi(2) / 0.18);
/// #     let beside = ((p.y - 6.2).powi(2) + (p.x - 10.0).powi(2)) / 0.1;
/// #     (10.0 + 400.0 * (-aside - deep).exp() + 160.0 * (-beside - deep).exp()) as f32
/// # };
/// # let course = |n: u32| 0.1 * f64::from(n);
/// # let points = (0..160).map(|n| PointUm::new(4.0, 5.0, 2.0 + course(n))).collect();
/// # let (s_um, radius_um) = ((0..160).map(course).collect(), vec![0.4; 160]);
/// # let dendrite = Dendrite { dendrite_id: 1, points, s_um, radius_um, parent: None, unscorable: vec![] };
/// # let mut smooth = gemmule::straight::near(&[dendrite.clone()], grid, &StraightParams::default(), [1.5, 1.1]);
/// # (0..9).for_each(|z| smooth.fill_plane_with(z, |i| [light(20_000 * z + i), 25.0]));
/// // A dendrite along x at y = 5 µm, with a head 1.2 µm to its right whose image is .53 µm wide.
/// let input = StraightInput { smooth: &smooth, correlation: 1.0, grid, offset: 10.0, motion: &Motion::default() };
/// let straight = Straight::new(input, &dendrite, &StraightParams::default())?;
/// let (dendrites, params, learned) = ([dendrite], DetectParams::default(), LearnedParams::default());
/// let mut spines = settle(Finder::new(&dendrites, &params, &learned)?.spines(&straight), &params);
/// measure(&straight, &mut spines, grid, 0.0, &MeasureParams::default())?;
/// assert!((spines[0].brightness - 0.4).abs() < 0.1); // 160 over 400
/// assert!(spines[0].head_width_um.is_some_and(|width_um| (width_um - 0.53).abs() < 0.1));
///
/// let numbered = labels(&smooth, grid, 10.0, &dendrites, &spines)?;
/// assert_eq!(numbered.get(4, 62, 100), Some(1)); // the head's voxel
/// assert_eq!(numbered.to_volume().at(4, 50, 100), &0); // the shaft's
///
/// let voxels = Voxels::U8(Volume::filled(grid.shape, 255)); // as if the detector had saturated
/// flag_saturated(&mut spines, &Stack { voxels, voxel_size: grid.voxel_size })?;
/// assert!(spines[0].flags.contains(&SpineFlag::Saturated));
/// # Ok::<(), gemmule::error::Error>(())
/// ```
///
/// # Errors
/// [`Error::Parameter`] for parameters out of range, or a spine of another dendrite.
pub fn measure(
    straight: &Straight,
    spines: &mut [Spine],
    grid: Grid,
    smooth_um: f64,
    params: &MeasureParams,
) -> Result<()> {
    params.validate()?;
    for spine in spines {
        let frame = &straight.frame;
        if spine.dendrite_id != frame.dendrite_id {
            return Err(Error::parameter(
                "spine.dendrite_id",
                spine.dendrite_id,
                &format!("{}, the dendrite laid out", frame.dendrite_id),
                "measure each dendrite's own spines",
            ));
        }
        let at = profile::Place::of(straight, spine);
        let nearest = at.nearest(frame.ns());
        spine.brightness = at.residual(straight) / f64::from(straight.axis[nearest]).max(1e-6);
        spine.volume_um3 = spine.brightness * volume::in_focus_um3(frame.points[nearest].radius_um, smooth_um, params);
        let head = profile::width(straight, &at, smooth_um, params);
        spine.head_width_fit = head.map(|fit| fit.quality);
        spine.head_width_um = head.filter(|fit| fit.quality >= params.fit_min).map(|fit| fit.width_um);
        if spine.head_width_um.is_none() {
            spine.flags.push(SpineFlag::PoorWidthFit);
        }
        if spine.head_width_um.is_some_and(|width| width <= params.optical_floor_um) {
            spine.flags.push(SpineFlag::HeadAtOpticalFloor);
        }
        if !profile::is_peak(straight, &at) {
            spine.flags.push(SpineFlag::Shoulder);
        }
        if at_border(spine, grid) {
            spine.flags.push(SpineFlag::AtBorder);
        }
        let neck = profile::width(straight, &at.neck(straight), smooth_um, params);
        class::classify(spine, neck.map(|fit| fit.width_um), grid, params);
        spine.flags.sort_unstable();
        spine.flags.dedup();
    }
    Ok(())
}

/// The voxel in which a head lies.
fn head_voxel(spine: &Spine, grid: Grid) -> VoxelIndex {
    let (z, y, x) = grid.to_voxel(spine.head);
    let voxel = |v: f64, n: usize| v.round().clamp(0.0, (n - 1) as f64) as usize;
    VoxelIndex { z: voxel(z, grid.shape.z), y: voxel(y, grid.shape.y), x: voxel(x, grid.shape.x) }
}

fn at_border(spine: &Spine, grid: Grid) -> bool {
    let (v, shape) = (head_voxel(spine, grid), grid.shape);
    let border = |v: usize, n: usize| n > 1 && (v == 0 || v + 1 == n);
    border(v.z, shape.z) || border(v.y, shape.y) || border(v.x, shape.x) || !grid.contains(spine.tip)
}

/// Flags the spines whose head's voxel holds the largest value of its type: the detector was saturated there. See the example of [`measure`].
///
/// # Errors
/// What reading the planes of the heads says.
pub fn flag_saturated<'a>(spines: &mut [Spine], stack: impl Into<Source<'a>>) -> Result<()> {
    let stack = stack.into();
    let grid = stack.grid();
    let mut heads: Vec<(VoxelIndex, &mut Spine)> = spines.iter_mut().map(|s| (head_voxel(s, grid), s)).collect();
    heads.sort_by_key(|(v, _)| v.z);
    // Each plane is read once.
    for in_plane in heads.chunk_by_mut(|a, b| a.0.z == b.0.z) {
        let z = in_plane[0].0.z;
        let plane = stack.planes(z..z + 1)?;
        let voxels = plane.view();
        for (v, spine) in in_plane {
            let value = voxels.value(v.y * grid.shape.x + v.x);
            if voxels.type_maximum().is_some_and(|most| value >= most) {
                spine.flags.push(SpineFlag::Saturated);
                spine.flags.sort_unstable();
            }
        }
    }
    Ok(())
}
