//! Found spines.

use std::path::Path;

use crate::error::Result;
use crate::table::Table;
use crate::units::PointUm;

/// A spine that some method found. See the example of [`read_found`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FoundPoint {
    /// Where, in the session's own µm: head or tip.
    pub place: PointUm,
    /// How sure the method is, higher is surer.
    pub score: Option<f64>,
}

/// Reads found spines from a table with the columns `z_um`, `y_um`, `x_um` and, if there, `score`; others are ignored.
///
/// ```
/// use gemmule::score::read_found;
/// let dir = tempfile::tempdir().unwrap();
/// let path = dir.path().join("spines.csv");
/// std::fs::write(&path, "z_um,y_um,x_um,score\n5,11.2,8,4.5\n").unwrap();
/// let found = read_found(&path)?;
/// assert_eq!((found[0].place.y, found[0].score), (11.2, Some(4.5)));
/// # Ok::<(), gemmule::error::Error>(())
/// ```
///
/// # Errors
/// [`crate::error::Error::File`] if the file cannot be read, lacks a column or holds a value that is no finite number.
pub fn read_found(path: impl AsRef<Path>) -> Result<Vec<FoundPoint>> {
    let table = Table::read(path.as_ref())?;
    table.need(&["z_um", "y_um", "x_um"])?;
    let row = |n| {
        let place = PointUm::new(table.number(n, "z_um")?, table.number(n, "y_um")?, table.number(n, "x_um")?);
        let score = if table.has("score") { Some(table.number(n, "score")?) } else { None };
        Ok(FoundPoint { place, score })
    };
    (0..table.len()).map(row).collect()
}
