//! The long table: one row per dendrite (or spine), day and measure.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// Columns of a long table in the order they are written; columns of the writer's own follow.
pub const LONG_COLUMNS: [&str; 15] = [
    "study",
    "group",
    "treatment",
    "mouse",
    "sex",
    "fov",
    "dendrite",
    "cell",
    "cell_type",
    "spine",
    "metric",
    "unit",
    "day",
    "value",
    "denominator",
];

/// One value of a long table. A text that is empty is not known.
///
/// ```
/// use gemmule::cohort::LongRow;
/// let density = LongRow { metric: "density".into(), value: Some(0.5), ..LongRow::default() };
/// let width = LongRow { metric: "head_width".into(), spine: "17".into(), value: Some(0.6), ..LongRow::default() };
/// assert!(!density.is_per_spine() && width.is_per_spine());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LongRow {
    /// Study, experiment or batch; studies are analysed apart.
    pub study: String,
    /// A grouping besides the treatment.
    pub group: String,
    /// What the animal was given.
    pub treatment: String,
    /// The animal, unique within its study.
    pub mouse: String,
    /// Sex of the animal.
    pub sex: String,
    /// Field of view, unique within its animal.
    pub fov: String,
    /// Dendrite, unique within its field of view.
    pub dendrite: String,
    /// Cell the dendrite belongs to, unique within its animal.
    pub cell: String,
    /// Type of that cell.
    pub cell_type: String,
    /// Spine, where a row is one spine's and the same name is the same spine on every day.
    pub spine: String,
    /// What was measured, e.g. `density`.
    pub metric: String,
    /// Its unit.
    pub unit: String,
    /// Days since the treatment.
    pub day: f64,
    /// The value; none where the session or the measure is missing.
    pub value: Option<f64>,
    /// What the value is over, where known: spines of the session before for a rate, µm for a density, spines for a mean. Values times denominators add up over dendrites.
    pub denominator: Option<f64>,
    /// Cells of the columns of the writer's own, in the order of [`LongTable::extra_columns`].
    pub extra: Vec<String>,
}

impl LongRow {
    /// Whether this is one spine's value: the row names a spine, or the metric ends in `_per_spine`. See the example of [`LongRow`].
    pub fn is_per_spine(&self) -> bool {
        !self.spine.is_empty() || self.metric.ends_with("_per_spine")
    }
}

/// A long table whose rows have been checked; see [`LongTable::new`]. See the example of [`LongTable::new`].
#[derive(Clone, Debug, PartialEq)]
pub struct LongTable {
    pub(super) rows: Vec<LongRow>,
    pub(super) extra_columns: Vec<String>,
    /// Line of each row in its file; the header is line 1.
    pub(super) lines: Vec<u64>,
}

impl LongTable {
    /// A table of `rows`, with the names of the columns of `extra` if rows have such cells.
    ///
    /// ```
    /// use gemmule::cohort::{LongRow, LongTable};
    /// let row = |mouse: &str, treatment: &str| LongRow {
    ///     treatment: treatment.into(),
    ///     mouse: mouse.into(),
    ///     dendrite: "1".into(),
    ///     metric: "density".into(),
    ///     day: 1.0,
    ///     value: Some(0.5),
    ///     ..LongRow::default()
    /// };
    /// assert!(LongTable::new(vec![row("a", "saline"), row("b", "psilocybin")], vec![]).is_ok());
    /// // One animal, two treatments.
    /// let error = LongTable::new(vec![row("a", "saline"), row("a", "psilocybin")], vec![]).unwrap_err();
    /// assert!(error.to_string().contains("line 3"), "{error}");
    /// ```
    ///
    /// # Errors
    /// [`Error::Parameter`] that lists every fault by the line the row would be written to: an empty treatment, mouse, dendrite or metric, a day or value that is
    /// no finite number, a denominator that is not above 0, or that some values of a study's metric have and others not, an animal with two treatments, groups or sexes, a metric with two
    /// units, a row whose extra cells do not fit the columns.
    pub fn new(rows: Vec<LongRow>, extra_columns: Vec<String>) -> Result<Self> {
        let lines = (0..rows.len() as u64).map(|n| n + 2).collect();
        let table = Self { rows, extra_columns, lines };
        let faults = table.faults();
        if faults.is_empty() {
            return Ok(table);
        }
        Err(Error::parameter("long table", listed(&faults), "rows without faults", "correct or leave out those rows"))
    }

