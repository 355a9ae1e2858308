//! What is wrong with a file, before its name is known.

use std::path::Path;

use crate::error::Error;

/// A fault of the file being read: the functions that find it do not know the file's name.
#[derive(Debug)]
pub(super) struct Fault {
    problem: String,
    remedy: &'static str,
}

/// Result of reading a part of a file.
pub(super) type Found<T> = std::result::Result<T, Fault>;

impl Fault {
    pub(super) fn new(problem: impl Into<String>, remedy: &'static str) -> Self {
        Self { problem: problem.into(), remedy }
    }

    /// A file whose parts contradict each other: cut off in copying, or not what it claims to be.
    pub(super) fn damaged(problem: impl Into<String>) -> Self {
        Self::new(problem, "the file is damaged or cut off: copy or export it again")
    }

    /// A file that is well-formed but holds what gemmule does not read.
    pub(super) fn unsupported(problem: impl Into<String>) -> Self {
        Self::new(problem, "open it in Fiji and save it as a grey 8-, 16- or 32-bit TIFF stack")
    }

    /// The fault with the page it was met on.
    pub(super) fn on_page(self, page: usize) -> Self {
        Self { problem: format!("page {page}: {}", self.problem), remedy: self.remedy }
    }

    /// The fault with the file of a set that it was met in.
    pub(super) fn in_file(self, name: &str) -> Self {
        Self { problem: format!("its file {name}: {}", self.problem), remedy: self.remedy }
    }

    /// The fault as an error about a file.
    pub(super) fn at(self, path: &Path) -> Error {
        Error::file(path, self.problem, self.remedy)
    }
}

impl From<std::io::Error> for Fault {
    fn from(e: std::io::Error) -> Self {
        if e.kind() == std::io::ErrorKind::UnexpectedEof {
            return Self::damaged("ends before its data do (truncated)");
        }
        Self::new(format!("cannot be read ({e})"), "check the name and the permissions")
    }
}
