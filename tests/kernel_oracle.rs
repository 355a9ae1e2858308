//! Kernels against what they did not make themselves: values frozen from scipy and numpy, and structures whose response is known in closed form.

mod common;

use std::collections::BTreeMap;

use common::gpu;
use gemmule::engine::{Backend, Buffer, Engine};
use gemmule::filter::taps::{Taps, derivatives, smoothing, stencil};
use gemmule::kernel::hessian_response::{HessianResponse, Response};
use gemmule::kernel::smooth_xy::{self, SmoothXy};
use gemmule::kernel::smooth_z::{self, SmoothZ};
use gemmule::kernel::{HalfTaps, Slab, eigen3, hessian_response};

type Frozen = BTreeMap<String, Vec<f64>>;

/// Single numbers are lists of one; see fixtures/kernels.py.
fn frozen() -> Frozen {
    let values: BTreeMap<String, serde_json::Value> =
        serde_json::from_str(include_str!("../fixtures/kernels.json")).unwrap();
    let list = |v: &serde_json::Value| match v {
        serde_json::Value::Array(list) => list.iter().map(|v| v.as_f64().unwrap()).collect(),
        single => vec![single.as_f64().unwrap()],
    };
    values.iter().map(|(name, value)| (name.clone(), list(value))).collect()
}

fn half_taps(taps: &[f64]) -> (HalfTaps, u32) {
    let mut half = [0.0; 36];
    half.iter_mut().zip(taps).for_each(|(h, t)| *h = *t as f32);
    (half, taps.len() as u32 - 1)
}

fn four(taps: &[f64]) -> [f32; 4] {
    half_taps(taps).0[..4].try_into().unwrap()
}

fn engines() -> impl Iterator<Item = &'static Engine> {
    static CPU: std::sync::OnceLock<Engine> = std::sync::OnceLock::new();
    [Some(CPU.get_or_init(|| Engine::new(Backend::Cpu).unwrap())), gpu()].into_iter().flatten()
}

fn read(engine: &Engine, buffer: &Buffer) -> Vec<f32> {
    let mut values = vec![f32::NAN; buffer.len()];
    engine.read(buffer, &mut values).unwrap();
    values
}

fn worst(found: &[f32], expected: &[f64]) -> f64 {
    assert_eq!(found.len(), expected.len());
    found.iter().zip(expected).fold(0.0, |m, (a, b)| f64::max(m, (f64::from(*a) - b).abs()))
}

fn run_xy(engine: &Engine, kernel: &SmoothXy, input: &[f32]) -> Buffer {
    let mut output = engine.buffer(kernel.slab.output_len()).unwrap();
    kernel.run(engine, &engine.upload(input).unwrap(), &mut output).unwrap();
    output
}

fn frozen_case(frozen: &Frozen) -> (Slab, Vec<f32>, SmoothXy) {
    let [nz, ny, nx] = frozen["shape"][..] else { panic!("three axes") };
    let slab = Slab::whole(nz as usize, ny as usize, nx as usize);
    let ((taps_y, radius_y), (taps_x, radius_x)) = (half_taps(&frozen["g_y"]), half_taps(&frozen["g_x"]));
    let xy = SmoothXy { slab, radius_y, radius_x, padding: [0; 2], taps_y, taps_x };
    (slab, frozen["volume"].iter().map(|v| *v as f32).collect(), xy)
}

#[test]
fn smoothing_is_scipy_s() {
    let frozen = frozen();
    let (slab, input, xy) = frozen_case(&frozen);
    let (taps, radius) = half_taps(&frozen["g_z"]);
    let z = SmoothZ { slab, radius, padding: [0; 3], taps };
    // Voxels are below 1000; taps and sums are rounded to f32 as the tolerances say.
    let (after_xy, after_z) = (1000.0 * f64::from(smooth_xy::TOLERANCE), 1000.0 * f64::from(smooth_z::TOLERANCE));
    for engine in engines() {
        let smoothed = run_xy(engine, &xy, &input);
        assert!(worst(&read(engine, &smoothed), &frozen["smooth_xy"]) <= after_xy, "{}", engine.describe());
        let mut output = engine.buffer(input.len()).unwrap();
        z.run(engine, &smoothed, &mut output).unwrap();
        assert!(worst(&read(engine, &output), &frozen["smooth"]) <= after_xy + after_z, "{}", engine.describe());
    }
}

