// Pass B: filters along z, Hessian, eigenvalues and the response of one scale. Twin: src/kernel/hessian_response.rs.
//
// A workgroup is a tile of one plane: it filters the tile and HALO voxels around it along z, then takes derivatives in the plane from
// workgroup memory. Nothing but the input is read and nothing but the response is written.

struct HessianResponse {
    slab: Slab,
    radius_z: u32,
    response: u32,
    running: u32,
    padding: u32,
    floor: f32,
    alpha: f32,
    beta: f32,
    padding_f: f32,
    taps_g: HalfTaps,
    taps_d1: HalfTaps,
    taps_d2: HalfTaps,
    d1_y: vec4<f32>,
    d1_x: vec4<f32>,
    d2_y: vec4<f32>,
    d2_x: vec4<f32>,
}

@group(0) @binding(0) var<uniform> p: HessianResponse;
@group(0) @binding(1) var<storage, read> input: array<f32>;
@group(0) @binding(2) var<storage, read_write> output: array<f32>;
// The same place for the other entry point: largest a3 and largest sum of squares, as bits (both are >= 0, so bits compare as values).
@group(0) @binding(2) var<storage, read_write> peaks: array<atomic<u32>, 2>;

// Constants, so that loops are unrolled and only one response is compiled.
override RADIUS_Z: u32 = 0u;
override RESPONSE: u32 = 1u;
const TILE_X: u32 = 32u;
const TILE_Y: u32 = 8u;
const LANES: u32 = 256u;
const HALO: u32 = 3u;
const WIDTH: u32 = 38u;
const POSITIONS: u32 = 532u;

var<workgroup> tile_g: array<f32, POSITIONS>;
var<workgroup> tile_d1: array<f32, POSITIONS>;
var<workgroup> tile_d2: array<f32, POSITIONS>;
var<workgroup> best: array<vec2<f32>, LANES>;

// First voxel of the workgroup's tile: (output plane, row, column).
fn tile_origin(index: u32) -> vec3<u32> {
    let across = tiles(p.slab.nx, TILE_X);
    let down = tiles(p.slab.ny, TILE_Y);
    return vec3<u32>(index / across / down, index / across % down * TILE_Y, index % across * TILE_X);
}

fn filter_z(origin: vec3<u32>, lane: u32) {
    let n = p.slab.ny * p.slab.nx;
    for (var i = lane; i < POSITIONS; i += LANES) {
        let y = clamped(origin.y + i / WIDTH, HALO, p.slab.ny);
        let x = clamped(origin.z + i % WIDTH, HALO, p.slab.nx);
        let yx = y * p.slab.nx + x;
        let centre = input[input_plane(p.slab, origin.x, 0) * n + yx];
        var g = p.taps_g[0].x * centre;
        var d1 = 0.0;
        var d2 = p.taps_d2[0].x * centre;
        for (var t = 1u; t <= RADIUS_Z; t++) {
            let below = input[input_plane(p.slab, origin.x, -i32(t)) * n + yx];
            let above = input[input_plane(p.slab, origin.x, i32(t)) * n + yx];
            g += p.taps_g[t / 4u][t % 4u] * (below + above);
            d1 += p.taps_d1[t / 4u][t % 4u] * (above - below);
            d2 += p.taps_d2[t / 4u][t % 4u] * (below + above);
        }
        tile_g[i] = g;
        tile_d1[i] = d1;
        tile_d2[i] = d2;
    }
    workgroupBarrier();
}

struct Hessian {
    // zz, yy, xx
    diagonal: vec3<f32>,
    // zy, zx, yx
    off_diagonal: vec3<f32>,
}

// d_x at a place of the tile.
fn slope(at: u32) -> f32 {
    var sum = p.d1_x.x * (tile_g[at + 1u] - tile_g[at - 1u]);
    sum += p.d1_x.y * (tile_g[at + 2u] - tile_g[at - 2u]);
    sum += p.d1_x.z * (tile_g[at + 3u] - tile_g[at - 3u]);
    return sum;
}

