//! Kernels on a device: checked against its limits, bound, run, counted, and timed where that is wanted.

use crate::engine::Buffer;
use crate::engine::clock::Clock;
use crate::engine::gpu::{Gpu, lock};
use crate::engine::kernel_def::{Binding, KernelDef, Launch};
use crate::engine::pipeline::{Checks, Pipeline};
use crate::engine::traffic::Traffic;
use crate::error::{Error, Result};

impl Gpu {
    /// Runs a kernel.
    pub(crate) fn dispatch(&self, kernel: &KernelDef, launch: &Launch<'_>, checks: Checks) -> Result<()> {
        let groups = self.groups(kernel, launch)?;
        let pipeline = self.pipeline(kernel, launch.constants, checks)?;
        let buffers = self.bindings(kernel, launch)?;
        self.counters.dispatched(kernel.entry, buffers.iter().map(|buffer| buffer.size()).sum());
        let mut clock = lock(&self.clock);
        self.guarded(kernel.name, 0, || {
            let uniform = |bytes: &&[u8]| {
                let usage = wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST;
                let buffer = self.raw_buffer(bytes.len() as u64, usage);
                self.queue.write_buffer(&buffer, 0, bytes);
                buffer
            };
            let uniforms: Vec<wgpu::Buffer> = launch.uniforms.iter().map(uniform).collect();
            let (mut uniforms, mut buffers) = (uniforms.iter(), buffers.iter().copied());
            let entries: Vec<wgpu::BindGroupEntry<'_>> = kernel
                .bindings
                .iter()
                .zip(0..)
                .filter_map(|(kind, binding)| {
                    let buffer = if *kind == Binding::Uniform { uniforms.next() } else { buffers.next() };
                    buffer.map(|b| wgpu::BindGroupEntry { binding, resource: b.as_entire_binding() })
                })
                .collect();
            let layout = &pipeline.layout;
            let group =
                self.device.create_bind_group(&wgpu::BindGroupDescriptor { label: None, layout, entries: &entries });
            let mut encoder = self.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
            let timestamp_writes = clock.as_mut().and_then(|clock| clock.next(kernel.entry));
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor { label: None, timestamp_writes });
            pass.set_pipeline(&pipeline.raw);
            pass.set_bind_group(0, &group, &[]);
            pass.dispatch_workgroups(groups[0], groups[1], 1);
            drop(pass);
            self.queue.submit([encoder.finish()]);
        })
    }

    fn bindings<'a>(&self, kernel: &KernelDef, launch: &Launch<'a>) -> Result<Vec<&'a wgpu::Buffer>> {
        let uniforms = kernel.bindings.iter().filter(|b| **b == Binding::Uniform).count();
        if uniforms != launch.uniforms.len() || kernel.bindings.len() - uniforms != launch.buffers.len() {
            return Err(self.error(format!("{}: not as many buffers as bindings", kernel.name)));
        }
        let raw = |buffer: &&'a Buffer| match *buffer {
            Buffer::Gpu(buffer) => Ok(&buffer.raw),
            Buffer::Cpu(_) => Err(self.error(format!("{}: a buffer lies in memory, not on the device", kernel.name))),
        };
        launch.buffers.iter().map(raw).collect()
    }

    /// Workgroups along two dimensions: one alone ends at 65535 on most devices.
    fn groups(&self, kernel: &KernelDef, launch: &Launch<'_>) -> Result<[u32; 2]> {
        let most = u64::from(self.limits.max_compute_workgroups_per_dimension);
        let x = launch.groups.clamp(1, most);
        let y = launch.groups.div_ceil(x).max(1);
        let limits = [
            ("workgroups", launch.groups, most * most),
            (
                "invocations",
                u64::from(launch.invocations),
                u64::from(self.limits.max_compute_invocations_per_workgroup),
            ),
            ("invocations along x", u64::from(launch.invocations), u64::from(self.limits.max_compute_workgroup_size_x)),
            ("bytes of workgroup memory", u64::from(launch.workgroup_bytes), u64::from(self.workgroup_bytes())),
        ];
        for (what, wanted, allowed) in limits {
            if wanted > allowed {
                return Err(self.error(format!("{} needs {wanted} {what}, the device has {allowed}", kernel.name)));
            }
        }
        Ok([x as u32, y as u32])
    }

    fn pipeline(&self, kernel: &KernelDef, constants: &[(&'static str, f64)], checks: Checks) -> Result<Pipeline> {
        let bits = constants.iter().map(|&(name, value)| (name, value.to_bits())).collect();
        let key = (kernel.name, kernel.entry, checks, bits);
        // The lock is kept while building, so that two threads never build the same pipeline.
        let mut pipelines = lock(&self.pipelines);
        if let Some(pipeline) = pipelines.get(&key) {
            return Ok(pipeline.clone());
        }
        let built = self.guarded(kernel.name, 0, || Pipeline::build(&self.device, kernel, constants, checks)).map_err(
            |error| match error {
                Error::Gpu { problem, .. } => self.error(format!("{problem}\n{}", kernel.numbered_source())),
                other => other,
            },
        )?;
        pipelines.insert(key, built.clone());
        Ok(built)
    }

    /// Starts or stops timing kernels; false if the device has no clock.
    pub(crate) fn time_kernels(&self, on: bool) -> bool {
        let timed = on && self.device.features().contains(wgpu::Features::TIMESTAMP_QUERY);
        *lock(&self.clock) = timed.then(|| Clock::new(&self.device, &self.queue));
        timed
    }

    /// What was done since the last call, with the seconds of kernels that were timed.
    pub(crate) fn take_traffic(&self) -> Result<Traffic> {
        let mut traffic = self.counters.take();
        let mut clock = lock(&self.clock);
        let Some(clock) = clock.as_mut() else { return Ok(traffic) };
        let resolved = self.guarded("clock", 0, || {
            let mut encoder = self.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
            let resolved = clock.resolve(&mut encoder);
            self.queue.submit([encoder.finish()]);
            resolved.map(|(buffer, values)| (buffer.clone(), values))
        })?;
        let mut ticks = Vec::new();
        if let Some((buffer, values)) = resolved {
            ticks.resize(values, 0_u64);
            self.read_raw(&buffer, 0, bytemuck::cast_slice_mut(&mut ticks))?;
        }
        for (entry, seconds) in clock.seconds(&ticks) {
            if let Some(kernel) = traffic.kernels.get_mut(entry) {
                kernel.seconds = seconds;
            }
        }
        Ok(traffic)
    }
}
