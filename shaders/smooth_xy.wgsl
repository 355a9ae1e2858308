// Pass A: symmetric filter along x, then along y. Twin: src/kernel/smooth_xy.rs.
//
// A workgroup is WIDTH columns that march along y: each row of the input is loaded once to workgroup memory, filtered along x,
// and kept in a ring that is as long as the filter along y.

struct SmoothXy {
    slab: Slab,
    radius_y: u32,
    radius_x: u32,
    padding: vec2<u32>,
    taps_y: HalfTaps,
    taps_x: HalfTaps,
}

@group(0) @binding(0) var<uniform> p: SmoothXy;
@group(0) @binding(1) var<storage, read> input: array<f32>;
@group(0) @binding(2) var<storage, read_write> output: array<f32>;

override WIDTH: u32 = 64u;
// The radii are constants here, so that the loops over taps can be unrolled.
override RADIUS_Y: u32 = 0u;
override RADIUS_X: u32 = 0u;
override RING: u32 = 2u * RADIUS_Y + 1u;
override LINE: u32 = WIDTH + 2u * RADIUS_X;
override LINES_LEN: u32 = 2u * LINE;
override RING_LEN: u32 = RING * WIDTH;
// Output rows of a workgroup; before them it filters RADIUS_Y rows along x, and as many after.
const ROWS: u32 = 64u;

// Two rows, so that one barrier per row is enough: while some still read one, others write the next.
var<workgroup> lines: array<f32, LINES_LEN>;
// A lane reads only its own column: no barrier.
var<workgroup> ring: array<f32, RING_LEN>;

// A place in the ring from one that is less than twice around.
fn around(place: u32) -> u32 {
    return select(place, place - RING, place >= RING);
}

@compute @workgroup_size(WIDTH)
fn smooth_xy(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let nx = p.slab.nx;
    let ny = p.slab.ny;
    let index = group_index(group, groups);
    let across = tiles(nx, WIDTH);
    let down = tiles(ny, ROWS);
    let k = index / across / down;
    if k >= p.slab.out_count {
        return;
    }
    let x0 = index % across * WIDTH;
    let y0 = index / across % down * ROWS;
    let plane = input_plane(p.slab, k, 0) * ny * nx;
    let steps = min(ROWS, ny - y0) + 2u * RADIUS_Y;
    for (var step = 0u; step < steps; step++) {
        let row = plane + clamped(y0 + step, RADIUS_Y, ny) * nx;
        let line = step % 2u * LINE;
        for (var i = lane; i < LINE; i += WIDTH) {
            lines[line + i] = input[row + clamped(x0 + i, RADIUS_X, nx)];
        }
        workgroupBarrier();
        let at = line + lane + RADIUS_X;
        var along_x = p.taps_x[0].x * lines[at];
        for (var t = 1u; t <= RADIUS_X; t++) {
            along_x += p.taps_x[t / 4u][t % 4u] * (lines[at - t] + lines[at + t]);
        }
        let newest = step % RING;
        ring[newest * WIDTH + lane] = along_x;
        if step >= 2u * RADIUS_Y && x0 + lane < nx {
            // The ring is 2 RADIUS_Y + 1 long: no index below is more than once around.
            let centre = around(newest + RADIUS_Y + 1u);
            var sum = p.taps_y[0].x * ring[centre * WIDTH + lane];
            for (var t = 1u; t <= RADIUS_Y; t++) {
                let above = ring[around(centre + RING - t) * WIDTH + lane];
                let below = ring[around(centre + t) * WIDTH + lane];
                sum += p.taps_y[t / 4u][t % 4u] * (above + below);
            }
            output[(k * ny + y0 + step - 2u * RADIUS_Y) * nx + x0 + lane] = sum;
        }
    }
}
