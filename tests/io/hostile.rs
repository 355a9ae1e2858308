//! Files that lie: each is refused with its own message, quickly, without a panic or much memory.

use std::time::{Duration, Instant};

use gemmule::error::Error;
use gemmule::io::{info, read_stack};
use proptest::prelude::*;
use tempfile::tempdir;

use crate::support::{Page, Tiff, refusal, sized};

fn page() -> Page {
    Page::u8(4, 3, &[7; 12])
}

/// That a file is refused for the reason expected.
fn refused(bytes: &[u8], reason: &str) {
    let start = Instant::now();
    let message = refusal(bytes);
    assert!(message.contains(reason), "expected \"{reason}\" in: {message}");
    assert!(start.elapsed() < Duration::from_secs(2), "{reason}: took {:?}", start.elapsed());
}

#[test]
fn what_is_no_tiff_file() {
    let dir = tempdir().unwrap();
    let message = |path: &std::path::Path| read_stack(path, &sized()).unwrap_err().to_string();
    assert!(message(dir.path()).contains("is a folder"));
    assert!(message(&dir.path().join("missing.tif")).contains("cannot be read"));
    refused(b"", "is empty");
    refused(b"II", "ends within its header");
    refused(b"II*\0\x08\0", "ends within its header");
    refused(b"II+\0\x08\0\0\0\x10\0", "ends within its header");
    refused(b"\x89PNG\r\n\x1a\n and more", "is not a TIFF file");
    refused(b"II\x2c\0 and more and more", "is not a TIFF file");
}

#[test]
fn broken_chains_of_pages() {
    refused(b"II*\0\0\0\0\0", "holds no pages");
    refused(b"II*\0\xff\xff\0\0", "truncated");
    let bytes = Tiff::new(vec![page(), page()]).bytes();
    // The last four bytes link to the next directory: back to the first.
    let (first, end) = (bytes[4..8].to_vec(), bytes.len() - 4);
    let mut cycle = bytes.clone();
    cycle[end..].copy_from_slice(&first);
    refused(&cycle, "cycle");
    let mut far = bytes.clone();
    far[end..].copy_from_slice(&0x00ff_ffff_u32.to_le_bytes());
    refused(&far, "truncated");
    // A directory of no tags, or of more than anyone writes.
    let at = u32::from_le_bytes(first.try_into().unwrap()) as usize;
    for tags in [[0, 0], [0xff, 0xff]] {
        let mut wrong = bytes.clone();
        wrong[at..at + 2].copy_from_slice(&tags);
        refused(&wrong, "tags");
    }
}

#[test]
fn truncated_anywhere() {
    let tiff = Tiff::new(vec![page(), page()]);
    let (bytes, dir) = (tiff.bytes(), tempdir().unwrap());
    let path = dir.path().join("a.tif");
    for n in 0..bytes.len() {
        std::fs::write(&path, &bytes[..n]).unwrap();
        let error = read_stack(&path, &sized()).expect_err("a part is not the whole");
        assert!(matches!(error, Error::File { .. }), "{n}: {error}");
    }
    // Compressed data that end too early, in a file that is whole otherwise.
    let mut short = page();
    (short.compression, short.chunks) = (32773, vec![vec![0xf9, 7]]); // PackBits: 7 eight times
    refused(&Tiff::new(vec![short]).bytes(), "truncated");
}

#[test]
fn shapes_that_cannot_be() {
    let lying = |change: &dyn Fn(&mut Page)| {
        let mut page = page();
        change(&mut page);
        Tiff::new(vec![page]).bytes()
    };
    refused(&lying(&|p| (p.width, p.height) = (0, 3)), "claims 3 x 0 voxels");
    refused(&lying(&|p| (p.width, p.height, p.rows) = (100_000, 100_000, 100_000)), "cannot hold");
    refused(&lying(&|p| (p.width, p.height, p.rows) = (u32::MAX, u32::MAX, u32::MAX)), "cannot hold");
    refused(
        &lying(&|p| (p.width, p.height, p.rows, p.compression) = (1 << 20, 1 << 20, 1 << 20, 50_000)),
        "cannot hold",
    );
    refused(&lying(&|p| (p.width, p.height, p.rows, p.compression) = (1 << 31, 1, 1, 8)), "cannot hold");
    refused(&lying(&|p| p.rows = 1), "lists 1 places and 1 sizes");
    refused(&lying(&|p| p.rows = 0), "0 x 4");
    refused(&lying(&|p| p.tile = Some((0, 16))), "16 x 0");
    refused(&lying(&|p| p.tile = Some((1 << 31, 1 << 31))), "cannot hold");
    refused(&lying(&|p| p.height = u32::MAX), "lists");
    // Many small lies: each page fits, all share one strip.
    let n = 40_000_000_u64;
    let behind = Page::u8(4, 3, &[7; 12]).described(format!("ImageJ=1.54f\nimages={n}\nslices={n}\n"));
    refused(&Tiff::new(vec![behind]).bytes(), "images=40000000");
}

