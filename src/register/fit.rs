//! Rigid transform from centrelines: vote, then iterated closest points.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::geometry::{Line, Rigid};
use crate::register::RegisterParams;
use crate::register::cloud::{Cloud, Z_WEIGHT};
use crate::register::solve::Normal;
use crate::register::vote;
use crate::units::PointUm;

/// Steps of refinement, and the reach of the nearest neighbours, µm, which falls from the first to the last.
const STEPS: usize = 25;
const REACH_UM: (f64, f64) = (4.0, 2.0);
/// Steps every start is given, on every so many-th point, and how many starts are then refined to the end.
const ROUGH_STEPS: usize = 8;
const ROUGH_STRIDE: usize = 4;
const FINALISTS: usize = 3;
/// Change of the turn (radians) and of the shift (µm) at which the refinement has settled: at most .01 µm 100 µm away.
const SETTLED: f64 = 1e-4;
/// Weight of a residual along the line against one across it: ends and gaps differ between traces.
const ALONG: f64 = 0.02;
/// How far tilt is believed without evidence, degrees.
const TILT_DEG: f64 = 1.0;
/// Turn and shift that one step may make without much evidence.
const TURN_RAD: f64 = 0.1;
const STEP_UM: f64 = 10.0;
/// Length of line over which the jitter of a trace is one and the same, µm: so many samples count as one.
const INDEPENDENT_UM: f64 = 5.0;
/// How exactly such a stretch says where the line is, across it, µm: what is left by bends that differ between sessions.
const ACROSS_UM: f64 = 1.0;
/// Below this share of the lines' spread of directions, a shift along them is not fixed by the lines.
const WEAK_SHARE: f64 = 0.05;
/// Reach and step of the search along such lines, and width of a mark's agreement, µm.
const SLIDE_UM: (f64, f64, f64) = (6.0, 0.25, 0.8);

/// The agreement at the best shift along such lines must be this many times that at any other, µm away or more.
const CLEAR: f64 = 1.2;
const OTHER_UM: f64 = 2.0;

/// Places of spines in either session.
pub type Marks<'a> = (&'a [PointUm], &'a [PointUm]);

/// A rigid transform and how far it can be trusted. See the example of [`rigid`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RigidFit {
    /// From the first session's µm to the second's.
    pub rigid: Rigid,
    /// Median distance in the image plane between the lines where they agree, µm.
    pub median_um: f64,
    /// Share of the centrelines that lie along the other session's, within [`RegisterParams::inlier_um`] (z counted half);
    /// of the session that has more of it, because the other may have lost some.
    pub inlier_share: f64,
    /// Turn in the image plane, degrees.
    pub turn_deg: f64,
    /// Tilt of the optical axis, degrees.
    pub tilt_deg: f64,
    /// Whether all lines run the same way, so that the shift along them is only as good as the marks or the image.
    pub slides: bool,
    /// The direction that most of the lines run in: (y, x), of length 1.
    pub direction: (f64, f64),
    /// How exactly the course of the lines fixes the shift in that direction: a standard deviation, µm.
    pub along_um: f64,
    /// How far what marks or the image say has moved the session in that direction, µm.
    pub slid_um: f64,
    /// How sure that is by the image, 0 to 1: 1 where the course of the lines says it, 0 where no place was found; none without an image.
    pub slid_sure: Option<f64>,
}

