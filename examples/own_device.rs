//! On the GPU of a host that has its own wgpu device: the stack is a buffer of the host, and the map stays there for it.
//!
//! `cargo run --release --example own_device`

use gemmule::engine::{Buffer, Engine, wgpu};
use gemmule::error::Result;
use gemmule::filter::noise;
use gemmule::filter::ridge::{RidgeParams, ridge_on_device};
use gemmule::kernel::convert::{DeviceStack, VoxelKind};
use gemmule::phantom::{self, PhantomParams};
use gemmule::progress::Silent;
use gemmule::volume::Voxels;

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let (device, queue) = host_device()?;
    let small = PhantomParams::default().planes(12)?.rows(128)?.columns(192)?.seed(7)?;
    let stack = phantom::stack(&small, &mut Silent)?.stack;
    let noise = noise::estimate(&stack.voxels)?;
    let Voxels::U16(volume) = &stack.voxels else { return Err("phantoms are 16 bit".into()) };

    // The host's own buffer, filled in its own way.
    let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC | wgpu::BufferUsages::COPY_DST;
    let bytes: Vec<u8> = volume.as_slice().iter().flat_map(|v| v.to_le_bytes()).collect();
    let descriptor = wgpu::BufferDescriptor { label: None, size: bytes.len() as u64, usage, mapped_at_creation: false };
    let buffer = device.create_buffer(&descriptor);
    queue.write_buffer(&buffer, 0, &bytes);

    // gemmule on the same device: the voxels are read where they lie.
    let engine = Engine::on_device(device.clone(), queue.clone())?;
    println!("{}", engine.describe());
    let on_device = DeviceStack::new(engine.adopt(buffer)?, VoxelKind::U16, volume.shape(), stack.voxel_size)?;
    let map = ridge_on_device(&engine, &on_device, &noise, &RidgeParams::default(), &mut Silent)?;

    // The map is a wgpu buffer of the host's device: draw it, or run shaders on it.
    let Buffer::Gpu(ridge) = &map.ridge else { return Err("the engine is on a device".into()) };
    println!("ridge map: {} voxels in {} bytes on the device", map.grid.shape, ridge.wgpu().size());
    println!("strongest {:.3}", strongest(&engine, &map.ridge)?);
    Ok(())
}

/// What a host has long before it meets gemmule.
fn host_device() -> std::result::Result<(wgpu::Device, wgpu::Queue), Box<dyn std::error::Error>> {
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle());
    let adapter = pollster::block_on(instance.request_adapter(&wgpu::RequestAdapterOptions::default()))?;
    Ok(pollster::block_on(adapter.request_device(&wgpu::DeviceDescriptor::default()))?)
}

/// Reads the map back, for one number.
fn strongest(engine: &Engine, map: &Buffer) -> Result<f32> {
    let mut values = vec![0.0; map.len()];
    engine.read(map, &mut values)?;
    Ok(values.into_iter().fold(0.0, f32::max))
}
