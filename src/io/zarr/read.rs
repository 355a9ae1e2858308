//! Voxels of an OME-Zarr image.

use std::any::Any;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use zarrs::array::{Array, ArraySubset, ElementOwned};
use zarrs::plugin::{ExtensionName as _, ZarrVersion};
use zarrs::storage::ReadableStorageTraits;
use zarrs::storage::byte_range::ByteRange;

use crate::io::fault::{Fault, Found};
use crate::io::memory::MemoryLimit;
use crate::io::source::{Described, Source};
use crate::io::tiff::{Sample, VoxelType, check_numbers};
use crate::io::zarr::declared::{HEADER_BYTES, declared_bytes};
use crate::io::zarr::ome::{Axis, Image, image};
use crate::io::zarr::store::{Store, Version};
use crate::volume::{Shape, Volume, Voxels};

/// More chunks than this in one channel make reading a matter of days.
const MAX_CHUNKS: u64 = 20_000_000;

/// Bytes beyond the chunk itself that a codec may write.
const CODEC_BYTES: u64 = 1 << 20;

type Keys = dyn ReadableStorageTraits;

/// The first level of an OME-Zarr image.
pub(super) struct ZarrStack {
    store: Store,
    image: Image,
    array: Array<Keys>,
    described: Described,
    /// The layer of chunks read last, if it may be kept.
    kept: Mutex<Option<Layer>>,
}

/// All planes of one layer of chunks: decoding a chunk for one plane of it takes as long as for all.
struct Layer {
    of: (usize, usize, usize),
    /// `Vec` of the voxel type.
    voxels: Box<dyn Any + Send>,
}

/// A layer is kept if it takes at most this share of the memory allowed.
const KEPT_SHARE: u64 = 8;

impl ZarrStack {
    pub(super) fn open(path: &Path) -> Found<Self> {
        let store = Store::open(path)?;
        let image = image(&store)?;
        let level = &image.levels[0].path;
        let array = open_array(&store, level)?;
        let shape = array.shape().to_vec();
        if shape.len() != image.axes.len() {
            return Err(Fault::damaged(format!(
                "its array {level} has {} axes, its multiscales {}",
                shape.len(),
                image.axes.len()
            )));
        }
        let along = |axis| image.axes.iter().position(|a| *a == axis).map_or(1, |at| shape[at] as usize);
        let voxel_type = voxel_type(&array)?;
        let (chunk, chunks) = chunks(&array)?;
        let missing = chunks.saturating_sub(store.chunks(level)?);
        let remark = format!("{missing} of {chunks} chunks are not there: their voxels have the array's fill value");
        let described = Described {
            format: match image.version {
                Version::V2 => "OME-Zarr 0.4".into(),
                Version::V3 => "OME-Zarr 0.5".into(),
            },
            slices: along(Axis::Z),
            height: along(Axis::Y),
            width: along(Axis::X),
            voxel_type,
            voxel: image.voxel.clone(),
            channels: along(Axis::Channel),
            times: along(Axis::Time),
            channel_names: if image.channel_names.len() == along(Axis::Channel) {
                image.channel_names.clone()
            } else {
                Vec::new()
            },
            remarks: if missing > 0 { vec![remark] } else { Vec::new() },
            compression: format!("chunks of {chunk}"),
            bytes: store.bytes(level)?,
        };
        Ok(Self { store, image, array, described, kept: Mutex::new(None) })
    }

    /// The part of the array that is planes `z` of one channel at one time point.
    fn subset(&self, channel: usize, time: usize, z: Range<usize>) -> ArraySubset {
        let d = &self.described;
        let ranges = self.image.axes.iter().map(|axis| {
            let range = match axis {
                Axis::Time => time..time + 1,
                Axis::Channel => channel..channel + 1,
                Axis::Z => z.clone(),
                Axis::Y => 0..d.height,
                Axis::X => 0..d.width,
            };
            range.start as u64..range.end as u64
        });
        ArraySubset::new_with_ranges(&ranges.collect::<Vec<_>>())
    }

