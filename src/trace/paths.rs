//! A component's tree of minimal paths: the longest one first, then the branches that leave what is traced.
//!
//! Cost of a step: its length / (.02 + R^1.5), R the response over its 99.8 % quantile, at most 1, mean of both ends.
//!
//! Along a shaft the response saturates, so that many paths cost the same, and responses of different processors differ in their last bits. R is therefore taken in steps
//! and costs are whole numbers: what is equal is equal on all of them, in whatever order it is summed, and the first in the volume is taken.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::trace::components::{Components, NONE, RidgeVoxel, neighbours};
use crate::trace::{Path, TraceParams};
use crate::volume::{Bricks, Grid};

/// Cost per µm never exceeds 1 / this.
const COST_FLOOR: f32 = 0.02;
/// Steps of R: far coarser than processors differ.
const R_STEPS: f32 = 256.0;
/// Whole numbers of cost per µm of a shaft: the costliest path that they hold is 80 mm of background.
const COST_UNITS: f32 = 1024.0;
/// What has no path to it.
const UNREACHED: u32 = u32::MAX;
/// Stretch whose median response is typical of an end, µm: some radii long.
const END_UM: f32 = 3.0;

/// The paths of one component, each with where it joins an earlier one.
pub(super) fn tree(voxels: &[RidgeVoxel], found: &Components, grid: Grid, params: &TraceParams) -> Vec<Path> {
    let mut search = Search::new(voxels, found, grid, params);
    // Two sweeps find the ends of the longest path: from anywhere to one end, from there to the other.
    let brightest = (0..voxels.len()).max_by(|&a, &b| search.ridge[a].cmp(&search.ridge[b]).then(b.cmp(&a)));
    let Some(start) = brightest else { return Vec::new() };
    search.spread(&[start as u32]);
    let Some(end) = search.farthest() else { return Vec::new() };
    search.cost.fill(UNREACHED);
    search.spread(&[end]);
    let mut paths: Vec<Path> = Vec::new();
    let mut owner = vec![(NONE, 0_u32); voxels.len()];
    while let Some(tip) = search.farthest() {
        let run = search.run_to(tip);
        search.exclude(&run);
        let kept = search.supported(&run);
        let kept = search.blunt(kept, owner[kept[0] as usize].0 == NONE);
        if search.length_um(kept) >= params.min_length_um {
            let (parent, at) = owner[kept[0] as usize];
            for (position, &v) in kept.iter().enumerate() {
                if owner[v as usize].0 == NONE {
                    owner[v as usize] = (paths.len() as u32, position as u32);
                }
            }
            let joins = (parent != NONE).then_some((parent as usize, at as usize));
            paths.push(Path { voxels: kept.iter().map(|&v| voxels[v as usize].at).collect(), joins });
            search.spread(kept);
        }
    }
    paths
}

struct Search<'a> {
    voxels: &'a [RidgeVoxel],
    local: &'a Bricks<u32>,
    grid: Grid,
    params: &'a TraceParams,
    low: f32,
    /// Raw response per voxel of the component.
    response: Vec<f32>,
    /// The same over that of a full ridge, in steps; above 1 too.
    ridge: Vec<u32>,
    /// Cost per µm.
    resistance: Vec<f32>,
    cost: Vec<u32>,
    before: Vec<u32>,
    excluded: Vec<bool>,
    /// Length in the image plane of the step from the voxel before.
    step_to_um: Vec<f32>,
    /// Voxels by cost, sources left out, as they were last sorted.
    order: Vec<u32>,
    /// Those whose cost has changed since, some several times.
    changed: Vec<u32>,
    /// Step lengths; bits 4, 2, 1 of the index say whether z, y, x change.
    step_um: [f32; 8],
}

impl<'a> Search<'a> {
    fn new(voxels: &'a [RidgeVoxel], found: &'a Components, grid: Grid, params: &'a TraceParams) -> Self {
        let response: Vec<f32> = voxels.iter().map(|v| v.response).collect();
        let ridge: Vec<u32> = response.iter().map(|&r| (R_STEPS * r / found.full).round() as u32).collect();
        let share = |&r: &u32| (r as f32 / R_STEPS).min(1.0);
        let resistance = ridge.iter().map(|r| 1.0 / (COST_FLOOR + share(r).powf(1.5))).collect();
        let size = grid.voxel_size;
        let step_um = std::array::from_fn(|bits| {
            let part = |bit: usize, um: f64| if bits & bit != 0 { um * um } else { 0.0 };
            (part(4, size.z_um) + part(2, size.y_um) + part(1, size.x_um)).sqrt() as f32
        });
        let n = voxels.len();
        Self {
            voxels,
            local: &found.local,
            grid,
            params,
            low: found.low,
            response,
            ridge,
            resistance,
            cost: vec![UNREACHED; n],
            before: vec![NONE; n],
            excluded: vec![false; n],
            step_to_um: vec![0.0; n],
            order: Vec::new(),
            changed: Vec::new(),
            step_um,
        }
    }

