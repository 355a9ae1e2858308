//! Phantoms against what was asked for.

use gemmule::model::SpineClass;
use gemmule::phantom::{self, Phantom, PhantomParams, truth_files};
use gemmule::progress::{Progress, Silent};
use gemmule::score::{FoundPoint, ScoreParams, Target, Truth, detect};
use sha2::{Digest as _, Sha256};

fn made(params: &PhantomParams) -> Phantom {
    phantom::stack(params, &mut Silent).unwrap()
}

/// A field of 12 x 16 µm, 8 planes.
fn small() -> PhantomParams {
    PhantomParams { planes: 8, rows: 120, columns: 160, ..PhantomParams::default() }
}

#[test]
fn the_same_parameters_give_the_same_stack_for_any_number_of_threads() {
    let with_threads = |n| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(n).build().unwrap();
        pool.install(|| made(&small()))
    };
    let one = with_threads(1);
    assert_eq!(one, with_threads(3));
    let other = made(&PhantomParams { seed: 2, ..small() });
    assert_ne!(one.stack, other.stack);
    assert_ne!(one.spines, other.spines);
}

/// A frozen checksum: another machine, or an unmeant change, would give another one. After a meant change to what a
/// phantom looks like, put in the value that the message shows.
#[test]
fn the_stack_is_the_same_on_every_machine() {
    let voxels = made(&small()).stack.voxels;
    let bytes: Vec<u8> = (0..voxels.shape().len()).flat_map(|i| (voxels.value(i) as u16).to_le_bytes()).collect();
    let sum: String = Sha256::digest(bytes).iter().take(8).map(|b| format!("{b:02x}")).collect();
    assert_eq!(sum, "fa4ced121fe5b3af");
}

#[test]
fn parts_of_a_scene_are_drawn_apart() {
    let usual = made(&small());
    let bare = made(&PhantomParams { axons: 0, psf_fwhm_z_um: 3.0, photons: 30.0, ..small() });
    assert_eq!(usual.dendrites, bare.dendrites);
    let places = |p: &Phantom| p.spines.iter().map(|s| (s.head, s.class)).collect::<Vec<_>>();
    assert_eq!(places(&usual), places(&bare));
}

#[test]
fn truth_lies_in_the_stack_and_hangs_together() {
    for seed in 1..=6 {
        let p = made(&PhantomParams { seed, planes: 12, ..small() });
        let grid = p.stack.grid();
        for d in &p.dendrites {
            assert!(d.points.iter().all(|&q| grid.contains(q)));
            assert!(d.points.len() == d.s_um.len() && d.points.len() == d.radius_um.len());
        }
        for (n, s) in p.spines.iter().enumerate() {
            assert_eq!(s.spine_id as usize, n + 1);
            let d = p.dendrites.iter().find(|d| d.dendrite_id == s.dendrite_id).unwrap();
            assert!(grid.contains(s.head) && grid.contains(s.base));
            assert!(d.point_at(s.s_um).distance_um(s.base) < 0.01, "base off the centreline");
            // A straight spine: what is drawn is what is told.
            assert!((s.anchor.distance_um(s.tip) - s.length_um).abs() < 1e-9);
            let reach = s.tip.distance_xy_um(s.base) - s.anchor.distance_um(s.base);
            assert!(!s.scorable || (grid.contains(s.tip) && reach > 0.39), "scorable with a reach of {reach}");
            if s.class == SpineClass::Mushroom || s.class == SpineClass::Thin {
                assert!((s.neck_length_um + s.head_width_um - s.length_um).abs() < 1e-9);
            }
        }
    }
}

#[test]
fn density_and_classes_are_those_asked_for() {
    let (mut length_um, mut spines) = (0.0, Vec::new());
    for seed in 0..6 {
        let params = PhantomParams { seed, dendrites: 6, ..PhantomParams::default() };
        let p = made(&params);
        length_um += p.dendrites.iter().map(|d| d.length_um()).sum::<f64>();
        spines.extend(p.spines);
    }
    // Gaps are .3 µm plus an exponential of 2.2 µm: the variance of a count is mean * (2.2 / 2.5)².
    let expected = 0.4 * length_um;
    let sd = expected.sqrt() * 2.2 / 2.5;
    assert!((spines.len() as f64 - expected).abs() < 4.0 * sd, "{} spines, {expected} expected", spines.len());
    for (class, share) in [
        (SpineClass::Mushroom, 0.45),
        (SpineClass::Thin, 0.33),
        (SpineClass::Stubby, 0.16),
        (SpineClass::Filopodium, 0.06),
    ] {
        let n = spines.len() as f64;
        let found = spines.iter().filter(|s| s.class == class).count() as f64 / n;
        assert!((found - share).abs() < 4.0 * (share * (1.0 - share) / n).sqrt(), "{class:?}: {found}");
    }
}

