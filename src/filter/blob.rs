//! Bright blobs in space and scale: maxima of the scale-normalised Laplacian of Gaussian.
//!
//! gemmule finds spines beside traced dendrites ([`crate::detect`]); blobs are for spines whose dendrite was not traced, for boutons, and as
//! a baseline to compare with.

use crate::engine::{Buffer, Engine};
use crate::error::Result;
use crate::filter::Input;
use crate::filter::scale::{Form, Scale, Source, binned_grid};
use crate::filter::slabs::slabs;
use crate::kernel::Slab;
use crate::kernel::hessian_response::Response;
use crate::kernel::local_maxima::{LocalMaxima, Maximum};
use crate::model::NoiseModel;
use crate::params::params;
use crate::progress::Progress;
use crate::units::PointUm;

params! {
    /// Scales and threshold of the blob response.
    ///
    /// ```
    /// use gemmule::filter::blob::BlobParams;
    /// let params = BlobParams::default().response_min(5.0)?;
    /// assert_eq!(params.response_min, 5.0);
    /// assert!(params.binning(0).is_err());
    /// # Ok::<(), gemmule::error::Error>(())
    /// ```
    pub struct BlobParams in "blob" {
        /// Lateral standard deviations of the Gaussian, ascending.
        sigma_xy_um: Vec<f64> = vec![0.15, 0.21, 0.3, 0.42], "µm", 0.02..=20.0, "heads of .3 to 1 µm, a factor of sqrt 2 apart";
        /// Axial standard deviation is the lateral one, but at least this.
        sigma_z_min_um: f64 = 0.8, "µm", 0.02..=20.0, "the axial spread of focus is 2 µm and planes lie 1 µm apart";
        /// Voxels along y and x averaged before filtering.
        binning: usize = 1, "voxels", 1..=8, "heads are a few voxels wide";
        /// Least response, in standard deviations of a voxel's noise.
        response_min: f64 = 2.0, "standard deviations", 0.0..=1e6, "noise alone reaches 1.25 in 3 million voxels at the smallest default scale";
    }
}

/// A bright blob. See the example of [`blobs`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Blob {
    /// Centre of its brightest voxel of response.
    pub place: PointUm,
    /// Lateral scale at which the response is largest.
    pub sigma_um: f64,
    /// Response, in standard deviations of a voxel's noise.
    pub response: f64,
}

