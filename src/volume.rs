//! Voxel arrays: owned or borrowed, dense, (z, y, x) with x fastest.

mod bricks;
mod planes;
mod view;

use ndarray::{ArrayView3, ShapeBuilder as _};

use crate::error::{Error, Result};
use crate::units::{PointUm, VoxelIndex, VoxelSize};
pub use bricks::{Bricks, Mix};
pub use planes::{Part, Planes, Source, StackParts};
pub use view::{StackView, VolumeView, VoxelsView};

/// Number of voxels along each axis; each at least 1.
///
/// ```
/// use gemmule::units::VoxelIndex;
/// use gemmule::volume::Shape;
/// let shape = Shape::new(2, 3, 4)?;
/// assert_eq!((shape.len(), shape.index(1, 2, 3)), (24, 23));
/// assert_eq!(shape.voxel(23), VoxelIndex { z: 1, y: 2, x: 3 });
/// assert!(Shape::new(2, 0, 4).is_err());
/// # Ok::<(), gemmule::error::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Shape {
    /// Planes.
    pub z: usize,
    /// Rows.
    pub y: usize,
    /// Columns.
    pub x: usize,
}

impl Shape {
    /// A shape. See the example of [`Shape`].
    ///
    /// # Errors
    /// [`Error::Parameter`] if an axis is 0 or the number of voxels does not fit in memory.
    pub fn new(z: usize, y: usize, x: usize) -> Result<Self> {
        let len = z.checked_mul(y).and_then(|n| n.checked_mul(x));
        match len {
            Some(n) if n > 0 && n <= isize::MAX as usize / 8 => Ok(Self { z, y, x }),
            _ => Err(Error::parameter(
                "shape",
                format!("{z} x {y} x {x}"),
                "at least one voxel along each axis, and no more than fit in memory",
                "check the file's header or the array given",
            )),
        }
    }

    /// Number of voxels. See the example of [`Shape`].
    #[allow(clippy::len_without_is_empty, reason = "a shape has at least one voxel")]
    pub fn len(self) -> usize {
        self.z * self.y * self.x
    }

    /// Position of a voxel in the flat array. See the example of [`Shape`].
    pub fn index(self, z: usize, y: usize, x: usize) -> usize {
        (z * self.y + y) * self.x + x
    }

    /// The voxel at a position of the flat array. See the example of [`Shape`].
    pub fn voxel(self, index: usize) -> VoxelIndex {
        VoxelIndex { z: index / (self.y * self.x), y: index / self.x % self.y, x: index % self.x }
    }
}

impl Shape {
    /// Along each axis the voxels to either side of a fractional coordinate, clamped to the volume, and the share of the second.
    #[inline]
    fn corners(self, z: f64, y: f64, x: f64) -> [(usize, usize, f32); 3] {
        [(z, self.z), (y, self.y), (x, self.x)].map(|(v, n)| {
            let v = if v.is_finite() { v.clamp(0.0, (n - 1) as f64) } else { 0.0 };
            let i = (v as usize).min(n.saturating_sub(2));
            (i, (i + 1).min(n - 1), (v - i as f64) as f32)
        })
    }
}

impl std::fmt::Display for Shape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} x {} x {}", self.z, self.y, self.x)
    }
}

/// A dense array of voxels.
///
/// ```
/// use gemmule::volume::{Shape, Volume};
/// let volume = Volume::new(Shape::new(2, 3, 4)?, (0..24).collect())?;
/// assert_eq!(*volume.at(1, 2, 3), 23);
/// # Ok::<(), gemmule::error::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Volume<T> {
    shape: Shape,
    data: Vec<T>,
}

impl<T> Volume<T> {
    /// A volume over `data`, (z, y, x) with x fastest. See the example of [`Volume`].
    ///
    /// # Errors
    /// [`Error::Parameter`] if `data` does not hold exactly `shape.len()` voxels.
    pub fn new(shape: Shape, data: Vec<T>) -> Result<Self> {
        VolumeView::new(shape, &data)?;
        Ok(Self { shape, data })
    }

    /// The shape. See the example of [`Volume::plane`].
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// All voxels, x fastest. See the example of [`Volume::plane`].
    pub fn as_slice(&self) -> &[T] {
        &self.data
    }

    /// All voxels, x fastest, to write to. See the example of [`Volume::plane`].
    pub fn as_mut_slice(&mut self) -> &mut [T] {
        &mut self.data
    }

    /// The voxels, without the shape. See the example of [`Volume::plane`].
    pub fn into_vec(self) -> Vec<T> {
        self.data
    }

    /// One voxel. See the example of [`Volume`].
    ///
    /// # Panics
    /// If the voxel is outside the volume, as slices do.
    pub fn at(&self, z: usize, y: usize, x: usize) -> &T {
        assert!(
            z < self.shape.z && y < self.shape.y && x < self.shape.x,
            "voxel ({z}, {y}, {x}) is outside {}",
            self.shape
        );
        &self.data[self.shape.index(z, y, x)]
    }

