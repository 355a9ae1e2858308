//! What there is in the field, before any optics: dendrites with spines, axons. Another session of the field would be
//! the same scene in another pose.

use std::f64::consts::PI;

use rand::Rng;
use rand_distr::{Exp1, StandardNormal};

use crate::phantom::curve::{Course, Curve, Vec3};
use crate::phantom::params::PhantomParams;
use crate::phantom::random::{Purpose, stream};
use crate::phantom::shape::{SpineShape, SpineSite};
use crate::volume::Grid;

/// Neurites go on this far beyond the field, so that the blur of what lies outside reaches in.
const BEYOND_UM: f64 = 5.0;

/// A dendrite and its spines, ordered by arc length.
pub(super) struct SceneDendrite {
    pub(super) shaft: Curve,
    /// Brightness on the axis, as a share of the brightest dendrite's.
    pub(super) expression: f64,
    pub(super) spines: Vec<SpineSite>,
}

/// A thin neurite with swellings.
pub(super) struct Axon {
    pub(super) course: Curve,
    /// Arc length and diameter.
    pub(super) boutons: Vec<(f64, f64)>,
}

/// Everything that shines.
pub(super) struct Scene {
    pub(super) dendrites: Vec<SceneDendrite>,
    pub(super) axons: Vec<Axon>,
}

impl Scene {
    pub(super) fn draw(params: &PhantomParams, grid: &Grid) -> Self {
        let extent = extent_um(grid);
        let angle = stream(params.seed, Purpose::Layout, 0).random_range(0.0..PI);
        let mut dendrites: Vec<SceneDendrite> =
            (0..params.dendrites).map(|k| dendrite(params, extent, angle, k)).collect();
        for (site, spine) in (1..).zip(dendrites.iter_mut().flat_map(|d| &mut d.spines)) {
            spine.site = site;
        }
        Self { dendrites, axons: (0..params.axons).map(|k| axon(params, extent, k)).collect() }
    }
}

/// Distance between the centres of the outermost voxels, per axis.
pub(super) fn extent_um(grid: &Grid) -> Vec3 {
    let last = grid.to_um(grid.shape.z as f64 - 1.0, grid.shape.y as f64 - 1.0, grid.shape.x as f64 - 1.0);
    [last.z, last.y, last.x]
}

/// Half the diagonal of the field, and the margin.
fn half_length_um(extent: Vec3) -> f64 {
    extent[1].hypot(extent[2]) / 2.0 + BEYOND_UM
}

fn dendrite(params: &PhantomParams, extent: Vec3, angle: f64, k: usize) -> SceneDendrite {
    let mut rng = stream(params.seed, Purpose::Dendrite, k);
    // Side by side across the field: a lane each, and a place within the middle of the lane.
    let width = (angle.cos() * extent[1]).abs() + (angle.sin() * extent[2]).abs();
    let lane = (k as f64 + 0.5 + rng.random_range(-0.15..0.15)) / params.dendrites as f64 - 0.5;
    let aside = 0.8 * width * lane;
    let through = [
        extent[0] * rng.random_range(0.3..0.7),
        extent[1] / 2.0 + aside * angle.cos(),
        extent[2] / 2.0 - aside * angle.sin(),
    ];
    let turn = rng.random_range(-0.15..0.15);
    let mean_radius_um = params.radius_min_um + (params.radius_max_um - params.radius_min_um) * rng.random::<f64>();
    let expression = params.dimmest + (1.0 - params.dimmest) * rng.random::<f64>();
    let course = Course {
        through,
        angle: angle + turn,
        half_um: half_length_um(extent),
        wander_um: params.wander_um,
        wander_z_um: params.wander_z_um,
        wander_length_um: params.wander_length_um,
        radius_um: mean_radius_um,
        radius_ripple: params.radius_ripple,
    };
    let shaft = Curve::new(&course, &mut rng);
    let spines = spines(params, shaft.length_um(), &mut stream(params.seed, Purpose::Spines, k));
    SceneDendrite { shaft, expression: if k == 0 { 1.0 } else { expression }, spines }
}

/// Spines at random distances: a least one plus an exponential, with the mean that the density asks for.
pub(super) fn spines(params: &PhantomParams, length_um: f64, rng: &mut impl Rng) -> Vec<SpineSite> {
    let mut sites = Vec::new();
    if params.density_per_um <= 0.0 {
        return sites;
    }
    let mean = 1.0 / params.density_per_um;
    let mut s_um = mean * rng.random::<f64>();
    while s_um < length_um {
        let angle = rng.random_range(-PI..PI);
        let lean = 0.2 * rng.sample::<f64, _>(StandardNormal);
        sites.push(SpineSite { site: 0, present: true, s_um, angle, lean, shape: SpineShape::draw(params, rng) });
        s_um += params.spine_distance_um + (mean - params.spine_distance_um) * rng.sample::<f64, _>(Exp1);
    }
    sites
}

fn axon(params: &PhantomParams, extent: Vec3, k: usize) -> Axon {
    let mut rng = stream(params.seed, Purpose::Axon, k);
    let through = extent.map(|e| e * rng.random_range(0.1..0.9));
    let course = Course {
        through,
        angle: rng.random_range(0.0..PI),
        half_um: 2.0 * half_length_um(extent),
        wander_um: 1.5,
        wander_z_um: 1.0,
        wander_length_um: 8.0,
        radius_um: rng.random_range(0.08..0.14),
        radius_ripple: 0.1,
    };
    let course = Curve::new(&course, &mut rng);
    let (mut boutons, mut s_um) = (Vec::new(), params.bouton_distance_um * rng.random::<f64>());
    while s_um < course.length_um() {
        boutons.push((s_um, rng.random_range(0.45..0.85)));
        s_um += 1.0 + (params.bouton_distance_um - 1.0) * rng.sample::<f64, _>(Exp1);
    }
    Axon { course, boutons }
}
