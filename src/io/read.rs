//! Stacks from files.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::Serialize;

use crate::error::{Error, Result};
use crate::io::checksum::{sha256, sha256_of};
use crate::io::fault::Found;
use crate::io::memory::MemoryLimit;
use crate::io::source::{Described, open};
use crate::units::VoxelSize;
use crate::volume::Stack;

/// What of a file to read, and how large its voxels are if the file does not say.
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

/// What a file says about itself.
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
/// # Errors
/// [`Error::File`] if it cannot be read or understood; an unknown voxel size is no error here.
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
/// [`Error::File`] if the file cannot be read, is damaged or holds something else; [`Error::VoxelSizeUnknown`] if the
/// voxel size is neither in the file nor given; [`Error::Parameter`] if there are several channels or time points and
/// none is chosen, or the one chosen does not exist; [`Error::Memory`] if its voxels are more than
/// [`ReadOptions::memory_limit`].
pub fn read_stack(path: impl AsRef<Path>, options: &ReadOptions) -> Result<Stack> {
    read(path.as_ref(), options, false).map(|(stack, _)| stack)
}

/// As [`read_stack`], with the SHA-256 of what was read: of the file, or of the checksums of all files of a recording.
///
/// # Errors
/// As [`read_stack`]; [`Error::File`] if a file has changed since reading began.
pub fn read_stack_summed(path: impl AsRef<Path>, options: &ReadOptions) -> Result<(Stack, String)> {
    read(path.as_ref(), options, true)
}

/// The SHA-256 of a stack without reading its voxels, as [`read_stack_summed`] gives it.
///
/// # Errors
/// [`Error::File`] if a file cannot be read.
pub fn stack_sha256(path: impl AsRef<Path>) -> Result<String> {
    let path = path.as_ref();
    let source = open(path).map_err(|fault| fault.at(path))?;
    sum(path, &source.files().map_err(|fault| fault.at(path))?)
}

fn read(path: &Path, options: &ReadOptions, summed: bool) -> Result<(Stack, String)> {
    let source = open(path).map_err(|fault| fault.at(path))?;
    let said = source.described();
    let channel = choose("channel", "channels", options.channel, said.channels, path, said)?;
    let time = choose("time", "time points", options.time, said.times, path, said)?;
    let voxel_size = options
        .voxel_size
        .or(said.voxel.size)
        .ok_or_else(|| Error::VoxelSizeUnknown { path: path.into(), problem: said.voxel.source.clone() })?;
    let shape = said.shape()?;
    let limit = MemoryLimit::of(options.memory_limit);
    let bytes = (shape.len() as u64).saturating_mul(said.voxel_type.bytes());
    let files = source.files().map_err(|fault| fault.at(path))?;
    let before = Stamp::of(&files).map_err(|fault| fault.at(path))?;
    limit.check(format!("{} with {shape} voxels", path.display()), bytes)?;
    let voxels = source.read(channel, time, limit).map_err(|fault| fault.at(path))?;
    let sha256 = if summed { sum(path, &files)? } else { String::new() };
    let now = source.files().and_then(|files| Stamp::of(&files)).map_err(|fault| fault.at(path))?;
    if now != before {
        let problem = "has changed while it was read";
        return Err(Error::file(path, problem, "wait until it is written or copied, then run the same command again"));
    }
    Ok((Stack { voxels, voxel_size }, sha256))
}

/// Length and time of the last change of every file.
#[derive(PartialEq)]
struct Stamp(Vec<(PathBuf, u64, Option<SystemTime>)>);

impl Stamp {
    fn of(files: &[PathBuf]) -> Found<Self> {
        let one = |path: &PathBuf| -> Found<_> {
            let metadata = std::fs::metadata(path)?;
            Ok((path.clone(), metadata.len(), metadata.modified().ok()))
        };
        files.iter().map(one).collect::<Found<_>>().map(Self)
    }
}

/// The checksum of one file, or of the names and checksums of several.
fn sum(path: &Path, files: &[PathBuf]) -> Result<String> {
    if let [one] = files {
        return sha256(one);
    }
    let folder = if path.is_dir() { Some(path) } else { path.parent() };
    let mut lines = Vec::with_capacity(files.len());
    for file in files {
        let name = folder.and_then(|f| file.strip_prefix(f).ok()).unwrap_or(file);
        lines.push(format!("{}  {}\n", sha256(file)?, name.display()));
    }
    lines.sort();
    Ok(sha256_of(lines.concat().as_bytes()))
}

/// The one there is, or the one chosen.
fn choose(name: &str, plural: &str, chosen: Option<usize>, n: usize, path: &Path, said: &Described) -> Result<usize> {
    let value = chosen.map_or("not given".to_owned(), |c| c.to_string());
    match chosen {
        Some(c) if c < n => Ok(c),
        None if n == 1 => Ok(0),
        _ => Err(Error::parameter(
            name,
            value,
            &format!("0 to {} for {} ({n} {plural}, {} planes each)", n - 1, path.display(), said.slices),
            &match (name, said.slices) {
                ("time", 1) => {
                    format!("give --{name} N; if these are planes of a stack, set slices in Fiji's Image > Properties")
                }
                _ => format!("give --{name} N"),
            },
        )),
    }
}
