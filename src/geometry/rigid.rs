//! Rotation and shift.

use serde::{Deserialize, Serialize};

use crate::units::PointUm;

/// A rotation about `centre`, then a shift: p -> R (p - centre) + centre + shift, in the order (z, y, x), µm.
///
/// ```
/// use gemmule::geometry::Rigid;
/// use gemmule::units::PointUm;
/// let centre = PointUm::new(10.0, 25.0, 25.0);
/// let rigid = Rigid::new([2f64.to_radians(), 0.0, 0.0], centre, PointUm::new(1.0, -3.0, 2.0));
/// assert!((rigid.turn_deg() - 2.0).abs() < 1e-9 && rigid.tilt_deg() < 1e-5);
/// let place = PointUm::new(12.0, 30.0, 40.0);
/// assert!(rigid.undo(rigid.apply(place)).distance_um(place) < 1e-9);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rigid {
    /// Rows of the rotation R.
    pub rotation: [[f64; 3]; 3],
    /// Point that only the shift moves.
    pub centre: PointUm,
    /// Shift, µm.
    pub shift_um: PointUm,
}

impl Default for Rigid {
    fn default() -> Self {
        Self::identity()
    }
}

impl Rigid {
    /// The transform that changes nothing.
    ///
    /// ```
    /// use gemmule::geometry::Rigid;
    /// use gemmule::units::PointUm;
    /// let place = PointUm::new(12.0, 30.0, 40.0);
    /// assert_eq!(Rigid::identity().apply(place), place);
    /// ```
    pub fn identity() -> Self {
        Self::new([0.0; 3], PointUm::default(), PointUm::default())
    }

    /// A rotation by the vector `angles_rad` (its direction in (z, y, x) is the axis, its length the angle; turning by a
    /// positive angle about z takes +y towards +x), then a shift. See the example of [`Rigid`].
    pub fn new(angles_rad: [f64; 3], centre: PointUm, shift_um: PointUm) -> Self {
        Self { rotation: rotation(angles_rad), centre, shift_um }
    }

    /// Where a place goes. See the example of [`Rigid`].
    pub fn apply(&self, place: PointUm) -> PointUm {
        let d = [place.z - self.centre.z, place.y - self.centre.y, place.x - self.centre.x];
        let [z, y, x] = times(&self.rotation, d);
        PointUm::new(
            z + self.centre.z + self.shift_um.z,
            y + self.centre.y + self.shift_um.y,
            x + self.centre.x + self.shift_um.x,
        )
    }

    /// The place that goes to `place`. See the example of [`Rigid`].
    pub fn undo(&self, place: PointUm) -> PointUm {
        let d = [
            place.z - self.centre.z - self.shift_um.z,
            place.y - self.centre.y - self.shift_um.y,
            place.x - self.centre.x - self.shift_um.x,
        ];
        let r = &self.rotation;
        let back = [0, 1, 2].map(|k| r[0][k] * d[0] + r[1][k] * d[1] + r[2][k] * d[2]);
        PointUm::new(back[0] + self.centre.z, back[1] + self.centre.y, back[2] + self.centre.x)
    }

    /// This transform followed by a further small turn about its shifted centre and a further shift.
    ///
    /// ```
    /// use gemmule::geometry::Rigid;
    /// use gemmule::units::PointUm;
    /// let start = Rigid::new([0.02, 0.0, 0.0], PointUm::default(), PointUm::new(1.0, 2.0, 3.0));
    /// let better = start.turned([0.001, 0.0, 0.0], PointUm::new(0.0, 0.1, 0.0));
    /// assert!((better.angles_rad()[0] - 0.021).abs() < 1e-5);
    /// assert!(better.apply(PointUm::default()).distance_um(PointUm::new(1.0, 2.1, 3.0)) < 1e-9);
    /// ```
    pub fn turned(&self, angles_rad: [f64; 3], shift_um: PointUm) -> Self {
        self.then(&Self::new(angles_rad, self.apply(self.centre), shift_um))
    }

