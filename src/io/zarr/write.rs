//! Label images beside the image they belong to, in its own version of OME-Zarr.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Value, json};
use zarrs::array::{Array, ArraySubset};
use zarrs::filesystem::FilesystemStore;

use crate::error::{Error, Result};
use crate::io::fault::{Fault, Found};
use crate::io::zarr::is_zarr;
use crate::io::zarr::ome::{Axis, Image, image};
use crate::io::zarr::store::{Store, Version};
use crate::volume::{Bricks, Shape};

/// Largest edge of a chunk of labels, voxels.
const CHUNK: u64 = 128;

/// Whether labels of a name may be written into a folder, and the group they go to; for use before long work.
pub(crate) fn check_labels(folder: &Path, name: &str, force: bool) -> Result<PathBuf> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if name.is_empty() || !name.chars().all(allowed) {
        let remedy = "give another --zarr-labels NAME";
        return Err(Error::parameter("zarr-labels", format!("{name:?}"), "letters, digits, - and _", remedy));
    }
    if !folder.is_dir() || !is_zarr(folder) {
        let remedy = "unzip it, or leave --zarr-labels out: labels.tif is written anyway";
        return Err(Error::file(folder, "is no folder of OME-Zarr, so labels cannot be put beside the image", remedy));
    }
    let store = Store::open(folder).map_err(|fault| fault.at(folder))?;
    let group = folder.join(image(&store).map_err(|fault| fault.at(folder))?.group).join("labels");
    let to = group.join(name);
    if to.exists() && !force {
        let remedy = "give another --zarr-labels NAME, or --force to replace it";
        return Err(Error::file(to, "is there already, and results are not replaced unasked", remedy));
    }
    Ok(group)
}

/// Writes `labels` as the label image `name` of the OME-Zarr image in a folder: `labels/NAME/`, with as many levels as the image has.
pub(crate) fn write_labels(folder: &Path, name: &str, labels: &Bricks<u16>, force: bool) -> Result<PathBuf> {
    let group = check_labels(folder, name, force)?;
    let store = Store::open(folder).map_err(|fault| fault.at(folder))?;
    let image = image(&store).map_err(|fault| fault.at(folder))?;
    let to = group.join(name);
    let failed = |e: &dyn std::fmt::Display| {
        Error::file(&to, format!("cannot be written ({e})"), "check the folder, its permissions and the space left")
    };
    std::fs::create_dir_all(&group).map_err(|e| failed(&e))?;
    let staging =
        tempfile::Builder::new().prefix(".gemmule-").suffix(".tmp").tempdir_in(&group).map_err(|e| failed(&e))?;
    let built = staging.path().join(name);
    levels(&built, &store, &image, labels).map_err(|fault| fault.at(&to))?;
    if to.exists() {
        // Out of the way in one step, so that there is never half a label image.
        std::fs::rename(&to, staging.path().join("replaced")).map_err(|e| failed(&e))?;
    }
    std::fs::rename(&built, &to).map_err(|e| failed(&e))?;
    list(&group, name, image.version).map_err(|e| failed(&e))?;
    Ok(to)
}

/// Every level, and the words that describe them.
fn levels(folder: &Path, store: &Store, image: &Image, labels: &Bricks<u16>) -> Found<()> {
    let cannot = |e: &dyn std::fmt::Display| Fault::new(format!("cannot be written ({e})"), "check the space left");
    let keys = Arc::new(FilesystemStore::new(folder).map_err(|e| cannot(&e))?);
    let space: Vec<usize> =
        (0..image.axes.len()).filter(|&a| !matches!(image.axes[a], Axis::Time | Axis::Channel)).collect();
    let mut datasets = Vec::new();
    for (n, level) in image.levels.iter().enumerate() {
        let of = store.array(&level.path)?;
        let shape: Vec<u64> = space.iter().filter_map(|&a| of.shape().get(a).copied()).collect();
        let metadata = serde_json::from_value(array(&shape, image.version)).map_err(|e| cannot(&e))?;
        let array = Array::new_with_metadata(keys.clone(), &format!("/{n}"), metadata).map_err(|e| cannot(&e))?;
        array.store_metadata().map_err(|e| cannot(&e))?;
        for chunk in chunks(labels.shape(), &shape)? {
            let values = sampled(labels, &shape, &chunk);
            // A chunk that is not there is all background.
            if values.iter().any(|&label| label != 0) {
                array.store_array_subset(&chunk, values.as_slice()).map_err(|e| cannot(&e))?;
            }
        }
        let scale = level.scale.as_ref().map(|s| space.iter().map(|&a| s[a]).collect::<Vec<_>>());
        let transformations = scale.map(|s| json!([{ "type": "scale", "scale": s }]));
        datasets.push(json!({ "path": n.to_string(), "coordinateTransformations": transformations }));
    }
    let axes: Vec<Value> = space.iter().map(|&a| image.axis_words[a].clone()).collect();
    let multiscales = json!([{ "name": "labels", "axes": axes, "datasets": datasets }]);
    let label = json!({ "source": { "image": "../../" } });
    group(folder, image.version, json!({ "multiscales": multiscales, "image-label": label })).map_err(|e| cannot(&e))
}