#[test]
fn photons_on_the_axis_are_those_asked_for() {
    // Planes so close that the nearest one is in focus; one bare dendrite.
    let params = PhantomParams {
        planes: 80,
        z_um: 0.1,
        dendrites: 1,
        density_per_um: 0.0,
        axons: 0,
        neuropil_share: 0.0,
        plane_jitter_um: 0.0,
        ..small()
    };
    let p = made(&params);
    let grid = p.stack.grid();
    let d = &p.dendrites[0];
    let mean = |value: &dyn Fn(usize) -> f64| {
        let voxel = |q| {
            let (z, y, x) = grid.to_voxel(q);
            grid.shape.index(z.round() as usize, y.round() as usize, x.round() as usize)
        };
        d.points.iter().map(|&q| value(voxel(q))).sum::<f64>() / d.points.len() as f64
    };
    let expected = mean(&|i| f64::from(p.expected_photons.as_slice()[i]));
    // 120 is the mean over the whole dendrite, of which the field shows a part: the radius varies by 8 %, and light on
    // the axis at most with its square. With n knots of 3 µm in the field, the mean varies by 16 % / √n.
    let knots = d.length_um() / 3.0;
    let tolerance = 120.0 * 3.0 * 0.16 / knots.sqrt();
    assert!((expected - 126.0).abs() < tolerance, "{expected} photons, tolerance {tolerance}");
    let counted = mean(&|i| (f64::from(p.stack.voxels.value(i)) - params.offset) / params.gain);
    let sd = (expected / d.points.len() as f64).sqrt();
    assert!((counted - expected).abs() < 5.0 * sd, "{counted} counted, {expected} expected");
}

#[test]
fn variance_is_a_line_over_the_mean() {
    let p = made(&PhantomParams { read_noise: 6.0, gain: 3.0, ..small() });
    // Residuals against what was expected, in bins of it; rounding to grey levels adds 1/12.
    let mut bins = vec![(0.0_f64, 0.0_f64, 0.0_f64); 12];
    for (i, &photons) in p.expected_photons.as_slice().iter().enumerate() {
        let mean = f64::from(photons);
        let residual = f64::from(p.stack.voxels.value(i)) - 10.0 - 3.0 * mean;
        let bin = &mut bins[(mean / 12.0) as usize % 12];
        bin.0 += 1.0;
        bin.1 += residual * residual;
        bin.2 += 9.0 * mean + 36.0 + 1.0 / 12.0;
    }
    let full = bins.iter().filter(|b| b.0 > 1000.0);
    assert!(full.clone().count() >= 5);
    for (n, squares, expected) in full {
        // The variance of a sample variance is 2/n (a little more for Poisson).
        let tolerance = 5.0 * (2.2 / n).sqrt();
        assert!((squares / expected - 1.0).abs() < tolerance, "{} of 1 +- {tolerance}", squares / expected);
    }
}

#[test]
fn the_truth_folder_reads_back_and_scores_itself_perfectly() {
    let p = made(&PhantomParams { planes: 16, ..small() });
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in truth_files(&p, 2).unwrap() {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let truth = Truth::read(folder.path(), 2).unwrap();
    assert_eq!(truth.spines.len(), p.spines.len());
    for (read, spine) in truth.spines.iter().zip(&p.spines) {
        // Four decimals of a voxel.
        assert!(read.tip.distance_um(spine.tip) < 1e-4);
        assert!(read.head.unwrap().distance_um(spine.head) < 1e-4);
        assert_eq!(read.is_bad, !spine.scorable);
    }
    let found: Vec<_> = p.spines.iter().map(|s| FoundPoint { place: s.head, score: None }).collect();
    let params = ScoreParams { target: Target::Head, ..ScoreParams::default() };
    let score = detect(&truth, &found, &params).unwrap();
    assert_eq!((score.fp, score.missed), (0, 0));
    assert_eq!(score.tp, p.spines.iter().filter(|s| s.scorable).count());
}

#[test]
fn impossible_parameters_are_refused() {
    let message = |params: PhantomParams| phantom::stack(&params, &mut Silent).unwrap_err().to_string();
    let usual = PhantomParams::default;
    assert!(message(PhantomParams { photons: -1.0, ..usual() }).starts_with("phantom.photons is -1.0"));
    assert!(message(PhantomParams { z_um: f64::NAN, ..usual() }).starts_with("phantom.z_um is NaN"));
    assert!(message(PhantomParams { rows: 0, ..usual() }).starts_with("phantom.rows is 0"));
    assert!(message(PhantomParams { dendrites: 0, ..usual() }).starts_with("phantom.dendrites is 0"));
    assert!(message(PhantomParams { radius_min_um: 0.9, ..usual() }).contains("at most phantom.radius_max_um, 0.55"));
    let no_class = PhantomParams { mushroom: 0.0, thin: 0.0, stubby: 0.0, filopodium: 0.0, ..usual() };
    assert!(message(no_class).contains("a sum above 0"));
    assert!(message(PhantomParams { planes: 2000, rows: 16384, columns: 16384, ..usual() }).contains("bytes"));
}

#[test]
fn it_stops_when_asked_to() {
    struct Stop;
    impl Progress for Stop {
        fn report(&mut self, _stage: &str, done: u64, _total: u64) -> bool {
            done == 0
        }
    }
    let error = phantom::stack(&small(), &mut Stop).unwrap_err();
    assert!(matches!(error, gemmule::error::Error::Cancelled));
}