#[test]
fn contents_that_are_not_read() {
    let odd = |change: &dyn Fn(&mut Page)| {
        let mut page = page();
        change(&mut page);
        Tiff::new(vec![page]).bytes()
    };
    refused(&odd(&|p| (p.bits, p.chunks) = (32, vec![vec![0; 48]])), "32-bit unsigned integers");
    refused(&odd(&|p| (p.bits, p.format, p.chunks) = (64, 3, vec![vec![0; 96]])), "64-bit floats");
    refused(&odd(&|p| p.bits = 1), "1-bit unsigned integers");
    refused(&odd(&|p| p.format = 2), "8-bit signed integers");
    refused(&odd(&|p| p.compression = 7), "JPEG");
    refused(&odd(&|p| p.compression = 4711), "4711 (unknown)");
    refused(&odd(&|p| (p.samples, p.photometric) = (3, 2)), "3 samples per voxel");
    refused(&odd(&|p| p.photometric = 3), "palette");
    refused(&Tiff::new(vec![page(), Page::u8(3, 4, &[7; 12])]).bytes(), "page 1 is 4 x 3 u8, page 0 is 3 x 4 u8");
    refused(&Tiff::new(vec![page(), Page::new(4, 3, 16, 1, vec![0; 24])]).bytes(), "page 1 is 3 x 4 u16");
}

#[test]
fn voxels_that_are_no_numbers() {
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let mut pages = vec![];
        for z in 0..3 {
            let mut voxels = [1.0_f32; 12];
            if z == 1 {
                (voxels[6], voxels[9]) = (bad, bad);
            }
            pages.push(Page::new(4, 3, 32, 3, voxels.iter().flat_map(|v| v.to_le_bytes()).collect()));
        }
        refused(&Tiff::new(pages).bytes(), "(z, y, x) = (1, 1, 2) is not a finite number");
    }
}

