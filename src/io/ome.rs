//! OME-TIFF: OME-XML in the description of the first page.

use std::path::Path;

use roxmltree::{Document, Node};

use crate::error::{Error, Result};
use crate::io::layout::{self, Layout};
use crate::io::pages::Pages;

pub(crate) fn is_ome(pages: &Pages) -> bool {
    pages.description.contains("<OME") && pages.description.contains("Pixels")
}

/// Planes by `DimensionOrder`, or where the `TiffData` elements say. One image in one file.
pub(crate) fn layout(path: &Path, pages: &Pages) -> Result<Layout> {
    let failed = |problem: String| Error::file(path, problem, "export it as one image in one OME-TIFF or TIFF file");
    let text = pages.description.trim_start_matches('\u{feff}').trim();
    let document = Document::parse(text).map_err(|e| failed(format!("has OME-XML that cannot be parsed ({e})")))?;
    let all: Vec<Node<'_, '_>> = document.descendants().filter(|n| n.has_tag_name_local("Pixels")).collect();
    let &[pixels] = all.as_slice() else {
        return Err(failed(format!("holds {} images, one is needed", all.len())));
    };
    let number = |key: &str| pixels.attribute(key).and_then(|v| v.parse::<usize>().ok());
    let size = |key: &str| number(key).ok_or_else(|| failed(format!("has OME-XML without {key}")));
    let dims = layout::dimensions(path, "OME", [size("SizeC")?, size("SizeZ")?, size("SizeT")?])?;
    let first = pages.list[0];
    if (size("SizeX")?, size("SizeY")?) != (first.width, first.height) {
        return Err(failed(format!(
            "OME-XML says {} x {} pixels, the pages have {} x {}",
            size("SizeY")?,
            size("SizeX")?,
            first.height,
            first.width
        )));
    }
    let order = pixels.attribute("DimensionOrder").unwrap_or("XYZCT");
    let stride = strides(order, dims).ok_or_else(|| failed(format!("has the unknown DimensionOrder {order:?}")))?;
    let length = |axis: &str| {
        let value = pixels.attribute(format!("PhysicalSize{axis}").as_str())?.parse::<f64>().ok()?;
        let unit = pixels.attribute(format!("PhysicalSize{axis}Unit").as_str()).unwrap_or("µm");
        layout::unit_um(unit).map(|unit| unit * value)
    };
    let voxel = layout::voxel_size(length("Z"), length("Y"), length("X"), "OME PhysicalSize");
    let mut layout = Layout::in_order("OME-TIFF", dims, |c, z, t| c * stride[0] + z * stride[1] + t * stride[2], voxel);
    place_planes(&mut layout, pixels, dims, stride).map_err(failed)?;
    Ok(layout)
}

/// Planes from one channel, slice and time to the next.
fn strides(order: &str, [c, z, t]: [usize; 3]) -> Option<[usize; 3]> {
    Some(match order {
        "XYCZT" => [1, c, c * z],
        "XYZCT" => [z, 1, z * c],
        "XYCTZ" => [1, c * t, c],
        "XYTCZ" => [t, t * c, 1],
        "XYZTC" => [z * t, 1, z],
        "XYTZC" => [t * z, t, 1],
        _ => return None,
    })
}

/// Moves planes to the pages that `TiffData` elements name.
fn place_planes(
    layout: &mut Layout,
    pixels: Node<'_, '_>,
    [nc, nz, nt]: [usize; 3],
    stride: [usize; 3],
) -> std::result::Result<(), String> {
    let total = nc * nz * nt;
    for data in pixels.children().filter(|n| n.has_tag_name_local("TiffData")) {
        let names_file = data.children().any(|n| n.has_tag_name_local("UUID") && n.attribute("FileName").is_some());
        let several = names_file
            && pixels
                .children()
                .flat_map(|d| d.children())
                .filter_map(|n| n.attribute("FileName"))
                .collect::<std::collections::BTreeSet<_>>()
                .len()
                > 1;
        if several {
            return Err("is one of several files of an OME-TIFF".into());
        }
        let number = |key: &str| data.attribute(key).and_then(|v| v.parse::<usize>().ok());
        let (ifd, count) = (number("IFD"), number("PlaneCount"));
        if ifd.is_none() && count.is_none() && number("FirstZ").is_none() {
            continue;
        }
        let start = number("FirstC").unwrap_or(0) * stride[0]
            + number("FirstZ").unwrap_or(0) * stride[1]
            + number("FirstT").unwrap_or(0) * stride[2];
        for k in 0..count.unwrap_or(1).min(total) {
            let linear = start + k;
            let Some((c, z, t)) = unravel(linear, [nc, nz, nt], stride) else {
                return Err(format!("has a TiffData element for plane {linear} of {total}"));
            };
            layout.pages[(t * nc + c) * nz + z] = ifd.unwrap_or(0) + k;
        }
    }
    Ok(())
}

fn unravel(linear: usize, [nc, nz, nt]: [usize; 3], stride: [usize; 3]) -> Option<(usize, usize, usize)> {
    let (c, z, t) = (linear / stride[0] % nc, linear / stride[1] % nz, linear / stride[2] % nt);
    (linear < nc * nz * nt).then_some((c, z, t))
}

/// Names without their namespace: it carries the year of the schema.
trait LocalName {
    fn has_tag_name_local(&self, name: &str) -> bool;
}

impl LocalName for Node<'_, '_> {
    fn has_tag_name_local(&self, name: &str) -> bool {
        self.is_element() && self.tag_name().name() == name
    }
}
