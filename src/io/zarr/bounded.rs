//! The codecs of an array, held to the bytes that a chunk has: a chunk of a few bytes could otherwise claim, or unpack to, any amount of memory.

use std::any::Any;
use std::borrow::Cow;
use std::io::Read;
use std::num::NonZeroU64;
use std::sync::Arc;

use flate2::bufread::{GzDecoder, ZlibDecoder};
use zarrs::array::codec::api::{PartialDecoderCapability, PartialEncoderCapability};
use zarrs::array::codec::{
    BloscCodec, BytesCodec, Crc32cCodec, GzipCodec, ShardingCodec, ShuffleCodec, TransposeCodec, ZlibCodec, ZstdCodec,
};
use zarrs::array::{
    Array, ArrayBuilder, ArrayBytesRaw, ArrayToBytesCodecTraits, BytesRepresentation, BytesToBytesCodecTraits,
    CodecChain, CodecError, CodecMetadataOptions, CodecOptions, CodecTraits, RecommendedConcurrency,
};
use zarrs::metadata::Configuration;
use zarrs::plugin::{ExtensionName, ZarrVersion};

use crate::io::fault::{Fault, Found};
use crate::io::zarr::declared;
use crate::io::zarr::shards::Shards;
use crate::io::zarr::store::Keys;

/// Bytes beyond twice the voxels that a chunk may take in a file, or between two codecs: what does not compress grows a little.
const CODEC_BYTES: u64 = 1 << 20;

/// No one writes through more codecs than this, one behind the other.
const MAX_CODECS: usize = 8;

/// Deflate makes at most this many bytes of one.
const DEFLATE: u64 = 1032;

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
    for codec in codecs.array_to_array_codecs() {
        if !is::<TransposeCodec>((**codec).as_any()) {
            return Err(unread((**codec).name(ZarrVersion::V3)));
        }
    }
    let to_bytes = codecs.array_to_bytes_codec();
    let to_bytes: Arc<dyn ArrayToBytesCodecTraits> = match (**to_bytes).as_any().downcast_ref::<ShardingCodec>() {
        Some(shards) if may_be_sharded => Arc::new(Shards::new(shards, shape.len(), each)?),
        _ if is::<BytesCodec>((**to_bytes).as_any()) => to_bytes.clone(),
        _ => return Err(unread((**to_bytes).name(ZarrVersion::V3))),
    };
    let compressors = codecs.bytes_to_bytes_codecs();
    if compressors.len() > MAX_CODECS {
        return Err(Fault::damaged(format!(
            "its chunks are written by {} codecs, at most {MAX_CODECS} are read",
            compressors.len()
        )));
    }
    let compressors =
        compressors.iter().map(|codec| Held::new(codec, room(chunk_bytes(shape, each)))).collect::<Found<_>>()?;
    Ok(CodecChain::new(codecs.array_to_array_codecs().to_vec(), to_bytes, compressors))
}

pub(super) fn is<T: Any>(codec: &dyn Any) -> bool {
    codec.is::<T>()
}

pub(super) fn unread(name: Option<Cow<'static, str>>) -> Fault {
    Fault::new(
        format!(
            "its chunks are written by the codec {}, which is not read",
            name.as_deref().unwrap_or("without a name")
        ),
        "write it again compressed by Blosc, gzip, zlib or Zstandard, in shards or not",
    )
}

/// How much a codec may make of little.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Blosc,
    Gzip,
    Zlib,
    Zstd,
    /// No more than it is given.
    Even,
}

/// A codec that never unpacks to more than its chunk may have.
#[derive(Debug)]
struct Held {
    codec: Arc<dyn BytesToBytesCodecTraits>,
    kind: Kind,
    /// Bytes that it may unpack to where the codec before it does not say exactly.
    most: u64,
}

