//! The whole way from a synthetic stack to its spines, on the CPU and on a GPU.

mod common;

use gemmule::engine::{Backend, Engine};
use gemmule::error::Error;
use gemmule::io;
use gemmule::model::{Spine, SpineFlag};
use gemmule::phantom::{self, PhantomParams};
use gemmule::pipeline::{self, Found, Params};
use gemmule::progress::{Progress, Silent};
use gemmule::register::MotionParams;
use gemmule::score::{self, FoundPoint, ScoreParams, Truth};
use gemmule::units::{PointUm, VoxelSize};
use gemmule::volume::{Shape, Source, Stack, Volume, Voxels};

fn cpu() -> Engine {
    Engine::new(Backend::Cpu).expect("the CPU always works")
}

fn made(seed: u64) -> phantom::Phantom {
    phantom::stack(&PhantomParams { seed, ..PhantomParams::default() }, &mut Silent).expect("defaults are valid")
}

fn found(engine: &Engine, stack: &Stack) -> Found {
    pipeline::detect(engine, stack, &Params::default(), &mut Silent).expect("the stack can be analysed")
}

#[test]
fn most_spines_of_synthetic_stacks_are_found_and_most_found_are_true() {
    let (mut tp, mut fp, mut missed) = (0, 0, 0);
    for seed in 1..=4 {
        let phantom = made(seed);
        let folder = tempfile::tempdir().expect("a folder for the truth");
        for (name, text) in phantom::truth_files(&phantom, 0).expect("the truth can be written") {
            std::fs::write(folder.path().join(name), text).expect("the folder can be written to");
        }
        let points: Vec<FoundPoint> = found(&cpu(), &phantom.stack)
            .spines
            .iter()
            .map(|spine| FoundPoint { place: spine.head, score: Some(spine.score) })
            .collect();
        let truth = Truth::read(folder.path(), 0).expect("what was written can be read");
        let score = score::detect(&truth, &points, &ScoreParams::default()).expect("the points are finite");
        tp += score.tp;
        fp += score.fp;
        missed += score.missed;
    }
    // .86 over twelve such stacks; two standard errors of 100 spines below it.
    let f1 = 2.0 * tp as f64 / (2 * tp + fp + missed) as f64;
    assert!(f1 > 0.79, "F1 {f1:.3}: {tp} found, {fp} false, {missed} missed");
}

/// Responses differ in their last bits, and along a shaft many paths cost the same: before costs were whole numbers, of these twelve stacks seven had other centrelines (by more than .001 µm) and six other spines.
#[test]
fn gpu_and_cpu_find_the_same_dendrites_and_spines() {
    let Some(gpu) = common::gpu() else { return };
    for seed in 1..=12 {
        // Small: software adapters are slow.
        let params = PhantomParams { planes: 16, rows: 256, columns: 256, seed, ..PhantomParams::default() };
        let phantom = phantom::stack(&params, &mut Silent).expect("valid");
        let (on_cpu, on_gpu) = (found(&cpu(), &phantom.stack), found(gpu, &phantom.stack));
        assert_eq!(on_cpu.dendrites.len(), on_gpu.dendrites.len(), "seed {seed}");
        for (a, b) in on_cpu.dendrites.iter().zip(&on_gpu.dendrites) {
            assert_eq!(a.points.len(), b.points.len(), "seed {seed}, dendrite {}", a.dendrite_id);
            let apart = a.points.iter().zip(&b.points).map(|(a, b)| a.distance_um(*b)).fold(0.0, f64::max);
            assert!(apart < 0.001, "seed {seed}, dendrite {}: {apart} µm", a.dendrite_id);
        }
        assert!(!on_cpu.spines.is_empty());
        assert_eq!(on_cpu.spines.len(), on_gpu.spines.len(), "seed {seed}");
        for (a, b) in on_cpu.spines.iter().zip(&on_gpu.spines) {
            let same = a.dendrite_id == b.dendrite_id && a.side == b.side && (a.score - b.score).abs() < 0.01;
            assert!(a.head.distance_um(b.head) < 0.01 && same, "seed {seed}: {a:?} {b:?}");
        }
    }
}

