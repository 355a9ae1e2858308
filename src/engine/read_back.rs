//! Values brought back from a device, while it may go on with other work.

use std::sync::mpsc;
use std::time::Duration;

use crate::engine::buffer::GpuBuffer;
use crate::engine::gpu::{Gpu, lock};
use crate::engine::{Buffer, Engine};
use crate::error::Result;

/// Most bytes staged at once by a read that waits.
const STAGING_BYTES: u64 = 64 << 20;

/// Staging buffers kept for the next read: two slabs are under way at once.
const STAGING_KEPT: usize = 2;

/// Longest time between the end of the device's work and the callback that says so: only a fault takes longer.
const CALLBACK_TIMEOUT: Duration = Duration::from_secs(10);

/// All values of a buffer on their way back.
pub(crate) enum Reading {
    /// They are here: the engine is on the CPU.
    Here(Vec<f32>),
    /// They are being copied.
    UnderWay(Staged),
}

/// Bytes on their way to a buffer that can be mapped.
pub(crate) struct Staged {
    staging: wgpu::Buffer,
    bytes: u64,
    copied: wgpu::SubmissionIndex,
    mapped: mpsc::Receiver<std::result::Result<(), wgpu::BufferAsyncError>>,
}

/// A place in the device's work; none on the CPU, which has done all of it.
pub(crate) struct Mark(Option<wgpu::SubmissionIndex>);

impl Engine {
    /// Marks all work given to the device so far.
    pub(crate) fn mark(&self) -> Mark {
        Mark(self.gpu.as_ref().map(|gpu| gpu.queue.submit([])))
    }

    /// Waits until the device has done what was given to it before a mark.
    pub(crate) fn wait_for(&self, mark: Mark) -> Result<()> {
        match (&self.gpu, mark.0) {
            (Some(gpu), Some(index)) => gpu.wait_for(Some(index)),
            _ => Ok(()),
        }
    }

    /// Starts to bring back all values of a buffer that is not needed any more; what is given to the device after this runs meanwhile.
    pub(crate) fn begin_read(&self, buffer: Buffer) -> Result<Reading> {
        match buffer {
            Buffer::Cpu(values) => Ok(Reading::Here(values.into_vec())),
            Buffer::Gpu(buffer) => {
                let bytes = buffer.raw.size();
                let gpu = self.device()?;
                gpu.counters.read_back(bytes);
                Ok(Reading::UnderWay(gpu.stage(&buffer.raw, 0, bytes)?))
            }
        }
    }

    /// Waits for the values of a read that was started.
    pub(crate) fn finish_read(&self, reading: Reading) -> Result<Vec<f32>> {
        match reading {
            Reading::Here(values) => Ok(values),
            Reading::UnderWay(staged) => {
                let mut values = vec![0.0; (staged.bytes / 4) as usize];
                self.device()?.take_staged(staged, bytemuck::cast_slice_mut(&mut values))?;
                Ok(values)
            }
        }
    }
}

impl Gpu {
    /// Reads bytes from `offset` of a buffer on; both are whole words.
    pub(crate) fn read(&self, buffer: &GpuBuffer, offset: u64, out: &mut [u8]) -> Result<()> {
        let needed = offset + out.len() as u64;
        if needed > buffer.raw.size() {
            return Err(self.error(format!("{needed} bytes were asked of a buffer of {}", buffer.raw.size())));
        }
        self.counters.read_back(out.len() as u64);
        self.read_raw(&buffer.raw, offset, out)
    }

    pub(super) fn read_raw(&self, buffer: &wgpu::Buffer, offset: u64, out: &mut [u8]) -> Result<()> {
        let mut at = offset;
        for part in out.chunks_mut(STAGING_BYTES as usize) {
            let staged = self.stage(buffer, at, part.len() as u64)?;
            at += part.len() as u64;
            self.take_staged(staged, part)?;
        }
        Ok(())
    }

    /// Starts to copy bytes to where they can be mapped.
    fn stage(&self, buffer: &wgpu::Buffer, at: u64, bytes: u64) -> Result<Staged> {
        let kept = {
            let mut kept = lock(&self.staging);
            let fits = kept.iter().position(|staging| staging.size() >= bytes);
            fits.map(|n| kept.swap_remove(n))
        };
        let staging = match kept {
            Some(staging) => staging,
            None => {
                let usage = wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST;
                self.guarded("read-back", bytes, || self.raw_buffer(bytes.max(4096), usage))?
            }
        };
        let copied = self.copy_raw(buffer, at, &staging, 0, bytes)?;
        let (sender, mapped) = mpsc::channel();
        self.guarded("mapping", 0, || {
            staging.map_async(wgpu::MapMode::Read, 0..bytes, move |result| {
                // The receiver is gone only if the read was given up.
                let _ = sender.send(result);
            });
        })?;
        Ok(Staged { staging, bytes, copied, mapped })
    }

    fn take_staged(&self, staged: Staged, out: &mut [u8]) -> Result<()> {
        let Staged { staging, bytes, copied, mapped } = staged;
        self.wait_for(Some(copied))?;
        // Another thread that polls at the same time may have taken the callback and not called it yet.
        match mapped.recv_timeout(CALLBACK_TIMEOUT) {
            Ok(Ok(())) => {}
            _ => return Err(self.error("memory could not be mapped to read the result".into())),
        }
        let view = staging
            .get_mapped_range(0..bytes)
            .map_err(|error| self.error(format!("the result could not be read: {error}")))?;
        out.copy_from_slice(&view);
        drop(view);
        staging.unmap();
        let mut kept = lock(&self.staging);
        kept.push(staging);
        // The largest stay: whoever reads slabs reads more of them.
        kept.sort_by_key(|staging| std::cmp::Reverse(staging.size()));
        kept.truncate(STAGING_KEPT);
        Ok(())
    }
}
