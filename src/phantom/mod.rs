//! Synthetic two-photon stacks with known truth.
//!
//! A scene (dendrites with spines of four classes, axons with boutons, neuropil) is drawn first; then it is seen: every
//! solid becomes a cloud of fluorescent points, a Gaussian point spread function spreads them over planes that motion has
//! displaced a little, and the photons expected in each voxel become grey levels by
//! offset + gain * Poisson(photons) + Normal(0, read noise), rounded and clamped to 16 bits.
//!
//! Everything random comes from the seed, in one ChaCha stream per purpose and plane: the same parameters give the same
//! stack for any number of threads. Across platforms only the last bit of sin, cos, exp and ln may differ, which
//! practically never moves a rounded grey level.

mod curve;
mod expected;
mod kinetics;
mod mass;
mod optics;
mod params;
mod pose;
mod random;
mod scenario;
mod scene;
mod series;
mod shape;
mod truth;

use rand::Rng as _;
use rand_distr::{Poisson, StandardNormal};
use rayon::prelude::*;

use crate::error::{Error, Result};
use crate::model::Dendrite;
use crate::phantom::curve::Curve;
pub use crate::phantom::expected::{Expected, expected};
use crate::phantom::mass::MassPoint;
use crate::phantom::optics::Psf;
pub use crate::phantom::params::PhantomParams;
use crate::phantom::random::{Purpose, stream};
pub use crate::phantom::scenario::{CONTROL, PlannedFov, ScenarioParams, kinetics_of, plan, small_field};
use crate::phantom::scene::Scene;
pub use crate::phantom::series::{PhantomSeries, SeriesParams, TrueLink, series};
pub use crate::phantom::truth::{TrueSpine, series_files, truth_files};
use crate::progress::Progress;
use crate::volume::{Grid, Stack, Volume, Voxels};

/// A synthetic stack and what is in it. See the example of [`crate::phantom::stack()`].
#[derive(Clone, Debug, PartialEq)]
pub struct Phantom {
    /// The stack, 16 bits.
    pub stack: Stack,
    /// The photons expected in every voxel, background included, without noise.
    pub expected_photons: Volume<f32>,
    /// The dendrites, longest first. Unlike a traced one, `radius_um` is the radius of the shaft itself, without optics.
    pub dendrites: Vec<Dendrite>,
    /// Which dendrite of the scene each of them is.
    pub courses: Vec<usize>,
    /// The spines whose base and head lie in the stack, by dendrite and arc length.
    pub spines: Vec<TrueSpine>,
}

/// Planes between two reports of progress.
const BATCH: usize = 8;

/// Makes a synthetic stack.
///
/// ```
/// use gemmule::phantom::{self, PhantomParams};
/// use gemmule::progress::Silent;
/// let params = PhantomParams { planes: 8, rows: 64, columns: 96, seed: 7, ..PhantomParams::default() };
/// let phantom = phantom::stack(&params, &mut Silent)?;
/// assert_eq!(phantom.stack.voxels.shape().z, 8);
/// assert!(!phantom.dendrites.is_empty());
/// # Ok::<(), gemmule::error::Error>(())
/// ```
///
/// # Errors
/// [`Error::Parameter`] for parameters out of range or a field that holds no dendrite, [`Error::Memory`] for a stack too
/// large, [`Error::Cancelled`].
pub fn stack(params: &PhantomParams, progress: &mut dyn Progress) -> Result<Phantom> {
    let grid = params.grid()?;
    seen(&Scene::draw(params, &grid), params, progress)
}

/// A scene as it is seen with the optics, motion and noise of `params`.
fn seen(scene: &Scene, params: &PhantomParams, progress: &mut dyn Progress) -> Result<Phantom> {
    let grid = params.grid()?;
    progress.step("phantom", 0, params.planes as u64)?;
    let lit = Lit::new(scene, params, &grid);
    let (mut expected, mut grey) = (Vec::with_capacity(grid.shape.len()), Vec::with_capacity(grid.shape.len()));
    for first in (0..params.planes).step_by(BATCH) {
        let last = (first + BATCH).min(params.planes);
        let planes: Vec<_> = (first..last).into_par_iter().map(|z| plane(params, &grid, &lit.points, z)).collect();
        for (photons, values) in planes.into_iter().collect::<Result<Vec<_>>>()? {
            expected.extend(photons);
            grey.extend(values);
        }
        progress.step("phantom", last as u64, params.planes as u64)?;
    }
    let expected_photons = Volume::new(grid.shape, expected)?;
    let (dendrites, courses, spines) = truth::of(scene, &lit, &expected_photons, &grid);
    if dendrites.is_empty() {
        return Err(Error::parameter(
            "phantom.planes, rows and columns",
            grid.shape,
            "a field that a dendrite crosses for 2 µm or more",
            "make the field larger or deeper, lower phantom.wander_z_um, or change phantom.seed",
        ));
    }
    let voxels = Voxels::U16(Volume::new(grid.shape, grey)?);
    Ok(Phantom { stack: Stack { voxels, voxel_size: grid.voxel_size }, expected_photons, dendrites, courses, spines })
}