#[test]
fn spines_are_attached_measured_and_labelled() {
    let phantom = made(6);
    let found = found(&cpu(), &phantom.stack);
    let labels = found.labels.to_volume();
    for (n, spine) in found.spines.iter().enumerate() {
        assert_eq!(spine.spine_id, n as u32 + 1);
        let dendrite = &found.dendrites[spine.dendrite_id as usize - 1];
        assert!(dendrite.point_at(spine.s_um).distance_um(spine.base) < 0.05, "the base is on the centreline");
        assert!(spine.tip.distance_xy_um(spine.base) > spine.head.distance_xy_um(spine.base), "the tip is outermost");
        let grid = phantom.stack.grid();
        assert!(grid.contains(spine.head) && grid.contains(spine.tip), "spine {} lies in the stack", spine.spine_id);
        assert!(spine.length_um >= 0.0 && spine.brightness > 0.0 && spine.score <= spine.snr);
        assert!(spine.head_width_um.is_none_or(|w| w > 0.0 && w < 5.0));
        assert!(labels.as_slice().contains(&(spine.spine_id as u16)), "spine {} has no voxel", spine.spine_id);
    }
}

/// Heads so near to each other that the voxels of one would cover the other's.
#[test]
fn every_spine_of_a_crowded_dendrite_has_voxels() {
    for seed in 1..=6 {
        let params = PhantomParams { planes: 12, rows: 160, columns: 224, seed, ..PhantomParams::default() };
        let params = PhantomParams { density_per_um: 0.8, ..params };
        let found = found(&cpu(), &phantom::stack(&params, &mut Silent).expect("valid").stack);
        let labels = found.labels.to_volume();
        let there: std::collections::HashSet<u16> = labels.as_slice().iter().copied().collect();
        for spine in &found.spines {
            assert!(there.contains(&(spine.spine_id as u16)), "seed {seed}, spine {} has no voxel", spine.spine_id);
        }
    }
}

#[test]
fn the_same_stack_gives_the_same_result() {
    let phantom = made(7);
    let (a, b) = (found(&cpu(), &phantom.stack), found(&cpu(), &phantom.stack));
    assert_eq!(a.spines, b.spines);
    assert_eq!(a.dendrites, b.dendrites);
    assert_eq!(a.labels, b.labels);
}

/// Tiles are slabs of planes with a halo.
#[test]
fn tiles_of_any_size_give_the_same_spines() {
    let phantom =
        phantom::stack(&PhantomParams { planes: 60, rows: 160, columns: 256, ..PhantomParams::default() }, &mut Silent);
    let stack = phantom.expect("valid").stack;
    let whole = found(&cpu(), &stack);
    assert!(!whole.spines.is_empty());
    // With the least slab most of the work is halo: four times the halo and a plane.
    for planes in [1, 30] {
        let tiled = found(&cpu().with_max_buffer_len(planes * 160 * 256), &stack);
        assert_eq!(tiled.spines, whole.spines, "slabs of {planes} planes");
        assert_eq!(tiled.dendrites, whole.dendrites, "slabs of {planes} planes");
        assert_eq!(tiled.labels, whole.labels, "slabs of {planes} planes");
    }
}

#[test]
fn a_bare_shaft_in_noise_has_at_most_one_spine_per_200_um() {
    let (mut spines, mut length_um) = (0, 0.0);
    for seed in 1..=5 {
        let params = PhantomParams { density_per_um: 0.0, axons: 0, seed, ..PhantomParams::default() };
        let phantom = phantom::stack(&params, &mut Silent).expect("valid");
        let found = found(&cpu(), &phantom.stack);
        // What is found where nothing can be judged says so, and counts in no density.
        let scorable = |spine: &&Spine| !spine.flags.contains(&SpineFlag::OnUnscorableStretch);
        spines += found.spines.iter().filter(scorable).count();
        length_um += found.dendrites.iter().map(|d| d.scorable_length_um()).sum::<f64>();
    }
    assert!(length_um > 350.0, "the bare shafts are traced and can be judged: {length_um}");
    assert!(spines as f64 <= length_um / 200.0, "{spines} spines on bare shafts of {length_um} µm");
}

/// A threshold that is a multiple of the background's response lies above any response in a dim stack.
#[test]
fn a_dim_stack_is_traced_and_noise_alone_is_not() {
    for (seed, photons) in [(1, 60.0), (4, 60.0), (2, 30.0)] {
        let params = PhantomParams { seed, photons, ..PhantomParams::default() };
        let phantom = phantom::stack(&params, &mut Silent).expect("valid");
        let found = found(&cpu(), &phantom.stack);
        for truth in &phantom.dendrites {
            let near = |p: &&PointUm| {
                found
                    .dendrites
                    .iter()
                    .flat_map(|d| &d.points)
                    .any(|q| p.distance_xy_um(*q) < 1.0 && (p.z - q.z).abs() < 3.0)
            };
            let covered = truth.points.iter().filter(near).count() as f64 / truth.points.len() as f64;
            assert!(covered > 0.9, "seed {seed}, {photons} photons: {covered:.2} of dendrite {}", truth.dendrite_id);
        }
        assert!(found.dendrites.len() <= 4, "seed {seed}: {} dendrites, some of them noise", found.dendrites.len());
    }
    let empty = PhantomParams { dendrites: 1, axons: 0, density_per_um: 0.0, photons: 1.0, ..PhantomParams::default() };
    let stack = phantom::stack(&empty, &mut Silent).expect("valid").stack;
    assert_eq!(found(&cpu(), &stack).dendrites, []);
}

