//! The directories of a TIFF: what each page claims to be, checked before anything is decoded.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use tiff::TiffError;
use tiff::decoder::ifd::Value;
use tiff::decoder::{Decoder, Limits};
use tiff::tags::{ByteOrder, Tag};

use crate::error::{Error, Result};

/// Most bytes a compressed byte can stand for: LZW reaches 2700, Deflate 1032; more is a lie or an attack.
const MAX_EXPANSION: u64 = 5000;
/// Most pages: more than any microscope writes into one file, few enough to end a bad chain.
const MAX_PAGES: usize = 1_000_000;

/// How a sample is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sample {
    U8,
    U16,
    I16,
    F32,
}

impl Sample {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::U8 => "u8",
            Self::U16 => "u16",
            Self::I16 => "i16",
            Self::F32 => "f32",
        }
    }

    pub(crate) fn bytes(self) -> usize {
        match self {
            Self::U8 => 1,
            Self::U16 | Self::I16 => 2,
            Self::F32 => 4,
        }
    }
}

/// One page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Page {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) sample: Sample,
}

/// All pages, and what the first one says about the whole.
#[derive(Debug)]
pub(crate) struct Pages {
    pub(crate) list: Vec<Page>,
    pub(crate) file_bytes: u64,
    pub(crate) byte_order: ByteOrder,
    pub(crate) compressed: bool,
    pub(crate) description: String,
    pub(crate) software: String,
    /// Pixels per unit along x and y.
    pub(crate) resolution: Option<(f64, f64)>,
    /// Where the voxels of the first page begin.
    pub(crate) first_offset: u64,
}

pub(crate) type FileDecoder = Decoder<BufReader<File>>;

/// Opens a file for decoding.
pub(crate) fn open(path: &Path) -> Result<(FileDecoder, u64)> {
    let failed =
        |problem: String| Error::file(path, problem, "check the name and whether the file was copied completely");
    let meta = std::fs::metadata(path).map_err(|e| failed(format!("cannot be read ({e})")))?;
    if !meta.is_file() {
        return Err(failed("is a folder, not a file".into()));
    }
    if meta.len() == 0 {
        return Err(failed("is empty (0 bytes)".into()));
    }
    let file = File::open(path).map_err(|e| failed(format!("cannot be read ({e})")))?;
    let mut limits = Limits::default();
    let most = meta.len().saturating_mul(MAX_EXPANSION).min(1 << 33) as usize;
    limits.decoding_buffer_size = most.max(1 << 16);
    limits.intermediate_buffer_size = limits.decoding_buffer_size;
    let decoder = Decoder::new(BufReader::new(file)).map_err(|e| explain(path, &e, "first page"))?;
    Ok((decoder.with_limits(limits), meta.len()))
}

