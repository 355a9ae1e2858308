//! A GPU that is lost in the middle of a cohort.

use std::fs;
use std::path::Path;

use gemmule::engine::{Backend, Engine};
use gemmule::error::Error;
use gemmule::io::{Manifest, ReadOptions};
use gemmule::pipeline::{self, CohortRun, Params};
use gemmule::progress::Progress;

use crate::make_cohort;

/// Loses the device when the cohort first says how far it is.
struct Loses<'a>(&'a Engine);

impl Progress for Loses<'_> {
    fn report(&mut self, _: &str, _: u64, _: u64) -> bool {
        self.0.lose_device();
        true
    }
}

fn cohort(dir: &Path) -> Manifest {
    make_cohort(dir);
    Manifest::read(dir.join("c/manifest.csv"), &ReadOptions::default(), false).unwrap()
}

#[test]
fn a_lost_gpu_stops_a_cohort_unless_the_cpu_may_take_over() {
    if std::env::var("GEMMULE_GPU_TESTS").is_ok_and(|v| v == "skip") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let manifest = cohort(dir.path());
    let open = || {
        let named = || Engine::new(Backend::Gpu { adapter: Some("llvmpipe".into()) });
        Engine::new(Backend::Gpu { adapter: None }).or_else(|_| named()).unwrap()
    };
    let (params, cpu) = (Params::default(), Engine::new(Backend::Cpu).unwrap());
    let run = |name: &str, fallback: Option<&Engine>| {
        let (gpu, out) = (open(), dir.path().join(name));
        let run = CohortRun {
            manifest: &manifest,
            engine: &gpu,
            fallback,
            params: &params,
            dir: &out,
            pictures: None,
            shard: None,
            force: false,
        };
        pipeline::run_cohort(&run, &mut Loses(&gpu))
    };
    let error = run("stopped", None).unwrap_err();
    assert!(matches!(&error, Error::Gpu { .. }), "{error}");
    assert!(!dir.path().join("stopped/series/m01/fov-1/series.json").exists());

    let outcome = run("taken over", Some(&cpu)).unwrap();
    assert_eq!((outcome.done, outcome.failed.len()), (2, 0));
    assert_eq!(outcome.fell_back.len(), 2);
    assert!(
        outcome.fell_back[0].1.contains("lost") || outcome.fell_back[0].1.contains("GPU"),
        "{:?}",
        outcome.fell_back
    );
    // The record of the series says where it was computed, and the tables are those of the CPU.
    let said = fs::read_to_string(dir.path().join("taken over/series/m01/fov-1/run.json")).unwrap();
    assert!(said.contains("\"engine\": \"CPU"), "{said}");
    let plain = CohortRun {
        manifest: &manifest,
        engine: &cpu,
        fallback: None,
        params: &params,
        dir: &dir.path().join("cpu"),
        pictures: None,
        shard: None,
        force: false,
    };
    pipeline::run_cohort(&plain, &mut gemmule::progress::Silent).unwrap();
    for table in ["values.csv", "new_spines.csv", "tracks.csv"] {
        let read = |from: &str| fs::read(dir.path().join(from).join("series/m01/fov-1").join(table)).unwrap();
        assert!(read("cpu") == read("taken over"), "{table}");
    }
}
