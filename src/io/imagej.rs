//! ImageJ hyperstacks: `ImageJ=` in the description, one `key=value` a line.

use std::path::Path;

use crate::error::Result;
use crate::io::layout::{self, Layout};
use crate::io::pages::Pages;

pub(crate) fn is_imagej(pages: &Pages) -> bool {
    pages.description.starts_with("ImageJ=")
}

/// Channels vary fastest, then slices, then frames. Above 4 GB ImageJ writes one directory, and the planes follow each other.
pub(crate) fn layout(path: &Path, pages: &Pages) -> Result<Layout> {
    let value = |key: &str| {
        pages
            .description
            .lines()
            .find_map(|line| line.split_once('=').filter(|(k, _)| k.trim() == key))
            .map(|(_, v)| v.trim())
    };
    let count = |key: &str| value(key).and_then(|v| v.parse::<usize>().ok());
    let images = count("images").unwrap_or(pages.list.len());
    let (channels, frames) = (count("channels").unwrap_or(1), count("frames").unwrap_or(1));
    // `slices` is left out when there is one, and in plain stacks.
    let slices = count("slices").unwrap_or_else(|| images / (channels * frames).max(1));
    let dims = layout::dimensions(path, "ImageJ", [channels, slices, frames])?;
    let unit = value("unit").and_then(layout::unit_um);
    let lateral = |pixels_per_unit: Option<f64>| unit.zip(pixels_per_unit).map(|(unit, p)| unit / p);
    let spacing = value("spacing").and_then(|v| v.parse::<f64>().ok()).map(f64::abs);
    let axial = unit.zip(spacing).map(|(unit, spacing)| unit * spacing);
    let (x, y) = pages.resolution.unzip();
    let size = match value("unit") {
        Some(text) if unit.is_none() => (None, format!("ImageJ's unit is {text:?}, which is no length")),
        None => (None, "ImageJ metadata without a unit".into()),
        Some(_) => layout::voxel_size(axial, lateral(y), lateral(x), "ImageJ spacing, unit and resolution"),
    };
    let mut layout = Layout::in_order("ImageJ", dims, |c, z, t| (t * dims[1] + z) * dims[0] + c, size);
    layout.contiguous = pages.list.len() == 1 && dims.iter().product::<usize>() > 1;
    Ok(layout)
}
