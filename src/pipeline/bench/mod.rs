//! How fast each kernel and the whole filter stage run, and how far a GPU is from the CPU, on a volume of its own making.

mod cases;

pub use cases::{Case, Prepared, cases};

use std::time::Instant;

use rayon::prelude::*;
use serde::Serialize;

use crate::engine::{Backend, Engine};
use crate::error::Result;
use crate::filter::ridge::{self, RidgeParams};
use crate::model::NoiseModel;
use crate::progress::{Progress, Silent};
use crate::units::VoxelSize;
use crate::volume::{Shape, Stack, Voxels};

/// Shortest time measured at once: below it the clock and the start of a kernel would be measured.
const MIN_SECONDS: f64 = 0.02;

/// Times each case is measured; the median counts.
const SAMPLES: usize = 5;

/// What `gemmule bench --json` prints. See the example of [`run`].
#[derive(Clone, Debug, Serialize)]
pub struct BenchReport {
    /// Name of the adapter, or "CPU".
    pub adapter: String,
    /// Its driver; threads of the CPU.
    pub driver: String,
    /// Bytes read and written per second by a plain copy of the same device, in this run.
    pub copy_gb_per_s: f64,
    /// The same of this machine's memory, by all threads.
    pub cpu_copy_gb_per_s: f64,
    /// One row per kernel and backend, and the whole filter stage last.
    pub rows: Vec<BenchRow>,
}

/// One kernel on one backend. See the example of [`run`].
#[derive(Clone, Debug, Serialize)]
pub struct BenchRow {
    /// Name of the kernel, or `filter_stage`.
    pub kernel: String,
    /// gpu or cpu.
    pub backend: String,
    /// Planes, rows, columns.
    pub shape: [usize; 3],
    /// Voxels per second.
    pub voxels_per_s: f64,
    /// Bytes of input and output per voxel, each moved once.
    pub bytes_per_voxel: f64,
    /// These bytes per second.
    pub gb_per_s: f64,
    /// Share of the copy's bandwidth on the same backend.
    pub fraction_of_copy: f64,
    /// Seconds of one run, median.
    pub seconds: f64,
    /// Seconds to bring the input to the device; none where the run includes it.
    pub upload_seconds: Option<f64>,
    /// Seconds to bring the result back; none where the run includes it.
    pub readback_seconds: Option<f64>,
    /// Largest difference from the CPU twin, in the kernel's own unit; infinite (null in JSON) if there are more or fewer results.
    pub max_abs_error_vs_cpu: f64,
    /// Most bytes of buffers held at once; none if unknown.
    pub peak_bytes: Option<u64>,
}

/// Measures every kernel and the filter stage on `engine`, and on the CPU to compare with.
///
/// Planes beyond what one buffer of the engine takes are left out of the kernels' rows; the filter stage gets the whole shape.
///
/// ```
/// use gemmule::engine::{Backend, Engine};
/// use gemmule::pipeline::bench;
/// use gemmule::progress::Silent;
/// use gemmule::volume::Shape;
/// let report = bench::run(&Engine::new(Backend::Cpu)?, Shape::new(6, 16, 24)?, &mut Silent)?;
/// assert!(report.adapter == "CPU" && report.rows.iter().all(|row| row.backend == "cpu" && row.seconds > 0.0));
/// assert_eq!(report.rows.last().map(|row| row.kernel.as_str()), Some("filter_stage"));
/// # Ok::<(), gemmule::error::Error>(())
/// ```
///
/// # Errors
/// [`crate::error::Error::Memory`] or [`crate::error::Error::Gpu`] if the device fails; cancellation.
pub fn run(engine: &Engine, shape: Shape, progress: &mut dyn Progress) -> Result<BenchReport> {
    let cpu = Engine::new(Backend::Cpu)?;
    let engines: Vec<&Engine> = if engine.adapter().is_some() { vec![engine, &cpu] } else { vec![engine] };
    let planes = (engine.max_buffer_len().min(cpu.max_buffer_len()) / (shape.y * shape.x)).clamp(1, shape.z);
    let slab = Shape { z: planes, ..shape };
    let cases = cases(slab)?;
    let total = ((cases.len() + 1) * engines.len()) as u64;
    let cpu_copy_gb_per_s = cpu_copy(slab.len());
    let copy_gb_per_s = if engine.adapter().is_some() { gpu_copy(engine, slab.len())? } else { cpu_copy_gb_per_s };
    let mut rows = Vec::new();
    for case in &cases {
        let expected = output(case, &cpu)?;
        for &engine in &engines {
            progress.step("bench", rows.len() as u64, total)?;
            let copy = if engine.adapter().is_some() { copy_gb_per_s } else { cpu_copy_gb_per_s };
            rows.push(measure(case, engine, slab, copy, &expected)?);
        }
    }
    for (n, row) in filter_stage(&engines, shape, progress)?.into_iter().enumerate() {
        let copy = if engines[n].adapter().is_some() { copy_gb_per_s } else { cpu_copy_gb_per_s };
        rows.push(BenchRow { fraction_of_copy: row.gb_per_s / copy, ..row });
    }
    progress.step("bench", total, total)?;
    let threads = format!("{} threads", rayon::current_num_threads());
    let (adapter, driver) =
        engine.adapter().map_or(("CPU".into(), threads), |adapter| (adapter.name.clone(), adapter.driver.clone()));
    Ok(BenchReport { adapter, driver, copy_gb_per_s, cpu_copy_gb_per_s, rows })
}

