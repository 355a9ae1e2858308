//! As much arithmetic as a device does while it moves nothing: the roof of kernels that memory does not hold back.
//!
//! Of every value v eight sums s_j = v + j take 8 `rounds` steps s = s factor + term each; the value becomes their sum. A processor that fuses a multiplication with
//! an addition may do so in the shader; the twin never does, as no twin does.

use bytemuck::{Pod, Zeroable};
use rayon::prelude::*;

use crate::engine::{Binding, Buffer, Engine, KernelDef, Launch, Work, wgsl};
use crate::error::Result;
use crate::kernel::prelude;

/// Largest difference of a GPU from the twin, relative to the largest of values, 7 and |term / (1 - factor)|, for a factor of 0 to 1/2: each of the eight sums rounds twice
/// a step, of which at most twice that is kept, and then they are added.
pub const TOLERANCE: f32 = 8.0 * 8.0 * f32::EPSILON;

/// The shader.
pub const KERNEL: KernelDef = KernelDef {
    name: "multiply_add",
    source: wgsl!("prelude.wgsl", "multiply_add.wgsl"),
    entry: "multiply_add",
    bindings: &[Binding::Uniform, Binding::ReadWrite],
};

/// Sums of every value.
const SUMS: usize = 8;
/// Steps of a round.
const STEPS: usize = 8;
/// Values done at once on the CPU.
const LANES: usize = 16;

/// Uniform of the shader.
///
/// ```
/// use gemmule::engine::{Backend, Engine};
/// use gemmule::kernel::multiply_add::MultiplyAdd;
/// let kernel = MultiplyAdd { len: 3, rounds: 10, factor: 0.5, term: 1.0 };
/// let engine = Engine::new(Backend::Cpu)?;
/// let mut values = engine.upload(&[0.0, 5.0, -5.0])?;
/// kernel.run(&engine, &mut values)?;
/// let mut found = [0.0; 3];
/// engine.read(&values, &mut found)?;
/// assert_eq!(found, [16.0; 3]); // all eight sums of each have come to 2
/// assert_eq!(kernel.work().operations, 3 * (8 * (8 * 10 * 2 + 1) + 7));
/// # Ok::<(), gemmule::error::Error>(())
/// ```
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
pub struct MultiplyAdd {
    /// Number of values.
    pub len: u32,
    /// Rounds of eight steps.
    pub rounds: u32,
    /// What a sum is multiplied with.
    pub factor: f32,
    /// What is added then.
    pub term: f32,
}

impl MultiplyAdd {
    /// Runs on the engine's device. See the example of [`MultiplyAdd`].
    ///
    /// # Errors
    /// [`crate::error::Error::Gpu`] if the device fails.
    ///
    /// # Panics
    /// If the buffer is not as long as it says.
    pub fn run(&self, engine: &Engine, values: &mut Buffer) -> Result<()> {
        engine.count(KERNEL.entry, self.work());
        if let Buffer::Cpu(values) = values {
            self.cpu(values);
            return Ok(());
        }
        assert!(values.len() == self.len as usize, "the buffer is as long as it says");
        let launch = Launch {
            constants: &[],
            uniforms: &[bytemuck::bytes_of(self)],
            buffers: &[values],
            groups: u64::from(self.len).div_ceil(256),
            invocations: 256,
            workgroup_bytes: 0,
        };
        engine.dispatch_own(&KERNEL, &launch)
    }

    /// Bytes and arithmetic of one run. See the example of [`MultiplyAdd`].
    pub fn work(&self) -> Work {
        let (len, sums) = (u64::from(self.len), SUMS as u64);
        // Each sum starts with an addition, and all but one are added to another in the end.
        let operations = len * (sums * (2 * STEPS as u64 * u64::from(self.rounds) + 1) + sums - 1);
        Work { bytes_read: 4 * len, bytes_written: 4 * len, operations }
    }

    /// CPU twin. See the example of [`MultiplyAdd`].
    ///
    /// # Panics
    /// If the buffer is not as long as it says.
    pub fn cpu(&self, values: &mut [f32]) {
        assert!(values.len() == self.len as usize, "the buffer is as long as it says");
        values.par_chunks_mut(LANES).for_each(|values| prelude::vectorised(Steps { kernel: self, values }));
    }
}

/// Some values.
struct Steps<'a> {
    kernel: &'a MultiplyAdd,
    values: &'a mut [f32],
}

impl pulp::WithSimd for Steps<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) {
        let Self { kernel, values } = self;
        let mut sums = [0.0; SUMS * LANES];
        for j in 0..SUMS {
            for (i, value) in values.iter().enumerate() {
                sums[j * LANES + i] = value + j as f32;
            }
        }
        for _ in 0..STEPS as u64 * u64::from(kernel.rounds) {
            for sum in &mut sums {
                *sum = *sum * kernel.factor + kernel.term;
            }
        }
        for (i, value) in values.iter_mut().enumerate() {
            // As the shader adds them: the fifth to the first, and so on.
            let pair = |j: usize| sums[j * LANES + i] + sums[(j + SUMS / 2) * LANES + i];
            *value = pair(0) + pair(1) + pair(2) + pair(3);
        }
    }
}
