//! Detection on synthetic stacks may not get worse than the committed table says.
//!
//! Frozen by `cargo run --release -- calibrate --backend cpu -o /tmp/calibration --force && cp /tmp/calibration/calibration.csv fixtures/`.

use gemmule::engine::{Backend, Engine};
use gemmule::model::CalibrationRow;
use gemmule::pipeline::{self, Params};
use gemmule::progress::Silent;
use gemmule::report::calibration_svg;

/// The stacks are the same: only the last bits of the arithmetic may differ from machine to machine, which moves a spine or two of 200.
const SHARE: f64 = 0.015;
const BIAS_UM: f64 = 0.02;

fn frozen() -> Vec<CalibrationRow> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/calibration.csv");
    csv::Reader::from_path(path)
        .expect("the table is committed")
        .deserialize()
        .collect::<Result<_, _>>()
        .expect("the table is whole")
}

#[test]
fn detection_is_as_good_as_the_committed_table() {
    let mut params = Params::default();
    // Brighter than that adds nothing but time.
    params.calibration.photons = vec![30.0, 60.0, 120.0];
    let engine = Engine::new(Backend::Cpu).expect("the CPU always works");
    let now = pipeline::calibrate(&engine, &params, &mut Silent).expect("defaults are valid");
    let mut compared = 0;
    for old in
        frozen().iter().filter(|r| r.photons <= 120.0 && (r.to.is_none() && r.from.is_none() || r.of == "large heads"))
    {
        let same = |r: &&CalibrationRow| r.photons == old.photons && r.figure == old.figure && r.of == old.of;
        let new = now.iter().find(same).expect("the table has the same rows");
        let (Some(was), Some(is)) = (old.value, new.value) else { panic!("{old:?} {new:?}") };
        let worse = match old.figure.as_str() {
            "coverage" | "precision" | "recall" | "f1" | "spearman" => (was - is) > SHARE,
            "bias" | "median_bias" => is.abs() - was.abs() > BIAS_UM,
            "spread" => is - was > 2.0 * BIAS_UM,
            other => panic!("unknown figure {other}"),
        };
        assert!(!worse, "{} photons, {} of {}: {is}, committed {was}", old.photons, old.figure, old.of);
        compared += 1;
    }
    assert!(compared >= 3 * 13, "{compared} rows compared");
    let svg = calibration_svg(&now).expect("finite values");
    assert!(svg.starts_with("<svg") && svg.contains("Recall against head width"));
}
