//! Voxels in the caller's memory, and in gemmule's.

use std::ffi::c_void;

use gemmule::error::Error;
use gemmule::units::{PointUm, VoxelSize};
use gemmule::volume::{Shape, Stack, StackView, Volume, VolumeView, Voxels, VoxelsView};
use ndarray::{ArrayView3, ShapeBuilder as _};

use crate::fault::{Fault, Outcome, gemmule_status};

/// Types of voxels.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum gemmule_voxel_type {
    /// uint8_t
    U8 = 1,
    /// uint16_t
    U16 = 2,
    /// int16_t
    I16 = 3,
    /// float, finite
    F32 = 4,
}

/// Voxels in memory, (z, y, x).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct gemmule_volume {
    /// The first voxel, aligned to its type.
    pub data: *const c_void,
    /// A gemmule_voxel_type.
    pub voxel_type: i32,
    /// Planes, rows, columns.
    pub shape: [usize; 3],
    /// Bytes from a voxel to the next along z, y, x: multiples of the voxel's size above 0, no two voxels in one place. Three zeros mean C order without gaps. With C order
    /// without gaps nothing is copied; any other order is copied once.
    pub strides: [isize; 3],
    /// Edges of a voxel, um.
    pub voxel_um: [f64; 3],
    /// Centre of voxel (0, 0, 0), um. Of what gemmule gives out; of what it is given the origin is 0.
    pub origin_um: [f64; 3],
}

/// A stack to read: borrowed, or copied because its strides are others.
pub(crate) enum Input<'a> {
    Borrowed(StackView<'a>),
    Copied(Stack),
}

impl Input<'_> {
    pub(crate) fn view(&self) -> StackView<'_> {
        match self {
            Self::Borrowed(view) => *view,
            Self::Copied(stack) => stack.view(),
        }
    }
}

fn bad(name: &str, value: impl ToString, allowed: &str, remedy: &str) -> Fault {
    Error::parameter(name, value, allowed, remedy).into()
}

impl gemmule_volume {
    /// The voxels as a stack.
    ///
    /// # Safety
    /// If `data` is not null, the voxels that shape and strides reach from it are there and stay as they are for `'a`.
    pub(crate) unsafe fn stack<'a>(&self) -> Outcome<Input<'a>> {
        let [z, y, x] = self.voxel_um;
        let voxel_size = VoxelSize::new(z, y, x)?;
        // SAFETY: as promised by the caller.
        unsafe {
            match self.voxel_type {
                1 => self.typed(voxel_size, VoxelsView::U8, Voxels::U8),
                2 => self.typed(voxel_size, VoxelsView::U16, Voxels::U16),
                3 => self.typed(voxel_size, VoxelsView::I16, Voxels::I16),
                4 => self.typed(voxel_size, VoxelsView::F32, Voxels::F32),
                other => {
                    let allowed = "1 (uint8_t), 2 (uint16_t), 3 (int16_t) or 4 (float)";
                    Err(bad("voxel_type", other, allowed, "convert the voxels, or name their type"))
                }
            }
        }
    }

    /// # Safety
    /// As [`Self::stack`], for voxels of type `T`.
    unsafe fn typed<'a, T: Clone>(
        &self,
        voxel_size: VoxelSize,
        borrow: fn(VolumeView<'a, T>) -> VoxelsView<'a>,
        own: fn(Volume<T>) -> Voxels,
    ) -> Outcome<Input<'a>> {
        let [z, y, x] = self.shape;
        let shape = Shape::new(z, y, x)?;
        let data = self.data.cast::<T>();
        if data.is_null() {
            return Err(Fault(gemmule_status::NullPointer, "volume.data is null: give the voxels".into()));
        }
        if !data.is_aligned() {
            let allowed = format!("a multiple of {}", align_of::<T>());
            return Err(bad("volume.data", format!("{data:p}"), &allowed, "align the voxels to their type"));
        }
        let strides = self.steps(size_of::<T>() as isize, shape)?;
        if strides == [y * x, x, 1] {
            // SAFETY: shape.len() voxels follow each other from `data`, which is aligned and not null.
            let voxels = unsafe { std::slice::from_raw_parts(data, shape.len()) };
            return Ok(Input::Borrowed(StackView::new(borrow(VolumeView::new(shape, voxels)?), voxel_size)?));
        }
        let order = (z, y, x).strides((strides[0], strides[1], strides[2]));
        // SAFETY: the strides are positive and reach no further than isize::MAX bytes; the caller promises the voxels there.
        let view = unsafe { ArrayView3::from_shape_ptr(order, data) };
        let stack = Stack { voxels: own(Volume::from_view(view)?), voxel_size };
        StackView::new(stack.voxels.view(), voxel_size)?;
        Ok(Input::Copied(stack))
    }

    /// Voxels from one to the next along each axis.
    fn steps(&self, size: isize, shape: Shape) -> Outcome<[usize; 3]> {
        if self.strides == [0; 3] {
            return Ok([shape.y * shape.x, shape.x, 1]);
        }
        let allowed =
            format!("multiples of {size} above 0 that keep voxels apart, or 0, 0, 0 for C order without gaps");
        let remedy = "give bytes from a voxel to the next along z, y, x; turn the volume round if it runs backwards";
        let wrong = || bad("volume.strides", format!("{:?}", self.strides), &allowed, remedy);
        // From the first voxel to the end of the last.
        let mut reach = size;
        for (&stride, n) in self.strides.iter().zip(self.shape) {
            if stride <= 0 || stride % size != 0 {
                return Err(wrong());
            }
            let along = isize::try_from(n - 1).ok().and_then(|n| n.checked_mul(stride));
            reach = along.and_then(|a| reach.checked_add(a)).ok_or_else(wrong)?;
        }
        // Else a few bytes could stand for more voxels than there is memory to copy them to.
        if ((reach / size) as usize) < shape.len() {
            return Err(wrong());
        }
        Ok(self.strides.map(|s| (s / size) as usize))
    }

    /// What gemmule gives out of its own memory.
    pub(crate) fn given<T>(voxels: &[T], kind: gemmule_voxel_type, shape: Shape, size: VoxelSize, at: PointUm) -> Self {
        let bytes = size_of::<T>() as isize;
        Self {
            data: voxels.as_ptr().cast(),
            voxel_type: kind as i32,
            shape: [shape.z, shape.y, shape.x],
            strides: [bytes * (shape.y * shape.x) as isize, bytes * shape.x as isize, bytes],
            voxel_um: [size.z_um, size.y_um, size.x_um],
            origin_um: [at.z, at.y, at.x],
        }
    }

    /// A stack of gemmule's.
    pub(crate) fn of_stack(stack: &Stack) -> Self {
        let (shape, size, at) = (stack.voxels.shape(), stack.voxel_size, PointUm::default());
        match &stack.voxels {
            Voxels::U8(v) => Self::given(v.as_slice(), gemmule_voxel_type::U8, shape, size, at),
            Voxels::U16(v) => Self::given(v.as_slice(), gemmule_voxel_type::U16, shape, size, at),
            Voxels::I16(v) => Self::given(v.as_slice(), gemmule_voxel_type::I16, shape, size, at),
            Voxels::F32(v) => Self::given(v.as_slice(), gemmule_voxel_type::F32, shape, size, at),
        }
    }
}
