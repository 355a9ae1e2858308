//! Voxels that lie in someone else's memory: what every stage reads, so that no host has to copy a stack to have it analysed.

use std::ops::Range;

use ndarray::ArrayView3;

use crate::error::{Error, Result};
use crate::units::VoxelSize;
use crate::volume::{Grid, Shape, Stack, Volume, Voxels};

/// A dense array of voxels that is borrowed.
///
/// ```
/// use gemmule::volume::VolumeView;
/// let array = ndarray::Array3::<u16>::zeros((2, 3, 4));
/// let view = VolumeView::try_from(array.view())?; // no copy
/// assert_eq!(view.shape().to_string(), "2 x 3 x 4");
/// assert!(VolumeView::try_from(array.t()).is_err()); // x is not fastest there
/// # Ok::<(), gemmule::error::Error>(())
/// ```
#[derive(Debug)]
pub struct VolumeView<'a, T> {
    shape: Shape,
    data: &'a [T],
}

impl<T> Clone for VolumeView<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for VolumeView<'_, T> {}

impl<'a, T> VolumeView<'a, T> {
    /// A view of `data`, (z, y, x) with x fastest.
    ///
    /// ```
    /// use gemmule::volume::{Shape, VolumeView};
    /// let mine = [1u16, 2, 3, 4, 5, 6];
    /// let view = VolumeView::new(Shape::new(1, 2, 3)?, &mine)?;
    /// assert_eq!(view.as_slice()[5], 6);
    /// assert!(VolumeView::new(Shape::new(2, 2, 3)?, &mine).is_err()); // too few voxels
    /// # Ok::<(), gemmule::error::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Parameter`] if `data` does not hold exactly `shape.len()` voxels.
    pub fn new(shape: Shape, data: &'a [T]) -> Result<Self> {
        if data.len() != shape.len() {
            return Err(Error::parameter(
                "data.len()",
                data.len(),
                &format!("{} for the shape {shape}", shape.len()),
                "give one value per voxel, x fastest",
            ));
        }
        Ok(Self { shape, data })
    }

    /// The shape. See the example of [`VolumeView`].
    pub fn shape(self) -> Shape {
        self.shape
    }

    /// All voxels, x fastest. See the example of [`VolumeView::new`].
    pub fn as_slice(self) -> &'a [T] {
        self.data
    }

    /// The planes of a range; it must lie within the volume and not be empty.
    fn planes(self, z: Range<usize>) -> Self {
        let plane = self.shape.y * self.shape.x;
        Self { shape: Shape { z: z.len(), ..self.shape }, data: &self.data[z.start * plane..z.end * plane] }
    }
}

impl<'a, T> From<&'a Volume<T>> for VolumeView<'a, T> {
    fn from(volume: &'a Volume<T>) -> Self {
        Self { shape: volume.shape(), data: volume.as_slice() }
    }
}

impl<'a, T> TryFrom<ArrayView3<'a, T>> for VolumeView<'a, T> {
    type Error = Error;

    /// The view's memory, not copied.
    ///
    /// # Errors
    /// [`Error::Parameter`] for an empty axis, or where the voxels do not lie one after the other with x fastest; [`Volume::from_view`] copies those.
    fn try_from(view: ArrayView3<'a, T>) -> Result<Self> {
        let (z, y, x) = view.dim();
        let shape = Shape::new(z, y, x)?;
        let strides = format!("strides {:?} (voxels)", view.strides());
        let Some(data) = view.to_slice() else {
            return Err(Error::parameter(
                "memory order",
                strides,
                "C order: (z, y, x), x fastest, without gaps",
                "copy it with Volume::from_view",
            ));
        };
        Self::new(shape, data)
    }
}

