//! Shards: a chunk that holds chunks, and an index of where they lie, which is looked at before anything is read by it.

use std::any::Any;
use std::borrow::Cow;
use std::num::NonZeroU64;
use std::sync::{Arc, Mutex};

use zarrs::array::codec::api::{PartialDecoderCapability, PartialEncoderCapability};
use zarrs::array::codec::{BytesCodec, Crc32cCodec, ShardingCodec, ShardingCodecConfiguration, ShardingIndexLocation};
use zarrs::array::{
    ArrayBytes, ArrayBytesDecodeIntoTarget, ArrayBytesRaw, ArrayCodecTraits, ArrayPartialDecoderTraits,
    ArrayToBytesCodecTraits, BytesPartialDecoderTraits, BytesRepresentation, ChunkShape, CodecChain, CodecError,
    CodecMetadataOptions, CodecOptions, CodecTraits, DataType, FillValue, RecommendedConcurrency,
};
use zarrs::metadata::Configuration;
use zarrs::metadata::v3::MetadataV3;
use zarrs::plugin::{ExtensionName, ZarrVersion};
use zarrs::storage::byte_range::ByteRange;

use crate::io::fault::{Fault, Found};
use crate::io::zarr::bounded::{chain, chunk_bytes, room, unread};

/// Where a chunk begins and how long it is, in the index.
const ENTRY_BYTES: u64 = 16;

/// A checksum behind the index.
const CHECKSUM_BYTES: u64 = 4;

/// No file is as long as this, and nothing overflows up to here.
const MAX_FILE_BYTES: u64 = i64::MAX as u64;

/// The codec of shards, with an index that may say anything.
#[derive(Debug)]
pub(super) struct Shards {
    codec: Arc<ShardingCodec>,
    /// The shape of the chunks in a shard.
    inner: ChunkShape,
    location: ShardingIndexLocation,
    /// Bytes behind the entries of the index.
    checksums: u64,
    /// Bytes of a voxel.
    each: u64,
}

impl Shards {
    /// For an array of so many axes, whose voxels have so many bytes each.
    pub(super) fn new(codec: &ShardingCodec, axes: usize, each: u64) -> Found<Self> {
        let cannot = |e: &dyn std::fmt::Display| Fault::damaged(format!("its shards cannot be understood ({e})"));
        let said = codec.configuration(ZarrVersion::V3, &CodecMetadataOptions::default());
        let said = MetadataV3::new_with_configuration("sharding_indexed", said.unwrap_or_default());
        let ShardingCodecConfiguration::V1(said) = said.to_typed_configuration().map_err(|e| cannot(&e))? else {
            return Err(cannot(&"their configuration is of an unknown version"));
        };
        let inner = said.chunk_shape;
        if inner.len() != axes {
            return Err(cannot(&format!("their chunks have {} axes, the array {axes}", inner.len())));
        }
        let chunks = CodecChain::from_metadata(&said.codecs).map_err(|e| cannot(&e))?;
        let index = CodecChain::from_metadata(&said.index_codecs).map_err(|e| cannot(&e))?;
        let checksums = index_checksums(&index)?;
        let chunks = Arc::new(chain(&chunks, &inner, each, false)?);
        let location = said.index_location;
        let codec = Arc::new(ShardingCodec::new(inner.clone(), chunks, Arc::new(index), location));
        Ok(Self { codec, inner, location, checksums, each })
    }

    /// How many chunks a shard has along every axis.
    fn per_shard(&self, shape: &[NonZeroU64]) -> Result<ChunkShape, CodecError> {
        let along = shape.iter().zip(&self.inner).map(|(shard, chunk)| {
            let whole = shard.get().is_multiple_of(chunk.get());
            NonZeroU64::new(shard.get() / chunk.get()).filter(|_| whole)
        });
        along.collect::<Option<_>>().ok_or_else(|| {
            CodecError::Other(format!("shards of {shape:?} voxels do not hold whole chunks of {:?}", self.inner))
        })
    }

    /// Refuses an index by which more would be read for a chunk than it may have, or from where no file reaches.
    fn check(&self, index: &[u64]) -> Result<(), CodecError> {
        let most = room(chunk_bytes(&self.inner, self.each));
        for entry in index.chunks_exact(2) {
            let (start, len) = (entry[0], entry[1]);
            // By the standard: a chunk that is not there.
            if start == u64::MAX && len == u64::MAX {
                continue;
            }
            if len > most {
                return Err(CodecError::Other(format!("its index claims a chunk of {len} bytes, allowed are {most}")));
            }
            if start.checked_add(len).is_none_or(|end| end > MAX_FILE_BYTES) {
                return Err(CodecError::Other(format!(
                    "its index claims a chunk at byte {start}, where no file reaches"
                )));
            }
        }
        Ok(())
    }
}

