//! Voxels of any shape and any values through detection and tracking: an error, or an answer with finite places. No panic, no hang.

use std::time::{Duration, Instant};

use gemmule::engine::{Backend, Engine};
use gemmule::model::Session;
use gemmule::phantom::{self, PhantomParams};
use gemmule::pipeline::{self, Found, Params};
use gemmule::progress::Silent;
use gemmule::units::VoxelSize;
use gemmule::volume::{Shape, Stack, Volume, Voxels};
use proptest::prelude::*;

/// Longest time for the small stacks of this test: most take milliseconds.
const LONGEST: Duration = Duration::from_secs(60);

/// A generator of its own, so that a value needs no state of proptest (xorshift).
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

#[derive(Clone, Copy, Debug)]
enum Values {
    Equal,
    Noise,
    /// Half of the voxels at the end of the type.
    Saturated,
    /// One bright voxel.
    Spike,
    Checkerboard,
    /// A bright line in noise: something is traced.
    Line,
    /// Floats only: some voxels are NaN, infinite, enormous or tiny.
    Special,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    U8,
    U16,
    I16,
    F32,
}

fn voxels(shape: Shape, kind: Kind, values: Values, seed: u64) -> Voxels {
    let mut noise = Noise(seed | 1);
    let top = match kind {
        Kind::U8 => 255.0,
        Kind::U16 => 65_535.0,
        Kind::I16 => 32_767.0,
        Kind::F32 => 1e4,
    };
    let special = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX, f32::MIN, f32::MIN_POSITIVE, -0.0, 1e30];
    let mut value = |i: usize| -> f32 {
        let random = (noise.next() >> 40) as f32 / 16_777_216.0;
        let at = shape.voxel(i);
        match values {
            Values::Equal => 7.0,
            Values::Noise => random * top * 0.2,
            Values::Saturated => {
                if random < 0.5 {
                    top
                } else {
                    random * top
                }
            }
            Values::Spike => {
                if i == shape.len() / 2 {
                    top
                } else {
                    0.0
                }
            }
            Values::Checkerboard => {
                if (at.z + at.y + at.x).is_multiple_of(2) {
                    top
                } else {
                    0.0
                }
            }
            Values::Line => random * top * 0.05 + if at.y.abs_diff(shape.y / 2) < 4 { top * 0.4 } else { 0.0 },
            Values::Special => {
                if noise.next().is_multiple_of(7) {
                    special[noise.next() as usize % special.len()]
                } else {
                    random * 100.0
                }
            }
        }
    };
    let all: Vec<f32> = (0..shape.len()).map(&mut value).collect();
    match kind {
        Kind::U8 => Voxels::U8(Volume::new(shape, all.iter().map(|v| *v as u8).collect()).unwrap()),
        Kind::U16 => Voxels::U16(Volume::new(shape, all.iter().map(|v| *v as u16).collect()).unwrap()),
        Kind::I16 => Voxels::I16(Volume::new(shape, all.iter().map(|v| *v as i16).collect()).unwrap()),
        Kind::F32 => Voxels::F32(Volume::new(shape, all).unwrap()),
    }
}

fn check(found: &Found, shape: Shape) {
    for spine in &found.spines {
        for p in [spine.head, spine.tip, spine.base] {
            assert!(p.z.is_finite() && p.y.is_finite() && p.x.is_finite(), "{spine:?}");
        }
        assert!(spine.length_um.is_finite() && spine.score.is_finite() && spine.s_um.is_finite(), "{spine:?}");
    }
    for dendrite in &found.dendrites {
        assert!(dendrite.length_um().is_finite() && dendrite.scorable_length_um() <= dendrite.length_um() + 1e-9);
    }
    assert_eq!(found.labels.shape(), shape);
}

fn kinds() -> impl Strategy<Value = Kind> {
    prop::sample::select(vec![Kind::U8, Kind::U16, Kind::I16, Kind::F32])
}

fn values() -> impl Strategy<Value = Values> {
    use Values::{Checkerboard, Equal, Line, Noise, Saturated, Special, Spike};
    prop::sample::select(vec![Equal, Noise, Saturated, Spike, Checkerboard, Line, Line, Special])
}

