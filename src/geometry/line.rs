//! Centrelines that places are measured against.

use crate::geometry::Rigid;
use crate::model::{Dendrite, Side};
use crate::units::PointUm;

/// Distance between the points of a resampled line, µm: well below the distance between spines.
const STEP_UM: f64 = 0.25;
/// Smoothing in the image plane, µm: traces step from voxel to voxel, shafts bend over several µm.
const SMOOTH_XY_UM: f64 = 0.6;
/// Smoothing along z, µm: traces jump by whole planes.
const SMOOTH_Z_UM: f64 = 2.0;
/// Half length over which a tangent is taken, µm.
const TANGENT_UM: f64 = 1.0;
/// Shortest line that has a direction, µm in the image plane.
const MIN_LENGTH_UM: f64 = 1.0;
/// Weight of z against x and y when the nearest point is sought: the optics blur z several times more.
pub(crate) const Z_WEIGHT: f64 = 0.3;

/// A centreline with its tangents in the image plane.
///
/// ```
/// use gemmule::geometry::Line;
/// use gemmule::model::Side;
/// use gemmule::units::PointUm;
/// let trace: Vec<PointUm> = (0..=40).map(|i| PointUm::new(5.0, 10.0, 0.5 * f64::from(i))).collect();
/// let line = Line::from_trace(1, &trace).expect("20 µm have a direction");
/// assert!((line.length_um() - 20.0).abs() < 1e-9);
/// let head = line.foot(0, PointUm::new(6.0, 8.5, 12.0));
/// assert!((head.s_um - 12.0).abs() < 1e-9 && (head.u_um - 1.5).abs() < 1e-9 && (head.w_um - 1.0).abs() < 1e-9);
/// assert_eq!(head.side(), Side::Left);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// Number of the dendrite in its own session.
    pub dendrite_id: i64,
    /// Points, µm.
    pub points: Vec<PointUm>,
    /// Arc length at each point, µm.
    pub s_um: Vec<f64>,
    /// Unit tangent (y, x) at each point.
    pub tangents: Vec<(f64, f64)>,
}

/// Where a place lies beside a line. See the example of [`Line`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Foot {
    /// Position of the line among those asked.
    pub line: usize,
    /// Arc length, µm; below 0 or beyond the length where the place lies past an end.
    pub s_um: f64,
    /// Distance along the normal (-t_x, t_y) in the image plane, µm: above 0 on the left.
    pub u_um: f64,
    /// Distance along z, µm.
    pub w_um: f64,
    /// Unit tangent (y, x).
    pub tangent: (f64, f64),
    /// Distance in the image plane to the nearest point of the line, µm.
    pub distance_um: f64,
}

impl Foot {
    /// Side of the line. See the example of [`Line`].
    pub fn side(&self) -> Side {
        if self.u_um >= 0.0 { Side::Left } else { Side::Right }
    }
}

impl Line {
    /// A line from a raw trace: steps along z alone are taken out, it is resampled every .25 µm and smoothed with a
    /// Gaussian (.6 µm in the image plane, 2 µm along z). Arc length is that in the image plane, because z of a trace
    /// jumps by whole planes.
    ///
    /// None for a trace shorter than 1 µm in the image plane: it has no direction, and no sides. See the example of [`Line`].
    pub fn from_trace(dendrite_id: i64, trace: &[PointUm]) -> Option<Self> {
        let mut points = trace.to_vec();
        points.dedup_by(|next, kept| (next.y, next.x) == (kept.y, kept.x));
        let arc = arc_xy(&points);
        let length = *arc.last()?;
        if length < MIN_LENGTH_UM {
            return None;
        }
        let n = (length / STEP_UM).round() as usize;
        let s_um: Vec<f64> = (0..=n).map(|i| length * i as f64 / n as f64).collect();
        let mut after = 1;
        let even: Vec<PointUm> = s_um
            .iter()
            .map(|&s| {
                while after + 1 < arc.len() && arc[after] < s {
                    after += 1;
                }
                points[after - 1].lerp(points[after], (s - arc[after - 1]) / (arc[after] - arc[after - 1]))
            })
            .collect();
        Some(Self::with_tangents(dendrite_id, smooth(&even, length / n as f64), s_um))
    }