    /// Dijkstra from `sources` at cost 0; what is already nearer to an earlier source stays as it is.
    fn spread(&mut self, sources: &[u32]) {
        let mut heap = BinaryHeap::new();
        for &s in sources {
            self.cost[s as usize] = 0;
            self.before[s as usize] = NONE;
            self.changed.push(s);
            heap.push(Reverse((0_u32, s)));
        }
        let shape = self.grid.shape;
        while let Some(Reverse((so_far, at))) = heap.pop() {
            let i = at as usize;
            if so_far > self.cost[i] {
                continue;
            }
            neighbours(shape, self.voxels[i].at, |[z, y, x], step| {
                // A neighbour outside the bridging threshold has no place; one inside is of the same component.
                let Some(to) = self.local.get(z, y, x).and_then(|place| place.checked_sub(1)) else { return };
                let j = to as usize;
                let bits = step.iter().fold(0, |b, &d| b << 1 | usize::from(d != 0));
                // Never nothing: a voxel comes after the one before it.
                let step = self.step_um[bits] * 0.5 * (self.resistance[i] + self.resistance[j]);
                let cost = self.cost[i].saturating_add(((COST_UNITS * step).round() as u32).max(1));
                if cost < self.cost[j] {
                    self.cost[j] = cost;
                    self.before[j] = at;
                    self.step_to_um[j] = self.step_um[bits & 3];
                    self.changed.push(to);
                    heap.push(Reverse((cost, to)));
                }
            });
        }
    }

    /// The voxel whose minimal path holds most ridge outside what is excluded, if that stretch is long enough.
    ///
    /// Ridge is length times response: a dim neurite that passes near a dendrite may be as long, but must neither take the dendrite's place nor become
    /// its end.
    fn farthest(&mut self) -> Option<u32> {
        self.sort();
        let mut free_um = vec![0.0_f32; self.voxels.len()];
        let mut ridge = vec![0_u64; self.voxels.len()];
        let mut best: Option<u32> = None;
        for &i in &self.order {
            let (at, from) = (i as usize, self.before[i as usize] as usize);
            let step = if self.excluded[at] { 0.0 } else { self.step_to_um[at] };
            free_um[at] = free_um[from] + step;
            ridge[at] = ridge[from] + (COST_UNITS * step).round() as u64 * u64::from(self.ridge[at]);
            let long = f64::from(free_um[at]) >= self.params.min_length_um;
            if long && !self.excluded[at] && best.is_none_or(|b| ridge[at] > ridge[b as usize]) {
                best = Some(i);
            }
        }
        best
    }

    /// Puts the voxels that a source reaches in the order of their costs, each after the one before it. Only those whose cost has changed are sorted: large
    /// components have thousands of tips, most of which are tried and left, and a path changes what lies near it.
    fn sort(&mut self) {
        if self.changed.is_empty() {
            return;
        }
        let key = |i: u32| (self.cost[i as usize], i);
        let mut fresh = std::mem::take(&mut self.changed);
        let mut moved = vec![false; self.voxels.len()];
        fresh.iter().for_each(|&i| moved[i as usize] = true);
        fresh.retain(|&i| std::mem::take(&mut moved[i as usize]) && self.before[i as usize] != NONE);
        fresh.sort_unstable_by_key(|&i| key(i));
        // `moved` was cleared above.
        fresh.iter().for_each(|&i| moved[i as usize] = true);
        let mut fresh = fresh.into_iter().peekable();
        let mut order = Vec::with_capacity(self.voxels.len());
        for &i in self.order.iter().filter(|&&i| !moved[i as usize] && self.before[i as usize] != NONE) {
            while let Some(first) = fresh.next_if(|&f| key(f) < key(i)) {
                order.push(first);
            }
            order.push(i);
        }
        order.extend(fresh);
        self.order = order;
    }

