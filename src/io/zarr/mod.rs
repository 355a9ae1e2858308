//! OME-Zarr 0.4 and 0.5: a folder, or a zip of one, read chunk by chunk.

mod bounded;
mod folder;
mod held;
mod ome;
mod read;
mod shards;
mod store;
mod write;
mod zip;

use std::path::Path;

use crate::io::fault::Found;
use crate::io::source::Source;

pub(super) use crate::io::zarr::write::{check_labels, write_labels};

/// Whether a folder is Zarr of any kind.
pub(super) fn is_zarr(folder: &Path) -> bool {
    ["zarr.json", ".zattrs", ".zgroup", ".zarray"].iter().any(|name| folder.join(name).is_file())
}

/// Opens an image of a folder or a zip file.
pub(super) fn open(path: &Path) -> Found<Box<dyn Source>> {
    Ok(Box::new(read::ZarrStack::open(path)?))
}
