//! How fast each kernel and the whole filter stage run, and how far a GPU is from the CPU, on a volume of its own making.

mod cases;
mod report;
mod roofs;
mod stage;

pub use cases::{Case, Prepared, cases};
pub use report::{BenchReport, BenchRow, Growth};

use std::time::Instant;

use crate::engine::{Backend, Checks, Engine};
use crate::error::Result;
use crate::pipeline::bench::report::Roofs;
use crate::progress::Progress;
use crate::volume::Shape;

/// Shortest time measured at once: below it the clock and the start of a kernel would be measured.
const MIN_SECONDS: f64 = 0.02;

/// Times each case is measured; the median counts.
const SAMPLES: usize = 5;

/// How shaders are guarded: in programs that are not built for release with all that wgpu checks.
const GUARDS: &str = match Checks::OF_OWN {
    Checks::On => "indices and loops checked (a build for tests); workgroup memory not cleared",
    Checks::Off => "indices and loops not checked; workgroup memory not cleared",
};

/// Measures every kernel and the filter stage on `engine`, and on the CPU to compare with.
///
/// Planes beyond what one buffer of the engine takes are left out of the kernels' rows; the filter stage gets the whole shape. `sizes` are further shapes for the filter
/// stage, to see how its time grows.
///
/// ```
/// use gemmule::engine::{Backend, Engine};
/// use gemmule::pipeline::bench;
/// use gemmule::progress::Silent;
/// use gemmule::volume::Shape;
/// let (shape, small) = (Shape::new(6, 16, 24)?, Shape::new(5, 8, 8)?);
/// let report = bench::run(&Engine::new(Backend::Cpu)?, shape, &[small], &mut Silent)?;
/// assert!(report.adapter == "CPU" && report.rows.iter().all(|row| row.backend == "cpu" && row.fraction_of_roof() > 0.0));
/// assert_eq!(report.rows.last().map(|row| row.kernel.as_str()), Some("filter_stage"));
/// assert_eq!(report.growth[0].voxels, shape.len());
/// # Ok::<(), gemmule::error::Error>(())
/// ```
///
/// # Errors
/// [`crate::error::Error::Memory`] or [`crate::error::Error::Gpu`] if the device fails; cancellation.
pub fn run(engine: &Engine, shape: Shape, sizes: &[Shape], progress: &mut dyn Progress) -> Result<BenchReport> {
    let cpu = Engine::new(Backend::Cpu)?;
    let planes = (engine.max_buffer_len().min(cpu.max_buffer_len()) / (shape.y * shape.x)).clamp(1, shape.z);
    let slab = Shape { z: planes, ..shape };
    let cpu_roofs = roofs::measure(&cpu)?;
    let on_gpu = engine.adapter().is_some();
    let roofs = if on_gpu { roofs::measure(engine)? } else { cpu_roofs };
    let engines = if on_gpu { vec![(engine, roofs), (&cpu, cpu_roofs)] } else { vec![(&cpu, cpu_roofs)] };
    let mut rows = kernels(&engines, &cpu, slab, progress)?;
    for &shape in sizes.iter().chain([&shape]) {
        rows.extend(stage::measure(&engines, shape, progress)?);
    }
    let threads = format!("{} threads", rayon::current_num_threads());
    let (adapter, driver) =
        engine.adapter().map_or(("CPU".into(), threads), |adapter| (adapter.name.clone(), adapter.driver.clone()));
    Ok(BenchReport {
        version: env!("CARGO_PKG_VERSION"),
        date: chrono::Utc::now().format("%Y-%m-%d").to_string(),
        machine: machine(),
        adapter,
        driver,
        copy_gb_per_s: roofs.copy_gb_per_s,
        cpu_copy_gb_per_s: cpu_roofs.copy_gb_per_s,
        arithmetic_gop_per_s: roofs.arithmetic_gop_per_s,
        cpu_arithmetic_gop_per_s: cpu_roofs.arithmetic_gop_per_s,
        guards: GUARDS,
        growth: engines.iter().filter_map(|(engine, _)| Growth::of(&rows, &backend(engine))).collect(),
        rows,
    })
}

fn kernels(
    engines: &[(&Engine, Roofs)],
    cpu: &Engine,
    shape: Shape,
    progress: &mut dyn Progress,
) -> Result<Vec<BenchRow>> {
    let cases = cases(shape)?;
    let total = (cases.len() * engines.len()) as u64;
    let mut rows = Vec::new();
    for case in &cases {
        let expected = output(case, cpu)?;
        for &(engine, roofs) in engines {
            progress.step("bench", rows.len() as u64, total)?;
            rows.push(measure(case, engine, shape, &expected)?.under(roofs));
        }
    }
    progress.step("bench", total, total)?;
    Ok(rows)
}

