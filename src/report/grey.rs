//! From grey levels to pixels: projection, contrast, enlargement.

use image::{GrayImage, ImageBuffer, Luma};

use crate::error::Result;
use crate::volume::{Grid, Source, VoxelsView};

/// Grey levels as a picture.
pub(crate) type Levels = ImageBuffer<Luma<f32>, Vec<f32>>;

/// Grey levels shown black and white, and the curve between.
#[derive(Clone, Copy)]
pub(crate) struct Contrast {
    pub(crate) black: f32,
    pub(crate) white: f32,
    pub(crate) gamma: f32,
}

impl Contrast {
    /// Black and white at two quantiles (0 to 1) of `levels`; what is not finite is left out.
    pub(crate) fn from_quantiles(levels: &[f32], black: f64, white: f64, gamma: f32) -> Self {
        let mut sorted: Vec<f32> = levels.iter().copied().filter(|v| v.is_finite()).collect();
        if sorted.is_empty() {
            return Self { black: 0.0, white: 1.0, gamma };
        }
        let mut quantile = |q: f64| {
            let at = ((sorted.len() - 1) as f64 * q).round() as usize;
            *sorted.select_nth_unstable_by(at, f32::total_cmp).1
        };
        Self { black: quantile(black), white: quantile(white), gamma }
    }

    pub(crate) fn pixel(self, level: f32) -> u8 {
        // Of an image without contrast nothing can be shown but one grey.
        let range = if self.white > self.black { self.white - self.black } else { 1.0 };
        let share = ((level - self.black) / range).clamp(0.0, 1.0);
        if share.is_nan() { 0 } else { (share.powf(self.gamma) * 255.0).round() as u8 }
    }

    pub(crate) fn picture(self, levels: &Levels) -> GrayImage {
        GrayImage::from_fn(levels.width(), levels.height(), |x, y| Luma([self.pixel(levels.get_pixel(x, y).0[0])]))
    }
}

/// Bytes of a stack looked at in one go.
const READ_BYTES: usize = 64 << 20;

/// Brightest voxel of every column along z; voxels that are not finite are left out.
pub(crate) fn maximum_projection<'a>(stack: impl Into<Source<'a>>) -> Result<Levels> {
    let stack = stack.into();
    let shape = stack.shape();
    let mut levels = vec![f32::NEG_INFINITY; shape.y * shape.x];
    for range in stack.ranges(READ_BYTES) {
        match stack.planes(range)?.view() {
            VoxelsView::U8(v) => brighten(&mut levels, v.as_slice()),
            VoxelsView::U16(v) => brighten(&mut levels, v.as_slice()),
            VoxelsView::I16(v) => brighten(&mut levels, v.as_slice()),
            VoxelsView::F32(v) => brighten(&mut levels, v.as_slice()),
        }
    }
    for level in &mut levels {
        if !level.is_finite() {
            *level = 0.0;
        }
    }
    Ok(Levels::from_vec(shape.x as u32, shape.y as u32, levels).expect("one level per column of the stack"))
}

/// Takes in the planes of a part.
fn brighten<T: Copy + Into<f32>>(levels: &mut [f32], planes: &[T]) {
    for plane in planes.chunks(levels.len()) {
        for (level, &value) in levels.iter_mut().zip(plane) {
            let value = value.into();
            *level = if value.is_finite() { level.max(value) } else { *level };
        }
    }
}

/// The plane nearest to a depth.
pub(crate) fn nearest_plane(grid: Grid, z_um: f64) -> usize {
    ((z_um / grid.voxel_size.z_um).round().max(0.0) as usize).min(grid.shape.z - 1)
}

/// A square of one plane, bilinear; outside the stack `None` is shown as not finite.
///
/// `side` pixels of `pixel_um` each, centred on `(centre_y_um, centre_x_um)` of the plane nearest to `z_um`.
pub(crate) fn plane_crop<'a>(
    stack: impl Into<Source<'a>>,
    z_um: f64,
    centre_um: (f64, f64),
    side: u32,
    pixel_um: f64,
) -> Result<Levels> {
    let stack = stack.into();
    let z = nearest_plane(stack.grid(), z_um);
    Ok(crop_of(stack.planes(z..z + 1)?.view(), stack.grid(), centre_um, side, pixel_um))
}

