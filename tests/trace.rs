//! Tracing on ridge maps of known curves.

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
