//! The codecs of an array, held to the bytes that a chunk has: a chunk of a few bytes could otherwise claim, or unpack to, any amount of memory.
//!
//! Only the array that is read gets them: codecs registered for all of `zarrs` would be met by a host of the library that uses it too.

use std::borrow::Cow;
use std::num::NonZeroU64;
use std::sync::Arc;

use zarrs::array::codec::{BytesCodec, ShardingCodec, TransposeCodec};
use zarrs::array::{Array, ArrayBuilder, ArrayToBytesCodecTraits, BytesToBytesCodecTraits, CodecChain};
use zarrs::plugin::ZarrVersion;

use crate::io::fault::{Fault, Found};
use crate::io::zarr::held::Held;
use crate::io::zarr::shards::Shards;
use crate::io::zarr::store::Keys;

/// Bytes beyond twice the voxels that a chunk may take in a file, or between two codecs: what does not compress grows a little.
const CODEC_BYTES: u64 = 1 << 20;

/// No one writes through more codecs than this, one behind the other.
const MAX_CODECS: usize = 8;

/// The most bytes that a chunk of so many bytes of voxels may take while it is encoded.
pub(super) fn room(voxels: u64) -> u64 {
    voxels.saturating_mul(2).saturating_add(CODEC_BYTES)
}

/// Bytes of a chunk of a shape, whose voxels have so many bytes each.
pub(super) fn chunk_bytes(shape: &[NonZeroU64], each: u64) -> u64 {
    shape.iter().fold(each, |n, s| n.saturating_mul(s.get()))
}

/// The array with all its codecs bounded, for chunks of a shape, whose voxels have so many bytes each.
pub(super) fn bounded(array: &Array<Keys>, shape: &[NonZeroU64], each: u64) -> Found<Array<Keys>> {
    let chain = chain(&array.codecs(), shape, each, true)?;
    let (grid, fill_value) = (array.chunk_grid().clone(), array.fill_value().clone());
    ArrayBuilder::new_with_chunk_grid(grid, array.data_type().clone(), fill_value)
        .chunk_key_encoding(array.chunk_key_encoding().clone())
        .storage_transformers(array.storage_transformers().clone())
        .array_to_array_codecs(chain.array_to_array_codecs().to_vec())
        .array_to_bytes_codec(chain.array_to_bytes_codec().clone())
        .bytes_to_bytes_codecs(chain.bytes_to_bytes_codecs().to_vec())
        .build(array.storage(), array.path().as_str())
        .map_err(|e| Fault::damaged(format!("its codecs cannot be understood ({e})")))
}

/// The codecs of chunks, or of the chunks in a shard, bounded. A codec whose memory nothing bounds is refused.
pub(super) fn chain(codecs: &CodecChain, shape: &[NonZeroU64], each: u64, may_be_sharded: bool) -> Found<CodecChain> {
    let count = codecs.array_to_array_codecs().len() + 1 + codecs.bytes_to_bytes_codecs().len();
    if count > MAX_CODECS {
        return Err(Fault::damaged(format!("its chunks are written by {count} codecs, read are at most {MAX_CODECS}")));
    }
    for codec in codecs.array_to_array_codecs() {
        if !(**codec).as_any().is::<TransposeCodec>() {
            return Err(unread((**codec).name(ZarrVersion::V3)));
        }
    }
    let to_bytes = codecs.array_to_bytes_codec();
    let to_bytes: Arc<dyn ArrayToBytesCodecTraits> = match (**to_bytes).as_any().downcast_ref::<ShardingCodec>() {
        Some(shards) if may_be_sharded => Arc::new(Shards::new(shards, shape.len(), each)?),
        _ if (**to_bytes).as_any().is::<BytesCodec>() => to_bytes.clone(),
        _ => return Err(unread((**to_bytes).name(ZarrVersion::V3))),
    };
    let most = room(chunk_bytes(shape, each));
    let held = |codec| Ok(Arc::new(Held::new(codec, most)?) as Arc<dyn BytesToBytesCodecTraits>);
    let compressors = codecs.bytes_to_bytes_codecs().iter().map(held).collect::<Found<_>>()?;
    Ok(CodecChain::new(codecs.array_to_array_codecs().to_vec(), to_bytes, compressors))
}

/// That a codec is not one of those whose memory is bounded.
pub(super) fn unread(name: Option<Cow<'static, str>>) -> Fault {
    Fault::new(
        format!(
            "its chunks are written by the codec {}, which is not read",
            name.as_deref().unwrap_or("without a name")
        ),
        "write it again compressed by Blosc, gzip, zlib or Zstandard, in shards or not",
    )
}
