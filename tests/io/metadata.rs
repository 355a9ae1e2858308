//! Order of planes and voxel size from ImageJ, OME and ScanImage metadata.

use crate::support::{Page, Tiff, sized, values};
use gemmule::error::Error;
use gemmule::io::{ReadOptions, info, read_stack};
use gemmule::units::VoxelSize;
use tempfile::tempdir;

/// One-voxel pages whose values are their numbers.
fn numbered(n: u8) -> Vec<Page> {
    (0..n).map(|i| Page::u8(1, 1, &[i])).collect()
}

fn read(pages: Vec<Page>, channel: Option<usize>, time: Option<usize>) -> Vec<f32> {
    let dir = tempdir().unwrap();
    values(&Tiff::new(pages).write(dir.path()), &ReadOptions { channel, time, ..sized() })
}

/// The voxel size read and where it comes from.
fn size_of(page: Page) -> (Option<VoxelSize>, String) {
    let dir = tempdir().unwrap();
    let said = info(Tiff::new(vec![page]).write(dir.path())).unwrap();
    (said.voxel_size, said.voxel_size_source)
}

fn with_description(mut pages: Vec<Page>, text: &str) -> Vec<Page> {
    pages[0].texts.push((270, text.into()));
    pages
}

#[test]
fn imagej_orders_channels_then_slices_then_frames() {
    let text = "ImageJ=1.54f\nimages=12\nchannels=2\nslices=3\nframes=2\nhyperstack=true\n";
    let read = |channel, time| read(with_description(numbered(12), text), Some(channel), Some(time));
    assert_eq!(read(0, 0), [0.0, 2.0, 4.0]);
    assert_eq!(read(1, 0), [1.0, 3.0, 5.0]);
    assert_eq!(read(1, 1), [7.0, 9.0, 11.0]);
}

#[test]
fn several_channels_or_time_points_need_a_choice() {
    let dir = tempdir().unwrap();
    let text = "ImageJ=1.54f\nimages=12\nchannels=2\nslices=3\nframes=2\nhyperstack=true\n";
    let path = Tiff::new(with_description(numbered(12), text)).write(dir.path());
    let refusal = |channel, time| {
        let error = read_stack(&path, &ReadOptions { channel, time, ..sized() }).unwrap_err();
        assert!(matches!(error, Error::Parameter { .. }), "{error}");
        error.to_string()
    };
    let message = refusal(None, Some(0));
    assert!(
        message.starts_with("channel is not given, allowed is 0 to 1") && message.contains("2 channels"),
        "{message}"
    );
    assert!(refusal(Some(2), Some(0)).starts_with("channel is 2"));
    assert!(refusal(Some(0), None).contains("2 time points"));
    // A z stack saved as a time series.
    let text = "ImageJ=1.54f\nimages=4\nframes=4\n";
    let path = Tiff::new(with_description(numbered(4), text)).write(dir.path());
    let message = read_stack(&path, &sized()).unwrap_err().to_string();
    assert!(message.contains("Properties"), "{message}");
}

#[test]
fn imagej_voxel_size_in_every_unit() {
    let size = Some(VoxelSize::new(1.5, 0.12, 0.12).unwrap());
    let page = |resolution, text: &str| {
        let page = Page { resolution: Some(resolution), ..Page::u8(1, 1, &[0]) };
        page.described(format!("ImageJ=1.54f\nimages=1\n{text}"))
    };
    for unit in ["um", "micron", "µm", "\\u00B5m", "μm", "microns"] {
        assert_eq!(size_of(page((25, 3), &format!("spacing=1.5\nunit={unit}\n"))).0, size, "{unit}");
    }
    assert_eq!(size_of(page((1, 120), "spacing=1500\nunit=nm\n")).0, size);
    // Two roundings to doubles: a quotient and a product.
    let close = |text: &str, resolution| {
        let found = size_of(page(resolution, text)).0.unwrap();
        [(found.z_um, 1.5), (found.y_um, 0.12), (found.x_um, 0.12)]
            .iter()
            .for_each(|(a, b)| assert!((a / b - 1.0).abs() <= 2.0 * f64::EPSILON, "{text}: {a}"));
    };
    close("spacing=0.0015\nunit=mm\n", (25_000, 3));
    close("spacing=0.00015\nunit=cm\n", (250_000, 3));
    assert_eq!(size_of(page((25, 3), "spacing=-1.5\nunit=um\n")).0, size);
    assert_eq!(size_of(page((25, 3), "spacing=1500\nunit=um\nzunit=nm\n")).0, size);
    let inches = size_of(page((25_400, 1), "spacing=1\nunit=inch\n")).0;
    assert_eq!(inches, None, "25.4 mm between planes is a mistaken unit");
    for text in ["spacing=1.5\n", "unit=um\n", "spacing=1.5\nunit=pixel\n", "spacing=nan\nunit=um\n"] {
        assert_eq!(size_of(page((25, 3), text)).0, None, "{text}");
    }
    assert_eq!(size_of(page((0, 3), "spacing=1.5\nunit=um\n")).0, None);
    // Old ImageJ writes µ as one Latin-1 byte.
    let dir = tempdir().unwrap();
    let mut bytes = Tiff::new(vec![page((25, 3), "spacing=1.5\nunit=@m\n")]).bytes();
    let at = bytes.iter().position(|&b| b == b'@').unwrap();
    bytes[at] = 0xb5;
    let path = dir.path().join("a.tif");
    std::fs::write(&path, bytes).unwrap();
    assert_eq!(info(&path).unwrap().voxel_size, size);
}

