//! Bruker PrairieView: an XML of `PVScan`, and one OME-TIFF per frame and channel beside it.
//!
//! `Sequence` elements are volumes where they are z-series (one plane per `Frame`), otherwise their frames are time points. x and y come from
//! `micronsPerPixel`, z too unless the frames' own positions say something else. With `bidirectionalZ` every second volume runs backwards.

use std::collections::HashMap;
use std::path::Path;

use roxmltree::{Document, Node};

use crate::io::fault::{Fault, Found};
use crate::io::folder::beside;
use crate::io::meta::{FoundSize, Layout};
use crate::io::planes::PlaneStack;
use crate::io::tiff::Member;

/// How far z from `micronsPerPixel` may be from the step between frames, as a fraction of the step.
const Z_TOLERANCE: f64 = 0.02;

fn named<'a>(node: Node<'a, 'a>, name: &'static str) -> impl Iterator<Item = Node<'a, 'a>> {
    node.children().filter(move |n| n.tag_name().name() == name)
}

pub(super) fn open(path: &Path, document: &Document<'_>) -> Found<PlaneStack> {
    let root = document.root_element();
    let volumes = volumes(root)?;
    let channels = channels(volumes[0][0])?;
    let mut files = Files { path, members: Vec::new(), numbers: HashMap::new() };
    let mut planes = Vec::new();
    for volume in &volumes {
        for channel in &channels {
            for frame in volume {
                planes.push(files.plane(*frame, channel.number)?);
            }
        }
    }
    let starts: Vec<usize> = files
        .members
        .iter()
        .scan(0, |next, m| {
            *next += m.pages.len();
            Some(*next - m.pages.len())
        })
        .collect();
    let shape = (volumes.len(), channels.len(), volumes[0].len());
    let page = |t: usize, c: usize, z: usize| {
        let (file, page) = planes[(t * shape.1 + c) * shape.2 + z];
        starts[file] + page
    };
    let layout = Layout::by("PrairieView OME-TIFF", shape, voxel_size(root, &volumes), page);
    let averaged = states(root, "rastersPerFrame").into_iter().find(|(_, value)| *value != "1");
    let remarks = averaged.map(|(_, n)| format!("each plane is an average of {n} rasters (rastersPerFrame)"));
    let channel_names = channels.into_iter().map(|c| c.name).collect();
    let layout = Layout { channel_names, remarks: remarks.into_iter().collect(), ..layout };
    PlaneStack::of_pages(files.members, layout, vec![path.into()])
}

/// The frames of each volume, from the top down.
fn volumes<'a>(root: Node<'a, 'a>) -> Found<Vec<Vec<Node<'a, 'a>>>> {
    let sequences: Vec<Node<'_, '_>> =
        named(root, "Sequence").filter(|s| named(*s, "Frame").next().is_some()).collect();
    let Some(first) = sequences.first() else {
        return Err(Fault::damaged("its XML has no Sequence with a Frame"));
    };
    let is_z = |s: &Node<'_, '_>| s.attribute("type").unwrap_or_default().contains("ZSeries");
    if let Some(other) = sequences.iter().find(|s| is_z(s) != is_z(first)) {
        let [a, b] = [first, other].map(|s| s.attribute("type").unwrap_or_default().to_owned());
        return Err(Fault::new(
            format!("its XML has Sequences of type {a:?} and {b:?}"),
            "export the z-series as a stack of its own",
        ));
    }
    if !is_z(first) {
        return Ok(sequences.iter().flat_map(|s| named(*s, "Frame").map(|f| vec![f])).collect());
    }
    let mut volumes: Vec<Vec<Node<'_, '_>>> = sequences.iter().map(|s| named(*s, "Frame").collect()).collect();
    if let Some((cycle, short)) = volumes.iter().enumerate().find(|(_, v)| v.len() != volumes[0].len()) {
        return Err(Fault::new(
            format!("its Sequence {} has {} Frames, the first has {}", cycle + 1, short.len(), volumes[0].len()),
            "the recording was stopped early: delete the last Sequence from the XML, or export the whole ones",
        ));
    }
    let both_ways =
        sequences.iter().any(|s| s.attribute("bidirectionalZ").is_some_and(|v| v.eq_ignore_ascii_case("true")));
    for (n, volume) in volumes.iter_mut().enumerate() {
        if both_ways && n % 2 == 1 {
            volume.reverse();
        }
    }
    Ok(volumes)
}

struct Channel<'a> {
    number: &'a str,
    name: String,
}

fn channels<'a>(frame: Node<'a, 'a>) -> Found<Vec<Channel<'a>>> {
    let mut channels: Vec<Channel<'_>> = Vec::new();
    for file in named(frame, "File") {
        let number = attribute(file, "channel")?;
        if channels.iter().any(|c| c.number == number) {
            return Err(Fault::damaged(format!("its XML has two Files of channel {number} in one Frame")));
        }
        let name = file.attribute("channelName").map_or_else(|| format!("channel {number}"), str::to_owned);
        channels.push(Channel { number, name });
    }
    if channels.is_empty() { Err(Fault::damaged("its XML has a Frame without a File")) } else { Ok(channels) }
}