// Written out, tap by tap: loops would be kept as loops, with a bound check in each round.
fn hessian(lane: u32) -> Hessian {
    let at = (lane / TILE_X + HALO) * WIDTH + lane % TILE_X + HALO;
    let g = tile_g[at];
    var yy = p.d2_y.x * g;
    yy += p.d2_y.y * (tile_g[at - WIDTH] + tile_g[at + WIDTH]);
    yy += p.d2_y.z * (tile_g[at - 2u * WIDTH] + tile_g[at + 2u * WIDTH]);
    yy += p.d2_y.w * (tile_g[at - 3u * WIDTH] + tile_g[at + 3u * WIDTH]);
    var xx = p.d2_x.x * g;
    xx += p.d2_x.y * (tile_g[at - 1u] + tile_g[at + 1u]);
    xx += p.d2_x.z * (tile_g[at - 2u] + tile_g[at + 2u]);
    xx += p.d2_x.w * (tile_g[at - 3u] + tile_g[at + 3u]);
    var zy = p.d1_y.x * (tile_d1[at + WIDTH] - tile_d1[at - WIDTH]);
    zy += p.d1_y.y * (tile_d1[at + 2u * WIDTH] - tile_d1[at - 2u * WIDTH]);
    zy += p.d1_y.z * (tile_d1[at + 3u * WIDTH] - tile_d1[at - 3u * WIDTH]);
    var zx = p.d1_x.x * (tile_d1[at + 1u] - tile_d1[at - 1u]);
    zx += p.d1_x.y * (tile_d1[at + 2u] - tile_d1[at - 2u]);
    zx += p.d1_x.z * (tile_d1[at + 3u] - tile_d1[at - 3u]);
    var yx = p.d1_y.x * (slope(at + WIDTH) - slope(at - WIDTH));
    yx += p.d1_y.y * (slope(at + 2u * WIDTH) - slope(at - 2u * WIDTH));
    yx += p.d1_y.z * (slope(at + 3u * WIDTH) - slope(at - 3u * WIDTH));
    return Hessian(vec3<f32>(tile_d2[at], yy, xx), vec3<f32>(zy, zx, yx));
}

@compute @workgroup_size(LANES)
fn respond(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let origin = tile_origin(group_index(group, groups));
    if origin.x >= p.slab.out_count {
        return;
    }
    filter_z(origin, lane);
    let y = origin.y + lane / TILE_X;
    let x = origin.z + lane % TILE_X;
    if y >= p.slab.ny || x >= p.slab.nx {
        return;
    }
    let h = hessian(lane);
    var v = -(h.diagonal.x + h.diagonal.y + h.diagonal.z);
    if RESPONSE == 1u {
        v = jerman(eigenvalues(h.diagonal, h.off_diagonal), p.floor);
    } else if RESPONSE == 2u {
        v = frangi(eigenvalues(h.diagonal, h.off_diagonal), p.floor, p.alpha, p.beta);
    } else if RESPONSE == 3u {
        v = sato(eigenvalues(h.diagonal, h.off_diagonal), p.alpha, p.beta);
    }
    let at = (origin.x * p.slab.ny + y) * p.slab.nx + x;
    if p.running == 1u {
        v = max(output[at], v);
    }
    output[at] = v;
}

@compute @workgroup_size(LANES)
fn peak(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let origin = tile_origin(group_index(group, groups));
    if origin.x >= p.slab.out_count {
        return;
    }
    filter_z(origin, lane);
    best[lane] = vec2<f32>(0.0);
    if origin.y + lane / TILE_X < p.slab.ny && origin.z + lane % TILE_X < p.slab.nx {
        let h = hessian(lane);
        let l = eigenvalues(h.diagonal, h.off_diagonal);
        let found = vec2<f32>(-l.x, l.x * l.x + l.y * l.y + l.z * l.z);
        // Not max(): of NaN it may give either, and the bits of -0 are larger than any value's.
        best[lane] = select(vec2<f32>(0.0), found, found > vec2<f32>(0.0));
    }
    workgroupBarrier();
    for (var half = LANES / 2u; half > 0u; half /= 2u) {
        if lane < half {
            best[lane] = max(best[lane], best[lane + half]);
        }
        workgroupBarrier();
    }
    if lane == 0u {
        atomicMax(&peaks[0], bitcast<u32>(best[0].x));
        atomicMax(&peaks[1], bitcast<u32>(best[0].y));
    }
}