    /// This transform followed by another.
    ///
    /// ```
    /// use gemmule::geometry::Rigid;
    /// use gemmule::units::PointUm;
    /// let day_0_to_2 = Rigid::new([0.02, 0.0, 0.0], PointUm::default(), PointUm::new(1.0, 2.0, 3.0));
    /// let day_2_to_4 = Rigid::new([-0.01, 0.0, 0.0], PointUm::new(5.0, 5.0, 5.0), PointUm::new(0.0, -1.0, 0.5));
    /// let place = PointUm::new(12.0, 30.0, 40.0);
    /// let two_steps = day_2_to_4.apply(day_0_to_2.apply(place));
    /// assert!(day_0_to_2.then(&day_2_to_4).apply(place).distance_um(two_steps) < 1e-9);
    /// ```
    pub fn then(&self, next: &Self) -> Self {
        let column = |k: usize| times(&next.rotation, [self.rotation[0][k], self.rotation[1][k], self.rotation[2][k]]);
        let columns = [column(0), column(1), column(2)];
        let rotation = [0, 1, 2].map(|row| [columns[0][row], columns[1][row], columns[2][row]]);
        let (c, to) = (self.centre, next.apply(self.apply(self.centre)));
        Self { rotation, centre: c, shift_um: PointUm::new(to.z - c.z, to.y - c.y, to.x - c.x) }
    }

    /// The rotation as a vector (z, y, x) of angles; exact to second order in them. See the example of [`Rigid::turned`].
    pub fn angles_rad(&self) -> [f64; 3] {
        let r = &self.rotation;
        [(r[2][1] - r[1][2]) / 2.0, (r[0][2] - r[2][0]) / 2.0, (r[1][0] - r[0][1]) / 2.0]
    }

    /// Turn in the image plane, degrees. See the example of [`Rigid`].
    pub fn turn_deg(&self) -> f64 {
        let r = &self.rotation;
        (r[2][1] - r[1][2]).atan2(r[1][1] + r[2][2]).to_degrees()
    }

    /// Angle between the optical axis before and after, degrees. See the example of [`Rigid`].
    pub fn tilt_deg(&self) -> f64 {
        self.rotation[0][0].clamp(-1.0, 1.0).acos().to_degrees()
    }
}

fn times(m: &[[f64; 3]; 3], v: [f64; 3]) -> [f64; 3] {
    [0, 1, 2].map(|row| m[row][0] * v[0] + m[row][1] * v[1] + m[row][2] * v[2])
}

/// Rodrigues' formula; `w` x v is taken in the order (z, y, x), where turning about z takes y towards x.
fn rotation(w: [f64; 3]) -> [[f64; 3]; 3] {
    let angle = (w[0] * w[0] + w[1] * w[1] + w[2] * w[2]).sqrt();
    let k = [[0.0, -w[2], w[1]], [w[2], 0.0, -w[0]], [-w[1], w[0], 0.0]];
    // sin(a)/a and (1 - cos a)/a^2, by their series where the quotients lose digits.
    let (a, b) = if angle < 1e-4 {
        (1.0 - angle * angle / 6.0, 0.5)
    } else {
        (angle.sin() / angle, (1.0 - angle.cos()) / (angle * angle))
    };
    let mut r = [[0.0; 3]; 3];
    for (i, row) in r.iter_mut().enumerate() {
        for (j, cell) in row.iter_mut().enumerate() {
            let kk: f64 = (0..3).map(|n| k[i][n] * k[n][j]).sum();
            *cell = f64::from(u8::from(i == j)) + a * k[i][j] + b * kk;
        }
    }
    r
}

#[cfg(test)]
mod tests {
    use crate::geometry::Rigid;
    use crate::units::PointUm;

    #[test]
    fn turns_as_told_and_back() {
        let centre = PointUm::new(1.0, 2.0, 3.0);
        let quarter = Rigid::new([90f64.to_radians(), 0.0, 0.0], centre, PointUm::new(0.5, 0.0, 0.0));
        let place = quarter.apply(PointUm::new(1.0, 3.0, 3.0));
        assert!(place.distance_um(PointUm::new(1.5, 2.0, 4.0)) < 1e-12, "{place:?}");
        assert!((quarter.turn_deg() - 90.0).abs() < 1e-9 && quarter.tilt_deg() < 1e-6);
        let odd =
            Rigid::new([0.3, -0.2, 0.1], centre, PointUm::new(4.0, -5.0, 6.0)).turned([0.01, 0.02, -0.03], centre);
        let p = PointUm::new(-7.0, 8.0, 9.0);
        assert!(odd.undo(odd.apply(p)).distance_um(p) < 1e-12);
        assert!(quarter.then(&odd).apply(p).distance_um(odd.apply(quarter.apply(p))) < 1e-12);
        assert!((odd.apply(p).distance_um(odd.apply(centre)) - p.distance_um(centre)).abs() < 1e-12);
    }
}
