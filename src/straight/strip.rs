//! What is kept of a straightened dendrite when its stack is gone, so that a place can be measured later.

use std::ops::Range;

use crate::straight::{Frame, Straight};
use crate::units::PointUm;

/// Every so many-th sample along and across is kept: .2 µm, half of the focus.
const STRIDE: usize = 2;

/// Residual and its noise along a dendrite, over the axis brightness of the shaft; some 20 kB per µm.
///
/// ```
/// use gemmule::straight::{Spot, Straight, StraightInput, StraightParams, Strip};
/// # use gemmule::model::{Dendrite, Motion};
/// # use gemmule::units::{PointUm, VoxelSize};
/// # use gemmule::volume::{Grid, Shape};
/// # let grid = Grid::of_stack(Shape::new(9, 100, 200)?, VoxelSize::new(1.0, 0.1, 0.1)?);
/// # let light = |i: usize| {
/// #     let v = grid.shape.voxel(i);
/// #     let p = grid.to_um(v.z as f64, v.y as f64, v.x as f64);
/// #     let (deep, aside) = ((p.z - 4.0).powi(2) / 1.6, (p.y - 5.0).powi(2) / 0.18);
/// #     let beside = ((p.y - 6.2).powi(2) + (p.x - 10.0).powi(2)) / 0.1;
/// #     (10.0 + 400.0 * (-aside - deep).exp() + 160.0 * (-beside - deep).exp()) as f32
/// # };
/// # let course = |n: u32| 0.1 * f64::from(n);
/// # let points = (0..160).map(|n| PointUm::new(4.0, 5.0, 2.0 + course(n))).collect();
/// # let (s_um, radius_um) = ((0..160).map(course).collect(), vec![0.4; 160]);
/// # let dendrite = Dendrite { dendrite_id: 1, points, s_um, radius_um, parent: None, unscorable: vec![] };
/// # let mut smooth = gemmule::straight::near(&[dendrite.clone()], grid, &StraightParams::default(), [1.5, 1.1]);
/// # (0..9).for_each(|z| smooth.fill_plane_with(z, |i| [light(20_000 * z + i), 25.0]));
/// // A dendrite along x at y = 5 µm, with a head 1.2 µm to its right, 8 µm along.
/// let input = StraightInput { smooth: &smooth, correlation: 1.0, grid, offset: 10.0, motion: &Motion::default() };
/// let strip = Strip::new(&Straight::new(input, &dendrite, &StraightParams::default())?);
/// let head = Spot { s_um: 8.0, u_um: -1.2, w_um: 0.0 };
/// let place = strip.place(head);
/// assert!(place.distance_um(PointUm::new(4.0, 6.2, 10.0)) < 0.1);
/// assert!((strip.locate(place).u_um - head.u_um).abs() < 0.1);
/// assert_eq!(strip.locate_still(place), strip.locate(place)); // no plane has moved
/// let brightest = strip.around(head, [0.5, 0.5, 0.5]).map(|sample| sample.contrast).fold(0.0, f64::max);
/// let empty = Spot { s_um: 3.0, ..head };
/// assert!(brightest > 0.2 && strip.around(empty, [0.5, 0.5, 0.5]).all(|sample| sample.contrast < 0.1));
/// assert!(strip.largest_z(head, [0.5, 0.5, 0.5]) > strip.largest_z(empty, [0.5, 0.5, 0.5]));
/// # Ok::<(), gemmule::error::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Strip {
    /// Where the samples of the full grid lie.
    pub frame: Frame,
    /// (value - template) / axis.
    contrast: Vec<f32>,
    /// Standard deviation of it; infinite outside the volume.
    tau: Vec<f32>,
}

/// A place beside a dendrite in its own coordinates, µm. See the example of [`Strip`].
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Spot {
    /// Arc length.
    pub s_um: f64,
    /// Distance along the normal in the image plane, positive on the left.
    pub u_um: f64,
    /// Optical depth relative to the centreline.
    pub w_um: f64,
}

/// One kept sample. See the example of [`Strip`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// Where.
    pub spot: Spot,
    /// Residual over the axis brightness.
    pub contrast: f64,
    /// Its standard deviation; infinite outside the volume.
    pub tau: f64,
}

impl Strip {
    /// Keeps what a later measurement needs. See the example of [`Strip`].
    pub fn new(straight: &Straight) -> Self {
        let frame = &straight.frame;
        let (mut contrast, mut tau) = (Vec::new(), Vec::new());
        for s in (0..frame.ns()).step_by(STRIDE) {
            let over = 1.0 / straight.axis[s].max(1e-6);
            for w in 0..frame.nw() {
                for u in (0..frame.nu()).step_by(STRIDE) {
                    let at = frame.index(s, w, u);
                    contrast.push(straight.residual(at) * over);
                    tau.push(straight.sigma[at] * over);
                }
            }
        }
        Self { frame: frame.clone(), contrast, tau }
    }

