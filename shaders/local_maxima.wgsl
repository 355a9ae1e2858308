// Local maxima in space and over scales. Twin: src/kernel/local_maxima.rs.

struct LocalMaxima {
    slab: Slab,
    scales: u32,
    capacity: u32,
    threshold: f32,
    padding: u32,
}

struct Found {
    // How many there are, also beyond the capacity.
    @size(16) count: atomic<u32>,
    // Scale, plane of the volume, y * nx + x, bits of the value; in any order.
    maxima: array<vec4<u32>>,
}

@group(0) @binding(0) var<uniform> p: LocalMaxima;
@group(0) @binding(1) var<storage, read> input: array<f32>;
@group(0) @binding(2) var<storage, read_write> found: Found;

// The neighbours of v within n, first and one past the last.
fn near(v: u32, n: u32) -> vec2<u32> {
    return vec2<u32>(max(v, 1u) - 1u, min(v + 2u, n));
}

fn is_maximum(here: u32, scale: u32, plane: u32, y: u32, x: u32) -> bool {
    let value = input[here];
    let s = near(scale, p.scales);
    let z = near(plane, p.slab.in_count);
    let v = near(y, p.slab.ny);
    let u = near(x, p.slab.nx);
    for (var a = s.x; a < s.y; a++) {
        for (var b = z.x; b < z.y; b++) {
            for (var c = v.x; c < v.y; c++) {
                let row = ((a * p.slab.in_count + b) * p.slab.ny + c) * p.slab.nx;
                for (var there = row + u.x; there < row + u.y; there++) {
                    let other = input[there];
                    let wins = value > other || (value == other && here <= there);
                    if !wins {
                        return false;
                    }
                }
            }
        }
    }
    return true;
}

@compute @workgroup_size(256)
fn local_maxima(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let index = group_index(group, groups) * 256u + lane;
    let n = p.slab.ny * p.slab.nx;
    if index >= p.scales * p.slab.out_count * n {
        return;
    }
    let yx = index % n;
    let k = index / n % p.slab.out_count;
    let scale = index / n / p.slab.out_count;
    let plane = input_plane(p.slab, k, 0);
    let here = (scale * p.slab.in_count + plane) * n + yx;
    let value = input[here];
    if value > p.threshold && is_maximum(here, scale, plane, yx / p.slab.nx, yx % p.slab.nx) {
        let at = atomicAdd(&found.count, 1u);
        if at < p.capacity {
            found.maxima[at] = vec4<u32>(scale, p.slab.out_start + k, yx, bitcast<u32>(value));
        }
    }
}
