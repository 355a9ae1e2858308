//! One libFuzzer binary for all targets: `GEMMULE_FUZZ_TARGET` names the one that runs, so that the instrumented crate is linked once.

#![no_main]

mod c_abi;
mod targets;

use std::path::Path;
use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;

use c_abi::CAbi;
use targets::Target;

/// What runs: the C ABI, or a reader of a file.
enum Chosen {
    CAbi(CAbi),
    Reader(Target),
}

fuzz_target!(|data: &[u8]| {
    static CHOSEN: OnceLock<Chosen> = OnceLock::new();
    let open = || {
        let name = std::env::var("GEMMULE_FUZZ_TARGET").expect("GEMMULE_FUZZ_TARGET names a target");
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/microscopes");
        if name == "c-abi" {
            Chosen::CAbi(CAbi::new(&targets::empty_folder(&name), &fixtures))
        } else {
            Chosen::Reader(Target::open(&name, &fixtures))
        }
    };
    match CHOSEN.get_or_init(open) {
        Chosen::CAbi(host) => host.run(data),
        Chosen::Reader(target) => target.run(data),
    }
});
