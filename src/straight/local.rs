//! The shaft as it is at each of its points. A template taken over several µm does not know where the centreline is a little off, or the shaft a
//! little wider or brighter; beside the shaft, where its blur is steep, .1 µm make up a third of what is left of it there, as much as a small spine.
//!
//! At each point the template T is moved, widened and dimmed: T' = T - du ∂T/∂u - dw ∂T/∂w - width u ∂T/∂u + brightness (T - background). The four are
//! fitted to the residual within the shaft (least squares, outliers weighted down; Huber 1964, doi:10.1214/aoms/1177703732), each held to 0 by its
//! spread in [`StraightParams`]; points of the shaft share what they say by a Gaussian of `local_um`.

use nalgebra::{SMatrix, SVector};
use rayon::prelude::*;

use crate::straight::{Frame, StraightParams};

/// Ways a shaft may differ from its template.
const WAYS: usize = 4;
type Square = SMatrix<f64, WAYS, WAYS>;
type Column = SVector<f64, WAYS>;

/// Up to so far beyond the half-maximum radius a sample tells of the shaft, µm: farther out spines begin.
const BEYOND_UM: f64 = 0.1;
/// And up to so far above and below the centreline, µm.
const DEPTH_UM: f64 = 1.5;
/// What no shift or width explains, as a share of the template.
const ERROR: f64 = 0.1;
/// Beyond so many standard deviations a sample counts less.
const OUTLIER: f64 = 3.0;
/// Within such a volume samples share their noise, µm³: (2√π)³ .15 .15 .5 of the smoothing before detection.
const SHARED_UM3: f64 = 0.5;
/// Rounds in which samples are weighted by how they fit.
const ROUNDS: usize = 3;
/// Shares of the template that the fitted one keeps to: nothing that is fitted is as large as that.
const KEPT: (f32, f32) = (0.2, 3.0);

/// One sample in standard deviations: what each way adds to it, and the residual.
struct Term {
    ways: Column,
    residual: f64,
}

/// Sums of the normal equations.
type Sums = (Square, Column);

/// `template` fitted to the brightness `value` with its `variance`, which is infinite outside the volume: that takes no part.
pub(crate) fn fitted(
    frame: &Frame,
    value: &[f32],
    variance: &[f32],
    template: &[f32],
    params: &StraightParams,
) -> Vec<f32> {
    let standing = Template::new(frame, template);
    let section = |s: usize| section(&standing, value, variance, s);
    let terms: Vec<Vec<Term>> = (0..frame.ns()).into_par_iter().map(section).collect();
    let mut ways = vec![Column::zeros(); frame.ns()];
    for _ in 0..ROUNDS {
        let sums: Vec<Sums> =
            terms.par_iter().zip(&ways).map(|(terms, before)| sums(terms, before, shared(frame))).collect();
        ways = solve(frame, &sums, params);
    }
    let columns = frame.nw() * frame.nu();
    let mut out = template.to_vec();
    out.par_chunks_mut(columns).zip(&ways).enumerate().for_each(|(s, (row, ways))| {
        for (k, t) in row.iter_mut().enumerate() {
            let change = standing.by_way(s, k / frame.nu(), k % frame.nu()).dot(ways) as f32;
            // Darkness (noise about the offset) is no shaft.
            if *t > 0.0 {
                *t = (*t + change).clamp(KEPT.0 * *t, KEPT.1 * *t);
            }
        }
    });
    out
}

/// Samples that share their noise.
fn shared(frame: &Frame) -> f64 {
    (SHARED_UM3 / (frame.step_s_um * frame.step_u_um * frame.step_w_um)).max(1.0)
}

/// A template, and the background it stands on.
struct Template<'a> {
    frame: &'a Frame,
    values: &'a [f32],
    /// Least value of each row across, by (s, w).
    background: Vec<f32>,
}

impl<'a> Template<'a> {
    fn new(frame: &'a Frame, values: &'a [f32]) -> Self {
        let least = |row: &[f32]| row.iter().copied().fold(f32::INFINITY, f32::min);
        Self { frame, values, background: values.chunks(frame.nu()).map(least).collect() }
    }