/// Blobs of a stack after variance stabilisation, strongest first; equal ones by scale, z, y, x.
///
/// The response is -(H_zz + H_yy + H_xx) of [`crate::kernel::hessian_response`]; maxima as in [`crate::kernel::local_maxima`].
/// Maxima on the edge of a plane are left out: the outermost voxel continues beyond it, and its noise looks like a large blob.
///
/// ```
/// use gemmule::engine::{Backend, Engine};
/// use gemmule::filter::blob::{BlobParams, blobs};
/// use gemmule::model::NoiseModel;
/// use gemmule::progress::Silent;
/// use gemmule::units::VoxelSize;
/// use gemmule::volume::{Shape, Stack, Volume, Voxels};
/// let shape = Shape::new(9, 40, 40)?;
/// let light = |i: usize| {
///     let v = shape.voxel(i);
///     let (z, y, x) = (v.z as f64 - 4.0, 0.1 * (v.y as f64 - 25.0), 0.1 * (v.x as f64 - 12.0));
///     (100.0 + 900.0 * (-0.5 * (z.powi(2) / 0.8 + (y * y + x * x) / 0.06)).exp()) as u16
/// };
/// let voxels = Voxels::U16(Volume::new(shape, (0..shape.len()).map(light).collect())?);
/// let stack = Stack { voxels, voxel_size: VoxelSize::new(1.0, 0.1, 0.1)? };
/// let noise = NoiseModel { gain: 4.0, offset: 10.0, read_variance: 1.0 };
/// let found = blobs(&Engine::new(Backend::Cpu)?, &stack, &noise, &BlobParams::default(), &mut Silent)?;
/// let place = found[0].place; // the strongest
/// assert!((place.z - 4.0).abs() < 0.1 && (place.y - 2.5).abs() < 0.11 && (place.x - 1.2).abs() < 0.11);
/// # Ok::<(), gemmule::error::Error>(())
/// ```
///
/// # Errors
/// Parameters out of range; GPU faults; cancellation.
pub fn blobs<'a>(
    engine: &Engine,
    stack: impl Into<Input<'a>>,
    noise: &NoiseModel,
    params: &BlobParams,
    progress: &mut dyn Progress,
) -> Result<Vec<Blob>> {
    params.validate()?;
    let input = stack.into();
    let grid = binned_grid(input, params.binning)?;
    let source = Source { engine, input, noise, binning: params.binning, grid };
    let scale = |&sigma_um: &f64| Scale::new(sigma_um, params.sigma_z_min_um, grid.voxel_size, BlobParams::SECTION);
    let scales: Vec<Scale> = params.sigma_xy_um.iter().map(scale).collect::<Result<_>>()?;
    // One plane more than the filters need: a maximum looks at its neighbours.
    let halo = 1 + scales.iter().map(Scale::radius_z).max().unwrap_or(0);
    let slabs = slabs(engine, grid.shape, halo, scales.len())?;
    let mut found = Vec::new();
    for (k, slab) in slabs.iter().enumerate() {
        progress.step("blobs", k as u64, slabs.len() as u64)?;
        let (planes, count) = (slab.out_start as usize, slab.out_count as usize);
        let near = Slab::of_planes(grid.shape.z, grid.shape.y, grid.shape.x, planes, count, 1);
        let all = responses(&source, &scales, near)?;
        let kernel = LocalMaxima {
            slab: near,
            scales: scales.len() as u32,
            capacity: 1 << 16,
            threshold: params.response_min as f32,
            padding: 0,
        };
        found.extend(kernel.run(engine, &all)?);
    }
    progress.step("blobs", slabs.len() as u64, slabs.len() as u64)?;
    let inside = |v: u32, n: usize| n == 1 || (v > 0 && (v as usize) < n - 1);
    let width = grid.shape.x as u32;
    found.retain(|m| inside(m.yx / width, grid.shape.y) && inside(m.yx % width, grid.shape.x));
    found.sort_by(|a, b| b.value.total_cmp(&a.value).then((a.scale, a.z, a.yx).cmp(&(b.scale, b.z, b.yx))));
    let blob = |m: &Maximum| Blob {
        place: grid.to_um(f64::from(m.z), f64::from(m.yx / width), f64::from(m.yx % width)),
        sigma_um: params.sigma_xy_um[m.scale as usize],
        response: f64::from(m.value),
    };
    Ok(found.iter().map(blob).collect())
}

/// Responses of all scales over the planes that `near` reads, one after the other.
fn responses(source: &Source<'_>, scales: &[Scale], near: Slab) -> Result<Buffer> {
    let engine = source.engine;
    let (nz, ny, nx) = (near.nz as usize, near.ny as usize, near.nx as usize);
    let (first, count) = (near.in_start as usize, near.in_count as usize);
    // With the planes that the largest scale needs: converted once, and the same buffers for all.
    let halo = scales.iter().map(Scale::radius_z).max().unwrap_or(0);
    let slab = Slab::of_planes(nz, ny, nx, first, count, halo);
    let converted = source.slab(slab)?;
    let (mut across, mut response) = (engine.aligned_buffer(slab.input_len())?, None);
    let mut all = engine.buffer(near.input_len() * scales.len())?;
    for (n, scale) in scales.iter().enumerate() {
        source.smooth(slab, &converted, scale, &mut across)?;
        let form = Form { response: Response::Blob, floor: 0.0, alpha: 0.0, beta: 0.0 };
        scale.response(slab, form, false).run_at(engine, &across, (&mut all, n * near.input_len()), &mut response)?;
    }
    Ok(all)
}
