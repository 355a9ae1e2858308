//! Cuts a volume into slabs of planes that fit the engine's buffers.

use std::ops::Range;

use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::kernel::Slab;
use crate::volume::Shape;

/// Slabs that cover `shape` in order, each with `halo` planes more on either side of what it writes;
/// one buffer holds `volumes` of them.
pub(crate) fn slabs(engine: &Engine, shape: Shape, halo: usize, volumes: usize) -> Result<Vec<Slab>> {
    let plane = shape.y * shape.x * volumes;
    let needed = (2 * halo + 1).min(shape.z);
    // Large planes may take more than a buffer should hold, up to the device's own limit: with fewer new planes than halo planes most of
    // the work would be done twice. Where less memory was asked for, that is the price.
    let least = if engine.limits_slabs() { needed } else { 4 * halo + 1 };
    let planes = (engine.max_buffer_len() / plane).max(least).min(engine.buffer_limit() / plane);
    let most = planes.saturating_sub(2 * halo);
    if planes < needed {
        return Err(Error::Memory {
            what: format!("a slab of {needed} planes of {} x {} voxels", shape.y, shape.x),
            needed_bytes: (needed * plane * 4) as u64,
            limit_bytes: (engine.buffer_limit() * 4) as u64,
            remedy: "bin the volume, crop it, or use --backend cpu".into(),
        });
    }
    let count = if planes >= shape.z { shape.z } else { most.max(1) };
    Ok((0..shape.z)
        .step_by(count)
        .map(|start| Slab::of_planes(shape.z, shape.y, shape.x, start, count.min(shape.z - start), halo))
        .collect())
}

/// Values of a map that the CPU makes at once: with what it is made from it takes three times this, .8 GB.
const MAP_LEN: usize = 1 << 26;

/// Slabs of a map of one value per voxel. On the CPU it is one slab where it can be: smoothing then is done once, and no halo twice.
pub(crate) fn slabs_of_map(engine: &Engine, shape: Shape, halo: usize) -> Result<Vec<Slab>> {
    if engine.adapter().is_none() && !engine.limits_slabs() && shape.len() <= MAP_LEN {
        return Ok(vec![Slab::whole(shape.z, shape.y, shape.x)]);
    }
    slabs(engine, shape, halo, 1)
}

/// Whether a slab writes planes of a range.
pub(crate) fn touches(slab: &Slab, planes: &Range<usize>) -> bool {
    let (start, count) = (slab.out_start as usize, slab.out_count as usize);
    start < planes.end && start + count > planes.start
}

#[cfg(test)]
mod tests {
    use crate::engine::{Backend, Engine};
    use crate::filter::slabs::slabs;
    use crate::volume::Shape;

    #[test]
    fn slabs_cover_every_plane_once_and_planes_of_any_size_go_through_on_the_cpu() {
        let engine = Engine::new(Backend::Cpu).unwrap();
        for (z, y, x, halo) in [(1, 1, 1, 0), (90, 64, 64, 32), (40, 2048, 2048, 6), (3, 30_000, 30_000, 32)] {
            let slabs = slabs(&engine, Shape::new(z, y, x).unwrap(), halo, 1).unwrap();
            let mut next = 0;
            for slab in &slabs {
                assert_eq!(slab.out_start as usize, next);
                assert!(slab.out_count > 0);
                next += slab.out_count as usize;
            }
            assert_eq!(next, z);
            assert!(
                slabs.len() == 1 || slabs[0].out_count as usize >= 2 * halo,
                "new planes are no fewer than the halo"
            );
        }
    }
}
