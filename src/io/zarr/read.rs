//! Voxels of an OME-Zarr image.

use std::any::Any;
use std::num::NonZeroU64;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use zarrs::array::{Array, ArrayError, ArraySubset, ChunkShape, ElementOwned};
use zarrs::plugin::{ExtensionName as _, ZarrVersion};

use crate::io::fault::{Fault, Found};
use crate::io::memory::MemoryLimit;
use crate::io::source::{Described, Source};
use crate::io::tiff::{Sample, VoxelType, check_numbers};
use crate::io::zarr::bounded::{bounded, chunk_bytes, room};
use crate::io::zarr::ome::{Axis, Image, image};
use crate::io::zarr::store::{Keys, Store, Version};
use crate::volume::{Shape, Volume, Voxels};

/// More chunks than this in one channel make reading a matter of days.
const MAX_CHUNKS: u64 = 20_000_000;

/// The first level of an OME-Zarr image.
pub(super) struct ZarrStack {
    store: Store,
    image: Image,
    array: Array<Keys>,
    described: Described,
    /// Voxels of one chunk.
    chunk_bytes: u64,
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
        let array = store.array(level)?;
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
        let array = bounded(&array, &chunk, voxel_type.bytes())?;
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
            compression: format!("chunks of {}", by(&chunk)),
            bytes: store.bytes(level)?,
        };
        let chunk_bytes = chunk_bytes(&chunk, voxel_type.bytes());
        Ok(Self { store, image, array, described, chunk_bytes, kept: Mutex::new(None) })
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
        let part = part.map_err(|e| {
            Fault::damaged(format!("planes from {z} on cannot be decoded ({})", self.damaged_chunk::<T>(&subset, &e)))
        })?;
        check_numbers(&part, z, (d.height, d.width))?;
        Ok(part)
    }

    /// Refuses chunks that are much longer than what they decode to: they would be read whole before they are looked at.
    fn check_chunks(&self, subset: &ArraySubset) -> Found<()> {
        let decoded = self.chunk_bytes;
        for chunk in self.chunks(subset)? {
            let key = self.array.chunk_key(&chunk);
            let cannot = |e| Fault::damaged(format!("its chunk {key} cannot be found ({e})"));
            let encoded = self.store.keys.size_key(&key).map_err(cannot)?.unwrap_or(0);
            if encoded > room(decoded) {
                return Err(Fault::damaged(format!(
                    "its chunk {key} has {encoded} bytes, {decoded} bytes of voxels are expected"
                )));
            }
        }
        Ok(())
    }

    /// Which of the chunks that were to be decoded cannot be, and why. They are decoded one by one, so that the first is named whatever thread met its fault first.
    fn damaged_chunk<T: ElementOwned>(&self, subset: &ArraySubset, met: &ArrayError) -> String {
        let fault = |chunk: &[u64]| {
            let (whole, key) = (self.array.chunk_subset(chunk).ok()?, self.array.chunk_key(chunk));
            let part = whole.overlap(subset).ok()?.relative_to(whole.start()).ok()?;
            let e = self.array.retrieve_chunk_subset::<Vec<T>>(chunk, &part).err()?;
            Some(format!("its chunk {key}: {e}"))
        };
        let chunks = self.chunks(subset).unwrap_or_default();
        chunks.iter().find_map(|chunk| fault(chunk)).unwrap_or_else(|| met.to_string())
    }

    /// The chunks that a part of the array lies in.
    fn chunks(&self, subset: &ArraySubset) -> Found<Vec<Vec<u64>>> {
        let chunks = self.array.chunks_in_array_subset(subset);
        let chunks = chunks.map_err(|e| Fault::damaged(format!("its chunks cannot be found ({e})")))?;
        Ok(chunks.iter().flat_map(|c| c.indices().into_iter()).map(|chunk| chunk.to_vec()).collect())
    }
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

/// The shape of the chunks, and how many there are; refused if they are not all alike, or if their number is absurd.
fn chunks(array: &Array<Keys>) -> Found<(ChunkShape, u64)> {
    let grid = array.chunk_grid().metadata();
    if grid.name() != "regular" {
        return Err(Fault::new(
            format!("its chunks lie in a grid of kind {:?}, which is not read", grid.name()),
            "write it again in chunks of one size",
        ));
    }
    let shape = array.chunk_shape(&vec![0; array.dimensionality()]);
    let shape = shape.map_err(|e| Fault::damaged(format!("its chunks cannot be understood ({e})")))?;
    let count = array.chunk_grid_shape().iter().try_fold(1_u64, |n, &c| n.checked_mul(c));
    match count {
        Some(count) if count <= MAX_CHUNKS => Ok((shape, count)),
        _ => Err(Fault::new(
            format!("its {:?} voxels lie in chunks of {}: more than {MAX_CHUNKS} chunks", array.shape(), by(&shape)),
            "write it again in larger chunks",
        )),
    }
}

/// A shape as text.
fn by(shape: &[NonZeroU64]) -> String {
    shape.iter().map(NonZeroU64::to_string).collect::<Vec<_>>().join(" x ")
}

impl Source for ZarrStack {
    fn described(&self) -> &Described {
        &self.described
    }

    fn read(&self, channel: usize, time: usize, z: Range<usize>, limit: MemoryLimit) -> Found<Voxels> {
        let fits = limit.check("one chunk of the OME-Zarr", self.chunk_bytes);
        fits.map_err(|e| Fault::damaged(e.to_string()))?;
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
