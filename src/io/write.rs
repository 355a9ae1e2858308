//! Stacks and label images to TIFF files.

use std::borrow::Cow;
use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use ::tiff::encoder::colortype::{ColorType, Gray8, Gray16, Gray32Float, GrayI16};
use ::tiff::encoder::{
    Compression, DeflateLevel, Rational, TiffEncoder, TiffKind, TiffKindBig, TiffKindStandard, TiffValue,
};
use ::tiff::tags::Tag;

use crate::error::{Error, Result};
use crate::io::zarr;
use crate::units::VoxelSize;
use crate::volume::{Bricks, Shape, Stack, Voxels};

/// Above this many bytes of voxels a file is a BigTIFF: 32-bit offsets end at 4 GiB, and noise does not shrink.
const BIG_FROM_BYTES: usize = 4_000_000_000;

/// Writes a stack as an ImageJ hyperstack (Deflate; BigTIFF above 4 GB), which [`crate::io::read_stack`] reads back.
///
/// The voxel size comes back exactly if its x and y edges are fractions of whole numbers below 2³², such as any decimal
/// with up to nine digits in all; otherwise to within 10⁻⁹ of its value.
///
/// ```
/// use gemmule::io::{ReadOptions, read_stack, write_stack};
/// use gemmule::units::VoxelSize;
/// use gemmule::volume::{Shape, Stack, Volume, Voxels};
/// let voxels = Voxels::U16(Volume::new(Shape::new(2, 3, 4)?, (0..24).collect())?);
/// let stack = Stack { voxels, voxel_size: VoxelSize::new(1.0, 0.12, 0.12)? };
/// let dir = tempfile::tempdir().unwrap();
/// write_stack(dir.path().join("day0.tif"), &stack)?;
/// assert_eq!(read_stack(dir.path().join("day0.tif"), &ReadOptions::default())?, stack);
/// # Ok::<(), gemmule::error::Error>(())
/// ```
///
/// # Errors
/// [`Error::File`] if the file cannot be written.
pub fn write_stack(path: impl AsRef<Path>, stack: &Stack) -> Result<()> {
    let (path, shape, size) = (path.as_ref(), stack.voxels.shape(), stack.voxel_size);
    let description = format!(
        "ImageJ=1.54f\nimages={z}\nslices={z}\nhyperstack=true\nmode=grayscale\nunit=micron\nspacing={}\nloop=false\n",
        size.z_um,
        z = shape.z
    );
    match &stack.voxels {
        Voxels::U8(v) => pages::<Gray8>(path, shape, |z| v.plane(z).into(), size, &description),
        Voxels::U16(v) => pages::<Gray16>(path, shape, |z| v.plane(z).into(), size, &description),
        Voxels::I16(v) => pages::<GrayI16>(path, shape, |z| v.plane(z).into(), size, &description),
        Voxels::F32(v) => pages::<Gray32Float>(path, shape, |z| v.plane(z).into(), size, &description),
    }
}

