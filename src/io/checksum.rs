//! Checksums of input files, for the record of a run.

use std::fs::File;
use std::path::Path;

use sha2::{Digest as _, Sha256};

use crate::error::{Error, Result};

/// The SHA-256 of a file, in lower-case hexadecimal; reads it in pieces.
///
/// ```
/// use gemmule::io::{sha256, sha256_of};
/// let dir = tempfile::tempdir().unwrap();
/// std::fs::write(dir.path().join("day0.tif"), "abc").unwrap();
/// assert_eq!(sha256(dir.path().join("day0.tif"))?, sha256_of(b"abc"));
/// assert!(sha256_of(b"abc").starts_with("ba7816bf"));
/// # Ok::<(), gemmule::error::Error>(())
/// ```
///
/// # Errors
/// [`Error::File`] if the file cannot be read.
pub fn sha256(path: impl AsRef<Path>) -> Result<String> {
    let path = path.as_ref();
    let failed =
        |e: std::io::Error| Error::file(path, format!("cannot be read ({e})"), "check the name and the permissions");
    let mut hasher = Sha256::new();
    std::io::copy(&mut File::open(path).map_err(failed)?, &mut hasher).map_err(failed)?;
    Ok(hex(&hasher.finalize()))
}

/// The SHA-256 of some bytes, in lower-case hexadecimal. See the example of [`sha256`].
pub fn sha256_of(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn hex(sum: &[u8]) -> String {
    sum.iter().map(|byte| format!("{byte:02x}")).collect()
}
