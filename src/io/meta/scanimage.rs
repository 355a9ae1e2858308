//! ScanImage 5 and later: lines of `SI.key = value` in the Software tag (or the description).
//!
//! Supported: one field of view (no mROI), pages ordered channel fastest, then frames of a slice, then slices (and flyback
//! frames, left out), then volumes; the voxel's x and y from `SI.hRoiManager.imagingFovUm`, or `imagingFovDeg` times `SI.objectiveResolution`
//! (µm per degree); z from `SI.hStackManager.actualStackZStepSize` or `stackZStepSize`. ScanImage 4 and older write no
//! field of view in µm: their voxel size must be given.

use std::collections::HashMap;

use crate::io::fault::{Fault, Found};
use crate::io::meta::layout::{FoundSize, Layout, Texts, check_count};

/// Whether ScanImage wrote the file.
pub(super) fn wrote(texts: &Texts) -> bool {
    [&texts.software, &texts.description]
        .iter()
        .any(|t| t.starts_with("SI.") || t.contains("\nSI.") || t.contains("scanimage.SI."))
}

type Fields<'a> = HashMap<&'a str, &'a str>;

fn fields(texts: &Texts) -> Fields<'_> {
    let lines = texts.software.lines().chain(texts.description.lines());
    lines
        .filter_map(|line| line.split_once('='))
        .map(|(key, value)| (key.trim().trim_start_matches("scanimage."), value.trim()))
        .collect()
}

/// The rows of a MATLAB matrix: `[1 2;3 4]`.
fn matrix(text: &str) -> Option<Vec<Vec<f64>>> {
    let inner = text.trim().trim_start_matches('[').trim_end_matches(']');
    let row = |r: &str| r.split([' ', ',']).filter(|v| !v.is_empty()).map(|v| v.parse::<f64>().ok()).collect();
    inner.split(';').map(row).collect()
}

/// A positive whole number.
fn count(fields: &Fields<'_>, key: &str) -> Option<usize> {
    fields.get(key)?.parse::<f64>().ok().filter(|n| *n >= 1.0 && *n < 1e9 && n.fract() == 0.0).map(|n| n as usize)
}

fn is_on(fields: &Fields<'_>, key: &str) -> Option<bool> {
    fields.get(key).map(|v| matches!(*v, "1" | "true"))
}

pub(super) fn layout(texts: &Texts) -> Found<Layout> {
    let fields = fields(texts);
    if is_on(&fields, "SI.hRoiManager.mroiEnable") == Some(true) {
        return Err(Fault::new(
            "holds several ScanImage regions (mROI) in each page",
            "save each region as a stack of its own",
        ));
    }
    let saved =
        fields.get("SI.hChannels.channelSave").and_then(|v| matrix(v)).map(|rows| rows.iter().flatten().count());
    let Some(channels) = saved.filter(|n| *n > 0) else {
        return Err(Fault::new(
            "its ScanImage metadata do not say which channels were saved (SI.hChannels.channelSave)",
            "save it as an ImageJ hyperstack, which says how its planes are ordered",
        ));
    };
    let slices = count(&fields, "SI.hStackManager.actualNumSlices").or(count(&fields, "SI.hStackManager.numSlices"));
    let slices = slices.unwrap_or(1);
    let is_stack = is_on(&fields, "SI.hStackManager.enable").unwrap_or(slices > 1);
    let averaged = count(&fields, "SI.hScan2D.logAverageFactor").unwrap_or(1);
    let (slices, frames, volumes) = if is_stack {
        let per_slice = count(&fields, "SI.hStackManager.framesPerSlice").unwrap_or(1);
        let volumes = count(&fields, "SI.hStackManager.actualNumVolumes")
            .or(count(&fields, "SI.hStackManager.numVolumes"))
            .or(count(&fields, "SI.hFastZ.numVolumes"));
        // Averaged in the microscope's computer before they were written.
        (slices, (per_slice / averaged).max(1), volumes.unwrap_or(1))
    } else {
        (1, texts.pages / channels, 1)
    };
    let flyback = flyback(&fields, texts.pages, [channels, frames, slices, volumes]);
    let counts =
        [("channels", channels), ("frames per slice", frames), ("slices", slices + flyback), ("volumes", volumes)];
    check_count("ScanImage", &counts, texts.pages)?;
    let per_volume = (slices + flyback) * frames;
    let page = |t: usize, c: usize, z: usize| ((t / frames) * per_volume + z * frames + t % frames) * channels + c;
    let shape = (volumes * frames, channels, slices);
    let layout = Layout::by("ScanImage TIFF", shape, voxel_size(texts, &fields), page);
    let names = fields.get("SI.hChannels.channelSave").and_then(|v| matrix(v)).unwrap_or_default();
    let channel_names = names.iter().flatten().map(|n| format!("channel {n}")).collect();
    let remarks = [
        (averaged > 1).then(|| format!("each plane is an average of {averaged} frames (SI.hScan2D.logAverageFactor)")),
        (frames > 1).then(|| format!("{frames} frames of each slice are not averaged: they are time points")),
        (flyback > 0).then(|| format!("{flyback} flyback frames after each volume are left out")),
    ];
    Ok(Layout { channel_names, remarks: remarks.into_iter().flatten().collect(), ..layout })
}

