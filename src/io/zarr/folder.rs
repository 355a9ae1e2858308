//! A folder as a Zarr store.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Component, Path, PathBuf};

use zarrs::storage::byte_range::{ByteRange, ByteRangeIterator};
use zarrs::storage::{Bytes, MaybeBytesIterator, ReadableStorageTraits, StorageError, StoreKey};

/// The files below a folder. Unlike the store of `zarrs` it asks for no memory before it knows that the file has the bytes, opens no pipe or device, and remembers no
/// key it was asked for.
pub(super) struct FolderStore(PathBuf);

impl FolderStore {
    pub(super) fn new(folder: &Path) -> Self {
        Self(folder.into())
    }

    /// The file of a key and its length; none if there is none.
    fn file(&self, key: &StoreKey) -> Result<Option<(PathBuf, u64)>, StorageError> {
        let below = Path::new(key.as_str());
        // Metadata may name keys that lead elsewhere.
        if !below.components().all(|part| matches!(part, Component::Normal(_))) {
            return Err(StorageError::Other(format!("{key} is not inside the folder")));
        }
        let path = self.0.join(below);
        match std::fs::metadata(&path) {
            Ok(found) if found.is_file() => Ok(Some((path, found.len()))),
            Ok(_) => Err(StorageError::Other(format!("{key} is no file"))),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e.into()),
        }
    }
}

impl ReadableStorageTraits for FolderStore {
    fn get_partial_many<'a>(
        &'a self,
        key: &StoreKey,
        ranges: ByteRangeIterator<'a>,
    ) -> Result<MaybeBytesIterator<'a>, StorageError> {
        let Some((path, len)) = self.file(key)? else { return Ok(None) };
        let mut file = File::open(path)?;
        Ok(Some(Box::new(ranges.map(move |range| read(&mut file, len, range)))))
    }

    fn size_key(&self, key: &StoreKey) -> Result<Option<u64>, StorageError> {
        Ok(self.file(key)?.map(|(_, len)| len))
    }

    fn supports_get_partial(&self) -> bool {
        true
    }
}

/// A range of something of `len` bytes.
pub(super) fn read(from: &mut (impl Read + Seek), len: u64, range: ByteRange) -> Result<Bytes, StorageError> {
    let (start, end) = within(range, len)?;
    let mut bytes = vec![0; (end - start) as usize];
    from.seek(SeekFrom::Start(start))?;
    from.read_exact(&mut bytes)?;
    Ok(bytes.into())
}

/// Where a range begins and ends, if it lies within `len` bytes.
pub(super) fn within(range: ByteRange, len: u64) -> Result<(u64, u64), StorageError> {
    let found = match range {
        ByteRange::FromStart(start, None) => Some((start, len)),
        ByteRange::FromStart(start, Some(n)) => start.checked_add(n).map(|end| (start, end)),
        ByteRange::Suffix(n) => len.checked_sub(n).map(|start| (start, len)),
    };
    found.filter(|(start, end)| start <= end && *end <= len).ok_or_else(|| {
        StorageError::Other(match range {
            ByteRange::FromStart(start, Some(n)) => {
                format!("{n} bytes from byte {start} on were asked for, {len} are there")
            }
            ByteRange::FromStart(start, None) => format!("bytes from {start} on were asked for, {len} are there"),
            ByteRange::Suffix(n) => format!("the last {n} bytes were asked for, {len} are there"),
        })
    })
}

#[cfg(test)]
mod tests {
    use zarrs::storage::byte_range::ByteRange;
    use zarrs::storage::{ReadableStorageTraits, StoreKey};

    use crate::io::zarr::folder::{FolderStore, within};

    #[test]
    fn ranges_lie_within_the_file_or_are_refused() {
        let at = |range| within(range, 10).ok();
        assert_eq!(at(ByteRange::FromStart(0, None)), Some((0, 10)));
        assert_eq!(at(ByteRange::FromStart(10, None)), Some((10, 10)));
        assert_eq!(at(ByteRange::FromStart(3, Some(7))), Some((3, 10)));
        assert_eq!(at(ByteRange::Suffix(4)), Some((6, 10)));
        for range in [
            ByteRange::FromStart(11, None),
            ByteRange::FromStart(3, Some(8)),
            ByteRange::FromStart(u64::MAX, Some(2)),
            ByteRange::Suffix(11),
        ] {
            assert_eq!(at(range), None, "{range}");
        }
    }

    #[test]
    fn keys_lead_to_files_below_the_folder_only() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("below")).unwrap();
        std::fs::write(folder.path().join("outside"), "x").unwrap();
        std::fs::write(folder.path().join("below/inside"), "abc").unwrap();
        let store = FolderStore::new(&folder.path().join("below"));
        let size = |key: &str| store.size_key(&StoreKey::new(key).unwrap());
        assert_eq!(size("inside").unwrap(), Some(3));
        assert_eq!(size("missing").unwrap(), None);
        assert!(size("../outside").unwrap_err().to_string().contains("not inside"));
        assert!(size("").unwrap_err().to_string().contains("no file"));
    }
}