/// The rigid transform that takes `from` to `to`.
///
/// Shifts are voted for by pairs of centreline points that run the same way, for every turn of
/// [`RegisterParams::max_turn_deg`]; the best are refined by iterated closest points (Besl and McKay 1992,
/// doi:10.1109/34.121791) with residuals across the lines only (Chen and Medioni 1992,
/// doi:10.1016/0262-8856(92)90066-C), in six degrees of freedom, points without a neighbour left out. The transform
/// with the least mean of min(distance, inlier_um) wins. Where all lines run the same way, the shift along them is taken from `marks`
/// (places of spines in either session, which may be empty); without marks it is left as it is, for [`crate::register::Drift::slid`] and [`slid`] to find.
///
/// ```
/// use gemmule::geometry::{Line, Rigid};
/// use gemmule::register::{RegisterParams, rigid};
/// use gemmule::units::PointUm;
/// let trace: Vec<PointUm> = (0..50).map(f64::from).map(|t| PointUm::new(5.0, 20.0 + 8.0 * (t / 9.0).sin(), t)).collect();
/// let day_0: Vec<Line> = Line::from_trace(1, &trace).into_iter().collect();
/// let moved = Rigid::new([1f64.to_radians(), 0.0, 0.0], PointUm::new(5.0, 20.0, 25.0), PointUm::new(1.0, -3.0, 2.0));
/// let day_2 = [day_0[0].moved(&moved)];
/// let fit = rigid(&day_0, &day_2, Some((&[], &[])), &RegisterParams::default())?;
/// assert!((fit.turn_deg - 1.0).abs() < 0.1 && fit.median_um < 0.1 && fit.inlier_share > 0.95);
/// assert!(fit.rigid.apply(trace[25]).distance_um(moved.apply(trace[25])) < 0.1);
/// # Ok::<(), gemmule::error::Error>(())
/// ```
///
/// # Errors
/// [`Error::Parameter`] named `registration` if there are no lines, or if less than
/// [`RegisterParams::min_inlier_share`] of the lines agree or their median distance is above
/// [`RegisterParams::max_median_um`]: then the sessions are not of the same field, or too different to tell. So too where
/// all lines run one way and the marks do not say clearly how far they are shifted along.
pub fn rigid(from: &[Line], to: &[Line], marks: Option<Marks>, params: &RegisterParams) -> Result<RigidFit> {
    params.validate()?;
    let (a, b) = (Cloud::new(from), Cloud::new(to));
    if a.samples.is_empty() || b.samples.is_empty() {
        let lines = format!("{} and {} centrelines", from.len(), to.len());
        return Err(refused(
            &lines,
            "at least one in either session",
            "trace the dendrites of both sessions; of a stack, look at its overlay.png and lower trace.low_factor",
        ));
    }
    // Every start roughly, on a part of the points; the best of them to the end, on all.
    let mut rough: Vec<(f64, Rigid)> = vote::starts(&a, &b, params)
        .into_iter()
        .map(|start| refine(&a, &b, start, 0..ROUGH_STEPS, ROUGH_STRIDE, None))
        .map(|rigid| (misfit(&a, &b, &rigid, params.inlier_um, ROUGH_STRIDE), rigid))
        .collect();
    rough.sort_by(|x, y| x.0.total_cmp(&y.0));
    let best = rough
        .into_iter()
        .take(FINALISTS)
        .map(|(_, rigid)| refine(&a, &b, rigid, ROUGH_STEPS..STEPS, 1, None))
        .map(|rigid| (misfit(&a, &b, &rigid, params.inlier_um, 1), rigid))
        .reduce(|best, next| if next.0 < best.0 { next } else { best });
    let Some((_, mut best)) = best else {
        return Err(refused("no start", "some", "raise register.max_turn_deg or register.max_shift_xy_um"));
    };
    let course = Course::of(&b);
    let mut slid_um = 0.0;
    if let Some(marks) = marks.filter(|_| course.slides()) {
        slid_um = shift_of_marks(best, course.direction, marks)?;
        best = moved_along(best, course.direction, slid_um);
    }
    judge(from, to, &best, &course, slid_um, params)
}

/// The same session moved by `by_um` in the direction that most lines run in, turned and moved across it as fits best then.
///
/// ```
/// use gemmule::geometry::Line;
/// use gemmule::register::{RegisterParams, rigid, slid};
/// use gemmule::units::PointUm;
/// let line = Line::from_trace(1, &[PointUm::new(5.0, 10.0, 0.0), PointUm::new(5.0, 10.0, 40.0)]);
/// let (lines, params): (Vec<Line>, _) = (line.into_iter().collect(), RegisterParams::default());
/// let fit = rigid(&lines, &lines, None, &params)?;
/// let moved = slid(&lines, &lines, &fit, 2.0, &params)?;
/// assert!(moved.slid_um == 2.0 && (moved.rigid.apply(PointUm::default()).x.abs() - 2.0).abs() < 0.1);
/// # Ok::<(), gemmule::error::Error>(())
/// ```
///
/// # Errors
/// As [`rigid`].
pub fn slid(from: &[Line], to: &[Line], fit: &RigidFit, by_um: f64, params: &RegisterParams) -> Result<RigidFit> {
    let (a, b) = (Cloud::new(from), Cloud::new(to));
    let start = moved_along(fit.rigid, fit.direction, by_um);
    let rigid = refine(&a, &b, start, ROUGH_STEPS..STEPS, 1, Some(fit.direction));
    judge(from, to, &rigid, &Course::of(&b), fit.slid_um + by_um, params)
}