fn attribute<'a>(node: Node<'a, 'a>, key: &str) -> Found<&'a str> {
    let of = node.tag_name().name();
    node.attribute(key).ok_or_else(|| Fault::damaged(format!("its XML has a {of} without {key}")))
}

/// The files opened so far, each once.
struct Files<'a> {
    path: &'a Path,
    members: Vec<Member>,
    numbers: HashMap<String, usize>,
}

impl Files<'_> {
    /// File and page of a channel in a frame.
    fn plane(&mut self, frame: Node<'_, '_>, channel: &str) -> Found<(usize, usize)> {
        let Some(file) = named(frame, "File").find(|f| f.attribute("channel") == Some(channel)) else {
            let index = frame.attribute("index").unwrap_or("?");
            return Err(Fault::damaged(format!(
                "its XML has a Frame (index {index}) without a File of channel {channel}"
            )));
        };
        let name = attribute(file, "filename")?;
        let number = match self.numbers.get(name) {
            Some(&number) => number,
            None => {
                self.members.push(Member::open(&beside(self.path, name)?).map_err(|fault| fault.in_file(name))?);
                self.numbers.insert(name.to_owned(), self.members.len() - 1);
                self.members.len() - 1
            }
        };
        let page = file.attribute("page").unwrap_or("1");
        let there = self.members[number].pages.len();
        match page.parse::<usize>() {
            Ok(page) if page >= 1 && page <= there => Ok((number, page - 1)),
            _ => Err(Fault::damaged(format!("its XML says page {page:?} of {name}, which has {there}"))),
        }
    }
}

/// All values of a state, with their index: of PrairieView 5 (`PVStateValue`) and of older ones (`Key`, `micronsPerPixel_XAxis`).
fn states<'a>(root: Node<'a, 'a>, key: &str) -> Vec<(String, &'a str)> {
    let mut found = Vec::new();
    for node in root.descendants() {
        match (node.tag_name().name(), node.attribute("key")) {
            ("PVStateValue", Some(k)) if k == key => {
                found.extend(node.attribute("value").map(|v| (String::new(), v)));
                for child in node.children() {
                    found
                        .extend(child.attribute("index").zip(child.attribute("value")).map(|(i, v)| (i.to_owned(), v)));
                }
            }
            ("Key", Some(k)) => {
                let index = k.strip_prefix(key).map(|rest| rest.trim_start_matches('_').to_owned());
                found.extend(index.zip(node.attribute("value")));
            }
            _ => {}
        }
    }
    found
}

fn voxel_size(root: Node<'_, '_>, volumes: &[Vec<Node<'_, '_>>]) -> FoundSize {
    let states = states(root, "micronsPerPixel");
    let edge = |axis: &str| -> Result<f64, String> {
        let mut values = states.iter().filter(|(index, _)| index == axis).map(|(_, value)| *value);
        let first = values.next().ok_or(format!("the PrairieView XML has no micronsPerPixel of {axis}"))?;
        if let Some(other) = values.find(|v| *v != first) {
            return Err(format!("the PrairieView XML has micronsPerPixel of {axis} = {first} and {other}"));
        }
        let number = first.trim().parse::<f64>().ok().map(f64::abs).filter(|v| v.is_finite());
        number.ok_or(format!("the PrairieView XML has micronsPerPixel of {axis} = {first:?}, a number is expected"))
    };
    let (z, y, x) = match (edge("ZAxis"), edge("YAxis"), edge("XAxis")) {
        (Ok(z), Ok(y), Ok(x)) => (z, y, x),
        (_, _, Err(why)) | (_, Err(why), _) | (Err(why), _, _) => return FoundSize::unknown(why),
    };
    if let Some(step) = step(&volumes[0])
        && (step - z).abs() > Z_TOLERANCE * step
    {
        return FoundSize::unknown(format!(
            "the PrairieView XML has micronsPerPixel of ZAxis = {z}, but positionCurrent moves by {step} from Frame to Frame"
        ));
    }
    FoundSize::of([z, y, x], "PrairieView: micronsPerPixel".into())
}

/// The mean step of the frames along z, if all say where they are.
fn step(frames: &[Node<'_, '_>]) -> Option<f64> {
    let places: Option<Vec<f64>> = frames.iter().map(|f| place(*f)).collect();
    let places = places.filter(|p| p.len() > 1)?;
    let step = (places[places.len() - 1] - places[0]).abs() / (places.len() - 1) as f64;
    Some(step).filter(|s| *s > 0.0)
}

/// Where a frame lies along z, µm: the sum over the devices that move there (motor, piezo).
fn place(frame: Node<'_, '_>) -> Option<f64> {
    let current = frame.descendants().find(|n| n.attribute("key") == Some("positionCurrent"))?;
    let axis = current.children().find(|n| n.attribute("index") == Some("ZAxis"))?;
    let values: Vec<f64> = match axis.attribute("value") {
        Some(value) => vec![value.parse().ok()?],
        None => axis.children().filter_map(|v| v.attribute("value")).map(|v| v.parse().ok()).collect::<Option<_>>()?,
    };
    (!values.is_empty()).then(|| values.iter().sum())
}
