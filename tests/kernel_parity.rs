//! Every kernel on a GPU against its CPU twin, within the tolerance written beside the kernel.

mod common;

use common::gpu;
use gemmule::engine::{Buffer, Engine};
use gemmule::kernel::convert::{self, Convert};
use gemmule::kernel::local_maxima::LocalMaxima;
use gemmule::kernel::multiply_add::{self, MultiplyAdd};
use gemmule::kernel::smooth_xy::{self, SmoothXy};
use gemmule::kernel::smooth_z::{self, SmoothZ};
use gemmule::kernel::{HalfTaps, Slab};
use gemmule::volume::{Shape, Volume, Voxels};
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

/// Axes of one voxel, single planes, odd sizes below, at and above the width of workgroups.
const SHAPES: [[usize; 3]; 9] = [
    [1, 1, 1],
    [1, 1, 300],
    [70, 1, 1],
    [1, 150, 1],
    [3, 7, 5],
    [1, 65, 129],
    [9, 70, 131],
    [2, 64, 128],
    [17, 19, 33],
];

fn noise(n: usize, seed: u64) -> Vec<f32> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    (0..n).map(|_| random.random_range(-100.0..1000.0)).collect()
}

/// Positive taps of any shape that sum to 1.
fn taps(radius: u32, seed: u64) -> HalfTaps {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut taps = [0.0; 36];
    taps[..=radius as usize].fill_with(|| random.random_range(0.1..1.0));
    let sum = taps[0] + 2.0 * taps[1..].iter().sum::<f32>();
    taps.map(|t| t / sum)
}

fn largest(values: &[f32]) -> f32 {
    values.iter().fold(0.0, |m, v| m.max(v.abs()))
}

fn difference(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    assert!(a.iter().chain(b).all(|v| v.is_finite()), "values are finite");
    a.iter().zip(b).fold(0.0, |m, (a, b)| m.max((a - b).abs()))
}

fn on_gpu(engine: &Engine, input: &[f32], out_len: usize, run: impl Fn(&Buffer, &mut Buffer)) -> Vec<f32> {
    let input = engine.upload(input).unwrap();
    let mut output = engine.buffer(out_len).unwrap();
    run(&input, &mut output);
    let mut values = vec![f32::NAN; out_len];
    engine.read(&output, &mut values).unwrap();
    values
}

fn smooth_xy(slab: Slab, [radius_y, radius_x]: [u32; 2]) -> SmoothXy {
    let (taps_y, taps_x) = (taps(radius_y, 1), taps(radius_x, 2));
    SmoothXy { slab, radius_y, radius_x, padding: [0; 2], taps_y, taps_x }
}

fn smooth_z(slab: Slab, radius: u32) -> SmoothZ {
    SmoothZ { slab, radius, padding: [0; 3], taps: taps(radius, 3) }
}

#[test]
fn smoothing_in_the_plane() {
    let Some(engine) = gpu() else { return };
    for [nz, ny, nx] in SHAPES {
        for radii in [[0, 0], [1, 0], [0, 3], [4, 7], [16, 5], [32, 32]] {
            let kernel = smooth_xy(Slab::whole(nz, ny, nx), radii);
            let input = noise(nz * ny * nx, 4);
            let mut expected = vec![0.0; input.len()];
            kernel.cpu(&input, &mut expected);
            let found = on_gpu(engine, &input, input.len(), |i, o| kernel.run(engine, i, o).unwrap());
            let error = difference(&found, &expected) / largest(&input);
            assert!(error <= smooth_xy::TOLERANCE, "{nz} x {ny} x {nx}, radii {radii:?}: {error:e}");
        }
    }
}

#[test]
fn smoothing_along_z() {
    let Some(engine) = gpu() else { return };
    for [nz, ny, nx] in SHAPES {
        for radius in [0, 1, 5, 32] {
            let kernel = smooth_z(Slab::whole(nz, ny, nx), radius);
            let input = noise(nz * ny * nx, 5);
            let mut expected = vec![0.0; input.len()];
            kernel.cpu(&input, &mut expected);
            let found = on_gpu(engine, &input, input.len(), |i, o| kernel.run(engine, i, o).unwrap());
            let error = difference(&found, &expected) / largest(&input);
            assert!(error <= smooth_z::TOLERANCE, "{nz} x {ny} x {nx}, radius {radius}: {error:e}");
        }
    }
}

