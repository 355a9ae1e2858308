//! An engine on a device that the host owns: buffers in, maps left there, the same answer as ever.

mod common;

use gemmule::engine::{Backend, Buffer, Engine, KernelDef, Launch, wgpu};
use gemmule::error::Error;
use gemmule::filter::noise;
use gemmule::filter::ridge::{RidgeParams, ridge, ridge_on_device};
use gemmule::filter::smooth::{SigmaUm, smooth, smooth_on_device};
use gemmule::kernel::convert::{DeviceStack, VoxelKind};
use gemmule::phantom::{self, PhantomParams};
use gemmule::progress::Silent;
use gemmule::units::VoxelSize;
use gemmule::volume::{Shape, Stack, Volume, Voxels};

const USAGE: wgpu::BufferUsages =
    wgpu::BufferUsages::STORAGE.union(wgpu::BufferUsages::COPY_SRC).union(wgpu::BufferUsages::COPY_DST);

fn host() -> Option<(wgpu::Device, wgpu::Queue)> {
    common::gpu()?;
    Some(device(&wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle())))
}

fn device(instance: &wgpu::Instance) -> (wgpu::Device, wgpu::Queue) {
    let adapter = pollster::block_on(instance.request_adapter(&wgpu::RequestAdapterOptions::default())).unwrap();
    pollster::block_on(adapter.request_device(&wgpu::DeviceDescriptor::default())).unwrap()
}

fn buffer(device: &wgpu::Device, queue: &wgpu::Queue, bytes: &[u8], usage: wgpu::BufferUsages) -> wgpu::Buffer {
    let size = bytes.len().next_multiple_of(4) as u64;
    let made = device.create_buffer(&wgpu::BufferDescriptor { label: None, size, usage, mapped_at_creation: false });
    let mut padded = bytes.to_vec();
    padded.resize(size as usize, 0);
    queue.write_buffer(&made, 0, &padded);
    made
}

/// The same scene in every type of voxel; an odd number of them, so that planes begin in the middle of a word.
fn stacks() -> Vec<(VoxelKind, Stack, Vec<u8>)> {
    let params = PhantomParams { planes: 9, rows: 67, columns: 95, seed: 7, ..PhantomParams::default() };
    let made = phantom::stack(&params, &mut Silent).unwrap().stack;
    let Voxels::U16(volume) = &made.voxels else { panic!("phantoms are 16 bit") };
    let (shape, values) = (volume.shape(), volume.as_slice());
    let stack = |voxels| Stack { voxels, voxel_size: made.voxel_size };
    let bytes = values.iter().map(|v| (v / 8).min(255) as u8).collect::<Vec<_>>();
    let signed = values.iter().map(|v| *v as i16 - 200).collect::<Vec<_>>();
    let floats = values.iter().map(|v| f32::from(*v)).collect::<Vec<_>>();
    vec![
        (VoxelKind::U8, stack(Voxels::U8(Volume::new(shape, bytes.clone()).unwrap())), bytes),
        (VoxelKind::U16, made.clone(), values.iter().flat_map(|v| v.to_le_bytes()).collect()),
        (
            VoxelKind::I16,
            stack(Voxels::I16(Volume::new(shape, signed.clone()).unwrap())),
            signed.iter().flat_map(|v| v.to_le_bytes()).collect(),
        ),
        (
            VoxelKind::F32,
            stack(Voxels::F32(Volume::new(shape, floats.clone()).unwrap())),
            floats.iter().flat_map(|v| v.to_le_bytes()).collect(),
        ),
    ]
}

