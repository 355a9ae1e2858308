//! Tables as named columns: what is written as CSV, and what hosts get in memory.
//!
//! `spines.csv` and its fellows are these tables as text, so that a table got from the library and one read from a file are the same.

use std::path::Path;

use crate::error::{Error, Result};

/// The cells of one column.
///
/// ```
/// use gemmule::columns::Column;
/// let length_um = Column::Number(vec![Some(1.25), None]);
/// assert_eq!((length_um.len(), length_um.is_empty()), (2, false));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub enum Column {
    /// UTF-8 text; what is not known is empty.
    Text(Vec<String>),
    /// Whole numbers; what is not known is none.
    Integer(Vec<Option<i64>>),
    /// 64-bit numbers; what is not known is none.
    Number(Vec<Option<f64>>),
}

impl Column {
    /// Number of cells. See the example of [`Column`].
    pub fn len(&self) -> usize {
        match self {
            Self::Text(cells) => cells.len(),
            Self::Integer(cells) => cells.len(),
            Self::Number(cells) => cells.len(),
        }
    }

    /// Whether there is no cell. See the example of [`Column`].
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A cell as it is written: numbers with `decimals` of them or, without, with all their digits.
    fn cell(&self, row: usize, decimals: Option<usize>) -> String {
        match self {
            Self::Text(cells) => cells[row].clone(),
            Self::Integer(cells) => cells[row].map_or_else(String::new, |v| v.to_string()),
            Self::Number(cells) => match (cells[row], decimals) {
                (None, _) => String::new(),
                (Some(value), None) => value.to_string(),
                (Some(value), Some(n)) => rounded(value, n),
            },
        }
    }
}

/// A number with `decimals` of them, never "-0.000".
pub(crate) fn rounded(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    match text.strip_prefix('-') {
        Some(positive) if positive.bytes().all(|b| b == b'0' || b == b'.') => positive.to_owned(),
        _ => text,
    }
}

/// A table: columns of equal length.
///
/// ```
/// use gemmule::columns::{Column, Columns};
/// let table = Columns::of(&[(1, 0.25), (2, f64::NAN)], Some(2))
///     .integer("spine_id", |row| Some(row.0))
///     .number("length_um", |row| row.1.is_finite().then_some(row.1))
///     .done();
/// assert_eq!(table.get("spine_id"), Some(&Column::Integer(vec![Some(1), Some(2)])));
/// assert_eq!(table.to_csv(), "spine_id,length_um\n1,0.25\n2,\n");
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Columns {
    decimals: Option<usize>,
    columns: Vec<(String, Column)>,
}

/// Columns taken from rows, one after the other.
///
/// ```
/// use gemmule::columns::{Builder, Columns};
/// fn place<'a>(table: Builder<'a, [f64; 3]>) -> Builder<'a, [f64; 3]> {
///     table.number("z_um", |p| Some(p[0])).number("y_um", |p| Some(p[1])).number("x_um", |p| Some(p[2]))
/// }
/// let places = [[5.0, 10.0, 20.0]];
/// let table = place(Columns::of(&places, Some(1)).text("class", |_| "thin".into())).done();
/// assert_eq!(table.to_csv(), "class,z_um,y_um,x_um\nthin,5.0,10.0,20.0\n");
/// ```
#[derive(Clone, Debug)]
pub struct Builder<'a, R> {
    rows: &'a [R],
    made: Columns,
}

impl Columns {
    /// Begins a table of `rows`; written, its numbers have `decimals` of them, or all their digits. See the example of [`Columns`].
    pub fn of<R>(rows: &[R], decimals: Option<usize>) -> Builder<'_, R> {
        Builder { rows, made: Self { decimals, columns: Vec::new() } }
    }

    /// Number of rows.
    ///
    /// ```
    /// let table = gemmule::columns::Columns::of(&["thin", "stubby"], None).text("class", |c| (*c).into()).done();
    /// assert_eq!(table.rows(), 2);
    /// ```
    pub fn rows(&self) -> usize {
        self.columns.first().map_or(0, |(_, column)| column.len())
    }

    /// Name and cells of every column, in order.
    ///
    /// ```
    /// use gemmule::columns::Columns;
    /// let table = Columns::of(&[1, 2], None).integer("spine_id", |n| Some(*n)).number("snr", |_| None).done();
    /// let names: Vec<&str> = table.iter().map(|(name, _)| name).collect();
    /// assert_eq!(names, ["spine_id", "snr"]);
    /// ```
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Column)> {
        self.columns.iter().map(|(name, column)| (name.as_str(), column))
    }

    /// A column by its name. See the example of [`Columns`].
    pub fn get(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|(n, _)| n == name).map(|(_, column)| column)
    }

    /// The table as text, names in the first line. See the example of [`Columns`].
    ///
    /// # Panics
    /// Never: texts can be written to memory.
    pub fn to_csv(&self) -> String {
        let mut writer = csv::Writer::from_writer(Vec::new());
        self.write(&mut writer).expect("memory takes every text");
        String::from_utf8(writer.into_inner().expect("memory takes every text")).expect("cells are UTF-8")
    }

    /// Writes [`Self::to_csv`] to a file.
    ///
    /// ```
    /// use gemmule::columns::Columns;
    /// let dir = tempfile::tempdir().unwrap();
    /// let path = dir.path().join("classes.csv");
    /// Columns::of(&["thin"], None).text("class", |c| (*c).into()).done().write_csv(&path)?;
    /// assert_eq!(std::fs::read_to_string(&path).unwrap(), "class\nthin\n");
    /// # Ok::<(), gemmule::error::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::File`] if it cannot be written.
    pub fn write_csv(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let written = csv::Writer::from_path(path).and_then(|mut writer| self.write(&mut writer));
        written.map_err(|e| {
            Error::file(
                path,
                format!("cannot be written ({e})"),
                "check the folder, its permissions and the space left",
            )
        })
    }

    fn write(&self, writer: &mut csv::Writer<impl std::io::Write>) -> csv::Result<()> {
        writer.write_record(self.columns.iter().map(|(name, _)| name))?;
        for row in 0..self.rows() {
            writer.write_record(self.columns.iter().map(|(_, column)| column.cell(row, self.decimals)))?;
        }
        Ok(writer.flush()?)
    }
}

impl<R> Builder<'_, R> {
    /// A column of text. See the example of [`Builder`].
    #[must_use]
    pub fn text(self, name: &str, cell: impl Fn(&R) -> String) -> Self {
        let cells = self.rows.iter().map(cell).collect();
        self.with(name, Column::Text(cells))
    }

    /// A column of whole numbers. See the example of [`Columns`].
    #[must_use]
    pub fn integer(self, name: &str, cell: impl Fn(&R) -> Option<i64>) -> Self {
        let cells = self.rows.iter().map(cell).collect();
        self.with(name, Column::Integer(cells))
    }

    /// A column of numbers. See the example of [`Builder`].
    #[must_use]
    pub fn number(self, name: &str, cell: impl Fn(&R) -> Option<f64>) -> Self {
        let cells = self.rows.iter().map(cell).collect();
        self.with(name, Column::Number(cells))
    }

    /// The table. See the example of [`Builder`].
    pub fn done(self) -> Columns {
        self.made
    }

    fn with(mut self, name: &str, column: Column) -> Self {
        self.made.columns.push((name.into(), column));
        self
    }
}
