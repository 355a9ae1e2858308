//! Which page is which plane, channel and time point.

use crate::io::fault::{Fault, Found};
use crate::io::meta::{imagej, ome, scanimage};
use crate::io::tiff::{Directory, TiffFile, tag};
use crate::units::VoxelSize;

/// The texts and numbers of the first page that describe the whole file.
#[derive(Debug, Default)]
pub(crate) struct Texts {
    pub(crate) description: String,
    pub(crate) software: String,
    /// Pixels per unit, as numerator and denominator.
    pub(crate) x_resolution: Option<(u64, u64)>,
    pub(crate) y_resolution: Option<(u64, u64)>,
    /// 2 inch, 3 cm.
    pub(crate) resolution_unit: Option<u64>,
    /// Shape and number of the pages.
    pub(crate) width: u64,
    pub(crate) height: u64,
    pub(crate) pages: usize,
}

impl Texts {
    pub(crate) fn read(file: &mut TiffFile, first: &Directory) -> Found<Self> {
        Ok(Self {
            description: first.text(file, tag::DESCRIPTION)?,
            software: first.text(file, tag::SOFTWARE)?,
            x_resolution: first.fraction(file, tag::X_RESOLUTION)?,
            y_resolution: first.fraction(file, tag::Y_RESOLUTION)?,
            resolution_unit: first.integer(file, tag::RESOLUTION_UNIT)?,
            ..Self::default()
        })
    }
}

/// A voxel size if there is one, and where it was read from, or why there is none.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct FoundSize {
    pub(crate) size: Option<VoxelSize>,
    pub(crate) source: String,
}

impl FoundSize {
    pub(crate) fn unknown(why: impl Into<String>) -> Self {
        Self { size: None, source: why.into() }
    }

    /// A size read, (z, y, x) in µm, unless it is out of range.
    pub(crate) fn of(zyx_um: [f64; 3], source: String) -> Self {
        let [z, y, x] = zyx_um;
        match VoxelSize::new(z, y, x) {
            Ok(size) => Self { size: Some(size), source },
            Err(e) => Self::unknown(format!("{source}: {e}")),
        }
    }
}

/// The order of the planes of a file.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Layout {
    /// Program family that wrote the file.
    pub(crate) format: &'static str,
    pub(crate) slices: usize,
    pub(crate) channels: usize,
    pub(crate) times: usize,
    /// Page of each plane: (time, channel, slice) with slice fastest.
    pub(crate) page_of: Vec<usize>,
    /// The planes follow the only page without pages of their own.
    pub(crate) one_page: bool,
    pub(crate) voxel: FoundSize,
    /// Names of the channels; empty where the file has none.
    pub(crate) channel_names: Vec<String>,
    /// What else a user should know, such as frames that were averaged.
    pub(crate) remarks: Vec<String>,
}

impl Layout {
    /// A layout in which the page of (time, channel, slice) is given by a formula.
    pub(crate) fn by(
        format: &'static str,
        (times, channels, slices): (usize, usize, usize),
        voxel: FoundSize,
        page: impl Fn(usize, usize, usize) -> usize,
    ) -> Self {
        let mut page_of = Vec::with_capacity(times * channels * slices);
        for t in 0..times {
            for c in 0..channels {
                page_of.extend((0..slices).map(|z| page(t, c, z)));
            }
        }
        Self {
            format,
            slices,
            channels,
            times,
            page_of,
            one_page: false,
            voxel,
            channel_names: Vec::new(),
            remarks: Vec::new(),
        }
    }

    /// The pages of one channel at one time point.
    pub(crate) fn planes(&self, channel: usize, time: usize) -> &[usize] {
        let start = (time * self.channels + channel) * self.slices;
        &self.page_of[start..start + self.slices]
    }
}

/// Whether the description is OME-XML.
pub(crate) fn is_ome(texts: &Texts) -> bool {
    texts.description.contains("<OME") || texts.description.contains(":OME ")
}

/// What the file says about its planes; without words, its pages are the planes of one stack.
///
/// `fits` says how many planes of the first page's shape lie in the file behind its first voxel, 0 if they could not.
pub(crate) fn layout(texts: &Texts, fits: u64) -> Found<Layout> {
    let description = texts.description.trim_start();
    if description.starts_with("ImageJ=") {
        return imagej::layout(texts, fits);
    }
    if is_ome(texts) {
        return ome::layout(texts, &[], &[texts.pages]);
    }
    if scanimage::wrote(texts) {
        return scanimage::layout(texts);
    }
    let why = match texts.resolution_unit {
        Some(2 | 3) => "the file has only a TIFF resolution, which many programs fill in for printing",
        _ => "neither OME, ScanImage nor ImageJ metadata are in the file",
    };
    Ok(Layout::by("TIFF", (1, 1, texts.pages), FoundSize::unknown(why), |_, _, z| z))
}

/// The product of counts, if it is `pages`.
pub(crate) fn check_count(who: &str, counts: &[(&str, usize)], pages: usize) -> Found<()> {
    let product = counts.iter().try_fold(1_usize, |n, (_, count)| n.checked_mul(*count));
    if product == Some(pages) && pages > 0 {
        return Ok(());
    }
    let said: Vec<String> = counts.iter().map(|(name, count)| format!("{count} {name}")).collect();
    Err(Fault::new(
        format!("{who} says {}, but there are {pages} planes", said.join(" x ")),
        "the recording was stopped early, is spread over several files or was edited: save the whole stack again as an ImageJ hyperstack",
    ))
}
