//! Least squares for a small turn and shift.

/// Normal equations of six unknowns: turn (z, y, x) in radians, shift (z, y, x) in µm.
#[derive(Clone, Debug)]
pub(super) struct Normal {
    matrix: [[f64; 6]; 6],
    right: [f64; 6],
}

impl Normal {
    /// Equations that pull each unknown, which is `now` so far, to zero with the given standard deviations, against
    /// residuals of 1.
    pub(super) fn with_prior(deviation: [f64; 6], now: [f64; 6]) -> Self {
        let (mut matrix, mut right) = ([[0.0; 6]; 6], [0.0; 6]);
        for i in 0..6 {
            matrix[i][i] = deviation[i].powi(-2);
            right[i] = -now[i] * matrix[i][i];
        }
        Self { matrix, right }
    }

    /// Adds the equation that the point `arm` (z, y, x; from the centre of the turn) moves by `residual` along `direction`.
    pub(super) fn add(&mut self, arm: [f64; 3], direction: [f64; 3], residual: f64, weight: f64) {
        let (a, d) = (arm, direction);
        let row = [d[2] * a[1] - d[1] * a[2], d[0] * a[2] - d[2] * a[0], d[1] * a[0] - d[0] * a[1], d[0], d[1], d[2]];
        for i in 0..6 {
            for j in 0..6 {
                self.matrix[i][j] += weight * row[i] * row[j];
            }
            self.right[i] += weight * row[i] * residual;
        }
    }

    /// The least-squares solution, by Gaussian elimination: the prior makes the matrix positive definite, so that no
    /// pivoting is needed.
    pub(super) fn solve(mut self) -> [f64; 6] {
        for k in 0..6 {
            for i in k + 1..6 {
                let factor = self.matrix[i][k] / self.matrix[k][k];
                for j in k..6 {
                    self.matrix[i][j] -= factor * self.matrix[k][j];
                }
                self.right[i] -= factor * self.right[k];
            }
        }
        let mut x = [0.0; 6];
        for k in (0..6).rev() {
            let known: f64 = (k + 1..6).map(|j| self.matrix[k][j] * x[j]).sum();
            x[k] = (self.right[k] - known) / self.matrix[k][k];
        }
        x
    }
}

#[cfg(test)]
mod tests {
    use crate::geometry::Rigid;
    use crate::register::solve::Normal;
    use crate::units::PointUm;

    #[test]
    fn finds_a_small_turn_and_shift() {
        let (angles, shift) = ([0.002, -0.001, 0.0015], PointUm::new(0.3, -0.2, 0.1));
        let rigid = Rigid::new(angles, PointUm::default(), shift);
        let mut normal = Normal::with_prior([1e3; 6], [0.0; 6]);
        for i in 0..20 {
            let t = f64::from(i);
            let p = PointUm::new(3.0 * (t * 1.3).sin(), 9.0 * (t * 0.7).cos(), 9.0 * (t * 2.1).sin());
            let q = rigid.apply(p);
            for (axis, r) in [q.z - p.z, q.y - p.y, q.x - p.x].into_iter().enumerate() {
                let mut direction = [0.0; 3];
                direction[axis] = 1.0;
                normal.add([p.z, p.y, p.x], direction, r, 1.0);
            }
        }
        let x = normal.solve();
        // Second order in the angles: 9 µm * (.002)^2.
        for (found, true_) in x.into_iter().zip([angles[0], angles[1], angles[2], shift.z, shift.y, shift.x]) {
            assert!((found - true_).abs() < 4e-5, "{x:?}");
        }
    }
}
