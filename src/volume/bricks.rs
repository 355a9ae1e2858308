//! A volume of which only some places are held.

use crate::volume::{Shape, Volume};

/// Edge of a brick in the plane, voxels; it is one plane high, because planes lie far apart.
const EDGE: usize = 32;
/// Voxels of a brick.
const BRICK: usize = EDGE * EDGE;
/// No brick.
const ABSENT: u32 = u32::MAX;

/// A volume whose voxels are held in bricks of 1 x 32 x 32, and only where they are asked for: what lies near dendrites is a small part of a stack.
///
/// ```
/// use gemmule::volume::{Bricks, Shape};
/// let mut bricks = Bricks::<f32>::new(Shape::new(5, 100, 200)?);
/// bricks.hold([2..3, 10..20, 0..8]);
/// bricks.fill_plane(2, &vec![7.0; 100 * 200]);
/// assert_eq!(bricks.get(2, 15, 5), Some(7.0));
/// assert_eq!(bricks.get(3, 15, 5), None); // not held
/// # Ok::<(), gemmule::error::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Bricks<T> {
    shape: Shape,
    rows: usize,
    columns: usize,
    /// Place in `data` of each brick of the volume, counted in bricks.
    table: Vec<u32>,
    data: Vec<T>,
}

impl<T: Copy + Default> Bricks<T> {
    /// A volume of which nothing is held yet. See the example of [`Bricks`].
    pub fn new(shape: Shape) -> Self {
        let (rows, columns) = (shape.y.div_ceil(EDGE), shape.x.div_ceil(EDGE));
        Self { shape, rows, columns, table: vec![ABSENT; shape.z * rows * columns], data: Vec::new() }
    }

    /// The shape of the whole volume. See the example of [`Bricks::set`].
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// Bytes of what is held, and of the table of bricks. See the example of [`Bricks::set`].
    pub fn held_bytes(&self) -> usize {
        size_of_val(self.data.as_slice()) + size_of_val(self.table.as_slice())
    }

    /// Holds every brick that a box of voxels (z, y, x) touches, within the volume; new ones are zero. See the example of [`Bricks`].
    pub fn hold(&mut self, [z, y, x]: [std::ops::Range<usize>; 3]) {
        let (y, x) = (y.start..y.end.min(self.shape.y), x.start..x.end.min(self.shape.x));
        if y.is_empty() || x.is_empty() {
            return;
        }
        for z in z.start..z.end.min(self.shape.z) {
            for row in y.start / EDGE..=(y.end - 1) / EDGE {
                for column in x.start / EDGE..=(x.end - 1) / EDGE {
                    self.hold_brick((z * self.rows + row) * self.columns + column);
                }
            }
        }
    }

    fn hold_brick(&mut self, brick: usize) -> usize {
        if self.table[brick] == ABSENT {
            self.table[brick] = (self.data.len() / BRICK) as u32;
            self.data.resize(self.data.len() + BRICK, T::default());
        }
        self.table[brick] as usize * BRICK
    }

    /// Where a voxel lies in `data`, if it is held.
    #[inline]
    fn at(&self, z: usize, y: usize, x: usize) -> Option<usize> {
        let brick = self.table[(z * self.rows + y / EDGE) * self.columns + x / EDGE];
        (brick != ABSENT).then(|| brick as usize * BRICK + y % EDGE * EDGE + x % EDGE)
    }

    /// A voxel, if it is held. See the example of [`Bricks`].
    ///
    /// # Panics
    /// If the voxel is outside the volume, as slices do.
    #[inline]
    pub fn get(&self, z: usize, y: usize, x: usize) -> Option<T> {
        self.at(z, y, x).map(|at| self.data[at])
    }

    /// Sets a voxel, and holds its brick.
    ///
    /// ```
    /// use gemmule::volume::{Bricks, Shape};
    /// let mut labels = Bricks::<u16>::new(Shape::new(5, 100, 200)?);
    /// let (bytes, held) = (labels.held_bytes(), labels.holds_plane(2));
    /// labels.set(2, 15, 5, 7);
    /// assert!(!held && labels.holds_plane(2));
    /// assert_eq!(labels.held_bytes() - bytes, 2 * 32 * 32); // one brick
    /// assert_eq!((labels.plane(2).len(), labels.plane(2)[15 * 200 + 5]), (20_000, 7));
    /// labels.fill_plane_with(2, |i| i as u16);
    /// assert_eq!((*labels.to_volume().at(2, 1, 3), *labels.to_volume().at(2, 1, 100)), (203, 0)); // 0 where nothing is held
    /// assert_eq!(labels.shape().z, 5);
    /// # Ok::<(), gemmule::error::Error>(())
    /// ```
    ///
    /// # Panics
    /// If the voxel is outside the volume, as slices do.
    pub fn set(&mut self, z: usize, y: usize, x: usize, value: T) {
        let brick = self.hold_brick((z * self.rows + y / EDGE) * self.columns + x / EDGE);
        self.data[brick + y % EDGE * EDGE + x % EDGE] = value;
    }

