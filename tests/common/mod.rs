//! The GPU that kernels are tested on.

use std::sync::OnceLock;

use gemmule::engine::{Backend, Engine};

/// Hardware if there is any, else llvmpipe. No adapter is a failure, unless `GEMMULE_GPU_TESTS=skip` says otherwise.
///
/// # Panics
/// If there is no adapter and the tests are not to be skipped.
pub(crate) fn gpu() -> Option<&'static Engine> {
    static ENGINE: OnceLock<Option<Engine>> = OnceLock::new();
    let open = || {
        if std::env::var("GEMMULE_GPU_TESTS").is_ok_and(|v| v == "skip") {
            eprintln!("GEMMULE_GPU_TESTS=skip: GPU tests are NOT run");
            return None;
        }
        let llvmpipe = || Engine::new(Backend::Gpu { adapter: Some("llvmpipe".into()) });
        let engine = Engine::new(Backend::Gpu { adapter: None }).or_else(|_| llvmpipe());
        let engine = engine.unwrap_or_else(|error| {
            panic!("{error}\ninstall mesa-vulkan-drivers for a software adapter, or set GEMMULE_GPU_TESTS=skip")
        });
        eprintln!("GPU tests run on {}", engine.describe());
        Some(engine)
    };
    ENGINE.get_or_init(open).as_ref()
}
