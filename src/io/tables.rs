//! Tables of spines and dendrites.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::Path;

use csv::Writer;
use serde::Serialize;

use crate::columns::{Columns, rounded};
use crate::error::{Error, Result};
use crate::model::{CalibrationRow, Dendrite, Side, Spine, UnscorableReason};
use crate::units::PointUm;

/// The table of spines: one row per spine, in the order given; `flags` are joined by `;`.
///
/// `head_width_um` and `head_width_fit` are not known where they could not be measured. Written, numbers have four decimals.
///
/// ```
/// use gemmule::columns::Column;
/// use gemmule::io::{read_points_csv, spines_table, write_spines_csv};
/// use gemmule::model::{Side, Spine, SpineClass, SpineFlag};
/// use gemmule::units::PointUm;
/// let spine = Spine {
///     spine_id: 1,
///     dendrite_id: 1,
///     head: PointUm::new(5.0, 11.2, 8.0),
///     tip: PointUm::new(5.0, 11.5, 8.0),
///     base: PointUm::new(5.0, 10.0, 8.0),
///     s_um: 8.0,
///     side: Side::Right,
///     length_um: 1.1,
///     head_width_um: None, // could not be fitted
///     head_width_fit: None,
///     brightness: 0.3,
///     volume_um3: 0.05,
///     snr: 9.0,
///     score: 8.5,
///     class: SpineClass::Unclassified,
///     flags: vec![SpineFlag::PoorWidthFit, SpineFlag::AtBorder],
/// };
/// let table = spines_table(&[spine.clone()]);
/// assert_eq!(table.get("head_width_um"), Some(&Column::Number(vec![None])));
/// assert_eq!(table.get("flags"), Some(&Column::Text(vec!["poor-width-fit;at-border".into()])));
///
/// let dir = tempfile::tempdir().unwrap();
/// let path = dir.path().join("spines.csv");
/// write_spines_csv(&path, &[spine.clone()])?;
/// let read = read_points_csv(&path)?;
/// assert_eq!((read[0].spine_id, read[0].place, read[0].score), (1, spine.head, Some(8.5)));
/// # Ok::<(), gemmule::error::Error>(())
/// ```
pub fn spines_table(spines: &[Spine]) -> Columns {
    let flags = |s: &Spine| s.flags.iter().map(name).collect::<Vec<_>>().join(";");
    Columns::of(spines, DECIMALS)
        .integer("spine_id", |s| Some(s.spine_id.into()))
        .integer("dendrite_id", |s| Some(s.dendrite_id.into()))
        .number("z_um", |s| Some(s.head.z))
        .number("y_um", |s| Some(s.head.y))
        .number("x_um", |s| Some(s.head.x))
        .number("tip_z_um", |s| Some(s.tip.z))
        .number("tip_y_um", |s| Some(s.tip.y))
        .number("tip_x_um", |s| Some(s.tip.x))
        .number("base_z_um", |s| Some(s.base.z))
        .number("base_y_um", |s| Some(s.base.y))
        .number("base_x_um", |s| Some(s.base.x))
        .number("s_um", |s| Some(s.s_um))
        .text("side", |s| name(s.side))
        .number("length_um", |s| Some(s.length_um))
        .number("head_width_um", |s| s.head_width_um)
        .number("brightness", |s| Some(s.brightness))
        .number("snr", |s| Some(s.snr))
        .number("score", |s| Some(s.score))
        .text("class", |s| name(s.class))
        .text("flags", flags)
        .number("volume_um3", |s| Some(s.volume_um3))
        .number("head_width_fit", |s| s.head_width_fit)
        .done()
}

