//! One case per kernel: input, parameters as the ridge filter uses them, and the bytes that must move.

use crate::engine::{Buffer, Engine, Work};
use crate::error::Result;
use crate::filter::taps;
use crate::kernel::Slab;
use crate::kernel::convert::{Convert, VoxelKind};
use crate::kernel::hessian_response::{HessianResponse, Response};
use crate::kernel::local_maxima::LocalMaxima;
use crate::kernel::smooth_xy::SmoothXy;
use crate::kernel::smooth_z::SmoothZ;
use crate::volume::{Shape, Volume, Voxels};

/// Lateral and axial standard deviations, voxels: a shaft of .5 µm at .25 µm voxels (binned), planes 1 µm apart.
const SIGMA_XY: f64 = 2.0;
const SIGMA_Z: f64 = 0.8;

/// A kernel and what it works on. See the example of [`cases`].
#[derive(Clone, Debug)]
pub struct Case {
    /// Name of the kernel, or of its entry point.
    pub name: &'static str,
    /// Bytes and arithmetic of one run.
    pub work: Work,
    kernel: Kernel,
    input: Vec<f32>,
    output_len: usize,
}

#[derive(Clone, Debug)]
enum Kernel {
    Convert(Convert, Voxels),
    SmoothXy(SmoothXy),
    SmoothZ(SmoothZ),
    Respond(HessianResponse),
    Peak(HessianResponse),
    LocalMaxima(LocalMaxima),
}

/// A case with its buffers on an engine's device. See the example of [`cases`].
#[derive(Debug)]
pub struct Prepared<'a> {
    engine: &'a Engine,
    case: &'a Case,
    input: Buffer,
    output: Buffer,
    found: Vec<f32>,
}

/// A stack of noise with bright tubes across, the same on every run.
pub(super) fn stack(shape: Shape) -> Result<Volume<u16>> {
    let voxel = |i: usize| {
        let at = shape.voxel(i);
        // Knuth's multiplicative hash: enough to keep a compressing driver or a branch predictor from guessing.
        let noise = (i as u32).wrapping_mul(2_654_435_761) >> 25;
        let tube = if (at.y + 2 * at.x + 5 * at.z) % 61 < 5 { 800 } else { 100 };
        tube + noise as u16
    };
    Volume::new(shape, (0..shape.len()).map(voxel).collect())
}

/// A case per kernel, each fed with what the CPU twin of the kernel before it makes of a synthetic stack.
///
/// ```
/// use gemmule::engine::{Backend, Engine};
/// use gemmule::pipeline::bench::cases;
/// use gemmule::volume::Shape;
/// let engine = Engine::new(Backend::Cpu)?;
/// for case in cases(Shape::new(6, 16, 24)?)? {
///     let mut prepared = case.prepare(&engine)?;
///     prepared.run()?;
///     engine.wait()?;
///     println!("{}: {} results, {} bytes moved", case.name, prepared.result()?.len(), case.work.bytes());
///     assert!(!prepared.result()?.is_empty());
/// }
/// # Ok::<(), gemmule::error::Error>(())
/// ```
///
/// # Errors
/// [`crate::error::Error::Gpu`] never: the CPU twins run here.
pub fn cases(shape: Shape) -> Result<Vec<Case>> {
    let slab = Slab::whole(shape.z, shape.y, shape.x);
    let raw = Voxels::U16(stack(shape)?);
    let n = shape.len();
    let convert = Convert {
        slab,
        raw_ny: slab.ny,
        raw_nx: slab.nx,
        binning: 1,
        stabilise: 1,
        scale: 0.25,
        shift: 0.375,
        weight: 1.0,
        skip: 0,
    };
    let mut converted = vec![0.0; n];
    convert.cpu(&raw, &mut converted);
    let (xy, z) = smoothing(slab)?;
    let mut smoothed = vec![0.0; n];
    xy.cpu(&converted, &mut smoothed);
    let sato = hessian(slab, Response::Sato)?;
    let peak = hessian(slab, Response::Jerman)?;
    let jerman = HessianResponse { floor: 0.75 * peak.cpu_peak(&smoothed)[0], running: 1, ..peak };
    let mut response = vec![0.0; n];
    sato.cpu(&smoothed, &mut response);
    let threshold = 0.5 * response.iter().copied().fold(0.0, f32::max);
    let maxima = LocalMaxima { slab, scales: 1, capacity: (n / 64) as u32, threshold, padding: 0 };
    let case = |name, kernel: Kernel, input: &[f32], output_len| Case {
        name,
        work: kernel.work(),
        kernel,
        input: input.to_vec(),
        output_len,
    };
    Ok(vec![
        case("convert", Kernel::Convert(convert, raw), &[], n),
        case("smooth_xy", Kernel::SmoothXy(xy), &converted, n),
        case("smooth_z", Kernel::SmoothZ(z), &converted, n),
        case("hessian_response", Kernel::Respond(sato), &smoothed, n),
        case("hessian_response_running", Kernel::Respond(jerman), &smoothed, n),
        case("hessian_peak", Kernel::Peak(peak), &smoothed, 1),
        case("local_maxima", Kernel::LocalMaxima(maxima), &response, 1),
    ])
}

