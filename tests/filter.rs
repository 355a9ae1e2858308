//! Filters and measures against shapes whose answer is known.

use gemmule::engine::{Backend, Engine};
use gemmule::filter::blob::{BlobParams, blobs};
use gemmule::filter::noise;
use gemmule::filter::ridge::{RidgeParams, RidgeResponse, ridge};
use gemmule::filter::smooth::{SigmaUm, smooth_with_variance};
use gemmule::measure::{self, MeasureParams};
use gemmule::model::{Dendrite, Motion, NoiseModel, Side, Spine, SpineClass, SpineFlag};
use gemmule::progress::Silent;
use gemmule::straight::{Straight, StraightInput, StraightParams};
use gemmule::units::{PointUm, VoxelSize};
use gemmule::volume::{Bricks, Shape, Stack, Volume, Voxels};
use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution as _, Normal, Poisson};

const VOXEL: VoxelSize = VoxelSize { z_um: 1.0, y_um: 0.1, x_um: 0.1 };

fn cpu() -> Engine {
    Engine::new(Backend::Cpu).expect("the CPU always works")
}

/// A stack of f32 voxels from a function of the place in µm.
fn stack(shape: Shape, value: impl Fn(PointUm) -> f64) -> Stack {
    let values = (0..shape.len()).map(|i| {
        let v = shape.voxel(i);
        value(PointUm::new(v.z as f64, v.y as f64 * 0.1, v.x as f64 * 0.1)) as f32
    });
    let volume = Volume::new(shape, values.collect()).expect("one value per voxel");
    Stack { voxels: Voxels::F32(volume), voxel_size: VOXEL }
}

/// The same as counted photons: gain 4, offset 10, read noise 1.
fn noisy(clean: &Stack, seed: u64) -> Stack {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let read = Normal::new(0.0, 1.0).expect("a valid spread");
    let values = (0..clean.voxels.shape().len()).map(|i| {
        let photons = f64::from(clean.voxels.value(i)).max(1e-9);
        let counted: f64 = Poisson::new(photons).expect("a valid mean").sample(&mut rng);
        (10.0 + 4.0 * counted + read.sample(&mut rng)).round().max(0.0) as u16
    });
    let volume = Volume::new(clean.voxels.shape(), values.collect()).expect("one value per voxel");
    Stack { voxels: Voxels::U16(volume), voxel_size: VOXEL }
}

fn gaussian(distance: f64, sigma: f64) -> f64 {
    (-0.5 * (distance / sigma).powi(2)).exp()
}

#[test]
fn the_noise_model_is_recovered_from_an_image_with_structure() {
    let shape = Shape::new(6, 200, 200).expect("valid");
    let scene =
        stack(shape, |p| 6.0 + 60.0 * gaussian(p.y - 10.0, 3.0) + 40.0 * gaussian((p.x - 5.0).hypot(p.y - 5.0), 0.5));
    let model = noise::estimate(&noisy(&scene, 1).voxels).expect("there is noise");
    assert!((model.gain / 4.0 - 1.0).abs() < 0.05, "{model:?}");
    for photons in [6.0, 30.0, 60.0] {
        let (truth, value) = (16.0 * photons + 1.0, 10.0 + 4.0 * photons);
        assert!((model.variance(value) / truth - 1.0).abs() < 0.1, "{model:?} at {photons}");
    }
}

#[test]
fn the_variance_of_a_smoothed_stack_is_what_the_model_says() {
    let shape = Shape::new(12, 160, 160).expect("valid");
    let flat = noisy(&stack(shape, |_| 30.0), 2);
    let model = NoiseModel { gain: 4.0, offset: 10.0, read_variance: 1.0 };
    let sigma = SigmaUm { z_um: 0.5, y_um: 0.15, x_um: 0.15 };
    let (smooth, variance) = smooth_with_variance(&cpu(), &flat, sigma, &model, &mut Silent).expect("valid");
    // At the borders the outermost voxel counts several times, and its noise with it.
    let inside = |i: &usize| {
        let v = shape.voxel(*i);
        (2..shape.z - 2).contains(&v.z) && (6..shape.y - 6).contains(&v.y) && (6..shape.x - 6).contains(&v.x)
    };
    let inner: Vec<usize> = (0..shape.len()).filter(inside).collect();
    let average = |value: &dyn Fn(usize) -> f64| inner.iter().map(|&i| value(i)).sum::<f64>() / inner.len() as f64;
    let mean = average(&|i| f64::from(smooth.as_slice()[i]));
    let spread = average(&|i| (f64::from(smooth.as_slice()[i]) - mean).powi(2));
    let said = average(&|i| f64::from(variance.as_slice()[i]));
    // Some 20,000 independent values: 1 % of the variance is one standard error.
    assert!((spread / said - 1.0).abs() < 0.05, "measured {spread:.2}, said {said:.2}");
}

