//! What filters read: a stack in memory, or one that lies on the engine's device already.

use crate::kernel::convert::{DeviceStack, Raw};
use crate::units::VoxelSize;
use crate::volume::{Grid, Shape, Source, Stack, StackView};

/// A stack, wherever its voxels lie; made from a [`Stack`], a [`StackView`], a [`Source`] or a [`DeviceStack`] by `into()`.
///
/// ```
/// use gemmule::engine::{Backend, Engine};
/// use gemmule::filter::Input;
/// use gemmule::filter::smooth::{SigmaUm, smooth};
/// use gemmule::progress::Silent;
/// use gemmule::units::VoxelSize;
/// use gemmule::volume::{Shape, Source, Stack, Volume, Voxels};
/// let voxels = Voxels::U8(Volume::new(Shape::new(3, 4, 5)?, (0..60).collect())?);
/// let stack = Stack { voxels, voxel_size: VoxelSize::new(1.0, 0.1, 0.1)? };
/// let (engine, sigma) = (Engine::new(Backend::Cpu)?, SigmaUm { z_um: 0.5, y_um: 0.15, x_um: 0.15 });
/// let smoothed = |input: Input<'_>| smooth(&engine, input, sigma, &mut Silent);
/// let (owned, borrowed, source) = ((&stack).into(), stack.view().into(), Source::from(&stack).into());
/// let found = smoothed(owned)?;
/// assert!(found == smoothed(borrowed)? && found == smoothed(source)?);
/// # Ok::<(), gemmule::error::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    pub(crate) raw: Raw<'a>,
    pub(crate) voxel_size: VoxelSize,
}

impl Input<'_> {
    pub(crate) fn shape(self) -> Shape {
        self.raw.shape()
    }

    pub(crate) fn grid(self) -> Grid {
        Grid::of_stack(self.shape(), self.voxel_size)
    }
}

impl<'a> From<StackView<'a>> for Input<'a> {
    fn from(stack: StackView<'a>) -> Self {
        Self { raw: stack.voxels.into(), voxel_size: stack.voxel_size }
    }
}

impl<'a> From<Source<'a>> for Input<'a> {
    fn from(source: Source<'a>) -> Self {
        Self { raw: source.into(), voxel_size: source.voxel_size() }
    }
}

impl<'a> From<&'a Stack> for Input<'a> {
    fn from(stack: &'a Stack) -> Self {
        stack.view().into()
    }
}

impl<'a> From<&'a DeviceStack> for Input<'a> {
    fn from(stack: &'a DeviceStack) -> Self {
        Self { raw: stack.into(), voxel_size: stack.voxel_size }
    }
}
