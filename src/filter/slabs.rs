//! Cuts a volume into slabs of planes that fit the engine's buffers.

use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::kernel::Slab;
use crate::volume::Shape;

/// Slabs that cover `shape` in order, each with `halo` planes more on either side of what it writes.
pub(crate) fn slabs(engine: &Engine, shape: Shape, halo: usize) -> Result<Vec<Slab>> {
    let plane = shape.y * shape.x;
    let planes = engine.max_buffer_len() / plane;
    // At least as many new planes as halo planes, or most of the work would be done twice.
    let most = planes.saturating_sub(2 * halo);
    let needed = (2 * halo + 1).min(shape.z);
    if planes < needed {
        return Err(Error::Memory {
            what: format!("a slab of {needed} planes of {} x {} voxels", shape.y, shape.x),
            needed_bytes: (needed * plane * 4) as u64,
            limit_bytes: (engine.max_buffer_len() * 4) as u64,
            remedy: "bin the volume, crop it, or use --backend cpu".into(),
        });
    }
    let count = if planes >= shape.z { shape.z } else { most.max(1) };
    Ok((0..shape.z)
        .step_by(count)
        .map(|start| Slab::of_planes(shape.z, shape.y, shape.x, start, count.min(shape.z - start), halo))
        .collect())
}
