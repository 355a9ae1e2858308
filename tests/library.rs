//! What imaging software relies on: borrowed voxels, threads, examples that run.

use std::path::PathBuf;
use std::process::Command;

use gemmule::engine::{Backend, Engine};
use gemmule::error::Error;
use gemmule::io::spines_table;
use gemmule::phantom::{self, PhantomParams};
use gemmule::pipeline::{self, Params, SeenSession, Tracked};
use gemmule::progress::Silent;
use gemmule::volume::{Shape, Stack, StackView, Volume, VolumeView, Voxels, VoxelsView};

fn small() -> Stack {
    let params = PhantomParams { planes: 10, rows: 96, columns: 128, seed: 7, ..PhantomParams::default() };
    phantom::stack(&params, &mut Silent).unwrap().stack
}

fn assert_shared<T: Send + Sync>() {}

#[test]
fn what_hosts_hold_goes_between_threads() {
    assert_shared::<Engine>();
    assert_shared::<Stack>();
    assert_shared::<StackView<'_>>();
    assert_shared::<Params>();
    assert_shared::<pipeline::Found>();
    assert_shared::<SeenSession>();
    assert_shared::<Tracked>();
    assert_shared::<Error>();
}

#[test]
fn one_value_seen_as_more_voxels_than_memory_holds_is_an_error() {
    let one = ndarray::arr0(7_u16);
    let error = Volume::from_view(one.broadcast((1 << 20, 1 << 20, 1 << 16)).unwrap()).unwrap_err().to_string();
    assert!(error.contains("shape is 1048576 x 1048576 x 65536") && error.contains("memory"), "{error}");
    assert_eq!(Volume::from_view(one.broadcast((2, 3, 4)).unwrap()).unwrap().as_slice(), [7; 24]);
}

#[test]
fn threads_share_one_engine_and_borrowed_voxels_give_what_owned_ones_give() {
    let (stack, engine, params) = (small(), Engine::new(Backend::Cpu).unwrap(), Params::default());
    let expected = pipeline::detect(&engine, &stack, &params, &mut Silent).unwrap();
    assert!(!expected.spines.is_empty());
    let Voxels::U16(volume) = &stack.voxels else { panic!("phantoms are 16 bit") };
    let array = volume.view();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let voxels = VoxelsView::U16(VolumeView::try_from(array).unwrap());
                let view = StackView::new(voxels, stack.voxel_size).unwrap();
                let found = pipeline::detect(&engine, view, &params, &mut Silent).unwrap();
                assert_eq!(spines_table(&found.spines), spines_table(&expected.spines));
                assert_eq!(found.labels, expected.labels);
            });
        }
    });
}

#[test]
fn a_receiver_that_says_no_cancels_at_every_step() {
    let (stack, engine, params) = (small(), Engine::new(Backend::Cpu).unwrap(), Params::default());
    let mut steps = 0;
    pipeline::detect(&engine, &stack, &params, &mut |_: &str, _: u64, _: u64| {
        steps += 1;
        true
    })
    .unwrap();
    assert!(steps > 5, "{steps}");
    for stop in 0..steps {
        let mut left = stop;
        let outcome = pipeline::detect(&engine, &stack, &params, &mut |_: &str, _: u64, _: u64| {
            left -= 1;
            left >= 0
        });
        assert!(matches!(outcome, Err(Error::Cancelled)), "stopped at step {stop} of {steps}");
    }
}

#[test]
fn voxels_that_are_not_finite_or_not_in_order_are_refused() {
    let mut volume = Volume::filled(Shape::new(2, 3, 4).unwrap(), 1.0_f32);
    volume.as_mut_slice()[17] = f32::NAN;
    let view = StackView::new(VoxelsView::F32((&volume).into()), small().voxel_size);
    assert!(view.unwrap_err().to_string().starts_with("voxel (1, 1, 1) is NaN"));
    let reversed = volume.view();
    let reversed = reversed.slice(ndarray::s![..;-1, .., ..]);
    assert!(VolumeView::try_from(reversed).unwrap_err().to_string().contains("Volume::from_view"));
}

#[test]
fn every_example_runs() {
    // target/debug/deps/library-... -> target/debug/examples
    let folder: PathBuf = std::env::current_exe().unwrap().parent().unwrap().parent().unwrap().join("examples");
    let no_gpu = std::env::var("GEMMULE_GPU_TESTS").is_ok_and(|v| v == "skip");
    for (name, says) in [
        ("filters", "ridge: 9 x 48 x 48 voxels"),
        ("detect", "spine_id,dendrite_id,z_um"),
        ("track", "track_id,session,day"),
        ("own_device", "bytes on the device"),
    ] {
        if name == "own_device" && no_gpu {
            eprintln!("GEMMULE_GPU_TESTS=skip: the example of an own device is NOT run");
            continue;
        }
        let output = Command::new(folder.join(name)).output();
        let output = output.expect("cargo test builds the examples; alone, this test needs cargo build --examples");
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success() && out.contains(says), "{name}: {out}\n{err}");
    }
}
