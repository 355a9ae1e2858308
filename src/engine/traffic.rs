//! What an engine ran and moved, counted where it happens, so that the bytes of a design need not be believed.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::engine::Engine;
use crate::error::Result;

/// Bytes and arithmetic of one run of a kernel: its input and output moved once each, and every addition, multiplication, division, root and comparison of its
/// formula, counted by hand beside it.
///
/// ```
/// use gemmule::kernel::Slab;
/// use gemmule::kernel::smooth_z::SmoothZ;
/// let kernel = SmoothZ { slab: Slab::of_planes(9, 4, 5, 3, 2, 1), radius: 1, padding: [0; 3], taps: [0.0; 36] };
/// let work = kernel.work();
/// assert_eq!((work.bytes_read, work.bytes_written), (4 * 80, 4 * 40)); // four planes in, two planes out
/// assert_eq!(work.operations, 40 * 4); // a multiplication for the centre; two additions and one multiplication for both sides
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Work {
    /// Bytes of the input.
    pub bytes_read: u64,
    /// Bytes of the output.
    pub bytes_written: u64,
    /// Arithmetic.
    pub operations: u64,
}

impl Work {
    /// Bytes in and out. See the example of [`Work`].
    pub fn bytes(&self) -> u64 {
        self.bytes_read + self.bytes_written
    }
}

/// All runs of one kernel. See the example of [`Traffic`].
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct KernelTraffic {
    /// How often it ran.
    pub runs: u64,
    /// Work of all runs.
    pub work: Work,
    /// Bytes of the buffers bound by all dispatches, each once: what [`Work`] says has to agree with it. 0 on the CPU.
    pub bound_bytes: u64,
    /// Seconds of all runs by the device's own clock; none unless every run was timed, see [`Engine::time_kernels`].
    pub seconds: Option<f64>,
}

/// What an engine did since it was last asked.
///
/// ```
/// use gemmule::engine::{Backend, Engine};
/// use gemmule::kernel::Slab;
/// use gemmule::kernel::smooth_z::SmoothZ;
/// let engine = Engine::new(Backend::Auto)?;
/// let input = engine.upload(&[1.0; 20])?;
/// let mut output = engine.buffer(20)?;
/// let kernel = SmoothZ { slab: Slab::whole(1, 4, 5), radius: 0, padding: [0; 3], taps: [1.0; 36] };
/// kernel.run(&engine, &input, &mut output)?;
/// let traffic = engine.take_traffic()?;
/// let smooth_z = traffic.kernels["smooth_z"];
/// assert_eq!((smooth_z.runs, smooth_z.work.bytes()), (1, 160));
/// let on_a_gpu = u64::from(engine.adapter().is_some());
/// assert_eq!((traffic.dispatches, traffic.uploaded_bytes), (on_a_gpu, 80 * on_a_gpu));
/// assert!(engine.take_traffic()?.kernels.is_empty());
/// # Ok::<(), gemmule::error::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Traffic {
    /// By entry point, which is the name of the kernel where it has one only.
    pub kernels: BTreeMap<&'static str, KernelTraffic>,
    /// Dispatches given to the device; 0 on the CPU.
    pub dispatches: u64,
    /// Bytes brought to the device, less parameters of kernels.
    pub uploaded_bytes: u64,
    /// Bytes brought back from it.
    pub read_back_bytes: u64,
    /// Bytes copied on the device, each read and written.
    pub copied_bytes: u64,
}

impl Traffic {
    /// Work of all kernels. See the example of [`Traffic`].
    pub fn work(&self) -> Work {
        self.kernels.values().fold(Work::default(), |sum, kernel| sum.plus(kernel.work))
    }
}

impl Work {
    fn plus(self, other: Self) -> Self {
        Self {
            bytes_read: self.bytes_read + other.bytes_read,
            bytes_written: self.bytes_written + other.bytes_written,
            operations: self.operations + other.operations,
        }
    }
}

impl Engine {
    /// Counts a run of a kernel.
    pub(crate) fn count(&self, entry: &'static str, work: Work) {
        self.counters.run(entry, work);
    }

    /// What was run and moved since the last call, by this engine and its clones. See the example of [`Traffic`].
    ///
    /// # Errors
    /// [`crate::error::Error::Gpu`] if the device fails while its clock is read.
    pub fn take_traffic(&self) -> Result<Traffic> {
        self.gpu.as_ref().map_or_else(|| Ok(self.counters.take()), |gpu| gpu.take_traffic())
    }

    /// Starts or stops timing every kernel by the device's own clock, for [`KernelTraffic::seconds`]; false where there is none: on the CPU, and on devices without
    /// `TIMESTAMP_QUERY`. Of more than 2048 runs between two calls of [`Engine::take_traffic`] the rest is not timed, and their kernels have no time.
    ///
    /// ```
    /// use gemmule::engine::{Backend, Engine};
    /// assert!(!Engine::new(Backend::Cpu)?.time_kernels(true));
    /// # Ok::<(), gemmule::error::Error>(())
    /// ```
    pub fn time_kernels(&self, on: bool) -> bool {
        self.gpu.as_ref().is_some_and(|gpu| gpu.time_kernels(on))
    }
}

/// What is counted so far, shared by an engine and its device.
#[derive(Debug, Default)]
pub(crate) struct Counters(Mutex<Traffic>);

impl Counters {
    fn traffic(&self) -> MutexGuard<'_, Traffic> {
        // Sums are whole whenever the lock is free, also after a panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn run(&self, entry: &'static str, work: Work) {
        let mut traffic = self.traffic();
        let kernel = traffic.kernels.entry(entry).or_default();
        kernel.runs += 1;
        kernel.work = kernel.work.plus(work);
    }

    pub(crate) fn dispatched(&self, entry: &'static str, bound_bytes: u64) {
        let mut traffic = self.traffic();
        traffic.dispatches += 1;
        traffic.kernels.entry(entry).or_default().bound_bytes += bound_bytes;
    }

    pub(crate) fn uploaded(&self, bytes: u64) {
        self.traffic().uploaded_bytes += bytes;
    }

    pub(crate) fn read_back(&self, bytes: u64) {
        self.traffic().read_back_bytes += bytes;
    }

    pub(crate) fn copied(&self, bytes: u64) {
        self.traffic().copied_bytes += bytes;
    }

    pub(crate) fn take(&self) -> Traffic {
        std::mem::take(&mut self.traffic())
    }
}
