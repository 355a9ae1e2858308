//! `gemmule learn`.

use std::path::{Path, PathBuf};

use serde_json::json;

use crate::cli::args::{EngineArgs, OutArgs, ParamsArgs};
use crate::cli::commands::{self, Voice};
use crate::cli::print;
use crate::cli::progress::Bars;
use crate::cli::read_args::ReadArgs;
use crate::error::Result;
use crate::pipeline::{self, Figures, GroupFigures};

pub(crate) fn learn(
    (marks, stacks): (&Path, &[PathBuf]),
    read: &ReadArgs,
    engine: &EngineArgs,
    params: &ParamsArgs,
    out: &OutArgs,
    voice: Voice,
) -> Result<()> {
    let params = commands::read_params(params)?;
    let options = read.options();
    let engine = commands::engine(engine, voice)?;
    let mut bars = Bars::new(voice.quiet)?;
    let target = (out.dir.as_path(), out.force);
    let (learned, files) = pipeline::write_learn(&engine, marks, stacks, &options, &params, target, &mut bars)?;
    bars.finish();
    if voice.json {
        return print::json(&json!({ "result": learned, "files": files }));
    }
    let (spines, others, unused) = (learned.spines, learned.others, learned.unused_marks);
    print::line(&format!("learned from {spines} marked candidates and {others} others; {unused} marks not used"))?;
    print::line("each dendrite by what the others teach, default score -> learned score:")?;
    for GroupFigures { group, before, after } in &learned.groups {
        let session = group.session.map_or_else(String::new, |s| format!("session {s} "));
        print_figures(&format!("{session}dendrite {}", group.dendrite_id), before, after)?;
    }
    print_figures("all", &learned.before, &learned.after)?;
    files.iter().try_for_each(|file| print::line(&format!("  {}", file.display())))
}

fn print_figures(name: &str, before: &Figures, after: &Figures) -> Result<()> {
    print::line(&format!(
        "  {name:24} precision {:.3} -> {:.3}  recall {:.3} -> {:.3}  F1 {:.3} -> {:.3}  ({} marks)",
        before.precision(),
        after.precision(),
        before.recall(),
        after.recall(),
        before.f1(),
        after.f1(),
        before.tp + before.missed,
    ))
}