#[test]
fn a_buffer_of_the_host_gives_the_map_that_memory_gives_and_it_stays_on_the_device() {
    let Some((device, queue)) = host() else { return };
    let engine = Engine::on_device(device.clone(), queue.clone()).unwrap();
    assert!(engine.describe().contains("host's own device"), "{}", engine.describe());
    // Slabs of a few planes, so that reading starts inside the buffer.
    for engine in [Engine::on_device(device.clone(), queue.clone()).unwrap().with_max_buffer_len(6000), engine] {
        for (kind, stack, bytes) in stacks() {
            let noise = noise::estimate(&stack.voxels).unwrap();
            let raw = engine.adopt(buffer(&device, &queue, &bytes, USAGE)).unwrap();
            let there = DeviceStack::new(raw, kind, stack.voxels.shape(), stack.voxel_size).unwrap();
            let params = RidgeParams::default();
            let expected = ridge(&engine, &stack, &noise, &params, &mut Silent).unwrap();
            let map = ridge_on_device(&engine, &there, &noise, &params, &mut Silent).unwrap();
            let Buffer::Gpu(on_device) = &map.ridge else { panic!("the map left the device") };
            assert_eq!(on_device.wgpu().size(), 4 * map.grid.shape.len() as u64);
            let mut found = vec![0.0; map.ridge.len()];
            engine.read(&map.ridge, &mut found).unwrap();
            assert_eq!(found, expected.ridge.as_slice(), "{kind:?}");
            assert_eq!(map.grid, expected.grid);

            let sigma = SigmaUm { z_um: 0.5, y_um: 0.15, x_um: 0.15 };
            let expected = smooth(&engine, &stack, sigma, &mut Silent).unwrap();
            let smoothed = smooth_on_device(&engine, &there, sigma, &mut Silent).unwrap();
            let mut found = vec![0.0; smoothed.len()];
            engine.read(&smoothed, &mut found).unwrap();
            assert_eq!(found, expected.as_slice(), "{kind:?}");
        }
    }
}

#[test]
fn buffers_that_cannot_be_used_are_errors_that_say_why() {
    if common::gpu().is_none() {
        return;
    }
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle());
    let (device, queue) = self::device(&instance);
    let engine = Engine::on_device(device.clone(), queue.clone()).unwrap();
    let only_storage = buffer(&device, &queue, &[0; 64], wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_DST);
    let message = engine.adopt(only_storage).unwrap_err().to_string();
    assert!(message.contains("COPY_SRC"), "{message}");

    let (neighbour, its_queue) = self::device(&instance);
    let foreign = buffer(&neighbour, &its_queue, &[0; 64], USAGE);
    assert!(matches!(engine.adopt(foreign), Err(Error::Gpu { .. })));

    let small = engine.adopt(buffer(&device, &queue, &[0; 64], USAGE)).unwrap();
    let (shape, voxel_size) = (Shape::new(1, 4, 9).unwrap(), VoxelSize::new(1.0, 0.1, 0.1).unwrap());
    let message = DeviceStack::new(small, VoxelKind::U16, shape, voxel_size).unwrap_err().to_string();
    assert!(message.contains("64 bytes") && message.contains("72"), "{message}");

    let cpu = Engine::new(Backend::Cpu).unwrap();
    let in_memory = cpu.upload(&[0.0; 64]).unwrap();
    assert!(DeviceStack::new(in_memory, VoxelKind::U16, shape, voxel_size).is_err());
    assert!(cpu.adopt(buffer(&device, &queue, &[0; 64], USAGE)).is_err());
}

#[test]
fn the_host_keeps_its_error_handler() {
    let Some((device, queue)) = host() else { return };
    let heard = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let count = std::sync::Arc::clone(&heard);
    device.on_uncaptured_error(std::sync::Arc::new(move |_| {
        count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
    }));
    let engine = Engine::on_device(device.clone(), queue).unwrap();
    let broken = KernelDef { name: "broken", source: "fn main() { let a = nonsense; }", entry: "main", bindings: &[] };
    let launch = Launch { constants: &[], uniforms: &[], buffers: &[], groups: 1, invocations: 1, workgroup_bytes: 0 };
    assert!(matches!(engine.dispatch(&broken, &launch), Err(Error::Gpu { .. })));
    assert_eq!(heard.load(std::sync::atomic::Ordering::SeqCst), 0, "gemmule's own faults are its own");
    let _useless = device.create_buffer(&wgpu::BufferDescriptor {
        label: None,
        size: 4,
        usage: wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::MAP_WRITE | wgpu::BufferUsages::STORAGE,
        mapped_at_creation: false,
    });
    assert_eq!(heard.load(std::sync::atomic::Ordering::SeqCst), 1, "the host's faults are the host's");
}
