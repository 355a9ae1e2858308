//! Stacks from files.

use std::path::Path;

use serde::Serialize;

use crate::error::{Error, Result};
use crate::io::fault::{Fault, Found};
use crate::io::meta::{Layout, Texts, layout};
use crate::io::tiff::{Page, Planes, TiffFile, VoxelType, pages, read_planes};
use crate::units::VoxelSize;
use crate::volume::{Shape, Stack, Volume, Voxels};

/// What of a file to read, and how large its voxels are if the file does not say.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ReadOptions {
    /// Edges of a voxel, µm; goes before what the file says.
    pub voxel_size: Option<VoxelSize>,
    /// Channel, from 0; needed if there are several.
    pub channel: Option<usize>,
    /// Time point, from 0; needed if there are several.
    pub time: Option<usize>,
}

/// What a file says about itself.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StackInfo {
    /// Kind of file: `TIFF`, `ImageJ TIFF`, `OME-TIFF` or `ScanImage TIFF`, with `Big` before TIFF for 64-bit files.
    pub format: String,
    /// Planes, rows, columns of one channel at one time point.
    pub shape: [usize; 3],
    /// `u8`, `u16`, `i16` or `f32`.
    pub voxel_type: String,
    /// Edges of a voxel, µm, if the file says.
    pub voxel_size: Option<VoxelSize>,
    /// Where the voxel size was read from, or why there is none.
    pub voxel_size_source: String,
    /// Number of channels.
    pub channels: usize,
    /// Number of time points.
    pub times: usize,
    /// Compression of the first page.
    pub compression: String,
    /// Length of the file, bytes.
    pub file_bytes: u64,
}

struct Opened {
    file: TiffFile,
    pages: Vec<Page>,
    layout: Layout,
}

fn open(path: &Path) -> Found<Opened> {
    let mut file = TiffFile::open(path)?;
    let directories = file.directories()?;
    let pages = pages(&mut file, &directories)?;
    // A chain of pages has at least one: the first directory is not at 0.
    let first = &pages[0];
    let texts = Texts::read(&mut file, &directories[0])?;
    let texts = Texts { width: first.width, height: first.height, pages: pages.len(), ..texts };
    let fits = first.contiguous_at.map_or(0, |at| (file.len - at) / first.bytes());
    let layout = layout(&texts, fits)?;
    Ok(Opened { file, pages, layout })
}

/// What a file says about itself, without reading its voxels.
///
/// # Errors
/// [`Error::File`] if it cannot be read or understood; an unknown voxel size is no error here.
pub fn info(path: impl AsRef<Path>) -> Result<StackInfo> {
    let path = path.as_ref();
    let Opened { file, pages, layout } = open(path).map_err(|fault| fault.at(path))?;
    let first = &pages[0];
    Ok(StackInfo {
        format: if file.big { layout.format.replace("TIFF", "BigTIFF") } else { layout.format.into() },
        shape: [layout.slices, first.height as usize, first.width as usize],
        voxel_type: first.voxel_type.name().into(),
        voxel_size: layout.voxel.size,
        voxel_size_source: layout.voxel.source,
        channels: layout.channels,
        times: layout.times,
        compression: first.compression.name().into(),
        file_bytes: file.len,
    })
}

