//! Everything written is read back, by this crate or by the rules of the format.

use gemmule::io::{
    ReadOptions, info, read_points_csv, read_stack, sha256, write_dendrites_csv, write_labels, write_spines_csv,
    write_stack, write_swc,
};
use gemmule::model::{Dendrite, Side, Spine, SpineClass, SpineFlag, Unscorable, UnscorableReason};
use gemmule::units::{PointUm, VoxelSize};
use gemmule::volume::{Bricks, Shape, Stack, Volume, Voxels};
use tempfile::tempdir;

fn volume<T>(value: impl Fn(usize) -> T) -> Volume<T> {
    let shape = Shape::new(3, 4, 5).unwrap();
    Volume::new(shape, (0..shape.len()).map(value).collect()).unwrap()
}

#[test]
fn stacks_come_back_exactly() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("a.tif");
    let all = [
        Voxels::U8(volume(|i| i as u8 * 3)),
        Voxels::U16(volume(|i| i as u16 * 1000)),
        Voxels::I16(volume(|i| i as i16 * 500 - 15_000)),
        Voxels::F32(volume(|i| i as f32 / 3.0 - 5.0)),
    ];
    for voxels in all {
        for (z, y, x) in [(1.0, 0.12, 0.12), (0.0001, 10_000.0, 0.0703125), (2.5, 0.123456789, 0.2071715)] {
            let stack = Stack { voxels: voxels.clone(), voxel_size: VoxelSize::new(z, y, x).unwrap() };
            write_stack(&path, &stack).unwrap();
            assert_eq!(read_stack(&path, &ReadOptions::default()).unwrap(), stack);
        }
    }
    let said = info(&path).unwrap();
    assert_eq!((said.format.as_str(), said.compression.as_str()), ("ImageJ TIFF", "Deflate"));
    let missing = dir.path().join("no/such/folder.tif");
    let stack = Stack { voxels: Voxels::U8(volume(|_| 0)), voxel_size: VoxelSize::new(1.0, 1.0, 1.0).unwrap() };
    assert!(write_stack(missing, &stack).unwrap_err().to_string().contains("cannot be written"));
}

#[test]
fn labels_come_back_as_ome() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("labels.tif");
    let (labels, size) = (volume(|i| i as u16 * 700), VoxelSize::new(1.0, 0.12, 0.2071715).unwrap());
    write_labels(&path, &Bricks::from(&labels), size).unwrap();
    assert_eq!(info(&path).unwrap().format, "OME-TIFF");
    let stack = read_stack(&path, &ReadOptions::default()).unwrap();
    assert_eq!(stack, Stack { voxels: Voxels::U16(labels), voxel_size: size });
}

fn spine(spine_id: u32) -> Spine {
    Spine {
        spine_id,
        dendrite_id: 2,
        head: PointUm::new(1.0, 2.5, -0.000_01),
        tip: PointUm::new(1.0, 2.75, 3.123_456),
        base: PointUm::new(1.0, 2.0, 3.0),
        s_um: 12.0,
        side: Side::Left,
        length_um: 1.5,
        head_width_um: None,
        head_width_fit: Some(0.9),
        brightness: 0.25,
        volume_um3: 0.0625,
        snr: 9.5,
        score: 0.875,
        class: SpineClass::Mushroom,
        flags: vec![SpineFlag::PoorWidthFit, SpineFlag::AtBorder],
    }
}

#[test]
fn spines_as_a_table_and_back() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("spines.csv");
    write_spines_csv(
        &path,
        &[spine(1), Spine { head_width_um: Some(0.5), head_width_fit: None, flags: vec![], ..spine(2) }],
    )
    .unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    let expected = "\
spine_id,dendrite_id,z_um,y_um,x_um,tip_z_um,tip_y_um,tip_x_um,base_z_um,base_y_um,base_x_um,s_um,side,length_um,head_width_um,brightness,snr,score,class,flags,volume_um3,head_width_fit
1,2,1.0000,2.5000,0.0000,1.0000,2.7500,3.1235,1.0000,2.0000,3.0000,12.0000,left,1.5000,,0.2500,9.5000,0.8750,mushroom,poor-width-fit;at-border,0.0625,0.9000
2,2,1.0000,2.5000,0.0000,1.0000,2.7500,3.1235,1.0000,2.0000,3.0000,12.0000,left,1.5000,0.5000,0.2500,9.5000,0.8750,mushroom,,0.0625,
";
    assert_eq!(text, expected);
    let points = read_points_csv(&path).unwrap();
    assert_eq!(points.iter().map(|p| p.spine_id).collect::<Vec<_>>(), [1, 2]);
    assert_eq!((points[0].place, points[0].score), (PointUm::new(1.0, 2.5, 0.0), Some(0.875)));
    write_spines_csv(&path, &[]).unwrap();
    assert!(read_points_csv(&path).unwrap().is_empty());
}