fn backend(engine: &Engine) -> String {
    if engine.adapter().is_some() { "gpu".into() } else { "cpu".into() }
}

/// Result of one run from a fresh start: a running maximum remembers earlier ones.
fn output(case: &Case, engine: &Engine) -> Result<Vec<f32>> {
    let mut prepared = case.prepare(engine)?;
    prepared.run()?;
    prepared.result()
}

fn measure(case: &Case, engine: &Engine, shape: Shape, copy: f64, expected: &[f32]) -> Result<BenchRow> {
    engine.take_peak_bytes();
    let mut prepared = case.prepare(engine)?;
    prepared.run()?;
    engine.wait()?;
    let start = Instant::now();
    let found = prepared.result()?;
    let readback = start.elapsed().as_secs_f64();
    let seconds = median(|| prepared.run(), || engine.wait())?;
    let peak = engine.take_peak_bytes();
    drop(prepared);
    let start = Instant::now();
    drop(case.prepare(engine)?);
    engine.wait()?;
    let upload = start.elapsed().as_secs_f64();
    let on_gpu = engine.adapter().is_some();
    let gb_per_s = case.bytes_per_voxel * shape.len() as f64 / seconds / 1e9;
    Ok(BenchRow {
        kernel: case.name.into(),
        backend: backend(engine),
        shape: [shape.z, shape.y, shape.x],
        voxels_per_s: shape.len() as f64 / seconds,
        bytes_per_voxel: case.bytes_per_voxel,
        gb_per_s,
        fraction_of_copy: gb_per_s / copy,
        seconds,
        upload_seconds: on_gpu.then_some(upload),
        readback_seconds: on_gpu.then_some(readback),
        max_abs_error_vs_cpu: difference(&found, expected),
        peak_bytes: Some(if on_gpu { peak } else { case.bytes() }),
    })
}

/// Seconds of one `run`, the median of several measurements, each of as many runs as fill [`MIN_SECONDS`].
fn median(mut run: impl FnMut() -> Result<()>, wait: impl Fn() -> Result<()>) -> Result<f64> {
    let mut time = |runs: usize| -> Result<f64> {
        let start = Instant::now();
        for _ in 0..runs {
            run()?;
        }
        wait()?;
        Ok(start.elapsed().as_secs_f64() / runs as f64)
    };
    let runs = (MIN_SECONDS / time(1)?.max(1e-9)).ceil().clamp(1.0, 1000.0) as usize;
    let mut samples = (0..SAMPLES).map(|_| time(runs)).collect::<Result<Vec<f64>>>()?;
    samples.sort_by(f64::total_cmp);
    Ok(samples[SAMPLES / 2])
}

fn difference(found: &[f32], expected: &[f32]) -> f64 {
    if found.len() != expected.len() {
        return f64::INFINITY;
    }
    found.iter().zip(expected).fold(0.0, |most, (a, b)| f64::max(most, f64::from((a - b).abs())))
}

fn gpu_copy(engine: &Engine, len: usize) -> Result<f64> {
    let from = engine.buffer(len)?;
    let mut to = engine.buffer(len)?;
    let seconds = median(|| engine.copy(&from, &mut to, 0), || engine.wait())?;
    Ok(8.0 * len as f64 / seconds / 1e9)
}

fn cpu_copy(len: usize) -> f64 {
    let from = vec![1.0_f32; len];
    let mut to = vec![0.0_f32; len];
    let mut copy = || {
        to.par_chunks_mut(1 << 16).zip(from.par_chunks(1 << 16)).for_each(|(to, from)| to.copy_from_slice(from));
        Ok(())
    };
    // A copy cannot fail.
    let seconds = median(&mut copy, || Ok(())).unwrap_or(f64::INFINITY);
    8.0 * len as f64 / seconds / 1e9
}

