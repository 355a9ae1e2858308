//! The sampling grid along a dendrite.

use crate::model::{Dendrite, Motion};
use crate::straight::StraightParams;
use crate::units::PointUm;

/// Half length over which the tangent is taken: longer than the jitter of a centreline, shorter than its bends.
const TANGENT_UM: f64 = 0.5;

/// One point of the centreline with its normal. See the example of [`Frame`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FramePoint {
    /// The centreline, free of motion.
    pub point: PointUm,
    /// Arc length, µm.
    pub s_um: f64,
    /// Half-maximum radius of the shaft, µm.
    pub radius_um: f64,
    /// Unit normal in the image plane, (y, x), to the left of increasing arc length.
    pub normal: (f64, f64),
    /// Angle of the centreline to the image plane, degrees.
    pub steepness_deg: f64,
}

/// Frame points along a dendrite, and the spacing and reach across it.
///
/// The grid lies in coordinates free of motion: what stands straight across planes that have moved is straight on it. Places of the stack are as the stack shows them.
///
/// ```
/// use gemmule::model::{Dendrite, Motion};
/// use gemmule::straight::{Frame, StraightParams};
/// use gemmule::units::PointUm;
/// let points = (0..80).map(|n| PointUm::new(5.0, 10.0, 0.1 * f64::from(n))).collect();
/// let s_um = (0..80).map(|n| 0.1 * f64::from(n)).collect();
/// let dendrite = Dendrite { dendrite_id: 1, points, s_um, radius_um: vec![0.4; 80], parent: None, unscorable: vec![] };
/// let frame = Frame::new(&dendrite, &Motion::default(), &StraightParams::default());
/// assert_eq!(frame.len(), frame.ns() * frame.nw() * frame.nu());
/// assert_eq!(frame.index(0, frame.middle_w(), frame.middle_u()), frame.middle_w() * frame.nu() + frame.middle_u());
/// assert!(frame.u_um(frame.middle_u() as f64).abs() < 1e-9 && frame.w_um(frame.middle_w() as f64).abs() < 1e-9);
/// // One sample to the left (towards smaller y, as the dendrite runs towards larger x).
/// let left = frame.place(40, frame.middle_w(), frame.middle_u() + 1);
/// assert!((left.y - (10.0 - frame.step_u_um)).abs() < 1e-6);
/// assert!(frame.place_at(40.0, frame.middle_w() as f64, frame.middle_u() as f64 + 1.0).distance_um(left) < 1e-9);
/// assert!(frame.points[40].steepness_deg.abs() < 1e-6);
/// // Had plane 6 moved by .4 µm along y, what is 1 µm above the centreline would be seen there.
/// let mut moved = Motion { displacement_um: vec![(0.0, 0.0); 12], bad_planes: vec![], plane_um: 1.0 };
/// moved.displacement_um[6] = (0.4, 0.0);
/// let swayed = Frame::new(&dendrite, &moved, &StraightParams::default());
/// let above = frame.middle_w() as f64 + 1.0 / frame.step_w_um;
/// let (is, was) = (swayed.place_at(40.0, above, 40.0), frame.place_at(40.0, above, 40.0));
/// assert!((is.y - was.y - 0.4).abs() < 1e-9 && swayed.still_at(40.0, above, 40.0).distance_um(was) < 1e-9);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Frame {
    /// The dendrite.
    pub dendrite_id: u32,
    /// Along the dendrite.
    pub points: Vec<FramePoint>,
    /// Distance between frame points, µm.
    pub step_s_um: f64,
    /// Spacing across, µm.
    pub step_u_um: f64,
    /// Spacing along the optical axis, µm.
    pub step_w_um: f64,
    /// Motion of the planes.
    pub motion: Motion,
    half_u: usize,
    half_w: usize,
}