#[test]
fn one_wrong_tap_is_noticed() {
    let Some(engine) = gpu() else { return };
    let slab = Slab::whole(9, 40, 50);
    let input = noise(9 * 40 * 50, 6);
    let mut expected = vec![0.0; input.len()];
    let xy = smooth_xy(slab, [6, 6]);
    xy.cpu(&input, &mut expected);
    let mut wrong = xy;
    wrong.taps_y[6] *= 1.001;
    let found = on_gpu(engine, &input, input.len(), |i, o| wrong.run(engine, i, o).unwrap());
    assert!(difference(&found, &expected) / largest(&input) > smooth_xy::TOLERANCE);
    let z = smooth_z(slab, 6);
    z.cpu(&input, &mut expected);
    let mut wrong = z;
    wrong.taps[6] *= 1.001;
    let found = on_gpu(engine, &input, input.len(), |i, o| wrong.run(engine, i, o).unwrap());
    assert!(difference(&found, &expected) / largest(&input) > smooth_z::TOLERANCE);
}

#[test]
fn multiplying_and_adding() {
    let Some(engine) = gpu() else { return };
    for (len, rounds) in [(1, 0), (1, 1), (255, 3), (257, 40), (70_001, 2)] {
        for factor in [0.0, 0.3, 0.5] {
            let kernel = MultiplyAdd { len, rounds, factor, term: 1.7 };
            let input = noise(len as usize, 9);
            let mut expected = input.clone();
            kernel.cpu(&mut expected);
            let mut values = engine.upload(&input).unwrap();
            kernel.run(engine, &mut values).unwrap();
            let mut found = vec![f32::NAN; input.len()];
            engine.read(&values, &mut found).unwrap();
            let error = difference(&found, &expected) / largest(&input).max(7.0);
            assert!(error <= multiply_add::TOLERANCE, "{len} values, {rounds} rounds of {factor}: {error:e}");
            // After many steps every sum is the fixed point, whatever it was.
            if rounds == 40 {
                let fixed = 8.0 * 1.7 / (1.0 - factor);
                assert!(expected.iter().all(|v| (v - fixed).abs() < 1e-5 * fixed), "{expected:?}");
            }
        }
    }
}

#[test]
fn slabs_give_the_bits_of_the_whole() {
    let ([nz, ny, nx], radius) = ([23, 21, 40], 6);
    let n = ny * nx;
    let input = noise(nz * n, 7);
    let engines: Vec<Engine> = vec![Engine::new(gemmule::engine::Backend::Cpu).unwrap()];
    for engine in engines.iter().chain(gpu()) {
        let run = |slab: Slab| {
            let part = &input[slab.in_start as usize * n..][..slab.input_len()];
            let middle = slab.input_only();
            let xy = on_gpu(engine, part, part.len(), |i, o| smooth_xy(middle, [5, 9]).run(engine, i, o).unwrap());
            let kernel = smooth_z(slab, radius);
            on_gpu(engine, &xy, slab.output_len(), |i, o| kernel.run(engine, i, o).unwrap())
        };
        let whole = run(Slab::whole(nz, ny, nx));
        for planes in [1, 4, 13] {
            let starts = (0..nz).step_by(planes);
            let slab = |start| Slab::of_planes(nz, ny, nx, start, planes.min(nz - start), radius as usize);
            let pieces: Vec<f32> = starts.flat_map(|start| run(slab(start))).collect();
            assert_eq!(pieces, whole, "slabs of {planes} planes, {}", engine.describe());
        }
    }
}

fn stacks([nz, ny, nx]: [usize; 3]) -> [Voxels; 4] {
    let shape = Shape::new(nz, ny, nx).unwrap();
    let mut random = ChaCha8Rng::seed_from_u64(8);
    let mut words: Vec<u16> = (0..shape.len()).map(|_| random.random()).collect();
    words[0] = u16::MAX;
    let volume = Volume::new(shape, words.clone()).unwrap();
    let bytes = Volume::new(shape, words.iter().map(|v| *v as u8).collect()).unwrap();
    let signed = Volume::new(shape, words.iter().map(|v| *v as i16).collect()).unwrap();
    let floats = Volume::new(shape, words.iter().map(|v| f32::from(*v) * 0.37 - 9.0).collect()).unwrap();
    [Voxels::U8(bytes), Voxels::U16(volume), Voxels::I16(signed), Voxels::F32(floats)]
}

fn convert([nz, ny, nx]: [usize; 3], binning: usize, stabilise: u32, planes: std::ops::Range<usize>) -> Convert {
    let (by, bx) = (Convert::binned(ny, binning), Convert::binned(nx, binning));
    Convert {
        slab: Slab::of_planes(nz, by, bx, planes.start, planes.len(), 0),
        raw_ny: ny as u32,
        raw_nx: nx as u32,
        binning: binning as u32,
        stabilise,
        scale: 0.25,
        shift: -3.0,
        weight: 1.0 / (binning * binning) as f32,
        skip: 0,
    }
}

