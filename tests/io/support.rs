//! TIFF files built by hand, tag by tag: every layout, and every lie.

use std::path::{Path, PathBuf};

use gemmule::error::Error;
use gemmule::io::{ReadOptions, read_stack};
use gemmule::units::VoxelSize;

/// Bytes of a file; `little` and `big` are byte order and BigTIFF.
#[derive(Clone)]
pub(crate) struct Tiff {
    pub(crate) little: bool,
    pub(crate) big: bool,
    pub(crate) pages: Vec<Page>,
    /// Written after the pages' data, where ImageJ keeps further planes.
    pub(crate) tail: Vec<u8>,
}

#[derive(Clone)]
pub(crate) struct Page {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) bits: u16,
    pub(crate) format: u16,
    pub(crate) compression: u16,
    pub(crate) photometric: u16,
    pub(crate) samples: u16,
    /// Rows per strip, or width and height of a tile.
    pub(crate) rows: u32,
    pub(crate) tile: Option<(u32, u32)>,
    /// Encoded strips or tiles.
    pub(crate) chunks: Vec<Vec<u8>>,
    /// Texts by tag number.
    pub(crate) texts: Vec<(u16, String)>,
    pub(crate) resolution: Option<(u32, u32)>,
    pub(crate) resolution_unit: u16,
}

impl Page {
    /// A page of one uncompressed strip.
    pub(crate) fn new(width: u32, height: u32, bits: u16, format: u16, data: Vec<u8>) -> Self {
        Self {
            width,
            height,
            bits,
            format,
            compression: 1,
            photometric: 1,
            samples: 1,
            rows: height,
            tile: None,
            chunks: vec![data],
            texts: vec![],
            resolution: None,
            resolution_unit: 1,
        }
    }

    pub(crate) fn u8(width: u32, height: u32, data: &[u8]) -> Self {
        Self::new(width, height, 8, 1, data.to_vec())
    }

    pub(crate) fn described(mut self, text: impl Into<String>) -> Self {
        self.texts.push((270, text.into()));
        self
    }
}

impl Tiff {
    pub(crate) fn new(pages: Vec<Page>) -> Self {
        Self { little: true, big: false, pages, tail: vec![] }
    }

    fn number(&self, out: &mut Vec<u8>, value: u64, n: usize) {
        if self.little {
            out.extend(&value.to_le_bytes()[..n]);
        } else {
            out.extend(&value.to_be_bytes()[8 - n..]);
        }
    }

    /// One tag: type, items and their width.
    fn values(&self, items: &[u64], width: usize) -> Vec<u8> {
        let mut out = vec![];
        items.iter().for_each(|&v| self.number(&mut out, v, width));
        out
    }

    /// The file's bytes: header, data of all pages, tail, values of tags, directories.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let word = if self.big { 8 } else { 4 };
        let mut out = if self.little { b"II".to_vec() } else { b"MM".to_vec() };
        if self.big {
            [43, 8, 0].iter().for_each(|&v| self.number(&mut out, v, 2));
        } else {
            self.number(&mut out, 42, 2);
        }
        let mut link = out.len();
        self.number(&mut out, 0, word);
        let mut places = vec![];
        for page in &self.pages {
            let mut at = vec![];
            for chunk in &page.chunks {
                at.push(out.len() as u64);
                out.extend(chunk);
            }
            places.push(at);
        }
        out.extend(&self.tail);
        for (page, at) in self.pages.iter().zip(&places) {
            let directory = self.directory(page, at, &mut out);
            let mut offset = vec![];
            self.number(&mut offset, out.len() as u64, word);
            out[link..link + word].copy_from_slice(&offset);
            out.extend(directory);
            link = out.len();
            self.number(&mut out, 0, word);
        }
        out
    }

    /// The directory without its link; long values are appended to `out`.
    fn directory(&self, page: &Page, at: &[u64], out: &mut Vec<u8>) -> Vec<u8> {
        let word = if self.big { 8 } else { 4 };
        let sizes: Vec<u64> = page.chunks.iter().map(|c| c.len() as u64).collect();
        let n = at.len() as u64;
        let mut tags: Vec<(u16, u16, u64, Vec<u8>)> = vec![
            (256, 4, 1, self.values(&[page.width.into()], 4)),
            (257, 4, 1, self.values(&[page.height.into()], 4)),
            (258, 3, page.samples.into(), self.values(&vec![page.bits.into(); page.samples.into()], 2)),
            (259, 3, 1, self.values(&[page.compression.into()], 2)),
            (262, 3, 1, self.values(&[page.photometric.into()], 2)),
            (277, 3, 1, self.values(&[page.samples.into()], 2)),
            (296, 3, 1, self.values(&[page.resolution_unit.into()], 2)),
            (339, 3, 1, self.values(&[page.format.into()], 2)),
        ];
        let (places, bytes) = if page.tile.is_some() { (324, 325) } else { (273, 279) };
        tags.push((places, if self.big { 16 } else { 4 }, n, self.values(at, word)));
        tags.push((bytes, if self.big { 16 } else { 4 }, n, self.values(&sizes, word)));
        match page.tile {
            Some((w, h)) => {
                tags.push((322, 4, 1, self.values(&[w.into()], 4)));
                tags.push((323, 4, 1, self.values(&[h.into()], 4)));
            }
            None => tags.push((278, 4, 1, self.values(&[page.rows.into()], 4))),
        }
        if let Some((n, d)) = page.resolution {
            tags.push((282, 5, 1, self.values(&[n.into(), d.into()], 4)));
            tags.push((283, 5, 1, self.values(&[n.into(), d.into()], 4)));
        }
        for (tag, text) in &page.texts {
            let text = [text.as_bytes(), &[0]].concat();
            tags.push((*tag, 2, text.len() as u64, text));
        }
        tags.sort_by_key(|t| t.0);
        let mut directory = vec![];
        self.number(&mut directory, tags.len() as u64, if self.big { 8 } else { 2 });
        for (tag, kind, count, mut value) in tags {
            self.number(&mut directory, tag.into(), 2);
            self.number(&mut directory, kind.into(), 2);
            self.number(&mut directory, count, word);
            if value.len() > word {
                let place = out.len() as u64;
                out.extend(&value);
                self.number(&mut directory, place, word);
            } else {
                value.resize(word, 0);
                directory.extend(value);
            }
        }
        directory
    }

    pub(crate) fn write(&self, dir: &Path) -> PathBuf {
        let path = dir.join("stack.tif");
        std::fs::write(&path, self.bytes()).unwrap();
        path
    }
}

/// Options that give a voxel size.
pub(crate) fn sized() -> ReadOptions {
    ReadOptions { voxel_size: Some(VoxelSize::new(1.0, 0.5, 0.25).unwrap()), ..ReadOptions::default() }
}

/// All voxels as f32, whatever their type.
pub(crate) fn values(path: &Path, options: &ReadOptions) -> Vec<f32> {
    let stack = read_stack(path, options).unwrap();
    (0..stack.voxels.shape().len()).map(|i| stack.voxels.value(i)).collect()
}

/// The message with which a file's bytes are refused.
pub(crate) fn refusal(bytes: &[u8]) -> String {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("stack.tif");
    std::fs::write(&path, bytes).unwrap();
    let error = read_stack(&path, &sized()).expect_err("the file must be refused");
    assert!(matches!(error, Error::File { .. }), "{error}");
    error.to_string()
}
