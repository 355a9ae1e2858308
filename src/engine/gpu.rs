//! One opened device: memory, waiting, and every fault it reports as an [`enum@Error`].

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::engine::adapters::{AdapterInfo, describe};
use crate::engine::buffer::{GpuBuffer, Memory};
use crate::engine::clock::Clock;
use crate::engine::pipeline::{Checks, Pipeline};
use crate::engine::self_test;
use crate::engine::traffic::Counters;
use crate::error::{Error, Result};

/// A device that passed its self-test.
pub(crate) struct Gpu {
    pub(crate) info: AdapterInfo,
    pub(super) device: wgpu::Device,
    pub(super) queue: wgpu::Queue,
    pub(super) limits: wgpu::Limits,
    memory: Arc<Memory>,
    faults: Faults,
    pub(super) pipelines: Mutex<HashMap<PipelineKey, Pipeline>>,
    pub(super) staging: Mutex<Vec<wgpu::Buffer>>,
    pub(super) counters: Arc<Counters>,
    /// Only while kernels are timed.
    pub(super) clock: Mutex<Option<Clock>>,
}

/// Faults reported outside of any call: a lost device, an error nobody waited for. The first is kept.
type Faults = Arc<Mutex<Option<String>>>;

pub(super) type PipelineKey = (&'static str, &'static str, Checks, Vec<(&'static str, u64)>);

/// A thread that panicked while it held the lock left nothing half-done that matters here.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn note(faults: &Faults, text: String) {
    lock(faults).get_or_insert(text);
}

impl Gpu {
    /// Opens the adapter's device with all its limits, and runs the self-test.
    pub(crate) fn open(adapter: &wgpu::Adapter, info: AdapterInfo) -> Result<Self> {
        let limits = adapter.limits();
        let descriptor = wgpu::DeviceDescriptor {
            label: Some("gemmule"),
            required_limits: limits.clone(),
            // To time kernels with; nothing else depends on it.
            required_features: adapter.features() & wgpu::Features::TIMESTAMP_QUERY,
            ..wgpu::DeviceDescriptor::default()
        };
        let (device, queue) = pollster::block_on(adapter.request_device(&descriptor))
            .map_err(|error| gpu_error(&info, format!("the device cannot be opened: {error}")))?;
        let faults = Faults::default();
        let (uncaptured, lost) = (Arc::clone(&faults), Arc::clone(&faults));
        device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| note(&uncaptured, error.to_string())));
        device.set_device_lost_callback(move |reason, message| {
            note(&lost, format!("the device was lost ({reason:?}): {message}"));
        });
        Self::tested(info, device, queue, limits, faults)
    }

    /// Shares the device of a host. Its handlers for errors and for loss are the host's and stay so: faults of gemmule's own calls are caught in
    /// error scopes.
    pub(crate) fn of_host(device: wgpu::Device, queue: wgpu::Queue) -> Result<Self> {
        let (info, limits) = (describe(&device.adapter_info()), device.limits());
        Self::tested(info, device, queue, limits, Faults::default())
    }

    fn tested(
        info: AdapterInfo,
        device: wgpu::Device,
        queue: wgpu::Queue,
        limits: wgpu::Limits,
        faults: Faults,
    ) -> Result<Self> {
        let (pipelines, staging, clock) = (Mutex::default(), Mutex::default(), Mutex::default());
        let (memory, counters) = (Arc::default(), Arc::default());
        let gpu = Self { info, device, queue, limits, memory, faults, pipelines, staging, counters, clock };
        self_test::run(&gpu)?;
        gpu.counters.take();
        Ok(gpu)
    }

    /// Gives the device up, as a driver does that is reset.
    pub(crate) fn lose(&self) {
        self.device.destroy();
    }

    /// Largest storage buffer that can be bound, bytes.
    pub(crate) fn max_buffer_bytes(&self) -> u64 {
        self.limits.max_storage_buffer_binding_size.min(self.limits.max_buffer_size)
    }

    /// Bytes of workgroup memory a workgroup may use.
    pub(crate) fn workgroup_bytes(&self) -> u32 {
        self.limits.max_compute_workgroup_storage_size
    }

    pub(crate) fn take_peak(&self) -> u64 {
        self.memory.take_peak()
    }

    /// A storage buffer of zeros (wgpu clears what is read before it is written).
    pub(crate) fn buffer(&self, bytes: u64) -> Result<GpuBuffer> {
        let bytes = bytes.next_multiple_of(4).max(4);
        let limit = self.max_buffer_bytes();
        if bytes > limit {
            return Err(Error::Memory {
                what: format!("one buffer on {}", self.info),
                needed_bytes: bytes,
                limit_bytes: limit,
                remedy: "work in slabs of Engine::max_buffer_len() values, or give --backend cpu".into(),
            });
        }
        let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC | wgpu::BufferUsages::COPY_DST;
        let raw = self.guarded("buffer", bytes, || self.raw_buffer(bytes, usage))?;
        Ok(GpuBuffer::new(raw, &self.memory))
    }

    /// A host's buffer, after a look at what it may be used for.
    pub(crate) fn adopt(&self, raw: wgpu::Buffer) -> Result<GpuBuffer> {
        let needed = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC | wgpu::BufferUsages::COPY_DST;
        let (usage, bytes) = (raw.usage(), raw.size());
        if !usage.contains(needed) || bytes % 4 != 0 || bytes > self.max_buffer_bytes() {
            return Err(Error::parameter(
                "wgpu buffer",
                format!("{bytes} bytes with {usage:?}"),
                &format!("whole words, at most {} bytes, with {needed:?}", self.max_buffer_bytes()),
                "make the buffer so, on the device the engine was given",
            ));
        }
        // A buffer of another device would be refused by the first call that uses it; better here.
        self.guarded("adopting a buffer", 0, || {
            let mut encoder = self.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
            encoder.clear_buffer(&raw, 0, Some(0));
            drop(encoder.finish());
        })?;
        Ok(GpuBuffer::new(raw, &self.memory))
    }

    pub(super) fn raw_buffer(&self, size: u64, usage: wgpu::BufferUsages) -> wgpu::Buffer {
        self.device.create_buffer(&wgpu::BufferDescriptor { label: None, size, usage, mapped_at_creation: false })
    }

    /// Writes bytes to the start of a buffer; a last part of a word is filled up with zeros.
    pub(crate) fn write(&self, buffer: &GpuBuffer, bytes: &[u8]) -> Result<()> {
        if bytes.len() as u64 > buffer.raw.size() {
            return Err(self.error(format!("{} bytes do not fit a buffer of {}", bytes.len(), buffer.raw.size())));
        }
        let (words, rest) = bytes.split_at(bytes.len() & !3);
        self.counters.uploaded(bytes.len() as u64);
        self.guarded("upload", bytes.len() as u64, || {
            self.queue.write_buffer(&buffer.raw, 0, words);
            if !rest.is_empty() {
                let mut last = [0; 4];
                last[..rest.len()].copy_from_slice(rest);
                self.queue.write_buffer(&buffer.raw, words.len() as u64, &last);
            }
        })
    }

    /// Copies all bytes of a buffer into another one, from `at` on.
    pub(crate) fn copy(&self, from: &GpuBuffer, to: &GpuBuffer, at: u64) -> Result<()> {
        self.counters.copied(from.raw.size());
        self.copy_raw(&from.raw, 0, &to.raw, at, from.raw.size()).map(|_| ())
    }

    pub(super) fn copy_raw(
        &self,
        from: &wgpu::Buffer,
        at: u64,
        to: &wgpu::Buffer,
        to_at: u64,
        bytes: u64,
    ) -> Result<wgpu::SubmissionIndex> {
        self.guarded("copy", bytes, || {
            let mut encoder = self.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
            encoder.copy_buffer_to_buffer(from, at, to, to_at, bytes);
            self.queue.submit([encoder.finish()])
        })
    }

    /// Waits until the device has done everything it was given.
    pub(crate) fn wait(&self) -> Result<()> {
        self.wait_for(None)
    }

    /// Waits until the device has done what it was given up to a submission, or everything.
    pub(super) fn wait_for(&self, submission_index: Option<wgpu::SubmissionIndex>) -> Result<()> {
        let wait = wgpu::PollType::Wait { submission_index, timeout: None };
        // wgpu 30 panics if the device is lost while it waits; a library must not take its caller down with it.
        let poll = std::panic::AssertUnwindSafe(|| self.device.poll(wait));
        let waited = std::panic::catch_unwind(poll);
        self.check()?;
        match waited {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(self.error(format!("waiting failed: {error}"))),
            Err(_) => Err(self.error("the device was lost while it was working".into())),
        }
    }

    /// Runs calls to wgpu and returns the error they raise, if any.
    pub(super) fn guarded<T>(&self, what: &str, bytes: u64, work: impl FnOnce() -> T) -> Result<T> {
        use wgpu::ErrorFilter::{Internal, OutOfMemory, Validation};
        let scopes = [OutOfMemory, Validation, Internal].map(|filter| self.device.push_error_scope(filter));
        let value = work();
        // Scopes end in the reverse order.
        let raised = scopes.into_iter().rev().filter_map(|scope| pollster::block_on(scope.pop())).last();
        match raised {
            Some(wgpu::Error::OutOfMemory { .. }) => {
                Err(self.error(format!("{what}: out of memory, {bytes} bytes more were asked for")))
            }
            Some(error) => Err(self.error(format!("{what}: {error}"))),
            None => self.check().map(|()| value),
        }
    }

    /// The fault noted since the device was opened; a device is not used again after one.
    fn check(&self) -> Result<()> {
        lock(&self.faults).clone().map_or(Ok(()), |fault| Err(self.error(fault)))
    }

    pub(super) fn error(&self, problem: String) -> Error {
        gpu_error(&self.info, problem)
    }
}

