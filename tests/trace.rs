//! Tracing on ridge maps of known curves.

use gemmule::engine::{Backend, Engine};
use gemmule::model::{Side, UnscorableReason};
use gemmule::phantom::{self, PhantomParams};
use gemmule::pipeline::{self, Params};
use gemmule::progress::Silent;
use gemmule::trace::{TraceInput, TraceParams, trace};
use gemmule::units::{PointUm, VoxelSize};
use gemmule::volume::{Grid, Shape, Volume};

const VOXEL: VoxelSize = VoxelSize { z_um: 1.0, y_um: 0.25, x_um: 0.25 };

fn grid(z: usize, y: usize, x: usize) -> Grid {
    Grid { shape: Shape::new(z, y, x).unwrap(), voxel_size: VOXEL, origin: PointUm::new(0.0, 0.1, 0.1) }
}

/// A map that falls off as a Gaussian (.4 µm, z 1.2 µm) from the nearest point of the curves, over a small background.
fn tubes(grid: Grid, curves: &[Vec<PointUm>]) -> Volume<f32> {
    let mut volume = Volume::filled(grid.shape, 0.0);
    for index in 0..grid.shape.len() {
        let v = grid.shape.voxel(index);
        let p = grid.to_um(v.z as f64, v.y as f64, v.x as f64);
        let r2 = curves
            .iter()
            .flatten()
            .map(|c| (p.distance_xy_um(*c) / 0.4).powi(2) + ((p.z - c.z) / 1.2).powi(2))
            .fold(f64::INFINITY, f64::min);
        volume.as_mut_slice()[index] = (0.001 + (-0.5 * r2).exp()) as f32;
    }
    volume
}

fn line(from: (f64, f64, f64), to: (f64, f64, f64)) -> Vec<PointUm> {
    let (a, b) = (PointUm::new(from.0, from.1, from.2), PointUm::new(to.0, to.1, to.2));
    let n = (a.distance_um(b) / 0.1) as usize;
    (0..=n).map(|i| a.lerp(b, i as f64 / n as f64)).collect()
}

fn run(map: &Volume<f32>, grid: Grid) -> Vec<gemmule::model::Dendrite> {
    trace(TraceInput { ridge: map, intensity: map, grid }, &TraceParams::default(), &mut Silent).unwrap()
}

#[test]
fn a_curved_tube_gives_its_centreline_length_and_radius() {
    let grid = grid(9, 90, 140);
    let curve: Vec<PointUm> = (0..320)
        .map(|i| {
            let x = 1.5 + i as f64 * 0.1;
            PointUm::new(4.0, 11.0 + 2.0 * (x / 5.0).sin(), x)
        })
        .collect();
    let found = run(&tubes(grid, std::slice::from_ref(&curve)), grid);
    assert_eq!(found.len(), 1);
    let d = &found[0];
    let worst = d
        .points
        .iter()
        .filter(|p| p.x > 2.5 && p.x < 32.0)
        .map(|p| curve.iter().map(|c| c.distance_xy_um(*p)).fold(f64::INFINITY, f64::min))
        .fold(0.0, f64::max);
    assert!(worst < 0.1, "a centreline point lies {worst} µm off the curve");
    let truth: f64 = curve.windows(2).map(|w| w[0].distance_um(w[1])).sum();
    // The threshold, 20 times the background of .001, is met .4 * sqrt(2 ln 50) = 1.12 µm beyond each end.
    let excess = d.length_um() - truth;
    assert!((0.0..2.0 * 1.12 + 0.5).contains(&excess), "length {} for {truth} µm", d.length_um());
    // Half maximum of a Gaussian of .4 µm lies at .4 * sqrt(2 ln 2) = .47 µm.
    let middle = d.radius_um[d.radius_um.len() / 2];
    assert!((middle - 0.47).abs() < 0.05, "radius {middle} µm");
}

#[test]
fn a_branch_starts_on_its_parent() {
    let grid = grid(7, 110, 130);
    let curves = [line((3.0, 6.0, 1.0), (3.0, 6.0, 31.0)), line((3.0, 6.0, 15.0), (3.0, 26.0, 22.0))];
    let found = run(&tubes(grid, &curves), grid);
    assert_eq!(found.len(), 2);
    let (parent_id, at) = found[1].parent.expect("the branch knows its parent");
    let parent = found.iter().find(|d| d.dendrite_id == parent_id).unwrap();
    let gap = parent.points[at].distance_xy_um(found[1].points[0]);
    assert!(gap < 0.7, "the branch starts {gap} µm from its parent");
    let place = PointUm::new(3.0, 6.0, 15.0);
    assert!(parent.points[at].distance_xy_um(place) < 1.5, "joined at {:?}", parent.points[at]);
}

#[test]
fn a_short_gap_is_bridged_and_a_long_one_is_not() {
    let grid = grid(5, 60, 200);
    for (gap_um, expected) in [(1.2, 1), (8.0, 2)] {
        let middle = 24.0;
        let curves = [
            line((2.0, 7.0, 2.0), (2.0, 7.0, middle - gap_um / 2.0)),
            line((2.0, 7.0, middle + gap_um / 2.0), (2.0, 7.0, 47.0)),
        ];
        assert_eq!(run(&tubes(grid, &curves), grid).len(), expected, "gap of {gap_um} µm");
    }
}

