//! How long a chunk says it is once decoded, where its codec lets it say so.

/// Bytes that a chunk of Blosc claims to decode to, for which its decoder asks before it looks at anything else.
///
/// c-blosc's README_CHUNK_FORMAT: versions, flags and type size, a byte each; then the bytes decoded, 32 bits.
pub(super) fn blosc(chunk: &[u8]) -> Option<u64> {
    little_endian(chunk, 4, 4)
}

/// Bytes that the first frame of a chunk of Zstandard claims to decode to; none if it does not say so.
///
/// Frame header of RFC 8878, section 3.1.1.1.
pub(super) fn zstd(header: &[u8]) -> Option<u64> {
    if little_endian(header, 0, 4)? != 0xFD2F_B528 {
        return None;
    }
    let descriptor = *header.get(4)?;
    let single_segment = descriptor & 0x20 != 0;
    let dictionary = [0, 1, 2, 4][usize::from(descriptor & 3)];
    let at = 5 + usize::from(!single_segment) + dictionary;
    match descriptor >> 6 {
        0 if single_segment => little_endian(header, at, 1),
        0 => None,
        1 => little_endian(header, at, 2).map(|n| n + 256),
        2 => little_endian(header, at, 4),
        _ => little_endian(header, at, 8),
    }
}

fn little_endian(bytes: &[u8], at: usize, len: usize) -> Option<u64> {
    bytes.get(at..at + len).map(|bytes| bytes.iter().rev().fold(0, |n, b| n << 8 | u64::from(*b)))
}

#[cfg(test)]
mod tests {
    use crate::io::zarr::declared::{blosc, zstd};

    #[test]
    fn lengths_are_read_from_headers_of_every_form() {
        assert_eq!(blosc(&[2, 1, 33, 2, 70, 0, 0, 0, 70, 0, 0, 0]), Some(70));
        let frame = |rest: &[u8]| zstd(&[&[0x28, 0xB5, 0x2F, 0xFD], rest].concat());
        assert_eq!(frame(&[0x20, 70, 0]), Some(70), "single segment, one byte");
        assert_eq!(frame(&[0x60, 0, 1]), Some(512), "two bytes count from 256");
        assert_eq!(frame(&[0x81, 0x58, 9, 0, 0, 1, 0]), Some(1 << 16), "window, a dictionary of one byte, four bytes");
        assert_eq!(frame(&[0xE0, 0, 0, 0, 0, 0, 1, 0, 0]), Some(1 << 40), "eight bytes");
        assert_eq!(frame(&[0x00, 0x58]), None, "not said");
        assert_eq!((blosc(&[1, 2, 3]), zstd(&[1, 2, 3])), (None, None), "too short a header says nothing");
    }
}
