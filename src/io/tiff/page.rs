//! What a page holds, and whether it can hold it.

use std::path::{Path, PathBuf};

use crate::io::fault::{Fault, Found};
use crate::io::tiff::directory::{Directory, TiffFile, tag};

/// Voxel types read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum VoxelType {
    U8,
    U16,
    I16,
    F32,
}

impl VoxelType {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::U8 => "u8",
            Self::U16 => "u16",
            Self::I16 => "i16",
            Self::F32 => "f32",
        }
    }

    pub(crate) fn bytes(self) -> u64 {
        match self {
            Self::U8 => 1,
            Self::U16 | Self::I16 => 2,
            Self::F32 => 4,
        }
    }

    fn of(bits: u64, format: u64) -> Found<Self> {
        // Format 4 is "undefined": by the standard to be read as unsigned.
        match (bits, format) {
            (8, 1 | 4) => Ok(Self::U8),
            (16, 1 | 4) => Ok(Self::U16),
            (16, 2) => Ok(Self::I16),
            (32, 3) => Ok(Self::F32),
            _ => {
                let kind = match format {
                    1 | 4 => "unsigned integers",
                    2 => "signed integers",
                    3 => "floats",
                    5 | 6 => "complex numbers",
                    _ => "numbers of an unknown format",
                };
                Err(Fault::unsupported(format!(
                    "its voxels are {bits}-bit {kind}; read are u8, u16, i16 and 32-bit floats"
                )))
            }
        }
    }
}

/// Compressions read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compression {
    None,
    Lzw,
    Deflate,
    PackBits,
    Zstd,
}

impl Compression {
    fn of(code: u64) -> Found<Self> {
        match code {
            1 => Ok(Self::None),
            5 => Ok(Self::Lzw),
            8 | 32946 => Ok(Self::Deflate),
            32773 => Ok(Self::PackBits),
            50000 => Ok(Self::Zstd),
            _ => {
                let name = match code {
                    2..=4 => "fax, for black-and-white pages",
                    6 | 7 => "JPEG, which loses detail",
                    33003 | 33005 | 34712 => "JPEG 2000",
                    34925 => "LZMA",
                    50001 => "WebP",
                    50002 | 52546 => "JPEG XL",
                    _ => "unknown",
                };
                Err(Fault::unsupported(format!(
                    "its compression is {code} ({name}); read are none, LZW, Deflate, PackBits and Zstd"
                )))
            }
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Lzw => "LZW",
            Self::Deflate => "Deflate",
            Self::PackBits => "PackBits",
            Self::Zstd => "Zstd",
        }
    }

    /// The most bytes that one compressed byte can become, by the coding itself: Deflate's longest match (258) at two
    /// bits; Zstd's 128 KiB block of one value in 4 bytes; PackBits' run of 128 in 2; LZW's 4096 table entries, each at
    /// most one longer than the last, at 12 bits.
    pub(crate) fn max_expansion(self) -> u64 {
        match self {
            Self::None => 1,
            Self::Lzw => 2732,
            Self::Deflate => 1032,
            Self::PackBits => 64,
            Self::Zstd => 32768,
        }
    }
}

/// A checked page.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    /// Where its directory lies.
    pub(crate) directory: u64,
    pub(crate) width: u64,
    pub(crate) height: u64,
    pub(crate) voxel_type: VoxelType,
    pub(crate) compression: Compression,
    /// Where its voxels begin, if they lie uncompressed and in one piece.
    pub(crate) contiguous_at: Option<u64>,
    /// 0 white is zero, 1 black is zero, 3 palette.
    pub(crate) photometric: u64,
    /// Where the photometric interpretation is written.
    pub(crate) photometric_slot: Option<u64>,
}

impl Page {
    /// Bytes of its voxels.
    pub(crate) fn bytes(&self) -> u64 {
        self.width.saturating_mul(self.height).saturating_mul(self.voxel_type.bytes())
    }

    fn read(file: &mut TiffFile, directory: &Directory, chunks_left: &mut u64) -> Found<Self> {
        let mut number = |tag, name: &str, default: Option<u64>| match directory.integer(file, tag)? {
            Some(value) => Ok(value),
            None => default.ok_or_else(|| Fault::damaged(format!("its {name} is missing (tag {tag})"))),
        };
        let (width, height) = (number(tag::WIDTH, "width", None)?, number(tag::HEIGHT, "height", None)?);
        let samples = number(tag::SAMPLES_PER_PIXEL, "number of samples", Some(1))?;
        let bits = number(tag::BITS_PER_SAMPLE, "number of bits", Some(1))?;
        let format = number(tag::SAMPLE_FORMAT, "sample format", Some(1))?;
        let compression = Compression::of(number(tag::COMPRESSION, "compression", Some(1))?)?;
        let photometric = number(tag::PHOTOMETRIC, "photometric interpretation", None)?;
        if width == 0 || height == 0 || width > u64::from(u32::MAX) || height > u64::from(u32::MAX) {
            return Err(Fault::damaged(format!("it claims {height} x {width} voxels")));
        }
        if samples != 1 || !matches!(photometric, 0 | 1 | 3) {
            return Err(Fault::unsupported(format!(
                "it has {samples} samples per voxel (colours), photometric interpretation {photometric}; read are grey values, one channel per page"
            )));
        }
        let mut page = Self {
            directory: directory.offset,
            width,
            height,
            voxel_type: VoxelType::of(bits, format)?,
            compression,
            contiguous_at: None,
            photometric,
            photometric_slot: directory.short_slot(tag::PHOTOMETRIC),
        };
        page.check_chunks(file, directory, chunks_left)?;
        Ok(page)
    }