    /// Whether anything of a plane is held. See the example of [`Bricks::set`].
    pub fn holds_plane(&self, z: usize) -> bool {
        let bricks = self.rows * self.columns;
        self.table[z * bricks..(z + 1) * bricks].iter().any(|&brick| brick != ABSENT)
    }

    /// Copies what is held of a plane from all of its voxels. See the example of [`Bricks`].
    ///
    /// # Panics
    /// If `plane` is shorter than a plane.
    pub fn fill_plane(&mut self, z: usize, plane: &[T]) {
        self.fill_plane_with(z, |i| plane[i]);
    }

    /// Sets what is held of a plane from the position of each voxel in the plane. See the example of [`Bricks::set`].
    pub fn fill_plane_with(&mut self, z: usize, value: impl Fn(usize) -> T) {
        let Shape { y: ny, x: nx, .. } = self.shape;
        for row in 0..self.rows {
            for column in 0..self.columns {
                let brick = self.table[(z * self.rows + row) * self.columns + column];
                if brick == ABSENT {
                    continue;
                }
                for y in row * EDGE..((row + 1) * EDGE).min(ny) {
                    for x in column * EDGE..((column + 1) * EDGE).min(nx) {
                        self.data[brick as usize * BRICK + y % EDGE * EDGE + x % EDGE] = value(y * nx + x);
                    }
                }
            }
        }
    }

    /// All voxels of a plane; the default where they are not held. See the example of [`Bricks::set`].
    pub fn plane(&self, z: usize) -> Vec<T> {
        let mut plane = vec![T::default(); self.shape.y * self.shape.x];
        self.copy_plane(z, &mut plane);
        plane
    }

    /// Copies what is held of a plane, and leaves the rest of it alone.
    fn copy_plane(&self, z: usize, plane: &mut [T]) {
        let Shape { y: ny, x: nx, .. } = self.shape;
        for row in 0..self.rows {
            for column in 0..self.columns {
                let brick = self.table[(z * self.rows + row) * self.columns + column];
                if brick == ABSENT {
                    continue;
                }
                let (from, to) = (column * EDGE, ((column + 1) * EDGE).min(nx));
                for y in row * EDGE..((row + 1) * EDGE).min(ny) {
                    let at = brick as usize * BRICK + y % EDGE * EDGE;
                    plane[y * nx + from..y * nx + to].copy_from_slice(&self.data[at..at + to - from]);
                }
            }
        }
    }

    /// The whole volume; the default where nothing is held. See the example of [`Bricks::set`].
    pub fn to_volume(&self) -> Volume<T> {
        let mut volume = Volume::filled(self.shape, T::default());
        // Memory of zeros is not touched where nothing is held.
        let planes = volume.as_mut_slice().chunks_mut(self.shape.y * self.shape.x);
        planes.enumerate().for_each(|(z, plane)| self.copy_plane(z, plane));
        volume
    }
}

impl<T: Copy + Default> From<&Volume<T>> for Bricks<T> {
    /// All of a volume.
    fn from(volume: &Volume<T>) -> Self {
        let shape = volume.shape();
        let mut bricks = Self::new(shape);
        bricks.hold([0..shape.z, 0..shape.y, 0..shape.x]);
        (0..shape.z).for_each(|z| bricks.fill_plane(z, volume.plane(z)));
        bricks
    }
}

/// Voxels that can be mixed.
///
/// ```
/// use gemmule::volume::Mix;
/// assert_eq!(f32::mix(1.0, 3.0, 0.25), 1.5);
/// assert_eq!(<[f32; 2]>::mix([0.0, 10.0], [4.0, 10.0], 0.5), [2.0, 10.0]); // each by itself
/// ```
pub trait Mix: Copy + Default {
    /// a + (b - a) * share. See the example of [`Mix`].
    fn mix(a: Self, b: Self, share: f32) -> Self;
}

