//! The voxels of each spine.

use std::collections::VecDeque;

use crate::error::{Error, Result};
use crate::model::{Dendrite, Spine};
use crate::units::VoxelIndex;
use crate::volume::{Bricks, Grid};

/// Farthest a spine's voxels are from the line between its base and its tip, µm in the plane.
const LATERAL_UM: f64 = 0.6;
/// And along the optical axis, µm.
const AXIAL_UM: f64 = 1.5;
/// Farthest they are beyond the tip, µm.
const BEYOND_TIP_UM: f64 = 0.2;

/// How far from the line between base and tip voxels are looked at, (z, lateral).
pub const LABELS_REACH_UM: [f64; 2] = [AXIAL_UM, LATERAL_UM + BEYOND_TIP_UM];

/// Number of the spine at each voxel, 0 where there is none.
///
/// From the head outward, voxels brighter than half way between the offset and the head, beyond the shaft's edge and near the line from
/// base to tip. A voxel that two spines could claim goes to the one with the lower number. `smooth` is the stack at the detection scale and its variance, held
/// as far around the spines as [`LABELS_REACH_UM`] says. See the example of [`crate::measure::measure`].
///
/// # Errors
/// [`Error::Parameter`] for more spines than 16 bits can number.
pub fn labels(
    smooth: &Bricks<[f32; 2]>,
    grid: Grid,
    offset: f64,
    dendrites: &[Dendrite],
    spines: &[Spine],
) -> Result<Bricks<u16>> {
    let mut labels = Bricks::new(grid.shape);
    let mut regions = Vec::with_capacity(spines.len());
    for spine in spines {
        let Ok(label) = u16::try_from(spine.spine_id) else {
            return Err(Error::parameter(
                "spines",
                spine.spine_id,
                "at most 65535 in one stack",
                "raise detect.score_min, or crop the stack",
            ));
        };
        let dendrite = dendrites.iter().find(|d| d.dendrite_id == spine.dendrite_id);
        regions.push((label, Region::new(smooth, grid, offset, dendrite, spine)));
    }
    // The voxel of each head first: no neighbour may claim it, so that every spine has a voxel.
    for (label, Region { seed, .. }) in &regions {
        if labels.get(seed.z, seed.y, seed.x).unwrap_or(0) == 0 {
            labels.set(seed.z, seed.y, seed.x, *label);
        }
    }
    for (label, region) in &regions {
        grow(&mut labels, *label, region);
    }
    Ok(labels)
}

struct Region<'a> {
    smooth: &'a Bricks<[f32; 2]>,
    grid: Grid,
    spine: &'a Spine,
    seed: VoxelIndex,
    threshold: f32,
    radius_um: f64,
}

impl<'a> Region<'a> {
    fn new(
        smooth: &'a Bricks<[f32; 2]>,
        grid: Grid,
        offset: f64,
        dendrite: Option<&Dendrite>,
        spine: &'a Spine,
    ) -> Self {
        let (z, y, x) = grid.to_voxel(spine.head);
        let near = |v: f64, n: usize| v.round().clamp(0.0, (n - 1) as f64) as usize;
        let seed = VoxelIndex { z: near(z, grid.shape.z), y: near(y, grid.shape.y), x: near(x, grid.shape.x) };
        let head = smooth.get(seed.z, seed.y, seed.x).map_or(offset, |[value, _]| f64::from(value));
        let radius_um = dendrite.map_or(0.0, |d| {
            let at = d.s_um.partition_point(|&s| s < spine.s_um).min(d.radius_um.len() - 1);
            d.radius_um[at]
        });
        Self { smooth, grid, spine, seed, threshold: (offset + 0.5 * (head - offset)) as f32, radius_um }
    }

    fn contains(&self, v: VoxelIndex) -> bool {
        let p = self.grid.to_um(v.z as f64, v.y as f64, v.x as f64);
        let (base, tip) = (self.spine.base, self.spine.tip);
        let (dy, dx) = (tip.y - base.y, tip.x - base.x);
        let length = dy.hypot(dx).max(1e-9);
        let along = ((p.y - base.y) * dy + (p.x - base.x) * dx) / length;
        let across = ((p.y - base.y) * dx - (p.x - base.x) * dy).abs() / length;
        let lateral = across <= LATERAL_UM && along >= self.radius_um && along <= length + BEYOND_TIP_UM;
        let value = || self.smooth.get(v.z, v.y, v.x).is_some_and(|[value, _]| value >= self.threshold);
        lateral && (p.z - self.spine.head.z).abs() <= AXIAL_UM && value()
    }
}

/// Flood fill over the six neighbours, from the head's voxel, which has its label.
fn grow(labels: &mut Bricks<u16>, label: u16, region: &Region<'_>) {
    let shape = region.grid.shape;
    let mut queue = VecDeque::from([region.seed]);
    while let Some(v) = queue.pop_front() {
        let step = |v: usize, d: isize, n: usize| v.checked_add_signed(d).filter(|&v| v < n);
        let beside = [-1, 1].into_iter().flat_map(|d| {
            [
                step(v.z, d, shape.z).map(|z| VoxelIndex { z, ..v }),
                step(v.y, d, shape.y).map(|y| VoxelIndex { y, ..v }),
                step(v.x, d, shape.x).map(|x| VoxelIndex { x, ..v }),
            ]
        });
        for n in beside.flatten() {
            if labels.get(n.z, n.y, n.x).unwrap_or(0) == 0 && region.contains(n) {
                labels.set(n.z, n.y, n.x, label);
                queue.push_back(n);
            }
        }
    }
}
