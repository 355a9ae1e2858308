//! Connected voxels above thresholds taken from the background, from one plane after the other.

use crate::error::Result;
use crate::progress::Progress;
use crate::trace::{TraceInput, TraceParams};
use crate::volume::{Bricks, Planes, Shape};

/// Components of the ridge map, and the thresholds they were found with.
pub(super) struct Components {
    /// Voxels per component, sorted by position; components by their first voxel.
    pub(super) components: Vec<Vec<RidgeVoxel>>,
    /// For each voxel its place in its component's list, from 1; 0 or not held: in none.
    pub(super) local: Bricks<u32>,
    /// Response from which a voxel counts as supported.
    pub(super) low: f32,
    /// Response that counts as full: the 99.8 % quantile.
    pub(super) full: f32,
}

/// A voxel of a component.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct RidgeVoxel {
    /// Position in the flat volume.
    pub(super) at: usize,
    /// Ridge response.
    pub(super) response: f32,
}

/// No voxel.
pub(super) const NONE: u32 = u32::MAX;

/// Lower bits of a response, which are counted in a second visit.
const FINE_BITS: u32 = 12;

/// Components above `bridge_factor * low` that hold a voxel above `high` and are long enough to hold a dendrite.
pub(super) fn find(input: &TraceInput<'_>, params: &TraceParams, progress: &mut dyn Progress) -> Result<Components> {
    let planes = input.grid.shape.z;
    let Levels { background, full, most } = levels(input.ridge, params.background_quantile, progress)?;
    let threshold = |factor: f64| times(background, factor as f32, most);
    let low = threshold(params.low_factor);
    let high = threshold(params.low_factor * params.high_factor);
    let bridge = threshold(params.low_factor * params.bridge_factor);
    let mut growth = Growth::new(input, [bridge, high], 0.7 * params.min_length_um);
    input.ridge.visit(0..planes, &mut |z, plane| {
        growth.plane(z, plane);
        progress.step("ridges", z as u64 + 1, planes as u64)
    })?;
    let components = growth.finish();
    let mut local = Bricks::new(input.grid.shape);
    for component in &components {
        for (i, voxel) in component.iter().enumerate() {
            let v = input.grid.shape.voxel(voxel.at);
            local.set(v.z, v.y, v.x, i as u32 + 1);
        }
    }
    Ok(Components { components, local, low, full: full.max(low) })
}

/// The response with `factor` times the odds r / (most - r) of `background`.
///
/// Far below the largest response that is `factor * background`. Jerman's response saturates: in a dim stack the background's noise lies so high
/// that a multiple of it would exceed any response, though the shafts still stand out.
fn times(background: f32, factor: f32, most: f32) -> f32 {
    if background > 0.0 && background >= most {
        return f32::INFINITY; // The background is as bright as anything: nothing stands out.
    }
    let odds = factor * background / (most - background).max(f32::MIN_POSITIVE);
    // Where more than the background's share of the volume has no ridge at all, any response stands out.
    (most * odds / (1.0 + odds)).max(f32::MIN_POSITIVE)
}

/// Levels of the ridge response over the whole volume.
struct Levels {
    background: f32,
    full: f32,
    most: f32,
}

/// The background quantile, the 99.8 % one and the largest, exactly, in two visits. NaN cannot occur: readers refuse it and filters keep numbers finite.
fn levels(ridge: &dyn Planes, background: f64, progress: &mut dyn Progress) -> Result<Levels> {
    let planes = ridge.shape().z;
    let mut coarse = vec![0_u64; 1 << (31 - FINE_BITS)];
    let mut most = 0.0_f32;
    ridge.visit(0..planes, &mut |z, plane| {
        for &response in plane {
            most = most.max(response);
            coarse[(sortable(response) >> FINE_BITS) as usize] += 1;
        }
        progress.step("background", z as u64 + 1, 2 * planes as u64)
    })?;
    let last = (ridge.shape().len() - 1) as f64;
    let mut sought = [background, 0.998].map(|share| Quantile::within(&coarse, (last * share).round() as u64));
    ridge.visit(0..planes, &mut |z, plane| {
        for &response in plane {
            let bits = sortable(response);
            for quantile in &mut sought {
                if bits >> FINE_BITS == quantile.bin {
                    quantile.fine[(bits & ((1 << FINE_BITS) - 1)) as usize] += 1;
                }
            }
        }
        progress.step("background", (planes + z) as u64 + 1, 2 * planes as u64)
    })?;
    let [background, full] = sought.map(|quantile| quantile.value());
    Ok(Levels { background, full, most })
}

/// The bits of a response, which sort as responses do: none is negative.
fn sortable(response: f32) -> u32 {
    response.max(0.0).to_bits()
}

/// A quantile of which the upper bits are known, and how often each of the lower ones occurs.
struct Quantile {
    bin: u32,
    /// Rank within the bin.
    rank: u64,
    fine: Vec<u64>,
}

impl Quantile {
    fn within(coarse: &[u64], rank: u64) -> Self {
        let (bin, rank) = nth(coarse, rank);
        Self { bin, rank, fine: vec![0; 1 << FINE_BITS] }
    }