#[test]
fn our_taps_are_scipy_s_but_for_the_variance_that_truncation_cuts_off() {
    let frozen = frozen();
    for (sigma, name) in frozen["sigma"].iter().zip(["g_z", "g_y", "g_x"]) {
        let taps = smoothing(*sigma, "sigma").unwrap();
        let at = |k: usize| frozen[name].get(k).copied().unwrap_or(0.0);
        let side = |k: usize| if k == 0 { 1.0 } else { 2.0 };
        let variance: f64 = (0..36).map(|k| side(k) * (k * k) as f64 * at(k)).sum();
        let difference: f64 = (0..36).map(|k| side(k) * (f64::from(taps.half[k]) - at(k)).abs()).sum();
        // A Gaussian of another sigma differs by E|x²/sigma² - 1| = .97 times the relative change of sigma, and that is half of the
        // variance's; the radii may differ by one, which adds the outermost taps, of 4e-4 at most.
        let allowed = 0.97 * 0.5 * (1.0 - variance / (sigma * sigma)).abs() + 4e-4;
        assert!(difference <= allowed, "{name}: {difference} where {allowed} is allowed");
    }
}

#[test]
fn eigenvalues_are_numpy_s() {
    let frozen = frozen();
    for (h, l) in frozen["hessian"].chunks(6).zip(frozen["eigenvalues"].chunks(3)) {
        let h: [f32; 6] = std::array::from_fn(|i| h[i] as f32);
        let size = l[0].abs().max(l[2].abs());
        assert!(worst(&eigen3::eigenvalues(h), l) <= 6e-7 * size, "{h:?}");
    }
}

fn frozen_hessian(frozen: &Frozen, slab: Slab, response: Response) -> HessianResponse {
    let (taps_g, radius_z) = half_taps(&frozen["g_z"]);
    let frangi = response == Response::Frangi;
    HessianResponse {
        slab,
        radius_z,
        response: response as u32,
        running: 0,
        padding: 0,
        floor: frozen[if frangi { "frangi_c" } else { "floor" }][0] as f32,
        alpha: 0.5,
        beta: if frangi { 0.5 } else { 2.0 },
        padding_f: 0.0,
        taps_g,
        taps_d1: half_taps(&frozen["d1_z"]).0,
        taps_d2: half_taps(&frozen["d2_z"]).0,
        d1_y: four(&frozen["d1_y"]),
        d1_x: four(&frozen["d1_x"]),
        d2_y: four(&frozen["d2_y"]),
        d2_x: four(&frozen["d2_x"]),
    }
}

#[test]
fn responses_are_those_of_numpy_s_eigenvalues() {
    let frozen = frozen();
    let (slab, input, xy) = frozen_case(&frozen);
    // Sum of the absolute taps: 15.6 + 2 * (8.3 + .5) along y is the largest; input below 1000 smoothed to below 700.
    let delta = f64::from(hessian_response::TOLERANCE) * 33.4 * 700.0;
    // Lipschitz constants of the formulas by an eigenvalue, as derived in tests/kernel_hessian.rs.
    let cases = [
        (Response::Jerman, "jerman", 5.0 * delta / frozen["floor"][0]),
        (Response::Frangi, "frangi", 12.0 * delta / frozen["frangi_c"][0]),
        (Response::Sato, "sato", 2.5 * delta),
        (Response::Blob, "blob", 3.0 * delta),
    ];
    for engine in engines() {
        let smoothed = run_xy(engine, &xy, &input);
        for (response, name, allowed) in cases {
            let kernel = frozen_hessian(&frozen, slab, response);
            let mut output = engine.buffer(input.len()).unwrap();
            kernel.run(engine, &smoothed, &mut output).unwrap();
            let difference = worst(&read(engine, &output), &frozen[name]);
            assert!(difference <= allowed, "{name} on {}: {difference}, allowed {allowed}", engine.describe());
        }
        let peak = frozen_hessian(&frozen, slab, Response::Jerman).peak(engine, &smoothed).unwrap();
        let expected = &frozen["peak"];
        assert!((f64::from(peak[0]) - expected[0]).abs() <= delta);
        assert!((f64::from(peak[1]) - expected[1]).abs() <= 2.0 * delta * (3.0 * expected[1]).sqrt());
    }
}

