//! Volumes and stacks that are given in parts, so that they need not be in memory as a whole.

use std::fmt::Debug;
use std::ops::Range;

use crate::error::Result;
use crate::units::VoxelSize;
use crate::volume::{Grid, Shape, Stack, StackView, Volume, Voxels, VoxelsView};

/// A volume that is given plane by plane, as often as it is asked for.
///
/// ```
/// use std::ops::Range;
/// use gemmule::error::Result;
/// use gemmule::volume::{Planes, Shape};
/// /// Brightness that rises along x, made as it is asked for.
/// struct Ramp(Shape);
/// impl Planes for Ramp {
///     fn shape(&self) -> Shape {
///         self.0
///     }
///     fn visit(&self, mut planes: Range<usize>, take: &mut dyn FnMut(usize, &[f32]) -> Result<()>) -> Result<()> {
///         let plane: Vec<f32> = (0..self.0.y * self.0.x).map(|i| (i % self.0.x) as f32).collect();
///         planes.try_for_each(|z| take(z, &plane))
///     }
/// }
/// let mut visited = vec![];
/// Ramp(Shape::new(4, 2, 3)?).visit(1..3, &mut |z, plane| {
///     visited.push((z, plane[5]));
///     Ok(())
/// })?;
/// assert_eq!(visited, [(1, 2.0), (2, 2.0)]);
/// # Ok::<(), gemmule::error::Error>(())
/// ```
pub trait Planes: Sync {
    /// Number of voxels along each axis. See the example of [`Planes`].
    fn shape(&self) -> Shape;

    /// Calls `take` with each plane of a range, in order: its number and its voxels, x fastest. See the example of [`Planes`].
    ///
    /// # Errors
    /// What making a plane or `take` says; the first ends the visit.
    fn visit(&self, planes: Range<usize>, take: &mut dyn FnMut(usize, &[f32]) -> Result<()>) -> Result<()>;
}

impl Planes for Volume<f32> {
    fn shape(&self) -> Shape {
        self.shape()
    }

    fn visit(&self, mut planes: Range<usize>, take: &mut dyn FnMut(usize, &[f32]) -> Result<()>) -> Result<()> {
        planes.try_for_each(|z| take(z, self.plane(z)))
    }
}

/// A stack that is read in parts, such as a file larger than memory.
///
/// ```
/// use std::ops::Range;
/// use gemmule::error::Result;
/// use gemmule::units::VoxelSize;
/// use gemmule::volume::{Shape, Source, StackParts, Volume, Voxels};
/// /// A microscope that hands on the planes it has, one after the other.
/// #[derive(Debug)]
/// struct Live(Shape);
/// impl StackParts for Live {
///     fn shape(&self) -> Shape {
///         self.0
///     }
///     fn voxel_size(&self) -> VoxelSize {
///         VoxelSize { z_um: 1.0, y_um: 0.12, x_um: 0.12 }
///     }
///     fn type_name(&self) -> &'static str {
///         "u16"
///     }
///     fn planes(&self, z: Range<usize>) -> Result<Voxels> {
///         let shape = Shape::new(z.len(), self.0.y, self.0.x)?;
///         Ok(Voxels::U16(Volume::filled(shape, z.start as u16)))
///     }
/// }
/// let live = Live(Shape::new(5, 3, 4)?);
/// let source = Source::Parts(&live); // what `pipeline::detect` takes
/// assert_eq!(source.planes(2..4)?.view().value(0), 2.0);
/// assert_eq!((source.shape(), source.type_name(), source.type_maximum()), (live.0, "u16", Some(65535.0)));
/// # Ok::<(), gemmule::error::Error>(())
/// ```
pub trait StackParts: Sync + Debug {
    /// Number of voxels along each axis. See the example of [`StackParts`].
    fn shape(&self) -> Shape;

    /// Edges of a voxel, µm. See the example of [`StackParts`].
    fn voxel_size(&self) -> VoxelSize;

    /// Name of the voxel type: u8, u16, i16 or f32. See the example of [`StackParts`].
    fn type_name(&self) -> &'static str;

    /// The planes of a range, finite, in the type the file holds. See the example of [`StackParts`].
    ///
    /// # Errors
    /// [`crate::error::Error::File`] if they cannot be read.
    fn planes(&self, z: Range<usize>) -> Result<Voxels>;
}

