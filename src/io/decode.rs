//! Pages -> voxels.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;

use rayon::prelude::*;
use tiff::decoder::DecodingResult;
use tiff::tags::ByteOrder;

use crate::error::{Error, Result};
use crate::io::layout::Layout;
use crate::io::pages::{self, FileDecoder, Page, Pages, Sample};
use crate::volume::{Shape, Volume, Voxels};

/// Decodes the planes of one channel at one time.
pub(crate) fn voxels(path: &Path, pages: &Pages, layout: &Layout, channel: usize, time: usize) -> Result<Voxels> {
    let planes = layout.planes(channel, time);
    let page = pages.list[0];
    let shape = Shape::new(planes.len(), page.height, page.width)?;
    let voxels = match page.sample {
        Sample::U8 => Voxels::U8(Volume::new(shape, read::<u8>(path, pages, layout, planes)?)?),
        Sample::U16 => Voxels::U16(Volume::new(shape, read::<u16>(path, pages, layout, planes)?)?),
        Sample::I16 => Voxels::I16(Volume::new(shape, read::<i16>(path, pages, layout, planes)?)?),
        Sample::F32 => Voxels::F32(Volume::new(shape, read::<f32>(path, pages, layout, planes)?)?),
    };
    if let Voxels::F32(v) = &voxels
        && let Some(i) = v.as_slice().iter().position(|v| !v.is_finite())
    {
        let at = shape.voxel(i);
        return Err(Error::file(
            path,
            format!("voxel (z {}, y {}, x {}) is {}", at.z, at.y, at.x, v.as_slice()[i]),
            "replace values that are no numbers, or export the stack as acquired",
        ));
    }
    Ok(voxels)
}

/// A voxel type as a decoder returns it and as raw bytes.
trait Decoded: bytemuck::Pod + Send {
    fn take(result: DecodingResult) -> Option<Vec<Self>>;
    fn swapped(self) -> Self;
}

macro_rules! decoded {
    ($($t:ty, $variant:ident, $swap:expr;)*) => {$(
        impl Decoded for $t {
            fn take(result: DecodingResult) -> Option<Vec<Self>> {
                if let DecodingResult::$variant(v) = result { Some(v) } else { None }
            }
            fn swapped(self) -> Self {
                let swap: fn($t) -> $t = $swap;
                swap(self)
            }
        }
    )*};
}
decoded! {
    u8, U8, |v| v;
    u16, U16, u16::swap_bytes;
    i16, I16, i16::swap_bytes;
    f32, F32, |v| f32::from_bits(v.to_bits().swap_bytes());
}

fn read<T: Decoded>(path: &Path, pages: &Pages, layout: &Layout, planes: &[usize]) -> Result<Vec<T>> {
    if layout.contiguous {
        return contiguous(path, pages, planes);
    }
    // A decoder walks the chain of directories from its start: each thread has its own.
    let threads = rayon::current_num_threads().min(planes.len()).max(1);
    let parts: Vec<Result<Vec<T>>> = planes
        .par_chunks(planes.len().div_ceil(threads))
        .map(|part| {
            let (mut decoder, _) = pages::open(path)?;
            let mut values = Vec::new();
            for &n in part {
                values.extend(page_values::<T>(path, &mut decoder, pages.list[n], n)?);
            }
            Ok(values)
        })
        .collect();
    let mut all = Vec::new();
    for part in parts {
        all.extend(part?);
    }
    Ok(all)
}

fn page_values<T: Decoded>(path: &Path, decoder: &mut FileDecoder, page: Page, n: usize) -> Result<Vec<T>> {
    let place = format!("page {n}");
    decoder.seek_to_image(n).map_err(|e| pages::explain(path, &e, &place))?;
    let result = decoder.read_image().map_err(|e| pages::explain(path, &e, &place))?;
    let expected = page.width * page.height;
    match T::take(result) {
        Some(values) if values.len() == expected => Ok(values),
        Some(values) => Err(Error::file(
            path,
            format!("{place} has {} voxels instead of {expected}", values.len()),
            "export it again as TIFF",
        )),
        None => Err(Error::file(path, format!("{place} is not {}", page.sample.name()), "export it again as TIFF")),
    }
}

/// Planes that follow each other after the first page's offset (ImageJ above 4 GB).
fn contiguous<T: Decoded>(path: &Path, pages: &Pages, planes: &[usize]) -> Result<Vec<T>> {
    let failed = |problem: String| Error::file(path, problem, "copy or export the file again");
    let page = pages.list[0];
    let plane_bytes = (page.width * page.height * page.sample.bytes()) as u64;
    if pages.compressed {
        return Err(failed("is compressed, but has one directory for all its planes".into()));
    }
    let last = planes.iter().copied().max().unwrap_or(0) as u64;
    let end = plane_bytes.checked_mul(last + 1).and_then(|n| n.checked_add(pages.first_offset));
    if end.is_none_or(|end| end > pages.file_bytes) {
        return Err(failed(format!("names {} planes or more, but ends too early for them", last + 1)));
    }
    let mut file = File::open(path).map_err(|e| failed(format!("cannot be read ({e})")))?;
    let mut all = vec![T::zeroed(); page.width * page.height * planes.len()];
    for (&n, plane) in planes.iter().zip(all.chunks_mut(page.width * page.height)) {
        let place = SeekFrom::Start(pages.first_offset + n as u64 * plane_bytes);
        let read = file.seek(place).and_then(|_| file.read_exact(bytemuck::cast_slice_mut(plane)));
        read.map_err(|e| failed(format!("cannot be read (plane {n}: {e})")))?;
    }
    let native = if cfg!(target_endian = "big") { ByteOrder::BigEndian } else { ByteOrder::LittleEndian };
    if pages.byte_order != native {
        all.iter_mut().for_each(|v| *v = v.swapped());
    }
    Ok(all)
}