    /// Kept samples within the reaches of a spot, in the order (s, w, u). See the example of [`Strip`].
    pub fn around(&self, spot: Spot, [s_um, u_um, w_um]: [f64; 3]) -> impl Iterator<Item = Sample> + '_ {
        let frame = &self.frame;
        let (kept_u, [along, deep, wide]) = self.window(spot, [s_um, u_um, w_um]);
        along.flat_map(move |s| {
            let wide = wide.clone();
            deep.clone().flat_map(move |w| {
                wide.clone().map(move |u| {
                    let at = (s * frame.nw() + w) * kept_u + u;
                    let spot = Spot {
                        s_um: frame.points[s * STRIDE].s_um,
                        u_um: frame.u_um((u * STRIDE) as f64),
                        w_um: frame.w_um(w as f64),
                    };
                    Sample { spot, contrast: f64::from(self.contrast[at]), tau: f64::from(self.tau[at]) }
                })
            })
        })
    }

    /// Largest contrast over its standard deviation within the reaches of a spot, on its side of the dendrite: what [`Strip::around`] would find, for the many
    /// windows that are compared with one. None where part of the window is outside the volume, or nothing of it is on that side.
    /// See the example of [`Strip`].
    pub fn largest_z(&self, spot: Spot, reach_um: [f64; 3]) -> Option<f64> {
        let (kept_u, [along, deep, wide]) = self.window(spot, reach_um);
        if wide.is_empty() {
            return None;
        }
        let beside: Vec<bool> = wide.clone().map(|u| self.frame.u_um((u * STRIDE) as f64) * spot.u_um > 0.0).collect();
        let mut best: Option<f64> = None;
        for s in along {
            for w in deep.clone() {
                let row = (s * self.frame.nw() + w) * kept_u;
                let row = row + wide.start..row + wide.end;
                for ((&contrast, &tau), &beside) in self.contrast[row.clone()].iter().zip(&self.tau[row]).zip(&beside) {
                    if !tau.is_finite() {
                        return None;
                    }
                    let z = f64::from(contrast) / f64::from(tau);
                    if beside && best.is_none_or(|b| z > b) {
                        best = Some(z);
                    }
                }
            }
        }
        best
    }

    /// Kept samples across, and the ranges of kept samples (s, w, u) within the reaches of a spot.
    fn window(&self, spot: Spot, [s_um, u_um, w_um]: [f64; 3]) -> (usize, [Range<usize>; 3]) {
        let frame = &self.frame;
        let kept_u = frame.nu().div_ceil(STRIDE);
        let half_u = frame.middle_u() as f64;
        let half_w = frame.middle_w() as f64;
        let range = |low: f64, high: f64, n: usize| {
            (low.ceil().max(0.0) as usize)..((high.floor() + 1.0).clamp(0.0, n as f64) as usize)
        };
        let step = (frame.step_s_um * STRIDE as f64, frame.step_u_um * STRIDE as f64);
        let along = range((spot.s_um - s_um) / step.0, (spot.s_um + s_um) / step.0, frame.ns().div_ceil(STRIDE));
        let depth = |w: f64| w / frame.step_w_um + half_w;
        let deep = range(depth(spot.w_um - w_um), depth(spot.w_um + w_um), frame.nw());
        let across = |u: f64| (u / frame.step_u_um + half_u) / STRIDE as f64;
        let wide = range(across(spot.u_um - u_um), across(spot.u_um + u_um), kept_u);
        (kept_u, [along, deep, wide])
    }

    /// The place of the stack in the dendrite's coordinates: from the centreline point nearest in the image plane, z counted
    /// little because the optics blur it. See the example of [`Strip`].
    pub fn locate(&self, place: PointUm) -> Spot {
        self.locate_still(self.frame.motion.still(place))
    }

    /// The same of a place that is free of motion. See the example of [`Strip`].
    pub fn locate_still(&self, place: PointUm) -> Spot {
        const Z_WEIGHT: f64 = 0.3;
        let squared = |p: PointUm| place.squared_xy_um2(p) + (Z_WEIGHT * (place.z - p.z)).powi(2);
        let nearest = self.frame.points.iter().min_by(|a, b| squared(a.point).total_cmp(&squared(b.point)));
        nearest.map_or_else(Spot::default, |p| Spot {
            s_um: p.s_um,
            u_um: (place.y - p.point.y) * p.normal.0 + (place.x - p.point.x) * p.normal.1,
            w_um: place.z - p.point.z,
        })
    }

    /// The place of the stack at a spot. See the example of [`Strip`].
    pub fn place(&self, spot: Spot) -> PointUm {
        let frame = &self.frame;
        frame.place_at(
            spot.s_um / frame.step_s_um.max(1e-9),
            spot.w_um / frame.step_w_um + frame.middle_w() as f64,
            spot.u_um / frame.step_u_um + frame.middle_u() as f64,
        )
    }
}
