//! Values on the device the engine runs on.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::engine::large_pages;

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
    Cpu(HostValues),
    /// On a GPU.
    Gpu(GpuBuffer),
}

/// Values in memory: a slice. See the example of [`Buffer`].
#[derive(Debug)]
pub struct HostValues {
    all: Vec<f32>,
    /// What lies before is there so that the rest begins at a cache line.
    start: usize,
}

/// Bytes of a cache line.
const LINE: usize = 64;

impl HostValues {
    pub(crate) fn new(all: Vec<f32>) -> Self {
        Self { all, start: 0 }
    }

    /// Zeros that begin at a cache line: a vector that lies across two takes twice the time to load.
    pub(super) fn aligned(len: usize) -> Self {
        let mut all = large_pages::zeros(len + LINE / size_of::<f32>());
        let start = all.as_ptr().align_offset(LINE).min(LINE / size_of::<f32>());
        all.truncate(start + len);
        Self { all, start }
    }

    pub(crate) fn into_vec(mut self) -> Vec<f32> {
        self.all.drain(..self.start);
        self.all
    }
}

impl Deref for HostValues {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        &self.all[self.start..]
    }
}

impl DerefMut for HostValues {
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut self.all[self.start..]
    }
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

#[cfg(test)]
mod tests {
    use crate::engine::buffer::HostValues;

    #[test]
    fn aligned_values_begin_at_a_cache_line_and_keep_their_order() {
        for len in [1, 15, 1000, (1 << 20) + 3] {
            let mut values = HostValues::aligned(len);
            assert_eq!((values.len(), values.as_ptr() as usize % 64), (len, 0));
            values.iter_mut().enumerate().for_each(|(n, v)| *v = n as f32);
            assert!(values.into_vec().into_iter().eq((0..len).map(|n| n as f32)));
        }
    }
}
