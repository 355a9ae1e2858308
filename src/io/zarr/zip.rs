//! A zip file as a Zarr store: entries that are stored or deflated, found by its directory.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use zarrs::storage::byte_range::{ByteRange, ByteRangeIterator};
use zarrs::storage::{Bytes, MaybeBytesIterator, ReadableStorageTraits, StorageError, StoreKey};

use crate::io::fault::{Fault, Found};
use crate::io::zarr::folder::{read, within};

/// More entries than this are no image: it would be read for days.
const MAX_ENTRIES: usize = 20_000_000;

/// The entries of a zip file below a folder in it.
pub(super) struct ZipStore {
    archive: Mutex<zip::ZipArchive<BufReader<File>>>,
    /// By their keys.
    entries: BTreeMap<String, Entry>,
    /// Whether all entries are.
    stored: bool,
}

#[derive(Clone, Copy)]
struct Entry {
    position: usize,
    len: u64,
    /// Whether it is not compressed, so that a part of it can be read alone.
    stored: bool,
}

impl ZipStore {
    /// The image at the root of a zip file, or in the one folder that it holds.
    pub(super) fn open(path: &Path) -> Found<Self> {
        let cannot = |e: zip::result::ZipError| Fault::damaged(format!("cannot be opened as a zip file ({e})"));
        let file = File::open(path)?;
        let bytes = file.metadata()?.len();
        let mut archive = zip::ZipArchive::new(BufReader::new(file)).map_err(cannot)?;
        if archive.len() > MAX_ENTRIES {
            return Err(Fault::damaged(format!("has {} entries, read are at most {MAX_ENTRIES}", archive.len())));
        }
        let mut all = BTreeMap::new();
        for n in 0..archive.len() {
            let entry = archive.by_index_raw(n).map_err(cannot)?;
            if entry.is_file() {
                let (name, len) = (entry.name().map_err(cannot)?.into_owned(), entry.size());
                let is_plain = entry.compression() == zip::CompressionMethod::Stored && !entry.encrypted();
                // Memory for a part is asked for before it is read, so its length must be true.
                all.insert(name, Entry { position: n, len, stored: is_plain && len <= bytes });
            }
        }
        let top = all.keys().next().and_then(|name| name.split_once('/')).map(|(top, _)| format!("{top}/"));
        let entries = match top {
            Some(top) if all.keys().all(|name| name.starts_with(&top)) => {
                all.into_iter().map(|(name, entry)| (name[top.len()..].to_owned(), entry)).collect()
            }
            _ => all,
        };
        let stored = entries.values().all(|entry| entry.stored);
        Ok(Self { archive: Mutex::new(archive), entries, stored })
    }

    /// The keys that begin with a text.
    pub(super) fn below(&self, start: &str) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str).filter(move |key| key.starts_with(start))
    }

    /// All bytes of an entry, at most as many as the directory says.
    fn read(&self, entry: Entry) -> Result<Vec<u8>, StorageError> {
        let mut archive = self.archive();
        let file = archive.by_index(entry.position).map_err(|e| other(&e))?;
        let mut bytes = Vec::new();
        file.take(entry.len.saturating_add(1)).read_to_end(&mut bytes).map_err(|e| other(&e))?;
        if bytes.len() as u64 != entry.len {
            return Err(StorageError::Other(format!(
                "{} bytes or more where {} are announced",
                bytes.len(),
                entry.len
            )));
        }
        Ok(bytes)
    }

    /// Parts of an entry that is stored.
    fn parts(&self, entry: Entry, ranges: &[ByteRange]) -> Result<Vec<Bytes>, StorageError> {
        let mut archive = self.archive();
        let mut file = archive.by_index_seek(entry.position).map_err(|e| other(&e))?;
        ranges.iter().map(|range| read(&mut file, entry.len, *range)).collect()
    }

    /// A thread that panicked while it held the lock left nothing half-done: every entry is sought anew.
    fn archive(&self) -> MutexGuard<'_, zip::ZipArchive<BufReader<File>>> {
        self.archive.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn other(e: &dyn std::fmt::Display) -> StorageError {
    StorageError::Other(e.to_string())
}

impl ReadableStorageTraits for ZipStore {
    fn get_partial_many<'a>(
        &'a self,
        key: &StoreKey,
        ranges: ByteRangeIterator<'a>,
    ) -> Result<MaybeBytesIterator<'a>, StorageError> {
        let Some(&entry) = self.entries.get(key.as_str()) else { return Ok(None) };
        let ranges: Vec<ByteRange> = ranges.collect();
        // Of what is read whole the checksum is compared.
        if entry.stored && !ranges.contains(&ByteRange::FromStart(0, None)) {
            return Ok(Some(Box::new(self.parts(entry, &ranges)?.into_iter().map(Ok))));
        }
        let bytes = Bytes::from(self.read(entry)?);
        Ok(Some(Box::new(ranges.into_iter().map(move |range| {
            let (start, end) = within(range, entry.len)?;
            Ok(bytes.slice(start as usize..end as usize))
        }))))
    }

    fn size_key(&self, key: &StoreKey) -> Result<Option<u64>, StorageError> {
        Ok(self.entries.get(key.as_str()).map(|entry| entry.len))
    }

    /// Whether parts are read alone: chunks are stored, or compressed, all alike.
    fn supports_get_partial(&self) -> bool {
        self.stored
    }
}
