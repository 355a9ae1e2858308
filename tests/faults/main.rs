//! Disks that fill up or fail, permissions that are missing, a device that is lost, kill -9 in the middle of a write: nothing half-written is taken for whole.

#[cfg(target_os = "linux")]
mod disk;
mod lost_device;
mod output;
