//! Point spread function and planes: from points of fluorescence to the photons expected in every voxel.

use std::f64::consts::TAU;

use rand::Rng;
use rand_distr::StandardNormal;

use crate::phantom::curve::Vec3;
use crate::phantom::mass::MassPoint;
use crate::phantom::params::PhantomParams;
use crate::phantom::random::{Purpose, stream};
use crate::volume::Grid;

/// Gaussians are cut at this many standard deviations: 6e-5 of the light is lost.
const CUT: f64 = 4.0;

/// A Gaussian point spread function.
#[derive(Clone, Copy, Debug)]
pub(super) struct Psf {
    pub(super) sigma_xy_um: f64,
    pub(super) sigma_z_um: f64,
}

impl Psf {
    pub(super) fn new(params: &PhantomParams) -> Self {
        let sigma_per_fwhm = 1.0 / (8.0 * 2.0_f64.ln()).sqrt();
        Self { sigma_xy_um: params.psf_fwhm_xy_um * sigma_per_fwhm, sigma_z_um: params.psf_fwhm_z_um * sigma_per_fwhm }
    }

    /// Light of a cloud at one place: sum of mass times the normalised Gaussian.
    pub(super) fn light_at(&self, points: &[MassPoint], at: Vec3) -> f64 {
        let (v_xy, v_z) = (self.sigma_xy_um.powi(2), self.sigma_z_um.powi(2));
        let light = points.iter().map(|p| {
            let lateral = (p.place[1] - at[1]).powi(2) + (p.place[2] - at[2]).powi(2);
            let exponent = (lateral / v_xy + (p.place[0] - at[0]).powi(2) / v_z) / 2.0;
            if exponent < CUT * CUT { p.mass * (-exponent).exp() } else { 0.0 }
        });
        light.sum::<f64>() / (TAU.powf(1.5) * v_xy * self.sigma_z_um)
    }
}

/// The lowest and highest place from which light reaches the stack.
pub(super) fn reach_um(params: &PhantomParams, grid: &Grid) -> [Vec3; 2] {
    let psf = Psf::new(params);
    // Motion beyond 6 standard deviations does not happen.
    let margin = [psf.sigma_z_um, psf.sigma_xy_um, psf.sigma_xy_um]
        .map(|s| CUT * s + 6.0 * params.plane_jitter_um + params.moved_um);
    let last = grid.to_um(grid.shape.z as f64, grid.shape.y as f64, grid.shape.x as f64);
    [margin.map(|m| -m), [last.z + margin[0], last.y + margin[1], last.x + margin[2]]]
}

/// Where the plane really is: its depth and how far its rows and columns are off.
pub(super) fn plane_place(params: &PhantomParams, plane: usize) -> Vec3 {
    let mut rng = stream(params.seed, Purpose::Motion, plane);
    let mut motion = || params.plane_jitter_um * rng.sample::<f64, _>(StandardNormal);
    let moved = if plane == params.moved_plane { params.moved_um } else { 0.0 };
    [plane as f64 * params.z_um + motion(), motion() + moved, motion()]
}

/// Photons expected in the voxels of one plane, from points sorted by depth.
pub(super) fn expected_plane(params: &PhantomParams, grid: &Grid, points: &[MassPoint], plane: usize) -> Vec<f64> {
    let psf = Psf::new(params);
    let [z, dy, dx] = plane_place(params, plane);
    let rows = Axis::new(params.y_um, grid.shape.y, dy, psf.sigma_xy_um);
    let columns = Axis::new(params.x_um, grid.shape.x, dx, psf.sigma_xy_um);
    let map = splat(points, z, psf.sigma_z_um, &rows, &columns);
    let mut light = blur(&map, &rows.weights(), &columns.weights());
    for (value, texture) in light.iter_mut().zip(neuropil(params, grid, [z, dy, dx])) {
        *value += params.background_photons * (1.0 + params.neuropil_share * texture).max(0.0);
    }
    light
}

/// A fine grid along one axis and the voxel centres that are sampled from it.
struct Axis {
    voxel_um: f64,
    voxels: usize,
    /// Displacement of the voxel centres.
    shift_um: f64,
    sigma_um: f64,
    /// Spacing, first node and number of the fine grid.
    fine_um: f64,
    start_um: f64,
    nodes: usize,
}

impl Axis {
    /// Nodes are this close, µm.
    const FINE_UM: f64 = 0.05;

    fn new(voxel_um: f64, voxels: usize, shift_um: f64, sigma_um: f64) -> Self {
        let fine_um = voxel_um / (voxel_um / Self::FINE_UM).ceil();
        let margin = CUT * sigma_um + 2.0 * fine_um;
        let start_um = shift_um - margin;
        let nodes = ((voxels as f64 - 1.0) * voxel_um + 2.0 * margin) / fine_um;
        Self { voxel_um, voxels, shift_um, sigma_um, fine_um, start_um, nodes: nodes.ceil() as usize + 1 }
    }

