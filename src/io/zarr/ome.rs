//! What OME-Zarr says of an image (<https://ngff.openmicroscopy.org/0.5/>): axes, levels and how large a voxel is.

use serde_json::Value;

use crate::io::fault::{Fault, Found};
use crate::io::meta::{FoundSize, to_um};
use crate::io::zarr::store::{Store, Version, below};

/// What an axis of an array is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Axis {
    Time,
    Channel,
    Z,
    Y,
    X,
}

/// One level of an image: the path of its array, and its scale along every axis.
#[derive(Clone, Debug)]
pub(super) struct Level {
    pub(super) path: String,
    pub(super) scale: Option<Vec<f64>>,
}

/// A multiscale image.
#[derive(Clone, Debug)]
pub(super) struct Image {
    pub(super) version: Version,
    /// Group of the image; empty: the root.
    pub(super) group: String,
    pub(super) axes: Vec<Axis>,
    /// The axes as they are written.
    pub(super) axis_words: Vec<Value>,
    pub(super) levels: Vec<Level>,
    pub(super) voxel: FoundSize,
    pub(super) channel_names: Vec<String>,
}

/// The one image of a store: at its root, or the only series of bioformats2raw.
pub(super) fn image(store: &Store) -> Found<Image> {
    let Some((attributes, version)) = store.attributes("")? else {
        return Err(Fault::new(
            "is Zarr without attributes (zarr.json, .zattrs), so nothing says what its axes are",
            "give the folder of the OME-Zarr image, which holds the arrays",
        ));
    };
    let ome = ome_of(&attributes, version);
    if ome.get("multiscales").is_some() {
        return parse("", ome, version);
    }
    if ome.get("plate").is_some() || ome.get("well").is_some() {
        return Err(Fault::new(
            "is a plate or well of OME-Zarr, which holds many images",
            "give the folder of one image in it",
        ));
    }
    if ome.get("bioformats2raw.layout").is_some() {
        return series(store);
    }
    Err(Fault::new(
        "is Zarr without multiscales, so it is no OME-Zarr image",
        "give the folder of the OME-Zarr image, which holds the arrays",
    ))
}

/// The series of bioformats2raw are groups 0, 1, ...
fn series(store: &Store) -> Found<Image> {
    let (first, second) = (store.attributes("0")?, store.attributes("1")?);
    match (first, second) {
        (Some((attributes, version)), None) => parse("0", ome_of(&attributes, version), version),
        (None, _) => Err(Fault::damaged("is of bioformats2raw, but has no series 0")),
        (Some(_), Some(_)) => {
            Err(Fault::new("is of bioformats2raw and has several series", "give the folder of one, such as 0"))
        }
    }
}

/// OME-Zarr 0.5 has everything under `ome`.
fn ome_of(attributes: &Value, version: Version) -> &Value {
    match version {
        Version::V3 => &attributes["ome"],
        Version::V2 => attributes,
    }
}

fn parse(group: &str, ome: &Value, version: Version) -> Found<Image> {
    let multiscales = ome["multiscales"].as_array().map_or(&[][..], Vec::as_slice);
    let [image] = multiscales else {
        return Err(Fault::damaged(format!("its multiscales has {} images, one is read", multiscales.len())));
    };
    let axes = image["axes"].as_array().ok_or_else(|| {
        Fault::new("its multiscales has no axes (OME-Zarr before 0.3)", "write it again as OME-Zarr 0.4 or 0.5")
    })?;
    let named: Vec<Axis> = axes.iter().map(axis).collect::<Found<_>>()?;
    check_axes(&named)?;
    let levels = image["datasets"].as_array().filter(|d| !d.is_empty());
    let levels = levels.ok_or_else(|| Fault::damaged("its multiscales has no datasets"))?;
    let common = scale(&image["coordinateTransformations"], named.len())?;
    let levels: Vec<Level> =
        levels.iter().map(|d| level(d, group, common.as_deref(), named.len())).collect::<Found<_>>()?;
    let voxel = voxel_size(&named, axes, levels[0].scale.as_deref());
    let names = ome["omero"]["channels"].as_array().map_or(&[][..], Vec::as_slice);
    let channel_names = names.iter().filter_map(|c| c["label"].as_str()).map(str::to_owned).collect();
    let group = group.to_owned();
    Ok(Image { version, group, axes: named, axis_words: axes.clone(), levels, voxel, channel_names })
}

