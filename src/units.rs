//! Physical coordinates. Everything is (z, y, x) in µm; the origin is the centre of voxel (0, 0, 0) of the file as given.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// A place in µm, (z, y, x). A different type from [`VoxelIndex`] so that the two cannot be mixed up.
///
/// ```
/// use gemmule::units::PointUm;
/// let (base, head) = (PointUm::new(4.0, 10.0, 20.0), PointUm::new(16.0, 13.0, 24.0));
/// assert_eq!((base.distance_um(head), base.distance_xy_um(head), base.squared_xy_um2(head)), (13.0, 5.0, 25.0));
/// assert_eq!(base.lerp(head, 0.5), PointUm::new(10.0, 11.5, 22.0));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PointUm {
    /// Depth along the optical axis, µm.
    pub z: f64,
    /// Row, µm.
    pub y: f64,
    /// Column, µm.
    pub x: f64,
}

impl PointUm {
    /// A point from its coordinates in µm. See the example of [`PointUm`].
    pub const fn new(z: f64, y: f64, x: f64) -> Self {
        Self { z, y, x }
    }

    /// Euclidean distance, µm. See the example of [`PointUm`].
    pub fn distance_um(self, other: Self) -> f64 {
        ((self.z - other.z).powi(2) + (self.y - other.y).powi(2) + (self.x - other.x).powi(2)).sqrt()
    }

    /// Distance in the image plane, µm: z of in-vivo stacks is some ten times less sure than x and y. See the example of [`PointUm`].
    pub fn distance_xy_um(self, other: Self) -> f64 {
        self.squared_xy_um2(other).sqrt()
    }

    /// Its square, µm²: all that a search for the nearest needs. See the example of [`PointUm`].
    pub fn squared_xy_um2(self, other: Self) -> f64 {
        let (dy, dx) = (self.y - other.y, self.x - other.x);
        dy * dy + dx * dx
    }

    /// The point `fraction` of the way to `other` (0: here, 1: there). See the example of [`PointUm`].
    pub fn lerp(self, other: Self, fraction: f64) -> Self {
        Self::new(
            self.z + (other.z - self.z) * fraction,
            self.y + (other.y - self.y) * fraction,
            self.x + (other.x - self.x) * fraction,
        )
    }
}

/// A voxel by its 0-based indices.
///
/// ```
/// use gemmule::units::VoxelIndex;
/// use gemmule::volume::Shape;
/// let brightest = Shape::new(3, 4, 5)?.voxel(27);
/// assert_eq!(brightest, VoxelIndex { z: 1, y: 1, x: 2 });
/// # Ok::<(), gemmule::error::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct VoxelIndex {
    /// Plane.
    pub z: usize,
    /// Row.
    pub y: usize,
    /// Column.
    pub x: usize,
}

/// Edge lengths of a voxel in µm. Never guessed: from the file's metadata or from the user.
///
/// ```
/// use gemmule::units::VoxelSize;
/// assert!(VoxelSize::new(1.0, 0.1, 0.1).is_ok());
/// assert!(VoxelSize::new(0.0, 0.1, 0.1).is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct VoxelSize {
    /// Distance between planes, µm.
    pub z_um: f64,
    /// Distance between rows, µm.
    pub y_um: f64,
    /// Distance between columns, µm.
    pub x_um: f64,
}

impl VoxelSize {
    /// Smallest edge accepted, µm: below it a unit was mistaken (metres read as µm).
    pub const MIN_UM: f64 = 1e-4;
    /// Largest edge accepted, µm: above it a unit was mistaken (nanometres read as µm).
    pub const MAX_UM: f64 = 1e4;

    /// A voxel size in µm. See the example of [`VoxelSize`].
    ///
    /// # Errors
    /// [`Error::Parameter`] if an edge is not a number in [`Self::MIN_UM`]..=[`Self::MAX_UM`].
    pub fn new(z_um: f64, y_um: f64, x_um: f64) -> Result<Self> {
        for (name, value) in [("voxel_um.z", z_um), ("voxel_um.y", y_um), ("voxel_um.x", x_um)] {
            if !(Self::MIN_UM..=Self::MAX_UM).contains(&value) {
                return Err(Error::parameter(
                    name,
                    value,
                    "0.0001 to 10000 µm",
                    "give the edges of a voxel as --voxel-um Z,Y,X in µm",
                ));
            }
        }
        Ok(Self { z_um, y_um, x_um })
    }

    /// Volume of one voxel, µm³.
    ///
    /// ```
    /// use gemmule::units::VoxelSize;
    /// assert_eq!(VoxelSize::new(1.0, 0.5, 0.25)?.volume_um3(), 0.125);
    /// # Ok::<(), gemmule::error::Error>(())
    /// ```
    pub fn volume_um3(self) -> f64 {
        self.z_um * self.y_um * self.x_um
    }
}