/// Reads one channel of one time point of a TIFF or BigTIFF file.
///
/// **Pages**: strips or tiles; no compression, LZW, Deflate, PackBits or Zstd, with or without predictor; u8, u16, i16
/// and 32-bit floats, which must be finite; all of one shape and type. The pages of a file without metadata are the
/// planes of one stack.
///
/// **Order of planes and size of voxels**, never guessed, from the first of these that the file holds:
/// - ImageJ: `channels`, `slices`, `frames`; `spacing`, `unit` and the TIFF resolution; also the layout beyond 4 GB, in
///   which all planes follow the only page. Its look-up tables do not change values.
/// - OME-TIFF in one file: `SizeZ/C/T`, `DimensionOrder`, `TiffData`; `PhysicalSizeX/Y/Z` in any unit of length.
/// - ScanImage 5 and later, one field of view: `channelSave`, `framesPerSlice`, `numSlices`, `numVolumes`;
///   `imagingFovUm` (or `imagingFovDeg` and `objectiveResolution`) and `stackZStepSize`. Frames of a slice are time
///   points.
///
/// A TIFF resolution in inch or cm alone is not trusted: programs fill it in for printing (72 dpi).
///
/// ```
/// use gemmule::io::{ReadOptions, read_stack};
/// # use tiff::encoder::{TiffEncoder, colortype::Gray8};
/// # let dir = tempfile::tempdir().unwrap();
/// # let path = dir.path().join("day0.tif");
/// # let mut tiff = TiffEncoder::new(std::fs::File::create(&path).unwrap()).unwrap();
/// # for z in 0..3 { tiff.write_image::<Gray8>(5, 4, &[z; 20]).unwrap(); }
/// # drop(tiff);
/// use gemmule::units::VoxelSize;
/// let voxel_size = Some(VoxelSize::new(1.0, 0.12, 0.12)?);
/// let stack = read_stack(&path, &ReadOptions { voxel_size, ..ReadOptions::default() })?;
/// assert_eq!(stack.voxels.shape().to_string(), "3 x 4 x 5");
/// assert_eq!(stack.voxels.value(20), 1.0); // the first voxel of the second plane
/// assert!(read_stack(&path, &ReadOptions::default()).is_err()); // this file does not say how large its voxels are
/// # Ok::<(), gemmule::error::Error>(())
/// ```
///
/// # Errors
/// [`Error::File`] if the file cannot be read, is damaged or holds something else; [`Error::VoxelSizeUnknown`] if the
/// voxel size is neither in the file nor given; [`Error::Parameter`] if there are several channels or time points and
/// none is chosen, or the one chosen does not exist.
pub fn read_stack(path: impl AsRef<Path>, options: &ReadOptions) -> Result<Stack> {
    let path = path.as_ref();
    let Opened { file, pages, layout } = open(path).map_err(|fault| fault.at(path))?;
    let channel = choose("channel", "channels", options.channel, layout.channels, path, &layout)?;
    let time = choose("time", "time points", options.time, layout.times, path, &layout)?;
    let voxel_size = options
        .voxel_size
        .or(layout.voxel.size)
        .ok_or_else(|| Error::VoxelSizeUnknown { path: path.into(), problem: layout.voxel.source.clone() })?;
    let first = &pages[0];
    let shape = Shape::new(layout.slices, first.height as usize, first.width as usize)?;
    let planes = Planes {
        file: &file,
        pages: &pages,
        behind_first: first.contiguous_at.filter(|_| layout.one_page),
        raw_values: layout.format.starts_with("ImageJ"),
    };
    let wanted = layout.planes(channel, time);
    check_size(shape, first, file.len).map_err(|fault| fault.at(path))?;
    let fault = |fault: Fault| fault.at(path);
    let voxels = match first.voxel_type {
        VoxelType::U8 => Voxels::U8(Volume::new(shape, read_planes(planes, wanted).map_err(fault)?)?),
        VoxelType::U16 => Voxels::U16(Volume::new(shape, read_planes(planes, wanted).map_err(fault)?)?),
        VoxelType::I16 => Voxels::I16(Volume::new(shape, read_planes(planes, wanted).map_err(fault)?)?),
        VoxelType::F32 => Voxels::F32(Volume::new(shape, read_planes(planes, wanted).map_err(fault)?)?),
    };
    Ok(Stack { voxels, voxel_size })
}

/// The page sizes were checked one by one; pages that share their data could still claim more than the file holds.
fn check_size(shape: Shape, first: &Page, len: u64) -> Found<()> {
    let claimed = (shape.len() as u64).saturating_mul(first.voxel_type.bytes());
    if claimed > len.saturating_mul(first.compression.max_expansion()) {
        return Err(Fault::damaged(format!(
            "it claims {shape} voxels of type {}, more than a file of {len} bytes can hold",
            first.voxel_type.name()
        )));
    }
    Ok(())
}

/// The one there is, or the one chosen.
fn choose(name: &str, plural: &str, chosen: Option<usize>, n: usize, path: &Path, layout: &Layout) -> Result<usize> {
    let value = chosen.map_or("not given".to_owned(), |c| c.to_string());
    match chosen {
        Some(c) if c < n => Ok(c),
        None if n == 1 => Ok(0),
        _ => Err(Error::parameter(
            name,
            value,
            &format!("0 to {} for {} ({n} {plural}, {} planes each)", n - 1, path.display(), layout.slices),
            &match (name, layout.slices) {
                ("time", 1) => {
                    format!("give --{name} N; if these are planes of a stack, set slices in Fiji's Image > Properties")
                }
                _ => format!("give --{name} N"),
            },
        )),
    }
}
