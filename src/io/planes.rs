//! Recordings whose planes are pages of TIFF files, or lie one after the other in a file.

use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::io::fault::{Fault, Found};
use crate::io::folder::{beside, read_text};
use crate::io::memory::MemoryLimit;
use crate::io::meta::{Layout, Texts, is_ome, layout, ome};
use crate::io::source::{Described, Source};
use crate::io::tiff::{Member, Page, PlaneAt, Sample, TiffFile, VoxelType, read_planes};
use crate::volume::{Shape, Volume, Voxels};

/// Where the planes lie that a layout counts.
#[derive(Debug)]
enum Pages {
    /// Pages of files, all files' one after the other: (file, page).
    Of(Vec<(usize, usize)>),
    /// Bytes of the first file, from a place on, each plane as long as the shape says.
    Behind { path: PathBuf, at: u64, little_endian: bool },
}

/// A recording made of planes.
#[derive(Debug)]
pub(super) struct PlaneStack {
    described: Described,
    members: Vec<Member>,
    pages: Pages,
    layout: Layout,
    /// Files with words only.
    texts: Vec<PathBuf>,
    raw_values: bool,
}

impl PlaneStack {
    /// The pages of `members`, ordered by a layout that counts through all of them; `texts` are further files that belong to it.
    pub(super) fn of_pages(members: Vec<Member>, layout: Layout, texts: Vec<PathBuf>) -> Found<Self> {
        let Some(first) = members.first().and_then(|m| m.pages.first()).cloned() else {
            return Err(Fault::damaged("has no pages"));
        };
        for member in &members {
            let page = &member.pages[0];
            if (page.width, page.height, page.voxel_type) != (first.width, first.height, first.voxel_type) {
                let of = |p: &Page| format!("{} x {} {}", p.height, p.width, p.voxel_type.name());
                let name = member.path.file_name().unwrap_or_default().to_string_lossy();
                return Err(Fault::new(
                    format!("its file {name} has planes of {}, the first file of {}", of(page), of(&first)),
                    "a stack has planes of one shape and type: take out what does not belong to it",
                ));
            }
        }
        let pages = members.iter().enumerate().flat_map(|(m, member)| (0..member.pages.len()).map(move |p| (m, p)));
        let mut pages = Pages::Of(pages.collect());
        let (mut bytes, mut name) = (0, layout.format.to_owned());
        members.iter().for_each(|m| bytes += m.len);
        if layout.one_page {
            let (at, little_endian) = (first.contiguous_at.unwrap_or_default(), members[0].little_endian);
            pages = Pages::Behind { path: members[0].path.clone(), at, little_endian };
        }
        if members[0].big {
            name = name.replace("TIFF", "BigTIFF");
        }
        let described = Described {
            format: name,
            slices: layout.slices,
            height: first.height as usize,
            width: first.width as usize,
            voxel_type: first.voxel_type,
            voxel: layout.voxel.clone(),
            channels: layout.channels,
            times: layout.times,
            channel_names: layout.channel_names.clone(),
            remarks: layout.remarks.clone(),
            compression: first.compression.name().into(),
            bytes,
        };
        let raw_values = layout.format.starts_with("ImageJ");
        Ok(Self { described, members, pages, layout, texts, raw_values })
    }

    /// Little-endian 16-bit planes of `height` x `width` one after the other in a file of `bytes`.
    pub(super) fn of_raw(
        path: PathBuf,
        bytes: u64,
        (height, width): (usize, usize),
        layout: Layout,
        texts: Vec<PathBuf>,
    ) -> Self {
        let described = Described {
            format: layout.format.to_owned(),
            slices: layout.slices,
            height,
            width,
            voxel_type: VoxelType::U16,
            voxel: layout.voxel.clone(),
            channels: layout.channels,
            times: layout.times,
            channel_names: layout.channel_names.clone(),
            remarks: layout.remarks.clone(),
            compression: "none".into(),
            bytes,
        };
        let pages = Pages::Behind { path, at: 0, little_endian: true };
        Self { described, members: Vec::new(), pages, layout, texts, raw_values: false }
    }