#[test]
fn conversion_of_every_voxel_type() {
    let Some(engine) = gpu() else { return };
    for shape in SHAPES {
        for voxels in stacks(shape) {
            for (binning, stabilise) in [(1, 0), (1, 1), (2, 0), (2, 1), (3, 1), (8, 0)] {
                for planes in [0..shape[0], shape[0] / 2..shape[0] / 2 + 1] {
                    let kernel = convert(shape, binning, stabilise, planes);
                    let mut expected = vec![0.0; kernel.slab.output_len()];
                    kernel.cpu(&voxels, &mut expected);
                    let mut output = engine.buffer(expected.len()).unwrap();
                    kernel.run(engine, &voxels, &mut output).unwrap();
                    let mut found = vec![f32::NAN; expected.len()];
                    engine.read(&output, &mut found).unwrap();
                    for (found, expected) in found.iter().zip(&expected) {
                        check_converted(&kernel, *found, *expected, voxels.type_name());
                    }
                }
            }
        }
    }
}

/// Relative to the value; where photons and shift cancel before the root, relative to those: a fused multiply-add keeps what
/// the twin rounds away.
fn check_converted(kernel: &Convert, found: f32, expected: f32, kind: &str) {
    let relative = convert::TOLERANCE * expected.abs();
    let cancelled = if kernel.stabilise == 1 { (f32::EPSILON * kernel.shift.abs()).sqrt() } else { 0.0 };
    let close = (found - expected).abs() <= relative + cancelled;
    assert!(close, "{kind} binned by {}: {found} instead of {expected}", kernel.binning);
}

#[test]
fn not_a_number_stabilises_to_zero_on_both() {
    let Some(engine) = gpu() else { return };
    let volume = Volume::new(Shape::new(1, 1, 2).unwrap(), vec![f32::NAN, 100.0]).unwrap();
    let kernel = convert([1, 1, 2], 1, 1, 0..1);
    let mut output = engine.buffer(2).unwrap();
    kernel.run(engine, &Voxels::F32(volume.clone()), &mut output).unwrap();
    let (mut found, mut expected) = ([0.0; 2], [0.0; 2]);
    engine.read(&output, &mut found).unwrap();
    kernel.cpu(&Voxels::F32(volume), &mut expected);
    assert_eq!(expected[0], 0.0);
    assert_eq!(found[0], 0.0);
}

/// Few different values, so that there are plateaus and ties.
fn plateaus(n: usize) -> Vec<f32> {
    let mut random = ChaCha8Rng::seed_from_u64(9);
    (0..n).map(|_| random.random_range(0..40) as f32).collect()
}

#[test]
fn local_maxima_are_the_same_in_the_same_order() {
    let Some(engine) = gpu() else { return };
    for [nz, ny, nx] in SHAPES {
        for scales in [1, 3] {
            // A capacity that is too small must only cost a second run.
            for capacity in [1, 1 << 16] {
                let slab = Slab::whole(nz, ny, nx);
                let kernel = LocalMaxima { slab, scales, capacity, threshold: 20.0, padding: 0 };
                let input = plateaus(scales as usize * nz * ny * nx);
                let expected = kernel.cpu(&input);
                let found = kernel.run(engine, &engine.upload(&input).unwrap()).unwrap();
                assert_eq!(found, expected, "{nz} x {ny} x {nx}, {scales} scales");
            }
        }
    }
}

#[test]
fn local_maxima_of_slabs_are_those_of_the_whole() {
    let [nz, ny, nx] = [11, 30, 37];
    let input = plateaus(2 * nz * ny * nx);
    let run = |slab: Slab| {
        let kernel = LocalMaxima { slab, scales: 2, capacity: 100, threshold: 20.0, padding: 0 };
        let blocks =
            input.chunks(nz * ny * nx).flat_map(|b| &b[slab.in_start as usize * ny * nx..][..slab.input_len()]);
        let part: Vec<f32> = blocks.copied().collect();
        let found = gpu().map(|engine| kernel.run(engine, &engine.upload(&part).unwrap()).unwrap());
        let expected = kernel.cpu(&part);
        assert!(found.is_none_or(|found| found == expected));
        expected
    };
    let whole = run(Slab::whole(nz, ny, nx));
    assert!(whole.len() > 100, "the case has maxima");
    let mut pieces: Vec<_> =
        (0..nz).step_by(4).flat_map(|z| run(Slab::of_planes(nz, ny, nx, z, 4.min(nz - z), 1))).collect();
    pieces.sort_by_key(|m| (m.scale, m.z, m.yx));
    assert_eq!(pieces, whole);
}
