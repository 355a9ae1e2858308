//! Where the keys of a Zarr hierarchy lie, with a ceiling on what is read at once.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;
use zarrs::array::Array;
use zarrs::storage::{ReadableStorageTraits, StorageError, StoreKey};

use crate::io::fault::{Fault, Found};
use crate::io::zarr::folder::FolderStore;
use crate::io::zarr::zip::ZipStore;

/// Metadata longer than this describe no image.
const MAX_JSON_BYTES: u64 = 16 << 20;

/// Version of the Zarr format: 2 under OME-Zarr 0.4, 3 under 0.5.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    V2,
    V3,
}

/// What is read by key.
pub(super) type Keys = dyn ReadableStorageTraits;

/// A folder or a zip file.
pub(super) struct Store {
    pub(super) keys: Arc<Keys>,
    path: PathBuf,
    zip: Option<Arc<ZipStore>>,
}

impl Store {
    pub(super) fn open(path: &Path) -> Found<Self> {
        if path.is_dir() {
            return Ok(Self { keys: Arc::new(FolderStore::new(path)), path: path.into(), zip: None });
        }
        let zip = Arc::new(ZipStore::open(path)?);
        Ok(Self { keys: zip.clone(), path: path.into(), zip: Some(zip) })
    }

    /// The JSON at a key; none if there is none.
    pub(super) fn json(&self, key: &str) -> Found<Option<Value>> {
        let key = self.words(key)?;
        let cannot = |e: StorageError| Fault::damaged(format!("{key} cannot be read ({e})"));
        let Some(text) = self.keys.get(&key).map_err(cannot)? else { return Ok(None) };
        let value = serde_json::from_slice(&text);
        value.map(Some).map_err(|e| Fault::damaged(format!("{key} is no JSON ({e})")))
    }

    /// The key of metadata, which are not too long to be read whole.
    fn words(&self, key: &str) -> Found<StoreKey> {
        let key = StoreKey::new(key).map_err(|e| Fault::damaged(format!("it names the Zarr key {e}")))?;
        let bytes = self.keys.size_key(&key);
        let bytes = bytes.map_err(|e| Fault::damaged(format!("{key} cannot be read ({e})")))?.unwrap_or(0);
        if bytes > MAX_JSON_BYTES {
            return Err(Fault::damaged(format!("{key} has {bytes} bytes, read are at most {MAX_JSON_BYTES}")));
        }
        Ok(key)
    }

    /// An array by its path.
    pub(super) fn array(&self, path: &str) -> Found<Array<Keys>> {
        for name in ["zarr.json", ".zarray", ".zattrs"] {
            self.words(&below(path, name))?;
        }
        Array::open(self.keys.clone(), &format!("/{path}"))
            .map_err(|e| Fault::damaged(format!("its array {path} cannot be opened ({e})")))
    }

    /// The attributes of a group, and the version it is written in; none if there is no group.
    pub(super) fn attributes(&self, group: &str) -> Found<Option<(Value, Version)>> {
        if let Some(mut node) = self.json(&below(group, "zarr.json"))? {
            return Ok(Some((node["attributes"].take(), Version::V3)));
        }
        if let Some(attributes) = self.json(&below(group, ".zattrs"))? {
            return Ok(Some((attributes, Version::V2)));
        }
        Ok(None)
    }

    /// How many keys lie below an array that are chunks.
    pub(super) fn chunks(&self, array: &str) -> Found<u64> {
        let is_chunk = |name: &str| !["zarr.json", ".zarray", ".zattrs"].iter().any(|words| name.ends_with(words));
        if let Some(zip) = &self.zip {
            return Ok(zip.below(&format!("{array}/")).filter(|key| is_chunk(key)).count() as u64);
        }
        let mut files = Vec::new();
        walk(&self.path.join(array), &mut files, 0)?;
        Ok(files.iter().filter(|f| f.file_name().is_some_and(|n| is_chunk(&n.to_string_lossy()))).count() as u64)
    }

    /// The files that hold the metadata of the groups above an array, and the array itself, sorted.
    pub(super) fn files(&self, array: &str) -> Found<Vec<PathBuf>> {
        if self.zip.is_some() {
            return Ok(vec![self.path.clone()]);
        }
        let mut files = Vec::new();
        let mut group = self.path.clone();
        for part in [""].into_iter().chain(array.split('/')) {
            group.push(part);
            let words = ["zarr.json", ".zattrs", ".zgroup", ".zarray"].map(|name| group.join(name));
            files.extend(words.into_iter().filter(|f| f.is_file()));
        }
        walk(&self.path.join(array), &mut files, 0)?;
        files.sort();
        files.dedup();
        Ok(files)
    }

    /// Bytes of everything that belongs to an array.
    pub(super) fn bytes(&self, array: &str) -> Found<u64> {
        let files = self.files(array)?;
        files.iter().try_fold(0, |sum, f| Ok(sum + std::fs::metadata(f)?.len()))
    }
}

/// Chunks lie some five folders deep; deeper is a link that leads back.
const MAX_DEPTH: usize = 16;

fn walk(folder: &Path, files: &mut Vec<PathBuf>, depth: usize) -> Found<()> {
    if depth > MAX_DEPTH {
        return Err(Fault::damaged(format!("{} lies more than {MAX_DEPTH} folders deep", folder.display())));
    }
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.path().is_dir() { walk(&entry.path(), files, depth + 1)? } else { files.push(entry.path()) }
    }
    Ok(())
}

/// A key below a group; the root is the empty group.
pub(super) fn below(group: &str, name: &str) -> String {
    if group.is_empty() { name.to_owned() } else { format!("{group}/{name}") }
}
