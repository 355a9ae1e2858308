//! Multi-scale ridge response.

use crate::engine::{Buffer, Engine};
use crate::error::Result;
use crate::filter::slabs::slabs;
use crate::filter::taps::{self, Taps};
use crate::kernel::Slab;
use crate::kernel::convert::Convert;
use crate::kernel::hessian_response::{HessianResponse, Response};
use crate::kernel::smooth_xy::SmoothXy;
use crate::model::NoiseModel;
use crate::params::params;
use crate::progress::Progress;
use crate::units::{PointUm, VoxelSize};
use crate::volume::{Grid, Shape, Stack, Volume};

params! {
    /// Scales and form of the ridge response.
    pub struct RidgeParams in "ridge" {
        /// Lateral standard deviations of the Gaussian.
        sigma_xy_um: Vec<f64> = vec![0.35, 0.5, 0.7], "µm", 0.02..=20.0, "shaft radii of .3 to .7 µm";
        /// Axial standard deviation is the lateral one, but at least this.
        sigma_z_min_um: f64 = 0.8, "µm", 0.02..=20.0, "the axial spread of focus is 2 µm and planes lie 1 µm apart";
        /// Voxels along y and x averaged before filtering.
        binning: usize = 2, "voxels", 1..=8, "shafts are several voxels wide";
        /// Jerman's floor of the second eigenvalue, as a share of its largest.
        jerman_tau: f64 = 0.75, "", 0.01..=1.0, "Jerman 2016, doi:10.1109/TMI.2016.2550102";
    }
}

/// A ridge map and where it lies.
#[derive(Clone, Debug)]
pub struct RidgeMap {
    /// Largest response over the scales, 0 to 1.
    pub ridge: Volume<f32>,
    /// The stack binned (and in grey levels) on the same grid.
    pub intensity: Volume<f32>,
    /// The binned grid.
    pub grid: Grid,
}

/// Filters of one scale.
struct Scale {
    across: [Taps; 2],
    along: [Taps; 3],
    stencil_y: taps::Stencil,
    stencil_x: taps::Stencil,
}

impl Scale {
    fn new(sigma_um: f64, params: &RidgeParams, voxel: VoxelSize) -> Result<Self> {
        let (name, z_name) = ("ridge.sigma_xy_um", "ridge.sigma_z_min_um");
        let (y, x) = (sigma_um / voxel.y_um, sigma_um / voxel.x_um);
        Ok(Self {
            across: [taps::smoothing(y, name)?, taps::smoothing(x, name)?],
            along: taps::derivatives(sigma_um.max(params.sigma_z_min_um) / voxel.z_um, z_name)?,
            stencil_y: taps::stencil(y),
            stencil_x: taps::stencil(x),
        })
    }

    fn radius_z(&self) -> usize {
        self.along.iter().map(|t| t.radius).max().unwrap_or(0) as usize
    }

    fn response(&self, slab: Slab, floor: f32, running: bool) -> HessianResponse {
        HessianResponse {
            slab,
            radius_z: self.radius_z() as u32,
            response: Response::Jerman as u32,
            running: u32::from(running),
            padding: 0,
            floor,
            alpha: 0.0,
            beta: 0.0,
            padding_f: 0.0,
            taps_g: self.along[0].half,
            taps_d1: self.along[1].half,
            taps_d2: self.along[2].half,
            d1_y: self.stencil_y.d1,
            d1_x: self.stencil_x.d1,
            d2_y: self.stencil_y.d2,
            d2_x: self.stencil_x.d2,
        }
    }
}

/// The volume the ridge is sought on: binned and variance-stabilised.
struct Source<'a> {
    engine: &'a Engine,
    stack: &'a Stack,
    noise: &'a NoiseModel,
    binning: usize,
    grid: Grid,
}