/// The table of dendrites: one row per point of a centreline, in order of arc length.
///
/// `parent_id` is the dendrite that a branch starts on and `parent_order` the point of it, not known if it starts on none; `unscorable` says why spines cannot
/// be judged at this point (several reasons joined by `;`), empty where they can; a reason that holds for one side only is followed by `:left` or `:right`.
///
/// ```
/// use gemmule::columns::Column;
/// use gemmule::io::{dendrites_table, write_dendrites_csv};
/// use gemmule::model::{Dendrite, Side, Unscorable, UnscorableReason};
/// use gemmule::units::PointUm;
/// let dim = Unscorable { from_um: 6.0, to_um: 8.0, side: Side::Left, reason: UnscorableReason::Dim };
/// let points = vec![PointUm::new(5.0, 10.0, 0.0), PointUm::new(5.0, 10.0, 8.0)];
/// let dendrites =
///     [Dendrite { dendrite_id: 1, points, s_um: vec![0.0, 8.0], radius_um: vec![0.4; 2], parent: None, unscorable: vec![dim] }];
/// let table = dendrites_table(&dendrites);
/// assert_eq!(table.get("unscorable"), Some(&Column::Text(vec![String::new(), "dim:left".into()])));
///
/// let dir = tempfile::tempdir().unwrap();
/// write_dendrites_csv(dir.path().join("dendrites.csv"), &dendrites)?;
/// assert_eq!(std::fs::read_to_string(dir.path().join("dendrites.csv")).unwrap(), table.to_csv());
/// # Ok::<(), gemmule::error::Error>(())
/// ```
pub fn dendrites_table(dendrites: &[Dendrite]) -> Columns {
    let points: Vec<(&Dendrite, usize)> =
        dendrites.iter().flat_map(|d| (0..d.points.len()).map(move |order| (d, order))).collect();
    let unscorable = |&(d, n): &(&Dendrite, usize)| {
        let here = d.unscorable.iter().filter(|u| (u.from_um..=u.to_um).contains(&d.s_um[n]));
        let mut sides: BTreeMap<UnscorableReason, BTreeSet<Side>> = BTreeMap::new();
        for stretch in here {
            sides.entry(stretch.reason).or_default().insert(stretch.side);
        }
        let reason = |(reason, sides): (&UnscorableReason, &BTreeSet<Side>)| match sides.first() {
            Some(side) if sides.len() == 1 => format!("{}:{}", name(reason), name(side)),
            _ => name(reason),
        };
        sides.iter().map(reason).collect::<Vec<_>>().join(";")
    };
    Columns::of(&points, DECIMALS)
        .integer("dendrite_id", |(d, _)| Some(d.dendrite_id.into()))
        .integer("order", |&(_, n)| Some(n as i64))
        .number("z_um", |&(d, n)| Some(d.points[n].z))
        .number("y_um", |&(d, n)| Some(d.points[n].y))
        .number("x_um", |&(d, n)| Some(d.points[n].x))
        .number("s_um", |&(d, n)| Some(d.s_um[n]))
        .number("radius_um", |&(d, n)| Some(d.radius_um[n]))
        .integer("parent_id", |(d, _)| d.parent.map(|(id, _)| id.into()))
        .integer("parent_order", |(d, _)| d.parent.map(|(_, at)| at as i64))
        .text("unscorable", unscorable)
        .done()
}

/// Writes `spines.csv`: [`spines_table`]. See the example of [`spines_table`].
///
/// # Errors
/// [`Error::File`] if the file cannot be written.
pub fn write_spines_csv(path: impl AsRef<Path>, spines: &[Spine]) -> Result<()> {
    spines_table(spines).write_csv(path)
}

/// Writes `dendrites.csv`: [`dendrites_table`]. See the example of [`dendrites_table`].
///
/// # Errors
/// [`Error::File`] if the file cannot be written.
pub fn write_dendrites_csv(path: impl AsRef<Path>, dendrites: &[Dendrite]) -> Result<()> {
    dendrites_table(dendrites).write_csv(path)
}

/// A numbered place read from a table. See the example of [`spines_table`].
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
/// Reads `spines.csv`, and any table of marks with these columns, in any order. See the example of [`spines_table`].
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
/// ```
/// use gemmule::io::write_calibration_csv;
/// use gemmule::model::CalibrationRow;
/// let recall = CalibrationRow {
///     photons: 60.0,
///     figure: "recall".into(),
///     of: "head_width_um".into(),
///     from: Some(0.5),
///     to: None,
///     n: 40,
///     value: Some(0.85),
///     low: Some(0.71),
///     high: Some(0.93),
/// };
/// let dir = tempfile::tempdir().unwrap();
/// write_calibration_csv(dir.path().join("calibration.csv"), &[recall])?;
/// let text = std::fs::read_to_string(dir.path().join("calibration.csv")).unwrap();
/// assert!(text.lines().nth(1).is_some_and(|row| row.contains("recall,head_width_um")));
/// # Ok::<(), gemmule::error::Error>(())
/// ```
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

/// Decimals of what is written: a tenth of a nanometre.
pub(super) const DECIMALS: Option<usize> = Some(4);

/// A number as it is written.
pub(super) fn decimals(value: f64) -> String {
    rounded(value, 4)
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
