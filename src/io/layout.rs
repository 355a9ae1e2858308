//! Which page is which plane of which channel and time, and how large a voxel is.

use std::path::Path;

use crate::error::{Error, Result};
use crate::io::pages::Pages;
use crate::io::{imagej, ome, scanimage};
use crate::units::VoxelSize;

/// The dimensions behind a list of pages.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Layout {
    pub(crate) format: &'static str,
    pub(crate) channels: usize,
    pub(crate) slices: usize,
    pub(crate) times: usize,
    /// Page of each plane, in the order time, channel, slice (slice fastest).
    pub(crate) pages: Vec<usize>,
    /// All planes follow each other from the first page's voxels on, without directories of their own.
    pub(crate) contiguous: bool,
    pub(crate) voxel_size: Option<VoxelSize>,
    pub(crate) voxel_size_source: String,
}

impl Layout {
    /// From the metadata of whichever program wrote the file.
    pub(crate) fn of(path: &Path, pages: &Pages) -> Result<Self> {
        let layout = if ome::is_ome(pages) {
            ome::layout(path, pages)?
        } else if imagej::is_imagej(pages) {
            imagej::layout(path, pages)?
        } else if scanimage::is_scanimage(pages) {
            scanimage::layout(path, pages)?
        } else {
            let problem = "a plain TIFF says no unit, and its dots per inch are not trusted";
            Self::in_order("TIFF", [1, pages.list.len(), 1], |_, z, _| z, (None, problem.into()))
        };
        let last = layout.pages.iter().copied().max().unwrap_or(0);
        let there = if layout.contiguous { last + 1 } else { pages.list.len() };
        if layout.pages.is_empty() || last >= there {
            return Err(Error::file(
                path,
                format!(
                    "{} metadata name {} channels, {} planes and {} times, but the file has {} pages",
                    layout.format,
                    layout.channels,
                    layout.slices,
                    layout.times,
                    pages.list.len()
                ),
                "copy or export the file again",
            ));
        }
        Ok(layout)
    }

    /// A layout whose page is a function of (channel, slice, time).
    pub(crate) fn in_order(
        format: &'static str,
        [channels, slices, times]: [usize; 3],
        page: impl Fn(usize, usize, usize) -> usize,
        (voxel_size, voxel_size_source): (Option<VoxelSize>, String),
    ) -> Self {
        let planes = (0..times).flat_map(|t| (0..channels).map(move |c| (t, c)));
        let pages =
            planes.flat_map(|(t, c)| (0..slices).map(move |z| (c, z, t))).map(|(c, z, t)| page(c, z, t)).collect();
        Self { format, channels, slices, times, pages, contiguous: false, voxel_size, voxel_size_source }
    }

    /// Pages of one channel at one time, by slice.
    pub(crate) fn planes(&self, channel: usize, time: usize) -> &[usize] {
        &self.pages[(time * self.channels + channel) * self.slices..][..self.slices]
    }
}

/// Checks dimensions from metadata: none 0, and no more planes than pages could be addressed.
pub(crate) fn dimensions(path: &Path, format: &str, dims: [usize; 3]) -> Result<[usize; 3]> {
    let planes = dims.iter().try_fold(1_usize, |n, &d| n.checked_mul(d));
    match planes {
        Some(n) if n > 0 && n <= 1 << 24 => Ok(dims),
        _ => Err(Error::file(
            path,
            format!("{format} metadata name {} channels, {} planes, {} times", dims[0], dims[1], dims[2]),
            "export the file again; its metadata are wrong",
        )),
    }
}

/// A voxel size from three lengths in µm, or why not.
pub(crate) fn voxel_size(z: Option<f64>, y: Option<f64>, x: Option<f64>, source: &str) -> (Option<VoxelSize>, String) {
    match (z, y, x) {
        (Some(z), Some(y), Some(x)) => match VoxelSize::new(z, y, x) {
            Ok(size) => (Some(size), source.into()),
            Err(e) => (None, format!("{source} says what cannot be: {e}")),
        },
        (z, y, x) => {
            let missing: Vec<&str> =
                [("z", z), ("y", y), ("x", x)].iter().filter(|(_, v)| v.is_none()).map(|(name, _)| *name).collect();
            (None, format!("{source} does not say the size along {}", missing.join(", ")))
        }
    }
}

/// µm of a unit as programs write it; none for pixels and what we do not know.
pub(crate) fn unit_um(unit: &str) -> Option<f64> {
    match unit.trim().trim_matches('"') {
        "um" | "µm" | "μm" | "\\u00B5m" | "\\u00b5m" | "micron" | "microns" | "micrometer" | "micrometers"
        | "micrometre" => Some(1.0),
        "nm" | "nanometer" | "nanometers" => Some(1e-3),
        "mm" | "millimeter" | "millimeters" => Some(1e3),
        "cm" | "centimeter" => Some(1e4),
        "m" | "meter" => Some(1e6),
        "inch" | "in" => Some(25_400.0),
        _ => None,
    }
}