/// The chunks of a level of labels of shape `full`.
fn chunks(full: Shape, shape: &[u64]) -> Found<Vec<ArraySubset>> {
    let [z, y, x] = level_shape(shape).ok_or_else(|| Fault::damaged(format!("a level has {shape:?} voxels")))?;
    if z > full.z as u64 || y > full.y as u64 || x > full.x as u64 {
        return Err(Fault::damaged(format!("a level has {shape:?} voxels, the labels have {full}")));
    }
    let mut chunks = vec![Vec::new()];
    for &n in shape {
        let along = |start: u64| start..(start + CHUNK).min(n);
        let longer = |chunk: &Vec<_>| {
            (0..n).step_by(CHUNK as usize).map(|start| [chunk.as_slice(), &[along(start)]].concat()).collect::<Vec<_>>()
        };
        chunks = chunks.iter().flat_map(longer).collect();
    }
    Ok(chunks.iter().map(|ranges| ArraySubset::new_with_ranges(ranges)).collect())
}

/// Planes, rows and columns of a level; of one with two axes one plane.
fn level_shape(shape: &[u64]) -> Option<[u64; 3]> {
    match *shape {
        [z, y, x] if z * y * x > 0 => Some([z, y, x]),
        [y, x] if y * x > 0 => Some([1, y, x]),
        _ => None,
    }
}

/// The labels at the voxels of a chunk of a coarser grid, the nearest one each: labels cannot be averaged.
fn sampled(labels: &Bricks<u16>, shape: &[u64], chunk: &ArraySubset) -> Vec<u16> {
    let full = labels.shape();
    let ranges = chunk.to_ranges();
    let (near, of) = match (ranges.as_slice(), shape) {
        ([y, x], [ny, nx]) => ([0..1, y.clone(), x.clone()], [1, *ny, *nx]),
        ([z, y, x], [nz, ny, nx]) => ([z.clone(), y.clone(), x.clone()], [*nz, *ny, *nx]),
        _ => return Vec::new(),
    };
    let at = |i: u64, n: u64, full: usize| (2 * i as usize + 1) * full / (2 * n as usize);
    let [z, y, x] = near;
    let mut part = Vec::with_capacity(chunk.num_elements() as usize);
    for z in z.map(|z| at(z, of[0], full.z)) {
        for y in y.clone().map(|y| at(y, of[1], full.y)) {
            part.extend(x.clone().map(|x| labels.get(z, y, at(x, of[2], full.x)).unwrap_or(0)));
        }
    }
    part
}

/// The metadata of an array of labels, compressed by what every reader has.
fn array(shape: &[u64], version: Version) -> Value {
    let chunks: Vec<u64> = shape.iter().map(|s| (*s).min(CHUNK)).collect();
    match version {
        Version::V2 => json!({
            "zarr_format": 2, "shape": shape, "chunks": chunks, "dtype": "<u2", "fill_value": 0, "order": "C",
            "compressor": { "id": "zlib", "level": 1 }, "filters": null, "dimension_separator": "/",
        }),
        Version::V3 => json!({
            "zarr_format": 3, "node_type": "array", "shape": shape, "data_type": "uint16", "fill_value": 0,
            "chunk_grid": { "name": "regular", "configuration": { "chunk_shape": chunks } },
            "chunk_key_encoding": { "name": "default", "configuration": { "separator": "/" } },
            "codecs": [
                { "name": "bytes", "configuration": { "endian": "little" } },
                { "name": "gzip", "configuration": { "level": 1 } },
            ],
            "dimension_names": if shape.len() == 3 { json!(["z", "y", "x"]) } else { json!(["y", "x"]) },
        }),
    }
}

/// The metadata of a group with OME words.
fn group(folder: &Path, version: Version, mut ome: Value) -> std::io::Result<()> {
    match version {
        Version::V2 => {
            ome["multiscales"][0]["version"] = json!("0.4");
            ome["image-label"]["version"] = json!("0.4");
            std::fs::write(folder.join(".zgroup"), json!({ "zarr_format": 2 }).to_string())?;
            std::fs::write(folder.join(".zattrs"), format!("{ome:#}"))
        }
        Version::V3 => {
            ome["version"] = json!("0.5");
            let group = json!({ "zarr_format": 3, "node_type": "group", "attributes": { "ome": ome } });
            std::fs::write(folder.join("zarr.json"), format!("{group:#}"))
        }
    }
}

/// Enters a label image into the list of its group, keeping the others.
fn list(group: &Path, name: &str, version: Version) -> std::io::Result<()> {
    let file = group.join(if version == Version::V3 { "zarr.json" } else { ".zattrs" });
    let mut words: Value = match std::fs::read(&file) {
        Ok(text) => serde_json::from_slice(&text)?,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => json!({}),
        Err(e) => return Err(e),
    };
    let is_v3 = version == Version::V3;
    if is_v3 {
        words["zarr_format"] = json!(3);
        words["node_type"] = json!("group");
        words["attributes"]["ome"]["version"] = json!("0.5");
    }
    let entry = if is_v3 { &mut words["attributes"]["ome"]["labels"] } else { &mut words["labels"] };
    let mut names: Vec<String> = serde_json::from_value(entry.take()).unwrap_or_default();
    if !names.iter().any(|n| n == name) {
        names.push(name.to_owned());
    }
    *entry = json!(names);
    if !is_v3 && !group.join(".zgroup").exists() {
        std::fs::write(group.join(".zgroup"), json!({ "zarr_format": 2 }).to_string())?;
    }
    let mut new = tempfile::NamedTempFile::new_in(group)?;
    std::io::Write::write_all(&mut new, format!("{words:#}").as_bytes())?;
    new.persist(&file).map_err(|e| e.error)?;
    Ok(())
}