#[test]
fn imagej_planes_behind_one_page() {
    let dir = tempdir().unwrap();
    for little in [true, false] {
        let voxels: Vec<u8> =
            (0..12_u16).flat_map(|v| if little { (v * 300).to_le_bytes() } else { (v * 300).to_be_bytes() }).collect();
        let page =
            Page::new(2, 1, 16, 1, voxels[..4].to_vec()).described("ImageJ=1.54f\nimages=6\nslices=3\nframes=2\n");
        let tiff = Tiff { little, tail: voxels[4..].to_vec(), ..Tiff::new(vec![page]) };
        let path = tiff.write(dir.path());
        let read = |t| values(&path, &ReadOptions { time: Some(t), ..sized() });
        assert_eq!(read(0), [0.0, 300.0, 600.0, 900.0, 1200.0, 1500.0]);
        assert_eq!(read(1), [1800.0, 2100.0, 2400.0, 2700.0, 3000.0, 3300.0]);
    }
}

fn ome(pixels: &str, inner: &str) -> String {
    format!(
        r#"<?xml version="1.0"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"><Image ID="Image:0"><Pixels ID="Pixels:0" Type="uint8" SizeX="1" SizeY="1" {pixels}>{inner}</Pixels></Image></OME>"#
    )
}

#[test]
fn ome_orders_planes_by_its_dimension_order() {
    // The page of (z, c, t) = (1, 0, 1) of 2 x 3 x 2 planes, by hand.
    let expected = [("XYZCT", 7), ("XYZTC", 3), ("XYCZT", 9), ("XYCTZ", 9), ("XYTZC", 3), ("XYTCZ", 7)];
    for (order, page) in expected {
        let text = ome(&format!(r#"SizeZ="2" SizeC="3" SizeT="2" DimensionOrder="{order}""#), "<TiffData/>");
        let found = read(with_description(numbered(12), &text), Some(0), Some(1));
        assert_eq!(found[1], page as f32, "{order}");
    }
}

#[test]
fn ome_places_planes_by_tiff_data() {
    let data =
        r#"<TiffData IFD="2" FirstZ="0" PlaneCount="2"/><TiffData IFD="1" FirstZ="2"/><TiffData IFD="0" FirstZ="3"/>"#;
    let text = ome(r#"SizeZ="4" SizeC="1" SizeT="1" DimensionOrder="XYZCT""#, data);
    assert_eq!(read(with_description(numbered(4), &text), None, None), [2.0, 3.0, 1.0, 0.0]);
    let no_data = ome(r#"SizeZ="4" SizeC="1" SizeT="1" DimensionOrder="XYZCT""#, "");
    assert_eq!(read(with_description(numbered(4), &no_data), None, None), [0.0, 1.0, 2.0, 3.0]);
}

#[test]
fn ome_voxel_size_with_units() {
    let size = |attributes: &str| {
        let text = ome(&format!(r#"SizeZ="1" SizeC="1" SizeT="1" DimensionOrder="XYZCT" {attributes}"#), "<TiffData/>");
        size_of(Page::u8(1, 1, &[0]).described(text)).0
    };
    let expected = Some(VoxelSize::new(1.5, 0.12, 0.12).unwrap());
    assert_eq!(size(r#"PhysicalSizeX="0.12" PhysicalSizeY="0.12" PhysicalSizeZ="1.5""#), expected);
    let nm =
        r#"PhysicalSizeX="120" PhysicalSizeXUnit="nm" PhysicalSizeY="0.12" PhysicalSizeYUnit="µm" PhysicalSizeZ="1.5""#;
    assert_eq!(size(nm), expected);
    assert_eq!(size(r#"PhysicalSizeX="0.12" PhysicalSizeY="0.12""#), None);
    assert_eq!(size(r#"PhysicalSizeX="1" PhysicalSizeXUnit="pixel" PhysicalSizeY="1" PhysicalSizeZ="1""#), None);
}

fn scanimage(extra: &str) -> String {
    format!(
        "SI.LINE_FORMAT_VERSION = 1\nSI.hChannels.channelSave = [1;2]\nSI.hStackManager.enable = true\n\
         SI.hStackManager.numSlices = 3\nSI.hStackManager.stackZStepSize = -1.5\n\
         SI.hRoiManager.imagingFovUm = [-10 -5;10 -5;10 5;-10 5]\n{extra}"
    )
}

#[test]
fn scanimage_orders_channels_then_frames_then_slices() {
    let dir = tempdir().unwrap();
    let pages = |n: u8, extra: &str| {
        let mut pages: Vec<Page> = (0..n).map(|i| Page::new(2, 1, 16, 2, vec![i, 0, i, 0])).collect();
        pages[0].texts.push((305, scanimage(extra)));
        pages
    };
    let path = Tiff { big: true, ..Tiff::new(pages(12, "SI.hStackManager.framesPerSlice = 2\n")) }.write(dir.path());
    let said = info(&path).unwrap();
    assert_eq!((said.format.as_str(), said.channels, said.times, said.shape[0]), ("ScanImage BigTIFF", 2, 2, 3));
    assert_eq!(said.voxel_size, Some(VoxelSize::new(1.5, 10.0, 10.0).unwrap()));
    let read = |c, t| {
        let options = ReadOptions { channel: Some(c), time: Some(t), ..sized() };
        values(&path, &options).into_iter().step_by(2).collect::<Vec<_>>()
    };
    assert_eq!(read(0, 0), [0.0, 4.0, 8.0]);
    assert_eq!(read(1, 0), [1.0, 5.0, 9.0]);
    assert_eq!(read(1, 1), [3.0, 7.0, 11.0]);
    // Averaged before writing: one page per slice and channel.
    let averaged = "SI.hStackManager.framesPerSlice = 4\nSI.hScan2D.logAverageFactor = 4\n";
    assert_eq!(info(Tiff::new(pages(6, averaged)).write(dir.path())).unwrap().times, 1);
    // Stopped early.
    let message = info(Tiff::new(pages(10, averaged)).write(dir.path())).unwrap_err().to_string();
    assert!(message.contains("stopped early"), "{message}");
}

#[test]
fn the_voxel_size_given_goes_first() {
    let dir = tempdir().unwrap();
    let page = Page { resolution: Some((25, 3)), ..Page::u8(1, 1, &[0]) };
    let path = Tiff::new(vec![page.described("ImageJ=1.54f\nspacing=1.5\nunit=um\n")]).write(dir.path());
    assert_eq!(
        read_stack(&path, &ReadOptions::default()).unwrap().voxel_size,
        VoxelSize::new(1.5, 0.12, 0.12).unwrap()
    );
    assert_eq!(read_stack(&path, &sized()).unwrap().voxel_size, VoxelSize::new(1.0, 0.5, 0.25).unwrap());
}

#[test]
fn real_stacks() {
    let Some(data) = std::env::var_os("GEMMULE_DATA") else {
        eprintln!("real_stacks: not run, GEMMULE_DATA does not name the folder of real stacks");
        return;
    };
    let data = std::path::Path::new(&data);
    let stack = read_stack(data.join("rr30a/stacks/rr30a_s0.tif"), &ReadOptions::default()).unwrap();
    assert_eq!(stack.voxel_size, VoxelSize::new(1.0, 0.12, 0.12).unwrap());
    assert_eq!((stack.voxels.shape().to_string().as_str(), stack.voxels.type_name()), ("34 x 1024 x 1024", "u8"));
    let singh = data.join("singh2017/test_volume.tif");
    let error = read_stack(&singh, &ReadOptions::default()).unwrap_err();
    assert!(matches!(error, Error::VoxelSizeUnknown { .. }), "{error}");
    assert_eq!(read_stack(&singh, &sized()).unwrap().voxels.shape().to_string(), "57 x 201 x 201");
}