/// Axes a Gaussian structure is narrow along: of a plate, a tube, a sphere.
#[derive(Clone, Copy)]
enum Structure {
    Plate,
    Tube,
    Sphere,
}

const SHAPE: [usize; 3] = [25, 41, 41];
/// Voxel edges: planes lie twice as far apart.
const VOXEL_UM: [f64; 3] = [0.5, 0.25, 0.25];
const WIDTH_UM: f64 = 0.8;

/// exp(-d² / 2 w²) of the distance d from a plane, a line or a point through the middle voxel, tilted against every axis.
fn gaussian(structure: Structure) -> Vec<f32> {
    let (u, v) = ([0.36, 0.48, 0.8], [0.8, -0.6, 0.0]);
    let dot = |a: [f64; 3], b: [f64; 3]| a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
    let mut values = Vec::new();
    for z in 0..SHAPE[0] {
        for y in 0..SHAPE[1] {
            for x in 0..SHAPE[2] {
                let at = |v: usize, axis: usize| (v as f64 - (SHAPE[axis] / 2) as f64) * VOXEL_UM[axis];
                let place = [at(z, 0), at(y, 1), at(x, 2)];
                let d2 = match structure {
                    Structure::Plate => dot(place, u).powi(2),
                    Structure::Tube => dot(place, place) - dot(place, v).powi(2),
                    Structure::Sphere => dot(place, place),
                };
                values.push((-d2 / (2.0 * WIDTH_UM * WIDTH_UM)).exp() as f32);
            }
        }
    }
    values
}

/// Response of one scale.
fn respond(engine: &Engine, input: &[f32], sigma_um: f64, response: Response) -> Vec<f32> {
    let slab = Slab::whole(SHAPE[0], SHAPE[1], SHAPE[2]);
    let [z, y, x] = VOXEL_UM.map(|edge| sigma_um / edge);
    let taps = |sigma| -> Taps { smoothing(sigma, "sigma").unwrap() };
    let (along_y, along_x) = (taps(y), taps(x));
    let xy = SmoothXy {
        slab,
        radius_y: along_y.radius,
        radius_x: along_x.radius,
        padding: [0; 2],
        taps_y: along_y.half,
        taps_x: along_x.half,
    };
    let [g, d1, d2] = derivatives(z, "sigma").unwrap();
    let kernel = HessianResponse {
        slab,
        radius_z: g.radius,
        response: response as u32,
        running: 0,
        padding: 0,
        floor: 0.1,
        alpha: 0.5,
        beta: 2.0,
        padding_f: 0.0,
        taps_g: g.half,
        taps_d1: d1.half,
        taps_d2: d2.half,
        d1_y: stencil(y).d1,
        d1_x: stencil(x).d1,
        d2_y: stencil(y).d2,
        d2_x: stencil(x).d2,
    };
    let mut output = engine.buffer(input.len()).unwrap();
    kernel.run(engine, &run_xy(engine, &xy, input), &mut output).unwrap();
    read(engine, &output)
}

fn middle() -> usize {
    (SHAPE[0] / 2 * SHAPE[1] + SHAPE[1] / 2) * SHAPE[2] + SHAPE[2] / 2
}

/// Smoothing by sigma keeps the shape with variance s² = w² + sigma² and lowers it by (w / s) per narrow axis; the second derivative across,
/// times sigma², is then -sigma² / s² of that.
fn across(structure: Structure, sigma: f64) -> f64 {
    let axes = structure as i32 + 1;
    let s2 = WIDTH_UM * WIDTH_UM + sigma * sigma;
    sigma * sigma / s2 * (WIDTH_UM / s2.sqrt()).powi(axes)
}

