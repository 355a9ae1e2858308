//! Tables of spines and dendrites.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::Path;

use csv::Writer;
use serde::Serialize;

use crate::error::{Error, Result};
use crate::model::{CalibrationRow, Dendrite, Side, Spine, UnscorableReason};
use crate::units::PointUm;

/// Columns of `spines.csv`.
const SPINE_COLUMNS: [&str; 22] = [
    "spine_id",
    "dendrite_id",
    "z_um",
    "y_um",
    "x_um",
    "tip_z_um",
    "tip_y_um",
    "tip_x_um",
    "base_z_um",
    "base_y_um",
    "base_x_um",
    "s_um",
    "side",
    "length_um",
    "head_width_um",
    "brightness",
    "snr",
    "score",
    "class",
    "flags",
    "volume_um3",
    "head_width_fit",
];

/// Columns of `dendrites.csv`.
const DENDRITE_COLUMNS: [&str; 10] =
    ["dendrite_id", "order", "z_um", "y_um", "x_um", "s_um", "radius_um", "parent_id", "parent_order", "unscorable"];

/// Writes `spines.csv`: one row per spine, in the order given.
///
/// µm and the other numbers have four decimals; `head_width_um` and `head_width_fit` are empty where they could not be measured; `flags` are
/// joined by `;`.
///
/// # Errors
/// [`Error::File`] if the file cannot be written.
pub fn write_spines_csv(path: impl AsRef<Path>, spines: &[Spine]) -> Result<()> {
    let rows = spines.iter().map(|spine| {
        let mut row = vec![spine.spine_id.to_string(), spine.dendrite_id.to_string()];
        [spine.head, spine.tip, spine.base].iter().for_each(|p| row.extend([p.z, p.y, p.x].map(decimals)));
        row.extend([decimals(spine.s_um), name(spine.side), decimals(spine.length_um)]);
        row.push(spine.head_width_um.map_or(String::new(), decimals));
        row.extend([spine.brightness, spine.snr, spine.score].map(decimals));
        let flags: Vec<String> = spine.flags.iter().map(name).collect();
        row.extend([name(spine.class), flags.join(";"), decimals(spine.volume_um3)]);
        row.push(spine.head_width_fit.map_or(String::new(), decimals));
        row
    });
    write(path.as_ref(), &SPINE_COLUMNS, rows)
}

/// Writes `dendrites.csv`: one row per point of a centreline, in order of arc length.
///
/// `parent_id` is the dendrite that a branch starts on and `parent_order` the point of it, empty if it starts on none; `unscorable` says why spines cannot
/// be judged at this point (several reasons joined by `;`), empty where they can; a reason that holds for one side only is followed by `:left` or `:right`.
///
/// # Errors
/// [`Error::File`] if the file cannot be written.
pub fn write_dendrites_csv(path: impl AsRef<Path>, dendrites: &[Dendrite]) -> Result<()> {
    let rows = dendrites.iter().flat_map(|dendrite| {
        let points = dendrite.points.iter().zip(&dendrite.s_um).zip(&dendrite.radius_um);
        points.enumerate().map(move |(order, ((point, &s_um), &radius_um))| {
            let mut row = vec![dendrite.dendrite_id.to_string(), order.to_string()];
            row.extend([point.z, point.y, point.x, s_um, radius_um].map(decimals));
            let (parent, at) = dendrite.parent.map(|(id, at)| (id.to_string(), at.to_string())).unwrap_or_default();
            row.extend([parent, at]);
            let here = dendrite.unscorable.iter().filter(|u| (u.from_um..=u.to_um).contains(&s_um));
            let mut sides: BTreeMap<UnscorableReason, BTreeSet<Side>> = BTreeMap::new();
            for stretch in here {
                sides.entry(stretch.reason).or_default().insert(stretch.side);
            }
            let reason = |(reason, sides): (&UnscorableReason, &BTreeSet<Side>)| match sides.first() {
                Some(side) if sides.len() == 1 => format!("{}:{}", name(reason), name(side)),
                _ => name(reason),
            };
            row.push(sides.iter().map(reason).collect::<Vec<_>>().join(";"));
            row
        })
    });
    write(path.as_ref(), &DENDRITE_COLUMNS, rows)
}