/// A dendrite that an axon continues (from x = 30 µm), another of a tenth of the light that is as thick, and an axon alone; the ridge map does not know them apart.
#[test]
fn what_is_thin_and_dim_is_marked_as_an_axon() {
    let grid = grid(5, 120, 260);
    let curves = [
        line((2.0, 6.0, 2.0), (2.0, 6.0, 62.0)),
        line((2.0, 15.0, 2.0), (2.0, 15.0, 62.0)),
        line((2.0, 24.0, 2.0), (2.0, 24.0, 62.0)),
    ];
    let ridge = tubes(grid, &curves);
    let mut intensity = Volume::filled(grid.shape, 0.0);
    let look = |p: PointUm| match p.y {
        y if y < 10.0 && p.x < 30.0 => (6.0, 0.5, 1.0),
        y if y < 10.0 => (6.0, 0.3, 0.1),
        y if y < 20.0 => (15.0, 0.5, 0.1),
        _ => (24.0, 0.3, 0.1),
    };
    for index in 0..grid.shape.len() {
        let v = grid.shape.voxel(index);
        let p = grid.to_um(v.z as f64, v.y as f64, v.x as f64);
        let (y, sigma, light) = look(p);
        let r2 = ((p.y - y) / sigma).powi(2) + ((p.z - 2.0) / 1.2).powi(2);
        intensity.as_mut_slice()[index] = (3.0 + 40.0 * light * (-0.5 * r2).exp()) as f32;
    }
    let traced = |params: &TraceParams| {
        let input = TraceInput { ridge: &ridge, intensity: &intensity, grid };
        let mut found = trace(input, params, &mut Silent).unwrap();
        found.sort_by(|a, b| a.points[0].y.total_cmp(&b.points[0].y));
        found
    };
    let found = traced(&TraceParams::default());
    assert_eq!(found.len(), 3);
    let axon = UnscorableReason::Axon;
    for (y, x, expected) in [(6.0, 20.0, None), (6.0, 50.0, Some(axon)), (15.0, 40.0, None), (24.0, 40.0, Some(axon))] {
        let d = found.iter().find(|d| (d.points[0].y - y).abs() < 2.0).unwrap();
        let at = (0..d.points.len()).min_by(|&a, &b| (d.points[a].x - x).abs().total_cmp(&(d.points[b].x - x).abs()));
        for side in [Side::Left, Side::Right] {
            assert_eq!(d.unscorable_at(d.s_um[at.unwrap()], side), expected, "y {y} µm, x {x} µm");
        }
    }
    // Where one becomes the other lies within half a window.
    let half = found[0].unscorable_length_um(axon);
    assert!((half - 32.0).abs() < 5.5, "{half} µm of {}", found[0].length_um());
    let none = traced(&TraceParams::default().axon_brightness(0.0).unwrap());
    assert!(none.iter().all(|d| d.unscorable.is_empty()));
}

/// Figures of CORRECTNESS.md, on fewer stacks: two dendrites and three axons each.
#[test]
fn axons_of_synthetic_stacks_are_told_from_their_dendrites() {
    let engine = Engine::new(Backend::Cpu).unwrap();
    let (mut of_dendrites, mut of_axons) = ((0.0, 0.0), (0.0, 0.0));
    for seed in 1..=4 {
        let made = phantom::stack(&PhantomParams::default().seed(seed).unwrap(), &mut Silent).unwrap();
        let found = pipeline::detect(&engine, &made.stack, &Params::default(), &mut Silent).unwrap();
        let near = |p: PointUm| {
            let close = |q: &PointUm| p.distance_xy_um(*q) < 1.0 && (p.z - q.z).abs() < 3.0;
            made.dendrites.iter().any(|d| d.points.iter().any(close))
        };
        for d in &found.dendrites {
            for (&p, &s_um) in d.points.iter().zip(&d.s_um).step_by(5) {
                let is_axon = d.unscorable_at(s_um, Side::Left) == Some(UnscorableReason::Axon);
                let sum = if near(p) { &mut of_dendrites } else { &mut of_axons };
                *sum = (sum.0 + f64::from(u8::from(is_axon)), sum.1 + 1.0);
            }
        }
    }
    println!("axons: {of_axons:?}, dendrites: {of_dendrites:?}");
    assert!(of_axons.0 >= 0.6 * of_axons.1, "{of_axons:?}");
    assert!(of_dendrites.0 <= 0.02 * of_dendrites.1, "{of_dendrites:?}");
}

#[test]
fn nothing_is_traced_where_nothing_is_and_a_single_plane_works() {
    for shape in [(1, 1, 1), (1, 40, 40), (6, 1, 50)] {
        let grid = grid(shape.0, shape.1, shape.2);
        for value in [0.0, 0.5] {
            assert!(run(&Volume::filled(grid.shape, value), grid).is_empty(), "{shape:?} {value}");
        }
    }
    let plane = grid(1, 60, 100);
    assert_eq!(run(&tubes(plane, &[line((0.0, 7.0, 1.0), (0.0, 7.0, 23.0))]), plane).len(), 1);
}

#[test]
fn volumes_of_another_shape_are_refused() {
    let grid = grid(3, 4, 5);
    let (right, wrong) = (Volume::filled(grid.shape, 0.0), Volume::filled(Shape::new(3, 4, 6).unwrap(), 0.0));
    let input = TraceInput { ridge: &right, intensity: &wrong, grid };
    let message = trace(input, &TraceParams::default(), &mut Silent).unwrap_err().to_string();
    assert!(message.contains("3 x 4 x 6"), "{message}");
}
