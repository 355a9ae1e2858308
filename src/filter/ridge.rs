//! Multi-scale ridge response.

use std::ops::Range;

use crate::engine::{Buffer, Engine, Reading};
use crate::error::Result;
use crate::filter::Input;
use crate::filter::scale::{Form, Scale, Source, binned_grid};
use crate::filter::slabs::{slabs_of_map, touches};
use crate::kernel::Slab;
use crate::kernel::hessian_response::Response;
use crate::model::NoiseModel;
use crate::params::{InRange, params};
use crate::progress::{Progress, Silent};
use crate::volume::{Grid, Planes, Shape, Volume};

params! {
    /// Scales and form of the ridge response.
    ///
    /// ```
    /// use gemmule::filter::ridge::{RidgeParams, RidgeResponse};
    /// let params = RidgeParams::default().response(RidgeResponse::Sato)?.sigma_xy_um(vec![0.4])?.binning(1)?;
    /// assert_eq!((params.response, params.binning), (RidgeResponse::Sato, 1));
    /// assert!(params.sigma_xy_um(vec![]).is_err());
    /// # Ok::<(), gemmule::error::Error>(())
    /// ```
    pub struct RidgeParams in "ridge" {
        /// Lateral standard deviations of the Gaussian.
        sigma_xy_um: Vec<f64> = vec![0.35, 0.5, 0.7], "µm", 0.02..=20.0, "shaft radii of .3 to .7 µm";
        /// Axial standard deviation is the lateral one, but at least this.
        sigma_z_min_um: f64 = 0.8, "µm", 0.02..=20.0, "the axial spread of focus is 2 µm and planes lie 1 µm apart";
        /// Voxels along y and x averaged before filtering.
        binning: usize = 2, "voxels", 1..=8, "shafts are several voxels wide";
        /// Which response.
        response: RidgeResponse = RidgeResponse::Jerman, "", RidgeResponse::Jerman..=RidgeResponse::Sato, "the most even along a shaft: coefficient of variation .34, Sato .60 (prototype)";
        /// Jerman's floor of the second eigenvalue, as a share of its largest.
        jerman_tau: f64 = 0.75, "", 0.01..=1.0, "Jerman 2016, doi:10.1109/TMI.2016.2550102";
    }
}

/// Which ridge response; formulas in [`crate::kernel::hessian_response`].
///
/// Sato's response is in units of the stabilised brightness, the others run from 0 to 1. Tracing's defaults were chosen for Jerman's. See the example of [`RidgeParams`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RidgeResponse {
    /// Jerman 2016; the floor is a share of the largest eigenvalue of the volume.
    Jerman,
    /// Frangi 1998 with alpha = beta = .5 and c half of the largest Hessian norm of the volume, as in the paper.
    Frangi,
    /// Sato 1998 with alpha = .5 and 2.
    Sato,
}

impl InRange for RidgeResponse {
    type Bound = Self;
    fn in_range(&self, range: &std::ops::RangeInclusive<Self>) -> bool {
        range.contains(self)
    }
}

impl RidgeResponse {
    /// The kernel's response and constants, from the largest a3 and the largest S² of the volume at a scale.
    fn form(self, params: &RidgeParams, [a3, s2]: [f32; 2]) -> Form {
        let (response, floor, alpha, beta) = match self {
            Self::Jerman => (Response::Jerman, params.jerman_tau as f32 * a3, 0.0, 0.0),
            Self::Frangi => (Response::Frangi, 0.5 * s2.sqrt(), 0.5, 0.5),
            Self::Sato => (Response::Sato, 0.0, 0.5, 2.0),
        };
        Form { response, floor, alpha, beta }
    }
}

/// A ridge map and where it lies. See the example of [`ridge`].
#[derive(Clone, Debug)]
pub struct RidgeMap {
    /// Largest response over the scales; 0 to 1 but for Sato.
    pub ridge: Volume<f32>,
    /// The stack binned (and in grey levels) on the same grid.
    pub intensity: Volume<f32>,
    /// The binned grid.
    pub grid: Grid,
}

/// A ridge map that stays on the engine's device. See the example of [`ridge_on_device`].
#[derive(Debug)]
pub struct DeviceRidge {
    /// Largest response over the scales, (z, y, x) with x fastest.
    pub ridge: Buffer,
    /// The binned grid.
    pub grid: Grid,
}

