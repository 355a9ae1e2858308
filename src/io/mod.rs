//! Files <-> types: TIFF family, folders of microscopes, OME-Zarr, SWC, tables, label images.
//!
//! Stacks are read by [`read_stack`] and described by [`info`]; what is read is said there. Nothing is guessed: several
//! channels or time points need a choice, and a voxel size that is neither in the file nor given is an error.
//!
//! Writers write straight to the path given; whoever calls them sees to it that a file appears whole or not at all.

mod checksum;
mod curation;
mod fault;
mod folder;
mod manifest;
mod marks;
mod memory;
mod meta;
mod parquet_file;
mod planes;
mod points;
mod read;
mod series;
mod series_file;
mod source;
mod stack_file;
mod swc;
mod tables;
mod tiff;
mod write;
mod zarr;

pub use crate::io::checksum::{sha256, sha256_of};
pub use crate::io::curation::{
    AppliedRow, BlindKey, CurationRow, Marked, TrackPlaces, read_blind_key, read_curation, read_track_places,
    write_applied, write_blind_key, write_curation_template,
};
pub use crate::io::manifest::{CohortSeries, CohortSession, MANIFEST_COLUMNS, Manifest};
pub use crate::io::marks::{SpineMark, read_marks};
pub use crate::io::parquet_file::write_long_parquet;
pub use crate::io::points::{Mark, PointSession, read_point_sessions};
pub use crate::io::read::{ReadOptions, StackInfo, info, read_stack, read_stack_summed, stack_sha256};
pub use crate::io::series::{links_table, tracks_table, write_links_csv, write_tracks_csv};
pub use crate::io::series_file::SeriesFile;
pub use crate::io::stack_file::StackFile;
pub use crate::io::swc::write_swc;
pub use crate::io::tables::{
    TablePoint, dendrites_table, read_points_csv, spines_table, write_calibration_csv, write_dendrites_csv,
    write_spines_csv,
};
pub use crate::io::write::{check_labels_zarr, write_labels, write_labels_zarr, write_stack};
