//! `run.json`: what made a result.

use serde_json::{Value, json};

use crate::error::{Error, Result};
use crate::pipeline::{FileSet, Params};

/// Writes a text into a set of files.
///
/// # Errors
/// [`Error::File`] if it cannot be written.
pub(super) fn write_text(set: &FileSet, name: &str, text: &str) -> Result<()> {
    let path = set.path(name);
    std::fs::write(&path, text)
        .map_err(|e| Error::file(&path, format!("cannot be written ({e})"), "check the folder and the disk"))
}

/// Writes `run.json`: program, version and command, then `fields`, which must be an object.
///
/// # Errors
/// [`Error::File`] if it cannot be written.
pub(super) fn write_run(set: &FileSet, command: &str, fields: Value) -> Result<()> {
    let mut run = json!({ "program": "gemmule", "version": env!("CARGO_PKG_VERSION"), "command": command });
    if let (Some(run), Value::Object(fields)) = (run.as_object_mut(), fields) {
        run.extend(fields);
    }
    write_text(set, "run.json", &format!("{run:#}\n"))
}

/// The parameters without the sections that no stage of an analysis reads.
pub(super) fn used(params: &Params) -> Value {
    let mut used = json!(params);
    if let Some(sections) = used.as_object_mut() {
        let apart = [
            "blob",
            "phantom",
            "phantom_series",
            "scenario",
            "cohort",
            "calibration",
            "audit",
            "score",
            "stats",
            "power",
        ];
        for section in apart {
            sections.remove(section);
        }
    }
    used
}
