//! How much memory a stack may take.

use crate::error::{Error, Result};

/// A ceiling for the voxels of one stack, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct MemoryLimit(pub(super) u64);

impl MemoryLimit {
    /// The limit given, or what is free on this machine.
    pub(super) fn of(given: Option<u64>) -> Self {
        // A machine that does not say what is free has no limit but its own.
        Self(given.unwrap_or_else(|| {
            sysinfo::System::new().map_or(u64::MAX, |mut system| {
                system.refresh_memory();
                let container = system.cgroup_limits().map_or(u64::MAX, |limits| limits.free_memory);
                system.available_memory().min(container)
            })
        }))
    }

    /// # Errors
    /// [`Error::Memory`] if `bytes` are more than allowed.
    pub(super) fn check(self, what: impl Into<String>, bytes: u64) -> Result<()> {
        if bytes <= self.0 {
            return Ok(());
        }
        Err(Error::Memory {
            what: what.into(),
            needed_bytes: bytes,
            limit_bytes: self.0,
            remedy: "crop or bin it, raise --memory-limit, or use a larger machine".into(),
        })
    }
}
