//! Faults of a manifest that the stacks' headers tell.

use rayon::prelude::*;

use crate::io::manifest::{CohortSeries, CohortSession, Fault};
use crate::io::{StackInfo, info};
use crate::units::VoxelSize;

/// Voxel edges of the same field may differ by this share: what rounding in a file's text makes.
const VOXEL_TOLERANCE: f64 = 0.01;

/// Reads every header of the series `wanted` (by their position); returns the voxels of the largest stack.
pub(super) fn check(series: &[CohortSeries], wanted: &(dyn Fn(usize) -> bool + Sync), faults: &mut Vec<Fault>) -> u64 {
    let read = |session: &CohortSession| header(session);
    let chosen: Vec<&CohortSeries> = series.iter().enumerate().filter(|(n, _)| wanted(*n)).map(|(_, s)| s).collect();
    let all: Vec<Vec<_>> = chosen.par_iter().map(|s| s.sessions.par_iter().map(read).collect()).collect();
    let mut largest = 0;
    for (series, headers) in chosen.into_iter().zip(all) {
        let mut first: Option<(&CohortSession, VoxelSize)> = None;
        for (session, header) in series.sessions.iter().zip(headers) {
            let fault = |text: String| Fault { order: session.order, row: session.row.clone(), text };
            let (voxels, size) = match header {
                Ok(read) => read,
                Err(text) => {
                    faults.push(fault(text));
                    continue;
                }
            };
            largest = largest.max(voxels);
            match first {
                Some((before, known)) if !alike(known, size) => {
                    let edges = |v: VoxelSize| format!("{},{},{}", v.z_um, v.y_um, v.x_um);
                    faults.push(fault(format!(
                        "the voxel size is {} µm, but {} in {} of the same field of view: give voxel_um where the file is wrong",
                        edges(size), edges(known), before.row
                    )));
                }
                Some(_) => {}
                None => first = Some((session, size)),
            }
        }
    }
    largest
}

fn header(session: &CohortSession) -> std::result::Result<(u64, VoxelSize), String> {
    let options = &session.options;
    let shown = session.path.display();
    if !session.path.exists() {
        return Err(format!("{shown} is not there"));
    }
    let StackInfo { shape, voxel_size, voxel_size_source, channels, times, .. } =
        info(&session.path).map_err(|e| e.to_string())?;
    for (name, chosen, n) in [("channel", options.channel, channels), ("time", options.time, times)] {
        match chosen {
            Some(c) if c >= n => return Err(format!("{name} is {c}, {shown} has 0 to {}", n - 1)),
            None if n > 1 => return Err(format!("{shown} has {n} of {name}: give the column {name}, or --{name}")),
            _ => {}
        }
    }
    let size = options.voxel_size.or(voxel_size);
    let size = size.ok_or_else(|| {
        format!("the voxel size of {shown} is unknown ({voxel_size_source}): give the column voxel_um, or --voxel-um")
    })?;
    Ok((shape.iter().map(|&n| n as u64).product(), size))
}

fn alike(a: VoxelSize, b: VoxelSize) -> bool {
    let near = |a: f64, b: f64| (a - b).abs() <= VOXEL_TOLERANCE * a.max(b);
    near(a.z_um, b.z_um) && near(a.y_um, b.y_um) && near(a.x_um, b.x_um)
}