    /// The voxels of one plane.
    ///
    /// ```
    /// use gemmule::volume::{Shape, Volume};
    /// let mut volume = Volume::filled(Shape::new(2, 1, 3)?, 0);
    /// volume.as_mut_slice()[4] = 7;
    /// assert_eq!((volume.shape().z, volume.plane(1)), (2, &[0, 7, 0][..]));
    /// assert_eq!(volume.as_slice(), [0, 0, 0, 0, 7, 0]);
    /// assert_eq!(volume.into_vec().len(), 6);
    /// # Ok::<(), gemmule::error::Error>(())
    /// ```
    ///
    /// # Panics
    /// If there is no such plane.
    pub fn plane(&self, z: usize) -> &[T] {
        let n = self.shape.y * self.shape.x;
        &self.data[z * n..(z + 1) * n]
    }

    /// The same volume as an `ndarray` view.
    ///
    /// ```
    /// use gemmule::volume::Volume;
    /// let array = ndarray::Array3::from_shape_fn((2, 3, 4), |(z, y, x)| 100 * z + 10 * y + x);
    /// let turned = array.permuted_axes([2, 1, 0]); // any memory order
    /// let volume = Volume::from_view(turned.view())?;
    /// assert_eq!(*volume.at(3, 2, 1), 123);
    /// assert_eq!(volume.view(), turned.view());
    /// # Ok::<(), gemmule::error::Error>(())
    /// ```
    ///
    /// # Panics
    /// Never: the length was checked when the volume was made.
    pub fn view(&self) -> ArrayView3<'_, T> {
        let shape = (self.shape.z, self.shape.y, self.shape.x).into_shape_with_order();
        ArrayView3::from_shape(shape, &self.data).expect("the length was checked when the volume was made")
    }
}

impl<T: Clone> Volume<T> {
    /// A volume with the same value everywhere. See the example of [`Volume::plane`].
    pub fn filled(shape: Shape, value: T) -> Self {
        Self { shape, data: vec![value; shape.len()] }
    }

    /// A copy of a view of any memory order. See the example of [`Volume::view`].
    ///
    /// # Errors
    /// [`Error::Parameter`] if an axis of the view is empty, or if there is no memory for a copy: one value can be seen as a volume of any shape.
    pub fn from_view(view: ArrayView3<'_, T>) -> Result<Self> {
        let (z, y, x) = view.dim();
        let shape = Shape::new(z, y, x)?;
        let mut data = Vec::new();
        data.try_reserve_exact(shape.len()).map_err(|_| {
            Error::parameter(
                "shape",
                shape,
                "no more voxels than can be copied into memory",
                "give the voxels in C order without gaps, which are not copied, or a part of them",
            )
        })?;
        data.extend(view.iter().cloned());
        Ok(Self { shape, data })
    }
}

impl Volume<f32> {
    /// Trilinear interpolation at fractional voxel coordinates, clamped to the volume (the border value continues).
    ///
    /// ```
    /// use gemmule::volume::{Shape, Volume};
    /// let volume = Volume::new(Shape::new(1, 1, 3)?, vec![0.0, 10.0, 20.0])?;
    /// assert_eq!((volume.sample(0.0, 0.0, 0.5), volume.sample(0.0, 0.0, 9.0)), (5.0, 20.0));
    /// # Ok::<(), gemmule::error::Error>(())
    /// ```
    pub fn sample(&self, z: f64, y: f64, x: f64) -> f32 {
        let [(z0, z1, fz), (y0, y1, fy), (x0, x1, fx)] = self.shape.corners(z, y, x);
        let row = |z: usize, y: usize| {
            let base = self.shape.index(z, y, 0);
            let (a, b) = (self.data[base + x0], self.data[base + x1]);
            a + (b - a) * fx
        };
        let plane = |z: usize| {
            let (a, b) = (row(z, y0), row(z, y1));
            a + (b - a) * fy
        };
        let (a, b) = (plane(z0), plane(z1));
        a + (b - a) * fz
    }
}

/// Where the voxels of a volume lie in µm: a stack's own grid, or a binned one whose first centre is off the origin.
///
/// ```
/// use gemmule::units::{PointUm, VoxelSize};
/// use gemmule::volume::{Grid, Shape};
/// let grid = Grid::of_stack(Shape::new(10, 100, 100)?, VoxelSize::new(1.0, 0.5, 0.25)?);
/// assert_eq!(grid.to_um(3.0, 10.0, 10.0), PointUm::new(3.0, 5.0, 2.5));
/// assert_eq!(grid.to_voxel(PointUm::new(3.0, 5.0, 2.5)), (3.0, 10.0, 10.0));
/// assert!(grid.contains(PointUm::default()) && !grid.contains(PointUm::new(9.5, 0.0, 0.0)));
/// # Ok::<(), gemmule::error::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Grid {
    /// Number of voxels.
    pub shape: Shape,
    /// Edges of a voxel.
    pub voxel_size: VoxelSize,
    /// Centre of voxel (0, 0, 0).
    pub origin: PointUm,
}

