//! A compressor that unpacks to no more than its chunk may have.

use std::any::Any;
use std::borrow::Cow;
use std::io::Read;
use std::sync::Arc;

use flate2::bufread::{GzDecoder, ZlibDecoder};
use zarrs::array::codec::api::{PartialDecoderCapability, PartialEncoderCapability};
use zarrs::array::codec::{BloscCodec, Crc32cCodec, GzipCodec, ShuffleCodec, ZlibCodec, ZstdCodec};
use zarrs::array::{
    ArrayBytesRaw, BytesRepresentation, BytesToBytesCodecTraits, CodecError, CodecMetadataOptions, CodecOptions,
    CodecTraits, RecommendedConcurrency,
};
use zarrs::metadata::Configuration;
use zarrs::plugin::{ExtensionName, ZarrVersion};

use crate::io::fault::Found;
use crate::io::zarr::bounded::unread;

/// Deflate makes at most this many bytes of one.
const DEFLATE: u64 = 1032;

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
pub(super) struct Held {
    codec: Arc<dyn BytesToBytesCodecTraits>,
    kind: Kind,
    /// Bytes that it may unpack to, whatever the codec before it may have written.
    most: u64,
}

impl Held {
    /// A codec whose memory nothing bounds is refused.
    pub(super) fn new(codec: &Arc<dyn BytesToBytesCodecTraits>, most: u64) -> Found<Self> {
        let any = (**codec).as_any();
        let kind = match () {
            () if any.is::<BloscCodec>() => Kind::Blosc,
            () if any.is::<GzipCodec>() => Kind::Gzip,
            () if any.is::<ZlibCodec>() => Kind::Zlib,
            () if any.is::<ZstdCodec>() => Kind::Zstd,
            () if any.is::<Crc32cCodec>() || any.is::<ShuffleCodec>() => Kind::Even,
            () => return Err(unread((**codec).name(ZarrVersion::V3))),
        };
        Ok(Self { codec: codec.clone(), kind, most })
    }

    /// Bytes that a chunk claims to unpack to, if its header says so.
    fn claimed(&self, encoded: &[u8]) -> Option<u64> {
        match self.kind {
            // c-blosc's README_CHUNK_FORMAT: versions, flags and type size, a byte each; then the bytes decoded, 32 bits.
            Kind::Blosc => encoded.get(4..8)?.first_chunk().map(|bytes| u64::from(u32::from_le_bytes(*bytes))),
            Kind::Zstd => zstd::zstd_safe::get_frame_content_size(encoded).ok().flatten(),
            Kind::Gzip | Kind::Zlib | Kind::Even => None,
        }
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

    /// Parts are cut from the whole, which is decoded once, here: so checksums are compared as well.
    fn partial_decoder_capability(&self) -> PartialDecoderCapability {
        PartialDecoderCapability { partial_read: false, partial_decode: false }
    }

    fn partial_encoder_capability(&self) -> PartialEncoderCapability {
        PartialEncoderCapability { partial_encode: false }
    }
}

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
        let name = self.name(ZarrVersion::V3).unwrap_or_default();
        let most = decoded.size().map_or(self.most, |size| size.min(self.most));
        if encoded.is_empty() {
            // Some decoders divide by a length.
            return Err(CodecError::Other(format!("{name} has no bytes")));
        }
        if let Some(claimed) = self.claimed(&encoded).filter(|claimed| *claimed > most) {
            return Err(CodecError::Other(format!("{name} claims {claimed} bytes, allowed are {most}")));
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
