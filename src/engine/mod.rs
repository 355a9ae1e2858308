//! Adapter, device, buffers, dispatch: where kernels run.

mod adapters;
mod buffer;
mod clock;
mod dispatch;
mod gpu;
mod kernel_def;
mod large_pages;
mod pipeline;
mod read_back;
mod self_test;
mod traffic;
mod transfer;

pub use adapters::AdapterInfo;
pub use buffer::{Buffer, GpuBuffer, HostValues};
pub(crate) use kernel_def::wgsl;
pub use kernel_def::{Binding, KernelDef, Launch};
pub(crate) use pipeline::Checks;
pub(crate) use read_back::Reading;
pub use traffic::{KernelTraffic, Traffic, Work};

/// The version of wgpu that [`Engine::on_device`] and [`Engine::adopt`] speak.
pub use wgpu;

use std::sync::Arc;

use crate::error::{Error, Result};
use gpu::Gpu;
use traffic::Counters;

/// Where kernels run.
///
/// ```
/// use gemmule::engine::{Backend, Engine};
/// assert!(Engine::new(Backend::Cpu)?.adapter().is_none());
/// let named = Backend::Gpu { adapter: Some("no such adapter".into()) };
/// assert!(Engine::new(named).is_err());
/// # Ok::<(), gemmule::error::Error>(())
/// ```
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

/// Values in a slab on a GPU: 64 MiB take well under a second even on a slow one, whose driver would else reset it.
const MAX_SLAB_LEN: u64 = 16 << 20;

/// Runs kernels on one adapter or on the CPU.
///
/// ```
/// use gemmule::engine::{Backend, Engine};
/// let engine = Engine::new(Backend::Auto)?;
/// println!("{}", engine.describe());
/// let buffer = engine.upload(&[1.0, 2.0])?;
/// let mut values = [0.0; 2];
/// engine.read(&buffer, &mut values)?;
/// assert_eq!(values, [1.0, 2.0]);
/// # Ok::<(), gemmule::error::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Engine {
    gpu: Option<Arc<Gpu>>,
    description: String,
    slab_len: Option<usize>,
    counters: Arc<Counters>,
}

impl Engine {
    /// An engine on the backend asked for. Of several adapters that fit the first that passes a self-test is taken, discrete
    /// before integrated before virtual ones, then by name. See the example of [`Engine`].
    ///
    /// # Errors
    /// [`Error::Gpu`] if a GPU was asked for and none works; it lists the adapters found.
    pub fn new(backend: Backend) -> Result<Self> {
        match backend {
            Backend::Cpu => Ok(Self::on_cpu("as asked for")),
            Backend::Gpu { adapter } => Self::on_gpu(adapter.as_deref()),
            Backend::Auto => Ok(Self::on_gpu(None).unwrap_or_else(|error| Self::on_cpu(&because(error)))),
        }
    }

    fn on_cpu(why: &str) -> Self {
        let slow = if fuses() { "" } else { " without fused multiply-add: the filters are many times slower" };
        let description = format!("CPU, {} threads{slow}: {why}", rayon::current_num_threads());
        Self { gpu: None, slab_len: None, description, counters: Arc::default() }
    }

    fn on_gpu(name: Option<&str>) -> Result<Self> {
        let mut failures = Vec::new();
        for (adapter, info) in adapters::matching(adapters::enumerate(), name)? {
            match Gpu::open(&adapter, info) {
                Ok(gpu) => {
                    let why = if name.is_some() { "as named" } else { "the first hardware adapter that works" };
                    let description = format!("GPU {}: {why}", gpu.info);
                    return Ok(Self::with_device(gpu, description));
                }
                Err(error) => failures.push(error),
            }
        }
        let problem = failures.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
        Err(Error::Gpu {
            adapter: name.unwrap_or("hardware").into(),
            problem,
            remedy: "no adapter that fits works; give --backend cpu".into(),
        })
    }