    fn plane(&self, n: usize) -> PlaneAt<'_> {
        let Described { height, width, voxel_type, .. } = self.described;
        match &self.pages {
            Pages::Of(pages) => {
                let (member, page) = pages[n];
                PlaneAt::Page { file: &self.members[member], page, raw_values: self.raw_values }
            }
            Pages::Behind { path, at, little_endian } => PlaneAt::Bytes {
                path,
                at: at + n as u64 * (height * width) as u64 * voxel_type.bytes(),
                little_endian: *little_endian,
            },
        }
    }

    fn volume<T: Sample>(&self, shape: Shape, wanted: &[PlaneAt<'_>]) -> Found<Volume<T>> {
        let voxels = read_planes((shape.y, shape.x), wanted)?;
        Volume::new(shape, voxels).map_err(|e| Fault::damaged(e.to_string()))
    }

    /// The page sizes were checked one by one; pages that share their data could still claim more than the files hold.
    fn check_size(&self, shape: Shape) -> Found<()> {
        let most = self.members.first().map_or(1, |m| m.pages[0].compression.max_expansion());
        let Described { bytes, voxel_type, .. } = self.described;
        if (shape.len() as u64).saturating_mul(voxel_type.bytes()) > bytes.saturating_mul(most) {
            return Err(Fault::damaged(format!(
                "it claims {shape} voxels of type {}, more than a file of {bytes} bytes can hold",
                voxel_type.name()
            )));
        }
        Ok(())
    }
}

impl Source for PlaneStack {
    fn described(&self) -> &Described {
        &self.described
    }

    fn read(&self, channel: usize, time: usize, z: Range<usize>, _: MemoryLimit) -> Found<Voxels> {
        let shape = self.described.shape().map_err(|e| Fault::damaged(e.to_string()))?;
        self.check_size(shape)?;
        let shape = Shape { z: z.len(), ..shape };
        let wanted: Vec<PlaneAt<'_>> = self.layout.planes(channel, time)[z].iter().map(|&n| self.plane(n)).collect();
        Ok(match self.described.voxel_type {
            VoxelType::U8 => Voxels::U8(self.volume(shape, &wanted)?),
            VoxelType::U16 => Voxels::U16(self.volume(shape, &wanted)?),
            VoxelType::I16 => Voxels::I16(self.volume(shape, &wanted)?),
            VoxelType::F32 => Voxels::F32(self.volume(shape, &wanted)?),
        })
    }

    fn files(&self) -> Found<Vec<PathBuf>> {
        let raw = match &self.pages {
            Pages::Behind { path, .. } if self.members.is_empty() => Some(path.clone()),
            _ => None,
        };
        Ok(self.members.iter().map(|m| m.path.clone()).chain(raw).chain(self.texts.iter().cloned()).collect())
    }
}

/// A TIFF file, or the OME-TIFF files it belongs to.
pub(super) fn open_tiff(path: &Path) -> Found<PlaneStack> {
    let mut file = TiffFile::open(path)?;
    let directories = file.directories()?;
    // A chain of pages has at least one: the first directory is not at 0.
    let texts = Texts::read(&mut file, &directories[0])?;
    if is_ome(&texts) {
        if let Some(name) = ome::metadata_file(&texts.description)? {
            return open_metadata(&beside(path, &name)?);
        }
        let names = ome::files(&texts.description)?;
        if names.len() > 1 {
            return open_set(path, texts, &names, Vec::new());
        }
    }
    let member = Member::of(file, &directories)?;
    let first = &member.pages[0];
    let texts = Texts { width: first.width, height: first.height, pages: member.pages.len(), ..texts };
    let fits = first.contiguous_at.map_or(0, |at| (member.len - at) / first.bytes());
    let layout = layout(&texts, fits)?;
    PlaneStack::of_pages(vec![member], layout, Vec::new())
}

/// The file that holds the metadata of several: OME-XML, or the OME-TIFF that has them all.
pub(super) fn open_metadata(path: &Path) -> Found<PlaneStack> {
    let is_xml = !TiffFile::is_tiff(path)?;
    let description = if is_xml {
        read_text(path)?
    } else {
        let mut file = TiffFile::open(path)?;
        let directories = file.directories()?;
        Texts::read(&mut file, &directories[0])?.description
    };
    if ome::metadata_file(&description)?.is_some() {
        return Err(Fault::damaged(format!(
            "its OME-XML lies in {}, which names another file in turn",
            path.display()
        )));
    }
    let names = ome::files(&description)?;
    if names.is_empty() {
        return Err(Fault::damaged(format!("{} names no files (UUID FileName)", path.display())));
    }
    let texts = Texts { description, ..Texts::default() };
    open_set(path, texts, &names, if is_xml { vec![path.into()] } else { Vec::new() })
}

fn open_set(path: &Path, texts: Texts, names: &[String], words: Vec<PathBuf>) -> Found<PlaneStack> {
    let mut members = Vec::with_capacity(names.len());
    for name in names {
        members.push(Member::open(&beside(path, name)?).map_err(|fault| fault.in_file(name))?);
    }
    let (width, height) = (members[0].pages[0].width, members[0].pages[0].height);
    let counts: Vec<usize> = members.iter().map(|m| m.pages.len()).collect();
    let texts = Texts { width, height, pages: counts.iter().sum(), ..texts };
    let layout = ome::layout(&texts, names, &counts)?;
    PlaneStack::of_pages(members, Layout { format: "OME-TIFF of several files", ..layout }, words)
}
