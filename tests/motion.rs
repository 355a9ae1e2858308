//! Motion between the planes of a stack: estimated against phantoms' truth, bad planes flagged and nothing else.

use gemmule::engine::{Backend, Engine};
use gemmule::model::{Dendrite, Motion, UnscorableReason};
use gemmule::phantom::{self, PhantomParams};
use gemmule::pipeline::{Params, detect};
use gemmule::progress::Silent;
use gemmule::register::{MotionParams, motion};
use gemmule::straight::{Straight, StraightInput, StraightParams, Strip, near};
use gemmule::units::{PointUm, VoxelSize};
use gemmule::volume::{Grid, Shape, Stack, Volume, Voxels};

fn made(params: &PhantomParams) -> Stack {
    phantom::stack(params, &mut Silent).unwrap().stack
}

fn estimated(stack: &Stack) -> Motion {
    motion(stack.into(), &MotionParams::default()).unwrap()
}

fn field(seed: u64, jitter_um: f64) -> PhantomParams {
    let field = PhantomParams::default().rows(256).unwrap().columns(256).unwrap();
    field.seed(seed).unwrap().plane_jitter_um(jitter_um).unwrap()
}

/// A stack of `value(z, y, x)`, coordinates in µm, voxels of 1 x .12 x .12 µm.
fn drawn(planes: usize, value: impl Fn(f64, f64, f64) -> f32) -> Stack {
    let shape = Shape::new(planes, 160, 160).unwrap();
    let um = |i: usize| (i / 25600, 0.12 * (i / 160 % 160) as f64, 0.12 * (i % 160) as f64);
    let values = (0..shape.len()).map(um).map(|(z, y, x)| value(z as f64, y, x)).collect();
    let voxels = Voxels::F32(Volume::new(shape, values).unwrap());
    Stack { voxels, voxel_size: VoxelSize::new(1.0, 0.12, 0.12).unwrap() }
}

/// Noise that looks random and is the same everywhere, 0 to 1.
fn noise(z: f64, y: f64, x: f64) -> f64 {
    let v = (z * 12.9898 + y * 78.233 + x * 37.719).sin() * 43758.5453;
    v - v.floor()
}

/// Correlation of estimated with true displacement, and the root mean square of their difference and of the truth, along both axes, µm.
fn against_truth(jitter_um: f64) -> [f64; 3] {
    let mut pairs = vec![];
    for seed in 1..=6 {
        let params = field(seed, jitter_um);
        let found = estimated(&made(&params));
        assert_eq!(found.displacement_um.len(), params.planes, "seed {seed}");
        for (z, (y, x)) in found.displacement_um.iter().enumerate() {
            let truth = params.displacement_um(z);
            pairs.extend([(*y, truth.0), (*x, truth.1)]);
        }
    }
    let sum = |of: fn(&(f64, f64)) -> f64| pairs.iter().map(of).sum::<f64>() / pairs.len() as f64;
    let correlation = sum(|p| p.0 * p.1) / (sum(|p| p.0 * p.0) * sum(|p| p.1 * p.1)).sqrt();
    [correlation, sum(|p| (p.0 - p.1).powi(2)).sqrt(), sum(|p| p.1 * p.1).sqrt()]
}

#[test]
fn jitter_is_estimated() {
    for (jitter_um, least, most_um) in [(0.1, 0.75, 0.07), (0.3, 0.8, 0.19)] {
        let [correlation, error_um, truth_um] = against_truth(jitter_um);
        println!("jitter {jitter_um}: correlation {correlation:.3}, error {error_um:.3} µm of {truth_um:.3} µm");
        assert!(correlation > least && error_um < most_um, "{jitter_um}: {correlation} {error_um}");
    }
}

#[test]
fn ordinary_stacks_have_no_bad_plane() {
    for seed in 1..=10 {
        for jitter_um in [0.1, 0.15] {
            let found = estimated(&made(&field(seed, jitter_um)));
            assert_eq!(found.bad_planes, [0; 0], "seed {seed}, jitter {jitter_um}");
        }
    }
}

#[test]
fn an_oblique_dendrite_is_no_motion() {
    // It shifts .6 µm per plane.
    let stack = drawn(14, |z, y, x| {
        let off = (y - 4.0 - 0.6 * z - 0.2 * x) / 0.4;
        (100.0 + 400.0 * (-off * off).exp() + 20.0 * noise(z, y, x)) as f32
    });
    let found = estimated(&stack);
    assert_eq!(found.displacement_um.len(), 14);
    // Along a straight tube any shift fits: .08 µm there, .002 µm across it.
    assert!(found.displacement_um.iter().all(|(y, x)| y.hypot(*x) < 0.12));
    assert_eq!(found.bad_planes, [0; 0]);
}

#[test]
fn only_a_moved_and_a_blank_plane_are_bad() {
    for seed in 1..=4 {
        let params = field(seed, 0.1).moved_plane(14).unwrap().moved_um(2.0).unwrap();
        let mut stack = made(&params);
        let Voxels::U16(volume) = &stack.voxels else { panic!("phantoms have 16 bits") };
        let (shape, mut values) = (volume.shape(), volume.as_slice().to_vec());
        values[8 * shape.y * shape.x..9 * shape.y * shape.x].fill(10);
        stack.voxels = Voxels::U16(Volume::new(shape, values).unwrap());
        assert_eq!(estimated(&stack).bad_planes, [8, 14], "seed {seed}");
    }
}