impl Source<'_> {
    fn slab(&self, slab: Slab) -> Result<Buffer> {
        let read = slab.input_only();
        let mut buffer = self.engine.buffer(read.output_len())?;
        Convert::stabilised(read, self.stack.voxels.shape(), self.binning, self.noise).run(
            self.engine,
            &self.stack.voxels,
            &mut buffer,
        )?;
        Ok(buffer)
    }

    /// The slab smoothed along y and x.
    fn smoothed(&self, slab: Slab, source: &Buffer, scale: &Scale) -> Result<Buffer> {
        let read = slab.input_only();
        let mut across = self.engine.buffer(read.output_len())?;
        let [y, x] = &scale.across;
        let pass = SmoothXy {
            slab: read,
            radius_y: y.radius,
            radius_x: x.radius,
            padding: [0; 2],
            taps_y: y.half,
            taps_x: x.half,
        };
        pass.run(self.engine, source, &mut across)?;
        Ok(across)
    }

    /// The stack binned, in grey levels.
    fn intensity(&self) -> Result<Volume<f32>> {
        let shape = self.grid.shape;
        let mut out = Volume::filled(shape, 0.0);
        for slab in slabs(self.engine, shape, 0)? {
            let mut buffer = self.engine.buffer(slab.output_len())?;
            Convert::binned_mean(slab, self.stack.voxels.shape(), self.binning).run(
                self.engine,
                &self.stack.voxels,
                &mut buffer,
            )?;
            let at = slab.out_start as usize * slab.plane_len();
            self.engine.read(&buffer, &mut out.as_mut_slice()[at..at + slab.output_len()])?;
        }
        Ok(out)
    }
}

/// Ridge response of a stack after variance stabilisation (generalised Anscombe transform of `noise`).
///
/// Bright on dark; shapes, formulas and borders as in [`crate::kernel::hessian_response`]. Jerman's floor is relative to the largest
/// eigenvalue of the whole volume at a scale, so each scale is run twice: once for the largest value, once for the response.
///
/// # Errors
/// Parameters out of range; GPU faults; cancellation.
pub fn ridge(
    engine: &Engine,
    stack: &Stack,
    noise: &NoiseModel,
    params: &RidgeParams,
    progress: &mut dyn Progress,
) -> Result<RidgeMap> {
    params.validate()?;
    let grid = binned_grid(stack, params.binning)?;
    let source = Source { engine, stack, noise, binning: params.binning, grid };
    let scales: Vec<Scale> =
        params.sigma_xy_um.iter().map(|&s| Scale::new(s, params, grid.voxel_size)).collect::<Result<_>>()?;
    let halo = scales.iter().map(Scale::radius_z).max().unwrap_or(0);
    let slabs = slabs(engine, grid.shape, halo)?;
    let total = 2 * slabs.len() as u64;
    let mut floors = vec![0.0_f32; scales.len()];
    for (k, &slab) in slabs.iter().enumerate() {
        progress.step("ridge", k as u64, total)?;
        let buffer = source.slab(slab)?;
        for (floor, scale) in floors.iter_mut().zip(&scales) {
            let across = source.smoothed(slab, &buffer, scale)?;
            let [a3, _] = scale.response(slab, 0.0, false).peak(engine, &across)?;
            *floor = floor.max(params.jerman_tau as f32 * a3);
        }
    }
    let mut ridge = Volume::filled(grid.shape, 0.0);
    for (k, &slab) in slabs.iter().enumerate() {
        progress.step("ridge", (slabs.len() + k) as u64, total)?;
        let buffer = source.slab(slab)?;
        let mut best = engine.buffer(slab.output_len())?;
        for (n, (&floor, scale)) in floors.iter().zip(&scales).enumerate() {
            let across = source.smoothed(slab, &buffer, scale)?;
            scale.response(slab, floor, n > 0).run(engine, &across, &mut best)?;
        }
        let at = slab.out_start as usize * slab.plane_len();
        engine.read(&best, &mut ridge.as_mut_slice()[at..at + slab.output_len()])?;
    }
    progress.step("ridge", total, total)?;
    Ok(RidgeMap { ridge, intensity: source.intensity()?, grid })
}

/// The grid after averaging `binning` voxels along y and x: its first centre is off the origin.
fn binned_grid(stack: &Stack, binning: usize) -> Result<Grid> {
    let (shape, voxel) = (stack.voxels.shape(), stack.voxel_size);
    let b = binning as f64;
    Ok(Grid {
        shape: Shape::new(shape.z, Convert::binned(shape.y, binning), Convert::binned(shape.x, binning))?,
        voxel_size: VoxelSize { y_um: voxel.y_um * b, x_um: voxel.x_um * b, ..voxel },
        origin: PointUm::new(0.0, (b - 1.0) / 2.0 * voxel.y_um, (b - 1.0) / 2.0 * voxel.x_um),
    })
}
