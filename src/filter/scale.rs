//! The filters of one scale, and the volume they run on: what ridges and blobs share.

use std::ops::Range;

use crate::engine::{Buffer, Engine};
use crate::error::Result;
use crate::filter::Input;
use crate::filter::slabs::{slabs, slabs_of_map, touches};
use crate::filter::taps::{self, Taps};
use crate::kernel::Slab;
use crate::kernel::convert::Convert;
use crate::kernel::hessian_response::{HessianResponse, Response};
use crate::kernel::smooth_xy::SmoothXy;
use crate::model::NoiseModel;
use crate::units::{PointUm, VoxelSize};
use crate::volume::{Grid, Shape, Volume};

/// A response and its constants.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Form {
    pub(crate) response: Response,
    pub(crate) floor: f32,
    pub(crate) alpha: f32,
    pub(crate) beta: f32,
}

/// Filters of one scale.
#[derive(Debug)]
pub(crate) struct Scale {
    across: [Taps; 2],
    along: [Taps; 3],
    stencil_y: taps::Stencil,
    stencil_x: taps::Stencil,
}

impl Scale {
    /// `section` names the parameters `sigma_xy_um` and `sigma_z_min_um` in errors.
    pub(crate) fn new(sigma_um: f64, sigma_z_min_um: f64, voxel: VoxelSize, section: &str) -> Result<Self> {
        let (name, z_name) = (&format!("{section}.sigma_xy_um"), &format!("{section}.sigma_z_min_um"));
        let (y, x) = (sigma_um / voxel.y_um, sigma_um / voxel.x_um);
        Ok(Self {
            across: [taps::smoothing(y, name)?, taps::smoothing(x, name)?],
            along: taps::derivatives(sigma_um.max(sigma_z_min_um) / voxel.z_um, z_name)?,
            stencil_y: taps::stencil(y),
            stencil_x: taps::stencil(x),
        })
    }

    pub(crate) fn radius_z(&self) -> usize {
        self.along.iter().map(|t| t.radius).max().unwrap_or(0) as usize
    }

    pub(crate) fn response(&self, slab: Slab, form: Form, running: bool) -> HessianResponse {
        HessianResponse {
            slab,
            radius_z: self.radius_z() as u32,
            response: form.response as u32,
            running: u32::from(running),
            padding: 0,
            floor: form.floor,
            alpha: form.alpha,
            beta: form.beta,
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

/// The volume filters run on: binned and variance-stabilised.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Source<'a> {
    pub(crate) engine: &'a Engine,
    pub(crate) input: Input<'a>,
    pub(crate) noise: &'a NoiseModel,
    pub(crate) binning: usize,
    pub(crate) grid: Grid,
}

impl Source<'_> {
    pub(crate) fn slab(&self, slab: Slab) -> Result<Buffer> {
        let read = slab.input_only();
        let mut buffer = self.engine.buffer(read.output_len())?;
        Convert::stabilised(read, self.input.shape(), self.binning, self.noise).run(
            self.engine,
            self.input.raw,
            &mut buffer,
        )?;
        Ok(buffer)
    }

    /// What a slab reads, smoothed along y and x.
    pub(crate) fn smooth(&self, slab: Slab, source: &Buffer, scale: &Scale, across: &mut Buffer) -> Result<()> {
        let read = slab.input_only();
        let [y, x] = &scale.across;
        let pass = SmoothXy {
            slab: read,
            radius_y: y.radius,
            radius_x: x.radius,
            padding: [0; 2],
            taps_y: y.half,
            taps_x: x.half,
        };
        pass.run(self.engine, source, across)
    }

    /// The stack binned, in grey levels.
    pub(crate) fn intensity(&self) -> Result<Volume<f32>> {
        // On the CPU the map is made where it stays.
        if let [slab] = slabs_of_map(self.engine, self.grid.shape, 0)?[..] {
            return Volume::new(self.grid.shape, self.engine.take_values(self.mean(slab)?)?);
        }
        let mut out = Volume::filled(self.grid.shape, 0.0);
        self.binned(&(0..self.grid.shape.z), |slab, values| {
            let at = slab.out_start as usize * slab.plane_len();
            out.as_mut_slice()[at..at + values.len()].copy_from_slice(values);
            Ok(())
        })?;
        Ok(out)
    }

    /// The same, slab by slab; those that have planes of a range.
    pub(crate) fn binned(&self, planes: &Range<usize>, mut take: impl FnMut(Slab, &[f32]) -> Result<()>) -> Result<()> {
        for slab in slabs(self.engine, self.grid.shape, 0, 1)?.into_iter().filter(|slab| touches(slab, planes)) {
            take(slab, &self.engine.take_values(self.mean(slab)?)?)?;
        }
        Ok(())
    }

    /// A slab binned, in grey levels.
    fn mean(&self, slab: Slab) -> Result<Buffer> {
        let mut buffer = self.engine.buffer(slab.output_len())?;
        let mean = Convert::binned_mean(slab, self.input.shape(), self.binning);
        mean.run(self.engine, self.input.raw, &mut buffer)?;
        Ok(buffer)
    }
}

/// The grid after averaging `binning` voxels along y and x: its first centre is off the origin.
pub(crate) fn binned_grid(input: Input<'_>, binning: usize) -> Result<Grid> {
    let Grid { shape, voxel_size: voxel, .. } = input.grid();
    let b = binning as f64;
    Ok(Grid {
        shape: Shape::new(shape.z, Convert::binned(shape.y, binning), Convert::binned(shape.x, binning))?,
        voxel_size: VoxelSize { y_um: voxel.y_um * b, x_um: voxel.x_um * b, ..voxel },
        origin: PointUm::new(0.0, (b - 1.0) / 2.0 * voxel.y_um, (b - 1.0) / 2.0 * voxel.x_um),
    })
}