    /// Planes of a chunk, so that none is decoded twice.
    fn planes_per_chunk(&self) -> usize {
        let at = self.image.axes.iter().position(|a| *a == Axis::Z);
        let origin = vec![0; self.image.axes.len()];
        let chunk = self.array.chunk_shape(&origin).ok();
        at.zip(chunk).map_or(1, |(at, chunk)| (chunk[at].get() as usize).clamp(1, self.described.slices))
    }

    fn volume<T: Sample + ElementOwned>(
        &self,
        (channel, time): (usize, usize),
        planes: Range<usize>,
        limit: MemoryLimit,
    ) -> Found<Volume<T>> {
        let d = &self.described;
        let shape = Shape::new(planes.len(), d.height, d.width).map_err(|e| Fault::damaged(e.to_string()))?;
        let mut voxels: Vec<T> = Vec::new();
        let no_memory = |_| Fault::new("has more voxels than there is memory for", "crop it, or use a larger machine");
        voxels.try_reserve_exact(shape.len()).map_err(no_memory)?;
        let step = self.planes_per_chunk();
        let mut z = planes.start;
        while z < planes.end {
            // Up to the end of a chunk: none is decoded twice for one range.
            let layer = z / step * step..((z / step + 1) * step).min(d.slices);
            let part = z..layer.end.min(planes.end);
            z = part.end;
            if part == layer || self.kept_bytes(limit) == 0 {
                voxels.extend_from_slice(&self.decoded(channel, time, part)?);
                continue;
            }
            let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            let of = (channel, time, layer.start);
            if kept.as_ref().is_none_or(|kept| kept.of != of) {
                *kept = None;
                let decoded: Vec<T> = self.decoded(channel, time, layer.clone())?;
                *kept = Some(Layer { of, voxels: Box::new(decoded) });
            }
            let plane = d.height * d.width;
            let all =
                kept.as_ref().and_then(|kept| kept.voxels.downcast_ref::<Vec<T>>()).map_or(&[][..], Vec::as_slice);
            voxels.extend_from_slice(&all[(part.start - layer.start) * plane..(part.end - layer.start) * plane]);
        }
        Volume::new(shape, voxels).map_err(|e| Fault::damaged(e.to_string()))
    }

    fn decoded<T: Sample + ElementOwned>(&self, channel: usize, time: usize, planes: Range<usize>) -> Found<Vec<T>> {
        let (d, z) = (&self.described, planes.start);
        let subset = self.subset(channel, time, planes);
        self.check_chunks(&subset)?;
        let part = self.array.retrieve_array_subset::<Vec<T>>(&subset);
        let part = part.map_err(|e| Fault::damaged(format!("planes from {z} on cannot be decoded ({e})")))?;
        check_numbers(&part, z, (d.height, d.width))?;
        Ok(part)
    }

    /// Refuses chunks that are much longer than what they decode to, or claim to decode to more than they should: a small file could otherwise claim any amount of
    /// memory.
    fn check_chunks(&self, subset: &ArraySubset) -> Found<()> {
        let cannot = |e: &dyn std::fmt::Display| Fault::damaged(format!("its chunks cannot be found ({e})"));
        let chunks = self.array.chunks_in_array_subset(subset).map_err(|e| cannot(&e))?;
        let codecs = self.array.codecs();
        let names = codecs.bytes_to_bytes_codecs().iter().rev().filter_map(|codec| codec.name(ZarrVersion::V3));
        // A checksum is written behind what the codec before it wrote.
        let last = names.into_iter().find(|name| name != "crc32c");
        for chunk in chunks.iter().flat_map(|c| c.indices().into_iter()) {
            let shape = self.array.chunk_shape(&chunk).map_err(|e| cannot(&e))?;
            let decoded = shape.iter().fold(self.described.voxel_type.bytes(), |n, s| n.saturating_mul(s.get()));
            let key = self.array.chunk_key(&chunk);
            let encoded = self.store.keys.size_key(&key).map_err(|e| cannot(&e))?.unwrap_or(0);
            if encoded > decoded.saturating_mul(2).saturating_add(CODEC_BYTES) {
                return Err(Fault::damaged(format!(
                    "its chunk {key} has {encoded} bytes, {decoded} bytes of voxels are expected"
                )));
            }
            let Some(codec) = last.as_deref().filter(|_| encoded > 0) else { continue };
            let start = ByteRange::FromStart(0, Some(HEADER_BYTES.min(encoded)));
            let header = self.store.keys.get_partial(&key, start).map_err(|e| cannot(&e))?;
            let declared = header.and_then(|header| declared_bytes(codec, &header)).unwrap_or(0);
            if declared > decoded.saturating_add(CODEC_BYTES) {
                return Err(Fault::damaged(format!(
                    "its chunk {key} claims {declared} bytes, {decoded} bytes of voxels are expected"
                )));
            }
        }
        Ok(())
    }
}