/// The ridge filter from raw voxels to the map in memory, upload and read-back included.
fn filter_stage(engines: &[&Engine], shape: Shape, progress: &mut dyn Progress) -> Result<Vec<BenchRow>> {
    let stack = Stack { voxels: Voxels::U16(cases::stack(shape)?), voxel_size: VoxelSize::new(1.0, 0.125, 0.125)? };
    let noise = NoiseModel { gain: 4.0, offset: 0.0, read_variance: 1.0 };
    let params = RidgeParams::default();
    let binned = (params.binning * params.binning) as f64;
    let scales = params.sigma_xy_um.len() as f64;
    // A conversion in grey levels, and one for each sweep, of which there are two where slabs are too small for one; per scale pass A
    // (read, write) for each sweep, the peak (read) and pass B (read, and the running maximum read and written).
    let bytes_per_voxel = |engine: &Engine| -> Result<f64> {
        let sweeps = if ridge::is_swept_at_once(engine, (&stack).into(), &noise, &params)? { 1.0 } else { 2.0 };
        Ok((1.0 + sweeps) * (2.0 + 4.0 / binned) + scales * (8.0 * sweeps + 4.0 + 12.0) / binned)
    };
    let mut rows = Vec::new();
    let mut maps: Vec<Vec<f32>> = Vec::new();
    for &engine in engines {
        let run = || ridge::ridge(engine, &stack, &noise, &params, &mut Silent);
        progress.step("bench filter stage", rows.len() as u64, engines.len() as u64)?;
        let bytes_per_voxel = bytes_per_voxel(engine)?;
        // The first run builds the pipelines.
        maps.push(run()?.ridge.into_vec());
        engine.take_peak_bytes();
        let start = Instant::now();
        run()?;
        let seconds = start.elapsed().as_secs_f64();
        rows.push(BenchRow {
            kernel: "filter_stage".into(),
            backend: backend(engine),
            shape: [shape.z, shape.y, shape.x],
            voxels_per_s: shape.len() as f64 / seconds,
            bytes_per_voxel,
            gb_per_s: bytes_per_voxel * shape.len() as f64 / seconds / 1e9,
            fraction_of_copy: 0.0,
            seconds,
            upload_seconds: None,
            readback_seconds: None,
            max_abs_error_vs_cpu: 0.0,
            peak_bytes: engine.adapter().map(|_| engine.take_peak_bytes()),
        });
    }
    // The CPU's map is the last.
    if let Some(expected) = maps.last() {
        for (row, map) in rows.iter_mut().zip(&maps) {
            row.max_abs_error_vs_cpu = difference(map, expected);
        }
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use crate::engine::{Backend, Engine};
    use crate::pipeline::bench;
    use crate::progress::Silent;
    use crate::volume::Shape;

    /// Checks what holds on any engine, and returns the largest error of each row's kernel.
    fn check(engine: &Engine) -> Vec<(String, String, f64)> {
        let report = bench::run(engine, Shape::new(4, 33, 40).unwrap(), &mut Silent).unwrap();
        let names: Vec<&str> = report.rows.iter().map(|row| row.kernel.as_str()).collect();
        for kernel in ["convert", "smooth_xy", "smooth_z", "hessian_response", "hessian_peak", "local_maxima"] {
            assert!(names.contains(&kernel), "{kernel}");
        }
        assert_eq!(names.last(), Some(&"filter_stage"));
        for row in &report.rows {
            assert!(row.seconds > 0.0 && row.voxels_per_s > 0.0 && row.gb_per_s > 0.0 && row.fraction_of_copy > 0.0);
        }
        assert!(report.copy_gb_per_s > 0.0 && report.copy_gb_per_s.is_finite());
        report.rows.into_iter().map(|row| (row.kernel, row.backend, row.max_abs_error_vs_cpu)).collect()
    }

    #[test]
    fn every_kernel_and_the_filter_stage_get_a_row_and_the_cpu_equals_itself() {
        for (kernel, _, error) in check(&Engine::new(Backend::Cpu).unwrap()) {
            assert_eq!(error, 0.0, "{kernel}");
        }
    }

    #[test]
    fn a_gpu_gets_its_own_rows_beside_the_cpu_s() {
        let Ok(engine) = Engine::new(Backend::Gpu { adapter: Some("llvmpipe".into()) }) else {
            // Where llvmpipe is not installed, tests/kernel_parity.rs says whether that is allowed.
            return;
        };
        let rows = check(&engine);
        for (kernel, backend, error) in &rows {
            assert!(*error < if backend == "cpu" { f64::MIN_POSITIVE } else { 1e-3 }, "{kernel} on {backend}: {error}");
        }
        assert_eq!(rows.iter().filter(|row| row.1 == "gpu").count() * 2, rows.len());
    }
}
