//! The manifest of a cohort: every fault at once, by row, before any work.

use std::path::Path;

use gemmule::io::{Manifest, ReadOptions, write_stack};
use gemmule::units::VoxelSize;
use gemmule::volume::{Shape, Stack, Volume, Voxels};

fn stack(dir: &Path, name: &str, xy_um: f64) {
    let shape = Shape::new(2, 8, 8).expect("valid");
    let voxels = Voxels::U16(Volume::new(shape, vec![7; 128]).expect("valid"));
    let voxel_size = VoxelSize::new(1.0, xy_um, xy_um).expect("valid");
    write_stack(dir.join(name), &Stack { voxels, voxel_size }).expect("the folder can be written to");
}

fn read(dir: &Path, name: &str, text: &str, crossover: bool) -> Result<Manifest, String> {
    let path = dir.join(name);
    std::fs::write(&path, text).expect("written");
    Manifest::read(&path, &ReadOptions::default(), crossover).map_err(|e| e.to_string())
}

const GOOD: &str = "\
animal,sex,group,treatment,dose,fov,day,path,hemisphere,notes
m2,F,a,saline,,1,-1,a0.tif,left,
m2,F,a,saline,,1,1,a1.tif,left,\"windy, cold\"
m1,M,a,psilocybin,1 mg/kg,x,-1.5,b0.tif,right,
m1,M,a,psilocybin,1 mg/kg,x,1,b1.tif,right,
";

fn good_stacks(dir: &Path) {
    ["a0.tif", "a1.tif", "b0.tif", "b1.tif"].iter().for_each(|name| stack(dir, name, 0.1));
}

#[test]
fn series_are_grouped_sorted_and_carry_their_columns() {
    let dir = tempfile::tempdir().expect("a folder");
    good_stacks(dir.path());
    let manifest = read(dir.path(), "m.csv", GOOD, false).expect("no fault");
    assert_eq!(manifest.carried, ["dose", "hemisphere", "notes"]);
    let names: Vec<String> = manifest.series.iter().map(|s| s.name()).collect();
    assert_eq!(names, ["m1/x", "m2/1"]);
    assert_eq!(manifest.largest_stack_voxels, 128);
    let [first, second] = &manifest.series[1].sessions[..] else { panic!("two sessions") };
    assert_eq!((first.session.name.as_str(), first.session.day), ("0", Some(-1.0)));
    assert_eq!(second.path, dir.path().join("a1.tif"));
    assert_eq!((second.value("notes"), second.value("sex"), first.value("notes")), ("windy, cold", "F", ""));

    // The same as TOML, with what is common above.
    let toml = "sex = \"F\"\ntreatment = \"saline\"\nanimal = \"m2\"\nfov = 1\n\
                [[session]]\nday = -1\npath = \"a0.tif\"\nvoxel_um = [2, 0.1, 0.1]\n\
                [[session]]\nday = 1\npath = \"a1.tif\"\nvoxel_um = \"2,0.1,0.1\"\n";
    let manifest = read(dir.path(), "m.toml", toml, false).expect("no fault");
    assert_eq!(manifest.series[0].sessions[0].options.voxel_size.map(|v| v.z_um), Some(2.0));
    assert_eq!(manifest.series[0].sessions[1].value("sex"), "F");
}

#[test]
fn every_fault_is_listed_with_its_row() {
    let dir = tempfile::tempdir().expect("a folder");
    good_stacks(dir.path());
    stack(dir.path(), "wide.tif", 0.2);
    std::fs::write(dir.path().join("text.tif"), "no image").expect("written");
    let text = "\
animal,sex,treatment,fov,day,path,channel,voxel_um,cell_type
m1,F,saline,1,-1,a0.tif,,,PT
m1,M,saline,1,1,a1.tif,,,IT
m1,F,ketamine,1,1,wide.tif,,,PT
m1,F,,1,x,gone.tif,,,PT
m2,F,saline,../1,-1,b0.tif,,,
m2,F,saline,2,-1,b1.tif,3,,
m2,F,saline,2,2,text.tif,,,
m2,F,saline,2,3,b1.tif,3,0.1,
M2,F,saline,2,1,a0.tif,,,
";
    let message = read(dir.path(), "m.csv", text, false).expect_err("faults");
    let expected = [
        "line 3: sex is \"M\", but \"F\" in line 2 of the same animal",
        "line 3: cell_type is \"IT\", but \"PT\" in line 2",
        "line 4: treatment is \"ketamine\", but \"saline\" in line 2 of the same animal",
        "line 4: day 1 does not come after day 1 in line 3",
        "line 4: the voxel size is 1,0.2,0.2 µm, but 1,0.1,0.1 in line 2",
        "line 5: treatment is empty",
        "line 5: day is \"x\"",
        "gone.tif is not there",
        "line 6: fov is \"../1\"",
        "line 6: m2/../1 has 1 session",
        "line 7: channel is 3",
        "line 8: ",
        "line 9: voxel_um is \"0.1\"",
        "line 9: path \"b1.tif\" stands in line 7 too",
        "line 10: path \"a0.tif\"",
        "m2/2 and M2/2 differ only in upper and lower case",
    ];
    for fault in expected {
        assert!(message.contains(fault), "lacks {fault:?}:\n{message}");
    }
    assert!(message.contains("faults, nothing was run"), "{message}");
}

#[test]
fn a_crossover_must_be_declared_and_numbered_sessions_say_their_order() {
    let dir = tempfile::tempdir().expect("a folder");
    good_stacks(dir.path());
    let text = "animal,treatment,fov,session,day,path\nm,b,1,2,9,a1.tif\nm,a,1,1,1,a0.tif\n";
    assert!(read(dir.path(), "m.csv", text, false).expect_err("two treatments").contains("crossover"));
    let manifest = read(dir.path(), "m.csv", text, true).expect("declared");
    assert_eq!(manifest.series[0].sessions[0].session.name, "1");
    let column = "animal,treatment,fov,day,path,crossover\nm,a,1,1,a0.tif,true\nm,b,1,9,a1.tif,true\n";
    assert!(read(dir.path(), "m.csv", column, false).is_ok());
    let wrong = text.replace("2,9", "2,0.5");
    assert!(read(dir.path(), "m.csv", &wrong, true).expect_err("order").contains("does not come after"));
    assert!(read(dir.path(), "m.csv", "animal,day\n", false).expect_err("columns").contains("treatment, fov, path"));
}