pub(super) fn open_array(store: &Store, path: &str) -> Found<Array<Keys>> {
    Array::open(store.keys.clone(), &format!("/{path}"))
        .map_err(|e| Fault::damaged(format!("its array {path} cannot be opened ({e})")))
}

fn voxel_type(array: &Array<Keys>) -> Found<VoxelType> {
    let name = array.data_type().name(ZarrVersion::V3).unwrap_or_default();
    match name.as_ref() {
        "uint8" => Ok(VoxelType::U8),
        "uint16" => Ok(VoxelType::U16),
        "int16" => Ok(VoxelType::I16),
        "float32" => Ok(VoxelType::F32),
        other => Err(Fault::new(
            format!("its voxels are {other}; read are uint8, uint16, int16 and float32"),
            "write it again as one of these",
        )),
    }
}

/// The shape of a chunk as text, and how many there are; refused if a chunk or their number is absurd.
fn chunks(array: &Array<Keys>) -> Found<(String, u64)> {
    let cannot = |e: &dyn std::fmt::Display| Fault::damaged(format!("its chunks cannot be understood ({e})"));
    let shape = array.chunk_shape(&vec![0; array.dimensionality()]).map_err(|e| cannot(&e))?;
    let count = array.chunk_grid_shape().iter().try_fold(1_u64, |n, &c| n.checked_mul(c));
    let text = shape.iter().map(|s| s.get().to_string()).collect::<Vec<_>>().join(" x ");
    match count {
        Some(count) if count <= MAX_CHUNKS => Ok((text, count)),
        _ => Err(Fault::new(
            format!("its {:?} voxels lie in chunks of {text}: more than {MAX_CHUNKS} chunks", array.shape()),
            "write it again in larger chunks",
        )),
    }
}

impl Source for ZarrStack {
    fn described(&self) -> &Described {
        &self.described
    }

    fn read(&self, channel: usize, time: usize, z: Range<usize>, limit: MemoryLimit) -> Found<Voxels> {
        let origin = vec![0; self.array.dimensionality()];
        let shape = self.array.chunk_shape(&origin).map_err(|e| Fault::damaged(e.to_string()))?;
        let bytes = shape.iter().fold(self.described.voxel_type.bytes(), |n, s| n.saturating_mul(s.get()));
        limit.check("one chunk of the OME-Zarr", bytes).map_err(|e| Fault::damaged(e.to_string()))?;
        Ok(match self.described.voxel_type {
            VoxelType::U8 => Voxels::U8(self.volume((channel, time), z, limit)?),
            VoxelType::U16 => Voxels::U16(self.volume((channel, time), z, limit)?),
            VoxelType::I16 => Voxels::I16(self.volume((channel, time), z, limit)?),
            VoxelType::F32 => Voxels::F32(self.volume((channel, time), z, limit)?),
        })
    }

    fn kept_bytes(&self, limit: MemoryLimit) -> u64 {
        let d = &self.described;
        let layer = (self.planes_per_chunk() * d.height * d.width) as u64 * d.voxel_type.bytes();
        if layer <= limit.0 / KEPT_SHARE { layer } else { 0 }
    }

    fn files(&self) -> Found<Vec<PathBuf>> {
        self.store.files(&self.image.levels[0].path)
    }
}
