//! The commands about several sessions.

use std::path::Path;

use serde_json::{Value, json};

use crate::cli::args::{OutArgs, ParamsArgs};
use crate::cli::commands::{self, Voice};
use crate::cli::print;
use crate::cli::progress::Bars;
use crate::error::Result;
use crate::pipeline;
use crate::units::VoxelSize;

pub(crate) fn link(
    (points, dendrites): (&Path, &Path),
    voxel_size: Option<VoxelSize>,
    trust_ids: bool,
    params: &ParamsArgs,
    out: &OutArgs,
    voice: Voice,
) -> Result<()> {
    let params = commands::read_params(params)?;
    let mut bars = Bars::new(voice.quiet)?;
    let target = (out.dir.as_path(), out.force);
    let (linked, files) = pipeline::write_link(points, dendrites, voxel_size, trust_ids, &params, target, &mut bars)?;
    bars.finish();
    for out in &linked.sites.left_out {
        voice.remark(&format!(
            "Session {} is left out, and its marks with it. {}",
            linked.sessions[out.session].name, out.why
        ));
    }
    if voice.json {
        return print::json(&json!({ "result": pipeline::link_summary(&linked), "files": files }));
    }
    for (a, b, pair) in linked.sites.steps() {
        print::line(&format!(
            "session {} to {}: {} links; lines {:.2} µm apart in the median, {:.0} % agree, turned by {:.1} degrees",
            linked.sessions[a].name,
            linked.sessions[b].name,
            pair.same.len(),
            pair.fit.median_um,
            100.0 * pair.fit.inlier_share,
            pair.fit.turn_deg,
        ))?;
    }
    print::line(&format!("{} sites, {} links", linked.tracks.len(), linked.links.len()))?;
    files.iter().try_for_each(|file| print::line(&format!("  {}", file.display())))
}

pub(crate) fn score_tracks(
    found: &Path,
    truth: &Path,
    sessions: Option<&[i64]>,
    params: &ParamsArgs,
    voice: Voice,
) -> Result<()> {
    let params = commands::read_params(params)?;
    let mut score = json!(pipeline::score_tracks(found, truth, sessions, &params.score)?);
    if !voice.json {
        // A curve of fifty lines hides the figures.
        score["reliability"].as_object_mut().map(|curve| curve.remove("bins"));
    }
    print_nested(&score, voice)
}

pub(crate) fn score_links(found: &Path, truth: &Path, voice: Voice) -> Result<()> {
    print_nested(&json!(pipeline::score_links(found, truth)?), voice)
}

/// One figure a line under its dotted name, or the whole as JSON.
fn print_nested(score: &Value, voice: Voice) -> Result<()> {
    if voice.json { print::json(score) } else { print_below("", score) }
}

fn print_below(name: &str, value: &Value) -> Result<()> {
    let dotted = |key: &str| if name.is_empty() { key.to_owned() } else { format!("{name}.{key}") };
    match value {
        Value::Object(members) => members.iter().try_for_each(|(key, v)| print_below(&dotted(key), v)),
        Value::Array(items) => items.iter().enumerate().try_for_each(|(n, v)| print_below(&dotted(&n.to_string()), v)),
        figure => print::line(&format!("{name:46} {figure}")),
    }
}
