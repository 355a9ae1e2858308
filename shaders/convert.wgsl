// Widening to f32, binning in the plane, variance stabilisation. Twin: src/kernel/convert.rs.

struct Convert {
    slab: Slab,
    raw_ny: u32,
    raw_nx: u32,
    binning: u32,
    stabilise: u32,
    scale: f32,
    shift: f32,
    weight: f32,
    // Voxels in the raw buffer before the first one that is read.
    skip: u32,
}

// Part of the output that the raw buffer has the voxels of: whole planes, or some rows of one plane.
struct Piece {
    plane: u32,
    planes: u32,
    row: u32,
    rows: u32,
}

@group(0) @binding(0) var<uniform> p: Convert;
@group(0) @binding(1) var<uniform> piece: Piece;
@group(0) @binding(2) var<storage, read> raw: array<u32>;
@group(0) @binding(3) var<storage, read_write> output: array<f32>;

// Voxel type: 1 = u8, 2 = u16, 3 = i16, 4 = f32.
override KIND: u32 = 2u;

fn widen(index: u32) -> f32 {
    if KIND == 1u {
        return f32((raw[index / 4u] >> (8u * (index % 4u))) & 0xffu);
    } else if KIND == 2u {
        return f32((raw[index / 2u] >> (16u * (index % 2u))) & 0xffffu);
    } else if KIND == 3u {
        // Shifted to the top and back, the sign is kept.
        let top = raw[index / 2u] << (16u * (1u - index % 2u));
        return f32(bitcast<i32>(top) >> 16u);
    }
    return bitcast<f32>(raw[index]);
}

@compute @workgroup_size(256)
fn convert(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let index = group_index(group, groups) * 256u + lane;
    let nx = p.slab.nx;
    if index >= piece.planes * piece.rows * nx {
        return;
    }
    let x = index % nx;
    let y = piece.row + index / nx % piece.rows;
    let k = index / nx / piece.rows;
    let first = piece.row * p.binning;
    var sum = 0.0;
    for (var j = 0u; j < p.binning; j++) {
        let line = k * p.raw_ny + min(y * p.binning + j, p.raw_ny - 1u) - first;
        for (var i = 0u; i < p.binning; i++) {
            sum += widen(p.skip + line * p.raw_nx + min(x * p.binning + i, p.raw_nx - 1u));
        }
    }
    var value = sum * p.weight;
    if p.stabilise == 1u {
        let photons = value * p.scale + p.shift;
        // Not max(): of NaN it may give either; the twin gives 0.
        value = 2.0 * sqrt(select(0.0, photons, photons > 0.0));
    }
    output[((piece.plane + k) * p.slab.ny + y) * nx + x] = value;
}
