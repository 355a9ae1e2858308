//! Adapter, device, kernel definitions, tiling, dispatch and timing.

use crate::error::Result;

/// Where kernels run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Backend {
    /// A hardware GPU if one works, otherwise the CPU; says which and why.
    #[default]
    Auto,
    /// A GPU; a software adapter only if named.
    Gpu {
        /// Part of the adapter's name, any case; none takes the first hardware adapter.
        adapter: Option<String>,
    },
    /// The CPU twins.
    Cpu,
}

/// Runs kernels on one adapter or on the CPU.
#[derive(Debug)]
pub struct Engine {}

impl Engine {
    /// An engine on the backend asked for.
    ///
    /// # Errors
    /// [`crate::error::Error::Gpu`] if a GPU was asked for and none works.
    pub fn new(_backend: Backend) -> Result<Self> {
        Ok(Self {})
    }

    /// One line: adapter and driver, or why the CPU.
    pub fn describe(&self) -> String {
        "cpu".into()
    }
}
