//! The fuzz target of the C ABI on its seeds, on what fuzzing has found, and on damaged copies of both: the short form of `fuzz/run.sh`.

#[path = "../../../fuzz/src/c_abi/mod.rs"]
mod c_abi;

use std::fs;
use std::path::Path;

use c_abi::CAbi;

/// Damaged copies of every seed.
const DAMAGED: usize = 40;

#[test]
fn no_seed_and_no_damaged_seed_is_more_than_a_status() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let folder = tempfile::tempdir().unwrap();
    let host = CAbi::new(folder.path(), &root.join("fixtures/microscopes"));
    let mut paths: Vec<_> = fs::read_dir(root.join("fuzz/seeds/c-abi")).unwrap().map(|e| e.unwrap().path()).collect();
    paths.sort();
    assert!(!paths.is_empty(), "no seeds");
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as usize
    };
    for path in paths {
        let seed = fs::read(path).unwrap();
        host.run(&seed);
        for _ in 0..DAMAGED {
            let mut bytes = seed.clone();
            for _ in 0..1 + next() % 4 {
                let at = next() % bytes.len();
                match next() % 3 {
                    0 => bytes[at] = next() as u8,
                    1 => bytes.insert(at, next() as u8),
                    _ => drop(bytes.remove(at)),
                }
                if bytes.is_empty() {
                    break;
                }
            }
            host.run(&bytes);
        }
    }
}