    /// Length of a step in the image plane. Along z a path jitters by whole planes, which would make long runs of noise.
    fn lateral_um(&self, a: u32, b: u32) -> f32 {
        let shape = self.grid.shape;
        let (a, b) = (shape.voxel(self.voxels[a as usize].at), shape.voxel(self.voxels[b as usize].at));
        self.step_um[usize::from(a.y != b.y) << 1 | usize::from(a.x != b.x)]
    }

    fn length_um(&self, run: &[u32]) -> f64 {
        run.windows(2).map(|w| f64::from(self.lateral_um(w[0], w[1]))).sum()
    }

    /// The minimal path from its source to `tip`.
    fn run_to(&self, tip: u32) -> Vec<u32> {
        let mut run = vec![tip];
        let mut at = tip;
        while self.before[at as usize] != NONE {
            at = self.before[at as usize];
            run.push(at);
        }
        run.reverse();
        run
    }

    /// The stretch of a run that gains most, where a supported µm gains `1 - share` and another one costs `share`:
    /// bridges stay, dim tails go, and at least `share` of what is left is supported.
    fn supported<'r>(&self, run: &'r [u32]) -> &'r [u32] {
        let share = self.params.supported_share;
        let (mut sum, mut start, mut best) = (0.0, 0, (0.0, 0, 0));
        for k in 1..run.len() {
            let um = f64::from(self.lateral_um(run[k - 1], run[k]));
            sum += um * if self.response[run[k] as usize] >= self.low { 1.0 - share } else { -share };
            if sum <= 0.0 {
                (sum, start) = (0.0, k);
            } else if sum > best.0 {
                best = (sum, start, k);
            }
        }
        &run[best.1..=best.2]
    }

    /// A run without what leads off the axis at its end, and at its start if that is `free`: the longest path goes on into a corner of the shaft's cross-section, where
    /// the response is less than half of what is typical of the shaft nearby.
    fn blunt<'r>(&self, run: &'r [u32], free: bool) -> &'r [u32] {
        let off = |inward: &mut dyn Iterator<Item = u32>| {
            let mut near: Vec<f32> = Vec::new();
            let (mut um, mut last) = (0.0, None);
            for v in inward {
                um += last.map_or(0.0, |l| self.lateral_um(l, v));
                if um > END_UM {
                    break;
                }
                near.push(self.response[v as usize]);
                last = Some(v);
            }
            let mut sorted = near.clone();
            sorted.sort_unstable_by(f32::total_cmp);
            let half = 0.5 * sorted[sorted.len() / 2];
            near.iter().position(|&r| r >= half).unwrap_or(0)
        };
        let end = run.len() - off(&mut run.iter().rev().copied());
        let start = if free { off(&mut run.iter().copied()) } else { 0 };
        &run[start.min(end - 1)..end]
    }

    /// Marks the surroundings of a run, so that no second path is traced along the same shaft.
    fn exclude(&mut self, run: &[u32]) {
        let (grid, params) = (self.grid, self.params);
        let reach = |um: f64, n: usize| ((params.exclusion_um / um) as usize).min(n - 1);
        let z_um = grid.voxel_size.z_um * params.exclusion_z_weight;
        let (rz, ry, rx) = (
            reach(z_um.max(1e-9), grid.shape.z),
            reach(grid.voxel_size.y_um, grid.shape.y),
            reach(grid.voxel_size.x_um, grid.shape.x),
        );
        let span = |i: usize, r: usize, n: usize| i.saturating_sub(r)..(i + r + 1).min(n);
        for &v in run {
            let c = grid.shape.voxel(self.voxels[v as usize].at);
            for z in span(c.z, rz, grid.shape.z) {
                for y in span(c.y, ry, grid.shape.y) {
                    for x in span(c.x, rx, grid.shape.x) {
                        let d2 = (z.abs_diff(c.z) as f64 * z_um).powi(2)
                            + (y.abs_diff(c.y) as f64 * grid.voxel_size.y_um).powi(2)
                            + (x.abs_diff(c.x) as f64 * grid.voxel_size.x_um).powi(2);
                        if d2 > params.exclusion_um.powi(2) {
                            continue;
                        }
                        let near = self.local.get(z, y, x).and_then(|place| place.checked_sub(1));
                        if let Some(near) = near.filter(|&near| self.is_mine(near, z, y, x)) {
                            self.excluded[near as usize] = true;
                        }
                    }
                }
            }
        }
    }

    /// Whether a place in some component's list is in this one's.
    fn is_mine(&self, place: u32, z: usize, y: usize, x: usize) -> bool {
        self.voxels.get(place as usize).is_some_and(|v| v.at == self.grid.shape.index(z, y, x))
    }
}
