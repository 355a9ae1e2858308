//! A set of result files that appears as a whole or not at all.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::error::{Error, Result};

/// Says what the other files of a set were made from.
const RECORD: &str = "run.json";

/// Files being written beside their folder; [`FileSet::commit`] puts them in place.
///
/// Nothing is seen in the folder before that, so an error, a full disk or Ctrl-C leaves no half-written file. `run.json` is put in place last: a folder without it is not
/// whole, even if the program is killed while files are moved.
///
/// ```
/// use gemmule::pipeline::FileSet;
/// let root = tempfile::tempdir().unwrap();
/// let dir = root.path().join("out");
/// let set = FileSet::new(&dir, &["a.txt"], false)?;
/// std::fs::write(set.path("a.txt"), "text").unwrap();
/// assert!(!dir.exists());
/// set.commit()?;
/// assert!(dir.join("a.txt").exists());
/// assert!(FileSet::check(&dir, &["a.txt"], false).is_err()); // there already, and not forced
/// # Ok::<(), gemmule::error::Error>(())
/// ```
#[derive(Debug)]
pub struct FileSet {
    dir: PathBuf,
    names: Vec<String>,
    staging: TempDir,
}

impl FileSet {
    /// Whether a set of files may be written to `dir`; for use before long work. See the example of [`FileSet`].
    ///
    /// # Errors
    /// [`Error::File`] if `dir` is no folder, or holds one of the files and `force` is not set.
    pub fn check(dir: &Path, names: &[&str], force: bool) -> Result<()> {
        if dir.as_os_str().is_empty() {
            return Err(Error::file(dir, "the name of the results' folder is empty", "give -o DIR"));
        }
        if dir.exists() && !dir.is_dir() {
            return Err(Error::file(dir, "is a file, the results need a folder", "give another -o DIR"));
        }
        match names.iter().find(|name| fs::symlink_metadata(dir.join(name)).is_ok()) {
            Some(name) if !force => Err(Error::file(
                dir.join(name),
                "is there already, and results are not replaced unasked",
                "give another -o DIR, or --force to replace it",
            )),
            _ => Ok(()),
        }
    }

    /// Begins a set of the files `names` in `dir`, which need not exist yet. See the example of [`FileSet`].
    ///
    /// # Errors
    /// As [`FileSet::check`], and [`Error::File`] if nothing can be written there.
    pub fn new(dir: &Path, names: &[&str], force: bool) -> Result<Self> {
        Self::check(dir, names, force)?;
        // Renaming needs the same file system: the nearest folder that exists.
        let here = Path::new(".");
        let existing = dir.ancestors().find(|p| p.is_dir()).unwrap_or(here);
        let staging = tempfile::Builder::new()
            .prefix(".gemmule-")
            .suffix(".tmp")
            .tempdir_in(existing)
            .map_err(|e| Error::file(existing, format!("cannot be written to ({e})"), "give another -o DIR"))?;
        Ok(Self { dir: dir.into(), names: names.iter().map(|&n| n.into()).collect(), staging })
    }

    /// Where to write one of the files. See the example of [`FileSet`].
    pub fn path(&self, name: &str) -> PathBuf {
        self.staging.path().join(name)
    }

    /// Moves every file to its place and returns the places. See the example of [`FileSet`].
    ///
    /// # Errors
    /// [`Error::File`] if a file was not written or cannot be moved.
    pub fn commit(self) -> Result<Vec<PathBuf>> {
        if let Some(missing) = self.names.iter().find(|name| !self.path(name).is_file()) {
            return Err(Error::file(self.path(missing), "was not written", "this is a fault of gemmule: report it"));
        }
        let failed = |path: &Path, e: std::io::Error| {
            Error::file(
                path,
                format!("cannot be written ({e})"),
                "check the folder's permissions, or give another -o DIR",
            )
        };
        fs::create_dir_all(&self.dir).map_err(|e| failed(&self.dir, e))?;
        // What says where the others came from goes first and comes last: without it a set is not whole, whatever happens in between.
        let record = |name: &&String| name.as_str() == RECORD;
        if let Some(old) = self.names.iter().find(record).map(|name| self.dir.join(name)) {
            match fs::remove_file(&old) {
                Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(failed(&old, e)),
                _ => {}
            }
        }
        for name in self.names.iter().filter(|n| !record(n)).chain(self.names.iter().filter(record)) {
            let to = self.dir.join(name);
            fs::rename(self.path(name), &to).map_err(|e| failed(&to, e))?;
        }
        let placed = self.names.iter().map(|name| self.dir.join(name)).collect();
        Ok(placed)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use crate::pipeline::FileSet;

    #[test]
    fn nothing_is_left_if_it_is_dropped() {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("a/b");
        let set = FileSet::new(&dir, &["x"], false).unwrap();
        fs::write(set.path("x"), "half").unwrap();
        drop(set);
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 0);
    }

    #[test]
    fn replaces_only_when_forced_and_keeps_other_files() {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path();
        fs::write(dir.join("x"), "old").unwrap();
        fs::write(dir.join("mine"), "kept").unwrap();
        let message = FileSet::new(dir, &["x"], false).unwrap_err().to_string();
        assert!(message.contains("--force") && message.contains("x"), "{message}");
        let set = FileSet::new(dir, &["x"], true).unwrap();
        fs::write(set.path("x"), "new").unwrap();
        assert_eq!(fs::read_to_string(dir.join("x")).unwrap(), "old");
        assert_eq!(set.commit().unwrap(), [dir.join("x")]);
        assert_eq!(fs::read_to_string(dir.join("x")).unwrap(), "new");
        assert_eq!(fs::read_to_string(dir.join("mine")).unwrap(), "kept");
        assert_eq!(fs::read_dir(dir).unwrap().count(), 2);
    }

    #[test]
    fn the_record_of_a_set_is_never_older_than_what_it_stands_beside() {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path();
        fs::write(dir.join("run.json"), "old").unwrap();
        // A folder cannot be replaced by a file: the set breaks off in the middle.
        fs::create_dir(dir.join("x")).unwrap();
        let set = FileSet::new(dir, &["run.json", "x"], true).unwrap();
        ["run.json", "x"].iter().for_each(|name| fs::write(set.path(name), "new").unwrap());
        assert!(set.commit().is_err());
        assert!(!dir.join("run.json").exists());
    }

    #[test]
    fn a_file_is_no_folder_and_a_missing_file_is_noticed() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("file"), "").unwrap();
        assert!(FileSet::check(&root.path().join("file"), &["x"], true).is_err());
        let set = FileSet::new(&root.path().join("out"), &["x", "y"], false).unwrap();
        fs::write(set.path("x"), "").unwrap();
        assert!(set.commit().unwrap_err().to_string().contains("was not written"));
        assert!(!root.path().join("out").exists());
    }
}
