//! The same stack given in another way has the same spines: type, brightness, offset, direction, crop.

use gemmule::engine::{Backend, Engine};
use gemmule::phantom::{self, PhantomParams};
use gemmule::pipeline::{self, Params};
use gemmule::progress::Silent;
use gemmule::score::{self, FoundPoint, ScoreParams, Truth};
use gemmule::units::{PointUm, VoxelSize};
use gemmule::volume::{Shape, Stack, Volume, Voxels};

/// Phantoms scored together: some 400 spines, 200 of them where a cropped stack is scored, of which one is .003 to .005 of F1, well below the .02
/// that is asked about.
const SEEDS: std::ops::RangeInclusive<u64> = 1..=16;
/// Voxels cut off all around.
const CUT: usize = 40;
/// Nearer to the cut than this, µm, a shaft's template may change; neither found nor true spines count there.
const MARGIN_UM: f64 = 5.0;

/// One way to give a stack, and how its coordinates lead back to the original.
struct Variant {
    name: &'static str,
    make: fn(&Volume<u16>) -> Voxels,
    back: fn(PointUm, Shape, VoxelSize) -> PointUm,
    inner_um: f64,
}

fn same(p: PointUm, _: Shape, _: VoxelSize) -> PointUm {
    p
}

fn map(v: &Volume<u16>, shape: Shape, from: impl Fn(usize, usize, usize) -> usize) -> Voxels {
    let values = (0..shape.len()).map(|i| shape.voxel(i)).map(|at| v.as_slice()[from(at.z, at.y, at.x)]).collect();
    Voxels::U16(Volume::new(shape, values).expect("as long as the shape"))
}

fn scaled(v: &Volume<u16>, of: impl Fn(f64) -> f64) -> Voxels {
    let values = v.as_slice().iter().map(|&x| of(f64::from(x)).round().clamp(0.0, 65535.0) as u16).collect();
    Voxels::U16(Volume::new(v.shape(), values).expect("as long as the shape"))
}

fn to_u8(v: &Volume<u16>) -> Voxels {
    let top = f64::from(v.as_slice().iter().copied().max().unwrap_or(1));
    let values = v.as_slice().iter().map(|&x| (f64::from(x) * 255.0 / top).round() as u8).collect();
    Voxels::U8(Volume::new(v.shape(), values).expect("as long as the shape"))
}

const VARIANTS: [Variant; 8] = [
    Variant { name: "u8", make: to_u8, back: same, inner_um: 0.0 },
    Variant { name: "a quarter as bright", make: |v| scaled(v, |x| x / 4.0), back: same, inner_um: 0.0 },
    Variant { name: "four times as bright", make: |v| scaled(v, |x| x * 4.0), back: same, inner_um: 0.0 },
    Variant { name: "offset 100", make: |v| scaled(v, |x| x + 100.0), back: same, inner_um: 0.0 },
    Variant {
        name: "mirrored",
        make: |v| {
            let s = v.shape();
            map(v, s, |z, y, x| s.index(z, y, s.x - 1 - x))
        },
        back: |p, s, size| PointUm { x: (s.x - 1) as f64 * size.x_um - p.x, ..p },
        inner_um: 0.0,
    },
    Variant {
        name: "upside down in z",
        make: |v| {
            let s = v.shape();
            map(v, s, |z, y, x| s.index(s.z - 1 - z, y, x))
        },
        back: |p, s, size| PointUm { z: (s.z - 1) as f64 * size.z_um - p.z, ..p },
        inner_um: 0.0,
    },
    Variant {
        name: "rotated by 90 degrees",
        make: |v| {
            let s = v.shape();
            map(v, Shape { y: s.x, x: s.y, ..s }, |z, y, x| s.index(z, s.y - 1 - x, y))
        },
        back: |p, s, size| PointUm { z: p.z, y: (s.y - 1) as f64 * size.y_um - p.x, x: p.y },
        inner_um: 0.0,
    },
    Variant {
        name: "cropped",
        make: |v| {
            let s = v.shape();
            let cut = Shape { y: s.y - 2 * CUT, x: s.x - 2 * CUT, ..s };
            map(v, cut, |z, y, x| s.index(z, y + CUT, x + CUT))
        },
        back: |p, _, size| PointUm { y: p.y + CUT as f64 * size.y_um, x: p.x + CUT as f64 * size.x_um, ..p },
        inner_um: CUT as f64 * 0.1 + MARGIN_UM,
    },
];

