//! The brightness near paths.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::Result;
use crate::trace::{Path, TraceInput};
use crate::units::PointUm;
use crate::volume::{Bricks, Grid};

/// Brightness around paths, and whether something was asked for that is not held.
pub(super) struct Brightness {
    bricks: Bricks<f32>,
    pub(super) grid: Grid,
    missed: AtomicBool,
}

impl Brightness {
    /// What lies within (z, lateral) µm of a path.
    pub(super) fn near<'p>(
        paths: impl Iterator<Item = &'p Path>,
        input: &TraceInput<'_>,
        [z_um, lateral_um]: [f64; 2],
    ) -> Result<Self> {
        let grid = input.grid;
        let mut bricks = Bricks::new(grid.shape);
        let size = grid.voxel_size;
        let reach = |um: f64, voxel_um: f64| (um / voxel_um).ceil() as usize + 1;
        let (rz, ry, rx) = (reach(z_um, size.z_um), reach(lateral_um, size.y_um), reach(lateral_um, size.x_um));
        for path in paths {
            // Boxes overlap: one at every third of their half width covers the path.
            for &voxel in path.voxels.iter().step_by((ry.min(rx) / 3).max(1)).chain(path.voxels.last()) {
                let v = grid.shape.voxel(voxel);
                let span = |at: usize, r: usize| at.saturating_sub(r)..at + r + 1;
                bricks.hold([span(v.z, rz), span(v.y, ry), span(v.x, rx)]);
            }
        }
        let held: Vec<usize> = (0..grid.shape.z).filter(|&z| bricks.holds_plane(z)).collect();
        if let (Some(&first), Some(&last)) = (held.first(), held.last()) {
            input.intensity.visit(first..last + 1, &mut |z, plane| {
                bricks.fill_plane(z, plane);
                Ok(())
            })?;
        }
        Ok(Self { bricks, grid, missed: AtomicBool::new(false) })
    }

    /// Brightness at a place, trilinear, clamped to the volume.
    pub(super) fn sample(&self, p: PointUm) -> f64 {
        let (z, y, x) = self.grid.to_voxel(p);
        self.bricks.sample(z, y, x).map_or_else(
            || {
                self.missed.store(true, Ordering::Relaxed);
                0.0
            },
            f64::from,
        )
    }

    /// Whether a sample has been asked for that is not held: what was made of it is worthless.
    pub(super) fn missed(&self) -> bool {
        self.missed.load(Ordering::Relaxed)
    }

    /// Centre of a voxel of the flat volume, µm.
    pub(super) fn voxel_centre(&self, voxel: usize) -> PointUm {
        let v = self.grid.shape.voxel(voxel);
        self.grid.to_um(v.z as f64, v.y as f64, v.x as f64)
    }
}
