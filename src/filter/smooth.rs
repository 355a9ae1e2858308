//! Separable anisotropic Gaussian in µm.

use rayon::prelude::*;

use crate::engine::{Buffer, Engine};
use crate::error::Result;
use crate::filter::Input;
use crate::filter::noise;
use crate::filter::slabs::slabs;
use crate::filter::taps::{self, Taps};
use crate::kernel::Slab;
use crate::kernel::convert::Convert;
use crate::kernel::smooth_xy::SmoothXy;
use crate::kernel::smooth_z::SmoothZ;
use crate::model::NoiseModel;
use crate::params::params;
use crate::progress::Progress;
use crate::units::VoxelSize;
use crate::volume::{Bricks, Volume};

params! {
    /// The scale at which spines are sought: smoothing before anything is sampled.
    ///
    /// ```
    /// use gemmule::filter::smooth::ScaleParams;
    /// let params = ScaleParams::default().sigma_xy_um(0.2)?;
    /// assert_eq!(params.sigma_xy_um, 0.2);
    /// assert!(params.sigma_z_um(-1.0).is_err());
    /// # Ok::<(), gemmule::error::Error>(())
    /// ```
    pub struct ScaleParams in "scale" {
        /// Standard deviation of the Gaussian in the plane.
        sigma_xy_um: f64 = 0.15, "µm", 0.0..=10.0, "below the width of a head's image (prototype)";
        /// Standard deviation along the optical axis.
        sigma_z_um: f64 = 0.5, "µm", 0.0..=10.0, "below the axial spread of focus (prototype)";
    }
}

/// Gaussian standard deviations in µm, (z, y, x). See the example of [`smooth`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SigmaUm {
    /// Along z.
    pub z_um: f64,
    /// Along y.
    pub y_um: f64,
    /// Along x.
    pub x_um: f64,
}

/// Filters along z, y and x.
struct Kernel3 {
    z: Taps,
    y: Taps,
    x: Taps,
}

impl Kernel3 {
    fn new(sigma: SigmaUm, voxel: VoxelSize, shrink: f64) -> Result<Self> {
        Ok(Self {
            z: taps::smoothing(shrink * sigma.z_um / voxel.z_um, "sigma.z_um")?,
            y: taps::smoothing(shrink * sigma.y_um / voxel.y_um, "sigma.y_um")?,
            x: taps::smoothing(shrink * sigma.x_um / voxel.x_um, "sigma.x_um")?,
        })
    }

    /// Sum of the squared weights: the variance of white noise after the filter.
    fn noise_gain(&self) -> f64 {
        [&self.z, &self.y, &self.x].map(Taps::sum_of_squares).iter().product()
    }
}

/// The stack smoothed by a Gaussian, in grey levels on the stack's own grid.
///
/// F(z, y, x) = sum of g_z(k) g_y(j) g_x(i) I(z - k, y - j, x - i); beyond the borders the nearest voxel continues. Taps as in
/// [`taps::smoothing`]: their variance is exactly the one asked for, below one voxel too.
///
/// ```
/// use gemmule::engine::{Backend, Engine};
/// use gemmule::filter::smooth::{SigmaUm, smooth};
/// use gemmule::progress::Silent;
/// use gemmule::units::VoxelSize;
/// use gemmule::volume::{Shape, Stack, Volume, Voxels};
/// let voxels = Voxels::U8(Volume::filled(Shape::new(3, 8, 8)?, 9));
/// let stack = Stack { voxels, voxel_size: VoxelSize::new(1.0, 0.1, 0.1)? };
/// let sigma = SigmaUm { z_um: 0.5, y_um: 0.15, x_um: 0.15 };
/// let smoothed = smooth(&Engine::new(Backend::Cpu)?, &stack, sigma, &mut Silent)?;
/// assert!(smoothed.as_slice().iter().all(|v| (v - 9.0).abs() < 1e-4));
/// # Ok::<(), gemmule::error::Error>(())
/// ```
///
/// # Errors
/// A filter longer than the kernels take ([`crate::error::Error::Parameter`]); GPU faults; cancellation.
pub fn smooth<'a>(
    engine: &Engine,
    stack: impl Into<Input<'a>>,
    sigma: SigmaUm,
    progress: &mut dyn Progress,
) -> Result<Volume<f32>> {
    let input = stack.into();
    apply(engine, input, &Kernel3::new(sigma, input.voxel_size, 1.0)?, progress)
}