/// Borrowed voxels in the type their owner holds. See the example of [`crate::volume::Voxels`].
#[derive(Clone, Copy, Debug)]
pub enum VoxelsView<'a> {
    /// Unsigned 8 bit.
    U8(VolumeView<'a, u8>),
    /// Unsigned 16 bit.
    U16(VolumeView<'a, u16>),
    /// Signed 16 bit.
    I16(VolumeView<'a, i16>),
    /// 32-bit float.
    F32(VolumeView<'a, f32>),
}

impl<'a> VoxelsView<'a> {
    /// The shape. See the example of [`crate::volume::Voxels`].
    pub fn shape(self) -> Shape {
        match self {
            Self::U8(v) => v.shape(),
            Self::U16(v) => v.shape(),
            Self::I16(v) => v.shape(),
            Self::F32(v) => v.shape(),
        }
    }

    /// The planes of a range.
    ///
    /// ```
    /// use gemmule::volume::{Shape, Volume, Voxels};
    /// let voxels = Voxels::U8(Volume::new(Shape::new(3, 2, 2)?, (0..12).collect())?);
    /// let middle = voxels.view().planes(1..2);
    /// assert_eq!((middle.shape().z, middle.value(0)), (1, 4.0));
    /// # Ok::<(), gemmule::error::Error>(())
    /// ```
    ///
    /// # Panics
    /// If the range is empty or goes beyond the volume, as slices do.
    pub fn planes(self, z: Range<usize>) -> Self {
        assert!(!z.is_empty(), "a part has planes");
        match self {
            Self::U8(v) => Self::U8(v.planes(z)),
            Self::U16(v) => Self::U16(v.planes(z)),
            Self::I16(v) => Self::I16(v.planes(z)),
            Self::F32(v) => Self::F32(v.planes(z)),
        }
    }

    /// Name of the voxel type: u8, u16, i16 or f32. See the example of [`crate::volume::Voxels`].
    pub fn type_name(self) -> &'static str {
        match self {
            Self::U8(_) => "u8",
            Self::U16(_) => "u16",
            Self::I16(_) => "i16",
            Self::F32(_) => "f32",
        }
    }

    /// One voxel of the flat array as f32 (exact for every type). See the example of [`crate::volume::Voxels`].
    ///
    /// # Panics
    /// If `index` is outside the volume.
    pub fn value(self, index: usize) -> f32 {
        match self {
            Self::U8(v) => f32::from(v.as_slice()[index]),
            Self::U16(v) => f32::from(v.as_slice()[index]),
            Self::I16(v) => f32::from(v.as_slice()[index]),
            Self::F32(v) => v.as_slice()[index],
        }
    }

    /// The largest value the type can hold, where a detector saturates; none for floats. See the example of [`crate::volume::Voxels`].
    pub fn type_maximum(self) -> Option<f32> {
        match self {
            Self::U8(_) => Some(f32::from(u8::MAX)),
            Self::U16(_) => Some(f32::from(u16::MAX)),
            Self::I16(_) => Some(f32::from(i16::MAX)),
            Self::F32(_) => None,
        }
    }

    /// The voxels as they lie in memory.
    pub(crate) fn bytes(self) -> &'a [u8] {
        match self {
            Self::U8(v) => v.as_slice(),
            Self::U16(v) => bytemuck::cast_slice(v.as_slice()),
            Self::I16(v) => bytemuck::cast_slice(v.as_slice()),
            Self::F32(v) => bytemuck::cast_slice(v.as_slice()),
        }
    }
}

impl<'a> From<&'a Voxels> for VoxelsView<'a> {
    fn from(voxels: &'a Voxels) -> Self {
        match voxels {
            Voxels::U8(v) => Self::U8(v.into()),
            Voxels::U16(v) => Self::U16(v.into()),
            Voxels::I16(v) => Self::I16(v.into()),
            Voxels::F32(v) => Self::F32(v.into()),
        }
    }
}

/// A borrowed stack: what stages take, made from a [`Stack`] or from any host's memory.
///
/// ```
/// use gemmule::units::VoxelSize;
/// use gemmule::volume::{StackView, VolumeView, VoxelsView};
/// let array = ndarray::Array3::<u16>::zeros((2, 3, 4));
/// let voxels = VoxelsView::U16(VolumeView::try_from(array.view())?);
/// let stack = StackView::new(voxels, VoxelSize::new(1.0, 0.1, 0.1)?)?;
/// assert_eq!(stack.grid().shape.len(), 24);
/// # Ok::<(), gemmule::error::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct StackView<'a> {
    /// The voxels.
    pub voxels: VoxelsView<'a>,
    /// Their edges in µm.
    pub voxel_size: VoxelSize,
}

impl<'a> StackView<'a> {
    /// A view of finite voxels. See the example of [`StackView`].
    ///
    /// # Errors
    /// [`Error::Parameter`] if a float is not finite; the message names the first such voxel.
    pub fn new(voxels: VoxelsView<'a>, voxel_size: VoxelSize) -> Result<Self> {
        if let VoxelsView::F32(volume) = voxels
            && let Some(at) = volume.as_slice().iter().position(|v| !v.is_finite())
        {
            let voxel = volume.shape().voxel(at);
            return Err(Error::parameter(
                &format!("voxel ({}, {}, {})", voxel.z, voxel.y, voxel.x),
                volume.as_slice()[at],
                "a finite number",
                "replace what is not finite before the stack is analysed",
            ));
        }
        Ok(Self { voxels, voxel_size })
    }

    /// The stack's own grid. See the example of [`StackView`].
    pub fn grid(self) -> Grid {
        Grid::of_stack(self.voxels.shape(), self.voxel_size)
    }
}

impl<'a> From<&'a Stack> for StackView<'a> {
    fn from(stack: &'a Stack) -> Self {
        Self { voxels: stack.voxels.view(), voxel_size: stack.voxel_size }
    }
}
