// As much arithmetic as a device does while it moves nothing: how fast it can be at all. Twin: src/kernel/multiply_add.rs.

struct MultiplyAdd {
    len: u32,
    rounds: u32,
    factor: f32,
    term: f32,
}

@group(0) @binding(0) var<uniform> p: MultiplyAdd;
@group(0) @binding(1) var<storage, read_write> values: array<f32>;

@compute @workgroup_size(256)
fn multiply_add(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let index = group_index(group, groups) * 256u + lane;
    if index >= p.len {
        return;
    }
    // Eight sums that do not wait for each other, and eight steps a round, so that counting rounds costs little.
    let start = values[index];
    var a = vec4<f32>(start, start + 1.0, start + 2.0, start + 3.0);
    var b = vec4<f32>(start + 4.0, start + 5.0, start + 6.0, start + 7.0);
    let factor = vec4<f32>(p.factor);
    let term = vec4<f32>(p.term);
    for (var round = 0u; round < p.rounds; round++) {
        a = a * factor + term;
        b = b * factor + term;
        a = a * factor + term;
        b = b * factor + term;
        a = a * factor + term;
        b = b * factor + term;
        a = a * factor + term;
        b = b * factor + term;
        a = a * factor + term;
        b = b * factor + term;
        a = a * factor + term;
        b = b * factor + term;
        a = a * factor + term;
        b = b * factor + term;
        a = a * factor + term;
        b = b * factor + term;
    }
    let sum = a + b;
    values[index] = ((sum.x + sum.y) + sum.z) + sum.w;
}
