//! Files beyond 4 GB, mostly holes: what lies behind the first page is found by its offset.

use std::fs::File;
use std::io::{Seek, SeekFrom, Write};

use gemmule::io::{ReadOptions, info, read_stack};
use tempfile::tempdir;

/// ImageJ writes one directory, and all planes one after the other behind it, because TIFF's offsets end at 4 GiB.
#[test]
fn imagej_hyperstacks_above_4_gb() {
    let (width, height, slices, channels) = (1024_u32, 1024_u32, 275_u32, 8_u32);
    let plane = u64::from(width * height) * 2;
    let planes = slices * channels;
    let description = format!(
        "ImageJ=1.54f\nimages={planes}\nchannels={channels}\nslices={slices}\nhyperstack=true\nunit=um\nspacing=1.5\n\0"
    );
    let dir = tempdir().unwrap();
    let path = dir.path().join("large.tif");
    let (text_at, resolution_at, data_at) = (300_u32, 1000_u32, 4096_u32);
    let tags: [(u16, u16, u32, u32); 11] = [
        (256, 4, 1, width),
        (257, 4, 1, height),
        (258, 3, 1, 16),
        (259, 3, 1, 1),
        (262, 3, 1, 1),
        (270, 2, description.len() as u32, text_at),
        (273, 4, 1, data_at),
        (277, 3, 1, 1),
        (278, 4, 1, height),
        (279, 4, 1, plane as u32),
        (282, 5, 1, resolution_at),
    ];
    let mut bytes = [&b"II*\0"[..], &8_u32.to_le_bytes(), &(tags.len() as u16 + 1).to_le_bytes()].concat();
    for (tag, kind, count, value) in tags.into_iter().chain([(283, 5, 1, resolution_at)]) {
        bytes.extend(tag.to_le_bytes().into_iter().chain(kind.to_le_bytes()));
        bytes.extend(count.to_le_bytes().into_iter().chain(value.to_le_bytes()));
    }
    bytes.extend([0; 4]);
    bytes.resize(text_at as usize, 0);
    bytes.extend(description.as_bytes());
    bytes.resize(resolution_at as usize, 0);
    bytes.extend([10_u32.to_le_bytes(), 1_u32.to_le_bytes()].concat());
    let mut file = File::create(&path).unwrap();
    file.write_all(&bytes).unwrap();
    file.set_len(u64::from(data_at) + u64::from(planes) * plane).unwrap();
    // The last voxel of the last slice of the last channel, and the first of the slice that begins beyond 4 GiB.
    let last = u64::from(planes - 1);
    file.seek(SeekFrom::Start(u64::from(data_at) + (last + 1) * plane - 2)).unwrap();
    file.write_all(&4711_u16.to_le_bytes()).unwrap();
    let beyond = (1_u64 << 32).div_ceil(plane) | 7;
    file.seek(SeekFrom::Start(u64::from(data_at) + beyond * plane)).unwrap();
    file.write_all(&815_u16.to_le_bytes()).unwrap();
    drop(file);

    let said = info(&path).unwrap();
    assert_eq!((said.shape, said.channels, said.format.as_str()), ([275, 1024, 1024], 8, "ImageJ TIFF"));
    assert!(said.file_bytes > 4 << 30);
    let size = said.voxel_size.unwrap();
    assert_eq!((size.z_um, size.y_um, size.x_um), (1.5, 0.1, 0.1));
    let options = ReadOptions { channel: Some(7), memory_limit: Some(1 << 30), ..ReadOptions::default() };
    let stack = read_stack(&path, &options).unwrap();
    let at = |plane: u64, voxel: usize| stack.voxels.value((plane as usize / 8) * (plane_len(width, height)) + voxel);
    assert_eq!(at(last, plane_len(width, height) - 1), 4711.0);
    assert_eq!(at(beyond, 0), 815.0);
    assert_eq!(at(beyond, 1), 0.0);
}

fn plane_len(width: u32, height: u32) -> usize {
    width as usize * height as usize
}
