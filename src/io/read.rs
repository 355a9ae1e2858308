//! Stacks from files.

use std::path::Path;

use serde::Serialize;

use crate::error::Result;
use crate::io::source::open;
use crate::io::stack_file::{StackFile, sum};
use crate::units::VoxelSize;
use crate::volume::Stack;

/// What of a file to read, and how large its voxels are if the file does not say. See the example of [`read_stack`].
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ReadOptions {
    /// Edges of a voxel, µm; goes before what the file says.
    pub voxel_size: Option<VoxelSize>,
    /// Channel, from 0; needed if there are several.
    pub channel: Option<usize>,
    /// Time point, from 0; needed if there are several.
    pub time: Option<usize>,
    /// The most memory that its voxels may take, bytes; without it what is free on this machine.
    pub memory_limit: Option<u64>,
}

/// What a file says about itself. See the example of [`info`].
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StackInfo {
    /// Kind of file: `TIFF`, `ImageJ TIFF`, `OME-TIFF` (`of several files`), `ScanImage TIFF` or `PrairieView OME-TIFF`, with `Big` before TIFF for
    /// 64-bit files; `ThorImage raw`, `ThorImage TIFF`, `OME-Zarr 0.4` or `OME-Zarr 0.5`.
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
    /// Names of the channels, if the file has any.
    pub channel_names: Vec<String>,
    /// Number of time points.
    pub times: usize,
    /// Compression of the first page; of OME-Zarr the shape of a chunk.
    pub compression: String,
    /// Length of the file, or of all files of the recording, bytes.
    pub file_bytes: u64,
    /// What else the file says that a user should know: frames averaged or left out, chunks missing.
    pub remarks: Vec<String>,
}

/// What a file says about itself, without reading its voxels.
///
/// ```
/// use gemmule::io::{info, write_stack};
/// use gemmule::units::VoxelSize;
/// use gemmule::volume::{Shape, Stack, Volume, Voxels};
/// let voxels = Voxels::U16(Volume::filled(Shape::new(2, 3, 4)?, 100));
/// let dir = tempfile::tempdir().unwrap();
/// let path = dir.path().join("day0.tif");
/// write_stack(&path, &Stack { voxels, voxel_size: VoxelSize::new(1.0, 0.12, 0.12)? })?;
/// let said = info(&path)?;
/// assert_eq!((said.shape, said.voxel_type.as_str(), said.channels), ([2, 3, 4], "u16", 1));
/// assert_eq!(said.voxel_size.map(|v| v.x_um), Some(0.12));
/// # Ok::<(), gemmule::error::Error>(())
/// ```
///
/// # Errors
/// [`crate::error::Error::File`] if it cannot be read or understood; an unknown voxel size is no error here.
pub fn info(path: impl AsRef<Path>) -> Result<StackInfo> {
    let path = path.as_ref();
    let source = open(path).map_err(|fault| fault.at(path))?;
    let said = source.described().clone();
    Ok(StackInfo {
        format: said.format,
        shape: [said.slices, said.height, said.width],
        voxel_type: said.voxel_type.name().into(),
        voxel_size: said.voxel.size,
        voxel_size_source: said.voxel.source,
        channels: said.channels,
        channel_names: said.channel_names,
        times: said.times,
        compression: said.compression,
        file_bytes: said.bytes,
        remarks: said.remarks,
    })
}