/// Operating system, processor and its logical cores.
fn machine() -> String {
    let wanted = sysinfo::RefreshKind::nothing().with_cpu(sysinfo::CpuRefreshKind::nothing());
    let (processor, cores) = sysinfo::System::new_with_specifics(wanted).map_or_else(
        |_| ("unknown processor".into(), 0),
        |system| (system.cpus().first().map_or_else(String::new, |cpu| cpu.brand().trim().into()), system.cpus().len()),
    );
    format!("{} {}, {processor}, {cores} cores", std::env::consts::OS, std::env::consts::ARCH)
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

fn measure(case: &Case, engine: &Engine, shape: Shape, expected: &[f32]) -> Result<BenchRow> {
    engine.take_peak_bytes();
    let mut prepared = case.prepare(engine)?;
    engine.take_traffic()?;
    prepared.run()?;
    engine.wait()?;
    let traffic = engine.take_traffic()?;
    let start = Instant::now();
    let found = prepared.result()?;
    let readback = start.elapsed().as_secs_f64();
    let seconds = median(|| prepared.run(), || engine.wait())?;
    let device_seconds = device_seconds(&mut prepared, engine)?;
    let peak = engine.take_peak_bytes();
    drop(prepared);
    let start = Instant::now();
    drop(case.prepare(engine)?);
    engine.wait()?;
    let upload = start.elapsed().as_secs_f64();
    let on_gpu = engine.adapter().is_some();
    Ok(BenchRow {
        kernel: case.name.into(),
        backend: backend(engine),
        shape: [shape.z, shape.y, shape.x],
        voxels_per_s: 0.0,
        bytes_per_voxel: case.work.bytes() as f64 / shape.len() as f64,
        gb_per_s: 0.0,
        fraction_of_copy: 0.0,
        operations_per_voxel: case.work.operations as f64 / shape.len() as f64,
        fraction_of_arithmetic: 0.0,
        seconds,
        device_seconds,
        dispatches: traffic.dispatches,
        upload_seconds: on_gpu.then_some(upload),
        readback_seconds: on_gpu.then_some(readback),
        uploaded_bytes: traffic.uploaded_bytes,
        read_back_bytes: traffic.read_back_bytes,
        max_abs_error_vs_cpu: difference(&found, expected),
        peak_bytes: Some(if on_gpu { peak } else { case.bytes() }),
    })
}

/// Seconds of one run by the device's own clock, if it has one.
fn device_seconds(prepared: &mut Prepared<'_>, engine: &Engine) -> Result<Option<f64>> {
    if !engine.time_kernels(true) {
        return Ok(None);
    }
    engine.take_traffic()?;
    for _ in 0..SAMPLES {
        prepared.run()?;
    }
    let seconds = stage::seconds_of(&engine.take_traffic()?);
    engine.time_kernels(false);
    Ok(seconds.map(|seconds| seconds / SAMPLES as f64))
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

#[cfg(test)]
mod tests {
    use crate::engine::{Backend, Engine};
    use crate::pipeline::bench::{self, BenchRow};
    use crate::progress::Silent;
    use crate::volume::Shape;

    /// Checks what holds on any engine.
    fn check(engine: &Engine) -> Vec<BenchRow> {
        let report = bench::run(engine, Shape::new(4, 33, 40).unwrap(), &[], &mut Silent).unwrap();
        let names: Vec<&str> = report.rows.iter().map(|row| row.kernel.as_str()).collect();
        for kernel in ["convert", "smooth_xy", "smooth_z", "hessian_response", "hessian_peak", "local_maxima"] {
            assert!(names.contains(&kernel), "{kernel}");
        }
        assert_eq!(names.last(), Some(&"filter_stage"));
        for row in &report.rows {
            assert!(row.seconds > 0.0 && row.voxels_per_s > 0.0 && row.gb_per_s > 0.0 && row.fraction_of_copy > 0.0);
            assert!(row.fraction_of_arithmetic > 0.0, "{}", row.kernel);
        }
        for roof in [report.copy_gb_per_s, report.arithmetic_gop_per_s, report.cpu_arithmetic_gop_per_s] {
            assert!(roof > 0.0 && roof.is_finite());
        }
        assert!(report.growth.is_empty() && report.date.len() == 10 && report.machine.contains("cores"));
        report.rows
    }

    #[test]
    fn every_kernel_and_the_filter_stage_get_a_row_and_the_cpu_equals_itself() {
        for row in check(&Engine::new(Backend::Cpu).unwrap()) {
            assert_eq!(
                (row.max_abs_error_vs_cpu, row.dispatches, row.device_seconds),
                (0.0, 0, None),
                "{}",
                row.kernel
            );
        }
    }

    #[test]
    fn a_gpu_gets_its_own_rows_beside_the_cpu_s() {
        let Ok(engine) = Engine::new(Backend::Gpu { adapter: Some("llvmpipe".into()) }) else {
            // Where llvmpipe is not installed, tests/kernel_parity.rs says whether that is allowed.
            return;
        };
        let rows = check(&engine);
        for row in &rows {
            let most = if row.backend == "cpu" { f64::MIN_POSITIVE } else { 1e-3 };
            assert!(row.max_abs_error_vs_cpu < most, "{} on {}", row.kernel, row.backend);
            let timed = row.device_seconds.is_some_and(|s| s > 0.0);
            assert_eq!((row.dispatches > 0, timed), (row.backend == "gpu", row.backend == "gpu"), "{}", row.kernel);
        }
        assert_eq!(rows.iter().filter(|row| row.backend == "gpu").count() * 2, rows.len());
    }
}
