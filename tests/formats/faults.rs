//! Missing, wrong and contradicting metadata: the message names the field, and nothing is guessed.

use std::fs;
use std::path::{Path, PathBuf};

use gemmule::error::Error;
use gemmule::io::{ReadOptions, info, read_stack};
use tempfile::{TempDir, tempdir};

use crate::files::fixture;

/// A copy of a fixture, to be spoilt.
pub(crate) fn copy(name: &str) -> (TempDir, PathBuf) {
    let dir = tempdir().unwrap();
    let to = dir.path().join(Path::new(name).file_name().unwrap());
    copy_to(&fixture(name), &to);
    (dir, to)
}

fn copy_to(from: &Path, to: &Path) {
    if !from.is_dir() {
        fs::copy(from, to).unwrap();
        return;
    }
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        copy_to(&entry.path(), &to.join(entry.file_name()));
    }
}

/// Replaces a text in a file of a recording.
fn edit(file: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(file).unwrap();
    assert!(text.contains(from), "{from} is not in {}", file.display());
    fs::write(file, text.replace(from, to)).unwrap();
}

fn options() -> ReadOptions {
    ReadOptions { channel: Some(0), time: Some(0), ..ReadOptions::default() }
}

/// That a recording is refused once a text has been replaced, with all of `parts` in the message.
fn refused(name: &str, file: &str, (from, to): (&str, &str), parts: &[&str]) {
    let (_dir, path) = copy(name);
    edit(&path.join(file), from, to);
    let error = read_stack(&path, &options()).expect_err(from);
    assert!(matches!(error, Error::File { .. } | Error::VoxelSizeUnknown { .. }), "{error}");
    let message = error.to_string();
    parts.iter().for_each(|part| assert!(message.contains(part), "{from} -> {to}: expected {part} in: {message}"));
}