/// [`plane_crop`] of a plane that has been read.
pub(crate) fn crop_of(plane: VoxelsView<'_>, grid: Grid, centre_um: (f64, f64), side: u32, pixel_um: f64) -> Levels {
    let (shape, size) = (grid.shape, grid.voxel_size);
    let along = |centre_um: f64, voxel_um: f64, n: usize| {
        let of = |pixel: u32| {
            let v = (centre_um + (f64::from(pixel) + 0.5 - f64::from(side) / 2.0) * pixel_um) / voxel_um;
            (v >= -0.5 && v <= n as f64 - 0.5).then(|| Between::new(v.clamp(0.0, (n - 1) as f64), n))
        };
        (0..side).map(of).collect()
    };
    let lines = [along(centre_um.0, size.y_um, shape.y), along(centre_um.1, size.x_um, shape.x)];
    match plane {
        VoxelsView::U8(v) => crop_lines(v.as_slice(), shape.x, &lines),
        VoxelsView::U16(v) => crop_lines(v.as_slice(), shape.x, &lines),
        VoxelsView::I16(v) => crop_lines(v.as_slice(), shape.x, &lines),
        VoxelsView::F32(v) => crop_lines(v.as_slice(), shape.x, &lines),
    }
}

/// A place between two voxels of a line: both, and the share of the second.
#[derive(Clone, Copy)]
struct Between(usize, usize, f32);

impl Between {
    /// `v` lies within a line of `n` voxels.
    fn new(v: f64, n: usize) -> Self {
        let first = v as usize;
        Self(first, (first + 1).min(n - 1), (v - first as f64) as f32)
    }
}

/// Bilinear values where lines (y, x) cross; not finite where one is outside.
fn crop_lines<T: Copy + Into<f32>>(plane: &[T], nx: usize, [rows, columns]: &[Vec<Option<Between>>; 2]) -> Levels {
    let mut levels = Vec::with_capacity(rows.len() * columns.len());
    for row in rows {
        let Some(Between(y0, y1, fy)) = *row else {
            levels.extend(std::iter::repeat_n(f32::NAN, columns.len()));
            continue;
        };
        let (upper, lower) = (&plane[y0 * nx..][..nx], &plane[y1 * nx..][..nx]);
        let at = |line: &[T], Between(x0, x1, fx): Between| line[x0].into() * (1.0 - fx) + line[x1].into() * fx;
        levels.extend(columns.iter().map(|column| {
            column.map_or(f32::NAN, |between| at(upper, between) * (1.0 - fy) + at(lower, between) * fy)
        }));
    }
    Levels::from_vec(columns.len() as u32, rows.len() as u32, levels).expect("one level per crossing")
}

#[cfg(test)]
mod tests {
    use crate::report::grey::{Contrast, maximum_projection, plane_crop};
    use crate::units::VoxelSize;
    use crate::volume::{Shape, Stack, Volume, Voxels};

    fn stack(data: Vec<f32>) -> Stack {
        let voxels = Voxels::F32(Volume::new(Shape::new(2, 2, 3).unwrap(), data).unwrap());
        Stack { voxels, voxel_size: VoxelSize::new(1.0, 0.5, 0.5).unwrap() }
    }

    #[test]
    fn projection_takes_the_brightest_finite_plane() {
        let nan = f32::NAN;
        let stack = stack(vec![1.0, 5.0, nan, 4.0, 0.0, nan, 2.0, 3.0, 7.0, 4.0, -1.0, f32::INFINITY]);
        assert_eq!(maximum_projection(&stack).unwrap().as_raw(), &[2.0, 5.0, 7.0, 4.0, 0.0, 0.0]);
    }

    #[test]
    fn crop_is_centred_on_the_place_asked_for() {
        let stack = stack((0..12).map(|v| v as f32).collect());
        // Plane 1 holds 6..12; its voxel (0, 1) lies at y 0, x 0.5 µm. One pixel per voxel, three by three about it.
        let crop = plane_crop(&stack, 0.8, (0.0, 0.5), 3, 0.5).unwrap();
        assert!(crop.as_raw()[..3].iter().all(|v| v.is_nan()), "a row above the stack is shown as nothing");
        assert_eq!(&crop.as_raw()[3..], &[6.0, 7.0, 8.0, 9.0, 10.0, 11.0]);
    }

    #[test]
    fn contrast_maps_quantiles_and_survives_flat_images() {
        let levels: Vec<f32> = (0..=100).map(|v| v as f32).collect();
        let contrast = Contrast::from_quantiles(&levels, 0.1, 0.9, 1.0);
        assert_eq!([5.0, 10.0, 50.0, 90.0, 200.0, f32::NAN].map(|v| contrast.pixel(v)), [0, 0, 128, 255, 255, 0]);
        assert_eq!(Contrast::from_quantiles(&[3.0; 4], 0.1, 0.9, 1.0).pixel(3.0), 0);
        assert_eq!(Contrast::from_quantiles(&[f32::NAN], 0.1, 0.9, 1.0).pixel(1.0), 255);
    }
}