#[test]
fn descriptions_that_lie() {
    let with = |text: &str| Tiff::new(vec![page().described(text), page()]).bytes();
    refused(&with("ImageJ=1.54f\nimages=3\nslices=3\n"), "images=3, but it has 2 pages");
    refused(&with("ImageJ=1.54f\nimages=2\nslices=2\nchannels=2\n"), "2 channels x 2 slices x 1 frames");
    refused(&with("ImageJ=1.54f\nimages=-1\n"), "a count is expected");
    refused(&with("ImageJ=1.54f\nimages=2\nslices=4294967296\nchannels=4294967296\nframes=2\n"), "4294967296");
    refused(&with("<OME"), "cannot be understood");
    let ome =
        |pixels: &str, data: &str| with(&format!(r#"<OME><Image><Pixels {pixels}>{data}</Pixels></Image></OME>"#));
    let sizes = r#"SizeX="4" SizeY="3" SizeZ="2" SizeC="1" SizeT="1""#;
    refused(&with("<OME></OME>"), "0 images");
    refused(&ome(r#"SizeX="9" SizeY="3" SizeZ="2" SizeC="1" SizeT="1""#, ""), "SizeY x SizeX = 3 x 9");
    refused(&ome(r#"SizeX="4" SizeY="3" SizeZ="99" SizeC="1" SizeT="1""#, ""), "but it has 2 pages");
    refused(&ome(r#"SizeX="4" SizeY="3" SizeZ="4294967296" SizeC="4294967296" SizeT="1""#, ""), "but it has 2 pages");
    refused(&ome(r#"SizeX="4" SizeY="3" SizeZ="x" SizeC="1" SizeT="1""#, ""), "a count is expected");
    refused(&ome(r#"SizeX="4" SizeY="3" SizeZ="2" SizeC="1""#, ""), "has no SizeT");
    refused(&ome(&format!(r#"{sizes} DimensionOrder="ZZZ""#), ""), "ZZZ");
    refused(&ome(sizes, r#"<TiffData IFD="5"/>"#), "from page 5");
    refused(&ome(sizes, r#"<TiffData IFD="0" FirstZ="7"/>"#), "at z 7");
    refused(&ome(sizes, r#"<TiffData IFD="0" PlaneCount="18446744073709551615"/>"#), "18446744073709551615 planes");
    refused(&ome(sizes, r#"<TiffData IFD="0"/>"#), "no page for 1 of its 2 planes");
    let split = r#"<TiffData IFD="0"><UUID FileName="a.tif">1</UUID></TiffData><TiffData IFD="0" FirstZ="1"><UUID FileName="b.tif">2</UUID></TiffData>"#;
    refused(&ome(sizes, split), "it names the file a.tif, which is not beside it");
    refused(&with("<OME><BinaryOnly MetadataFile=\"x\"/></OME>"), "it names the file x, which is not beside it");
    refused(&with("<OME><BinaryOnly/></OME>"), "MetadataFile does not say");
    refused(&with("<OME><BinaryOnly MetadataFile=\"stack.tif\"/></OME>"), "names another file in turn");
    refused(&with("SI.hChannels.channelSave = [1;2;3]\n"), "ScanImage says 3 channels");
    refused(&with("SI.x = 1\n"), "channelSave");
    refused(&with("SI.hRoiManager.mroiEnable = 1\n"), "mROI");
}

#[test]
fn equal_voxels_are_read() {
    let dir = tempdir().unwrap();
    let path = Tiff::new(vec![page(), page()]).write(dir.path());
    assert_eq!(read_stack(&path, &sized()).unwrap().voxels.value(23), 7.0);
}

/// Valid files of every layout, to be damaged.
fn seeds() -> Vec<Vec<u8>> {
    let text = "ImageJ=1.54f\nimages=2\nslices=2\nunit=um\nspacing=1\n";
    let ome = r#"<OME><Image><Pixels SizeX="4" SizeY="3" SizeZ="2" SizeC="1" SizeT="1" PhysicalSizeX="1"><TiffData IFD="0" PlaneCount="2"/></Pixels></Image></OME>"#;
    let mut tiled = page();
    (tiled.tile, tiled.chunks) = (Some((3, 2)), vec![vec![1; 6]; 4]);
    let mut packed = page();
    (packed.compression, packed.chunks) = (32773, vec![vec![0xf5, 7]]);
    let mut zstd = page();
    (zstd.compression, zstd.chunks) = (50_000, vec![vec![0x28, 0xb5, 0x2f, 0xfd, 0x20, 12, 0x63, 0, 0, 7]]);
    let first_sets = [page().described(text), page().described(ome), page(), tiled, packed, zstd];
    let mut all: Vec<Vec<u8>> = vec![];
    for first in first_sets {
        for (little, big) in [(true, false), (false, false), (true, true)] {
            let second = Page { texts: vec![], ..first.clone() };
            all.push(Tiff { little, big, ..Tiff::new(vec![first.clone(), second]) }.bytes());
        }
    }
    all
}

#[test]
fn the_seeds_are_valid() {
    let dir = tempdir().unwrap();
    for (i, bytes) in seeds().iter().enumerate() {
        let path = dir.path().join("a.tif");
        std::fs::write(&path, bytes).unwrap();
        assert_eq!(read_stack(&path, &sized()).map(|s| s.voxels.shape().z).map_err(|e| e.to_string()), Ok(2), "{i}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Whatever is damaged, the file is read or refused: no panic, no hang.
    #[test]
    fn damaged_files_never_panic(
        seed in 0..18_usize,
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in proptest::option::weighted(0.1, any::<prop::sample::Index>()),
    ) {
        let mut bytes = seeds().swap_remove(seed);
        for (at, value) in damage {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        let dir = tempdir().unwrap();
        let path = dir.path().join("a.tif");
        std::fs::write(&path, bytes).unwrap();
        let start = Instant::now();
        let _ = info(&path);
        let _ = read_stack(&path, &sized());
        prop_assert!(start.elapsed() < Duration::from_secs(5));
    }
}