#[test]
fn tiny_flat_and_odd_stacks_give_an_answer_or_an_error() {
    let voxel_size = VoxelSize::new(1.0, 0.1, 0.1).expect("valid");
    for (z, y, x) in [(1, 1, 1), (1, 64, 64), (5, 1, 64), (5, 64, 1), (3, 7, 9), (2, 33, 65)] {
        let shape = Shape::new(z, y, x).expect("valid");
        let flat = Stack { voxels: Voxels::U8(Volume::filled(shape, 9)), voxel_size };
        let error = pipeline::detect(&cpu(), &flat, &Params::default(), &mut Silent).expect_err("no noise to measure");
        assert!(matches!(error, Error::Parameter { .. }), "{error}");
        // A pattern that no microscope makes: it must end, in whatever way.
        let values = (0..shape.len()).map(|i| (i * 7919 % 251) as u16).collect();
        let odd = Stack { voxels: Voxels::U16(Volume::new(shape, values).expect("as long as the shape")), voxel_size };
        let _ = pipeline::detect(&cpu(), &odd, &Params::default(), &mut Silent);
    }
}

/// Cancels at the given report.
struct StopAfter(usize);

impl Progress for StopAfter {
    fn report(&mut self, _stage: &str, _done: u64, _total: u64) -> bool {
        self.0 = self.0.saturating_sub(1);
        self.0 > 0
    }
}

#[test]
fn it_can_be_cancelled_at_every_stage() {
    let phantom = made(8);
    for reports in 1..12 {
        let result = pipeline::detect(&cpu(), &phantom.stack, &Params::default(), &mut StopAfter(reports));
        assert!(matches!(result, Err(Error::Cancelled)), "after {reports} reports");
    }
}

/// A branch may join where the end of its parent was cut back; found on a dim stack with a low threshold.
#[test]
fn branches_join_what_is_left_of_their_parent() {
    let mut params = Params::default();
    params.trace.low_factor = 10.0;
    let mut joins = 0;
    // Not every field has a branch.
    for seed in 1..=6 {
        let dim = PhantomParams { seed, photons: 60.0, ..PhantomParams::default() };
        let stack = phantom::stack(&dim, &mut Silent).expect("valid").stack;
        let found = pipeline::detect(&cpu(), &stack, &params, &mut Silent).expect("the stack can be analysed");
        for (parent, at) in found.dendrites.iter().filter_map(|d| d.parent) {
            let parent = found.dendrites.iter().find(|d| d.dendrite_id == parent).expect("the parent is listed");
            assert!(at < parent.points.len(), "seed {seed}");
            joins += 1;
        }
    }
    assert!(joins >= 2, "{joins}");
}

/// Of a file that does not fit the memory, planes are read as they are needed: whatever the size of the slabs, the result is that of the stack in memory.
#[test]
fn a_stack_read_in_parts_gives_the_same_result() {
    let params = PhantomParams { planes: 14, rows: 210, columns: 301, seed: 4, ..PhantomParams::default() };
    let stack = phantom::stack(&params, &mut Silent).expect("valid").stack;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("stack.tif");
    io::write_stack(&path, &stack).unwrap();
    let file = io::StackFile::open(&path, &io::ReadOptions::default()).unwrap();
    for engine in [Some(cpu()), common::gpu().cloned()].into_iter().flatten() {
        let whole = found(&engine, &stack);
        assert!(whole.spines.len() > 5, "{} spines", whole.spines.len());
        // Its planes have moved, and it is laid out free of that.
        assert!(whole.motion.rms_um().is_some_and(|rms| rms > MotionParams::default().error_um));
        for planes in [1, 12, 1000] {
            let engine = engine.clone().with_max_buffer_len(planes * 210 * 301);
            let parts = pipeline::detect(&engine, Source::Parts(&file), &Params::default(), &mut Silent).unwrap();
            assert_eq!(parts.noise, whole.noise, "slabs of {planes} planes");
            assert_eq!(parts.noise_correlation, whole.noise_correlation, "slabs of {planes} planes");
            assert_eq!(parts.motion, whole.motion, "slabs of {planes} planes");
            assert_eq!(parts.dendrites, whole.dendrites, "slabs of {planes} planes");
            assert_eq!(parts.spines, whole.spines, "slabs of {planes} planes");
            assert_eq!(parts.labels, whole.labels, "slabs of {planes} planes");
        }
    }
}