/// Writes a label image (0: background) as OME-TIFF (Deflate; BigTIFF above 4 GB).
///
/// ```
/// use gemmule::io::{info, write_labels};
/// use gemmule::units::VoxelSize;
/// use gemmule::volume::{Bricks, Shape};
/// let mut labels = Bricks::new(Shape::new(2, 3, 4)?);
/// labels.set(0, 1, 1, 1); // a voxel of spine 1
/// let dir = tempfile::tempdir().unwrap();
/// write_labels(dir.path().join("labels.tif"), &labels, VoxelSize::new(1.0, 0.12, 0.12)?)?;
/// let written = info(dir.path().join("labels.tif"))?;
/// assert_eq!((written.format.as_str(), written.shape), ("OME-TIFF", [2, 3, 4]));
/// # Ok::<(), gemmule::error::Error>(())
/// ```
///
/// # Errors
/// [`Error::File`] if the file cannot be written.
pub fn write_labels(path: impl AsRef<Path>, labels: &Bricks<u16>, voxel_size: VoxelSize) -> Result<()> {
    let shape = labels.shape();
    let Shape { z, y, x } = shape;
    let VoxelSize { z_um, y_um, x_um } = voxel_size;
    // The description of a TIFF file is ASCII: µ as a character reference.
    let description = format!(
        r#"<?xml version="1.0" encoding="UTF-8"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="http://www.openmicroscopy.org/Schemas/OME/2016-06 http://www.openmicroscopy.org/Schemas/OME/2016-06/ome.xsd" Creator="gemmule {version}"><Image ID="Image:0" Name="labels"><Pixels ID="Pixels:0" DimensionOrder="XYZCT" Type="uint16" SizeX="{x}" SizeY="{y}" SizeZ="{z}" SizeC="1" SizeT="1" PhysicalSizeX="{x_um}" PhysicalSizeXUnit="&#181;m" PhysicalSizeY="{y_um}" PhysicalSizeYUnit="&#181;m" PhysicalSizeZ="{z_um}" PhysicalSizeZUnit="&#181;m"><Channel ID="Channel:0:0" SamplesPerPixel="1"/><TiffData/></Pixels></Image></OME>"#,
        version = env!("CARGO_PKG_VERSION")
    );
    pages::<Gray16>(path.as_ref(), shape, |z| labels.plane(z).into(), voxel_size, &description)
}

/// Writes a label image (0: background) as `labels/NAME` into the folder of the OME-Zarr image it belongs to, in the image's version of OME-Zarr, and returns
/// where it is. It has as many levels as the image, each voxel the label nearest to its centre. It appears whole or not at all.
///
/// ```
/// use gemmule::io::{check_labels_zarr, write_labels_zarr};
/// use gemmule::volume::{Bricks, Shape};
/// # let dir = tempfile::tempdir().unwrap();
/// # let image = dir.path().join("day0.zarr");
/// # std::fs::create_dir_all(image.join("0")).unwrap();
/// # std::fs::write(image.join(".zgroup"), r#"{"zarr_format":2}"#).unwrap();
/// # std::fs::write(image.join(".zattrs"), r#"{"multiscales":[{"version":"0.4","axes":[{"name":"z","type":"space","unit":"micrometer"},{"name":"y","type":"space","unit":"micrometer"},{"name":"x","type":"space","unit":"micrometer"}],"datasets":[{"path":"0","coordinateTransformations":[{"type":"scale","scale":[1.0,0.1,0.1]}]}]}]}"#).unwrap();
/// # std::fs::write(image.join("0/.zarray"), r#"{"zarr_format":2,"shape":[2,3,4],"chunks":[2,3,4],"dtype":"<u2","compressor":null,"fill_value":0,"order":"C","filters":null,"dimension_separator":"/"}"#).unwrap();
/// // `image` is an OME-Zarr of 2 x 3 x 4 voxels.
/// check_labels_zarr(&image, "spines", false)?;
/// let written = write_labels_zarr(&image, "spines", &Bricks::new(Shape::new(2, 3, 4)?), false)?;
/// assert_eq!(written, image.join("labels/spines"));
/// assert!(check_labels_zarr(&image, "spines", false).is_err()); // there already, and not forced
/// # Ok::<(), gemmule::error::Error>(())
/// ```
///
/// # Errors
/// [`Error::Parameter`] if `name` has other characters than letters, digits, - and _; [`Error::File`] if `folder` is no OME-Zarr image, the label image is there and
/// `force` is not set, or it cannot be written.
pub fn write_labels_zarr(folder: impl AsRef<Path>, name: &str, labels: &Bricks<u16>, force: bool) -> Result<PathBuf> {
    zarr::write_labels(folder.as_ref(), name, labels, force)
}

/// Whether [`write_labels_zarr`] may write there; for use before long work. See the example of [`write_labels_zarr`].
///
/// # Errors
/// As [`write_labels_zarr`].
pub fn check_labels_zarr(folder: impl AsRef<Path>, name: &str, force: bool) -> Result<()> {
    zarr::check_labels(folder.as_ref(), name, force).map(|_| ())
}

