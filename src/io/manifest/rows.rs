//! Rows of a manifest, whichever way it is written.

use std::collections::BTreeMap;
use std::path::Path;

use crate::error::{Error, Result};
use crate::table::Table;

/// One stack's cells as text.
pub(super) struct Row {
    /// Position among the rows.
    pub(super) order: usize,
    /// How messages name it.
    pub(super) label: String,
    /// Cells that are not empty.
    pub(super) cells: BTreeMap<String, String>,
}

impl Row {
    pub(super) fn text(&self, column: &str) -> &str {
        self.cells.get(column).map_or("", String::as_str)
    }

    /// A cell as `T`, `Err` if it is there and is none.
    pub(super) fn parse<T: std::str::FromStr>(&self, column: &str) -> std::result::Result<Option<T>, ()> {
        let text = self.text(column);
        if text.is_empty() { Ok(None) } else { text.parse().map(Some).map_err(|_| ()) }
    }
}

/// Columns in their order, and rows.
pub(super) fn read(path: &Path) -> Result<(Vec<String>, Vec<Row>)> {
    let toml = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("toml"));
    if toml { from_toml(path) } else { from_csv(path) }
}

fn from_csv(path: &Path) -> Result<(Vec<String>, Vec<Row>)> {
    let table = Table::read(path)?;
    let names: Vec<String> = table.names().into_iter().filter(|n| !n.is_empty()).map(str::to_owned).collect();
    let cells = |row: usize| {
        let filled = names.iter().map(|n| (n.clone(), table.text(row, n).to_owned()));
        filled.filter(|(_, text)| !text.is_empty()).collect()
    };
    let row = |order: usize| Row { order, label: format!("line {}", table.line(order)), cells: cells(order) };
    let rows = (0..table.len()).map(row).collect();
    Ok((names, rows))
}

fn from_toml(path: &Path) -> Result<(Vec<String>, Vec<Row>)> {
    let remedy = "give one [[session]] per stack; keys above them hold for all";
    let text = std::fs::read_to_string(path)
        .map_err(|e| Error::file(path, format!("cannot be read ({e})"), "check the path"))?;
    let mut file: toml::Table = toml::from_str(&text)
        .map_err(|e| Error::file(path, format!("is no manifest ({})", e.to_string().trim_end()), remedy))?;
    let Some(toml::Value::Array(sessions)) = file.remove("session") else {
        return Err(Error::file(path, "has no [[session]]", remedy));
    };
    let common = cells(path, "the top", &file)?;
    let mut names: Vec<String> = common.keys().cloned().collect();
    let mut rows = Vec::with_capacity(sessions.len());
    for (order, session) in sessions.iter().enumerate() {
        let label = format!("[[session]] {}", order + 1);
        let toml::Value::Table(table) = session else {
            return Err(Error::file(path, format!("{label} is no table"), remedy));
        };
        let own = cells(path, &label, table)?;
        names.extend(own.keys().filter(|&k| !names.contains(k)).cloned().collect::<Vec<_>>());
        let cells = common.clone().into_iter().chain(own).collect();
        rows.push(Row { order, label, cells });
    }
    Ok((names, rows))
}

fn cells(path: &Path, place: &str, table: &toml::Table) -> Result<BTreeMap<String, String>> {
    let cell = |(key, value): (&String, &toml::Value)| {
        let text = match value {
            toml::Value::String(text) => text.clone(),
            toml::Value::Integer(_) | toml::Value::Float(_) | toml::Value::Boolean(_) => value.to_string(),
            toml::Value::Array(numbers) if key == "voxel_um" => {
                numbers.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
            }
            _ => {
                let problem =
                    format!("{key} of {place} is {}, expected text, a number, true or false", value.type_str());
                return Err(Error::file(path, problem, "correct it"));
            }
        };
        Ok((key.clone(), text.trim().to_owned()))
    };
    let filled = |c: &Result<(String, String)>| c.as_ref().map_or(true, |(_, text)| !text.is_empty());
    table.iter().map(cell).filter(filled).collect()
}