    /// The line of a traced dendrite, which is smooth already.
    ///
    /// ```
    /// use gemmule::geometry::Line;
    /// use gemmule::model::Dendrite;
    /// use gemmule::units::PointUm;
    /// let points = vec![PointUm::new(5.0, 10.0, 0.0), PointUm::new(5.0, 10.0, 8.0)];
    /// let dendrite = Dendrite { dendrite_id: 3, points, s_um: vec![0.0, 8.0], radius_um: vec![0.4; 2], parent: None, unscorable: vec![] };
    /// let line = Line::from_dendrite(&dendrite);
    /// assert_eq!((line.dendrite_id, line.length_um()), (3, 8.0));
    /// ```
    pub fn from_dendrite(dendrite: &Dendrite) -> Self {
        Self::with_tangents(i64::from(dendrite.dendrite_id), dendrite.points.clone(), dendrite.s_um.clone())
    }

    fn with_tangents(dendrite_id: i64, points: Vec<PointUm>, s_um: Vec<f64>) -> Self {
        let last = points.len() - 1;
        let mut tangents: Vec<(f64, f64)> = Vec::with_capacity(points.len());
        for &s in &s_um {
            let a = s_um.partition_point(|&v| v < s - TANGENT_UM).min(last);
            let b = s_um.partition_point(|&v| v <= s + TANGENT_UM).saturating_sub(1);
            let (dy, dx) = (points[b].y - points[a].y, points[b].x - points[a].x);
            let length = dy.hypot(dx);
            // A stretch straight along z goes on in the direction before it.
            let before = tangents.last().copied().unwrap_or((1.0, 0.0));
            tangents.push(if length > 1e-6 { (dy / length, dx / length) } else { before });
        }
        Self { dendrite_id, points, s_um, tangents }
    }

    /// Length, µm. See the example of [`Line`].
    pub fn length_um(&self) -> f64 {
        self.s_um.last().copied().unwrap_or(0.0)
    }

    /// The line in another session's µm; arc length stays that of its own session.
    ///
    /// ```
    /// use gemmule::geometry::{Line, Rigid};
    /// use gemmule::units::PointUm;
    /// let trace = [PointUm::new(5.0, 10.0, 0.0), PointUm::new(5.0, 10.0, 8.0)];
    /// let line = Line::from_trace(1, &trace).expect("8 µm have a direction");
    /// let moved = line.moved(&Rigid::new([0.0; 3], PointUm::default(), PointUm::new(2.0, 0.0, 1.0)));
    /// assert_eq!(moved.s_um, line.s_um);
    /// assert!(moved.points[0].distance_um(PointUm::new(7.0, 10.0, 1.0)) < 1e-9);
    /// ```
    pub fn moved(&self, rigid: &Rigid) -> Self {
        let points = self.points.iter().map(|&p| rigid.apply(p)).collect();
        Self::with_tangents(self.dendrite_id, points, self.s_um.clone())
    }

    /// Where `place` lies beside this line; `line` is only copied into the answer. See the example of [`Line`].
    pub fn foot(&self, line: usize, place: PointUm) -> Foot {
        let distance2 =
            |p: &PointUm| (p.y - place.y).powi(2) + (p.x - place.x).powi(2) + (Z_WEIGHT * (p.z - place.z)).powi(2);
        let mut best = (0, f64::INFINITY);
        for (i, p) in self.points.iter().enumerate() {
            let d2 = distance2(p);
            if d2 < best.1 {
                best = (i, d2);
            }
        }
        let (near, tangent) = (self.points[best.0], self.tangents[best.0]);
        let (dy, dx) = (place.y - near.y, place.x - near.x);
        Foot {
            line,
            s_um: self.s_um[best.0] + dy * tangent.0 + dx * tangent.1,
            u_um: dx * tangent.0 - dy * tangent.1,
            w_um: place.z - near.z,
            tangent,
            distance_um: dy.hypot(dx),
        }
    }
}

