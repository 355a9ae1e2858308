//! What a path holds, whatever wrote it.

use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::error::Result;
use crate::io::fault::{Fault, Found};
use crate::io::folder;
use crate::io::memory::MemoryLimit;
use crate::io::meta::FoundSize;
use crate::io::planes::open_tiff;
use crate::io::tiff::VoxelType;
use crate::io::zarr;
use crate::volume::{Shape, Voxels};

/// What is known of a recording before its voxels are read.
#[derive(Clone, Debug)]
pub(super) struct Described {
    pub(super) format: String,
    pub(super) slices: usize,
    pub(super) height: usize,
    pub(super) width: usize,
    pub(super) voxel_type: VoxelType,
    pub(super) voxel: FoundSize,
    pub(super) channels: usize,
    pub(super) times: usize,
    pub(super) channel_names: Vec<String>,
    pub(super) remarks: Vec<String>,
    pub(super) compression: String,
    pub(super) bytes: u64,
}

impl Described {
    /// The shape of one channel at one time point.
    pub(super) fn shape(&self) -> Result<Shape> {
        Shape::new(self.slices, self.height, self.width)
    }
}

/// A recording that can be read channel by channel.
pub(super) trait Source: Send + Sync {
    /// What it is.
    fn described(&self) -> &Described;

    /// Planes `z` of one channel at one time point; all exist, and there is memory for them.
    fn read(&self, channel: usize, time: usize, z: Range<usize>, limit: MemoryLimit) -> Found<Voxels>;

    /// Bytes that it keeps between reads so that nothing is decoded again for the next planes.
    fn kept_bytes(&self, _limit: MemoryLimit) -> u64 {
        0
    }

    /// Every file that belongs to it: what a checksum is over, and what must not change while it is read.
    fn files(&self) -> Found<Vec<PathBuf>>;
}

/// Opens what lies at a path: a TIFF file, a raw file or XML of a recording, a folder of one, OME-Zarr.
pub(super) fn open(path: &Path) -> Found<Box<dyn Source>> {
    let metadata = std::fs::metadata(path)?;
    if metadata.is_dir() {
        return if zarr::is_zarr(path) { zarr::open(path) } else { folder::open(path) };
    }
    if !metadata.is_file() {
        return Err(Fault::new("is not a regular file", "give a TIFF file, or a folder of a recording"));
    }
    let name = path.file_name().map(|n| n.to_string_lossy().to_lowercase()).unwrap_or_default();
    match () {
        () if [".zip", ".ozx"].iter().any(|end| name.ends_with(end)) => zarr::open(path),
        () if [".xml", ".companion.ome", ".raw"].iter().any(|end| name.ends_with(end)) => folder::open(path),
        () => Ok(Box::new(open_tiff(path)?)),
    }
}
