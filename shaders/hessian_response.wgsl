// Pass B: filters along z, Hessian, eigenvalues and the response of one scale. Twin: src/kernel/hessian_response.rs.
//
// A workgroup is a tile that marches along z over DEPTH planes: it loads each voxel of the tile and HALO voxels around it once, keeps as many planes as the filters
// are long in a ring, and takes derivatives in the plane from workgroup memory. Nothing but the input is read and nothing but the response is written. Where the ring
// does not fit, planes are loaded again for every output plane, and DEPTH is 1.

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
// 1 if there is a ring of 2 RADIUS_Z + 1 planes; else RING is 1.
override MARCH: u32 = 0u;
override RING: u32 = 1u;
override DEPTH: u32 = 1u;
override RING_LEN: u32 = RING * POSITIONS;
const TILE_X: u32 = 32u;
const TILE_Y: u32 = 8u;
const LANES: u32 = 256u;
const HALO: u32 = 3u;
const WIDTH: u32 = 38u;
const POSITIONS: u32 = 532u;

var<workgroup> tile_g: array<f32, POSITIONS>;
var<workgroup> tile_d1: array<f32, POSITIONS>;
var<workgroup> tile_d2: array<f32, POSITIONS>;
// A lane reads only what it wrote: no barrier.
var<workgroup> ring: array<f32, RING_LEN>;
var<workgroup> best: array<vec2<f32>, LANES>;

// What a workgroup makes: output planes first to end, from this row and column on.
struct Tile {
    first: u32,
    end: u32,
    y: u32,
    x: u32,
}

// Workgroups beside each other work on planes above each other: what they share is still in the cache.
fn tile_of(index: u32) -> Tile {
    let parts = tiles(p.slab.out_count, DEPTH);
    let across = tiles(p.slab.nx, TILE_X);
    let first = index % parts * DEPTH;
    let end = min(first + DEPTH, p.slab.out_count);
    let place = index / parts;
    // Beyond the last tile there is nothing to do.
    let beyond = place / across * TILE_Y >= p.slab.ny;
    return Tile(first, select(end, first, beyond), place / across * TILE_Y, place % across * TILE_X);
}

// A place in the ring from one that is less than twice around.
fn around(place: u32) -> u32 {
    return select(place, place - RING, place >= RING);
}

// The input at an offset from output plane k, at place i of the tile and yx of the plane; middle is where the ring holds plane k.
fn near(k: u32, offset: i32, middle: u32, i: u32, yx: u32) -> f32 {
    if MARCH == 1u {
        // From RING less to RING more than the middle: around twice at most.
        return ring[around(around(u32(i32(middle + RING) + offset))) * POSITIONS + i];
    }
    return input[input_plane(p.slab, k, offset) * p.slab.ny * p.slab.nx + yx];
}

// Output plane k of a tile, filtered along z with its halo.
fn filter_z(tile: Tile, k: u32, lane: u32) {
    let n = p.slab.ny * p.slab.nx;
    let middle = (k - tile.first + RADIUS_Z) % RING;
    for (var i = lane; i < POSITIONS; i += LANES) {
        let y = clamped(tile.y + i / WIDTH, HALO, p.slab.ny);
        let x = clamped(tile.x + i % WIDTH, HALO, p.slab.nx);
        let yx = y * p.slab.nx + x;
        if MARCH == 1u {
            if k == tile.first {
                for (var t = 0u; t < 2u * RADIUS_Z; t++) {
                    ring[t * POSITIONS + i] = input[input_plane(p.slab, k, i32(t) - i32(RADIUS_Z)) * n + yx];
                }
            }
            ring[around(middle + RADIUS_Z) * POSITIONS + i] = input[input_plane(p.slab, k, i32(RADIUS_Z)) * n + yx];
        }
        let centre = near(k, 0, middle, i, yx);
        var g = p.taps_g[0].x * centre;
        var d1 = 0.0;
        var d2 = p.taps_d2[0].x * centre;
        for (var t = 1u; t <= RADIUS_Z; t++) {
            let below = near(k, -i32(t), middle, i, yx);
            let above = near(k, i32(t), middle, i, yx);
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

fn response_of(h: Hessian) -> f32 {
    if RESPONSE == 1u {
        return jerman(eigenvalues(h.diagonal, h.off_diagonal), p.floor);
    } else if RESPONSE == 2u {
        return frangi(eigenvalues(h.diagonal, h.off_diagonal), p.floor, p.alpha, p.beta);
    } else if RESPONSE == 3u {
        return sato(eigenvalues(h.diagonal, h.off_diagonal), p.alpha, p.beta);
    }
    return -(h.diagonal.x + h.diagonal.y + h.diagonal.z);
}

@compute @workgroup_size(LANES)
fn respond(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let tile = tile_of(group_index(group, groups));
    let y = tile.y + lane / TILE_X;
    let x = tile.x + lane % TILE_X;
    for (var k = tile.first; k < tile.end; k++) {
        filter_z(tile, k, lane);
        if y < p.slab.ny && x < p.slab.nx {
            var v = response_of(hessian(lane));
            let at = (k * p.slab.ny + y) * p.slab.nx + x;
            if p.running == 1u {
                v = max(output[at], v);
            }
            output[at] = v;
        }
        // The next plane is written where this one was read.
        workgroupBarrier();
    }
}

@compute @workgroup_size(LANES)
fn peak(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let tile = tile_of(group_index(group, groups));
    let inside = tile.y + lane / TILE_X < p.slab.ny && tile.x + lane % TILE_X < p.slab.nx;
    var most = vec2<f32>(0.0);
    for (var k = tile.first; k < tile.end; k++) {
        filter_z(tile, k, lane);
        if inside {
            let h = hessian(lane);
            let l = eigenvalues(h.diagonal, h.off_diagonal);
            let found = vec2<f32>(-l.x, l.x * l.x + l.y * l.y + l.z * l.z);
            // Not max(): of NaN it may give either, and the bits of -0 are larger than any value's.
            most = select(most, found, found > most);
        }
        workgroupBarrier();
    }
    best[lane] = most;
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
