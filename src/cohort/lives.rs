//! Tables of lifetimes: one row per spine.

use std::path::Path;

use crate::cohort::long::listed;
use crate::error::{Error, Result};
use crate::table::Table;

/// One spine's life. See the example of [`read_lives_csv`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Life {
    /// Study.
    pub study: String,
    /// What the animal was given.
    pub treatment: String,
    /// A grouping besides the treatment.
    pub group: String,
    /// The animal.
    pub mouse: String,
    /// Day of the session at which it was found lost; of the last one that shows it, if it was not.
    pub day: f64,
    /// Whether it was found lost.
    pub eliminated: bool,
    /// Day of the last session that shows it, where it was found lost and that is known: it was lost some time between.
    pub last_seen: Option<f64>,
}

/// Columns a table of lifetimes must have.
const NEEDED: [&str; 4] = ["treatment", "mouse", "day", "eliminated"];

/// Reads a table of lifetimes (CSV), one row per spine: treatment, mouse, day, eliminated (1 or 0); study, group and last_seen if there. Others are ignored.
///
/// ```
/// use gemmule::cohort::{StatsParams, read_lives_csv, survival_effects};
/// let dir = tempfile::tempdir().unwrap();
/// let path = dir.path().join("lives.csv");
/// let rows = "treatment,mouse,day,eliminated\nsaline,a,3,1\nsaline,b,7,0\nketamine,c,7,1\nketamine,d,7,0\n";
/// std::fs::write(&path, rows).unwrap();
/// let lives = read_lives_csv(&path)?;
/// assert!(lives[0].eliminated && lives[3].day == 7.0);
/// let effects = survival_effects(&lives, &StatsParams::default())?;
/// assert!(effects.rows.iter().any(|row| row.test == "log-rank"));
/// # Ok::<(), gemmule::error::Error>(())
/// ```
///
/// # Errors
/// [`Error::File`] for a file that cannot be read or lacks a column, and one that lists every fault with its line: no number, neither 0 nor 1, a last_seen that is not before the day.
pub fn read_lives_csv(path: impl AsRef<Path>) -> Result<Vec<Life>> {
    let path = path.as_ref();
    let table = Table::read(path)?;
    table.need(&NEEDED)?;
    let (mut lives, mut faults) = (Vec::new(), Vec::new());
    for n in 0..table.len() {
        let line = table.line(n);
        let text = |column: &str| table.text(n, column).to_owned();
        let mut fault = |column: &str, expected: &str| {
            faults.push(format!("line {line}, column {column} is \"{}\", expected {expected}", table.text(n, column)));
        };
        for column in ["treatment", "mouse"].into_iter().filter(|c| table.text(n, c).is_empty()) {
            fault(column, "a name");
        }
        let number = |column: &str| table.text(n, column).parse::<f64>().ok().filter(|v| v.is_finite());
        let day = number("day").unwrap_or_else(|| {
            fault("day", "a finite number");
            f64::NAN
        });
        let eliminated = number("eliminated");
        if !(eliminated == Some(0.0) || eliminated == Some(1.0)) {
            fault("eliminated", "1 or 0");
        }
        let last_seen = number("last_seen");
        if !table.text(n, "last_seen").is_empty() && !last_seen.is_some_and(|l| l < day || eliminated == Some(0.0)) {
            fault("last_seen", "a day before the one it was found lost, or nothing");
        }
        let life = Life {
            study: text("study"),
            treatment: text("treatment"),
            group: text("group"),
            mouse: text("mouse"),
            day,
            eliminated: eliminated == Some(1.0),
            last_seen: last_seen.filter(|_| eliminated == Some(1.0)),
        };
        lives.push(life);
    }
    if lives.is_empty() {
        return Err(Error::file(path, "has no rows", "give a table with at least one spine"));
    }
    if faults.is_empty() {
        Ok(lives)
    } else {
        Err(Error::file(path, listed(&faults), "correct or leave out those rows"))
    }
}