/// Reads one channel of one time point of a TIFF file, a folder of a recording, or OME-Zarr.
///
/// **Pages**: strips or tiles; no compression, LZW, Deflate, PackBits or Zstd, with or without predictor; u8, u16, i16
/// and 32-bit floats, which must be finite; all of one shape and type. The pages of a file without metadata are the
/// planes of one stack.
///
/// **Order of planes and size of voxels**, never guessed, from the first of these that the file holds:
/// - ImageJ: `channels`, `slices`, `frames`; `spacing`, `unit` and the TIFF resolution; also the layout beyond 4 GB, in
///   which all planes follow the only page. Its look-up tables do not change values.
/// - OME-TIFF in one file or several, of which any may be given, or their `.companion.ome`: `SizeZ/C/T`, `DimensionOrder`, `TiffData`;
///   `PhysicalSizeX/Y/Z` in any unit of length.
/// - ScanImage 5 and later, one field of view: `channelSave`, `framesPerSlice`, `numSlices`, `numVolumes`;
///   `imagingFovUm` (or `imagingFovDeg` and `objectiveResolution`) and `stackZStepSize`. Frames of a slice are time
///   points; flyback frames are left out.
///
/// **Folders** (or the XML in them): Bruker PrairieView (`PVScan`: `Sequence`, `Frame`, `File`; `micronsPerPixel`, which must agree with the positions of the
/// frames); ThorImage (`Experiment.xml`: `LSM`, `ZStage`, `Timelapse`, `Wavelengths`; `pixelSizeUM`, `stepSizeUM`; raw or TIFF).
///
/// **OME-Zarr** 0.4 and 0.5, a folder or a zip of one, Blosc, gzip, zlib, Zstd and sharding: the first level; `axes`, `coordinateTransformations`. Of bioformats2raw's
/// output its only series, or the folder of one. Chunks that are not there have the fill value.
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
/// [`crate::error::Error::File`] if the file cannot be read, is damaged or holds something else; [`crate::error::Error::VoxelSizeUnknown`] if the
/// voxel size is neither in the file nor given; [`crate::error::Error::Parameter`] if there are several channels or time points and
/// none is chosen, or the one chosen does not exist; [`crate::error::Error::Memory`] if its voxels are more than
/// [`ReadOptions::memory_limit`].
pub fn read_stack(path: impl AsRef<Path>, options: &ReadOptions) -> Result<Stack> {
    read(path.as_ref(), options, false).map(|(stack, _)| stack)
}

/// As [`read_stack`], with the SHA-256 of what was read: of the file, or of the checksums of all files of a recording.
///
/// ```
/// use gemmule::io::{ReadOptions, read_stack_summed, stack_sha256, write_stack};
/// use gemmule::units::VoxelSize;
/// use gemmule::volume::{Shape, Stack, Volume, Voxels};
/// let voxels = Voxels::U16(Volume::filled(Shape::new(2, 3, 4)?, 100));
/// let dir = tempfile::tempdir().unwrap();
/// let path = dir.path().join("day0.tif");
/// write_stack(&path, &Stack { voxels, voxel_size: VoxelSize::new(1.0, 0.12, 0.12)? })?;
/// let (_, sha256) = read_stack_summed(&path, &ReadOptions::default())?;
/// assert_eq!(stack_sha256(&path)?, sha256);
/// # Ok::<(), gemmule::error::Error>(())
/// ```
///
/// # Errors
/// As [`read_stack`]; [`crate::error::Error::File`] if a file has changed since reading began.
pub fn read_stack_summed(path: impl AsRef<Path>, options: &ReadOptions) -> Result<(Stack, String)> {
    read(path.as_ref(), options, true)
}

/// The SHA-256 of a stack without reading its voxels, as [`read_stack_summed`] gives it. See the example of [`read_stack_summed`].
///
/// # Errors
/// [`crate::error::Error::File`] if a file cannot be read.
pub fn stack_sha256(path: impl AsRef<Path>) -> Result<String> {
    let path = path.as_ref();
    let source = open(path).map_err(|fault| fault.at(path))?;
    sum(path, &source.files().map_err(|fault| fault.at(path))?)
}

fn read(path: &Path, options: &ReadOptions, summed: bool) -> Result<(Stack, String)> {
    let file = StackFile::open(path, options)?;
    let stack = file.read()?;
    let sha256 = if summed { file.sha256()? } else { String::new() };
    file.check_unchanged()?;
    Ok((stack, sha256))
}
