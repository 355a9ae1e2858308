//! Ridge map -> dendrites: centreline, arc length, radius.
//!
//! 1. Voxels are kept by hysteresis on the ridge response, thresholds from the odds of the background (the
//!    `components` file): relative to the brightest ridge, a dimmer dendrite would be lost.
//! 2. Each component becomes a tree of minimal paths (`paths`): the longest one first, then branches.
//! 3. Each path becomes a smooth centreline on the `brightness` near it (`centreline`), with its half-maximum radius (`radius`).
//! 4. Stretches that are axons by their brightness and radius are marked (`axon`).
//!
//! Nothing but what lies near ridges is held: the volumes may be larger than memory.

mod axon;
mod brightness;
mod centreline;
mod components;
mod paths;
mod radius;

use rayon::prelude::*;

use crate::error::{Error, Result};
use crate::model::Dendrite;
use crate::params::params;
use crate::progress::Progress;
use crate::trace::brightness::Brightness;
use crate::trace::radius::Shaft;
use crate::volume::{Grid, Planes};

params! {
    /// How centrelines are traced on the ridge map.
    ///
    /// ```
    /// use gemmule::trace::TraceParams;
    /// let params = TraceParams::default().min_length_um(5.0)?;
    /// assert_eq!(params.min_length_um, 5.0);
    /// assert!(params.spacing_um(0.0).is_err());
    /// # Ok::<(), gemmule::error::Error>(())
    /// ```
    pub struct TraceParams in "trace" {
        /// Quantile of the ridge response that stands for the background.
        background_quantile: f64 = 0.75, "", 0.5..=0.999, "a quarter of the volume may be neurites";
        /// Ridge voxels have this many times the odds r / (largest - r) of the background quantile: far below the largest response, times the response.
        low_factor: f64 = 20.0, "", 1.0..=1000.0, "6 times the 90 % quantile in the prototype; in noise that one is 3.3 times the 75 % quantile";
        /// A component must somewhere exceed the low threshold by this factor.
        high_factor: f64 = 1.6, "", 1.0..=100.0, "prototype on in-vivo stacks";
        /// Gaps may be bridged where the response is at least this share of the low threshold.
        bridge_factor: f64 = 0.4, "", 0.01..=1.0, "dim stretches of a shaft keep about half of its response";
        /// Share of a path's length that must be above the low threshold.
        supported_share: f64 = 0.6, "", 0.0..=1.0, "bridges are shorter than what they join";
        /// Shortest dendrite, or branch of one, that is kept: length of its voxel path in the image plane.
        min_length_um: f64 = 10.0, "µm", 0.5..=10000.0, "shorter runs are mostly pieces of axons";
        /// No second path runs within this lateral distance of a traced one.
        exclusion_um: f64 = 1.2, "µm", 0.1..=20.0, "a shaft's own width and half of a head";
        /// Weight of z in the exclusion distance.
        exclusion_z_weight: f64 = 0.15, "", 0.0..=1.0, "the blur of a shaft reaches 5 to 8 times farther along z";
        /// Standard deviation of the smoothing along the centreline, y and x.
        smooth_um: f64 = 1.2, "µm", 0.0..=20.0, "shafts wander over about 8 µm";
        /// Standard deviation of the smoothing along the centreline, z.
        smooth_z_um: f64 = 3.0, "µm", 0.0..=20.0, "z of a path jitters by a plane, which would lengthen the curve";
        /// Distance between the points of a centreline.
        spacing_um: f64 = 0.1, "µm", 0.02..=2.0, "one lateral voxel";
        /// Largest lateral distance at which brightness is used to recentre and to measure the radius.
        reach_um: f64 = 1.5, "µm", 0.2..=20.0, "twice the radius of a thick dendrite";
        /// Length of the running median of the radius.
        radius_window_um: f64 = 3.0, "µm", 0.0..=100.0, "longer than a spine's base";
        /// Share of the field's typical shaft brightness below which what is thin is an axon; 0: none is.
        axon_brightness: f64 = 0.18, "", 0.0..=1.0, "an axon .2 to .3 µm wide has a tenth of a dendrite's cross-section, synthetic ones .06 to .26 of its brightness; at .2 some 3 of 800 annotated µm in vivo would be axons, at .18 none";
        /// Share of the field's typical half-maximum radius below which it is thin.
        axon_radius: f64 = 0.9, "", 0.0..=1.0, "what is not resolved reads .25 µm where dendrites read .35 to .45";
        /// Length of the running median of both.
        axon_window_um: f64 = 10.0, "µm", 0.0..=100.0, "two boutons and what lies between them";
    }
}

/// What tracing looks at; both volumes on `grid`, in memory or made plane by plane. The ridge map is visited three times. See the example of [`trace()`].
#[derive(Clone, Copy)]
pub struct TraceInput<'a> {
    /// Ridge response, 0 or more, bright on dark.
    pub ridge: &'a dyn Planes,
    /// Brightness on the same grid, to recentre and to measure radii.
    pub intensity: &'a dyn Planes,
    /// Grid of both.
    pub grid: Grid,
}

/// One voxel path of a component's tree.
#[derive(Clone, Debug, PartialEq)]
struct Path {
    /// Positions in the flat volume, neighbours in a row.
    voxels: Vec<usize>,
    /// Where it starts: path of the same component and position in its voxels.
    joins: Option<(usize, usize)>,
}