    /// How the template changes: shifted to the left and in depth (per µm), wider and brighter (as shares; the background is as bright as ever).
    fn by_way(&self, s: usize, w: usize, u: usize) -> Column {
        let frame = self.frame;
        let at = |w: usize, u: usize| f64::from(self.values[frame.index(s, w, u)]);
        let (left, right) = (u.saturating_sub(1), (u + 1).min(frame.nu() - 1));
        let (up, down) = (w.saturating_sub(1), (w + 1).min(frame.nw() - 1));
        let slope = |rise: f64, steps: usize, step_um: f64| rise / (steps.max(1) as f64 * step_um);
        let along_u = slope(at(w, right) - at(w, left), right - left, frame.step_u_um);
        let along_w = slope(at(down, u) - at(up, u), down - up, frame.step_w_um);
        let shaft = at(w, u) - f64::from(self.background[s * frame.nw() + w]);
        Column::new(-along_u, -along_w, -frame.u_um(u as f64) * along_u, shaft)
    }
}

/// The samples within the shaft at one of its points.
fn section(template: &Template<'_>, value: &[f32], variance: &[f32], s: usize) -> Vec<Term> {
    let frame = template.frame;
    let reach_um = frame.points[s].radius_um + BEYOND_UM;
    let deep = (0..frame.nw()).filter(|&w| frame.w_um(w as f64).abs() <= DEPTH_UM);
    let places = deep.flat_map(|w| (0..frame.nu()).map(move |u| (w, u)));
    places
        .filter(|&(_, u)| frame.u_um(u as f64).abs() <= reach_um)
        .filter_map(|(w, u)| {
            let i = frame.index(s, w, u);
            let t = f64::from(template.values[i]);
            let sigma = (f64::from(variance[i]) + (ERROR * t).powi(2)).sqrt().max(1e-6);
            let ways = template.by_way(s, w, u) / sigma;
            sigma.is_finite().then(|| Term { ways, residual: (f64::from(value[i]) - t) / sigma })
        })
        .collect()
}

fn sums(terms: &[Term], before: &Column, shared: f64) -> Sums {
    terms.iter().fold((Square::zeros(), Column::zeros()), |(square, column), term| {
        let left = (term.residual - term.ways.dot(before)).abs();
        let weight = (OUTLIER / left.max(1e-9)).min(1.0) / shared;
        (square + term.ways * term.ways.transpose() * weight, column + term.ways * (term.residual * weight))
    })
}