#[test]
fn eigenvalues_of_gaussian_structures_are_the_analytic_ones() {
    for engine in engines() {
        for structure in [Structure::Plate, Structure::Tube, Structure::Sphere] {
            let input = gaussian(structure);
            for sigma in [0.55, 0.8, 1.1] {
                let expected = across(structure, sigma);
                let at_axis = |response| f64::from(respond(engine, &input, sigma, response)[middle()]);
                // Differences of 4th order see (1 / 90)(15 / s⁴) too little, s in voxels: .03 % at s = 3.9; taps end at 4 sigma, which leaves
                // .1 % of the variance out; derivatives along z are of sampled Gaussians of 1.1 voxels: .2 %.
                let allowed = 0.004 * expected;
                let blob = at_axis(Response::Blob);
                let axes = f64::from(structure as i32 + 1);
                assert!((blob - axes * expected).abs() <= axes * allowed, "{blob} instead of {}", axes * expected);
                let sato = at_axis(Response::Sato);
                // A plate has one curved direction: a2 is 0. A sphere's third eigenvalue is as low: exp(-1 / (2 / 4)).
                let share = [0.0, 1.0, (-2.0_f64).exp()][structure as usize];
                // The sphere's share varies by 2 + 2 * 4 times the relative error.
                assert!((sato - share * expected).abs() <= 5.0 * allowed, "{sato} instead of {}", share * expected);
            }
        }
    }
}

#[test]
fn responses_peak_at_the_structure_and_at_its_scale() {
    // Where the derivative of `across` by sigma² is 0: sigma² = 2 w² / axes.
    let scales: Vec<f64> = (0..9).map(|k| 0.45 * 1.15_f64.powi(k)).collect();
    // The twin alone: parity says that a GPU does the same, and a pipeline per scale takes seconds on llvmpipe.
    for engine in engines().take(1) {
        for (structure, response) in [
            (Structure::Plate, Response::Blob),
            (Structure::Tube, Response::Sato),
            (Structure::Tube, Response::Blob),
            (Structure::Sphere, Response::Blob),
        ] {
            let input = gaussian(structure);
            let best_scale = WIDTH_UM * (2.0 / f64::from(structure as i32 + 1)).sqrt();
            let responses: Vec<Vec<f32>> = scales.iter().map(|&s| respond(engine, &input, s, response)).collect();
            let at = |k: &usize| responses[*k][middle()];
            let peak = (0..scales.len()).max_by(|a, b| at(a).total_cmp(&at(b))).unwrap();
            let nearest = (0..scales.len())
                .min_by(|a, b| (scales[*a] / best_scale).ln().abs().total_cmp(&(scales[*b] / best_scale).ln().abs()));
            assert!(peak.abs_diff(nearest.unwrap()) <= 1, "peak at {}, expected at {best_scale}", scales[peak]);
            check_place(&input, &responses[peak]);
        }
    }
}

/// The response is largest where the structure is brightest, and not above 0 where it has ended; within 2.3 µm of the middle, where
/// the filters hardly see the border, which continues the structure parallel to an axis.
fn check_place(input: &[f32], response: &[f32]) {
    let near = |i: &usize| {
        let place = [i / (SHAPE[1] * SHAPE[2]), i / SHAPE[2] % SHAPE[1], i % SHAPE[2]];
        (0..3).all(|a| place[a].abs_diff(SHAPE[a] / 2) as f64 * VOXEL_UM[a] <= 2.3)
    };
    let largest_of = |voxels: &mut dyn Iterator<Item = usize>| voxels.map(|i| response[i]).fold(f32::MIN, f32::max);
    let largest = largest_of(&mut (0..input.len()).filter(near));
    assert!(response[middle()] >= 0.995 * largest, "{} at the middle, {largest} at most", response[middle()]);
    // At 5 % the distance is 2.4 widths: beyond the inflection at every scale that is best for a structure.
    let far = largest_of(&mut (0..input.len()).filter(near).filter(|i| input[*i] < 0.05));
    assert!(far < 0.02 * largest, "{far} far away, {largest} at most");
}

#[test]
fn jerman_is_one_on_the_axis_of_a_tube_and_frangi_prefers_it_to_a_plate() {
    for engine in engines() {
        let (tube, plate) = (gaussian(Structure::Tube), gaussian(Structure::Plate));
        let at = |input: &[f32], response| respond(engine, input, WIDTH_UM, response)[middle()];
        assert_eq!(at(&tube, Response::Jerman), 1.0);
        // Its a2 is 0 but for the .4 % above; V grows as 27 (a2 / rho)².
        assert!(at(&plate, Response::Jerman) < 27.0 * 0.004 * 0.004);
        assert!(at(&tube, Response::Frangi) > 0.5 && at(&plate, Response::Frangi) < 1e-4);
    }
}