#[test]
fn every_ridge_response_is_largest_on_the_axis_of_a_tube() {
    let shape = Shape::new(13, 120, 160).expect("valid");
    let tube = stack(shape, |p| 5.0 + 100.0 * gaussian((p.y - 6.0).hypot((p.z - 6.0) * 0.5), 0.5));
    let model = NoiseModel { gain: 1.0, offset: 0.0, read_variance: 0.0 };
    for response in [RidgeResponse::Jerman, RidgeResponse::Frangi, RidgeResponse::Sato] {
        let params = RidgeParams { response, ..RidgeParams::default() };
        let map = ridge(&cpu(), &tube, &model, &params, &mut Silent).expect("valid");
        let at = |y_um: f64| {
            let (z, y, x) = map.grid.to_voxel(PointUm::new(6.0, y_um, 8.0));
            map.ridge.sample(z, y, x)
        };
        assert!(
            at(6.0) > 0.0 && at(6.0) >= at(6.6) && at(6.6) > at(7.4),
            "{response:?}: {} {} {}",
            at(6.0),
            at(6.6),
            at(7.4)
        );
        assert!(at(8.5) < 0.02 * at(6.0), "{response:?} beside the tube: {}", at(8.5));
    }
}

#[test]
fn blobs_are_found_where_and_as_large_as_they_are_and_not_in_noise() {
    let shape = Shape::new(11, 120, 120).expect("valid");
    let model = NoiseModel { gain: 4.0, offset: 10.0, read_variance: 1.0 };
    let of = |scene: &Stack, seed| {
        blobs(&cpu(), &noisy(scene, seed), &model, &BlobParams::default(), &mut Silent).expect("valid")
    };
    let mut sizes = Vec::new();
    for sigma in [0.2, 0.4] {
        let place = PointUm::new(5.0, 5.5, 6.5);
        let scene = stack(shape, |p| {
            10.0 + 120.0 * gaussian((p.y - place.y).hypot(p.x - place.x), sigma) * gaussian(p.z - place.z, 0.9)
        });
        let found = of(&scene, 3);
        assert!(found[0].place.distance_um(place) < 0.3, "{:?}", found[0]);
        assert!(found.windows(2).all(|pair| pair[0].response >= pair[1].response), "strongest first");
        sizes.push(found[0].sigma_um);
    }
    assert!(sizes[0] < sizes[1], "a larger blob has a larger scale: {sizes:?}");
    let flat = of(&stack(shape, |_| 10.0), 4);
    assert!(flat.is_empty(), "{} blobs in noise", flat.len());
}

/// A straight dendrite along x with one head beside it, and a spine that claims to be it.
struct Scene {
    stack: Stack,
    dendrite: Dendrite,
    spine: Spine,
}

impl Scene {
    fn new(head_sigma_um: f64) -> Self {
        let shape = Shape::new(11, 120, 240).expect("valid");
        let head = PointUm::new(5.0, 7.6, 12.0);
        let scene = stack(shape, |p| {
            let shaft = 100.0 * gaussian(p.y - 6.0, 0.35) * gaussian(p.z - 5.0, 1.2);
            let lateral = (p.y - head.y).hypot(p.x - head.x);
            5.0 + shaft + 40.0 * gaussian(lateral, head_sigma_um) * gaussian(p.z - head.z, 1.2)
        });
        let points: Vec<PointUm> = (0..=200).map(|k| PointUm::new(5.0, 6.0, 2.0 + 0.1 * f64::from(k))).collect();
        let dendrite = Dendrite {
            dendrite_id: 1,
            s_um: (0..=200).map(|k| 0.1 * f64::from(k)).collect(),
            radius_um: vec![0.41; points.len()],
            points,
            parent: None,
            unscorable: Vec::new(),
        };
        let spine = Spine {
            spine_id: 1,
            dendrite_id: 1,
            head,
            tip: PointUm { y: 8.0, ..head },
            base: PointUm { y: 6.0, ..head },
            s_um: 10.0,
            // The tangent is +x, its normal (-t_x, t_y) in (y, x) is -y: larger y is on the right.
            side: Side::Right,
            length_um: 1.6,
            head_width_um: None,
            head_width_fit: None,
            brightness: 0.0,
            volume_um3: 0.0,
            snr: 20.0,
            score: 20.0,
            class: SpineClass::Unclassified,
            flags: Vec::new(),
        };
        Self { stack: scene, dendrite, spine }
    }

