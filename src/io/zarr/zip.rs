//! A zip file as a Zarr store: entries that are stored or deflated, found by its directory.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use zarrs::storage::byte_range::ByteRangeIterator;
use zarrs::storage::{Bytes, MaybeBytesIterator, ReadableStorageTraits, StorageError, StoreKey};

use crate::io::fault::{Fault, Found};

/// More entries than this are no image: it would be read for days.
const MAX_ENTRIES: usize = 20_000_000;

/// The entries of a zip file below a folder in it.
pub(super) struct ZipStore {
    archive: Mutex<zip::ZipArchive<BufReader<File>>>,
    /// Position and length of every entry, by its key.
    entries: BTreeMap<String, (usize, u64)>,
}

impl ZipStore {
    /// The image at the root of a zip file, or in the one folder that it holds.
    pub(super) fn open(path: &Path) -> Found<Self> {
        let cannot = |e: zip::result::ZipError| Fault::damaged(format!("cannot be opened as a zip file ({e})"));
        let mut archive = zip::ZipArchive::new(BufReader::new(File::open(path)?)).map_err(cannot)?;
        if archive.len() > MAX_ENTRIES {
            return Err(Fault::damaged(format!("has {} entries, read are at most {MAX_ENTRIES}", archive.len())));
        }
        let mut all = BTreeMap::new();
        for n in 0..archive.len() {
            let entry = archive.by_index_raw(n).map_err(cannot)?;
            if entry.is_file() {
                all.insert(entry.name().map_err(cannot)?.into_owned(), (n, entry.size()));
            }
        }
        let top = all.keys().next().and_then(|name| name.split_once('/')).map(|(top, _)| format!("{top}/"));
        let entries = match top {
            Some(top) if all.keys().all(|name| name.starts_with(&top)) => {
                all.into_iter().map(|(name, entry)| (name[top.len()..].to_owned(), entry)).collect()
            }
            _ => all,
        };
        Ok(Self { archive: Mutex::new(archive), entries })
    }

    /// The keys that begin with a text.
    pub(super) fn below(&self, start: &str) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str).filter(move |key| key.starts_with(start))
    }

    /// All bytes of an entry, at most as many as the directory says.
    fn read(&self, (position, len): (usize, u64)) -> Result<Vec<u8>, StorageError> {
        let other = |e: &dyn std::fmt::Display| StorageError::Other(e.to_string());
        // A thread that panicked while it held the lock left nothing half-done: every entry is sought anew.
        let mut archive = self.archive.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = archive.by_index(position).map_err(|e| other(&e))?;
        let mut bytes = Vec::new();
        entry.take(len.saturating_add(1)).read_to_end(&mut bytes).map_err(|e| other(&e))?;
        if bytes.len() as u64 != len {
            return Err(StorageError::Other(format!("{} bytes or more where {len} are announced", bytes.len())));
        }
        Ok(bytes)
    }
}

impl ReadableStorageTraits for ZipStore {
    fn get_partial_many<'a>(
        &'a self,
        key: &StoreKey,
        byte_ranges: ByteRangeIterator<'a>,
    ) -> Result<MaybeBytesIterator<'a>, StorageError> {
        let Some(&entry) = self.entries.get(key.as_str()) else { return Ok(None) };
        let (bytes, len) = (Bytes::from(self.read(entry)?), entry.1);
        Ok(Some(Box::new(byte_ranges.map(move |range| {
            let (start, end) = (range.start(len), range.end(len));
            if start > end || end > len {
                return Err(StorageError::Other(format!("bytes {start} to {end} of {len} were asked for")));
            }
            Ok(bytes.slice(start as usize..end as usize))
        }))))
    }

    fn size_key(&self, key: &StoreKey) -> Result<Option<u64>, StorageError> {
        Ok(self.entries.get(key.as_str()).map(|entry| entry.1))
    }

    fn supports_get_partial(&self) -> bool {
        false
    }
}
