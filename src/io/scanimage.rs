//! ScanImage 2016 and later: `SI.` settings in the Software tag or the description, one `key = value` a line.

use std::path::Path;

use crate::error::Result;
use crate::io::layout::{self, Layout};
use crate::io::pages::Pages;

pub(crate) fn is_scanimage(pages: &Pages) -> bool {
    pages.software.contains("SI.") || pages.description.contains("SI.hChannels")
}

/// Channels saved vary fastest, then frames of a slice, then slices, then volumes. Frames of a slice and volumes are times.
///
/// z from `stackZStepSize`, x and y from the corners `imagingFovUm` over the number of pixels.
pub(crate) fn layout(path: &Path, pages: &Pages) -> Result<Layout> {
    let value = |key: &str| {
        let lines = pages.software.lines().chain(pages.description.lines());
        lines.filter_map(|line| line.split_once('=')).find(|(k, _)| k.trim() == key).map(|(_, v)| v.trim().to_owned())
    };
    let count =
        |key: &str| value(key).map(|v| v.trim_end_matches('.').to_owned()).and_then(|v| v.parse::<usize>().ok());
    let channels = value("SI.hChannels.channelSave").map_or(1, |v| numbers(&v).len().max(1));
    let per_slice = count("SI.hStackManager.framesPerSlice").unwrap_or(1).max(1);
    let planes = pages.list.len() / channels.max(1);
    let slices = count("SI.hStackManager.actualNumSlices")
        .or_else(|| count("SI.hStackManager.numSlices"))
        .filter(|&n| n > 0 && planes >= n * per_slice)
        .unwrap_or(planes / per_slice);
    let volumes = planes / (slices * per_slice).max(1);
    let dims = layout::dimensions(path, "ScanImage", [channels, slices, per_slice * volumes])?;
    let z = value("SI.hStackManager.actualStackZStepSize")
        .or_else(|| value("SI.hStackManager.stackZStepSize"))
        .and_then(|v| v.parse::<f64>().ok())
        .map(f64::abs);
    let corners = value("SI.hRoiManager.imagingFovUm").map(|v| numbers(&v)).filter(|v| v.len() == 8);
    let extent = |from: usize| {
        corners.as_ref().map(|v| {
            let along = v.iter().skip(from).step_by(2).copied();
            along.clone().fold(f64::MIN, f64::max) - along.fold(f64::MAX, f64::min)
        })
    };
    let first = pages.list[0];
    let x = extent(0).map(|um| um / first.width as f64);
    let y = extent(1).map(|um| um / first.height as f64);
    let size = layout::voxel_size(z, y, x, "ScanImage stackZStepSize and imagingFovUm");
    let page = |c: usize, z: usize, t: usize| {
        let (frame, volume) = (t % per_slice, t / per_slice);
        ((volume * slices + z) * per_slice + frame) * channels + c
    };
    Ok(Layout::in_order("ScanImage", dims, page, size))
}

/// The numbers of a MATLAB array.
fn numbers(text: &str) -> Vec<f64> {
    text.split(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '-' | '+' | 'e' | 'E')))
        .filter_map(|v| v.parse::<f64>().ok())
        .collect()
}
