//! OME-TIFF: XML in the description (OME model 2016-06; <https://docs.openmicroscopy.org/ome-model/6.3.1/ome-tiff/>).

use roxmltree::{Document, Node};

use crate::io::fault::{Fault, Found};
use crate::io::meta::layout::{FoundSize, Layout, Texts};
use crate::io::meta::unit::to_um;

/// Reads `key` as a count; `default` where it is missing.
fn count(node: Node<'_, '_>, key: &str, default: Option<usize>) -> Found<usize> {
    match (node.attribute(key), default) {
        (Some(text), _) => text
            .trim()
            .parse()
            .map_err(|_| Fault::damaged(format!("its OME-XML says {key}=\"{text}\", a count is expected"))),
        (None, Some(default)) => Ok(default),
        (None, None) => Err(Fault::damaged(format!("its OME-XML has no {key}"))),
    }
}

/// The elements of a name below a node, whatever their namespace.
fn below<'a>(node: Node<'a, 'a>, name: &'static str) -> impl Iterator<Item = Node<'a, 'a>> {
    node.descendants().filter(move |n| n.tag_name().name() == name)
}

pub(super) fn layout(texts: &Texts) -> Found<Layout> {
    let document = Document::parse(&texts.description)
        .map_err(|e| Fault::damaged(format!("its OME-XML cannot be understood ({e})")))?;
    let root = document.root();
    let whole = "combine it into one file: open it in Fiji and save it as one TIFF";
    if below(root, "BinaryOnly").next().is_some() {
        return Err(Fault::new("its OME-XML lies in another file (BinaryOnly)", whole));
    }
    let images: Vec<Node<'_, '_>> = below(root, "Pixels").collect();
    let [pixels] = images[..] else {
        return Err(Fault::new(
            format!("its OME-XML describes {} images, one is read", images.len()),
            "save the image wanted as a file of its own",
        ));
    };
    let axis = |key| count(pixels, key, None);
    let (x, y) = (axis("SizeX")?, axis("SizeY")?);
    if (x as u64, y as u64) != (texts.width, texts.height) {
        return Err(Fault::damaged(format!(
            "its OME-XML says SizeY x SizeX = {y} x {x}, its pages are {} x {}",
            texts.height, texts.width
        )));
    }
    let sizes = Sizes { z: axis("SizeZ")?, c: axis("SizeC")?, t: axis("SizeT")? };
    let planes = sizes.z.checked_mul(sizes.c).and_then(|n| n.checked_mul(sizes.t));
    if planes.is_none_or(|n| n == 0 || n > texts.pages) {
        let Sizes { z, c, t } = sizes;
        return Err(Fault::new(
            format!("its OME-XML says SizeZ x SizeC x SizeT = {z} x {c} x {t}, but it has {} pages", texts.pages),
            whole,
        ));
    }
    check_files(pixels)?;
    let order = pixels.attribute("DimensionOrder").unwrap_or("XYZCT");
    let pages = pages(pixels, sizes, order, texts)?;
    let page = |t: usize, c: usize, z: usize| pages[(t * sizes.c + c) * sizes.z + z];
    Ok(Layout::by("OME-TIFF", (sizes.t, sizes.c, sizes.z), voxel_size(pixels), page))
}

#[derive(Clone, Copy)]
struct Sizes {
    z: usize,
    c: usize,
    t: usize,
}

impl Sizes {
    /// The strides of (z, c, t) in planes, by an order such as XYZCT.
    fn strides(self, order: &str) -> Found<[usize; 3]> {
        match order {
            "XYZCT" => Ok([1, self.z, self.z * self.c]),
            "XYZTC" => Ok([1, self.z * self.t, self.z]),
            "XYCZT" => Ok([self.c, 1, self.c * self.z]),
            "XYCTZ" => Ok([self.c * self.t, 1, self.c]),
            "XYTZC" => Ok([self.t, self.t * self.z, 1]),
            "XYTCZ" => Ok([self.t * self.c, self.t, 1]),
            _ => Err(Fault::damaged(format!("its OME-XML says DimensionOrder=\"{order}\", which is none"))),
        }
    }
}

