//! Header, directories (IFDs) and tag values.

use std::collections::{BTreeMap, HashSet};
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use crate::io::fault::{Fault, Found};

/// Numbers of the tags used (TIFF 6.0; tile and predictor tags as there).
pub(crate) mod tag {
    pub(crate) const WIDTH: u16 = 256;
    pub(crate) const HEIGHT: u16 = 257;
    pub(crate) const BITS_PER_SAMPLE: u16 = 258;
    pub(crate) const COMPRESSION: u16 = 259;
    pub(crate) const PHOTOMETRIC: u16 = 262;
    pub(crate) const DESCRIPTION: u16 = 270;
    pub(crate) const STRIP_OFFSETS: u16 = 273;
    pub(crate) const SAMPLES_PER_PIXEL: u16 = 277;
    pub(crate) const ROWS_PER_STRIP: u16 = 278;
    pub(crate) const STRIP_BYTES: u16 = 279;
    pub(crate) const X_RESOLUTION: u16 = 282;
    pub(crate) const Y_RESOLUTION: u16 = 283;
    pub(crate) const RESOLUTION_UNIT: u16 = 296;
    pub(crate) const SOFTWARE: u16 = 305;
    pub(crate) const TILE_WIDTH: u16 = 322;
    pub(crate) const TILE_HEIGHT: u16 = 323;
    pub(crate) const TILE_OFFSETS: u16 = 324;
    pub(crate) const TILE_BYTES: u16 = 325;
    pub(crate) const SAMPLE_FORMAT: u16 = 339;
}

/// More tags than any writer sets; more is a lying count.
const MAX_ENTRIES: u64 = 4096;

/// A text longer than this is no description of a stack.
const MAX_TEXT_BYTES: u64 = 64 << 20;

/// An open TIFF file.
#[derive(Debug)]
pub(crate) struct TiffFile {
    pub(crate) path: PathBuf,
    pub(crate) len: u64,
    pub(crate) big: bool,
    pub(crate) little_endian: bool,
    first: u64,
    reader: BufReader<File>,
}

/// A tag of a directory.
#[derive(Clone, Copy, Debug)]
struct Entry {
    kind: u16,
    count: u64,
    /// Where the value's bytes lie.
    at: u64,
}

/// A directory: the tags of one page.
#[derive(Debug)]
pub(crate) struct Directory {
    /// Where it lies.
    pub(crate) offset: u64,
    entries: BTreeMap<u16, Entry>,
}

impl TiffFile {
    /// Whether a file begins as a TIFF file does.
    pub(crate) fn is_tiff(path: &Path) -> Found<bool> {
        let mut head = Vec::new();
        File::open(path)?.take(4).read_to_end(&mut head)?;
        Ok(matches!(head[..], [b'I', b'I', 42 | 43, 0] | [b'M', b'M', 0, 42 | 43]))
    }

    /// Opens a file and reads its header.
    pub(crate) fn open(path: &Path) -> Found<Self> {
        let metadata = std::fs::metadata(path)?;
        if metadata.is_dir() {
            return Err(Fault::new("is a folder, not a TIFF file", "give the file in it"));
        }
        if !metadata.is_file() {
            return Err(Fault::new("is not a regular file", "give a TIFF file"));
        }
        let len = metadata.len();
        if len == 0 {
            return Err(Fault::damaged("is empty (0 bytes)"));
        }
        let mut file = Self {
            path: path.into(),
            len,
            big: false,
            little_endian: true,
            first: 0,
            reader: BufReader::new(File::open(path)?),
        };
        let not_tiff = || Fault::new("is not a TIFF file (its first bytes are no TIFF header)", "save it as TIFF");
        let head = file.bytes(0, len.min(16))?;
        file.little_endian = match head.get(..2) {
            Some(b"II") => true,
            Some(b"MM") => false,
            _ => return Err(not_tiff()),
        };
        if len < 8 {
            return Err(Fault::damaged(format!("ends within its header ({len} bytes)")));
        }
        match file.number(&head[2..4]) {
            42 => file.first = file.number(&head[4..8]),
            43 if len < 16 => return Err(Fault::damaged(format!("ends within its header ({len} bytes)"))),
            43 if file.number(&head[4..6]) == 8 => (file.big, file.first) = (true, file.number(&head[8..16])),
            _ => return Err(not_tiff()),
        }
        Ok(file)
    }

    /// An unsigned number of up to 8 bytes in the file's byte order.
    fn number(&self, bytes: &[u8]) -> u64 {
        let join = |n: u64, &b: &u8| n << 8 | u64::from(b);
        if self.little_endian { bytes.iter().rev().fold(0, join) } else { bytes.iter().fold(0, join) }
    }