/// A numbered place read from a table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TablePoint {
    /// `spine_id`.
    pub spine_id: u32,
    /// Place, µm.
    pub place: PointUm,
    /// `score`, if the table has one.
    pub score: Option<f64>,
}

/// Reads `spine_id`, `z_um`, `y_um`, `x_um` and, if there is one, `score` from a table; other columns are ignored.
///
/// Reads `spines.csv`, and any table of marks with these columns, in any order.
///
/// # Errors
/// [`Error::File`] if the file cannot be read, a column is missing, a cell is no finite number, or a `spine_id` occurs
/// twice; the message names line and column.
pub fn read_points_csv(path: impl AsRef<Path>) -> Result<Vec<TablePoint>> {
    let path = path.as_ref();
    let bad = |problem: String| {
        Error::file(path, problem, "give a table with the columns spine_id, z_um, y_um, x_um and optionally score")
    };
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_path(path)
        .map_err(|e| bad(format!("cannot be read ({e})")))?;
    let headers = reader.headers().map_err(|e| bad(format!("its first line cannot be read ({e})")))?.clone();
    let column = |name: &str| headers.iter().position(|h| h.trim_start_matches('\u{feff}') == name);
    let required = |name: &str| column(name).ok_or_else(|| bad(format!("has no column {name}")));
    let id = required("spine_id")?;
    let (z, y, x, score) = (required("z_um")?, required("y_um")?, required("x_um")?, column("score"));

    let (mut points, mut seen) = (Vec::new(), std::collections::BTreeSet::new());
    for record in reader.records() {
        let record = record.map_err(|e| bad(format!("cannot be read ({e})")))?;
        let line = record.position().map_or(0, csv::Position::line);
        let cell = |i: usize| record.get(i).unwrap_or_default();
        let number = |i: usize| match cell(i).parse::<f64>() {
            Ok(v) if v.is_finite() => Ok(v),
            _ => Err(bad(format!("line {line}: {} is \"{}\", a finite number is expected", &headers[i], cell(i)))),
        };
        let spine_id = cell(id)
            .parse()
            .map_err(|_| bad(format!("line {line}: spine_id is \"{}\", a whole number is expected", cell(id))))?;
        if !seen.insert(spine_id) {
            return Err(bad(format!("line {line}: spine_id {spine_id} is there twice")));
        }
        let place = PointUm::new(number(z)?, number(y)?, number(x)?);
        let score = score.filter(|&i| !cell(i).is_empty()).map(number).transpose()?;
        points.push(TablePoint { spine_id, place, score });
    }
    Ok(points)
}

/// Writes `calibration.csv`: photons, figure, of, from, to, n, value, low, high; what is not there is empty.
///
/// # Errors
/// [`Error::File`] if the file cannot be written.
pub fn write_calibration_csv(path: impl AsRef<Path>, rows: &[CalibrationRow]) -> Result<()> {
    let path = path.as_ref();
    let failed = |e: &dyn std::fmt::Display| {
        Error::file(path, format!("cannot be written ({e})"), "check the folder, its permissions and the space left")
    };
    let mut writer = Writer::from_path(path).map_err(|e| failed(&e))?;
    for row in rows {
        writer.serialize(row).map_err(|e| failed(&e))?;
    }
    writer.flush().map_err(|e| failed(&e))
}

/// Four decimals: a tenth of a nanometre; never "-0.0000".
pub(super) fn decimals(value: f64) -> String {
    let text = format!("{value:.4}");
    if text == "-0.0000" { "0.0000".into() } else { text }
}

/// The name of a unit variant, as serde writes it.
pub(super) fn name(value: impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(name)) => name,
        other => unreachable!("unit variants are written as strings, not {other:?}"),
    }
}

/// Writes a table with a line of column names.
pub(super) fn write(path: &Path, columns: &[&str], rows: impl Iterator<Item = Vec<String>>) -> Result<()> {
    let failed = |e: &dyn std::fmt::Display| {
        Error::file(path, format!("cannot be written ({e})"), "check the folder, its permissions and the space left")
    };
    let file = File::create(path).map_err(|e| failed(&e))?;
    let mut writer = Writer::from_writer(file);
    writer.write_record(columns).map_err(|e| failed(&e))?;
    for row in rows {
        writer.write_record(row).map_err(|e| failed(&e))?;
    }
    writer.flush().map_err(|e| failed(&e))
}