/// An axis by its name: a text in OME-Zarr 0.3, an object from 0.4 on.
fn axis(value: &Value) -> Found<Axis> {
    match value.as_str().or(value["name"].as_str()) {
        Some("t") => Ok(Axis::Time),
        Some("c") => Ok(Axis::Channel),
        Some("z") => Ok(Axis::Z),
        Some("y") => Ok(Axis::Y),
        Some("x") => Ok(Axis::X),
        _ => Err(Fault::damaged(format!("its axes have {value}, read are t, c, z, y and x"))),
    }
}

/// By the standard: time, channel, then space, each at most once; y and x must be there.
fn check_axes(axes: &[Axis]) -> Found<()> {
    let order = [Axis::Time, Axis::Channel, Axis::Z, Axis::Y, Axis::X];
    let place = |axis: &Axis| order.iter().position(|a| a == axis);
    let sorted = axes.windows(2).all(|pair| place(&pair[0]) < place(&pair[1]));
    if sorted && axes.contains(&Axis::Y) && axes.contains(&Axis::X) {
        return Ok(());
    }
    Err(Fault::new(
        format!("its axes are {axes:?}"),
        "OME-Zarr has t, c, z, y, x in this order, each once, at least y and x: write it again",
    ))
}

fn level(dataset: &Value, group: &str, common: Option<&[f64]>, n: usize) -> Found<Level> {
    let path = dataset["path"].as_str().unwrap_or_default();
    // What a file says must not lead out of it.
    let inside = !path.is_empty() && path.split('/').all(|part| !part.is_empty() && part != "." && part != "..");
    if !inside || path.contains(['\\', '\0']) {
        return Err(Fault::damaged(format!("its datasets have the path {}, which is not inside it", dataset["path"])));
    }
    let own = scale(&dataset["coordinateTransformations"], n)?;
    let scale = match (own, common) {
        (Some(own), Some(common)) => Some(own.iter().zip(common).map(|(a, b)| a * b).collect()),
        (own, _) => own,
    };
    Ok(Level { path: below(group, path), scale })
}

/// The scale of a list of transformations; none if there is none.
fn scale(transformations: &Value, n: usize) -> Found<Option<Vec<f64>>> {
    let list = transformations.as_array().map_or(&[][..], Vec::as_slice);
    let Some(found) = list.iter().find(|t| t["type"] == "scale") else { return Ok(None) };
    let values = found["scale"].as_array().map_or(&[][..], Vec::as_slice);
    let numbers: Option<Vec<f64>> = values.iter().map(Value::as_f64).collect();
    match numbers.filter(|numbers| numbers.len() == n) {
        Some(numbers) => Ok(Some(numbers)),
        None => Err(Fault::damaged(format!(
            "its coordinateTransformations have scale {}, {n} numbers are expected",
            found["scale"]
        ))),
    }
}

fn voxel_size(named: &[Axis], axes: &[Value], scale: Option<&[f64]>) -> FoundSize {
    let Some(scale) = scale else {
        return FoundSize::unknown("the OME-Zarr datasets have no scale in coordinateTransformations");
    };
    let edge = |axis: Axis, name: &str| {
        let at = named.iter().position(|a| *a == axis).ok_or(format!("the OME-Zarr has no axis {name}"))?;
        let unit = axes[at]["unit"].as_str().ok_or(format!("the OME-Zarr axis {name} has no unit"))?;
        to_um(scale[at], unit)
            .ok_or(format!("the OME-Zarr axis {name} has unit {unit:?}, which is no known unit of length"))
    };
    match (edge(Axis::Z, "z"), edge(Axis::Y, "y"), edge(Axis::X, "x")) {
        (Ok(z), Ok(y), Ok(x)) => FoundSize::of([z, y, x], "OME-Zarr: coordinateTransformations, unit of axes".into()),
        (Err(why), _, _) | (_, Err(why), _) | (_, _, Err(why)) => FoundSize::unknown(why),
    }
}