/// Ridge response of a stack after variance stabilisation (generalised Anscombe transform of `noise`).
///
/// Bright on dark; shapes, formulas and borders as in [`crate::kernel::hessian_response`]. Jerman's and Frangi's constants are relative to the largest
/// eigenvalues of the whole volume at a scale, so Hessians of each scale are made twice: once for the largest value, once for the response. What the engine takes at
/// once is smoothed once per scale, anything larger twice.
///
/// ```
/// use gemmule::engine::{Backend, Engine};
/// use gemmule::filter::{noise, ridge};
/// use gemmule::phantom::{self, PhantomParams};
/// use gemmule::progress::Silent;
/// let small = PhantomParams { planes: 8, rows: 64, columns: 96, seed: 7, ..PhantomParams::default() };
/// let stack = phantom::stack(&small, &mut Silent)?.stack;
/// let model = noise::estimate(&stack.voxels)?;
/// let engine = Engine::new(Backend::Cpu)?;
/// let map = ridge::ridge(&engine, &stack, &model, &ridge::RidgeParams::default(), &mut Silent)?;
/// assert_eq!(map.ridge.shape().to_string(), "8 x 32 x 48"); // binned by 2
/// # Ok::<(), gemmule::error::Error>(())
/// ```
///
/// # Errors
/// Parameters out of range; GPU faults; cancellation.
pub fn ridge<'a>(
    engine: &Engine,
    stack: impl Into<Input<'a>>,
    noise: &NoiseModel,
    params: &RidgeParams,
    progress: &mut dyn Progress,
) -> Result<RidgeMap> {
    let sweep = Sweep::new(engine, stack.into(), noise, params)?;
    let grid = sweep.source.grid;
    let ridge = if let Some(slab) = sweep.whole() {
        Volume::new(grid.shape, engine.take_values(sweep.at_once(slab, progress)?)?)?
    } else {
        let mut ridge = Volume::filled(grid.shape, 0.0);
        sweep.read(&sweep.peaks(progress)?, 0..grid.shape.z, progress, |slab, best| {
            let at = slab.out_start as usize * slab.plane_len();
            ridge.as_mut_slice()[at..at + slab.output_len()].copy_from_slice(best);
            Ok(())
        })?;
        ridge
    };
    Ok(RidgeMap { ridge, intensity: sweep.source.intensity()?, grid })
}

/// The same, left on the engine's device: for hosts that go on there.
///
/// ```
/// use gemmule::engine::{Backend, Engine};
/// use gemmule::filter::{noise, ridge};
/// use gemmule::phantom::{self, PhantomParams};
/// use gemmule::progress::Silent;
/// let small = PhantomParams { planes: 8, rows: 64, columns: 96, seed: 7, ..PhantomParams::default() };
/// let stack = phantom::stack(&small, &mut Silent)?.stack;
/// let (model, params) = (noise::estimate(&stack.voxels)?, ridge::RidgeParams::default());
/// let engine = Engine::new(Backend::Cpu)?; // on a GPU the map stays in its memory
/// let there = ridge::ridge_on_device(&engine, &stack, &model, &params, &mut Silent)?;
/// let mut values = vec![0.0; there.grid.shape.len()];
/// engine.read(&there.ridge, &mut values)?;
/// assert_eq!(values, ridge::ridge(&engine, &stack, &model, &params, &mut Silent)?.ridge.as_slice());
/// # Ok::<(), gemmule::error::Error>(())
/// ```
///
/// # Errors
/// As [`ridge`]; [`crate::error::Error::Memory`] if the map does not fit one buffer.
pub fn ridge_on_device<'a>(
    engine: &Engine,
    stack: impl Into<Input<'a>>,
    noise: &NoiseModel,
    params: &RidgeParams,
    progress: &mut dyn Progress,
) -> Result<DeviceRidge> {
    let sweep = Sweep::new(engine, stack.into(), noise, params)?;
    let grid = sweep.source.grid;
    if let Some(slab) = sweep.whole() {
        return Ok(DeviceRidge { ridge: sweep.at_once(slab, progress)?, grid });
    }
    let mut ridge = engine.buffer(grid.shape.len())?;
    let at = |slab: Slab| slab.out_start as usize * slab.plane_len();
    let all = 0..grid.shape.z;
    sweep.run(&sweep.peaks(progress)?, all, progress, |slab, best| {
        engine.copy(&best, &mut ridge, at(slab))?;
        // What waits on the device to be done holds its memory.
        engine.wait()
    })?;
    Ok(DeviceRidge { ridge, grid })
}