/// The page of each plane, (t, c, z) with z fastest, from the TiffData elements.
fn pages(pixels: Node<'_, '_>, sizes: Sizes, order: &str, texts: &Texts) -> Found<Vec<usize>> {
    let n = sizes.z * sizes.c * sizes.t;
    let [dz, dc, dt] = sizes.strides(order)?;
    // Position in the file's order of planes -> position in ours.
    let mut ours = vec![0; n];
    for (t, c, z) in (0..sizes.t).flat_map(|t| (0..sizes.c).flat_map(move |c| (0..sizes.z).map(move |z| (t, c, z)))) {
        ours[t * dt + c * dc + z * dz] = (t * sizes.c + c) * sizes.z + z;
    }
    let mut pages: Vec<Option<usize>> = vec![None; n];
    let mut listed = false;
    for data in pixels.children().filter(|c| c.tag_name().name() == "TiffData") {
        listed = true;
        let first = |key| count(data, key, Some(0));
        let (z, c, t) = (first("FirstZ")?, first("FirstC")?, first("FirstT")?);
        let start = if z < sizes.z && c < sizes.c && t < sizes.t { z * dz + c * dc + t * dt } else { n };
        let ifd = first("IFD")?;
        // By the standard: one plane if IFD is given, all otherwise.
        let all = n.saturating_sub(start);
        let planes = count(data, "PlaneCount", Some(if data.attribute("IFD").is_some() { 1 } else { all }))?;
        if planes > all || ifd.checked_add(planes).is_none_or(|end| end > texts.pages) {
            return Err(Fault::damaged(format!(
                "its OME-XML places {planes} planes from page {ifd} at z {z}, channel {c}, time {t}: the file has {} pages, the image {n} planes",
                texts.pages
            )));
        }
        for i in 0..planes {
            pages[ours[start + i]] = Some(ifd + i);
        }
    }
    if !listed {
        (0..n).for_each(|i| pages[ours[i]] = Some(i));
    }
    pages.iter().copied().collect::<Option<Vec<usize>>>().ok_or_else(|| {
        let missing = pages.iter().filter(|p| p.is_none()).count();
        Fault::damaged(format!("its OME-XML places no page for {missing} of its {n} planes"))
    })
}

/// Refuses images whose planes lie in several files. The name of a single one may differ: files get renamed.
fn check_files(pixels: Node<'_, '_>) -> Found<()> {
    let mut names = below(pixels, "UUID").filter_map(|uuid| uuid.attribute("FileName"));
    let first = names.next();
    match names.find(|&name| Some(name) != first) {
        Some(other) => Err(Fault::new(
            format!("its planes are spread over several files ({}, {other})", first.unwrap_or_default()),
            "combine them into one file: open the set in Fiji and save it as one TIFF",
        )),
        None => Ok(()),
    }
}

fn voxel_size(pixels: Node<'_, '_>) -> FoundSize {
    let mut um = [0.0; 3];
    for (edge, key) in um.iter_mut().zip(["PhysicalSizeZ", "PhysicalSizeY", "PhysicalSizeX"]) {
        let Some(value) = pixels.attribute(key) else {
            return FoundSize::unknown(format!("the OME-XML has no {key}"));
        };
        let unit = pixels.attribute(format!("{key}Unit").as_str()).unwrap_or("µm");
        match value.trim().parse().ok().and_then(|v: f64| to_um(v, unit)) {
            Some(v) => *edge = v,
            None => return FoundSize::unknown(format!("the OME-XML has {key}=\"{value}\" {unit}, which is no length")),
        }
    }
    FoundSize::of(um, "OME-XML: PhysicalSizeZ, Y, X".into())
}
