//! Reading anyone's long table.

use std::collections::HashMap;
use std::path::Path;

use crate::cohort::long::listed;
use crate::cohort::{LONG_COLUMNS, LongRow, LongTable};
use crate::error::{Error, Result};
use crate::table::Table;

/// Columns a long table must have; the others of [`LONG_COLUMNS`] may be left out.
const NEEDED: [&str; 6] = ["treatment", "mouse", "dendrite", "metric", "day", "value"];
/// How other programs write a value that is missing.
const MISSING: [&str; 6] = ["", "na", "n/a", "nan", "null", "none"];

fn is_missing(cell: &str) -> bool {
    MISSING.contains(&cell.to_lowercase().as_str())
}

/// Reads a long table (CSV): a header with at least treatment, mouse, dendrite, metric, day and value, in any order.
///
/// A value or denominator that is empty, `NA`, `NaN`, `null` or `none` is missing; nothing else is taken for a number that is none. `cell_id` is read as `cell`; columns that
/// gemmule does not know are kept as they are.
///
/// ```
/// use gemmule::cohort::read_long_csv;
/// let dir = tempfile::tempdir().unwrap();
/// let path = dir.path().join("long.csv");
/// std::fs::write(&path, "mouse,treatment,dendrite,metric,day,value\na,saline,1,density,-1,0.52\na,saline,1,density,1,NA\n").unwrap();
/// let table = read_long_csv(&path)?;
/// assert_eq!((table.rows()[0].value, table.rows()[1].value), (Some(0.52), None));
/// std::fs::write(&path, "mouse,treatment,dendrite,metric,day,value\na,saline,1,density,-1,high\n").unwrap();
/// assert!(read_long_csv(&path).is_err_and(|e| e.to_string().contains("line 2")));
/// # Ok::<(), gemmule::error::Error>(())
/// ```
///
/// # Errors
/// [`Error::File`] for a file that cannot be read or lacks a column, and one that lists every fault with its line: see [`LongTable::new`].
pub fn read_long_csv(path: impl AsRef<Path>) -> Result<LongTable> {
    let path = path.as_ref();
    let table = Table::read(path)?;
    table.need(&NEEDED)?;
    let cell = if table.has("cell") { "cell" } else { "cell_id" };
    let known = |name: &str| LONG_COLUMNS.contains(&name) || name == cell;
    let extra_columns: Vec<String> = table.names().into_iter().filter(|name| !known(name)).map(str::to_owned).collect();
    let (mut rows, mut lines, mut faults) = (Vec::new(), Vec::new(), Vec::new());
    for n in 0..table.len() {
        let text = |column: &str| table.text(n, column).to_owned();
        let line = table.line(n);
        let mut number = |column: &str| {
            let cell = table.text(n, column);
            let value = cell.parse::<f64>().ok().filter(|v| v.is_finite());
            if value.is_none() {
                faults.push(format!("line {line}, column {column} is \"{cell}\", expected a finite number"));
            }
            value
        };
        let value = if is_missing(table.text(n, "value")) { None } else { number("value") };
        let day = number("day").unwrap_or(0.0);
        let bare = !table.has("denominator") || is_missing(table.text(n, "denominator"));
        let denominator = if bare { None } else { number("denominator") };
        rows.push(LongRow {
            study: text("study"),
            group: text("group"),
            treatment: text("treatment"),
            mouse: text("mouse"),
            sex: text("sex"),
            fov: text("fov"),
            dendrite: text("dendrite"),
            cell: text(cell),
            cell_type: text("cell_type"),
            spine: text("spine"),
            metric: text("metric"),
            unit: text("unit"),
            day,
            value,
            denominator,
            extra: extra_columns.iter().map(|c| text(c)).collect(),
        });
        lines.push(line);
    }
    if rows.is_empty() {
        return Err(Error::file(path, "has no rows", "give a long table with at least one value"));
    }
    let read = LongTable { rows, extra_columns, lines };
    faults.extend(read.faults());
    if faults.is_empty() {
        return Ok(read);
    }
    Err(Error::file(path, listed(&faults), "correct or leave out those rows"))
}

/// What of an animal or a metric is the same in every row: whose, of what kind, and how it is written.
type Constant<'a> = (&'a str, &'a str, &'static str);

impl LongTable {
    /// Everything that is wrong with the rows, by line.
    pub(super) fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let mut seen: HashMap<Constant<'_>, (&str, u64)> = HashMap::new();
        let mut over: HashMap<(&str, &str), (bool, u64)> = HashMap::new();
        for (row, &line) in self.rows.iter().zip(&self.lines) {
            let needed = [
                ("treatment", &row.treatment),
                ("mouse", &row.mouse),
                ("dendrite", &row.dendrite),
                ("metric", &row.metric),
            ];
            for (column, _) in needed.iter().filter(|(_, text)| text.is_empty()) {
                faults.push(format!("line {line}, column {column} is empty"));
            }
            if !row.day.is_finite() || row.value.is_some_and(|v| !v.is_finite()) {
                faults.push(format!("line {line}: day and value must be finite numbers"));
            }
            if row.extra.len() != self.extra_columns.len() {
                faults.push(format!(
                    "line {line} has {} extra cells for {} columns",
                    row.extra.len(),
                    self.extra_columns.len()
                ));
            }
            if row.denominator.is_some_and(|n| !(n.is_finite() && n > 0.0)) {
                faults.push(format!("line {line}: a denominator must be a number above 0"));
            }
            if row.value.is_some() {
                let has = row.denominator.is_some();
                let first = *over.entry((row.study.as_str(), row.metric.as_str())).or_insert((has, line));
                if first.0 != has {
                    let (with, without) = if has { (line, first.1) } else { (first.1, line) };
                    faults.push(format!("{} has a denominator in line {with} and none in line {without}", row.metric));
                }
            }
            let constants = [
                ("treatment", row.mouse.as_str(), "mouse", row.treatment.as_str()),
                ("group", &row.mouse, "mouse", &row.group),
                ("sex", &row.mouse, "mouse", &row.sex),
                ("unit", &row.metric, "metric", &row.unit),
            ];
            for (column, of, kind, value) in constants.into_iter().filter(|(.., value)| !value.is_empty()) {
                let (first, at) = *seen.entry((row.study.as_str(), of, column)).or_insert((value, line));
                if first != value {
                    faults.push(format!(
                        "line {line}: {column} of {kind} {of} is \"{value}\" but \"{first}\" in line {at}"
                    ));
                }
            }
        }
        faults
    }

    /// What is odd but may be right: animals of one study whose names differ only in case or punctuation.
    pub(super) fn remarks(&self) -> Vec<String> {
        let plain = |name: &str| name.chars().filter(|c| c.is_alphanumeric()).collect::<String>().to_lowercase();
        let mut names: Vec<(&str, String, &str)> =
            self.rows.iter().map(|r| (r.study.as_str(), plain(&r.mouse), r.mouse.as_str())).collect();
        names.sort_unstable();
        names.dedup();
        let twins = names.windows(2).filter(|w| w[0].0 == w[1].0 && w[0].1 == w[1].1);
        twins.map(|w| format!("study {}: mice {} and {} are taken as two animals", w[0].0, w[0].2, w[1].2)).collect()
    }
}