fn moved_along(rigid: Rigid, (dy, dx): (f64, f64), by_um: f64) -> Rigid {
    rigid.turned([0.0; 3], PointUm::new(0.0, by_um * dy, by_um * dx))
}

fn refused(value: &str, allowed: &str, remedy: &str) -> Error {
    Error::parameter("registration", value, allowed, remedy)
}

/// Iterated closest points from `start`, on every `stride`-th point; without moving along `fixed`.
fn refine(
    from: &Cloud,
    to: &Cloud,
    start: Rigid,
    steps: std::ops::Range<usize>,
    stride: usize,
    fixed: Option<(f64, f64)>,
) -> Rigid {
    let mut rigid = start;
    let weight = from.spacing_um() * stride as f64 / INDEPENDENT_UM;
    for step in steps {
        let reach_um = REACH_UM.0 + (REACH_UM.1 - REACH_UM.0) * (2.0 * step as f64 / STEPS as f64).min(1.0);
        let centre = rigid.apply(rigid.centre);
        let [_, tilt_y, tilt_x] = rigid.angles_rad();
        let tilt = TILT_DEG.to_radians();
        let mut normal =
            Normal::with_prior([TURN_RAD, tilt, tilt, STEP_UM, STEP_UM, STEP_UM], [0.0, tilt_y, tilt_x, 0.0, 0.0, 0.0]);
        for sample in from.samples.iter().step_by(stride) {
            let p = rigid.apply(sample.place);
            let Some((near, _)) = to.nearest(p, turned(sample.tangent, &rigid), reach_um) else { continue };
            let arm = [p.z - centre.z, p.y - centre.y, p.x - centre.x];
            let d = [near.place.z - p.z, near.place.y - p.y, near.place.x - p.x];
            let (ty, tx) = near.tangent;
            normal.add(arm, [0.0, -tx, ty], d[2] * ty - d[1] * tx, weight);
            normal.add(arm, [0.0, ty, tx], d[1] * ty + d[2] * tx, weight * ALONG);
            normal.add(arm, [1.0, 0.0, 0.0], d[0], weight * Z_WEIGHT * Z_WEIGHT);
        }
        let mut x = normal.solve();
        if let Some((dy, dx)) = fixed {
            let along = x[4] * dy + x[5] * dx;
            (x[4], x[5]) = (x[4] - along * dy, x[5] - along * dx);
        }
        rigid = rigid.turned([x[0], x[1], x[2]], PointUm::new(x[3], x[4], x[5]));
        if x.iter().all(|v| v.abs() < SETTLED) {
            break;
        }
    }
    rigid
}

fn turned((ty, tx): (f64, f64), rigid: &Rigid) -> (f64, f64) {
    let r = &rigid.rotation;
    (r[1][1] * ty + r[1][2] * tx, r[2][1] * ty + r[2][2] * tx)
}

/// Mean over every `stride`-th sample of the distance to the other lines, at most `inlier_um`.
fn misfit(from: &Cloud, to: &Cloud, rigid: &Rigid, inlier_um: f64, stride: usize) -> f64 {
    let distance = |sample: &crate::register::cloud::Sample| {
        let near = to.nearest(rigid.apply(sample.place), turned(sample.tangent, rigid), inlier_um);
        near.map_or(inlier_um, |(_, d)| d)
    };
    let judged = from.samples.iter().step_by(stride);
    judged.clone().map(distance).sum::<f64>() / judged.count() as f64
}

/// Where the lines run.
struct Course {
    direction: (f64, f64),
    /// Share of their spread of directions that lies across it: half for lines that run every way.
    across: f64,
    length_um: f64,
}

