//! How far motion has displaced each plane of a stack.

use crate::units::PointUm;

/// Displacement of every plane of a stack, as [`crate::register::motion`] estimates it.
///
/// ```
/// use gemmule::model::Motion;
/// use gemmule::units::PointUm;
/// // The second of three planes moved by .4 µm along y.
/// let motion = Motion { displacement_um: vec![(0.0, 0.0), (0.4, 0.0), (0.0, 0.0)], bad_planes: vec![], plane_um: 1.0 };
/// assert_eq!((motion.at_um(1.0), motion.at_um(1.5)), ((0.4, 0.0), (0.2, 0.0)));
/// let place = PointUm::new(1.0, 5.0, 5.0);
/// assert_eq!(motion.still(place), PointUm::new(1.0, 4.6, 5.0));
/// assert!(motion.seen(motion.still(place)).distance_um(place) < 1e-9);
/// assert!((motion.rms_um().unwrap() - (0.16_f64 / 3.0).sqrt()).abs() < 1e-12);
/// assert_eq!((motion.largest_um(), Motion::default().largest_um()), (0.4, 0.0)); // of which nothing is known
/// assert!((motion.shrunk(0.1).at_um(1.0).0 - 0.4 * (1.0 - 0.03 / 0.16)).abs() < 1e-12);
/// assert!(motion.shrunk(0.3).displacement_um.is_empty()); // it moves no more than the estimate errs
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Motion {
    /// How far what is seen in each plane lies from where it would be without motion, (y, x) in µm; empty where it is not known.
    pub displacement_um: Vec<(f64, f64)>,
    /// Planes that are lost or displaced too far, from 0, ascending.
    pub bad_planes: Vec<usize>,
    /// Distance between planes, µm.
    pub plane_um: f64,
}

impl Motion {
    /// Root mean square of the displacement in the image plane, sqrt(mean(dy² + dx²)) in µm, of the planes that are not bad; none where it is not known.
    /// See the example of [`Motion`].
    pub fn rms_um(&self) -> Option<f64> {
        let good = |(z, _): &(usize, &(f64, f64))| self.bad_planes.binary_search(z).is_err();
        let squares: Vec<f64> =
            self.displacement_um.iter().enumerate().filter(good).map(|(_, (y, x))| y * y + x * x).collect();
        (!squares.is_empty()).then(|| (squares.iter().sum::<f64>() / squares.len() as f64).sqrt())
    }

    /// Largest displacement in the image plane, µm; 0 where it is not known. See the example of [`Motion`].
    pub fn largest_um(&self) -> f64 {
        self.displacement_um.iter().map(|(y, x)| y.hypot(*x)).fold(0.0, f64::max)
    }

    /// The same with displacements shrunk by what error there is in them: times max(0, 1 - (error / rms)²) (James and Stein 1961). Where a stack moves no more than the
    /// estimate errs, nothing is displaced. See the example of [`Motion`].
    pub fn shrunk(&self, error_um: f64) -> Self {
        let rms_um = self.rms_um().unwrap_or(0.0);
        let share = if rms_um > error_um { 1.0 - (error_um / rms_um).powi(2) } else { 0.0 };
        let displacement_um = self.displacement_um.iter().map(|(y, x)| (share * y, share * x));
        let displacement_um = if share > 0.0 { displacement_um.collect() } else { Vec::new() };
        Self { displacement_um, bad_planes: self.bad_planes.clone(), plane_um: self.plane_um }
    }

    /// Displacement (y, x) at a depth, µm: linear between planes, that of the last one beyond them, 0 where it is not known. See the example of [`Motion`].
    pub fn at_um(&self, z_um: f64) -> (f64, f64) {
        let Some(last) = self.displacement_um.len().checked_sub(1) else { return (0.0, 0.0) };
        let plane = (z_um / self.plane_um).clamp(0.0, last as f64);
        let below = plane as usize;
        let (share, a, b) =
            (plane - below as f64, self.displacement_um[below], self.displacement_um[(below + 1).min(last)]);
        (a.0 + share * (b.0 - a.0), a.1 + share * (b.1 - a.1))
    }

    /// Where a place of the image would be without motion. See the example of [`Motion`].
    pub fn still(&self, place: PointUm) -> PointUm {
        let (y, x) = self.at_um(place.z);
        PointUm::new(place.z, place.y - y, place.x - x)
    }

    /// Where a place without motion is in the image: the inverse of [`Motion::still`]. See the example of [`Motion`].
    pub fn seen(&self, place: PointUm) -> PointUm {
        let (y, x) = self.at_um(place.z);
        PointUm::new(place.z, place.y + y, place.x + x)
    }
}