/// The ridge map of a stack, plane by plane: for volumes whose map does not fit into memory. The planes equal those of [`ridge`]; each visit computes them
/// anew.
///
/// ```
/// use gemmule::engine::{Backend, Engine};
/// use gemmule::filter::{noise, ridge};
/// use gemmule::phantom::{self, PhantomParams};
/// use gemmule::progress::Silent;
/// use gemmule::volume::Planes;
/// let small = PhantomParams { planes: 8, rows: 64, columns: 96, seed: 7, ..PhantomParams::default() };
/// let stack = phantom::stack(&small, &mut Silent)?.stack;
/// let (model, params) = (noise::estimate(&stack.voxels)?, ridge::RidgeParams::default());
/// let engine = Engine::new(Backend::Cpu)?;
/// let map = ridge::ridge(&engine, &stack, &model, &params, &mut Silent)?;
/// let planes = ridge::RidgePlanes::new(&engine, &stack, &model, &params, &mut Silent)?;
/// assert_eq!(planes.grid(), map.grid);
/// planes.visit(2..4, &mut |z, plane| {
///     assert_eq!(plane, map.ridge.plane(z));
///     Ok(())
/// })?;
/// planes.intensity().visit(2..4, &mut |z, plane| {
///     assert_eq!(plane, map.intensity.plane(z));
///     Ok(())
/// })?;
/// # Ok::<(), gemmule::error::Error>(())
/// ```
#[derive(Debug)]
pub struct RidgePlanes<'a> {
    sweep: Sweep<'a>,
    peaks: Vec<[f32; 2]>,
}

impl<'a> RidgePlanes<'a> {
    /// Finds the largest eigenvalues of the whole volume, which every response is relative to. See the example of [`RidgePlanes`].
    ///
    /// # Errors
    /// As [`ridge`].
    pub fn new(
        engine: &'a Engine,
        stack: impl Into<Input<'a>>,
        noise: &'a NoiseModel,
        params: &'a RidgeParams,
        progress: &mut dyn Progress,
    ) -> Result<Self> {
        let sweep = Sweep::new(engine, stack.into(), noise, params)?;
        Ok(Self { peaks: sweep.peaks(progress)?, sweep })
    }

    /// The binned grid. See the example of [`RidgePlanes`].
    pub fn grid(&self) -> Grid {
        self.sweep.source.grid
    }

    /// The stack binned, in grey levels, on the same grid: [`RidgeMap::intensity`] plane by plane. See the example of [`RidgePlanes`].
    pub fn intensity(&self) -> IntensityPlanes<'a> {
        IntensityPlanes(self.sweep.source)
    }
}

impl Planes for RidgePlanes<'_> {
    fn shape(&self) -> Shape {
        self.grid().shape
    }

    fn visit(&self, planes: Range<usize>, take: &mut dyn FnMut(usize, &[f32]) -> Result<()>) -> Result<()> {
        let wanted = planes.clone();
        // `take` reports progress itself.
        self.sweep.read(&self.peaks, planes, &mut Silent, |slab, best| hand_on(slab, best, &wanted, take))
    }
}

/// See [`RidgePlanes::intensity`]. See the example of [`RidgePlanes`].
#[derive(Clone, Copy, Debug)]
pub struct IntensityPlanes<'a>(Source<'a>);

impl Planes for IntensityPlanes<'_> {
    fn shape(&self) -> Shape {
        self.0.grid.shape
    }

    fn visit(&self, planes: Range<usize>, take: &mut dyn FnMut(usize, &[f32]) -> Result<()>) -> Result<()> {
        self.0.binned(&planes, |slab, values| hand_on(slab, values, &planes, take))
    }
}

/// Hands on the planes of a slab that are wanted.
fn hand_on(
    slab: Slab,
    values: &[f32],
    wanted: &Range<usize>,
    take: &mut dyn FnMut(usize, &[f32]) -> Result<()>,
) -> Result<()> {
    let planes = (slab.out_start as usize..).zip(values.chunks(slab.plane_len()));
    planes.filter(|(z, _)| wanted.contains(z)).try_for_each(|(z, plane)| take(z, plane))
}

/// The two passes over a volume: the first finds the largest eigenvalues, the second the responses.
#[derive(Debug)]
struct Sweep<'a> {
    source: Source<'a>,
    params: &'a RidgeParams,
    scales: Vec<Scale>,
    slabs: Vec<Slab>,
}

impl<'a> Sweep<'a> {
    fn new(engine: &'a Engine, input: Input<'a>, noise: &'a NoiseModel, params: &'a RidgeParams) -> Result<Self> {
        params.validate()?;
        let grid = binned_grid(input, params.binning)?;
        let source = Source { engine, input, noise, binning: params.binning, grid };
        let scale =
            |&sigma_um: &f64| Scale::new(sigma_um, params.sigma_z_min_um, grid.voxel_size, RidgeParams::SECTION);
        let scales: Vec<Scale> = params.sigma_xy_um.iter().map(scale).collect::<Result<_>>()?;
        let halo = scales.iter().map(Scale::radius_z).max().unwrap_or(0);
        let slabs = slabs_of_map(engine, grid.shape, halo)?;
        Ok(Self { source, params, scales, slabs })
    }

