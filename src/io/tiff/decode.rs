//! Decoding of pages, many at a time.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use ::tiff::decoder::{Decoder, Limits};
use rayon::prelude::*;

use crate::io::fault::{Fault, Found};
use crate::io::tiff::page::Member;

/// A voxel as it lies in a file.
pub(crate) trait Sample: bytemuck::Pod + Send + Sync {
    /// The value of the other byte order.
    fn swapped(self) -> Self;

    /// Whether it is a number.
    fn is_number(self) -> bool {
        true
    }
}

impl Sample for u8 {
    fn swapped(self) -> Self {
        self
    }
}

impl Sample for u16 {
    fn swapped(self) -> Self {
        self.swap_bytes()
    }
}

impl Sample for i16 {
    fn swapped(self) -> Self {
        self.swap_bytes()
    }
}

impl Sample for f32 {
    fn swapped(self) -> Self {
        Self::from_bits(self.to_bits().swap_bytes())
    }

    fn is_number(self) -> bool {
        self.is_finite()
    }
}

/// A file in which some bytes read differently: it lets a decoder begin at any page, at no cost per page before it.
struct Patched {
    reader: BufReader<File>,
    position: u64,
    patches: Vec<(u64, Vec<u8>)>,
}

impl Read for Patched {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let n = self.reader.read(buffer)?;
        for (at, bytes) in &self.patches {
            for (place, &byte) in (*at..).zip(bytes) {
                if let Some(i) = place.checked_sub(self.position).filter(|&i| i < n as u64) {
                    buffer[i as usize] = byte;
                }
            }
        }
        self.position += n as u64;
        Ok(n)
    }
}

impl Seek for Patched {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        self.position = self.reader.seek(to)?;
        Ok(self.position)
    }
}

/// Where a plane lies.
#[derive(Clone, Copy, Debug)]
pub(crate) enum PlaneAt<'a> {
    /// A page of a TIFF file. With `raw_values` the photometric interpretation is a matter of display (ImageJ's look-up tables), not of values.
    Page { file: &'a Member, page: usize, raw_values: bool },
    /// Voxels as they are, from a place in a file on.
    Bytes { path: &'a Path, at: u64, little_endian: bool },
}

/// The voxels of the planes `wanted`, each of `width` x `height`, one after the other.
///
/// Memory grows only as planes are decoded, so that a file that lies about its size fails before it costs much.
pub(crate) fn read_planes<T: Sample>((height, width): (usize, usize), wanted: &[PlaneAt<'_>]) -> Found<Vec<T>> {
    let plane_len = height * width;
    let mut voxels: Vec<T> = Vec::new();
    let no_memory = |_| Fault::new("has more voxels than there is memory for", "crop it, or use a larger machine");
    voxels.try_reserve_exact(plane_len.saturating_mul(wanted.len())).map_err(no_memory)?;
    for batch in wanted.chunks(2 * rayon::current_num_threads()) {
        let start = voxels.len();
        voxels.resize(start + batch.len() * plane_len, T::zeroed());
        let done: Vec<Found<()>> =
            voxels[start..].par_chunks_mut(plane_len).zip(batch).map(|(out, plane)| plane.read(out)).collect();
        done.into_iter().collect::<Found<()>>()?;
        check_numbers(&voxels[start..], start / plane_len, (height, width))?;
    }
    Ok(voxels)
}

/// Refuses what is not a number in planes from `z0` on.
pub(crate) fn check_numbers<T: Sample>(voxels: &[T], z0: usize, (height, width): (usize, usize)) -> Found<()> {
    let Some(i) = voxels.iter().position(|v| !v.is_number()) else { return Ok(()) };
    let (z, y, x) = (z0 + i / (height * width), i / width % height, i % width);
    Err(Fault::new(
        format!("the voxel (z, y, x) = ({z}, {y}, {x}) is not a finite number (NaN or infinite)"),
        "replace such voxels before saving the stack",
    ))
}

impl PlaneAt<'_> {
    fn read<T: Sample>(&self, out: &mut [T]) -> Found<()> {
        match *self {
            Self::Page { file, page, raw_values } => {
                file.decode(page, raw_values, bytemuck::cast_slice_mut(out)).map_err(|fault| fault.on_page(page))
            }
            Self::Bytes { path, at, little_endian } => {
                let mut file = File::open(path)?;
                file.seek(SeekFrom::Start(at))?;
                file.read_exact(bytemuck::cast_slice_mut(out))?;
                if little_endian != cfg!(target_endian = "little") {
                    out.iter_mut().for_each(|v| *v = v.swapped());
                }
                Ok(())
            }
        }
    }
}

impl Member {
    fn decode(&self, page: usize, raw_values: bool, out: &mut [u8]) -> Found<()> {
        let page = &self.pages[page];
        let mut patches =
            vec![if self.big { (8, self.to_bytes(page.directory, 8)) } else { (4, self.to_bytes(page.directory, 4)) }];
        match (page.photometric, page.photometric_slot) {
            (1, _) => {}
            (_, Some(slot)) if raw_values => patches.push((slot, self.to_bytes(1, 2))),
            (0, _) => {}
            _ => {
                return Err(Fault::unsupported("its voxels are numbers of colours in a palette, not brightness"));
            }
        }
        let mut reader = Patched { reader: BufReader::new(File::open(&self.path)?), position: 0, patches };
        let failed = |e: ::tiff::TiffError| match e {
            ::tiff::TiffError::IoError(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => {
                Fault::damaged("its data end before its last voxel (truncated)")
            }
            e => Fault::damaged(format!("it cannot be decoded ({e})")),
        };
        // The sizes were checked against the file's length already.
        let mut decoder = Decoder::new(&mut reader).map_err(failed)?.with_limits(Limits::unlimited());
        decoder.read_image_bytes(out).map_err(failed)
    }

    fn to_bytes(&self, value: u64, n: usize) -> Vec<u8> {
        if self.little_endian { value.to_le_bytes()[..n].to_vec() } else { value.to_be_bytes()[8 - n..].to_vec() }
    }
}