/// The ways at every point of the shaft.
fn solve(frame: &Frame, sums: &[Sums], params: &StraightParams) -> Vec<Column> {
    let spread = [params.local_offset_um, params.local_offset_z_um, params.local_width, params.local_brightness];
    let held = Square::from_diagonal(&Column::from_iterator(spread.map(|s| 1.0 / (s * s).max(1e-12))));
    let sigma = params.local_um / frame.step_s_um;
    let radius = (3.0 * sigma).ceil() as usize;
    let taps: Vec<f64> = (0..=radius).map(|k| (-0.5 * (k as f64 / sigma).powi(2)).exp()).collect();
    let at = |s: usize| {
        let near = s.saturating_sub(radius)..(s + radius + 1).min(sums.len());
        let (square, column) = near.fold((held, Column::zeros()), |(square, column), i| {
            let tap = taps[i.abs_diff(s)];
            (square + sums[i].0 * tap, column + sums[i].1 * tap)
        });
        // Positive definite by `held`, unless `local_um` is so small that the taps are no numbers: then nothing is fitted.
        square.cholesky().map_or(Column::zeros(), |c| c.solve(&column))
    };
    (0..sums.len()).into_par_iter().map(at).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Dendrite, Motion};
    use crate::units::PointUm;

    /// Brightness of a blurred shaft at (u, w).
    fn shaft(u_um: f64, w_um: f64, width: f64) -> f64 {
        100.0 * (-0.5 * (u_um / (0.3 * width)).powi(2) - 0.5 * (w_um / 1.1).powi(2)).exp()
    }

    fn frame(params: &StraightParams) -> Frame {
        let course = |n: u32| 0.1 * f64::from(n);
        let points = (0..200).map(|n| PointUm::new(5.0, 10.0, course(n))).collect();
        let (s_um, radius_um) = ((0..200).map(course).collect(), vec![0.35; 200]);
        Frame::new(
            &Dendrite { dendrite_id: 1, points, s_um, radius_um, parent: None, unscorable: vec![] },
            &Motion::default(),
            params,
        )
    }

    fn image(frame: &Frame, at: impl Fn(f64, f64, f64) -> f64) -> Vec<f32> {
        let (nu, columns) = (frame.nu(), frame.nw() * frame.nu());
        let value = |i: usize| {
            let (s, w, u) = (i / columns, i % columns / nu, i % nu);
            at(frame.points[s].s_um, frame.w_um(w as f64), frame.u_um(u as f64)) as f32
        };
        (0..frame.len()).map(value).collect()
    }

    /// Largest distance of two images at u = ±.6 µm, where spines begin, over a stretch.
    fn apart(frame: &Frame, a: &[f32], b: &[f32], stretch_um: std::ops::Range<f64>) -> f64 {
        let mut most = 0.0_f64;
        for s in (0..frame.ns()).filter(|&s| stretch_um.contains(&frame.points[s].s_um)) {
            for u in [-0.6, 0.6] {
                let u = (frame.middle_u() as f64 + u / frame.step_u_um).round() as usize;
                let i = frame.index(s, frame.middle_w(), u);
                most = most.max(f64::from((a[i] - b[i]).abs()));
            }
        }
        most
    }

    #[test]
    fn a_shaft_beside_its_centreline_wider_and_brighter_is_followed() {
        let params = StraightParams::default();
        let frame = frame(&params);
        let (template, variance) = (image(&frame, |_, w, u| shaft(u, w, 1.0)), vec![4.0; frame.len()]);
        // From 6 to 14 µm the shaft lies .1 µm to the left, 5 % wider, and 10 % brighter.
        let part = |s: f64| (6.0..14.0).contains(&s);
        let true_shaft =
            image(&frame, |s, w, u| if part(s) { 1.1 * shaft(u - 0.1, w, 1.05) } else { shaft(u, w, 1.0) });
        let found = fitted(&frame, &true_shaft, &variance, &template, &params);
        let (before, after) =
            (apart(&frame, &true_shaft, &template, 8.0..12.0), apart(&frame, &true_shaft, &found, 8.0..12.0));
        assert!(before > 10.0 && after < 0.3 * before, "{before} before, {after} after");
        assert!(apart(&frame, &true_shaft, &found, 0.0..3.0) < 0.5, "where nothing differs nothing changes");
    }

    /// What is left of a head of 20 that stands at the shaft's edge, 20 % of the shaft's brightness.
    fn left_of_head(params: &StraightParams) -> f64 {
        let frame = frame(params);
        let (template, variance) = (image(&frame, |_, w, u| shaft(u, w, 1.0)), vec![4.0; frame.len()]);
        let head = |s: f64, w: f64, u: f64| {
            20.0 * (-0.5 * ((s - 10.0).powi(2) + (u + 0.7).powi(2)) / 0.09 - 0.5 * w * w / 1.2).exp()
        };
        let with_head = image(&frame, |s, w, u| shaft(u, w, 1.0) + head(s, w, u));
        let found = fitted(&frame, &with_head, &variance, &template, params);
        let u = (frame.middle_u() as f64 - 0.7 / frame.step_u_um).round() as usize;
        let i = frame.index(100, frame.middle_w(), u);
        f64::from(with_head[i] - found[i])
    }

    #[test]
    fn a_spine_at_the_shaft_is_left_and_would_not_be_if_the_fit_were_not_held() {
        let usual = left_of_head(&StraightParams::default());
        let free =
            StraightParams { local_um: 0.1, local_offset_um: 1.0, local_width: 1.0, ..StraightParams::default() };
        let free = left_of_head(&free);
        assert!(
            usual > 0.9 * 20.0 && free < 0.8 * 20.0,
            "{usual} of 20 is left, {free} if it may shift and widen by 1"
        );
    }

    #[test]
    fn the_background_is_as_bright_as_ever() {
        let params = StraightParams::default();
        let frame = frame(&params);
        let template = image(&frame, |_, w, u| 40.0 + shaft(u, w, 1.0));
        let brighter = image(&frame, |_, w, u| 40.0 + 1.15 * shaft(u, w, 1.0));
        let found = fitted(&frame, &brighter, &vec![4.0; frame.len()], &template, &params);
        let at = |u_um: f64| {
            frame.index(100, frame.middle_w(), (frame.middle_u() as f64 + u_um / frame.step_u_um).round() as usize)
        };
        assert!((found[at(3.0)] - 40.0).abs() < 0.1, "{} beside", found[at(3.0)]);
        assert!((found[at(0.0)] - 155.0).abs() < 3.0, "{} on the axis", found[at(0.0)]);
    }

    #[test]
    fn what_lies_outside_the_volume_takes_no_part() {
        let params = StraightParams::default();
        let frame = frame(&params);
        let template = image(&frame, |_, w, u| shaft(u, w, 1.0));
        let found = fitted(&frame, &vec![0.0; frame.len()], &vec![f32::INFINITY; frame.len()], &template, &params);
        assert_eq!(found, template);
    }
}