    /// An engine on a device that the host application owns; the host goes on using it, also at the same time.
    ///
    /// Needs no feature of the device; with larger limits (`max_storage_buffer_binding_size`) slabs are larger. The host's error handlers are left alone.
    /// `examples/own_device.rs` shows the whole way.
    ///
    /// ```
    /// use gemmule::engine::{Buffer, Engine, wgpu};
    /// let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle());
    /// let Ok(adapter) = pollster::block_on(instance.request_adapter(&wgpu::RequestAdapterOptions::default())) else {
    ///     return Ok(()); // a machine without any GPU or driver
    /// };
    /// let (device, queue) = pollster::block_on(adapter.request_device(&wgpu::DeviceDescriptor::default()))?;
    /// let engine = Engine::on_device(device.clone(), queue.clone())?;
    ///
    /// let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC | wgpu::BufferUsages::COPY_DST;
    /// let descriptor = wgpu::BufferDescriptor { label: None, size: 8, usage, mapped_at_creation: false };
    /// let mine = device.create_buffer(&descriptor);
    /// queue.write_buffer(&mine, 0, bytemuck::cast_slice(&[1.5f32, 2.5]));
    /// let adopted = engine.adopt(mine)?;
    /// let mut values = [0.0; 2];
    /// engine.read(&adopted, &mut values)?;
    /// assert_eq!(values, [1.5, 2.5]);
    /// let Buffer::Gpu(buffer) = adopted else { return Err("it is on the device".into()) };
    /// assert_eq!(buffer.wgpu().size(), 8);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Gpu`] if the device fails a self-test.
    pub fn on_device(device: wgpu::Device, queue: wgpu::Queue) -> Result<Self> {
        let gpu = Gpu::of_host(device, queue)?;
        let description = format!("GPU {}: the host's own device", gpu.info);
        Ok(Self::with_device(gpu, description))
    }

    fn with_device(gpu: Gpu, description: String) -> Self {
        let counters = Arc::clone(&gpu.counters);
        Self { gpu: Some(Arc::new(gpu)), description, slab_len: None, counters }
    }

    /// Takes over a buffer of the engine's own device, without a copy. It must come from the same `wgpu::Instance`: wgpu cannot tell those of another one.
    /// See the example of [`Engine::on_device`].
    ///
    /// # Errors
    /// [`Error::Parameter`] for a buffer without the usages `STORAGE`, `COPY_SRC` and `COPY_DST`, of broken words, or too large to bind; [`Error::Gpu`] for one of
    /// another device, or an engine on the CPU.
    pub fn adopt(&self, buffer: wgpu::Buffer) -> Result<Buffer> {
        Ok(Buffer::Gpu(self.device()?.adopt(buffer)?))
    }

    /// Gives the device up as if its driver had been reset: every later call is an error. To test what a program does then; nothing happens on the CPU.
    ///
    /// ```
    /// use gemmule::engine::{Backend, Engine};
    /// let engine = Engine::new(Backend::Auto)?;
    /// engine.lose_device();
    /// assert_eq!(engine.upload(&[1.0]).is_err(), engine.adapter().is_some());
    /// # Ok::<(), gemmule::error::Error>(())
    /// ```
    pub fn lose_device(&self) {
        if let Some(gpu) = &self.gpu {
            gpu.lose();
        }
    }

    /// All adapters, in the order in which they are tried. See the example of [`AdapterInfo`].
    pub fn adapters() -> Vec<AdapterInfo> {
        adapters::enumerate().into_iter().map(|(_, info)| info).collect()
    }

    /// The adapter in use; none on the CPU. See the example of [`Backend`].
    pub fn adapter(&self) -> Option<&AdapterInfo> {
        self.gpu.as_ref().map(|gpu| &gpu.info)
    }

    /// One line: adapter and driver and why it was chosen, or why the CPU. See the example of [`Engine`].
    pub fn describe(&self) -> String {
        self.description.clone()
    }

    /// The same engine with slabs of at most `len` f32 values, or the fewest planes a filter needs: the smaller, the less memory, and the more work is done twice
    /// at their borders. The results are the same.
    ///
    /// ```
    /// use gemmule::engine::{Backend, Engine};
    /// let engine = Engine::new(Backend::Cpu)?.with_max_buffer_len(1 << 20);
    /// assert_eq!(engine.max_buffer_len(), 1 << 20);
    /// # Ok::<(), gemmule::error::Error>(())
    /// ```
    #[must_use]
    pub fn with_max_buffer_len(self, len: usize) -> Self {
        Self { slab_len: Some(len.max(1)), ..self }
    }

    /// Whether slabs are to be no larger than was said, at any price.
    pub(crate) fn limits_slabs(&self) -> bool {
        self.slab_len.is_some()
    }

