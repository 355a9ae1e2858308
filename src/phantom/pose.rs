//! How a later session sees the scene: turned, tilted, shifted, warped.

use std::f64::consts::TAU;

use rand::Rng;
use rand_distr::StandardNormal;

use crate::phantom::curve::{Curve, Vec3};
use crate::phantom::series::SeriesParams;

/// Waves of the warp.
const MODES: usize = 4;

/// A rigid motion about the middle of the field, and a smooth distortion in the plane.
pub(super) struct Pose {
    centre: Vec3,
    turn: f64,
    tilt: [f64; 2],
    shift: Vec3,
    /// Wave vector (y, x), phase, and amplitude along y and x.
    waves: Vec<([f64; 2], f64, [f64; 2])>,
}

impl Pose {
    pub(super) fn draw(centre: Vec3, params: &SeriesParams, rng: &mut impl Rng) -> Self {
        let mut normal = |sd: f64| sd * rng.sample::<f64, _>(StandardNormal);
        let turn = normal(params.turn_deg).to_radians();
        let tilt = [normal(params.tilt_deg).to_radians(), normal(params.tilt_deg).to_radians()];
        let shift = [normal(params.shift_z_um), normal(params.shift_xy_um), normal(params.shift_xy_um)];
        // Waves of 25 to 60 µm; the sum of MODES waves has standard deviation warp_um along each axis.
        let amplitude = params.warp_um * (2.0 / MODES as f64).sqrt();
        let waves = (0..MODES)
            .map(|_| {
                let (angle, number) = (TAU * rng.random::<f64>(), TAU / rng.random_range(25.0..60.0));
                let of = |rng: &mut dyn FnMut() -> f64| [amplitude * rng(), amplitude * rng()];
                let phase = TAU * rng.random::<f64>();
                let mut sign = || if rng.random::<bool>() { 1.0 } else { -1.0 };
                ([number * angle.sin(), number * angle.cos()], phase, of(&mut sign))
            })
            .collect();
        Self { centre, turn, tilt, shift, waves }
    }

    pub(super) fn apply(&self, p: Vec3) -> Vec3 {
        let [z, y, x] = [p[0] - self.centre[0], p[1] - self.centre[1], p[2] - self.centre[2]];
        let (sin, cos) = self.turn.sin_cos();
        // Tilts are small: z gains what the plane loses to second order.
        let tilted = z + self.tilt[0].tan() * y + self.tilt[1].tan() * x;
        let (wy, wx) = self.waves.iter().fold((0.0, 0.0), |(wy, wx), (k, phase, amplitude)| {
            let wave = (k[0] * p[1] + k[1] * p[2] + phase).sin();
            (wy + amplitude[0] * wave, wx + amplitude[1] * wave)
        });
        [
            self.centre[0] + self.shift[0] + tilted,
            self.centre[1] + self.shift[1] + cos * y - sin * x + wy,
            self.centre[2] + self.shift[2] + sin * y + cos * x + wx,
        ]
    }

    /// The curve as this session sees it; arc length stays that of the scene, so that a site keeps its number.
    pub(super) fn curve(&self, curve: &Curve) -> Curve {
        Curve {
            points: curve.points.iter().map(|&p| self.apply(p)).collect(),
            s_um: curve.s_um.clone(),
            radius_um: curve.radius_um.clone(),
        }
    }
}