#[test]
fn what_says_nothing_is_not_known() {
    let nothing = |stack: &Stack| {
        let found = estimated(stack);
        assert!(found.displacement_um.is_empty() && found.bad_planes.is_empty(), "{found:?}");
        assert_eq!((found.rms_um(), found.at_um(3.0)), (None, (0.0, 0.0)));
    };
    nothing(&drawn(10, |z, y, x| (1000.0 * noise(z, y, x)) as f32));
    nothing(&drawn(10, |_, _, _| 7.0));
    nothing(&drawn(4, |z, y, x| (400.0 * (-(y - x).powi(2)).exp() + 20.0 * noise(z, y, x)) as f32));
}

#[test]
fn voxels_that_are_no_numbers_are_left_out() {
    let value = |z: f64, y: f64, x: f64| 400.0 * (-(y - 9.0 + x).powi(2)).exp() + 20.0 * noise(z, y, x);
    let found = estimated(&drawn(9, |z, y, x| {
        let hole = (y - 3.0).hypot(x - 4.0) < 0.1 && z == 4.0;
        if hole {
            f32::NAN
        } else if z == 5.0 && y == 0.0 {
            f32::INFINITY
        } else {
            value(z, y, x) as f32
        }
    }));
    assert!(found.displacement_um.len() == 9 && found.bad_planes.is_empty());
    assert!(found.displacement_um.iter().all(|(y, x)| y.hypot(*x) < 0.1), "{found:?}");
}

#[test]
fn dendrites_in_a_bad_plane_are_unscorable() {
    let params = field(2, 0.1).moved_plane(12).unwrap().moved_um(2.0).unwrap();
    let found = detect(&Engine::new(Backend::Cpu).unwrap(), &made(&params), &Params::default(), &mut Silent).unwrap();
    assert_eq!(found.motion.bad_planes, [12]);
    assert!(found.remarks().iter().any(|r| r.contains("planes 12 (from 0) are lost")), "{:?}", found.remarks());
    let mut in_it = 0;
    for dendrite in &found.dendrites {
        for stretch in dendrite.unscorable.iter().filter(|u| u.reason == UnscorableReason::Motion) {
            in_it += 1;
            let middle = dendrite.point_at((stretch.from_um + stretch.to_um) / 2.0);
            assert!((middle.z - 12.0).abs() < 1.5, "{middle:?}");
        }
    }
    assert!(in_it > 0, "no dendrite runs in plane 12");
}

/// A shaft with a head, drawn in planes that have moved and in planes that have not: laid out free of motion both are the same, as the image shows them they are not.
#[test]
fn what_moved_planes_show_is_laid_out_as_if_they_had_not() {
    let shape = Shape::new(9, 110, 200).unwrap();
    let grid = Grid::of_stack(shape, VoxelSize::new(1.0, 0.1, 0.1).unwrap());
    let moved: Vec<(f64, f64)> = (0..9).map(|z| [(0.3, -0.2), (-0.3, 0.1), (0.1, 0.3)][z % 3]).collect();
    let motion = Motion { displacement_um: moved, bad_planes: vec![], plane_um: 1.0 };
    let light = |z: f64, y: f64, x: f64| {
        let deep = (z - 4.0).powi(2) / 1.6;
        let shaft = 400.0 * (-(y - 5.5).powi(2) / 0.18 - deep).exp();
        let head = 160.0 * (-((y - 6.7).powi(2) + (x - 10.0).powi(2)) / 0.1 - deep).exp();
        (10.0 + shaft + head) as f32
    };
    // The centreline as it is seen in its own plane, so that it is the same one without motion.
    let laid_out = |drawn: &Motion, known: &Motion| {
        let points: Vec<PointUm> =
            (0..150).map(|n| drawn.seen(PointUm::new(4.0, 5.5, 2.5 + 0.1 * f64::from(n)))).collect();
        let s_um = (0..150).map(|n| 0.1 * f64::from(n)).collect();
        let dendrite =
            Dendrite { dendrite_id: 1, points, s_um, radius_um: vec![0.4; 150], parent: None, unscorable: vec![] };
        let mut smooth = near(std::slice::from_ref(&dendrite), grid, &StraightParams::default(), [0.0, 1.0]);
        for z in 0..9 {
            let (dy, dx) = drawn.at_um(z as f64);
            smooth.fill_plane_with(z, |i| {
                let v = shape.voxel(i);
                [light(z as f64, 0.1 * v.y as f64 - dy, 0.1 * v.x as f64 - dx), 25.0]
            });
        }
        let input = StraightInput { smooth: &smooth, correlation: 1.0, grid, offset: 10.0, motion: known };
        Straight::new(input, &dendrite, &StraightParams::default()).unwrap()
    };
    let still = laid_out(&Motion::default(), &Motion::default());
    let (free, swayed) = (laid_out(&motion, &motion), laid_out(&motion, &Motion::default()));
    let apart = |s: &Straight| s.value.iter().zip(&still.value).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    // Voxels are interpolated: a hundredth of the shaft.
    assert!(apart(&free) < 6.0 && apart(&swayed) > 60.0, "{} {}", apart(&free), apart(&swayed));
    // The head is where the stack shows it in its plane.
    let best = (0..free.z.len()).max_by(|&a, &b| free.residual(a).total_cmp(&free.residual(b))).unwrap();
    let frame = &free.frame;
    let place = frame.place(best / (frame.nw() * frame.nu()), best / frame.nu() % frame.nw(), best % frame.nu());
    assert!(place.distance_xy_um(motion.seen(PointUm::new(place.z, 6.7, 10.0))) < 0.3, "{place:?}");
    let strip = Strip::new(&free);
    let spot = strip.locate(place);
    assert!((spot.u_um + 1.2).abs() < 0.2 && strip.place(spot).distance_um(place) < 0.1, "{spot:?}");
}
