//! From one session's places to another's.

use serde::{Deserialize, Serialize};

use crate::geometry::{Elastic, ElasticLine, Line, Local, Rigid, nearest_line};
use crate::units::PointUm;

/// Steps of the fixed point that turns a displacement back: fields change by less than a half per µm, so that each step
/// halves the error at least.
const BACK_STEPS: usize = 6;

/// Takes places of session a to session b and back.
///
/// ```
/// use gemmule::geometry::{Elastic, Line, Rigid, SessionMap};
/// use gemmule::units::PointUm;
/// let trace = [PointUm::new(5.0, 10.0, 0.0), PointUm::new(5.0, 10.0, 20.0)];
/// let line = Line::from_trace(1, &trace).expect("20 µm have a direction");
/// let shift = |y, x| Rigid::new([0.0; 3], PointUm::default(), PointUm::new(0.0, y, x));
/// let map = |rigid| SessionMap { rigid, elastic: Elastic::default() };
/// let (to_b, b_to_c) = (map(shift(1.0, 2.0)), map(shift(-3.0, 0.5)));
/// let in_b = [line.moved(&to_b.rigid)];
///
/// let place = PointUm::new(5.0, 11.2, 6.0);
/// let there = to_b.forth(place, &in_b);
/// assert!(there.distance_um(PointUm::new(5.0, 12.2, 8.0)) < 1e-9 && to_b.back(there, &in_b).distance_um(place) < 1e-9);
///
/// let in_c = [in_b[0].moved(&b_to_c.rigid)];
/// let to_c = to_b.then(&in_b, &b_to_c, &in_c);
/// assert!(to_c.forth(place, &in_c).distance_um(PointUm::new(5.0, 9.2, 8.5)) < 1e-9);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SessionMap {
    /// The sessions' rigid part.
    pub rigid: Rigid,
    /// What is left of it along a's lines, in the frame of those lines in b's µm.
    pub elastic: Elastic,
}

impl SessionMap {
    /// Where a place of a is in b; `lines_in_b` are a's lines moved by [`SessionMap::rigid`]. See the example of [`SessionMap`].
    pub fn forth(&self, place: PointUm, lines_in_b: &[Line]) -> PointUm {
        let moved = self.rigid.apply(place);
        self.shifted(moved, moved, lines_in_b, 1.0)
    }

    /// Where a place of b is in a. See the example of [`SessionMap`].
    pub fn back(&self, place: PointUm, lines_in_b: &[Line]) -> PointUm {
        let mut before = place;
        for _ in 0..BACK_STEPS {
            before = self.shifted(place, before, lines_in_b, -1.0);
        }
        self.rigid.undo(before)
    }

    /// This map followed by the one from b to c: `lines_in_b` are a's lines there, `b_lines_in_c` b's lines in c. See the example of [`SessionMap`].
    pub fn then(&self, lines_in_b: &[Line], next: &Self, b_lines_in_c: &[Line]) -> Self {
        let turn = next.rigid.turn_deg().to_radians();
        let lines = self.elastic.lines.iter().zip(lines_in_b).map(|(elastic, line)| {
            let knot = |(&s_um, &first): (&f64, &Local)| {
                let at = line.s_um.partition_point(|&s| s < s_um).min(line.points.len() - 1);
                let (ty, tx) = line.tangents[at];
                let moved = next.rigid.apply(line.points[at]);
                let Some(foot) = nearest_line(b_lines_in_c, moved) else { return first };
                let second = next.elastic.at(foot.line, foot.s_um).zyx(foot.tangent);
                let tangent = (ty * turn.cos() - tx * turn.sin(), ty * turn.sin() + tx * turn.cos());
                let second = Local::from_zyx(second, tangent);
                Local {
                    ds_um: first.ds_um + second.ds_um,
                    du_um: first.du_um + second.du_um,
                    dw_um: first.dw_um + second.dw_um,
                }
            };
            let shift = elastic.s_um.iter().zip(&elastic.shift).map(knot).collect();
            ElasticLine { s_um: elastic.s_um.clone(), shift }
        });
        Self { elastic: Elastic { lines: lines.collect() }, rigid: self.rigid.then(&next.rigid) }
    }

    /// `place` moved by `sign` times the displacement found at `at`.
    fn shifted(&self, place: PointUm, at: PointUm, lines_in_b: &[Line], sign: f64) -> PointUm {
        let Some(foot) = nearest_line(lines_in_b, at) else { return place };
        let [z, y, x] = self.elastic.at(foot.line, foot.s_um).zyx(foot.tangent);
        PointUm::new(place.z + sign * z, place.y + sign * y, place.x + sign * x)
    }
}

#[cfg(test)]
mod tests {
    use crate::geometry::{Elastic, ElasticLine, Line, Local, Rigid, SessionMap};
    use crate::units::PointUm;

    #[test]
    fn there_and_back() {
        let trace: Vec<PointUm> = (0..80).map(|i| PointUm::new(5.0, 10.0, 0.5 * f64::from(i))).collect();
        let rigid = Rigid::new([0.03, 0.0, 0.01], PointUm::new(5.0, 10.0, 20.0), PointUm::new(3.0, 1.0, -2.0));
        let lines = [Line::from_trace(0, &trace).unwrap().moved(&rigid)];
        let knot = |ds_um, dw_um| Local { ds_um, du_um: 0.1, dw_um };
        let shift = vec![knot(-0.5, 0.0), knot(1.0, 0.4), knot(0.0, 1.0)];
        let elastic = Elastic { lines: vec![ElasticLine { s_um: vec![0.0, 15.0, 35.0], shift }] };
        let map = SessionMap { rigid, elastic };
        for i in 0..30 {
            let place = PointUm::new(6.0, 11.5, 2.0 + f64::from(i));
            let back = map.back(map.forth(place, &lines), &lines);
            // Feet lie on points .25 µm apart, over which the field changes by at most .025 µm.
            assert!(back.distance_um(place) < 0.03, "{place:?} {back:?}");
        }
    }
}