/// [`smooth`], left on the engine's device.
///
/// ```
/// use gemmule::engine::{Backend, Engine};
/// use gemmule::filter::smooth::{SigmaUm, smooth_on_device, smooth_with_variance};
/// use gemmule::model::NoiseModel;
/// use gemmule::progress::Silent;
/// use gemmule::units::VoxelSize;
/// use gemmule::volume::{Shape, Stack, Volume, Voxels};
/// let voxels = Voxels::U8(Volume::filled(Shape::new(9, 16, 16)?, 50));
/// let stack = Stack { voxels, voxel_size: VoxelSize::new(1.0, 0.1, 0.1)? };
/// let (engine, sigma) = (Engine::new(Backend::Cpu)?, SigmaUm { z_um: 0.5, y_um: 0.15, x_um: 0.15 });
/// let there = smooth_on_device(&engine, &stack, sigma, &mut Silent)?;
/// let mut values = vec![0.0; there.len()];
/// engine.read(&there, &mut values)?;
/// let noise = NoiseModel { gain: 4.0, offset: 10.0, read_variance: 1.0 };
/// let (smooth, variance) = smooth_with_variance(&engine, &stack, sigma, &noise, &mut Silent)?;
/// assert_eq!(smooth.as_slice(), values);
/// assert!(f64::from(*variance.at(4, 8, 8)) < 0.5 * noise.variance(50.0)); // neighbours are averaged
/// # Ok::<(), gemmule::error::Error>(())
/// ```
///
/// # Errors
/// As [`smooth`]; [`crate::error::Error::Memory`] if the result does not fit one buffer.
pub fn smooth_on_device<'a>(
    engine: &Engine,
    stack: impl Into<Input<'a>>,
    sigma: SigmaUm,
    progress: &mut dyn Progress,
) -> Result<Buffer> {
    let input = stack.into();
    let kernel = Kernel3::new(sigma, input.voxel_size, 1.0)?;
    let mut out = engine.buffer(input.shape().len())?;
    each_slab(engine, input, &kernel, progress, |slab, result| {
        engine.copy(result, &mut out, slab.out_start as usize * slab.plane_len())
    })?;
    Ok(out)
}

/// [`smooth`], and the variance that the noise of the stack leaves in it, grey levels squared.
///
/// V = (gain * max(G' * I - offset, 0) + read variance) * sum k². The exact variance weighs the signal with k², which for a Gaussian is the
/// Gaussian G' of sigma / sqrt 2, times sum k². Within a
/// filter's radius of a border, where the outermost voxel counts several times, the true variance is up to some 30 % per axis larger. See the example of [`smooth_on_device`].
///
/// # Errors
/// As [`smooth`].
pub fn smooth_with_variance<'a>(
    engine: &Engine,
    stack: impl Into<Input<'a>>,
    sigma: SigmaUm,
    noise: &NoiseModel,
    progress: &mut dyn Progress,
) -> Result<(Volume<f32>, Volume<f32>)> {
    let input = stack.into();
    let kernel = Kernel3::new(sigma, input.voxel_size, 1.0)?;
    let smooth = apply(engine, input, &kernel, progress)?;
    let squared = Kernel3::new(sigma, input.voxel_size, std::f64::consts::FRAC_1_SQRT_2)?;
    let mut variance = apply(engine, input, &squared, progress)?;
    let gain = kernel.noise_gain();
    for v in variance.as_mut_slice() {
        *v = (noise.variance(f64::from(*v)) * gain) as f32;
    }
    Ok((smooth, variance))
}

