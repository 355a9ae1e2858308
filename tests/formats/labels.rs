//! Labels written beside an OME-Zarr image, in its own version, and what reads them.

use std::fs;
use std::process::Command;

use gemmule::error::Error;
use gemmule::io::{ReadOptions, read_stack, stack_sha256, write_labels_zarr};
use gemmule::volume::{Bricks, Shape};

use crate::faults::copy;

fn labels() -> Bricks<u16> {
    let mut labels = Bricks::new(Shape::new(3, 5, 7).unwrap());
    labels.set(0, 0, 0, 1);
    labels.set(2, 4, 6, 65_535);
    labels
}

#[test]
fn labels_lie_beside_the_image_and_change_nothing_else() {
    for (name, group, version) in [
        ("ome-zarr-0.4.zarr", "", 2),
        ("ome-zarr-0.5.zarr", "", 3),
        ("bioformats2raw.zarr", "0", 2),
        ("sharded.zarr", "", 3),
    ] {
        let (_dir, path) = copy(name);
        let before = stack_sha256(&path).unwrap();
        let to = write_labels_zarr(&path, "spines", &labels(), false).unwrap();
        assert_eq!(to, path.join(group).join("labels/spines"), "{name}");
        assert_eq!(stack_sha256(&path).unwrap(), before, "{name}: labels are no part of the image");
        // They are an image of their own, with the voxel size of the first.
        let stack = read_stack(&to, &ReadOptions::default()).unwrap();
        assert_eq!((stack.voxels.type_name(), stack.voxels.shape().to_string()), ("u16", "3 x 5 x 7".into()), "{name}");
        assert!((stack.voxel_size.z_um - 1.5).abs() < 1e-12, "{name}");
        assert_eq!((stack.voxels.value(0), stack.voxels.value(104), stack.voxels.value(50)), (1.0, 65_535.0, 0.0));
        // Another name is entered beside it, the same one only by force.
        write_labels_zarr(&path, "again", &labels(), false).unwrap();
        let list = path.join(group).join("labels").join(if version == 3 { "zarr.json" } else { ".zattrs" });
        let words: serde_json::Value = serde_json::from_slice(&fs::read(&list).unwrap()).unwrap();
        let names = if version == 3 { &words["attributes"]["ome"]["labels"] } else { &words["labels"] };
        assert_eq!(*names, serde_json::json!(["spines", "again"]), "{name}");
        let message = write_labels_zarr(&path, "spines", &labels(), false).unwrap_err().to_string();
        assert!(message.contains("is there already") && message.contains("--force"), "{message}");
        write_labels_zarr(&path, "spines", &labels(), true).unwrap();
        let left: Vec<_> =
            fs::read_dir(path.join(group).join("labels")).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert!(!left.iter().any(|n| n.to_string_lossy().ends_with(".tmp")), "{left:?}");
    }
}

#[test]
fn names_that_lead_elsewhere_and_images_that_cannot_hold_labels() {
    let (_dir, path) = copy("ome-zarr-0.5.zarr");
    for name in ["", "..", "../x", "a/b", "a b", "a\0"] {
        let error = write_labels_zarr(&path, name, &labels(), true).unwrap_err();
        assert!(matches!(error, Error::Parameter { .. }), "{name}: {error}");
    }
    assert!(!path.join("labels").exists());
    for name in ["ome-zarr-0.5.ozx", "tifffile.ome.tif", "prairie"] {
        let (_dir, path) = copy(name);
        let message = write_labels_zarr(&path, "spines", &labels(), false).unwrap_err().to_string();
        assert!(message.contains("no folder of OME-Zarr"), "{message}");
    }
}

/// `GEMMULE_PYTHON` names a Python with the packages of fixtures/microscopes.txt and napari-ome-zarr; test.sh makes one.
#[test]
fn other_libraries_read_the_labels() {
    let Some(python) = std::env::var_os("GEMMULE_PYTHON") else {
        eprintln!("GEMMULE_PYTHON is not set: what is written is not read by other libraries");
        return;
    };
    let (_dir4, old) = copy("ome-zarr-0.4.zarr");
    let (_dir5, new) = copy("ome-zarr-0.5.zarr");
    for path in [&old, &new] {
        write_labels_zarr(path, "spines", &labels(), false).unwrap();
    }
    let (dir, script) = (tempfile::tempdir().unwrap(), concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/read_back.py"));
    let size = gemmule::units::VoxelSize::new(1.5, 0.1, 0.1).unwrap();
    gemmule::io::write_labels(dir.path().join("labels.tif"), &labels(), size).unwrap();
    let done = Command::new(python).arg(script).arg(dir.path().join("labels.tif")).args([&old, &new]).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}
