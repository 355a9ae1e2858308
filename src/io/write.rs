//! Stacks and label images as TIFF.

use std::fs::File;
use std::io::BufWriter;
use std::path::Path;

use tiff::encoder::colortype::{ColorType, Gray8, Gray16, Gray32Float, GrayI16};
use tiff::encoder::compression::DeflateLevel;
use tiff::encoder::{Compression, Rational, TiffEncoder, TiffKind, TiffKindBig, TiffKindStandard, TiffValue};
use tiff::tags::{ResolutionUnit, Tag};

use crate::error::{Error, Result};
use crate::units::VoxelSize;
use crate::volume::{Shape, Stack, Volume, Voxels};

/// Above this the offsets of a classic TIFF may not reach, bytes.
const CLASSIC_BYTES: usize = 3 << 30;

/// Writes a stack as an ImageJ hyperstack with its voxel size, Deflate; BigTIFF where a classic one would overflow.
///
/// # Errors
/// [`Error::File`] if it cannot be written.
pub fn write_stack(path: impl AsRef<Path>, stack: &Stack) -> Result<()> {
    let shape = stack.voxels.shape();
    let description = format!(
        "ImageJ=1.54f\nimages={0}\nslices={0}\nunit=um\nspacing={1}\nloop=false\n",
        shape.z, stack.voxel_size.z_um
    );
    let pages = PageWriter { path: path.as_ref(), description, voxel_size: stack.voxel_size };
    match &stack.voxels {
        Voxels::U8(v) => pages.write::<Gray8>(v),
        Voxels::U16(v) => pages.write::<Gray16>(v),
        Voxels::I16(v) => pages.write::<GrayI16>(v),
        Voxels::F32(v) => pages.write::<Gray32Float>(v),
    }
}

/// Writes labels as an OME-TIFF, 16 bits, Deflate.
///
/// # Errors
/// [`Error::File`] if it cannot be written.
pub fn write_labels(path: impl AsRef<Path>, labels: &Volume<u16>, voxel_size: VoxelSize) -> Result<()> {
    let Shape { z, y, x } = labels.shape();
    let description = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><OME xmlns=\"http://www.openmicroscopy.org/Schemas/OME/2016-06\">\
         <Image ID=\"Image:0\" Name=\"spine labels\"><Pixels ID=\"Pixels:0\" DimensionOrder=\"XYZCT\" Type=\"uint16\" \
         SizeX=\"{x}\" SizeY=\"{y}\" SizeZ=\"{z}\" SizeC=\"1\" SizeT=\"1\" PhysicalSizeX=\"{}\" PhysicalSizeXUnit=\"um\" \
         PhysicalSizeY=\"{}\" PhysicalSizeYUnit=\"um\" PhysicalSizeZ=\"{}\" PhysicalSizeZUnit=\"um\">\
         <Channel ID=\"Channel:0:0\" SamplesPerPixel=\"1\"/><TiffData/></Pixels></Image></OME>",
        voxel_size.x_um, voxel_size.y_um, voxel_size.z_um
    );
    PageWriter { path: path.as_ref(), description, voxel_size }.write::<Gray16>(labels)
}

struct PageWriter<'a> {
    path: &'a Path,
    description: String,
    voxel_size: VoxelSize,
}

impl PageWriter<'_> {
    fn write<C: ColorType>(&self, volume: &Volume<C::Inner>) -> Result<()>
    where
        [C::Inner]: TiffValue,
    {
        let failed = |e: &dyn std::fmt::Display| {
            Error::file(self.path, format!("cannot be written ({e})"), "check the folder and the disk")
        };
        let file = BufWriter::new(File::create(self.path).map_err(|e| failed(&e))?);
        let bytes = volume.shape().len() * size_of::<C::Inner>();
        let written = if bytes > CLASSIC_BYTES {
            TiffEncoder::<_, TiffKindBig>::new_generic(file).and_then(|encoder| self.pages::<C, _>(encoder, volume))
        } else {
            TiffEncoder::<_, TiffKindStandard>::new_generic(file)
                .and_then(|encoder| self.pages::<C, _>(encoder, volume))
        };
        written.map_err(|e| failed(&e))
    }

    fn pages<C: ColorType, K: TiffKind>(
        &self,
        encoder: TiffEncoder<BufWriter<File>, K>,
        volume: &Volume<C::Inner>,
    ) -> tiff::TiffResult<()>
    where
        [C::Inner]: TiffValue,
    {
        let mut encoder = encoder.with_compression(Compression::Deflate(DeflateLevel::Fast));
        let Shape { z, y, x } = volume.shape();
        for k in 0..z {
            let mut image = encoder.new_image::<C>(x as u32, y as u32)?;
            image.resolution_unit(ResolutionUnit::None);
            image.x_resolution(pixels_per_um(self.voxel_size.x_um));
            image.y_resolution(pixels_per_um(self.voxel_size.y_um));
            if k == 0 {
                image.encoder().write_tag(Tag::ImageDescription, self.description.as_str())?;
            }
            image.write_data(volume.plane(k))?;
        }
        Ok(())
    }
}

/// 1 / `um` as the ratio nearest to it that a TIFF can hold (continued fraction), so that .12 µm is 25/3 and comes back as .12.
fn pixels_per_um(um: f64) -> Rational {
    let target = 1.0 / um;
    let (mut n, mut d) = ((1_u64, target as u64), (0_u64, 1_u64));
    let mut rest = target;
    for _ in 0..40 {
        let fraction = rest.fract();
        if fraction < 1e-9 || (n.1 as f64 / d.1 as f64 - target).abs() < 1e-12 * target {
            break;
        }
        rest = 1.0 / fraction;
        let whole = rest as u64;
        let next = (whole.saturating_mul(n.1).saturating_add(n.0), whole.saturating_mul(d.1).saturating_add(d.0));
        if next.0 > u64::from(u32::MAX) || next.1 > u64::from(u32::MAX) {
            break;
        }
        n = (n.1, next.0);
        d = (d.1, next.1);
    }
    Rational { n: n.1.clamp(1, u64::from(u32::MAX)) as u32, d: d.1 as u32 }
}
