//! How far a session has slid along its dendrites, where their course alone does not say.

use crate::geometry::Line;
use crate::register::drift::{KNOT_UM, MIN_STEP_UM, SHIFT_STEP_UM, normalised};
use crate::register::{Drift, RegisterParams, RigidFit};

/// How far a session has slid along its dendrites. See the example of [`Drift::slid`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Slid {
    /// In the direction that most lines run in, µm.
    pub by_um: f64,
    /// Probability that this is so, give or take 1 µm.
    pub sure: f64,
}

/// Local displacements about that of the whole session reach this many standard deviations.
const REACH: f64 = 3.0;
/// Lines that fix the shift along them this exactly, µm, need no image: it is less than a spine is wide.
const FIXED_UM: f64 = 0.2;
/// Shifts as near as this to the best one are the same, µm: what is left is found along each dendrite.
const SAME_UM: f64 = 1.0;

impl Drift {
    /// How far the image says that all lines have slid along `fit.direction`; not at all where their course says it exactly enough.
    ///
    /// ln P(D) = sum over lines of ln sum over displacements exp(evidence) P(displacement | D) - 3/2 ln(1 + (D + `fit.slid_um`)² / 2 `fit.along_um`²) (Student's t of 2 degrees of freedom), up to a constant: the displacement at every
    /// knot is D times the cosine of the line there, and around that the process of [`Drift`]; evidence is what [`Drift::compare`] took in, over that of places
    /// that have nothing to do with each other. `lines` are those this was made for.
    ///
    /// ```
    /// use gemmule::geometry::Line;
    /// use gemmule::register::{Drift, Profile, RegisterParams, overlaps, rigid};
    /// use gemmule::units::PointUm;
    /// // A straight dendrite: its course cannot say how far the session has slid along it, what stands beside it can.
    /// let line = Line::from_trace(1, &[PointUm::new(5.0, 10.0, 0.0), PointUm::new(5.0, 10.0, 40.0)]);
    /// let lines: Vec<Line> = line.into_iter().collect();
    /// let spots = [4.0, 9.3, 13.1, 20.7, 24.2, 31.9, 36.4];
    /// let seen = |moved: f64| Profile {
    ///     bins: 1,
    ///     values: lines[0].s_um.iter().flat_map(|s| {
    ///         let left: f64 = spots.iter().map(|at| (-((s - at - moved) / 0.5).powi(2)).exp()).sum();
    ///         [left as f32, 0.0]
    ///     }).collect(),
    /// };
    /// let params = RegisterParams::default();
    /// let fit = rigid(&lines, &lines, None, &params)?;
    /// let mut drift = Drift::new(&lines, &params);
    /// drift.compare((&lines, &[seen(0.0)]), (&lines, &[seen(3.0)]), &overlaps(&lines, &lines, &params), &params);
    /// let slid = drift.slid(&fit, &lines, &params);
    /// assert!((slid.by_um.abs() - 3.0).abs() < 0.5 && slid.sure > 0.9);
    /// # Ok::<(), gemmule::error::Error>(())
    /// ```
    pub fn slid(&self, fit: &RigidFit, lines: &[Line], params: &RegisterParams) -> Slid {
        if fit.along_um <= FIXED_UM {
            return Slid { by_um: 0.0, sure: 1.0 };
        }
        let local = Local::new(params);
        let of = |by: f64| -> f64 {
            let lines = lines.iter().enumerate().map(|(n, line)| self.evidence_at(n, line, by, fit.direction, &local));
            // Heavy-tailed: a trace that goes astray moves the fit farther than its course lets expect.
            lines.sum::<f64>() - 1.5 * (0.5 * ((fit.slid_um + by) / fit.along_um).powi(2)).ln_1p()
        };
        let all: Vec<(f64, f64)> = self.shifts_um().iter().map(|&by| (by, of(by))).collect();
        // The smallest of equals.
        let best = all.iter().copied().reduce(|x, y| if (y.1, -y.0.abs()) > (x.1, -x.0.abs()) { y } else { x });
        let (by_um, most) = best.unwrap_or_default();
        let weight = |near: bool| -> f64 {
            let of = all.iter().filter(|s| !near || (s.0 - by_um).abs() <= SAME_UM);
            of.map(|s| (s.1 - most).exp()).sum()
        };
        Slid { by_um, sure: weight(true) / weight(false) }
    }

    /// ln of what is seen along one line if the session has slid by `by`, over what unrelated places would show.
    fn evidence_at(&self, n: usize, line: &Line, by: f64, (dy, dx): (f64, f64), local: &Local) -> f64 {
        let (of, shifts) = (&self.lines[n], self.shifts_um().len());
        let middle = (shifts / 2) as i64;
        let at = |knot: usize, offset: i64| -> f64 {
            let point = line.s_um.partition_point(|&s| s < knot as f64 * KNOT_UM).min(line.points.len() - 1);
            let (ty, tx) = line.tangents[point];
            let shift = middle + (by * (ty * dy + tx * dx) / SHIFT_STEP_UM).round() as i64 + offset;
            let inside = usize::try_from(shift).ok().filter(|s| *s < shifts);
            inside.map_or(0.0, |s| of.evidence[knot * shifts + s])
        };
        let mut ln = 0.0;
        let mut p = local.start.clone();
        for knot in 0..of.knots {
            if knot > 0 {
                p = local.next(&p);
            }
            p.iter_mut().enumerate().for_each(|(k, p)| *p *= at(knot, k as i64 - local.half).exp());
            let total: f64 = p.iter().sum();
            ln += total.ln();
            p.iter_mut().for_each(|p| *p /= total);
        }
        ln
    }
}

