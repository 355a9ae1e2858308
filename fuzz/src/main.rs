//! One libFuzzer binary for all targets: `GEMMULE_FUZZ_TARGET` names the one that runs, so that the instrumented crate is linked once.

#![no_main]

mod targets;

use std::path::Path;
use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    static TARGET: OnceLock<targets::Target> = OnceLock::new();
    let open = || {
        let name = std::env::var("GEMMULE_FUZZ_TARGET").expect("GEMMULE_FUZZ_TARGET names a target");
        targets::Target::open(&name, &Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/microscopes"))
    };
    TARGET.get_or_init(open).run(data);
});