#[test]
fn prairieview() {
    let refused = |edit, parts: &[&str]| refused("prairie", "TSeries-001.xml", edit, parts);
    refused(("micronsPerPixel", "pixelsPerMicron"), &["micronsPerPixel of ", "XAxis"]);
    refused((r#"<IndexedValue index="ZAxis" value="1.5"/>"#, ""), &["micronsPerPixel of ZAxis"]);
    refused(
        (r#"index="ZAxis" value="1.5""#, r#"index="ZAxis" value="5""#),
        &["ZAxis = 5", "positionCurrent moves by 1.5"],
    );
    refused((r#"index="XAxis" value="0.1""#, r#"index="XAxis" value="x""#), &["XAxis = \"x\"", "a number is expected"]);
    refused(
        (r#"filename="TSeries-001_Cycle00001_Ch1_000002.ome.tif""#, r#"filename="missing.tif""#),
        &["missing.tif", "not beside it"],
    );
    refused(
        (r#"filename="TSeries-001_Cycle00001_Ch1_000002.ome.tif""#, r#"filename="../TSeries.tif""#),
        &["not a plain name"],
    );
    refused(
        (r#"filename="TSeries-001_Cycle00001_Ch1_000002.ome.tif""#, r#"filename="/etc/passwd""#),
        &["not a plain name"],
    );
    refused(
        (
            r#"page="1" filename="TSeries-001_Cycle00001_Ch1_000002.ome.tif""#,
            r#"page="2" filename="TSeries-001_Cycle00001_Ch1_000002.ome.tif""#,
        ),
        &["page \"2\"", "which has 1"],
    );
    refused(
        (r#"type="TSeries ZSeries Element" cycle="2""#, r#"type="Single" cycle="2""#),
        &["Sequences of type", "Single"],
    );
    refused(("</Sequence>", ""), &["TSeries-001.xml", "cannot be understood"]);
    refused((" filename=", " file="), &["File without filename"]);
}

#[test]
fn prairieview_stopped_in_the_middle_of_a_volume() {
    let (_dir, path) = copy("prairie");
    let xml = path.join("TSeries-001.xml");
    let text = fs::read_to_string(&xml).unwrap();
    let last = text.rfind("<Frame ").unwrap();
    fs::write(&xml, format!("{}</Sequence></PVScan>", &text[..last])).unwrap();
    let message = info(&path).unwrap_err().to_string();
    assert!(message.contains("Sequence 2 has 2 Frames, the first has 3"), "{message}");
}

#[test]
fn thorimage() {
    let refused = |edit, parts: &[&str]| refused("thor-raw", "Experiment.xml", edit, parts);
    refused((r#" pixelX="7""#, ""), &["no pixelX in LSM"]);
    refused((r#"pixelX="7""#, r#"pixelX="seven""#), &["pixelX=\"seven\"", "a count is expected"]);
    refused((r#"pixelX="7""#, r#"pixelX="4294967296""#), &["pixelX=\"4294967296\""]);
    refused((r#"steps="3""#, r#"steps="4""#), &["raw file has 1120 bytes", "steps=4"]);
    refused((r#"timepoints="2""#, r#"timepoints="3""#), &["timepoints=3"]);
    refused((r#" stepSizeUM="-1.5""#, ""), &["no stepSizeUM in ZStage"]);
    refused((r#" pixelSizeUM="0.1""#, ""), &["no pixelSizeUM in LSM"]);
    refused((r#"widthUM="0.7""#, r#"widthUM="1.4""#), &["pixelSizeUM=0.1", "widthUM=1.4"]);
    refused(("Wavelength ", "Wave "), &["Wavelengths"]);
    let (_dir, path) = copy("thor-tiff");
    fs::remove_file(path.join("ChanC_0001_0001_0002_0001.tif")).unwrap();
    let message = info(&path).unwrap_err().to_string();
    assert!(message.contains("2 Wavelengths x 3 steps x 2 timepoints, but there are 11 planes"), "{message}");
    fs::copy(path.join("ChanA_0001_0001_0001_0001.tif"), path.join("ChanC_0001_0001_0009_0001.tif")).unwrap();
    let message = info(&path).unwrap_err().to_string();
    assert!(message.contains("do not run from 1 to steps"), "{message}");
    fs::copy(path.join("ChanA_0001_0001_0001_0001.tif"), path.join("ChanA_0001_0002_0001_0001.tif")).unwrap();
    assert!(info(&path).unwrap_err().to_string().contains("2 fields of view"));
    fs::remove_file(path.join("Experiment.xml")).unwrap();
    assert!(info(&path).unwrap_err().to_string().contains("is a folder without"));
}

#[test]
fn ome_tiff_of_several_files() {
    let refused = |edit, parts: &[&str]| refused("ome-companion", "day.companion.ome", edit, parts);
    refused((r#"PhysicalSizeZ="1.5""#, ""), &["PhysicalSizeZ"]);
    refused((r#"PhysicalSizeXUnit="nm""#, r#"PhysicalSizeXUnit="furlong""#), &["PhysicalSizeX", "furlong"]);
    refused((r#"SizeZ="3""#, r#"SizeZ="4""#), &["4 x 2 x 2", "12 pages"]);
    refused(
        (r#"FileName="day_T1_C1.ome.tif""#, r#"FileName="day_T9_C1.ome.tif""#),
        &["day_T9_C1.ome.tif", "not beside it"],
    );
    refused((r#"FileName="day_T1_C1.ome.tif""#, r#"FileName="../../x""#), &["not a plain name"]);
    refused((r#"SizeT="2""#, r#"SizeT="1073741824""#), &["1073741824"]);
    // A file of a set without the others.
    let (_dir, path) = copy("ome-set/day_T0_C0.ome.tif");
    let message = info(&path).unwrap_err().to_string();
    assert!(message.contains("day_T0_C1.ome.tif"), "{message}");
    let (_dir, path) = copy("ome-set/day_T1_C0.ome.tif");
    let message = info(&path).unwrap_err().to_string();
    assert!(message.contains("day_T0_C0.ome.tif, which is not beside it"), "{message}");
}

#[test]
fn ome_zarr() {
    let refused = |edit, parts: &[&str]| refused("ome-zarr-0.4.zarr", ".zattrs", edit, parts);
    refused(("multiscales", "monoscales"), &["without multiscales"]);
    refused((r#""unit": "nanometer""#, r#""unit": "foot""#), &["axis z has unit \"foot\""]);
    refused((r#""unit": "nanometer""#, r#""other": 1"#), &["axis z has no unit"]);
    refused((r#""coordinateTransformations""#, r#""other""#), &["no scale in coordinateTransformations"]);
    refused((r#""path": "s0""#, r#""path": "../s0""#), &["not inside it"]);
    refused((r#""name": "z""#, r#""name": "depth""#), &["depth", "t, c, z, y and x"]);
    refused((r#""name": "z""#, r#""name": "x""#), &["its axes are"]);
    refused((r#""axes""#, r#""axis""#), &["no axes"]);
    let (_dir, path) = copy("ome-zarr-0.4.zarr");
    fs::write(path.join(".zattrs"), "{").unwrap();
    assert!(info(&path).unwrap_err().to_string().contains(".zattrs is no JSON"));
    fs::remove_file(path.join(".zattrs")).unwrap();
    assert!(info(&path).unwrap_err().to_string().contains("without attributes"));
}

#[test]
fn arrays_of_ome_zarr_that_lie() {
    let refused = |edit, parts: &[&str]| refused("ome-zarr-0.4.zarr", "s0/.zarray", edit, parts);
    refused(("\"<u2\"", "\"<u4\""), &["uint32", "uint16"]);
    refused(("\"<u2\"", "\"<f8\""), &["float64"]);
    // More voxels than any file holds, in chunks of one voxel, and in one chunk that no memory holds.
    let huge = |chunks: &str| {
        let (_dir, path) = copy("ome-zarr-0.4.zarr");
        let file = path.join("s0/.zarray");
        let mut array: serde_json::Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
        array["shape"] = serde_json::json!([1, 1, 1 << 20, 1 << 10, 1 << 10]);
        array["chunks"] = serde_json::from_str(chunks).unwrap();
        fs::write(&file, array.to_string()).unwrap();
        read_stack(&path, &ReadOptions::default()).unwrap_err()
    };
    assert!(matches!(huge("[1,1,1,1024,1024]"), Error::Memory { needed_bytes: 0x200_0000_0000, .. }));
    assert!(huge("[1,1,1,1,1]").to_string().contains("more than 20000000 chunks"));
    let error = huge("[1,1,1048576,1024,1024]");
    assert!(matches!(error, Error::Memory { .. }), "{error}");
}

#[test]
fn chunks_that_are_damaged_or_missing() {
    let (_dir, path) = copy("bioformats2raw.zarr");
    let chunk = path.join("0/0/1/0/0");
    let whole = fs::read(&chunk).unwrap();
    fs::write(&chunk, &whole[..whole.len() / 2]).unwrap();
    let message = read_stack(&path, &ReadOptions::default()).unwrap_err().to_string();
    assert!(message.contains("planes from 1 on cannot be decoded"), "{message}");
    fs::write(&chunk, vec![0; 2 << 20]).unwrap();
    let message = read_stack(&path, &ReadOptions::default()).unwrap_err().to_string();
    assert!(message.contains("2097152 bytes, 70 bytes of voxels are expected"), "{message}");
    // Found by fuzzing: the decoder took 1.4 GB because the header of a chunk of 86 bytes said so.
    let mut claims = whole.clone();
    claims[4..8].copy_from_slice(&(1_u32 << 30).to_le_bytes());
    fs::write(&chunk, &claims).unwrap();
    let message = read_stack(&path, &ReadOptions::default()).unwrap_err().to_string();
    assert!(message.contains("claims 1073741824 bytes, allowed are 70"), "{message}");
    // A chunk that is not there is the fill value by the standard: it is said.
    fs::remove_file(&chunk).unwrap();
    assert_eq!(read_stack(&path, &ReadOptions::default()).unwrap().voxels.value(35), 0.0);
    assert!(info(&path).unwrap().remarks[0].contains("1 of 3 chunks are not there"));
}

#[test]
fn a_zstandard_chunk_cannot_claim_more_than_its_voxels() {
    let (_dir, path) = copy("ome-zarr-0.5.zarr");
    let chunk = path.join("s0/c/0/0/0/0/0");
    let whole = fs::read(&chunk).unwrap();
    let options = ReadOptions { channel: Some(0), time: Some(0), ..ReadOptions::default() };
    assert!(read_stack(&path, &options).is_ok());
    // One segment whose length has one byte becomes one whose length has four: RFC 8878, 3.1.1.1.
    assert_eq!(whole[4], 0x20);
    let claims = [&whole[..4], &[0xA0], &(1_u32 << 30).to_le_bytes(), &whole[6..]].concat();
    fs::write(&chunk, claims).unwrap();
    let message = read_stack(&path, &options).unwrap_err().to_string();
    assert!(message.contains("claims 1073741824 bytes, allowed are 64"), "{message}");
}

#[test]
fn a_file_that_changes_while_it_is_read_is_noticed() {
    // The change falls into the reading only by chance: so many files that some is changed in the middle.
    let (_dir, path) = copy("ome-zarr-0.5.zarr");
    let (stop, file) = (std::sync::atomic::AtomicBool::new(false), path.join("zarr.json"));
    let text = fs::read(&file).unwrap();
    let noticed = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                let other = file.with_extension("new");
                fs::write(&other, &text).unwrap();
                fs::rename(&other, &file).unwrap();
            }
        });
        let noticed = (0..2000).any(|_| match read_stack(&path, &options()) {
            Err(e) => e.to_string().contains("has changed while it was read"),
            Ok(_) => false,
        });
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        noticed
    });
    assert!(noticed);
}
