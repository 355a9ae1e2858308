//! Values on the device the engine runs on.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// f32 values where the kernels can reach them.
///
/// ```
/// use gemmule::engine::{Backend, Buffer, Engine};
/// let buffer = Engine::new(Backend::Cpu)?.upload(&[1.0, 2.0, 3.0])?;
/// assert_eq!(buffer.len(), 3);
/// assert!(matches!(buffer, Buffer::Cpu(values) if values[2] == 3.0));
/// # Ok::<(), gemmule::error::Error>(())
/// ```
#[derive(Debug)]
pub enum Buffer {
    /// In memory.
    Cpu(Vec<f32>),
    /// On a GPU.
    Gpu(GpuBuffer),
}

/// Storage on a GPU; only the engine that made it can read it or run kernels on it. See the example of [`crate::engine::Engine::on_device`].
#[derive(Debug)]
pub struct GpuBuffer {
    pub(crate) raw: wgpu::Buffer,
    memory: Arc<Memory>,
}

/// Bytes of all buffers of a device.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    held: AtomicU64,
    peak: AtomicU64,
}

impl Buffer {
    /// Number of f32 values. See the example of [`Buffer`].
    #[allow(clippy::len_without_is_empty, reason = "a volume has at least one voxel")]
    pub fn len(&self) -> usize {
        match self {
            Self::Cpu(values) => values.len(),
            Self::Gpu(buffer) => (buffer.raw.size() / 4) as usize,
        }
    }
}

impl GpuBuffer {
    /// The storage itself, for a host that goes on with it on the same device; it lives as long as anyone holds it. See the example of [`crate::engine::Engine::on_device`].
    pub fn wgpu(&self) -> &wgpu::Buffer {
        &self.raw
    }

    pub(crate) fn new(raw: wgpu::Buffer, memory: &Arc<Memory>) -> Self {
        let held = memory.held.fetch_add(raw.size(), Ordering::Relaxed) + raw.size();
        memory.peak.fetch_max(held, Ordering::Relaxed);
        Self { raw, memory: Arc::clone(memory) }
    }
}

impl Drop for GpuBuffer {
    fn drop(&mut self) {
        self.memory.held.fetch_sub(self.raw.size(), Ordering::Relaxed);
    }
}

impl Memory {
    /// Most bytes held at once since the last call.
    pub(crate) fn take_peak(&self) -> u64 {
        self.peak.swap(self.held.load(Ordering::Relaxed), Ordering::Relaxed)
    }
}
