//! Truth over several sessions: marks by their keys, and which are the same spine.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::error::{Error, Result};
use crate::score::truth::Truth;
use crate::table::Table;

/// A mark: its session and its `spine_row`.
pub(super) type Mark = (i64, i64);

/// The truth of all sessions of a folder. See the example of [`crate::score::links`].
#[derive(Clone, Debug, PartialEq)]
pub struct SeriesTruth {
    /// Marks and centrelines of every session, with the `spine_row` of each mark.
    pub(super) sessions: BTreeMap<i64, (Truth, Vec<i64>)>,
    /// (session a, session b) -> row in a -> row in b.
    pub(super) links: BTreeMap<(i64, i64), BTreeMap<i64, i64>>,
}

/// What is known about two sessions: bad marks are left out.
pub(super) struct TruePair {
    /// Rows of a and b that are the same spine.
    pub(super) links: BTreeSet<(i64, i64)>,
    /// Rows of a without a link, and of b.
    pub(super) gone: BTreeSet<i64>,
    pub(super) new: BTreeSet<i64>,
}

impl SeriesTruth {
    /// Reads a truth folder: `meta.json`, `spines.csv`, `dendrites.csv` as [`Truth::read`], and every `links*.csv`
    /// with `session_a`, `spine_row_a`, `session_b`, `spine_row_b`. Links of sessions that are not there are left out. See the example of [`crate::score::links`].
    ///
    /// # Errors
    /// [`Error::File`] as [`Truth::read`]; a link between rows that are not there.
    pub fn read(folder: impl AsRef<Path>) -> Result<Self> {
        let folder = folder.as_ref();
        let path = folder.join("spines.csv");
        let table = Table::read(&path)?;
        table.need(&["session", "spine_row"])?;
        let mut rows: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
        for n in 0..table.len() {
            rows.entry(table.whole(n, "session")?).or_default().push(table.whole(n, "spine_row")?);
        }
        let mut sessions = BTreeMap::new();
        for (session, rows) in rows {
            sessions.insert(session, (Truth::read(folder, session)?, rows));
        }
        let mut truth = Self { sessions, links: BTreeMap::new() };
        for path in link_files(folder)? {
            truth.read_links(&path)?;
        }
        Ok(truth)
    }

    fn read_links(&mut self, path: &Path) -> Result<()> {
        let table = Table::read(path)?;
        for (a, b) in read_links(&table)?.into_iter().map(|(_, a, b)| (a, b)) {
            let known = |mark: Mark| self.sessions.get(&mark.0).map(|(_, rows)| rows.contains(&mark.1));
            match (known(a), known(b)) {
                (Some(true), Some(true)) => {
                    self.links.entry((a.0, b.0)).or_default().insert(a.1, b.1);
                }
                (None, _) | (_, None) => {}
                _ => {
                    let problem =
                        format!("links {a:?} to {b:?} (session, spine_row), which are not both in spines.csv");
                    return Err(Error::file(path, problem, "correct or leave out the row"));
                }
            }
        }
        Ok(())
    }

    /// All rows of a session.
    pub(super) fn rows(&self, session: i64) -> BTreeSet<i64> {
        self.sessions.get(&session).map_or_else(BTreeSet::new, |(_, rows)| rows.iter().copied().collect())
    }

    /// Rows of a session that are not bad.
    pub(super) fn good(&self, session: i64) -> BTreeSet<i64> {
        let Some((truth, rows)) = self.sessions.get(&session) else { return BTreeSet::new() };
        rows.iter().zip(&truth.spines).filter(|(_, spine)| !spine.is_bad).map(|(&row, _)| row).collect()
    }

    pub(super) fn pair(&self, a: i64, b: i64) -> TruePair {
        let (good_a, good_b) = (self.good(a), self.good(b));
        let all = self.links.get(&(a, b)).cloned().unwrap_or_default();
        let ends: BTreeSet<i64> = all.values().copied().collect();
        TruePair {
            gone: good_a.iter().copied().filter(|row| !all.contains_key(row)).collect(),
            new: good_b.difference(&ends).copied().collect(),
            links: all.into_iter().filter(|(x, y)| good_a.contains(x) && good_b.contains(y)).collect(),
        }
    }

    /// The first mark of the chain of links that each mark is on.
    pub(super) fn identities(&self) -> BTreeMap<Mark, Mark> {
        let mut identity: BTreeMap<Mark, Mark> = BTreeMap::new();
        for (&session, (_, rows)) in &self.sessions {
            let mut before: BTreeMap<i64, Mark> = BTreeMap::new();
            for (&(a, _), links) in self.links.iter().filter(|((_, b), _)| *b == session) {
                before.extend(links.iter().filter_map(|(&x, &y)| Some((y, *identity.get(&(a, x))?))));
            }
            for &row in rows {
                identity.insert((session, row), before.get(&row).copied().unwrap_or((session, row)));
            }
        }
        identity
    }
}

fn link_files(folder: &Path) -> Result<Vec<std::path::PathBuf>> {
    let entries = std::fs::read_dir(folder)
        .map_err(|e| Error::file(folder, format!("cannot be listed ({e})"), "give a truth folder"))?;
    let mut files: Vec<_> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            let name = path.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
            name.starts_with("links") && name.ends_with(".csv")
        })
        .collect();
    files.sort();
    Ok(files)
}

/// Links of a table with the position of their row: from mark, to mark.
pub(super) fn read_links(table: &Table<'_>) -> Result<Vec<(usize, Mark, Mark)>> {
    const COLUMNS: [&str; 4] = ["session_a", "spine_row_a", "session_b", "spine_row_b"];
    table.need(&COLUMNS)?;
    let link = |n| {
        let [session_a, row_a, session_b, row_b] = COLUMNS.map(|c| table.whole(n, c));
        Ok((n, (session_a?, row_a?), (session_b?, row_b?)))
    };
    (0..table.len()).map(link).collect()
}
