//! The C ABI of gemmule. `include/gemmule.h` is made from this crate and says what users of it need to know.
//!
//! Handles are numbers into a table (`handle`), so that a null, foreign or freed one is an error and never a crash. Whatever happens inside a call,
//! a panic included, ends in a status (`fault`). Unsafe code is here alone: it turns the caller's pointers into borrows for the time of one call.

#![allow(non_camel_case_types, reason = "types bear the names of the header")]

mod fault;
mod filter;
mod find;
mod follow;
mod handle;
mod params;
mod progress;
mod table;
mod text;
mod volume;

pub use fault::{gemmule_last_error, gemmule_status};
pub use filter::{gemmule_blobs, gemmule_map_volume, gemmule_ridge, gemmule_smooth};
pub use find::{
    gemmule_detect, gemmule_engine_create, gemmule_engine_describe, gemmule_found_labels, gemmule_found_table,
    gemmule_phantom, gemmule_stack_read, gemmule_stack_volume, gemmule_version,
};
pub use follow::{
    gemmule_series_add, gemmule_series_create, gemmule_series_track, gemmule_stats, gemmule_tracked_table,
};
pub use handle::{gemmule_free, gemmule_handle, gemmule_live_handles};
pub use params::{gemmule_params_create, gemmule_params_read, gemmule_params_set, gemmule_params_text};
pub use progress::gemmule_progress;
pub use table::{gemmule_column, gemmule_column_type, gemmule_table_column, gemmule_table_size, gemmule_table_write};
pub use volume::{gemmule_volume, gemmule_voxel_type};