    /// The slab that is the whole volume, where it is swept at once.
    fn whole(&self) -> Option<Slab> {
        if let [slab] = self.slabs[..] { Some(slab) } else { None }
    }

    /// The response of a volume that is one slab, each scale smoothed once for both passes.
    fn at_once(&self, slab: Slab, progress: &mut dyn Progress) -> Result<Buffer> {
        let Self { source, params, scales, .. } = self;
        let (engine, total) = (source.engine, scales.len() as u64);
        let buffer = source.slab(slab)?;
        let (mut across, mut best) = (engine.aligned_buffer(slab.input_len())?, engine.buffer(slab.output_len())?);
        for (n, scale) in scales.iter().enumerate() {
            progress.step("ridge", n as u64, total)?;
            source.smooth(slab, &buffer, scale, &mut across)?;
            let peak = scale.response(slab, params.response.form(params, [0.0; 2]), false).peak(engine, &across)?;
            scale.response(slab, params.response.form(params, peak), n > 0).run(engine, &across, &mut best)?;
        }
        progress.step("ridge", total, total)?;
        Ok(best)
    }

    /// Largest a3 and S² of every scale.
    fn peaks(&self, progress: &mut dyn Progress) -> Result<Vec<[f32; 2]>> {
        let Self { source, params, scales, slabs } = self;
        let engine = source.engine;
        let mut peaks = scales.iter().map(|_| engine.buffer(2)).collect::<Result<Vec<_>>>()?;
        let mut before = None;
        for (k, &slab) in slabs.iter().enumerate() {
            progress.step("ridge", k as u64, 2 * slabs.len() as u64)?;
            let buffer = source.slab(slab)?;
            let mut across = engine.aligned_buffer(slab.input_len())?;
            for (peak, scale) in peaks.iter_mut().zip(scales) {
                source.smooth(slab, &buffer, scale, &mut across)?;
                scale.response(slab, params.response.form(params, [0.0; 2]), false).peak_into(engine, &across, peak)?;
            }
            // While this slab is worked on the next one is uploaded; more of them would fill the device's memory.
            if let Some(before) = before.replace(engine.mark()) {
                engine.wait_for(before)?;
            }
        }
        let mut found = vec![[0.0_f32; 2]; scales.len()];
        found.iter_mut().zip(&peaks).try_for_each(|(found, peak)| engine.read(peak, found))?;
        Ok(found)
    }

    /// Hands on the response of every slab that has planes of a range, in memory: while one comes back from a device, the next one is uploaded and worked on.
    fn read(
        &self,
        peaks: &[[f32; 2]],
        planes: Range<usize>,
        progress: &mut dyn Progress,
        mut take: impl FnMut(Slab, &[f32]) -> Result<()>,
    ) -> Result<()> {
        let engine = self.source.engine;
        let mut before: Option<(Slab, Reading)> = None;
        let mut finish = |(slab, reading): (Slab, Reading)| take(slab, &engine.finish_read(reading)?);
        self.run(peaks, planes, progress, |slab, best| match engine.begin_read(best)? {
            // On the CPU there is nothing to wait for, and one slab less in memory.
            here @ Reading::Here(_) => finish((slab, here)),
            under_way => before.replace((slab, under_way)).map_or(Ok(()), &mut finish),
        })?;
        before.map_or(Ok(()), finish)
    }

    /// Hands on the response of every slab that has planes of a range, from the [`Sweep::peaks`].
    fn run(
        &self,
        peaks: &[[f32; 2]],
        planes: Range<usize>,
        progress: &mut dyn Progress,
        mut take: impl FnMut(Slab, Buffer) -> Result<()>,
    ) -> Result<()> {
        let Self { source, params, scales, slabs } = self;
        let (engine, total) = (source.engine, 2 * slabs.len() as u64);
        for (k, &slab) in slabs.iter().enumerate().filter(|(_, slab)| touches(slab, &planes)) {
            progress.step("ridge", (slabs.len() + k) as u64, total)?;
            let buffer = source.slab(slab)?;
            let (mut across, mut best) = (engine.aligned_buffer(slab.input_len())?, engine.buffer(slab.output_len())?);
            for (n, (&peak, scale)) in peaks.iter().zip(scales).enumerate() {
                source.smooth(slab, &buffer, scale, &mut across)?;
                scale.response(slab, params.response.form(params, peak), n > 0).run(engine, &across, &mut best)?;
            }
            take(slab, best)?;
        }
        progress.step("ridge", total, total)
    }
}