#[test]
fn tables_of_marks_are_checked() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("marks.csv");
    let read = |text: &str| {
        std::fs::write(&path, text).unwrap();
        read_points_csv(&path).map_err(|e| e.to_string())
    };
    let points = read("\u{feff}note,x_um, y_um,z_um,spine_id\nhello,3,2,1.5,7\n").unwrap();
    assert_eq!((points[0].spine_id, points[0].place, points[0].score), (7, PointUm::new(1.5, 2.0, 3.0), None));
    for (text, reason) in [
        ("", "no column spine_id"),
        ("spine_id,z_um,y_um\n1,2,3\n", "no column x_um"),
        ("spine_id,z_um,y_um,x_um\n1,2,3,a\n", "line 2: x_um is \"a\""),
        ("spine_id,z_um,y_um,x_um\n1,2,3,NaN\n", "x_um is \"NaN\""),
        ("spine_id,z_um,y_um,x_um\n-1,2,3,4\n", "spine_id is \"-1\""),
        ("spine_id,z_um,y_um,x_um\n1,2,3,4\n1,2,3,4\n", "line 3: spine_id 1 is there twice"),
        ("spine_id,z_um,y_um,x_um\n1,2\n", "cannot be read"),
    ] {
        let message = read(text).unwrap_err();
        assert!(message.contains(reason), "{reason} in {message}");
    }
}

fn dendrite(dendrite_id: u32, parent: Option<(u32, usize)>) -> Dendrite {
    let points = (0..3).map(|i| PointUm::new(1.0, f64::from(i), 10.0 * f64::from(dendrite_id))).collect();
    let unscorable = vec![
        Unscorable { from_um: 0.5, to_um: 1.5, side: Side::Left, reason: UnscorableReason::Steep },
        Unscorable { from_um: 0.5, to_um: 1.5, side: Side::Right, reason: UnscorableReason::Steep },
        Unscorable { from_um: 1.0, to_um: 1.5, side: Side::Right, reason: UnscorableReason::OutOfVolume },
    ];
    Dendrite { dendrite_id, points, s_um: vec![0.0, 1.0, 2.0], radius_um: vec![0.5; 3], parent, unscorable }
}

#[test]
fn dendrites_as_a_table() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("dendrites.csv");
    write_dendrites_csv(&path, &[dendrite(1, None), dendrite(2, Some((1, 2)))]).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 7);
    assert_eq!(lines[0], "dendrite_id,order,z_um,y_um,x_um,s_um,radius_um,parent_id,parent_order,unscorable");
    assert_eq!(lines[1], "1,0,1.0000,0.0000,10.0000,0.0000,0.5000,,,");
    assert_eq!(lines[2], "1,1,1.0000,1.0000,10.0000,1.0000,0.5000,,,steep;out-of-volume:right");
    assert_eq!(lines[6], "2,2,1.0000,2.0000,20.0000,2.0000,0.5000,1,2,");
}

#[test]
fn swc_trees_hang_together() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("a.swc");
    // The branch is named before the dendrite it starts on.
    write_swc(&path, &[dendrite(1, Some((2, 1))), dendrite(2, None)]).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    let rows: Vec<Vec<f64>> = text
        .lines()
        .filter(|l| !l.starts_with('#'))
        .map(|l| l.split(' ').map(|v| v.parse().unwrap()).collect())
        .collect();
    let links: Vec<(i64, i64)> = rows.iter().map(|r| (r[0] as i64, r[6] as i64)).collect();
    assert_eq!(links, [(1, -1), (2, 1), (3, 2), (4, 2), (5, 4), (6, 5)]);
    assert_eq!(rows[1], [2.0, 3.0, 20.0, 1.0, 1.0, 0.5, 1.0]); // id type x y z radius parent
    for wrong in [
        vec![dendrite(1, Some((9, 0)))],
        vec![dendrite(1, None), dendrite(2, Some((1, 3)))],
        vec![dendrite(1, Some((2, 0))), dendrite(2, Some((1, 0)))],
        vec![dendrite(1, None), dendrite(1, None)],
    ] {
        write_swc(&path, &wrong).expect_err("no tree");
    }
}

#[test]
fn checksums_are_sha_256() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("a");
    // FIPS 180-2, appendix B.1.
    std::fs::write(&path, "abc").unwrap();
    assert_eq!(sha256(&path).unwrap(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert!(sha256(dir.path().join("missing")).is_err());
}