    /// Most f32 values one buffer should hold: volumes go through in slabs of planes no larger than that. See the example of [`Engine::with_max_buffer_len`].
    pub fn max_buffer_len(&self) -> usize {
        match &self.gpu {
            // On the CPU a slab that stays small keeps the peak memory low; what a plane needs is always allowed.
            None => self.slab_len.unwrap_or(1 << 23),
            // Half of the limit leaves room for a halo.
            Some(gpu) => {
                let most = (gpu.max_buffer_bytes() / 8).clamp(1, MAX_SLAB_LEN) as usize;
                self.slab_len.map_or(most, |len| len.min(most))
            }
        }
    }

    /// Most f32 values one buffer can hold at all.
    ///
    /// ```
    /// use gemmule::engine::{Backend, Engine};
    /// let engine = Engine::new(Backend::Auto)?;
    /// assert!(engine.max_buffer_len() <= engine.buffer_limit());
    /// # Ok::<(), gemmule::error::Error>(())
    /// ```
    pub fn buffer_limit(&self) -> usize {
        self.gpu.as_ref().map_or(isize::MAX as usize / 8, |gpu| (gpu.max_buffer_bytes() / 4) as usize)
    }

    /// Most bytes of one upload, and of workgroup memory; none on the CPU.
    pub(crate) fn gpu_limits(&self) -> Option<(u64, u32)> {
        self.gpu.as_ref().map(|gpu| (gpu.max_buffer_bytes(), gpu.workgroup_bytes()))
    }

    /// Runs a kernel on the device.
    ///
    /// ```
    /// use gemmule::engine::{Backend, Binding, Engine, KernelDef, Launch};
    /// const TWICE: KernelDef = KernelDef {
    ///     name: "twice",
    ///     source: "@group(0) @binding(0) var<storage, read_write> values: array<f32>;
    /// @compute @workgroup_size(64) fn twice(@builtin(global_invocation_id) id: vec3<u32>) {
    ///     if (id.x < arrayLength(&values)) { values[id.x] *= 2.0; }
    /// }",
    ///     entry: "twice",
    ///     bindings: &[Binding::ReadWrite],
    /// };
    /// let Some(adapter) = Engine::adapters().into_iter().next() else {
    ///     return Ok(()); // a machine without any GPU or driver
    /// };
    /// let engine = Engine::new(Backend::Gpu { adapter: Some(adapter.name) })?;
    /// let buffer = engine.upload(&[1.0, 2.0])?;
    /// let launch = Launch { constants: &[], uniforms: &[], buffers: &[&buffer], groups: 1, invocations: 64, workgroup_bytes: 0 };
    /// engine.dispatch(&TWICE, &launch)?;
    /// let mut values = [0.0; 2];
    /// engine.read(&buffer, &mut values)?;
    /// assert_eq!(values, [2.0, 4.0]);
    /// # Ok::<(), gemmule::error::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Gpu`] if the device fails, a limit is exceeded, or a buffer is not on it.
    pub fn dispatch(&self, kernel: &KernelDef, launch: &Launch<'_>) -> Result<()> {
        self.device()?.dispatch(kernel, launch, Checks::On)
    }

    /// Runs one of gemmule's own kernels, which has checked that its buffers are as long as it says. Programs built for release leave out the checks of every index
    /// and every round of a loop; others, and with them all tests, keep them.
    pub(crate) fn dispatch_own(&self, kernel: &KernelDef, launch: &Launch<'_>) -> Result<()> {
        self.device()?.dispatch(kernel, launch, Checks::OF_OWN)
    }

    /// Waits until everything that was started is done, so that it can be timed. See the example of [`Engine::buffer`].
    ///
    /// # Errors
    /// [`Error::Gpu`] if the device fails.
    pub fn wait(&self) -> Result<()> {
        self.gpu.as_ref().map_or(Ok(()), |gpu| gpu.wait())
    }

    fn device(&self) -> Result<&Gpu> {
        self.gpu.as_deref().ok_or_else(|| elsewhere("the engine runs on the CPU, and the buffer is on a GPU"))
    }
}

fn elsewhere(problem: &str) -> Error {
    Error::Gpu {
        adapter: "none".into(),
        problem: problem.into(),
        remedy: "use each buffer with the engine that made it".into(),
    }
}

fn because(error: Error) -> String {
    match error {
        Error::Gpu { problem, .. } => format!("no hardware GPU ({problem})"),
        other => other.to_string(),
    }
}

/// Whether the processor multiplies and adds in one instruction, as the filters do all the time; without it each is a call.
fn fuses() -> bool {
    #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
    return std::arch::is_x86_feature_detected!("fma");
    #[cfg(not(any(target_arch = "x86", target_arch = "x86_64")))]
    true
}
