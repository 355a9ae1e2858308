//! ThorImage: `Experiment.xml`, and either `Image_0001_0001.raw` or one TIFF per plane (`ChanA_0001_0001_0001_0001.tif`: well, tile, slice, time).
//!
//! Raw data are 16-bit, channels fastest, then slices (and frames in which the piezo flies back, left out), then time. Everything is held against the
//! length of the raw file.

use std::path::{Path, PathBuf};

use roxmltree::{Document, Node};

use crate::io::fault::{Fault, Found};
use crate::io::meta::{FoundSize, Layout, check_count};
use crate::io::planes::PlaneStack;
use crate::io::tiff::Member;

/// How far `pixelSizeUM` may be from `widthUM` over `pixelX`, as a fraction.
const TOLERANCE: f64 = 0.02;

/// What `Experiment.xml` says.
struct Experiment {
    width: usize,
    height: usize,
    slices: usize,
    flyback: usize,
    times: usize,
    times_field: &'static str,
    names: Vec<String>,
    voxel: FoundSize,
    remarks: Vec<String>,
}

pub(super) fn open(path: &Path, document: &Document<'_>) -> Found<PlaneStack> {
    let experiment = Experiment::read(document.root_element())?;
    let raw = ["Image_0001_0001.raw", "Image_001_001.raw"].map(|name| path.with_file_name(name));
    match raw.iter().find(|p| p.is_file()) {
        Some(raw) => experiment.raw(raw.clone(), path),
        None => experiment.tiffs(path),
    }
}

fn element<'a>(root: Node<'a, 'a>, name: &'static str) -> Found<Node<'a, 'a>> {
    let found = root.children().find(|n| n.tag_name().name() == name);
    found.ok_or_else(|| Fault::damaged(format!("its Experiment.xml has no {name}")))
}

/// A whole number from 0 on; `default` where there is none.
fn count(node: Node<'_, '_>, key: &str, default: Option<usize>) -> Found<usize> {
    let of = node.tag_name().name();
    match (node.attribute(key), default) {
        (Some(text), _) => text.trim().parse().ok().filter(|n| *n < 1_000_000_000).ok_or_else(|| {
            Fault::damaged(format!("its Experiment.xml says {key}={text:?} in {of}, a count is expected"))
        }),
        (None, Some(default)) => Ok(default),
        (None, None) => Err(Fault::damaged(format!("its Experiment.xml has no {key} in {of}"))),
    }
}

fn at_least_one(n: usize, what: &str) -> Found<usize> {
    if n > 0 {
        Ok(n)
    } else {
        Err(Fault::damaged(format!("its Experiment.xml says {what}=\"0\", at least 1 is expected")))
    }
}

impl Experiment {
    fn read(root: Node<'_, '_>) -> Found<Self> {
        let lsm = element(root, "LSM")?;
        let (stage, time) = (element(root, "ZStage")?, element(root, "Timelapse")?);
        let streaming = root.children().find(|n| n.tag_name().name() == "Streaming");
        let on = |key| streaming.map_or(Ok(0), |s| count(s, key, Some(0))).map(|n| n == 1);
        let slices = at_least_one(count(stage, "steps", None)?, "steps")?;
        let fast = slices > 1 && on("enable")? && on("zFastEnable")?;
        let flyback = if fast { streaming.map_or(Ok(0), |s| count(s, "flybackFrames", Some(0)))? } else { 0 };
        let mut names = Vec::new();
        for wave in element(root, "Wavelengths")?.children().filter(|n| n.tag_name().name() == "Wavelength") {
            let name = wave
                .attribute("name")
                .ok_or_else(|| Fault::damaged("its Experiment.xml has a Wavelength without name"))?;
            names.push(name.to_owned());
        }
        at_least_one(names.len(), "Wavelengths")?;
        let averaged = if count(lsm, "averageMode", Some(0))? == 0 { 1 } else { count(lsm, "averageNum", Some(1))? };
        let remark = format!("each plane is an average of {averaged} frames (averageNum)");
        Ok(Self {
            width: at_least_one(count(lsm, "pixelX", None)?, "pixelX")?,
            height: at_least_one(count(lsm, "pixelY", None)?, "pixelY")?,
            slices,
            flyback,
            times: at_least_one(count(time, "timepoints", None)?, "timepoints")?,
            times_field: "timepoints",
            names,
            voxel: voxel_size(lsm, stage),
            remarks: if averaged > 1 { vec![remark] } else { Vec::new() },
        })
    }

    fn raw(self, raw: PathBuf, xml: &Path) -> Found<PlaneStack> {
        let len = std::fs::metadata(&raw)?.len();
        let per_volume = self.slices + self.flyback;
        let counts = [2, self.height, self.width, self.names.len(), per_volume, self.times];
        let expected = counts.iter().try_fold(1_u64, |n, &c| n.checked_mul(c as u64));
        if expected != Some(len) {
            return Err(Fault::new(
                format!(
                    "its raw file has {len} bytes, its Experiment.xml says pixelY={} x pixelX={} x {} Wavelengths x steps={}{} x {}={} of 2 bytes",
                    self.height,
                    self.width,
                    self.names.len(),
                    self.slices,
                    if self.flyback > 0 { format!(" and flybackFrames={}", self.flyback) } else { String::new() },
                    self.times_field,
                    self.times
                ),
                "the recording was stopped early or only some channels were saved: export it from ThorImage as TIFF",
            ));
        }
        let channels = self.names.len();
        let page = |t: usize, c: usize, z: usize| (t * per_volume + z) * channels + c;
        let size = (self.height, self.width);
        let shape = (self.times, channels, self.slices);
        let mut layout = Layout::by("ThorImage raw", shape, self.voxel, page);
        layout.remarks = self.remarks;
        if self.flyback > 0 {
            layout.remarks.push(format!("{} flyback frames after each volume are left out", self.flyback));
        }
        layout.channel_names = self.names;
        Ok(PlaneStack::of_raw(raw, len, size, layout, vec![xml.into()]))
    }