/// Traces the dendrites of a stack, longest first.
///
/// A branch starts on its parent's path; [`Dendrite::parent`] says where. `unscorable` holds the stretches that are axons: what else can be judged
/// depends on the detector.
///
/// ```
/// use gemmule::progress::Silent;
/// use gemmule::trace::{TraceInput, TraceParams, trace};
/// use gemmule::units::VoxelSize;
/// use gemmule::volume::{Grid, Shape, Volume};
/// // A map that is bright along a line of 20 µm.
/// let grid = Grid::of_stack(Shape::new(9, 40, 100)?, VoxelSize::new(1.0, 0.25, 0.25)?);
/// let response = |i: usize| {
///     let v = grid.shape.voxel(i);
///     let p = grid.to_um(v.z as f64, v.y as f64, v.x as f64);
///     let beyond = (p.x - 12.0).abs().max(10.0) - 10.0;
///     (0.001 + (-0.5 * ((p.y - 5.0).hypot(beyond) / 0.4).powi(2) - 0.5 * ((p.z - 4.0) / 1.2).powi(2)).exp()) as f32
/// };
/// let map = Volume::new(grid.shape, (0..grid.shape.len()).map(response).collect())?;
/// let found = trace(TraceInput { ridge: &map, intensity: &map, grid }, &TraceParams::default(), &mut Silent)?;
/// assert_eq!(found.len(), 1);
/// assert!((found[0].length_um() - 20.0).abs() < 3.0 && (found[0].point_at(10.0).y - 5.0).abs() < 0.1);
/// # Ok::<(), gemmule::error::Error>(())
/// ```
///
/// # Errors
/// [`Error::Parameter`] for parameters out of range or volumes of different shapes; [`Error::Cancelled`].
pub fn trace(input: TraceInput<'_>, params: &TraceParams, progress: &mut dyn Progress) -> Result<Vec<Dendrite>> {
    params.validate()?;
    if input.ridge.shape() != input.grid.shape || input.intensity.shape() != input.grid.shape {
        return Err(Error::parameter(
            "trace input",
            format!("ridge {}, intensity {}", input.ridge.shape(), input.intensity.shape()),
            &format!("the grid's shape {}", input.grid.shape),
            "give volumes of the same grid",
        ));
    }
    progress.step("trace", 0, 3)?;
    let found = components::find(&input, params, progress)?;
    let trees: Vec<Vec<Path>> =
        found.components.par_iter().map(|voxels| paths::tree(voxels, &found, input.grid, params)).collect();
    drop(found);
    progress.step("trace", 2, 3)?;
    let mut trees = refine(&trees, &input, params)?;
    axon::mark(&mut trees, params);
    let dendrites = number(trees);
    progress.step("trace", 3, 3)?;
    Ok(dendrites)
}

/// Centrelines of all trees, on the brightness near their paths: it is held as far around them as they turn out to need.
fn refine(trees: &[Vec<Path>], input: &TraceInput<'_>, params: &TraceParams) -> Result<Vec<Vec<Traced>>> {
    // A path moves by its smoothing at bends, then to the middle of the shaft, and is looked at as far as a profile reaches.
    let mut margin_um = [2.0 * params.smooth_z_um + 1.0, 2.0 * (params.smooth_um + params.reach_um)];
    loop {
        let near = Brightness::near(trees.iter().flatten(), input, margin_um)?;
        let traced = trees.par_iter().map(|tree| refine_tree(tree, &near, params)).collect();
        if !near.missed() {
            return Ok(traced);
        }
        margin_um = margin_um.map(|um| 2.0 * um);
    }
}

/// A centreline before it has a number.
struct Traced {
    dendrite: Dendrite,
    joins: Option<(usize, usize)>,
    shaft: Shaft,
}

fn refine_tree(tree: &[Path], near: &Brightness, params: &TraceParams) -> Vec<Traced> {
    let lines: Vec<_> = tree.iter().map(|path| centreline::refine(&path.voxels, near, params)).collect();
    tree.iter()
        .zip(&lines)
        .map(|(path, points)| {
            let joins = path.joins.map(|(parent, at)| {
                let place = near.voxel_centre(tree[parent].voxels[at]);
                (parent, centreline::nearest(&lines[parent], place))
            });
            let s_um = centreline::arc_length_um(points);
            let shaft = radius::shaft(points, &s_um, near, params);
            let radius_um = shaft.radius_um.clone();
            let points = points.clone();
            let dendrite = Dendrite { dendrite_id: 0, points, s_um, radius_um, parent: None, unscorable: Vec::new() };
            Traced { dendrite, joins, shaft }
        })
        .collect()
}

/// Numbers the dendrites of all components, longest first; equal lengths by their first point.
fn number(trees: Vec<Vec<Traced>>) -> Vec<Dendrite> {
    let mut order: Vec<(usize, usize)> =
        trees.iter().enumerate().flat_map(|(t, tree)| (0..tree.len()).map(move |k| (t, k))).collect();
    let key = |&(t, k): &(usize, usize)| {
        let d = &trees[t][k].dendrite;
        (-d.length_um(), d.points[0].z, d.points[0].y, d.points[0].x)
    };
    order.sort_by(|a, b| key(a).partial_cmp(&key(b)).unwrap_or(std::cmp::Ordering::Equal).then(a.cmp(b)));
    let id_of = |t: usize, k: usize| order.iter().position(|&o| o == (t, k)).map_or(0, |n| n as u32 + 1);
    let ids: Vec<Vec<u32>> =
        trees.iter().enumerate().map(|(t, tree)| (0..tree.len()).map(|k| id_of(t, k)).collect()).collect();
    let mut all: Vec<Dendrite> = trees
        .into_iter()
        .zip(&ids)
        .flat_map(|(tree, ids)| {
            tree.into_iter().zip(ids).map(|(traced, &dendrite_id)| Dendrite {
                dendrite_id,
                parent: traced.joins.map(|(parent, at)| (ids[parent], at)),
                ..traced.dendrite
            })
        })
        .collect();
    all.sort_by_key(|d| d.dendrite_id);
    all
}