    /// Checks that strips or tiles are as many as the shape needs, lie in the file and can hold the voxels.
    fn check_chunks(&mut self, file: &mut TiffFile, directory: &Directory, chunks_left: &mut u64) -> Found<()> {
        let tiled = directory.integer(file, tag::TILE_WIDTH)?.is_some();
        let (wide, high, offsets, sizes) = if tiled {
            let (wide, high) = (directory.integer(file, tag::TILE_WIDTH)?, directory.integer(file, tag::TILE_HEIGHT)?);
            (wide.unwrap_or(0), high.unwrap_or(0), tag::TILE_OFFSETS, tag::TILE_BYTES)
        } else {
            let rows = directory.integer(file, tag::ROWS_PER_STRIP)?.unwrap_or(self.height).min(self.height);
            (self.width, rows, tag::STRIP_OFFSETS, tag::STRIP_BYTES)
        };
        if wide == 0 || high == 0 || wide > u64::from(u32::MAX) || high > u64::from(u32::MAX) {
            return Err(Fault::damaged(format!("its tiles or strips are {high} x {wide}")));
        }
        let expected = self.width.div_ceil(wide).saturating_mul(self.height.div_ceil(high));
        let missing =
            |tag| Fault::damaged(format!("the places or sizes of its strips or tiles are missing (tag {tag})"));
        let offsets = directory.integers(file, offsets)?.ok_or_else(|| missing(offsets))?;
        let sizes = directory.integers(file, sizes)?.ok_or_else(|| missing(sizes))?;
        if offsets.len() as u64 != expected || sizes.len() as u64 != expected {
            return Err(Fault::damaged(format!(
                "it lists {} places and {} sizes of strips or tiles, its {} x {} voxels need {expected}",
                offsets.len(),
                sizes.len(),
                self.height,
                self.width
            )));
        }
        *chunks_left = chunks_left
            .checked_sub(expected)
            .ok_or_else(|| Fault::damaged("its pages claim more strips or tiles than the file has bytes"))?;
        let mut held = 0_u64;
        for (&at, &size) in offsets.iter().zip(&sizes) {
            if at.checked_add(size).is_none_or(|end| end > file.len) {
                return Err(Fault::damaged(format!(
                    "a strip or tile of {size} bytes is announced at {at}, but the file has {} bytes (truncated)",
                    file.len
                )));
            }
            held = held.saturating_add(size);
        }
        // A tile is decoded whole, its padding too.
        let tile = wide.saturating_mul(high).saturating_mul(self.voxel_type.bytes());
        let claimed = self.bytes().max(if tiled { tile } else { 0 });
        if held > file.len || claimed > held.saturating_mul(self.compression.max_expansion()) {
            return Err(Fault::damaged(format!(
                "it claims {} x {} voxels of type {}, which {held} bytes of {} data cannot hold",
                self.height,
                self.width,
                self.voxel_type.name(),
                if self.compression == Compression::None { "uncompressed" } else { self.compression.name() },
            )));
        }
        let joined = offsets.windows(2).zip(&sizes).all(|(at, size)| at[0] + size == at[1]);
        if !tiled && joined && self.compression == Compression::None {
            self.contiguous_at = offsets.first().copied();
        }
        Ok(())
    }
}

/// The checked pages of a file that is no longer open: a stack may lie in thousands of files.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub(crate) path: PathBuf,
    pub(crate) len: u64,
    pub(crate) big: bool,
    pub(crate) little_endian: bool,
    pub(crate) pages: Vec<Page>,
}

impl Member {
    /// Checks every page of an open file.
    pub(crate) fn of(mut file: TiffFile, directories: &[Directory]) -> Found<Self> {
        let pages = pages(&mut file, directories)?;
        Ok(Self { path: file.path, len: file.len, big: file.big, little_endian: file.little_endian, pages })
    }

    /// Opens a file and checks every page.
    pub(crate) fn open(path: &Path) -> Found<Self> {
        let mut file = TiffFile::open(path)?;
        let directories = file.directories()?;
        Self::of(file, &directories)
    }
}

/// All pages, each of the same shape, type and compression as the first.
fn pages(file: &mut TiffFile, directories: &[Directory]) -> Found<Vec<Page>> {
    let mut chunks_left = file.len;
    let mut pages: Vec<Page> = Vec::with_capacity(directories.len());
    for (n, directory) in directories.iter().enumerate() {
        let page = Page::read(file, directory, &mut chunks_left).map_err(|fault| fault.on_page(n))?;
        if let Some(first) = pages.first()
            && (first.width, first.height, first.voxel_type) != (page.width, page.height, page.voxel_type)
        {
            let of = |p: &Page| format!("{} x {} {}", p.height, p.width, p.voxel_type.name());
            return Err(Fault::new(
                format!("page {n} is {}, page 0 is {}", of(&page), of(first)),
                "a stack has pages of one shape and type: remove thumbnails and other images from it",
            ));
        }
        pages.push(page);
    }
    Ok(pages)
}