fn smoothing(slab: Slab) -> Result<(SmoothXy, SmoothZ)> {
    let (plane, axial) = (taps::smoothing(SIGMA_XY, "sigma_xy")?, taps::smoothing(SIGMA_Z, "sigma_z")?);
    let (radius_y, radius_x) = (plane.radius, plane.radius);
    let xy = SmoothXy { slab, radius_y, radius_x, padding: [0; 2], taps_y: plane.half, taps_x: plane.half };
    Ok((xy, SmoothZ { slab, radius: axial.radius, padding: [0; 3], taps: axial.half }))
}

fn hessian(slab: Slab, response: Response) -> Result<HessianResponse> {
    let [g, d1, d2] = taps::derivatives(SIGMA_Z, "sigma_z")?;
    let plane = taps::stencil(SIGMA_XY);
    Ok(HessianResponse {
        slab,
        radius_z: g.radius,
        response: response as u32,
        running: 0,
        padding: 0,
        floor: 1.0,
        alpha: 0.5,
        beta: 2.0,
        padding_f: 0.0,
        taps_g: g.half,
        taps_d1: d1.half,
        taps_d2: d2.half,
        d1_y: plane.d1,
        d1_x: plane.d1,
        d2_y: plane.d2,
        d2_x: plane.d2,
    })
}

impl Kernel {
    fn work(&self) -> Work {
        match self {
            Self::Convert(kernel, voxels) => kernel.work(VoxelKind::of(voxels.view())),
            Self::SmoothXy(kernel) => kernel.work(),
            Self::SmoothZ(kernel) => kernel.work(),
            Self::Respond(kernel) => kernel.work(),
            Self::Peak(kernel) => kernel.peak_work(),
            Self::LocalMaxima(kernel) => kernel.work(),
        }
    }
}

impl Case {
    /// Puts the input on the engine's device. See the example of [`cases`].
    ///
    /// # Errors
    /// [`crate::error::Error::Memory`] or [`crate::error::Error::Gpu`] if there is no room.
    pub fn prepare<'a>(&'a self, engine: &'a Engine) -> Result<Prepared<'a>> {
        let input = if self.input.is_empty() { engine.buffer(1)? } else { engine.upload(&self.input)? };
        let output = engine.buffer(self.output_len)?;
        Ok(Prepared { engine, case: self, input, output, found: Vec::new() })
    }

    /// Bytes of input and output.
    pub(super) fn bytes(&self) -> u64 {
        4 * (self.input.len() + self.output_len) as u64
    }
}

impl Prepared<'_> {
    /// Starts the kernel once; on a GPU it may still run when this returns, see [`Engine::wait`]. See the example of [`cases`].
    ///
    /// # Errors
    /// [`crate::error::Error::Gpu`] if the device fails.
    pub fn run(&mut self) -> Result<()> {
        let (engine, input, output) = (self.engine, &self.input, &mut self.output);
        match &self.case.kernel {
            Kernel::Convert(kernel, voxels) => kernel.run(engine, voxels, output),
            Kernel::SmoothXy(kernel) => kernel.run(engine, input, output),
            Kernel::SmoothZ(kernel) => kernel.run(engine, input, output),
            Kernel::Respond(kernel) => kernel.run(engine, input, output),
            Kernel::Peak(kernel) => {
                self.found = kernel.peak(engine, input)?.to_vec();
                Ok(())
            }
            Kernel::LocalMaxima(kernel) => {
                let found = kernel.run(engine, input)?;
                self.found = found.iter().flat_map(|m| [m.z as f32, m.yx as f32, m.value]).collect();
                Ok(())
            }
        }
    }

    /// What the last run made; of maxima plane, place and value. See the example of [`cases`].
    ///
    /// # Errors
    /// [`crate::error::Error::Gpu`] if the device fails.
    pub fn result(&self) -> Result<Vec<f32>> {
        if self.case.output_len == 1 && !self.found.is_empty() {
            return Ok(self.found.clone());
        }
        let mut values = vec![0.0; self.case.output_len];
        self.engine.read(&self.output, &mut values)?;
        Ok(values)
    }
}
