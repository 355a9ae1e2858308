//! Files <-> types: the TIFF family, tables, SWC, label images.

mod decode;
mod imagej;
mod layout;
mod ome;
mod pages;
mod scanimage;
mod tables;
mod write;

use std::path::Path;

use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::error::{Error, Result};
use crate::io::layout::Layout;
use crate::units::VoxelSize;
use crate::volume::Stack;

pub use tables::{write_dendrites_csv, write_spines_csv, write_swc};
pub use write::{write_labels, write_stack};

/// What to read of a file, and what the file does not say.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ReadOptions {
    /// Voxel size, instead of what the file says.
    pub voxel_size: Option<VoxelSize>,
    /// Channel, from 0; needed where there are several.
    pub channel: Option<usize>,
    /// Time point, from 0; needed where there are several.
    pub time: Option<usize>,
}

/// What a stack's file says.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StackInfo {
    /// TIFF, ImageJ, OME-TIFF or ScanImage.
    pub format: String,
    /// Planes, rows, columns of one channel at one time.
    pub shape: [usize; 3],
    /// Voxel type: u8, u16, i16 or f32.
    pub voxel_type: String,
    /// Voxel size, if the file says it.
    pub voxel_size: Option<VoxelSize>,
    /// Where the voxel size was read from, or why it is unknown.
    pub voxel_size_source: String,
    /// Number of channels.
    pub channels: usize,
    /// Number of time points.
    pub times: usize,
    /// Size of the file.
    pub file_bytes: u64,
}

/// What a file says, without decoding its voxels.
///
/// # Errors
/// [`Error::File`] for a file that is no TIFF or that gemmule does not understand.
pub fn info(path: impl AsRef<Path>) -> Result<StackInfo> {
    let path = path.as_ref();
    let pages = pages::scan(path)?;
    let layout = Layout::of(path, &pages)?;
    let first = &pages.list[0];
    Ok(StackInfo {
        format: layout.format.into(),
        shape: [layout.slices, first.height, first.width],
        voxel_type: first.sample.name().into(),
        voxel_size: layout.voxel_size,
        voxel_size_source: layout.voxel_size_source,
        channels: layout.channels,
        times: layout.times,
        file_bytes: pages.file_bytes,
    })
}

/// Reads one channel of one time point.
///
/// TIFF and BigTIFF in strips or tiles, uncompressed, LZW, Deflate, PackBits or Zstd, 8 and 16 bits unsigned, 16 bits signed, 32-bit float;
/// the dimensions and voxel size of ImageJ hyperstacks (also those above 4 GB with a single directory), OME-TIFF and ScanImage. Pages of
/// a plain TIFF are planes. A TIFF resolution in dots per inch or cm is not trusted as a voxel size: programs fill in 72 or 96.
///
/// ```no_run
/// use gemmule::io::{ReadOptions, read_stack};
/// let stack = read_stack("day0.tif", &ReadOptions::default())?;
/// # Ok::<(), gemmule::error::Error>(())
/// ```
///
/// # Errors
/// [`Error::File`] for anything that cannot be read; [`Error::VoxelSizeUnknown`]; [`Error::Parameter`] if there are several channels or times and
/// none was chosen, or one that is not there.
pub fn read_stack(path: impl AsRef<Path>, options: &ReadOptions) -> Result<Stack> {
    let path = path.as_ref();
    let pages = pages::scan(path)?;
    let layout = Layout::of(path, &pages)?;
    let channel = choose("--channel", options.channel, layout.channels)?;
    let time = choose("--time", options.time, layout.times)?;
    let voxel_size = options.voxel_size.or(layout.voxel_size);
    let Some(voxel_size) = voxel_size else {
        return Err(Error::VoxelSizeUnknown { path: path.into(), problem: layout.voxel_size_source });
    };
    let voxels = decode::voxels(path, &pages, &layout, channel, time)?;
    Ok(Stack { voxels, voxel_size })
}

fn choose(name: &str, chosen: Option<usize>, available: usize) -> Result<usize> {
    match chosen {
        Some(n) if n < available => Ok(n),
        None if available == 1 => Ok(0),
        chosen => Err(Error::parameter(
            name,
            chosen.map_or("not given".into(), |n| n.to_string()),
            &format!("0 to {} in this file", available - 1),
            "choose one; `gemmule info` lists what the file holds",
        )),
    }
}

/// SHA-256 of a file, in hexadecimal.
///
/// # Errors
/// [`Error::File`] if it cannot be read.
pub fn sha256(path: impl AsRef<Path>) -> Result<String> {
    let failed = |e: std::io::Error| Error::file(&path, format!("cannot be read ({e})"), "check name and permissions");
    let mut file = std::fs::File::open(&path).map_err(failed)?;
    let mut hasher = Sha256::new();
    std::io::copy(&mut file, &mut hasher).map_err(failed)?;
    Ok(hasher.finalize().iter().map(|b| format!("{b:02x}")).collect())
}
