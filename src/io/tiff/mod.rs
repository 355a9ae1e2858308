//! The structure of TIFF and BigTIFF files, checked against the file's length before anything is decoded or allocated.
//!
//! The `tiff` crate decodes the pages. What it is given is checked here first, because it trusts the counts in a file:
//! a lying one costs it memory, time or an arithmetic panic.

mod decode;
mod directory;
mod page;

pub(super) use crate::io::tiff::decode::{PlaneAt, Sample, check_numbers, read_planes};
pub(super) use crate::io::tiff::directory::{Directory, TiffFile, tag};
pub(super) use crate::io::tiff::page::{Member, Page, VoxelType};
