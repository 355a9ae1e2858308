//! The scoring region around annotated centrelines (M4).

use crate::score::found::FoundPoint;
use crate::score::matching::SLACK_UM;
use crate::units::PointUm;

/// Beyond an end is judged within this arc length of it, by the direction of as much, µm.
const END_UM: f64 = 2.0;

/// Whether each found spine lies in the scoring region of some centreline.
pub(super) fn inside(found: &[FoundPoint], centrelines: &[Vec<PointUm>], region_um: f64) -> Vec<bool> {
    let lines: Vec<Line> = centrelines.iter().filter_map(|points| Line::new(points)).collect();
    found.iter().map(|f| lines.iter().any(|line| line.holds(f.place, region_um))).collect()
}

/// The centreline nearest to a place (the first of equals), and the arc length there.
pub(super) fn nearest_line(place: PointUm, centrelines: &[Vec<PointUm>]) -> (usize, f64) {
    let lines = centrelines.iter().enumerate().filter_map(|(n, points)| Some((n, Line::new(points)?)));
    let near = lines.map(|(n, line)| {
        let (point, s_um) = line.nearest(place);
        (place.distance_xy_um(point).hypot(place.z - point.z), n, s_um)
    });
    near.min_by(|a, b| a.0.total_cmp(&b.0)).map_or((0, 0.0), |(_, n, s_um)| (n, s_um))
}

/// A centreline as it is seen in the image plane.
struct Line {
    points: Vec<PointUm>,
    /// Arc length in the image plane, µm.
    arc_um: Vec<f64>,
    /// The end points, and the points about 2 µm before them.
    ends: [(PointUm, PointUm); 2],
}

impl Line {
    /// None for a line without length in the image plane.
    fn new(points: &[PointUm]) -> Option<Self> {
        let mut points = points.to_vec();
        // Steps along z alone have no direction in the image plane.
        points.dedup_by(|next, kept| (next.y, next.x) == (kept.y, kept.x));
        if points.len() < 2 {
            return None;
        }
        let mut arc_um = vec![0.0; points.len()];
        for i in 1..points.len() {
            arc_um[i] = arc_um[i - 1] + points[i - 1].distance_xy_um(points[i]);
        }
        let last = points.len() - 1;
        let total = arc_um[last];
        let after_first = arc_um.partition_point(|&s| s < END_UM).min(last);
        let before_last = arc_um.partition_point(|&s| s < total - END_UM).saturating_sub(1);
        let ends = [(points[0], points[after_first]), (points[last], points[before_last])];
        Some(Self { points, arc_um, ends })
    }

    fn holds(&self, place: PointUm, region_um: f64) -> bool {
        let (near, at_um) = self.nearest(place);
        if place.distance_xy_um(near) > region_um + SLACK_UM || (place.z - near.z).abs() > region_um + SLACK_UM {
            return false;
        }
        let from_end = [at_um, self.arc_um[self.arc_um.len() - 1] - at_um];
        !self.ends.iter().zip(from_end).any(|(&(end, inner), distance)| {
            let outward = (place.y - end.y) * (end.y - inner.y) + (place.x - end.x) * (end.x - inner.x);
            distance < END_UM && outward > 1e-9
        })
    }

    /// The nearest point in the image plane (the first of equals) and its arc length.
    fn nearest(&self, place: PointUm) -> (PointUm, f64) {
        let mut best = (f64::INFINITY, self.points[0], 0.0);
        for (w, s) in self.points.windows(2).zip(self.arc_um.windows(2)) {
            let (dy, dx) = (w[1].y - w[0].y, w[1].x - w[0].x);
            let along = (place.y - w[0].y) * dy + (place.x - w[0].x) * dx;
            let fraction = (along / (dy * dy + dx * dx)).clamp(0.0, 1.0);
            let near = w[0].lerp(w[1], fraction);
            let distance = place.distance_xy_um(near);
            if distance < best.0 {
                best = (distance, near, s[0] + fraction * (s[1] - s[0]));
            }
        }
        (best.1, best.2)
    }
}