    /// The node below a place and the share of the node above it; none outside.
    fn split(&self, at_um: f64) -> Option<(usize, f64)> {
        let u = (at_um - self.start_um) / self.fine_um;
        (u >= 0.0 && u < (self.nodes - 1) as f64).then(|| (u as usize, u - u.floor()))
    }

    /// For every voxel, the Gaussian at the nodes around it.
    ///
    /// Sharing a point between two nodes blurs it by h²/6 on average (a triangle of base 2 h has h²/6, a point between
    /// nodes f (1 - f) h², whose mean is the same): the Gaussian is made narrower by as much.
    fn weights(&self) -> Vec<Taps> {
        let variance = self.sigma_um.powi(2) - self.fine_um.powi(2) / 6.0;
        let places = (0..self.voxels).map(|i| i as f64 * self.voxel_um + self.shift_um);
        let norm = 1.0 / (TAU * variance).sqrt();
        places
            .map(|at| {
                let mut taps = Taps::gaussian(at, variance.sqrt(), self.start_um, self.fine_um, self.nodes);
                taps.weights.iter_mut().for_each(|w| *w *= norm);
                taps
            })
            .collect()
    }
}

/// Weights of consecutive nodes.
struct Taps {
    first: usize,
    weights: Vec<f64>,
}

impl Taps {
    /// exp(-d²/2σ²) at the nodes within [`CUT`] σ of a place.
    fn gaussian(at_um: f64, sigma_um: f64, start_um: f64, spacing_um: f64, nodes: usize) -> Self {
        let first = ((at_um - CUT * sigma_um - start_um) / spacing_um).ceil().max(0.0) as usize;
        let last = (((at_um + CUT * sigma_um - start_um) / spacing_um).floor() as usize).min(nodes - 1);
        let weight = |k: usize| (-((start_um + k as f64 * spacing_um - at_um) / sigma_um).powi(2) / 2.0).exp();
        Self { first, weights: (first..=last).map(weight).collect() }
    }

    fn apply(&self, nodes: &[f64]) -> f64 {
        self.weights.iter().zip(&nodes[self.first..]).map(|(w, v)| w * v).sum()
    }
}

/// A map of nodes, columns fastest.
struct NodeMap {
    columns: usize,
    values: Vec<f64>,
}

/// The light of all points in a plane, before the lateral blur: the axial Gaussian is exact at the plane's depth.
fn splat(points: &[MassPoint], z_um: f64, sigma_z_um: f64, rows: &Axis, columns: &Axis) -> NodeMap {
    let mut map = NodeMap { columns: columns.nodes, values: vec![0.0; rows.nodes * columns.nodes] };
    let norm = 1.0 / (TAU.sqrt() * sigma_z_um);
    let from = points.partition_point(|p| p.place[0] < z_um - CUT * sigma_z_um);
    let to = points.partition_point(|p| p.place[0] <= z_um + CUT * sigma_z_um);
    for p in &points[from..to] {
        let (Some((j, fy)), Some((i, fx))) = (rows.split(p.place[1]), columns.split(p.place[2])) else { continue };
        let mass = p.mass * norm * (-((p.place[0] - z_um) / sigma_z_um).powi(2) / 2.0).exp();
        let at = j * map.columns + i;
        map.values[at] += mass * (1.0 - fy) * (1.0 - fx);
        map.values[at + 1] += mass * (1.0 - fy) * fx;
        map.values[at + map.columns] += mass * fy * (1.0 - fx);
        map.values[at + map.columns + 1] += mass * fy * fx;
    }
    map
}

/// Weighted sums along columns, then along rows, at the voxels only.
fn blur(map: &NodeMap, rows: &[Taps], columns: &[Taps]) -> Vec<f64> {
    let mut narrow = Vec::with_capacity(map.values.len() / map.columns * columns.len());
    for row in map.values.chunks(map.columns) {
        narrow.extend(columns.iter().map(|taps| taps.apply(row)));
    }
    let n = columns.len();
    let mut out = vec![0.0; rows.len() * n];
    for (taps, line) in rows.iter().zip(out.chunks_mut(n)) {
        for (k, w) in taps.weights.iter().enumerate() {
            let source = &narrow[(taps.first + k) * n..(taps.first + k + 1) * n];
            line.iter_mut().zip(source).for_each(|(o, v)| *o += w * v);
        }
    }
    out
}

