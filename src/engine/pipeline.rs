//! A kernel built for one device with one set of constants.

use crate::engine::kernel_def::{Binding, KernelDef};

/// Whether a shader looks at every index and every round of its loops.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Checks {
    /// An index beyond a buffer is clamped, and a loop that does not end is cut off.
    On,
    /// Neither.
    Off,
}

impl Checks {
    /// Of gemmule's own kernels.
    pub(crate) const OF_OWN: Self = if cfg!(debug_assertions) { Self::On } else { Self::Off };
}

/// A pipeline and what it binds.
#[derive(Clone)]
pub(crate) struct Pipeline {
    pub(crate) raw: wgpu::ComputePipeline,
    pub(crate) layout: wgpu::BindGroupLayout,
}

impl Pipeline {
    /// Compiles; what goes wrong is raised as an error of the device.
    pub(crate) fn build(
        device: &wgpu::Device,
        kernel: &KernelDef,
        constants: &[(&'static str, f64)],
        checks: Checks,
    ) -> Self {
        let source = wgpu::ShaderSource::Wgsl(kernel.source.into());
        let module = module(device, wgpu::ShaderModuleDescriptor { label: Some(kernel.name), source }, checks);
        let entry = |(kind, binding): (&Binding, u32)| wgpu::BindGroupLayoutEntry {
            binding,
            visibility: wgpu::ShaderStages::COMPUTE,
            ty: wgpu::BindingType::Buffer {
                ty: match kind {
                    Binding::Uniform => wgpu::BufferBindingType::Uniform,
                    Binding::Read => wgpu::BufferBindingType::Storage { read_only: true },
                    Binding::ReadWrite => wgpu::BufferBindingType::Storage { read_only: false },
                },
                has_dynamic_offset: false,
                min_binding_size: None,
            },
            count: None,
        };
        let entries: Vec<_> = kernel.bindings.iter().zip(0..).map(entry).collect();
        let layout = device
            .create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor { label: Some(kernel.name), entries: &entries });
        let pipeline_layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label: Some(kernel.name),
            bind_group_layouts: &[Some(&layout)],
            immediate_size: 0,
        });
        let raw = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: Some(kernel.name),
            layout: Some(&pipeline_layout),
            module: &module,
            entry_point: Some(kernel.entry),
            // Kernels write what they read of workgroup memory.
            compilation_options: wgpu::PipelineCompilationOptions {
                constants,
                zero_initialize_workgroup_memory: false,
            },
            cache: None,
        });
        Self { raw, layout }
    }
}

#[allow(unsafe_code, reason = "checks of indices and loops cost speed, and wgpu calls leaving them out unsafe")]
fn module(device: &wgpu::Device, shader: wgpu::ShaderModuleDescriptor<'_>, checks: Checks) -> wgpu::ShaderModule {
    match checks {
        Checks::On => device.create_shader_module(shader),
        // SAFETY: only kernels of this crate come here. Their Rust side asserts that buffers are as long as the uniforms say and that radii have taps, their
        // shaders clamp coordinates to the volume, all their loops count to a number, and the same shaders pass the tests with checks.
        Checks::Off => unsafe { device.create_shader_module_trusted(shader, wgpu::ShaderRuntimeChecks::unchecked()) },
    }
}
