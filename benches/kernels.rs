//! Every kernel and the filter stage on the CPU and on whatever hardware adapter is there. Throughput is in bytes: input and output of
//! each voxel, moved once. `GEMMULE_BENCH_ADAPTER=NAME` adds a software adapter or chooses among several.

use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use gemmule::engine::{Backend, Engine};
use gemmule::filter::ridge::{RidgeParams, ridge};
use gemmule::model::NoiseModel;
use gemmule::pipeline::bench::cases;
use gemmule::progress::Silent;
use gemmule::units::VoxelSize;
use gemmule::volume::{Shape, Stack, Volume, Voxels};

const SHAPE: Shape = Shape { z: 32, y: 256, x: 256 };

/// The CPU, and the adapter named or the first hardware one.
fn engines() -> Vec<(&'static str, Engine)> {
    let cpu = Engine::new(Backend::Cpu).expect("the CPU is always there");
    let adapter = std::env::var("GEMMULE_BENCH_ADAPTER").ok();
    let named = adapter.is_some();
    match Engine::new(Backend::Gpu { adapter }) {
        Ok(gpu) => vec![("cpu", cpu), ("gpu", gpu)],
        Err(error) if named => panic!("{error}"),
        Err(error) => {
            eprintln!("CPU only: {error}");
            vec![("cpu", cpu)]
        }
    }
}

fn kernels(criterion: &mut Criterion) {
    let engines = engines();
    for (_, engine) in &engines {
        eprintln!("{}", engine.describe());
    }
    for case in cases(SHAPE).expect("the shape is sound") {
        let mut group = criterion.benchmark_group(case.name);
        group.throughput(Throughput::Bytes(case.work.bytes()));
        for (name, engine) in &engines {
            let mut prepared = case.prepare(engine).expect("the device has room for a small case");
            group.bench_function(*name, |b| {
                b.iter(|| prepared.run().and_then(|()| engine.wait()).expect("the device works"));
            });
        }
    }
}

fn filter_stage(criterion: &mut Criterion) {
    let volume = Volume::filled(SHAPE, 100_u16);
    let voxel_size = VoxelSize::new(1.0, 0.125, 0.125).expect("above 0");
    let stack = Stack { voxels: Voxels::U16(volume), voxel_size };
    let noise = NoiseModel { gain: 4.0, offset: 0.0, read_variance: 1.0 };
    let mut group = criterion.benchmark_group("filter_stage");
    // Raw voxels in, the map (a quarter of the voxels) out.
    group.throughput(Throughput::Bytes(3 * SHAPE.len() as u64));
    for (name, engine) in &engines() {
        let run = || ridge(engine, &stack, &noise, &RidgeParams::default(), &mut Silent);
        group.bench_function(*name, |b| b.iter(|| run().expect("the device works")));
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10).warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2));
    targets = kernels, filter_stage
}
criterion_main!(benches);
