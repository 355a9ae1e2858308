//! Volumes and stacks that are given in parts, so that they need not be in memory as a whole.

use std::fmt::Debug;
use std::ops::Range;

use crate::error::Result;
use crate::units::VoxelSize;
use crate::volume::{Grid, Shape, Stack, StackView, Volume, Voxels, VoxelsView};

/// A volume that is given plane by plane, as often as it is asked for.
pub trait Planes: Sync {
    /// Number of voxels along each axis.
    fn shape(&self) -> Shape;

    /// Calls `take` with each plane of a range, in order: its number and its voxels, x fastest.
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
pub trait StackParts: Sync + Debug {
    /// Number of voxels along each axis.
    fn shape(&self) -> Shape;

    /// Edges of a voxel, µm.
    fn voxel_size(&self) -> VoxelSize;

    /// Name of the voxel type: u8, u16, i16 or f32.
    fn type_name(&self) -> &'static str;

    /// The planes of a range, finite, in the type the file holds.
    ///
    /// # Errors
    /// [`crate::error::Error::File`] if they cannot be read.
    fn planes(&self, z: Range<usize>) -> Result<Voxels>;
}

/// Where a stack is read from: memory, or in parts.
#[derive(Clone, Copy, Debug)]
pub enum Source<'a> {
    /// All of it is in memory.
    View(StackView<'a>),
    /// It is read in parts.
    Parts(&'a dyn StackParts),
}

/// Some planes of a stack.
#[derive(Clone, Debug)]
pub enum Part<'a> {
    /// Part of a stack in memory.
    Borrowed(VoxelsView<'a>),
    /// Read for this.
    Owned(Voxels),
}

impl Part<'_> {
    /// The voxels.
    pub fn view(&self) -> VoxelsView<'_> {
        match self {
            Self::Borrowed(view) => *view,
            Self::Owned(voxels) => voxels.view(),
        }
    }
}

impl<'a> Source<'a> {
    /// Number of voxels along each axis.
    pub fn shape(self) -> Shape {
        match self {
            Self::View(stack) => stack.voxels.shape(),
            Self::Parts(parts) => parts.shape(),
        }
    }

    /// Edges of a voxel, µm.
    pub fn voxel_size(self) -> VoxelSize {
        match self {
            Self::View(stack) => stack.voxel_size,
            Self::Parts(parts) => parts.voxel_size(),
        }
    }

    /// Name of the voxel type: u8, u16, i16 or f32.
    pub fn type_name(self) -> &'static str {
        match self {
            Self::View(stack) => stack.voxels.type_name(),
            Self::Parts(parts) => parts.type_name(),
        }
    }

    /// The largest value the type can hold, where a detector saturates; none for floats.
    pub fn type_maximum(self) -> Option<f32> {
        match self.type_name() {
            "u8" => Some(f32::from(u8::MAX)),
            "u16" => Some(f32::from(u16::MAX)),
            "i16" => Some(f32::from(i16::MAX)),
            _ => None,
        }
    }

    /// The stack's own grid.
    pub fn grid(self) -> Grid {
        Grid::of_stack(self.shape(), self.voxel_size())
    }

    /// The planes of a range, without a copy if they are in memory.
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

    /// Ranges of planes, in order, of at most `bytes` or one plane each.
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