fn pages<'v, C: ColorType<Inner: 'v>>(
    path: &Path,
    shape: Shape,
    plane: impl Fn(usize) -> Cow<'v, [C::Inner]>,
    size: VoxelSize,
    description: &str,
) -> Result<()>
where
    [C::Inner]: TiffValue + ToOwned,
{
    let file = File::create(path).map_err(|e| failed(path, &e))?;
    let file = BufWriter::new(file);
    let written = if shape.len() * size_of::<C::Inner>() > BIG_FROM_BYTES {
        encode::<C, _, TiffKindBig>(TiffEncoder::new_generic(file), shape, plane, size, description)
    } else {
        encode::<C, _, TiffKindStandard>(TiffEncoder::new_generic(file), shape, plane, size, description)
    };
    written.map_err(|e| failed(path, &e))
}

fn encode<'v, C: ColorType<Inner: 'v>, W: std::io::Write + std::io::Seek, K: TiffKind>(
    encoder: ::tiff::TiffResult<TiffEncoder<W, K>>,
    shape: Shape,
    plane: impl Fn(usize) -> Cow<'v, [C::Inner]>,
    size: VoxelSize,
    description: &str,
) -> ::tiff::TiffResult<()>
where
    [C::Inner]: TiffValue + ToOwned,
{
    let mut encoder = encoder?.with_compression(Compression::Deflate(DeflateLevel::Fast));
    for z in 0..shape.z {
        let mut image = encoder.new_image::<C>(u32::try_from(shape.x)?, u32::try_from(shape.y)?)?;
        if z == 0 {
            image.encoder().write_tag(Tag::ImageDescription, description)?;
        }
        image.x_resolution(pixels_per_um(size.x_um));
        image.y_resolution(pixels_per_um(size.y_um));
        image.write_data(&plane(z))?;
    }
    Ok(())
}

fn failed(path: &Path, e: &dyn std::fmt::Display) -> Error {
    Error::file(path, format!("cannot be written ({e})"), "check the folder, its permissions and the space left")
}

/// The fraction n/d of whole numbers below 2³² whose inverse is the nearest to an edge.
fn pixels_per_um(edge_um: f64) -> Rational {
    let limit = u64::from(u32::MAX);
    // Most edges are short decimals.
    for n in (0..10).map(|digits| 10_u64.pow(digits)) {
        let d = (edge_um * n as f64).round();
        if d <= limit as f64 && d / n as f64 == edge_um {
            return Rational { n: n as u32, d: d as u32 };
        }
    }
    // Continued fraction in whole numbers: an edge is at least VoxelSize::MIN_UM > 2^-14 and has 53 bits.
    let mut rest = ((edge_um * 66_f64.exp2()) as u128, 1_u128 << 66);
    let (mut d, mut n) = ((0_u128, 1_u128), (1_u128, 0_u128));
    while rest.1 > 0 {
        let term = rest.0 / rest.1;
        let next = ((d.1 * term + d.0), (n.1 * term + n.0));
        if next.0.max(next.1) > u128::from(limit) {
            break;
        }
        (d, n) = ((d.1, next.0), (n.1, next.1));
        rest = (rest.1, rest.0 % rest.1);
    }
    Rational { n: n.1 as u32, d: d.1 as u32 }
}

#[cfg(test)]
mod tests {
    use super::pixels_per_um;

    #[test]
    fn decimals_come_back_exactly_and_others_nearly() {
        for edge in [0.12, 1.0, 0.0001, 10_000.0, 0.075, 0.123_456_789, 1.000_001, 17.5, 0.207_171_5] {
            let r = pixels_per_um(edge);
            assert_eq!(f64::from(r.d) / f64::from(r.n), edge, "{} / {}", r.d, r.n);
        }
        for edge in [std::f64::consts::PI, 0.1 + 1e-12, 1.0 / 3.0, 0.000_123_456_789_123, 9_999.123_456_789] {
            let r = pixels_per_um(edge);
            let found = f64::from(r.d) / f64::from(r.n);
            assert!((found / edge - 1.0).abs() < 1e-9, "{edge}: {} / {}", r.d, r.n);
        }
    }
}