/// The displacement of a place about that of the whole session.
struct Local {
    half: i64,
    start: Vec<f64>,
    step: Vec<Vec<f64>>,
}

impl Local {
    fn new(params: &RegisterParams) -> Self {
        let half = (REACH * params.drift_um / SHIFT_STEP_UM).ceil() as i64;
        let values: Vec<f64> = (-half..=half).map(|k| k as f64 * SHIFT_STEP_UM).collect();
        let keep = (-KNOT_UM / params.drift_length_um).exp();
        let sigma = (params.drift_um * (1.0 - keep * keep).sqrt()).max(MIN_STEP_UM);
        let around = |centre: f64, sigma: f64| {
            normalised(values.iter().map(|v| (-0.5 * ((v - centre) / sigma).powi(2)).exp()).collect())
        };
        let step = values.iter().map(|v| around(keep * v, sigma)).collect();
        Self { half, start: around(0.0, params.drift_um), step }
    }

    fn next(&self, p: &[f64]) -> Vec<f64> {
        (0..p.len()).map(|to| p.iter().zip(&self.step).map(|(p, row)| p * row[to]).sum()).collect()
    }
}

#[cfg(test)]
mod tests {
    use crate::geometry::Line;
    use crate::register::{Drift, Overlap, Profile, RegisterParams, Slid, rigid};
    use crate::units::PointUm;

    /// What is said of a line that shows spots at these places, against the same moved by each of `by`.
    fn slid(trace: &[PointUm], spots: &[f64], by: &[f64]) -> Slid {
        let lines: Vec<Line> = Line::from_trace(1, trace).into_iter().collect();
        let seen = |by: &[f64]| {
            let moved = |by: &f64, s: f64| spots.iter().map(|at| (-((s - at - by) / 0.5).powi(2)).exp()).sum::<f64>();
            let left = |s: &f64| by.iter().map(|by| moved(by, *s)).sum::<f64>() as f32;
            Profile { bins: 1, values: lines[0].s_um.iter().flat_map(|s| [left(s), 0.0]).collect() }
        };
        let params = RegisterParams::default();
        let fit = rigid(&lines, &lines, None, &params).expect("a line fits itself");
        let mut drift = Drift::new(&lines, &params);
        let together = [Overlap { a: 0, b: 0, length_um: 40.0 }];
        drift.compare((&lines, &[seen(&[0.0])]), (&lines, &[seen(by)]), &together, &params);
        drift.slid(&fit, &lines, &params)
    }

    fn straight() -> Vec<PointUm> {
        (0..=80).map(|i| PointUm::new(5.0, 10.0, 0.5 * f64::from(i))).collect()
    }

    const SPOTS: [f64; 8] = [3.0, 5.5, 11.0, 12.5, 19.0, 24.0, 25.5, 33.0];

    #[test]
    fn a_straight_dendrite_has_slid_as_its_spines_say() {
        let found = slid(&straight(), &SPOTS, &[4.0]);
        assert!((found.by_um.abs() - 4.0).abs() <= 0.25 && found.sure > 0.95, "{found:?}");
    }

    #[test]
    fn what_fits_two_shifts_as_well_leaves_it_open() {
        let (lines, params): (Vec<Line>, _) =
            (Line::from_trace(1, &straight()).into_iter().collect(), RegisterParams::default());
        let mut drift = Drift::new(&lines, &params);
        let dip = |d: f64, at: f64| (-((d - at) / 0.4).powi(2)).exp();
        let costs: Vec<f64> = drift.shifts_um().iter().map(|&d| -dip(d, -2.0) - dip(d, 2.0)).collect();
        (0..=40).for_each(|s| drift.see(0, f64::from(s), &costs));
        let found = drift.slid(&rigid(&lines, &lines, None, &params).expect("a line fits itself"), &lines, &params);
        assert!(found.by_um.abs() == 2.0 && (found.sure - 0.5).abs() < 0.01, "{found:?}");
    }

    #[test]
    fn without_an_image_nothing_is_sure() {
        let found = slid(&straight(), &[], &[4.0]);
        assert!(found.by_um == 0.0 && found.sure < 0.5, "{found:?}");
    }

    #[test]
    fn a_course_that_says_it_is_believed() {
        let round: Vec<PointUm> = (0..=628)
            .map(|i| f64::from(i) / 100.0)
            .map(|a| PointUm::new(5.0, 80.0 + 60.0 * a.sin(), 80.0 + 60.0 * a.cos()))
            .collect();
        assert_eq!(slid(&round, &SPOTS, &[4.0]), Slid { by_um: 0.0, sure: 1.0 });
    }
}
