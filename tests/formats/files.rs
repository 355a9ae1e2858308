//! Every format reads with the right shape, type, voxel size, channels and values.

use std::path::PathBuf;

use gemmule::error::Error;
use gemmule::io::{ReadOptions, StackFile, StackInfo, info, read_stack, read_stack_summed, stack_sha256};
use gemmule::volume::{StackParts as _, Voxels};

pub(crate) fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/microscopes").join(name)
}

/// The formula of `fixtures/microscopes.py`.
fn value(t: usize, c: usize, z: usize, y: usize, x: usize) -> i64 {
    (1000 * t + 500 * c + 50 * z + 8 * y + x) as i64 - 200
}

/// Checks every voxel of every channel and time point, and what is said of them.
fn check(name: &str, format: &str, voxel_type: &str, (times, channels): (usize, usize), names: &[&str]) -> StackInfo {
    let path = fixture(name);
    let said = info(&path).unwrap();
    assert_eq!(said.format, format, "{name}");
    assert_eq!((said.shape, said.voxel_type.as_str()), ([3, 5, 7], voxel_type), "{name}");
    assert_eq!((said.times, said.channels), (times, channels), "{name}");
    assert_eq!(said.channel_names, names, "{name}");
    let size = said.voxel_size.unwrap_or_else(|| panic!("{name}: {}", said.voxel_size_source));
    for (found, expected) in [(size.z_um, 1.5), (size.y_um, 0.1), (size.x_um, 0.1)] {
        assert!((found - expected).abs() < 1e-12, "{name}: {size:?}");
    }
    for (t, c) in (0..times).flat_map(|t| (0..channels).map(move |c| (t, c))) {
        let options = ReadOptions { channel: Some(c), time: Some(t), ..ReadOptions::default() };
        let stack = read_stack(&path, &options).unwrap();
        assert_eq!((stack.voxels.type_name(), stack.voxel_size), (voxel_type, size), "{name}");
        let expected = (0..3).flat_map(|z| (0..5).flat_map(move |y| (0..7).map(move |x| value(t, c, z, y, x))));
        let expected: Vec<i64> = expected.map(|v| if voxel_type == "u16" { v.rem_euclid(65_536) } else { v }).collect();
        let found: Vec<i64> = (0..105).map(|i| stack.voxels.value(i) as i64).collect();
        assert_eq!(found, expected, "{name}, time {t}, channel {c}");
        // In parts, in any order; with and without room to keep a layer of chunks.
        for memory_limit in [None, Some(1000)] {
            let file = StackFile::open(&path, &ReadOptions { memory_limit, ..options }).unwrap();
            for planes in [2..3, 0..1, 0..2, 1..3, 1..2, 0..3] {
                let part = file.planes(planes.clone()).unwrap();
                let found: Vec<i64> = (0..35 * planes.len()).map(|i| part.value(i) as i64).collect();
                assert_eq!(found, expected[35 * planes.start..35 * planes.end], "{name}, planes {planes:?}");
            }
        }
    }
    said
}

const DYES: [&str; 2] = ["dye0", "dye1"];

#[test]
fn ome_tiff_of_one_file_and_of_several() {
    check("tifffile.ome.tif", "OME-TIFF", "u16", (2, 2), &DYES);
    check("tifffile-tiled.ome.tif", "OME-BigTIFF", "u16", (2, 2), &DYES);
    // Any file of a set stands for the set, whether it has the metadata or not.
    for name in ["ome-set/day_T0_C0.ome.tif", "ome-set/day_T1_C1.ome.tif"] {
        check(name, "OME-TIFF of several files", "u16", (2, 2), &DYES);
    }
    for name in ["ome-companion", "ome-companion/day.companion.ome", "ome-companion/day_T0_C1.ome.tif"] {
        check(name, "OME-TIFF of several files", "u16", (2, 2), &DYES);
    }
}

#[test]
fn imagej_as_tifffile_writes_it() {
    check("tifffile-imagej.tif", "ImageJ TIFF", "u16", (2, 2), &[]);
}

