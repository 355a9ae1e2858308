//! Disks that fill up or fail, permissions that are missing, a device that is lost, kill -9 in the middle of a write: nothing half-written is taken for whole.

use std::fs;
use std::path::Path;
use std::process::Command;

#[cfg(target_os = "linux")]
mod disk;
mod lost_device;
mod output;

/// A small stack with one dendrite.
const SMALL: &str =
    "[phantom]\nplanes = 10\nrows = 160\ncolumns = 224\ndendrites = 1\naxons = 0\ndensity_per_um = 0.6\n";

/// A cohort of small stacks in `dir/c`: one animal per arm, two sessions.
fn make_cohort(dir: &Path) {
    fs::write(dir.join("small.toml"), SMALL).unwrap();
    let args = "phantom --scenario vehicle --animals 1 --fovs 1 --days=-1,1 --params small.toml -o c";
    let made = Command::new(env!("CARGO_BIN_EXE_gemmule")).args(args.split(' ')).current_dir(dir).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}
