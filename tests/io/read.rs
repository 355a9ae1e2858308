//! Every layout of TIFF that is read, written here byte by byte or by the `tiff` crate's encoder.

use crate::support::{Page, Tiff, sized, values};
use gemmule::error::Error;
use gemmule::io::{ReadOptions, info, read_stack};
use gemmule::units::VoxelSize;
use gemmule::volume::Voxels;
use tempfile::tempdir;
use tiff::encoder::colortype::{ColorType, Gray8, Gray16, Gray32Float, GrayI16};
use tiff::encoder::{Compression, DeflateLevel, TiffEncoder, TiffKind, TiffValue};
use tiff::tags::Predictor;

const W: u32 = 7;
const H: u32 = 5;
const D: usize = 3;

/// A ramp in which every voxel differs.
fn ramp() -> Vec<u8> {
    (0..(W * H) as usize * D).map(|i| (i * 2) as u8).collect()
}

fn encode<C: ColorType, K: TiffKind>(mut tiff: TiffEncoder<std::fs::File, K>, data: &[C::Inner], rows: u32)
where
    [C::Inner]: TiffValue,
{
    for plane in data.chunks((W * H) as usize) {
        let mut image = tiff.new_image::<C>(W, H).unwrap();
        image.rows_per_strip(rows).unwrap();
        image.write_data(plane).unwrap();
    }
}

#[test]
fn every_compression_type_and_predictor() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("a.tif");
    let expected: Vec<f32> = ramp().into_iter().map(f32::from).collect();
    let deflate = Compression::Deflate(DeflateLevel::Fast);
    let all = [
        ("none", Compression::Uncompressed),
        ("LZW", Compression::Lzw),
        ("Deflate", deflate),
        ("PackBits", Compression::Packbits),
    ];
    for (name, compression) in all {
        for predictor in [Predictor::None, Predictor::Horizontal] {
            for rows in [1, 2, H] {
                let standard = || {
                    let file = std::fs::File::create(&path).unwrap();
                    TiffEncoder::new(file).unwrap().with_compression(compression).with_predictor(predictor)
                };
                let what = format!("{name} {predictor:?} {rows}");
                encode::<Gray8, _>(standard(), &ramp(), rows);
                assert_eq!(values(&path, &sized()), expected, "u8 {what}");
                let wide: Vec<u16> = ramp().into_iter().map(|v| u16::from(v) * 250).collect();
                encode::<Gray16, _>(standard(), &wide, rows);
                assert_eq!(
                    values(&path, &sized()),
                    wide.iter().map(|&v| f32::from(v)).collect::<Vec<_>>(),
                    "u16 {what}"
                );
                let signed: Vec<i16> = ramp().into_iter().map(|v| i16::from(v) * 150 - 15_000).collect();
                encode::<GrayI16, _>(standard(), &signed, rows);
                assert_eq!(
                    values(&path, &sized()),
                    signed.iter().map(|&v| f32::from(v)).collect::<Vec<_>>(),
                    "i16 {what}"
                );
                if predictor == Predictor::None {
                    let floats: Vec<f32> = ramp().into_iter().map(|v| f32::from(v) / 7.0 - 3.0).collect();
                    encode::<Gray32Float, _>(standard(), &floats, rows);
                    assert_eq!(values(&path, &sized()), floats, "f32 {what}");
                }
            }
        }
    }
    let big = TiffEncoder::new_big(std::fs::File::create(&path).unwrap()).unwrap().with_compression(Compression::Lzw);
    encode::<Gray8, _>(big, &ramp(), 2);
    assert_eq!(values(&path, &sized()), expected);
    assert_eq!(info(&path).unwrap().format, "BigTIFF");
}

/// The planes of the ramp as uncompressed pages.
fn ramp_pages() -> Vec<Page> {
    ramp().chunks((W * H) as usize).map(|plane| Page::u8(W, H, plane)).collect()
}

