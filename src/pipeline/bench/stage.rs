//! The whole ridge filter, from raw voxels to the map in memory, upload and read-back included.

use std::time::Instant;

use crate::engine::{Engine, Traffic};
use crate::error::Result;
use crate::filter::ridge::{self, RidgeParams};
use crate::model::NoiseModel;
use crate::pipeline::bench::report::{BenchRow, Roofs};
use crate::pipeline::bench::{SAMPLES, backend, cases, difference};
use crate::progress::{Progress, Silent};
use crate::units::VoxelSize;
use crate::volume::{Shape, Stack, Voxels};

/// Runs that take longer are measured once.
const LONG_SECONDS: f64 = 3.0;

/// A row for each engine, the CPU's last.
///
/// # Errors
/// As [`ridge::ridge`].
pub(super) fn measure(
    engines: &[(&Engine, Roofs)],
    shape: Shape,
    progress: &mut dyn Progress,
) -> Result<Vec<BenchRow>> {
    let stack = Stack { voxels: Voxels::U16(cases::stack(shape)?), voxel_size: VoxelSize::new(1.0, 0.125, 0.125)? };
    let (mut rows, mut maps) = (Vec::new(), Vec::new());
    for &(engine, roofs) in engines {
        progress.step("bench filter stage", rows.len() as u64, engines.len() as u64)?;
        let (row, map) = on_engine(engine, &stack)?;
        rows.push(row.under(roofs));
        maps.push(map);
    }
    // The CPU's map is the last.
    if let Some(expected) = maps.last() {
        for (row, map) in rows.iter_mut().zip(&maps) {
            row.max_abs_error_vs_cpu = difference(map, expected);
        }
    }
    Ok(rows)
}

fn on_engine(engine: &Engine, stack: &Stack) -> Result<(BenchRow, Vec<f32>)> {
    let noise = NoiseModel { gain: 4.0, offset: 0.0, read_variance: 1.0 };
    let params = RidgeParams::default();
    let shape = stack.voxels.shape();
    let timed = || -> Result<(f64, Vec<f32>)> {
        let start = Instant::now();
        let map = ridge::ridge(engine, stack, &noise, &params, &mut Silent)?.ridge.into_vec();
        Ok((start.elapsed().as_secs_f64(), map))
    };
    // The first run builds the pipelines.
    timed()?;
    engine.take_traffic()?;
    engine.take_peak_bytes();
    let (first, map) = timed()?;
    let (traffic, peak) = (engine.take_traffic()?, engine.take_peak_bytes());
    let mut samples = vec![first];
    while samples.len() < SAMPLES && first < LONG_SECONDS {
        samples.push(timed()?.0);
    }
    samples.sort_by(f64::total_cmp);
    let device_seconds = if engine.time_kernels(true) {
        engine.take_traffic()?;
        timed()?;
        let seconds = seconds_of(&engine.take_traffic()?);
        engine.time_kernels(false);
        seconds
    } else {
        None
    };
    let (work, voxels) = (traffic.work(), shape.len() as f64);
    let row = BenchRow {
        kernel: "filter_stage".into(),
        backend: backend(engine),
        shape: [shape.z, shape.y, shape.x],
        voxels_per_s: 0.0,
        bytes_per_voxel: (work.bytes() + 2 * traffic.copied_bytes) as f64 / voxels,
        gb_per_s: 0.0,
        fraction_of_copy: 0.0,
        operations_per_voxel: work.operations as f64 / voxels,
        fraction_of_arithmetic: 0.0,
        seconds: samples[samples.len() / 2],
        device_seconds,
        dispatches: traffic.dispatches,
        upload_seconds: None,
        readback_seconds: None,
        uploaded_bytes: traffic.uploaded_bytes,
        read_back_bytes: traffic.read_back_bytes,
        max_abs_error_vs_cpu: 0.0,
        peak_bytes: engine.adapter().map(|_| peak),
    };
    Ok((row, map))
}

/// Seconds of all kernels by the device's clock; none if one was not timed.
pub(super) fn seconds_of(traffic: &Traffic) -> Option<f64> {
    traffic.kernels.values().map(|kernel| kernel.seconds).sum()
}
