//! ImageJ hyperstacks: lines of `key=value` in the description, channels fastest, then slices, then frames.

use std::collections::HashMap;

use crate::io::fault::{Fault, Found};
use crate::io::meta::layout::{FoundSize, Layout, Texts, check_count};
use crate::io::meta::unit::to_um;

pub(super) fn layout(texts: &Texts, fits: u64) -> Found<Layout> {
    let fields: HashMap<&str, &str> = texts.description.lines().filter_map(|line| line.split_once('=')).collect();
    let count = |key: &str| -> Found<Option<usize>> {
        let Some(text) = fields.get(key) else { return Ok(None) };
        match text.trim().parse() {
            Ok(n) if n > 0 => Ok(Some(n)),
            _ => Err(Fault::damaged(format!("its ImageJ description says {key}={text}, a count is expected"))),
        }
    };
    let images = count("images")?.unwrap_or(texts.pages);
    let (channels, slices, frames) = (count("channels")?, count("slices")?, count("frames")?);
    let none_given = channels.is_none() && slices.is_none() && frames.is_none();
    let (channels, frames) = (channels.unwrap_or(1), frames.unwrap_or(1));
    let slices = slices.unwrap_or(if none_given { images } else { 1 });

    let one_page = texts.pages == 1 && images > 1;
    if one_page && images as u64 > fits {
        return Err(Fault::damaged(format!(
            "its ImageJ description says images={images}, the file holds {fits} (truncated)"
        )));
    }
    if !one_page && images != texts.pages {
        return Err(Fault::damaged(format!(
            "its ImageJ description says images={images}, but it has {} pages",
            texts.pages
        )));
    }
    check_count("ImageJ", &[("channels", channels), ("slices", slices), ("frames", frames)], images)?;
    let page = |t: usize, c: usize, z: usize| (t * slices + z) * channels + c;
    let layout = Layout::by("ImageJ TIFF", (frames, channels, slices), voxel_size(texts, &fields), page);
    Ok(Layout { one_page, ..layout })
}

/// z from `spacing`, x and y from the TIFF resolution, all in `unit` (`yunit` and `zunit` where they differ).
fn voxel_size(texts: &Texts, fields: &HashMap<&str, &str>) -> FoundSize {
    let Some(&unit) = fields.get("unit") else {
        return FoundSize::unknown("the ImageJ description has no unit=");
    };
    let unit_of = |key: &str| fields.get(key).copied().unwrap_or(unit);
    let Some(spacing) = fields.get("spacing").and_then(|s| s.trim().parse::<f64>().ok()) else {
        return FoundSize::unknown("the ImageJ description has no spacing= between planes");
    };
    // Pixels per unit: the edge is the inverse.
    let edge = |resolution: Option<(u64, u64)>| resolution.filter(|r| r.0 > 0).map(|(n, d)| d as f64 / n as f64);
    let (Some(y), Some(x)) = (edge(texts.y_resolution), edge(texts.x_resolution)) else {
        return FoundSize::unknown("the ImageJ file has no XResolution and YResolution");
    };
    // ImageJ itself ignores the sign of the spacing, which some programs use for the direction of travel.
    let edges = [to_um(spacing.abs(), unit_of("zunit")), to_um(y, unit_of("yunit")), to_um(x, unit)];
    let [Some(z), Some(y), Some(x)] = edges else {
        return FoundSize::unknown(format!("the ImageJ description has unit={unit}, which is no known unit of length"));
    };
    FoundSize::of([z, y, x], format!("ImageJ: spacing and resolution, unit={unit}"))
}