    fn tiffs(self, xml: &Path) -> Found<PlaneStack> {
        let names = list(xml, &self.names)?;
        let (mut members, mut starts) = (Vec::new(), Vec::new());
        let mut pages = 0;
        for name in &names {
            let label = name.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let member = Member::open(&name.path).map_err(|fault| fault.in_file(&label))?;
            starts.push(pages);
            pages += member.pages.len();
            members.push(member);
        }
        let first = &members[0].pages[0];
        if (first.height, first.width) != (self.height as u64, self.width as u64) {
            return Err(Fault::damaged(format!(
                "its Experiment.xml says pixelY={} x pixelX={}, its planes are {} x {}",
                self.height, self.width, first.height, first.width
            )));
        }
        let channels = self.names.len();
        let counts = [("Wavelengths", channels), ("steps", self.slices), ("timepoints", self.times)];
        check_count("Experiment.xml", &counts, pages)?;
        let mut of = vec![None; pages];
        for (name, start) in names.iter().zip(&starts) {
            let place = (name.time.wrapping_sub(1), name.channel, name.slice.wrapping_sub(1));
            if members.len() == channels && channels < pages {
                // One file per channel: its pages are the slices of each time point.
                (0..pages / channels)
                    .for_each(|i| of[self.at(i / self.slices, name.channel, i % self.slices)] = Some(start + i));
            } else if place.0 < self.times && place.2 < self.slices {
                of[self.at(place.0, place.1, place.2)] = Some(*start);
            }
        }
        let of: Option<Vec<usize>> = of.into_iter().collect();
        let of = of.ok_or_else(|| {
            Fault::damaged("the numbers in the names of its TIFF files do not run from 1 to steps and timepoints")
        })?;
        let shape = (self.times, channels, self.slices);
        let mut layout = Layout::by("ThorImage TIFF", shape, self.voxel.clone(), |t, c, z| of[self.at(t, c, z)]);
        (layout.remarks, layout.channel_names) = (self.remarks, self.names);
        PlaneStack::of_pages(members, layout, vec![xml.into()])
    }

    fn at(&self, t: usize, c: usize, z: usize) -> usize {
        (t * self.names.len() + c) * self.slices + z
    }
}

/// A TIFF file of one plane, by its name.
struct Named {
    path: PathBuf,
    channel: usize,
    slice: usize,
    time: usize,
}

/// The files of all channels, sorted; of one well and tile.
fn list(xml: &Path, channels: &[String]) -> Found<Vec<Named>> {
    let folder = xml.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let (mut found, mut fields) = (Vec::new(), std::collections::BTreeSet::new());
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let Some(stem) = name.strip_suffix(".tif").or(name.strip_suffix(".tiff")) else { continue };
        let mut parts = stem.rsplitn(5, '_');
        let numbers: Vec<usize> = parts.by_ref().take(4).filter_map(|p| p.parse().ok()).collect();
        let (Some(channel), &[time, slice, tile, well]) =
            (parts.next().and_then(|c| channels.iter().position(|n| n == c)), &numbers[..])
        else {
            continue;
        };
        fields.insert((well, tile));
        found.push(Named { path, channel, slice, time });
    }
    if fields.len() > 1 {
        return Err(Fault::new(
            format!("is a folder of {} fields of view (wells or tiles)", fields.len()),
            "put the files of each field into a folder of their own, with Experiment.xml",
        ));
    }
    if found.is_empty() {
        return Err(Fault::new(
            "has neither Image_0001_0001.raw nor TIFF files named after its Wavelengths beside Experiment.xml",
            "give the folder that ThorImage wrote",
        ));
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(found)
}

fn voxel_size(lsm: Node<'_, '_>, stage: Node<'_, '_>) -> FoundSize {
    let length = |node: Node<'_, '_>, key: &str| {
        let of = node.tag_name().name();
        let text = node.attribute(key).ok_or(format!("Experiment.xml has no {key} in {of}"))?;
        let value = text.trim().parse::<f64>().ok().map(f64::abs).filter(|v| v.is_finite() && *v > 0.0);
        value.ok_or(format!("Experiment.xml has {key}={text:?} in {of}, a length in µm is expected"))
    };
    let (z, xy) = match (length(stage, "stepSizeUM"), length(lsm, "pixelSizeUM")) {
        (Ok(z), Ok(xy)) => (z, xy),
        (Err(why), _) | (_, Err(why)) => return FoundSize::unknown(why),
    };
    if let (Ok(wide), Ok(pixels)) = (length(lsm, "widthUM"), length(lsm, "pixelX"))
        && (wide / pixels - xy).abs() > TOLERANCE * xy
    {
        return FoundSize::unknown(format!(
            "Experiment.xml has pixelSizeUM={xy}, but widthUM={wide} over pixelX={pixels} is {}",
            wide / pixels
        ));
    }
    FoundSize::of([z, xy, xy], "ThorImage: stepSizeUM, pixelSizeUM".into())
}
