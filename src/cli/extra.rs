//! The commands around the main job: synthetic stacks, scores, the demonstration, speed.

use std::path::Path;

use serde_json::json;

use crate::cli::args::{EngineArgs, OutArgs, ParamsArgs};
use crate::cli::commands::{self, Voice};
use crate::cli::print;
use crate::cli::progress::Bars;
use crate::error::{Error, Result};
use crate::io;
use crate::pipeline::{self, CALIBRATION_FILES, DETECT_FILES, DetectDetail, FileSet, Origin};
use crate::report;

/// `series`: days, and whether it is a test-retest series; none for a single stack.
pub(crate) fn phantom(
    params: &ParamsArgs,
    seed: Option<u64>,
    series: Option<(Vec<f64>, bool)>,
    out: &OutArgs,
    voice: Voice,
) -> Result<()> {
    let all = commands::read_params(params)?;
    let mut params = all.phantom;
    params.seed = seed.unwrap_or(params.seed);
    let mut bars = Bars::new(voice.quiet)?;
    let files = match series {
        Some((days, test_retest)) => {
            let mut series = all.phantom_series;
            series.days = days;
            let series = if test_retest { series.test_retest() } else { series };
            pipeline::write_phantom_series(&out.dir, &params, &series, out.force, &mut bars)?
        }
        None => pipeline::write_phantom(&out.dir, &params, out.force, &mut bars)?,
    };
    bars.finish();
    if voice.json {
        return print::json(&json!({ "files": files }));
    }
    files.iter().try_for_each(|file| print::line(&format!("{}", file.display())))
}

pub(crate) fn score_detect(found: &Path, truth: &Path, session: i64, params: &ParamsArgs, voice: Voice) -> Result<()> {
    let params = commands::read_params(params)?;
    let mut score = json!(pipeline::score_detect(found, truth, session, &params.score)?);
    let detail = pipeline::score_detail(found, truth, session, &params.score)?;
    if voice.json {
        score["detail"] = json!(detail);
        return print::json(&score);
    }
    print_score(&score, voice)?;
    print_detail(&detail)
}

/// Intervals, one line per dendrite, and some ten points of the curve.
fn print_detail(detail: &DetectDetail) -> Result<()> {
    let share = |value: Option<f64>| value.map_or("-".into(), |v| format!("{v:.3}"));
    let interval = |of: Option<[f64; 2]>| of.map_or("-".into(), |[low, high]| format!("{low:.3} to {high:.3}"));
    print::line(&format!("\n95 % intervals over {} stretches of 10 µm", detail.n_stretches))?;
    for (name, of) in
        [("precision", detail.precision_interval), ("recall", detail.recall_interval), ("f1", detail.f1_interval)]
    {
        print::line(&format!("{name:30} {}", interval(of)))?;
    }
    print::line("\ndendrite    true   found    false   precision   recall")?;
    for d in &detail.dendrites {
        let (precision, recall) = (share(d.precision), share(d.recall));
        print::line(&format!("{:8} {:7} {:7} {:8} {precision:>11} {recall:>8}", d.dendrite, d.n_truth, d.tp, d.fp))?;
    }
    if detail.curve.is_empty() {
        return Ok(());
    }
    print::line("\nthreshold   precision   recall")?;
    let stride = detail.curve.len().div_ceil(10);
    // The last point is all that was found.
    for point in detail.curve.iter().rev().step_by(stride).collect::<Vec<_>>().into_iter().rev() {
        let (precision, recall) = (share(point.precision), share(point.recall));
        print::line(&format!("{:9.3} {precision:>11} {recall:>8}", point.threshold))?;
    }
    Ok(())
}

/// One figure a line, or the whole as JSON.
fn print_score(score: &serde_json::Value, voice: Voice) -> Result<()> {
    if voice.json {
        return print::json(score);
    }
    let lines = score.as_object().into_iter().flatten();
    lines.into_iter().try_for_each(|(name, value)| print::line(&format!("{name:30} {value}")))
}

pub(crate) fn demo(engine: &EngineArgs, params: &ParamsArgs, dir: &Path, voice: Voice) -> Result<()> {
    let params = commands::read_params(params)?;
    let engine = commands::engine(engine, voice)?;
    let mut bars = Bars::new(voice.quiet)?;
    let truth = dir.join("phantom");
    let made = pipeline::demo(&engine, &truth, &params, &mut bars)?;
    let results = dir.join("results");
    let set = FileSet::new(&results, &DETECT_FILES, true)?;
    let stack_path = truth.join("stack.tif");
    let sha256 = io::sha256(&stack_path)?;
    let origin = Origin { path: &stack_path, sha256: &sha256, channel: None, time: None };
    pipeline::write_detect(&set, &made.found, &made.stack, &engine, &params, origin)?;
    commands::save_overlay(&set, &made.stack, &made.found, &stack_path)?;
    let files = set.commit()?;
    bars.finish();
    if voice.json {
        let summary = pipeline::summary(&made.found);
        return print::json(&json!({ "result": summary, "score": made.score, "files": files }));
    }
    print::line(&format!("made {} with its truth beside it", stack_path.display()))?;
    commands::report(&made.found, &files, voice)?;
    let percent = |share: Option<f64>| share.map_or_else(|| "none".into(), |v| format!("{:.0} %", 100.0 * v));
    print::line(&format!(
        "of {} true spines that can be seen {} were found (recall {}); of those found {} are true (precision {}); F1 {:.2}",
        made.score.n_truth,
        made.score.tp,
        percent(made.score.recall),
        made.score.tp,
        percent(made.score.precision),
        made.score.f1.unwrap_or(0.0)
    ))?;
    print::line(&format!("look at {}", results.join("overlay.png").display()))
}

pub(crate) fn calibrate(engine: &EngineArgs, params: &ParamsArgs, out: &OutArgs, voice: Voice) -> Result<()> {
    let params = commands::read_params(params)?;
    FileSet::check(&out.dir, &CALIBRATION_FILES, out.force)?;
    let engine = commands::engine(engine, voice)?;
    let mut bars = Bars::new(voice.quiet)?;
    let rows = pipeline::calibrate(&engine, &params, &mut bars)?;
    let set = FileSet::new(&out.dir, &CALIBRATION_FILES, out.force)?;
    pipeline::write_calibration(&set, &rows, &engine, &params)?;
    let picture = set.path("calibration.svg");
    std::fs::write(&picture, report::calibration_svg(&rows)?)
        .map_err(|e| Error::file(&picture, format!("cannot be written ({e})"), "check the folder and the disk"))?;
    let files = set.commit()?;
    bars.finish();
    if voice.json {
        return print::json(&json!({ "rows": rows, "files": files }));
    }
    print::line("photons  figure       of              value   95 % interval          n")?;
    for row in rows.iter().filter(|r| r.to.is_none() && (r.from.is_none() || r.of == "large heads")) {
        let value = row.value.map_or("-".into(), |v| format!("{v:.3}"));
        let interval = row.low.zip(row.high).map_or(String::new(), |(low, high)| format!("{low:.3} to {high:.3}"));
        print::line(&format!(
            "{:7}  {:12} {:13} {value:>7}   {interval:17} {:>6}",
            row.photons, row.figure, row.of, row.n
        ))?;
    }
    files.iter().try_for_each(|file| print::line(&format!("  {}", file.display())))
}
