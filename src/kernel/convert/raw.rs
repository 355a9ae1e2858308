//! Where the raw voxels of a stack lie: in memory, or on the device already.

use crate::engine::{Buffer, Engine};
use crate::error::{Error, Result};
use crate::units::VoxelSize;
use crate::volume::{Shape, Source, StackParts, StackView, Voxels, VoxelsView};

/// Types of raw voxels.
///
/// ```
/// use gemmule::kernel::convert::VoxelKind;
/// assert_eq!([VoxelKind::U8, VoxelKind::U16, VoxelKind::F32].map(VoxelKind::bytes), [1, 2, 4]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VoxelKind {
    /// Unsigned 8 bit.
    U8,
    /// Unsigned 16 bit.
    U16,
    /// Signed 16 bit.
    I16,
    /// 32-bit float.
    F32,
}

impl VoxelKind {
    pub(crate) fn of(voxels: VoxelsView<'_>) -> Self {
        match voxels {
            VoxelsView::U8(_) => Self::U8,
            VoxelsView::U16(_) => Self::U16,
            VoxelsView::I16(_) => Self::I16,
            VoxelsView::F32(_) => Self::F32,
        }
    }

    /// Bytes of a voxel. See the example of [`VoxelKind`].
    pub fn bytes(self) -> usize {
        match self {
            Self::U8 => 1,
            Self::U16 | Self::I16 => 2,
            Self::F32 => 4,
        }
    }

    /// As the shader knows it.
    pub(crate) fn code(self) -> u32 {
        match self {
            Self::U8 => 1,
            Self::U16 => 2,
            Self::I16 => 3,
            Self::F32 => 4,
        }
    }
}

/// A stack whose voxels lie in a buffer of the engine's device: (z, y, x), x fastest, without gaps, little-endian.
///
/// It is read where it lies. `examples/own_device.rs` shows the whole way from a host's own wgpu device to a map that stays on it.
///
/// ```
/// use gemmule::engine::{Backend, Engine};
/// use gemmule::kernel::convert::{DeviceStack, Raw, VoxelKind};
/// use gemmule::units::VoxelSize;
/// use gemmule::volume::{Shape, Stack, Volume, Voxels};
/// let voxels = Voxels::F32(Volume::filled(Shape::new(2, 4, 4)?, 1.0));
/// let stack = Stack { voxels, voxel_size: VoxelSize::new(1.0, 0.1, 0.1)? };
/// assert!(DeviceStack::upload(&Engine::new(Backend::Cpu)?, &stack).is_err()); // there is no device
/// let Some(adapter) = Engine::adapters().into_iter().next() else {
///     return Ok(()); // a machine without any GPU or driver
/// };
/// let engine = Engine::new(Backend::Gpu { adapter: Some(adapter.name) })?;
/// let there = DeviceStack::upload(&engine, &stack)?;
/// assert_eq!(Raw::from(&there).shape(), there.shape());
/// let again = DeviceStack::new(there.into_buffer(), VoxelKind::F32, Shape::new(1, 4, 8)?, stack.voxel_size)?;
/// assert_eq!(again.shape().to_string(), "1 x 4 x 8");
/// # Ok::<(), gemmule::error::Error>(())
/// ```
#[derive(Debug)]
pub struct DeviceStack {
    pub(crate) buffer: Buffer,
    pub(crate) kind: VoxelKind,
    pub(crate) shape: Shape,
    pub(crate) voxel_size: VoxelSize,
}

impl DeviceStack {
    /// A stack in a buffer that [`Engine::adopt`] took over or [`Engine::upload`] made. See the example of [`DeviceStack`].
    ///
    /// # Errors
    /// [`Error::Parameter`] if the buffer is smaller than the stack or not on a device, or the stack has 2³² voxels or more.
    pub fn new(buffer: Buffer, kind: VoxelKind, shape: Shape, voxel_size: VoxelSize) -> Result<Self> {
        let (needed, there) = (shape.len().saturating_mul(kind.bytes()), buffer.len() * 4);
        if there < needed {
            return Err(Error::parameter(
                "buffer of the stack",
                format!("{there} bytes"),
                &format!("at least {needed} for {shape} voxels of type {kind:?}"),
                "give the shape and type of what is in the buffer",
            ));
        }
        if matches!(buffer, Buffer::Cpu(_)) || u32::try_from(shape.len()).is_err() {
            return Err(Error::parameter(
                "buffer of the stack",
                format!(
                    "{shape} voxels, {}",
                    if matches!(buffer, Buffer::Cpu(_)) { "in memory" } else { "on a device" }
                ),
                "fewer than 4294967296 voxels on the engine's device",
                "give a StackView to the functions that take one",
            ));
        }
        Ok(Self { buffer, kind, shape, voxel_size })
    }

    /// A stack copied to the engine's device. See the example of [`DeviceStack`].
    ///
    /// # Errors
    /// [`Error::Memory`] or [`Error::Gpu`] if it does not fit one buffer, [`Error::Gpu`] for an engine on the CPU.
    pub fn upload<'a>(engine: &Engine, stack: impl Into<StackView<'a>>) -> Result<Self> {
        let stack = stack.into();
        let buffer = engine.upload_bytes(stack.voxels.bytes())?;
        Self::new(buffer, VoxelKind::of(stack.voxels), stack.voxels.shape(), stack.voxel_size)
    }

    /// Number of voxels along each axis. See the example of [`DeviceStack`].
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// The buffer, to be used again. See the example of [`DeviceStack`].
    pub fn into_buffer(self) -> Buffer {
        self.buffer
    }
}

/// Raw voxels, wherever they lie.
///
/// ```
/// use gemmule::kernel::convert::Raw;
/// use gemmule::volume::{Shape, Volume, Voxels};
/// let voxels = Voxels::U8(Volume::filled(Shape::new(2, 3, 4)?, 7));
/// assert_eq!(Raw::from(&voxels).shape().len(), 24);
/// # Ok::<(), gemmule::error::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub enum Raw<'a> {
    /// In memory.
    Memory(VoxelsView<'a>),
    /// On the engine's device.
    Device(&'a DeviceStack),
    /// Read in parts.
    Parts(&'a dyn StackParts),
}

impl Raw<'_> {
    /// Number of voxels along each axis. See the example of [`Raw`].
    pub fn shape(self) -> Shape {
        match self {
            Self::Memory(voxels) => voxels.shape(),
            Self::Device(stack) => stack.shape,
            Self::Parts(parts) => parts.shape(),
        }
    }
}

impl<'a> From<VoxelsView<'a>> for Raw<'a> {
    fn from(voxels: VoxelsView<'a>) -> Self {
        Self::Memory(voxels)
    }
}

impl<'a> From<&'a Voxels> for Raw<'a> {
    fn from(voxels: &'a Voxels) -> Self {
        Self::Memory(voxels.view())
    }
}

impl<'a> From<Source<'a>> for Raw<'a> {
    fn from(source: Source<'a>) -> Self {
        match source {
            Source::View(stack) => Self::Memory(stack.voxels),
            Source::Parts(parts) => Self::Parts(parts),
        }
    }
}

impl<'a> From<&'a DeviceStack> for Raw<'a> {
    fn from(stack: &'a DeviceStack) -> Self {
        Self::Device(stack)
    }
}