/// [`smooth_with_variance`] where `near` holds bricks, each voxel the smoothed value and its variance, and the [`noise::correlation`] of the whole stack: nothing
/// else of it is kept.
///
/// ```
/// use gemmule::engine::{Backend, Engine};
/// use gemmule::filter::smooth::{SigmaUm, smooth_near, smooth_with_variance};
/// use gemmule::model::NoiseModel;
/// use gemmule::progress::Silent;
/// use gemmule::units::VoxelSize;
/// use gemmule::volume::{Bricks, Shape, Stack, Volume, Voxels};
/// let shape = Shape::new(9, 16, 16)?;
/// let voxels = Voxels::U16(Volume::new(shape, (0..shape.len()).map(|i| (i % 97) as u16).collect())?);
/// let stack = Stack { voxels, voxel_size: VoxelSize::new(1.0, 0.1, 0.1)? };
/// let (engine, sigma) = (Engine::new(Backend::Cpu)?, SigmaUm { z_um: 0.5, y_um: 0.15, x_um: 0.15 });
/// let noise = NoiseModel { gain: 4.0, offset: 10.0, read_variance: 1.0 };
/// let mut near = Bricks::new(shape);
/// near.hold([2..4, 0..16, 0..16]); // two planes are wanted
/// let (near, correlation) = smooth_near(&engine, &stack, sigma, &noise, near, &mut Silent)?;
/// let (smooth, variance) = smooth_with_variance(&engine, &stack, sigma, &noise, &mut Silent)?;
/// assert_eq!(near.get(3, 8, 8), Some([*smooth.at(3, 8, 8), *variance.at(3, 8, 8)]));
/// assert!(near.get(7, 8, 8).is_none() && correlation >= 1.0);
/// # Ok::<(), gemmule::error::Error>(())
/// ```
///
/// # Errors
/// As [`smooth`].
///
/// # Panics
/// If `near` has another shape than the stack.
pub fn smooth_near<'a>(
    engine: &Engine,
    stack: impl Into<Input<'a>>,
    sigma: SigmaUm,
    noise: &NoiseModel,
    mut near: Bricks<[f32; 2]>,
    progress: &mut dyn Progress,
) -> Result<(Bricks<[f32; 2]>, f64)> {
    let input = stack.into();
    let shape = input.shape();
    assert!(near.shape() == shape, "the bricks are of the stack");
    let kernel = Kernel3::new(sigma, input.voxel_size, 1.0)?;
    let squared = Kernel3::new(sigma, input.voxel_size, std::f64::consts::FRAC_1_SQRT_2)?;
    let gain = kernel.noise_gain();
    let mut correlation = noise::Correlation::new(shape, sigma.y_um.max(sigma.x_um), input.voxel_size);
    // Of both filters the longer one sets the slabs, so that their planes are the same.
    for slab in slabs(engine, shape, kernel.z.radius.max(squared.z.radius) as usize, 1)? {
        progress.step("smooth", u64::from(slab.out_start), shape.z as u64)?;
        let grey = widened(engine, input, slab)?;
        let mut smooth = vec![0.0; slab.output_len()];
        engine.read(&smoothed(engine, &grey, &kernel, slab)?, &mut smooth)?;
        let mut variance = vec![0.0; slab.output_len()];
        engine.read(&smoothed(engine, &grey, &squared, slab)?, &mut variance)?;
        variance.par_iter_mut().for_each(|v| *v = (noise.variance(f64::from(*v)) * gain) as f32);
        let planes = smooth.chunks(slab.plane_len()).zip(variance.chunks(slab.plane_len()));
        for (z, (smooth, variance)) in (slab.out_start as usize..).zip(planes) {
            correlation.plane(z, smooth, variance);
            near.fill_plane_with(z, |i| [smooth[i], variance[i]]);
        }
    }
    progress.step("smooth", shape.z as u64, shape.z as u64)?;
    Ok((near, correlation.factor()))
}

fn apply(engine: &Engine, input: Input<'_>, kernel: &Kernel3, progress: &mut dyn Progress) -> Result<Volume<f32>> {
    let mut out = Volume::filled(input.shape(), 0.0);
    each_slab(engine, input, kernel, progress, |slab, result| {
        let at = slab.out_start as usize * slab.plane_len();
        engine.read(result, &mut out.as_mut_slice()[at..at + slab.output_len()])
    })?;
    Ok(out)
}

fn each_slab(
    engine: &Engine,
    input: Input<'_>,
    kernel: &Kernel3,
    progress: &mut dyn Progress,
    mut take: impl FnMut(Slab, &Buffer) -> Result<()>,
) -> Result<()> {
    let shape = input.shape();
    for slab in slabs(engine, shape, kernel.z.radius as usize, 1)? {
        progress.step("smooth", u64::from(slab.out_start), shape.z as u64)?;
        take(slab, &slab_result(engine, input, kernel, slab)?)?;
    }
    progress.step("smooth", shape.z as u64, shape.z as u64)
}

fn slab_result(engine: &Engine, input: Input<'_>, kernel: &Kernel3, slab: Slab) -> Result<Buffer> {
    smoothed(engine, &widened(engine, input, slab)?, kernel, slab)
}

/// What a slab reads, in grey levels.
fn widened(engine: &Engine, input: Input<'_>, slab: Slab) -> Result<Buffer> {
    let read = slab.input_only();
    let mut grey = engine.buffer(read.output_len())?;
    Convert::plain(read).run(engine, input.raw, &mut grey)?;
    Ok(grey)
}

fn smoothed(engine: &Engine, grey: &Buffer, kernel: &Kernel3, slab: Slab) -> Result<Buffer> {
    let read = slab.input_only();
    let mut across = engine.aligned_buffer(read.output_len())?;
    let pass = SmoothXy {
        slab: read,
        radius_y: kernel.y.radius,
        radius_x: kernel.x.radius,
        padding: [0; 2],
        taps_y: kernel.y.half,
        taps_x: kernel.x.half,
    };
    pass.run(engine, grey, &mut across)?;
    let mut result = engine.buffer(slab.output_len())?;
    SmoothZ { slab, radius: kernel.z.radius, padding: [0; 3], taps: kernel.z.half }.run(
        engine,
        &across,
        &mut result,
    )?;
    Ok(result)
}
