//! Choice of adapter, buffers, and faults that come back as errors.

mod common;

use common::gpu;
use gemmule::engine::{Backend, Binding, Engine, KernelDef, Launch};
use gemmule::error::Error;

#[test]
fn the_cpu_says_so_and_has_no_adapter() {
    let engine = Engine::new(Backend::Cpu).unwrap();
    assert!(engine.adapter().is_none() && engine.describe().starts_with("CPU"), "{}", engine.describe());
    assert_eq!(engine.describe().lines().count(), 1);
}

#[test]
fn auto_takes_hardware_or_the_cpu_and_never_a_software_adapter() {
    let engine = Engine::new(Backend::Auto).unwrap();
    assert!(engine.adapter().is_none_or(|adapter| !adapter.software), "{}", engine.describe());
    let hardware = Engine::adapters().iter().any(|adapter| !adapter.software);
    if !hardware {
        assert!(engine.describe().contains("no hardware GPU"), "{}", engine.describe());
        assert!(Engine::new(Backend::Gpu { adapter: None }).is_err());
    }
    assert_eq!(engine.describe().lines().count(), 1);
}

#[test]
fn an_unknown_adapter_is_an_error_that_lists_those_found() {
    let error = Engine::new(Backend::Gpu { adapter: Some("no such card".into()) }).unwrap_err();
    let Error::Gpu { problem, .. } = &error else { panic!("{error}") };
    assert!(error.to_string().contains("no such card"), "{error}");
    for adapter in Engine::adapters() {
        assert!(problem.contains(&adapter.name), "{problem}");
    }
}

#[test]
fn a_name_in_any_case_is_enough() {
    let Some(engine) = gpu() else { return };
    let name = engine.adapter().unwrap().name.to_uppercase();
    let part = name.split_whitespace().next().unwrap().to_owned();
    let named = Engine::new(Backend::Gpu { adapter: Some(part) }).unwrap();
    assert!(named.adapter().unwrap().name.to_uppercase().contains(name.split_whitespace().next().unwrap()));
}

#[test]
fn buffers_are_zero_and_keep_what_is_written() {
    let cpu = Engine::new(Backend::Cpu).unwrap();
    for engine in [Some(&cpu), gpu()].into_iter().flatten() {
        for len in [1, 2, 3, 1000, 1 << 20] {
            let mut values = vec![f32::NAN; len];
            let mut buffer = engine.buffer(len).unwrap();
            assert_eq!(buffer.len(), len);
            engine.read(&buffer, &mut values).unwrap();
            assert!(values.iter().all(|v| *v == 0.0));
            let written: Vec<f32> = (0..len).map(|v| v as f32).collect();
            let half = engine.upload(&written[..len / 2 + 1]).unwrap();
            engine.copy(&half, &mut buffer, len - half.len()).unwrap();
            engine.read(&buffer, &mut values).unwrap();
            assert_eq!(values[len - half.len()..], written[..half.len()]);
            engine.wait().unwrap();
        }
    }
}

#[test]
fn a_buffer_beyond_the_limit_is_an_error_with_both_numbers() {
    let Some(engine) = gpu() else { return };
    assert!(engine.buffer(engine.max_buffer_len()).is_ok());
    let error = engine.buffer(1 << 40).unwrap_err();
    let Error::Memory { needed_bytes, limit_bytes, .. } = error else { panic!("{error}") };
    assert!(needed_bytes == 1 << 42 && limit_bytes < needed_bytes);
    // The engine still works.
    assert!(engine.upload(&[1.0]).is_ok());
}

#[test]
fn buffers_of_another_place_are_refused() {
    let Some(engine) = gpu() else { return };
    let cpu = Engine::new(Backend::Cpu).unwrap();
    let here = cpu.upload(&[1.0]).unwrap();
    let mut there = engine.upload(&[1.0]).unwrap();
    assert!(matches!(engine.copy(&here, &mut there, 0), Err(Error::Gpu { .. })));
    assert!(matches!(cpu.read(&there, &mut [0.0]), Err(Error::Gpu { .. })));
    let read_too_much = engine.read(&there, &mut [0.0; 2]);
    assert!(matches!(read_too_much, Err(Error::Gpu { .. })));
}

#[test]
fn threads_that_share_an_engine_each_read_their_own_values() {
    let Some(engine) = gpu() else { return };
    std::thread::scope(|scope| {
        for thread in 0..8 {
            scope.spawn(move || {
                for turn in 0..500 {
                    let value = (1000 * thread + turn) as f32;
                    let source = engine.upload(&[value; 100]).unwrap();
                    let mut buffer = engine.buffer(100).unwrap();
                    engine.copy(&source, &mut buffer, 0).unwrap();
                    let mut found = [0.0; 100];
                    engine.read(&buffer, &mut found).unwrap();
                    assert_eq!(found, [value; 100]);
                }
            });
        }
    });
}

fn kernel(source: &'static str) -> KernelDef {
    KernelDef { name: "case", source, entry: "main", bindings: &[Binding::ReadWrite] }
}

const DOUBLE: &str = "
@group(0) @binding(0) var<storage, read_write> values: array<f32>;
override FACTOR: f32 = 2.0;
@compute @workgroup_size(1)
fn main(@builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let i = g.y * n.x + g.x;
    if i < arrayLength(&values) { values[i] *= FACTOR; }
}";

#[test]
fn more_workgroups_than_one_dimension_takes_and_constants_are_kept_apart() {
    let Some(engine) = gpu() else { return };
    let values = vec![1.0; 70_001];
    let buffer = engine.upload(&values).unwrap();
    for factor in [3.0, 5.0, 3.0] {
        let launch = Launch {
            constants: &[("FACTOR", factor)],
            uniforms: &[],
            buffers: &[&buffer],
            groups: 70_001,
            invocations: 1,
            workgroup_bytes: 0,
        };
        engine.dispatch(&kernel(DOUBLE), &launch).unwrap();
    }
    let mut found = values;
    engine.read(&buffer, &mut found).unwrap();
    assert!(found.iter().all(|v| *v == 45.0));
}

#[test]
fn faults_of_shaders_and_limits_are_errors_with_the_source_or_the_number() {
    let Some(engine) = gpu() else { return };
    let buffer = engine.upload(&[1.0]).unwrap();
    let launch =
        Launch { constants: &[], uniforms: &[], buffers: &[&buffer], groups: 1, invocations: 1, workgroup_bytes: 0 };
    let error = engine.dispatch(&kernel("fn main() {\n    let a = nonsense;\n}"), &launch).unwrap_err().to_string();
    assert!(error.contains("   2     let a = nonsense;"), "{error}");
    for (launch, what) in [
        (Launch { invocations: 1 << 20, ..launch }, "invocations"),
        (Launch { workgroup_bytes: 1 << 30, ..launch }, "workgroup memory"),
        (Launch { groups: u64::MAX, ..launch }, "workgroups"),
        (Launch { buffers: &[], ..launch }, "bindings"),
    ] {
        let error = engine.dispatch(&kernel(DOUBLE), &launch).unwrap_err().to_string();
        assert!(error.contains(what), "{error}");
    }
    // Nothing of this broke the device.
    engine.dispatch(&kernel(DOUBLE), &launch).unwrap();
}
