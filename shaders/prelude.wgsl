// What all kernels share: which planes a buffer holds, borders, filter taps. Twin: src/kernel/prelude.rs.

struct Slab {
    nz: u32,
    ny: u32,
    nx: u32,
    in_start: u32,
    in_count: u32,
    out_start: u32,
    out_count: u32,
    padding: u32,
}

// Taps of a symmetric or antisymmetric filter: tap k is [k / 4][k % 4].
alias HalfTaps = array<vec4<f32>, 9>;

// Plane of the input buffer for output plane k and an offset along z; outside the volume the nearest plane.
fn input_plane(slab: Slab, k: u32, offset: i32) -> u32 {
    let z = clamp(i32(slab.out_start + k) + offset, 0, i32(slab.nz) - 1);
    return u32(clamp(z - i32(slab.in_start), 0, i32(slab.in_count) - 1));
}

// Coordinate v - radius along an axis of n voxels; outside the nearest one.
fn clamped(v: u32, radius: u32, n: u32) -> u32 {
    return u32(clamp(i32(v) - i32(radius), 0, i32(n) - 1));
}

// Workgroups are dispatched in two dimensions, because one alone ends at 65535.
fn group_index(group: vec3<u32>, groups: vec3<u32>) -> u32 {
    return group.y * groups.x + group.x;
}

fn tiles(n: u32, tile: u32) -> u32 {
    return (n + tile - 1u) / tile;
}
