//! The bytes that the ridge filter moves are those of its design, as counted where buffers are bound and copied.

mod common;

use common::gpu;
use gemmule::engine::{Backend, Engine, Traffic};
use gemmule::filter::ridge::{RidgeParams, ridge_on_device};
use gemmule::model::NoiseModel;
use gemmule::progress::Silent;
use gemmule::units::VoxelSize;
use gemmule::volume::{Shape, Stack, Volume, Voxels};

const SHAPE: Shape = Shape { z: 24, y: 66, x: 90 };
/// Voxels after binning by 2.
const BINNED: u64 = 24 * 33 * 45;

/// What the filter with three scales moves on an engine.
fn traffic(engine: &Engine) -> Traffic {
    let voxels = (0..SHAPE.len()).map(|i| (i * 7919 % 4001) as u16).collect();
    let stack = Stack {
        voxels: Voxels::U16(Volume::new(SHAPE, voxels).unwrap()),
        voxel_size: VoxelSize::new(1.0, 0.12, 0.12).unwrap(),
    };
    let noise = NoiseModel { gain: 4.0, offset: 0.0, read_variance: 1.0 };
    let params = RidgeParams { sigma_xy_um: vec![0.3, 0.4, 0.5], binning: 2, ..RidgeParams::default() };
    engine.take_traffic().unwrap();
    ridge_on_device(engine, &stack, &noise, &params, &mut Silent).unwrap();
    engine.take_traffic().unwrap()
}

/// Bytes per binned voxel of a kernel's runs.
fn per_voxel(traffic: &Traffic, entry: &str) -> f64 {
    traffic.kernels[entry].work.bytes() as f64 / BINNED as f64
}

/// Raw voxels once, four of them to a binned one; then per scale pass A (read, write), the largest eigenvalue (read) and pass B (read and write; from the second
/// scale on the running maximum is read as well).
fn check_design(traffic: &Traffic) {
    let respond = 3.0 * 8.0 + 2.0 * 4.0;
    let expected = [("convert", 4.0 * 2.0 + 4.0), ("smooth_xy", 3.0 * 8.0), ("peak", 3.0 * 4.0), ("respond", respond)];
    for (entry, bytes) in expected {
        let found = per_voxel(traffic, entry);
        assert!((found - bytes).abs() < 0.01, "{entry}: {found} bytes per voxel instead of {bytes}");
    }
    assert_eq!(traffic.kernels.len(), expected.len(), "{:?}", traffic.kernels.keys());
    assert_eq!(traffic.copied_bytes, 0);
}

#[test]
fn a_volume_of_one_slab_is_moved_as_designed() {
    check_design(&traffic(&Engine::new(Backend::Cpu).unwrap()));
}

// The only test of this file on a device: engines of a test program share it, and its counts.
#[test]
fn on_a_device_what_is_moved_is_what_is_bound_and_only_what_was_asked_for_comes_back() {
    let Some(engine) = gpu() else { return };
    let traffic = traffic(engine);
    check_design(&traffic);
    assert_eq!(traffic.dispatches, 1 + 3 * 3);
    for (entry, kernel) in &traffic.kernels {
        // The running maximum is bound once, and read and written.
        let twice = if *entry == "respond" { 2 * 4 * BINNED } else { 0 };
        assert_eq!(kernel.work.bytes() - twice, kernel.bound_bytes, "{entry}");
    }
    // Up go the voxels as they are; back come two values per scale, and the map stays there.
    assert_eq!((traffic.uploaded_bytes, traffic.read_back_bytes), (2 * SHAPE.len() as u64, 3 * 8));
}

#[test]
fn slabs_add_their_halos_and_the_second_smoothing_and_nothing_else() {
    let engine = Engine::new(Backend::Cpu).unwrap().with_max_buffer_len(8 * 33 * 45);
    let traffic = traffic(&engine);
    let whole = per_voxel(&traffic, "respond");
    assert!(whole > 3.0 * 8.0 + 2.0 * 4.0, "{whole}");
    // Of every slab the planes read, in both sweeps.
    let smoothed = traffic.kernels["smooth_xy"].work.bytes_written;
    let (responded, peaked) = (traffic.kernels["respond"].work.bytes_read, traffic.kernels["peak"].work.bytes_read);
    let running = 2 * 4 * BINNED;
    assert_eq!(smoothed, responded - running + peaked);
    assert!(
        traffic.kernels["smooth_xy"].runs > 6 && traffic.kernels["smooth_xy"].runs == 2 * traffic.kernels["peak"].runs
    );
}