    /// The rows, in their order. See the example of [`write_long_csv`].
    pub fn rows(&self) -> &[LongRow] {
        &self.rows
    }

    /// Names of the columns that hold [`LongRow::extra`]. See the example of [`write_long_csv`].
    pub fn extra_columns(&self) -> &[String] {
        &self.extra_columns
    }

    /// The line of a row in its file; the header is line 1.
    pub(super) fn line(&self, row: usize) -> u64 {
        self.lines[row]
    }
}

/// How many faults are listed before the rest is only counted.
const LISTED: usize = 100;

/// Faults as one text.
pub(super) fn listed(faults: &[String]) -> String {
    let mut text = format!("{} fault{}: ", faults.len(), if faults.len() == 1 { "" } else { "s" });
    text += &faults[..faults.len().min(LISTED)].join("; ");
    if faults.len() > LISTED {
        text += &format!("; and {} more", faults.len() - LISTED);
    }
    text
}

/// Writes a long table: [`LONG_COLUMNS`], then the columns of its own. A missing value is an empty cell.
///
/// ```
/// use gemmule::cohort::{LongRow, LongTable, read_long_csv, write_long_csv};
/// let row = LongRow {
///     treatment: "saline".into(),
///     mouse: "a".into(),
///     dendrite: "1".into(),
///     metric: "density".into(),
///     day: 1.0,
///     value: None, // the session is missing
///     extra: vec!["cage 4".into()],
///     ..LongRow::default()
/// };
/// let table = LongTable::new(vec![row], vec!["cage".into()])?;
/// let dir = tempfile::tempdir().unwrap();
/// write_long_csv(dir.path().join("long.csv"), &table)?;
/// let read = read_long_csv(dir.path().join("long.csv"))?;
/// assert_eq!((read.rows(), read.extra_columns()), (table.rows(), table.extra_columns()));
/// # Ok::<(), gemmule::error::Error>(())
/// ```
///
/// # Errors
/// [`Error::File`] if the file cannot be written.
pub fn write_long_csv(path: impl AsRef<Path>, table: &LongTable) -> Result<()> {
    let header = LONG_COLUMNS.iter().map(ToString::to_string).chain(table.extra_columns.iter().cloned()).collect();
    let rows = table.rows.iter().map(|r| {
        let texts = [
            &r.study,
            &r.group,
            &r.treatment,
            &r.mouse,
            &r.sex,
            &r.fov,
            &r.dendrite,
            &r.cell,
            &r.cell_type,
            &r.spine,
            &r.metric,
            &r.unit,
        ];
        let mut row: Vec<String> = texts.into_iter().cloned().collect();
        let number = |v: Option<f64>| v.map_or_else(String::new, |v| v.to_string());
        row.extend([r.day.to_string(), number(r.value), number(r.denominator)]);
        row.extend(r.extra.iter().cloned());
        row
    });
    write_csv(path.as_ref(), std::iter::once(header).chain(rows))
}

/// Writes rows of text.
pub(super) fn write_csv(path: &Path, rows: impl Iterator<Item = Vec<String>>) -> Result<()> {
    let failed = |e: &dyn std::fmt::Display| {
        Error::file(path, format!("cannot be written ({e})"), "check the folder, its permissions and the space left")
    };
    let mut writer = csv::Writer::from_path(path).map_err(|e| failed(&e))?;
    for row in rows {
        writer.write_record(row).map_err(|e| failed(&e))?;
    }
    writer.flush().map_err(|e| failed(&e))
}