    fn value(&self) -> f32 {
        f32::from_bits(self.bin << FINE_BITS | nth(&self.fine, self.rank).0)
    }
}

/// The bin that holds a rank, and the rank within it.
fn nth(counts: &[u64], rank: u64) -> (u32, u64) {
    let mut below = 0;
    for (bin, &count) in (0_u32..).zip(counts) {
        if below + count > rank {
            return (bin, rank - below);
        }
        below += count;
    }
    (0, 0)
}

/// A component so far.
#[derive(Default)]
struct Part {
    voxels: Vec<RidgeVoxel>,
    /// Whether one of them is above the high threshold.
    high: bool,
}

/// Components in the making: those that reach the plane that came last may still grow, the others are done.
struct Growth<'a> {
    input: &'a TraceInput<'a>,
    /// Least response of a voxel, and of the highest one of a component.
    thresholds: [f32; 2],
    least_diagonal_um: f64,
    /// Part of each voxel of the last plane, from 1; 0 for none.
    last: Vec<u32>,
    parts: Vec<Part>,
    done: Vec<Vec<RidgeVoxel>>,
}

impl<'a> Growth<'a> {
    fn new(input: &'a TraceInput<'a>, thresholds: [f32; 2], least_diagonal_um: f64) -> Self {
        let Shape { y, x, .. } = input.grid.shape;
        Self { input, thresholds, least_diagonal_um, last: vec![0; y * x], parts: Vec::new(), done: Vec::new() }
    }

    /// Takes the next plane.
    fn plane(&mut self, z: usize, ridge: &[f32]) {
        let Shape { y: ny, x: nx, .. } = self.input.grid.shape;
        let [low, high] = self.thresholds;
        let mut here = vec![0_u32; ridge.len()];
        // Union of parts by their number from 0; the lower one leads.
        let mut leader: Vec<u32> = (0..self.parts.len() as u32).collect();
        for (i, &response) in ridge.iter().enumerate() {
            if response < low {
                continue;
            }
            let (y, x) = (i / nx, i % nx);
            let mut mine = NONE;
            let mut join = |part: u32| {
                if part > 0 {
                    let other = lead(&mut leader, part - 1);
                    let (a, b) = (other.min(mine), other.max(mine));
                    if mine != NONE && a != b {
                        leader[b as usize] = a;
                    }
                    mine = a;
                }
            };
            for ny_ in y.saturating_sub(1)..(y + 2).min(ny) {
                for nx_ in x.saturating_sub(1)..(x + 2).min(nx) {
                    let n = ny_ * nx + nx_;
                    join(self.last[n]);
                    if n < i {
                        join(here[n]);
                    }
                }
            }
            if mine == NONE {
                mine = leader.len() as u32;
                leader.push(mine);
                self.parts.push(Part::default());
            }
            here[i] = mine + 1;
            let part = &mut self.parts[mine as usize];
            part.voxels.push(RidgeVoxel { at: z * ny * nx + i, response });
            part.high |= response >= high;
        }
        self.settle(&mut here, &mut leader);
        self.last = here;
    }

    /// Brings parts together that have met, lets go of those that the plane does not reach, and numbers the others anew.
    fn settle(&mut self, here: &mut [u32], leader: &mut [u32]) {
        for part in (0..self.parts.len()).rev() {
            let first = lead(leader, part as u32) as usize;
            if first != part {
                let (mut other, to) = (std::mem::take(&mut self.parts[part]), &mut self.parts[first]);
                // The longer list takes the shorter one's: a thick component meets thousands of specks.
                if other.voxels.len() > to.voxels.len() {
                    std::mem::swap(&mut other.voxels, &mut to.voxels);
                }
                to.voxels.append(&mut other.voxels);
                to.high |= other.high;
            }
        }
        let mut number = vec![0_u32; self.parts.len()];
        let mut kept = Vec::new();
        for part in here.iter_mut().filter(|part| **part > 0) {
            let first = lead(leader, *part - 1) as usize;
            if number[first] == 0 {
                kept.push(std::mem::take(&mut self.parts[first]));
                number[first] = kept.len() as u32;
            }
            *part = number[first];
        }
        for part in std::mem::replace(&mut self.parts, kept) {
            self.let_go(part);
        }
    }

    fn let_go(&mut self, part: Part) {
        if part.high && diagonal_um(&part.voxels, self.input) >= self.least_diagonal_um {
            self.done.push(part.voxels);
        }
    }

    /// All components, each sorted, by their first voxel.
    fn finish(mut self) -> Vec<Vec<RidgeVoxel>> {
        for part in std::mem::take(&mut self.parts) {
            self.let_go(part);
        }
        self.done.iter_mut().for_each(|voxels| voxels.sort_unstable_by_key(|v| v.at));
        self.done.sort_unstable_by_key(|voxels| voxels[0].at);
        self.done
    }
}

/// The part that leads a union; shortens the way to it.
fn lead(leader: &mut [u32], part: u32) -> u32 {
    let mut at = part;
    while leader[at as usize] != at {
        leader[at as usize] = leader[leader[at as usize] as usize];
        at = leader[at as usize];
    }
    at
}