/// Bytes of the checksums of an index; its length must be known beforehand, so nothing else may be behind it.
fn index_checksums(index: &CodecChain) -> Found<u64> {
    if let Some(codec) = index.array_to_array_codecs().first() {
        return Err(unread((**codec).name(ZarrVersion::V3)));
    }
    let to_bytes = index.array_to_bytes_codec();
    if !(**to_bytes).as_any().is::<BytesCodec>() {
        return Err(unread((**to_bytes).name(ZarrVersion::V3)));
    }
    let behind = index.bytes_to_bytes_codecs();
    match behind.iter().find(|codec| !(***codec).as_any().is::<Crc32cCodec>()) {
        Some(codec) => Err(unread((**codec).name(ZarrVersion::V3))),
        None => Ok(behind.len() as u64 * CHECKSUM_BYTES),
    }
}

impl ExtensionName for Shards {
    fn name(&self, version: ZarrVersion) -> Option<Cow<'static, str>> {
        self.codec.name(version)
    }
}

impl CodecTraits for Shards {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn configuration(&self, version: ZarrVersion, options: &CodecMetadataOptions) -> Option<Configuration> {
        self.codec.configuration(version, options)
    }

    fn partial_decoder_capability(&self) -> PartialDecoderCapability {
        self.codec.partial_decoder_capability()
    }

    fn partial_encoder_capability(&self) -> PartialEncoderCapability {
        self.codec.partial_encoder_capability()
    }
}

impl ArrayCodecTraits for Shards {
    fn recommended_concurrency(
        &self,
        shape: &[NonZeroU64],
        data_type: &DataType,
    ) -> Result<RecommendedConcurrency, CodecError> {
        self.codec.recommended_concurrency(shape, data_type)
    }

    fn partial_decode_granularity(&self, shape: &[NonZeroU64]) -> ChunkShape {
        self.codec.partial_decode_granularity(shape)
    }
}

impl ArrayToBytesCodecTraits for Shards {
    fn into_dyn(self: Arc<Self>) -> Arc<dyn ArrayToBytesCodecTraits> {
        self
    }

    fn encoded_representation(
        &self,
        shape: &[NonZeroU64],
        _data_type: &DataType,
        _fill_value: &FillValue,
    ) -> Result<BytesRepresentation, CodecError> {
        Ok(BytesRepresentation::BoundedSize(room(chunk_bytes(shape, self.each))))
    }

    fn encode<'a>(
        &self,
        bytes: ArrayBytes<'a>,
        shape: &[NonZeroU64],
        data_type: &DataType,
        fill_value: &FillValue,
        options: &CodecOptions,
    ) -> Result<ArrayBytesRaw<'a>, CodecError> {
        self.codec.encode(bytes, shape, data_type, fill_value, options)
    }

    fn decode<'a>(
        &self,
        shard: ArrayBytesRaw<'a>,
        shape: &[NonZeroU64],
        data_type: &DataType,
        fill_value: &FillValue,
        options: &CodecOptions,
    ) -> Result<ArrayBytes<'a>, CodecError> {
        self.check(&self.codec.decode_index(&shard, &self.per_shard(shape)?, options)?)?;
        self.codec.decode(shard, shape, data_type, fill_value, options)
    }

    fn decode_into(
        &self,
        shard: ArrayBytesRaw<'_>,
        shape: &[NonZeroU64],
        data_type: &DataType,
        fill_value: &FillValue,
        output: ArrayBytesDecodeIntoTarget<'_>,
        options: &CodecOptions,
    ) -> Result<(), CodecError> {
        self.check(&self.codec.decode_index(&shard, &self.per_shard(shape)?, options)?)?;
        self.codec.decode_into(shard, shape, data_type, fill_value, output, options)
    }

    fn partial_decoder(
        self: Arc<Self>,
        input: Arc<dyn BytesPartialDecoderTraits>,
        shape: &[NonZeroU64],
        data_type: &DataType,
        fill_value: &FillValue,
        options: &CodecOptions,
    ) -> Result<Arc<dyn ArrayPartialDecoderTraits>, CodecError> {
        let per_shard = self.per_shard(shape)?;
        let index_bytes = chunk_bytes(&per_shard, ENTRY_BYTES).saturating_add(self.checksums);
        let input = if input.supports_partial_decode() { input } else { whole(&*input, index_bytes, options)? };
        let index = match self.location {
            ShardingIndexLocation::Start => ByteRange::FromStart(0, Some(index_bytes)),
            ShardingIndexLocation::End => ByteRange::Suffix(index_bytes),
        };
        if let Some(index) = input.partial_decode(index, options)? {
            self.check(&self.codec.decode_index(&index, &per_shard, options)?)?;
        }
        self.codec.clone().partial_decoder(input, shape, data_type, fill_value, options)
    }
}

/// A shard in memory: where a part cannot be read alone, the whole would be read once for every chunk in it.
fn whole(
    input: &dyn BytesPartialDecoderTraits,
    index_bytes: u64,
    options: &CodecOptions,
) -> Result<Arc<dyn BytesPartialDecoderTraits>, CodecError> {
    let shard = input.decode(options)?.map(Cow::into_owned);
    match &shard {
        Some(shard) if (shard.len() as u64) < index_bytes => {
            Err(CodecError::Other(format!("it has {} bytes, its index alone has {index_bytes}", shard.len())))
        }
        _ => Ok(Arc::new(Mutex::new(shard))),
    }
}