#[test]
fn scanimage_is_signed_and_says_what_was_averaged_and_left_out() {
    let said = check("scanimage.tif", "ScanImage BigTIFF", "i16", (2, 2), &["channel 1", "channel 3"]);
    assert_eq!(said.remarks.len(), 2, "{:?}", said.remarks);
    assert!(
        said.remarks[0].contains("average of 4 frames") && said.remarks[1].contains("1 flyback"),
        "{:?}",
        said.remarks
    );
}

#[test]
fn prairieview_in_both_directions_of_z() {
    for name in ["prairie", "prairie/TSeries-001.xml"] {
        let said = check(name, "PrairieView OME-TIFF", "u16", (2, 2), &["Ch1", "Ch3"]);
        assert!(said.remarks[0].contains("average of 8 rasters"), "{:?}", said.remarks);
    }
}

#[test]
fn thorimage_raw_and_tiff() {
    for name in ["thor-raw", "thor-raw/Experiment.xml", "thor-raw/Image_0001_0001.raw"] {
        let said = check(name, "ThorImage raw", "u16", (2, 2), &["ChanA", "ChanC"]);
        assert_eq!(said.remarks.len(), 2, "{:?}", said.remarks);
    }
    check("thor-tiff", "ThorImage TIFF", "u16", (2, 2), &["ChanA", "ChanC"]);
}

#[test]
fn ome_zarr_of_every_kind() {
    check("ome-zarr-0.4.zarr", "OME-Zarr 0.4", "u16", (2, 2), &DYES);
    check("ome-zarr-0.5.zarr", "OME-Zarr 0.5", "u16", (2, 2), &DYES);
    check("ome-zarr-0.5.ozx", "OME-Zarr 0.5", "u16", (2, 2), &DYES);
    check("sharded.zarr", "OME-Zarr 0.5", "f32", (1, 1), &[]);
    for name in ["bioformats2raw.zarr", "bioformats2raw.zarr/0", "folder.zarr.zip"] {
        let said = check(name, "OME-Zarr 0.4", "i16", (1, 1), &[]);
        assert!(said.remarks.is_empty(), "{:?}", said.remarks);
    }
}

#[test]
fn a_checksum_is_over_all_files_of_a_recording() {
    let both = |name: &str| {
        let options = ReadOptions { channel: Some(0), time: Some(0), ..ReadOptions::default() };
        (stack_sha256(fixture(name)).unwrap(), read_stack_summed(fixture(name), &options).unwrap().1)
    };
    for name in [
        "tifffile.ome.tif",
        "ome-set/day_T0_C0.ome.tif",
        "prairie",
        "thor-raw",
        "ome-zarr-0.5.zarr",
        "ome-zarr-0.5.ozx",
    ] {
        let (alone, with) = both(name);
        assert_eq!(alone, with, "{name}");
    }
    assert_eq!(both("ome-set/day_T0_C0.ome.tif"), both("ome-set/day_T1_C0.ome.tif"));
    assert_eq!(both("prairie").0, both("prairie/TSeries-001.xml").0);
    assert_eq!(both("tifffile.ome.tif").0, gemmule::io::sha256(fixture("tifffile.ome.tif")).unwrap());
}

#[test]
fn what_is_too_large_for_the_memory_allowed_is_refused_before_it_is_read() {
    for name in ["tifffile.ome.tif", "prairie", "thor-raw", "ome-zarr-0.4.zarr"] {
        let read = |memory_limit| {
            let options = ReadOptions { channel: Some(0), time: Some(0), memory_limit, ..ReadOptions::default() };
            read_stack(fixture(name), &options)
        };
        assert!(matches!(read(Some(210)).unwrap().voxels, Voxels::U16(_)), "{name}");
        let error = read(Some(209)).unwrap_err();
        assert!(matches!(error, Error::Memory { needed_bytes: 210, limit_bytes: 209, .. }), "{name}: {error}");
    }
}