impl Held {
    fn new(codec: &Arc<dyn BytesToBytesCodecTraits>, most: u64) -> Found<Arc<dyn BytesToBytesCodecTraits>> {
        let any = (**codec).as_any();
        let kind = match () {
            () if is::<BloscCodec>(any) => Kind::Blosc,
            () if is::<GzipCodec>(any) => Kind::Gzip,
            () if is::<ZlibCodec>(any) => Kind::Zlib,
            () if is::<ZstdCodec>(any) => Kind::Zstd,
            () if is::<Crc32cCodec>(any) || is::<ShuffleCodec>(any) => Kind::Even,
            () => return Err(unread((**codec).name(ZarrVersion::V3))),
        };
        Ok(Arc::new(Self { codec: codec.clone(), kind, most }))
    }
}

impl ExtensionName for Held {
    fn name(&self, version: ZarrVersion) -> Option<Cow<'static, str>> {
        self.codec.name(version)
    }
}

impl CodecTraits for Held {
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

/// What decodes a part is left to the trait, which decodes the whole: so checksums are compared there too.
impl BytesToBytesCodecTraits for Held {
    fn into_dyn(self: Arc<Self>) -> Arc<dyn BytesToBytesCodecTraits> {
        self
    }

    fn recommended_concurrency(&self, decoded: &BytesRepresentation) -> Result<RecommendedConcurrency, CodecError> {
        self.codec.recommended_concurrency(decoded)
    }

    fn encoded_representation(&self, decoded: &BytesRepresentation) -> BytesRepresentation {
        self.codec.encoded_representation(decoded)
    }

    fn encode<'a>(&self, decoded: ArrayBytesRaw<'a>, options: &CodecOptions) -> Result<ArrayBytesRaw<'a>, CodecError> {
        self.codec.encode(decoded, options)
    }

    fn decode<'a>(
        &self,
        encoded: ArrayBytesRaw<'a>,
        decoded: &BytesRepresentation,
        options: &CodecOptions,
    ) -> Result<ArrayBytesRaw<'a>, CodecError> {
        let most = match *decoded {
            BytesRepresentation::FixedSize(exactly) => exactly,
            BytesRepresentation::BoundedSize(at_most) => at_most.min(self.most),
            BytesRepresentation::UnboundedSize => self.most,
        };
        if encoded.is_empty() {
            return Err(CodecError::Other("has no bytes".into()));
        }
        let declared = match self.kind {
            Kind::Blosc => declared::blosc(&encoded),
            Kind::Zstd => declared::zstd(&encoded),
            Kind::Gzip | Kind::Zlib | Kind::Even => None,
        };
        let name = self.name(ZarrVersion::V3).unwrap_or_default();
        if let Some(declared) = declared.filter(|declared| *declared > most) {
            return Err(CodecError::Other(format!("{name} claims {declared} bytes, allowed are {most}")));
        }
        match self.kind {
            Kind::Gzip => unpacked(&name, GzDecoder::new(&*encoded), encoded.len(), most),
            Kind::Zlib => unpacked(&name, ZlibDecoder::new(&*encoded), encoded.len(), most),
            // Its frames need not say how long they are, and may be many.
            Kind::Zstd => zstd::bulk::decompress(&encoded, usize::try_from(most).unwrap_or(usize::MAX))
                .map(Cow::Owned)
                .map_err(|e| CodecError::Other(format!("{name} cannot be unpacked to the {most} bytes allowed ({e})"))),
            Kind::Blosc | Kind::Even => self.codec.decode(encoded, decoded, options),
        }
    }
}

/// All that a decoder of `packed` bytes gives, at most `most` bytes.
fn unpacked<'a>(name: &str, decoder: impl Read, packed: usize, most: u64) -> Result<ArrayBytesRaw<'a>, CodecError> {
    let mut bytes = Vec::with_capacity(most.min((packed as u64).saturating_mul(DEFLATE)) as usize);
    decoder.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        return Err(CodecError::Other(format!("{name} unpacks to more than the {most} bytes allowed")));
    }
    Ok(Cow::Owned(bytes))
}