impl Course {
    fn of(cloud: &Cloud) -> Self {
        let n = cloud.samples.len() as f64;
        let sum = |f: fn((f64, f64)) -> f64| cloud.samples.iter().map(|s| f(s.tangent)).sum::<f64>() / n;
        let (yy, yx, xx) = (sum(|t| t.0 * t.0), sum(|t| t.0 * t.1), sum(|t| t.1 * t.1));
        // The smaller eigenvalue of the mean outer product of tangents, whose trace is 1.
        let half = ((yy - xx) / 2.0).hypot(yx);
        let angle = 0.5 * (2.0 * yx).atan2(yy - xx);
        Self { direction: (angle.cos(), angle.sin()), across: 0.5 - half, length_um: n * cloud.spacing_um() }
    }

    /// Whether a shift along the lines is not fixed by them.
    fn slides(&self) -> bool {
        self.across < WEAK_SHARE
    }

    /// How exactly it is: each independent stretch says where the line is across itself to [`ACROSS_UM`].
    fn along_um(&self) -> f64 {
        let stretches = self.length_um / INDEPENDENT_UM * self.across;
        (ACROSS_UM / stretches.max(1e-9).sqrt()).min(STEP_UM)
    }
}

/// The shift along `direction` at which most marks have a partner; the smallest such shift.
fn shift_of_marks(rigid: Rigid, (dy, dx): (f64, f64), marks: Marks) -> Result<f64> {
    let (reach, step, width) = SLIDE_UM;
    let agreement = |by: f64| -> f64 {
        let each = marks.0.iter().map(|&p| {
            let p = rigid.apply(p);
            let d2 = |q: &PointUm| {
                (q.y - p.y - by * dy).powi(2) + (q.x - p.x - by * dx).powi(2) + (Z_WEIGHT * (q.z - p.z)).powi(2)
            };
            let nearest = marks.1.iter().map(d2).fold(f64::INFINITY, f64::min);
            (-0.5 * nearest / (width * width)).exp()
        });
        each.sum()
    };
    let steps = (reach / step).round() as i64;
    let mut shifts: Vec<(f64, f64)> = (-steps..=steps).map(|k| k as f64 * step).map(|by| (by, agreement(by))).collect();
    shifts.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.abs().total_cmp(&b.0.abs())).then(a.0.total_cmp(&b.0)));
    let (by, most) = shifts[0];
    let next = shifts.iter().find(|s| (s.0 - by).abs() >= OTHER_UM).map_or(0.0, |s| s.1);
    if most < CLEAR * next || most <= 0.0 {
        let value = format!("a shift of {by} µm along dendrites that all run one way, as good as others");
        let remedy = "trace a dendrite that runs another way, or mark more spines";
        return Err(refused(&value, "one shift that clearly most marks agree with", remedy));
    }
    Ok(by)
}

/// Figures of the transform, or an error if they are not good enough.
fn judge(
    from: &[Line],
    to: &[Line],
    rigid: &Rigid,
    course: &Course,
    slid_um: f64,
    params: &RegisterParams,
) -> Result<RigidFit> {
    let moved: Vec<Line> = from.iter().map(|line| line.moved(rigid)).collect();
    let (a, b) = (Cloud::new(&moved), Cloud::new(to));
    let mut across = Vec::new();
    let mut share = |of: &Cloud, among: &Cloud| {
        let mut n = 0;
        for sample in &of.samples {
            if let Some((near, _)) = among.nearest(sample.place, sample.tangent, params.inlier_um) {
                n += 1;
                across.push(sample.place.distance_xy_um(near.place));
            }
        }
        n as f64 / of.samples.len() as f64
    };
    let inlier_share = share(&a, &b).max(share(&b, &a));
    across.sort_by(f64::total_cmp);
    let median_um = across.get(across.len() / 2).copied().unwrap_or(f64::INFINITY);
    if inlier_share < params.min_inlier_share || median_um > params.max_median_um {
        let value = format!(
            "{:.0} % of the centrelines within {} µm, median {median_um:.2} µm",
            100.0 * inlier_share,
            params.inlier_um
        );
        let allowed =
            format!("at least {:.0} %, median at most {} µm", 100.0 * params.min_inlier_share, params.max_median_um);
        return Err(refused(
            &value,
            &allowed,
            "check that both sessions show the same field, their voxel size and their traces",
        ));
    }
    Ok(RigidFit {
        rigid: *rigid,
        median_um,
        inlier_share,
        turn_deg: rigid.turn_deg(),
        tilt_deg: rigid.tilt_deg(),
        slides: course.slides(),
        direction: course.direction,
        along_um: course.along_um(),
        slid_um,
        slid_sure: None,
    })
}
