//! What a device can do at most, measured in the same run: a copy, and arithmetic on what it holds.

use rayon::prelude::*;

use crate::engine::Engine;
use crate::error::Result;
use crate::kernel::multiply_add::MultiplyAdd;
use crate::pipeline::bench::median;
use crate::pipeline::bench::report::Roofs;

/// Values that arithmetic is done on: they stay in a cache, and are enough for every lane of a large GPU.
const VALUES: u32 = 1 << 20;

/// Values that are copied, 256 MB: more than the caches of most machines, and enough for one run to give what another gives within a third.
const COPIED: usize = 1 << 26;

/// Rounds of 64 steps on the CPU, and on a GPU, which does far more at once.
const ROUNDS: [u32; 2] = [16, 256];

/// Roofs of an engine.
///
/// # Errors
/// [`crate::error::Error::Memory`] or [`crate::error::Error::Gpu`] if the device fails.
pub(super) fn measure(engine: &Engine) -> Result<Roofs> {
    let len = COPIED.min(engine.max_buffer_len());
    let on_gpu = engine.adapter().is_some();
    let copy_gb_per_s = if on_gpu { gpu_copy(engine, len)? } else { cpu_copy(len)? };
    let kernel = MultiplyAdd { len: VALUES, rounds: ROUNDS[usize::from(on_gpu)], factor: 0.5, term: 1.0 };
    let mut values = engine.buffer(VALUES as usize)?;
    let seconds = median(|| kernel.run(engine, &mut values), || engine.wait())?;
    Ok(Roofs { copy_gb_per_s, arithmetic_gop_per_s: kernel.work().operations as f64 / seconds / 1e9 })
}

fn gpu_copy(engine: &Engine, len: usize) -> Result<f64> {
    let from = engine.buffer(len)?;
    let mut to = engine.buffer(len)?;
    let seconds = median(|| engine.copy(&from, &mut to, 0), || engine.wait())?;
    Ok(8.0 * len as f64 / seconds / 1e9)
}

fn cpu_copy(len: usize) -> Result<f64> {
    let from = vec![1.0_f32; len];
    let mut to = vec![0.0_f32; len];
    let copy = || {
        to.par_chunks_mut(1 << 16).zip(from.par_chunks(1 << 16)).for_each(|(to, from)| to.copy_from_slice(from));
        Ok(())
    };
    Ok(8.0 * len as f64 / median(copy, || Ok(()))? / 1e9)
}