struct Counts {
    tp: usize,
    wrong: usize,
}

impl Counts {
    fn f1(&self) -> f64 {
        2.0 * self.tp as f64 / (2 * self.tp + self.wrong) as f64
    }

    /// Adds the score of one stack, of what lies `inner_um` inside the original's sides.
    fn add(&mut self, truth: &Truth, heads: &[PointUm], (shape, size): (Shape, VoxelSize), inner_um: f64) {
        let (height, width) = ((shape.y - 1) as f64 * size.y_um, (shape.x - 1) as f64 * size.x_um);
        let inside = |p: PointUm| {
            let is_in = |at: f64, to: f64| (inner_um..=to - inner_um).contains(&at);
            inner_um == 0.0 || is_in(p.y, height) && is_in(p.x, width)
        };
        let points: Vec<FoundPoint> =
            heads.iter().filter(|&&p| inside(p)).map(|&place| FoundPoint { place, score: None }).collect();
        let mut truth = truth.clone();
        truth.spines.retain(|s| inside(s.head.unwrap_or(s.tip)));
        let score = score::detect(&truth, &points, &ScoreParams::default()).expect("finite points");
        self.tp += score.tp;
        self.wrong += score.fp + score.missed;
    }
}

fn heads(stack: &Stack) -> Vec<PointUm> {
    let engine = Engine::new(Backend::Cpu).expect("the CPU always works");
    let found = pipeline::detect(&engine, stack, &Params::default(), &mut Silent).expect("the stack can be analysed");
    found.spines.iter().map(|s| s.head).collect()
}

#[test]
fn f1_does_not_depend_on_how_the_stack_is_given() {
    let made: Vec<(phantom::Phantom, Truth)> = SEEDS
        .map(|seed| {
            let params = PhantomParams { seed, ..PhantomParams::default() };
            let phantom = phantom::stack(&params, &mut Silent).expect("defaults are valid");
            let folder = tempfile::tempdir().expect("a folder for the truth");
            for (name, text) in phantom::truth_files(&phantom, 0).expect("the truth can be written") {
                std::fs::write(folder.path().join(name), text).expect("the folder can be written to");
            }
            let truth = Truth::read(folder.path(), 0).expect("what was written can be read");
            (phantom, truth)
        })
        .collect();
    let original = |phantom: &phantom::Phantom| (phantom.stack.voxels.shape(), phantom.stack.voxel_size);
    let as_made: Vec<Vec<PointUm>> = made.iter().map(|(phantom, _)| heads(&phantom.stack)).collect();
    for variant in &VARIANTS {
        let (mut before, mut after) = (Counts { tp: 0, wrong: 0 }, Counts { tp: 0, wrong: 0 });
        for ((phantom, truth), heads_before) in made.iter().zip(&as_made) {
            let Voxels::U16(volume) = &phantom.stack.voxels else { panic!("phantoms have 16 bits") };
            let (shape, size) = original(phantom);
            let given = Stack { voxels: (variant.make)(volume), voxel_size: size };
            let heads_after: Vec<PointUm> = heads(&given).into_iter().map(|p| (variant.back)(p, shape, size)).collect();
            before.add(truth, heads_before, (shape, size), variant.inner_um);
            after.add(truth, &heads_after, (shape, size), variant.inner_um);
        }
        let (before, after) = (before.f1(), after.f1());
        println!("{}: F1 {before:.3} -> {after:.3}", variant.name);
        assert!((after - before).abs() <= 0.02, "{}: F1 {before:.3} -> {after:.3}", variant.name);
    }
}