/// A scene as points of light.
struct Lit {
    /// All points, sorted by depth.
    points: Vec<MassPoint>,
    /// Photons expected at the centre of each spine's head from that spine alone, per dendrite.
    spine_photons: Vec<Vec<f64>>,
}

impl Lit {
    fn new(scene: &Scene, params: &PhantomParams, grid: &Grid) -> Self {
        let psf = Psf::new(params);
        let mut lit = Self { points: Vec::new(), spine_photons: Vec::new() };
        let reach = optics::reach_um(params, grid);
        let seen = |p: &MassPoint| (0..3).all(|k| p.place[k] >= reach[0][k] && p.place[k] <= reach[1][k]);
        let mut mean_density = 0.0;
        for dendrite in &scene.dendrites {
            let density = params.photons * dendrite.expression / mean_on_axis(&dendrite.shaft, psf);
            mean_density += density / scene.dendrites.len() as f64;
            lit.points.extend(mass::curve(&dendrite.shaft, density).into_iter().filter(seen));
            let mut photons = Vec::with_capacity(dendrite.spines.len());
            for site in &dendrite.spines {
                if !site.present {
                    photons.push(0.0);
                    continue;
                }
                let placed = site.place(&dendrite.shaft);
                let cloud = mass::spine(&site.shape, &placed, density);
                photons.push(psf.light_at(&cloud, placed.head));
                lit.points.extend(cloud.into_iter().filter(seen));
            }
            lit.spine_photons.push(photons);
        }
        for axon in &scene.axons {
            lit.points.extend(mass::curve(&axon.course, mean_density).into_iter().filter(seen));
            for &(s_um, diameter_um) in &axon.boutons {
                let bouton = mass::ball(axon.course.at(s_um).0, diameter_um / 2.0, mean_density);
                lit.points.extend(bouton.into_iter().filter(seen));
            }
        }
        lit.points.sort_by(|a, b| a.place[0].total_cmp(&b.place[0]));
        lit
    }
}

/// Mean light of a shaft of fluorescence 1 on its own axis, at points 1 µm apart, away from its ends.
///
/// Only the 2.5 µm to either side are looked at: unless a shaft is steeper than 70°, light from farther along is cut off.
fn mean_on_axis(shaft: &Curve, psf: Psf) -> f64 {
    let (every, reach) = ((1.0 / Curve::SPACING_UM) as usize, (2.5 / Curve::SPACING_UM) as usize);
    let places: Vec<usize> = (reach..shaft.points.len() - reach).step_by(every).collect();
    let light: Vec<f64> = places
        .par_iter()
        .map(|&k| {
            let around = k - reach..=k + reach;
            psf.light_at(&mass::tube(&shaft.points[around.clone()], &shaft.radius_um[around], 1.0), shaft.points[k])
        })
        .collect();
    light.iter().sum::<f64>() / light.len() as f64
}

/// Expected photons and grey levels of one plane.
fn plane(params: &PhantomParams, grid: &Grid, points: &[MassPoint], z: usize) -> Result<(Vec<f32>, Vec<u16>)> {
    let photons = optics::expected_plane(params, grid, points, z);
    let mut rng = stream(params.seed, Purpose::Noise, z);
    let mut grey = Vec::with_capacity(photons.len());
    for &mean in &photons {
        let counted = if mean > 0.0 { rng.sample::<f64, _>(poisson(mean)?) } else { 0.0 };
        let read = params.read_noise * rng.sample::<f64, _>(StandardNormal);
        let value = params.offset + params.gain * counted + read;
        grey.push(value.round().clamp(0.0, f64::from(u16::MAX)) as u16);
    }
    Ok((photons.into_iter().map(|v| v as f32).collect(), grey))
}

fn poisson(mean: f64) -> Result<Poisson<f64>> {
    Poisson::new(mean).map_err(|e| {
        let remedy = "lower phantom.photons";
        Error::parameter(
            "photons expected in a voxel",
            mean,
            &format!("a mean of a Poisson distribution ({e})"),
            remedy,
        )
    })
}