/// Thin, small and long shapes; most too small for a noise model, some not.
fn shapes() -> impl Strategy<Value = Shape> {
    let plane = prop_oneof![(1..6_usize, 1..6_usize), (1..3_usize, 200..400_usize), (30..120_usize, 30..160_usize)];
    (1..8_usize, plane).prop_map(|(z, (y, x))| Shape::new(z, y, x).unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_stack_is_an_error_or_an_answer(
        shape in shapes(),
        kind in kinds(),
        values in values(),
        seed in any::<u64>(),
        (z_um, xy_um) in (prop::sample::select(vec![1e-4, 0.2, 1.0, 5.0, 1e4]), prop::sample::select(vec![1e-4, 0.03, 0.1, 0.5, 1e4])),
    ) {
        let engine = Engine::new(Backend::Cpu).unwrap();
        let voxel_size = VoxelSize::new(z_um, xy_um, xy_um).unwrap();
        let stack = Stack { voxels: voxels(shape, kind, values, seed), voxel_size };
        let start = Instant::now();
        if let Ok(found) = pipeline::detect(&engine, &stack, &Params::default(), &mut Silent) {
            check(&found, shape);
        }
        prop_assert!(start.elapsed() < LONGEST, "took {:?}", start.elapsed());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    /// A good session and one that is spoilt in some way: tracking says so, or gives calls with finite places.
    #[test]
    fn a_spoilt_session_is_an_error_or_unscorable(
        what in 0..8_usize,
        amount in 0.05..1.0_f64,
        seed in any::<u64>(),
    ) {
        let engine = Engine::new(Backend::Cpu).unwrap();
        let params = PhantomParams { planes: 8, rows: 128, columns: 160, dendrites: 1, axons: 0, seed: seed % 8, ..PhantomParams::default() };
        let made = phantom::stack(&params, &mut Silent).unwrap();
        let Voxels::U16(good) = &made.stack.voxels else { panic!("phantoms are u16") };
        let shape = good.shape();
        let mut noise = Noise(seed | 1);
        let spoilt: Vec<f32> = good.as_slice().iter().enumerate().map(|(i, &v)| {
            let (at, v) = (shape.voxel(i), f32::from(v));
            let inside = (at.x as f64) < amount * shape.x as f64;
            match what {
                0 => if inside { 0.0 } else { v },
                1 => if inside { 65_535.0 } else { v },
                2 => v * (1.0 - amount as f32),
                3 => (noise.next() % 500) as f32,
                4 => if inside { f32::NAN } else { v },
                5 => if noise.next().is_multiple_of(1000) { f32::INFINITY } else { v },
                6 => v * 1e30,
                _ => 3.0,
            }
        }).collect();
        let voxels = if what < 4 || what == 7 {
            Voxels::U16(Volume::new(shape, spoilt.iter().map(|v| *v as u16).collect()).unwrap())
        } else {
            Voxels::F32(Volume::new(shape, spoilt).unwrap())
        };
        let bad = Stack { voxels, voxel_size: made.stack.voxel_size };
        let start = Instant::now();
        let params = Params::default();
        let see = |stack: &Stack| pipeline::see(&engine, stack, &params, &mut Silent).map(|(found, seen)| { check(&found, shape); seen });
        if let (Ok(a), Ok(b)) = (see(&made.stack), see(&bad)) {
            let session = |n: usize| Session { name: n.to_string(), day: Some(n as f64) };
            if let Ok(tracked) = pipeline::track(&[a, b], &[session(0), session(1)], &params, &mut Silent) {
                for call in tracked.tracks.iter().flat_map(|t| &t.calls) {
                    let finite = call.place.is_none_or(|p| p.z.is_finite() && p.y.is_finite() && p.x.is_finite());
                    prop_assert!(finite, "{call:?}");
                    prop_assert!(call.p_present.is_none_or(|p| (0.0..=1.0).contains(&p)), "{call:?}");
                }
            }
        }
        prop_assert!(start.elapsed() < LONGEST, "took {:?}", start.elapsed());
    }
}