    /// Bytes of the file, checked against its length before they are allocated.
    fn bytes(&mut self, at: u64, n: u64) -> Found<Vec<u8>> {
        if at.checked_add(n).is_none_or(|end| end > self.len) {
            return Err(Fault::damaged(format!(
                "{n} bytes at {at} are announced, but the file has {} (truncated)",
                self.len
            )));
        }
        let mut bytes = vec![0; n as usize];
        self.reader.seek(SeekFrom::Start(at))?;
        self.reader.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    /// All directories of the main chain, in order.
    pub(crate) fn directories(&mut self) -> Found<Vec<Directory>> {
        if self.first == 0 {
            return Err(Fault::damaged("holds no pages (its first directory is at 0)"));
        }
        let (mut directories, mut seen, mut total, mut next) = (Vec::new(), HashSet::new(), 0, self.first);
        while next != 0 {
            if !seen.insert(next) {
                return Err(Fault::damaged(format!(
                    "its chain of pages is a cycle (page {} again)",
                    directories.len()
                )));
            }
            let (directory, bytes, after) = self.directory(next)?;
            total += bytes;
            // Directories that lie over each other would let a small file claim millions of pages.
            if total > self.len {
                return Err(Fault::damaged("its directories overlap"));
            }
            directories.push(directory);
            next = after;
        }
        Ok(directories)
    }

    /// The directory at `offset`, its length in bytes, and where the next one lies.
    fn directory(&mut self, offset: u64) -> Found<(Directory, u64, u64)> {
        let (count_len, entry_len, word) = if self.big { (8, 20, 8) } else { (2, 12, 4) };
        let head = self.bytes(offset, count_len)?;
        let n = self.number(&head);
        if n == 0 || n > MAX_ENTRIES {
            return Err(Fault::damaged(format!("the directory at {offset} claims {n} tags")));
        }
        let body = self.bytes(offset + count_len, n * entry_len + word)?;
        let (entries, next) = body.split_at((n * entry_len) as usize);
        let mut found = BTreeMap::new();
        for (i, entry) in entries.chunks_exact(entry_len as usize).enumerate() {
            let (kind, field) = (self.number(&entry[2..4]) as u16, entry.len() - word as usize);
            let count = self.number(&entry[4..field]);
            let inline = count.checked_mul(width(kind)).is_some_and(|bytes| bytes <= word);
            let slot = offset + count_len + i as u64 * entry_len + field as u64;
            let at = if inline { slot } else { self.number(&entry[field..]) };
            found.insert(self.number(&entry[..2]) as u16, Entry { kind, count, at });
        }
        let next = self.number(next);
        Ok((Directory { offset, entries: found }, count_len + n * entry_len + word, next))
    }

    /// The bytes of a tag's value and the width of one item.
    fn value(&mut self, entry: Entry, tag: u16) -> Found<(Vec<u8>, usize)> {
        let width = width(entry.kind);
        let bytes = entry.count.checked_mul(width).filter(|&n| n <= self.len).ok_or_else(|| {
            Fault::damaged(format!("tag {tag} claims {} values, more than the file holds", entry.count))
        })?;
        Ok((self.bytes(entry.at, bytes)?, width as usize))
    }
}

/// Bytes of one item of a tag's type; unknown types count as bytes and are refused where they matter.
fn width(kind: u16) -> u64 {
    match kind {
        3 | 8 => 2,
        4 | 9 | 11 | 13 => 4,
        5 | 10 | 12 | 16 | 17 | 18 => 8,
        _ => 1,
    }
}

impl Directory {
    /// All values of a tag of unsigned integers; none if the tag is not there.
    pub(crate) fn integers(&self, file: &mut TiffFile, tag: u16) -> Found<Option<Vec<u64>>> {
        let Some(&entry) = self.entries.get(&tag) else { return Ok(None) };
        if !matches!(entry.kind, 1 | 3 | 4 | 13 | 16 | 18) {
            return Err(Fault::damaged(format!("tag {tag} has type {}, integers are expected", entry.kind)));
        }
        let (bytes, width) = file.value(entry, tag)?;
        Ok(Some(bytes.chunks_exact(width).map(|item| file.number(item)).collect()))
    }

    /// The only or first value of a tag of unsigned integers.
    pub(crate) fn integer(&self, file: &mut TiffFile, tag: u16) -> Found<Option<u64>> {
        Ok(self.integers(file, tag)?.and_then(|values| values.first().copied()))
    }

    /// Numerator and denominator; none if the tag is not there or no fraction.
    pub(crate) fn fraction(&self, file: &mut TiffFile, tag: u16) -> Found<Option<(u64, u64)>> {
        let Some(&entry) = self.entries.get(&tag) else { return Ok(None) };
        if entry.kind != 5 || entry.count == 0 {
            return Ok(None);
        }
        let bytes = file.bytes(entry.at, 8)?;
        Ok(Some((file.number(&bytes[..4]), file.number(&bytes[4..]))))
    }

    /// A text up to its first NUL; UTF-8, or Latin-1 where it is not (old ImageJ writes µ so). Empty if not there.
    pub(crate) fn text(&self, file: &mut TiffFile, tag: u16) -> Found<String> {
        let Some(&entry) = self.entries.get(&tag) else { return Ok(String::new()) };
        if !matches!(entry.kind, 1 | 2 | 7) || entry.count > MAX_TEXT_BYTES {
            return Ok(String::new());
        }
        let (mut bytes, _) = file.value(entry, tag)?;
        bytes.truncate(bytes.iter().position(|&b| b == 0).unwrap_or(bytes.len()));
        Ok(String::from_utf8(bytes).unwrap_or_else(|e| e.into_bytes().into_iter().map(char::from).collect()))
    }

    /// Where the inline value of a tag lies, if it is one 16-bit number.
    pub(crate) fn short_slot(&self, tag: u16) -> Option<u64> {
        self.entries.get(&tag).filter(|e| e.kind == 3 && e.count == 1).map(|e| e.at)
    }
}
