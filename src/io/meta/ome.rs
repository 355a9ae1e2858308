//! OME-TIFF: XML in the description (OME model 2016-06; <https://docs.openmicroscopy.org/ome-model/6.3.1/ome-tiff/>).

use std::collections::HashSet;

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

fn parse(xml: &str) -> Found<Document<'_>> {
    Document::parse(xml).map_err(|e| Fault::damaged(format!("its OME-XML cannot be understood ({e})")))
}

/// The file in which the metadata lie, if they lie in another one.
pub(crate) fn metadata_file(xml: &str) -> Found<Option<String>> {
    let document = parse(xml)?;
    let Some(elsewhere) = below(document.root(), "BinaryOnly").next() else { return Ok(None) };
    match elsewhere.attribute("MetadataFile") {
        Some(name) => Ok(Some(name.to_owned())),
        None => {
            Err(Fault::damaged("its OME-XML lies in another file (BinaryOnly), and MetadataFile does not say in which"))
        }
    }
}

/// The files in which the planes lie, each once, in the order in which they are named; none if no file is named.
pub(crate) fn files(xml: &str) -> Found<Vec<String>> {
    let document = parse(xml)?;
    let pixels = pixels(document.root())?;
    let mut names: Vec<String> = Vec::new();
    let mut seen = HashSet::new();
    for name in below(pixels, "UUID").filter_map(|uuid| uuid.attribute("FileName")) {
        if seen.insert(name) {
            names.push(name.to_owned());
        }
    }
    Ok(names)
}

/// The one image: which of several is meant is not guessed.
fn pixels<'a>(root: Node<'a, 'a>) -> Found<Node<'a, 'a>> {
    let images: Vec<Node<'_, '_>> = below(root, "Pixels").collect();
    match images[..] {
        [pixels] => Ok(pixels),
        _ => Err(Fault::new(
            format!("its OME-XML describes {} images, one is read", images.len()),
            "save the image wanted as a file of its own",
        )),
    }
}

/// The layout of an image in one file, or in several: `names` and how many pages each has. The page of a plane counts through all files.
pub(crate) fn layout(texts: &Texts, names: &[String], counts: &[usize]) -> Found<Layout> {
    let document = parse(&texts.description)?;
    let pixels = pixels(document.root())?;
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
    let there: usize = counts.iter().sum();
    if planes.is_none_or(|n| n == 0 || n > there) {
        let Sizes { z, c, t } = sizes;
        return Err(Fault::new(
            format!("its OME-XML says SizeZ x SizeC x SizeT = {z} x {c} x {t}, but it has {there} pages"),
            "the recording was stopped early, or files of it are missing: copy all of it, or save it again in Fiji",
        ));
    }
    let order = pixels.attribute("DimensionOrder").unwrap_or("XYZCT");
    let pages = pages(pixels, sizes, order, &Files { names, counts })?;
    let page = |t: usize, c: usize, z: usize| pages[(t * sizes.c + c) * sizes.z + z];
    let names = pixels.children().filter(|c| c.tag_name().name() == "Channel").filter_map(|c| c.attribute("Name"));
    let names: Vec<String> = names.map(str::to_owned).collect();
    let layout = Layout::by("OME-TIFF", (sizes.t, sizes.c, sizes.z), voxel_size(pixels), page);
    Ok(Layout { channel_names: if names.len() == sizes.c { names } else { Vec::new() }, ..layout })
}

/// Where pages lie: in one file if there are no names, or a single one (files get renamed).
struct Files<'a> {
    names: &'a [String],
    counts: &'a [usize],
}

impl Files<'_> {
    /// The file of a TiffData element, as the number of its first page and how many it has.
    fn of(&self, data: Node<'_, '_>) -> Found<(usize, usize)> {
        let name = below(data, "UUID").find_map(|uuid| uuid.attribute("FileName"));
        let file = match name {
            _ if self.names.len() < 2 => 0,
            Some(name) => self.names.iter().position(|n| n == name).unwrap_or(0),
            None => {
                return Err(Fault::damaged("its OME-XML names several files, and one TiffData has no UUID FileName"));
            }
        };
        Ok((self.counts[..file].iter().sum(), self.counts[file]))
    }
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
fn pages(pixels: Node<'_, '_>, sizes: Sizes, order: &str, files: &Files<'_>) -> Found<Vec<usize>> {
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
        let (file, there) = files.of(data)?;
        // By the standard: one plane if IFD is given, all otherwise.
        let all = n.saturating_sub(start);
        let planes = count(data, "PlaneCount", Some(if data.attribute("IFD").is_some() { 1 } else { all }))?;
        if planes > all || ifd.checked_add(planes).is_none_or(|end| end > there) {
            return Err(Fault::damaged(format!(
                "its OME-XML places {planes} planes from page {ifd} at z {z}, channel {c}, time {t}: the file has {there} pages, the image {n} planes"
            )));
        }
        for i in 0..planes {
            pages[ours[start + i]] = Some(file + ifd + i);
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