impl std::fmt::Debug for Gpu {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gpu").field("info", &self.info).finish_non_exhaustive()
    }
}

fn gpu_error(info: &AdapterInfo, problem: String) -> Error {
    let remedy = "update the driver, choose another adapter with --adapter, or give --backend cpu";
    Error::Gpu { adapter: info.to_string(), problem, remedy: remedy.into() }
}

#[cfg(test)]
mod tests {
    use crate::engine::adapters;
    use crate::engine::gpu::Gpu;
    use crate::error::Error;

    #[test]
    fn a_lost_device_is_an_error_in_every_call() {
        let Some((adapter, info)) = adapters::enumerate().pop() else {
            assert!(std::env::var("GEMMULE_GPU_TESTS").is_ok_and(|v| v == "skip"), "no adapter to test on");
            return;
        };
        let gpu = Gpu::open(&adapter, info).unwrap();
        let buffer = gpu.buffer(64).unwrap();
        gpu.lose();
        let mut out = [0; 64];
        let outcomes =
            [gpu.wait(), gpu.write(&buffer, &out), gpu.read(&buffer, 0, &mut out), gpu.buffer(64).map(|_| ())];
        for outcome in outcomes {
            assert!(matches!(outcome, Err(Error::Gpu { .. })), "{outcome:?}");
        }
    }
}
