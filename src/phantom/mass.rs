//! Solid shapes as clouds of points, each with the fluorescence of the volume it stands for.

use std::f64::consts::PI;

use crate::model::SpineClass;
use crate::phantom::curve::{Curve, Vec3, across, difference, length, step};
use crate::phantom::shape::{PlacedSpine, SpineShape};

/// Distance between the points of a cloud, µm: a third of the narrowest point spread function's standard deviation
/// would be .03; at .06 the ripple of a grid of Gaussians is below 1e-6 of its mean.
const SPACING_UM: f64 = 0.06;

/// A bit of fluorescence.
#[derive(Clone, Copy, Debug)]
pub(super) struct MassPoint {
    pub(super) place: Vec3,
    /// Fluorescence per µm³ times the volume it stands for.
    pub(super) mass: f64,
}

/// A ball of the given fluorescence per µm³.
pub(super) fn ball(centre: Vec3, radius_um: f64, density: f64) -> Vec<MassPoint> {
    let spacing = SPACING_UM.min(radius_um / 2.0);
    let reach = (radius_um / spacing) as i32;
    let mut points = Vec::new();
    for k in -reach..=reach {
        for j in -reach..=reach {
            for i in -reach..=reach {
                let d = [f64::from(k) * spacing, f64::from(j) * spacing, f64::from(i) * spacing];
                if length(d) <= radius_um {
                    points.push(step(centre, d, 1.0));
                }
            }
        }
    }
    let mass = density * 4.0 / 3.0 * PI * radius_um.powi(3) / points.len() as f64;
    points.into_iter().map(|place| MassPoint { place, mass }).collect()
}

/// A tube along points, with a radius at each; every slice is a disc of evenly spread points (a sunflower's).
pub(super) fn tube(line: &[Vec3], radius_um: &[f64], density: f64) -> Vec<MassPoint> {
    let golden = PI * (3.0 - 5.0_f64.sqrt());
    let mut points = Vec::new();
    let mut slice = 0.0;
    for i in 1..line.len() {
        let along = difference(line[i], line[i - 1]);
        let long_um = length(along);
        if long_um < 1e-12 {
            continue;
        }
        let (left, up) = across(step([0.0; 3], along, 1.0 / long_um));
        let slices = (long_um / SPACING_UM).ceil();
        for k in 0..slices as usize {
            let f = (k as f64 + 0.5) / slices;
            let centre = step(line[i - 1], along, f);
            let radius = radius_um[i - 1] + f * (radius_um[i] - radius_um[i - 1]);
            let n = (PI * radius * radius / (SPACING_UM * SPACING_UM)).ceil().max(3.0);
            let mass = density * PI * radius * radius * long_um / slices / n;
            // Turning from slice to slice levels out what a single disc of few points lacks in symmetry.
            slice += 1.0;
            for j in 0..n as usize {
                let rho = radius * ((j as f64 + 0.5) / n).sqrt();
                let (sin, cos) = (golden * (j as f64 + 1.618 * slice)).sin_cos();
                points.push(MassPoint { place: step(step(centre, left, rho * cos), up, rho * sin), mass });
            }
        }
    }
    points
}

/// The whole of a curve.
pub(super) fn curve(curve: &Curve, density: f64) -> Vec<MassPoint> {
    tube(&curve.points, &curve.radius_um, density)
}

/// Head and neck of a spine.
pub(super) fn spine(shape: &SpineShape, at: &PlacedSpine, density: f64) -> Vec<MassPoint> {
    let end = if shape.class == SpineClass::Filopodium { at.tip } else { at.head };
    let head = shape.head_um / 2.0;
    let stalk = difference(end, at.anchor);
    let long_um = length(stalk) - if shape.class == SpineClass::Filopodium { 0.0 } else { head };
    let mut points = Vec::new();
    if long_um > 0.0 {
        let near = step(at.anchor, stalk, long_um / length(stalk));
        points = tube(&[at.anchor, near], &[shape.neck_width_um / 2.0; 2], density);
    }
    if shape.class != SpineClass::Filopodium {
        points.extend(ball(at.head, head, density));
    }
    points
}