#[test]
fn byte_orders_big_files_strips_and_tiles() {
    let dir = tempdir().unwrap();
    let expected: Vec<f32> = ramp().into_iter().map(f32::from).collect();
    for (little, big, tiled) in (0..8).map(|i| (i & 1 == 0, i & 2 == 0, i & 4 == 0)) {
        let mut tiff = Tiff { little, big, ..Tiff::new(ramp_pages()) };
        for page in &mut tiff.pages {
            let data = std::mem::take(&mut page.chunks).remove(0);
            if tiled {
                // 2 x 2 tiles of 4 x 3, padded with 99 beyond the image.
                page.tile = Some((4, 3));
                let voxel = |y: u32, x: u32| if y < H && x < W { data[(y * W + x) as usize] } else { 99 };
                let tile = |ty: u32, tx: u32| (0..12).map(|i| voxel(ty * 3 + i / 4, tx * 4 + i % 4)).collect();
                page.chunks = vec![tile(0, 0), tile(0, 1), tile(1, 0), tile(1, 1)];
            } else {
                page.rows = 2;
                page.chunks = data.chunks(2 * W as usize).map(<[u8]>::to_vec).collect();
            }
        }
        let path = tiff.write(dir.path());
        assert_eq!(values(&path, &sized()), expected, "little {little} big {big} tiled {tiled}");
    }
    // Two bytes per voxel need swapping.
    for little in [true, false] {
        let voxels = [1_u16, 256, 515, 65_535];
        let bytes = voxels.iter().flat_map(|v| if little { v.to_le_bytes() } else { v.to_be_bytes() }).collect();
        let path = Tiff { little, ..Tiff::new(vec![Page::new(2, 2, 16, 1, bytes)]) }.write(dir.path());
        assert_eq!(values(&path, &sized()), [1.0, 256.0, 515.0, 65_535.0]);
    }
}

#[test]
fn zstd_frames() {
    let dir = tempdir().unwrap();
    let mut pages = ramp_pages();
    for page in &mut pages {
        // A frame of one raw block (RFC 8878): magic, single segment with its size, last block of n bytes.
        let data = page.chunks.remove(0);
        let n = data.len() as u8;
        let block = (u32::from(n) << 3 | 1).to_le_bytes();
        page.chunks = vec![[&[0x28, 0xb5, 0x2f, 0xfd, 0x20, n][..], &block[..3], &data].concat()];
        page.compression = 50_000;
    }
    let path = Tiff::new(pages).write(dir.path());
    assert_eq!(values(&path, &sized()), ramp().into_iter().map(f32::from).collect::<Vec<_>>());
    assert_eq!(info(&path).unwrap().compression, "Zstd");
}

#[test]
fn tells_what_is_there_and_asks_for_the_voxel_size() {
    let dir = tempdir().unwrap();
    let mut pages = ramp_pages();
    pages[0].resolution = Some((72, 1));
    pages[0].resolution_unit = 2;
    let path = Tiff::new(pages).write(dir.path());
    let said = info(&path).unwrap();
    assert_eq!(said.shape, [D, H as usize, W as usize]);
    assert_eq!((said.format.as_str(), said.voxel_type.as_str(), said.compression.as_str()), ("TIFF", "u8", "none"));
    assert_eq!((said.channels, said.times, said.voxel_size), (1, 1, None));
    assert!(said.voxel_size_source.contains("printing"), "{}", said.voxel_size_source);
    assert_eq!(said.file_bytes, std::fs::metadata(&path).unwrap().len());
    assert!(serde_json::to_string(&said).unwrap().contains(r#""shape":[3,5,7]"#));
    let error = read_stack(&path, &ReadOptions::default()).unwrap_err();
    assert!(matches!(error, Error::VoxelSizeUnknown { .. }), "{error}");
    assert_eq!(read_stack(&path, &sized()).unwrap().voxel_size, VoxelSize::new(1.0, 0.5, 0.25).unwrap());
}

#[test]
fn grey_is_what_the_photometric_interpretation_says() {
    let dir = tempdir().unwrap();
    let mut page = Page::u8(2, 1, &[10, 250]);
    page.photometric = 0;
    let path = Tiff::new(vec![page.clone()]).write(dir.path());
    assert_eq!(values(&path, &sized()), [245.0, 5.0]);
    // In ImageJ look-up tables are display only.
    for photometric in [0, 1, 3] {
        for (little, big) in [(true, false), (false, true)] {
            let page = Page { photometric, ..page.clone() }.described("ImageJ=1.54f\nimages=1\n");
            let path = Tiff { little, big, ..Tiff::new(vec![page]) }.write(dir.path());
            let stack = read_stack(&path, &sized()).unwrap();
            assert!(matches!(&stack.voxels, Voxels::U8(v) if v.as_slice() == [10, 250]), "{photometric}");
        }
    }
}
