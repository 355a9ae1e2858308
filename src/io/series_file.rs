//! `series.toml`: the sessions of one field of view.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::error::{Error, Result};
use crate::model::Session;

/// The sessions of a series and where their stacks are. See the example of [`SeriesFile::read`].
#[derive(Clone, Debug, PartialEq)]
pub struct SeriesFile {
    /// Name of the field of view; empty if it has none.
    pub fov: String,
    /// Sessions by day, or in the order given where days are not known.
    pub sessions: Vec<(Session, PathBuf)>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    fov: String,
    session: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    path: PathBuf,
    day: Option<f64>,
    name: Option<String>,
}

impl SeriesFile {
    /// Stacks in the order of their sessions, without days.
    ///
    /// ```
    /// use gemmule::io::SeriesFile;
    /// let series = SeriesFile::of_stacks(&["day0.tif".into(), "day2.tif".into()])?;
    /// assert_eq!((series.sessions[1].0.name.as_str(), series.sessions[1].0.day), ("1", None));
    /// assert!(SeriesFile::of_stacks(&["day0.tif".into()]).is_err());
    /// # Ok::<(), gemmule::error::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Parameter`] for fewer than two.
    pub fn of_stacks(stacks: &[PathBuf]) -> Result<Self> {
        let session = |(n, path): (usize, &PathBuf)| (Session { name: n.to_string(), day: None }, path.clone());
        Self { fov: String::new(), sessions: stacks.iter().enumerate().map(session).collect() }.checked(None)
    }

    /// Reads a series: `fov` and, per `[[session]]`, `path` (relative to the file), `day` and `name`. Sessions are sorted by day, so that their order in
    /// the file does not matter; without names they are numbered from 0 in that order.
    ///
    /// ```
    /// use gemmule::io::SeriesFile;
    /// let dir = tempfile::tempdir().unwrap();
    /// let path = dir.path().join("series.toml");
    /// std::fs::write(&path, "fov = \"m1\"\n[[session]]\npath = \"b.tif\"\nday = 2\n[[session]]\npath = \"a.tif\"\nday = -1.5\n").unwrap();
    /// let series = SeriesFile::read(&path)?;
    /// assert_eq!(series.sessions[0].1, dir.path().join("a.tif"));
    /// assert_eq!((series.sessions[1].0.name.as_str(), series.sessions[1].0.day), ("1", Some(2.0)));
    /// # Ok::<(), gemmule::error::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::File`] for a file that cannot be read or understood, fewer than two sessions, days that are the same or known for only some sessions, names
    /// that are the same or no names of folders.
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let remedy = "give fov and, per [[session]], path, day and name";
        let text = std::fs::read_to_string(path)
            .map_err(|e| Error::file(path, format!("cannot be read ({e})"), "check the path"))?;
        let file: File = toml::from_str(&text)
            .map_err(|e| Error::file(path, format!("is no series ({})", e.to_string().trim_end()), remedy))?;
        let known = file.session.iter().filter(|s| s.day.is_some()).count();
        if known != 0 && known != file.session.len() {
            let problem = format!("gives the day of {known} of {} sessions", file.session.len());
            return Err(Error::file(path, problem, "give the day of every session, or of none"));
        }
        let mut entries = file.session;
        entries.sort_by(|a, b| a.day.unwrap_or(0.0).total_cmp(&b.day.unwrap_or(0.0)));
        let folder = path.parent().unwrap_or(Path::new(""));
        let session = |(n, entry): (usize, Entry)| {
            let name = entry.name.unwrap_or_else(|| n.to_string());
            (Session { name, day: entry.day }, folder.join(entry.path))
        };
        Self { fov: file.fov, sessions: entries.into_iter().enumerate().map(session).collect() }.checked(Some(path))
    }

    fn checked(self, path: Option<&Path>) -> Result<Self> {
        let error = |problem: String, allowed: &str, remedy: &str| match path {
            Some(path) => Error::file(path, format!("{problem}; allowed is {allowed}"), remedy),
            None => Error::parameter("the series", problem, allowed, remedy),
        };
        if self.sessions.len() < 2 {
            let problem = format!("has {} session(s)", self.sessions.len());
            return Err(error(
                problem,
                "two or more",
                "give the stacks of all sessions; one stack is for `gemmule detect`",
            ));
        }
        let plain = |c: char| c.is_alphanumeric() || "-_.+".contains(c);
        for (n, (session, _)) in self.sessions.iter().enumerate() {
            let name = &session.name;
            if name.is_empty() || name.starts_with('.') || !name.chars().all(plain) {
                let problem = format!("has a session named {name:?}");
                return Err(error(problem, "letters, digits, - _ + and . inside", "rename the session"));
            }
            if self.sessions[..n].iter().any(|(other, _)| other.name == *name) {
                return Err(error(format!("has two sessions named {name}"), "one of each name", "rename one"));
            }
            let same_day = |(other, _): &(Session, PathBuf)| other.day.is_some() && other.day == session.day;
            if self.sessions[..n].iter().any(same_day) {
                let problem = format!("has two sessions on day {}", session.day.unwrap_or_default());
                return Err(error(problem, "one per day", "give parts of a day as decimals"));
            }
            if session.day.is_some_and(|day| !day.is_finite()) {
                return Err(error(format!("has session {name} on no day"), "a number", "give the day"));
            }
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use crate::io::SeriesFile;

    fn read(text: &str) -> Result<SeriesFile, String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("series.toml");
        std::fs::write(&path, text).unwrap();
        SeriesFile::read(&path).map_err(|e| e.to_string())
    }

    #[test]
    fn faults_name_what_was_met() {
        let two = |a: &str, b: &str| format!("[[session]]\npath = \"a\"\n{a}\n[[session]]\npath = \"b\"\n{b}\n");
        assert!(read(&two("", "")).is_ok());
        assert!(read("[[session]]\npath = \"a\"\n").unwrap_err().contains("1 session"));
        assert!(read(&two("day = 1", "day = 1")).unwrap_err().contains("two sessions on day 1"));
        assert!(read(&two("day = 1", "")).unwrap_err().contains("day of 1 of 2"));
        assert!(read(&two("day = nan", "day = 1")).unwrap_err().contains("on no day"));
        assert!(read(&two("name = \"x\"", "name = \"x\"")).unwrap_err().contains("two sessions named x"));
        assert!(read(&two("name = \"../x\"", "")).unwrap_err().contains("named"));
        assert!(read(&two("dat = 1", "")).unwrap_err().contains("dat"));
    }
}
