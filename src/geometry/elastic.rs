//! Displacement left along each line after a rigid transform.

use serde::{Deserialize, Serialize};

/// A displacement in the frame of a line, µm: along it, to its left in the image plane, and along z.
///
/// ```
/// use gemmule::geometry::Local;
/// // Along a dendrite that runs towards larger x, left is towards smaller y.
/// let local = Local { ds_um: 0.5, du_um: 0.2, dw_um: 1.0 };
/// assert_eq!(local.zyx((0.0, 1.0)), [1.0, -0.2, 0.5]);
/// assert_eq!(Local::from_zyx([1.0, -0.2, 0.5], (0.0, 1.0)), local);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Local {
    /// Along the tangent.
    pub ds_um: f64,
    /// Along the left normal in the image plane.
    pub du_um: f64,
    /// Along z.
    pub dw_um: f64,
}

impl Local {
    /// The displacement as (z, y, x), where the tangent in the image plane is (`ty`, `tx`). See the example of [`Local`].
    pub fn zyx(self, (ty, tx): (f64, f64)) -> [f64; 3] {
        [self.dw_um, self.ds_um * ty - self.du_um * tx, self.ds_um * tx + self.du_um * ty]
    }

    /// The displacement (z, y, x) in the frame of the tangent (`ty`, `tx`). See the example of [`Local`].
    pub fn from_zyx([z, y, x]: [f64; 3], (ty, tx): (f64, f64)) -> Self {
        Self { ds_um: y * ty + x * tx, du_um: x * ty - y * tx, dw_um: z }
    }

    fn lerp(self, other: Self, fraction: f64) -> Self {
        let mix = |a: f64, b: f64| a + (b - a) * fraction;
        Self {
            ds_um: mix(self.ds_um, other.ds_um),
            du_um: mix(self.du_um, other.du_um),
            dw_um: mix(self.dw_um, other.dw_um),
        }
    }
}

/// Displacement at knots along one line.
///
/// ```
/// use gemmule::geometry::{ElasticLine, Local};
/// let along = |ds_um| Local { ds_um, ..Local::default() };
/// let line = ElasticLine { s_um: vec![0.0, 10.0], shift: vec![along(0.0), along(1.0)] };
/// assert_eq!((line.at(5.0).ds_um, line.at(30.0).ds_um), (0.5, 1.0));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ElasticLine {
    /// Arc length of each knot, µm, increasing.
    pub s_um: Vec<f64>,
    /// Displacement at each knot.
    pub shift: Vec<Local>,
}

impl ElasticLine {
    /// Displacement at an arc length, linear between knots and constant beyond the first and last; zero without knots. See the example of [`ElasticLine`].
    pub fn at(&self, s_um: f64) -> Local {
        let n = self.s_um.len();
        if n == 0 {
            return Local::default();
        }
        let after = self.s_um.partition_point(|&s| s < s_um);
        if after == 0 || after == n {
            return self.shift[after.min(n - 1)];
        }
        let (s0, s1) = (self.s_um[after - 1], self.s_um[after]);
        self.shift[after - 1].lerp(self.shift[after], (s_um - s0) / (s1 - s0))
    }
}

/// Displacement along every line of a session, in the order of its lines.
///
/// It says nothing of how it was found: kernel regression of linked points or alignment of side profiles.
///
/// ```
/// use gemmule::geometry::{Elastic, ElasticLine, Local};
/// let deeper = Local { dw_um: 0.8, ..Local::default() };
/// let elastic = Elastic { lines: vec![ElasticLine { s_um: vec![0.0], shift: vec![deeper] }] };
/// assert_eq!(elastic.at(0, 12.0), deeper);
/// assert_eq!(elastic.at(1, 12.0), Local::default()); // no such line
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Elastic {
    /// One per line.
    pub lines: Vec<ElasticLine>,
}

impl Elastic {
    /// Displacement at an arc length of a line; zero for a line that is not there. See the example of [`Elastic`].
    pub fn at(&self, line: usize, s_um: f64) -> Local {
        self.lines.get(line).map_or_else(Local::default, |l| l.at(s_um))
    }
}

#[cfg(test)]
mod tests {
    use crate::geometry::{Elastic, ElasticLine, Local};

    #[test]
    fn frames_turn_back_and_knots_are_joined() {
        let tangent = (0.6, -0.8);
        let local = Local { ds_um: 1.0, du_um: -2.0, dw_um: 3.0 };
        let back = Local::from_zyx(local.zyx(tangent), tangent);
        assert!((back.ds_um - 1.0).abs() < 1e-12 && (back.du_um + 2.0).abs() < 1e-12 && back.dw_um == 3.0);
        let ends = vec![Local::default(), Local { ds_um: 2.0, ..Local::default() }];
        let elastic = Elastic { lines: vec![ElasticLine { s_um: vec![1.0, 3.0], shift: ends }] };
        assert_eq!([0.0, 1.0, 2.0, 3.0, 9.0].map(|s| elastic.at(0, s).ds_um), [0.0, 0.0, 1.0, 2.0, 2.0]);
        assert_eq!(elastic.at(1, 2.0), Local::default());
    }
}