/// The foot of a place on the nearest of some lines (z counted .3); none if there are no lines.
///
/// ```
/// use gemmule::geometry::{Line, nearest_line};
/// use gemmule::units::PointUm;
/// let along_x = |y| Line::from_trace(1, &[PointUm::new(5.0, y, 0.0), PointUm::new(5.0, y, 20.0)]);
/// let lines: Vec<Line> = [10.0, 16.0].into_iter().filter_map(along_x).collect();
/// let foot = nearest_line(&lines, PointUm::new(5.0, 15.0, 7.0)).expect("there are lines");
/// assert!(foot.line == 1 && (foot.distance_um - 1.0).abs() < 1e-9);
/// ```
pub fn nearest_line(lines: &[Line], place: PointUm) -> Option<Foot> {
    let feet = lines.iter().enumerate().map(|(n, line)| line.foot(n, place));
    feet.min_by(|a, b| {
        let far = |f: &Foot| f.distance_um.hypot(Z_WEIGHT * f.w_um);
        far(a).total_cmp(&far(b))
    })
}

fn arc_xy(points: &[PointUm]) -> Vec<f64> {
    let mut arc = Vec::with_capacity(points.len());
    let mut s = 0.0;
    for (i, p) in points.iter().enumerate() {
        s += if i == 0 { 0.0 } else { points[i - 1].distance_xy_um(*p) };
        arc.push(s);
    }
    arc
}

/// Gaussian smoothing of evenly spaced points; beyond an end the end point is repeated as its mirror image through the
/// end, so that the ends stay where they are.
fn smooth(points: &[PointUm], step_um: f64) -> Vec<PointUm> {
    let last = points.len() as i64 - 1;
    let at = |i: i64| {
        let inside = points[i.clamp(0, last) as usize];
        let end = if i < 0 { 0 } else { last };
        if (0..=last).contains(&i) {
            return inside;
        }
        let mirror = points[(2 * end - i).clamp(0, last) as usize];
        inside.lerp(mirror, -1.0)
    };
    let weighted = |i: i64, sigma_um: f64, axis: fn(PointUm) -> f64| {
        let half = (3.0 * sigma_um / step_um).ceil() as i64;
        let (mut sum, mut total) = (0.0, 0.0);
        for k in -half..=half {
            let weight = (-0.5 * (k as f64 * step_um / sigma_um).powi(2)).exp();
            sum += weight * axis(at(i + k));
            total += weight;
        }
        sum / total
    };
    (0..=last)
        .map(|i| PointUm {
            z: weighted(i, SMOOTH_Z_UM, |p| p.z),
            y: weighted(i, SMOOTH_XY_UM, |p| p.y),
            x: weighted(i, SMOOTH_XY_UM, |p| p.x),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::geometry::{Line, nearest_line};
    use crate::model::Side;
    use crate::units::PointUm;

    fn straight() -> Line {
        let trace: Vec<PointUm> = (0..=40).map(|i| PointUm::new(5.0, 10.0, 0.5 * f64::from(i))).collect();
        Line::from_trace(3, &trace).unwrap()
    }

    #[test]
    fn feet_are_measured_along_across_and_in_depth() {
        let foot = straight().foot(0, PointUm::new(6.5, 8.0, 12.3));
        assert!((foot.s_um - 12.3).abs() < 1e-9 && (foot.w_um - 1.5).abs() < 1e-9, "{foot:?}");
        // Tangent (0, 1): the left normal is (-1, 0), towards smaller y.
        assert!((foot.u_um - 2.0).abs() < 1e-9 && foot.side() == Side::Left, "{foot:?}");
        assert!((straight().foot(0, PointUm::new(5.0, 10.0, 23.0)).s_um - 23.0).abs() < 1e-9);
    }

    #[test]
    fn ends_and_straight_lines_survive_smoothing() {
        let line = straight();
        assert!((line.length_um() - 20.0).abs() < 1e-9);
        for p in &line.points {
            assert!((p.y - 10.0).abs() < 1e-9 && (p.z - 5.0).abs() < 1e-9);
        }
        assert!(line.points[0].x.abs() < 1e-9 && (line.points[line.points.len() - 1].x - 20.0).abs() < 1e-9);
    }

    #[test]
    fn traces_without_direction_are_no_lines() {
        let up: Vec<PointUm> = (0..9).map(|i| PointUm::new(f64::from(i), 1.0, 1.0)).collect();
        assert!(Line::from_trace(0, &up).is_none() && Line::from_trace(0, &[]).is_none());
        assert!(nearest_line(&[], PointUm::default()).is_none());
    }
}