/// Where a stack is read from: memory, or in parts.
///
/// ```
/// use gemmule::units::VoxelSize;
/// use gemmule::volume::{Shape, Source, Stack, Volume, Voxels};
/// let voxels = Voxels::U16(Volume::new(Shape::new(3, 2, 2)?, (0..12).collect())?);
/// let stack = Stack { voxels, voxel_size: VoxelSize::new(1.0, 0.12, 0.12)? };
/// let source = Source::from(&stack);
/// assert_eq!((source.shape(), source.voxel_size()), (stack.voxels.shape(), stack.voxel_size));
/// assert_eq!((source.type_name(), source.type_maximum(), source.grid()), ("u16", Some(65535.0), stack.grid()));
/// let part = source.planes(1..3)?; // no copy
/// assert_eq!((part.view().shape().z, part.view().value(0)), (2, 4.0));
/// assert_eq!(source.ranges(16), [0..2, 2..3]); // planes of 8 bytes
/// # Ok::<(), gemmule::error::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub enum Source<'a> {
    /// All of it is in memory.
    View(StackView<'a>),
    /// It is read in parts.
    Parts(&'a dyn StackParts),
}

/// Some planes of a stack. See the example of [`Source`].
#[derive(Clone, Debug)]
pub enum Part<'a> {
    /// Part of a stack in memory.
    Borrowed(VoxelsView<'a>),
    /// Read for this.
    Owned(Voxels),
}

impl Part<'_> {
    /// The voxels. See the example of [`Source`].
    pub fn view(&self) -> VoxelsView<'_> {
        match self {
            Self::Borrowed(view) => *view,
            Self::Owned(voxels) => voxels.view(),
        }
    }
}

impl<'a> Source<'a> {
    /// Number of voxels along each axis. See the example of [`Source`].
    pub fn shape(self) -> Shape {
        match self {
            Self::View(stack) => stack.voxels.shape(),
            Self::Parts(parts) => parts.shape(),
        }
    }

    /// Edges of a voxel, µm. See the example of [`Source`].
    pub fn voxel_size(self) -> VoxelSize {
        match self {
            Self::View(stack) => stack.voxel_size,
            Self::Parts(parts) => parts.voxel_size(),
        }
    }

    /// Name of the voxel type: u8, u16, i16 or f32. See the example of [`Source`].
    pub fn type_name(self) -> &'static str {
        match self {
            Self::View(stack) => stack.voxels.type_name(),
            Self::Parts(parts) => parts.type_name(),
        }
    }

    /// The largest value the type can hold, where a detector saturates; none for floats. See the example of [`Source`].
    pub fn type_maximum(self) -> Option<f32> {
        match self.type_name() {
            "u8" => Some(f32::from(u8::MAX)),
            "u16" => Some(f32::from(u16::MAX)),
            "i16" => Some(f32::from(i16::MAX)),
            _ => None,
        }
    }

    /// The stack's own grid. See the example of [`Source`].
    pub fn grid(self) -> Grid {
        Grid::of_stack(self.shape(), self.voxel_size())
    }

    /// The planes of a range, without a copy if they are in memory. See the example of [`Source`].
    ///
    /// # Errors
    /// As [`StackParts::planes`].
    ///
    /// # Panics
    /// If the range is empty or goes beyond the stack.
    pub fn planes(self, z: Range<usize>) -> Result<Part<'a>> {
        match self {
            Self::View(stack) => Ok(Part::Borrowed(stack.voxels.planes(z))),
            Self::Parts(parts) => parts.planes(z).map(Part::Owned),
        }
    }

    /// Ranges of planes, in order, of at most `bytes` or one plane each. See the example of [`Source`].
    pub fn ranges(self, bytes: usize) -> Vec<Range<usize>> {
        let shape = self.shape();
        let plane = shape.y * shape.x * self.voxel_bytes();
        let step = (bytes / plane).clamp(1, shape.z);
        (0..shape.z).step_by(step).map(|z| z..(z + step).min(shape.z)).collect()
    }

    /// Bytes of a voxel.
    fn voxel_bytes(self) -> usize {
        match self.type_name() {
            "u8" => 1,
            "u16" | "i16" => 2,
            _ => 4,
        }
    }
}

impl<'a> From<StackView<'a>> for Source<'a> {
    fn from(stack: StackView<'a>) -> Self {
        Self::View(stack)
    }
}

impl<'a> From<&'a Stack> for Source<'a> {
    fn from(stack: &'a Stack) -> Self {
        Self::View(stack.view())
    }
}