impl Mix for f32 {
    #[inline]
    fn mix(a: Self, b: Self, share: f32) -> Self {
        a + (b - a) * share
    }
}

impl<const N: usize> Mix for [f32; N]
where
    Self: Default,
{
    #[inline]
    fn mix(a: Self, b: Self, share: f32) -> Self {
        std::array::from_fn(|i| a[i] + (b[i] - a[i]) * share)
    }
}

impl<T: Mix> Bricks<T> {
    /// Trilinear interpolation at fractional voxel coordinates, clamped to the volume as [`Volume::sample`] is; `None` where a corner is not held.
    ///
    /// ```
    /// use gemmule::volume::{Bricks, Shape, Volume};
    /// let shape = Shape::new(2, 3, 4)?;
    /// let volume = Volume::new(shape, (0..24u8).map(f32::from).collect())?;
    /// assert_eq!(Bricks::from(&volume).sample(0.5, 1.0, 1.5), Some(volume.sample(0.5, 1.0, 1.5)));
    /// assert_eq!(Bricks::from(&volume).sample_plane(1, 1.0, 1.5), Some(volume.sample(1.0, 1.0, 1.5)));
    /// assert_eq!(Bricks::<f32>::new(shape).sample(0.5, 1.0, 1.5), None); // nothing is held
    /// # Ok::<(), gemmule::error::Error>(())
    /// ```
    #[inline]
    pub fn sample(&self, z: f64, y: f64, x: f64) -> Option<T> {
        let [(z0, z1, fz), (y0, y1, fy), (x0, x1, fx)] = self.shape.corners(z, y, x);
        let row = |z: usize, y: usize| Some(T::mix(self.get(z, y, x0)?, self.get(z, y, x1)?, fx));
        let plane = |z: usize| Some(T::mix(row(z, y0)?, row(z, y1)?, fy));
        Some(T::mix(plane(z0)?, plane(z1)?, fz))
    }

    /// The same within one plane: bilinear. See the example of [`Bricks::sample`].
    #[inline]
    pub fn sample_plane(&self, z: usize, y: f64, x: f64) -> Option<T> {
        let [_, (y0, y1, fy), (x0, x1, fx)] = self.shape.corners(z as f64, y, x);
        let row = |y: usize| Some(T::mix(self.get(z, y, x0)?, self.get(z, y, x1)?, fx));
        Some(T::mix(row(y0)?, row(y1)?, fy))
    }
}

#[cfg(test)]
mod tests {
    use crate::volume::{Bricks, Shape, Volume};

    #[test]
    fn what_is_held_equals_the_volume_and_nothing_else_is_held() {
        let shape = Shape::new(4, 70, 65).unwrap();
        let volume = Volume::new(shape, (0..shape.len()).map(|i| i as f32).collect()).unwrap();
        let mut bricks = Bricks::new(shape);
        bricks.hold([1..3, 40..41, 60..90]);
        assert!(!bricks.holds_plane(0) && bricks.holds_plane(1));
        for z in 0..shape.z {
            bricks.fill_plane(z, volume.plane(z));
        }
        let mut held = 0;
        for (i, &expected) in volume.as_slice().iter().enumerate() {
            let v = shape.voxel(i);
            let there = (1..3).contains(&v.z) && (32..64).contains(&v.y) && v.x >= 32;
            assert_eq!(bricks.get(v.z, v.y, v.x), there.then_some(expected), "{v:?}");
            held += usize::from(there);
        }
        assert_eq!(bricks.to_volume().as_slice().iter().filter(|v| **v != 0.0).count(), held);
    }

    #[test]
    fn samples_equal_those_of_the_volume_to_the_bit() {
        for (z, y, x) in [(1, 1, 1), (3, 40, 33), (2, 32, 64)] {
            let shape = Shape::new(z, y, x).unwrap();
            let volume = Volume::new(shape, (0..shape.len()).map(|i| ((i * 37) % 101) as f32).collect()).unwrap();
            let bricks = Bricks::from(&volume);
            for k in 0..500 {
                let at = |n: usize, step: f64| (f64::from(k) * step) % (n as f64 + 2.0) - 1.0;
                let (z, y, x) = (at(z, 0.37), at(y, 1.91), at(x, 2.33));
                assert_eq!(bricks.sample(z, y, x), Some(volume.sample(z, y, x)), "{z} {y} {x}");
            }
        }
    }
}
