// Symmetric filter along z. Twin: src/kernel/smooth_z.rs.

struct SmoothZ {
    slab: Slab,
    radius: u32,
    @size(12) padding: u32,
    taps: HalfTaps,
}

@group(0) @binding(0) var<uniform> p: SmoothZ;
@group(0) @binding(1) var<storage, read> input: array<f32>;
@group(0) @binding(2) var<storage, read_write> output: array<f32>;

// A constant, so that the loop can be unrolled.
override RADIUS: u32 = 0u;

@compute @workgroup_size(256)
fn smooth_z(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let index = group_index(group, groups) * 256u + lane;
    let n = p.slab.ny * p.slab.nx;
    if index >= p.slab.out_count * n {
        return;
    }
    let k = index / n;
    let yx = index % n;
    var sum = p.taps[0].x * input[input_plane(p.slab, k, 0) * n + yx];
    for (var t = 1u; t <= RADIUS; t++) {
        let below = input[input_plane(p.slab, k, -i32(t)) * n + yx];
        let above = input[input_plane(p.slab, k, i32(t)) * n + yx];
        sum += p.taps[t / 4u][t % 4u] * (below + above);
    }
    output[index] = sum;
}