/// Frames that the piezo flies back in after every volume: there only if the number of pages says that they were saved.
fn flyback(fields: &Fields<'_>, pages: usize, [channels, frames, slices, volumes]: [usize; 4]) -> usize {
    let stated = count(fields, "SI.hStackManager.numFramesPerVolumeWithFlyback")
        .and_then(|all| all.checked_sub(slices.checked_mul(frames)?))
        .or(count(fields, "SI.hFastZ.numDiscardFlybackFrames"))
        .unwrap_or(0);
    let pages_with = |more: usize| {
        [channels, volumes].into_iter().try_fold(slices.checked_mul(frames)?.checked_add(more)?, usize::checked_mul)
    };
    if frames == 1 && pages_with(0) != Some(pages) && pages_with(stated) == Some(pages) { stated } else { 0 }
}

fn voxel_size(texts: &Texts, fields: &Fields<'_>) -> FoundSize {
    let step = ["SI.hStackManager.actualStackZStepSize", "SI.hStackManager.stackZStepSize"]
        .iter()
        .find_map(|key| fields.get(key)?.parse::<f64>().ok().filter(|v| v.is_finite() && *v != 0.0));
    let Some(step) = step else {
        return FoundSize::unknown("the ScanImage metadata have no SI.hStackManager.stackZStepSize");
    };
    let degrees = || {
        let um_per_degree: f64 = fields.get("SI.objectiveResolution")?.parse().ok()?;
        extent(fields, "SI.hRoiManager.imagingFovDeg").map(|e| e.map(|v| v * um_per_degree))
    };
    let Some([x, y]) = extent(fields, "SI.hRoiManager.imagingFovUm").or_else(degrees) else {
        return FoundSize::unknown("the ScanImage metadata have no SI.hRoiManager.imagingFovUm");
    };
    let edges = [step.abs(), y / texts.height as f64, x / texts.width as f64];
    FoundSize::of(edges, "ScanImage: field of view and stackZStepSize".into())
}

/// Width and height of a field of view given by its corners.
fn extent(fields: &Fields<'_>, key: &str) -> Option<[f64; 2]> {
    let corners = matrix(fields.get(key)?)?;
    let range = |axis: usize| {
        let values: Option<Vec<f64>> = corners.iter().map(|c| c.get(axis).copied()).collect();
        let (low, high) = values?.into_iter().fold((f64::MAX, f64::MIN), |(l, h), v| (l.min(v), h.max(v)));
        Some(high - low)
    };
    Some([range(0)?, range(1)?])
}