impl Frame {
    /// The grid along a dendrite. See the example of [`Frame`].
    pub fn new(dendrite: &Dendrite, motion: &Motion, params: &StraightParams) -> Self {
        let n = dendrite.points.len();
        let still: Vec<PointUm> = dendrite.points.iter().map(|&p| motion.still(p)).collect();
        let step_s_um = dendrite.length_um() / (n - 1).max(1) as f64;
        let half = (TANGENT_UM / step_s_um.max(1e-6)).round().max(1.0) as usize;
        let mut points: Vec<FramePoint> = Vec::with_capacity(n);
        for i in 0..n {
            let (a, b) = (still[i.saturating_sub(half)], still[(i + half).min(n - 1)]);
            let (dz, dy, dx) = (b.z - a.z, b.y - a.y, b.x - a.x);
            let lateral = dy.hypot(dx);
            // A stretch straight along z has no normal of its own; it is unscorable anyway.
            let before = points.last().map_or((1.0, 0.0), |p| p.normal);
            let normal = if lateral > 1e-6 { (-dx / lateral, dy / lateral) } else { before };
            points.push(FramePoint {
                point: still[i],
                s_um: dendrite.s_um[i],
                radius_um: dendrite.radius_um[i],
                normal,
                steepness_deg: dz.abs().atan2(lateral).to_degrees(),
            });
        }
        Self {
            dendrite_id: dendrite.dendrite_id,
            points,
            step_s_um,
            step_u_um: params.step_um,
            step_w_um: params.step_z_um,
            motion: motion.clone(),
            half_u: (params.reach_um / params.step_um).round() as usize,
            half_w: (params.reach_z_um / params.step_z_um).round() as usize,
        }
    }

    /// Samples along s. See the example of [`Frame`].
    pub fn ns(&self) -> usize {
        self.points.len()
    }

    /// Samples along u. See the example of [`Frame`].
    pub fn nu(&self) -> usize {
        2 * self.half_u + 1
    }

    /// Samples along w. See the example of [`Frame`].
    pub fn nw(&self) -> usize {
        2 * self.half_w + 1
    }

    /// Samples of the whole grid. See the example of [`Frame`].
    #[allow(clippy::len_without_is_empty, reason = "a dendrite has at least two points")]
    pub fn len(&self) -> usize {
        self.ns() * self.nw() * self.nu()
    }

    /// Position in the flat arrays. See the example of [`Frame`].
    pub fn index(&self, s: usize, w: usize, u: usize) -> usize {
        (s * self.nw() + w) * self.nu() + u
    }

    /// Distance across the dendrite of a (fractional) sample index, µm. See the example of [`Frame`].
    pub fn u_um(&self, u: f64) -> f64 {
        (u - self.half_u as f64) * self.step_u_um
    }

    /// Distance along the optical axis of a (fractional) sample index, µm. See the example of [`Frame`].
    pub fn w_um(&self, w: f64) -> f64 {
        (w - self.half_w as f64) * self.step_w_um
    }

    /// Index of u = 0. See the example of [`Frame`].
    pub fn middle_u(&self) -> usize {
        self.half_u
    }

    /// Index of w = 0. See the example of [`Frame`].
    pub fn middle_w(&self) -> usize {
        self.half_w
    }

    /// Place of a sample in the stack. See the example of [`Frame`].
    pub fn place(&self, s: usize, w: usize, u: usize) -> PointUm {
        self.motion.seen(self.still(s, w, u))
    }

    /// Place of a sample, free of motion. See the example of [`Frame`].
    pub fn still(&self, s: usize, w: usize, u: usize) -> PointUm {
        let p = &self.points[s];
        let (u_um, w_um) = (self.u_um(u as f64), self.w_um(w as f64));
        PointUm::new(p.point.z + w_um, p.point.y + u_um * p.normal.0, p.point.x + u_um * p.normal.1)
    }

    /// Place of fractional sample coordinates in the stack. See the example of [`Frame`].
    pub fn place_at(&self, s: f64, w: f64, u: f64) -> PointUm {
        self.motion.seen(self.still_at(s, w, u))
    }

    /// Place of fractional sample coordinates, free of motion. See the example of [`Frame`].
    pub fn still_at(&self, s: f64, w: f64, u: f64) -> PointUm {
        let s = s.clamp(0.0, (self.ns() - 1) as f64);
        let i = (s as usize).min(self.ns().saturating_sub(2));
        let j = (i + 1).min(self.ns() - 1);
        let at = |k: usize| {
            let p = &self.points[k];
            let u_um = self.u_um(u);
            PointUm::new(p.point.z + self.w_um(w), p.point.y + u_um * p.normal.0, p.point.x + u_um * p.normal.1)
        };
        at(i).lerp(at(j), s - i as f64)
    }
}
