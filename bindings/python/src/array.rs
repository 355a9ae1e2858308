//! numpy arrays as stacks, and volumes as numpy arrays.

use gemmule::error::Error;
use gemmule::units::VoxelSize;
use gemmule::volume::{Stack, StackView, Volume, VolumeView, Voxels, VoxelsView};
use ndarray::Array3;
use numpy::{Element, IntoPyArray as _, PyArray3, PyReadonlyArray3, PyUntypedArray, PyUntypedArrayMethods as _};
use pyo3::prelude::*;

use crate::fault::{OrRaise as _, raised};

/// An array that is borrowed as long as this lives: rust-numpy refuses to lend it to anyone who would write.
pub(crate) enum Borrowed<'py> {
    U8(PyReadonlyArray3<'py, u8>),
    U16(PyReadonlyArray3<'py, u16>),
    I16(PyReadonlyArray3<'py, i16>),
    F32(PyReadonlyArray3<'py, f32>),
}

/// Voxels to read: where they lie, or in C order if they were not.
pub(crate) enum Lent<'a> {
    View(StackView<'a>),
    Copy(Stack),
}

impl Lent<'_> {
    pub(crate) fn view(&self) -> StackView<'_> {
        match self {
            Self::View(view) => *view,
            Self::Copy(stack) => stack.view(),
        }
    }
}

impl<'py> Borrowed<'py> {
    /// Takes an array of three axes of a type that stacks have.
    pub(crate) fn new(array: &Bound<'py, PyAny>) -> PyResult<Self> {
        let py = array.py();
        let refused =
            |value: String, allowed: &str, remedy: &str| raised(py, &Error::parameter("stack", value, allowed, remedy));
        let Ok(untyped) = array.cast::<PyUntypedArray>() else {
            let kind = array.get_type().name().map_or_else(|_| "something else".into(), |n| n.to_string());
            return Err(refused(format!("of type {kind}"), "a numpy array", "convert it with numpy.asarray"));
        };
        if untyped.ndim() != 3 {
            let remedy = "choose one channel and time point; give a single plane as array[None]";
            return Err(refused(format!("of shape {:?}", untyped.shape()), "three axes (z, y, x)", remedy));
        }
        if let Ok(a) = array.extract() {
            return Ok(Self::U8(a));
        }
        if let Ok(a) = array.extract() {
            return Ok(Self::U16(a));
        }
        if let Ok(a) = array.extract() {
            return Ok(Self::I16(a));
        }
        if let Ok(a) = array.extract() {
            return Ok(Self::F32(a));
        }
        let allowed = "uint8, uint16, int16 or float32 in the machine's byte order";
        Err(refused(
            format!("of dtype {}", untyped.dtype()),
            allowed,
            "convert it with astype, and say what a grey level is then",
        ))
    }

    /// The voxels as a stack.
    pub(crate) fn lend(&self, py: Python<'_>, voxel_um: [f64; 3]) -> PyResult<Lent<'_>> {
        let [z, y, x] = voxel_um;
        let size = VoxelSize::new(z, y, x).or_raise(py)?;
        match self {
            Self::U8(a) => lend(a, size, VoxelsView::U8, Voxels::U8),
            Self::U16(a) => lend(a, size, VoxelsView::U16, Voxels::U16),
            Self::I16(a) => lend(a, size, VoxelsView::I16, Voxels::I16),
            Self::F32(a) => lend(a, size, VoxelsView::F32, Voxels::F32),
        }
        .or_raise(py)
    }
}

fn lend<'a, T: Element + Clone>(
    array: &'a PyReadonlyArray3<'_, T>,
    voxel_size: VoxelSize,
    borrow: fn(VolumeView<'a, T>) -> VoxelsView<'a>,
    own: fn(Volume<T>) -> Voxels,
) -> gemmule::error::Result<Lent<'a>> {
    let view = array.as_array();
    // Misaligned arrays are never in standard order for ndarray's checks alone; numpy says so itself.
    if view.is_standard_layout() && view.as_ptr().is_aligned() {
        return Ok(Lent::View(StackView::new(borrow(VolumeView::try_from(view)?), voxel_size)?));
    }
    let stack = Stack { voxels: own(Volume::from_view(view)?), voxel_size };
    StackView::new(stack.voxels.view(), voxel_size)?;
    Ok(Lent::Copy(stack))
}

/// A volume as an array of numpy's, its memory moved.
pub(crate) fn given<T: Element>(py: Python<'_>, volume: Volume<T>) -> Bound<'_, PyArray3<T>> {
    let shape = volume.shape();
    let array = Array3::from_shape_vec((shape.z, shape.y, shape.x), volume.into_vec());
    array.expect("a volume holds as many voxels as its shape says").into_pyarray(py)
}

/// The voxels of a stack as an array of numpy's, moved, and their edges.
pub(crate) fn given_stack(py: Python<'_>, stack: Stack) -> (Bound<'_, PyAny>, [f64; 3]) {
    let size = stack.voxel_size;
    let array = match stack.voxels {
        Voxels::U8(v) => given(py, v).into_any(),
        Voxels::U16(v) => given(py, v).into_any(),
        Voxels::I16(v) => given(py, v).into_any(),
        Voxels::F32(v) => given(py, v).into_any(),
    };
    (array, [size.z_um, size.y_um, size.x_um])
}