    fn straight(&self) -> Straight {
        let sigma = SigmaUm { z_um: 0.5, y_um: 0.15, x_um: 0.15 };
        let model = NoiseModel { gain: 1.0, offset: 0.0, read_variance: 1.0 };
        let (smooth, variance) = smooth_with_variance(&cpu(), &self.stack, sigma, &model, &mut Silent).expect("valid");
        let mut both = Bricks::new(smooth.shape());
        for z in 0..smooth.shape().z {
            both.hold([z..z + 1, 0..smooth.shape().y, 0..smooth.shape().x]);
            both.fill_plane_with(z, |i| [smooth.plane(z)[i], variance.plane(z)[i]]);
        }
        let input = StraightInput {
            smooth: &both,
            correlation: 1.0,
            grid: self.stack.grid(),
            offset: 0.0,
            motion: &Motion::default(),
        };
        Straight::new(input, &self.dendrite, &StraightParams::default()).expect("valid")
    }
}

#[test]
fn the_shaft_is_taken_away_and_the_head_is_left() {
    let scene = Scene::new(0.25);
    let straight = scene.straight();
    let frame = &straight.frame;
    let (mut best, mut elsewhere) = ((0, f32::MIN), 0.0_f32);
    for i in 0..frame.len() {
        let (s, w, u) = (i / frame.nu() / frame.nw(), i / frame.nu() % frame.nw(), i % frame.nu());
        if straight.residual(i) > best.1 {
            best = (i, straight.residual(i));
        }
        if frame.place(s, w, u).distance_xy_um(scene.spine.head) > 1.5 {
            elsewhere = elsewhere.max(straight.residual(i).abs());
        }
    }
    let (s, w, u) = (best.0 / frame.nu() / frame.nw(), best.0 / frame.nu() % frame.nw(), best.0 % frame.nu());
    assert!(frame.place(s, w, u).distance_um(scene.spine.head) < 0.2, "{:?}", frame.place(s, w, u));
    assert!(frame.u_um(u as f64) < 0.0, "larger y is on the right, where u is negative");
    // The head is smoothed from 40 to about 28; a uniform shaft leaves next to nothing.
    assert!(best.1 > 20.0 && elsewhere < 0.5, "head {}, elsewhere {elsewhere}", best.1);
}

#[test]
fn widths_and_brightness_of_a_gaussian_head_are_measured() {
    for head_sigma in [0.25, 0.35] {
        let scene = Scene::new(head_sigma);
        let mut spines = [scene.spine.clone()];
        measure::measure(&scene.straight(), &mut spines, scene.stack.grid(), 0.15, &MeasureParams::default())
            .expect("valid");
        let [spine] = spines;
        let (width, truth) = (spine.head_width_um.expect("one clean peak"), 2.3548 * head_sigma);
        assert!((width - truth).abs() < 0.06, "{width:.3} instead of {truth:.3}");
        assert!(spine.brightness > 0.15 && spine.brightness < 0.5, "{}", spine.brightness);
        assert_eq!(spine.flags.contains(&SpineFlag::HeadAtOpticalFloor), width <= 0.6);
        assert!(spine.flags.contains(&SpineFlag::ClassNotResolvable), "planes are 1 µm apart");
        assert_eq!(spine.class, SpineClass::Unclassified);
    }
    let scene = Scene::new(0.25);
    let mut other = [Spine { dendrite_id: 9, ..scene.spine.clone() }];
    let error = measure::measure(&scene.straight(), &mut other, scene.stack.grid(), 0.15, &MeasureParams::default());
    assert!(error.expect_err("another dendrite").to_string().contains("dendrite_id"));
}
