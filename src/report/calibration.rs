//! `calibration.svg`: recall and the bias of every measure against what decides them.

use crate::error::Result;
use crate::model::CalibrationRow;
use crate::report::plot::{self, Curve, Panel, Point};

/// Draws a calibration's table: recall against head width, photons of the head and distance from the shaft, one curve per brightness; bias of the
/// measures, agreement and rank correlation against brightness.
///
/// ```
/// use gemmule::model::CalibrationRow;
/// use gemmule::report::calibration_svg;
/// let recall = |photons, value| CalibrationRow {
///     photons,
///     figure: "recall".into(),
///     of: "head_width_um".into(),
///     from: Some(0.5),
///     to: Some(0.7),
///     n: 40,
///     value: Some(value),
///     low: Some(value - 0.1),
///     high: Some(value + 0.1),
/// };
/// let svg = calibration_svg(&[recall(60.0, 0.6), recall(120.0, 0.8)])?;
/// assert!(svg.starts_with("<svg"));
/// # Ok::<(), gemmule::error::Error>(())
/// ```
///
/// # Errors
/// [`crate::error::Error::Parameter`] for values that are no numbers.
pub fn calibration_svg(rows: &[CalibrationRow]) -> Result<String> {
    let mut levels: Vec<f64> = rows.iter().map(|r| r.photons).collect();
    levels.sort_by(f64::total_cmp);
    levels.dedup();
    let by_bin = |of: &str, x_label: &str, title: &str| Panel {
        title: title.to_owned(),
        x_label: x_label.to_owned(),
        y_label: "recall".to_owned(),
        y: Some((0.0, 1.0)),
        ticks: bins(rows, of),
        curves: levels.iter().map(|&photons| recall(rows, of, photons)).collect(),
    };
    let photons = "photons on the shaft's axis";
    let by_level = |title: &str, y_label: &str, y: Option<(f64, f64)>, of: &[(&str, &str)]| Panel {
        title: title.to_owned(),
        x_label: photons.to_owned(),
        y_label: y_label.to_owned(),
        y,
        ticks: levels.iter().map(|l| l.to_string()).collect(),
        curves: of.iter().map(|&(figure, of)| over_levels(rows, figure, of, &levels)).collect(),
    };
    let measures = ["distance_um", "length_um", "head_width_um"];
    let panels = [
        by_bin("head_width_um", "true head width, µm", "Recall against head width"),
        by_bin("head_photons", "photons of the head", "Recall against the head's photons"),
        by_bin("distance_um", "head to centreline, µm", "Recall against distance from the shaft"),
        by_level(
            "Agreement",
            "share",
            Some((0.0, 1.0)),
            &[("coverage", "all"), ("precision", "all"), ("recall", "all"), ("f1", "all"), ("recall", "large heads")],
        ),
        by_level("Bias of the measures (mean, 95 %)", "measured - true, µm", None, &measures.map(|of| ("bias", of))),
        by_level(
            "Size: rank correlation with true volume",
            "Spearman",
            Some((0.0, 1.0)),
            &[("spearman", "brightness"), ("spearman", "volume_um3")],
        ),
    ];
    plot::svg(&panels, 3)
}

fn point(x: usize, row: &CalibrationRow) -> Option<Point> {
    Some(Point { x: x as f64, y: row.value?, interval: row.low.zip(row.high) })
}

/// Names of the bins of a recall, in order.
fn bins(rows: &[CalibrationRow], of: &str) -> Vec<String> {
    let Some(first) = rows.first() else { return Vec::new() };
    let here = rows.iter().filter(|r| r.figure == "recall" && r.of == of && r.photons == first.photons);
    let name = |r: &CalibrationRow| match (r.from, r.to) {
        (Some(from), Some(to)) => format!("{from}-{to}"),
        (Some(from), None) => format!("> {from}"),
        _ => String::new(),
    };
    here.map(name).collect()
}

fn recall(rows: &[CalibrationRow], of: &str, photons: f64) -> Curve {
    let here = rows.iter().filter(|r| r.figure == "recall" && r.of == of && r.photons == photons);
    let points = here.enumerate().filter_map(|(x, row)| point(x, row)).collect();
    Curve { name: format!("{photons} photons"), points }
}

fn over_levels(rows: &[CalibrationRow], figure: &str, of: &str, levels: &[f64]) -> Curve {
    let at = |&photons: &f64| rows.iter().find(|r| r.figure == figure && r.of == of && r.photons == photons);
    let points = levels.iter().enumerate().filter_map(|(x, level)| point(x, at(level)?)).collect();
    let name = match (figure, of) {
        (figure, "all") => figure.to_owned(),
        ("recall", of) => format!("recall, {of}"),
        (_, of) => of.to_owned(),
    };
    Curve { name, points }
}
