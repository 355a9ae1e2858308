//! A tiny kernel with a known answer: drivers that list an adapter but cannot compute on it are found here.

use crate::engine::Buffer;
use crate::engine::gpu::Gpu;
use crate::engine::kernel_def::{Binding, KernelDef, Launch};
use crate::engine::pipeline::Checks;
use crate::error::{Error, Result};

const KERNEL: KernelDef = KernelDef {
    name: "self_test",
    source: "
@group(0) @binding(0) var<storage, read_write> values: array<f32>;
var<workgroup> shared_values: array<f32, 64>;
// Each value is that of the lane on the other side, through workgroup memory, tripled, plus a half.
@compute @workgroup_size(64)
fn self_test(@builtin(local_invocation_index) lane: u32) {
    shared_values[lane] = values[lane];
    workgroupBarrier();
    values[lane] = shared_values[63u - lane] * 3.0 + 0.5;
}
",
    entry: "self_test",
    bindings: &[Binding::ReadWrite],
};

pub(crate) fn run(gpu: &Gpu) -> Result<()> {
    let values: Vec<f32> = (0..64).map(|v| v as f32).collect();
    let buffer = gpu.buffer(256)?;
    gpu.write(&buffer, bytemuck::cast_slice(&values))?;
    let buffer = Buffer::Gpu(buffer);
    let launch =
        Launch { constants: &[], uniforms: &[], buffers: &[&buffer], groups: 1, invocations: 64, workgroup_bytes: 256 };
    gpu.dispatch(&KERNEL, &launch, Checks::On)?;
    let mut found = vec![0.0_f32; 64];
    if let Buffer::Gpu(buffer) = &buffer {
        gpu.read(buffer, 0, bytemuck::cast_slice_mut(&mut found))?;
    }
    if found.iter().zip(values.iter().rev()).all(|(found, v)| *found == v * 3.0 + 0.5) {
        return Ok(());
    }
    Err(Error::Gpu {
        adapter: gpu.info.to_string(),
        problem: "a kernel with a known answer gave another one".into(),
        remedy: "update the driver, choose another adapter with --adapter, or give --backend cpu".into(),
    })
}