/// Diagonal of the bounding box: cheap, and no path of a dendrite is much longer than 1.4 times that within 10 µm.
fn diagonal_um(voxels: &[RidgeVoxel], input: &TraceInput<'_>) -> f64 {
    let mut low = [f64::INFINITY; 3];
    let mut high = [f64::NEG_INFINITY; 3];
    for voxel in voxels {
        let v = input.grid.shape.voxel(voxel.at);
        let p = input.grid.to_um(v.z as f64, v.y as f64, v.x as f64);
        for (axis, value) in [p.z, p.y, p.x].into_iter().enumerate() {
            low[axis] = low[axis].min(value);
            high[axis] = high[axis].max(value);
        }
    }
    (0..3).map(|a| (high[a] - low[a]).powi(2)).sum::<f64>().sqrt()
}

/// Calls `visit(z, y, x, [dz, dy, dx])` for each of the up to 26 neighbours, in lexicographic order.
pub(super) fn neighbours(shape: Shape, at: usize, mut visit: impl FnMut([usize; 3], [isize; 3])) {
    let v = shape.voxel(at);
    let range = |i: usize, n: usize| (if i > 0 { -1 } else { 0 })..=(if i + 1 < n { 1 } else { 0 });
    for dz in range(v.z, shape.z) {
        for dy in range(v.y, shape.y) {
            for dx in range(v.x, shape.x) {
                if (dz, dy, dx) != (0, 0, 0) {
                    let n = [v.z.wrapping_add_signed(dz), v.y.wrapping_add_signed(dy), v.x.wrapping_add_signed(dx)];
                    visit(n, [dz, dy, dx]);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::progress::Silent;
    use crate::trace::TraceInput;
    use crate::trace::components::{Growth, levels};
    use crate::units::VoxelSize;
    use crate::volume::{Grid, Shape, Volume};

    /// By flooding, the plain way.
    fn flooded(volume: &Volume<f32>, low: f32, high: f32) -> Vec<Vec<usize>> {
        let shape = volume.shape();
        let ridge = volume.as_slice();
        let mut seen = vec![false; ridge.len()];
        let mut all = Vec::new();
        for seed in 0..ridge.len() {
            let mut stack = if seen[seed] || ridge[seed] < low { vec![] } else { vec![seed] };
            let mut voxels = Vec::new();
            while let Some(at) = stack.pop() {
                if seen[at] || ridge[at] < low {
                    continue;
                }
                seen[at] = true;
                voxels.push(at);
                super::neighbours(shape, at, |[z, y, x], _| stack.push(shape.index(z, y, x)));
            }
            if voxels.iter().any(|&v| ridge[v] >= high) {
                voxels.sort_unstable();
                all.push(voxels);
            }
        }
        all
    }

    #[test]
    fn levels_are_exact_whatever_the_responses() {
        for (scale, zeros) in [(1.0_f32, 0), (1e-30, 3), (1e30, 2), (0.0, 1)] {
            let shape = Shape::new(7, 31, 13).unwrap();
            let response = |i: usize| if zeros > 0 && i % 4 < zeros { 0.0 } else { scale * ((i * 7919) % 2819) as f32 };
            let volume = Volume::new(shape, (0..shape.len()).map(response).collect()).unwrap();
            let mut sorted = volume.as_slice().to_vec();
            sorted.sort_by(f32::total_cmp);
            let at = |share: f64| sorted[((sorted.len() - 1) as f64 * share).round() as usize];
            for share in [0.5, 0.75, 0.999] {
                let found = levels(&volume, share, &mut Silent).unwrap();
                assert_eq!((found.background, found.full), (at(share), at(0.998)), "{scale} {zeros} {share}");
                assert_eq!(found.most, sorted[sorted.len() - 1]);
            }
        }
    }

    #[test]
    fn planes_one_by_one_give_what_flooding_gives() {
        let mut state = 7_u32;
        for (shape, low) in
            [([6, 9, 11], 0.85), ([5, 20, 17], 0.9), ([1, 30, 30], 0.6), ([9, 1, 40], 0.5), ([7, 25, 25], 0.93)]
        {
            let shape = Shape::new(shape[0], shape[1], shape[2]).unwrap();
            let random = (0..shape.len()).map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 8) as f32 / (1 << 24) as f32
            });
            let volume = Volume::new(shape, random.collect()).unwrap();
            let grid = Grid::of_stack(shape, VoxelSize::new(1.0, 1.0, 1.0).unwrap());
            let input = TraceInput { ridge: &volume, intensity: &volume, grid };
            let mut growth = Growth::new(&input, [low, 0.98], 0.0);
            (0..shape.z).for_each(|z| growth.plane(z, volume.plane(z)));
            let found: Vec<Vec<usize>> =
                growth.finish().iter().map(|part| part.iter().map(|v| v.at).collect()).collect();
            let expected = flooded(&volume, low, 0.98);
            assert!(expected.len() > 1 || low < 0.7, "{shape}: {} components", expected.len());
            assert_eq!(found, expected, "{shape}");
        }
    }
}
