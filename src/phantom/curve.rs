//! Vectors and curves, (z, y, x) in µm.

use rand::Rng;
use rand_distr::StandardNormal;

use crate::units::PointUm;

/// (z, y, x), µm or a direction.
pub(super) type Vec3 = [f64; 3];

pub(super) fn point(v: Vec3) -> PointUm {
    PointUm::new(v[0], v[1], v[2])
}

/// `p` + `k` * `d`.
pub(super) fn step(p: Vec3, d: Vec3, k: f64) -> Vec3 {
    [p[0] + k * d[0], p[1] + k * d[1], p[2] + k * d[2]]
}

pub(super) fn length(v: Vec3) -> f64 {
    (v[0] * v[0] + v[1] * v[1] + v[2] * v[2]).sqrt()
}

fn unit(v: Vec3) -> Vec3 {
    let n = length(v).max(1e-12);
    [v[0] / n, v[1] / n, v[2] / n]
}

/// Smooth noise of standard deviation 1 at the nodes: a Catmull-Rom spline through independent normal values.
pub(super) struct SmoothNoise {
    nodes: Vec<f64>,
    spacing: f64,
}

impl SmoothNoise {
    /// Noise over 0..=`length`, changing over `spacing`.
    pub(super) fn new(length: f64, spacing: f64, rng: &mut impl Rng) -> Self {
        let n = (length / spacing).ceil() as usize + 4;
        Self { nodes: (0..n).map(|_| rng.sample(StandardNormal)).collect(), spacing }
    }

    pub(super) fn at(&self, t: f64) -> f64 {
        let u = (t / self.spacing).max(0.0) + 1.0;
        let i = (u as usize).min(self.nodes.len() - 3);
        let f = u - i as f64;
        let [a, b, c, d] = [self.nodes[i - 1], self.nodes[i], self.nodes[i + 1], self.nodes[i + 2]];
        b + 0.5 * f * (c - a + f * (2.0 * a - 5.0 * b + 4.0 * c - d + f * (3.0 * (b - c) + d - a)))
    }
}

/// A curve with a radius, its points [`Curve::SPACING_UM`] apart along the straight line it wanders about.
#[derive(Clone)]
pub(super) struct Curve {
    pub(super) points: Vec<Vec3>,
    pub(super) s_um: Vec<f64>,
    pub(super) radius_um: Vec<f64>,
}

/// How a curve runs.
pub(super) struct Course {
    /// A point of the straight line.
    pub(super) through: Vec3,
    /// Its direction in the plane, from x towards y.
    pub(super) angle: f64,
    /// Length to either side of the point.
    pub(super) half_um: f64,
    pub(super) wander_um: f64,
    pub(super) wander_z_um: f64,
    pub(super) wander_length_um: f64,
    pub(super) radius_um: f64,
    pub(super) radius_ripple: f64,
}

impl Curve {
    pub(super) const SPACING_UM: f64 = 0.1;

    pub(super) fn new(course: &Course, rng: &mut impl Rng) -> Self {
        let total = 2.0 * course.half_um;
        let lateral = SmoothNoise::new(total, course.wander_length_um, rng);
        let axial = SmoothNoise::new(total, course.wander_length_um, rng);
        let ripple = SmoothNoise::new(total, 3.0, rng);
        let (sin, cos) = course.angle.sin_cos();
        let n = (total / Self::SPACING_UM).ceil() as usize;
        let (mut points, mut radius_um) = (Vec::with_capacity(n + 1), Vec::with_capacity(n + 1));
        for i in 0..=n {
            let t = total * i as f64 / n as f64;
            let along = step(course.through, [0.0, sin, cos], t - course.half_um);
            let aside = course.wander_um * lateral.at(t);
            points.push(step(along, [course.wander_z_um * axial.at(t), cos * aside, -sin * aside], 1.0));
            radius_um.push(course.radius_um * (1.0 + course.radius_ripple * ripple.at(t)).max(0.3));
        }
        let s_um = arc_length(&points);
        Self { points, s_um, radius_um }
    }

    pub(super) fn length_um(&self) -> f64 {
        self.s_um[self.s_um.len() - 1]
    }

    /// Point, unit tangent and radius at an arc length.
    pub(super) fn at(&self, s_um: f64) -> (Vec3, Vec3, f64) {
        let after = self.s_um.partition_point(|&s| s < s_um).clamp(1, self.s_um.len() - 1);
        let (s0, s1) = (self.s_um[after - 1], self.s_um[after]);
        let f = ((s_um - s0) / (s1 - s0)).clamp(0.0, 1.0);
        let place = step(self.points[after - 1], difference(self.points[after], self.points[after - 1]), f);
        let (a, b) = (after.saturating_sub(3), (after + 2).min(self.points.len() - 1));
        let tangent = unit(difference(self.points[b], self.points[a]));
        (place, tangent, self.radius_um[after - 1] + f * (self.radius_um[after] - self.radius_um[after - 1]))
    }
}

/// `a` - `b`.
pub(super) fn difference(a: Vec3, b: Vec3) -> Vec3 {
    step(a, b, -1.0)
}

/// Arc length at each point, from 0.
pub(super) fn arc_length(points: &[Vec3]) -> Vec<f64> {
    let mut s = vec![0.0; points.len()];
    for i in 1..points.len() {
        s[i] = s[i - 1] + length(difference(points[i], points[i - 1]));
    }
    s
}

/// Two unit vectors across a tangent: the left normal in the image plane (as [`crate::model::Side::Left`]), and the
/// one across both, close to z.
pub(super) fn across(tangent: Vec3) -> (Vec3, Vec3) {
    let n = if tangent[1].hypot(tangent[2]) > 1e-9 { unit([0.0, -tangent[2], tangent[1]]) } else { [0.0, 1.0, 0.0] };
    let [a, b, c] = tangent;
    (n, unit([b * n[2] - c * n[1], c * n[0] - a * n[2], a * n[1] - b * n[0]]))
}