/// Gaussian texture of mean 0 and standard deviation 1 in one plane: white noise on a lattice fixed in the scene, blurred
/// by the neuropil's own length and by the optics.
fn neuropil(params: &PhantomParams, grid: &Grid, [z, dy, dx]: Vec3) -> Vec<f64> {
    let psf = Psf::new(params);
    let spacing = params.neuropil_um / 2.0;
    let sigma = |optical: f64| params.neuropil_um.hypot(optical);
    let margin = CUT * sigma(psf.sigma_xy_um.max(psf.sigma_z_um)) + 6.0 * params.plane_jitter_um;
    let nodes = |extent: f64| ((extent + 2.0 * margin) / spacing).ceil() as usize + 1;
    let depth = nodes((grid.shape.z - 1) as f64 * params.z_um);
    let (n_y, n_x) = (nodes(grid.shape.y as f64 * params.y_um), nodes(grid.shape.x as f64 * params.x_um));
    // White noise stays at standard deviation 1 when the squares of the weights add up to 1.
    let taps = |at: f64, sigma: f64, nodes: usize| {
        let mut taps = Taps::gaussian(at, sigma, -margin, spacing, nodes);
        let norm = taps.weights.iter().map(|w| w * w).sum::<f64>().sqrt();
        taps.weights.iter_mut().for_each(|w| *w /= norm);
        taps
    };
    let axial = taps(z, sigma(psf.sigma_z_um), depth);
    let mut map = NodeMap { columns: n_x, values: vec![0.0; n_y * n_x] };
    for (k, w) in axial.weights.iter().enumerate() {
        let mut rng = stream(params.seed, Purpose::Neuropil, axial.first + k);
        map.values.iter_mut().for_each(|v| *v += w * rng.sample::<f64, _>(StandardNormal));
    }
    let along = |voxels: usize, voxel_um: f64, shift: f64, nodes: usize| -> Vec<Taps> {
        (0..voxels).map(|i| taps(i as f64 * voxel_um + shift, sigma(psf.sigma_xy_um), nodes)).collect()
    };
    let rows = along(grid.shape.y, params.y_um, dy, n_y);
    blur(&map, &rows, &along(grid.shape.x, params.x_um, dx, n_x))
}

#[cfg(test)]
mod tests {
    use crate::phantom::mass::MassPoint;
    use crate::phantom::optics::{expected_plane, neuropil};
    use crate::phantom::params::PhantomParams;

    fn still() -> PhantomParams {
        PhantomParams {
            planes: 16,
            rows: 64,
            columns: 60,
            z_um: 0.5,
            plane_jitter_um: 0.0,
            background_photons: 0.0,
            ..PhantomParams::default()
        }
    }

    /// A bead between the voxels: its light is all there, its centre in place, its widths those asked for.
    #[test]
    fn a_bead_is_as_wide_as_the_point_spread_function() {
        for (y_um, x_um, off) in [(0.1, 0.1, 0.0), (0.1, 0.12, 0.013), (0.06, 0.1, 0.031)] {
            let params = PhantomParams { y_um, x_um, psf_fwhm_z_um: 1.5, ..still() };
            let grid = params.grid().unwrap();
            let place = [3.7, 30.0 * y_um + off, 28.0 * x_um + off];
            let bead = [MassPoint { place, mass: 2.0 }];
            let (mut sum, mut first, mut second) = (0.0, [0.0; 3], [0.0; 3]);
            for z in 0..grid.shape.z {
                for (i, v) in expected_plane(&params, &grid, &bead, z).iter().enumerate() {
                    let at = [z as f64 * 0.5, (i / grid.shape.x) as f64 * y_um, (i % grid.shape.x) as f64 * x_um];
                    sum += v;
                    for axis in 0..3 {
                        first[axis] += v * (at[axis] - place[axis]);
                        second[axis] += v * (at[axis] - place[axis]).powi(2);
                    }
                }
            }
            // The cut at 4 standard deviations loses 6e-5 per axis of the light, and 1e-3 of the variance.
            assert!((sum * 0.5 * y_um * x_um - 2.0).abs() < 1e-3, "light {sum}");
            for (axis, fwhm) in [(0, 1.5), (1, 0.4), (2, 0.4)] {
                assert!((first[axis] / sum).abs() < 1e-3);
                let width = (second[axis] / sum * 8.0 * 2.0_f64.ln()).sqrt();
                // One bead may sit on a node (no widening, made narrower by h²/6) or between two (h²/4 - h²/6).
                let sigma2 = fwhm * fwhm / (8.0 * 2.0_f64.ln());
                let share = if axis == 0 { 0.0 } else { 0.05_f64.powi(2) / 6.0 / sigma2 / 2.0 };
                assert!((width / fwhm - 1.0).abs() < share + 1e-3, "axis {axis}: {width}");
            }
        }
    }

    #[test]
    fn the_texture_has_mean_0_and_variance_1() {
        // A field of 60 x 60 µm holds some 1000 independent patches.
        let params = PhantomParams { rows: 120, columns: 120, y_um: 0.5, x_um: 0.5, ..still() };
        let texture = neuropil(&params, &params.grid().unwrap(), [4.0, 0.0, 0.0]);
        let n = texture.len() as f64;
        let mean = texture.iter().sum::<f64>() / n;
        let variance = texture.iter().map(|v| v * v).sum::<f64>() / n;
        assert!(mean.abs() < 4.0 / 1000.0_f64.sqrt(), "mean {mean}");
        assert!((variance - 1.0).abs() < 4.0 * (2.0 / 1000.0_f64).sqrt(), "variance {variance}");
    }
}
