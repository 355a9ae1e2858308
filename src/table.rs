//! Tables read by column name, with faults named by file, line and column.

use std::collections::HashMap;
use std::path::Path;

use crate::error::{Error, Result};

/// A CSV file in memory.
pub(crate) struct Table<'a> {
    path: &'a Path,
    columns: HashMap<String, usize>,
    rows: Vec<csv::StringRecord>,
}

impl<'a> Table<'a> {
    pub(crate) fn read(path: &'a Path) -> Result<Self> {
        let failed = |e: csv::Error| Error::file(path, format!("cannot be read as a table ({e})"), "give a CSV file");
        let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_path(path).map_err(failed)?;
        let columns = reader
            .headers()
            .map_err(failed)?
            .iter()
            .enumerate()
            .map(|(n, name)| (name.trim_start_matches('\u{feff}').into(), n))
            .collect();
        let rows = reader.records().collect::<std::result::Result<_, _>>().map_err(failed)?;
        Ok(Self { path, columns, rows })
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// The columns in the order of the file.
    pub(crate) fn names(&self) -> Vec<&str> {
        let mut names: Vec<(&str, usize)> = self.columns.iter().map(|(name, &n)| (name.as_str(), n)).collect();
        names.sort_by_key(|&(_, n)| n);
        names.into_iter().map(|(name, _)| name).collect()
    }

    pub(crate) fn has(&self, column: &str) -> bool {
        self.columns.contains_key(column)
    }

    pub(crate) fn need(&self, columns: &[&str]) -> Result<()> {
        let missing: Vec<&str> = columns.iter().copied().filter(|c| !self.has(c)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let problem = format!("lacks the columns {}", missing.join(", "));
        Err(Error::file(self.path, problem, &format!("give a table with the columns {}", columns.join(", "))))
    }

    /// The text of a cell; empty if there is no such column.
    pub(crate) fn text(&self, row: usize, column: &str) -> &str {
        self.columns.get(column).and_then(|&n| self.rows[row].get(n)).unwrap_or_default()
    }

    pub(crate) fn number(&self, row: usize, column: &str) -> Result<f64> {
        let text = self.text(row, column);
        let value = text.parse::<f64>().ok().filter(|v| v.is_finite());
        value.ok_or_else(|| self.bad(row, column, "a finite number"))
    }

    /// A whole number; a table that was once joined with gaps may write it as 3.0.
    pub(crate) fn whole(&self, row: usize, column: &str) -> Result<i64> {
        let value = self.number(row, column)?;
        let exact = value.fract() == 0.0 && value.abs() < 9e15;
        if exact { Ok(value as i64) } else { Err(self.bad(row, column, "a whole number")) }
    }

    /// The line a row begins on, as in an editor: the header is line 1.
    pub(crate) fn line(&self, row: usize) -> u64 {
        self.rows[row].position().map_or(row as u64 + 2, csv::Position::line)
    }

    /// The error for a cell.
    pub(crate) fn bad(&self, row: usize, column: &str, expected: &str) -> Error {
        let problem =
            format!("line {}, column {column} is \"{}\", expected {expected}", self.line(row), self.text(row, column));
        Error::file(self.path, problem, "correct or leave out the row")
    }
}