impl Grid {
    /// The grid of a stack as it lies in its file: origin 0. See the example of [`Grid`].
    pub fn of_stack(shape: Shape, voxel_size: VoxelSize) -> Self {
        Self { shape, voxel_size, origin: PointUm::default() }
    }

    /// Centre of a voxel given by (fractional) indices, µm. See the example of [`Grid`].
    pub fn to_um(&self, z: f64, y: f64, x: f64) -> PointUm {
        PointUm::new(
            self.origin.z + z * self.voxel_size.z_um,
            self.origin.y + y * self.voxel_size.y_um,
            self.origin.x + x * self.voxel_size.x_um,
        )
    }

    /// Fractional voxel indices (z, y, x) of a place. See the example of [`Grid`].
    pub fn to_voxel(&self, p: PointUm) -> (f64, f64, f64) {
        (
            (p.z - self.origin.z) / self.voxel_size.z_um,
            (p.y - self.origin.y) / self.voxel_size.y_um,
            (p.x - self.origin.x) / self.voxel_size.x_um,
        )
    }

    /// Whether a place lies between the outermost voxel centres. See the example of [`Grid`].
    pub fn contains(&self, p: PointUm) -> bool {
        let (z, y, x) = self.to_voxel(p);
        let inside = |v: f64, n: usize| v >= 0.0 && v <= (n - 1) as f64;
        inside(z, self.shape.z) && inside(y, self.shape.y) && inside(x, self.shape.x)
    }
}

/// Voxels in the type the file holds.
///
/// ```
/// use gemmule::volume::{Shape, Volume, Voxels};
/// let voxels = Voxels::U8(Volume::new(Shape::new(1, 1, 3)?, vec![0, 7, 255])?);
/// assert_eq!((voxels.type_name(), voxels.shape().x, voxels.value(1)), ("u8", 3, 7.0));
/// assert_eq!(voxels.type_maximum(), Some(255.0));
/// let view = voxels.view(); // borrowed, with the same to ask
/// assert_eq!((view.type_name(), view.shape(), view.value(2)), ("u8", voxels.shape(), 255.0));
/// assert_eq!(view.type_maximum(), voxels.type_maximum());
/// # Ok::<(), gemmule::error::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub enum Voxels {
    /// Unsigned 8 bit.
    U8(Volume<u8>),
    /// Unsigned 16 bit.
    U16(Volume<u16>),
    /// Signed 16 bit (ScanImage).
    I16(Volume<i16>),
    /// 32-bit float.
    F32(Volume<f32>),
}

impl Voxels {
    /// The shape. See the example of [`Voxels`].
    pub fn shape(&self) -> Shape {
        match self {
            Self::U8(v) => v.shape(),
            Self::U16(v) => v.shape(),
            Self::I16(v) => v.shape(),
            Self::F32(v) => v.shape(),
        }
    }

    /// The same voxels, borrowed. See the example of [`Voxels`].
    pub fn view(&self) -> VoxelsView<'_> {
        self.into()
    }

    /// Name of the voxel type: u8, u16, i16 or f32. See the example of [`Voxels`].
    pub fn type_name(&self) -> &'static str {
        self.view().type_name()
    }

    /// One voxel of the flat array as f32 (exact for every type). See the example of [`Voxels`].
    ///
    /// # Panics
    /// If `index` is outside the volume.
    pub fn value(&self, index: usize) -> f32 {
        self.view().value(index)
    }

    /// The largest value the type can hold, where a detector saturates; none for floats. See the example of [`Voxels`].
    pub fn type_maximum(&self) -> Option<f32> {
        self.view().type_maximum()
    }
}

/// One channel of one time point: voxels and how large they are.
///
/// ```
/// use gemmule::units::VoxelSize;
/// use gemmule::volume::{Shape, Stack, Volume, Voxels};
/// let voxels = Voxels::U16(Volume::filled(Shape::new(2, 3, 4)?, 100));
/// let stack = Stack { voxels, voxel_size: VoxelSize::new(1.0, 0.12, 0.12)? };
/// assert_eq!(stack.grid().to_um(1.0, 0.0, 0.0).z, 1.0);
/// assert_eq!(stack.view().voxels.value(0), 100.0);
/// # Ok::<(), gemmule::error::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Stack {
    /// The voxels.
    pub voxels: Voxels,
    /// Their edges in µm.
    pub voxel_size: VoxelSize,
}

impl Stack {
    /// The same stack, borrowed. See the example of [`Stack`].
    pub fn view(&self) -> StackView<'_> {
        self.into()
    }

    /// The stack's own grid. See the example of [`Stack`].
    pub fn grid(&self) -> Grid {
        Grid::of_stack(self.voxels.shape(), self.voxel_size)
    }
}