/// A decoder's error in our words.
pub(crate) fn explain(path: &Path, error: &TiffError, place: &str) -> Error {
    let (problem, remedy) = match error {
        TiffError::IoError(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => {
            (format!("ends too early ({place})"), "copy or export the file again")
        }
        TiffError::IoError(e) => (format!("cannot be read ({place}: {e})"), "check the disk and the file"),
        TiffError::FormatError(e) => (format!("is no valid TIFF ({place}: {e})"), "export it again as TIFF"),
        TiffError::UnsupportedError(e) => {
            (format!("uses a TIFF feature that cannot be read ({place}: {e})"), "export it as 8- or 16-bit grey TIFF")
        }
        TiffError::LimitsExceeded => {
            (format!("claims more data than its size allows ({place})"), "export it again; the header is wrong")
        }
        e => (format!("cannot be decoded ({place}: {e})"), "export it again as TIFF"),
    };
    Error::file(path, problem, remedy)
}

/// Reads every directory.
pub(crate) fn scan(path: &Path) -> Result<Pages> {
    let (mut decoder, file_bytes) = open(path)?;
    let text = |decoder: &mut FileDecoder, tag| {
        decoder.find_tag(tag).ok().flatten().and_then(|v| v.into_string().ok()).unwrap_or_default()
    };
    let ratio = |decoder: &mut FileDecoder, tag| match decoder.find_tag(tag) {
        Ok(Some(Value::Rational(n, d))) if n > 0 && d > 0 => Some(f64::from(n) / f64::from(d)),
        _ => None,
    };
    let x = ratio(&mut decoder, Tag::XResolution);
    let y = ratio(&mut decoder, Tag::YResolution);
    let compression = decoder.find_tag_unsigned::<u16>(Tag::Compression).ok().flatten().unwrap_or(1);
    let offsets = decoder.find_tag_unsigned_vec::<u64>(Tag::StripOffsets).ok().flatten().unwrap_or_default();
    let mut pages = Pages {
        list: Vec::new(),
        file_bytes,
        byte_order: decoder.byte_order(),
        compressed: compression != 1,
        description: text(&mut decoder, Tag::ImageDescription),
        software: text(&mut decoder, Tag::Software),
        resolution: x.zip(y),
        first_offset: offsets.first().copied().unwrap_or(0),
    };
    loop {
        let n = pages.list.len();
        let page = page(path, &mut decoder, n)?;
        check_size(path, &page, &pages, n)?;
        pages.list.push(page);
        if !decoder.more_images() {
            return Ok(pages);
        }
        if n + 1 >= MAX_PAGES {
            return Err(Error::file(path, format!("has more than {MAX_PAGES} pages"), "split the file"));
        }
        decoder.next_image().map_err(|e| explain(path, &e, &format!("page {}", n + 1)))?;
    }
}

fn page(path: &Path, decoder: &mut FileDecoder, n: usize) -> Result<Page> {
    let place = format!("page {n}");
    let failed = |e: TiffError| explain(path, &e, &place);
    let (width, height) = decoder.dimensions().map_err(failed)?;
    if width == 0 || height == 0 {
        return Err(Error::file(path, format!("{place} has {width} x {height} pixels"), "export it again as TIFF"));
    }
    let bits = decoder.find_tag_unsigned_vec::<u16>(Tag::BitsPerSample).map_err(failed)?.unwrap_or_else(|| vec![1]);
    let format = decoder.find_tag_unsigned_vec::<u16>(Tag::SampleFormat).map_err(failed)?.unwrap_or_else(|| vec![1]);
    let photometric = decoder.find_tag_unsigned::<u16>(Tag::PhotometricInterpretation).map_err(failed)?.unwrap_or(1);
    let grey = bits.len() == 1 && photometric <= 1;
    let sample = match (bits[..].first(), format.first()) {
        (Some(8), Some(1 | 4)) if grey => Sample::U8,
        (Some(16), Some(1 | 4)) if grey => Sample::U16,
        (Some(16), Some(2)) if grey => Sample::I16,
        (Some(32), Some(3)) if grey => Sample::F32,
        _ => {
            let problem = format!(
                "{place} has {} samples of {bits:?} bits, format {format:?}, colour type {photometric}",
                bits.len()
            );
            return Err(Error::file(
                path,
                problem,
                "export it as grey: 8 or 16 bits, or 32-bit float; colours as channels",
            ));
        }
    };
    Ok(Page { width: width as usize, height: height as usize, sample })
}

/// Refuses pages that cannot be in a file of this size, before memory is asked for.
fn check_size(path: &Path, page: &Page, pages: &Pages, n: usize) -> Result<()> {
    if pages.list.first().is_some_and(|first| first != page) {
        let first = pages.list[0];
        let describe = |p: &Page| format!("{} x {} {}", p.height, p.width, p.sample.name());
        return Err(Error::file(
            path,
            format!("page {n} is {}, but page 0 is {}", describe(page), describe(&first)),
            "remove previews, or export the stack alone",
        ));
    }
    let claimed = (page.width as u64).saturating_mul(page.height as u64).saturating_mul(page.sample.bytes() as u64);
    let most = pages.file_bytes.saturating_mul(if pages.compressed { MAX_EXPANSION } else { 1 });
    if claimed > most {
        return Err(Error::file(
            path,
            format!(
                "page {n} claims {} x {} voxels, more than {} bytes can hold",
                page.height, page.width, pages.file_bytes
            ),
            "copy or export the file again; the header is wrong",
        ));
    }
    Ok(())
}
