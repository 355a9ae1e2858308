//! Shapes of spines, and where one lies when it grows from a shaft.

use rand::Rng;
use rand_distr::StandardNormal;

use crate::model::{Side, SpineClass};
use crate::phantom::curve::{Curve, Vec3, across, step};
use crate::phantom::params::PhantomParams;

/// A spine as it is, wherever it grows.
#[derive(Clone, Debug)]
pub(super) struct SpineShape {
    pub(super) class: SpineClass,
    /// Diameter of the head; of a filopodium, its width.
    pub(super) head_um: f64,
    /// From the shaft's edge to the near side of the head; for a filopodium, to its tip.
    pub(super) neck_length_um: f64,
    pub(super) neck_width_um: f64,
}

/// Shortest and longest neck drawn, µm.
const NECK_UM: (f64, f64) = (0.1, 2.0);

impl SpineShape {
    /// Draws a class by its weight, and sizes within the class.
    pub(super) fn draw(params: &PhantomParams, rng: &mut impl Rng) -> Self {
        let weights = [params.mushroom, params.thin, params.stubby, params.filopodium];
        let mut u = rng.random::<f64>() * weights.iter().sum::<f64>();
        let class = weights.iter().position(|w| {
            u -= w;
            u < 0.0
        });
        let neck_width_um = rng.random_range(0.08..0.25);
        let (class, head_um, neck_length_um, neck_width_um) = match class {
            Some(1) => (SpineClass::Thin, log_normal(0.38, 0.2, rng), log_normal(0.9, 0.45, rng), neck_width_um),
            Some(2) => {
                // No neck: a head that sits on the shaft, part of it inside.
                let head = log_normal(0.55, 0.2, rng);
                (SpineClass::Stubby, head, -rng.random_range(0.0..0.3) * head, 0.8 * head)
            }
            Some(3) => {
                let width = rng.random_range(0.15..0.28);
                (SpineClass::Filopodium, width, rng.random_range(1.0..3.0), width)
            }
            _ => (SpineClass::Mushroom, log_normal(0.62, 0.2, rng), log_normal(0.6, 0.45, rng), neck_width_um),
        };
        let neck_length_um = match class {
            SpineClass::Mushroom | SpineClass::Thin => neck_length_um.clamp(NECK_UM.0, NECK_UM.1),
            _ => neck_length_um,
        };
        Self { class, head_um, neck_length_um, neck_width_um }
    }

    /// From the shaft's edge to the tip.
    pub(super) fn length_um(&self) -> f64 {
        match self.class {
            SpineClass::Filopodium => self.neck_length_um,
            _ => self.neck_length_um + self.head_um,
        }
    }
}

/// Log-normal of the given median; `spread` is the standard deviation of the logarithm.
fn log_normal(median: f64, spread: f64, rng: &mut impl Rng) -> f64 {
    median * (spread * rng.sample::<f64, _>(StandardNormal)).exp()
}

/// Where a spine grows.
#[derive(Clone, Debug)]
pub(super) struct SpineSite {
    /// Number of the site in the scene, from 1; 0 before it has one.
    pub(super) site: u32,
    /// Whether there is a spine now.
    pub(super) present: bool,
    /// Arc length on the whole dendrite, also outside the field.
    pub(super) s_um: f64,
    /// Around the shaft, from its left normal in the plane towards z.
    pub(super) angle: f64,
    /// Lean along the shaft: tangent of the angle.
    pub(super) lean: f64,
    pub(super) shape: SpineShape,
}

/// A spine in space.
#[derive(Clone, Debug)]
pub(super) struct PlacedSpine {
    pub(super) base: Vec3,
    /// On the edge of the shaft.
    pub(super) anchor: Vec3,
    pub(super) head: Vec3,
    pub(super) tip: Vec3,
    pub(super) side: Side,
    /// How far the tip reaches beyond the shaft's edge in the plane.
    pub(super) lateral_reach_um: f64,
}

impl SpineSite {
    pub(super) fn place(&self, shaft: &Curve) -> PlacedSpine {
        let (base, tangent, radius_um) = shaft.at(self.s_um);
        let (left, up) = across(tangent);
        let (sin, cos) = self.angle.sin_cos();
        let out = step(step([0.0; 3], left, cos), up, sin);
        let scale = 1.0 / self.lean.hypot(1.0);
        let direction = step([0.0; 3], step(out, tangent, self.lean), scale);
        let anchor = step(base, out, radius_um);
        let length_um = self.shape.length_um();
        let tip = step(anchor, direction, length_um);
        // A filopodium has no head: the place meant is the last bit before the tip.
        let from_tip = if self.shape.class == SpineClass::Filopodium { 0.2 } else { self.shape.head_um / 2.0 };
        let side = if cos >= 0.0 { Side::Left } else { Side::Right };
        let lateral_reach_um = (radius_um + length_um * scale) * cos.abs() - radius_um;
        PlacedSpine { base, anchor, head: step(tip, direction, -from_tip), tip, side, lateral_reach_um }
    }
}
